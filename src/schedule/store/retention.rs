//! What is forgotten, and when.
//!
//! Rows go in small transactions, so that the writer is never held for long. A run's folder is noted as garbage in the
//! transaction that removes the run, and unnoted when it has gone from the disk: a crash leaves neither a folder that nobody
//! knows nor a run without its folder.

use jiff::{SignedDuration, Timestamp};

use super::error::Result;
use super::session::Session;
use super::value::{Micros, RunId};
use super::{Store, longest};

/// How much of a job is kept. Runs that wait or work, the last success, the last one that no gate refused, and the run of a current
/// version are kept always.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// That many last runs of each job are kept; 100.
    pub runs: u32,
    /// And those that ended within that time; 30 days.
    pub age: SignedDuration,
    /// Keys of submissions and backfills, and messages, are kept that long; 30 days.
    pub keys: SignedDuration,
    /// The audit log is kept that long; 365 days.
    pub audit: SignedDuration,
}

impl Default for Retention {
    fn default() -> Self {
        let days = |days: i64| SignedDuration::from_hours(24 * days);
        Self { runs: 100, age: days(30), keys: days(30), audit: days(365) }
    }
}

/// What one sweep removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Swept {
    /// The runs.
    pub runs: Vec<RunId>,
    /// Other rows: occurrences, messages, keys, entries of the audit log, definitions that nothing names.
    pub others: usize,
    /// Whether something is left for the next call.
    pub more: bool,
}

/// Rows that one transaction removes at most, of each table.
const AT_ONCE: i64 = 500;

impl Store {
    /// Removes runs of a job that need not be kept, up to 500 at once.
    ///
    /// Errors: no such job.
    pub fn sweep_runs(&self, job: &str, retention: &Retention, now: Timestamp) -> Result<Swept> {
        self.write(|session| {
            super::jobs::the_job(session, job)?;
            let runs = sweep_runs(session, job, retention, now)?;
            let others = sweep_occurrences(session, job, earlier(now, retention.age))?;
            Ok(Swept { more: runs.len() as i64 >= AT_ONCE || others as i64 >= AT_ONCE, runs, others })
        })
    }

    /// Removes messages that ended, keys, and entries of the audit log that are old enough, and definitions that nothing names; up
    /// to 500 of each at once.
    pub fn sweep_records(&self, retention: &Retention, now: Timestamp) -> Result<Swept> {
        let keys = Micros(earlier(now, retention.keys));
        let audit = Micros(earlier(now, retention.audit));
        self.write(|session| {
            let removed = [
                session.execute(
                    "DELETE FROM notifications WHERE number IN \
                       (SELECT number FROM notifications WHERE ended < ?1 ORDER BY ended LIMIT ?2)",
                    (keys, AT_ONCE),
                )?,
                session.execute(
                    "DELETE FROM submissions WHERE key IN \
                       (SELECT key FROM submissions WHERE created < ?1 AND swept ORDER BY created LIMIT ?2)",
                    (keys, AT_ONCE),
                )?,
                session.execute(
                    "DELETE FROM backfills WHERE number IN (SELECT number FROM backfills b WHERE ended < ?1 \
                       AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.backfill = b.number) LIMIT ?2)",
                    (keys, AT_ONCE),
                )?,
                session.execute(
                    "DELETE FROM audit WHERE number IN (SELECT number FROM audit WHERE moment < ?1 ORDER BY moment LIMIT ?2)",
                    (audit, AT_ONCE),
                )?,
                session.execute(
                    "DELETE FROM definitions WHERE hash IN (SELECT hash FROM definitions d \
                       WHERE NOT EXISTS (SELECT 1 FROM jobs j WHERE j.definition = d.hash) \
                         AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.definition = d.hash) LIMIT ?1)",
                    [AT_ONCE],
                )?,
            ];
            let more = removed.iter().any(|&rows| rows as i64 >= AT_ONCE);
            Ok(Swept { runs: Vec::new(), others: removed.iter().sum(), more })
        })
    }

