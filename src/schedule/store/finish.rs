//! The end of a run, and what follows from it, in one transaction.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Store;
use super::claim::{Claim, follow_run, held};
use super::error::{Result, StoreError};
use super::notifications::{NewNotification, record};
use super::promotions::{NewPromotion, promote};
use super::run::{CutOff, NewRun, Run, RunState, Standing, active_of_partition, insert, the_run};
use super::session::Session;
use super::value::{Micros, Object, RunId, text};

/// How a worker's process ended, as far as is known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ending {
    /// `Succeeded`, `Failed`, `TimedOut` or `Lost`. A stop that was asked for comes before it.
    pub state: RunState,
    /// The exit code.
    pub exit_code: Option<i32>,
    /// What a person should know.
    pub message: Option<String>,
    /// Of `Lost`: what happened to the server; none where the worker died.
    pub cut_off: Option<CutOff>,
    /// Rows, quality, accuracy and such.
    pub metrics: Object,
}

impl Ending {
    /// An end without a message.
    pub fn of(state: RunState) -> Self {
        Self { state, exit_code: None, message: None, cut_off: None, metrics: Object::new() }
    }

    /// The end of a run whose worker died or fell silent, with what a person should know.
    pub fn lost(message: &str) -> Self {
        Self { message: Some(message.to_owned()), ..Self::of(RunState::Lost) }
    }
}

/// A run that has ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Finished {
    /// The run as it stands now. Its state may be another than the ending's: it was to stop, or had ended before.
    pub run: Run,
    /// The state of the run of its job that had ended for good last before it: no attempt of the same run, and none that was
    /// followed by another attempt. To tell a recovery.
    pub before: Option<RunState>,
    /// Whether this call ended it. If not, nothing follows from it again.
    pub fresh: bool,
    /// The retry that was put into the queue.
    pub retry: Option<RunId>,
    /// Runs of other jobs that were put into the queue.
    pub started: Vec<RunId>,
}

/// Another attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Not earlier than that.
    pub not_before: Timestamp,
    /// Whether it goes on from the last stage that was finished.
    pub resumes: bool,
}

/// What follows from the end of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Consequences {
    /// Another attempt. Refused for runs that succeeded or were cancelled.
    pub retry: Option<Retry>,
    /// Verdicts on models and outputs. Only a run that succeeded has some.
    pub promotions: Vec<NewPromotion>,
    /// Messages.
    pub notifications: Vec<NewNotification>,
    /// Runs of other jobs that were waiting for this success. One that there is already, or whose partition is being run, is
    /// left out.
    pub runs: Vec<NewRun>,
}

impl Store {
    /// Ends a run. `follow` says what follows from it, knowing how it really ended: it is asked once, when this call ends the
    /// run, and must not call the store.
    ///
    /// A stop that was asked for wins over what the worker says: the run is cancelled or timed out. For a run that has ended
    /// already, nothing changes and `fresh` is false.
    ///
    /// Errors: no such run; an earlier claim; a consequence that does not go with the end (then the run has not ended).
    pub fn finish(
        &self,
        claim: &Claim,
        ending: &Ending,
        now: Timestamp,
        follow: impl FnOnce(&Finished) -> Consequences,
    ) -> Result<Finished> {
        self.write(|session| {
            let run = held(session, claim)?;
            finish(session, run, ending, now, follow)
        })
    }

    /// Ends a run whose worker is dead or has been silent too long, as [`Store::finish`] does, without a claim. None when the
    /// worker gave a sign of life since `seen` was looked at, or the run went on or ended.
    pub fn lose(
        &self,
        seen: &Run,
        ending: &Ending,
        now: Timestamp,
        follow: impl FnOnce(&Finished) -> Consequences,
    ) -> Result<Option<Finished>> {
        self.write(|session| {
            let run = the_run(session, &seen.id)?;
            if run.state.is_final()
                || run.state != seen.state
                || run.claim != seen.claim
                || run.heartbeat != seen.heartbeat
            {
                return Ok(None);
            }
            finish(session, run, ending, now, follow).map(Some)
        })
    }
}

