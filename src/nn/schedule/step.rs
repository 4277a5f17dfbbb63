//! A stair.

use super::Moment;

/// `factor^floor(epoch / every)`, as in PyTorch's `StepLR`.
pub(super) fn factor(moment: Moment, every: f64, factor: f64) -> f64 {
    let stairs = moment.epoch / every;
    // A step that falls on an edge up to rounding belongs to the next stair.
    factor.powf((stairs + 1e-9).floor())
}
