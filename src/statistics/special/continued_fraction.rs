//! Continued fractions.

/// Below this nothing counts as a denominator.
const LEAST: f64 = 1e-300;

/// The value of b₀ + a₁ / (b₁ + a₂ / (b₂ + ..)), where `term(k)` gives aₖ and bₖ, k from 1.
///
/// Lentz 1976 as modified by Thompson & Barnett 1986: from the front, and a zero denominator is replaced by a number so small that it
/// changes nothing else. Ends when a step changes the value by less than 1e-15 of it, or after `most_steps`.
pub(super) fn continued_fraction(first: f64, most_steps: u32, term: impl Fn(f64) -> (f64, f64)) -> f64 {
    let nonzero = |value: f64| if value.abs() < LEAST { LEAST } else { value };
    let mut value = nonzero(first);
    let (mut c, mut d) = (value, 0.0);
    for step in 1..=most_steps {
        let (numerator, denominator) = term(f64::from(step));
        d = 1.0 / nonzero(denominator + numerator * d);
        c = nonzero(denominator + numerator / c);
        value *= c * d;
        if (c * d - 1.0).abs() < 1e-15 {
            break;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_what_is_known_of_simple_fractions() {
        // 1 + 1 / (1 + 1 / (1 + ..)), and 1 + 1 / (2 + 1 / (2 + ..)).
        let golden = f64::midpoint(1.0, 5.0_f64.sqrt());
        assert!((continued_fraction(1.0, 1_000, |_| (1.0, 1.0)) - golden).abs() < 1e-15);
        assert!((continued_fraction(1.0, 1_000, |_| (1.0, 2.0)) - 2.0_f64.sqrt()).abs() < 1e-15);
        // A first denominator of zero: 0 + 1 / (1 + 1 / (1 + ..)).
        assert!((continued_fraction(0.0, 1_000, |_| (1.0, 1.0)) - (golden - 1.0)).abs() < 1e-14);
    }
}
