//! Conversions between types.
//!
//! A strict conversion of an impossible value is an error that names the value; a lenient one gives null.

use std::fmt::Display;

use polars::prelude::{self as pl, ChunkApply, IntoSeries, PolarsResult, Series};

use super::elementwise::{
    Inputs, boolean_rows, elementwise, failure, float_rows, integer_rows, number_rows, text_rows,
};
use super::remembered::Memories;
use super::{EngineError, parse, polars_type, refuse, text, zone};
use crate::expression::DataType;

/// `value`, of type `from`, as `to`.
///
/// Errors: pairs of types between which there is no conversion.
pub(super) fn cast(value: pl::Expr, from: &DataType, to: &DataType, strict: bool) -> Result<pl::Expr, EngineError> {
    use DataType as T;
    let target = polars_type(to);
    Ok(match (from, to) {
        (from, to) if from == to => value,
        (T::Null, _) => value.cast(target),
        (T::Boolean, to) if to.is_integer() || to.is_float() => value.cast(target),
        (T::Boolean, T::String) => value.cast(target),
        (from, T::Boolean) if from.is_integer() => value.neq(literal_zero(from)),
        (T::String, T::Boolean) => from_text(value, to, strict, |texts, strict, to| {
            boolean_rows(texts.iter(), |text| accept(text, text.and_then(parse::boolean), strict, to))
        }),
        (from, to) if from.is_integer() && to.is_integer() => native(value, target, strict),
        (from, to) if from.is_integer() && to.is_float() => value.cast(target),
        (from, to) if from.is_float() && to.is_integer() => float_to_integer(value, from, to, strict),
        (T::Float32, T::Float64) => value.cast(target),
        (T::Float64, T::Float32) => narrow_float(value, strict),
        (from, T::Decimal(precision, scale)) if from.is_numeric() || *from == T::String => {
            to_decimal(value, from, to, *precision, *scale, strict)
        }
        (T::Decimal(_, scale), to) if to.is_integer() => decimal_to_integer(value, *scale, to, strict),
        (T::Decimal(..), to) if to.is_float() => value.cast(target),
        (T::Decimal(_, scale), T::String) => decimal_text(value, *scale),
        (from, T::String) if from.is_integer() => value.cast(target),
        (T::Float32, T::String) => to_text(value, |inputs| {
            let values = inputs.series(0)?.f32()?.clone();
            text_rows(values.iter(), |value, out| Ok(value.map(|value| text::float32(value, out)).is_some()))
        }),
        (T::Float64, T::String) => to_text(value, |inputs| {
            text_rows(inputs.float(0)?.iter(), |value, out| Ok(value.map(|value| text::float64(value, out)).is_some()))
        }),
        (T::String, to) if to.is_integer() => text_to_integer(value, to, strict),
        (T::String, T::Float64) => from_text(value, to, strict, |texts, strict, to| {
            float_rows(texts.iter(), |text| accept(text, text.and_then(parse::float64), strict, to))
        }),
        (T::String, T::Float32) => from_text(value, to, strict, |texts, strict, to| {
            number_rows::<pl::Float32Type, _>(texts.iter(), |text| {
                accept(text, text.and_then(parse::float32), strict, to)
            })
        }),
        (T::String, T::Date) => {
            let memories = Memories::new();
            from_text(value, to, strict, move |texts, strict, to| {
                let days = memories.with(|known| {
                    number_rows::<pl::Int32Type, _>(texts.iter(), |text| {
                        accept(text, text.and_then(|text| known.get(text, parse::date)), strict, to)
                    })
                });
                days?.cast(&pl::DataType::Date)
            })
        }
        (T::String, T::Time) => from_text(value, to, strict, |texts, strict, to| {
            let nanoseconds = |text: &str| parse::time(text).map(|microseconds| microseconds * 1_000);
            integer_rows(texts.iter(), |text| accept(text, text.and_then(nanoseconds), strict, to))?
                .cast(&pl::DataType::Time)
        }),
        (T::String, T::Datetime(None)) => from_text(value, to, strict, |texts, strict, to| {
            integer_rows(texts.iter(), |text| accept(text, text.and_then(parse::datetime), strict, to))?
                .cast(&polars_type(&DataType::Datetime(None)))
        }),
        (T::String, T::Binary) => value.cast(target),
        (T::Date, T::String) => to_text(zone::clock_microseconds(value, from), |inputs| {
            text_rows(inputs.integer(0)?.iter(), |clock, out| {
                Ok(clock.map(|clock| text::date(clock.div_euclid(super::calendar::DAY), out)).is_some())
            })
        }),
        (T::Time, T::String) => to_text(value.to_physical(), |inputs| {
            text_rows(inputs.integer(0)?.iter(), |clock, out| {
                Ok(clock.map(|clock| text::time(clock / 1_000, out)).is_some())
            })
        }),
        (T::Datetime(None), T::String) => to_text(value.to_physical(), |inputs| {
            text_rows(inputs.integer(0)?.iter(), |clock, out| {
                Ok(clock.map(|clock| text::datetime(clock, out)).is_some())
            })
        }),
        (T::Date, T::Datetime(None)) | (T::Datetime(None), T::Date) => value.cast(target),
        (T::Datetime(None), T::Time) => time_of_day(value),
        (T::Datetime(Some(_)), T::Datetime(Some(_))) => value.cast(target),
        // An interval is a literal, which has been lowered as its fixed length already.
        (T::Interval, T::Duration) => value,
        (T::Array(from, _), T::List(to)) => {
            let list = value.cast(pl::DataType::List(Box::new(polars_type(from))));
            if from == to {
                return Ok(list);
            }
            let element = cast(pl::element(), from, to, strict)?;
            list.list().eval(element)
        }
        (T::List(from), T::List(to)) => {
            let element = cast(pl::element(), from, to, strict)?;
            value.list().eval(element)
        }
        _ => return Err(refuse(format!("{from} cannot be cast to {to}"))),
    })
}

