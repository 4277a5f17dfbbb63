//! Cross-entropy of yes and no, the negative log-likelihood under a sigmoid.

use super::super::math::sigmoid;

/// The mean over the width, weighted by `weights` where there are some, of `max(z, 0) - z t + ln(1 + exp(-|z|))` of one
/// row; its gradient, the mean of `sigmoid(z) - t`, is written to `gradient`. With smoothing `s` the target is `s / 2 +
/// t (1 - s)`. Shapes: all `[width]`. Source: Bishop 1995, *Neural networks for pattern recognition*, 6.7; smoothing
/// Szegedy et al. 2016.
pub(super) fn binary(z: &[f32], targets: &[f32], smoothing: f64, weights: &[f32], gradient: &mut [f32]) -> f64 {
    let total = if weights.is_empty() { z.len() as f64 } else { weights.iter().map(|&w| f64::from(w)).sum() };
    let mut sum = 0.0;
    for (i, ((&z, &t), g)) in z.iter().zip(targets).zip(gradient).enumerate() {
        let share = weights.get(i).map_or(1.0, |&w| f64::from(w)) / total;
        let t = f64::from(t) * (1.0 - smoothing) + 0.5 * smoothing;
        *g = ((f64::from(sigmoid(z)) - t) * share) as f32;
        let z = f64::from(z);
        // Not `z.max(0.0)`, which would turn NaN into 0.
        let positive = if z < 0.0 { 0.0 } else { z };
        sum += share * (positive - z * t + (-z.abs()).exp().ln_1p());
    }
    sum
}
