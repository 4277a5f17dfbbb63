//! The noncentral chi-squared and F distributions: what test statistics follow when there is an effect.
//!
//! Both are mixtures of central ones, weighted by a Poisson distribution with mean λ / 2 (Johnson, Kotz & Balakrishnan 1995, chapters 29
//! and 30). The terms of a tail follow from each other by additions only: upwards for the upper tail, downwards for the lower one, so
//! both keep their relative accuracy (a relative 1e-10 where the weights are not cut off, that is for tails above 1e-15). The weights that
//! matter are within 9 standard deviations of their mean: about 13 √λ steps.

use crate::statistics::special::{beta_with_complement, gamma_term, regularized_gamma};

use super::f::parts;

/// The largest noncentrality that is computed; beyond it the functions give NaN.
pub const MOST_NONCENTRALITY: f64 = 1e10;

/// The probability that a noncentral chi-squared variable with `degrees` of freedom and noncentrality `lambda` is at most `x`.
#[must_use]
pub fn chi_squared_cdf(x: f64, degrees: f64, lambda: f64) -> f64 {
    let Some((first, last)) = weights(lambda, degrees, x) else { return f64::NAN };
    let x = x.max(0.0) / 2.0;
    mix_down(lambda, first, last, regularized_gamma(degrees / 2.0 + last, x).0, |j| gamma_step(degrees / 2.0 + j, x))
}

/// The probability of more than `x`; see [`chi_squared_cdf`].
#[must_use]
pub fn chi_squared_sf(x: f64, degrees: f64, lambda: f64) -> f64 {
    let Some((first, last)) = weights(lambda, degrees, x) else { return f64::NAN };
    let x = x.max(0.0) / 2.0;
    mix_up(lambda, first, last, regularized_gamma(degrees / 2.0 + first, x).1, |j| gamma_step(degrees / 2.0 + j, x))
}

/// The probability that a noncentral F variable is at most `x`, the numerator with `above` degrees of freedom and noncentrality `lambda`.
#[must_use]
pub fn f_cdf(x: f64, above: f64, below: f64, lambda: f64) -> f64 {
    let Some((first, last)) = weights(lambda, above.min(below), x) else { return f64::NAN };
    let (a, b, (part, rest)) = (above / 2.0, below / 2.0, parts(x, above, below));
    mix_down(lambda, first, last, beta_with_complement(a + last, b, part, rest), |j| beta_step(a + j, b, part, rest))
}

/// The probability of more than `x`; see [`f_cdf`].
#[must_use]
pub fn f_sf(x: f64, above: f64, below: f64, lambda: f64) -> f64 {
    let Some((first, last)) = weights(lambda, above.min(below), x) else { return f64::NAN };
    let (a, b, (part, rest)) = (above / 2.0, below / 2.0, parts(x, above, below));
    mix_up(lambda, first, last, beta_with_complement(b, a + first, rest, part), |j| beta_step(a + j, b, part, rest))
}

/// The first and last weight that matter; none outside of the domain.
fn weights(lambda: f64, degrees: f64, x: f64) -> Option<(f64, f64)> {
    if !(0.0..=MOST_NONCENTRALITY).contains(&lambda) || degrees.is_nan() || degrees <= 0.0 || x.is_nan() {
        return None;
    }
    let (mean, reach) = (lambda / 2.0, 9.0 * (lambda / 2.0).sqrt());
    Some(if lambda == 0.0 { (0.0, 0.0) } else { ((mean - reach).floor().max(0.0), (mean + reach + 20.0).ceil()) })
}

fn weight(j: f64, lambda: f64) -> f64 {
    if lambda == 0.0 { 1.0 } else { gamma_term(j, lambda / 2.0) }
}

/// Σ weight(j) · tail(j), where tail(j + 1) = tail(j) + step(j), from the first on.
fn mix_up(lambda: f64, first: f64, last: f64, tail: f64, step: impl Fn(f64) -> f64) -> f64 {
    let (mut j, mut tail, mut sum) = (first, tail, 0.0);
    while j <= last {
        sum += weight(j, lambda) * tail;
        tail += step(j);
        j += 1.0;
    }
    sum.min(1.0)
}

/// Σ weight(j) · tail(j), where tail(j) = tail(j + 1) + step(j), from the last on.
fn mix_down(lambda: f64, first: f64, last: f64, tail: f64, step: impl Fn(f64) -> f64) -> f64 {
    let (mut j, mut tail, mut sum) = (last, tail, 0.0);
    while j >= first {
        sum += weight(j, lambda) * tail;
        j -= 1.0;
        if j >= first {
            tail += step(j);
        }
    }
    sum.min(1.0)
}

/// P(a, x) - P(a + 1, x) (DLMF 8.8.5).
fn gamma_step(a: f64, x: f64) -> f64 {
    if x == 0.0 || x.is_infinite() { 0.0 } else { gamma_term(a, x) }
}

/// I(x; a, b) - I(x; a + 1, b) = xᵃ yᵇ / (a B(a, b)) (DLMF 8.17.20).
fn beta_step(a: f64, b: f64, x: f64, y: f64) -> f64 {
    if x == 0.0 || y == 0.0 { 0.0 } else { crate::statistics::special::beta_factor(a, b, x, y) / a }
}
