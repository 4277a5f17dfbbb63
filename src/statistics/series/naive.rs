//! The forecast that every other has to beat: the next season is like the last one; without a season, the next value is like
//! the last one.
//!
//! Errors of one step have the variance of the differences over a season, and it adds up with every further season:
//! `sd (k + 1)^(1/2)` with `k` full seasons ahead. Source: Hyndman & Athanasopoulos, "Forecasting: principles and practice".

use super::holt_winters::intervals::Foretold;
use crate::statistics::special::normal_quantile;

/// Foretells the next `horizon` values; `period` is 1 without a season. None with no more values than a season has.
#[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^53")]
pub fn seasonal_naive(values: &[f64], period: usize, horizon: usize, confidence: f64) -> Option<Vec<Foretold>> {
    let period = period.max(1);
    let begin = values.len().checked_sub(period).filter(|begin| *begin > 0)?;
    let last = values.get(begin..)?;
    let squares: f64 = differences(values, period).map(|step| step * step).sum();
    let deviation = (squares / begin as f64).sqrt();
    let z = normal_quantile(0.5 + confidence / 2.0);
    let foretold = last.iter().cycle().take(horizon).enumerate().map(|(step, value)| {
        let reach = z * deviation * ((step / period + 1) as f64).sqrt();
        Foretold { value: *value, low: value - reach, high: value + reach }
    });
    Some(foretold.collect())
}

/// The mean absolute error of the naive forecast within the values: the unit of scaled errors (Hyndman & Koehler 2006). None
/// with no more values than a season has, or when it is 0.
#[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^53")]
pub(super) fn scale(values: &[f64], period: usize) -> Option<f64> {
    let steps = values.len().checked_sub(period.max(1)).filter(|steps| *steps > 0)?;
    let scale = differences(values, period.max(1)).map(f64::abs).sum::<f64>() / steps as f64;
    (scale > 0.0).then_some(scale)
}

fn differences(values: &[f64], period: usize) -> impl Iterator<Item = f64> {
    values.iter().zip(values.iter().skip(period)).map(|(before, after)| after - before)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn the_last_season_comes_again_with_growing_doubt() {
        // Differences over a season: 1, 1, 1, 1; so the deviation is 1.
        let found = seasonal_naive(&[1.0, 5.0, 2.0, 6.0, 3.0, 7.0], 2, 5, 0.95).unwrap();
        assert_eq!(found.iter().map(|next| next.value).collect::<Vec<_>>(), [3.0, 7.0, 3.0, 7.0, 3.0]);
        let reach: Vec<f64> = found.iter().map(|next| next.high - next.value).collect();
        assert!((reach[1] - 1.959_963_984_540_054).abs() < 1e-12);
        assert!((reach[4] / reach[0] - 3.0_f64.sqrt()).abs() < 1e-12);
        assert_eq!(seasonal_naive(&[1.0, 2.0], 2, 5, 0.95), None);
        assert_eq!((scale(&[1.0, 3.0, 2.0], 1), scale(&[4.0, 4.0], 1), scale(&[1.0], 1)), (Some(1.5), None, None));
    }
}
