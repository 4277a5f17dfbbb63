//! Occurrences at equal distances in time.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::schedule::period::Period;

/// Where intervals begin to be counted when no anchor is given: a Monday at midnight, on the clock of the job's zone.
pub const ANCHOR: &str = "2024-01-01T00:00:00";

/// An anchor that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no moment; an anchor is a date (`2026-01-05`), a time on the clock of the job's zone (`2026-01-05T06:00`), or one \
     with its offset (`2026-01-05T06:00:00+01:00`)"
)]
pub struct AnchorError(pub String);

/// Occurrences at `anchor + k * every` for every whole `k`, before the anchor too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    every: Period,
    anchor: Timestamp,
}

impl Interval {
    /// Counts from `anchor`, or from the Monday 1 January 2024 at 00:00 on the clock of `zone`.
    ///
    /// # Errors
    /// [`AnchorError`] for a text that is no moment.
    pub fn new(every: Period, anchor: Option<&str>, zone: &TimeZone) -> Result<Self, AnchorError> {
        let text = anchor.unwrap_or(ANCHOR);
        let anchor = read(text.trim(), zone).ok_or_else(|| AnchorError(text.to_owned()))?;
        Ok(Self { every, anchor })
    }

    /// The distance between occurrences.
    pub fn every(&self) -> Period {
        self.every
    }

    /// The first occurrence after a moment; `None` where it is beyond the year 9999.
    pub(super) fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        let every = i128::from(self.every.as_seconds()).checked_mul(1_000_000_000)?;
        let since = after.as_nanosecond().checked_sub(self.anchor.as_nanosecond())?;
        let count = since.div_euclid(every).checked_add(1)?;
        Timestamp::from_nanosecond(self.anchor.as_nanosecond().checked_add(count.checked_mul(every)?)?).ok()
    }

    /// How many occurrences lie after `after` and not after `until`.
    pub(super) fn count(&self, after: Timestamp, until: Timestamp) -> u64 {
        let every = i128::from(self.every.as_seconds()).saturating_mul(1_000_000_000);
        let place = |moment: Timestamp| (moment.as_nanosecond() - self.anchor.as_nanosecond()).div_euclid(every);
        u64::try_from(place(until) - place(after)).unwrap_or(0)
    }
}

fn read(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(moment);
    }
    // A time with the name of a zone in brackets would be read, and the zone thrown away.
    if text.contains('[') {
        return None;
    }
    let time = text.parse::<DateTime>().ok().or_else(|| text.parse::<Date>().ok().map(|date| date.at(0, 0, 0, 0)))?;
    super::zoned::moment(zone, time)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use crate::schedule::zone;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn next(every: &str, anchor: Option<&str>, zone_name: &str, after: &str) -> Timestamp {
        let interval = Interval::new(every.parse().unwrap(), anchor, &zone::named(zone_name).unwrap()).unwrap();
        interval.next_after(at(after)).unwrap()
    }

    #[test]
    fn without_an_anchor_intervals_begin_on_a_monday_at_midnight_of_the_zone() {
        assert_eq!(next("15m", None, "UTC", "2026-03-01T10:07:00Z"), at("2026-03-01T10:15:00Z"));
        assert_eq!(next("15m", None, "UTC", "2026-03-01T10:15:00Z"), at("2026-03-01T10:30:00Z"));
        // Five hours and three quarters east.
        assert_eq!(next("1h", None, "Asia/Kathmandu", "2026-03-01T10:07:00Z"), at("2026-03-01T10:15:00Z"));
        // 2 March 2026 is a Monday.
        assert_eq!(next("7d", None, "UTC", "2026-03-01T10:07:00Z"), at("2026-03-02T00:00:00Z"));
        assert_eq!(next("7d", None, "Europe/Berlin", "2026-03-01T10:07:00Z"), at("2026-03-01T23:00:00Z"));
    }

    #[test]
    fn an_interval_is_elapsed_time_across_changes_of_the_clock() {
        // Midnight in winter is 01:00 in summer.
        assert_eq!(next("1d", None, "Europe/Berlin", "2026-03-29T12:00:00Z"), at("2026-03-29T23:00:00Z"));
        assert_eq!(next("1d", None, "Europe/Berlin", "2026-01-29T12:00:00Z"), at("2026-01-29T23:00:00Z"));
    }

    #[test]
    fn an_anchor_sets_the_phase_before_and_after_it() {
        for (anchor, expected) in [
            ("2026-01-05T06:20:00Z", "2026-03-01T10:20:00Z"),
            ("2026-01-05T06:20", "2026-03-01T10:20:00Z"),
            ("2026-01-05T07:40:00+01:00", "2026-03-01T10:40:00Z"),
            ("2026-01-05", "2026-03-01T11:00:00Z"),
            ("2030-01-05T06:20:00Z", "2026-03-01T10:20:00Z"),
        ] {
            assert_eq!(next("1h", Some(anchor), "UTC", "2026-03-01T10:07:00Z"), at(expected), "{anchor}");
        }
        for anchor in ["tomorrow", "", "2026-02-30", "06:00", "2026-01-05T06:00[Europe/Berlin]"] {
            let error = Interval::new("1h".parse().unwrap(), Some(anchor), &TimeZone::UTC).unwrap_err();
            assert_eq!(error, AnchorError(anchor.to_owned()));
        }
    }

    #[test]
    fn occurrences_are_counted_without_going_through_them() {
        let interval = Interval::new("7s".parse().unwrap(), None, &TimeZone::UTC).unwrap();
        let (from, until) = (at("2026-01-01T00:00:00Z"), at("2026-01-01T01:00:00Z"));
        let mut count = 0;
        let mut moment = from;
        while let Some(next) = interval.next_after(moment).filter(|next| *next <= until) {
            (moment, count) = (next, count + 1);
        }
        assert_eq!(interval.count(from, until), count);
        assert_eq!(interval.count(until, from), 0);
        assert_eq!(interval.next_after(Timestamp::MAX), None);
    }
}
