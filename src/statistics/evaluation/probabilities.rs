//! Probabilities, judged as such: a forecast of 0.7 should come true seven times in ten.

use super::{Error, check_lengths, check_probabilities};
use ndarray::ArrayView2;
use serde::Serialize;
use std::num::NonZeroUsize;

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

fn cost(p: f64) -> f64 {
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

/// How far probabilities can be taken at their word.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Calibration {
    /// Bins of equal width over `[0, 1]`, each with its lower border in it, the last with 1; the empty ones too.
    pub bins: Vec<CalibrationBin>,
    /// The expected calibration error: the mean over the rows of the distance between the mean probability of the row's
    /// bin and the share that came true there (Naeini, Cooper & Hauskrecht 2015). `None` without rows.
    pub expected_error: Option<f64>,
}

/// The rows whose probability lies in one bin: a point of the reliability curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CalibrationBin {
    /// The lower border.
    pub from: f64,
    /// The upper border.
    pub to: f64,
    /// How many rows.
    pub count: u64,
    /// Their mean probability; `None` where there are none.
    pub mean_probability: Option<f64>,
    /// The share of them that came true; `None` where there are none.
    pub true_share: Option<f64>,
}

impl Calibration {
    /// Sorts the rows into bins; 10 are usual.
    ///
    /// Errors: different lengths, a value outside `[0, 1]`.
    pub fn new(truth: &[bool], probabilities: &[f64], bins: NonZeroUsize) -> Result<Self, Error> {
        check(truth, probabilities)?;
        let count = bins.get();
        let mut sums = vec![(0u64, 0.0f64, 0u64); count];
        for (&t, &p) in truth.iter().zip(probabilities) {
            if let Some((rows, sum, trues)) = sums.get_mut(((p * count as f64) as usize).min(count - 1)) {
                *rows += 1;
                *sum += p;
                *trues += u64::from(t);
            }
        }
        let bins = sums.into_iter().enumerate().map(|(i, (rows, sum, trues))| CalibrationBin {
            from: i as f64 / count as f64,
            to: (i + 1) as f64 / count as f64,
            count: rows,
            mean_probability: (rows > 0).then(|| sum / rows as f64),
            true_share: (rows > 0).then(|| trues as f64 / rows as f64),
        });
        let bins: Vec<CalibrationBin> = bins.collect();
        let distance = |bin: &CalibrationBin| Some(bin.count as f64 * (bin.true_share? - bin.mean_probability?).abs());
        let sum: f64 = bins.iter().filter_map(distance).sum();
        let expected_error = (!truth.is_empty()).then(|| sum / truth.len() as f64);
        Ok(Self { bins, expected_error })
    }
}

fn check(truth: &[bool], probabilities: &[f64]) -> Result<(), Error> {
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

    const TEN: NonZeroUsize = NonZeroUsize::new(10).unwrap();

    #[test]
    fn losses_and_calibration_are_those_of_scikit_learn() {
        for case in sklearn()["probabilities"].as_array().unwrap() {
            let (truth, p) = (booleans(&case["truth"]), numbers(&case["probability"]));
            assert_metric(log_loss(&truth, &p).unwrap(), &case["log_loss"]);
            assert_metric(brier_score(&truth, &p).unwrap(), &case["brier"]);
            let calibration = Calibration::new(&truth, &p, TEN).unwrap();
            assert_metric(calibration.expected_error, &case["ece"]);
            assert_eq!(calibration.bins.iter().map(|b| b.count).sum::<u64>(), truth.len() as u64);
            let filled: Vec<_> = calibration.bins.iter().filter(|b| b.count > 0).collect();
            assert_eq!(filled.len(), case["calibration_mean"].as_array().unwrap().len());
            for (i, bin) in filled.iter().enumerate() {
                assert_metric(bin.mean_probability, &case["calibration_mean"][i]);
                assert_metric(bin.true_share, &case["calibration_fraction"][i]);
            }
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
    fn borders_belong_to_the_bin_above_and_one_to_the_last() {
        let calibration = Calibration::new(&[true; 3], &[0.0, 0.5, 1.0], NonZeroUsize::new(2).unwrap()).unwrap();
        assert_eq!(calibration.bins.iter().map(|b| b.count).collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn without_rows_nothing_is_defined() {
        assert_eq!((log_loss(&[], &[]), brier_score(&[], &[])), (Ok(None), Ok(None)));
        let calibration = Calibration::new(&[], &[], TEN).unwrap();
        assert_eq!((calibration.expected_error, calibration.bins.len()), (None, 10));
    }

    #[test]
    fn what_is_no_probability_is_refused() {
        for value in [1.5, -0.1, f64::NAN] {
            let refusal = log_loss(&[true, true], &[0.5, value]).unwrap_err().to_string();
            assert_eq!(refusal, format!("row 2 is {value}, a probability lies in [0, 1]"));
        }
        assert!(brier_score(&[true], &[]).is_err());
        assert!(Calibration::new(&[true], &[2.0], TEN).is_err());
    }
}
