//! The squared distance.

/// The mean over the width of `(z - t)²` of one row; its gradient `2 (z - t) / width` is written to `gradient`. Shapes:
/// all `[width]`. Source: Legendre 1805, Gauss 1809.
pub(super) fn squared_error(z: &[f32], targets: &[f32], gradient: &mut [f32]) -> f64 {
    let share = 1.0 / z.len().max(1) as f32;
    let mut sum = 0.0;
    for ((&z, &t), g) in z.iter().zip(targets).zip(gradient) {
        let d = z - t;
        *g = 2.0 * d * share;
        sum += f64::from(d) * f64::from(d);
    }
    sum * f64::from(share)
}
