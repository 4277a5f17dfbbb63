//! Times at which a job was to run: each recorded once, with what became of it.
//!
//! The scheduler turns a span of time into occurrences and gives them all, decided, in one call; the job's `looked_through`
//! moves with them. After a crash it begins from there, and what it gives a second time is known already. A clock that stepped
//! back finds its times recorded, or before `swept_through`, and fires nothing again.

use jiff::Timestamp;
use rusqlite::Row;

use super::error::{Result, StoreError};
use super::jobs::the_job;
use super::run::{NewRun, Standing, active_of_partition, insert};
use super::session::Session;
use super::value::{Micros, RunId, moment, moment_or_none};
use super::words::words;
use super::{Store, longest};

words! {
    /// What became of an occurrence.
    Outcome {
        /// Nothing yet.
        Due = "due",
        /// A run.
        Started = "started",
        /// Nothing, by the job's rules: another run was at work, the job was paused.
        Skipped = "skipped",
        /// Nothing: it was too long ago when the server came to it.
        Dropped = "dropped",
    }
}

/// What is to become of an occurrence.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// It is decided later.
    Wait,
    /// A run. Where the partition of it is being run already, the occurrence is skipped and says so.
    Start(NewRun),
    /// A run for each of several partitions. Those that are being run already are left out; where none is left, the occurrence is
    /// skipped and says so.
    StartEach(Vec<NewRun>),
    /// None, for that reason.
    Skip(String),
    /// None: too late, for that reason.
    Drop(String),
}

/// An occurrence with a decision.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// Its time.
    pub scheduled: Timestamp,
    /// What is to become of it.
    pub decision: Decision,
}

/// An occurrence as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    /// The job.
    pub job: String,
    /// Its time.
    pub scheduled: Timestamp,
    /// What became of it.
    pub outcome: Outcome,
    /// Why it was skipped or dropped.
    pub reason: Option<String>,
    /// Its first run.
    pub run: Option<RunId>,
    /// When it was recorded.
    pub recorded: Timestamp,
    /// When it was decided.
    pub settled: Option<Timestamp>,
}

/// What recording an occurrence came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded {
    /// It is new, and this became of it.
    New(Outcome, Option<RunId>),
    /// It was recorded before; nothing happened now. Without outcome, it is older than what is kept.
    Before(Option<Outcome>),
}

impl Occurrence {
    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            job: row.get("job")?,
            scheduled: moment(row, "scheduled")?,
            outcome: row.get("outcome")?,
            reason: row.get("reason")?,
            run: row.get("run")?,
            recorded: moment(row, "recorded")?,
            settled: moment_or_none(row, "settled")?,
        })
    }
}

