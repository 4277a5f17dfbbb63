use serde::{Deserialize, Serialize};

use crate::statistics::quantiles::Quantiles;

/// No rule gives more bins than this.
pub const MOST_BINS: usize = 256;

/// How many bins to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bins {
    /// As NumPy's `auto`: the narrower bins of Sturges and of Freedman-Diaconis, the latter not narrower than half of
    /// range / √n.
    #[default]
    Auto,
    /// Width 2 × interquartile range / ∛n; one bin when that range is 0.
    FreedmanDiaconis,
    /// log₂ n + 1 bins.
    Sturges,
    /// About this many, from 1 to [`MOST_BINS`].
    Count(usize),
}

/// What kind of numbers fall into the bins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// Any numbers.
    Real,
    /// Integers: all edges are integers, so no bin is narrower than 1.
    Integer,
}

/// The number of bins that a rule gives for the finite range of values, from 1 to [`MOST_BINS`].
#[must_use]
pub fn number_of_bins(bins: Bins, quantiles: &Quantiles, scale: Scale) -> usize {
    let Some((min, max)) = quantiles.finite_range() else {
        return 1;
    };
    let n = quantiles.count() as f64;
    let range = max - min;
    let sturges = range / (n.log2() + 1.0);
    let freedman_diaconis = 2.0 * quantiles.interquartile_range().unwrap_or(0.0) / n.cbrt();
    let width = match bins {
        Bins::Count(count) => return count.clamp(1, MOST_BINS),
        Bins::Sturges => sturges,
        Bins::FreedmanDiaconis => freedman_diaconis,
        Bins::Auto => freedman_diaconis.max(range / n.sqrt() / 2.0).min(sturges),
    };
    let width = if scale == Scale::Integer { width.max(if width > 0.0 { 1.0 } else { 0.0 }) } else { width };
    let count = range / width;
    // A width of 0 or a range too large for a float leaves no number.
    if count.is_finite() { (count.ceil() as usize).clamp(1, MOST_BINS) } else { 1 }
}

/// Edges at round numbers that hold all of `min` to `max` (finite, in order) in about `bins` bins.
///
/// The step is the one of 1, 2, 2.5, 5 times a power of ten that is nearest to the wanted width by ratio. Of integers, the
/// last edge lies above `max`. Where numbers are too large or too close together for round edges, the edges are just
/// evenly spaced.
#[must_use]
pub fn nice_edges(min: f64, max: f64, bins: usize, scale: Scale) -> Vec<f64> {
    let bins = bins.clamp(1, MOST_BINS) as f64;
    let width = max / bins - min / bins;
    let width = match scale {
        Scale::Integer => width.max(1.0),
        Scale::Real if min == max => return around(min),
        Scale::Real => width,
    };
    let step = Step::nearest(width, scale);
    let first = step.index(min).floor();
    let last = step.index(max);
    let last = if scale == Scale::Integer { last.floor() + 1.0 } else { last.ceil() };
    // Beyond 2^53 not every integer is a float.
    let countable = first.abs() < 9e15 && last.abs() < 9e15 && last - first <= 4.0 * MOST_BINS as f64;
    let edges: Vec<f64> = if countable {
        (first as i64..=last as i64).map(|index| step.times(index as f64)).collect()
    } else {
        Vec::new()
    };
    let holds = edges.first().is_some_and(|&edge| edge <= min) && edges.last().is_some_and(|&edge| edge >= max);
    if holds && edges.is_sorted_by(|a, b| a < b) { edges } else { evenly(min, max, bins) }
}

/// A round number: digits × 10^power.
struct Step {
    digits: f64,
    power: i32,
}

impl Step {
    fn nearest(width: f64, scale: Scale) -> Self {
        let power = width.log10().floor() as i32;
        let mantissa = width / 10_f64.powi(power);
        let candidates = [(1.0, power), (2.0, power), (25.0, power - 1), (5.0, power), (10.0, power)];
        let mut best = (1.0, power);
        let mut distance = f64::INFINITY;
        for (digits, digits_power) in candidates {
            let value = digits * 10_f64.powi(digits_power - power);
            let apart = (value / mantissa).ln().abs();
            let integral = scale == Scale::Real || digits_power >= 0;
            if integral && apart < distance {
                (best, distance) = ((digits, digits_power), apart);
            }
        }
        Self { digits: best.0, power: best.1 }
    }

    /// How many steps a value is away from 0.
    fn index(&self, value: f64) -> f64 {
        let index = if self.power < 0 {
            value * 10_f64.powi(-self.power) / self.digits
        } else {
            value / (self.digits * 10_f64.powi(self.power))
        };
        // 0.3 in steps of 0.1 is 3 steps, not a little less.
        let near = index.round();
        if self.times(near) == value { near } else { index }
    }

    /// The value that is `index` steps away from 0. A division by a power of ten is rounded once, so 3 × 0.1 is 0.3.
    fn times(&self, index: f64) -> f64 {
        if self.power < 0 {
            index * self.digits / 10_f64.powi(-self.power)
        } else {
            index * self.digits * 10_f64.powi(self.power)
        }
    }
}

/// One bin of width 1 around a value, wider where floats near it are further apart.
fn around(value: f64) -> Vec<f64> {
    let half = (value.abs() * 1e-6).max(0.5);
    vec![(value - half).max(-f64::MAX), (value + half).min(f64::MAX)]
}

fn evenly(min: f64, max: f64, bins: f64) -> Vec<f64> {
    let at = |bin: usize| if bin as f64 == bins { max } else { min + (max / bins - min / bins) * bin as f64 };
    let mut edges: Vec<f64> = (0..=bins as usize).map(at).collect();
    edges.dedup();
    if edges.len() < 2 || !edges.is_sorted_by(|a, b| a < b) { enclose(min, max) } else { edges }
}

fn enclose(min: f64, max: f64) -> Vec<f64> {
    if min < max { vec![min, max] } else { around(min) }
}
