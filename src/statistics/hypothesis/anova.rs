//! Analysis of variance: do the means of several groups differ?

use super::{Measured, Sample, Tested, Undefined};
use crate::statistics::distributions::{f, noncentrality};

/// Fisher's one-way analysis of variance, for groups with the same variance. Effect: eta squared; beside it omega squared, the share of the
/// variance that the groups explain with less bias (Hays 1963), at least 0.
pub fn one_way(groups: &[Sample], confidence: f64) -> Result<Tested, Undefined> {
    let split = Split::of(groups)?;
    let mut tested = split.test();
    tested.effect = Some(split.eta_squared(confidence));
    tested.also.push(split.omega_squared());
    tested.checked()
}

/// Welch's analysis of variance (Welch 1951), whatever the variances. Effects as of [`one_way`].
pub fn welch(groups: &[Sample], confidence: f64) -> Result<Tested, Undefined> {
    let split = Split::of(groups)?;
    if groups.iter().any(|group| group.variance == 0.0) {
        return Undefined::because("all values of a group are equal, so it would weigh infinitely much");
    }
    // Weights relative to the largest: variances near the ends of the range of floats have infinite ones.
    let least = groups.iter().map(|group| group.variance / group.n).fold(f64::INFINITY, f64::min);
    let weights: Vec<f64> = groups.iter().map(|group| least / (group.variance / group.n)).collect();
    let total: f64 = weights.iter().sum();
    let mean = groups.iter().zip(&weights).map(|(group, weight)| group.mean * (weight / total)).sum::<f64>();
    let k = groups.len() as f64;
    let between: f64 =
        groups.iter().map(|group| (group.mean - mean).powi(2) / (group.variance / group.n)).sum::<f64>() / (k - 1.0);
    let spread: f64 =
        groups.iter().zip(&weights).map(|(group, weight)| (1.0 - weight / total).powi(2) / (group.n - 1.0)).sum();
    let statistic = between / (1.0 + 2.0 * (k - 2.0) / (k * k - 1.0) * spread);
    let (above, below) = (k - 1.0, (k * k - 1.0) / (3.0 * spread));
    let mut tested = Tested::new("F", statistic, &[above, below], f::sf(statistic, above, below));
    tested.effect = Some(split.eta_squared(confidence));
    tested.also.push(split.omega_squared());
    tested.checked()
}

/// The sums of squares between and within groups.
pub(super) struct Split {
    between: f64,
    pub(super) within: f64,
    above: f64,
    pub(super) below: f64,
}

impl Split {
    pub(super) fn of(groups: &[Sample]) -> Result<Self, Undefined> {
        if groups.len() < 2 {
            return Undefined::because("there are fewer than two groups");
        }
        for group in groups {
            group.require(2.0, "a group")?;
        }
        let n: f64 = groups.iter().map(|group| group.n).sum();
        let mean = groups.iter().map(|group| group.mean * (group.n / n)).sum::<f64>();
        let between = groups.iter().map(|group| group.n * (group.mean - mean).powi(2)).sum();
        let within: f64 = groups.iter().map(|group| group.sum_of_squares()).sum();
        if within == 0.0 {
            return Undefined::because("all values within each group are equal");
        }
        let k = groups.len() as f64;
        Ok(Self { between, within, above: k - 1.0, below: n - k })
    }

    fn statistic(&self) -> f64 {
        self.between / self.above / (self.within / self.below)
    }

    /// The F test, without effects.
    pub(super) fn test(&self) -> Tested {
        let statistic = self.statistic();
        Tested::new("F", statistic, &[self.above, self.below], f::sf(statistic, self.above, self.below))
    }

    fn omega_squared(&self) -> Measured {
        let error = self.within / self.below;
        let share = (self.between - self.above * error) / (self.between + self.within + error);
        Measured::new("omega squared", share.max(0.0), None)
    }

    /// The share of the variance that the groups explain; its interval is that of the noncentrality λ / (λ + n) (Steiger 2004).
    fn eta_squared(&self, confidence: f64) -> Measured {
        let n = self.above + self.below + 1.0;
        let interval = noncentrality::f_interval(self.statistic(), self.above, self.below, confidence)
            .map(|(low, high)| (low / (low + n), high / (high + n)));
        Measured::new("eta squared", self.between / (self.between + self.within), interval)
    }
}
