//! Columns of numbers: centered, scaled, and with a mark for missing values.

use arrow::array::ArrayRef;
use serde::{Deserialize, Serialize};

use super::exact;
use super::specification::NumberScale;
use crate::batch;
use crate::statistics::moments::Moments;
use crate::statistics::quantiles::QuantileSketch;

/// The largest size of a scaled number. What lies a million scales from the center says nothing more by lying farther,
/// and would drive the sums of a network out of the range of `f32`. Numbers that are not scaled are limited by `f32`
/// alone.
pub const LARGEST: f64 = 1e6;

/// A column of numbers with what was learned about it.
///
/// Null, NaN and infinities count as missing. A missing value becomes the mean of the training rows (the median under a
/// robust scale), and a second input tells that it was missing, if values were missing in training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Number {
    name: String,
    #[serde(with = "exact")]
    center: f64,
    #[serde(with = "exact")]
    scale: f64,
    /// The input of a missing value, after scaling.
    #[serde(with = "exact")]
    fill: f64,
    /// Whether [`LARGEST`] holds.
    is_scaled: bool,
    /// Training rows without a value.
    missing: u64,
}

impl Number {
    /// The column.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is taken away.
    pub fn center(&self) -> f64 {
        self.center
    }

    /// By what is divided afterwards; never 0.
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// Training rows without a value.
    pub fn missing(&self) -> u64 {
        self.missing
    }

    /// How many inputs the column becomes: 1, or 2 with the mark for missing values.
    pub fn width(&self) -> usize {
        1 + usize::from(self.missing > 0)
    }

    pub(super) fn input_names(&self) -> Vec<String> {
        let mark = (self.missing > 0).then(|| format!("{} is missing", self.name));
        std::iter::once(self.name.clone()).chain(mark).collect()
    }

    /// Fills the column's part of each row of `inputs` (`[n, width]`, zeros) from `offset` on; returns how many values
    /// were missing.
    pub(super) fn encode(&self, array: &ArrayRef, inputs: &mut [f32], width: usize, offset: usize) -> u64 {
        let limit = if self.is_scaled { LARGEST } else { f64::from(f32::MAX) };
        let mut missing = 0;
        for (value, row) in finite(array).into_iter().zip(inputs.chunks_exact_mut(width)) {
            let Some(row) = row.get_mut(offset..) else { continue };
            let input = match value.is_nan() {
                false => ((value - self.center) / self.scale).clamp(-limit, limit),
                true => {
                    missing += 1;
                    if let (Some(mark), true) = (row.get_mut(1), self.missing > 0) {
                        *mark = 1.0;
                    }
                    self.fill.clamp(-limit, limit)
                }
            };
            if let Some(cell) = row.first_mut() {
                *cell = input as f32;
            }
        }
        missing
    }
}

/// The values of a column; NaN for null and whatever is not finite.
pub(super) fn finite(array: &ArrayRef) -> Vec<f64> {
    let mut values = batch::floats(array);
    values.iter_mut().filter(|value| value.is_infinite()).for_each(|value| *value = f64::NAN);
    values
}

/// Learns about a column of numbers.
#[derive(Debug)]
pub(super) struct NumberFit {
    pub(super) name: String,
    method: NumberScale,
    moments: Moments,
    quantiles: QuantileSketch,
}

impl NumberFit {
    pub(super) fn new(name: &str, method: NumberScale) -> Self {
        Self { name: name.to_owned(), method, moments: Moments::new(), quantiles: QuantileSketch::default() }
    }

    pub(super) fn add(&mut self, array: &ArrayRef) {
        let values = finite(array);
        self.moments.extend(&values);
        if self.method == NumberScale::Robust {
            self.quantiles.extend(&values);
        }
    }

    pub(super) fn finish(self) -> Number {
        let moments = &self.moments;
        let mean = moments.mean();
        let (center, scale, fill) = match self.method {
            NumberScale::None => (None, None, mean),
            NumberScale::Zscore => (mean, moments.standard_deviation(), mean),
            NumberScale::Minmax => {
                let range = moments.max().zip(moments.min()).map(|(max, min)| max - min);
                (moments.min(), range, mean)
            }
            NumberScale::Robust => {
                let quantiles = self.quantiles.quantiles();
                (quantiles.quantile(0.5), quantiles.interquartile_range(), quantiles.quantile(0.5))
            }
        };
        let finite = |value: Option<f64>| value.filter(|value| value.is_finite());
        // Without a value nothing is known; with equal values there is no scale. Both leave differences from the
        // center.
        let center = finite(center).unwrap_or(0.0);
        let scale = finite(scale).filter(|scale| *scale > 0.0).unwrap_or(1.0);
        let fill = finite(finite(fill).map(|fill| (fill - center) / scale)).unwrap_or(0.0);
        let is_scaled = self.method != NumberScale::None;
        Number { name: self.name, center, scale, fill, is_scaled, missing: moments.nan_count() }
    }
}
