//! What is measured of predictions, and how wrong a single one is.

use ndarray::ArrayView2;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rows::Truth;
use crate::explanation::Judged;
use crate::tensor::TargetKind;

/// A probability is at least so far from 0 and 1 in a log loss, as in scikit-learn.
const LEAST: f64 = f64::EPSILON;

/// What gets worse when a column is shuffled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Metric {
    /// The area under the ROC curve.
    RocAuc,
    /// The share of right classes, or of right labels.
    Accuracy,
    /// The mean logarithm of the probability of what was true, negative.
    LogLoss,
    /// The mean squared distance of the probability from what was true.
    Brier,
    /// The mean absolute error.
    Mae,
    /// The root of the mean squared error.
    Rmse,
    /// The share of the variance that is explained.
    R2,
}

impl Metric {
    pub(super) const ALL: [Self; 7] =
        [Self::RocAuc, Self::Accuracy, Self::LogLoss, Self::Brier, Self::Mae, Self::Rmse, Self::R2];

    /// The usual one for a target.
    pub(super) fn usual(kind: TargetKind) -> Self {
        match kind {
            TargetKind::Binary => Self::RocAuc,
            TargetKind::Category => Self::Accuracy,
            TargetKind::MultiLabel => Self::LogLoss,
            TargetKind::Number | TargetKind::Count => Self::Mae,
        }
    }

    /// As it is written.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::RocAuc => "roc_auc",
            Self::Accuracy => "accuracy",
            Self::LogLoss => "log_loss",
            Self::Brier => "brier",
            Self::Mae => "mae",
            Self::Rmse => "rmse",
            Self::R2 => "r2",
        }
    }

    /// As it is called.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::RocAuc => "ROC AUC",
            Self::Accuracy => "accuracy",
            Self::LogLoss => "log loss",
            Self::Brier => "Brier score",
            Self::Mae => "mean absolute error",
            Self::Rmse => "root mean squared error",
            Self::R2 => "R2",
        }
    }

    pub(super) fn suits(self, kind: TargetKind) -> bool {
        match self {
            Self::RocAuc | Self::Brier => kind == TargetKind::Binary,
            Self::Accuracy | Self::LogLoss => !matches!(kind, TargetKind::Number | TargetKind::Count),
            Self::Mae | Self::Rmse | Self::R2 => matches!(kind, TargetKind::Number | TargetKind::Count),
        }
    }

    pub(super) fn higher_is_better(self) -> bool {
        matches!(self, Self::RocAuc | Self::Accuracy | Self::R2)
    }

    /// Looks at predictions `[n, outputs]` of rows of which this was true; what it gives measures them for any way to
    /// count the rows, and is none where the metric is not defined for it. Time for each way: `O(n)`.
    pub(super) fn judge<'a>(self, truth: &'a [Truth], predictions: ArrayView2<'_, f64>) -> Judged<'a> {
        let of_rows = |part: fn(&Truth, &[f64]) -> f64| -> Vec<f64> {
            truth.iter().zip(predictions.rows()).map(|(truth, said)| part(truth, &said.to_vec())).collect()
        };
        let mean = |part: fn(&Truth, &[f64]) -> f64| of_mean(of_rows(part));
        match self {
            Self::RocAuc => {
                let scores = predictions.rows().into_iter().map(|said| said.first().copied().unwrap_or(f64::NAN));
                let yes = truth.iter().map(|truth| matches!(truth, Truth::Class(1)));
                of_order(scores.zip(yes).collect())
            }
            Self::Accuracy => mean(right),
            Self::LogLoss => mean(Truth::log_loss),
            Self::Brier => mean(|truth, said| truth.error(said).powi(2)),
            Self::Mae => mean(|truth, said| truth.error(said).abs()),
            Self::Rmse => {
                let mean = mean(|truth, said| truth.error(said).powi(2));
                Box::new(move |counts| mean(counts).map(f64::sqrt))
            }
            Self::R2 => {
                let rest = mean(|truth, said| truth.error(said).powi(2));
                let numbers: Vec<f64> = truth.iter().map(Truth::number).collect();
                Box::new(move |counts| {
                    let middle = weighted(&numbers, counts)?;
                    let far: Vec<f64> = numbers.iter().map(|number| (number - middle).powi(2)).collect();
                    let all = weighted(&far, counts)?;
                    (all > 0.0).then_some(1.0 - rest(counts)? / all).filter(|value| value.is_finite())
                })
            }
        }
    }
}

