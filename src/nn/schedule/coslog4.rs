//! Four waves of growing length.

use super::Moment;

/// `(1 - cos(2 π log2(1 + 15 t))) / 2` at the share `t` of the training: it reaches 1 four times and 0 at both ends.
/// Holzmüller, Grinsztajn & Steinwart 2024, *Better by default* (RealMLP).
pub(super) fn factor(moment: Moment) -> f64 {
    let t = (moment.step as f64 / moment.steps.max(1) as f64).min(1.0);
    0.5 * (1.0 - (std::f64::consts::TAU * (1.0 + 15.0 * t).log2()).cos())
}
