//! Judging a target of several classes.

use ndarray::ArrayView2;

use super::super::calibration::{BinSums, errors};
use super::super::probabilities::cost;
use super::super::{Borders, ClassTally, Error, check_probabilities};
use super::steps::Steps;
use super::{Judge, Metric, Unit, finite, weight};

/// What is asked of several classes.
#[derive(Debug, Clone, Copy)]
pub struct ClassOptions<'a> {
    /// Whether the classes have an order, so that weighted kappas mean something.
    pub ordered: bool,
    /// The `k` of top-k accuracy; none where it says nothing.
    pub top: Option<usize>,
    /// Whether areas of one class against the rest are computed: they take the most time and 4 bytes for each row and class.
    pub areas: bool,
    /// Bins of the probability of the predicted class.
    pub borders: &'a Borders,
}

/// Judges probabilities of several classes; the most probable one is predicted, the first of equals.
#[derive(Debug, Clone)]
pub struct ClassJudge {
    metrics: Vec<Metric>,
    classes: usize,
    ordered: bool,
    truth: Vec<u32>,
    rows: Vec<Row>,
    has_top: bool,
    bin_count: usize,
    /// The rows by the probability of each class.
    steps: Vec<Steps>,
}

/// What a row costs.
#[derive(Debug, Clone, Copy)]
struct Row {
    predicted: u32,
    in_top: bool,
    bin: u16,
    confidence: f64,
    loss: f64,
    brier: f64,
}

/// The most probable class, the first of equals, with its probability; `None` without classes.
pub(in super::super) fn most_probable(row: impl IntoIterator<Item = f64>) -> Option<(u32, f64)> {
    (0u32..).zip(row).reduce(|best, next| if next.1 > best.1 { next } else { best })
}

impl ClassJudge {
    /// `truth` is `[n]`, `probabilities` is `[n, classes]` with rows that sum to 1. Time `O(n classes)`, with areas times
    /// `log n`.
    ///
    /// Errors: different lengths, a class beyond the columns, a value outside `[0, 1]`.
    pub fn new(truth: &[u32], probabilities: ArrayView2<'_, f64>, options: ClassOptions<'_>) -> Result<Self, Error> {
        check_probabilities(truth, probabilities)?;
        let mut metrics = vec![
            Metric::higher("accuracy", Unit::Share),
            Metric::higher("macro F1", Unit::Number),
            Metric::higher("weighted F1", Unit::Number),
            Metric::higher("balanced accuracy", Unit::Share),
            Metric::lower("log loss", Unit::Number),
            Metric::lower("Brier score", Unit::Number),
            Metric::higher("macro precision", Unit::Share),
            Metric::higher("macro recall", Unit::Share),
            Metric::higher("weighted precision", Unit::Share),
            Metric::higher("weighted recall", Unit::Share),
            Metric::higher("micro F1", Unit::Number),
            Metric::higher("Matthews correlation", Unit::Number),
            Metric::higher("kappa", Unit::Number),
            Metric::lower("expected calibration error", Unit::Share),
            Metric::lower("maximum calibration error", Unit::Share),
        ];
        if options.areas {
            metrics.extend(
                ["macro ROC AUC", "weighted ROC AUC", "macro average precision"]
                    .map(|n| Metric::higher(n, Unit::Number)),
            );
        }
        if options.ordered {
            metrics.extend(["linear kappa", "quadratic kappa"].map(|name| Metric::higher(name, Unit::Number)));
        }
        metrics.extend(options.top.map(|top| Metric::higher(format!("top-{top} accuracy"), Unit::Share)));
        let row = |(&t, row): (&u32, ndarray::ArrayView1<'_, f64>)| {
            let (predicted, confidence) = most_probable(row.iter().copied()).unwrap_or_default();
            let of_truth = row.get(t as usize).copied().unwrap_or(0.0);
            let before = |(class, p): (usize, &f64)| *p > of_truth || (*p == of_truth && class < t as usize);
            let squares: f64 = row.iter().map(|p| p * p).sum();
            Row {
                predicted,
                in_top: options.top.is_some_and(|top| row.iter().enumerate().filter(|one| before(*one)).count() < top),
                bin: u16::try_from(options.borders.place(confidence)).unwrap_or(u16::MAX),
                confidence,
                loss: cost(of_truth),
                brier: (squares - of_truth * of_truth).max(0.0) + (1.0 - of_truth).powi(2),
            }
        };
        let columns = probabilities.columns().into_iter().enumerate();
        let steps = columns.take(if options.areas { usize::MAX } else { 0 }).map(|(class, column)| {
            let is = |row: usize| truth.get(row).is_some_and(|truth| *truth as usize == class);
            Steps::new(|row| column.get(row).copied().unwrap_or(0.0), is, truth.len())
        });
        Ok(Self {
            metrics,
            classes: probabilities.ncols(),
            ordered: options.ordered,
            rows: truth.iter().zip(probabilities.rows()).map(row).collect(),
            truth: truth.to_vec(),
            has_top: options.top.is_some(),
            bin_count: options.borders.count(),
            steps: steps.collect(),
        })
    }

    /// The predicted classes.
    pub fn predicted(&self) -> impl Iterator<Item = u32> {
        self.rows.iter().map(|row| row.predicted)
    }

    /// Counts by class when row `i` counts `weights[i]` times.
    pub fn tally(&self, weights: &[u32]) -> ClassTally {
        let mut tally = ClassTally::new(self.classes);
        for ((truth, row), weight) in self.truth.iter().zip(&self.rows).zip(weights) {
            tally.add(*truth as usize, row.predicted as usize, u64::from(*weight));
        }
        tally
    }

