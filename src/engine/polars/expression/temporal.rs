//! Dates, times and zones.

use polars::prelude::{self as pl, ChunkApply, IntoSeries};

use super::calendar::{self, DAY, Interval, Part};
use super::elementwise::{elementwise, failure, integer_rows, text_rows};
use super::remembered::Memories;
use super::{EngineError, Lowering, constant_text, layout, polars_type, zone};
use crate::expression::{DataType, Expr, Function};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// The English name of a month, counted from 1.
pub(super) fn month_name(month: i64) -> &'static str {
    usize::try_from(month - 1).ok().and_then(|index| MONTHS.get(index)).copied().unwrap_or_default()
}

/// The English name of a day of the week, counted from Monday = 0.
pub(super) fn day_name(weekday: i64) -> &'static str {
    usize::try_from(weekday).ok().and_then(|index| DAYS.get(index)).copied().unwrap_or_default()
}

impl Lowering {
    /// A part of a date or clock, by functions of Polars where they mean the same.
    pub(super) fn part(&self, function: Function, argument: &Expr) -> Result<pl::Expr, EngineError> {
        let moment = self.lower(argument)?;
        let clock = match argument.data_type {
            DataType::Date => moment.cast(polars_type(&DataType::Datetime(None))),
            _ => moment,
        };
        let part = match function {
            Function::Year => clock.dt().year(),
            Function::Quarter => clock.dt().quarter(),
            Function::Month => clock.dt().month(),
            Function::Day => clock.dt().day(),
            Function::Hour => clock.dt().hour(),
            Function::Minute => clock.dt().minute(),
            Function::Second => clock.dt().second(),
            Function::DayOfYear => clock.dt().ordinal_day(),
            Function::Week => clock.dt().week(),
            Function::IsoYear => clock.dt().iso_year(),
            Function::IsoDayOfWeek => clock.dt().weekday(),
            // Polars counts Sunday as 7.
            Function::DayOfWeek => return Ok(clock.dt().weekday().cast(pl::DataType::Int64) % pl::lit(7_i64)),
            // Polars leaves the whole seconds out of both.
            Function::Millisecond => return Ok(within_minute(clock, 1_000)),
            Function::Microsecond => return Ok(within_minute(clock, 1_000_000)),
            other => return Err(super::refuse(format!("{} is no part of a date", other.name()))),
        };
        Ok(part.cast(pl::DataType::Int64))
    }

    /// Seconds since 1970-01-01, or of a duration.
    pub(super) fn epoch(&self, argument: &Expr) -> Result<pl::Expr, EngineError> {
        let moment = self.lower(argument)?;
        let microseconds = match argument.data_type {
            DataType::Date => moment.cast(polars_type(&DataType::Datetime(None))).to_physical(),
            DataType::Time => moment.to_physical().floor_div(pl::lit(1_000_i64)),
            _ => moment.to_physical(),
        };
        Ok(microseconds.cast(pl::DataType::Float64) / pl::lit(1e6))
    }

    /// A date or datetime moved by a constant interval: months and days on the clock of its zone, the rest as elapsed time.
    pub(super) fn shifted(&self, value: &Expr, shift: Interval, result: &DataType) -> Result<pl::Expr, EngineError> {
        let moment = self.guarded(self.lower(value)?);
        let by = move |name, input: pl::Expr, interval: Interval| {
            elementwise(name, vec![input], pl::DataType::Int64, move |inputs| calendar::move_by(inputs, interval))
        };
        match &value.data_type {
            DataType::Time => {
                let clock = moment.to_physical();
                Ok(elementwise("move time", vec![clock], pl::DataType::Int64, move |inputs| {
                    integer_rows(inputs.integer(0)?.iter(), |clock| {
                        Ok(clock.map(|clock| {
                            let moved = clock / 1_000 + shift.microseconds % DAY;
                            moved.rem_euclid(DAY) * 1_000 + clock % 1_000
                        }))
                    })
                })
                .cast(pl::DataType::Time))
            }
            DataType::Datetime(Some(_)) => {
                let calendar_part = Interval { microseconds: 0, ..shift };
                let elapsed = Interval { months: 0, days: 0, ..shift };
                let mut moved = moment;
                if calendar_part != (Interval { months: 0, days: 0, microseconds: 0 }) {
                    let clock = zone::clock_microseconds(moved, &value.data_type);
                    moved = zone::from_clock_microseconds(by("move", clock, calendar_part), &value.data_type)?;
                }
                if elapsed.microseconds != 0 {
                    moved = by("move", moved.to_physical(), elapsed).cast(polars_type(&value.data_type));
                }
                Ok(moved)
            }
            from => {
                let clock = zone::clock_microseconds(moment, from);
                zone::from_clock_microseconds(by("move", clock, shift), result)
            }
        }
    }

