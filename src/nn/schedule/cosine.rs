//! Half a cosine.

use super::Moment;

/// `end + (1 - end) (1 + cos(π t)) / 2` at the share `t` of the training. Loshchilov & Hutter 2017, *SGDR: stochastic
/// gradient descent with warm restarts*, without restarts.
pub(super) fn factor(moment: Moment, end: f64) -> f64 {
    let t = moment.step as f64 / moment.steps.max(1) as f64;
    end + (1.0 - end) * 0.5 * (1.0 + (std::f64::consts::PI * t.min(1.0)).cos())
}
