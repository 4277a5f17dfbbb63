//! The inverses of the regularised incomplete beta and gamma functions.

use super::beta::{factor, with_complement};
use super::gamma_ratio::{gamma_term, regularized_gamma};

/// Steps of the search at most. Newton's method takes some ten; halving the whole range takes sixty.
const MOST_STEPS: u32 = 200;

/// A probability given by both of its tails, which add up to 1: the smaller one keeps its digits.
#[derive(Clone, Copy, Debug)]
pub struct Tails {
    /// The probability of less.
    pub lower: f64,
    /// The probability of more.
    pub upper: f64,
}

impl Tails {
    /// The tails for which the lower probability is known.
    #[must_use]
    pub fn lower(p: f64) -> Self {
        Tails { lower: p, upper: 1.0 - p }
    }

    /// The tails for which the upper probability is known.
    #[must_use]
    pub fn upper(q: f64) -> Self {
        Tails { lower: 1.0 - q, upper: q }
    }

    /// The same seen from the other side.
    #[must_use]
    pub fn turned(self) -> Self {
        Tails { lower: self.upper, upper: self.lower }
    }

    fn are_probabilities(self) -> bool {
        (0.0..=1.0).contains(&self.lower) && (0.0..=1.0).contains(&self.upper)
    }
}

/// ln(x / (1 - x)) for the x with I(x; a, b) = p, for a, b > 0; NaN for what is not a probability. Minus infinity where p is 0,
/// infinity where it is 1.
///
/// The logarithm of the odds keeps the digits of an x near 0 as well as near 1. Newton's method on the logarithm of the smaller
/// tail, kept between bounds that shrink by halves where it would leave them.
#[must_use]
pub fn inverse_beta_log_odds(a: f64, b: f64, tails: Tails) -> f64 {
    if !(a > 0.0 && b > 0.0 && a.is_finite() && b.is_finite()) {
        return f64::NAN;
    }
    invert(tails, (a / b).ln(), |u| {
        let (x, y) = (1.0 / (1.0 + (-u).exp()), 1.0 / (1.0 + u.exp()));
        (with_complement(a, b, x, y), with_complement(b, a, y, x), factor(a, b, x, y))
    })
}

/// The x with I(x; a, b) = p; see [`inverse_beta_log_odds`].
#[must_use]
pub fn inverse_beta(a: f64, b: f64, tails: Tails) -> f64 {
    1.0 / (1.0 + (-inverse_beta_log_odds(a, b, tails)).exp())
}

/// The x with P(a, x) = p, for a > 0; NaN for what is not a probability.
#[must_use]
pub fn inverse_gamma(a: f64, tails: Tails) -> f64 {
    if !(a > 0.0 && a.is_finite()) {
        return f64::NAN;
    }
    let found = invert(tails, a.ln(), |u| {
        let x = u.exp();
        let (lower, upper) = regularized_gamma(a, x);
        (lower, upper, a * gamma_term(a, x))
    });
    found.exp()
}

/// The `u` where an increasing function of `u` has the given tails, told from (lower tail, upper tail, slope).
fn invert(tails: Tails, start: f64, function: impl Fn(f64) -> (f64, f64, f64)) -> f64 {
    if !tails.are_probabilities() {
        return f64::NAN;
    }
    if tails.lower == 0.0 {
        return f64::NEG_INFINITY;
    }
    if tails.upper == 0.0 {
        return f64::INFINITY;
    }
    let by_lower = tails.lower <= tails.upper;
    let target = if by_lower { tails.lower.ln() } else { tails.upper.ln() };
    let (mut low, mut high) = (-745.0_f64, 745.0_f64);
    let mut u = start.clamp(low, high);
    for _ in 0..MOST_STEPS {
        let (lower, upper, slope) = function(u);
        let (tail, direction) = if by_lower { (lower, 1.0) } else { (upper, -1.0) };
        // Positive where u is too high, whichever tail is looked at.
        let beyond = (tail.ln() - target) * direction;
        if beyond == 0.0 {
            return u;
        }
        if beyond > 0.0 {
            high = u;
        } else {
            low = u;
        }
        let newton = u - beyond * tail / slope;
        let next = if newton > low && newton < high { newton } else { f64::midpoint(low, high) };
        let arrived = (next - u).abs() <= 4e-16 * u.abs().max(1.0);
        u = next;
        if arrived {
            break;
        }
    }
    u
}
