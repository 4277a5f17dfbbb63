//! How far numbers that are computed from rows may be off: the bootstrap.
//!
//! Efron 1979: rows are drawn from the rows with replacement, and the numbers computed again from each such resample. Their
//! spread is that of the numbers over samples from the same source. Intervals are the percentiles of the resamples, or BCa ones
//! (Efron 1987), which correct for bias and for a spread that grows with the value; the acceleration comes from a jackknife of
//! groups of rows.
//!
//! A resample is a weight for each row, so that numbers of several models are computed from the same resamples and their
//! differences have intervals of their own. Of more rows than `most_rows` a random part is resampled, and the distances from
//! the estimate shrink by `sqrt(m / n)` (Politis & Romano 1994): the cost is bounded and the intervals are those of all rows,
//! for numbers whose spread falls with the root of the rows.
//!
//! # Complexity
//! `resamples + 50` evaluations of the statistic over at most `most_rows` rows, in parallel; each resample has a stream of
//! random numbers of its own, so that threads change nothing.
//!
//! # Example
//! ```
//! use gristmill::statistics::evaluation::bootstrap::{Bootstrap, BootstrapOptions};
//!
//! let values: Vec<f64> = (0..200).map(|i| f64::from(i % 10)).collect();
//! let mean = |weights: &[u32]| {
//!     let sum: f64 = values.iter().zip(weights).map(|(value, weight)| value * f64::from(*weight)).sum();
//!     vec![Some(sum / 200.0)]
//! };
//! let bootstrap = Bootstrap::new(200, 200, &BootstrapOptions::default(), &mean);
//! let (lower, upper) = bootstrap.interval(0).unwrap();
//! // The standard error is 2.87 / sqrt(200) = 0.203.
//! assert!((upper - lower - 2.0 * 1.96 * 0.203).abs() < 0.05);
//! ```

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::calibration::linear_quantile;
use crate::statistics::distributions::normal;

/// Groups of rows that the jackknife leaves out in turn.
const GROUPS: usize = 50;
/// The share of the resamples in which a number has to be defined.
const DEFINED: f64 = 0.9;

/// How resamples are made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BootstrapOptions {
    /// How many.
    pub resamples: usize,
    /// Another seed draws other rows.
    pub seed: u64,
    /// The probability with which an interval holds the truth.
    pub confidence: f64,
    /// How intervals are told from the resamples.
    pub method: Method,
}

/// How intervals are told from the resamples.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Corrected for bias and acceleration.
    #[default]
    Bca,
    /// Percentiles of the resamples.
    Percentile,
}

impl Default for BootstrapOptions {
    fn default() -> Self {
        Self { resamples: 1_000, seed: 0, confidence: 0.95, method: Method::Bca }
    }
}

/// Computes numbers from rows with weights; each call gives as many.
pub type Statistic<'a> = dyn Fn(&[u32]) -> Vec<Option<f64>> + Sync + 'a;

/// Numbers computed from resamples.
#[derive(Debug, Clone)]
pub struct Bootstrap {
    options: BootstrapOptions,
    /// By what distances from the estimate are multiplied.
    shrink: f64,
    /// From all resampled rows.
    estimates: Vec<f64>,
    /// For each resample.
    resampled: Vec<Vec<f64>>,
    /// Without each group of rows.
    jackknifed: Vec<Vec<f64>>,
}

impl Bootstrap {
    /// Resamples `rows` rows that stand for `all` rows of which they are a random part.
    pub fn new(rows: usize, all: usize, options: &BootstrapOptions, statistic: &Statistic<'_>) -> Self {
        let compute = |weights: &[u32]| -> Vec<f64> {
            statistic(weights).into_iter().map(|value| value.unwrap_or(f64::NAN)).collect()
        };
        let resampled = (0..if rows > 0 { options.resamples } else { 0 }).into_par_iter().map(|number| {
            let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
            rng.set_stream(number as u64);
            let weights = drawn(rows, &mut rng);
            compute(&weights)
        });
        let groups = if options.method == Method::Bca { GROUPS.min(rows) } else { 0 };
        let jackknifed = (0..groups).into_par_iter().map(|group| {
            let weights: Vec<u32> = (0..rows).map(|row| u32::from(row % groups != group)).collect();
            compute(&weights)
        });
        Self {
            options: *options,
            shrink: (rows as f64 / all.max(rows).max(1) as f64).sqrt(),
            estimates: compute(&vec![1; rows]),
            resampled: resampled.collect(),
            jackknifed: jackknifed.collect(),
        }
    }

    /// The number at `place` of all resampled rows.
    pub fn estimate(&self, place: usize) -> Option<f64> {
        self.estimates.get(place).copied().filter(|value| value.is_finite())
    }

