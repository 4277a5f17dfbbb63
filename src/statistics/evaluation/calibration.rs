//! Whether probabilities can be taken at their word: reliability curve, expected and maximum calibration error.

use super::Error;
use super::probabilities::check;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::NonZeroUsize;

/// How far probabilities can be taken at their word.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Calibration {
    /// The bins from the lowest probabilities to the highest; empty ones too.
    pub bins: Vec<CalibrationBin>,
    /// The expected calibration error: the mean over the rows of the distance between the mean probability of the row's
    /// bin and the share that came true there (Naeini, Cooper & Hauskrecht 2015). `None` without rows.
    pub expected_error: Option<f64>,
    /// The largest of these distances. `None` without rows.
    pub maximum_error: Option<f64>,
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

/// How `[0, 1]` is cut into bins of probabilities.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Binning {
    /// Bins of equal width over `[0, 1]`, each with its lower border in it, the last with 1.
    #[default]
    EqualWidth,
    /// Bins of as equal numbers of rows as ties allow, cut at quantiles (linear between rows), each with its upper border in it.
    EqualMass,
}

/// The borders between bins: which bin a probability falls into.
#[derive(Debug, Clone, PartialEq)]
pub struct Borders {
    /// All borders, from the lowest to the highest: one more than there are bins.
    edges: Vec<f64>,
    binning: Binning,
}

impl Borders {
    /// Cuts for these probabilities. Time `O(bins)`, and `O(n log n)` for bins of equal mass.
    pub fn new(probabilities: &[f64], binning: Binning, bins: NonZeroUsize) -> Self {
        let count = bins.get();
        let part = |i: usize| i as f64 / count as f64;
        let edges = match binning {
            Binning::EqualWidth => (0..=count).map(part).collect(),
            Binning::EqualMass => {
                let mut sorted = probabilities.to_vec();
                sorted.sort_unstable_by(f64::total_cmp);
                (0..=count).map(|i| linear_quantile(&sorted, part(i)).unwrap_or_else(|| part(i))).collect()
            }
        };
        Self { edges, binning }
    }

    /// How many bins there are.
    pub fn count(&self) -> usize {
        self.edges.len().saturating_sub(1)
    }

    /// The bin of a probability.
    pub fn place(&self, probability: f64) -> usize {
        let last = self.count().saturating_sub(1);
        match self.binning {
            Binning::EqualWidth => ((probability * self.count() as f64) as usize).min(last),
            Binning::EqualMass => {
                let inner = self.edges.get(1..last + 1).unwrap_or_default();
                inner.partition_point(|edge| *edge < probability)
            }
        }
    }
}

/// A quantile of sorted values, linear between them as by default in NumPy; `None` without values.
pub(super) fn linear_quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let position = share.clamp(0.0, 1.0) * last as f64;
    let below = (position.floor() as usize).min(last);
    let (low, high) = (sorted.get(below)?, sorted.get((below + 1).min(last))?);
    let between = position - below as f64;
    Some(if low == high { *low } else { low + (high - low) * between })
}

/// Rows of a bin while they are added up: how many, their probabilities, how many came true.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct BinSums {
    pub(super) rows: f64,
    pub(super) probability: f64,
    pub(super) trues: f64,
}

/// The expected and the maximum calibration error of bins; `None` without rows.
pub(super) fn errors(bins: &[BinSums]) -> Option<(f64, f64)> {
    let all: f64 = bins.iter().map(|bin| bin.rows).sum();
    let (mut sum, mut largest) = (0.0, 0.0_f64);
    for bin in bins.iter().filter(|bin| bin.rows > 0.0) {
        let distance = (bin.trues - bin.probability).abs();
        sum += distance;
        largest = largest.max(distance / bin.rows);
    }
    (all > 0.0).then(|| (sum / all, largest))
}