    /// `date_add(part, count, x)`.
    pub(super) fn date_add(&self, arguments: &[Expr], result: &DataType) -> Result<pl::Expr, EngineError> {
        let part = Part::by_name(constant_text(arguments, 0, "the part of date_add")?)?;
        let [_, count, value] = arguments else {
            return Err(super::refuse("date_add needs a part, a count and a date"));
        };
        let (months, days, microseconds) = part.length();
        let moment = self.guarded(self.lower(value)?);
        let elapsed = matches!(value.data_type, DataType::Datetime(Some(_))) && !part.is_calendar();
        let clock = if elapsed { moment.to_physical() } else { zone::clock_microseconds(moment, &value.data_type) };
        let moved = elementwise("date_add", vec![clock, self.lower(count)?], pl::DataType::Int64, move |inputs| {
            let (clock, count) = (inputs.integer(0)?, inputs.integer(1)?);
            integer_rows(clock.iter().zip(count.iter()), |pair| {
                let (Some(clock), Some(count)) = pair else { return Ok(None) };
                let scaled = (months.checked_mul(count), days.checked_mul(count), microseconds.checked_mul(count));
                match scaled {
                    (Some(months), Some(days), Some(rest)) => calendar::moved(clock, months, days, rest),
                    _ => None,
                }
                .map(Some)
                .ok_or_else(|| failure(format!("date_add by {count} leaves the years that can be held")))
            })
        });
        if elapsed {
            return Ok(moved.cast(polars_type(result)));
        }
        zone::from_clock_microseconds(moved, result)
    }

    /// `date_trunc(part, x)`.
    pub(super) fn date_trunc(&self, arguments: &[Expr], result: &DataType) -> Result<pl::Expr, EngineError> {
        let part = Part::by_name(constant_text(arguments, 0, "the part of date_trunc")?)?;
        let [_, value] = arguments else { return Err(super::refuse("date_trunc needs a part and a date")) };
        let clock = zone::clock_microseconds(self.lower(value)?, &value.data_type);
        let start = elementwise("date_trunc", vec![clock], pl::DataType::Int64, move |inputs| {
            Ok(inputs.integer(0)?.apply_values(|clock| part.start(clock)).into_series())
        });
        zone::from_clock_microseconds(start, result)
    }

    /// `date_diff(part, start, end)`: boundaries of the part between the two.
    pub(super) fn date_diff(&self, arguments: &[Expr]) -> Result<pl::Expr, EngineError> {
        let part = Part::by_name(constant_text(arguments, 0, "the part of date_diff")?)?;
        let [_, start, end] = arguments else { return Err(super::refuse("date_diff needs a part and two dates")) };
        let clock = |value: &Expr| -> Result<pl::Expr, EngineError> {
            let moment = self.lower(value)?;
            Ok(match &value.data_type {
                DataType::Time => moment.to_physical().floor_div(pl::lit(1_000_i64)),
                // Below a day instants are counted, not the clock, which may be set back in between.
                DataType::Datetime(Some(_)) if !part.is_calendar() => moment.to_physical(),
                data_type => zone::clock_microseconds(moment, data_type),
            })
        };
        Ok(elementwise("date_diff", vec![clock(start)?, clock(end)?], pl::DataType::Int64, move |inputs| {
            let (start, end) = (inputs.integer(0)?, inputs.integer(1)?);
            integer_rows(start.iter().zip(end.iter()), |pair| {
                Ok(match pair {
                    (Some(start), Some(end)) => Some(part.ordinal(end).wrapping_sub(part.ordinal(start))),
                    _ => None,
                })
            })
        }))
    }

