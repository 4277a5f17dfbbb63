//! The binomial distribution: how many of `n` trials succeed, each with probability `p`.

use std::f64::consts::PI;

use crate::statistics::special::{beta_with_complement, deviance, stirling_error};

/// The probability of exactly `k` successes; 0 where `k` is above `n`, NaN where `p` is no probability.
#[must_use]
pub fn probability(k: u64, n: u64, p: f64) -> f64 {
    if !(0.0..=1.0).contains(&p) {
        f64::NAN
    } else if k > n {
        0.0
    } else {
        ln_probability(k as f64, n as f64, p, 1.0 - p).exp()
    }
}

/// The probability of at most `k` successes.
#[must_use]
pub fn cdf(k: u64, n: u64, p: f64) -> f64 {
    if k >= n {
        return if (0.0..=1.0).contains(&p) { 1.0 } else { f64::NAN };
    }
    beta_with_complement((n - k) as f64, k as f64 + 1.0, 1.0 - p, p)
}

/// The probability of more than `k` successes.
#[must_use]
pub fn sf(k: u64, n: u64, p: f64) -> f64 {
    if k >= n {
        return if (0.0..=1.0).contains(&p) { 0.0 } else { f64::NAN };
    }
    beta_with_complement(k as f64 + 1.0, (n - k) as f64, p, 1.0 - p)
}

/// ln of the probability of `k` successes in `n` trials, `q` being 1 - p: Loader 2000, *Fast and accurate computation of
/// binomial probabilities*. Minus infinity for what cannot be.
pub(in crate::statistics) fn ln_probability(k: f64, n: f64, p: f64, q: f64) -> f64 {
    if (p == 0.0 && k > 0.0) || (q == 0.0 && k < n) {
        return f64::NEG_INFINITY;
    }
    let ways = if k == 0.0 || k == n {
        0.0
    } else {
        0.5 * (n / (2.0 * PI * k) / (n - k)).ln() + stirling_error(n) - stirling_error(k) - stirling_error(n - k)
    };
    ways - part(k, n, p) - part(n - k, n, q)
}

/// [`deviance`] from n p, where nothing is expected and nothing found too.
fn part(found: f64, n: f64, p: f64) -> f64 {
    if p == 0.0 || n == 0.0 { 0.0 } else { deviance(found, n * p) }
}
