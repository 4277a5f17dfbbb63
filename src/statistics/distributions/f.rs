//! Fisher's F distribution with `above` and `below` degrees of freedom, both above 0; infinitely many `below` are allowed.

use crate::statistics::special::{Tails, beta_with_complement, inverse_beta_log_odds};

use super::chi_squared;

/// From here on, the denominator is as good as 1.
const AS_GOOD_AS_INFINITE: f64 = 1e17;

/// The probability of at most `x`.
#[must_use]
pub fn cdf(x: f64, above: f64, below: f64) -> f64 {
    if below >= AS_GOOD_AS_INFINITE {
        return chi_squared::cdf(x * above, above);
    }
    let (part, rest) = parts(x, above, below);
    beta_with_complement(above / 2.0, below / 2.0, part, rest)
}

/// The probability of more than `x`.
#[must_use]
pub fn sf(x: f64, above: f64, below: f64) -> f64 {
    if below >= AS_GOOD_AS_INFINITE {
        return chi_squared::sf(x * above, above);
    }
    let (part, rest) = parts(x, above, below);
    beta_with_complement(below / 2.0, above / 2.0, rest, part)
}

/// The value that is not exceeded with probability `p`.
#[must_use]
pub fn quantile(p: f64, above: f64, below: f64) -> f64 {
    at(Tails::lower(p), above, below)
}

/// The value that is exceeded with probability `q`.
#[must_use]
pub fn upper_quantile(q: f64, above: f64, below: f64) -> f64 {
    at(Tails::upper(q), above, below)
}

fn at(tails: Tails, above: f64, below: f64) -> f64 {
    if below >= AS_GOOD_AS_INFINITE {
        return 2.0 * crate::statistics::special::inverse_gamma(above / 2.0, tails) / above;
    }
    below / above * inverse_beta_log_odds(above / 2.0, below / 2.0, tails).exp()
}

/// d₁ x / (d₁ x + d₂), which has a beta distribution, and what it lacks to 1.
pub(super) fn parts(x: f64, above: f64, below: f64) -> (f64, f64) {
    let ratio = if x < 0.0 { 0.0 } else { x * (above / below) };
    let part = if ratio.is_infinite() { 1.0 } else { ratio / (1.0 + ratio) };
    (part, 1.0 / (1.0 + ratio))
}
