//! The chi-squared distribution with `degrees` of freedom above 0 (DLMF 8; Abramowitz & Stegun 26.4).

use crate::statistics::special::{Tails, inverse_gamma, regularized_gamma};

/// The probability of at most `x`.
#[must_use]
pub fn cdf(x: f64, degrees: f64) -> f64 {
    tails(x, degrees).0
}

/// The probability of more than `x`.
#[must_use]
pub fn sf(x: f64, degrees: f64) -> f64 {
    tails(x, degrees).1
}

/// The value that is not exceeded with probability `p`.
#[must_use]
pub fn quantile(p: f64, degrees: f64) -> f64 {
    2.0 * inverse_gamma(degrees / 2.0, Tails::lower(p))
}

/// The value that is exceeded with probability `q`.
#[must_use]
pub fn upper_quantile(q: f64, degrees: f64) -> f64 {
    2.0 * inverse_gamma(degrees / 2.0, Tails::upper(q))
}

fn tails(x: f64, degrees: f64) -> (f64, f64) {
    regularized_gamma(degrees / 2.0, if x < 0.0 { 0.0 } else { x / 2.0 })
}
