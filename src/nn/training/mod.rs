//! Training: batches in, better parameters out.
//!
//! An epoch sees all rows once, in batches. For each batch the loss is computed forward, its gradient backward, and the
//! optimizer takes one step; this is stochastic gradient descent (Robbins & Monro 1951) with back-propagation. A batch
//! is spread over the threads of the current `rayon` pool in a way that does not change a bit of the result: a seed
//! gives the same network on one machine, whatever its number of threads and its load.

mod batches;
mod checkpoint;
mod options;
mod run;
mod shards;
mod state;
mod step;
mod validation;

#[cfg(test)]
mod tests;

pub use batches::{Batch, Batches, InMemory, SourceError, TargetBuffer};
pub use options::{EarlyStopping, TrainingOptions};
pub use state::{State, StateProgress};
pub use validation::{OutputValidation, Validation};

use super::error::Error;
use super::network::Network;
use super::optimizer::groups;
use super::shape::Shape;
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;

/// How far a training is; given to the callback after each batch and once more after each epoch.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// The epoch, from 1.
    pub epoch: usize,
    /// How many epochs there are at most.
    pub epochs: usize,
    /// The last batch of this epoch that was learned, from 1.
    pub batch: usize,
    /// How many rows of this epoch were learned.
    pub rows_done: usize,
    /// How many rows the epoch has.
    pub rows: usize,
    /// The mean training loss of this epoch so far.
    pub loss: f64,
    /// The learning rate of the last step.
    pub learning_rate: f64,
    /// Rows learned by the second in this epoch.
    pub rows_per_second: f64,
    /// At the end of an epoch: its record.
    pub finished: Option<&'a EpochRecord>,
    /// At the end of an epoch: what a training can be continued from.
    pub state: Option<&'a State>,
}

/// Hears how far a training is. Where it breaks, training ends after that batch.
pub type Callback<'a> = dyn FnMut(&Progress<'_>) -> ControlFlow<()> + Send + 'a;

/// What an epoch came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// The epoch, from 1.
    pub epoch: usize,
    /// The mean training loss, taken while the parameters moved and with random layers acting.
    pub loss: f64,
    /// How the network did on the validation rows after the epoch.
    pub validation: Option<Validation>,
    /// The learning rate of the last step.
    #[serde(default)]
    pub learning_rate: f64,
    /// Seconds for learning and validating.
    pub seconds: f64,
    /// Rows learned by the second, without validating.
    pub rows_per_second: f64,
}

/// Why a training ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// All epochs are done.
    Completed,
    /// The validation loss no longer fell.
    EarlyStopped,
    /// The callback broke off.
    Cancelled,
}

/// A trained network with its history.
#[derive(Debug, Clone)]
pub struct Trained {
    /// The network: of the best epoch with early stopping, else of the last. All its weights are finite.
    pub network: Network,
    /// One record for each finished epoch.
    pub history: Vec<EpochRecord>,
    /// The epoch (from 1) after which the network was as it is; 0 where training was cancelled in the first.
    pub kept_epoch: usize,
    /// Why it ended.
    pub ended: Ended,
}

/// Trains a network on the rows of `source`, and judges it after each epoch on those of `validation`.
///
/// `callback` hears of each batch and each epoch; where it breaks, training ends with what it has. Memory: the
/// parameters, two or three copies of them for the optimizer and the best epoch, one gradient for each of up to eight
/// shards, and what a batch needs on its way.
///
/// Errors: options that make no sense, sources that do not fit the network or fail, an epoch without rows, and
/// [`Error::Diverged`] as soon as a loss, a gradient or a weight is NaN or infinite. After an error there is no network.
pub fn train(
    network: Network,
    source: &mut dyn Batches,
    validation: Option<&mut dyn Batches>,
    options: &TrainingOptions,
    callback: &mut Callback<'_>,
) -> Result<Trained, Error> {
    let state = State::new(&network, options);
    resume(network, state, source, validation, options, callback)
}

/// Continues a training from a [`State`] that a callback was given, with the same rows and options. It ends as the
/// uninterrupted training would have, bit for bit.
///
/// Errors: as [`train`], and [`Error::Resume`] where the state belongs to another network or other options.
pub fn resume(
    network: Network,
    state: State,
    source: &mut dyn Batches,
    validation: Option<&mut dyn Batches>,
    options: &TrainingOptions,
    callback: &mut Callback<'_>,
) -> Result<Trained, Error> {
    options.check()?;
    state.check(&network, options)?;
    let groups = groups(&network.plan.parameters, &options.groups)
        .map_err(|reason| Error::Option { option: "groups", reason })?;
    fits(TRAINING, source, &network)?;
    match &validation {
        Some(validation) => fits("the validation data", &**validation, &network)?,
        None => {
            if let Some(option) = options.listens() {
                let reason = "watches the validation loss, but there are no validation data".to_owned();
                return Err(Error::Option { option, reason });
            }
        }
    }
    // Inside the pool, so that a step costs no hand-over between threads.
    rayon::scope(|_| run::Run::new(network, state, source.rows(), groups, options).epochs(source, validation, callback))
}

const TRAINING: &str = "the training data";

/// Refuses a source whose rows or targets are not those of the network.
fn fits(what: &'static str, source: &dyn Batches, network: &Network) -> Result<(), Error> {
    let plan = &network.plan;
    let widths = source.widths();
    if widths.len() != plan.inputs.len() {
        let reason = format!("there are {} inputs, the network reads {}", widths.len(), plan.inputs.len());
        return Err(Error::Targets { what, reason });
    }
    for (i, (spec, width)) in plan.inputs.iter().zip(widths).enumerate() {
        if plan.values[i].size != width {
            let (expected, got) = (spec.shape.clone(), Shape::features(width));
            return Err(Error::InputShape { what: what.to_owned(), expected, got });
        }
    }
    let losses: Vec<_> = plan.outputs.iter().map(|output| &output.loss).collect();
    source.check(&losses).map_err(|reason| Error::Targets { what, reason })
}