    /// The area under the ROC curve and the average precision of each class against all others; empty without areas.
    pub fn areas(&self, weights: &[u32]) -> Vec<(Option<f64>, Option<f64>)> {
        let areas = self.steps.iter().map(|steps| steps.areas(weights));
        areas.map(|areas| (areas.roc, areas.average_precision)).collect()
    }

    fn mean_areas(&self, weights: &[u32], tally: &ClassTally) -> [Option<f64>; 3] {
        let (mut roc, mut rocs, mut weighted, mut support) = (0.0, 0.0, 0.0, 0.0);
        let (mut precision, mut precisions) = (0.0, 0.0);
        for (class, (area, average_precision)) in self.areas(weights).into_iter().enumerate() {
            if let Some(area) = area {
                let rows = tally.scores(class).support as f64;
                roc += area;
                rocs += 1.0;
                weighted += rows * area;
                support += rows;
            }
            if let Some(value) = average_precision {
                precision += value;
                precisions += 1.0;
            }
        }
        let mean = |sum: f64, count: f64| (count > 0.0).then(|| sum / count);
        [mean(roc, rocs), mean(weighted, support), mean(precision, precisions)]
    }
}

impl Judge for ClassJudge {
    fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    fn rows(&self) -> usize {
        self.truth.len()
    }

    fn scores(&self, weights: &[u32]) -> Vec<Option<f64>> {
        let (mut all, mut loss, mut brier, mut top) = (0.0, 0.0, 0.0, 0.0);
        let (mut apart, mut squares) = (0.0, 0.0);
        let mut bins = vec![BinSums::default(); self.bin_count];
        for (place, (truth, row)) in self.truth.iter().zip(&self.rows).enumerate() {
            let weight = weight(weights, place);
            if weight == 0.0 {
                continue;
            }
            all += weight;
            loss += weight * row.loss;
            brier += weight * row.brier;
            top += weight * f64::from(u8::from(row.in_top));
            let distance = f64::from(truth.abs_diff(row.predicted));
            apart += weight * distance;
            squares += weight * distance * distance;
            if let Some(bin) = bins.get_mut(usize::from(row.bin)) {
                bin.rows += weight;
                bin.probability += weight * row.confidence;
                bin.trues += weight * f64::from(u8::from(*truth == row.predicted));
            }
        }
        let tally = self.tally(weights);
        let mean = |sum: f64| (all > 0.0).then(|| sum / all);
        let (macros, weighted, calibration) = (tally.macro_average(), tally.weighted_average(), errors(&bins));
        let mut scores = vec![
            tally.accuracy(),
            macros.map(|a| a.f1),
            weighted.map(|a| a.f1),
            tally.balanced_accuracy(),
            mean(loss),
            mean(brier),
            macros.map(|a| a.precision),
            macros.map(|a| a.recall),
            weighted.map(|a| a.precision),
            weighted.map(|a| a.recall),
            tally.micro_average().map(|a| a.f1),
            tally.matthews_correlation(),
            tally.kappa(),
            calibration.map(|(expected, _)| expected),
            calibration.map(|(_, maximum)| maximum),
        ];
        if !self.steps.is_empty() {
            scores.extend(self.mean_areas(weights, &tally));
        }
        if self.ordered {
            scores.extend([tally.linear_kappa(apart), tally.quadratic_kappa(squares)]);
        }
        if self.has_top {
            scores.push(mean(top));
        }
        finite(scores)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::super::super::oracle::{assert_metric, classes, evaluation, numbers};
    use super::super::super::{Binning, Borders};
    use super::*;
    use ndarray::Array2;
    use std::num::NonZeroUsize;

    #[test]
    fn weighted_rows_are_judged_as_by_scikit_learn() {
        for case in evaluation()["multiclass"].as_array().unwrap() {
            let truth = classes(&case["truth"]);
            let k = case["classes"].as_u64().unwrap() as usize;
            let p = Array2::from_shape_vec((truth.len(), k), numbers(&case["probability"])).unwrap();
            let borders = Borders::new(&[], Binning::EqualWidth, NonZeroUsize::new(10).unwrap());
            let options = ClassOptions { ordered: true, top: Some(2), areas: true, borders: &borders };
            let judge = ClassJudge::new(&truth, p.view(), options).unwrap();
            let found = judge.scores(&classes(&case["weights"]));
            assert_eq!(judge.metrics().len(), found.len());
            for (metric, value) in judge.metrics().iter().zip(found) {
                assert!(case["expected"].get(&metric.name).is_some(), "{}", metric.name);
                assert_metric(value, &case["expected"][&metric.name]);
            }
        }
    }

    #[test]
    fn a_class_that_never_occurs_is_left_out_of_means() {
        let p = Array2::from_shape_vec((3, 3), vec![0.6, 0.3, 0.1, 0.2, 0.7, 0.1, 0.3, 0.6, 0.1]).unwrap();
        let borders = Borders::new(&[], Binning::EqualWidth, NonZeroUsize::MIN);
        let options = ClassOptions { ordered: false, top: None, areas: true, borders: &borders };
        let judge = ClassJudge::new(&[0, 1, 1], p.view(), options).unwrap();
        assert_eq!(judge.areas(&[1; 3]), [(Some(1.0), Some(1.0)), (Some(1.0), Some(1.0)), (None, None)]);
        let auc = judge.metrics().iter().position(|metric| metric.name == "macro ROC AUC").unwrap();
        assert_eq!(judge.scores(&[1; 3])[auc], Some(1.0));
        assert!(judge.scores(&[0; 3]).iter().all(Option::is_none));
    }
}
