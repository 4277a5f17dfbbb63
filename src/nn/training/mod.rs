//! Training: batches in, better parameters out.
//!
//! An epoch sees all rows once, in batches. For each batch the loss is computed forward, its gradient backward, and the
//! optimizer takes one step; this is stochastic gradient descent (Robbins & Monro 1951) with back-propagation. A batch
//! is spread over the threads of the current `rayon` pool in a way that does not change a bit of the result: a seed
//! gives the same network on one machine, whatever its number of threads and its load.

mod batch_size;
mod batches;
mod checkpoint;
mod cut;
mod identity;
mod options;
mod rate;
mod run;
mod shard;
mod shards;
mod state;
mod step;
mod team;
mod validation;

#[cfg(test)]
mod tests;

pub use batch_size::automatic_batch_size;
pub use batches::{Batch, Batches, InMemory, SourceError, TargetBuffer};
pub use identity::Identity;
pub use options::{BatchSize, EarlyStopping, Retry, TrainingOptions, Watch};
pub use rate::{RateFound, RatePoint, RateSearch, find_learning_rate};
pub use state::{State, StateProgress};
pub use validation::{OutputValidation, Validation};

use super::error::Error;
use super::network::Network;
use super::optimizer::{Group, groups};
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

/// A divergence after which training went back to the start of its epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retried {
    /// The epoch, from 1.
    pub epoch: usize,
    /// The batch, from 1.
    pub batch: usize,
    /// The first thing that was not finite.
    pub place: String,
    /// By what the learning rate has been divided since.
    pub divisor: f64,
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
    /// The divergences after which training went on with a smaller learning rate.
    pub retries: Vec<Retried>,
    /// The epoch (from 1) after which the network was as it is; 0 where training was cancelled in the first.
    pub kept_epoch: usize,
    /// Why it ended.
    pub ended: Ended,
}

/// Trains a network on the rows of `source`, and judges it after each epoch on those of `validation`.
///
/// `callback` hears of each batch and each epoch; where it breaks, training ends with what it has. Memory: the
/// parameters, two or three copies of them for the optimizer and the best epoch, as many again for another try, one gradient for each of up to eight
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
    let state = State::new(&network, options, source.rows())?;
    resume(network, state, source, validation, options, callback)
}

/// Continues a training from a [`State`] that a callback was given, with the same rows and options. It ends as the
/// uninterrupted training would have, bit for bit.
///
/// Errors: as [`train`], and [`Error::Resume`] where the state belongs to another network, other options or other rows,
/// with what is different.
pub fn resume(
    network: Network,
    state: State,
    source: &mut dyn Batches,
    validation: Option<&mut dyn Batches>,
    options: &TrainingOptions,
    callback: &mut Callback<'_>,
) -> Result<Trained, Error> {
    options.check()?;
    state.check(&network, options, source.rows())?;
    let groups = own_groups(&network, options)?;
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

/// How the parameters of a network are treated.
fn own_groups(network: &Network, options: &TrainingOptions) -> Result<Vec<Group>, Error> {
    groups(&network.plan.parameters, &options.groups).map_err(|reason| Error::Option { option: "groups", reason })
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
