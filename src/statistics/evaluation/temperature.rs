//! Temperature scaling: probabilities made less sure, or more, without changing their order.

use super::{Error, check_probabilities};
use ndarray::{ArrayView2, ArrayViewMut1};
use serde::{Deserialize, Serialize};

/// Divides log-probabilities by one number (Guo, Pleiss, Sun & Weinberger 2017): above 1 a network was too sure of itself.
///
/// The probabilities of a row become `p_i^(1/T) / Σ p_j^(1/T)`, which is the softmax of the logits divided by `T`. Of a binary
/// target the two classes are `1 - p` and `p`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Temperature(f64);

/// The inverse temperatures that are looked at.
const RANGE: (f64, f64) = (0.01, 100.0);
/// Probabilities below this are as good as 0.
const LEAST: f64 = 1e-300;

impl Temperature {
    /// The temperature with the lowest log loss on the probabilities `[n, classes]` of rows with the true classes `[n]`, from
    /// 0.01 to 100. The log loss is convex in `1 / T`: Newton's method inside of a bracket that shrinks. Time `O(n classes)`
    /// for each of about ten steps. `None` without rows.
    ///
    /// Errors: different lengths, a class beyond the columns, a value outside `[0, 1]`.
    pub fn fit(truth: &[u32], probabilities: ArrayView2<'_, f64>) -> Result<Option<Self>, Error> {
        check_probabilities(truth, probabilities)?;
        if truth.is_empty() || probabilities.ncols() == 0 {
            return Ok(None);
        }
        let logs = probabilities.mapv(|p| p.max(LEAST).ln());
        let (mut low, mut high) = RANGE;
        let mut inverse = 1.0_f64;
        for _ in 0..100 {
            let (slope, curvature) = derivatives(truth, logs.view(), inverse);
            if slope > 0.0 {
                high = inverse;
            } else {
                low = inverse;
            }
            let newton = inverse - slope / curvature;
            let next = if newton > low && newton < high { newton } else { (low * high).sqrt() };
            let step = (next - inverse).abs();
            inverse = next;
            if step <= 1e-12 * inverse || high - low <= 1e-12 * high {
                break;
            }
        }
        Ok(Some(Self(1.0 / inverse)))
    }

    /// The number itself.
    pub fn value(self) -> f64 {
        self.0
    }

    /// A stored one; `None` for what is no temperature.
    pub fn of(value: f64) -> Option<Self> {
        (value.is_finite() && value > 0.0).then_some(Self(value))
    }

    /// Changes the probabilities of the classes of one row.
    pub fn apply(self, mut row: ArrayViewMut1<'_, f64>) {
        row.mapv_inplace(|p| p.max(LEAST).ln() / self.0);
        let largest = row.fold(f64::NEG_INFINITY, |largest, value| largest.max(*value));
        row.mapv_inplace(|value| (value - largest).exp());
        let sum = row.sum();
        if sum > 0.0 {
            row.mapv_inplace(|value| value / sum);
        }
    }

    /// Changes the probability of yes of a binary target.
    pub fn apply_binary(self, p: f64) -> f64 {
        let mut row = ndarray::arr1(&[1.0 - p, p]);
        self.apply(row.view_mut());
        row.get(1).copied().unwrap_or(p).clamp(0.0, 1.0)
    }
}

/// The first two derivatives of the sum of the log losses by the inverse temperature.
fn derivatives(truth: &[u32], logs: ArrayView2<'_, f64>, inverse: f64) -> (f64, f64) {
    let (mut slope, mut curvature) = (0.0, 0.0);
    for (&truth, row) in truth.iter().zip(logs.rows()) {
        let largest = row.fold(f64::NEG_INFINITY, |largest, value| largest.max(*value));
        let (mut sum, mut mean, mut square) = (0.0, 0.0, 0.0);
        for log in row {
            let weight = ((log - largest) * inverse).exp();
            sum += weight;
            mean += weight * (log - largest);
            square += weight * (log - largest) * (log - largest);
        }
        let of_truth = row.get(truth as usize).copied().unwrap_or(largest) - largest;
        slope += mean / sum - of_truth;
        curvature += (square / sum - (mean / sum).powi(2)).max(0.0);
    }
    (slope, curvature)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::super::multiclass_log_loss;
    use super::super::oracle::{assert_metric, classes, evaluation, numbers};
    use super::*;
    use ndarray::Array2;

    #[test]
    fn the_temperature_is_the_minimum_that_scipy_finds() {
        for case in evaluation()["temperature"].as_array().unwrap() {
            let truth = classes(&case["truth"]);
            let k = case["classes"].as_u64().unwrap() as usize;
            let mut p = Array2::from_shape_vec((truth.len(), k), numbers(&case["probability"])).unwrap();
            let temperature = Temperature::fit(&truth, p.view()).unwrap().unwrap();
            let expected = case["temperature"].as_f64().unwrap();
            assert!((temperature.value() / expected - 1.0).abs() < 1e-6, "{temperature:?} {expected}");
            p.rows_mut().into_iter().for_each(|row| temperature.apply(row));
            let loss = multiclass_log_loss(&truth, p.view()).unwrap();
            assert!((loss.unwrap() - case["log_loss"].as_f64().unwrap()).abs() < 1e-9);
            assert_metric(p.sum_axis(ndarray::Axis(1)).mean(), &serde_json::json!(1.0));
        }
    }

    #[test]
    fn certainty_that_is_always_right_is_left_finite() {
        let p = ndarray::arr2(&[[1.0, 0.0], [0.0, 1.0]]);
        let temperature = Temperature::fit(&[0, 1], p.view()).unwrap().unwrap();
        assert!(temperature.value().is_finite());
        assert!(temperature.apply_binary(1.0) <= 1.0 && temperature.apply_binary(0.0) >= 0.0);
        assert_eq!(Temperature::fit(&[], Array2::zeros((0, 2)).view()), Ok(None));
        assert_eq!((Temperature::of(f64::NAN), Temperature::of(0.0)), (None, None));
    }

    #[test]
    fn a_half_stays_a_half_and_the_order_stays() {
        let temperature = Temperature::of(2.5).unwrap();
        assert!((temperature.apply_binary(0.5) - 0.5).abs() < 1e-15);
        assert!(temperature.apply_binary(0.9) < 0.9 && temperature.apply_binary(0.9) > temperature.apply_binary(0.8));
    }
}
