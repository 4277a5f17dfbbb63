//! Whether a series rises or falls, whatever the shape of its rise: the Mann-Kendall test.
//!
//! The score `S` is the number of pairs that rise minus those that fall. Without a trend it has mean 0 and a known variance,
//! less for ties; `z = (|S| - 1) / sqrt(variance)`, two-sided by the normal distribution.
//!
//! The plain test takes the values for independent. Two others do not:
//! - [`hamed_rao`] multiplies the variance by what the autocorrelation of the ranks does to it (Hamed & Rao 1998);
//! - [`seasonal`] compares only values at the same place of the season (Hirsch, Slack & Smith 1982).
//!
//! Sources: Mann (1945); Kendall (1975), "Rank correlation methods". O(n log n). The values must be finite.

use super::autocorrelation::autocorrelation;
use super::pairs::{Pairs, ties};
use crate::statistics::special::{erfc, normal_quantile};

/// A test of no trend.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MannKendall {
    /// Pairs that rise minus pairs that fall.
    pub score: f64,
    /// The variance of the score without a trend.
    pub variance: f64,
    /// The score as a share of all pairs (Kendall's tau-a): -1 to 1.
    pub tau: f64,
    /// The standardised score.
    pub z: f64,
    /// The two-sided p-value.
    pub p_value: f64,
    /// What the variance was multiplied by because of autocorrelation; 1 where nothing was corrected.
    pub correction: f64,
}

/// Why a test is not defined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TrendError {
    /// Too few values.
    #[error("needs at least 4 values")]
    Few,
    /// All values are equal.
    #[error("all values are equal")]
    Constant,
    /// The corrected variance is not positive.
    #[error("the variance corrected for autocorrelation is not positive")]
    Variance,
}

/// The plain test, for independent values.
///
/// Errors: fewer than 4 values, constant values.
pub fn mann_kendall(values: &[f64]) -> Result<MannKendall, TrendError> {
    if values.len() < 4 {
        return Err(TrendError::Few);
    }
    let (score, pairs) = score(values);
    finish(score, score_variance(values), pairs, 1.0)
}

/// The test with the variance corrected for autocorrelation at the lags 1 to `lags`, as far as that of the ranks of what the
/// Theil-Sen slope leaves is significant at the two-sided level `alpha`.
///
/// Errors: as [`mann_kendall`], and when the corrected variance is not positive.
#[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^53")]
pub fn hamed_rao(values: &[f64], slope: f64, lags: usize, alpha: f64) -> Result<MannKendall, TrendError> {
    let plain = mann_kendall(values)?;
    let n = values.len() as f64;
    let rest: Vec<f64> = values.iter().enumerate().map(|(at, value)| value - slope * (at + 1) as f64).collect();
    // A straight line leaves nothing whose ranks could go together.
    let Some(correlations) = autocorrelation(&ranks(&rest), lags) else { return Ok(plain) };
    let limit = normal_quantile(1.0 - alpha / 2.0) / n.sqrt();
    let weighted = |(lag, correlation): (usize, &f64)| {
        let left = n - lag as f64;
        left * (left - 1.0) * (left - 2.0) * correlation
    };
    let significant = correlations.iter().enumerate().skip(1).filter(|(_, correlation)| correlation.abs() > limit);
    let sum: f64 = significant.map(weighted).sum();
    let correction = 1.0 + 2.0 / (n * (n - 1.0) * (n - 2.0)) * sum;
    if correction <= 0.0 {
        return Err(TrendError::Variance);
    }
    finish(plain.score, plain.variance * correction, n * (n - 1.0) / 2.0, correction)
}

/// The test within each place of a season of `period` values; the places are taken for independent.
///
/// Errors: as [`mann_kendall`]; a season that is shorter than 2 or comes less than twice.
pub fn seasonal(values: &[f64], period: usize) -> Result<MannKendall, TrendError> {
    if period < 2 || values.len() < (2 * period).max(4) {
        return Err(TrendError::Few);
    }
    let (mut total, mut variance, mut pairs) = (0.0, 0.0, 0.0);
    for place in 0..period {
        let along: Vec<f64> = values.iter().skip(place).step_by(period).copied().collect();
        let (part, of) = score(&along);
        total += part;
        pairs += of;
        variance += score_variance(&along);
    }
    finish(total, variance, pairs, 1.0)
}

