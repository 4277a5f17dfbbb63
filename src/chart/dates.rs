//! Where the ticks of a time axis stand and how dates are written. Times are microseconds since 1970-01-01T00:00:00Z, in UTC.

use jiff::Timestamp;
use jiff::civil::{DateTime, date};
use jiff::tz::Offset;

/// A tick of a time axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TimeTick {
    /// Microseconds since the epoch.
    pub(super) at: i64,
    /// What changes from tick to tick: `14:30`, `Jan 5`, `Feb`, `2013`.
    pub(super) label: String,
    /// What is the same for several ticks: the day of a time, the year of a month. Empty for years.
    pub(super) context: String,
}

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// 1970-01-05 was a Monday.
const MONDAY: i64 = 4 * DAY;

/// The distance between two ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// A fixed duration in microseconds, counted from an origin.
    Fixed { length: i64, origin: i64 },
    /// Calendar months, counted from January of the year 0.
    Months(i64),
}

impl Step {
    /// About how long it is, in microseconds.
    fn length(self) -> f64 {
        match self {
            Step::Fixed { length, .. } => length as f64,
            Step::Months(months) => months as f64 * 30.4368 * DAY as f64,
        }
    }

    fn all() -> impl Iterator<Item = Step> {
        let fixed = |length| Step::Fixed { length, origin: 0 };
        let decimal = (0..6).flat_map(|exponent| [1, 2, 5].map(|times| times * 10_i64.pow(exponent)));
        let clock = [SECOND, 2 * SECOND, 5 * SECOND, 10 * SECOND, 15 * SECOND, 30 * SECOND]
            .into_iter()
            .chain([MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE])
            .chain([HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY]);
        decimal
            .chain(clock)
            .map(fixed)
            .chain([7 * DAY, 14 * DAY].map(|length| Step::Fixed { length, origin: MONDAY }))
            .chain([1, 3, 6].map(Step::Months))
            .chain((0..4).flat_map(|exponent| [1, 2, 5].map(|times| Step::Months(12 * times * 10_i64.pow(exponent)))))
    }
}

/// The civil time of an instant, when the calendar reaches that far (years -9999 to 9999).
fn civil(at: i64) -> Option<DateTime> {
    Timestamp::from_microsecond(at).ok().map(|instant| Offset::UTC.to_datetime(instant))
}

/// Whether an instant can be written as a date.
pub(super) fn is_in_calendar(at: i64) -> bool {
    // Two years of room on either side keep the widening of axes inside of the calendar.
    const EARLIEST: i64 = -377_000_000_000 * SECOND;
    const LATEST: i64 = 253_300_000_000 * SECOND;
    (EARLIEST..=LATEST).contains(&at)
}

/// Ticks between two instants: the finest of 1, 2, 5, 10, 15, 30 seconds or minutes, 1, 2, 3, 6, 12 hours, 1 or 2 days, 1 or 2 weeks from Monday, 1, 3, 6 months
/// and 1, 2, 5 .. years (below a second 1, 2, 5 .. microseconds) that gives at most `target` intervals. O(target).
pub(super) fn ticks(low: i64, high: i64, target: usize) -> Vec<TimeTick> {
    let span = high as f64 - low as f64;
    let wanted = span / target.max(1) as f64;
    let step = Step::all().find(|step| step.length() >= wanted * (1.0 - 1e-9)).unwrap_or(Step::Months(120_000));
    instants(step, low, high).into_iter().filter_map(|at| Some(TimeTick { at, ..worded(civil(at)?, step) })).collect()
}

fn instants(step: Step, low: i64, high: i64) -> Vec<i64> {
    const MOST: usize = 200;
    match step {
        Step::Fixed { length, origin } => {
            let before = low.saturating_sub(origin);
            // The first multiple at or after the lower end.
            let first = before.div_euclid(length) + i64::from(before.rem_euclid(length) != 0);
            let place = |count: i64| count.checked_mul(length)?.checked_add(origin);
            (first..).take(MOST).map_while(place).take_while(|at| *at <= high).collect()
        }
        Step::Months(months) => {
            let Some(start) = civil(low) else { return Vec::new() };
            let begun = i64::from(start.year()) * 12 + i64::from(start.month()) - 1;
            let place = |count: i64| {
                let index = count.checked_mul(months)?;
                let year = i16::try_from(index.div_euclid(12)).ok()?;
                let month = i8::try_from(index.rem_euclid(12) + 1).ok()?;
                let day = jiff::civil::Date::new(year, month, 1).ok()?;
                Offset::UTC
                    .to_timestamp(day.to_datetime(jiff::civil::Time::midnight()))
                    .ok()
                    .map(Timestamp::as_microsecond)
            };
            let first = begun.div_euclid(months);
            // The first one may lie before the lower end, or outside of the calendar.
            (first..)
                .take(MOST)
                .skip_while(|count| place(*count).is_none_or(|at| at < low))
                .map_while(place)
                .take_while(|at| *at <= high)
                .collect()
        }
    }
}

