//! A run: one attempt at one job. What it is asked for with, its states, and how it comes to be.

use jiff::Timestamp;
use rusqlite::{Row, named_params};
use serde::{Deserialize, Serialize};

use super::error::{Result, StoreError};
use super::session::Session;
use super::value::{Micros, Object, RunId, moment, moment_or_none, object, text};
use super::words::words;

words! {
    /// Where a run stands. The last five are final.
    RunState {
        /// Waits to be claimed.
        Queued = "queued",
        /// Claimed; its worker has not begun.
        Starting = "starting",
        /// Its worker works.
        Running = "running",
        /// Ended well.
        Succeeded = "succeeded",
        /// Ended with an error.
        Failed = "failed",
        /// Ended because somebody asked for it.
        Cancelled = "cancelled",
        /// Ended because its time was over.
        TimedOut = "timed_out",
        /// Its worker died or fell silent.
        Lost = "lost",
    }
}

impl RunState {
    /// Whether nothing changes it any more.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Starting | Self::Running)
    }
}

words! {
    /// What asked for a run.
    Origin {
        /// A time of its cron pattern.
        Schedule = "schedule",
        /// A time of its interval.
        Interval = "interval",
        /// A file or folder that changed.
        File = "file",
        /// Another job's success.
        Job = "job",
        /// A person at the command line or the dashboard.
        Manual = "manual",
        /// A call by HTTP.
        Api = "api",
        /// A backfill.
        Backfill = "backfill",
    }
}

words! {
    /// Why a run is to end early.
    StopReason {
        /// Somebody asked for it.
        Cancel = "cancel",
        /// A newer occurrence takes its place.
        Replaced = "replaced",
        /// Its time is over.
        Timeout = "timeout",
    }
}

impl StopReason {
    /// The state of a run that was stopped for it.
    pub fn state(self) -> RunState {
        match self {
            Self::Cancel | Self::Replaced => RunState::Cancelled,
            Self::Timeout => RunState::TimedOut,
        }
    }
}

words! {
    /// What cut a run off that was lost through no fault of its worker.
    CutOff {
        /// The server died, and its workers with it.
        ServerDied = "server_died",
        /// The server was told to stop.
        ServerStopped = "server_stopped",
    }
}

/// A run that is asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewRun {
    /// The job.
    pub job: String,
    /// What asks for it.
    pub origin: Origin,
    /// Its partition, where the job has some. Only one run of a partition waits or works at a time.
    pub partition: Option<String>,
    /// The run of another job whose success asks for it; the same one asks once.
    pub cause: Option<RunId>,
    /// The higher is claimed first.
    pub priority: i64,
    /// As they were written: references to secrets, not secrets.
    pub parameters: Object,
    /// Who asks: a name of a user, a token or a part of the server.
    pub requested_by: String,
}

impl NewRun {
    /// A run of a job without partition, parameters and priority.
    pub fn of(job: &str, origin: Origin, requested_by: &str) -> Self {
        Self {
            job: job.to_owned(),
            origin,
            partition: None,
            cause: None,
            priority: 0,
            parameters: Object::new(),
            requested_by: requested_by.to_owned(),
        }
    }
}

/// A run as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Its place in the order in which runs were asked for; pages of lists go by it.
    pub number: i64,
    /// Its name.
    pub id: RunId,
    /// Its job.
    pub job: String,
    /// What asked for it.
    pub origin: Origin,
    /// The time of its occurrence.
    pub scheduled: Option<Timestamp>,
    /// Its partition.
    pub partition: Option<String>,
    /// The backfill that it belongs to.
    pub backfill: Option<i64>,
    /// The run of another job whose success asked for it.
    pub cause: Option<RunId>,
    /// From 1.
    pub attempt: u32,
    /// The first attempt; itself, when it is that.
    pub root: RunId,
    /// The attempt before.
    pub retry_of: Option<RunId>,
    /// Whether it goes on from the last stage that the attempt before had finished.
    pub resumes: bool,
    /// The higher is claimed first.
    pub priority: i64,
    /// The hash of the definition it works by.
    pub definition: String,
    /// As they were written.
    pub parameters: Object,
    /// Who asked for it.
    pub requested_by: String,
    /// Where it stands.
    pub state: RunState,
    /// How often it was claimed.
    pub claim: i64,
    /// Why it is to end early.
    pub stop: Option<StopReason>,
    /// Since when.
    pub stop_asked: Option<Timestamp>,
    /// By whom.
    pub stop_by: Option<String>,
    /// Not to be claimed earlier.
    pub not_before: Option<Timestamp>,
    /// When it was asked for.
    pub queued: Timestamp,
    /// When it was claimed last.
    pub claimed: Option<Timestamp>,
    /// When its worker began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Its worker's process.
    pub pid: Option<u32>,
    /// When that process began, as the system counts it.
    pub pid_started: Option<i64>,
    /// The last sign of life.
    pub heartbeat: Option<Timestamp>,
    /// The exit code of its worker.
    pub exit_code: Option<i32>,
    /// What a person should know of its end.
    pub message: Option<String>,
    /// Of a lost run: what happened to the server; none where its own worker died or fell silent.
    pub cut_off: Option<CutOff>,
    /// Where its files are.
    pub folder: Option<String>,
    /// Rows, quality, accuracy, and what else is followed over runs.
    pub metrics: Object,
}