    /// `make_date(year, month, day)`; null for a date that does not exist.
    pub(super) fn make_date(&self, arguments: &[Expr]) -> Result<pl::Expr, EngineError> {
        Ok(elementwise("make_date", self.all(arguments)?, pl::DataType::Date, |inputs| {
            let (year, month, day) = (inputs.integer(0)?, inputs.integer(1)?, inputs.integer(2)?);
            let dates: pl::Int32Chunked = year
                .iter()
                .zip(month.iter())
                .zip(day.iter())
                .map(|((year, month), day)| calendar::checked_date(year?, month?, day?))
                .collect();
            dates.into_series().cast(&pl::DataType::Date)
        }))
    }

    /// `make_timestamp(year, month, day, hour, minute, seconds)`; null for a datetime that does not exist.
    pub(super) fn make_timestamp(&self, arguments: &[Expr], result: &DataType) -> Result<pl::Expr, EngineError> {
        let clock = elementwise("make_timestamp", self.all(arguments)?, pl::DataType::Int64, |inputs| {
            let (year, month, day) = (inputs.integer(0)?, inputs.integer(1)?, inputs.integer(2)?);
            let (hour, minute, second) = (inputs.integer(3)?, inputs.integer(4)?, inputs.float(5)?);
            let date = year.iter().zip(month.iter()).zip(day.iter());
            let clock = hour.iter().zip(minute.iter()).zip(second.iter());
            integer_rows(date.zip(clock), |(((year, month), day), ((hour, minute), second))| {
                let parts = (year, month, day, hour, minute, second);
                let (Some(year), Some(month), Some(day), Some(hour), Some(minute), Some(second)) = parts else {
                    return Ok(None);
                };
                Ok(clock_of(year, month, day, hour, minute, second))
            })
        });
        Ok(clock.cast(polars_type(result)))
    }

    /// `to_timestamp(seconds)`, to the microsecond.
    #[expect(clippy::wrong_self_convention, reason = "the name of the function that is lowered")]
    pub(super) fn from_epoch(&self, argument: &Expr, result: &DataType) -> Result<pl::Expr, EngineError> {
        let seconds = self.guarded(self.lower(argument)?);
        let microseconds = elementwise("to_timestamp", vec![seconds], pl::DataType::Int64, |inputs| {
            integer_rows(inputs.float(0)?.iter(), |seconds| match seconds {
                None => Ok(None),
                Some(seconds) => whole(seconds * 1e6)
                    .map(Some)
                    .ok_or_else(|| failure(format!("{seconds} seconds since 1970 are no datetime"))),
            })
        });
        Ok(microseconds.cast(polars_type(result)))
    }

    /// `strftime(x, layout)`.
    pub(super) fn strftime(&self, arguments: &[Expr]) -> Result<pl::Expr, EngineError> {
        let layout = layout::Layout::parse(constant_text(arguments, 1, "the layout of strftime")?)?;
        let Some(value) = arguments.first() else { return Err(super::refuse("strftime needs a date")) };
        let moment = self.lower(value)?;
        let clock = zone::clock_microseconds(moment.clone(), &value.data_type);
        let instant = match value.data_type {
            DataType::Datetime(Some(_)) => moment.to_physical(),
            _ => clock.clone(),
        };
        Ok(elementwise("strftime", vec![clock, instant], pl::DataType::String, move |inputs| {
            let (clock, instant) = (inputs.integer(0)?, inputs.integer(1)?);
            text_rows(clock.iter().zip(instant.iter()), |pair, out| {
                let (Some(clock), Some(instant)) = pair else { return Ok(false) };
                layout.write(clock, clock - instant, out);
                Ok(true)
            })
        }))
    }