fn worded(time: DateTime, step: Step) -> TimeTick {
    let day = time.strftime("%b %-d, %Y").to_string();
    let (label, context) = match step {
        Step::Fixed { length, .. } if length < SECOND => {
            let places = (1..=6).find(|places| length % 10_i64.pow(6 - places) == 0).unwrap_or(6) as usize;
            let part = format!("{:06}", time.subsec_nanosecond() / 1_000);
            let part = part.get(..places).unwrap_or(&part);
            (format!("{:02}.{part} s", time.second()), format!("{day}, {}", time.strftime("%H:%M")))
        }
        Step::Fixed { length, .. } if length < MINUTE => (time.strftime("%H:%M:%S").to_string(), day),
        Step::Fixed { length, .. } if length < DAY => (time.strftime("%H:%M").to_string(), day),
        Step::Fixed { .. } => (time.strftime("%b %-d").to_string(), year(time)),
        Step::Months(months) if months < 12 => (time.strftime("%b").to_string(), year(time)),
        Step::Months(_) => (year(time), String::new()),
    };
    TimeTick { at: 0, label, context }
}

fn year(time: DateTime) -> String {
    time.year().to_string().replace('-', "−")
}

/// An instant as ISO 8601, without what is zero: `2013-01-05`, `2013-01-05 14:30`, `2013-01-05 14:30:15.25`.
pub(super) fn exact(at: i64) -> String {
    let Some(time) = civil(at) else { return at.to_string() };
    let day = time.strftime("%Y-%m-%d").to_string();
    let micros = time.subsec_nanosecond() / 1_000;
    if micros != 0 {
        let part = format!("{micros:06}");
        return format!("{day} {}.{}", time.strftime("%H:%M:%S"), part.trim_end_matches('0'));
    }
    if time.second() != 0 {
        return format!("{day} {}", time.strftime("%H:%M:%S"));
    }
    if time.time() == date(1970, 1, 1).at(0, 0, 0, 0).time() {
        day
    } else {
        format!("{day} {}", time.strftime("%H:%M"))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_microsecond()
    }

    fn words(low: &str, high: &str, target: usize) -> Vec<String> {
        ticks(at(low), at(high), target).into_iter().map(|t| format!("{}|{}", t.label, t.context)).collect()
    }

    #[test]
    fn a_year_has_ticks_by_quarter_and_a_century_by_decade() {
        assert_eq!(
            words("2013-01-01T00:00:00Z", "2013-12-31T00:00:00Z", 6),
            ["Jan|2013", "Apr|2013", "Jul|2013", "Oct|2013"]
        );
        assert_eq!(words("1995-06-01T00:00:00Z", "2014-01-01T00:00:00Z", 5), ["2000|", "2005|", "2010|"]);
    }

    #[test]
    fn weeks_begin_on_monday() {
        // 2013-01-07 is a Monday (any calendar of 2013).
        assert_eq!(
            words("2013-01-01T00:00:00Z", "2013-01-31T00:00:00Z", 5),
            ["Jan 7|2013", "Jan 14|2013", "Jan 21|2013", "Jan 28|2013"]
        );
    }

    #[test]
    fn hours_minutes_and_fractions_of_a_second() {
        assert_eq!(
            words("2013-01-05T22:00:00Z", "2013-01-06T04:00:00Z", 3),
            ["22:00|Jan 5, 2013", "00:00|Jan 6, 2013", "02:00|Jan 6, 2013", "04:00|Jan 6, 2013"]
        );
        assert_eq!(
            words("2013-01-05T22:00:00Z", "2013-01-05T22:00:00.5Z", 3),
            ["00.0 s|Jan 5, 2013, 22:00", "00.2 s|Jan 5, 2013, 22:00", "00.4 s|Jan 5, 2013, 22:00"]
        );
        assert_eq!(
            words("2013-01-05T22:00:03Z", "2013-01-05T22:00:17Z", 3),
            ["22:00:05|Jan 5, 2013", "22:00:10|Jan 5, 2013", "22:00:15|Jan 5, 2013"]
        );
    }

    #[test]
    fn times_before_the_epoch_are_counted_the_same_way() {
        assert_eq!(
            words("1969-12-30T00:00:00Z", "1970-01-01T00:00:00Z", 2),
            ["Dec 30|1969", "Dec 31|1969", "Jan 1|1970"]
        );
        assert_eq!(exact(-1), "1969-12-31 23:59:59.999999");
    }

    #[test]
    fn exact_times_leave_out_what_is_zero() {
        assert_eq!(exact(at("2013-01-05T00:00:00Z")), "2013-01-05");
        assert_eq!(exact(at("2013-01-05T14:30:00Z")), "2013-01-05 14:30");
        assert_eq!(exact(at("2013-01-05T14:30:15.25Z")), "2013-01-05 14:30:15.25");
        assert_eq!(exact(i64::MAX), "9223372036854775807");
    }

    proptest! {
        #[test]
        fn time_ticks_lie_inside_rise_and_are_few(low in any::<i64>(), span in 1_i64..1_000_000_000_000_000_000, target in 1_usize..12) {
            let low = low % 200_000_000_000_000_000;
            let ticks = ticks(low, low + span, target);
            prop_assert!(ticks.len() <= target + 2, "{ticks:?}");
            prop_assert!(ticks.windows(2).all(|pair| pair[0].at < pair[1].at));
            prop_assert!(ticks.iter().all(|tick| tick.at >= low && tick.at <= low + span));
        }
    }
}
