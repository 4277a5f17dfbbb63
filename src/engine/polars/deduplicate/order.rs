//! The order that decides which of several rows with equal keys is first.

use std::cmp::Ordering;

use polars::chunked_array::ops::row_encode::_get_rows_encoded_arr;
use polars::prelude as pl;
use polars_arrow::array::BinaryArray;

use super::Direction;
use super::keys::{bits_of_f32, bits_of_f64};

/// How rows compare, ties aside.
pub(super) enum Order {
    /// Not at all: all rows are tied.
    Input,
    /// One number a row.
    Words(Vec<u64>),
    /// Bytes that compare as the rows do.
    Rows(BinaryArray<i64>),
}

impl Order {
    pub(super) fn new(columns: &[pl::Column], directions: &[Direction]) -> pl::PolarsResult<Self> {
        if columns.is_empty() {
            return Ok(Self::Input);
        }
        if let ([column], [direction]) = (columns, directions)
            && let Some(words) = words(column, *direction)?
        {
            return Ok(Self::Words(words));
        }
        let descending: Vec<bool> = directions.iter().map(|direction| direction.descending).collect();
        let nulls_last: Vec<bool> = directions.iter().map(|direction| !direction.nulls_first).collect();
        Ok(Self::Rows(_get_rows_encoded_arr(columns, &descending, &nulls_last, false)?))
    }

    pub(super) fn compare(&self, a: u32, b: u32) -> Ordering {
        let (a, b) = (a as usize, b as usize);
        match self {
            Self::Input => Ordering::Equal,
            Self::Words(words) => words.get(a).cmp(&words.get(b)),
            Self::Rows(rows) => rows.value(a).cmp(rows.value(b)),
        }
    }
}

/// Numbers in the order of the column's values; none when a number of 64 bits cannot hold values and nulls.
fn words(column: &pl::Column, direction: Direction) -> pl::PolarsResult<Option<Vec<u64>>> {
    let series = column.as_materialized_series().to_physical_repr().into_owned();
    const SIGN_32: u32 = 1 << 31;
    const SIGN_64: u64 = 1 << 63;
    Ok(match series.dtype() {
        pl::DataType::Int32 => Some(narrow(series.i32()?, direction, |v| v.cast_unsigned() ^ SIGN_32)),
        pl::DataType::UInt32 => Some(narrow(series.u32()?, direction, |v| v)),
        pl::DataType::Float32 => Some(narrow(series.f32()?, direction, |v| {
            let bits = bits_of_f32(v);
            if bits & SIGN_32 == 0 { bits | SIGN_32 } else { !bits }
        })),
        pl::DataType::Int64 if series.null_count() == 0 => {
            Some(wide(series.i64()?, direction, |v| v.cast_unsigned() ^ SIGN_64))
        }
        pl::DataType::UInt64 if series.null_count() == 0 => Some(wide(series.u64()?, direction, |v| v)),
        pl::DataType::Float64 if series.null_count() == 0 => Some(wide(series.f64()?, direction, |v| {
            let bits = bits_of_f64(v);
            if bits & SIGN_64 == 0 { bits | SIGN_64 } else { !bits }
        })),
        _ => None,
    })
}

/// Values of 32 bits leave room for the nulls below or above them.
fn narrow<T: pl::PolarsNumericType>(
    column: &pl::ChunkedArray<T>,
    direction: Direction,
    rank: impl Fn(T::Native) -> u32,
) -> Vec<u64> {
    let above = 1_u64 << 32;
    let value = |value| u64::from(if direction.descending { !rank(value) } else { rank(value) });
    let (null, offset) = if direction.nulls_first { (0, above) } else { (above, 0) };
    column.iter().map(|found| found.map_or(null, |found| value(found) + offset)).collect()
}

fn wide<T: pl::PolarsNumericType>(
    column: &pl::ChunkedArray<T>,
    direction: Direction,
    rank: impl Fn(T::Native) -> u64,
) -> Vec<u64> {
    let flip = if direction.descending { u64::MAX } else { 0 };
    column.downcast_iter().flat_map(|chunk| chunk.values().iter()).map(|value| rank(*value) ^ flip).collect()
}
