//! The options of a training.

use super::super::error::Error;
use super::super::optimizer::{Clip, GroupRule, OptimizerSpec};
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
    /// Other batch sizes from some epochs on, in order: small batches find a good place, large ones settle there (Smith,
    /// Kindermans, Ying & Le 2018, *Don't decay the learning rate, increase the batch size*). Default none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub batch_sizes: Vec<BatchSize>,
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
    /// The largest size of each number of a step's gradient; a larger one is cut to it. Not beside `clip_norm`. Default
    /// none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clip_value: Option<f64>,
    /// What is done where training leaves the finite numbers. Default: it ends with an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
}

impl Default for TrainingOptions {
    fn default() -> Self {
        Self {
            epochs: 10,
            batch_size: 256,
            batch_sizes: Vec::new(),
            optimizer: OptimizerSpec::default(),
            schedule: ScheduleSpec::default(),
            groups: Vec::new(),
            seed: 0,
            shuffle: true,
            early_stopping: None,
            clip_norm: None,
            clip_value: None,
            retry: None,
        }
    }
}

/// A batch size that holds from an epoch on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchSize {
    /// The first epoch with it, from 2.
    pub epoch: usize,
    /// How many rows make one step.
    pub rows: usize,
}

/// Another try after a divergence: from the start of the epoch in which it happened, with a smaller learning rate for the
/// rest of the training.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retry {
    /// How often at most. Default 3.
    pub times: usize,
    /// By what the learning rate is divided each time, above 1. Default 10.
    pub divisor: f64,
}

impl Default for Retry {
    fn default() -> Self {
        Self { times: 3, divisor: 10.0 }
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
        let mut last = 1;
        for &BatchSize { epoch, rows } in &self.batch_sizes {
            if epoch <= last || rows == 0 {
                return refuse("batch_sizes", "must have at least 1 row each, from epochs that grow from 2 on");
            }
            last = epoch;
        }
        if self.retry.is_some_and(|retry| retry.times == 0 || !(retry.divisor.is_finite() && retry.divisor > 1.0)) {
            return refuse("retry", "needs at least 1 time and a divisor above 1");
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
        if self.clip_value.is_some_and(|limit| !(limit.is_finite() && limit as f32 > 0.0)) {
            return refuse("clip_value", "must be a number above 0");
        }
        if self.clip_value.is_some() && self.clip_norm.is_some() {
            return refuse("clip_value", "stands instead of clip_norm, not beside it");
        }
        let named = |(option, reason)| Error::Option { option, reason };
        self.schedule.check().map_err(named)?;
        self.optimizer.check().map_err(named)
    }

    /// What gradients are cut to.
    pub(super) fn clip(&self) -> Clip {
        Clip { norm: self.clip_norm, value: self.clip_value }
    }

    /// How many rows make one step in an epoch, of which there are `rows`.
    pub(super) fn batch_size_in(&self, epoch: usize, rows: usize) -> usize {
        let own = self.batch_sizes.iter().rfind(|size| size.epoch <= epoch);
        // No more rows than there are.
        own.map_or(self.batch_size, |size| size.rows).min(rows.max(1))
    }

    /// How many rows the largest batch has.
    pub(super) fn largest_batch(&self, rows: usize) -> usize {
        let begun = self.batch_sizes.iter().filter(|size| size.epoch <= self.epochs);
        begun.map(|size| size.rows).fold(self.batch_size, usize::max).min(rows.max(1))
    }

    /// How many steps all epochs have.
    pub(super) fn steps(&self, rows: usize) -> u64 {
        let starts = [1].into_iter().chain(self.batch_sizes.iter().map(|size| size.epoch));
        let ends = self.batch_sizes.iter().map(|size| size.epoch).chain([self.epochs.saturating_add(1)]);
        let part = |(start, end): (usize, usize)| {
            let epochs = end.min(self.epochs.saturating_add(1)).saturating_sub(start) as u64;
            epochs.saturating_mul(rows.div_ceil(self.batch_size_in(start, rows)).max(1) as u64)
        };
        starts.zip(ends).map(part).fold(0, u64::saturating_add)
    }

    /// Whether something listens to the validation loss, and what.
    pub(super) fn listens(&self) -> Option<&'static str> {
        if self.early_stopping.is_some() {
            return Some("early_stopping");
        }
        matches!(self.schedule.kind, ScheduleKind::Plateau(_)).then_some("schedule")
    }
}

/// When to stop early (Prechelt 1998, *Early stopping, but when?*), judged by the validation rows after each epoch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EarlyStopping {
    /// How many epochs in a row may pass without an improvement; at least 1. Default 3.
    pub patience: usize,
    /// By how much the best so far must be surpassed to count as an improvement. Default 0.
    pub min_delta: f64,
    /// What is watched. Default the loss.
    #[serde(skip_serializing_if = "Watch::is_loss")]
    pub watch: Watch,
}

/// What says which epoch is the best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Watch {
    /// The validation loss; of equal epochs the first is kept.
    #[default]
    Loss,
    /// The metric of the first output, accuracy or mean absolute error; of equal epochs the last is kept, as in RealMLP.
    Metric,
}

impl Watch {
    fn is_loss(&self) -> bool {
        *self == Self::Loss
    }
}

impl Default for EarlyStopping {
    fn default() -> Self {
        Self { patience: 3, min_delta: 0.0, watch: Watch::Loss }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_make_no_sense_are_refused_by_name() {
        let default = TrainingOptions::default;
        let stopping = |patience, min_delta| Some(EarlyStopping { patience, min_delta, watch: Watch::Loss });
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
            (
                TrainingOptions { batch_sizes: vec![BatchSize { epoch: 1, rows: 9 }], ..default() },
                "`batch_sizes`: must have at least 1 row each, from epochs that grow from 2 on",
            ),
            (
                TrainingOptions { retry: Some(Retry { times: 1, divisor: 1.0 }), ..default() },
                "`retry`: needs at least 1 time and a divisor above 1",
            ),
            (TrainingOptions { optimizer: sgd, ..default() }, "`learning_rate`: must be a number above 0, it is -1"),
            (TrainingOptions { schedule, ..default() }, "`warm_up`: must be 0 or a number above, it is NaN"),
        ] {
            assert_eq!(options.check().map_err(|e| e.to_string()), Err(format!("training option {message}")));
        }
        assert!(default().check().is_ok());
    }

    #[test]
    fn steps_are_counted_over_epochs_of_different_batches() {
        let sizes = [(3, 20), (5, 1000)].map(|(epoch, rows)| BatchSize { epoch, rows });
        let options =
            TrainingOptions { epochs: 6, batch_size: 10, batch_sizes: sizes.to_vec(), ..TrainingOptions::default() };
        // Of 95 rows: two epochs of 10 steps, two of 5, two of 1.
        assert_eq!(options.steps(95), 32);
        assert_eq!([1, 2, 3, 4, 5, 6].map(|epoch| options.batch_size_in(epoch, 95)), [10, 10, 20, 20, 95, 95]);
        assert_eq!((options.largest_batch(95), options.largest_batch(5000)), (95, 1000));
        let short = TrainingOptions { epochs: 2, ..options };
        assert_eq!((short.steps(95), short.largest_batch(95)), (20, 10));
    }
}
