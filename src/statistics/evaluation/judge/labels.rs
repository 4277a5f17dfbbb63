//! Judging rows that may have several labels at once.

use ndarray::{Array2, ArrayView2};

use super::super::Error;
use super::super::probabilities::cost;
use super::{Judge, Metric, Unit, finite, weight};

/// Judges probabilities of labels; each is predicted from a threshold on.
///
/// - Subset accuracy is the share of rows whose labels are all right; Hamming loss the share of wrong labels among all.
/// - Micro F1 counts all labels of all rows together; macro F1 is the mean over the labels, where a label that neither occurs
///   nor was predicted counts as 0, as in scikit-learn.
/// - Log loss is the mean over rows and labels.
#[derive(Debug, Clone)]
pub struct LabelJudge {
    metrics: Vec<Metric>,
    /// `[n, labels]`: whether the label is true, and whether it was predicted.
    cells: Array2<(bool, bool)>,
    losses: Vec<f64>,
}

/// How well one label is found.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct LabelScores {
    /// Rows that have it.
    pub support: f64,
    /// Rows that are predicted to have it.
    pub predicted: f64,
    /// Rows that are rightly predicted to have it.
    pub right: f64,
}

impl LabelScores {
    /// `2 TP / (2 TP + FP + FN)`; `None` where the label neither occurs nor was predicted.
    pub fn f1(&self) -> Option<f64> {
        share(2.0 * self.right, self.support + self.predicted)
    }

    /// The share of right ones among the predictions.
    pub fn precision(&self) -> Option<f64> {
        share(self.right, self.predicted)
    }

    /// The share of the rows with it that are found.
    pub fn recall(&self) -> Option<f64> {
        share(self.right, self.support)
    }
}

fn share(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}

impl LabelJudge {
    /// `truth` and `probabilities` are `[n, labels]`. Time `O(n labels)`.
    ///
    /// Errors: different shapes, a value outside `[0, 1]`.
    pub fn new(truth: ArrayView2<'_, bool>, probabilities: ArrayView2<'_, f64>, threshold: f64) -> Result<Self, Error> {
        if truth.dim() != probabilities.dim() {
            return Err(Error::Lengths { truth: truth.len(), predicted: probabilities.len() });
        }
        if let Some(((row, _), value)) = probabilities.indexed_iter().find(|(_, p)| !(0.0..=1.0).contains(*p)) {
            return Err(Error::Probability { row: row + 1, value: *value });
        }
        let cell = |place| {
            let p = probabilities.get(place).copied().unwrap_or(0.0);
            (truth.get(place).copied().unwrap_or(false), p >= threshold)
        };
        let labels = truth.ncols().max(1) as f64;
        let losses = truth.rows().into_iter().zip(probabilities.rows()).map(|(truth, row)| {
            let costs = truth.iter().zip(row).map(|(t, p)| cost(if *t { *p } else { 1.0 - p }));
            costs.sum::<f64>() / labels
        });
        Ok(Self {
            metrics: vec![
                Metric::higher("micro F1", Unit::Number),
                Metric::higher("macro F1", Unit::Number),
                Metric::higher("subset accuracy", Unit::Share),
                Metric::lower("Hamming loss", Unit::Share),
                Metric::lower("log loss", Unit::Number),
            ],
            losses: losses.collect(),
            cells: Array2::from_shape_fn(truth.dim(), cell),
        })
    }

    /// Counts for each label when row `i` counts `weights[i]` times.
    pub fn by_label(&self, weights: &[u32]) -> Vec<LabelScores> {
        let mut labels = vec![LabelScores::default(); self.cells.ncols()];
        for (row, cells) in self.cells.rows().into_iter().enumerate() {
            let weight = weight(weights, row);
            for (label, (truth, predicted)) in labels.iter_mut().zip(cells) {
                label.support += weight * f64::from(u8::from(*truth));
                label.predicted += weight * f64::from(u8::from(*predicted));
                label.right += weight * f64::from(u8::from(*truth && *predicted));
            }
        }
        labels
    }
}

impl Judge for LabelJudge {
    fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    fn rows(&self) -> usize {
        self.cells.nrows()
    }

    fn scores(&self, weights: &[u32]) -> Vec<Option<f64>> {
        let (mut all, mut right, mut wrong, mut loss) = (0.0, 0.0, 0.0, 0.0);
        for (row, (cells, cost)) in self.cells.rows().into_iter().zip(&self.losses).enumerate() {
            let weight = weight(weights, row);
            let errors = cells.iter().filter(|(truth, predicted)| truth != predicted).count();
            all += weight;
            right += weight * f64::from(u8::from(errors == 0));
            wrong += weight * errors as f64;
            loss += weight * cost;
        }
        let labels = self.by_label(weights);
        let together = labels.iter().fold(LabelScores::default(), |sum, label| LabelScores {
            support: sum.support + label.support,
            predicted: sum.predicted + label.predicted,
            right: sum.right + label.right,
        });
        let sum: f64 = labels.iter().map(|label| label.f1().unwrap_or(0.0)).sum();
        finite([
            together.f1(),
            share(sum, labels.len() as f64).filter(|_| all > 0.0),
            share(right, all),
            share(wrong, all * labels.len() as f64),
            share(loss, all),
        ])
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::super::super::oracle::{assert_metric, booleans, classes, evaluation, numbers};
    use super::*;

    #[test]
    fn labels_are_judged_as_by_scikit_learn() {
        for case in evaluation()["labels"].as_array().unwrap() {
            let weights = classes(&case["weights"]);
            let shape = (weights.len(), case["labels"].as_u64().unwrap() as usize);
            let truth = Array2::from_shape_vec(shape, booleans(&case["truth"])).unwrap();
            let p = Array2::from_shape_vec(shape, numbers(&case["probability"])).unwrap();
            let judge = LabelJudge::new(truth.view(), p.view(), 0.5).unwrap();
            for (metric, value) in judge.metrics().iter().zip(judge.scores(&weights)) {
                assert!(case["expected"].get(&metric.name).is_some(), "{}", metric.name);
                assert_metric(value, &case["expected"][&metric.name]);
            }
            for (label, scores) in judge.by_label(&weights).iter().enumerate() {
                assert_metric(scores.f1().or(Some(0.0)), &case["f1"][label]);
                assert_metric(scores.precision().or(Some(0.0)), &case["precision"][label]);
                assert_metric(scores.recall().or(Some(0.0)), &case["recall"][label]);
            }
        }
    }

    #[test]
    fn shapes_that_differ_are_refused() {
        let truth = Array2::from_elem((2, 3), true);
        let p = Array2::from_elem((2, 2), 0.5);
        let error = LabelJudge::new(truth.view(), p.view(), 0.5).unwrap_err().to_string();
        assert_eq!(error, "there are 6 true values and 4 predictions");
    }
}
