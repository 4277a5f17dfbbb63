//! The types of the expression language as Polars' types, and back.

use polars::prelude as pl;

use crate::expression::{DataType, Field};

/// The Polars type that holds values of that type.
///
/// An interval exists as a literal only; where one has to have a column's type, its fixed part is a duration.
pub(super) fn polars_type(data_type: &DataType) -> pl::DataType {
    match data_type {
        DataType::Null => pl::DataType::Null,
        DataType::Boolean => pl::DataType::Boolean,
        DataType::Int8 => pl::DataType::Int8,
        DataType::Int16 => pl::DataType::Int16,
        DataType::Int32 => pl::DataType::Int32,
        DataType::Int64 => pl::DataType::Int64,
        DataType::UInt8 => pl::DataType::UInt8,
        DataType::UInt16 => pl::DataType::UInt16,
        DataType::UInt32 => pl::DataType::UInt32,
        DataType::UInt64 => pl::DataType::UInt64,
        DataType::Float32 => pl::DataType::Float32,
        DataType::Float64 => pl::DataType::Float64,
        DataType::Decimal(precision, scale) => pl::DataType::Decimal(usize::from(*precision), usize::from(*scale)),
        DataType::String => pl::DataType::String,
        DataType::Binary => pl::DataType::Binary,
        DataType::Date => pl::DataType::Date,
        DataType::Time => pl::DataType::Time,
        DataType::Datetime(zone) => pl::DataType::Datetime(
            pl::TimeUnit::Microseconds,
            // The binder accepts known zones only; should Polars' tables miss one, the instants stay right in UTC.
            pl::TimeZone::opt_try_new(zone.as_deref()).unwrap_or(Some(pl::TimeZone::UTC)),
        ),
        DataType::Duration | DataType::Interval => pl::DataType::Duration(pl::TimeUnit::Microseconds),
        DataType::List(element) => pl::DataType::List(Box::new(polars_type(element))),
        DataType::Array(element, size) => {
            pl::DataType::Array(Box::new(polars_type(element)), usize::try_from(*size).unwrap_or(usize::MAX))
        }
        DataType::Struct(fields) => pl::DataType::Struct(
            fields
                .iter()
                .map(|field| pl::Field::new(field.name.as_str().into(), polars_type(&field.data_type)))
                .collect(),
        ),
    }
}

/// The type of the language for a Polars type; `None` for types that the language does not have (128-bit and 16-bit numbers).
///
/// Datetimes and durations of any unit count as the language's: readers cast them to microseconds.
pub(super) fn data_type(data_type_of_polars: &pl::DataType) -> Option<DataType> {
    Some(match data_type_of_polars {
        pl::DataType::Null => DataType::Null,
        pl::DataType::Boolean => DataType::Boolean,
        pl::DataType::Int8 => DataType::Int8,
        pl::DataType::Int16 => DataType::Int16,
        pl::DataType::Int32 => DataType::Int32,
        pl::DataType::Int64 => DataType::Int64,
        pl::DataType::UInt8 => DataType::UInt8,
        pl::DataType::UInt16 => DataType::UInt16,
        pl::DataType::UInt32 => DataType::UInt32,
        pl::DataType::UInt64 => DataType::UInt64,
        pl::DataType::Float32 => DataType::Float32,
        pl::DataType::Float64 => DataType::Float64,
        pl::DataType::Decimal(precision, scale) => {
            DataType::Decimal(u8::try_from(*precision).ok()?, u8::try_from(*scale).ok()?)
        }
        pl::DataType::String => DataType::String,
        pl::DataType::Binary => DataType::Binary,
        pl::DataType::Date => DataType::Date,
        pl::DataType::Time => DataType::Time,
        pl::DataType::Datetime(_, zone) => DataType::Datetime(zone.as_ref().map(|zone| zone.as_str().to_owned())),
        pl::DataType::Duration(_) => DataType::Duration,
        pl::DataType::List(element) => DataType::List(Box::new(data_type(element)?)),
        pl::DataType::Array(element, size) => {
            DataType::Array(Box::new(data_type(element)?), u32::try_from(*size).ok()?)
        }
        pl::DataType::Struct(fields) => DataType::Struct(
            fields
                .iter()
                .map(|field| Some(Field::new(field.name().as_str(), data_type(field.dtype())?)))
                .collect::<Option<_>>()?,
        ),
        _ => return None,
    })
}
