//! The regularised incomplete gamma functions.

use std::f64::consts::PI;

use super::continued_fraction::continued_fraction;
use super::gamma::{deviance, stirling_error};

/// Far above what series and fraction need near x = a, which is about six times the square root of `a`.
const MOST_STEPS: u32 = 2_000_000;

/// P(a, x) = γ(a, x) / Γ(a) and Q(a, x) = Γ(a, x) / Γ(a) = 1 - P, for a > 0 and x of at least 0; NaN elsewhere.
///
/// The smaller of the two is computed, the other is what it lacks to 1, so each is accurate in its own tail. Below x = a + 1 the
/// series DLMF 8.11.4, above it the continued fraction DLMF 8.9.2 by Lentz's method; the factor before them by Loader's
/// expansion, which keeps its accuracy for large parameters. About √a steps.
#[must_use]
pub fn regularized_gamma(a: f64, x: f64) -> (f64, f64) {
    if !(a > 0.0 && x >= 0.0 && a.is_finite()) {
        (f64::NAN, f64::NAN)
    } else if x == 0.0 {
        (0.0, 1.0)
    } else if x.is_infinite() {
        (1.0, 0.0)
    } else if x < a + 1.0 {
        let lower = (gamma_term(a, x) * series(a, x)).min(1.0);
        (lower, 1.0 - lower)
    } else {
        let upper = (a * gamma_term(a, x) / fraction(a, x)).min(1.0);
        (1.0 - upper, upper)
    }
}

/// xᵃ e⁻ˣ / Γ(a + 1): the probability of `a` events where `x` are expected, for real `a` of at least 0 and x > 0.
#[must_use]
pub fn gamma_term(a: f64, x: f64) -> f64 {
    if a == 0.0 { (-x).exp() } else { (-stirling_error(a) - deviance(a, x)).exp() / (2.0 * PI * a).sqrt() }
}

/// 1 + x / (a + 1) + x² / ((a + 1) (a + 2)) + ..
fn series(a: f64, x: f64) -> f64 {
    let (mut term, mut sum) = (1.0, 1.0);
    for step in 1..=MOST_STEPS {
        term *= x / (a + f64::from(step));
        sum += term;
        if term <= sum * 1e-17 {
            break;
        }
    }
    sum
}

/// The fraction x + 1 - a - 1 (1 - a) / (x + 3 - a - 2 (2 - a) / (x + 5 - a - ..)) by which xᵃ e⁻ˣ / Γ(a) is divided.
fn fraction(a: f64, x: f64) -> f64 {
    let first = x + 1.0 - a;
    continued_fraction(first, MOST_STEPS, |n| (n * (a - n), first + 2.0 * n))
}
