//! Shares: one against a given one, and two against each other.

use super::{Alternative, Measured, Tested, Undefined};
use crate::statistics::distributions::{binomial, normal};
use crate::statistics::special::{Tails, inverse_beta};

/// The exact binomial test of `successes` among `n` against the share `p`. Two-sided: the counts that are at most as probable. Estimate: the
/// share with the interval of Clopper & Pearson (1934), and beside it with [`wilson`]'s; effect: Cohen's h.
///
/// O(1) for one side, O(√n) or so for two.
pub fn binomial_test(
    successes: u64,
    n: u64,
    p: f64,
    alternative: Alternative,
    confidence: f64,
) -> Result<Tested, Undefined> {
    if n == 0 {
        return Undefined::because("there are no values");
    }
    let lower = binomial::cdf(successes, n, p);
    let upper = if successes == 0 { 1.0 } else { binomial::sf(successes - 1, n, p) };
    let p_value = match alternative {
        Alternative::TwoSided => at_most_as_probable(successes, n, p, lower, upper),
        Alternative::Less => lower,
        Alternative::Greater => upper,
    };
    let share = successes as f64 / n as f64;
    let mut tested = Tested::new("successes", successes as f64, &[], p_value.min(1.0));
    tested.how = Some("exact".to_owned());
    tested.estimate = Some(Measured::new("share", share, Some(clopper_pearson(successes, n, alternative, confidence))));
    tested.effect = Some(Measured::new("Cohen's h", cohens_h(share, p), None));
    tested.also.push(Measured::new("share (Wilson)", share, Some(wilson(successes, n, alternative, confidence))));
    tested.checked()
}

/// The other tail begins at the first count that is as improbable as the one that was found.
fn at_most_as_probable(found: u64, n: u64, p: f64, lower: f64, upper: f64) -> f64 {
    let limit = binomial::probability(found, n, p) * (1.0 + 1e-7);
    let mode = ((n as f64 + 1.0) * p).floor().min(n as f64) as u64;
    let is_within = |k: u64| binomial::probability(k, n, p) <= limit;
    if found == mode {
        return 1.0;
    }
    if found < mode {
        // The least count from the mode on that is within; probabilities fall from there.
        let (mut low, mut high) = (mode, n + 1);
        while low < high {
            let middle = low + (high - low) / 2;
            if middle > n || is_within(middle) { high = middle } else { low = middle + 1 }
        }
        lower + if low > n { 0.0 } else { binomial::sf(low.saturating_sub(1), n, p) }
    } else {
        let (mut low, mut high) = (0, mode + 1);
        // The number of counts from 0 on that are within; probabilities rise up to the mode.
        while low < high {
            let middle = low + (high - low) / 2;
            if is_within(middle) { low = middle + 1 } else { high = middle }
        }
        upper + if low == 0 { 0.0 } else { binomial::cdf(low - 1, n, p) }
    }
}

/// The exact interval of a share (Clopper & Pearson 1934): it holds the true one at least as often as stated.
#[must_use]
pub fn clopper_pearson(successes: u64, n: u64, alternative: Alternative, confidence: f64) -> (f64, f64) {
    let (k, others) = (successes as f64, n.saturating_sub(successes) as f64);
    let tail = if alternative == Alternative::TwoSided { (1.0 - confidence) / 2.0 } else { 1.0 - confidence };
    let low = if alternative == Alternative::Less || k == 0.0 {
        0.0
    } else {
        inverse_beta(k, others + 1.0, Tails::lower(tail))
    };
    let high = if alternative == Alternative::Greater || others == 0.0 {
        1.0
    } else {
        inverse_beta(k + 1.0, others, Tails::upper(tail))
    };
    (low, high)
}

/// The interval of Wilson (1927), which holds the true share as often as stated on average. `n` must not be 0.
#[must_use]
pub fn wilson(successes: u64, n: u64, alternative: Alternative, confidence: f64) -> (f64, f64) {
    let (size, share) = (n as f64, successes as f64 / n as f64);
    let tail = if alternative == Alternative::TwoSided { (1.0 - confidence) / 2.0 } else { 1.0 - confidence };
    let z = normal::upper_quantile(tail);
    let square = z * z / size;
    let centre = (share + square / 2.0) / (1.0 + square);
    let reach = z / (1.0 + square) * (share * (1.0 - share) / size + square / (4.0 * size)).sqrt();
    // At the ends the interval reaches the end exactly; rounding would leave it beside.
    let is_open_below = successes == 0 || alternative == Alternative::Less;
    let is_open_above = successes == n || alternative == Alternative::Greater;
    let low = if is_open_below { 0.0 } else { (centre - reach).max(0.0) };
    (low, if is_open_above { 1.0 } else { (centre + reach).min(1.0) })
}

