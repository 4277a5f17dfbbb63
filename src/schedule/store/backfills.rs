//! Backfills: a range of partitions, worked through in order, a stated number at a time.
//!
//! The partitions are fixed when the backfill is asked for. [`Store::advance_backfills`] queues as many as may be at work, and
//! ends what has no more; it is called whenever a run ends and when the server starts, and does nothing twice. Stopping queues no
//! more and takes back what waits; resuming goes on with what has not ended well.

use jiff::Timestamp;
use rusqlite::Row;
use serde::{Deserialize, Serialize};

use super::audit::note;
use super::error::{Result, StoreError};
use super::jobs::the_job;
use super::run::{NewRun, Origin, RunState, Standing, StopReason, active_of_partition, insert};
use super::runs::Page;
use super::session::Session;
use super::stop::stop;
use super::value::{Micros, Object, RunId, moment, moment_or_none, object, text};
use super::words::words;
use super::{Store, longest};

words! {
    /// Where a backfill stands.
    BackfillState {
        /// Partitions are being run.
        Running = "running",
        /// Somebody stopped it; it can be resumed.
        Stopped = "stopped",
        /// All its partitions have ended well.
        Succeeded = "succeeded",
        /// All have ended, some not well; resuming runs those again.
        Failed = "failed",
    }
}

words! {
    /// Where a partition of a backfill stands.
    ItemState {
        /// Its turn has not come.
        Pending = "pending",
        /// Its run waits.
        Queued = "queued",
        /// Its run is claimed.
        Starting = "starting",
        /// Its run works.
        Running = "running",
        /// Ended well, in this backfill or meanwhile in another run.
        Succeeded = "succeeded",
        /// Ended with an error.
        Failed = "failed",
        /// Was cancelled.
        Cancelled = "cancelled",
        /// Took too long.
        TimedOut = "timed_out",
        /// Its worker died.
        Lost = "lost",
    }
}

/// A backfill that is asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewBackfill {
    /// Chosen by who asks: the same key is the same backfill.
    pub key: String,
    /// The job.
    pub job: String,
    /// The first partition of the range, as it was asked for.
    pub first: String,
    /// The last one.
    pub last: String,
    /// The keys of the partitions in the range, in the order in which they are to be run.
    pub partitions: Vec<String>,
    /// How many at a time, at least 1.
    pub parallelism: u32,
    /// Whether partitions that have ended well before are run too.
    pub again: bool,
    /// Of its runs: the higher is claimed first.
    pub priority: i64,
    /// Of its runs, as they were written.
    pub parameters: Object,
    /// Who asks.
    pub requested_by: String,
}

/// A backfill as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backfill {
    /// Its number; pages go by it.
    pub number: i64,
    /// The job.
    pub job: String,
    /// The first partition of the range.
    pub first: String,
    /// The last one.
    pub last: String,
    /// How many at a time.
    pub parallelism: u32,
    /// Where it stands.
    pub state: BackfillState,
    /// Who asked.
    pub requested_by: String,
    /// When.
    pub created: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Partitions whose turn has not come.
    pub pending: u32,
    /// Partitions whose run waits or works.
    pub active: u32,
    /// Partitions that ended well.
    pub succeeded: u32,
    /// Partitions that ended otherwise.
    pub failed: u32,
}

/// A partition of a backfill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackfillItem {
    /// Its place in the order, from 0.
    pub position: i64,
    /// Its key.
    pub partition: String,
    /// Where it stands.
    pub state: ItemState,
    /// Its last run.
    pub run: Option<RunId>,
}

const SELECT: &str = "SELECT b.*, \
    (SELECT count(*) FROM backfill_items i WHERE i.backfill = b.number AND i.state = 'pending') AS pending, \
    (SELECT count(*) FROM backfill_items i WHERE i.backfill = b.number AND i.state IN ('queued', 'starting', 'running')) AS active, \
    (SELECT count(*) FROM backfill_items i WHERE i.backfill = b.number AND i.state = 'succeeded') AS succeeded, \
    (SELECT count(*) FROM backfill_items i WHERE i.backfill = b.number \
       AND i.state IN ('failed', 'cancelled', 'timed_out', 'lost')) AS failed \
    FROM backfills b";

impl Backfill {
    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            number: row.get("number")?,
            job: row.get("job")?,
            first: row.get("first")?,
            last: row.get("last")?,
            parallelism: row.get("parallelism")?,
            state: row.get("state")?,
            requested_by: row.get("requested_by")?,
            created: moment(row, "created")?,
            ended: moment_or_none(row, "ended")?,
            pending: row.get("pending")?,
            active: row.get("active")?,
            succeeded: row.get("succeeded")?,
            failed: row.get("failed")?,
        })
    }
}

