//! How a series goes with itself some steps later: the autocorrelation function.
//!
//! `r(k) = sum (y(t) - mean)(y(t + k) - mean) / sum (y(t) - mean)^2`, by the Fourier transform (Wiener-Khinchin) in
//! O(n log n). Limits are Bartlett's (1946): the variance of `r(k)`, when there is no correlation from lag k on, is
//! `(1 + 2 (r(1)^2 + .. + r(k-1)^2)) / n`. Box, Jenkins & Reinsel, "Time series analysis".

use rustfft::FftPlanner;
use rustfft::num_complex::Complex;

use crate::statistics::special::normal_quantile;

/// Autocorrelations for the lags 0, 1, .. `lags` (at most n - 1): the first is 1. None for a constant series or less than 2
/// values. The values must be finite.
pub fn autocorrelation(values: &[f64], lags: usize) -> Option<Vec<f64>> {
    let n = values.len();
    let centred = centred(values)?;
    let lags = lags.min(n - 1);
    let length = (n + lags).next_power_of_two();
    let mut buffer: Vec<Complex<f64>> = centred.iter().map(|value| Complex::new(*value, 0.0)).collect();
    buffer.resize(length, Complex::new(0.0, 0.0));
    let mut planner = FftPlanner::new();
    planner.plan_fft_forward(length).process(&mut buffer);
    buffer.iter_mut().for_each(|value| *value = Complex::new(value.norm_sqr(), 0.0));
    planner.plan_fft_inverse(length).process(&mut buffer);
    let whole = buffer.first()?.re;
    let found: Vec<f64> = buffer.iter().take(lags + 1).map(|value| value.re / whole).collect();
    found.iter().all(|value| value.is_finite()).then_some(found)
}

/// Half the width of the limits around 0 for each lag (0 for lag 0): beyond them an autocorrelation is larger than chance
/// would have it with the given confidence.
#[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^53")]
pub fn bartlett_limits(correlations: &[f64], n: usize, confidence: f64) -> Vec<f64> {
    let z = normal_quantile(0.5 + confidence / 2.0);
    let mut squares = 0.0;
    let mut limits = Vec::with_capacity(correlations.len());
    for (lag, correlation) in correlations.iter().enumerate() {
        limits.push(if lag == 0 { 0.0 } else { z * ((1.0 + 2.0 * squares) / n as f64).sqrt() });
        if lag > 0 {
            squares += correlation * correlation;
        }
    }
    limits
}

/// The values minus their mean; none when they have no spread beyond rounding.
#[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^53")]
pub(super) fn centred(values: &[f64]) -> Option<Vec<f64>> {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let centred: Vec<f64> = values.iter().map(|value| value - mean).collect();
    let size = values.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    let spread = centred.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    (values.len() >= 2 && spread > 1e-14 * size).then_some(centred)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use crate::statistics::oracle::cases;

    #[test]
    fn agrees_with_statsmodels() {
        for case in cases(include_str!("../../../tests/data/oracle/series.json"), "autocorrelation") {
            let (values, expected) = (case.list("values"), case.list("correlations"));
            let found = autocorrelation(&values, expected.len() - 1).unwrap();
            for (found, expected) in found.iter().zip(&expected) {
                assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
            }
            for (found, expected) in bartlett_limits(&found, values.len(), 0.95).iter().zip(case.list("limits")) {
                assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
            }
        }
    }

    #[test]
    fn a_constant_series_has_none() {
        assert_eq!(autocorrelation(&[0.1; 9], 3), None);
        assert_eq!(autocorrelation(&[1.0], 3), None);
        assert_eq!(autocorrelation(&[], 3), None);
    }

    #[test]
    fn a_series_that_swings_goes_against_itself() {
        let found = autocorrelation(&[1.0, -1.0, 1.0, -1.0], 9).unwrap();
        let expected = [1.0, -0.75, 0.5, -0.25];
        assert_eq!(found.len(), 4);
        assert!(found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-15));
    }
}
