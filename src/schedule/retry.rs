//! Whether and when a run that failed is tried again.
//!
//! The n-th retry waits `min(10 s * 2^(n-1), 6 min)`, less a random share of up to a quarter of it, so that jobs that failed
//! together do not all come back together ("exponential backoff and jitter", M. Brooker 2015). The share comes from a seed, the
//! run and the number of the retry: the same run waits the same time whenever it is computed.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ending::Ending;

/// The wait before the first retry, in milliseconds.
const FIRST: u64 = 10_000;
/// No wait is longer, in milliseconds.
const LONGEST: u64 = 360_000;
/// The most retries that a job may ask for.
pub const MOST: u32 = 100;

/// How often a failed run is tried again.
///
/// The first retry comes 10 seconds after the failure, each further one after twice the time, at most after 6 minutes; up to a
/// quarter is taken off each wait at random. A wrong definition, refused data and cancelled runs are never tried again, nor
/// is anything once the `timeout` of the run is over: it counts from the start of the first try.
///
/// ```yaml
/// retries: 3
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "u32", into = "u32")]
#[schemars(with = "u32", extend("maximum" = 100))]
pub struct Retries(u32);

/// More retries than a job may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0} retries are too many; a run may be tried again 100 times at most, with 6 minutes between tries from the seventh on"
)]
pub struct TooMany(u32);

impl Retries {
    /// So many retries, from 0 to 100.
    ///
    /// # Errors
    /// [`TooMany`] for more.
    pub fn new(count: u32) -> Result<Self, TooMany> {
        if count <= MOST { Ok(Self(count)) } else { Err(TooMany(count)) }
    }

    /// How many.
    pub fn count(self) -> u32 {
        self.0
    }
}

impl TryFrom<u32> for Retries {
    type Error = TooMany;

    fn try_from(count: u32) -> Result<Self, TooMany> {
        Self::new(count)
    }
}

impl From<Retries> for u32 {
    fn from(retries: Retries) -> Self {
        retries.0
    }
}

/// One try of a run that has ended.
#[derive(Debug, Clone, Copy)]
pub struct Try<'r> {
    /// The run.
    pub run: &'r str,
    /// Its number: 1 for the first try.
    pub number: u32,
    /// How it ended.
    pub ending: Ending,
    /// When it ended.
    pub ended: Timestamp,
    /// When the run has to end, all tries together.
    pub deadline: Option<Timestamp>,
}

/// What follows a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The run has ended.
    End(Why),
    /// It is tried again.
    Retry {
        /// When.
        at: Timestamp,
    },
}

/// Why a run is not tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// It succeeded.
    Succeeded,
    /// Another try would end the same, or is not wanted.
    Final,
    /// There are no retries left, or the job has none.
    NoneLeft,
    /// The next try would begin when the run has to have ended.
    Deadline,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Succeeded => "it succeeded",
            Self::Final => "another try would end the same way, or is not wanted any more",
            Self::NoneLeft => "all its retries are used; `retries` allows more",
            Self::Deadline => "the next try would begin after the run's `timeout`",
        })
    }
}

/// What follows a try that has ended.
pub fn next(retries: Retries, seed: u64, ended: &Try<'_>) -> Next {
    if ended.ending == Ending::Succeeded {
        return Next::End(Why::Succeeded);
    }
    if !ended.ending.may_be_retried() {
        return Next::End(Why::Final);
    }
    // The n-th try is followed by the n-th retry.
    if ended.number > retries.count() {
        return Next::End(Why::NoneLeft);
    }
    let at = ended.ended.checked_add(wait(seed, ended.run, ended.number)).unwrap_or(Timestamp::MAX);
    if ended.deadline.is_some_and(|deadline| at >= deadline) { Next::End(Why::Deadline) } else { Next::Retry { at } }
}

/// The time before the `number`-th retry of a run, from 1 on.
fn wait(seed: u64, run: &str, number: u32) -> SignedDuration {
    let doubled = 1_u64.checked_shl(number.saturating_sub(1)).unwrap_or(u64::MAX);
    let whole = FIRST.saturating_mul(doubled).min(LONGEST);
    let less = random(seed, run, number) % (whole / 4 + 1);
    SignedDuration::from_millis(i64::try_from(whole - less).unwrap_or(i64::MAX))
}