impl Store {
    /// Begins a backfill, once for each key. Its runs are queued by [`Store::advance_backfills`].
    ///
    /// Errors: no such job; no partition in the range, or one named twice; a parallelism of 0; the key was used for another one.
    pub fn backfill(&self, new: &NewBackfill, now: Timestamp) -> Result<Backfill> {
        if new.partitions.is_empty() || new.parallelism == 0 {
            return Err(StoreError::conflict("a backfill needs a partition to run and a parallelism of 1 or more"));
        }
        let mut keys: Vec<&String> = new.partitions.iter().collect();
        keys.sort();
        if let Some([twice, _]) = keys.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(StoreError::conflict(format!("partition `{twice}` stands twice in the backfill")));
        }
        let digest = serde_json::json!([new.job, new.first, new.last, new.parallelism, new.again]).to_string();
        self.write(|session| {
            let before = session.one("SELECT number, digest FROM backfills WHERE key = ?1", [&new.key], |row| {
                Ok((row.get(0)?, row.get::<_, String>(1)?))
            })?;
            match before {
                Some((number, same)) if same == digest => return the_backfill(session, number),
                Some(_) => return Err(StoreError::KeyReused { key: new.key.clone() }),
                None => {}
            }
            the_job(session, &new.job)?;
            session.execute(
                "INSERT INTO backfills (key, digest, job, first, last, parallelism, again, priority, parameters, state, \
                   requested_by, created) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'running', ?10, ?11)",
                rusqlite::params![
                    new.key,
                    digest,
                    new.job,
                    new.first,
                    new.last,
                    new.parallelism,
                    new.again,
                    new.priority,
                    text(&new.parameters),
                    new.requested_by,
                    Micros(now),
                ],
            )?;
            let number = session.inserted();
            let partitions = serde_json::Value::from(new.partitions.clone()).to_string();
            session.execute(
                "INSERT INTO backfill_items (backfill, position, partition, state) \
                 SELECT ?1, key, value, 'pending' FROM json_each(?2)",
                (number, partitions),
            )?;
            note(session, &new.requested_by, "backfill", &new.job, &format!("{} to {}", new.first, new.last), now)?;
            the_backfill(session, number)
        })
    }

    /// Queues runs of all backfills that run, as many as each may have at work, and ends those that are through. A partition
    /// that is run by somebody else waits for that run. Gives the new runs.
    pub fn advance_backfills(&self, now: Timestamp) -> Result<Vec<RunId>> {
        self.write(|session| {
            let running =
                session.all("SELECT number FROM backfills WHERE state = 'running' ORDER BY number", [], |row| {
                    row.get(0)
                })?;
            let mut started = Vec::new();
            for number in running {
                advance(session, number, now, &mut started)?;
            }
            Ok(started)
        })
    }

    /// Stops a backfill: nothing more is queued, and what waits is taken back. What is at work goes on. Whether it was running.
    ///
    /// Errors: no such backfill.
    pub fn stop_backfill(&self, number: i64, who: &str, now: Timestamp) -> Result<bool> {
        self.write(|session| {
            let backfill = the_backfill(session, number)?;
            if !session.set("UPDATE backfills SET state = 'stopped' WHERE number = ?1 AND state = 'running'", [number])? {
                return Ok(false);
            }
            let waiting = session.all(
                "SELECT id FROM runs WHERE backfill = ?1 AND state = 'queued' ORDER BY number",
                [number],
                |row| row.get::<_, RunId>(0),
            )?;
            for run in waiting {
                stop(session, &run, StopReason::Cancel, who, now)?;
            }
            // Taken back, not cancelled by somebody for its own sake.
            session.execute(
                "UPDATE backfill_items SET state = 'pending' WHERE backfill = ?1 AND run IN \
                   (SELECT id FROM runs WHERE backfill = ?1 AND state = 'cancelled' AND claimed IS NULL AND stop_asked = ?2)",
                (number, Micros(now)),
            )?;
            note(session, who, "stop backfill", &backfill.job, &number.to_string(), now)?;
            Ok(true)
        })
    }

    /// Goes on with a backfill that was stopped or failed; partitions that ended otherwise than well are run again. Whether it
    /// was not running.
    ///
    /// Errors: no such backfill; it has succeeded.
    pub fn resume_backfill(&self, number: i64, who: &str, now: Timestamp) -> Result<bool> {
        self.write(|session| {
            let backfill = the_backfill(session, number)?;
            if backfill.state == BackfillState::Succeeded {
                return Err(StoreError::conflict(format!("backfill {number} has succeeded")));
            }
            if !session.set(
                "UPDATE backfills SET state = 'running', ended = NULL WHERE number = ?1 AND state IN ('stopped', 'failed')",
                [number],
            )? {
                return Ok(false);
            }
            session.execute(
                "UPDATE backfill_items SET state = 'pending' \
                 WHERE backfill = ?1 AND state IN ('failed', 'cancelled', 'timed_out', 'lost')",
                [number],
            )?;
            note(session, who, "resume backfill", &backfill.job, &number.to_string(), now)?;
            Ok(true)
        })
    }

    /// A backfill by number.
    ///
    /// Errors: there is none.
    pub fn the_backfill(&self, number: i64) -> Result<Backfill> {
        self.read(|session| the_backfill(session, number))
    }

    /// Backfills, the latest first, before a place; of one job, where it is named.
    pub fn backfills(&self, job: Option<&str>, before: Option<i64>, limit: usize) -> Result<Page<Backfill>> {
        let before = before.unwrap_or(i64::MAX);
        Page::fill(
            limit,
            |backfill: &Backfill| backfill.number,
            |limit| {
                self.read(|session| match job {
                    Some(job) => session.all(
                        &format!("{SELECT} WHERE b.job = ?1 AND b.number < ?2 ORDER BY b.number DESC LIMIT ?3"),
                        (job, before, limit),
                        Backfill::of,
                    ),
                    None => session.all(
                        &format!("{SELECT} WHERE b.number < ?1 ORDER BY b.number DESC LIMIT ?2"),
                        (before, limit),
                        Backfill::of,
                    ),
                })
            },
        )
    }

    /// The partitions of a backfill in their order, after a place.
    pub fn backfill_items(&self, number: i64, after: Option<i64>, limit: usize) -> Result<Vec<BackfillItem>> {
        let limit = longest(limit);
        self.read(|session| {
            session.all(
                "SELECT * FROM backfill_items WHERE backfill = ?1 AND position > ?2 ORDER BY position LIMIT ?3",
                (number, after.unwrap_or(-1), limit),
                |row| {
                    Ok(BackfillItem {
                        position: row.get("position")?,
                        partition: row.get("partition")?,
                        state: row.get("state")?,
                        run: row.get("run")?,
                    })
                },
            )
        })
    }
}

