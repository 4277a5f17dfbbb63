//! Moments and lengths of time as people read them: in UTC, with the job's own time in the hint.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use maud::{Markup, html};

use crate::report::format;

/// A moment to the second, in UTC: `27 Nov 2026, 02:00:13`. The hint has the time in `zone` where there is one.
pub(super) fn moment(at: Timestamp, zone: Option<&TimeZone>) -> Markup {
    html! { time datetime=(machine(at)) title=(hint(at, zone)) data-local { (at.strftime("%-d %b %Y, %H:%M:%S")) } }
}

/// A moment to the minute without its year, for tables: `27 Nov, 02:00`.
pub(super) fn short(at: Timestamp, zone: Option<&TimeZone>) -> Markup {
    html! { time datetime=(machine(at)) title=(hint(at, zone)) data-local { (at.strftime("%-d %b, %H:%M")) } }
}

/// How far a moment is from now: `3 min ago`, `in 4 h`.
pub(super) fn age(at: Timestamp, now: Timestamp, zone: Option<&TimeZone>) -> Markup {
    html! { time datetime=(machine(at)) title=(hint(at, zone)) data-age data-local { (distance(at, now)) } }
}

/// A moment in a zone of its own, with that zone's name: what a person wrote into the schedule. The hint has UTC.
pub(super) fn in_zone(at: Timestamp, zone: &TimeZone) -> Markup {
    let local = at.to_zoned(zone.clone());
    let utc = at.strftime("%-d %b %Y, %H:%M:%S UTC").to_string();
    html! { time datetime=(machine(at)) title=(utc) data-local { (local.strftime("%a %-d %b, %H:%M %Z")) } }
}

/// How far a moment is from now, in words with the largest unit that fits.
pub(super) fn distance(at: Timestamp, now: Timestamp) -> String {
    let seconds = at.as_second() - now.as_second();
    let size = seconds.unsigned_abs();
    let words = match size {
        0..5 => return "now".to_owned(),
        5..60 => format!("{size} s"),
        60..3_600 => format!("{} min", size / 60),
        3_600..172_800 => format!("{} h", size / 3_600),
        172_800..5_184_000 => format!("{} days", size / 86_400),
        5_184_000..63_072_000 => format!("{} months", size / 2_592_000),
        _ => format!("{} years", size / 31_536_000),
    };
    if seconds < 0 { format!("{words} ago") } else { format!("in {words}") }
}

/// The seconds from one moment to another; none where the clock has stepped back in between.
pub(super) fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "microseconds of a run are exact far beyond its length")]
    let micros = (to.as_microsecond() - from.as_microsecond()).max(0) as f64;
    micros / 1e6
}

/// A length of time: `1 min 05 s`.
pub(super) fn length(seconds: f64) -> String {
    format::seconds(seconds)
}

fn machine(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn hint(at: Timestamp, zone: Option<&TimeZone>) -> String {
    let utc = at.strftime("%-d %b %Y, %H:%M:%S UTC").to_string();
    match zone.filter(|zone| **zone != TimeZone::UTC) {
        Some(zone) => {
            let name = zone.iana_name().unwrap_or("the job’s zone");
            format!("{utc} · {} in {name}", at.to_zoned(zone.clone()).strftime("%-d %b, %H:%M:%S"))
        }
        None => utc,
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
    fn distances_have_one_unit() {
        let now = at("2026-11-27T12:00:00Z");
        for (moment, words) in [
            ("2026-11-27T11:59:57Z", "now"),
            ("2026-11-27T11:59:30Z", "30 s ago"),
            ("2026-11-27T11:57:00Z", "3 min ago"),
            ("2026-11-27T16:00:00Z", "in 4 h"),
            ("2026-11-25T11:00:00Z", "2 days ago"),
            ("2026-06-01T12:00:00Z", "5 months ago"),
            ("2020-11-27T12:00:00Z", "6 years ago"),
        ] {
            assert_eq!(distance(at(moment), now), words);
        }
    }

    #[test]
    fn a_moment_is_in_utc_and_has_the_time_of_the_zone_in_its_hint() {
        let berlin = super::super::super::super::zone::named("Europe/Berlin").unwrap();
        let html = moment(at("2026-11-27T01:00:13Z"), Some(&berlin)).into_string();
        assert!(html.contains(">27 Nov 2026, 01:00:13<"), "{html}");
        assert!(html.contains("27 Nov, 02:00:13 in Europe/Berlin"), "{html}");
        assert!(in_zone(at("2026-11-27T01:00:13Z"), &berlin).into_string().contains("Fri 27 Nov, 02:00 CET"));
    }

    #[test]
    fn a_clock_that_stepped_back_makes_no_negative_length() {
        assert!(seconds(at("2026-11-27T12:00:00Z"), at("2026-11-27T11:00:00Z")) == 0.0);
    }
}
