//! The options of a training.

use super::super::error::Error;
use super::super::optimizer::{GroupRule, OptimizerSpec};
use super::super::schedule::{ScheduleKind, ScheduleSpec};
use serde::{Deserialize, Serialize};

/// How to train. The defaults are those of Keras where it has any.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainingOptions {
    /// How many times all rows are seen. Default 10.
    pub epochs: usize,
    /// How many rows make one step; the last batch of an epoch may be smaller. Default 256.
    pub batch_size: usize,
    /// How a gradient changes the parameters. Default AdamW.
    pub optimizer: OptimizerSpec,
    /// How the learning rate changes. Default: not at all.
    pub schedule: ScheduleSpec,
    /// What is different for some parameters. Default nothing.
    pub groups: Vec<GroupRule>,
    /// Decides the order of the rows and what random layers do. Default 0.
    pub seed: u64,
    /// Whether the rows come in a new order each epoch. Default true.
    pub shuffle: bool,
    /// Ends training when the validation loss no longer falls, and keeps the best epoch. Default none: all epochs, and
    /// the last is kept.
    pub early_stopping: Option<EarlyStopping>,
    /// The largest Euclidean norm of a step's gradient; a longer one is scaled down to it. Default none.
    pub clip_norm: Option<f64>,
}

impl Default for TrainingOptions {
    fn default() -> Self {
        Self {
            epochs: 10,
            batch_size: 256,
            optimizer: OptimizerSpec::default(),
            schedule: ScheduleSpec::default(),
            groups: Vec::new(),
            seed: 0,
            shuffle: true,
            early_stopping: None,
            clip_norm: None,
        }
    }
}

impl TrainingOptions {
    /// Checks the options.
    ///
    /// Errors: [`Error::Option`] for the first that makes no sense.
    pub fn check(&self) -> Result<(), Error> {
        let refuse = |option, reason: &str| Err(Error::Option { option, reason: reason.to_owned() });
        if self.epochs == 0 {
            return refuse("epochs", "must be at least 1");
        }
        if self.batch_size == 0 {
            return refuse("batch_size", "must be at least 1");
        }
        if self.early_stopping.is_some_and(|stopping| stopping.patience == 0) {
            return refuse("patience", "must be at least 1 epoch");
        }
        if self.early_stopping.is_some_and(|stopping| !(stopping.min_delta.is_finite() && stopping.min_delta >= 0.0)) {
            return refuse("min_delta", "must be 0 or a number above");
        }
        if self.clip_norm.is_some_and(|limit| !(limit.is_finite() && limit > 0.0)) {
            return refuse("clip_norm", "must be a number above 0");
        }
        let named = |(option, reason)| Error::Option { option, reason };
        self.schedule.check().map_err(named)?;
        self.optimizer.check().map_err(named)
    }

    /// Whether something listens to the validation loss, and what.
    pub(super) fn listens(&self) -> Option<&'static str> {
        if self.early_stopping.is_some() {
            return Some("early_stopping");
        }
        matches!(self.schedule.kind, ScheduleKind::Plateau(_)).then_some("schedule")
    }
}

/// When to stop early (Prechelt 1998, *Early stopping, but when?*), judged by the validation loss after each epoch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EarlyStopping {
    /// How many epochs in a row may pass without an improvement; at least 1. Default 3.
    pub patience: usize,
    /// By how much the loss must fall below the best so far to count as an improvement. Default 0.
    pub min_delta: f64,
}

impl Default for EarlyStopping {
    fn default() -> Self {
        Self { patience: 3, min_delta: 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_make_no_sense_are_refused_by_name() {
        let default = TrainingOptions::default;
        let stopping = |patience, min_delta| Some(EarlyStopping { patience, min_delta });
        let sgd = OptimizerSpec::Sgd { learning_rate: -1.0, momentum: 0.0, nesterov: false, weight_decay: 0.0 };
        let schedule = ScheduleSpec { warm_up: f64::NAN, ..ScheduleSpec::default() };
        for (options, message) in [
            (TrainingOptions { epochs: 0, ..default() }, "`epochs`: must be at least 1"),
            (TrainingOptions { batch_size: 0, ..default() }, "`batch_size`: must be at least 1"),
            (TrainingOptions { clip_norm: Some(0.0), ..default() }, "`clip_norm`: must be a number above 0"),
            (TrainingOptions { early_stopping: stopping(0, 0.0), ..default() }, "`patience`: must be at least 1 epoch"),
            (
                TrainingOptions { early_stopping: stopping(1, f64::NAN), ..default() },
                "`min_delta`: must be 0 or a number above",
            ),
            (TrainingOptions { optimizer: sgd, ..default() }, "`learning_rate`: must be a number above 0, it is -1"),
            (TrainingOptions { schedule, ..default() }, "`warm_up`: must be 0 or a number above, it is NaN"),
        ] {
            assert_eq!(options.check().map_err(|e| e.to_string()), Err(format!("training option {message}")));
        }
        assert!(default().check().is_ok());
    }
}