    /// The interval of the number at `place`; `None` where it is not defined in nine of ten resamples.
    pub fn interval(&self, place: usize) -> Option<(f64, f64)> {
        let of = |row: &Vec<f64>| row.get(place).copied().unwrap_or(f64::NAN);
        self.told(of)
    }

    /// The interval of the number at `place`, around its value over all rows: where a part of the rows was resampled, the interval
    /// stands around the estimate from that part, and moves with it.
    pub fn interval_around(&self, place: usize, value: Option<f64>) -> Option<(f64, f64)> {
        self.moved(self.interval(place)?, self.estimate(place)?, value?)
    }

    fn moved(&self, (low, high): (f64, f64), estimate: f64, value: f64) -> Option<(f64, f64)> {
        let shift = if self.shrink < 1.0 { value - estimate } else { 0.0 };
        Some((low + shift, high + shift))
    }

    /// The interval of the difference of two numbers, the first minus the second, around its value over all rows.
    pub fn difference_around(&self, first: usize, second: usize, value: f64) -> Option<(f64, f64)> {
        let estimate = self.estimate(first)? - self.estimate(second)?;
        self.moved(self.difference(first, second)?, estimate, value)
    }

    /// The interval of the difference of two numbers, the first minus the second.
    pub fn difference(&self, first: usize, second: usize) -> Option<(f64, f64)> {
        let of = |row: &Vec<f64>| row.get(first).zip(row.get(second)).map_or(f64::NAN, |(a, b)| a - b);
        self.told(of)
    }

    fn told(&self, of: impl Fn(&Vec<f64>) -> f64) -> Option<(f64, f64)> {
        let estimate = Some(of(&self.estimates)).filter(|value| value.is_finite())?;
        let mut values: Vec<f64> = self.resampled.iter().map(&of).filter(|value| value.is_finite()).collect();
        values.sort_unstable_by(f64::total_cmp);
        if values.is_empty() || (values.len() as f64) < DEFINED * self.resampled.len() as f64 {
            return None;
        }
        let jackknifed: Vec<f64> = self.jackknifed.iter().map(&of).filter(|value| value.is_finite()).collect();
        let tail = (1.0 - self.options.confidence) / 2.0;
        let shares = match self.options.method {
            Method::Bca => corrected(&values, estimate, &jackknifed, tail).unwrap_or((tail, 1.0 - tail)),
            Method::Percentile => (tail, 1.0 - tail),
        };
        let end = |share| Some(estimate + (linear_quantile(&values, share)? - estimate) * self.shrink);
        end(shares.0).zip(end(shares.1))
    }
}

/// How often each of the rows is drawn, when as many are drawn with replacement as there are.
fn drawn(rows: usize, rng: &mut ChaCha8Rng) -> Vec<u32> {
    let mut weights = vec![0u32; rows];
    // Numbers of 32 bits are drawn twice as fast, and no more rows than these tell apart are in memory.
    let end = u32::try_from(rows).unwrap_or(u32::MAX);
    for _ in 0..rows {
        if let Some(weight) = weights.get_mut(rng.random_range(0..end) as usize) {
            *weight += 1;
        }
    }
    weights
}

