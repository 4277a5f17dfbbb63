//! Runs.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::Moment;
use crate::schedule::store;
use crate::schedule::store::{Object, RunState};

/// A run: one attempt at a job.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Run {
    /// Its place in the order in which runs were asked for; pages go by it.
    number: i64,
    /// Its name.
    #[schema(example = "20261127-173632-00000042")]
    id: String,
    /// Its job.
    job: String,
    /// What asked for it: `schedule`, `interval`, `file`, `job`, `manual`, `api`, `backfill`.
    origin: &'static str,
    /// Where it stands: `queued`, `starting`, `running`, `succeeded`, `failed`, `cancelled`, `timed_out`, `lost`.
    state: &'static str,
    /// The time of its occurrence.
    scheduled: Option<Moment>,
    /// Its partition.
    partition: Option<String>,
    /// The backfill that it belongs to.
    backfill: Option<i64>,
    /// The run of another job whose success asked for it.
    cause: Option<String>,
    /// From 1.
    attempt: u32,
    /// The first attempt.
    root: String,
    /// The attempt before.
    retry_of: Option<String>,
    /// The hash of the definition that it works by.
    definition: String,
    /// As they were written: references to secrets, not secrets.
    #[schema(value_type = std::collections::BTreeMap<String, Value>)]
    parameters: Object,
    /// Who asked for it.
    requested_by: String,
    /// Why it is to end early: `cancel`, `replaced`, `timeout`.
    stop: Option<&'static str>,
    /// Who wants that.
    stop_by: Option<String>,
    /// When it was asked for.
    queued: Moment,
    /// Not to be started earlier.
    not_before: Option<Moment>,
    /// When its worker began.
    started: Option<Moment>,
    /// When it ended.
    ended: Option<Moment>,
    /// The exit code of its worker.
    exit_code: Option<i32>,
    /// What a person should know of its end.
    message: Option<String>,
    /// Rows, quality, accuracy, and what else is followed over runs.
    #[schema(value_type = std::collections::BTreeMap<String, Value>)]
    metrics: Object,
}

impl From<store::Run> for Run {
    fn from(run: store::Run) -> Self {
        Self {
            number: run.number,
            id: run.id.to_string(),
            job: run.job,
            origin: run.origin.word(),
            state: run.state.word(),
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
            stop: run.stop.map(store::StopReason::word),
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
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunInFull {
    /// The run.
    #[serde(flatten)]
    pub(crate) run: Run,
    /// All attempts, the first one first, by name.
    pub(crate) attempts: Vec<String>,
    /// The stages of a run at work.
    pub(crate) live: Option<Value>,
}

/// What became of the wish to stop a run.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Stopped {
    /// `ended`: it waited, and has ended. `asked`: it works, and is asked to end. `asked_before`, `ended_before`: nothing changed.
    outcome: &'static str,
    /// For `asked_before`, why it was asked then; for `ended_before`, its state.
    was: Option<&'static str>,
}

impl From<store::Stopped> for Stopped {
    fn from(stopped: store::Stopped) -> Self {
        let (outcome, was) = match stopped {
            store::Stopped::Ended => ("ended", None),
            store::Stopped::Asked => ("asked", None),
            store::Stopped::AskedBefore(reason) => ("asked_before", Some(reason.word())),
            store::Stopped::EndedBefore(state) => ("ended_before", Some(RunState::word(state))),
        };
        Self { outcome, was }
    }
}

/// What is wanted of a new run.
#[derive(Debug, Default, Deserialize, ToSchema)]
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
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Accepted {
    /// The run's name.
    pub(crate) run: String,
    /// Whether it is new; false when an earlier request with the same key asked for it.
    pub(crate) fresh: bool,
}
