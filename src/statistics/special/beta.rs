//! The regularised incomplete beta function and the tail of Student's t that rests on it.

use std::f64::consts::PI;

use super::continued_fraction::continued_fraction;
use super::gamma::{deviance, stirling_error};

/// Far above what the continued fraction needs, which is about the square root of the larger parameter.
const MOST_STEPS: u32 = 1_000_000;

/// The regularised incomplete beta function I(x; a, b) for a, b > 0 and x from 0 to 1; NaN elsewhere.
///
/// Continued fraction of Didonato & Morris 1992 (*Algorithm 708*, ACM TOMS 18) on the side where it converges fast, evaluated by
/// Lentz's method; the factor above it by Loader's expansion, which keeps its accuracy for large parameters. About √max(a, b) steps.
#[must_use]
pub fn regularized_beta(a: f64, b: f64, x: f64) -> f64 {
    with_complement(a, b, x, 1.0 - x)
}

/// I(x; a, b), where `y` is 1 - x, given apart because 1 - x would lose digits of a small `y`.
pub(in crate::statistics) fn with_complement(a: f64, b: f64, x: f64, y: f64) -> f64 {
    if !(a > 0.0 && b > 0.0 && x >= 0.0 && y >= 0.0 && a.is_finite() && b.is_finite()) {
        f64::NAN
    } else if x == 0.0 {
        0.0
    } else if y == 0.0 {
        1.0
    } else if x < (a + 1.0) / (a + b + 2.0) {
        factor(a, b, x, y) / fraction(a, b, x, y)
    } else {
        1.0 - factor(b, a, y, x) / fraction(b, a, y, x)
    }
}

/// xᵃ yᵇ / B(a, b) with y = 1 - x.
pub(in crate::statistics) fn factor(a: f64, b: f64, x: f64, y: f64) -> f64 {
    let n = a + b;
    let exponent = stirling_error(n) - stirling_error(a) - stirling_error(b) - deviance(a, n * x) - deviance(b, n * y);
    (a / n * b / (2.0 * PI)).sqrt() * exponent.exp()
}

/// The continued fraction b₀ + a₁/(b₁ + a₂/(b₂ + ..)) by which [`factor`] is divided (Didonato & Morris 1992, equation 9).
///
/// In it, a - (a + b) x is written as a y - b x, so that nothing cancels where x is near 0 or 1.
fn fraction(a: f64, b: f64, x: f64, y: f64) -> f64 {
    let lambda = a * y - b * x;
    continued_fraction(a * (lambda + 1.0) / (a + 1.0), MOST_STEPS, |m| {
        let odd = a + 2.0 * m - 1.0;
        let numerator = (a + m - 1.0) / odd * ((a + b + m - 1.0) / odd) * m * (b - m) * x * x;
        let denominator = m + m * (b - m) * x / odd + (a + m) * (lambda + 1.0 + m * (1.0 + y)) / (odd + 2.0);
        (numerator, denominator)
    })
}

/// The probability that |T| is at least |t|, where T has Student's distribution with `degrees` of freedom (above 0).
///
/// I(ν / (ν + t²); ν / 2, 1 / 2), after DLMF 8.17 and Abramowitz & Stegun 26.7.1. 0 for an infinite t.
#[must_use]
pub fn student_t_two_sided(t: f64, degrees: f64) -> f64 {
    if t.is_infinite() && degrees > 0.0 {
        return 0.0;
    }
    let square = t * t;
    let x = degrees / (degrees + square);
    let y = square / (degrees + square);
    if square.is_infinite() { 0.0 } else { with_complement(degrees / 2.0, 0.5, x, y) }
}
