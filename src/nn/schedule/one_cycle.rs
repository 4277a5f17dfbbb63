//! Up and down once.

use super::Moment;

/// From `1 / start_divisor` by half a cosine up to 1 in the share `up` of the steps, then by half a cosine down to `1 /
/// (start_divisor end_divisor)` at the last step. Smith & Topin 2018, *Super-convergence*; the form with cosines is that
/// of PyTorch's `OneCycleLR`.
pub(super) fn factor(moment: Moment, up: f64, start_divisor: f64, end_divisor: f64) -> f64 {
    let (start, end) = (1.0 / start_divisor, 1.0 / (start_divisor * end_divisor));
    let (top, last) = ((up * moment.steps as f64 - 1.0).max(0.0), moment.steps.saturating_sub(1) as f64);
    let step = (moment.step as f64).min(last);
    let between = |from: f64, to: f64, t: f64| to + (from - to) * 0.5 * (1.0 + (std::f64::consts::PI * t).cos());
    if step <= top {
        between(start, 1.0, if top > 0.0 { step / top } else { 1.0 })
    } else {
        between(1.0, end, (step - top) / (last - top))
    }
}