/// Do two shares differ? The z test with the pooled share. Estimate: the difference with Newcombe's interval (1998, method 10, of two Wilson
/// intervals); effect: Cohen's h; beside it the [`ratios`] of the first to the second.
pub fn two_proportions(
    a: (u64, u64),
    b: (u64, u64),
    alternative: Alternative,
    confidence: f64,
) -> Result<Tested, Undefined> {
    if a.1 == 0 || b.1 == 0 {
        return Undefined::because("a group has no values");
    }
    let (m, n) = (a.1 as f64, b.1 as f64);
    let (of_a, of_b) = (a.0 as f64 / m, b.0 as f64 / n);
    let pooled = (a.0 + b.0) as f64 / (m + n);
    let error = (pooled * (1.0 - pooled) * (1.0 / m + 1.0 / n)).sqrt();
    if error == 0.0 {
        return Undefined::because("all values are the same in both groups");
    }
    let difference = of_a - of_b;
    let z = difference / error;
    let p = match alternative {
        Alternative::TwoSided => normal::two_sided(z),
        Alternative::Less => normal::cdf(z),
        Alternative::Greater => normal::sf(z),
    };
    let wide = if alternative == Alternative::TwoSided { confidence } else { 2.0 * confidence - 1.0 };
    let of = |(successes, n)| wilson(successes, n, Alternative::TwoSided, wide);
    let ((low_a, high_a), (low_b, high_b)) = (of(a), of(b));
    let low = difference - (of_a - low_a).hypot(high_b - of_b);
    let high = difference + (high_a - of_a).hypot(of_b - low_b);
    let interval = match alternative {
        Alternative::TwoSided => (low, high),
        Alternative::Less => (f64::NEG_INFINITY, high),
        Alternative::Greater => (low, f64::INFINITY),
    };
    let mut tested = Tested::new("z", z, &[], p);
    tested.estimate = Some(Measured::new("difference of shares", difference, Some(interval)));
    tested.effect = Some(Measured::new("Cohen's h", cohens_h(of_a, of_b), None));
    tested.also.extend(ratios(a, b, alternative, confidence));
    tested.checked()
}

/// The risk ratio, how many times as frequent successes are among `a` as among `b` (each successes and all), with the interval of Katz et al.
/// (1978), and the odds ratio with that of Woolf (1955): both normal on the scale of logarithms. They have no interval where a count that
/// is divided by is 0, and are left out where they are 0 / 0.
#[must_use]
pub fn ratios(a: (u64, u64), b: (u64, u64), alternative: Alternative, confidence: f64) -> Vec<Measured> {
    let ((yes_a, m), (yes_b, n)) = ((a.0 as f64, a.1 as f64), (b.0 as f64, b.1 as f64));
    let (no_a, no_b) = (m - yes_a, n - yes_b);
    let measured = |name, ratio: f64, variance: f64| {
        let interval = variance.is_finite().then(|| {
            let (low, high) = alternative.interval(ratio.ln(), variance.sqrt(), confidence, normal::upper_quantile);
            (low.exp(), high.exp())
        });
        (!ratio.is_nan()).then(|| Measured::new(name, ratio, interval))
    };
    let risk = measured("risk ratio", yes_a / m / (yes_b / n), 1.0 / yes_a - 1.0 / m + 1.0 / yes_b - 1.0 / n);
    let odds = (yes_a / no_a) / (yes_b / no_b);
    let odds = measured("odds ratio", odds, 1.0 / yes_a + 1.0 / no_a + 1.0 / yes_b + 1.0 / no_b);
    risk.into_iter().chain(odds).collect()
}

/// 2 arcsin √p - 2 arcsin √q (Cohen 1988).
#[must_use]
pub fn cohens_h(p: f64, q: f64) -> f64 {
    2.0 * p.sqrt().asin() - 2.0 * q.sqrt().asin()
}
