//! The studentized range: how far apart the largest and smallest of `k` means lie, in units of an estimated standard error
//! (Tukey 1953; Lund & Lund 1983).

use crate::statistics::special::Tails;

use super::normal;
use super::scale_mixture::mean_over_scale;

/// Beyond that many degrees of freedom the standard error is as good as known.
const AS_GOOD_AS_NORMAL: f64 = 1e10;
/// Distance of the nodes of the trapezoidal rule over the largest value.
const STEP: f64 = 0.2;
/// Where the normal density no longer matters.
const END: f64 = 13.0;

/// The studentized range of `k` means: the part of the integrand that does not depend on the range is computed once.
#[derive(Debug, Clone)]
pub struct StudentizedRange {
    k: f64,
    degrees: f64,
    /// Where a largest value may lie, with its density k φ(z) Φ(z)ᵏ⁻¹ times the distance of nodes, and 1 / Φ(z).
    nodes: Vec<(f64, f64, f64)>,
}

impl StudentizedRange {
    /// The distribution for `k` means (at least 2) and the degrees of freedom of the standard error (at least 1); none elsewhere.
    #[must_use]
    pub fn new(k: usize, degrees: f64) -> Option<Self> {
        if k < 2 || degrees.is_nan() || degrees < 1.0 {
            return None;
        }
        let k = k as f64;
        let mut nodes = Vec::new();
        let steps = (2.0 * END / STEP).round();
        let mut at = 0.0;
        while at <= steps {
            let z = at * STEP - END;
            let below = normal::cdf(z);
            let weight = STEP * k * normal::density(z) * below.powf(k - 1.0);
            if weight > 1e-40 {
                nodes.push((z, weight, 1.0 / below));
            }
            at += 1.0;
        }
        Some(Self { k, degrees, nodes })
    }

    /// The probability of a studentized range above `q`.
    ///
    /// All terms are positive, so small probabilities keep their digits: within a relative 1e-9 down to about 1e-14, then within
    /// 1e-24 absolutely. Some thousands of normal probabilities.
    #[must_use]
    pub fn sf(&self, q: f64) -> f64 {
        if q.is_nan() {
            return f64::NAN;
        }
        if q <= 0.0 {
            return 1.0;
        }
        if self.degrees >= AS_GOOD_AS_NORMAL {
            return self.range_sf(q);
        }
        mean_over_scale(self.degrees, 1.0 + q.min(30.0) / 2.0, |scale| self.range_sf(q * scale)).clamp(0.0, 1.0)
    }

    /// The studentized range that is exceeded with probability `p`: about ten times [`Self::sf`]. NaN unless 0 < p < 1.
    #[must_use]
    pub fn upper_quantile(&self, p: f64) -> f64 {
        let tails = Tails::upper(p);
        if !(tails.upper > 0.0 && tails.lower > 0.0) {
            return f64::NAN;
        }
        let (mut low, mut high) = (0.0, 4.0);
        while self.sf(high) > p && high < 1e12 {
            low = high;
            high *= 2.0;
        }
        // Regula falsi on the logarithm, with Illinois' halving of the end that stays.
        let height = |q: f64| self.sf(q).ln() - p.ln();
        let (mut at_low, mut at_high) = (height(low), height(high));
        for _ in 0..100 {
            let slope = (at_high - at_low) / (high - low);
            let secant = high - at_high / slope;
            let next = if secant > low && secant < high { secant } else { f64::midpoint(low, high) };
            let found = height(next);
            if found > 0.0 {
                (low, at_low) = (next, found);
                at_high *= 0.5;
            } else {
                (high, at_high) = (next, found);
                at_low *= 0.5;
            }
            if found.abs() < 1e-13 || high - low <= 1e-13 * high {
                return next;
            }
        }
        f64::midpoint(low, high)
    }

    /// The probability that the range of `k` standard normal values is above `w`: with the largest at z, that not all others lie in
    /// [z - w, z].
    fn range_sf(&self, w: f64) -> f64 {
        let others = self.k - 1.0;
        let mut sum = 0.0;
        for &(z, weight, inverse) in &self.nodes {
            let below = normal::cdf(z - w) * inverse;
            sum += weight * if below < 1.0 { -(others * (-below).ln_1p()).exp_m1() } else { 1.0 };
        }
        sum.min(1.0)
    }
}
