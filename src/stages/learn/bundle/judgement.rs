//! How good a model was found to be, kept beside it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What `evaluate` found about a model. A stage that judges cannot write into the folder of the stage that trained, so it saves a copy of
/// the model with this in it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::stages::learn) struct Judgement {
    /// The stage that judged.
    pub(in crate::stages::learn) stage: String,
    /// The part whose rows were judged; none: all rows.
    pub(in crate::stages::learn) part: Option<String>,
    /// Rows that were judged.
    pub(in crate::stages::learn) rows: u64,
    /// Whether the model had learned from them.
    pub(in crate::stages::learn) on_training_rows: bool,
    /// What was measured.
    pub(in crate::stages::learn) scores: Vec<Score>,
    /// For each target that was calibrated, by what its logits are divided: above 1 the network was too sure.
    pub(in crate::stages::learn) temperatures: BTreeMap<String, f64>,
    /// For each target that is decided by another threshold than 0.5, the probability (calibrated, where it was) from which yes or a label
    /// was said, chosen or stated. Above 1: never.
    #[serde(default)]
    pub(in crate::stages::learn) thresholds: BTreeMap<String, f64>,
    /// What the simple models reached.
    #[serde(default)]
    pub(in crate::stages::learn) baselines: Vec<Baseline>,
    /// What else has to be known, a sentence each.
    pub(in crate::stages::learn) notes: Vec<String>,
}

/// A number that was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::stages::learn) struct Score {
    /// The column that is foretold; none when there is only one.
    pub(in crate::stages::learn) target: Option<String>,
    /// What it is: `accuracy`, `roc_auc`.
    pub(in crate::stages::learn) name: String,
    /// The number; none where it is not defined.
    pub(in crate::stages::learn) value: Option<f64>,
    /// The ends of its interval of 95 %, where one was computed.
    pub(in crate::stages::learn) interval: Option<(f64, f64)>,
    /// The same of the best simple model.
    pub(in crate::stages::learn) baseline: Option<f64>,
}

/// What a simple model reached on the same rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::stages::learn) struct Baseline {
    /// The column that is foretold; none when there is only one.
    pub(in crate::stages::learn) target: Option<String>,
    /// The model: `constant`, `forest`.
    pub(in crate::stages::learn) model: String,
    /// Metrics by their names; none where one is not defined.
    pub(in crate::stages::learn) scores: Vec<(String, Option<f64>)>,
}

impl Judgement {
    /// By what the logits of a target are divided; 1 where it was not calibrated, or what is stated makes no sense.
    pub(in crate::stages::learn) fn temperature(&self, target: &str) -> f64 {
        self.temperatures.get(target).copied().filter(|value| value.is_finite() && *value > 0.0).unwrap_or(1.0)
    }
}
