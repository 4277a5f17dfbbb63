use serde::{Deserialize, Serialize};

use super::Correlation;

/// Means, squared distances and their product for pairs of numbers: enough for covariance and Pearson's correlation.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct CoMoments {
    count: u64,
    mean_x: f64,
    mean_y: f64,
    /// Σ (x - mean)², Σ (y - mean)² and Σ (x - mean)(y - mean).
    xx: f64,
    yy: f64,
    xy: f64,
}

/// Sums over the pairs of a block, taken relative to a shift near their means.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ShiftedSums {
    pub(super) count: f64,
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) xx: f64,
    pub(super) yy: f64,
    pub(super) xy: f64,
}

impl CoMoments {
    /// The co-moments of no pairs.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one pair, unless one of the two is NaN.
    pub fn push(&mut self, x: f64, y: f64) {
        if !x.is_nan() && !y.is_nan() {
            self.merge(&Self { count: 1, mean_x: x, mean_y: y, xx: 0.0, yy: 0.0, xy: 0.0 });
        }
    }

    /// Adds the pairs of two columns. When one is longer, what it has more is left out.
    pub fn extend(&mut self, x: &[f64], y: &[f64]) {
        x.iter().zip(y).for_each(|(&x, &y)| self.push(x, y));
    }

    /// The co-moments of a block from its sums relative to the shifts of the two columns.
    pub(super) fn of_sums(sums: ShiftedSums, shift_x: f64, shift_y: f64) -> Self {
        let n = sums.count;
        if n == 0.0 {
            return Self::default();
        }
        Self {
            count: n as u64,
            mean_x: shift_x + sums.x / n,
            mean_y: shift_y + sums.y / n,
            xx: (sums.xx - sums.x * sums.x / n).max(0.0),
            yy: (sums.yy - sums.y * sums.y / n).max(0.0),
            xy: sums.xy - sums.x * sums.y / n,
        }
    }

    /// Joins the pairs of another accumulator to these.
    pub fn merge(&mut self, other: &Self) {
        if self.count == 0 {
            *self = *other;
            return;
        }
        if other.count == 0 {
            return;
        }
        let (a, b) = (self.count as f64, other.count as f64);
        let (dx, dy) = (other.mean_x - self.mean_x, other.mean_y - self.mean_y);
        let weight = a * b / (a + b);
        self.xx += other.xx + dx * dx * weight;
        self.yy += other.yy + dy * dy * weight;
        self.xy += other.xy + dx * dy * weight;
        self.mean_x += dx * b / (a + b);
        self.mean_y += dy * b / (a + b);
        self.count += other.count;
    }

    /// Number of pairs without NaN.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Covariance of the sample (divided by n - 1); `None` of fewer than two pairs or where it is not a finite number.
    #[must_use]
    pub fn covariance(&self) -> Option<f64> {
        (self.count > 1).then(|| self.xy / (self.count - 1) as f64).filter(|covariance| covariance.is_finite())
    }

    /// Pearson's correlation; `None` of fewer than two pairs, of constant values (up to rounding noise of their mean), or
    /// where it is undefined.
    #[must_use]
    pub fn correlation(&self) -> Option<Correlation> {
        let n = self.count as f64;
        let varies = |squares: f64, mean: f64| squares > n * (f64::EPSILON * mean).powi(2);
        if self.count < 2 || !varies(self.xx, self.mean_x) || !varies(self.yy, self.mean_y) {
            return None;
        }
        // The root of the product is rounded once, so that perfect correlation is 1; two roots where it leaves the floats.
        let product = self.xx * self.yy;
        let scale = if product.is_normal() { product.sqrt() } else { self.xx.sqrt() * self.yy.sqrt() };
        let coefficient = self.xy / scale;
        coefficient.is_finite().then(|| Correlation { coefficient: coefficient.clamp(-1.0, 1.0), count: self.count })
    }
}
