//! Jobs, their times and partitions.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Moment, Run};
use crate::schedule::job::Definition;
use crate::schedule::service::{JobView, Service, ServiceError};
use crate::schedule::store;
use crate::schedule::store::{JobState, RunState};

/// A job.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Job {
    /// Its name.
    #[schema(example = "flights")]
    pub(crate) name: String,
    /// The file that defines it.
    pub(crate) file: String,
    /// What it is for.
    pub(crate) description: Option<String>,
    /// Its pipeline.
    pub(crate) pipeline: Option<String>,
    /// What is wrong with its file as it is now; the last good version stays in force.
    pub(crate) problem: Option<String>,
    /// Whether its file is there: `present` or `gone`.
    #[schema(value_type = String)]
    pub(crate) state: JobState,
    /// Since when it is paused.
    pub(crate) paused: Option<Moment>,
    /// Whether its file pauses it.
    pub(crate) paused_by_file: bool,
    /// The time zone of its schedule or its partitions, by its name in the IANA database.
    #[schema(example = "Europe/Berlin")]
    pub(crate) zone: String,
    /// Whether it is run for days, months or files.
    pub(crate) partitioned: bool,
    /// The hash of the definition in force.
    pub(crate) definition: Option<String>,
    /// When it is due next.
    pub(crate) next: Option<Moment>,
    /// Its last run.
    pub(crate) last: Option<Run>,
    /// Its last run that ended well.
    pub(crate) last_success: Option<Run>,
    /// How many of its runs wait.
    pub(crate) waiting: u32,
    /// How many are starting or running.
    pub(crate) working: u32,
    /// When any of this changed last.
    pub(crate) changed: Moment,
}

impl From<JobView> for Job {
    fn from(view: JobView) -> Self {
        let definition = view.definition.as_deref();
        let overview = view.overview;
        let job = overview.job;
        Self {
            description: definition.and_then(|definition| definition.description.clone()),
            pipeline: definition.map(|definition| definition.pipeline.display().to_string()),
            name: job.name,
            file: job.file,
            problem: job.problem,
            state: job.state,
            paused: job.paused.map(Moment),
            paused_by_file: definition.is_some_and(|definition| definition.paused),
            zone: definition.map_or(TimeZone::UTC, Definition::zone).iana_name().unwrap_or("UTC").to_owned(),
            partitioned: definition.is_some_and(|definition| definition.partitions.is_some()),
            definition: job.definition,
            next: view.next.map(Moment),
            last: overview.last.map(Run::from),
            last_success: overview.last_success.map(Run::from),
            waiting: overview.waiting,
            working: overview.working,
            changed: Moment(job.changed),
        }
    }
}

/// A job with the text of its definition.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct JobInFull {
    /// The job.
    #[serde(flatten)]
    pub(crate) job: Job,
    /// The text of the definition in force, as it was written: with references to secrets, not secrets.
    pub(crate) text: Option<String>,
}

impl JobInFull {
    /// A job of a service.
    ///
    /// Errors: there is none; the database.
    pub(crate) fn of(service: &Service, name: &str) -> Result<Self, ServiceError> {
        let view = service.job(name)?;
        let hash = view.overview.job.definition.as_ref();
        let text = hash.map(|hash| service.store().definition(hash)).transpose()?;
        Ok(Self { job: view.into(), text })
    }
}

/// A time at which a job was to run.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Occurrence {
    /// Its time.
    pub(crate) scheduled: Moment,
    /// What became of it: `due`, `started`, `skipped`, `dropped`.
    #[schema(value_type = String)]
    pub(crate) outcome: store::Outcome,
    /// Why it was skipped or dropped.
    pub(crate) reason: Option<String>,
    /// Its first run.
    pub(crate) run: Option<String>,
    /// When it was recorded.
    pub(crate) recorded: Moment,
}

impl From<store::Occurrence> for Occurrence {
    fn from(each: store::Occurrence) -> Self {
        Self {
            scheduled: Moment(each.scheduled),
            outcome: each.outcome,
            reason: each.reason,
            run: each.run.map(|run| run.to_string()),
            recorded: Moment(each.recorded),
        }
    }
}

/// A partition of a job that was run.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Partition {
    /// Its key.
    pub(crate) key: String,
    /// The state of its last run.
    #[schema(value_type = String)]
    pub(crate) state: RunState,
    /// That run.
    pub(crate) run: String,
    /// When a run of it last ended well.
    pub(crate) succeeded: Option<Moment>,
    /// When its state changed.
    pub(crate) changed: Moment,
}

impl From<store::Partition> for Partition {
    fn from(each: store::Partition) -> Self {
        Self {
            key: each.key,
            state: each.state,
            run: each.run.to_string(),
            succeeded: each.succeeded.map(Moment),
            changed: Moment(each.changed),
        }
    }
}

/// A page of partitions.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Partitions {
    /// In the order of their keys.
    pub(crate) items: Vec<Partition>,
    /// What to give as `after` for the next page; null on the last one.
    pub(crate) next: Option<String>,
}

/// A page of keys of partitions.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Keys {
    /// In their order: by time, or by path. None for a job without partitions.
    #[schema(example = json!(["2026-01-01", "2026-01-02"]))]
    pub(crate) keys: Vec<String>,
    /// What to give as `after` for the next page; null on the last one.
    pub(crate) next: Option<String>,
}

/// Times at which a job is due.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Times {
    /// The times, the next one first; none without a schedule.
    pub(crate) next: Vec<Moment>,
}

impl From<Vec<Timestamp>> for Times {
    fn from(times: Vec<Timestamp>) -> Self {
        Self { next: times.into_iter().map(Moment).collect() }
    }
}

/// A page of occurrences.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Occurrences {
    /// The latest first.
    pub(crate) items: Vec<Occurrence>,
    /// What to give as `before` for the next page; null on the last one.
    pub(crate) next: Option<Moment>,
}
