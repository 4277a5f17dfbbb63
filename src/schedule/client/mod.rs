//! Asking the scheduler for something from the command line: of a folder on this machine, or of a server by its API.
//!
//! ```text
//! gristmill jobs .. --> Client --+-- Local:  Service, the folder's database
//!                                '-- Remote: HTTP, a server's API
//! ```
//!
//! Both answer in the words of the API ([`views`](crate::schedule::web)), so a command prints the same whichever it asks.

mod error;
mod local;
mod remote;

use std::fmt;

use jiff::Timestamp;

pub(crate) use error::{Cause, ClientError, Result};
pub(crate) use local::Local;
pub(crate) use remote::{Remote, Settings};

pub(crate) use super::web::views::{
    Accepted, Backfill, Health, Job, JobInFull, LogPart, Outcome, Page, Partition, Promotion, Run, RunInFull, Stopped,
};

use super::service::{BackfillRequest, RunRequest};
use super::store::RunFilter;

/// Who is asked. All calls block; a change may be asked for again after an answer that did not come.
pub(crate) trait Client: fmt::Debug {
    /// The moment that it is now.
    fn now(&self) -> Timestamp;
    /// Whether a server works through what is asked for.
    fn is_served(&self) -> bool;
    /// How the server is, or what waits for one.
    fn health(&self) -> Result<Health>;

    /// All jobs by name.
    fn jobs(&self) -> Result<Vec<Job>>;
    /// A job, with the text of its definition.
    fn job(&self, name: &str) -> Result<JobInFull>;
    /// When a job is due next by its schedule.
    fn next(&self, job: &str, count: usize) -> Result<Vec<Timestamp>>;
    /// The keys of all partitions that a job has now.
    fn keys(&self, job: &str) -> Result<Vec<String>>;
    /// The partitions of a job that were run.
    fn partitions(&self, job: &str) -> Result<Vec<Partition>>;
    /// Pauses a job; whether it was not paused before.
    fn pause(&self, job: &str) -> Result<bool>;
    /// Ends the pause of a job; whether there was one.
    fn resume(&self, job: &str) -> Result<bool>;

    /// Asks for a run.
    fn submit(&self, request: RunRequest) -> Result<Accepted>;
    /// A page of runs, the latest first.
    fn runs(&self, filter: &RunFilter, before: Option<i64>, limit: usize) -> Result<Page<Run>>;
    /// A run, with the names of its attempts.
    fn run(&self, id: &str) -> Result<RunInFull>;
    /// A part of a run's log.
    fn log(&self, id: &str, from: u64, most: usize) -> Result<LogPart>;
    /// Asks a run to end.
    fn cancel(&self, id: &str) -> Result<Stopped>;

    /// Asks for a backfill.
    fn backfill(&self, request: BackfillRequest) -> Result<Backfill>;
    /// Backfills of all jobs, the latest first.
    fn backfills(&self, limit: usize) -> Result<Vec<Backfill>>;
    /// Stops a backfill; whether it was running.
    fn stop_backfill(&self, number: i64) -> Result<bool>;
    /// Goes on with a backfill; whether it was not running.
    fn resume_backfill(&self, number: i64) -> Result<bool>;

    /// The current versions of all models and outputs.
    fn models(&self) -> Result<Vec<Promotion>>;
    /// The verdicts on one of them, the latest first; none where there never was one.
    fn model(&self, name: &str, limit: usize) -> Result<Vec<Promotion>>;
    /// Makes an earlier version the current one again.
    fn restore(&self, number: i64) -> Result<Promotion>;
}

/// All items of a list that comes in pages by a key.
fn all_pages<T>(mut page: impl FnMut(Option<&str>) -> Result<(Vec<T>, Option<String>)>) -> Result<Vec<T>> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let (items, next) = page(after.as_deref())?;
        all.extend(items);
        match next {
            // A list that leads back would never end.
            Some(next) if Some(&next) != after.as_ref() => after = Some(next),
            _ => return Ok(all),
        }
    }
}
