//! Cron patterns in a time zone: what happens where a clock skips or repeats an hour.
//!
//! A pattern of *fixed times* means a list of times on the wall clock. Each becomes one moment: in an hour that is skipped the
//! first valid moment behind it, in an hour that is repeated its first pass. That map never decreases, so the search goes on
//! along the wall clock. Times that come to the same moment are one occurrence.
//!
//! A *wildcard* pattern means every moment at which the wall clock shows a time that matches: skipped times are no moments,
//! repeated ones are two. The search goes from change to change of the zone's offset; between them the wall clock only runs.
//!
//! The rules are those of Vixie cron (P. Vixie 1993, `cron(8)`, "daylight saving time"), which treats changes of up to three
//! hours so; here changes of any length are.

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::cron::Pattern;

const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// The first occurrence after a moment; `None` where it is beyond the year 9999.
pub(super) fn next_after(pattern: &Pattern, zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
    let whole = whole_second(after)?;
    if pattern.is_wildcard() { next_shown(pattern, zone, whole) } else { next_fixed(pattern, zone, whole) }
}

/// The first moment after `after` at which the wall clock shows a time of the pattern.
fn next_shown(pattern: &Pattern, zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
    let mut from = after.checked_add(SECOND).ok()?;
    loop {
        let offset = zone.to_offset(from);
        let change = zone.following(from).next().map(|transition| transition.timestamp());
        let found = pattern.at_or_after(offset.to_datetime(from), change.map(|change| offset.to_datetime(change)));
        match (found, change) {
            (Some(found), _) => return offset.to_timestamp(found).ok(),
            (None, Some(change)) => from = change,
            (None, None) => return None,
        }
    }
}

/// The first moment after `after` to which a time of the pattern comes.
fn next_fixed(pattern: &Pattern, zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
    // Times before the one that the clock shows at `after` have come at `after` or earlier: the map does not decrease.
    let mut from = zone.to_datetime(after);
    loop {
        let time = pattern.at_or_after(from, None)?;
        let moment = moment(zone, time)?;
        if moment > after {
            return Some(moment);
        }
        from = time.checked_add(SECOND).ok()?;
    }
}

/// The moment of a time on the wall clock: the first pass where it comes twice, the first moment behind where it does not come.
pub(in crate::schedule) fn moment(zone: &TimeZone, time: DateTime) -> Option<Timestamp> {
    let ambiguous = zone.to_ambiguous_timestamp(time);
    match ambiguous.offset() {
        AmbiguousOffset::Gap { after, .. } => {
            // With the offset that holds behind the gap, a time in the gap is a moment before the change.
            let before_change = after.to_timestamp(time).ok()?;
            zone.following(before_change).next().map(|change| change.timestamp())
        }
        AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => ambiguous.earlier().ok(),
    }
}

