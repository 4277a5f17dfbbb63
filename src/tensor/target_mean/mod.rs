//! Columns of categories as the mean of the target by value (target encoding).
//!
//! ```text
//! training rows --TargetMeanFit, one pass--> sums by value and fold --smoothing--> means of all rows
//!                                                                            '---> means without each fold
//! training row --its fold--> the mean without that fold          any other row ---> the mean of all rows
//! ```
//!
//! D. Micci-Barreca, A preprocessing scheme for high-cardinality categorical attributes, SIGKDD Explorations 3 (2001);
//! cross-fitting as in scikit-learn's `TargetEncoder`. Without it a rare value tells its own target, and a network
//! believes in it more than new rows bear out.

mod answers;
mod fit;
mod folds;
mod options;
mod sums;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
mod tests;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::UInt64Type;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::category::visit_texts;
use super::exact;
use super::part::{Counts, Part};
use folds::Folds;

pub(super) use answers::Question;
pub(super) use fit::TargetMeanFit;
pub use options::{MeanOptions, MeanScale, Smoothing};

/// The column with the numbers of training rows, from 0 in the order in which they were learned from: rows that have it
/// take the means of the other folds.
pub const TRAINING_ROW: &str = "number of the training row";

/// A column of categories that becomes means of the targets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct TargetMean {
    known: Stored,
    places: FxHashMap<String, usize>,
}

/// A column of means.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeanColumn {
    /// The target.
    pub target: String,
    /// The class or label of which the share is told; none for the mean of a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// The mean of all training rows.
    #[serde(with = "exact")]
    pub mean: f64,
    /// How far the means of training rows lie from it; 1 where means are not scaled.
    #[serde(with = "exact")]
    pub deviation: f64,
}

impl MeanColumn {
    fn scaled(&self, mean: f64, scale: MeanScale) -> f32 {
        if !mean.is_finite() {
            return 0.0;
        }
        match scale {
            MeanScale::None => mean.clamp(f64::from(f32::MIN), f64::from(f32::MAX)) as f32,
            MeanScale::Standard => ((mean - self.mean) / self.deviation).clamp(-super::LARGEST, super::LARGEST) as f32,
        }
    }

    /// What the number of an input means, in the unit of the target.
    fn restored(&self, number: f32, scale: MeanScale) -> f64 {
        match scale {
            MeanScale::None => f64::from(number),
            MeanScale::Standard => f64::from(number) * self.deviation + self.mean,
        }
    }

    /// `mean of delay`, `share of late = true`.
    pub fn name(&self) -> String {
        match &self.class {
            Some(class) => format!("share of {} = {class}", self.target),
            None => format!("mean of {}", self.target),
        }
    }
}

/// The column as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    name: String,
    options: MeanOptions,
    columns: Vec<MeanColumn>,
    /// The values that have means, by falling frequency.
    words: Vec<String>,
    /// Training rows of each.
    counts: Vec<u64>,
    /// The means of all rows, and those without each fold: `[words + 2, columns]`; the last two rows are that of missing
    /// values and that of all others.
    tables: Vec<Vec<f32>>,
    /// Training rows with other values.
    rare: u64,
    /// Whether there were more values than are summed up.
    beyond: bool,
    /// Training rows without a value.
    missing: u64,
    /// Training rows.
    rows: u64,
}

impl TryFrom<Stored> for TargetMean {
    type Error = String;

    fn try_from(known: Stored) -> Result<Self, String> {
        let size = (known.words.len() + 2).saturating_mul(known.columns.len());
        let is_sound = known.options.check().is_ok()
            && !known.columns.is_empty()
            && known.counts.len() == known.words.len()
            && known.tables.len() == usize::from(known.options.folds) + 1
            && known.tables.iter().all(|table| table.len() == size && table.iter().all(|mean| mean.is_finite()))
            && known.columns.iter().all(|column| column.deviation > 0.0);
        if is_sound { Ok(Self::new(known)) } else { Err(format!("what is known of `{}` is damaged", known.name)) }
    }
}

impl From<TargetMean> for Stored {
    fn from(column: TargetMean) -> Self {
        column.known
    }
}

impl TargetMean {
    fn new(known: Stored) -> Self {
        let places = known.words.iter().enumerate().map(|(at, word)| (word.clone(), at)).collect();
        Self { known, places }
    }

    /// The column.
    pub fn name(&self) -> &str {
        &self.known.name
    }

    /// How it was told to encode.
    pub fn options(&self) -> &MeanOptions {
        &self.known.options
    }

    /// The means that it becomes.
    pub fn columns(&self) -> &[MeanColumn] {
        &self.known.columns
    }

    /// The values that have means, with their training rows, by falling frequency.
    pub fn values(&self) -> impl ExactSizeIterator<Item = (&str, u64)> {
        self.known.words.iter().map(String::as_str).zip(self.known.counts.iter().copied())
    }

    /// The smoothed mean of a value over all training rows, in the unit of the target.
    pub fn mean(&self, value: usize, column: usize) -> Option<f64> {
        let known = self.known.columns.get(column)?;
        let number = self.known.tables.first()?.get(value * self.width() + column)?;
        Some(known.restored(*number, self.known.options.scale))
    }

    /// Training rows whose value was too rare for a mean of its own.
    pub fn rare(&self) -> u64 {
        self.known.rare
    }

    /// Whether there were more values than are summed up; the later ones count as rare.
    pub fn has_more(&self) -> bool {
        self.known.beyond
    }

    /// Training rows without a value.
    pub fn missing(&self) -> u64 {
        self.known.missing
    }

    /// Training rows.
    pub fn rows(&self) -> u64 {
        self.known.rows
    }

    /// How many inputs the column becomes.
    pub fn width(&self) -> usize {
        self.known.columns.len()
    }

    pub(super) fn input_names(&self) -> Vec<String> {
        self.known.columns.iter().map(|column| format!("{} by {}", column.name(), self.name())).collect()
    }

    /// Fills the column's part of each row: of training rows, which have their numbers beside them in
    /// [`TRAINING_ROW`], with the means of the other folds.
    pub(super) fn encode(&self, array: &ArrayRef, batch: &RecordBatch, part: &mut Part<'_>) -> Counts {
        let mut counts = Counts::default();
        let (own, words) = (self.width(), self.known.words.len());
        let numbers = batch.column_by_name(TRAINING_ROW).and_then(|numbers| numbers.as_primitive_opt::<UInt64Type>());
        let mut folds = Folds::new(self.known.options.seed, self.known.options.folds);
        visit_texts(array, |row, text| {
            let table = match numbers.filter(|numbers| numbers.is_valid(row)) {
                Some(numbers) => 1 + usize::from(folds.of(numbers.values().get(row).copied().unwrap_or(0))),
                None => 0,
            };
            let value = match text {
                None => {
                    counts.missing += 1;
                    words
                }
                Some(text) => self.places.get(text).copied().unwrap_or_else(|| {
                    counts.unknown += 1;
                    words + 1
                }),
            };
            let means = self.known.tables.get(table).and_then(|table| table.get(value * own..(value + 1) * own));
            if let (Some(cells), Some(means)) = (part.row(row, own), means) {
                cells.copy_from_slice(means);
            }
        });
        counts
    }
}