/// The mean of values that count so often; none where none counts or it is not finite.
fn weighted(values: &[f64], counts: &[u8]) -> Option<f64> {
    let n: u64 = counts.iter().map(|count| u64::from(*count)).sum();
    let pairs = values.iter().zip(counts).filter(|(_, count)| **count > 0);
    let sum: f64 = pairs.map(|(value, count)| value * f64::from(*count)).sum();
    (n > 0).then(|| sum / n as f64).filter(|mean| mean.is_finite())
}

fn of_mean<'a>(values: Vec<f64>) -> Judged<'a> {
    Box::new(move |counts| weighted(&values, counts))
}

/// The area under the ROC curve: rows are put in the order of their scores once. Equal scores count one half (Hanley &
/// McNeil 1982).
fn of_order<'a>(scores: Vec<(f64, bool)>) -> Judged<'a> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    let score = |row: usize| scores.get(row).map_or(f64::NAN, |(score, _)| *score);
    order.sort_unstable_by(|a, b| score(*a).total_cmp(&score(*b)).then(a.cmp(b)));
    // For each row in that order whether it is true, and whether a higher score begins with it.
    let mut last = f64::NAN;
    let steps: Vec<(usize, bool, bool)> = order
        .into_iter()
        .filter_map(|row| {
            let (score, yes) = *scores.get(row)?;
            let begins = score != last;
            last = score;
            Some((row, yes, begins))
        })
        .collect();
    Box::new(move |counts| {
        // Twice the area in whole numbers, exact; rows of the step, and false rows below it.
        let (mut doubled, mut below) = (0_u128, 0_u64);
        let (mut trues, mut falses, mut all) = (0_u64, 0_u64, 0_u64);
        let mut close = |trues: &mut u64, falses: &mut u64| {
            doubled += u128::from(*trues) * u128::from(2 * below + *falses);
            below += *falses;
            all += *trues;
            (*trues, *falses) = (0, 0);
        };
        for (row, yes, begins) in &steps {
            if *begins {
                close(&mut trues, &mut falses);
            }
            let count = u64::from(counts.get(*row).copied().unwrap_or(0));
            if *yes { trues += count } else { falses += count }
        }
        close(&mut trues, &mut falses);
        (all > 0 && below > 0).then(|| doubled as f64 / 2.0 / (all as f64 * below as f64))
    })
}

/// The share of what is right: the class, or of several labels each.
fn right(truth: &Truth, said: &[f64]) -> f64 {
    let is_right = match truth {
        Truth::Class(class) if said.len() == 1 => said.first().is_some_and(|p| (*p >= 0.5) == (*class == 1)),
        Truth::Class(class) => super::columns::largest(said) == *class as usize,
        Truth::Labels(labels) => {
            let right = labels.iter().zip(said).filter(|(label, p)| (**label > 0.5) == (**p >= 0.5)).count();
            return right as f64 / labels.len().max(1) as f64;
        }
        Truth::Number(_) => false,
    };
    f64::from(u8::from(is_right))
}

impl Truth {
    /// As a number: 1 for yes.
    fn number(&self) -> f64 {
        match self {
            Self::Number(number) => *number,
            Self::Class(class) => f64::from(*class),
            Self::Labels(_) => f64::NAN,
        }
    }

    /// How far a single prediction is from it.
    fn error(&self, said: &[f64]) -> f64 {
        said.first().map_or(f64::NAN, |said| said - self.number())
    }

