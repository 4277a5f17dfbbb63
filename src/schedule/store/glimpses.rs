//! Runs as pictures show them: many at a time, without what was asked for with them and what they left.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::Row;
use serde_json::Value;

use super::error::Result;
use super::run::RunState;
use super::value::{Micros, RunId, moment, moment_or_none};
use super::{Store, longest};

/// What a picture shows of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Glimpse {
    /// Its place in the order in which runs were asked for.
    pub number: i64,
    /// Its name.
    pub id: RunId,
    /// Its job.
    pub job: String,
    /// Its partition.
    pub partition: Option<String>,
    /// From 1.
    pub attempt: u32,
    /// Where it stands.
    pub state: RunState,
    /// When it was asked for.
    pub queued: Timestamp,
    /// When its worker began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
}

impl Glimpse {
    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            number: row.get("number")?,
            id: row.get("id")?,
            job: row.get("job")?,
            partition: row.get("partition")?,
            attempt: row.get("attempt")?,
            state: row.get("state")?,
            queued: moment(row, "queued")?,
            started: moment_or_none(row, "started")?,
            ended: moment_or_none(row, "ended")?,
        })
    }
}

impl Store {
    /// The last runs of each of some jobs, at most `each` of one, the latest first; by job. One question, whatever the number of jobs.
    pub fn last_runs(&self, jobs: &[&str], each: usize) -> Result<HashMap<String, Vec<Glimpse>>> {
        let names = Value::from(jobs.to_vec()).to_string();
        let found = self.read(|session| {
            session.all(
                "SELECT r.number, r.id, r.job, r.partition, r.attempt, r.state, r.queued, r.started, r.ended \
                 FROM json_each(?1) AS j CROSS JOIN runs AS r \
                 WHERE r.number IN (SELECT number FROM runs WHERE job = j.value ORDER BY number DESC LIMIT ?2) \
                 ORDER BY r.number DESC",
                (&names, longest(each)),
                Glimpse::of,
            )
        })?;
        let mut runs: HashMap<String, Vec<Glimpse>> = HashMap::new();
        for run in found {
            runs.entry(run.job.clone()).or_default().push(run);
        }
        Ok(runs)
    }

    /// Runs for a timeline: those that were asked for within a span of time (from inclusive, to exclusive), the latest first.
    pub fn runs_between(&self, from: Timestamp, to: Timestamp, limit: usize) -> Result<Vec<Glimpse>> {
        self.read(|session| {
            session.all(
                "SELECT number, id, job, partition, attempt, state, queued, started, ended FROM runs \
                 WHERE queued >= ?1 AND queued < ?2 ORDER BY queued DESC, number DESC LIMIT ?3",
                (Micros(from), Micros(to), longest(limit)),
                Glimpse::of,
            )
        })
    }

    /// Runs that are starting or running, the oldest first.
    pub fn glimpses_at_work(&self) -> Result<Vec<Glimpse>> {
        self.read(|session| {
            session.all(
                "SELECT number, id, job, partition, attempt, state, queued, started, ended \
                 FROM runs INDEXED BY runs_at_work WHERE state IN ('starting', 'running') ORDER BY number",
                [],
                Glimpse::of,
            )
        })
    }
}
