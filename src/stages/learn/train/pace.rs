//! How fast a training goes and when it ends, as it is written.

use schemars::{JsonSchema, SchemaGenerator};
use serde::de::SeqAccess;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::layers::short::{Short, short, whole};
use crate::definition::Spanned;
use crate::diagnostic::Diagnostic;
use crate::nn::{self, training};
use crate::tensor::TargetKind;

/// How many rows make one step: a number, `auto`, or phases.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchSize(pub(super) Sizes);

/// The sizes of batches.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Sizes {
    /// One for all epochs.
    Fixed(usize),
    /// The largest power of two up to 4,096 that still makes a row cheaper, leaves an epoch enough steps, and fits into
    /// the memory.
    Auto,
    /// Some epochs with one size, then some with another; the last size stays.
    Phases(Vec<Phase>),
}

/// Epochs with one size of batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Phase {
    /// How many epochs; at least 1.
    pub(super) epochs: usize,
    /// How many rows make one step; at least 1.
    pub(super) size: usize,
}

impl BatchSize {
    pub(super) fn of(size: usize) -> Self {
        Self(Sizes::Fixed(size))
    }

    /// Errors: a size or a number of epochs of 0, phases without any.
    pub(super) fn check(of: &Spanned<Self>) -> Result<(), Diagnostic> {
        let message = match &of.0 {
            Sizes::Fixed(0) => "`batch_size` must be at least 1",
            Sizes::Phases(phases) if phases.is_empty() => "`batch_size` has no phase",
            Sizes::Phases(phases) if phases.iter().any(|phase| phase.size == 0 || phase.epochs == 0) => {
                "each phase of `batch_size` has at least 1 epoch and a size of at least 1"
            }
            _ => return Ok(()),
        };
        Err(Diagnostic::definition(message).at(&of.place))
    }

    /// The first size, and the others with the first epoch of each; none for `auto`, which is decided by the network and
    /// the rows.
    pub(super) fn sizes(&self) -> Option<(usize, Vec<training::BatchSize>)> {
        match &self.0 {
            Sizes::Fixed(size) => Some((*size, Vec::new())),
            Sizes::Auto => None,
            Sizes::Phases(phases) => {
                let mut epoch: usize = 1;
                let mut found = Vec::new();
                for phase in phases {
                    found.push(training::BatchSize { epoch, rows: phase.size });
                    epoch = epoch.saturating_add(phase.epochs);
                }
                let first = (!found.is_empty()).then(|| found.remove(0))?;
                Some((first.rows, found))
            }
        }
    }
}

impl Short for BatchSize {
    type Options = Sizes;
    const HAS_OPTIONS: bool = false;
    const EXPECTED: &'static str =
        "a number of rows, `auto`, or a list of phases: `[{epochs: 5, size: 64}, {epochs: 5, size: 256}]`";

    fn short_schema(generator: &mut SchemaGenerator) -> serde_json::Value {
        let phase = generator.subschema_for::<Phase>();
        json!({ "anyOf": [
            { "type": "integer", "minimum": 1 },
            { "const": "auto" },
            { "type": "array", "items": phase, "minItems": 1 },
        ] })
    }

    fn of_number(number: f64) -> Option<Self> {
        whole(number).map(Self::of)
    }

    fn of_word(word: &str) -> Option<Self> {
        (word == "auto").then_some(Self(Sizes::Auto))
    }

    fn of_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        let mut phases = Vec::new();
        while let Some(phase) = list.next_element()? {
            phases.push(phase);
        }
        Ok(Self(Sizes::Phases(phases)))
    }

    fn in_short(&self) -> Option<serde_json::Value> {
        Some(match &self.0 {
            Sizes::Fixed(size) => json!(size),
            Sizes::Auto => json!("auto"),
            Sizes::Phases(phases) => json!(phases),
        })
    }

    fn of_options(options: Sizes) -> Self {
        Self(options)
    }

    fn options(&self) -> &Sizes {
        &self.0
    }
}

/// The learning rate: a number, or `find`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LearningRate(pub(super) Rate);

/// The step size of the optimizer.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Rate {
    /// A number above 0.
    Fixed(f64),
    /// The rate at which the loss falls fastest while the rate grows from batch to batch (Smith 2017).
    Find,
}

impl Short for LearningRate {
    type Options = Rate;
    const HAS_OPTIONS: bool = false;
    const EXPECTED: &'static str = "a number above 0, or `find`";

    fn short_schema(_: &mut SchemaGenerator) -> serde_json::Value {
        json!({ "anyOf": [{ "type": "number", "exclusiveMinimum": 0 }, { "const": "find" }] })
    }

    fn of_number(number: f64) -> Option<Self> {
        Some(Self(Rate::Fixed(number)))
    }

    fn of_word(word: &str) -> Option<Self> {
        (word == "find").then_some(Self(Rate::Find))
    }

    fn in_short(&self) -> Option<serde_json::Value> {
        Some(match self.0 {
            Rate::Fixed(rate) => json!(rate),
            Rate::Find => json!("find"),
        })
    }

    fn of_options(options: Rate) -> Self {
        Self(options)
    }

    fn options(&self) -> &Rate {
        &self.0
    }
}

short! { BatchSize LearningRate }

