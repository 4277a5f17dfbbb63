//! Periods of the calendar: which one an instant falls into, when the n-th one begins, and how they are written.
//!
//! Periods are numbered. Seconds, minutes and hours count elapsed time since 1970-01-01 00:00 UTC, so that no clock change
//! makes one of them twice as long; days and longer count days of the calendar on the clock of the column's zone.

use crate::expression::DataType;

/// Microseconds of a second and of a day.
const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// A length of time in units of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Every {
    /// How many units.
    pub(super) count: u32,
    /// The unit.
    pub(super) unit: Unit,
}

/// A unit of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

const UNITS: [(Unit, &str); 8] = [
    (Unit::Second, "second"),
    (Unit::Minute, "minute"),
    (Unit::Hour, "hour"),
    (Unit::Day, "day"),
    (Unit::Week, "week"),
    (Unit::Month, "month"),
    (Unit::Quarter, "quarter"),
    (Unit::Year, "year"),
];

impl Unit {
    pub(super) fn name(self) -> &'static str {
        UNITS.iter().find(|(unit, _)| *unit == self).map_or("", |(_, name)| name)
    }

    /// Whole calendar days: a period of it is a date.
    pub(super) fn is_of_days(self) -> bool {
        !matches!(self, Self::Second | Self::Minute | Self::Hour)
    }

    /// Seconds on the average.
    fn seconds(self) -> f64 {
        match self {
            Self::Second => 1.0,
            Self::Minute => 60.0,
            Self::Hour => 3_600.0,
            Self::Day => 86_400.0,
            Self::Week => 7.0 * 86_400.0,
            Self::Month => 365.2425 / 12.0 * 86_400.0,
            Self::Quarter => 365.2425 / 4.0 * 86_400.0,
            Self::Year => 365.2425 * 86_400.0,
        }
    }
}

