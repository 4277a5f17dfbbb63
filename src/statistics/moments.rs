//! Count, mean, variance, skewness, kurtosis, range and sum in one pass.
//!
//! # Method
//! Values are taken in blocks: each block gets its mean and then its central sums of powers 2 to 4, and blocks are joined
//! by the pairwise update formulas (Welford 1962 for the mean; Chan, Golub & LeVeque 1979 for the variance; Pébay 2008,
//! *Formulas for robust, one-pass parallel computation of covariances and arbitrary-order statistical moments*, SAND2008-6212,
//! for powers 3 and 4). No sum of squares of raw values is formed, so a large mean does not cancel a small variance. The sum
//! is compensated (Neumaier 1974). Linear time, constant memory.
//!
//! # Conventions
//! - NaN is counted apart and is part of nothing else. Infinities are values: they make mean and variance infinite or
//!   undefined, and what is undefined is `None`.
//! - Variance and standard deviation are those of a sample: divided by n - 1, as in pandas, R and SQL.
//! - Skewness and kurtosis are the adjusted Fisher-Pearson coefficients G1 and G2 (Joanes & Gill 1998), as in pandas, Excel
//!   and SciPy with `bias=False`; the kurtosis is in excess of that of the normal distribution.
//! - The skewness of constant values is undefined. Values whose deviation is only rounding noise of their mean count as
//!   constant, as in SciPy.
//!
//! # Example
//! ```
//! use gristmill::statistics::moments::Moments;
//!
//! let mut left = Moments::new();
//! left.extend(&[2.0, 4.0, f64::NAN, 4.0]);
//! let mut right = Moments::new();
//! right.extend(&[4.0, 5.0, 5.0, 7.0, 9.0]);
//! left.merge(&right);
//! assert_eq!((left.count(), left.nan_count(), left.mean()), (8, 1, Some(5.0)));
//! assert_eq!(left.variance(), Some(32.0 / 7.0));
//! ```

use serde::{Deserialize, Serialize};

/// Values that share one mean before they are joined to the rest.
const BLOCK: usize = 1024;

/// The moments of all values pushed so far. See the [module](self) for conventions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    count: u64,
    nan_count: u64,
    mean: f64,
    /// Sums of the powers 2, 3 and 4 of the distances from the mean.
    m2: f64,
    m3: f64,
    m4: f64,
    min: f64,
    max: f64,
    sum: f64,
    /// What rounding has taken from `sum`.
    lost: f64,
}

impl Default for Moments {
    fn default() -> Self {
        Self::new()
    }
}

impl Moments {
    /// The moments of no values.
    #[must_use]
    pub fn new() -> Self {
        Self {
            count: 0,
            nan_count: 0,
            mean: 0.0,
            m2: 0.0,
            m3: 0.0,
            m4: 0.0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            sum: 0.0,
            lost: 0.0,
        }
    }

    /// Adds one value.
    pub fn push(&mut self, value: f64) {
        self.extend(&[value]);
    }

    /// Adds all values of a slice.
    pub fn extend(&mut self, values: &[f64]) {
        let mut kept = [0.0; BLOCK];
        for chunk in values.chunks(BLOCK) {
            let mut length = 0;
            for &value in chunk {
                kept[length] = value;
                length += usize::from(!value.is_nan());
            }
            self.nan_count += (chunk.len() - length) as u64;
            self.merge(&Self::of_block(&kept[..length]));
        }
    }

    /// Adds one value as if it were pushed `times` times.
    pub fn push_times(&mut self, value: f64, times: u64) {
        if value.is_nan() {
            self.nan_count += times;
        } else if times > 0 {
            let sum = value * times as f64;
            self.merge(&Self { count: times, mean: value, min: value, max: value, sum, ..Self::new() });
        }
    }

    /// The moments of a block without NaN.
    fn of_block(values: &[f64]) -> Self {
        let mut block = Self::new();
        if values.is_empty() {
            return block;
        }
        block.count = values.len() as u64;
        let n = values.len() as f64;
        for &value in values {
            block.min = block.min.min(value);
            block.max = block.max.max(value);
            block.add_to_sum(value);
        }
        // Where the sum is too large for a float, the mean need not be.
        let sum = block.sum + block.lost;
        block.mean = if sum.is_finite() { sum / n } else { values.iter().map(|value| value / n).sum() };
        let (mut s1, mut s2, mut s3, mut s4) = (0.0, 0.0, 0.0, 0.0);
        for &value in values {
            let distance = value - block.mean;
            let square = distance * distance;
            s1 += distance;
            s2 += square;
            s3 += square * distance;
            s4 += square * square;
        }
        // The mean is rounded; the sum of the distances tells by how much, and the powers are moved to the true mean.
        let e = s1 / n;
        block.m2 = (s2 - n * e * e).clamp(0.0, f64::INFINITY);
        block.m3 = s3 - 3.0 * e * s2 + 2.0 * n * e * e * e;
        block.m4 = (s4 - 4.0 * e * s3 + 6.0 * e * e * s2 - 3.0 * n * e * e * e * e).clamp(0.0, f64::INFINITY);
        block
    }

