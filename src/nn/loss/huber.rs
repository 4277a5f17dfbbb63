//! Squared near 0, absolute beyond.

/// The mean over the width of `d² / 2` where `|d| < delta`, else `delta (|d| - delta / 2)`, with `d = z - t`, of one row;
/// its gradient, `d` limited to `[-delta, delta]`, over the width, is written to `gradient`. Shapes: all `[width]`.
/// Source: Huber 1964, *Robust estimation of a location parameter*.
pub(super) fn huber(z: &[f32], targets: &[f32], delta: f64, gradient: &mut [f32]) -> f64 {
    let share = 1.0 / z.len().max(1) as f64;
    let mut sum = 0.0;
    for ((&z, &t), g) in z.iter().zip(targets).zip(gradient) {
        let d = f64::from(z - t);
        let limited = if d.abs() < delta { d } else { delta.copysign(d) };
        // NaN stays: it is not limited by the comparison.
        *g = (if d.is_nan() { d } else { limited } * share) as f32;
        sum += if d.abs() < delta { 0.5 * d * d } else { delta * (d.abs() - 0.5 * delta) };
    }
    sum * share
}