impl Every {
    /// `day`, `6 hours`, `15 minutes`; none for anything else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (count, unit) = match text.split_once(char::is_whitespace) {
            Some((count, unit)) => (count.parse().ok().filter(|count| (1..=10_000).contains(count))?, unit.trim()),
            None => (1, text),
        };
        let singular = unit.strip_suffix('s').unwrap_or(unit);
        let unit = UNITS.iter().find(|(_, name)| *name == singular).map(|(unit, _)| *unit)?;
        Some(Self { count, unit })
    }

    /// `day`, `6 hours`.
    pub(super) fn words(&self) -> String {
        match self.count {
            1 => self.unit.name().to_owned(),
            count => format!("{count} {}s", self.unit.name()),
        }
    }

    /// So many of them: `14 days`, `3 times 6 hours`.
    pub(super) fn times(&self, number: usize) -> String {
        let plural = if number == 1 { "" } else { "s" };
        match self.count {
            1 => format!("{} {}{plural}", crate::digits::whole(number as u64), self.unit.name()),
            _ => format!("{} times {}", crate::digits::whole(number as u64), self.words()),
        }
    }

    /// Many of them: `days`, `periods of 6 hours`.
    pub(super) fn plural(&self) -> String {
        match self.count {
            1 => format!("{}s", self.unit.name()),
            _ => format!("periods of {}", self.words()),
        }
    }

    /// Seconds on the average.
    fn seconds(&self) -> f64 {
        f64::from(self.count) * self.unit.seconds()
    }

    /// An expression in SQL for the number of the period of `time`.
    pub(super) fn number(&self, time: &str, data_type: &DataType) -> String {
        let wall = match data_type {
            DataType::Datetime(Some(zone)) => format!("({time} at time zone '{zone}')"),
            _ => time.to_owned(),
        };
        let count = self.count;
        match self.unit {
            Unit::Second | Unit::Minute | Unit::Hour => {
                format!("cast(floor(epoch({time}) / {:.1}) as bigint)", self.seconds())
            }
            Unit::Day => format!("cast(floor(epoch({wall}) / {:.1}) as bigint)", 86_400.0 * f64::from(count)),
            // The epoch was a Thursday; weeks begin on Monday.
            Unit::Week => {
                format!("cast(floor((epoch({wall}) + {:.1}) / {:.1}) as bigint)", 3.0 * 86_400.0, self.seconds())
            }
            Unit::Month | Unit::Quarter | Unit::Year => {
                format!(
                    "cast(floor((year({wall}) * 12 + month({wall}) - 1) / {:.1}) as bigint)",
                    f64::from(self.months())
                )
            }
        }
    }

    fn months(&self) -> u32 {
        self.count
            * match self.unit {
                Unit::Quarter => 3,
                Unit::Year => 12,
                _ => 1,
            }
    }

    /// When the period of that number begins, in microseconds since 1970: an instant for periods of hours and shorter, else
    /// midnight on the wall clock. None beyond the calendar.
    pub(super) fn begin(&self, number: i64) -> Option<i64> {
        let count = i64::from(self.count);
        match self.unit {
            Unit::Second => number.checked_mul(count * SECOND),
            Unit::Minute => number.checked_mul(count * 60 * SECOND),
            Unit::Hour => number.checked_mul(count * 3_600 * SECOND),
            Unit::Day => number.checked_mul(count * DAY),
            Unit::Week => number.checked_mul(count * 7 * DAY)?.checked_sub(3 * DAY),
            Unit::Month | Unit::Quarter | Unit::Year => {
                let months = number.checked_mul(i64::from(self.months()))?;
                days_before(months.div_euclid(12), months.rem_euclid(12))?.checked_mul(DAY)
            }
        }
    }

    /// The number of days since 1970 at which the period begins, for periods of days and longer.
    pub(super) fn first_day(&self, number: i64) -> Option<i32> {
        i32::try_from(self.begin(number)?.div_euclid(DAY)).ok()
    }

    /// The begin of the period as a person reads it. Instants are shown in the zone of the column.
    pub(super) fn label(&self, number: i64, data_type: &DataType) -> String {
        let unknown = || format!("period {number}");
        if self.unit.is_of_days() {
            let layout = match self.unit {
                Unit::Month | Unit::Quarter => "%Y-%m",
                Unit::Year => "%Y",
                _ => "%Y-%m-%d",
            };
            // Dates reach further than instants do.
            let date = self.first_day(number).and_then(|day| {
                let days = jiff::Span::new().try_days(i64::from(day)).ok()?;
                jiff::civil::date(1970, 1, 1).checked_add(days).ok()
            });
            return date.map_or_else(unknown, |date| date.strftime(layout).to_string());
        }
        let Some(micros) = self.begin(number) else { return unknown() };
        let Ok(instant) = jiff::Timestamp::from_microsecond(micros) else { return unknown() };
        let layout = if self.unit == Unit::Second { "%Y-%m-%d %H:%M:%S" } else { "%Y-%m-%d %H:%M" };
        match data_type {
            DataType::Datetime(Some(zone)) => match instant.in_tz(zone) {
                Ok(zoned) => zoned.strftime(layout).to_string(),
                Err(_) => instant.strftime(layout).to_string(),
            },
            _ => instant.strftime(layout).to_string(),
        }
    }

    /// Where the period stands on a chart: what clocks show at its begin, in microseconds.
    pub(super) fn place(&self, number: i64, data_type: &DataType) -> Option<i64> {
        let micros = self.begin(number)?;
        match data_type {
            DataType::Datetime(Some(zone)) if !self.unit.is_of_days() => {
                let instant = jiff::Timestamp::from_microsecond(micros).ok()?;
                let offset = instant.in_tz(zone).ok()?.offset();
                micros.checked_add(i64::from(offset.seconds()) * SECOND)
            }
            _ => Some(micros),
        }
    }

    /// Seasons that the calendar suggests, in periods: a day of hours, a week of days, a year of months.
    pub(super) fn seasons(&self) -> Vec<usize> {
        let cycles: &[Unit] = match self.unit {
            Unit::Second => &[Unit::Minute, Unit::Hour, Unit::Day],
            Unit::Minute => &[Unit::Hour, Unit::Day, Unit::Week],
            Unit::Hour => &[Unit::Day, Unit::Week, Unit::Year],
            Unit::Day => &[Unit::Week, Unit::Month, Unit::Year],
            Unit::Week | Unit::Month | Unit::Quarter => &[Unit::Year],
            Unit::Year => &[],
        };
        let length = self.seconds();
        let mut seasons: Vec<usize> = cycles
            .iter()
            .filter_map(|cycle| {
                let exact = cycle.seconds() / length;
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "at most a year of seconds"
                )]
                let periods = exact.round() as usize;
                // Months and years are no whole number of days; hours and weeks must fit exactly.
                let fits = (exact - exact.round()).abs() < 0.02 * exact.max(1.0) || exact > 50.0;
                (periods >= 2 && fits).then_some(periods)
            })
            .collect();
        seasons.dedup();
        seasons
    }

    /// What a season of so many periods is called: `day`, `week`, `year`.
    pub(super) fn season_name(&self, period: usize) -> Option<&'static str> {
        #[expect(clippy::cast_precision_loss, reason = "periods are far below 2^53")]
        let seconds = self.seconds() * period as f64;
        let near = |unit: &Unit| (seconds / unit.seconds() - 1.0).abs() < 0.02;
        [Unit::Minute, Unit::Hour, Unit::Day, Unit::Week, Unit::Month, Unit::Quarter, Unit::Year]
            .iter()
            .find(|unit| near(unit))
            .map(|unit| unit.name())
    }

    /// The unit in which slopes are told, and how many periods it has.
    pub(super) fn slope_unit(&self) -> (&'static str, f64) {
        let unit = match self.unit {
            Unit::Second | Unit::Minute => Unit::Hour,
            Unit::Hour => Unit::Day,
            _ => Unit::Year,
        };
        (unit.name(), unit.seconds() / self.seconds())
    }

    /// Where the period lies within a season of `period`, so that places can be put in the order of the calendar.
    pub(super) fn season_order(&self, number: i64, period: usize, data_type: &DataType) -> i64 {
        #[expect(clippy::cast_possible_wrap, reason = "periods are far below 2^63")]
        let counted = number.rem_euclid(period.max(1) as i64);
        let Some(micros) = self.place(number, data_type) else { return counted };
        match self.season_name(period) {
            Some("hour") => micros.rem_euclid(3_600 * SECOND),
            Some("day") => micros.rem_euclid(DAY),
            // The epoch was a Thursday.
            Some("week") => micros.saturating_add(3 * DAY).rem_euclid(7 * DAY),
            Some("year") => jiff::Timestamp::from_microsecond(micros)
                .map_or(counted, |instant| i64::from(jiff::tz::Offset::UTC.to_datetime(instant).day_of_year())),
            _ => counted,
        }
    }

    /// What the place of the period within a season of `period` is called: `13 h`, `Mon`, `Mar`.
    pub(super) fn season_place(&self, number: i64, period: usize, data_type: &DataType) -> String {
        let micros = self.place(number, data_type).and_then(|micros| jiff::Timestamp::from_microsecond(micros).ok());
        let at = |layout: &str| micros.map(|instant| instant.strftime(layout).to_string());
        let named = match (self.season_name(period), self.unit) {
            (Some("day"), Unit::Hour) => at("%H h"),
            (Some("day"), Unit::Minute) => at("%H:%M"),
            (Some("week"), Unit::Day) => at("%a"),
            (Some("week"), Unit::Hour) => at("%a %H h"),
            (Some("year"), Unit::Month | Unit::Quarter) => at("%b"),
            (Some("year"), Unit::Week | Unit::Day) => at("%b %d"),
            (Some("hour"), Unit::Minute) => at("%M"),
            _ => None,
        };
        #[expect(clippy::cast_possible_wrap, reason = "periods are far below 2^63")]
        named.unwrap_or_else(|| (number.rem_euclid(period.max(1) as i64) + 1).to_string())
    }
}

