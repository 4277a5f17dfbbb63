//! Histograms: how many bins, where their edges are, and what falls into them.
//!
//! # What is exact
//! [`Histogram::with_edges`] counts values exactly. [`Histogram::from_quantiles`] reads the counts from
//! [`Quantiles`]: exact when they are, otherwise each cumulative count is off by at most their rank error.
//!
//! The number of bins follows Freedman & Diaconis 1981, Sturges 1926, or both as NumPy's `auto` does; the edges are then
//! moved to round numbers (1, 2, 2.5 or 5 times a power of ten), so the number of bins that comes out may differ a little.
//! Columns of integers get integer edges, so that each bin holds the same number of integers.
//!
//! A bin holds its lower edge and not its upper one; the last bin of real numbers holds both, as in NumPy.
//!
//! # Example
//! ```
//! use gristmill::statistics::histogram::{Bins, Histogram, Scale};
//!
//! let histogram = Histogram::of_values(&[1.0, 2.0, 2.0, 3.0, 7.0, 9.0], Bins::Count(4), Scale::Integer);
//! assert_eq!(histogram.edges(), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
//! assert_eq!(histogram.counts(), [1, 3, 0, 1, 1]);
//! ```

mod edges;

#[cfg(test)]
mod tests;

pub use edges::{Bins, MOST_BINS, Scale, nice_edges, number_of_bins};

use serde::{Deserialize, Serialize};

use super::quantiles::{QuantileSketch, Quantiles};

/// Counts of values by bin, as a mergeable accumulator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    edges: Vec<f64>,
    counts: Vec<u64>,
    below: u64,
    above: u64,
    nan_count: u64,
}

/// Why a histogram cannot be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum HistogramError {
    /// The edges do not bound bins.
    #[error("the edges of a histogram must be at least two numbers, finite and rising; edge {position} is not")]
    Edges {
        /// Index of the first bad edge.
        position: usize,
    },
    /// Histograms of different bins cannot be joined.
    #[error("histograms with different edges cannot be merged")]
    Merge,
}

impl Histogram {
    /// An empty histogram with these edges, one more than there are bins.
    ///
    /// # Errors
    /// [`HistogramError::Edges`] unless there are at least two edges, all finite, each above the one before.
    pub fn with_edges(edges: Vec<f64>) -> Result<Self, HistogramError> {
        let bad = |&position: &usize| {
            !edges[position].is_finite() || (position > 0 && edges[position] <= edges[position - 1])
        };
        if let Some(position) = (0..edges.len()).find(bad) {
            return Err(HistogramError::Edges { position });
        }
        if edges.len() < 2 {
            return Err(HistogramError::Edges { position: edges.len() });
        }
        Ok(Self { counts: vec![0; edges.len() - 1], edges, below: 0, above: 0, nan_count: 0 })
    }

    /// The histogram of a column in memory, with bins that fit its finite values. Of none there are no bins.
    #[must_use]
    pub fn of_values(values: &[f64], bins: Bins, scale: Scale) -> Self {
        let mut sketch = QuantileSketch::new(values.len());
        sketch.extend(values);
        let histogram = Self::from_quantiles(&sketch.quantiles(), bins, scale);
        Self { nan_count: sketch.nan_count(), ..histogram }
    }

    /// The histogram of the values behind quantiles, with bins that fit the finite ones. Of none there are no bins.
    #[must_use]
    pub fn from_quantiles(quantiles: &Quantiles, bins: Bins, scale: Scale) -> Self {
        let edges = match quantiles.finite_range() {
            Some((min, max)) => nice_edges(min, max, number_of_bins(bins, quantiles, scale), scale),
            None => Vec::new(),
        };
        // Infinities lie outside all edges; the last bin is closed.
        let before = |(index, &edge): (usize, &f64)| {
            if index + 1 == edges.len() { quantiles.count_at_most(edge) } else { quantiles.count_below(edge) }
        };
        let up_to: Vec<u64> = edges.iter().enumerate().map(before).collect();
        let counts = up_to.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let below = up_to.first().copied().unwrap_or_else(|| quantiles.count_below(0.0));
        let above = quantiles.count() - up_to.last().copied().unwrap_or(below);
        Self { edges, counts, below, above, nan_count: 0 }
    }

    /// Adds one value.
    pub fn push(&mut self, value: f64) {
        let (Some(&first), Some(&last)) = (self.edges.first(), self.edges.last()) else {
            return;
        };
        if value.is_nan() {
            self.nan_count += 1;
        } else if value < first {
            self.below += 1;
        } else if value > last {
            self.above += 1;
        } else {
            // The last edge belongs to the last bin.
            let bin = self.edges.partition_point(|&edge| edge <= value).min(self.counts.len()).saturating_sub(1);
            if let Some(count) = self.counts.get_mut(bin) {
                *count += 1;
            }
        }
    }

    /// Adds all values of a slice.
    pub fn extend(&mut self, values: &[f64]) {
        values.iter().for_each(|&value| self.push(value));
    }

    /// Joins the counts of another histogram with the same edges to this one.
    ///
    /// # Errors
    /// [`HistogramError::Merge`] when the edges differ.
    pub fn merge(&mut self, other: &Self) -> Result<(), HistogramError> {
        if self.edges != other.edges {
            return Err(HistogramError::Merge);
        }
        self.counts.iter_mut().zip(&other.counts).for_each(|(count, other)| *count += other);
        self.below += other.below;
        self.above += other.above;
        self.nan_count += other.nan_count;
        Ok(())
    }

    /// The edges, ascending, one more than there are bins.
    #[must_use]
    pub fn edges(&self) -> &[f64] {
        &self.edges
    }

    /// The number of values in each bin.
    #[must_use]
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// The number of values below the first and above the last edge.
    #[must_use]
    pub fn outside(&self) -> (u64, u64) {
        (self.below, self.above)
    }

    /// The number of NaN.
    #[must_use]
    pub fn nan_count(&self) -> u64 {
        self.nan_count
    }
}
