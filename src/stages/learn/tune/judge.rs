//! How a trial is judged: by a metric of `evaluate`, on rows that the model did not learn from.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::batch;
use crate::definition::{Entry, Node, Spanned, Text, Value};
use crate::diagnostic::{Class, Diagnostic, Place};
use crate::stages::TensorsShape;
use crate::stages::work::Outcome;
use crate::tensor::TargetKind;

/// The kind of stage that judges.
pub(super) const EVALUATE: &str = "evaluate";
/// What it calls the model beside the simple ones.
const NETWORK: &str = "network";

/// What is to be best, defined as in `evaluate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// The mean negative logarithm of the probability of the truth; small is good.
    LogLoss,
    /// The share of right answers.
    Accuracy,
    /// The mean share of right answers over the classes.
    BalancedAccuracy,
    /// The area under the ROC curve, of a binary target.
    RocAuc,
    /// The average precision, of a binary target.
    AveragePrecision,
    /// F1 of yes, of a binary target.
    F1,
    /// The mean F1 of the classes, of a category.
    MacroF1,
    /// The mean squared error of the probability, of a binary target; small is good.
    BrierScore,
    /// The mean absolute error of a number; small is good.
    MeanAbsoluteError,
    /// The root of the mean squared error of a number; small is good.
    RootMeanSquaredError,
    /// The share of the variance of a number that is explained.
    R2,
}

impl Metric {
    /// What `evaluate` calls it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::LogLoss => "log loss",
            Self::Accuracy => "accuracy",
            Self::BalancedAccuracy => "balanced accuracy",
            Self::RocAuc => "ROC AUC",
            Self::AveragePrecision => "average precision",
            Self::F1 => "F1",
            Self::MacroF1 => "macro F1",
            Self::BrierScore => "Brier score",
            Self::MeanAbsoluteError => "mean absolute error",
            Self::RootMeanSquaredError => "root mean squared error",
            Self::R2 => "R2",
        }
    }

    /// Whether large values are good.
    pub(super) fn is_gain(self) -> bool {
        !matches!(self, Self::LogLoss | Self::BrierScore | Self::MeanAbsoluteError | Self::RootMeanSquaredError)
    }

    /// A value as a loss, and a loss as a value.
    pub(super) fn turned(self, value: f64) -> f64 {
        if self.is_gain() { -value } else { value }
    }

    fn is_of(self, kind: TargetKind) -> bool {
        let binary = kind == TargetKind::Binary;
        let category = kind == TargetKind::Category;
        match self {
            Self::LogLoss | Self::Accuracy | Self::BalancedAccuracy => binary || category,
            Self::RocAuc | Self::AveragePrecision | Self::F1 | Self::BrierScore => binary,
            Self::MacroF1 => category,
            Self::MeanAbsoluteError | Self::RootMeanSquaredError | Self::R2 => {
                matches!(kind, TargetKind::Number | TargetKind::Count)
            }
        }
    }
}

/// The metric with its default.
///
/// Errors: the target has no such metric.
pub(super) fn metric(written: Option<&Spanned<Metric>>, tensors: &TensorsShape) -> Result<Metric, Diagnostic> {
    if let [_, second, ..] = tensors.specification.targets.as_slice() {
        let message = format!("a search knows one target, but this model foretells `{}` too", second.column);
        return Err(Diagnostic::definition(message));
    }
    let kind = tensors.specification.kind();
    let target = match kind {
        TargetKind::Binary => "a binary target",
        TargetKind::Category => "a category",
        TargetKind::Number => "a number",
        TargetKind::Count => "a count",
        TargetKind::MultiLabel => {
            return Err(Diagnostic::definition("a search cannot judge labels yet: it knows one target"));
        }
    };
    let usual = if Metric::LogLoss.is_of(kind) { Metric::LogLoss } else { Metric::RootMeanSquaredError };
    let Some(metric) = written else { return Ok(usual) };
    if metric.value.is_of(kind) {
        return Ok(metric.value);
    }
    let message = format!("{} is no metric of {target}", metric.value.name());
    Err(Diagnostic::definition(message).at(&metric.place))
}

/// Judges a model.
pub(super) struct Judge {
    pub(super) metric: Metric,
    /// The part on which it is judged.
    pub(super) part: String,
    /// Where the search stands in the pipeline file.
    pub(super) place: Place,
}

impl Judge {
    /// Options of the stage that judges: one number is wanted, so what else it can tell is left out.
    pub(super) fn options(&self) -> Node {
        let place = &self.place;
        let text = |text: &str| Value::Text(Text::new(text, place.clone()));
        let entry = |key: &str, value: Value| {
            let value = Node::new(value, place.clone());
            Entry { key: key.to_owned(), key_place: place.clone(), value }
        };
        let entries = [
            ("on", text(&self.part)),
            ("baselines", text("none")),
            ("bootstrap", text("none")),
            ("calibrate", Value::Boolean(false)),
        ]
        .into_iter();
        let entries = entries.map(|(option, value)| entry(option, value)).collect();
        Node::new(Value::Mapping(entries), place.clone())
    }

    /// The metric in what the judging stage left.
    ///
    /// Errors: it is not defined, or there are several of it.
    pub(super) fn read(&self, outcome: &Outcome) -> Result<f64, Diagnostic> {
        let name = self.metric.name();
        let failed = |message: String| Diagnostic::error(Class::Stage, message);
        let metrics = outcome.bindings.artifacts.iter().find(|(key, _)| key.ends_with(".metrics"));
        let Some((_, path)) = metrics else {
            return Err(failed("the trial was not judged".to_owned()));
        };
        let mut found: Vec<f64> = Vec::new();
        for batch in batch::read_parquet(path)? {
            let (Some(names), Some(values)) = (batch::column(&batch, "metric"), batch::column(&batch, "value")) else {
                continue;
            };
            let texts = |name: &str| batch::column(&batch, name).map(batch::texts).unwrap_or_default();
            let (models, slices) = (texts("model"), texts("slice"));
            let text = |texts: &[Option<String>], row: usize| texts.get(row).cloned().flatten();
            let rows = batch::texts(names).into_iter().zip(batch::floats(values)).enumerate();
            let rows = rows.filter(|(row, (metric, _))| {
                let is_of_all = text(&slices, *row).is_none() && text(&models, *row).as_deref() == Some(NETWORK);
                is_of_all && metric.as_deref() == Some(name)
            });
            found.extend(rows.map(|(_, (_, value))| value));
        }
        match found.as_slice() {
            [value] if value.is_finite() => Ok(*value),
            [_] => Err(failed(format!("{name} is not defined on part `{}`", self.part))),
            [] => Err(failed(format!("the model is not judged by {name}"))),
            [..] => Err(failed(format!("the model has several targets, so there is no one {name}"))),
        }
    }
}