/// Days from 1970-01-01 to the first of a month (0 to 11) in the proleptic Gregorian calendar.
fn days_before(year: i64, month: i64) -> Option<i64> {
    // Years that begin in March, so that the leap day is the last one.
    let year = if month < 2 { year.checked_sub(1)? } else { year };
    let from_march = (month + 10) % 12;
    let day_of_year = (153 * from_march + 2) / 5;
    let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year.checked_mul(365)?.checked_add(leaps + day_of_year - 719_468)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_and_written() {
        let words = |text: &str| Every::parse(text).map(|every| every.words());
        assert_eq!(words("day").as_deref(), Some("day"));
        assert_eq!(words("6 hours").as_deref(), Some("6 hours"));
        assert_eq!(words(" 15  minutes ").as_deref(), Some("15 minutes"));
        assert_eq!(words("1 week").as_deref(), Some("week"));
        for wrong in ["", "fortnight", "0 days", "-1 day", "1.5 days", "days 3", "99999 days"] {
            assert_eq!(words(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn periods_begin_where_the_calendar_says() {
        let label = |every: &str, number| Every::parse(every).unwrap().label(number, &DataType::Datetime(None));
        assert_eq!(label("month", 2013 * 12 + 1), "2013-02");
        assert_eq!(label("quarter", 2012 * 4 + 3), "2012-10");
        assert_eq!(label("year", 1969), "1969");
        assert_eq!(label("week", 0), "1969-12-29");
        assert_eq!(label("6 hours", 1), "1970-01-01 06:00");
        for year in [-4, 0, 1, 1600, 1900, 1970, 2000, 2012, 2100, 9999] {
            for month in 1..=12_i8 {
                let date = jiff::civil::date(year, month, 1);
                let days = date.since(jiff::civil::date(1970, 1, 1)).unwrap().get_days();
                assert_eq!(days_before(i64::from(year), i64::from(month) - 1), Some(i64::from(days)), "{date}");
            }
        }
        assert_eq!(Every::parse("year").unwrap().begin(i64::MAX), None);
    }

    #[test]
    fn the_calendar_suggests_seasons() {
        let seasons = |every: &str| Every::parse(every).unwrap().seasons();
        assert_eq!(seasons("hour"), [24, 168, 8766]);
        assert_eq!(seasons("6 hours"), [4, 28, 1461]);
        assert_eq!(seasons("day"), [7, 30, 365]);
        assert_eq!(seasons("week"), [52]);
        assert_eq!(seasons("month"), [12]);
        assert_eq!(seasons("15 minutes"), [4, 96, 672]);
        assert!(seasons("year").is_empty());
        assert_eq!(Every::parse("hour").unwrap().season_name(24), Some("day"));
        assert_eq!(Every::parse("day").unwrap().season_name(365), Some("year"));
    }

    #[test]
    fn an_instant_stands_on_the_clock_of_its_zone() {
        let hour = Every::parse("hour").unwrap();
        let zone = DataType::Datetime(Some("America/New_York".to_owned()));
        // 2013-07-01 12:00 UTC is 8 in the morning in New York.
        let number = 1_372_680_000 / 3_600;
        assert_eq!(hour.label(number, &zone), "2013-07-01 08:00");
        assert_eq!(hour.season_place(number, 24, &zone), "08 h");
    }
}