    /// The negative logarithm of the probability of what was true; of labels the mean.
    fn log_loss(&self, said: &[f64]) -> f64 {
        let loss = |p: f64| -p.clamp(LEAST, 1.0 - LEAST).ln();
        match self {
            Self::Class(class) if said.len() == 1 => {
                said.first().map_or(f64::NAN, |p| loss(if *class == 1 { *p } else { 1.0 - p }))
            }
            Self::Class(class) => said.get(*class as usize).map_or(f64::NAN, |p| loss(*p)),
            Self::Labels(labels) => {
                let sum: f64 = labels.iter().zip(said).map(|(l, p)| loss(if *l > 0.5 { *p } else { 1.0 - p })).sum();
                sum / labels.len().max(1) as f64
            }
            Self::Number(_) => f64::NAN,
        }
    }

    /// How wrong a prediction is: the log loss, or the size of the error of a number.
    pub(super) fn wrongness(&self, said: &[f64]) -> f64 {
        match self {
            Self::Number(_) => self.error(said).abs(),
            Self::Class(_) | Self::Labels(_) => self.log_loss(said),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn metrics_are_those_of_a_computation_by_hand() {
        let truth = [Truth::Class(1), Truth::Class(0), Truth::Class(1)];
        let said = array![[0.9], [0.6], [0.4]];
        let of = |metric: Metric, counts: &[u8]| metric.judge(&truth, said.view())(counts);
        assert_eq!(of(Metric::Accuracy, &[2, 1, 1]), Some(0.5));
        assert_eq!(of(Metric::RocAuc, &[1, 1, 1]), Some(0.5));
        assert_eq!(of(Metric::RocAuc, &[1, 0, 1]), None);
        assert_eq!(of(Metric::Accuracy, &[0, 0, 0]), None);
        let brier = of(Metric::Brier, &[1, 1, 1]).unwrap_or(f64::NAN);
        assert!((brier - (0.01 + 0.36 + 0.36) / 3.0).abs() < 1e-12);
        let loss = of(Metric::LogLoss, &[1, 1, 0]).unwrap_or(f64::NAN);
        assert!((loss + (0.9_f64.ln() + 0.4_f64.ln()) / 2.0).abs() < 1e-12);
        let numbers = [Truth::Number(1.0), Truth::Number(3.0)];
        let said = array![[2.0], [3.0]];
        let of = |metric: Metric, counts: &[u8]| metric.judge(&numbers, said.view())(counts);
        assert_eq!(of(Metric::Mae, &[1, 1]), Some(0.5));
        assert_eq!(of(Metric::Rmse, &[4, 0]), Some(1.0));
        assert_eq!(of(Metric::R2, &[1, 1]), Some(0.5));
        assert_eq!(of(Metric::R2, &[3, 0]), None);
        let classes = [Truth::Class(2)];
        assert_eq!(Metric::Accuracy.judge(&classes, array![[0.1, 0.2, 0.7]].view())(&[1]), Some(1.0));
        let labels = Truth::Labels(vec![1.0, 0.0]);
        assert_eq!(right(&labels, &[0.9, 0.8]), 0.5);
    }

    proptest::proptest! {
        /// Rows that count several times are the same as rows that stand there several times.
        #[test]
        fn the_area_is_that_of_rows_written_out(
            rows in proptest::collection::vec((0_u8..6, proptest::bool::ANY, 0_u8..4), 1..40),
        ) {
            let truth: Vec<Truth> = rows.iter().map(|(_, yes, _)| Truth::Class(u32::from(*yes))).collect();
            let said = ndarray::Array2::from_shape_fn((rows.len(), 1), |(row, _)| f64::from(rows[row].0) / 5.0);
            let counts: Vec<u8> = rows.iter().map(|(_, _, count)| *count).collect();
            let found = Metric::RocAuc.judge(&truth, said.view())(&counts);
            let (yes, scores): (Vec<bool>, Vec<f64>) = rows
                .iter()
                .flat_map(|(score, yes, count)| vec![(*yes, f64::from(*score) / 5.0); usize::from(*count)])
                .unzip();
            let expected = crate::statistics::evaluation::Ranking::new(&yes, &scores).ok().and_then(|r| r.roc_auc());
            proptest::prop_assert_eq!(found, expected);
        }
    }
}
