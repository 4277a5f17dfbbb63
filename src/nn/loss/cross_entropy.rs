//! Cross-entropy, the negative log-likelihood of classes: by softmax for one class of many, by sigmoid for yes and no.
//!
//! Source: Bridle 1990 for softmax with cross-entropy (*Probabilistic interpretation of feedforward classification
//! network outputs*); the forms that neither overflow nor lose digits are the usual shift by the maximum and `ln(1 +
//! exp(-|z|))`.

use super::super::layers::sigmoid;

/// `ln Σ exp(z) - z[class]` of one row; its gradient `softmax(z) - 1[class]` is written to `gradient`. Shapes: both
/// `[classes]`.
pub(super) fn categorical(z: &[f32], class: usize, gradient: &mut [f32]) -> f64 {
    gradient.copy_from_slice(z);
    let (maximum, sum) = softmax(gradient);
    let at_class = z.get(class).map_or(f64::NAN, |&v| f64::from(v));
    if let Some(g) = gradient.get_mut(class) {
        *g -= 1.0;
    }
    // The difference of the two large terms comes first: both may be near 1e30 while the loss is near 0.
    (f64::from(maximum) - at_class) + sum.ln()
}

/// Replaces logits by their softmax. Returns the largest logit `m` and `Σ exp(z - m)`.
pub(crate) fn softmax(z: &mut [f32]) -> (f32, f64) {
    // NaN must come through, which `f32::max` would drop; the sum finds it.
    let maximum = z.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0f64;
    for v in z.iter_mut() {
        *v = (*v - maximum).exp();
        sum += f64::from(*v);
    }
    let factor = (1.0 / sum) as f32;
    z.iter_mut().for_each(|v| *v *= factor);
    (maximum, sum)
}

/// The mean over the width of `max(z, 0) - z t + ln(1 + exp(-|z|))` of one row; its gradient `(sigmoid(z) - t) / width`
/// is written to `gradient`. Shapes: all `[width]`.
pub(super) fn binary(z: &[f32], targets: &[f32], gradient: &mut [f32]) -> f64 {
    let share = 1.0 / z.len().max(1) as f32;
    let mut sum = 0.0;
    for ((&z, &t), g) in z.iter().zip(targets).zip(gradient) {
        *g = (sigmoid(z) - t) * share;
        let (z, t) = (f64::from(z), f64::from(t));
        // Not `z.max(0.0)`, which would turn NaN into 0.
        let positive = if z < 0.0 { 0.0 } else { z };
        sum += positive - z * t + (-z.abs()).exp().ln_1p();
    }
    sum * f64::from(share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_logits_cost_the_logarithm_of_the_number_of_classes() {
        let mut gradient = [0.0; 4];
        let loss = categorical(&[7.0; 4], 2, &mut gradient);
        assert!((loss - 4f64.ln()).abs() < 1e-12);
        assert_eq!(gradient, [0.25, 0.25, -0.75, 0.25]);
    }

    #[test]
    fn nan_and_infinity_come_through() {
        let mut g = [0.0; 2];
        for bad in [f32::NAN, f32::INFINITY] {
            assert!(!categorical(&[0.0, bad], 0, &mut g).is_finite());
            assert!(!categorical(&[bad, 0.0], 0, &mut g).is_finite());
            assert!(!binary(&[0.0, bad], &[0.0, 0.0], &mut g).is_finite());
        }
    }
}
