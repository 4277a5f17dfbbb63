//! The keys of all rows in a form that is quickly hashed and compared.

use polars::chunked_array::ops::row_encode::encode_rows_vertical_par_unordered;
use polars::prelude as pl;
use polars_arrow::array::{Array, BinaryArray};
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use xxhash_rust::xxh3::{xxh3_64_with_seed, xxh3_128_with_seed};

/// The keys of all rows; two rows have equal keys exactly when their entries are equal.
pub(in crate::engine::polars) enum Keys {
    /// Columns of at most 64 bits together.
    Words(Packed<u64>),
    /// Columns of at most 128 bits together.
    Wide(Packed<u128>),
    /// Everything else: the row encoding of Polars, bytes that are equal when the values are.
    Rows(Encoded),
}

/// Fixed-width keys, one word a row.
pub(in crate::engine::polars) struct Packed<W>(Vec<W>);

/// Keys as bytes.
pub(in crate::engine::polars) struct Encoded(BinaryArray<i64>);

/// Keys that can be grouped.
pub(in crate::engine::polars) trait KeyTable: Sync {
    /// What is kept of a key while it is grouped.
    type Entry: Copy + Send + Sync;

    fn rows(&self) -> usize;
    fn entry(&self, row: usize, seed: u64) -> Self::Entry;
    /// The hash of an entry; all its bits are good.
    fn hash(entry: Self::Entry, seed: u64) -> u64;
    fn equal(&self, a: (Self::Entry, u32), b: (Self::Entry, u32)) -> bool;
}

impl Keys {
    pub(in crate::engine::polars) fn new(columns: &[pl::Column], rows: usize) -> pl::PolarsResult<Self> {
        let series: Vec<pl::Series> =
            columns.iter().map(|column| column.as_materialized_series().to_physical_repr().into_owned()).collect();
        let widths: Option<u32> = series.iter().map(|series| Some(width(series)? + null_bit(series))).sum();
        Ok(match widths {
            Some(0..=64) => Self::Words(Packed(pack(&series, rows, false)?)),
            Some(65..=128) => Self::Wide(Packed(pack(&series, rows, false)?)),
            _ if rows == 0 => Self::Words(Packed(Vec::new())),
            _ => {
                let encoded = encode_rows_vertical_par_unordered(columns)?.rechunk().into_owned();
                Self::Rows(Encoded(
                    encoded
                        .downcast_iter()
                        .next()
                        .cloned()
                        .unwrap_or_else(|| BinaryArray::new_empty(polars_arrow::datatypes::ArrowDataType::LargeBinary)),
                ))
            }
        })
    }
}

/// Bits of a value of a physical type of fixed width.
fn width(series: &pl::Series) -> Option<u32> {
    Some(match series.dtype() {
        pl::DataType::Boolean => 1,
        pl::DataType::Int8 | pl::DataType::UInt8 => 8,
        pl::DataType::Int16 | pl::DataType::UInt16 => 16,
        pl::DataType::Int32 | pl::DataType::UInt32 | pl::DataType::Float32 => 32,
        pl::DataType::Int64 | pl::DataType::UInt64 | pl::DataType::Float64 => 64,
        _ => return None,
    })
}

fn null_bit(series: &pl::Series) -> u32 {
    u32::from(series.null_count() > 0)
}

/// How keys become numbers of 128 bits that are equal when the keys are, also between the frames of one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Uniform {
    /// The values themselves, each with a bit that says whether it is null.
    Packed,
    /// XXH3 of the row encoding, seeded by chance. Two of n different keys are taken for equal with a probability of less than
    /// n² / 2^129: for a thousand million keys, 10^-21.
    Hashed(u64),
}

impl Uniform {
    /// The way for columns of these types.
    pub(super) fn of(columns: &[pl::Column], seed: u64) -> Self {
        let widths: Option<u32> =
            columns.iter().map(|column| Some(width(&column.as_materialized_series().to_physical_repr())? + 1)).sum();
        if widths.is_some_and(|bits| bits <= 128) { Self::Packed } else { Self::Hashed(seed) }
    }