fn the_backfill(session: &Session<'_>, number: i64) -> Result<Backfill> {
    let found = session.one(&format!("{SELECT} WHERE b.number = ?1"), [number], Backfill::of)?;
    found.ok_or_else(|| StoreError::missing("backfill", number))
}

/// Moves one backfill on. At most `parallelism` partitions are looked at beyond those that are done meanwhile, so that a long
/// backfill costs as little as a short one.
fn advance(session: &Session<'_>, number: i64, now: Timestamp, started: &mut Vec<RunId>) -> Result<()> {
    let backfill = the_backfill(session, number)?;
    // What has ended well since it was asked for, in another run, is done.
    session.execute(
        "UPDATE backfill_items AS i SET state = 'succeeded' WHERE backfill = ?1 AND state = 'pending' AND EXISTS ( \
           SELECT 1 FROM partitions p, backfills b WHERE b.number = ?1 AND p.job = b.job AND p.key = i.partition \
             AND p.succeeded IS NOT NULL AND (NOT b.again OR p.succeeded >= b.created))",
        [number],
    )?;
    let free = i64::from(backfill.parallelism) - i64::from(backfill.active);
    let next = session.all(
        "SELECT i.partition, b.priority, b.parameters, b.requested_by \
         FROM backfill_items i JOIN backfills b ON b.number = i.backfill \
         WHERE i.backfill = ?1 AND i.state = 'pending' ORDER BY i.position LIMIT ?2",
        (number, free.max(0)),
        |row| {
            Ok(NewRun {
                partition: Some(row.get("partition")?),
                priority: row.get("priority")?,
                parameters: object(row, "parameters")?,
                ..NewRun::of(&backfill.job, Origin::Backfill, &row.get::<_, String>("requested_by")?)
            })
        },
    )?;
    for new in next {
        let partition = new.partition.as_deref().unwrap_or_default();
        if active_of_partition(session, &backfill.job, partition)?.is_none() {
            let standing = Standing { backfill: Some(number), ..Standing::default() };
            started.push(insert(session, &new, standing, now)?);
        }
    }
    let after = the_backfill(session, number)?;
    if after.pending == 0 && after.active == 0 {
        let state = if after.failed == 0 { RunState::Succeeded } else { RunState::Failed };
        session.execute(
            "UPDATE backfills SET state = ?2, ended = ?3 WHERE number = ?1 AND state = 'running'",
            (number, state, Micros(now)),
        )?;
    }
    Ok(())
}