/// Whether some value of the first type has no counterpart in the second.
pub(super) fn can_fail(from: &DataType, to: &DataType) -> bool {
    use DataType as T;
    let range = |data_type: &DataType| match data_type {
        T::Int8 => (7, true),
        T::Int16 => (15, true),
        T::Int32 => (31, true),
        T::Int64 => (63, true),
        T::UInt8 => (8, false),
        T::UInt16 => (16, false),
        T::UInt32 => (32, false),
        _ => (64, false),
    };
    match (from, to) {
        (from, to) if from == to => false,
        (T::Null | T::Boolean, _) | (_, T::Boolean) if *from != T::String => false,
        (from, to) if from.is_integer() && to.is_integer() => {
            let ((from_bits, from_signed), (to_bits, to_signed)) = (range(from), range(to));
            from_bits > to_bits || (from_signed && !to_signed)
        }
        (from, to) if to.is_float() => *from == T::String || (*from == T::Float64 && *to == T::Float32),
        (from, T::String | T::Binary) => from.is_nested(),
        (T::Date | T::Datetime(_) | T::Interval, _) => false,
        (T::List(from) | T::Array(from, _), T::List(to)) => can_fail(from, to),
        _ => true,
    }
}

fn native(value: pl::Expr, target: pl::DataType, strict: bool) -> pl::Expr {
    if strict { value.strict_cast(target) } else { value.cast(target) }
}

fn literal_zero(data_type: &DataType) -> pl::Expr {
    pl::lit(0_i64).cast(polars_type(data_type))
}

/// The value of one row; an error when there is none though there was something, and the cast is strict.
fn accept<V: Display, T>(
    value: Option<V>,
    converted: Option<T>,
    strict: bool,
    to: &DataType,
) -> PolarsResult<Option<T>> {
    match (value, converted) {
        (Some(value), None) if strict => Err(failure(format!("'{value}' cannot be cast to {to}"))),
        (_, converted) => Ok(converted),
    }
}

fn from_text(
    value: pl::Expr,
    to: &DataType,
    strict: bool,
    read: impl Fn(&pl::StringChunked, bool, &DataType) -> PolarsResult<Series> + Send + Sync + 'static,
) -> pl::Expr {
    let named = to.clone();
    elementwise("cast", vec![value], polars_type(to), move |inputs| read(&inputs.text(0)?, strict, &named))
}

fn to_text(value: pl::Expr, write: impl Fn(&Inputs) -> PolarsResult<Series> + Send + Sync + 'static) -> pl::Expr {
    elementwise("cast", vec![value], pl::DataType::String, write)
}

