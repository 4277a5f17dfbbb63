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

use std::f64::consts::PI;

use super::special::{deviance, stirling_error};

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

/// ln of the probability of `k` successes in `n` trials, q being 1 - p.
fn ln_binomial(k: f64, n: f64, p: f64, q: f64) -> f64 {
    let ways = if k == 0.0 || k == n {
        0.0
    } else {
        0.5 * (n / (2.0 * PI * k) / (n - k)).ln() + stirling_error(n) - stirling_error(k) - stirling_error(n - k)
    };
    ways - deviance(k, n * p) - deviance(n - k, n * q)
}
