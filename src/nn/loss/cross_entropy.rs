//! Cross-entropy of classes, the negative log-likelihood under a softmax.

use super::super::math::{TINY, exp, unless_below};
use super::super::simd::vectorized;

/// For a row of weight `row`, `row Σ q[k] (ln Σ exp(z) - z[k])`, where the target `q` is `w[class] (1 - s)` at its class
/// plus `w[k] s / classes` everywhere, with smoothing `s` and class weights `w` (1 where there are none). Its gradient,
/// `row (softmax(z) Σ q - q)`, is written to `gradient`. Shapes: both `[classes]`.
///
/// Source: Bridle 1990, *Probabilistic interpretation of feedforward classification network outputs*; smoothing Szegedy
/// et al. 2016, *Rethinking the Inception architecture*. The maximum is taken from all logits first, so that nothing
/// overflows.
pub(super) fn categorical(
    z: &[f32],
    class: usize,
    smoothing: f64,
    weights: &[f32],
    row: f64,
    gradient: &mut [f32],
) -> f64 {
    gradient.copy_from_slice(z);
    let (maximum, sum) = vectorized(
        #[inline(always)]
        || softmax(gradient),
    );
    let log_sum = sum.ln();
    let weight = |k: usize| weights.get(k).map_or(1.0, |&w| f64::from(w));
    // The difference of the two large terms comes first: both may be near 1e30 while the loss is near 0.
    let minus_log = |k: usize| z.get(k).map_or(f64::NAN, |&v| (f64::from(maximum) - f64::from(v)) + log_sum);
    let at_class = weight(class) * (1.0 - smoothing);
    let mut loss = at_class * minus_log(class);
    if smoothing == 0.0 {
        let factor = (row * at_class) as f32;
        gradient.iter_mut().for_each(|g| *g *= factor);
        if let Some(g) = gradient.get_mut(class) {
            *g -= factor;
        }
        return row * loss;
    }
    let spread = smoothing / z.len().max(1) as f64;
    let total = at_class + spread * (0..z.len()).map(weight).sum::<f64>();
    for (k, g) in gradient.iter_mut().enumerate() {
        let q = spread * weight(k) + if k == class { at_class } else { 0.0 };
        loss += spread * weight(k) * minus_log(k);
        *g = (row * (f64::from(*g) * total - q)) as f32;
    }
    row * loss
}

/// Replaces logits by their softmax. Returns the largest logit `m` and `Σ exp(z - m)`.
#[inline(always)]
pub(super) fn softmax(z: &mut [f32]) -> (f32, f64) {
    // NaN must come through, which a maximum would drop; the sum finds it.
    let maximum = z.iter().copied().fold(f32::NEG_INFINITY, |m, v| if v > m { v } else { m });
    z.iter_mut().for_each(|v| *v = unless_below(TINY, exp(*v - maximum)));
    let sum = z.iter().map(|&v| f64::from(v)).sum::<f64>();
    let factor = (1.0 / sum) as f32;
    z.iter_mut().for_each(|v| *v *= factor);
    (maximum, sum)
}
