//! Cross-entropy that turns away from what is easy.
//!
//! `-(1 - p)^γ ln p` with the probability `p` of the right answer: a row that the network is sure of counts little, so
//! that the few hard ones are not drowned by many easy ones. With `γ = 0` it is cross-entropy. Source: Lin, Goyal,
//! Girshick, He & Dollár 2017, *Focal loss for dense object detection*.

use super::super::simd::vectorized;
use super::cross_entropy::softmax;

/// For the probability `p = exp(-minus_log)` of the right answer: the loss, and its derivative by `ln p`, from which
/// those by the logits follow.
fn of_probability(minus_log: f64, gamma: f64) -> (f64, f64) {
    let p = (-minus_log).exp();
    // 1 - p, without losing digits where p is near 1.
    let q = -(-minus_log).exp_m1();
    // A row that is surely right has nothing left to learn; NaN is no such row.
    if q <= 0.0 {
        return (0.0, 0.0);
    }
    let power = q.powf(gamma);
    (power * minus_log, -power - gamma * power / q * p * minus_log)
}

/// Loss of a row of one class; its gradient is written to `gradient`. Shapes: both `[classes]`.
pub(super) fn of_class(z: &[f32], class: usize, gamma: f64, gradient: &mut [f32]) -> f64 {
    gradient.copy_from_slice(z);
    let (maximum, sum) = vectorized(
        #[inline(always)]
        || softmax(gradient),
    );
    let minus_log = z.get(class).map_or(f64::NAN, |&v| (f64::from(maximum) - f64::from(v)) + sum.ln());
    let (loss, slope) = of_probability(minus_log, gamma);
    for (k, g) in gradient.iter_mut().enumerate() {
        let own = if k == class { 1.0 } else { 0.0 };
        *g = (slope * (own - f64::from(*g))) as f32;
    }
    loss
}

/// The mean over the labels, weighted by `weights` where there are some; a target between 0 and 1 is both answers with
/// its shares. The gradient is written to `gradient`. Shapes: all `[labels]`.
pub(super) fn of_labels(z: &[f32], targets: &[f32], gamma: f64, weights: &[f32], gradient: &mut [f32]) -> f64 {
    let total = if weights.is_empty() { z.len() as f64 } else { weights.iter().map(|&w| f64::from(w)).sum() };
    let mut sum = 0.0;
    for (i, ((&z, &t), g)) in z.iter().zip(targets).zip(gradient).enumerate() {
        let share = weights.get(i).map_or(1.0, |&w| f64::from(w)) / total;
        let (z, t) = (f64::from(z), f64::from(t));
        // -ln sigmoid(z) and -ln sigmoid(-z)
        let softplus = |z: f64| {
            if z < 0.0 { z.exp().ln_1p() } else { z + (-z).exp().ln_1p() }
        };
        let (yes, no) = (softplus(-z), softplus(z));
        let ((loss_yes, slope_yes), (loss_no, slope_no)) = (of_probability(yes, gamma), of_probability(no, gamma));
        sum += share * (t * loss_yes + (1.0 - t) * loss_no);
        // The derivative of ln sigmoid(z) is sigmoid(-z).
        let (p_no, p_yes) = ((-no).exp(), (-yes).exp());
        *g = (share * (t * slope_yes * p_no - (1.0 - t) * slope_no * p_yes)) as f32;
    }
    sum
}
