//! Whether the server works.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use super::Service;
use super::views::Health;

/// A loop that has not turned for so long does not work: no turn waits for anything but the disk.
const STILL: Duration = Duration::from_secs(30);

/// What the loop of the server says of itself.
#[derive(Debug, Default)]
pub(in crate::schedule) struct Pulse(Mutex<State>);

#[derive(Debug, Clone, Copy, Default)]
struct State {
    /// When the loop last turned, by the clock that does not step; none without a server.
    turned: Option<Duration>,
    started: bool,
    stopping: bool,
}

impl Pulse {
    /// The loop turns; `started` from when it has recovered what was there.
    pub(in crate::schedule) fn turns(&self, passed: Duration) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).turned = Some(passed);
    }

    /// The server has recovered what was there and takes work.
    pub(in crate::schedule) fn started(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).started = true;
    }

    /// The server takes no more work.
    pub(in crate::schedule) fn stops(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).stopping = true;
    }

    fn state(&self) -> State {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service {
    /// Whether the server's loop turns, or none runs here. Costs nothing: nothing is read.
    pub fn alive(&self) -> bool {
        self.pulse.state().turned.is_none_or(|turned| self.clock.passed().saturating_sub(turned) < STILL)
    }

    /// How the server is. Costs two counts in the database.
    ///
    /// Without a server it is alive and not ready.
    pub fn health(&self) -> Health {
        let state = self.pulse.state();
        let passed = self.clock.passed();
        let alive = state.turned.is_none_or(|turned| passed.saturating_sub(turned) < STILL);
        let mut reasons = self.troubles.all();
        let mut ready = alive && state.started && !state.stopping && !self.troubles.hold();
        match (state.turned, alive) {
            (None, _) => reasons.push("no server runs here: what is queued waits for one".to_owned()),
            (_, false) => reasons.push(format!("the server's loop has not turned for {} s", STILL.as_secs())),
            _ if state.stopping => reasons.push("the server stops: it takes no more work".to_owned()),
            _ if !state.started => reasons.push("the server starts".to_owned()),
            _ => {}
        }
        let counts = self.store.waiting().and_then(|queue| Ok((queue, self.store.working()?)));
        let (queue, working) = counts.unwrap_or_else(|error| {
            ready = false;
            reasons.push(error.to_string());
            (0, 0)
        });
        Health { alive, ready, reasons, queue, working }
    }
}