impl Run {
    pub(super) fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            number: row.get("number")?,
            id: row.get("id")?,
            job: row.get("job")?,
            origin: row.get("origin")?,
            scheduled: moment_or_none(row, "scheduled")?,
            partition: row.get("partition")?,
            backfill: row.get("backfill")?,
            cause: row.get("cause")?,
            attempt: row.get("attempt")?,
            root: row.get("root")?,
            retry_of: row.get("retry_of")?,
            resumes: row.get("resumes")?,
            priority: row.get("priority")?,
            definition: row.get("definition")?,
            parameters: object(row, "parameters")?,
            requested_by: row.get("requested_by")?,
            state: row.get("state")?,
            claim: row.get("claim")?,
            stop: row.get("stop")?,
            stop_asked: moment_or_none(row, "stop_asked")?,
            stop_by: row.get("stop_by")?,
            not_before: moment_or_none(row, "not_before")?,
            queued: moment(row, "queued")?,
            claimed: moment_or_none(row, "claimed")?,
            started: moment_or_none(row, "started")?,
            ended: moment_or_none(row, "ended")?,
            pid: row.get("pid")?,
            pid_started: row.get("pid_started")?,
            heartbeat: moment_or_none(row, "heartbeat")?,
            exit_code: row.get("exit_code")?,
            message: row.get("message")?,
            cut_off: row.get("cut_off")?,
            folder: row.get("folder")?,
            metrics: object(row, "metrics")?,
        })
    }
}

/// The run of that name.
///
/// Errors: there is none.
pub(super) fn the_run(session: &Session<'_>, id: &RunId) -> Result<Run> {
    let found = session.one("SELECT * FROM runs WHERE id = ?1", [id], Run::of)?;
    found.ok_or_else(|| StoreError::missing("run", id))
}

/// What a new run has beside what was asked for.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Standing<'a> {
    pub(super) scheduled: Option<Timestamp>,
    pub(super) backfill: Option<i64>,
    pub(super) not_before: Option<Timestamp>,
    /// The attempt before, and whether to go on from there.
    pub(super) retries: Option<(&'a Run, bool)>,
}

/// Puts a run into the queue. It works by the last good definition of its job; a retry does too, so that a corrected file counts.
///
/// Errors: no such job, none of its definitions was good, or a run of the partition waits or works already.
pub(super) fn insert(session: &Session<'_>, new: &NewRun, standing: Standing<'_>, now: Timestamp) -> Result<RunId> {
    let definition = session
        .one("SELECT definition FROM jobs WHERE name = ?1", [&new.job], |row| row.get::<_, Option<String>>(0))?
        .ok_or_else(|| StoreError::missing("job", &new.job))?
        .ok_or_else(|| {
            StoreError::conflict(format!("job `{}` has never had a definition without an error", new.job))
        })?;
    if let Some(partition) = &new.partition
        && let Some(other) = active_of_partition(session, &new.job, partition)?
    {
        let reason = format!("partition `{partition}` of job `{}` is run by `{other}` already", new.job);
        return Err(StoreError::conflict(reason));
    }
    let number = 1 + session.number("SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'runs'), 0)", [])?;
    let id = RunId::new(number, now);
    let retries = standing.retries.map(|(before, _)| before);
    session.execute(
        "INSERT INTO runs (number, id, job, origin, scheduled, partition, backfill, cause, attempt, root, retry_of, resumes, \
           priority, definition, parameters, requested_by, state, claim, not_before, queued) \
         VALUES (:number, :id, :job, :origin, :scheduled, :partition, :backfill, :cause, :attempt, :root, :retry_of, :resumes, \
           :priority, :definition, :parameters, :requested_by, 'queued', 0, :not_before, :queued)",
        named_params! {
            ":number": number,
            ":id": id,
            ":job": new.job,
            ":origin": new.origin,
            ":scheduled": standing.scheduled.map(Micros),
            ":partition": new.partition,
            ":backfill": standing.backfill,
            ":cause": new.cause,
            ":attempt": retries.map_or(1, |before| i64::from(before.attempt) + 1),
            ":root": retries.map_or(&id, |before| &before.root),
            ":retry_of": retries.map(|before| &before.id),
            ":resumes": standing.retries.is_some_and(|(_, resumes)| resumes),
            ":priority": new.priority,
            ":definition": definition,
            ":parameters": text(&new.parameters),
            ":requested_by": new.requested_by,
            ":not_before": standing.not_before.map(Micros),
            ":queued": Micros(now),
        },
    )?;
    follow(session, &new.job, new.partition.as_deref(), standing.backfill, &id, RunState::Queued, now)?;
    Ok(id)
}

/// The run of a partition that waits or works.
pub(super) fn active_of_partition(session: &Session<'_>, job: &str, partition: &str) -> Result<Option<RunId>> {
    session.one(
        "SELECT id FROM runs WHERE job = ?1 AND partition = ?2 AND state IN ('queued', 'starting', 'running')",
        [job, partition],
        |row| row.get(0),
    )
}

/// Lets the partition and the backfill's item follow the state of their run.
pub(super) fn follow(
    session: &Session<'_>,
    job: &str,
    partition: Option<&str>,
    backfill: Option<i64>,
    run: &RunId,
    state: RunState,
    now: Timestamp,
) -> Result<()> {
    let Some(partition) = partition else { return Ok(()) };
    let succeeded = (state == RunState::Succeeded).then_some(Micros(now));
    session.execute(
        "INSERT INTO partitions (job, key, state, run, succeeded, changed) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
         ON CONFLICT (job, key) DO UPDATE SET state = excluded.state, run = excluded.run, changed = excluded.changed, \
           succeeded = coalesce(excluded.succeeded, succeeded)",
        (job, partition, state, run, succeeded, Micros(now)),
    )?;
    if let Some(backfill) = backfill {
        session.execute(
            "UPDATE backfill_items SET state = ?3, run = ?4 WHERE backfill = ?1 AND partition = ?2",
            (backfill, partition, state, run),
        )?;
    }
    Ok(())
}
