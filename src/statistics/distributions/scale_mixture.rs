//! Means over the sample standard deviation: what a statistic does when it is divided by one.
//!
//! With ν degrees of freedom the sample standard deviation over the true one is S = √(χ²/ν). The mean of a function of S is an integral
//! over w = ln S, whose integrand is analytic and falls off fast on both sides: the trapezoidal rule converges exponentially there
//! (Trefethen & Weideman 2014).

use std::f64::consts::PI;

use crate::statistics::special::stirling_error;

/// The mean of `function(S)`, where S² ν has a chi-squared distribution with ν = `degrees` of freedom. `function` must be bounded by 1;
/// `sharpness` is how many times over it goes from one bound to the other while S doubles (at least 1).
///
/// Absolute error below 1e-13 for degrees of at least 1. Some 40 to a few hundred calls of the function.
pub(super) fn mean_over_scale(degrees: f64, sharpness: f64, function: impl Fn(f64) -> f64) -> f64 {
    let spread = 1.0 / (2.0 * degrees).sqrt();
    let step = (0.5 * spread).min(0.12).min(0.6 / sharpness.max(1.0));
    // On the left the density falls like e^(ν w), on the right like exp(-ν e^(2w) / 2).
    let low = -(9.0 * spread).max(37.0 / degrees);
    let high = (9.0 * spread).min(0.5 * (80.0 / degrees + 2.0).ln() + spread);
    // ν^(ν/2) / (2^(ν/2 - 1) Γ(ν/2)) e^(-ν/2), by Stirling's formula; the rest of the exponent is written from its maximum at w = 0.
    let half = degrees / 2.0;
    let at_one = (half / PI).sqrt() * 2.0_f64.sqrt() * (-stirling_error(half)).exp();
    let mut sum = 0.0;
    let (mut at, steps) = (0_u32, ((high - low) / step).ceil());
    while f64::from(at) <= steps {
        let w = low + f64::from(at) * step;
        let exponent = half * (2.0 * w - (2.0 * w).exp_m1());
        sum += exponent.exp() * function(w.exp());
        at += 1;
    }
    sum * step * at_one
}
