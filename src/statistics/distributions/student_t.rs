//! Student's t distribution with `degrees` of freedom above 0; with infinitely many it is the normal distribution.

use crate::statistics::special::{Tails, beta_with_complement, inverse_beta_log_odds};

use super::normal;

/// From here on, the distribution does not differ from the normal one in the digits of a float.
const AS_GOOD_AS_NORMAL: f64 = 1e17;

/// The probability of at most `t`.
#[must_use]
pub fn cdf(t: f64, degrees: f64) -> f64 {
    sf(-t, degrees)
}

/// The probability of more than `t`.
#[must_use]
pub fn sf(t: f64, degrees: f64) -> f64 {
    let beyond = 0.5 * two_sided(t, degrees);
    if t < 0.0 { 1.0 - beyond } else { beyond }
}

/// The probability of a value at least as far from 0 as `t`: I(ν / (ν + t²); ν / 2, 1 / 2) after DLMF 8.17.
#[must_use]
pub fn two_sided(t: f64, degrees: f64) -> f64 {
    if t.is_nan() || degrees.is_nan() || degrees <= 0.0 {
        f64::NAN
    } else if degrees >= AS_GOOD_AS_NORMAL {
        normal::two_sided(t)
    } else if t.is_infinite() {
        0.0
    } else {
        // t² may overflow; (t / √ν)² does so later, and then the tail is 0 in all but the last of cases.
        let ratio = t.abs() / degrees.sqrt();
        let square = ratio * ratio;
        let x = 1.0 / (1.0 + square);
        let y = if square.is_infinite() { 1.0 } else { square / (1.0 + square) };
        beta_with_complement(degrees / 2.0, 0.5, x, y)
    }
}

/// The value that is not exceeded with probability `p`.
#[must_use]
pub fn quantile(p: f64, degrees: f64) -> f64 {
    -upper_quantile(p, degrees)
}

/// The value that is exceeded with probability `q`.
#[must_use]
pub fn upper_quantile(q: f64, degrees: f64) -> f64 {
    if !(0.0..=1.0).contains(&q) || degrees.is_nan() || degrees <= 0.0 {
        f64::NAN
    } else if degrees >= AS_GOOD_AS_NORMAL {
        normal::upper_quantile(q)
    } else if q > 0.5 {
        -beyond(1.0 - q, 2.0 * q - 1.0, degrees)
    } else {
        beyond(q, 1.0 - 2.0 * q, degrees)
    }
}

/// The positive value that is exceeded with probability `tail`, which is at most a half; `centre` is 1 - 2 `tail`.
fn beyond(tail: f64, centre: f64, degrees: f64) -> f64 {
    let log_odds = inverse_beta_log_odds(degrees / 2.0, 0.5, Tails { lower: 2.0 * tail, upper: centre });
    (degrees * (-log_odds).exp()).sqrt()
}