fn finish(
    session: &Session<'_>,
    run: Run,
    ending: &Ending,
    now: Timestamp,
    follow: impl FnOnce(&Finished) -> Consequences,
) -> Result<Finished> {
    if !ending.state.is_final() || ending.state == RunState::Cancelled {
        let reason = format!("run `{}` cannot end as {}: that is asked for by a stop", run.id, ending.state);
        return Err(StoreError::conflict(reason));
    }
    let before = session.one(
        "SELECT state FROM runs WHERE job = ?1 AND root <> ?2 AND ended IS NOT NULL AND state IN \
           ('succeeded', 'failed', 'timed_out', 'lost') AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.retry_of = runs.id) \
           ORDER BY number DESC LIMIT 1",
        (&run.job, &run.root),
        |row| row.get(0),
    )?;
    if run.state.is_final() {
        return Ok(Finished { run, before, fresh: false, retry: None, started: Vec::new() });
    }
    let state = run.stop.map_or(ending.state, |reason| reason.state());
    let cut_off = ending.cut_off.filter(|_| state == RunState::Lost);
    session.execute(
        "UPDATE runs SET state = ?2, ended = ?3, exit_code = ?4, message = ?5, metrics = ?6, cut_off = ?7 \
         WHERE id = ?1 AND state IN ('starting', 'running')",
        (&run.id, state, Micros(now), ending.exit_code, &ending.message, text(&ending.metrics), cut_off),
    )?;
    let run = the_run(session, &run.id)?;
    count(session, &run)?;
    let mut finished = Finished { run, before, fresh: true, retry: None, started: Vec::new() };
    let consequences = follow(&finished);
    follow_run(session, &finished.run, now)?;
    carry_out(session, &mut finished, consequences, now)?;
    Ok(finished)
}

fn carry_out(session: &Session<'_>, finished: &mut Finished, follows: Consequences, now: Timestamp) -> Result<()> {
    let run = &finished.run;
    if run.state != RunState::Succeeded && !(follows.promotions.is_empty() && follows.runs.is_empty()) {
        let reason = format!("run `{}` is {}: it promotes and starts nothing", run.id, run.state);
        return Err(StoreError::conflict(reason));
    }
    for promotion in &follows.promotions {
        promote(session, run, promotion, now)?;
    }
    for notification in &follows.notifications {
        record(session, &run.job, Some(&run.id), notification, now)?;
    }
    for new in &follows.runs {
        if let Some(partition) = &new.partition
            && active_of_partition(session, &new.job, partition)?.is_some()
        {
            continue;
        }
        let new = NewRun { cause: Some(run.id.clone()), ..new.clone() };
        finished.started.push(insert(session, &new, Standing::default(), now)?);
    }
    if let Some(retry) = follows.retry {
        if matches!(run.state, RunState::Succeeded | RunState::Cancelled) {
            return Err(StoreError::conflict(format!("run `{}` is {}: it is not tried again", run.id, run.state)));
        }
        let new = NewRun {
            job: run.job.clone(),
            origin: run.origin,
            partition: run.partition.clone(),
            cause: run.cause.clone(),
            priority: run.priority,
            parameters: run.parameters.clone(),
            requested_by: run.requested_by.clone(),
        };
        let standing = Standing {
            scheduled: run.scheduled,
            backfill: run.backfill,
            not_before: Some(retry.not_before),
            retries: Some((run, retry.resumes)),
        };
        finished.retry = Some(insert(session, &new, standing, now)?);
    }
    Ok(())
}

/// Adds a run that ended to the totals.
pub(super) fn count(session: &Session<'_>, run: &Run) -> Result<()> {
    let micros = match (run.started, run.ended) {
        // The clock may have stepped back meanwhile.
        (Some(started), Some(ended)) => (ended.as_microsecond() - started.as_microsecond()).max(0),
        _ => 0,
    };
    session.execute(
        "INSERT INTO totals (job, state, runs, seconds) VALUES (?1, ?2, 1, ?3) \
         ON CONFLICT (job, state) DO UPDATE SET runs = runs + 1, seconds = seconds + excluded.seconds",
        (&run.job, run.state, micros as f64 / 1e6),
    )?;
    Ok(())
}