    /// `strptime(text, layout)` and `try_strptime`.
    pub(super) fn strptime(
        &self,
        arguments: &[Expr],
        result: &DataType,
        strict: bool,
    ) -> Result<pl::Expr, EngineError> {
        let text = constant_text(arguments, 1, "the layout of strptime")?.to_owned();
        let layout = layout::Layout::parse(&text)?;
        let Some(value) = arguments.first() else { return Err(super::refuse("strptime needs a text")) };
        let value = self.lower(value)?;
        let value = if strict { self.guarded(value) } else { value };
        let memories = Memories::new();
        let clock = elementwise("strptime", vec![value], pl::DataType::Int64, move |inputs| {
            let texts = inputs.text(0)?;
            memories.with(|known| {
                integer_rows(texts.iter(), |value| match value {
                    None => Ok(None),
                    Some(value) => match known.get(value, |value| layout.read(value)) {
                        None if strict => Err(failure(format!("'{value}' does not fit the layout '{text}'"))),
                        read => Ok(read),
                    },
                })
            })
        });
        Ok(clock.cast(polars_type(result)))
    }

    /// The last day of the month.
    pub(super) fn last_day(&self, argument: &Expr) -> Result<pl::Expr, EngineError> {
        let clock = zone::clock_microseconds(self.lower(argument)?, &argument.data_type);
        let days = elementwise("last_day", vec![clock], pl::DataType::Int32, |inputs| {
            let days: pl::Int32Chunked = inputs
                .integer(0)?
                .iter()
                .map(|clock| {
                    let (year, month, _) = calendar::civil_from_days(clock?.div_euclid(DAY));
                    calendar::checked_date(year, month, calendar::days_of_month(year, month))
                })
                .collect();
            Ok(days.into_series())
        });
        Ok(days.cast(pl::DataType::Date))
    }

    /// English names of months and days.
    pub(super) fn name_of(&self, function: Function, argument: &Expr) -> Result<pl::Expr, EngineError> {
        let clock = zone::clock_microseconds(self.lower(argument)?, &argument.data_type);
        let month = function == Function::MonthName;
        Ok(elementwise("name", vec![clock], pl::DataType::String, move |inputs| {
            text_rows(inputs.integer(0)?.iter(), |clock, out| {
                let Some(clock) = clock else { return Ok(false) };
                let day = clock.div_euclid(DAY);
                out.push_str(if month {
                    month_name(calendar::civil_from_days(day).1)
                } else {
                    day_name(calendar::weekday(day))
                });
                Ok(true)
            })
        }))
    }

    /// `x at time zone 'zone'`.
    pub(super) fn at_time_zone(&self, arguments: &[Expr]) -> Result<pl::Expr, EngineError> {
        let name = constant_text(arguments, 1, "the zone")?;
        let Some(value) = arguments.first() else { return Err(super::refuse("at time zone needs a datetime")) };
        let moment = self.lower(value)?;
        match value.data_type {
            DataType::Datetime(Some(_)) => zone::wall_clock_in(moment, name),
            _ => zone::instant(moment.cast(polars_type(&DataType::Datetime(None))), name),
        }
    }
}

/// Seconds within the minute, as so many parts of a second.
fn within_minute(clock: pl::Expr, parts: i64) -> pl::Expr {
    let nanoseconds = clock.clone().dt().nanosecond().cast(pl::DataType::Int64);
    clock.dt().second().cast(pl::DataType::Int64) * pl::lit(parts)
        + nanoseconds.floor_div(pl::lit(1_000_000_000 / parts))
}

fn clock_of(year: i64, month: i64, day: i64, hour: i64, minute: i64, second: f64) -> Option<i64> {
    if !(0..24).contains(&hour) || !(0..60).contains(&minute) || !(0.0..60.0).contains(&second) {
        return None;
    }
    let day = i64::from(calendar::checked_date(year, month, day)?);
    let clock = (hour * 60 + minute) * 60_000_000 + whole(second * 1e6)?;
    day.checked_mul(DAY)?.checked_add(clock)
}

/// The nearest whole number, if int64 holds it.
fn whole(value: f64) -> Option<i64> {
    let rounded = value.round_ties_even();
    // The bounds are exact in float64; the upper one is the first number that does not fit.
    #[expect(clippy::cast_possible_truncation, reason = "within the bounds the number is whole and fits")]
    (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&rounded).then_some(rounded as i64)
}