/// A number that looks random: FNV-1a (Fowler, Noll and Vo 1991) over the run, mixed as in SplitMix64 (Steele, Lea and Flood
/// 2014).
fn random(seed: u64, run: &str, number: u32) -> u64 {
    let bytes = run.bytes().chain(number.to_le_bytes()).chain(seed.to_le_bytes());
    let hash =
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let mixed = hash.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use crate::schedule::termination::deadline;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn failed(number: u32) -> Try<'static> {
        let ended = at("2026-03-01T10:00:00Z");
        Try { run: "20260301-100000-abcd", number, ending: Ending::StageFailed, ended, deadline: None }
    }

    #[test]
    fn waits_double_from_ten_seconds_to_six_minutes_less_up_to_a_quarter() {
        for (number, whole) in [(1, 10), (2, 20), (3, 40), (4, 80), (5, 160), (6, 320), (7, 360), (8, 360), (100, 360)]
        {
            let mut shortest = SignedDuration::MAX;
            let mut longest = SignedDuration::ZERO;
            for run in 0..500 {
                let waited = wait(7, &format!("run-{run}"), number);
                (shortest, longest) = (shortest.min(waited), longest.max(waited));
            }
            let share = |of: SignedDuration| of.as_secs_f64() / f64::from(whole);
            assert!((0.75..0.76).contains(&share(shortest)), "{number}: {shortest}");
            assert!((0.99..=1.0).contains(&share(longest)), "{number}: {longest}");
        }
    }

    #[test]
    fn the_same_run_waits_the_same_time_and_another_seed_another() {
        assert_eq!(wait(1, "a", 3), wait(1, "a", 3));
        assert_ne!(wait(1, "a", 3), wait(2, "a", 3));
        assert_ne!(wait(1, "a", 3), wait(1, "b", 3));
    }

    #[test]
    fn without_retries_a_failure_is_the_end() {
        assert_eq!(next(Retries::default(), 0, &failed(1)), Next::End(Why::NoneLeft));
    }

    #[test]
    fn there_are_as_many_retries_as_the_job_has() {
        let two = Retries::new(2).unwrap();
        assert!(matches!(next(two, 0, &failed(1)), Next::Retry { .. }));
        assert!(matches!(next(two, 0, &failed(2)), Next::Retry { .. }));
        assert_eq!(next(two, 0, &failed(3)), Next::End(Why::NoneLeft));
    }

    #[test]
    fn what_would_end_the_same_is_never_tried_again() {
        for ending in [
            Ending::DefinitionWrong,
            Ending::DataRefused,
            Ending::Interrupted,
            Ending::Cancelled,
            Ending::Replaced,
            Ending::TimedOut,
            Ending::ServerStopped,
        ] {
            let ended = Try { ending, ..failed(1) };
            assert_eq!(next(Retries::new(5).unwrap(), 0, &ended), Next::End(Why::Final), "{ending}");
        }
        let ended = Try { ending: Ending::Succeeded, ..failed(1) };
        assert_eq!(next(Retries::new(5).unwrap(), 0, &ended), Next::End(Why::Succeeded));
    }

    #[test]
    fn the_timeout_beats_retries() {
        let retries = Retries::new(5).unwrap();
        let started = at("2026-03-01T09:59:00Z");
        let soon = Try { deadline: deadline(started, Some("65s".parse().unwrap())), ..failed(1) };
        assert_eq!(next(retries, 0, &soon), Next::End(Why::Deadline));
        let later = Try { deadline: deadline(started, Some("2m".parse().unwrap())), ..failed(1) };
        assert!(matches!(next(retries, 0, &later), Next::Retry { .. }));
    }

    #[test]
    fn too_many_retries_are_refused_where_they_are_read() {
        assert_eq!(serde_json::from_str::<Retries>("100").unwrap().count(), 100);
        let error = serde_json::from_str::<Retries>("101").unwrap_err().to_string();
        assert!(error.contains("101 retries are too many"), "{error}");
        assert!(serde_json::from_str::<Retries>("-1").is_err());
    }
}
