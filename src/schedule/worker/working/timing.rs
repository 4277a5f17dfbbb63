//! The deadlines of a worker, and what is sent to one that has to end.

use std::sync::PoisonError;
use std::time::Duration;

use super::{Shared, State};
use crate::schedule::termination::Signal;
use crate::schedule::worker::heard::Heard;
use crate::schedule::worker::orphan::due;

impl Shared {
    /// Ends what is overdue, and kills what does not end.
    pub(super) fn keep_time(&self) {
        let mut state = self.lock();
        while !state.ended {
            let now = self.began.elapsed();
            if state.stop.is_none()
                && let Some(overdue) = state.time.overdue(now)
            {
                (state.stop, state.overdue) = (Some(now), Some(overdue.clone()));
                self.signal(&mut state, now);
                drop(state);
                self.note(&format!("{overdue}; it is made to end"));
                self.tell(Heard::Overdue(overdue));
                state = self.lock();
                continue;
            }
            self.signal(&mut state, now);
            let next = match (state.stop, state.sent) {
                (_, Some(Signal::Kill)) => None,
                (Some(since), _) => since.checked_add(self.grace),
                (None, _) => state.time.next(),
            };
            state = match next {
                Some(next) => {
                    let wait = next.saturating_sub(self.began.elapsed());
                    self.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Sends what is due to a process that was told to end.
    fn signal(&self, state: &mut State, now: Duration) {
        let Some(since) = state.stop else { return };
        if let Some(signal) = due(now.saturating_sub(since), self.grace, state.sent) {
            self.send(state, signal);
            state.sent = Some(signal);
        }
    }
}
