//! When a job is due: a cron pattern or an interval, in a time zone.

pub mod cron;
mod grammar;
pub mod interval;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod oracle;
mod zoned;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::period::Period;
use super::zone::{self, NoSuchZone};
use cron::{CronError, Pattern};
use interval::{AnchorError, Interval};
pub(super) use zoned::moment;

/// When a job runs by itself: a cron pattern (`cron`) or equal distances in time (`every`).
///
/// **Cron.** Five fields: minute (0-59), hour (0-23), day of the month (1-31), month (1-12 or `JAN` to `DEC`), weekday (0-7 or
/// `SUN` to `SAT`, 0 and 7 are Sunday); with six fields the first is the second. In a field `*` is all, `a-b` a range, `a,b` a
/// list, `*/n` and `a-b/n` each n-th. The day of the month may be `L` (the last), `LW` (the last from Monday to Friday) or
/// `15W` (the day from Monday to Friday that is nearest to the 15th, within the month); the weekday may be `MON#2` (the second
/// Monday) or `FRIL` (the last Friday). Where day of the month and weekday are both other than `*`, one of them is enough; a `+`
/// before the weekday asks for both: `0 6 13 * +FRI`. Names: `@hourly`, `@daily`, `@midnight`, `@weekly` (Sunday), `@monthly`,
/// `@yearly`. A pattern that never comes (30 February) is refused.
///
/// **Zone.** Times are those of `zone`, whose rules are inside the program. Where its clock skips or repeats an hour:
///
/// - A pattern of *fixed times* (no `*` and no step in minute and hour, as `30 2 * * *` or `0,30 2,14 * * *`) runs once: what
///   is skipped at the first valid moment behind, what is repeated in the first pass.
/// - A *wildcard* pattern (`*` or a step in the minute or the hour, as `*/15 * * * *`) follows elapsed time: it runs at each
///   moment whose time on the clock matches, so twice in a repeated hour and not in a skipped one. `*/30 2 * * *` therefore does not
///   run on a day without the hour from two; `0,30 2 * * *` does, once.
///
/// **Every.** Occurrences at equal distances of elapsed time (`90s`, `15m`, `1h30m`, `7d`; a day is 24 hours), counted from
/// `anchor`. Without one they are counted from a Monday at midnight in `zone`, so `every: 15m` runs on the quarters of the
/// hour.
///
/// ```yaml
/// schedule: {cron: "30 2 * * MON-FRI", zone: Europe/Berlin}
/// ```
/// ```yaml
/// schedule: {every: 6h, anchor: 2026-01-05T05:30, zone: America/New_York}
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// A cron pattern; either this or `every`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cron: Option<String>,
    /// The distance in time between occurrences; either this or `cron`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Period>,
    /// A moment of `every`, from which the others are counted in both directions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchor: Option<String>,
    /// The time zone, by its name in the IANA database; UTC when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
}

