//! Predicted numbers against true ones.

use super::{Error, check_finite, check_lengths};
use serde::Serialize;

/// The usual distances between predicted and true numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RegressionMetrics {
    /// The mean absolute error, in the unit of the numbers.
    pub mae: f64,
    /// The root of the mean squared error, in the unit of the numbers.
    pub rmse: f64,
    /// The coefficient of determination: the share of the variance that the predictions explain,
    /// `1 - Σ (t - p)² / Σ (t - mean)²`. A perfect model has 1, one that is as good as the mean of these rows has 0,
    /// and a worse one is below. `None` where the true numbers are all the same.
    pub r2: Option<f64>,
}

impl RegressionMetrics {
    /// Compares `[n]` true numbers with `[n]` predictions. `None` without rows. Time `O(n)`.
    ///
    /// Errors: different lengths, a number that is not finite.
    pub fn new(truth: &[f64], predicted: &[f64]) -> Result<Option<Self>, Error> {
        check_lengths(truth.len(), predicted.len())?;
        check_finite(truth)?;
        check_finite(predicted)?;
        let Some(center) = mean(truth) else { return Ok(None) };
        let n = truth.len() as f64;
        let errors = || truth.iter().zip(predicted).map(|(t, p)| t - p);
        let error = root_sum_of_squares(errors());
        let spread = root_sum_of_squares(truth.iter().map(|t| t - center));
        // The mean of equal numbers may differ from them in the last digit, so the spread alone does not tell.
        let constant = truth.iter().all(|t| truth.first() == Some(t));
        Ok(Some(Self {
            mae: errors().map(|e| e.abs() / n).sum(),
            rmse: error / n.sqrt(),
            r2: (!constant).then(|| 1.0 - (error / spread).powi(2)).filter(|r2| r2.is_finite()),
        }))
    }
}

/// `sqrt(Σ v²)`, scaled so that no square overflows or vanishes.
fn root_sum_of_squares(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let largest = values.clone().fold(0.0f64, |largest, v| largest.max(v.abs()));
    if largest == 0.0 || largest.is_infinite() {
        return largest;
    }
    largest * values.map(|v| (v / largest).powi(2)).sum::<f64>().sqrt()
}

/// Divides before it adds, so that large numbers do not overflow.
fn mean(values: &[f64]) -> Option<f64> {
    let n = values.len() as f64;
    (!values.is_empty()).then(|| values.iter().map(|v| v / n).sum())
}

/// The simplest regression: always the mean of the training numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct MeanBaseline {
    /// The prediction.
    pub mean: f64,
    /// How good it is; `None` where there are no rows to judge it on.
    pub metrics: Option<RegressionMetrics>,
}

impl MeanBaseline {
    /// Learns from `fit` and is judged on `truth`. `None` where there is nothing to learn from.
    ///
    /// Errors: a number that is not finite.
    pub fn new(fit: &[f64], truth: &[f64]) -> Result<Option<Self>, Error> {
        check_finite(fit)?;
        let Some(mean) = mean(fit) else { return Ok(None) };
        Ok(Some(Self { mean, metrics: RegressionMetrics::new(truth, &vec![mean; truth.len()])? }))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::super::oracle::{assert_metric, numbers, sklearn};
    use super::*;

    #[test]
    fn errors_are_those_of_scikit_learn() {
        for case in sklearn()["regression"].as_array().unwrap() {
            let got = RegressionMetrics::new(&numbers(&case["truth"]), &numbers(&case["predicted"])).unwrap().unwrap();
            assert_metric(Some(got.mae), &case["mae"]);
            assert_metric(Some(got.rmse), &case["rmse"]);
            assert_metric(got.r2, &case["r2"]);
        }
    }

    #[test]
    fn the_mean_is_judged_as_by_scikit_learn() {
        let case = &sklearn()["baselines"]["numbers"];
        let baseline = MeanBaseline::new(&numbers(&case["fit"]), &numbers(&case["truth"])).unwrap().unwrap();
        assert_metric(Some(baseline.mean), &case["mean"]);
        let got = baseline.metrics.unwrap();
        assert_metric(Some(got.mae), &case["mae"]);
        assert_metric(Some(got.rmse), &case["rmse"]);
        assert_metric(got.r2, &case["r2"]);
    }

    #[test]
    fn equal_numbers_have_no_variance_to_explain() {
        let got = RegressionMetrics::new(&[0.1; 10], &[0.3; 10]).unwrap().unwrap();
        assert_eq!(got.r2, None);
        assert!((got.mae - 0.2).abs() < 1e-15 && (got.rmse - 0.2).abs() < 1e-15);
    }

    #[test]
    fn very_large_and_very_small_numbers_keep_their_digits() {
        for scale in [1e200, 1e-200] {
            let got = RegressionMetrics::new(&[0.0, scale], &[scale, scale]).unwrap().unwrap();
            assert!((got.rmse / scale - 0.5f64.sqrt()).abs() < 1e-12);
            assert!((got.r2.unwrap() + 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn without_rows_nothing_is_defined() {
        assert_eq!(RegressionMetrics::new(&[], &[]), Ok(None));
        assert_eq!(MeanBaseline::new(&[], &[1.0]), Ok(None));
        assert_eq!(MeanBaseline::new(&[1.0, 3.0], &[]), Ok(Some(MeanBaseline { mean: 2.0, metrics: None })));
    }

    #[test]
    fn what_cannot_be_compared_is_refused() {
        let refusal = |t: &[f64], p: &[f64]| RegressionMetrics::new(t, p).unwrap_err().to_string();
        assert_eq!(refusal(&[1.0], &[]), "there are 1 true values and 0 predictions");
        assert_eq!(refusal(&[1.0, f64::NAN], &[1.0, 1.0]), "row 2 is NaN, it must be a finite number");
        assert_eq!(refusal(&[1.0], &[f64::INFINITY]), "row 1 is inf, it must be a finite number");
    }
}
