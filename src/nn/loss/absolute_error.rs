//! The absolute distance, which far rows do not dominate.

/// The mean over the width of `|z - t|` of one row; its gradient `sign(z - t) / width`, 0 where both are equal, is
/// written to `gradient`. Shapes: all `[width]`. Source: Boscovich 1757, Laplace 1793 (least absolute deviations).
pub(super) fn absolute_error(z: &[f32], targets: &[f32], gradient: &mut [f32]) -> f64 {
    let share = 1.0 / z.len().max(1) as f32;
    let mut sum = 0.0;
    for ((&z, &t), g) in z.iter().zip(targets).zip(gradient) {
        let d = z - t;
        *g = if d == 0.0 { 0.0 } else { share.copysign(d) };
        sum += f64::from(d).abs();
    }
    sum * f64::from(share)
}
