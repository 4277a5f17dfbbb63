//! Fisher's exact test of two by two counts.

use super::chi_square::Crosstab;
use super::{Alternative, Measured, Tested, Undefined};
use crate::statistics::distributions::binomial::ln_probability;

/// Counts of a margin up to which all tables are gone through.
const MOST: f64 = 1e6;
/// Tables count as equally probable when they differ by less than this share (as in SciPy).
const SAME: f64 = 1e-14;

/// Fisher 1935, of the counts a b / c d. Two-sided: the tables that are at most as probable. Effect: the conditional maximum-likelihood odds
/// ratio with its exact interval (Cornfield 1956); beside it the risk ratio, of d in the second row to b in the first.
///
/// O(smallest margin); refused above a million, where chi-square is as good.
pub fn fisher([a, b, c, d]: [f64; 4], alternative: Alternative, confidence: f64) -> Result<Tested, Undefined> {
    let tables = Tables::new(a, b, c, d)?;
    let (lower, upper) = tables.tails(a, 0.0);
    let p = match alternative {
        Alternative::TwoSided => tables.at_most_as_probable(a),
        Alternative::Less => lower,
        Alternative::Greater => upper,
    };
    let sample_ratio = a * d / (b * c);
    let mut tested = Tested::new("odds ratio", sample_ratio, &[], p.min(1.0));
    tested.how = Some("exact".to_owned());
    let tail = 1.0 - confidence;
    let (low_tail, high_tail) = match alternative {
        Alternative::TwoSided => (Some(tail / 2.0), Some(tail / 2.0)),
        Alternative::Less => (None, Some(tail)),
        Alternative::Greater => (Some(tail), None),
    };
    let low = low_tail
        .map_or(0.0, |tail| if a == tables.first { 0.0 } else { tables.solve(|ln| tables.tails(a, ln).1 - tail) });
    let high = high_tail.map_or(f64::INFINITY, |tail| {
        if a == tables.last() { f64::INFINITY } else { tables.solve(|ln| tail - tables.tails(a, ln).0) }
    });
    let value = if a == tables.first {
        0.0
    } else if a == tables.last() {
        f64::INFINITY
    } else {
        tables.solve(|ln| tables.mean(ln) - a)
    };
    tested.effect = Some(Measured::new("odds ratio", value, Some((low, high))));
    let ratios = Crosstab::new(&[a, b, c, d], 2)?.ratios(alternative, confidence);
    tested.also.extend(ratios.into_iter().filter(|ratio| ratio.name == "risk ratio"));
    if tested.statistic.is_nan() {
        return Undefined::because("a row or a column of the table is empty");
    }
    Ok(tested)
}

/// All tables with the same margins: the first count from `first` on, with the logarithm of each one's probability.
struct Tables {
    first: f64,
    ln: Vec<f64>,
}

impl Tables {
    fn new(a: f64, b: f64, c: f64, d: f64) -> Result<Self, Undefined> {
        let (row, column, n) = (a + b, a + c, a + b + c + d);
        if [row, column, n - row, n - column].iter().any(|margin| *margin <= 0.0) {
            return Undefined::because("a row or a column of the table is empty");
        }
        let (first, last) = ((row + column - n).max(0.0), row.min(column));
        if last - first > MOST {
            return Undefined::because("the counts are beyond a million; use `method: chi_square`");
        }
        let (p, q) = (column / n, (n - column) / n);
        let count = (last - first) as usize + 1;
        let ln = (0..count).map(|step| {
            let k = first + step as f64;
            ln_probability(k, row, p, q) + ln_probability(column - k, n - row, p, q) - ln_probability(column, n, p, q)
        });
        Ok(Self { first, ln: ln.collect() })
    }

    fn last(&self) -> f64 {
        self.first + self.ln.len() as f64 - 1.0
    }

    /// The counts with their weights where the odds ratio is exp(`ln_ratio`), scaled by the largest.
    fn weights(&self, ln_ratio: f64) -> impl Iterator<Item = (f64, f64)> {
        let of = move |(step, ln): (usize, &f64)| ln + ln_ratio * step as f64;
        let largest = self.ln.iter().enumerate().map(of).fold(f64::NEG_INFINITY, f64::max);
        self.ln.iter().enumerate().map(move |(step, ln)| (self.first + step as f64, (of((step, ln)) - largest).exp()))
    }

    /// The probabilities of at most and at least `a`.
    fn tails(&self, a: f64, ln_ratio: f64) -> (f64, f64) {
        let (mut lower, mut upper, mut all) = (0.0, 0.0, 0.0);
        for (k, weight) in self.weights(ln_ratio) {
            all += weight;
            if k <= a {
                lower += weight;
            }
            if k >= a {
                upper += weight;
            }
        }
        (lower / all, upper / all)
    }

    fn mean(&self, ln_ratio: f64) -> f64 {
        let (mut sum, mut all) = (0.0, 0.0);
        for (k, weight) in self.weights(ln_ratio) {
            sum += k * weight;
            all += weight;
        }
        sum / all
    }

    fn at_most_as_probable(&self, a: f64) -> f64 {
        let at = self.ln.get((a - self.first) as usize).copied().unwrap_or(f64::NEG_INFINITY);
        // Each probability has some rounding in its logarithm, which grows with the counts.
        let within = SAME.max(1e-13 * at.abs());
        self.ln.iter().filter(|ln| **ln <= at + within).map(|ln| ln.exp()).sum()
    }

    /// The odds ratio where an increasing function of its logarithm is zero. Halving.
    fn solve(&self, function: impl Fn(f64) -> f64) -> f64 {
        let (mut low, mut high) = (-80.0, 80.0);
        while high - low > 1e-13 * f64::midpoint(low, high).abs().max(1e-3) {
            let middle = f64::midpoint(low, high);
            if middle <= low || middle >= high {
                break;
            }
            if function(middle) < 0.0 {
                low = middle;
            } else {
                high = middle;
            }
        }
        f64::midpoint(low, high).exp()
    }
}
