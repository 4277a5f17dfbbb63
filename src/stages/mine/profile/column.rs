//! A column while its rows go by: Arrow arrays become numbers, texts and hashes.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType as ArrowType, Float64Type, Int64Type, UInt64Type};
use rustc_hash::FxHashSet;

use crate::batch;
use crate::expression::{DataType, Field};
use crate::notation::TextKind;
use crate::statistics::profile::{Numbers, Texts, Uniqueness, mix, text_hash};

/// Different values of a column that are kept to see whether one comes twice.
const UNIQUE: usize = 65_536;
/// Different days that are kept.
const DAYS: usize = 200_000;
/// The hash of a null among the hashes of a row.
const NULL: u64 = 0x6e75_6c6c_6e75_6c6c;

/// The accumulators of a column, and what the last batch left for the table.
pub(super) struct Column {
    pub(super) field: Field,
    pub(super) rows: u64,
    pub(super) nulls: u64,
    pub(super) values: Held,
    /// Whether values come twice; only of columns whose values could be unique.
    pub(super) unique: Option<Uniqueness>,
    /// Different days of dates and times, as days since 1970, while they fit.
    pub(super) days: Option<FxHashSet<i64>>,
    /// A hash for each row of the last batch.
    pub(super) hashes: Vec<u64>,
    /// Numbers of the last batch, NaN for null; only when they are correlated.
    pub(super) numbers: Vec<f64>,
    /// Positions of the nulls of the last batch.
    pub(super) null_rows: Vec<u32>,
    /// Whether the numbers are to be left for the correlation.
    pub(super) correlated: bool,
}

/// What is accumulated.
pub(super) enum Held {
    /// Numbers, booleans, dates, times and durations.
    Numbers(Numbers),
    /// Texts.
    Texts(Box<Texts>),
    /// Values that are only counted.
    Opaque,
}

/// How much may be kept of each column: less of more columns, so that a wide table takes no more memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    /// Different values that are counted one by one.
    pub(super) distinct: usize,
    /// Values up to which quantiles are exact when there are more different ones.
    pub(super) quantiles: usize,
}

impl Limits {
    /// Of a table of so many columns.
    pub(super) fn of(columns: usize) -> Self {
        let columns = columns.max(1);
        Self {
            distinct: ((1 << 20) / columns).clamp(2_048, 16_384),
            quantiles: ((1 << 23) / columns).clamp(8_192, 131_072),
        }
    }
}

impl Column {
    pub(super) fn new(field: &Field, limits: Limits, correlated: bool) -> Self {
        let is_time = matches!(field.data_type, DataType::Date | DataType::Datetime(_));
        let values = match &field.data_type {
            DataType::String => Held::Texts(Box::new(Texts::new(limits.distinct, |text| TextKind::of(text) as u8))),
            DataType::Boolean
            | DataType::Date
            | DataType::Time
            | DataType::Datetime(_)
            | DataType::Duration
            | DataType::Interval => Held::Numbers(Numbers::new(limits.distinct, limits.quantiles)),
            kind if kind.is_numeric() => Held::Numbers(Numbers::new(limits.distinct, limits.quantiles)),
            _ => Held::Opaque,
        };
        Self {
            field: field.clone(),
            rows: 0,
            nulls: 0,
            unique: (!matches!(values, Held::Opaque)).then(|| Uniqueness::new(UNIQUE)),
            days: is_time.then(FxHashSet::default),
            values,
            hashes: Vec::new(),
            numbers: Vec::new(),
            null_rows: Vec::new(),
            correlated,
        }
    }

    /// Adds the values of a batch.
    pub(super) fn add(&mut self, array: &ArrayRef) {
        let rows = array.len();
        self.rows += rows as u64;
        self.nulls += array.logical_null_count() as u64;
        self.hashes.clear();
        self.numbers.clear();
        self.null_rows.clear();
        if let Some(nulls) = array.logical_nulls().filter(|nulls| nulls.null_count() > 0) {
            let is_null = !nulls.inner();
            self.null_rows.extend(is_null.set_indices().map(|at| u32::try_from(at).unwrap_or(u32::MAX)));
        }
        match &mut self.values {
            Held::Texts(texts) => {
                texts_of(texts, array, &mut self.hashes);
            }
            Held::Numbers(numbers) => {
                let (values, hashes) = numbers_of(array);
                if self.correlated {
                    self.numbers = floats_with_nulls(&values, &self.null_rows, rows);
                }
                if let Some(days) = &mut self.days {
                    let per_day = if self.field.data_type == DataType::Date { 1.0 } else { 86_400e6 };
                    days_of(days, &values, per_day);
                    if days.len() > DAYS {
                        self.days = None;
                    }
                }
                let scale = scale_of(&self.field.data_type);
                if scale == 1.0 {
                    numbers.extend(&values, &hashes);
                } else {
                    let scaled: Vec<f64> = values.iter().map(|value| value / scale).collect();
                    numbers.extend(&scaled, &hashes);
                }
                self.hashes = spread(hashes, &self.null_rows, rows);
            }
            Held::Opaque => {
                let shown = batch::texts(array);
                self.hashes
                    .extend(shown.iter().map(|text| text.as_ref().map_or(NULL, |text| text_hash(text.as_bytes()))));
            }
        }
        self.test_uniqueness();
    }

