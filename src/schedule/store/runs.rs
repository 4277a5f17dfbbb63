//! Looking at runs: one, lists in pages, totals.

use jiff::Timestamp;
use rusqlite::params_from_iter;
use rusqlite::types::Value;
use serde::{Deserialize, Serialize};

use super::error::Result;
use super::run::{Run, RunState, the_run};
use super::value::{Micros, RunId};
use super::{LONGEST_PAGE, Store};

/// A page of a list, the latest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// What to give as `before` for the next page; none when this is the last one.
    pub next: Option<i64>,
}

impl<T> Page<T> {
    /// Asks for one row more than the page has, to know whether another page follows.
    pub(super) fn fill(
        limit: usize,
        place: impl Fn(&T) -> i64,
        ask: impl FnOnce(i64) -> Result<Vec<T>>,
    ) -> Result<Self> {
        let limit = limit.clamp(1, LONGEST_PAGE);
        let mut items = ask(i64::try_from(limit + 1).unwrap_or(i64::MAX))?;
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(place);
        Ok(Self { items, next })
    }
}

/// Which runs a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunFilter {
    /// Of that job only.
    pub job: Option<String>,
    /// In that state only.
    pub state: Option<RunState>,
    /// Of that partition only; together with `job`.
    pub partition: Option<String>,
    /// Of that backfill only.
    pub backfill: Option<i64>,
}

/// Runs of a job that ended in a state, ever, whether or not they are still there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Total {
    /// The job.
    pub job: String,
    /// The state.
    pub state: RunState,
    /// How many.
    pub runs: u32,
    /// How long they worked, in seconds.
    pub seconds: f64,
}

impl Store {
    /// A run by name.
    ///
    /// Errors: there is none.
    pub fn run(&self, id: &RunId) -> Result<Run> {
        self.read(|session| the_run(session, id))
    }

    /// Runs, those asked for last first, before a place.
    pub fn runs(&self, filter: &RunFilter, before: Option<i64>, limit: usize) -> Result<Page<Run>> {
        let mut sql = "SELECT * FROM runs WHERE number < ?".to_owned();
        let mut params: Vec<Value> = vec![before.unwrap_or(i64::MAX).into()];
        let mut also = |column: &str, value: Option<Value>| {
            if let Some(value) = value {
                sql.push_str(" AND ");
                sql.push_str(column);
                sql.push_str(" = ?");
                params.push(value);
            }
        };
        also("job", filter.job.clone().map(Value::Text));
        also("state", filter.state.map(|state| Value::Text(state.word().to_owned())));
        also("partition", filter.partition.clone().map(Value::Text));
        also("backfill", filter.backfill.map(Value::Integer));
        sql.push_str(" ORDER BY number DESC LIMIT ?");
        Page::fill(
            limit,
            |run: &Run| run.number,
            |limit| {
                params.push(limit.into());
                self.read(|session| session.all(&sql, params_from_iter(&params), Run::of))
            },
        )
    }

    /// The attempts of a run, the first one first. Any of them may be named.
    ///
    /// Errors: no such run.
    pub fn attempts(&self, id: &RunId) -> Result<Vec<Run>> {
        self.read(|session| {
            let mut found = vec![the_run(session, id)?];
            while let Some(before) = found.first().and_then(|run| run.retry_of.clone()) {
                // The earlier ones may have been swept.
                let Some(run) = session.one("SELECT * FROM runs WHERE id = ?1", [&before], Run::of)? else { break };
                found.insert(0, run);
            }
            while let Some(last) = found.last().map(|run| run.id.clone()) {
                let Some(run) = session.one("SELECT * FROM runs WHERE retry_of = ?1", [&last], Run::of)? else { break };
                found.push(run);
            }
            Ok(found)
        })
    }

    /// Runs that are starting or running, the oldest first: what a server finds when it starts, and what it watches.
    pub fn at_work(&self) -> Result<Vec<Run>> {
        self.read(|session| {
            // Without the index's name SQLite may look through all runs, for the order.
            session.all(
                "SELECT * FROM runs INDEXED BY runs_at_work WHERE state IN ('starting', 'running') ORDER BY number",
                [],
                Run::of,
            )
        })
    }

    /// Runs of a job that have not ended, the oldest first, without those of backfills: names, and whether each is at work.
    pub fn active(&self, job: &str) -> Result<Vec<(RunId, bool)>> {
        self.read(|session| {
            session.all(
                "SELECT id, state <> 'queued' FROM runs WHERE job = ?1 AND state IN ('queued', 'starting', 'running') \
                   AND backfill IS NULL ORDER BY number",
                [job],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
        })
    }

    /// The last run of a job that succeeded and that no gate refused, of those asked for before a place: what a run is compared with.
    pub fn last_good(&self, job: &str, before: i64) -> Result<Option<Run>> {
        self.read(|session| {
            session.one(
                "SELECT * FROM runs WHERE job = ?1 AND state = 'succeeded' AND number < ?2 AND NOT EXISTS ( \
                   SELECT 1 FROM promotions p WHERE p.run = runs.id AND p.state = 'refused') ORDER BY number DESC LIMIT 1",
                (job, before),
                Run::of,
            )
        })
    }

    /// Runs that wait.
    pub fn waiting(&self) -> Result<u64> {
        let count = self.read(|session| session.number("SELECT count(*) FROM runs WHERE state = 'queued'", []))?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    /// How many runs are starting or running.
    pub fn working(&self) -> Result<u64> {
        let count = self.read(|session| {
            session
                .number("SELECT count(*) FROM runs INDEXED BY runs_at_work WHERE state IN ('starting', 'running')", [])
        })?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    /// How many runs that were asked for since a moment failed, timed out or were lost. Time grows with their number.
    pub fn failures_since(&self, since: Timestamp) -> Result<u64> {
        let count = self.read(|session| {
            // The number of the first of them, so that the index by state leads to them without looking at all that ever failed.
            let first = session.number(
                "SELECT coalesce((SELECT number FROM runs WHERE queued >= ?1 ORDER BY queued, number LIMIT 1), ?2)",
                (Micros(since), i64::MAX),
            )?;
            session.number(
                "SELECT count(*) FROM runs WHERE state IN ('failed', 'timed_out', 'lost') AND number >= ?1 AND queued >= ?2",
                (first, Micros(since)),
            )
        })?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    /// The first moment after `now` at which a waiting run may be claimed that may not be yet: when to look again.
    pub fn next_wake(&self, now: Timestamp) -> Result<Option<Timestamp>> {
        let found = self.read(|session| {
            session.one(
                "SELECT min(not_before) FROM runs WHERE state = 'queued' AND not_before > ?1",
                [Micros(now)],
                |row| row.get::<_, Option<Micros>>(0),
            )
        })?;
        Ok(found.flatten().map(|found| found.0))
    }

    /// Runs that ended, by job and state.
    pub fn totals(&self) -> Result<Vec<Total>> {
        self.read(|session| {
            session.all("SELECT * FROM totals ORDER BY job, state", [], |row| {
                Ok(Total {
                    job: row.get("job")?,
                    state: row.get("state")?,
                    runs: row.get("runs")?,
                    seconds: row.get("seconds")?,
                })
            })
        })
    }
}
