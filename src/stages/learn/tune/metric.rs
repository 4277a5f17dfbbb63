//! What is to be best: a metric of `evaluate`, or one for each of several targets.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::definition::{Ordered, Spanned};
use crate::diagnostic::{Diagnostic, nearest};
use crate::stages::TensorsShape;
use crate::tensor::{TargetKind, TargetSpec};

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
    /// The mean F1 of the classes or labels, of a category or of labels.
    MacroF1,
    /// F1 of all classes or labels together, of a category or of labels.
    MicroF1,
    /// The share of rows whose labels are all right.
    SubsetAccuracy,
    /// The share of labels that are wrong; small is good.
    HammingLoss,
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
            Self::MicroF1 => "micro F1",
            Self::SubsetAccuracy => "subset accuracy",
            Self::HammingLoss => "Hamming loss",
            Self::BrierScore => "Brier score",
            Self::MeanAbsoluteError => "mean absolute error",
            Self::RootMeanSquaredError => "root mean squared error",
            Self::R2 => "R2",
        }
    }

    /// Whether large values are good.
    pub(super) fn is_gain(self) -> bool {
        !matches!(
            self,
            Self::LogLoss | Self::HammingLoss | Self::BrierScore | Self::MeanAbsoluteError | Self::RootMeanSquaredError
        )
    }

    /// A value as a loss, and a loss as a value.
    pub(super) fn turned(self, value: f64) -> f64 {
        if self.is_gain() { -value } else { value }
    }

    /// How far a value is from the best one that there is: 0 for losses, 1 for what is gained.
    pub(super) fn shortfall(self, value: f64) -> f64 {
        if self.is_gain() { 1.0 - value } else { value }
    }

    /// What it is of that kind of target when nothing is written.
    fn usual(kind: TargetKind) -> Self {
        if Self::LogLoss.is_of(kind) { Self::LogLoss } else { Self::RootMeanSquaredError }
    }

    fn is_of(self, kind: TargetKind) -> bool {
        let binary = kind == TargetKind::Binary;
        let category = kind == TargetKind::Category;
        let labels = kind == TargetKind::MultiLabel;
        match self {
            Self::LogLoss => binary || category || labels,
            Self::Accuracy | Self::BalancedAccuracy => binary || category,
            Self::RocAuc | Self::AveragePrecision | Self::F1 | Self::BrierScore => binary,
            Self::MacroF1 | Self::MicroF1 => category || labels,
            Self::SubsetAccuracy | Self::HammingLoss => labels,
            Self::MeanAbsoluteError | Self::RootMeanSquaredError | Self::R2 => {
                matches!(kind, TargetKind::Number | TargetKind::Count)
            }
        }
    }
}

/// The option `metric`: one for all targets, or one for each that counts.
#[derive(Debug, Clone, PartialEq)]
pub enum Metrics {
    /// The same for all targets.
    One(Metric),
    /// By target.
    Of(Ordered<Metric>),
}

impl<'de> Deserialize<'de> for Metrics {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Either)
    }
}

struct Either;

impl<'de> Visitor<'de> for Either {
    type Value = Metrics;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a metric such as `log_loss`, or one for each target: `{late: log_loss, delay: r2}`")
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Metrics, E> {
        Metric::deserialize(value.into_deserializer()).map(Metrics::One)
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Metrics, A::Error> {
        Ordered::deserialize(MapAccessDeserializer::new(entries)).map(Metrics::Of)
    }
}

impl Serialize for Metrics {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::One(metric) => metric.serialize(serializer),
            Self::Of(metrics) => metrics.serialize(serializer),
        }
    }
}

impl JsonSchema for Metrics {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Metrics".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let metric = generator.subschema_for::<Metric>();
        let each = generator.subschema_for::<Ordered<Metric>>();
        json_schema!({ "anyOf": [metric, each] })
    }
}

/// A target by whose metric trials are judged.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Judged {
    pub(super) target: String,
    pub(super) metric: Metric,
}

/// The targets that count, with their metrics: all of them with the usual ones when nothing is written.
///
/// Errors: a target has no such metric, or there is no such target.
pub(super) fn judged(written: Option<&Spanned<Metrics>>, tensors: &TensorsShape) -> Result<Vec<Judged>, Diagnostic> {
    let targets = &tensors.specification.targets;
    let fits = |metric: Metric, target: &TargetSpec| {
        if metric.is_of(target.kind) {
            return Ok(Judged { target: target.column.clone(), metric });
        }
        let what = match target.kind {
            TargetKind::Binary => "a binary target",
            TargetKind::Category => "a category",
            TargetKind::Number => "a number",
            TargetKind::Count => "a count",
            TargetKind::MultiLabel => "labels",
        };
        let finding = Diagnostic::definition(format!("{} is no metric of {what}", metric.name()));
        Err(if targets.len() > 1 {
            let help = format!("give each target its own: `metric: {{{}: ..}}`", target.column);
            finding.label(format!("`{}` is {what}", target.column)).help(help)
        } else {
            finding
        })
    };
    let Some(written) = written else {
        let usual = |target: &TargetSpec| Judged { target: target.column.clone(), metric: Metric::usual(target.kind) };
        return Ok(targets.iter().map(usual).collect());
    };
    match &written.value {
        Metrics::One(metric) => {
            targets.iter().map(|target| fits(*metric, target).map_err(|finding| finding.at(&written.place))).collect()
        }
        Metrics::Of(metrics) if metrics.is_empty() => {
            Err(Diagnostic::definition("`metric` names no target").at(&written.place))
        }
        Metrics::Of(metrics) => {
            let of = |(name, metric): &(Spanned<String>, Metric)| {
                let Some(target) = targets.iter().find(|target| target.column == name.value) else {
                    let message = format!("the model does not foretell `{}`", name.value);
                    let finding = Diagnostic::definition(message).at(&name.place);
                    let known = || targets.iter().map(|target| target.column.as_str());
                    return Err(match nearest(&name.value, known()) {
                        Some(near) => finding.label(format!("did you mean `{near}`?")),
                        None => finding.help(format!("its targets are {}", known().collect::<Vec<_>>().join(", "))),
                    });
                };
                fits(*metric, target).map_err(|finding| finding.at(&name.place))
            };
            metrics.iter().map(of).collect()
        }
    }
}