/// When to stop before all epochs are done, judged on the validation part (Prechelt 1998). The best epoch is kept.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EarlyStopping {
    /// What says which epoch is the best.
    metric: Watched,
    /// How many epochs in a row may pass without an improvement.
    patience: usize,
    /// By how much the best so far must be surpassed to count as an improvement.
    min_delta: f64,
}

/// What says which epoch is the best.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Watched {
    /// The loss.
    #[default]
    Loss,
    /// The share of right classes or labels of the first target.
    Accuracy,
    /// The mean absolute error of the first target.
    Mae,
}

impl Default for EarlyStopping {
    fn default() -> Self {
        Self { metric: Watched::Loss, patience: 3, min_delta: 0.0 }
    }
}

impl EarlyStopping {
    /// As the training knows it.
    pub(super) fn spec(&self) -> nn::EarlyStopping {
        let watch = match self.metric {
            Watched::Loss => training::Watch::Loss,
            Watched::Accuracy | Watched::Mae => training::Watch::Metric,
        };
        nn::EarlyStopping { patience: self.patience, min_delta: self.min_delta, watch }
    }

    /// Errors: a metric that the first target does not have.
    pub(super) fn check(of: &Spanned<Self>, kind: TargetKind) -> Result<(), Diagnostic> {
        let numbers = matches!(kind, TargetKind::Number | TargetKind::Count);
        let (message, help) = match of.metric {
            Watched::Accuracy if numbers => {
                ("the first target is a number and has no accuracy", "watch `loss` or `mae`")
            }
            Watched::Mae if !numbers => {
                ("the first target is no number and has no error", "watch `loss` or `accuracy`")
            }
            _ => return Ok(()),
        };
        Err(Diagnostic::definition(message).at(&of.place).help(help))
    }
}

/// What to do when numbers become infinite: begin the epoch again, at a lower rate from then on.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OnDivergence {
    /// How often to try again.
    pub(super) retries: usize,
    /// By what the learning rate is multiplied each time, between 0 and 1.
    pub(super) factor: f64,
}

impl Default for OnDivergence {
    fn default() -> Self {
        Self { retries: 2, factor: 0.1 }
    }
}

impl OnDivergence {
    /// As the training knows it.
    pub(super) fn spec(&self) -> training::Retry {
        training::Retry { times: self.retries, divisor: 1.0 / self.factor }
    }

    /// Errors: a factor out of its range, no retry.
    pub(super) fn check(of: &Spanned<Self>) -> Result<(), Diagnostic> {
        let message = match (of.retries, of.factor) {
            (0, _) => "`retries` must be at least 1".to_owned(),
            (_, factor) if !(factor > 0.0 && factor < 1.0) => {
                format!("`factor` must lie between 0 and 1, it is {factor}")
            }
            _ => return Ok(()),
        };
        Err(Diagnostic::definition(message).at(&of.place))
    }
}

/// Keeps how far the training is, so that a run that was interrupted goes on from there.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Checkpoint {
    /// After each so many epochs; at least 1.
    pub(super) every: Spanned<usize>,
    /// The folder in which it is kept. Without one it lies with the state of gristmill, in `.gristmill/checkpoints`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) folder: Option<Spanned<String>>,
}

impl Default for Checkpoint {
    fn default() -> Self {
        Self { every: Spanned::nowhere(1), folder: None }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn phases_begin_where_the_one_before_ends() {
        let phases = |list: &[(usize, usize)]| {
            let phases = list.iter().map(|&(epochs, size)| Phase { epochs, size }).collect();
            let (first, others) = BatchSize(Sizes::Phases(phases)).sizes()?;
            Some((first, others.iter().map(|size| (size.epoch, size.rows)).collect::<Vec<_>>()))
        };
        assert_eq!(phases(&[(5, 64), (3, 256), (1, 512)]), Some((64, vec![(6, 256), (9, 512)])));
        assert_eq!(phases(&[(5, 64)]), Some((64, Vec::new())));
        assert_eq!(BatchSize::of(8).sizes(), Some((8, Vec::new())));
        assert_eq!(BatchSize(Sizes::Auto).sizes(), None);
    }

    #[test]
    fn there_is_no_form_but_the_one_that_is_documented() {
        for written in ["8", "\"auto\"", "[{\"epochs\":5,\"size\":64}]"] {
            let read: BatchSize = serde_json::from_str(written).unwrap();
            assert_eq!(serde_json::to_string(&read).unwrap(), written);
        }
        for written in ["0.01", "\"find\""] {
            let read: LearningRate = serde_json::from_str(written).unwrap();
            assert_eq!(serde_json::to_string(&read).unwrap(), written);
        }
        let size = serde_json::from_str::<BatchSize>("{\"fixed\": 64}").unwrap_err().to_string();
        assert!(
            size.starts_with("invalid type: map, expected a number of rows, `auto`, or a list of phases"),
            "{size}"
        );
        let rate = serde_json::from_str::<LearningRate>("{\"fixed\": 0.01}").unwrap_err().to_string();
        assert!(rate.starts_with("invalid type: map, expected a number above 0, or `find`"), "{rate}");
        let schema = schemars::schema_for!(BatchSize).to_value().to_string();
        assert!(!schema.contains("fixed"), "{schema}");
    }

    #[test]
    fn defaults_are_those_of_the_training() {
        assert_eq!(EarlyStopping::default().spec(), nn::EarlyStopping::default());
    }
}
