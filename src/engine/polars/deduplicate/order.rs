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

/// The order of rows that may go to disk: as [`Order`], but the same for all frames of a table, whether they hold nulls or not.
#[derive(Debug, Default)]
pub(super) enum SpilledOrder {
    /// Not at all: all rows are tied.
    #[default]
    Input,
    /// One number a row.
    Words(Vec<u64>),
    /// One large number a row: 64 bits and the place of nulls.
    Wide(Vec<u128>),
    /// Bytes that compare as the rows do, with where each ends.
    Rows(Vec<usize>, Vec<u8>),
}

/// The order of the rows of a frame.
pub(super) fn encode_order(
    columns: &[pl::Column],
    directions: &[Direction],
    rows: usize,
) -> pl::PolarsResult<SpilledOrder> {
    if columns.is_empty() {
        return Ok(SpilledOrder::Input);
    }
    if let ([column], [direction]) = (columns, directions) {
        let series = column.as_materialized_series().to_physical_repr().into_owned();
        match series.dtype() {
            pl::DataType::Int32 | pl::DataType::UInt32 | pl::DataType::Float32 => {
                if let Some(words) = words(column, *direction)? {
                    return Ok(SpilledOrder::Words(words));
                }
            }
            pl::DataType::Int64 => {
                return Ok(SpilledOrder::Wide(widest(series.i64()?, *direction, |v| v.cast_unsigned() ^ (1 << 63))));
            }
            pl::DataType::UInt64 => return Ok(SpilledOrder::Wide(widest(series.u64()?, *direction, |v| v))),
            pl::DataType::Float64 => {
                let rank = |value| {
                    let bits = bits_of_f64(value);
                    if bits >> 63 == 0 { bits | (1 << 63) } else { !bits }
                };
                return Ok(SpilledOrder::Wide(widest(series.f64()?, *direction, rank)));
            }
            _ => {}
        }
    }
    if rows == 0 {
        return Ok(SpilledOrder::Rows(Vec::new(), Vec::new()));
    }
    let descending: Vec<bool> = directions.iter().map(|direction| direction.descending).collect();
    let nulls_last: Vec<bool> = directions.iter().map(|direction| !direction.nulls_first).collect();
    let encoded = _get_rows_encoded_arr(columns, &descending, &nulls_last, false)?;
    let mut bytes = Vec::new();
    let ends = (0..encoded.len()).map(|row| {
        bytes.extend_from_slice(encoded.value(row));
        bytes.len()
    });
    let ends = ends.collect();
    Ok(SpilledOrder::Rows(ends, bytes))
}

/// Values of 64 bits with the nulls below or above them.
fn widest<T: pl::PolarsNumericType>(
    column: &pl::ChunkedArray<T>,
    direction: Direction,
    rank: impl Fn(T::Native) -> u64,
) -> Vec<u128> {
    let above = 1_u128 << 64;
    let value = |value| u128::from(if direction.descending { !rank(value) } else { rank(value) });
    let (null, offset) = if direction.nulls_first { (0, above) } else { (above, 0) };
    column.iter().map(|found| found.map_or(null, |found| value(found) + offset)).collect()
}

impl SpilledOrder {
    /// Bytes of a row, on average.
    pub(super) fn row_bytes(&self) -> usize {
        match self {
            Self::Input => 0,
            Self::Words(_) => 8,
            Self::Wide(_) => 16,
            Self::Rows(ends, bytes) => 8 + bytes.len().checked_div(ends.len()).unwrap_or(0) * 3 / 2,
        }
    }

    pub(super) fn reserve(&mut self, rows: usize) {
        match self {
            Self::Input => {}
            Self::Words(words) => words.reserve_exact(rows),
            Self::Wide(words) => words.reserve_exact(rows),
            Self::Rows(ends, _) => ends.reserve_exact(rows),
        }
    }

