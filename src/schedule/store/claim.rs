//! From the queue to a worker: claiming, beginning, signs of life, giving back.

use jiff::{SignedDuration, Timestamp};

use super::Store;
use super::error::{Result, StoreError};
use super::run::{Origin, Run, RunState, StopReason, follow, the_run};
use super::session::Session;
use super::value::{Micros, RunId};

/// The right to work at a run. It ends when the run ends, or when the run is given back and claimed again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The run.
    pub run: RunId,
    /// Which claim of it this is.
    pub number: i64,
}

/// A run that may be next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its name.
    pub run: RunId,
    /// Its job.
    pub job: String,
    /// What asked for it.
    pub origin: Origin,
    /// Its partition.
    pub partition: Option<String>,
    /// Which attempt it is.
    pub attempt: u32,
    /// The higher comes first.
    pub priority: i64,
    /// The hash of the definition it works by.
    pub definition: String,
    /// How many runs of its job are starting or running.
    pub working: u32,
}

/// A run that was claimed.
#[derive(Debug, Clone, PartialEq)]
pub struct Claimed {
    /// The right to work at it.
    pub claim: Claim,
    /// The run, now starting.
    pub run: Run,
    /// The text of the definition it works by.
    pub definition: String,
}

/// A worker's process. The moment at which it began tells it from a later process with the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Worker {
    /// Its number.
    pub pid: u32,
    /// When it began, as the system counts it (on Linux field 22 of `/proc/PID/stat`).
    pub started: i64,
}

/// Whether a worker may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun {
    /// It may.
    Go,
    /// It is to end at once.
    Stop(StopReason),
}

impl Store {
    /// Claims the run that is next, if `permit` lets one go.
    ///
    /// Of each job only the first waiting run is asked about: by priority, then in the order in which they were asked for. Of a
    /// paused job only what a person or a program asked for is looked at. Between jobs: by priority, then the job with fewer runs at
    /// work, then the one that was claimed from longest ago. `permit` is where limits stand (runs, memory, cores); it must not call
    /// the store.
    ///
    /// Two callers never get the same run, in one process or in several.
    pub fn claim_next(&self, now: Timestamp, mut permit: impl FnMut(&Candidate) -> bool) -> Result<Option<Claimed>> {
        self.write(|session| {
            let candidates = candidates(session, now)?;
            let Some(next) = candidates.into_iter().find(|each| permit(each)) else { return Ok(None) };
            let taken = session.set(
                // The folder from now on: something may be in it although no worker ever begins.
                "UPDATE runs SET state = 'starting', claim = claim + 1, claimed = ?2, heartbeat = ?2, folder = 'runs/' || id \
                 WHERE id = ?1 AND state = 'queued'",
                (&next.run, Micros(now)),
            )?;
            if !taken {
                return Err(StoreError::Internal { detail: format!("run `{}` left the queue by itself", next.run) });
            }
            session.execute("UPDATE jobs SET turn = 1 + (SELECT max(turn) FROM jobs) WHERE name = ?1", [&next.job])?;
            let run = the_run(session, &next.run)?;
            follow_run(session, &run, now)?;
            let definition = session
                .one("SELECT text FROM definitions WHERE hash = ?1", [&run.definition], |row| row.get(0))?
                .ok_or_else(|| StoreError::missing("definition", &run.definition))?;
            Ok(Some(Claimed { claim: Claim { run: run.id.clone(), number: run.claim }, run, definition }))
        })
    }

    /// Notes that a worker begins: the run is running, in that folder. The same worker may say it again.
    ///
    /// Errors: [`StoreError::Stale`] when the claim is an earlier one; [`StoreError::Conflict`] when another worker began by the
    /// same claim, or the run has ended.
    pub fn begin(&self, claim: &Claim, worker: Worker, folder: &str, now: Timestamp) -> Result<Begun> {
        self.write(|session| {
            let run = held(session, claim)?;
            if let Some(reason) = run.stop.filter(|_| !run.state.is_final()) {
                return Ok(Begun::Stop(reason));
            }
            match run.state {
                RunState::Starting => {
                    session.execute(
                        "UPDATE runs SET state = 'running', started = ?2, heartbeat = max(heartbeat + 1, ?2), pid = ?3, \
                           pid_started = ?4, folder = ?5 \
                         WHERE id = ?1 AND state = 'starting'",
                        (&claim.run, Micros(now), worker.pid, worker.started, folder),
                    )?;
                    follow_run(session, &the_run(session, &claim.run)?, now)?;
                    Ok(Begun::Go)
                }
                RunState::Running if run.pid == Some(worker.pid) && run.pid_started == Some(worker.started) => {
                    Ok(Begun::Go)
                }
                state => Err(StoreError::conflict(format!("run `{}` is {state}: no worker begins", run.id))),
            }
        })
    }

