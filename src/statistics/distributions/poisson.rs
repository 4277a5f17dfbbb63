//! The Poisson distribution: how many events there are where `mean` are expected.

use crate::statistics::special::{gamma_term, regularized_gamma};

/// The probability of exactly `k` events (Loader 2000).
#[must_use]
pub fn probability(k: u64, mean: f64) -> f64 {
    if mean == 0.0 {
        return if k == 0 { 1.0 } else { 0.0 };
    }
    if mean > 0.0 { gamma_term(k as f64, mean) } else { f64::NAN }
}

/// The probability of at most `k` events.
#[must_use]
pub fn cdf(k: u64, mean: f64) -> f64 {
    regularized_gamma(k as f64 + 1.0, mean).1
}

/// The probability of more than `k` events.
#[must_use]
pub fn sf(k: u64, mean: f64) -> f64 {
    regularized_gamma(k as f64 + 1.0, mean).0
}