    fn test_uniqueness(&mut self) {
        let Some(unique) = &mut self.unique else { return };
        let mut nulls = self.null_rows.iter().peekable();
        for (row, &hash) in self.hashes.iter().enumerate() {
            if nulls.next_if(|null| **null as usize == row).is_none() {
                unique.push(hash);
            }
        }
        // A column of which many rows repeat is no key, and nothing is to be learned any more.
        if unique.seen() > 1_000 && unique.repeated_share().0 > 0.2 {
            self.unique = None;
        }
    }
}

/// The unit in which numbers are told, in units of the array: seconds of microseconds and nanoseconds.
pub(super) fn scale_of(data_type: &DataType) -> f64 {
    match data_type {
        DataType::Datetime(_) | DataType::Duration | DataType::Interval => 1e6,
        DataType::Time => 1e9,
        _ => 1.0,
    }
}

/// The values that are no nulls, and their hashes.
fn numbers_of(array: &ArrayRef) -> (Vec<f64>, Vec<u64>) {
    let nothing = || (Vec::new(), Vec::new());
    let cast = |to: &ArrowType| arrow::compute::cast(array, to).ok();
    let kind = array.data_type();
    if *kind == ArrowType::UInt64 {
        let Some(array) = array.as_primitive_opt::<UInt64Type>() else { return nothing() };
        let keys = present(array.values(), array.nulls());
        #[expect(clippy::cast_precision_loss, reason = "the hash tells apart what a float does not")]
        return (keys.iter().map(|&key| key as f64).collect(), keys.iter().map(|&key| mix(key)).collect());
    }
    let whole = kind.is_integer() || kind.is_temporal() || *kind == ArrowType::Boolean;
    if whole && let Some(array) = cast(&ArrowType::Int64) {
        let Some(array) = array.as_primitive_opt::<Int64Type>() else { return nothing() };
        let keys = present(array.values(), array.nulls());
        #[expect(clippy::cast_precision_loss, reason = "the hash tells apart what a float does not")]
        return (
            keys.iter().map(|&key| key as f64).collect(),
            keys.iter().map(|&key| mix(key.cast_unsigned())).collect(),
        );
    }
    let Some(array) = cast(&ArrowType::Float64) else { return nothing() };
    let Some(array) = array.as_primitive_opt::<Float64Type>() else { return nothing() };
    let values = present(array.values(), array.nulls());
    let hashes = values.iter().map(|&value| Numbers::hash(value)).collect();
    (values, hashes)
}

fn present<T: Copy>(values: &[T], nulls: Option<&arrow::buffer::NullBuffer>) -> Vec<T> {
    match nulls.filter(|nulls| nulls.null_count() > 0) {
        None => values.to_vec(),
        Some(nulls) => nulls.valid_indices().filter_map(|at| values.get(at).copied()).collect(),
    }
}

/// The hashes of all rows from those of the values that are no nulls.
fn spread(hashes: Vec<u64>, nulls: &[u32], rows: usize) -> Vec<u64> {
    if nulls.is_empty() {
        return hashes;
    }
    let mut spread = vec![0; rows];
    nulls.iter().for_each(|&null| {
        if let Some(hash) = spread.get_mut(null as usize) {
            *hash = NULL;
        }
    });
    let mut values = hashes.into_iter();
    let mut next_null = nulls.iter().peekable();
    for (row, hash) in spread.iter_mut().enumerate() {
        if next_null.next_if(|null| **null as usize == row).is_none() {
            *hash = values.next().unwrap_or(NULL);
        }
    }
    spread
}

fn floats_with_nulls(values: &[f64], nulls: &[u32], rows: usize) -> Vec<f64> {
    if nulls.is_empty() {
        return values.to_vec();
    }
    let mut values = values.iter();
    let mut nulls = nulls.iter().peekable();
    (0..rows)
        .map(|row| match nulls.next_if(|null| **null as usize == row) {
            Some(_) => f64::NAN,
            None => values.next().copied().unwrap_or(f64::NAN),
        })
        .collect()
}

fn days_of(days: &mut FxHashSet<i64>, values: &[f64], per_day: f64) {
    let mut last = i64::MIN;
    for value in values {
        #[expect(clippy::cast_possible_truncation, reason = "a cast of floats saturates")]
        let day = (value / per_day).floor() as i64;
        if day != last {
            days.insert(day);
            last = day;
        }
    }
}

fn texts_of(texts: &mut Texts, array: &ArrayRef, hashes: &mut Vec<u64>) {
    if let Some(strings) = array.as_string_view_opt() {
        for text in strings {
            hashes.push(match text {
                None => NULL,
                Some(text) => {
                    let hash = text_hash(text.as_bytes());
                    texts.push(text, hash);
                    hash
                }
            });
        }
        return;
    }
    for text in batch::texts(array) {
        hashes.push(match text {
            None => NULL,
            Some(text) => {
                let hash = text_hash(text.as_bytes());
                texts.push(&text, hash);
                hash
            }
        });
    }
}