/// Whole numbers of any size as a column of an integer type; `values` holds what the row was, for the message.
fn integers<V: Display>(
    rows: impl Iterator<Item = (Option<V>, Option<i128>)>,
    to: &DataType,
    strict: bool,
) -> PolarsResult<Series> {
    let (least, most): (i128, i128) = match to {
        DataType::Int8 => (i8::MIN.into(), i8::MAX.into()),
        DataType::Int16 => (i16::MIN.into(), i16::MAX.into()),
        DataType::Int32 => (i32::MIN.into(), i32::MAX.into()),
        DataType::UInt8 => (0, u8::MAX.into()),
        DataType::UInt16 => (0, u16::MAX.into()),
        DataType::UInt32 => (0, u32::MAX.into()),
        DataType::UInt64 => (0, u64::MAX.into()),
        _ => (i64::MIN.into(), i64::MAX.into()),
    };
    let values = rows
        .map(|(value, whole)| {
            let fitting = whole.filter(|whole| (least..=most).contains(whole));
            accept(value, fitting, strict, to)
        })
        .collect::<PolarsResult<Vec<_>>>()?;
    if *to == DataType::UInt64 {
        let values: pl::UInt64Chunked =
            values.into_iter().map(|value| value.and_then(|value| u64::try_from(value).ok())).collect();
        return Ok(values.into_series());
    }
    let values: pl::Int64Chunked =
        values.into_iter().map(|value| value.and_then(|value| i64::try_from(value).ok())).collect();
    values.into_series().cast(&polars_type(to))
}

fn text_to_integer(value: pl::Expr, to: &DataType, strict: bool) -> pl::Expr {
    from_text(value, to, strict, |texts, strict, to| {
        integers(texts.iter().map(|text| (text, text.and_then(parse::integer))), to, strict)
    })
}

/// Drops the digits after the mark.
fn float_to_integer(value: pl::Expr, from: &DataType, to: &DataType, strict: bool) -> pl::Expr {
    let named = to.clone();
    let wide = if *from == DataType::Float32 { value.cast(pl::DataType::Float64) } else { value };
    elementwise("cast", vec![wide], polars_type(to), move |inputs| {
        let values = inputs.float(0)?;
        let whole = |value: f64| {
            let rounded = value.trunc();
            #[expect(clippy::cast_possible_truncation, reason = "the bounds hold, so the number fits")]
            (rounded.abs() < 2e19).then_some(rounded as i128)
        };
        integers(values.iter().map(|value| (value, value.and_then(whole))), &named, strict)
    })
}

/// A finite float64 beyond the range of float32 has no float32.
fn narrow_float(value: pl::Expr, strict: bool) -> pl::Expr {
    elementwise("cast", vec![value], pl::DataType::Float32, move |inputs| {
        let values = inputs.float(0)?;
        let narrowed = values
            .iter()
            .map(|value| {
                #[expect(clippy::cast_possible_truncation, reason = "rounding to 32 bits is what is asked for")]
                let narrow = value.map(|value| value as f32);
                let fitting = narrow.filter(|narrow| !narrow.is_infinite() || value.is_some_and(f64::is_infinite));
                accept(value, fitting, strict, &DataType::Float32)
            })
            .collect::<PolarsResult<Vec<_>>>()?;
        Ok(narrowed.into_iter().collect::<pl::Float32Chunked>().into_series())
    })
}