impl Calibration {
    /// Sorts the rows into bins; 10 are usual.
    ///
    /// Errors: different lengths, a value outside `[0, 1]`.
    pub fn new(truth: &[bool], probabilities: &[f64], binning: Binning, bins: NonZeroUsize) -> Result<Self, Error> {
        check(truth, probabilities)?;
        let borders = Borders::new(probabilities, binning, bins);
        let mut sums = vec![BinSums::default(); bins.get()];
        for (&t, &p) in truth.iter().zip(probabilities) {
            if let Some(bin) = sums.get_mut(borders.place(p)) {
                bin.rows += 1.0;
                bin.probability += p;
                bin.trues += f64::from(u8::from(t));
            }
        }
        let errors = errors(&sums);
        let edges = borders.edges.windows(2);
        let bins = sums.into_iter().zip(edges).map(|(sums, edges)| CalibrationBin {
            from: edges.first().copied().unwrap_or(0.0),
            to: edges.last().copied().unwrap_or(1.0),
            count: sums.rows as u64,
            mean_probability: (sums.rows > 0.0).then(|| sums.probability / sums.rows),
            true_share: (sums.rows > 0.0).then(|| sums.trues / sums.rows),
        });
        Ok(Self {
            bins: bins.collect(),
            expected_error: errors.map(|(expected, _)| expected),
            maximum_error: errors.map(|(_, maximum)| maximum),
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::super::oracle::{assert_metric, booleans, evaluation, numbers, sklearn};
    use super::*;

    const TEN: NonZeroUsize = NonZeroUsize::new(10).unwrap();

    #[test]
    fn bins_of_equal_width_are_those_of_scikit_learn() {
        for case in sklearn()["probabilities"].as_array().unwrap() {
            let (truth, p) = (booleans(&case["truth"]), numbers(&case["probability"]));
            let calibration = Calibration::new(&truth, &p, Binning::EqualWidth, TEN).unwrap();
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
    fn bins_of_equal_mass_are_those_of_scikit_learn() {
        for case in evaluation()["calibration"].as_array().unwrap() {
            let (truth, p) = (booleans(&case["truth"]), numbers(&case["probability"]));
            let bins = NonZeroUsize::new(case["bins"].as_u64().unwrap() as usize).unwrap();
            let calibration = Calibration::new(&truth, &p, Binning::EqualMass, bins).unwrap();
            let filled: Vec<_> = calibration.bins.iter().filter(|b| b.count > 0).collect();
            assert_eq!(filled.len(), case["mean"].as_array().unwrap().len());
            for (i, bin) in filled.iter().enumerate() {
                assert_metric(bin.mean_probability, &case["mean"][i]);
                assert_metric(bin.true_share, &case["fraction"][i]);
            }
            assert_metric(calibration.expected_error, &case["ece"]);
            assert_metric(calibration.maximum_error, &case["mce"]);
        }
    }

    #[test]
    fn borders_belong_to_the_bin_above_and_one_to_the_last() {
        let two = NonZeroUsize::new(2).unwrap();
        let calibration = Calibration::new(&[true; 3], &[0.0, 0.5, 1.0], Binning::EqualWidth, two).unwrap();
        assert_eq!(calibration.bins.iter().map(|b| b.count).collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn without_rows_nothing_is_defined() {
        for binning in [Binning::EqualWidth, Binning::EqualMass] {
            let calibration = Calibration::new(&[], &[], binning, TEN).unwrap();
            assert_eq!((calibration.expected_error, calibration.maximum_error), (None, None));
            assert_eq!(calibration.bins.len(), 10);
        }
        assert!(Calibration::new(&[true], &[2.0], Binning::EqualMass, TEN).is_err());
    }

    #[test]
    fn equal_probabilities_share_a_bin() {
        let calibration = Calibration::new(&[true, false, true], &[0.3; 3], Binning::EqualMass, TEN).unwrap();
        let filled: Vec<u64> = calibration.bins.iter().map(|bin| bin.count).filter(|count| *count > 0).collect();
        assert_eq!(filled, [3]);
        assert!((calibration.maximum_error.unwrap() - (2.0 / 3.0 - 0.3)).abs() < 1e-15);
    }
}