    /// A sign of life. Gives the reason why the run is to end early, where there is one.
    ///
    /// Errors: as [`Store::begin`]: a worker that is told so ends, for its run is no longer its own.
    pub fn beat(&self, claim: &Claim, now: Timestamp) -> Result<Option<StopReason>> {
        self.write(|session| beat(session, claim, now))
    }

    /// Signs of life of several runs in one transaction, each with its own answer.
    pub fn beat_all(&self, claims: &[Claim], now: Timestamp) -> Result<Vec<(RunId, Result<Option<StopReason>>)>> {
        self.write(|session| {
            let mut answers = Vec::with_capacity(claims.len());
            for claim in claims {
                match beat(session, claim, now) {
                    Err(
                        error @ (StoreError::Stale { .. } | StoreError::Conflict { .. } | StoreError::Missing { .. }),
                    ) => {
                        answers.push((claim.run.clone(), Err(error)));
                    }
                    answer => answers.push((claim.run.clone(), Ok(answer?))),
                }
            }
            Ok(answers)
        })
    }

    /// Puts a run whose worker never began back into the queue, or ends it when it was to stop. Says whether it did: a run that
    /// has begun, or was given back already, is left alone.
    ///
    /// Errors: no such run.
    pub fn give_back(&self, claim: &Claim, now: Timestamp) -> Result<bool> {
        self.write(|session| {
            let run = the_run(session, &claim.run)?;
            if run.state != RunState::Starting || run.claim != claim.number {
                return Ok(false);
            }
            if let Some(reason) = run.stop {
                super::stop::end_stopped(session, &run, reason, now)?;
                return Ok(true);
            }
            session.execute(
                "UPDATE runs SET state = 'queued', claimed = NULL, heartbeat = NULL WHERE id = ?1 AND state = 'starting'",
                [&run.id],
            )?;
            follow_run(session, &the_run(session, &run.id)?, now)?;
            Ok(true)
        })
    }
}

/// No run waits longer for its next try: one that is to wait longer was told so before the clock went back.
const HORIZON: SignedDuration = SignedDuration::from_hours(1);

fn candidates(session: &Session<'_>, now: Timestamp) -> Result<Vec<Candidate>> {
    let horizon = now.checked_add(HORIZON).unwrap_or(Timestamp::MAX);
    session.all(
        "SELECT r.id, r.job, r.origin, r.partition, r.attempt, r.priority, r.definition, \
           (SELECT count(*) FROM runs w WHERE w.job = j.name AND w.state IN ('starting', 'running')) AS working \
         FROM jobs j JOIN runs r ON r.number = ( \
           SELECT q.number FROM runs q \
           WHERE q.job = j.name AND q.state = 'queued' AND (q.not_before IS NULL OR q.not_before <= ?1 OR q.not_before > ?2) \
             AND (j.paused IS NULL OR q.origin IN ('manual', 'api')) \
           ORDER BY q.priority DESC, q.number LIMIT 1) \
         ORDER BY r.priority DESC, working, j.turn, r.number",
        [Micros(now), Micros(horizon)],
        |row| {
            Ok(Candidate {
                run: row.get(0)?,
                job: row.get(1)?,
                origin: row.get(2)?,
                partition: row.get(3)?,
                attempt: row.get(4)?,
                priority: row.get(5)?,
                definition: row.get(6)?,
                working: row.get(7)?,
            })
        },
    )
}

/// The run of a claim that is in force.
///
/// Errors: no such run, or the claim is an earlier one.
pub(super) fn held(session: &Session<'_>, claim: &Claim) -> Result<Run> {
    let run = the_run(session, &claim.run)?;
    // A run that was given back waits under the number of its last claim, which is no longer in force.
    match run.claim == claim.number && run.state != RunState::Queued {
        true => Ok(run),
        false => Err(StoreError::Stale { run: run.id.to_string() }),
    }
}

fn beat(session: &Session<'_>, claim: &Claim, now: Timestamp) -> Result<Option<StopReason>> {
    let run = held(session, claim)?;
    if run.state.is_final() {
        return Err(StoreError::conflict(format!("run `{}` is {}: it needs no sign of life", run.id, run.state)));
    }
    // Also when the clock stepped back a sign of life is a change.
    session.execute("UPDATE runs SET heartbeat = max(heartbeat + 1, ?2) WHERE id = ?1", (&run.id, Micros(now)))?;
    Ok(run.stop)
}

/// Lets the partition and the backfill's item of a run follow it.
pub(super) fn follow_run(session: &Session<'_>, run: &Run, now: Timestamp) -> Result<()> {
    follow(session, &run.job, run.partition.as_deref(), run.backfill, &run.id, run.state, now)
}
