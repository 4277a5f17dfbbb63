//! The standard normal distribution.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use crate::statistics::special::{erfc, normal_cdf, normal_quantile};

/// The density at `x`.
#[must_use]
pub fn density(x: f64) -> f64 {
    (-0.5 * x * x).exp() / (2.0 * PI).sqrt()
}

/// The probability of at most `x`.
#[must_use]
pub fn cdf(x: f64) -> f64 {
    normal_cdf(x)
}

/// The probability of more than `x`.
#[must_use]
pub fn sf(x: f64) -> f64 {
    0.5 * erfc(x * FRAC_1_SQRT_2)
}

/// The probability of a value at least as far from 0 as `x`.
#[must_use]
pub fn two_sided(x: f64) -> f64 {
    erfc(x.abs() * FRAC_1_SQRT_2)
}

/// The value that is not exceeded with probability `p`.
#[must_use]
pub fn quantile(p: f64) -> f64 {
    normal_quantile(p)
}

/// The value that is exceeded with probability `q`.
#[must_use]
pub fn upper_quantile(q: f64) -> f64 {
    -normal_quantile(q)
}