/// The shares of the resamples at which a BCa interval ends; `None` where all resamples lie on one side of the estimate.
fn corrected(sorted: &[f64], estimate: f64, jackknifed: &[f64], tail: f64) -> Option<(f64, f64)> {
    let below = sorted.partition_point(|value| *value < estimate) as f64;
    let equal = sorted.partition_point(|value| *value <= estimate) as f64 - below;
    let share = (below + equal / 2.0) / sorted.len() as f64;
    if share <= 0.0 || share >= 1.0 {
        return None;
    }
    let bias = normal::quantile(share);
    let count = jackknifed.len().max(1) as f64;
    let mean = jackknifed.iter().map(|value| value / count).sum::<f64>();
    let (mut squares, mut cubes) = (0.0, 0.0);
    for value in jackknifed {
        squares += (mean - value).powi(2);
        cubes += (mean - value).powi(3);
    }
    let acceleration = if squares > 0.0 { cubes / (6.0 * squares.powf(1.5)) } else { 0.0 };
    let end = |z: f64| {
        let moved = bias + z;
        normal::cdf(bias + moved / (1.0 - acceleration * moved))
    };
    let ends = (end(normal::quantile(tail)), end(normal::upper_quantile(tail)));
    (ends.0.is_finite() && ends.1.is_finite() && ends.0 < ends.1).then_some(ends)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::super::oracle::{evaluation, numbers};
    use super::*;

    #[test]
    fn ends_of_bca_intervals_are_those_of_scipy() {
        for case in evaluation()["bca"].as_array().unwrap() {
            let mut values = numbers(&case["resampled"]);
            values.sort_unstable_by(f64::total_cmp);
            let estimate = case["estimate"].as_f64().unwrap();
            let (low, high) = corrected(&values, estimate, &numbers(&case["jackknifed"]), 0.025).unwrap();
            let found = [linear_quantile(&values, low).unwrap(), linear_quantile(&values, high).unwrap()];
            for (found, expected) in found.into_iter().zip(numbers(&case["interval"])) {
                assert!((found - expected).abs() < 1e-9 * expected.abs(), "{found} {expected}");
            }
        }
    }

    fn skewed(rows: usize) -> Vec<f64> {
        (0..rows).map(|i| -(1.0 - (i as f64 + 0.5) / rows as f64).ln()).collect()
    }

    fn mean_of(values: &[f64], resampled: usize, all: usize, method: Method) -> (f64, f64) {
        let mean = |weights: &[u32]| {
            let count: f64 = weights.iter().map(|weight| f64::from(*weight)).sum();
            vec![Some(values.iter().zip(weights).map(|(v, w)| v * f64::from(*w)).sum::<f64>() / count)]
        };
        let options = BootstrapOptions { resamples: 2_000, method, ..BootstrapOptions::default() };
        Bootstrap::new(resampled, all, &options, &mean).interval(0).unwrap()
    }

    #[test]
    fn a_mean_has_the_width_that_theory_gives() {
        // An exponential distribution has the standard deviation 1.
        let values = skewed(400);
        let (low, high) = mean_of(&values, 400, 400, Method::Percentile);
        assert!((high - low - 2.0 * 1.96 / 20.0).abs() < 0.012, "{low} {high}");
        // The distribution leans to the right, and so does the corrected interval.
        let (low_bca, high_bca) = mean_of(&values, 400, 400, Method::Bca);
        assert!(low_bca > low && high_bca > high);
        // A quarter of the rows, standing for all of them.
        let (low, high) = mean_of(&skewed(100), 100, 400, Method::Percentile);
        assert!((high - low - 2.0 * 1.96 / 20.0).abs() < 0.015, "{low} {high}");
    }

    #[test]
    fn intervals_of_a_part_stand_around_the_values_of_all_rows() {
        let values = skewed(100);
        let numbers = |weights: &[u32]| {
            let mean = values.iter().zip(weights).map(|(v, w)| v * f64::from(*w)).sum::<f64>() / 100.0;
            vec![Some(mean), Some(mean / 2.0)]
        };
        let part = Bootstrap::new(100, 400, &BootstrapOptions::default(), &numbers);
        let ((low, high), (from, to)) = (part.interval(0).unwrap(), part.interval_around(0, Some(7.0)).unwrap());
        assert!(from < 7.0 && 7.0 < to && (to - from - (high - low)).abs() < 1e-12);
        let (from, to) = part.difference_around(0, 1, 3.0).unwrap();
        assert!(from < 3.0 && 3.0 < to && (to - from - (high - low) / 2.0).abs() < 1e-12);
        assert_eq!(part.interval_around(0, None), None);
        // Where all rows are resampled, nothing moves.
        let all = Bootstrap::new(100, 100, &BootstrapOptions::default(), &numbers);
        assert_eq!(all.interval_around(0, all.estimate(0)), all.interval(0));
    }

    #[test]
    fn threads_change_nothing_and_seeds_do() {
        let values = skewed(100);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let alone = pool.install(|| mean_of(&values, 100, 100, Method::Bca));
        assert_eq!(alone, mean_of(&values, 100, 100, Method::Bca));
    }

    #[test]
    fn what_is_seldom_defined_has_no_interval() {
        let statistic = |weights: &[u32]| vec![(weights[0] > 0).then_some(1.0), Some(2.0)];
        let bootstrap = Bootstrap::new(10, 10, &BootstrapOptions::default(), &statistic);
        assert_eq!((bootstrap.interval(0), bootstrap.interval(1)), (None, Some((2.0, 2.0))));
        assert_eq!(Bootstrap::new(0, 0, &BootstrapOptions::default(), &|_| vec![None]).interval(0), None);
    }

    #[test]
    fn a_difference_of_paired_numbers_is_narrower_than_either() {
        let values = skewed(200);
        let both = |weights: &[u32]| {
            let sum: f64 = values.iter().zip(weights).map(|(v, w)| v * f64::from(*w)).sum();
            vec![Some(sum / 200.0), Some(sum / 200.0 + 0.5)]
        };
        let bootstrap = Bootstrap::new(200, 200, &BootstrapOptions::default(), &both);
        let (low, high) = bootstrap.difference(1, 0).unwrap();
        assert!((low - 0.5).abs() < 1e-12 && (high - 0.5).abs() < 1e-12);
    }
}
