//! The hypergeometric distribution: how many marked items a draw without replacement holds.
//!
//! Its upper tail is the one-sided p-value of Fisher's exact test (Fisher 1935), which says how surprising it is that
//! two properties occur together so often. Exact up to floating-point error.
//!
//! # Example
//! ```
//! use gristmill::statistics::hypergeometric::upper_tail;
//!
//! // Fisher's tea: 8 cups, 4 with the milk first, 4 chosen, all right by chance in 1 of 70 ways.
//! assert!((upper_tail(8, 4, 4, 4) - 1.0 / 70.0).abs() < 1e-15);
//! ```

use super::distributions::binomial::ln_probability as ln_binomial;

/// The probability that `drawn` items, taken from `total` of which `marked` are marked, hold at least `observed` marked
/// ones.
///
/// A count above what is possible gives 0; `marked` and `drawn` above `total` give NaN. One probability by Loader's
/// expansion (Loader 2000), the others by their ratios, until they no longer matter: about as many steps as the standard
/// deviation of the distribution is large.
#[must_use]
pub fn upper_tail(total: u64, marked: u64, drawn: u64, observed: u64) -> f64 {
    if marked > total || drawn > total {
        return f64::NAN;
    }
    let highest = marked.min(drawn);
    let lowest = drawn.saturating_sub(total - marked);
    if observed <= lowest {
        return 1.0;
    }
    if observed > highest {
        return 0.0;
    }
    let draw = Draw { total: total as f64, marked: marked as f64, drawn: drawn as f64 };
    let tail = if observed as f64 > draw.marked * draw.drawn / draw.total {
        draw.sum_up(observed, highest)
    } else {
        1.0 - draw.sum_down(observed - 1, lowest)
    };
    tail.clamp(0.0, 1.0)
}

struct Draw {
    total: f64,
    marked: f64,
    drawn: f64,
}

impl Draw {
    /// The probability of exactly `k` marked items: a product of three binomial probabilities with p = drawn / total.
    fn probability(&self, k: f64) -> f64 {
        let p = self.drawn / self.total;
        let q = (self.total - self.drawn) / self.total;
        let marked = ln_binomial(k, self.marked, p, q);
        let others = ln_binomial(self.drawn - k, self.total - self.marked, p, q);
        (marked + others - ln_binomial(self.drawn, self.total, p, q)).exp()
    }

    /// The probability of `k + 1` marked items over that of `k`.
    fn ratio(&self, k: f64) -> f64 {
        (self.marked - k) * (self.drawn - k) / ((k + 1.0) * (self.total - self.marked - self.drawn + k + 1.0))
    }

    fn sum_up(&self, from: u64, to: u64) -> f64 {
        let mut term = self.probability(from as f64);
        let mut sum = term;
        for k in from..to {
            term *= self.ratio(k as f64);
            sum += term;
            if term <= sum * 1e-17 {
                break;
            }
        }
        sum
    }

    fn sum_down(&self, from: u64, to: u64) -> f64 {
        let mut term = self.probability(from as f64);
        let mut sum = term;
        for k in (to..from).rev() {
            term /= self.ratio(k as f64);
            sum += term;
            if term <= sum * 1e-17 {
                break;
            }
        }
        sum
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::statistics::oracle::{assert_close, oracle};

    #[test]
    fn agrees_with_exact_integers_and_scipy() {
        for case in oracle("hypergeometric") {
            let [total, marked, drawn, observed] =
                ["total", "marked", "drawn", "observed"].map(|name| case.integer(name));
            let found = upper_tail(total, marked, drawn, observed);
            assert_close(found, case.number("p"), 1e-11, &format!("{total} {marked} {drawn} {observed}"));
        }
    }

    proptest! {
        #[test]
        fn small_draws_agree_with_counting(total in 1_u64..25, marked in 0_u64..25, drawn in 0_u64..25, observed in 0_u64..26) {
            let (marked, drawn) = (marked.min(total), drawn.min(total));
            let choose = |n: u64, k: u64| (0..k).fold(1.0, |ways, i| ways * (n - i) as f64 / (i + 1) as f64);
            let ways = |k: u64| {
                let others = drawn.checked_sub(k).filter(|&others| others <= total - marked);
                others.map_or(0.0, |others| choose(marked, k) * choose(total - marked, others))
            };
            let expected = (observed..=marked).map(ways).sum::<f64>() / choose(total, drawn);
            let found = upper_tail(total, marked, drawn, observed);
            prop_assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
        }
    }

    #[test]
    fn impossible_draws_are_not_a_number() {
        assert!(upper_tail(5, 6, 1, 1).is_nan() && upper_tail(5, 1, 6, 1).is_nan());
        assert_eq!((upper_tail(0, 0, 0, 0), upper_tail(0, 0, 0, 1)), (1.0, 0.0));
    }
}
