//! The proleptic Gregorian calendar on plain numbers: days since 1970-01-01 and microseconds of a wall clock.
//!
//! The conversions between days and dates follow the era arithmetic of Howard Hinnant, "chrono-Compatible Low-Level Date
//! Algorithms" (2014).

use polars::prelude::{self as pl, IntoSeries, PolarsResult, Series};

use super::elementwise::{Inputs, failure};
use super::{EngineError, refuse};

/// Microseconds of a day.
pub(super) const DAY: i64 = 86_400_000_000;

/// A calendar interval: months and days have no fixed length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Interval {
    pub(super) months: i32,
    pub(super) days: i32,
    pub(super) microseconds: i64,
}

impl Interval {
    /// The interval in the other direction.
    pub(super) fn negated(self) -> Result<Interval, EngineError> {
        let parts = (self.months.checked_neg(), self.days.checked_neg(), self.microseconds.checked_neg());
        match parts {
            (Some(months), Some(days), Some(microseconds)) => Ok(Interval { months, days, microseconds }),
            _ => Err(refuse("the interval is too long")),
        }
    }

    /// Its length in microseconds, a day counted as 24 hours.
    pub(super) fn fixed_length(self) -> Result<i64, EngineError> {
        if self.months != 0 {
            return Err(refuse("an interval with months has no fixed length, so it is no duration"));
        }
        i64::from(self.days)
            .checked_mul(DAY)
            .and_then(|days| days.checked_add(self.microseconds))
            .ok_or_else(|| refuse("the interval is too long"))
    }
}

/// Days since 1970-01-01 of a date; the month may be any from 1 to 12, the day any number.
pub(super) fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let year_of_era = shifted.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month and day of a number of days since 1970-01-01.
pub(super) fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// Number of days of a month.
pub(super) fn days_of_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a date that exists, within the years that a date column can hold.
pub(super) fn checked_date(year: i64, month: i64, day: i64) -> Option<i32> {
    if !(-5_000_000..=5_000_000).contains(&year) || !(1..=12).contains(&month) {
        return None;
    }
    if day < 1 || day > days_of_month(year, month) {
        return None;
    }
    i32::try_from(days_from_civil(year, month, day)).ok()
}

/// Day of the week of a number of days since 1970-01-01, from Monday = 0.
pub(super) fn weekday(days: i64) -> i64 {
    (days + 3).rem_euclid(7)
}

/// The wall clock `microseconds` moved by an interval: months first (a day that the month does not have becomes its last
/// one), then days, then the rest. `None` when the result cannot be held.
pub(super) fn moved(microseconds: i64, months: i64, days: i64, rest: i64) -> Option<i64> {
    let mut day = microseconds.div_euclid(DAY);
    let clock = microseconds.rem_euclid(DAY);
    if months != 0 {
        let (year, month, day_of_month) = civil_from_days(day);
        let total = year.checked_mul(12)?.checked_add(month - 1)?.checked_add(months)?;
        let (year, month) = (total.div_euclid(12), total.rem_euclid(12) + 1);
        if !(-300_000..=300_000).contains(&year) {
            return None;
        }
        day = days_from_civil(year, month, day_of_month.min(days_of_month(year, month)));
    }
    day.checked_add(days)?.checked_mul(DAY)?.checked_add(clock)?.checked_add(rest)
}

/// A part of a date or a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Year,
    Quarter,
    Month,
    Week,
    Day,
    Hour,
    Minute,
    Second,
    Millisecond,
    Microsecond,
}

impl Part {
    /// The part of that canonical name.
    pub(super) fn by_name(name: &str) -> Result<Part, EngineError> {
        Ok(match name {
            "year" => Self::Year,
            "quarter" => Self::Quarter,
            "month" => Self::Month,
            "week" => Self::Week,
            "day" => Self::Day,
            "hour" => Self::Hour,
            "minute" => Self::Minute,
            "second" => Self::Second,
            "millisecond" => Self::Millisecond,
            "microsecond" => Self::Microsecond,
            other => return Err(refuse(format!("`{other}` is no part of a date"))),
        })
    }

    /// Whether it is a day or longer, so that it is counted on the calendar.
    pub(super) fn is_calendar(self) -> bool {
        matches!(self, Self::Year | Self::Quarter | Self::Month | Self::Week | Self::Day)
    }

    /// Its length in months, days and microseconds.
    pub(super) fn length(self) -> (i64, i64, i64) {
        match self {
            Self::Year => (12, 0, 0),
            Self::Quarter => (3, 0, 0),
            Self::Month => (1, 0, 0),
            Self::Week => (0, 7, 0),
            Self::Day => (0, 1, 0),
            Self::Hour => (0, 0, 3_600_000_000),
            Self::Minute => (0, 0, 60_000_000),
            Self::Second => (0, 0, 1_000_000),
            Self::Millisecond => (0, 0, 1_000),
            Self::Microsecond => (0, 0, 1),
        }
    }

