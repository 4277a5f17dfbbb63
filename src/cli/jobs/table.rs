//! Lists as aligned columns, and moments and states as people read them.

use std::io::Write;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::schedule::client::{Job, Run};
use crate::schedule::store::RunState;
use crate::schedule::zone;

/// Prints rows under their headings, each column as wide as its widest cell; the last one is left as it is.
pub(super) fn print<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> std::io::Result<()> {
    let mut widths = headings.map(|heading| heading.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut out = std::io::stdout().lock();
    let mut line = |cells: Vec<&str>| {
        let padded: Vec<String> = cells
            .iter()
            .zip(widths)
            .map(|(cell, width)| {
                // A control character of a name could move the cursor.
                let cell: String = cell.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
                format!("{cell:width$}")
            })
            .collect();
        writeln!(out, "{}", padded.join("  ").trim_end())
    };
    line(headings.to_vec())?;
    rows.iter().try_for_each(|row| line(row.iter().map(String::as_str).collect()))
}

/// The zone of a job's schedule; UTC where this program has no such zone.
pub(super) fn zone(job: &Job) -> TimeZone {
    zone::named(&job.zone).unwrap_or(TimeZone::UTC)
}

/// `2026-11-28 02:00:00 CET`, in the zone of the job.
pub(super) fn moment(moment: Timestamp, zone: &TimeZone) -> String {
    moment.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
}

/// `3 min ago`; the largest unit that makes at least one.
pub(super) fn ago(moment: Timestamp, now: Timestamp) -> String {
    let passed = now.duration_since(moment);
    if passed.is_negative() { format!("in {}", lasted(-passed)) } else { format!("{} ago", lasted(passed)) }
}

/// `1.2 s`, `3 min`, `5 h`, `12 d`.
pub(super) fn lasted(time: SignedDuration) -> String {
    match time.as_secs() {
        0..10 => format!("{:.1} s", time.as_secs_f64().max(0.0)),
        seconds @ 10..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds @ 7200..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

/// A state in a word or two.
pub(super) fn state(state: RunState) -> &'static str {
    match state {
        RunState::Queued => "waits",
        RunState::Starting => "starts",
        RunState::Running => "at work",
        RunState::Succeeded => "succeeded",
        RunState::Failed => "failed",
        RunState::Cancelled => "cancelled",
        RunState::TimedOut => "timed out",
        RunState::Lost => "lost",
    }
}

/// How a run stands: its state, or that it is about to end.
pub(super) fn standing(run: &Run) -> &'static str {
    let is_ending = run.stop.is_some() && !run.state.is_final();
    if is_ending { "is ending" } else { state(run.state) }
}

/// How long a run worked, or has worked so far.
pub(super) fn duration(run: &Run, now: Timestamp) -> String {
    let ended = run.ended.map_or(now, |ended| ended.0);
    run.started.map(|started| lasted(ended.duration_since(started.0))).unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_the_largest_unit_that_makes_one() {
        for (seconds, text) in [
            (0, "0.0 s"),
            (9, "9.0 s"),
            (10, "10 s"),
            (119, "119 s"),
            (120, "2 min"),
            (7199, "119 min"),
            (7200, "2 h"),
            (172_799, "47 h"),
            (172_800, "2 d"),
        ] {
            assert_eq!(lasted(SignedDuration::from_secs(seconds)), text);
        }
        let now = Timestamp::from_second(1_000_000).unwrap();
        assert_eq!(ago(Timestamp::from_second(999_880).unwrap(), now), "2 min ago");
        assert_eq!(ago(Timestamp::from_second(1_000_060).unwrap(), now), "in 60 s");
    }

    #[test]
    fn moments_stand_in_the_zone_of_the_job() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let winter: Timestamp = "2026-11-28T01:00:00Z".parse().unwrap();
        assert_eq!(moment(winter, &zone), "2026-11-28 02:00:00 CET");
    }
}
