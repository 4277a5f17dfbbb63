//! What time it is, for those who are told it instead of asking the machine.

use std::fmt;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

/// A difference between the wall clock and the time that passed is a step of the clock from this on.
pub const STEP_FROM: SignedDuration = SignedDuration::from_secs(5);

/// Tells the time of day, which may step in both directions, as clocks of machines do, and the time that passes, which does not.
pub trait Clock: Send + Sync {
    /// The moment that it is now.
    fn now(&self) -> Timestamp;

    /// The time since a fixed moment. It only grows, at the same pace as time passes.
    fn passed(&self) -> Duration;
}

/// The clocks of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn passed(&self) -> Duration {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        START.elapsed()
    }
}

/// A clock that stands still until it is moved, for tests.
#[derive(Debug)]
pub struct SimulatedClock(Mutex<(Timestamp, Duration)>);

impl SimulatedClock {
    /// A clock that shows `now`.
    pub fn at(now: Timestamp) -> Self {
        Self(Mutex::new((now, Duration::ZERO)))
    }

    /// Sets the time of day, forwards or back: a step, in which no time passes.
    pub fn set(&self, now: Timestamp) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0 = now;
    }

    /// Lets the time `by` pass; the time of day stays where it is when that is beyond the years that can be counted.
    pub fn advance(&self, by: SignedDuration) {
        let mut at = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        at.0 = at.0.checked_add(by).unwrap_or(at.0);
        at.1 = at.1.saturating_add(Duration::try_from(by).unwrap_or_default());
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    fn passed(&self) -> Duration {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1
    }
}

/// The wall clock moved by other than the time that passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It was set forward, or the machine slept, by so much.
    Forward(SignedDuration),
    /// It was set back by so much (positive).
    Back(SignedDuration),
}

impl Step {
    /// Compares two looks at the wall clock with the time that passed between them by a clock that never steps.
    ///
    /// A difference of less than 5 s is no step: clocks are adjusted all the time.
    pub fn between(before: Timestamp, now: Timestamp, passed: Duration) -> Option<Self> {
        let passed = SignedDuration::try_from(passed).unwrap_or(SignedDuration::MAX);
        let extra = now.duration_since(before).saturating_sub(passed);
        if extra >= STEP_FROM {
            Some(Self::Forward(extra))
        } else if extra <= -STEP_FROM {
            Some(Self::Back(extra.abs()))
        } else {
            None
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forward(by) => write!(
                f,
                "the clock went forward by {by:#} (it was set, or the machine slept): what was missed is treated as each job's \
                 `catchup` says"
            ),
            Self::Back(by) => write!(
                f,
                "the clock went back by {by:#}: occurrences that are recorded do not fire again, so jobs wait until the clock has \
                 passed the last of them"
            ),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_simulated_clock_moves_only_when_it_is_moved() {
        let clock = SimulatedClock::at(at("2026-03-29T00:00:00Z"));
        assert_eq!(clock.now(), at("2026-03-29T00:00:00Z"));
        clock.advance(SignedDuration::from_hours(2));
        assert_eq!(clock.now(), at("2026-03-29T02:00:00Z"));
        clock.set(at("2026-03-28T00:00:00Z"));
        assert_eq!(clock.now(), at("2026-03-28T00:00:00Z"));
        clock.set(Timestamp::MAX);
        clock.advance(SignedDuration::MAX);
        assert_eq!(clock.now(), Timestamp::MAX);
    }

    #[test]
    fn a_step_of_two_hours_is_seen_in_both_directions_and_a_second_is_not() {
        let before = at("2026-03-29T00:00:00Z");
        let ten = Duration::from_secs(10);
        assert_eq!(
            Step::between(before, at("2026-03-29T02:00:10Z"), ten),
            Some(Step::Forward(SignedDuration::from_hours(2)))
        );
        assert_eq!(
            Step::between(before, at("2026-03-28T22:00:10Z"), ten),
            Some(Step::Back(SignedDuration::from_hours(2)))
        );
        assert_eq!(Step::between(before, at("2026-03-29T00:00:11Z"), ten), None);
        assert_eq!(Step::between(before, at("2026-03-29T00:00:06Z"), ten), None);
        let said = Step::Back(SignedDuration::from_hours(2)).to_string();
        assert!(said.starts_with("the clock went back by 2h: "), "{said}");
    }
}
