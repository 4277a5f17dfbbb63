//! Days, months or files of a job, each with its last run.

use jiff::Timestamp;
use rusqlite::Row;

use super::error::Result;
use super::run::RunState;
use super::value::{RunId, moment, moment_or_none};
use super::{Store, longest};

/// A partition that was run. One that never was has no row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// The job.
    pub job: String,
    /// Its key; keys of days and months sort by time.
    pub key: String,
    /// The state of its last run.
    pub state: RunState,
    /// That run. After long it may have been swept.
    pub run: RunId,
    /// When a run of it last ended well. A later failure does not take that back.
    pub succeeded: Option<Timestamp>,
    /// When the state changed.
    pub changed: Timestamp,
}

impl Partition {
    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            job: row.get("job")?,
            key: row.get("key")?,
            state: row.get("state")?,
            run: row.get("run")?,
            succeeded: moment_or_none(row, "succeeded")?,
            changed: moment(row, "changed")?,
        })
    }
}

impl Store {
    /// Partitions of a job in the order of their keys, after a key.
    pub fn partitions(&self, job: &str, after: Option<&str>, limit: usize) -> Result<Vec<Partition>> {
        let limit = longest(limit);
        self.read(|session| {
            session.all(
                "SELECT * FROM partitions WHERE job = ?1 AND (?2 IS NULL OR key > ?2) ORDER BY key LIMIT ?3",
                (job, after, limit),
                Partition::of,
            )
        })
    }

    /// One partition, if it was ever run.
    pub fn partition(&self, job: &str, key: &str) -> Result<Option<Partition>> {
        self.read(|session| {
            session.one("SELECT * FROM partitions WHERE job = ?1 AND key = ?2", [job, key], Partition::of)
        })
    }

    /// Which of these partitions have never ended well, in the order given: what a backfill would run.
    pub fn missing(&self, job: &str, keys: &[String]) -> Result<Vec<String>> {
        self.read(|session| {
            let mut missing = Vec::new();
            for key in keys {
                let done = session.one(
                    "SELECT 1 FROM partitions WHERE job = ?1 AND key = ?2 AND succeeded IS NOT NULL",
                    [job, key],
                    |_| Ok(()),
                )?;
                if done.is_none() {
                    missing.push(key.clone());
                }
            }
            Ok(missing)
        })
    }
}
