//! When a message that did not arrive is sent again: a pure function.
//!
//! The wait after the n-th try is `min(10 s * 2^(n-1), 6 min)` less a random share of up to a quarter of it, as with the retries
//! of runs; or what the receiver asked for, where that is longer. The share comes from the message's key and the number of the
//! try, so that it is the same whenever it is computed.

use jiff::{SignedDuration, Timestamp};

/// The most tries of one message.
pub const MOST_TRIES: u32 = 10;
/// No try begins later than that after the message was recorded.
pub const WINDOW: SignedDuration = SignedDuration::from_hours(24);
/// The longest wait that a receiver may ask for.
pub const LONGEST_ASKED: SignedDuration = SignedDuration::from_hours(1);
/// The wait after the first try, in milliseconds.
const FIRST: u64 = 10_000;
/// No wait is longer, in milliseconds.
const LONGEST: u64 = 360_000;

/// What follows a try that may be repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Another one.
    At(Timestamp),
    /// None: the message is given up, for this reason.
    GiveUp(String),
}

/// What follows the `tries`-th try of a message that was recorded at `created`, where the receiver asked to wait for `asked`.
pub fn next(key: &str, tries: u32, created: Timestamp, now: Timestamp, asked: Option<SignedDuration>) -> Next {
    if tries >= MOST_TRIES {
        return Next::GiveUp(format!("it was tried {tries} times"));
    }
    let asked = asked.unwrap_or_default().clamp(SignedDuration::ZERO, LONGEST_ASKED);
    let at = now.checked_add(wait(key, tries).max(asked)).unwrap_or(Timestamp::MAX);
    if at.duration_since(created) > WINDOW {
        Next::GiveUp(format!("it was tried {tries} times in 24 hours"))
    } else {
        Next::At(at)
    }
}

/// The wait after the `tries`-th try, from 1 on.
pub fn wait(key: &str, tries: u32) -> SignedDuration {
    let doubled = 1_u64.checked_shl(tries.saturating_sub(1)).unwrap_or(u64::MAX);
    let whole = FIRST.saturating_mul(doubled).min(LONGEST);
    let hash = blake3::Hasher::new().update(&tries.to_le_bytes()).update(key.as_bytes()).finalize();
    let random = hash.as_bytes().iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    let less = random % (whole / 4 + 1);
    SignedDuration::from_millis(i64::try_from(whole - less).unwrap_or(i64::MAX))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn waits_double_from_ten_seconds_to_six_minutes_less_up_to_a_quarter() {
        for (tries, whole) in [(1, 10), (2, 20), (3, 40), (4, 80), (5, 160), (6, 320), (7, 360), (9, 360), (70, 360)] {
            let waits = (0..500).map(|number| wait(&format!("run/{number}/failure/webhook"), tries).as_secs_f64());
            let shares: Vec<f64> = waits.map(|wait| wait / f64::from(whole)).collect();
            let (shortest, longest) = shares
                .iter()
                .fold((f64::MAX, 0.0), |(low, high): (f64, f64), share| (low.min(*share), high.max(*share)));
            assert!((0.75..0.76).contains(&shortest), "{tries}: {shortest}");
            assert!((0.99..=1.0).contains(&longest), "{tries}: {longest}");
        }
        assert_eq!(wait("a", 3), wait("a", 3));
        assert_ne!(wait("a", 3), wait("b", 3));
    }

    #[test]
    fn ten_tries_are_the_most() {
        let now = at("2026-03-01T10:00:00Z");
        assert!(matches!(next("k", 9, now, now, None), Next::At(_)));
        assert_eq!(next("k", 10, now, now, None), Next::GiveUp("it was tried 10 times".to_owned()));
    }

    #[test]
    fn all_ten_tries_take_less_than_half_an_hour_without_a_wish_of_the_receiver() {
        let created = at("2026-03-01T10:00:00Z");
        let mut now = created;
        for tries in 1..MOST_TRIES {
            let Next::At(at) = next("k", tries, created, now, None) else { panic!("{tries}") };
            assert!(at > now);
            now = at;
        }
        // 10 + 20 + 40 + 80 + 160 + 320 + 3 * 360 s = 28.5 min, less a quarter at most.
        let minutes = now.duration_since(created).as_secs_f64() / 60.0;
        assert!((21.375..=28.5).contains(&minutes), "{minutes}");
    }

    #[test]
    fn a_receiver_may_ask_for_an_hour_and_not_for_less_than_the_usual_wait() {
        let now = at("2026-03-01T10:00:00Z");
        let asked = |seconds| match next("k", 1, now, now, Some(SignedDuration::from_secs(seconds))) {
            Next::At(at) => at.duration_since(now).as_secs(),
            Next::GiveUp(why) => panic!("{why}"),
        };
        assert_eq!(asked(120), 120);
        assert_eq!(asked(1_000_000), 3_600);
        assert!((7..=10).contains(&asked(0)));
        assert!((7..=10).contains(&asked(-50)));
    }

    #[test]
    fn after_a_day_a_message_is_given_up() {
        let created = at("2026-03-01T10:00:00Z");
        let late = at("2026-03-02T09:30:00Z");
        let hour = Some(SignedDuration::from_hours(1));
        assert_eq!(next("k", 5, created, late, hour), Next::GiveUp("it was tried 5 times in 24 hours".to_owned()));
        assert!(matches!(next("k", 5, created, late, None), Next::At(_)));
        // The clock went back after the message was recorded.
        assert!(matches!(next("k", 5, created, at("2026-03-01T08:00:00Z"), None), Next::At(_)));
        assert_eq!(next("k", 1, Timestamp::MAX, Timestamp::MAX, None), Next::At(Timestamp::MAX));
    }
}