    /// Folders of removed runs that may still be on disk, those noted first first.
    pub fn garbage(&self, limit: usize) -> Result<Vec<String>> {
        self.read(|session| {
            session
                .all("SELECT folder FROM garbage ORDER BY since, folder LIMIT ?1", [longest(limit)], |row| row.get(0))
        })
    }

    /// Notes that a folder has gone from the disk.
    pub fn collected(&self, folder: &str) -> Result<()> {
        self.write(|session| session.execute("DELETE FROM garbage WHERE folder = ?1", [folder]).map(drop))
    }
}

fn earlier(now: Timestamp, age: SignedDuration) -> Timestamp {
    now.checked_sub(age).unwrap_or(Timestamp::MIN)
}

fn sweep_runs(session: &Session<'_>, job: &str, retention: &Retention, now: Timestamp) -> Result<Vec<RunId>> {
    let cutoff = Micros(earlier(now, retention.age));
    // The runs before the last ones: none when there are not so many.
    let bound = session.one(
        "SELECT number FROM runs WHERE job = ?1 ORDER BY number DESC LIMIT 1 OFFSET ?2",
        (job, retention.runs),
        |row| row.get::<_, i64>(0),
    )?;
    let Some(bound) = bound else { return Ok(Vec::new()) };
    let runs = session.all(
        "SELECT id, folder, scheduled FROM runs WHERE job = ?1 AND number <= ?2 AND ended < ?3 \
           AND number IS NOT (SELECT max(number) FROM runs WHERE job = ?1 AND state = 'succeeded') \
           AND number IS NOT (SELECT max(number) FROM runs s WHERE job = ?1 AND state = 'succeeded' AND NOT EXISTS ( \
             SELECT 1 FROM promotions p WHERE p.run = s.id AND p.state = 'refused')) \
           AND NOT EXISTS (SELECT 1 FROM promotions p WHERE p.run = runs.id AND p.state = 'current') \
         ORDER BY number LIMIT ?4",
        (job, bound, cutoff, AT_ONCE),
        |row| Ok((row.get::<_, RunId>(0)?, row.get::<_, Option<String>>(1)?, row.get::<_, Option<i64>>(2)?)),
    )?;
    for (id, folder, scheduled) in &runs {
        if let Some(folder) = folder {
            session.execute(
                "INSERT INTO garbage (folder, since) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                (folder, Micros(now)),
            )?;
        }
        session.execute("UPDATE submissions SET swept = 1 WHERE run = ?1", [id])?;
        session.execute(
            "UPDATE occurrences SET swept = 1 WHERE job = ?1 AND scheduled = ?2 AND run = ?3",
            (job, scheduled, id),
        )?;
        session.execute("DELETE FROM runs WHERE id = ?1 AND ended IS NOT NULL", [id])?;
    }
    Ok(runs.into_iter().map(|(id, ..)| id).collect())
}

/// Removes occurrences that no run names, from the oldest on. All up to the last one removed count as recorded from then on.
fn sweep_occurrences(session: &Session<'_>, job: &str, cutoff: Timestamp) -> Result<usize> {
    let gone = session.all(
        "SELECT o.scheduled FROM occurrences o WHERE o.job = ?1 AND o.scheduled < ?2 AND o.outcome <> 'due' \
           AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.job = o.job AND r.scheduled = o.scheduled) \
         ORDER BY o.scheduled LIMIT ?3",
        (job, Micros(cutoff), AT_ONCE),
        |row| row.get::<_, i64>(0),
    )?;
    let Some(last) = gone.last() else { return Ok(0) };
    for scheduled in &gone {
        session.execute("DELETE FROM occurrences WHERE job = ?1 AND scheduled = ?2", (job, scheduled))?;
    }
    session
        .execute("UPDATE jobs SET swept_through = max(coalesce(swept_through, ?2), ?2) WHERE name = ?1", (job, last))?;
    Ok(gone.len())
}