/// Rounds halves away from zero, as decimal arithmetic does.
fn to_decimal(value: pl::Expr, from: &DataType, to: &DataType, precision: u8, scale: u8, strict: bool) -> pl::Expr {
    let (from, to, target) = (from.clone(), to.clone(), polars_type(to));
    elementwise("cast", vec![value], target, move |inputs| {
        let series = inputs.series(0)?;
        let limit = 10_i128.checked_pow(precision.into());
        let fits = |value: &i128| limit.is_none_or(|limit| value.abs() < limit);
        let power = 10_i128.checked_pow(scale.into()).unwrap_or(i128::MAX);
        let values: Vec<Option<i128>> = match &from {
            DataType::String => series
                .str()?
                .iter()
                .map(|value| {
                    accept(value, value.and_then(|text| parse::scaled(text, scale.into())).filter(fits), strict, &to)
                })
                .collect::<PolarsResult<_>>()?,
            DataType::Decimal(_, held) => {
                let values = series.decimal()?;
                let held = *held;
                values
                    .physical()
                    .iter()
                    .map(|value| {
                        let moved = value.and_then(|value| rescaled(value, held, scale)).filter(fits);
                        accept(value.map(|value| decimal(value, held)), moved, strict, &to)
                    })
                    .collect::<PolarsResult<_>>()?
            }
            from if from.is_float() => inputs
                .float(0)?
                .iter()
                .map(|value| {
                    accept(value, value.and_then(|value| scaled_float(value, scale)).filter(fits), strict, &to)
                })
                .collect::<PolarsResult<_>>()?,
            _ => {
                let unsigned = series.dtype() == &pl::DataType::UInt64;
                let wide: Vec<Option<i128>> = if unsigned {
                    series.u64()?.iter().map(|value| value.map(i128::from)).collect()
                } else {
                    inputs.integer(0)?.iter().map(|value| value.map(i128::from)).collect()
                };
                wide.into_iter()
                    .map(|value| {
                        accept(value, value.and_then(|value| value.checked_mul(power)).filter(fits), strict, &to)
                    })
                    .collect::<PolarsResult<_>>()?
            }
        };
        let physical: pl::Int128Chunked = values.into_iter().collect();
        Ok(physical.into_decimal(precision.into(), scale.into())?.into_series())
    })
}

fn scaled_float(value: f64, scale: u8) -> Option<i128> {
    let scaled = (value * 10_f64.powi(scale.into())).round();
    #[expect(clippy::cast_possible_truncation, reason = "the bound holds, so the number fits")]
    (scaled.abs() < 1e38).then_some(scaled as i128)
}

/// A decimal with another number of digits after the mark, halves away from zero.
fn rescaled(value: i128, from: u8, to: u8) -> Option<i128> {
    if to >= from {
        return value.checked_mul(10_i128.checked_pow(u32::from(to - from))?);
    }
    let power = 10_i128.checked_pow(u32::from(from - to))?;
    let (quotient, remainder) = (value / power, value % power);
    Some(if remainder.abs() >= power - power / 2 { quotient + value.signum() } else { quotient })
}

/// Drops the digits after the mark.
fn whole_part(value: i128, scale: u8) -> Option<i128> {
    Some(value / 10_i128.checked_pow(scale.into())?)
}

fn decimal_to_integer(value: pl::Expr, scale: u8, to: &DataType, strict: bool) -> pl::Expr {
    let named = to.clone();
    elementwise("cast", vec![value], polars_type(to), move |inputs| {
        let values = inputs.series(0)?.decimal()?.clone();
        let rows = values
            .physical()
            .iter()
            .map(|value| (value.map(|value| decimal(value, scale)), value.and_then(|value| whole_part(value, scale))));
        integers(rows, &named, strict)
    })
}

fn decimal_text(value: pl::Expr, scale: u8) -> pl::Expr {
    to_text(value, move |inputs| {
        let values = inputs.series(0)?.decimal()?.clone();
        text_rows(values.physical().iter(), |value, out| Ok(value.map(|v| out.push_str(&decimal(v, scale))).is_some()))
    })
}

/// `-12.50`.
fn decimal(value: i128, scale: u8) -> String {
    let digits = format!("{:0width$}", value.unsigned_abs(), width = usize::from(scale) + 1);
    let (whole, fraction) = digits.split_at_checked(digits.len() - usize::from(scale)).unwrap_or((&digits, ""));
    let sign = if value < 0 { "-" } else { "" };
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// The time of the day of a wall clock, before 1970 too.
fn time_of_day(value: pl::Expr) -> pl::Expr {
    elementwise("cast", vec![value.to_physical()], pl::DataType::Int64, |inputs| {
        let day = super::calendar::DAY;
        Ok(inputs.integer(0)?.apply_values(|clock| clock.rem_euclid(day) * 1_000).into_series())
    })
    .cast(pl::DataType::Time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_round_halves_away_from_zero() {
        assert_eq!(rescaled(125, 2, 1), Some(13));
        assert_eq!(rescaled(-125, 2, 1), Some(-13));
        assert_eq!(rescaled(124, 2, 1), Some(12));
        assert_eq!(whole_part(-19, 1), Some(-1));
        assert_eq!(rescaled(7, 0, 2), Some(700));
        assert_eq!(decimal(-1250, 2), "-12.50");
        assert_eq!(decimal(5, 3), "0.005");
        assert_eq!(decimal(42, 0), "42");
    }
}
