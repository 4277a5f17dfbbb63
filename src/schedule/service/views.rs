//! What is asked for and what is answered.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use crate::schedule::job::Definition;
use crate::schedule::store::{Object, Origin, Overview};

/// A job as pages and lists show it.
#[derive(Debug, Clone)]
pub struct JobView {
    /// The job with its last runs.
    pub overview: Overview,
    /// Its last good definition; none when its file never was good.
    pub definition: Option<Arc<Definition>>,
    /// When its schedule fires next; none without a schedule, while it is paused, and when its file is gone.
    pub next: Option<Timestamp>,
}

/// A run that somebody asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRequest {
    /// The job.
    pub job: String,
    /// Chosen by who asks: repeated, it is the same run. Without one each request is a run.
    pub key: Option<String>,
    /// Parameters beside and before those of the job.
    pub parameters: Object,
    /// The partition, for a job that has some.
    pub partition: Option<String>,
    /// `Manual` for a person, `Api` for a program.
    pub origin: Origin,
}

/// A backfill that somebody asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct BackfillRequest {
    /// The job.
    pub job: String,
    /// Chosen by who asks: repeated, it is the same backfill.
    pub key: Option<String>,
    /// The first partition; without it from the first there is.
    pub from: Option<String>,
    /// The last one; without it up to the last there is.
    pub to: Option<String>,
    /// How many runs at a time, at least 1.
    pub parallelism: u32,
    /// Whether partitions that have ended well are run too.
    pub again: bool,
    /// Parameters beside and before those of the job.
    pub parameters: Object,
}

/// A part of a run's log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LogPart {
    /// Whole lines, each an object of JSON.
    pub lines: Vec<String>,
    /// Where the next part begins, in bytes.
    pub next: u64,
    /// Whether nothing more comes: the run has ended, and this reaches to the end.
    pub ended: bool,
}

/// How the server is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Health {
    /// Its loop turns.
    pub alive: bool,
    /// It takes and starts work.
    pub ready: bool,
    /// What is not as it should be, each a sentence.
    pub reasons: Vec<String>,
    /// Runs that wait.
    pub queue: u64,
    /// Runs at work.
    pub working: u64,
}