    /// Takes the rows out and keeps the memory.
    pub(super) fn clear(&mut self) {
        match self {
            Self::Input => {}
            Self::Words(words) => words.clear(),
            Self::Wide(words) => words.clear(),
            Self::Rows(ends, bytes) => {
                ends.clear();
                bytes.clear();
            }
        }
    }

    /// Takes over the order of one row of a frame.
    pub(super) fn push(&mut self, from: &Self, row: usize) {
        match (&mut *self, from) {
            (_, Self::Input) => {}
            (Self::Words(words), Self::Words(new)) => words.extend(new.get(row)),
            (Self::Wide(words), Self::Wide(new)) => words.extend(new.get(row)),
            (Self::Rows(ends, bytes), Self::Rows(..)) => {
                bytes.extend_from_slice(from.bytes(row));
                ends.push(bytes.len());
            }
            (Self::Input, Self::Words(new)) => *self = Self::Words(new.get(row).copied().into_iter().collect()),
            (Self::Input, Self::Wide(new)) => *self = Self::Wide(new.get(row).copied().into_iter().collect()),
            (Self::Input, Self::Rows(..)) => {
                let bytes = from.bytes(row).to_vec();
                *self = Self::Rows(vec![bytes.len()], bytes);
            }
            // All frames of a table have the same types.
            _ => {}
        }
    }

    fn bytes(&self, row: usize) -> &[u8] {
        let Self::Rows(ends, bytes) = self else { return &[] };
        let start = row.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or(0);
        ends.get(row).and_then(|end| bytes.get(start..*end)).unwrap_or_default()
    }

    pub(super) fn append(&mut self, other: &mut Self) {
        match (&mut *self, other) {
            (Self::Words(words), Self::Words(new)) => words.append(new),
            (Self::Wide(words), Self::Wide(new)) => words.append(new),
            (Self::Rows(ends, bytes), Self::Rows(new, more)) => {
                let before = bytes.len();
                ends.extend(new.iter().map(|end| before + end));
                bytes.append(more);
            }
            (Self::Input, other) => *self = std::mem::take(other),
            _ => {}
        }
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Input => out.push(0),
            Self::Words(words) => {
                out.push(1);
                words.iter().for_each(|word| out.extend_from_slice(&word.to_le_bytes()));
            }
            Self::Wide(words) => {
                out.push(2);
                words.iter().for_each(|word| out.extend_from_slice(&word.to_le_bytes()));
            }
            Self::Rows(ends, bytes) => {
                out.push(3);
                ends.iter().for_each(|end| out.extend_from_slice(&(*end as u64).to_le_bytes()));
                out.extend_from_slice(bytes);
            }
        }
    }

    /// Appends what [`Self::write`] wrote for so many rows.
    pub(super) fn read(&mut self, bytes: &[u8], rows: usize) {
        let Some((kind, bytes)) = bytes.split_first() else { return };
        let words = |bytes: &[u8]| bytes.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word)).collect::<Vec<_>>();
        let mut read = match kind {
            1 => Self::Words(words(bytes)),
            2 => Self::Wide(bytes.as_chunks().0.iter().map(|word| u128::from_le_bytes(*word)).collect()),
            3 => {
                let (ends, bytes) = bytes.split_at((rows * 8).min(bytes.len()));
                let ends = words(ends).into_iter().map(|end| usize::try_from(end).unwrap_or(usize::MAX)).collect();
                Self::Rows(ends, bytes.to_vec())
            }
            _ => Self::Input,
        };
        self.append(&mut read);
    }

    pub(super) fn compare(&self, a: u32, b: u32) -> Ordering {
        let (a, b) = (a as usize, b as usize);
        match self {
            Self::Input => Ordering::Equal,
            Self::Words(words) => words.get(a).cmp(&words.get(b)),
            Self::Wide(words) => words.get(a).cmp(&words.get(b)),
            Self::Rows(..) => self.bytes(a).cmp(self.bytes(b)),
        }
    }
}
