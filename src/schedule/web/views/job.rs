//! Jobs, their times and partitions.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Moment, Run};
use crate::schedule::service::JobView;
use crate::schedule::store;

/// A job.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Job {
    /// Its name.
    #[schema(example = "flights")]
    name: String,
    /// The file that defines it.
    file: String,
    /// What it is for.
    description: Option<String>,
    /// Its pipeline.
    pipeline: Option<String>,
    /// What is wrong with its file as it is now; the last good version stays in force.
    problem: Option<String>,
    /// Whether its file is there: `present` or `gone`.
    state: &'static str,
    /// Since when it is paused.
    paused: Option<Moment>,
    /// The hash of the definition in force.
    definition: Option<String>,
    /// When it is due next.
    next: Option<Moment>,
    /// Its last run.
    last: Option<Run>,
    /// Its last run that ended well.
    last_success: Option<Run>,
    /// How many of its runs wait.
    waiting: u32,
    /// How many are starting or running.
    working: u32,
    /// When any of this changed last.
    changed: Moment,
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
            state: job.state.word(),
            paused: job.paused.map(Moment),
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
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobInFull {
    /// The job.
    #[serde(flatten)]
    pub(crate) job: Job,
    /// The text of the definition in force, as it was written: with references to secrets, not secrets.
    pub(crate) text: Option<String>,
}

/// A time at which a job was to run.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Occurrence {
    /// Its time.
    scheduled: Moment,
    /// What became of it: `due`, `started`, `skipped`, `dropped`.
    outcome: &'static str,
    /// Why it was skipped or dropped.
    reason: Option<String>,
    /// Its first run.
    run: Option<String>,
    /// When it was recorded.
    recorded: Moment,
}

impl From<store::Occurrence> for Occurrence {
    fn from(each: store::Occurrence) -> Self {
        Self {
            scheduled: Moment(each.scheduled),
            outcome: each.outcome.word(),
            reason: each.reason,
            run: each.run.map(|run| run.to_string()),
            recorded: Moment(each.recorded),
        }
    }
}

/// A partition of a job that was run.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Partition {
    /// Its key.
    key: String,
    /// The state of its last run.
    state: &'static str,
    /// That run.
    run: String,
    /// When a run of it last ended well.
    succeeded: Option<Moment>,
    /// When its state changed.
    changed: Moment,
}

impl From<store::Partition> for Partition {
    fn from(each: store::Partition) -> Self {
        Self {
            key: each.key,
            state: each.state.word(),
            run: each.run.to_string(),
            succeeded: each.succeeded.map(Moment),
            changed: Moment(each.changed),
        }
    }
}
