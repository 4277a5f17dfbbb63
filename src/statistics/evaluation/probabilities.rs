//! Probabilities, judged as such: a forecast of 0.7 should come true seven times in ten.

use super::{Error, check_lengths, check_probabilities};
use ndarray::ArrayView2;

/// The mean of `-ln p` of what came true. Probabilities are clipped to `[ε, 1 - ε]` with `ε = 2^-52`, so that one wrong
/// certainty costs 36 and not infinity. `None` without rows.
///
/// Errors: different lengths, a value outside `[0, 1]`.
pub fn log_loss(truth: &[bool], probabilities: &[f64]) -> Result<Option<f64>, Error> {
    check(truth, probabilities)?;
    Ok(mean(truth.iter().zip(probabilities).map(|(&t, &p)| cost(if t { p } else { 1.0 - p }))))
}

/// [`log_loss`] for several classes: `truth` is `[n]`, `probabilities` is `[n, classes]` with rows that sum to 1.
pub fn multiclass_log_loss(truth: &[u32], probabilities: ArrayView2<'_, f64>) -> Result<Option<f64>, Error> {
    check_probabilities(truth, probabilities)?;
    let rows = truth.iter().zip(probabilities.rows());
    Ok(mean(rows.map(|(&t, row)| cost(row.get(t as usize).copied().unwrap_or(0.0)))))
}

/// The log loss of a row whose truth had the probability `p`.
pub(super) fn cost(p: f64) -> f64 {
    -p.clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln()
}

/// The mean squared difference between the probability and what came true, 1 or 0 (Brier 1950): 0 is perfect, 1 is
/// certain and always wrong. `None` without rows.
///
/// Errors: different lengths, a value outside `[0, 1]`.
pub fn brier_score(truth: &[bool], probabilities: &[f64]) -> Result<Option<f64>, Error> {
    check(truth, probabilities)?;
    Ok(mean(truth.iter().zip(probabilities).map(|(&t, &p)| (p - f64::from(u8::from(t))).powi(2))))
}

/// [`brier_score`] for several classes: the squared differences are added up over the classes, so the worst is 2.
/// `truth` is `[n]`, `probabilities` is `[n, classes]`.
pub fn multiclass_brier_score(truth: &[u32], probabilities: ArrayView2<'_, f64>) -> Result<Option<f64>, Error> {
    check_probabilities(truth, probabilities)?;
    Ok(mean(truth.iter().zip(probabilities.rows()).map(|(&t, row)| {
        let difference = |(class, &p): (usize, &f64)| (p - f64::from(u8::from(class == t as usize))).powi(2);
        row.iter().enumerate().map(difference).sum()
    })))
}

pub(super) fn check(truth: &[bool], probabilities: &[f64]) -> Result<(), Error> {
    check_lengths(truth.len(), probabilities.len())?;
    match probabilities.iter().enumerate().find(|(_, p)| !(0.0..=1.0).contains(*p)) {
        Some((i, &value)) => Err(Error::Probability { row: i + 1, value }),
        None => Ok(()),
    }
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> Option<f64> {
    let n = values.len();
    (n > 0).then(|| values.sum::<f64>() / n as f64)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::super::oracle::{assert_metric, booleans, classes, numbers, sklearn};
    use super::*;
    use ndarray::Array2;

    #[test]
    fn losses_are_those_of_scikit_learn() {
        for case in sklearn()["probabilities"].as_array().unwrap() {
            let (truth, p) = (booleans(&case["truth"]), numbers(&case["probability"]));
            assert_metric(log_loss(&truth, &p).unwrap(), &case["log_loss"]);
            assert_metric(brier_score(&truth, &p).unwrap(), &case["brier"]);
        }
    }

    #[test]
    fn several_classes_are_judged_as_by_scikit_learn() {
        let case = &sklearn()["multiclass"];
        let rows = case["probability"].as_array().unwrap();
        let p = Array2::from_shape_vec((rows.len(), 4), rows.iter().flat_map(numbers).collect()).unwrap();
        let truth = classes(&case["truth"]);
        assert_metric(multiclass_log_loss(&truth, p.view()).unwrap(), &case["log_loss"]);
        assert_metric(multiclass_brier_score(&truth, p.view()).unwrap(), &case["brier"]);
    }

    #[test]
    fn without_rows_nothing_is_defined() {
        assert_eq!((log_loss(&[], &[]), brier_score(&[], &[])), (Ok(None), Ok(None)));
    }

    #[test]
    fn what_is_no_probability_is_refused() {
        for value in [1.5, -0.1, f64::NAN] {
            let refusal = log_loss(&[true, true], &[0.5, value]).unwrap_err().to_string();
            assert_eq!(refusal, format!("row 2 is {value}, a probability lies in [0, 1]"));
        }
        assert!(brier_score(&[true], &[]).is_err());
    }
}