/// Why a schedule is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// Both kinds.
    #[error("a schedule has either `cron` or `every`, this one has both; leave one out, or make two jobs")]
    Both,
    /// None of the kinds.
    #[error("a schedule needs `cron` or `every`, such as `cron: \"30 2 * * *\"` or `every: 15m`")]
    Neither,
    /// An anchor without an interval.
    #[error("`anchor` belongs to `every`, a cron pattern has no use for it; leave it out")]
    AnchorOfCron,
    /// The pattern.
    #[error(transparent)]
    Cron(#[from] CronError),
    /// The anchor.
    #[error(transparent)]
    Anchor(#[from] AnchorError),
    /// The zone.
    #[error(transparent)]
    Zone(#[from] NoSuchZone),
}

impl ScheduleError {
    /// The option in which the mistake stands, to show its place; `None` where it is about the schedule as a whole.
    pub fn option(&self) -> Option<&'static str> {
        match self {
            Self::Both | Self::Neither => None,
            Self::AnchorOfCron | Self::Anchor(_) => Some("anchor"),
            Self::Cron(_) => Some("cron"),
            Self::Zone(_) => Some("zone"),
        }
    }
}

impl Schedule {
    /// What the options mean.
    ///
    /// # Errors
    /// [`ScheduleError`]: what is wrong and what to write.
    pub fn check(&self) -> Result<Trigger, ScheduleError> {
        let zone = match &self.zone {
            Some(name) => zone::named(name)?,
            None => TimeZone::UTC,
        };
        let rule = match (&self.cron, self.every) {
            (Some(_), Some(_)) => return Err(ScheduleError::Both),
            (None, None) => return Err(ScheduleError::Neither),
            (Some(_), None) if self.anchor.is_some() => return Err(ScheduleError::AnchorOfCron),
            (Some(pattern), None) => Rule::Cron(Box::new(Pattern::parse(pattern)?)),
            (None, Some(every)) => Rule::Interval(Interval::new(every, self.anchor.as_deref(), &zone)?),
        };
        Ok(Trigger { rule, zone })
    }
}

/// A checked schedule: it knows its occurrences.
#[derive(Debug, Clone)]
pub struct Trigger {
    rule: Rule,
    zone: TimeZone,
}

#[derive(Debug, Clone)]
enum Rule {
    Cron(Box<Pattern>),
    Interval(Interval),
}

impl Trigger {
    /// The time zone of the schedule.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The first occurrence after a moment; `None` where it is beyond the year 9999.
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        match &self.rule {
            Rule::Cron(pattern) => zoned::next_after(pattern, &self.zone, after),
            Rule::Interval(interval) => interval.next_after(after),
        }
    }

    /// The next `count` occurrences after a moment, for people to look at.
    pub fn upcoming(&self, after: Timestamp, count: usize) -> Vec<Timestamp> {
        self.between(after, Timestamp::MAX).take(count).collect()
    }

    /// The occurrences after `after` and not after `until`, in their order.
    pub fn between(&self, after: Timestamp, until: Timestamp) -> impl Iterator<Item = Timestamp> + '_ {
        std::iter::successors(self.next_after(after), |last| self.next_after(*last))
            .take_while(move |moment| *moment <= until)
    }

    /// How many occurrences there are after `after` and not after `until`.
    pub(super) fn count(&self, after: Timestamp, until: Timestamp) -> u64 {
        match &self.rule {
            Rule::Cron(_) => self.between(after, until).fold(0, |count, _| count + 1),
            Rule::Interval(interval) => interval.count(after, until),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn schedule(json: &str) -> Schedule {
        serde_json::from_str(json).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_next_occurrences_are_those_of_the_zone() {
        let trigger = schedule(r#"{"cron": "30 2 * * MON-FRI", "zone": "Europe/Berlin"}"#).check().unwrap();
        // 27 March 2026 is a Friday; summer time begins on Sunday.
        assert_eq!(
            trigger.upcoming(at("2026-03-26T12:00:00Z"), 3),
            [at("2026-03-27T01:30:00Z"), at("2026-03-30T00:30:00Z"), at("2026-03-31T00:30:00Z")]
        );
        let trigger =
            schedule(r#"{"every": "6h", "anchor": "2026-01-05T05:30", "zone": "America/New_York"}"#).check().unwrap();
        assert_eq!(
            trigger.upcoming(at("2026-01-05T12:00:00Z"), 2),
            [at("2026-01-05T16:30:00Z"), at("2026-01-05T22:30:00Z")]
        );
        assert_eq!(trigger.upcoming(at("2026-01-05T12:00:00Z"), 0), []);
    }

    #[test]
    fn without_a_zone_times_are_utc() {
        let trigger = schedule(r#"{"cron": "@daily"}"#).check().unwrap();
        assert_eq!(trigger.upcoming(at("2026-06-01T12:00:00Z"), 1), [at("2026-06-02T00:00:00Z")]);
    }

    #[test]
    fn mistakes_are_said_with_the_option_in_which_they_stand() {
        for (json, option, said) in [
            (r#"{"cron": "@daily", "every": "1h"}"#, None, "leave one out"),
            (r#"{"zone": "UTC"}"#, None, "`every: 15m`"),
            (r#"{"cron": "@daily", "anchor": "2026-01-01"}"#, Some("anchor"), "belongs to `every`"),
            (r#"{"every": "1h", "anchor": "noon"}"#, Some("anchor"), "`noon` is no moment"),
            (r#"{"cron": "0 0 30 2 *"}"#, Some("cron"), "February has at most 29 days"),
            (r#"{"cron": "@daily", "zone": "Berlin"}"#, Some("zone"), "did you mean `Europe/Berlin`?"),
        ] {
            let error = schedule(json).check().unwrap_err();
            assert_eq!(error.option(), option, "{json}");
            assert!(error.to_string().contains(said), "{json}: {error}");
        }
        let error = serde_json::from_str::<Schedule>(r#"{"crno": "@daily"}"#).unwrap_err().to_string();
        assert!(error.contains("unknown field `crno`"), "{error}");
        let error = serde_json::from_str::<Schedule>(r#"{"every": "5 minutes"}"#).unwrap_err().to_string();
        assert!(error.contains("`5 minutes` is no length of time"), "{error}");
    }

    #[test]
    fn a_schedule_is_written_as_it_was_read() {
        let text = r#"{"every":"1h30m","anchor":"2026-01-05","zone":"UTC"}"#;
        assert_eq!(serde_json::to_string(&schedule(text)).unwrap(), text);
    }

    #[test]
    fn the_schema_describes_each_option() {
        let schema = schemars::schema_for!(Schedule).to_value();
        for option in ["cron", "every", "anchor", "zone"] {
            assert!(schema["properties"][option]["description"].is_string(), "{option}: {schema}");
        }
        assert_eq!(schema["additionalProperties"], false);
    }
}