    fn add_to_sum(&mut self, value: f64) {
        let next = self.sum + value;
        if next.is_finite() {
            self.lost +=
                if self.sum.abs() >= value.abs() { (self.sum - next) + value } else { (value - next) + self.sum };
        }
        self.sum = next;
    }

    /// Joins the moments of other values to these.
    pub fn merge(&mut self, other: &Self) {
        self.nan_count += other.nan_count;
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            *self = Self { nan_count: self.nan_count, ..*other };
            return;
        }
        let (a, b) = (self.count as f64, other.count as f64);
        let n = a + b;
        let delta = other.mean - self.mean;
        let step = delta / n;
        let between = delta * step * a * b;
        let (m2a, m3a, m2b, m3b) = (self.m2, self.m3, other.m2, other.m3);
        self.m2 = m2a + m2b + between;
        self.m3 = m3a + m3b + between * step * (a - b) + 3.0 * step * (a * m2b - b * m2a);
        self.m4 += other.m4
            + between * step * step * (a * a - a * b + b * b)
            + 6.0 * step * step * (a * a * m2b + b * b * m2a)
            + 4.0 * step * (a * m3b - b * m3a);
        self.mean = if delta.is_finite() { self.mean + step * b } else { self.mean * (a / n) + other.mean * (b / n) };
        self.count += other.count;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.add_to_sum(other.sum);
        self.add_to_sum(other.lost);
    }

    /// Number of values that are not NaN.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Number of NaN.
    #[must_use]
    pub fn nan_count(&self) -> u64 {
        self.nan_count
    }

    /// Sum of the values; 0 of no values, NaN of infinities of both signs.
    #[must_use]
    pub fn sum(&self) -> f64 {
        self.sum + self.lost
    }

    /// Smallest value; `None` of no values.
    #[must_use]
    pub fn min(&self) -> Option<f64> {
        (self.count > 0).then_some(self.min)
    }

    /// Largest value; `None` of no values.
    #[must_use]
    pub fn max(&self) -> Option<f64> {
        (self.count > 0).then_some(self.max)
    }

    /// Arithmetic mean; `None` of no values or where it is undefined.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0 && !self.mean.is_nan()).then_some(self.mean)
    }

    /// Variance of the sample (divided by n - 1); `None` of fewer than two values or where it is not a finite number.
    #[must_use]
    pub fn variance(&self) -> Option<f64> {
        (self.count > 1).then(|| self.m2 / (self.count - 1) as f64).filter(|variance| variance.is_finite())
    }

    /// Standard deviation of the sample: the root of [`Moments::variance`].
    #[must_use]
    pub fn standard_deviation(&self) -> Option<f64> {
        self.variance().map(f64::sqrt)
    }

    /// Adjusted skewness G1; `None` of fewer than three values, of constant values, or where it is undefined.
    #[must_use]
    pub fn skewness(&self) -> Option<f64> {
        let n = self.count as f64;
        let second = self.spread().filter(|_| self.count >= 3)?;
        let biased = self.m3 / n / second / second.sqrt();
        Some((n * (n - 1.0)).sqrt() / (n - 2.0) * biased).filter(|skewness| skewness.is_finite())
    }

    /// Adjusted excess kurtosis G2; `None` of fewer than four values, of constant values, or where it is undefined.
    #[must_use]
    pub fn kurtosis(&self) -> Option<f64> {
        let n = self.count as f64;
        let second = self.spread().filter(|_| self.count >= 4)?;
        let biased = self.m4 / n / second / second - 3.0;
        let adjusted = ((n + 1.0) * biased + 6.0) * (n - 1.0) / ((n - 2.0) * (n - 3.0));
        Some(adjusted).filter(|kurtosis| kurtosis.is_finite())
    }

    /// The second central moment, unless it is rounding noise.
    fn spread(&self) -> Option<f64> {
        let second = self.m2 / self.count as f64;
        let noise = f64::EPSILON * self.mean;
        (second.is_finite() && second > noise * noise).then_some(second)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::statistics::oracle::{assert_close, oracle};

    fn of(values: &[f64]) -> Moments {
        let mut moments = Moments::new();
        moments.extend(values);
        moments
    }

    #[test]
    fn a_value_that_comes_often_can_be_pushed_at_once() {
        let mut counted = Moments::new();
        let mut one_by_one = Moments::new();
        for (value, times) in [(2.5, 7), (-1.0, 3), (f64::NAN, 2), (40.0, 1), (0.0, 0), (3.5, 1_000)] {
            counted.push_times(value, times);
            (0..times).for_each(|_| one_by_one.push(value));
        }
        assert_eq!((counted.count(), counted.nan_count(), counted.max()), (1_011, 2, Some(40.0)));
        for of in [Moments::mean, Moments::variance, Moments::skewness, Moments::kurtosis] {
            assert_close(of(&counted).unwrap(), of(&one_by_one).unwrap(), 1e-10, "moment");
        }
        assert_close(counted.sum(), one_by_one.sum(), 1e-14, "sum");
    }

    #[test]
    fn agrees_with_scipy_and_pandas() {
        for case in oracle("moments") {
            let moments = of(&case.list("values"));
            let name = case.text("name");
            assert_close(moments.sum(), case.number("sum"), 1e-13, &name);
            assert_close(moments.mean().unwrap(), case.number("mean"), 1e-13, &name);
            assert_close(moments.variance().unwrap(), case.number("variance"), 1e-10, &name);
            assert_close(moments.standard_deviation().unwrap(), case.number("sd"), 1e-10, &name);
            assert_close(moments.skewness().unwrap(), case.number("skewness"), 1e-8, &name);
            assert_close(moments.kurtosis().unwrap(), case.number("kurtosis"), 1e-8, &name);
            assert_eq!(moments.min().unwrap(), case.number("min"), "{name}");
            assert_eq!(moments.max().unwrap(), case.number("max"), "{name}");
        }
    }

    proptest! {
        #[test]
        fn merging_in_any_cut_is_the_same_as_one_pass(
            values in prop::collection::vec(-1e3_f64..1e3, 4..3000),
            cut in 0.0_f64..1.0,
            shift in prop_oneof![Just(0.0), Just(1e6)],
        ) {
            let values: Vec<f64> = values.iter().map(|value| value + shift).collect();
            let (left, right) = values.split_at((values.len() as f64 * cut) as usize);
            let mut merged = of(left);
            merged.merge(&of(right));
            let whole = of(&values);
            prop_assert_eq!(merged.count(), whole.count());
            prop_assert_eq!((merged.min(), merged.max()), (whole.min(), whole.max()));
            let close = |a: Option<f64>, b: Option<f64>, tolerance: f64| {
                let (a, b) = (a.unwrap(), b.unwrap());
                prop_assert!((a - b).abs() <= tolerance * b.abs().max(1.0), "{a} is not {b}");
                Ok(())
            };
            close(Some(merged.sum()), Some(whole.sum()), 1e-14)?;
            close(merged.mean(), whole.mean(), 1e-13)?;
            close(merged.variance(), whole.variance(), 1e-10)?;
            close(merged.skewness(), whole.skewness(), 1e-7)?;
            close(merged.kurtosis(), whole.kurtosis(), 1e-7)?;
        }
    }

    #[test]
    fn a_mean_far_from_zero_does_not_swallow_the_variance() {
        // The variance of 4, 7, 13, 16 is 30; so it is a billion higher up.
        assert_eq!(of(&[1e9 + 4.0, 1e9 + 7.0, 1e9 + 13.0, 1e9 + 16.0]).variance(), Some(30.0));
    }

    #[test]
    fn small_terms_of_a_sum_are_not_lost() {
        assert_eq!(of(&[1.0, 1e100, 1.0, -1e100]).sum(), 2.0);
    }

    #[test]
    fn too_few_or_constant_values_have_no_higher_moments() {
        let none = Moments::new();
        assert_eq!((none.mean(), none.min(), none.max(), none.variance(), none.sum()), (None, None, None, None, 0.0));
        let one = of(&[3.0]);
        assert_eq!((one.mean(), one.variance(), one.skewness()), (Some(3.0), None, None));
        let constant = of(&[0.1; 1000]);
        assert_eq!((constant.skewness(), constant.kurtosis()), (None, None));
        assert!(constant.variance().unwrap() < 1e-30);
    }

    #[test]
    fn nan_is_counted_apart_and_infinity_is_a_value() {
        let moments = of(&[f64::NAN, 1.0, f64::INFINITY, f64::NAN]);
        assert_eq!((moments.count(), moments.nan_count()), (2, 2));
        assert_eq!((moments.min(), moments.max(), moments.sum()), (Some(1.0), Some(f64::INFINITY), f64::INFINITY));
        assert_eq!((moments.mean(), moments.variance()), (Some(f64::INFINITY), None));
        let mut two_blocks = vec![1.0; 2 * BLOCK];
        two_blocks[0] = f64::INFINITY;
        assert_eq!((of(&two_blocks).mean(), of(&two_blocks).variance()), (Some(f64::INFINITY), None));
        assert_eq!(of(&[f64::INFINITY, f64::NEG_INFINITY]).mean(), None);
        assert_eq!(of(&[f64::MAX, f64::MAX]).mean(), Some(f64::MAX));
    }
}