fn finish(score: f64, variance: f64, pairs: f64, correction: f64) -> Result<MannKendall, TrendError> {
    if variance <= 0.0 {
        return Err(TrendError::Constant);
    }
    let z = if score == 0.0 { 0.0 } else { (score - score.signum()) / variance.sqrt() };
    let p_value = erfc(z.abs() / std::f64::consts::SQRT_2);
    Ok(MannKendall { score, variance, tau: score / pairs, z, p_value, correction })
}

#[expect(clippy::cast_precision_loss, reason = "pairs of fewer than 1e8 values are below 2^53")]
fn score(values: &[f64]) -> (f64, f64) {
    let pairs = Pairs::count(values);
    (pairs.up as f64 - pairs.down as f64, (pairs.up + pairs.down + pairs.tied) as f64)
}

/// The variance of Kendall's score without a trend, less what ties take.
#[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^53")]
pub fn score_variance(values: &[f64]) -> f64 {
    let term = |n: f64| n * (n - 1.0) * (2.0 * n + 5.0);
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let tied: f64 = ties(&sorted).filter(|run| *run > 1).map(|run| term(run as f64)).sum();
    (term(values.len() as f64) - tied) / 18.0
}

/// Ranks from 1; equal values get the mean of theirs.
#[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^53")]
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<(usize, f64)> = values.iter().copied().enumerate().collect();
    order.sort_unstable_by(|a, b| a.1.total_cmp(&b.1));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for run in order.chunk_by(|a, b| a.1 == b.1) {
        let rank = before as f64 + (run.len() as f64 + 1.0) / 2.0;
        for (at, _) in run {
            if let Some(slot) = ranks.get_mut(*at) {
                *slot = rank;
            }
        }
        before += run.len();
    }
    ranks
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use crate::statistics::oracle::{assert_close, cases};
    use crate::statistics::series::theil_sen::theil_sen;

    #[test]
    fn agrees_with_pymannkendall() {
        for case in cases(include_str!("../../../tests/data/oracle/series.json"), "mann_kendall") {
            let values = case.list("values");
            let found = match case.text("test").as_str() {
                "original" => mann_kendall(&values),
                "hamed_rao" => {
                    let x: Vec<f64> = (0..values.len()).map(|at| at as f64).collect();
                    let slope = theil_sen(&x, &values, 1.0, 0.95).unwrap().slope;
                    hamed_rao(&values, slope, case.integer("lags") as usize, 0.05)
                }
                "seasonal" => seasonal(&values, case.integer("period") as usize),
                other => panic!("unknown test {other}"),
            }
            .unwrap();
            let name = case.text("name");
            assert_close(found.score, case.number("score"), 1e-12, &name);
            assert_close(found.variance, case.number("variance"), 1e-9, &name);
            assert_close(found.tau, case.number("tau"), 1e-12, &name);
            assert_close(found.z, case.number("z"), 1e-9, &name);
            assert_close(found.p_value, case.number("p_value"), 1e-9, &name);
        }
    }

    #[test]
    fn what_is_not_defined_says_why() {
        assert_eq!(mann_kendall(&[1.0, 2.0, 3.0]), Err(TrendError::Few));
        assert_eq!(mann_kendall(&[2.0; 10]), Err(TrendError::Constant));
        assert_eq!(seasonal(&[1.0, 2.0, 3.0, 4.0, 5.0], 3), Err(TrendError::Few));
        assert_eq!(seasonal(&[1.0; 12], 3), Err(TrendError::Constant));
        assert_eq!(hamed_rao(&[2.0; 10], 0.0, 3, 0.05), Err(TrendError::Constant));
    }

    #[test]
    fn a_straight_rise_has_tau_one() {
        let line: Vec<f64> = (0..20).map(f64::from).collect();
        let found = hamed_rao(&line, 1.0, 5, 0.05).unwrap();
        assert_eq!((found.tau, found.score, found.correction), (1.0, 190.0, 1.0));
    }
}