/// The second in which a moment lies.
fn whole_second(moment: Timestamp) -> Option<Timestamp> {
    let seconds = moment.as_nanosecond().div_euclid(1_000_000_000);
    Timestamp::from_second(i64::try_from(seconds).ok()?).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::schedule::zone;

    fn after(pattern: &str, zone_name: &str, from: &str, count: usize) -> Vec<String> {
        let (pattern, zone) = (Pattern::parse(pattern).unwrap(), zone::named(zone_name).unwrap());
        let mut at: Timestamp = from.parse().unwrap();
        let mut found = Vec::new();
        for _ in 0..count {
            at = next_after(&pattern, &zone, at).unwrap();
            found.push(at.to_zoned(zone.clone()).strftime("%m-%d %H:%M %:z").to_string());
        }
        found
    }

    // Berlin: on 29 March 2026 02:00 becomes 03:00, on 25 October 03:00 becomes 02:00.
    #[test]
    fn a_fixed_time_in_a_spring_gap_runs_once_at_the_first_valid_instant() {
        assert_eq!(
            after("30 2 * * *", "Europe/Berlin", "2026-03-27T12:00:00Z", 3),
            ["03-28 02:30 +01:00", "03-29 03:00 +02:00", "03-30 02:30 +02:00"]
        );
        // Lists and ranges are fixed times, and what comes to the same moment is one occurrence.
        assert_eq!(
            after("0,30 2,3 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 3),
            ["03-29 03:00 +02:00", "03-29 03:30 +02:00", "03-30 02:00 +02:00"]
        );
        assert_eq!(
            after("*/20 30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 2),
            ["03-29 03:00 +02:00", "03-30 02:30 +02:00"]
        );
        // Half an hour in Lord Howe: 02:00 becomes 02:30 on 4 October.
        assert_eq!(
            after("10 2 * * *", "Australia/Lord_Howe", "2026-10-02T20:00:00Z", 2),
            ["10-04 02:30 +11:00", "10-05 02:10 +11:00"]
        );
    }

    #[test]
    fn a_fixed_time_in_the_autumn_overlap_runs_once_in_the_first_pass() {
        assert_eq!(
            after("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2),
            ["10-25 02:30 +02:00", "10-26 02:30 +01:00"]
        );
        // Also for one who asks between the two passes, or within the second.
        assert_eq!(after("30 2 * * *", "Europe/Berlin", "2026-10-25T00:45:00Z", 1), ["10-26 02:30 +01:00"]);
        assert_eq!(after("30 2 * * *", "Europe/Berlin", "2026-10-25T01:15:00Z", 1), ["10-26 02:30 +01:00"]);
    }

    #[test]
    fn wildcards_follow_elapsed_time() {
        let spring = after("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:15:00Z", 3);
        assert_eq!(spring, ["03-29 01:30 +01:00", "03-29 03:00 +02:00", "03-29 03:30 +02:00"]);
        let autumn = after("*/30 * * * *", "Europe/Berlin", "2026-10-25T00:15:00Z", 5);
        assert_eq!(
            autumn,
            [
                "10-25 02:30 +02:00",
                "10-25 02:00 +01:00",
                "10-25 02:30 +01:00",
                "10-25 03:00 +01:00",
                "10-25 03:30 +01:00"
            ]
        );
        // A step at a fixed hour is a wildcard: it is not made up for.
        assert_eq!(after("*/30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 1), ["03-30 02:00 +02:00"]);
    }

    #[test]
    fn gaps_at_midnight_and_gaps_of_a_day_lose_nothing() {
        // Cairo skips 00:00 to 01:00 on Friday 24 April 2026.
        assert_eq!(after("0 0 * * FRI", "Africa/Cairo", "2026-04-20T00:00:00Z", 1), ["04-24 01:00 +03:00"]);
        // Scoresbysund skipped 24:00 on Saturday 30 March 2024 to 01:00; croner alone would lose the jobs of gaps that end on
        // another day. Samoa had no 30 December 2011.
        assert_eq!(after("0 12 30 12 *", "Pacific/Apia", "2011-12-01T00:00:00Z", 1), ["12-31 00:00 +14:00"]);
        assert_eq!(
            after("59 23 * * *", "Pacific/Apia", "2011-12-29T12:00:00Z", 3),
            ["12-29 23:59 -10:00", "12-31 00:00 +14:00", "12-31 23:59 +14:00"]
        );
    }

    #[test]
    fn fractions_of_a_second_and_the_ends_of_time_are_no_trouble() {
        let pattern = Pattern::parse("* * * * * *").unwrap();
        let at: Timestamp = "2026-01-01T00:00:00.25Z".parse().unwrap();
        let next: Timestamp = "2026-01-01T00:00:01Z".parse().unwrap();
        assert_eq!(next_after(&pattern, &TimeZone::UTC, at), Some(next));
        let old: Timestamp = "1969-12-31T23:59:58.25Z".parse().unwrap();
        let new: Timestamp = "1969-12-31T23:59:59Z".parse().unwrap();
        assert_eq!(next_after(&pattern, &TimeZone::UTC, old), Some(new));
        for text in ["* * * * * *", "0 0 1 1 *"] {
            let pattern = Pattern::parse(text).unwrap();
            for zone in ["UTC", "Europe/Berlin", "Pacific/Chatham"] {
                assert_eq!(next_after(&pattern, &zone::named(zone).unwrap(), Timestamp::MAX), None);
                assert!(next_after(&pattern, &zone::named(zone).unwrap(), Timestamp::MIN).is_some());
            }
        }
    }

    /// Every moment of a span, second by second, and for fixed times every time of the wall clock.
    fn slowly(pattern: &Pattern, zone: &TimeZone, from: Timestamp, hours: i64) -> Vec<Timestamp> {
        let end = from + SignedDuration::from_hours(hours);
        let matches = |time: DateTime| pattern.at_or_after(time, Some(time + SECOND)) == Some(time);
        let mut found = std::collections::BTreeSet::new();
        let mut at = from;
        while at <= end {
            if pattern.is_wildcard() && matches(zone.to_datetime(at)) {
                found.insert(at);
            }
            at += SECOND;
        }
        if !pattern.is_wildcard() {
            let mut time = zone.to_datetime(from - SignedDuration::from_hours(30));
            let last = zone.to_datetime(end + SignedDuration::from_hours(30));
            while time <= last {
                // The first pass is the earliest moment that shows the time; without one, the first that shows a later time.
                if matches(time) {
                    let guess = jiff::tz::Offset::UTC.to_timestamp(time).unwrap();
                    let mut moments =
                        (-15 * 240..15 * 240).map(|quarter| guess + SignedDuration::from_secs(quarter * 15));
                    let shown = moments.clone().find(|moment| zone.to_datetime(*moment) == time);
                    found.insert(
                        shown.unwrap_or_else(|| moments.find(|moment| zone.to_datetime(*moment) >= time).unwrap()),
                    );
                }
                time += SECOND;
            }
        }
        found.into_iter().filter(|moment| *moment > from && *moment <= end).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]
        #[test]
        fn the_search_finds_what_looking_at_each_second_finds(
            minute in prop::sample::select(vec!["*", "*/7", "0", "30", "15,45", "0-40", "59"]),
            hour in prop::sample::select(vec!["*", "*/2", "0", "1-3", "2", "2,3", "23"]),
            place in prop::sample::select(vec![
                ("Europe/Berlin", "2026-03-28T20:00:00Z"),
                ("Europe/Berlin", "2026-10-24T20:00:00Z"),
                ("Australia/Lord_Howe", "2026-04-04T05:00:00Z"),
                ("Australia/Lord_Howe", "2026-10-03T05:00:00Z"),
                ("Pacific/Chatham", "2026-09-26T05:00:00Z"),
                ("Africa/Cairo", "2026-04-23T12:00:00Z"),
                ("Africa/Cairo", "2026-10-29T12:00:00Z"),
                ("America/Santiago", "2026-09-05T20:00:00Z"),
            ]),
        ) {
            let (pattern, zone) = (Pattern::parse(&format!("{minute} {hour} * * *")).unwrap(), zone::named(place.0).unwrap());
            let from: Timestamp = place.1.parse().unwrap();
            let end = from + SignedDuration::from_hours(12);
            let mut found = Vec::new();
            let mut at = from;
            while let Some(next) = next_after(&pattern, &zone, at).filter(|next| *next <= end) {
                found.push(next);
                at = next;
            }
            prop_assert_eq!(found, slowly(&pattern, &zone, from, 12));
        }
    }
}
