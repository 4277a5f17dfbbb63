//! Runs.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::Moment;
use crate::schedule::service::{Service, ServiceError};
use crate::schedule::store;
use crate::schedule::store::{Object, Origin, RunId, RunState, StopReason, Submitted};

/// A run: one attempt at a job.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Run {
    /// Its place in the order in which runs were asked for; pages go by it.
    pub(crate) number: i64,
    /// Its name.
    #[schema(example = "20261127-173632-00000042")]
    pub(crate) id: String,
    /// Its job.
    pub(crate) job: String,
    /// What asked for it: `schedule`, `interval`, `file`, `job`, `manual`, `api`, `backfill`.
    #[schema(value_type = String)]
    pub(crate) origin: Origin,
    /// Where it stands: `queued`, `starting`, `running`, `succeeded`, `failed`, `cancelled`, `timed_out`, `lost`.
    #[schema(value_type = String)]
    pub(crate) state: RunState,
    /// The time of its occurrence.
    pub(crate) scheduled: Option<Moment>,
    /// Its partition.
    pub(crate) partition: Option<String>,
    /// The backfill that it belongs to.
    pub(crate) backfill: Option<i64>,
    /// The run of another job whose success asked for it.
    pub(crate) cause: Option<String>,
    /// From 1.
    pub(crate) attempt: u32,
    /// The first attempt.
    pub(crate) root: String,
    /// The attempt before.
    pub(crate) retry_of: Option<String>,
    /// The hash of the definition that it works by.
    pub(crate) definition: String,
    /// As they were written: references to secrets, not secrets.
    #[schema(value_type = std::collections::BTreeMap<String, Value>)]
    pub(crate) parameters: Object,
    /// Who asked for it.
    pub(crate) requested_by: String,
    /// Why it is to end early: `cancel`, `replaced`, `timeout`.
    #[schema(value_type = Option<String>)]
    pub(crate) stop: Option<StopReason>,
    /// Who wants that.
    pub(crate) stop_by: Option<String>,
    /// When it was asked for.
    pub(crate) queued: Moment,
    /// Not to be started earlier.
    pub(crate) not_before: Option<Moment>,
    /// When its worker began.
    pub(crate) started: Option<Moment>,
    /// When it ended.
    pub(crate) ended: Option<Moment>,
    /// The exit code of its worker.
    pub(crate) exit_code: Option<i32>,
    /// What a person should know of its end.
    pub(crate) message: Option<String>,
    /// Rows, quality, accuracy, and what else is followed over runs.
    #[schema(value_type = std::collections::BTreeMap<String, Value>)]
    pub(crate) metrics: Object,
}

impl From<store::Run> for Run {
    fn from(run: store::Run) -> Self {
        Self {
            number: run.number,
            id: run.id.to_string(),
            job: run.job,
            origin: run.origin,
            state: run.state,
            scheduled: run.scheduled.map(Moment),
            partition: run.partition,
            backfill: run.backfill,
            cause: run.cause.map(|cause| cause.to_string()),
            attempt: run.attempt,
            root: run.root.to_string(),
            retry_of: run.retry_of.map(|before| before.to_string()),
            definition: run.definition,
            parameters: run.parameters,
            requested_by: run.requested_by,
            stop: run.stop,
            stop_by: run.stop_by,
            queued: Moment(run.queued),
            not_before: run.not_before.map(Moment),
            started: run.started.map(Moment),
            ended: run.ended.map(Moment),
            exit_code: run.exit_code,
            message: run.message,
            metrics: run.metrics,
        }
    }
}

/// A run with its attempts and, while it works, its stages.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct RunInFull {
    /// The run.
    #[serde(flatten)]
    pub(crate) run: Run,
    /// All attempts, the first one first, by name.
    pub(crate) attempts: Vec<String>,
    /// The stages of a run at work.
    pub(crate) live: Option<Value>,
}

impl RunInFull {
    /// A run of a service.
    ///
    /// Errors: there is none; the database.
    pub(crate) fn of(service: &Service, id: &RunId) -> Result<Self, ServiceError> {
        let run = service.store().run(id)?;
        let attempts = service.store().attempts(id)?;
        // What it does is numbers and names: it can always be written.
        let live = service.live(id).and_then(|live| serde_json::to_value(live).ok());
        let attempts = attempts.iter().map(|each| each.id.to_string()).collect();
        Ok(Self { run: run.into(), attempts, live })
    }
}

/// What becomes of the wish to stop a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// It waited, and has ended.
    Ended,
    /// It works, and is asked to end.
    Asked,
    /// It was asked to end before.
    AskedBefore,
    /// It had ended before.
    EndedBefore,
}

/// What became of the wish to stop a run.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Stopped {
    /// `ended`: it waited, and has ended. `asked`: it works, and is asked to end. `asked_before`, `ended_before`: nothing changed.
    #[schema(value_type = String)]
    pub(crate) outcome: Outcome,
    /// For `asked_before`, why it was asked then; for `ended_before`, its state.
    pub(crate) was: Option<String>,
}

impl Stopped {
    /// The state in which it had ended before.
    pub(crate) fn state(&self) -> Option<RunState> {
        self.was.as_deref().and_then(|was| RunState::ALL.iter().copied().find(|state| state.word() == was))
    }
}

impl From<store::Stopped> for Stopped {
    fn from(stopped: store::Stopped) -> Self {
        let (outcome, was) = match stopped {
            store::Stopped::Ended => (Outcome::Ended, None),
            store::Stopped::Asked => (Outcome::Asked, None),
            store::Stopped::AskedBefore(reason) => (Outcome::AskedBefore, Some(reason.word())),
            store::Stopped::EndedBefore(state) => (Outcome::EndedBefore, Some(state.word())),
        };
        Self { outcome, was: was.map(str::to_owned) }
    }
}

/// What is wanted of a new run.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct WantedRun {
    /// Parameters in place of those in the job's file.
    #[schema(value_type = std::collections::BTreeMap<String, Value>)]
    pub(crate) parameters: Object,
    /// The partition, where the job has some.
    #[schema(min_length = 1, max_length = 1000, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*$")]
    pub(crate) partition: Option<String>,
}

/// A run that was asked for.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Accepted {
    /// The run's name.
    pub(crate) run: String,
    /// Whether it is new; false when an earlier request with the same key asked for it.
    pub(crate) fresh: bool,
}

impl From<Submitted> for Accepted {
    fn from(submitted: Submitted) -> Self {
        Self { run: submitted.run.to_string(), fresh: submitted.fresh }
    }
}
