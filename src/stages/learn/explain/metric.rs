//! What is measured of predictions, and how wrong a single one is.

use ndarray::ArrayView2;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rows::Truth;
use crate::statistics::evaluation::Ranking;
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

    /// The metric of predictions `[n, outputs]` for the rows with these numbers; none where it is not defined for them.
    pub(super) fn measure(self, truth: &[Truth], rows: &[usize], predictions: ArrayView2<'_, f64>) -> Option<f64> {
        let n = rows.len() as f64;
        let pairs = || {
            rows.iter().filter_map(|row| {
                let said = (*row < predictions.nrows()).then(|| predictions.row(*row))?;
                Some((truth.get(*row)?, said.to_slice()?))
            })
        };
        let mean = |part: fn(&Truth, &[f64]) -> f64| {
            (!rows.is_empty()).then(|| pairs().map(|(truth, said)| part(truth, said)).sum::<f64>() / n)
        };
        let found = match self {
            Self::RocAuc => {
                let (yes, scores): (Vec<bool>, Vec<f64>) = pairs()
                    .filter_map(|(truth, said)| Some((matches!(truth, Truth::Class(1)), *said.first()?)))
                    .unzip();
                Ranking::new(&yes, &scores).ok()?.roc_auc()
            }
            Self::Accuracy => mean(right),
            Self::LogLoss => mean(Truth::log_loss),
            Self::Brier => mean(|truth, said| truth.error(said).powi(2)),
            Self::Mae => mean(|truth, said| truth.error(said).abs()),
            Self::Rmse => mean(|truth, said| truth.error(said).powi(2)).map(f64::sqrt),
            Self::R2 => {
                let numbers = || pairs().map(|(truth, _)| truth.number());
                let middle = numbers().sum::<f64>() / n;
                let all: f64 = numbers().map(|number| (number - middle).powi(2)).sum();
                let rest: f64 = pairs().map(|(truth, said)| truth.error(said).powi(2)).sum();
                (all > 0.0).then(|| 1.0 - rest / all)
            }
        };
        found.filter(|value| value.is_finite())
    }
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
        let of = |metric: Metric, rows: &[usize]| metric.measure(&truth, rows, said.view());
        assert_eq!(of(Metric::Accuracy, &[0, 1, 2, 0]), Some(0.5));
        assert_eq!(of(Metric::RocAuc, &[0, 1, 2]), Some(0.5));
        assert_eq!(of(Metric::RocAuc, &[0, 2]), None);
        let brier = of(Metric::Brier, &[0, 1, 2]).unwrap_or(f64::NAN);
        assert!((brier - (0.01 + 0.36 + 0.36) / 3.0).abs() < 1e-12);
        let loss = of(Metric::LogLoss, &[0, 1]).unwrap_or(f64::NAN);
        assert!((loss + (0.9_f64.ln() + 0.4_f64.ln()) / 2.0).abs() < 1e-12);
        let numbers = [Truth::Number(1.0), Truth::Number(3.0)];
        let said = array![[2.0], [3.0]];
        assert_eq!(Metric::Mae.measure(&numbers, &[0, 1], said.view()), Some(0.5));
        assert_eq!(Metric::R2.measure(&numbers, &[0, 1], said.view()), Some(0.5));
        assert_eq!(Metric::R2.measure(&numbers, &[0], said.view()), None);
        let classes = [Truth::Class(2)];
        assert_eq!(Metric::Accuracy.measure(&classes, &[0], array![[0.1, 0.2, 0.7]].view()), Some(1.0));
        let labels = Truth::Labels(vec![1.0, 0.0]);
        assert_eq!(right(&labels, &[0.9, 0.8]), 0.5);
    }
}
