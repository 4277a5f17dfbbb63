//! Where a moment stands in the cycles of the calendar.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Int64Type, TimeUnit};
use jiff::tz::TimeZone;

/// A moment, on the clocks of its zone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Moment {
    /// Seconds since 1970 on those clocks; of a time of the day since midnight.
    pub(super) seconds: f64,
    /// The part of the day that is over, from 0 to below 1, and so on.
    pub(super) of_day: f64,
    pub(super) of_week: f64,
    pub(super) of_month: f64,
    pub(super) of_year: f64,
}

const MICROS_OF_DAY: i64 = 86_400_000_000;

/// The moments of a column; none for null, and for what lies beyond the calendar.
pub(super) fn moments(array: &ArrayRef) -> Vec<Option<Moment>> {
    let whole = |kind: DataType| {
        let cast = arrow::compute::cast(array, &kind).and_then(|cast| arrow::compute::cast(&cast, &DataType::Int64));
        match cast {
            Ok(cast) => cast.as_primitive::<Int64Type>().iter().collect(),
            Err(_) => vec![None; array.len()],
        }
    };
    let micros = || whole(DataType::Timestamp(TimeUnit::Microsecond, None));
    match array.data_type() {
        DataType::Time32(_) | DataType::Time64(_) => {
            let times = whole(DataType::Time64(TimeUnit::Microsecond));
            times.into_iter().map(|micros| micros.map(time)).collect()
        }
        DataType::Timestamp(_, Some(zone)) => {
            let Ok(zone) = TimeZone::get(zone).or_else(|_| offset(zone)) else { return vec![None; array.len()] };
            micros().into_iter().map(|micros| of(local(micros?, &zone)?)).collect()
        }
        _ => micros().into_iter().map(|micros| of(micros?)).collect(),
    }
}

/// A zone that is written as its distance from UTC.
fn offset(zone: &str) -> Result<TimeZone, jiff::Error> {
    let text = format!("2000-01-01T00:00:00{zone}[{zone}]");
    text.parse::<jiff::Zoned>().map(|zoned| zoned.time_zone().clone())
}

/// Microseconds since 1970 on the clocks of a zone.
fn local(micros: i64, zone: &TimeZone) -> Option<i64> {
    let instant = jiff::Timestamp::from_microsecond(micros).ok()?;
    micros.checked_add(i64::from(zone.to_offset(instant).seconds()) * 1_000_000)
}

fn time(micros: i64) -> Moment {
    let of_day = micros.rem_euclid(MICROS_OF_DAY) as f64 / MICROS_OF_DAY as f64;
    Moment { seconds: micros as f64 / 1e6, of_day, of_week: 0.0, of_month: 0.0, of_year: 0.0 }
}

fn of(micros: i64) -> Option<Moment> {
    let days = micros.div_euclid(MICROS_OF_DAY);
    let of_day = micros.rem_euclid(MICROS_OF_DAY) as f64 / MICROS_OF_DAY as f64;
    let epoch = jiff::civil::date(1970, 1, 1);
    let date = epoch.checked_add(jiff::Span::new().try_days(days).ok()?).ok()?;
    let through = |day: i16, length: i16| (f64::from(day - 1) + of_day) / f64::from(length);
    Some(Moment {
        seconds: micros as f64 / 1e6,
        of_day,
        of_week: through(i16::from(date.weekday().to_monday_one_offset()), 7),
        of_month: through(i16::from(date.day()), i16::from(date.days_in_month())),
        of_year: through(date.day_of_year(), date.days_in_year()),
    })
}
