//! Quantiles of a stream of numbers: exact while the values fit a buffer, a sketch afterwards.
//!
//! # What is exact
//! A [`QuantileSketch`] keeps all values while there are at most as many as its limit; its quantiles are then exact, with
//! linear interpolation between neighbours (type 7 of Hyndman & Fan 1996, the default of NumPy, R and pandas). Past the
//! limit it becomes a KLL sketch (Karnin, Lang & Liberty 2016, *Optimal quantile approximation in streams*, FOCS):
//! the rank of a quantile is then off by at most [`QuantileSketch::rank_error`] of all values, 0.13 %, with a confidence of
//! 99 % for each quantile. Smallest and largest value stay exact. Which of the two it is, [`QuantileSketch::is_exact`] says;
//! it depends on the number of values alone, not on how they were split before merging.
//!
//! NaN is counted and otherwise left out. Infinities are values.
//!
//! # Complexity
//! Adding a value takes constant time on average. Memory is the limit (8 bytes a value) or about 100 kB.
//! [`QuantileSketch::quantiles`] sorts what is kept.
//!
//! # Example
//! ```
//! use gristmill::statistics::quantiles::QuantileSketch;
//!
//! let mut delays = QuantileSketch::new(1000);
//! delays.extend(&[5.0, 1.0, f64::NAN, 2.0, 4.0]);
//! let quantiles = delays.quantiles();
//! assert!(quantiles.is_exact());
//! assert_eq!(quantiles.quantile(0.5), Some(3.0));
//! assert_eq!(quantiles.quantile(0.25), Some(1.75));
//! ```

mod kll;
mod sorted;

#[cfg(test)]
mod tests;

pub use sorted::Quantiles;

use kll::Kll;

/// A mergeable summary of numbers from which quantiles are read. See the [module](self).
#[derive(Debug, Clone)]
pub struct QuantileSketch {
    limit: usize,
    kept: Kept,
    nan_count: u64,
    min: f64,
    max: f64,
}

#[derive(Debug, Clone)]
enum Kept {
    All(Vec<f64>),
    Sample(Kll),
}

impl Default for QuantileSketch {
    /// Exact up to 131,072 values: one MiB.
    fn default() -> Self {
        Self::new(1 << 17)
    }
}

impl QuantileSketch {
    /// A summary of nothing that is exact for at most `limit` values.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit, kept: Kept::All(Vec::new()), nan_count: 0, min: f64::INFINITY, max: f64::NEG_INFINITY }
    }

    /// Adds one value.
    pub fn push(&mut self, value: f64) {
        if value.is_nan() {
            self.nan_count += 1;
            return;
        }
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        match &mut self.kept {
            Kept::All(values) if values.len() < self.limit => values.push(value),
            Kept::All(_) => self.sample().push(value),
            Kept::Sample(sample) => sample.push(value),
        }
    }

    /// Adds one value as if it were pushed `times` times.
    pub fn push_times(&mut self, value: f64, times: u64) {
        if value.is_nan() {
            self.nan_count += times;
            return;
        }
        if times == 0 {
            return;
        }
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        let fits = |kept: usize| usize::try_from(times).is_ok_and(|times| times <= self.limit.saturating_sub(kept));
        match &mut self.kept {
            Kept::All(values) if fits(values.len()) => values.extend((0..times).map(|_| value)),
            _ => self.sample().push_times(value, times),
        }
    }

    /// Adds all values of a slice.
    pub fn extend(&mut self, values: &[f64]) {
        values.iter().for_each(|&value| self.push(value));
    }

    /// Joins the values of another summary to these. The smaller limit of the two holds from then on.
    pub fn merge(&mut self, other: &Self) {
        self.limit = self.limit.min(other.limit);
        self.nan_count += other.nan_count;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        match (&mut self.kept, &other.kept) {
            (Kept::All(values), Kept::All(more)) if values.len() + more.len() <= self.limit => {
                values.extend_from_slice(more);
            }
            (_, Kept::All(more)) => {
                let sample = self.sample();
                more.iter().for_each(|&value| sample.push(value));
            }
            (_, Kept::Sample(more)) => self.sample().merge(more),
        }
    }

    /// The sample, which is made of all values at the first call.
    fn sample(&mut self) -> &mut Kll {
        if let Kept::All(values) = &self.kept {
            let mut sample = Kll::new();
            values.iter().for_each(|&value| sample.push(value));
            self.kept = Kept::Sample(sample);
        }
        match &mut self.kept {
            Kept::Sample(sample) => sample,
            Kept::All(_) => unreachable!("it was replaced above"),
        }
    }

    /// Number of values that are not NaN.
    #[must_use]
    pub fn count(&self) -> u64 {
        match &self.kept {
            Kept::All(values) => values.len() as u64,
            Kept::Sample(sample) => sample.count(),
        }
    }

    /// Number of NaN.
    #[must_use]
    pub fn nan_count(&self) -> u64 {
        self.nan_count
    }

    /// Whether quantiles are exact.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        matches!(self.kept, Kept::All(_))
    }

    /// How far the rank of a quantile is off at most with a confidence of 99 %, as a share of the number of values; 0 when
    /// exact.
    #[must_use]
    pub fn rank_error(&self) -> f64 {
        if self.is_exact() { 0.0 } else { kll::RANK_ERROR }
    }

    /// Sorts what is kept, so that quantiles and ranks can be read.
    #[must_use]
    pub fn quantiles(&self) -> Quantiles {
        match &self.kept {
            Kept::All(values) => Quantiles::of_values(values.clone()),
            Kept::Sample(sample) => Quantiles::of_sample(sample.weighted(), self.min, self.max, kll::RANK_ERROR),
        }
    }
}
