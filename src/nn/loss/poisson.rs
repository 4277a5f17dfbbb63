//! Counts.

/// The mean over the width of `exp(z) - t z`, the negative logarithm of the Poisson probability of the count `t` when
/// `exp(z)` are expected, up to a term without `z`, of one row; its gradient `(exp(z) - t) / width` is written to
/// `gradient`. Shapes: all `[width]`. Source: Nelder & Wedderburn 1972, *Generalized linear models*.
pub(super) fn poisson(z: &[f32], targets: &[f32], gradient: &mut [f32]) -> f64 {
    let share = 1.0 / z.len().max(1) as f64;
    let mut sum = 0.0;
    for ((&z, &t), g) in z.iter().zip(targets).zip(gradient) {
        let (z, t) = (f64::from(z), f64::from(t));
        let expected = z.exp();
        *g = ((expected - t) * share) as f32;
        sum += expected - t * z;
    }
    sum * share
}