    /// The keys of a frame.
    pub(super) fn keys(self, columns: &[pl::Column], rows: usize) -> pl::PolarsResult<Vec<u128>> {
        match self {
            Self::Packed => {
                let series: Vec<pl::Series> = columns
                    .iter()
                    .map(|column| column.as_materialized_series().to_physical_repr().into_owned())
                    .collect();
                pack(&series, rows, true)
            }
            Self::Hashed(_) if rows == 0 => Ok(Vec::new()),
            Self::Hashed(seed) => {
                let encoded = encode_rows_vertical_par_unordered(columns)?;
                let chunks = encoded.downcast_iter().flat_map(|chunk| chunk.values_iter());
                Ok(chunks.map(|key| xxh3_128_with_seed(key, seed)).collect())
            }
        }
    }

    /// 64 good bits of a key.
    pub(super) fn spread(key: u128, seed: u64) -> u64 {
        <Packed<u128> as KeyTable>::hash(key, seed)
    }
}

/// A number into which values are packed.
trait Word: Copy + Default + Send + Sync {
    fn append(&mut self, value: u64, bits: u32);
}

impl Word for u64 {
    fn append(&mut self, value: u64, bits: u32) {
        *self = self.checked_shl(bits).unwrap_or_default() | value;
    }
}

impl Word for u128 {
    fn append(&mut self, value: u64, bits: u32) {
        *self = (*self << bits) | Self::from(value);
    }
}

/// `nulls`: every column gets a bit for nulls, whether it has one or not.
fn pack<W: Word>(columns: &[pl::Series], rows: usize, nulls: bool) -> pl::PolarsResult<Vec<W>> {
    let mut words = vec![W::default(); rows];
    for series in columns {
        let with_null = nulls || null_bit(series) == 1;
        match series.dtype() {
            pl::DataType::Boolean => append_booleans(series.bool()?, &mut words, with_null),
            pl::DataType::Int8 => append(series.i8()?, &mut words, 8, with_null, |v| u64::from(v.cast_unsigned())),
            pl::DataType::Int16 => append(series.i16()?, &mut words, 16, with_null, |v| u64::from(v.cast_unsigned())),
            pl::DataType::Int32 => append(series.i32()?, &mut words, 32, with_null, |v| u64::from(v.cast_unsigned())),
            pl::DataType::Int64 => append(series.i64()?, &mut words, 64, with_null, i64::cast_unsigned),
            pl::DataType::UInt8 => append(series.u8()?, &mut words, 8, with_null, u64::from),
            pl::DataType::UInt16 => append(series.u16()?, &mut words, 16, with_null, u64::from),
            pl::DataType::UInt32 => append(series.u32()?, &mut words, 32, with_null, u64::from),
            pl::DataType::UInt64 => append(series.u64()?, &mut words, 64, with_null, |v| v),
            pl::DataType::Float32 => append(series.f32()?, &mut words, 32, with_null, |v| u64::from(bits_of_f32(v))),
            pl::DataType::Float64 => append(series.f64()?, &mut words, 64, with_null, bits_of_f64),
            other => return Err(pl::PolarsError::ComputeError(format!("{other} has no fixed width").into())),
        }
    }
    Ok(words)
}

/// One bit pattern for all NaN and one for both zeros.
pub(in crate::engine::polars) fn bits_of_f64(value: f64) -> u64 {
    if value.is_nan() { f64::NAN.to_bits() } else { (value + 0.0).to_bits() }
}

/// One bit pattern for all NaN and one for both zeros.
pub(in crate::engine::polars) fn bits_of_f32(value: f32) -> u32 {
    if value.is_nan() { f32::NAN.to_bits() } else { (value + 0.0).to_bits() }
}