impl Store {
    /// Records occurrences of a job with their decisions, in one transaction, and notes that its schedule has been looked at up
    /// to `through`. The answers are in the order of `planned`.
    ///
    /// Errors: no such job; a run that cannot be queued. Then none is recorded.
    pub fn record(
        &self,
        job: &str,
        planned: &[Planned],
        through: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Vec<Recorded>> {
        self.write(|session| {
            the_job(session, job)?;
            let answers = planned.iter().map(|each| record(session, job, each, now)).collect::<Result<Vec<_>>>()?;
            if let Some(through) = through {
                session.execute(
                    "UPDATE jobs SET looked_through = max(coalesce(looked_through, ?2), ?2) WHERE name = ?1",
                    (job, Micros(through)),
                )?;
            }
            Ok(answers)
        })
    }

    /// Notes how the files are that a job watches, and records the occurrence that their change is, if it is one, in one transaction.
    ///
    /// Errors: as [`Store::record`].
    pub fn watch(
        &self,
        job: &str,
        watched: &str,
        planned: Option<&Planned>,
        now: Timestamp,
    ) -> Result<Option<Recorded>> {
        self.write(|session| {
            the_job(session, job)?;
            let answer = planned.map(|each| record(session, job, each, now)).transpose()?;
            session.execute("UPDATE jobs SET watched = ?2 WHERE name = ?1", (job, watched))?;
            Ok(answer)
        })
    }

    /// Decides an occurrence that was left to wait. Gives what became of it: decided before, that is what it was then.
    ///
    /// Errors: it was never recorded; the run cannot be queued.
    pub fn settle(&self, job: &str, planned: &Planned, now: Timestamp) -> Result<Occurrence> {
        self.write(|session| {
            let before = occurrence(session, job, planned.scheduled)?
                .ok_or_else(|| StoreError::missing("occurrence", planned.scheduled))?;
            if before.outcome != Outcome::Due || planned.decision == Decision::Wait {
                return Ok(before);
            }
            let (outcome, reason, run) = decide(session, job, planned, now)?;
            session.execute(
                "UPDATE occurrences SET outcome = ?3, reason = ?4, run = ?5, settled = ?6 \
                 WHERE job = ?1 AND scheduled = ?2 AND outcome = 'due'",
                (job, Micros(planned.scheduled), outcome, &reason, &run, Micros(now)),
            )?;
            Ok(Occurrence { outcome, reason, run, settled: Some(now), ..before })
        })
    }

    /// Occurrences that were recorded and not decided, the earliest first; of all jobs.
    pub fn due(&self) -> Result<Vec<Occurrence>> {
        self.read(|session| {
            session.all("SELECT * FROM occurrences WHERE outcome = 'due' ORDER BY scheduled, job", [], Occurrence::of)
        })
    }

    /// Occurrences of a job, the latest first, before a moment.
    pub fn occurrences(&self, job: &str, before: Option<Timestamp>, limit: usize) -> Result<Vec<Occurrence>> {
        let limit = longest(limit);
        self.read(|session| {
            session.all(
                "SELECT * FROM occurrences WHERE job = ?1 AND scheduled < ?2 ORDER BY scheduled DESC LIMIT ?3",
                (job, Micros(before.unwrap_or(Timestamp::MAX)), limit),
                Occurrence::of,
            )
        })
    }
}

fn occurrence(session: &Session<'_>, job: &str, scheduled: Timestamp) -> Result<Option<Occurrence>> {
    session.one("SELECT * FROM occurrences WHERE job = ?1 AND scheduled = ?2", (job, Micros(scheduled)), Occurrence::of)
}

fn record(session: &Session<'_>, job: &str, planned: &Planned, now: Timestamp) -> Result<Recorded> {
    if let Some(before) = occurrence(session, job, planned.scheduled)? {
        return Ok(Recorded::Before(Some(before.outcome)));
    }
    let swept = session.one(
        "SELECT 1 FROM jobs WHERE name = ?1 AND swept_through >= ?2",
        (job, Micros(planned.scheduled)),
        |_| Ok(()),
    )?;
    if swept.is_some() {
        return Ok(Recorded::Before(None));
    }
    let (outcome, reason, run) = decide(session, job, planned, now)?;
    let settled = (outcome != Outcome::Due).then_some(Micros(now));
    session.execute(
        "INSERT INTO occurrences (job, scheduled, outcome, reason, run, recorded, settled) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        (job, Micros(planned.scheduled), outcome, &reason, &run, Micros(now), settled),
    )?;
    Ok(Recorded::New(outcome, run))
}

/// Carries a decision out, but for the occurrence's own row.
fn decide(
    session: &Session<'_>,
    job: &str,
    planned: &Planned,
    now: Timestamp,
) -> Result<(Outcome, Option<String>, Option<RunId>)> {
    let wanted = match &planned.decision {
        Decision::Wait => return Ok((Outcome::Due, None, None)),
        Decision::Skip(reason) => return Ok((Outcome::Skipped, Some(reason.clone()), None)),
        Decision::Drop(reason) => return Ok((Outcome::Dropped, Some(reason.clone()), None)),
        Decision::Start(new) => std::slice::from_ref(new),
        Decision::StartEach(each) => each,
    };
    let mut first = None;
    let mut reason = None;
    for new in wanted {
        if new.job != job {
            return Err(StoreError::conflict(format!("an occurrence of `{job}` cannot start `{}`", new.job)));
        }
        if let Some(partition) = &new.partition
            && let Some(other) = active_of_partition(session, job, partition)?
        {
            reason.get_or_insert_with(|| format!("partition `{partition}` is run by `{other}` already"));
            continue;
        }
        let standing = Standing { scheduled: Some(planned.scheduled), ..Standing::default() };
        let run = insert(session, new, standing, now)?;
        first.get_or_insert(run);
    }
    Ok(match first {
        Some(run) => (Outcome::Started, None, Some(run)),
        None => (Outcome::Skipped, Some(reason.unwrap_or_else(|| "there is nothing to run".to_owned())), None),
    })
}