    /// The number of the part in which a wall clock lies, counted from somewhere before all of them.
    pub(super) fn ordinal(self, microseconds: i64) -> i64 {
        let day = microseconds.div_euclid(DAY);
        match self {
            Self::Year => civil_from_days(day).0,
            Self::Quarter => {
                let (year, month, _) = civil_from_days(day);
                year * 4 + (month - 1) / 3
            }
            Self::Month => {
                let (year, month, _) = civil_from_days(day);
                year * 12 + month - 1
            }
            // Weeks begin on Monday, and 1970-01-01 was a Thursday.
            Self::Week => (day + 3).div_euclid(7),
            Self::Day => day,
            _ => microseconds.div_euclid(self.length().2),
        }
    }

    /// The wall clock at which the part begins in which another one lies.
    pub(super) fn start(self, microseconds: i64) -> i64 {
        let day = microseconds.div_euclid(DAY);
        let (year, month, _) = civil_from_days(day);
        let start = match self {
            Self::Year => days_from_civil(year, 1, 1),
            Self::Quarter => days_from_civil(year, (month - 1) / 3 * 3 + 1, 1),
            Self::Month => days_from_civil(year, month, 1),
            Self::Week => day - weekday(day),
            Self::Day => day,
            _ => {
                let length = self.length().2;
                return microseconds.div_euclid(length).saturating_mul(length);
            }
        };
        start.saturating_mul(DAY)
    }
}

/// The first input, a wall clock in microseconds, moved by a constant interval.
///
/// Errors: the first value that leaves the range of datetimes.
pub(super) fn move_by(inputs: &Inputs, interval: Interval) -> PolarsResult<Series> {
    super::elementwise::integer_rows(inputs.integer(0)?.iter(), |value| match value {
        None => Ok(None),
        Some(value) => moved(value, i64::from(interval.months), i64::from(interval.days), interval.microseconds)
            .map(Some)
            .ok_or_else(|| failure("a date or datetime left the years that can be held")),
    })
}

/// Dates (the first input) plus or minus days (the second one).
///
/// Errors: the first date that cannot be held.
pub(super) fn add_days(inputs: &Inputs, backwards: bool) -> PolarsResult<Series> {
    let dates = inputs.series(0)?.to_physical_repr().cast(&pl::DataType::Int64)?;
    let days = inputs.integer(1)?;
    let mut moved = Vec::with_capacity(dates.len());
    for pair in dates.i64()?.iter().zip(days.iter()) {
        moved.push(match pair {
            (Some(date), Some(days)) => {
                let sum = if backwards { date.checked_sub(days) } else { date.checked_add(days) };
                let day = sum.and_then(|sum| i32::try_from(sum).ok());
                Some(day.ok_or_else(|| failure("a date left the years that can be held"))?)
            }
            _ => None,
        });
    }
    moved.into_iter().collect::<pl::Int32Chunked>().into_series().cast(&pl::DataType::Date)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use jiff::civil;
    use proptest::prelude::*;

    use super::*;

    fn days(date: civil::Date) -> i64 {
        i64::from(civil::date(1970, 1, 1).until(date).unwrap().get_days())
    }

    proptest! {
        #[test]
        fn dates_and_days_agree_with_jiff(year in -9999_i16..=9999, month in 1_i8..=12, day in 1_i8..=28) {
            let date = civil::date(year, month, day);
            let number = days(date);
            prop_assert_eq!(days_from_civil(i64::from(year), i64::from(month), i64::from(day)), number);
            prop_assert_eq!(civil_from_days(number), (i64::from(year), i64::from(month), i64::from(day)));
            prop_assert_eq!(weekday(number), i64::from(date.weekday().to_monday_zero_offset()));
            prop_assert_eq!(days_of_month(i64::from(year), i64::from(month)), i64::from(date.days_in_month()));
        }

        #[test]
        fn moving_by_months_keeps_to_the_month_as_jiff_does(
            year in 1000_i16..=3000, month in 1_i8..=12, day in 1_i8..=31, months in -5000_i64..5000,
        ) {
            let Ok(date) = civil::Date::new(year, month, day) else { return Ok(()) };
            let wanted = date.checked_add(jiff::Span::new().months(months)).unwrap();
            let moved = moved(days(date) * DAY + 5, months, 0, 0).unwrap();
            prop_assert_eq!(moved, days(wanted) * DAY + 5);
        }
    }

    #[test]
    fn weeks_begin_on_monday() {
        let monday = days(civil::date(2021, 1, 4));
        assert_eq!(Part::Week.start((monday + 6) * DAY + 1), monday * DAY);
        assert_eq!(Part::Week.ordinal(monday * DAY) - Part::Week.ordinal(monday * DAY - 1), 1);
    }
}
