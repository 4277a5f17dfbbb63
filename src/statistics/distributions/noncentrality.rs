//! Intervals of noncentralities: what the sizes of effects are measured by (Steiger & Fouladi 1997).
//!
//! A search needs the distribution function many times and only at the ends of an interval, where an absolute error is as good as a
//! relative one; [`noncentral_f`](super::noncentral_f) keeps small tails and is slower. The distribution functions are Poisson mixtures of central ones (Johnson, Kotz and Balakrishnan 1995, chapters 29 and 30), summed from the
//! largest weight to both sides by recurrences. Absolute error about 1e-13; as many terms as some 20 roots of the noncentrality.

use super::chi_squared;
use crate::statistics::special::{beta_factor, gamma_term, regularized_beta};

/// Weights below this do not change a sum.
const LEAST_WEIGHT: f64 = 1e-18;
const MOST_STEPS: usize = 200;

/// The noncentralities of chi-squared for which `x` is at the upper and at the lower end of what is to be expected with that confidence;
/// 0 where none is small enough. None outside of the domain.
#[must_use]
pub fn chi_squared_interval(x: f64, degrees: f64, level: f64) -> Option<(f64, f64)> {
    if degrees.is_nan() || degrees <= 0.0 {
        return None;
    }
    interval(level, x, &|noncentrality| {
        let start = (noncentrality / 2.0).floor();
        let a = degrees / 2.0 + start;
        let below = chi_squared::cdf(x, 2.0 * a);
        // P(a + 1, x) = P(a, x) - xᵃ e⁻ˣ / Γ(a + 1)
        let mixture = Mixture { start, below, a, step: gamma_term(a, x / 2.0) };
        mixture.sum(noncentrality / 2.0, &|a| x / 2.0 / (a + 1.0))
    })
}

/// The same of F with these degrees of freedom.
#[must_use]
pub fn f_interval(f: f64, d1: f64, d2: f64, level: f64) -> Option<(f64, f64)> {
    if !(d1 > 0.0 && d2 > 0.0) {
        return None;
    }
    let (y, rest, b) = (d1 * f / (d1 * f + d2), d2 / (d1 * f + d2), d2 / 2.0);
    interval(level, d1 * f, &|noncentrality| {
        let start = (noncentrality / 2.0).floor();
        let a = d1 / 2.0 + start;
        let below = regularized_beta(a, b, y);
        // I(y; a + 1, b) = I(y; a, b) - yᵃ (1 - y)ᵇ / (a B(a, b))
        let mixture = Mixture { start, below, a, step: beta_factor(a, b, y, rest) / a };
        mixture.sum(noncentrality / 2.0, &|a| y * (a + b) / (a + 1.0))
    })
}

/// A Poisson mixture of central distributions, at its largest weight.
struct Mixture {
    start: f64,
    /// The central distribution function there.
    below: f64,
    /// Its parameter.
    a: f64,
    /// What it loses to the next parameter.
    step: f64,
}

impl Mixture {
    /// `ratio(a)` is the step at a + 1 as a multiple of the step at a.
    fn sum(&self, mean: f64, ratio: &dyn Fn(f64) -> f64) -> f64 {
        // Without an effect the first weight is all there is.
        let largest = if mean == 0.0 { 1.0 } else { gamma_term(self.start, mean) };
        let mut sum = largest * self.below;
        let (mut weight, mut below, mut step, mut a, mut j) = (largest, self.below, self.step, self.a, self.start);
        while weight > LEAST_WEIGHT * largest && below > 0.0 {
            j += 1.0;
            weight *= mean / j;
            below -= step;
            step *= ratio(a);
            a += 1.0;
            sum += weight * below.max(0.0);
        }
        let (mut weight, mut below, mut step, mut a, mut j) = (largest, self.below, self.step, self.a, self.start);
        while j > 0.0 && weight > LEAST_WEIGHT * largest {
            weight *= j / mean;
            j -= 1.0;
            a -= 1.0;
            step /= ratio(a);
            below += step;
            sum += weight * below.min(1.0);
        }
        sum
    }
}

/// Where a falling function of the noncentrality passes the two ends of a level; 0 where it is below them from the start.
fn interval(level: f64, scale: f64, below: &dyn Fn(f64) -> f64) -> Option<(f64, f64)> {
    if !(level > 0.0 && level < 1.0 && scale.is_finite()) {
        return None;
    }
    let tail = (1.0 - level) / 2.0;
    Some((crossing(1.0 - tail, scale, below)?, crossing(tail, scale, below)?))
}

/// Where the falling function has that value, by the method of the Illinois (Dowell and Jarratt 1971) between two bounds.
fn crossing(value: f64, scale: f64, below: &dyn Fn(f64) -> f64) -> Option<f64> {
    let (mut low, mut at_low) = (0.0, below(0.0) - value);
    if at_low.is_nan() {
        return None;
    }
    if at_low <= 0.0 {
        return Some(0.0);
    }
    let (mut high, mut at_high) = (scale.max(1.0), below(scale.max(1.0)) - value);
    let mut tries = 0;
    while at_high > 0.0 {
        (low, at_low) = (high, at_high);
        high *= 1.5;
        at_high = below(high) - value;
        tries += 1;
        if tries > MOST_STEPS || at_high.is_nan() {
            return None;
        }
    }
    let mut side = 0;
    for step in 0..MOST_STEPS {
        let width = high - low;
        if width <= 1e-13 * high {
            break;
        }
        // Every third step halves, so that flat ends cannot hold it up.
        let middle =
            if step % 3 == 2 { low + width / 2.0 } else { (low * at_high - high * at_low) / (at_high - at_low) };
        let found = below(middle) - value;
        if found.abs() < 1e-15 {
            return Some(middle);
        }
        if found > 0.0 {
            (low, at_low) = (middle, found);
            if side == 1 {
                at_high /= 2.0;
            }
            side = 1;
        } else {
            (high, at_high) = (middle, found);
            if side == -1 {
                at_low /= 2.0;
            }
            side = -1;
        }
    }
    Some(low + (high - low) / 2.0)
}