fn append<T: pl::PolarsNumericType, W: Word>(
    column: &pl::ChunkedArray<T>,
    words: &mut [W],
    bits: u32,
    with_null: bool,
    to_bits: impl Fn(T::Native) -> u64 + Sync,
) {
    let parts: Vec<_> = parts(words, column.downcast_iter()).collect();
    parts.into_par_iter().for_each(|(words, array)| {
        let values = array.values().iter();
        match array.validity() {
            Some(validity) => {
                for ((word, value), valid) in words.iter_mut().zip(values).zip(validity.iter()) {
                    word.append(if valid { to_bits(*value) } else { 0 }, bits);
                    // A part may have a validity without a null in it, and the column no null at all: the bit is the column's to decide.
                    word.append(u64::from(!valid), u32::from(with_null));
                }
            }
            None => {
                for (word, value) in words.iter_mut().zip(values) {
                    word.append(to_bits(*value), bits);
                    word.append(0, u32::from(with_null));
                }
            }
        }
    });
}

fn append_booleans<W: Word>(column: &pl::BooleanChunked, words: &mut [W], with_null: bool) {
    for (words, array) in parts(words, column.downcast_iter()) {
        for (word, value) in words.iter_mut().zip(array.iter()) {
            word.append(u64::from(value == Some(true)), 1);
            word.append(u64::from(value.is_none()), u32::from(with_null));
        }
    }
}

/// The words beside the chunk of their rows.
fn parts<'w, 'a, W, A: Array>(
    mut words: &'w mut [W],
    chunks: impl Iterator<Item = &'a A>,
) -> impl Iterator<Item = (&'w mut [W], &'a A)> {
    chunks.map(move |chunk| {
        let (part, rest) = std::mem::take(&mut words).split_at_mut(chunk.len());
        words = rest;
        (part, chunk)
    })
}

/// Multiplies and folds, as wyhash does (Wang Yi, <https://github.com/wangyi-fudan/wyhash>).
fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    #[expect(clippy::cast_possible_truncation, reason = "folding the two halves is the point")]
    let folded = (product as u64) ^ ((product >> 64) as u64);
    folded
}

const ODD: u64 = 0x9E37_79B9_7F4A_7C15;

impl KeyTable for Packed<u64> {
    type Entry = u64;

    fn rows(&self) -> usize {
        self.0.len()
    }

    fn entry(&self, row: usize, _: u64) -> u64 {
        self.0.get(row).copied().unwrap_or_default()
    }

    fn hash(entry: u64, seed: u64) -> u64 {
        mix(mix(entry ^ seed, ODD), seed | 1)
    }

    fn equal(&self, a: (u64, u32), b: (u64, u32)) -> bool {
        a.0 == b.0
    }
}

impl KeyTable for Packed<u128> {
    type Entry = u128;

    fn rows(&self) -> usize {
        self.0.len()
    }

    fn entry(&self, row: usize, _: u64) -> u128 {
        self.0.get(row).copied().unwrap_or_default()
    }

    #[expect(clippy::cast_possible_truncation, reason = "the two halves are taken apart")]
    fn hash(entry: u128, seed: u64) -> u64 {
        mix(mix(entry as u64 ^ seed, ODD) ^ (entry >> 64) as u64, ODD ^ seed)
    }

    fn equal(&self, a: (u128, u32), b: (u128, u32)) -> bool {
        a.0 == b.0
    }
}

impl KeyTable for Encoded {
    /// The hash of the bytes.
    type Entry = u64;

    fn rows(&self) -> usize {
        self.0.len()
    }

    fn entry(&self, row: usize, seed: u64) -> u64 {
        xxh3_64_with_seed(self.0.value(row), seed)
    }

    fn hash(entry: u64, _: u64) -> u64 {
        entry
    }

    fn equal(&self, a: (u64, u32), b: (u64, u32)) -> bool {
        a.0 == b.0 && self.0.value(a.1 as usize) == self.0.value(b.1 as usize)
    }
}
