//! Columns of numbers: scaled, spread, cut into intervals, and with a mark for missing values.

mod fit;
mod options;
mod scaling;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
mod tests;

use arrow::array::ArrayRef;
use serde::{Deserialize, Serialize};

use super::exact;
use super::part::{Counts, Part};
use crate::batch;

pub(super) use fit::NumberFit;
pub use options::{Bin, Clip, Cut, NumberScale, PiecewiseLinear, Quantile, Robust, Spread};
pub use scaling::{Form, Scaling};

/// The largest size of a scaled number. What lies a million scales from the center says nothing more by lying farther,
/// and would drive the sums of a network out of the range of `f32`. Numbers that are not scaled are limited by `f32`
/// alone.
pub const LARGEST: f64 = 1e6;

/// A column of numbers with what was learned about it.
///
/// Null, NaN and infinities count as missing. A missing value becomes the mean of the training rows, or their median
/// under scales that go by quantiles; among intervals it belongs to none. One more input tells that it was missing, if
/// values were missing in training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Number {
    name: String,
    scaling: Scaling,
    /// The number that stands for a missing one.
    #[serde(with = "exact::optional")]
    fill: Option<f64>,
    /// Training rows without a value.
    missing: u64,
    /// Training rows.
    rows: u64,
    #[serde(with = "exact::optional")]
    low: Option<f64>,
    #[serde(with = "exact::optional")]
    high: Option<f64>,
}

impl Number {
    /// The column.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is done with a number.
    pub fn scaling(&self) -> &Scaling {
        &self.scaling
    }

    /// The smallest and the largest number of the training rows.
    pub fn range(&self) -> Option<(f64, f64)> {
        self.low.zip(self.high)
    }

    /// Training rows without a value.
    pub fn missing(&self) -> u64 {
        self.missing
    }

    /// Training rows.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// How many inputs the column becomes, with the mark for missing values.
    pub fn width(&self) -> usize {
        self.scaling.width() + usize::from(self.missing > 0)
    }

    /// Whether what was read back can be worked with.
    pub(super) fn is_sound(&self) -> bool {
        self.scaling.is_sound()
    }

    pub(super) fn input_names(&self) -> Vec<String> {
        let name = &self.name;
        let mut names = match &self.scaling {
            Scaling::Linear { .. } | Scaling::Quantile { .. } => vec![name.clone()],
            Scaling::Bins { borders } | Scaling::Piecewise { borders } => {
                borders.windows(2).map(|pair| format!("{name} {}", between(pair))).collect()
            }
        };
        names.extend((self.missing > 0).then(|| format!("{name} is missing")));
        names
    }

    /// Fills the column's part of each row.
    pub(super) fn encode(&self, array: &ArrayRef, part: &mut Part<'_>) -> Counts {
        let mut counts = Counts::default();
        for (value, cells) in finite(array).into_iter().zip(part.rows(self.width())) {
            counts.missing += u64::from(value.is_nan());
            self.one(value, cells);
        }
        counts
    }

    /// Fills the inputs of one number; NaN is a missing one.
    pub(super) fn one(&self, value: f64, cells: &mut [f32]) {
        let scaled = self.scaling.width();
        if value.is_nan() {
            if let (Some(mark), true) = (cells.get_mut(scaled), self.missing > 0) {
                *mark = 1.0;
            }
            if let (Some(fill), Some(cells)) = (self.fill, cells.get_mut(..scaled)) {
                self.scaling.apply(fill, cells);
            }
        } else if let Some(cells) = cells.get_mut(..scaled) {
            self.scaling.apply(value, cells);
        }
    }
}

/// `1.5 to 3`, with six digits.
fn between(pair: &[f64]) -> String {
    let text = |number: &f64| {
        let rounded: f64 = format!("{number:.5e}").parse().unwrap_or(*number);
        let is_plain = rounded == 0.0 || (1e-4..1e9).contains(&rounded.abs());
        if is_plain { rounded.to_string() } else { format!("{rounded:e}") }
    };
    pair.iter().map(text).collect::<Vec<_>>().join(" to ")
}

/// The values of a column; NaN for null and whatever is not finite.
pub(super) fn finite(array: &ArrayRef) -> Vec<f64> {
    let mut values = batch::floats(array);
    values.iter_mut().filter(|value| value.is_infinite()).for_each(|value| *value = f64::NAN);
    values
}
