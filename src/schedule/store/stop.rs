//! Asking a run to end early: cancellation, replacement, the deadline.
//!
//! A run that waits ends at once. One at work is asked: the reason is noted, its worker hears of it with its next heartbeat (or
//! by a signal from the server), and whatever the worker says at its end, the run ends as cancelled or timed out. The first
//! reason counts. Asking again changes nothing.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Store;
use super::audit::note;
use super::claim::follow_run;
use super::error::Result;
use super::finish::count;
use super::run::{Run, RunState, StopReason, the_run};
use super::session::Session;
use super::value::{Micros, RunId};

/// What became of the wish to stop a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stopped {
    /// It waited, and has ended.
    Ended,
    /// It is at work, and is asked to end.
    Asked,
    /// It was asked before, for that reason.
    AskedBefore(StopReason),
    /// It had ended before, in that state.
    EndedBefore(RunState),
}

impl Store {
    /// Asks a run to end early. May be asked any number of times.
    ///
    /// Errors: no such run.
    pub fn stop(&self, id: &RunId, reason: StopReason, who: &str, now: Timestamp) -> Result<Stopped> {
        self.write(|session| stop(session, id, reason, who, now))
    }
}

pub(super) fn stop(
    session: &Session<'_>,
    id: &RunId,
    reason: StopReason,
    who: &str,
    now: Timestamp,
) -> Result<Stopped> {
    let run = the_run(session, id)?;
    let answer = match (run.state, run.stop) {
        (state, _) if state.is_final() => return Ok(Stopped::EndedBefore(state)),
        (_, Some(before)) => return Ok(Stopped::AskedBefore(before)),
        _ => {
            session.execute(
                // The state goes first where the run waits: a waiting run has no reason to stop.
                "UPDATE runs SET stop = ?2, stop_asked = ?3, stop_by = ?4, \
                   state = iif(state = 'queued', ?5, state), ended = iif(state = 'queued', ?3, NULL) \
                 WHERE id = ?1 AND stop IS NULL AND state IN ('queued', 'starting', 'running')",
                (id, reason, Micros(now), who, reason.state()),
            )?;
            match run.state {
                RunState::Queued => {
                    after_end(session, &the_run(session, id)?, now)?;
                    Stopped::Ended
                }
                _ => Stopped::Asked,
            }
        }
    };
    note(session, who, reason.word(), id.as_str(), &run.job, now)?;
    Ok(answer)
}

/// Ends a run that was asked to stop and has no worker.
pub(super) fn end_stopped(session: &Session<'_>, run: &Run, reason: StopReason, now: Timestamp) -> Result<()> {
    session.execute(
        "UPDATE runs SET state = ?2, ended = ?3 WHERE id = ?1 AND state = 'starting'",
        (&run.id, reason.state(), Micros(now)),
    )?;
    after_end(session, &the_run(session, &run.id)?, now)
}

fn after_end(session: &Session<'_>, run: &Run, now: Timestamp) -> Result<()> {
    follow_run(session, run, now)?;
    count(session, run)
}
