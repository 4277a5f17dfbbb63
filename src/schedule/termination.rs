//! How a run is made to end: deadline, cancellation, replacement and the stop of the server take one path.
//!
//! The worker's process group is asked to end (SIGTERM), and is killed (SIGKILL) when it has not ended 10 s later.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::period::Period;

/// From the request to end to the kill.
pub const GRACE: SignedDuration = SignedDuration::from_secs(10);

/// Why a run has to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Somebody cancelled it.
    Cancelled,
    /// A later run of the job takes its place.
    Replaced,
    /// It takes longer than its `timeout`.
    TimedOut,
    /// The server stops.
    ServerStops,
}

/// A run has to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Termination {
    /// Why: the first cause that there was.
    pub cause: Cause,
    /// When it was decided.
    #[serde(with = "super::occurrence::moment")]
    pub since: Timestamp,
}

/// What to send to the worker's process group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM: it shall end.
    Terminate,
    /// SIGKILL: it ends now.
    Kill,
}

impl Termination {
    /// Makes a run end. Where it has to end already, nothing changes: to cancel twice is to cancel once, and the grace does not
    /// begin again.
    pub fn begin(already: Option<Self>, cause: Cause, now: Timestamp) -> Self {
        already.unwrap_or(Self { cause, since: now })
    }

    /// What to send next, given how long ago, by a clock that never steps, it was decided, and what was sent.
    pub fn signal(passed: SignedDuration, sent: Option<Signal>) -> Option<Signal> {
        match sent {
            None => Some(Signal::Terminate),
            Some(Signal::Terminate) if passed >= GRACE => Some(Signal::Kill),
            Some(_) => None,
        }
    }
}

/// The moment at which a run that first started at `started` has to end; all its tries count.
pub fn deadline(started: Timestamp, timeout: Option<Period>) -> Option<Timestamp> {
    timeout.map(|timeout| started.checked_add(timeout.duration()).unwrap_or(Timestamp::MAX))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn to_cancel_twice_is_to_cancel_once() {
        let first = Termination::begin(None, Cause::Cancelled, at("2026-03-01T10:00:00Z"));
        let second = Termination::begin(Some(first), Cause::Cancelled, at("2026-03-01T10:00:09Z"));
        assert_eq!(second, first);
        let third = Termination::begin(Some(second), Cause::TimedOut, at("2026-03-01T10:00:10Z"));
        assert_eq!(third, first);
    }

    #[test]
    fn ten_seconds_after_the_request_the_worker_is_killed_once() {
        let seconds = SignedDuration::from_secs;
        assert_eq!(Termination::signal(seconds(0), None), Some(Signal::Terminate));
        assert_eq!(Termination::signal(seconds(9), Some(Signal::Terminate)), None);
        assert_eq!(Termination::signal(seconds(10), Some(Signal::Terminate)), Some(Signal::Kill));
        assert_eq!(Termination::signal(seconds(60), Some(Signal::Kill)), None);
        // A server that was started again has sent nothing yet: it asks first.
        assert_eq!(Termination::signal(seconds(60), None), Some(Signal::Terminate));
    }

    #[test]
    fn a_deadline_counts_from_the_first_start() {
        assert_eq!(
            deadline(at("2026-03-01T10:00:00Z"), Some("1h30m".parse().unwrap())),
            Some(at("2026-03-01T11:30:00Z"))
        );
        assert_eq!(deadline(at("2026-03-01T10:00:00Z"), None), None);
        assert_eq!(deadline(Timestamp::MAX, Some("1h".parse().unwrap())), Some(Timestamp::MAX));
    }
}
