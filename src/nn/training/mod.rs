//! Training: batches in, better parameters out.
//!
//! An epoch sees all rows once, in batches. For each batch the loss is computed forward, its gradient backward, and the
//! optimizer takes one step; this is stochastic gradient descent (Robbins & Monro 1951) with back-propagation. A batch
//! is spread over the threads of the current `rayon` pool in a way that does not change a bit of the result: a seed
//! gives the same network on one machine, whatever its number of threads and its load.

mod batches;
mod options;
mod shards;
mod validation;

#[cfg(test)]
mod tests;

pub use batches::{Batch, Batches, InMemory, SourceError};
pub use options::{EarlyStopping, TrainingOptions};
pub use validation::Validation;

use super::error::Error;
use super::network::Network;
use super::optimizers::{Optimizer, clip_norm};
use super::randomness::{Purpose, generator};
use super::shape::Shape;
use serde::{Deserialize, Serialize};
use shards::{Shards, Task};
use std::ops::ControlFlow;
use std::time::Instant;

/// How far a training is; given to the callback after each batch and once more after each epoch.
#[derive(Debug, Clone, Copy, PartialEq)]
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
    /// Rows learned by the second in this epoch.
    pub rows_per_second: f64,
    /// At the end of an epoch: its record.
    pub finished: Option<&'a EpochRecord>,
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
/// [`Error::Diverged`] as soon as a loss or a weight is NaN or infinite. After an error there is no network.
pub fn train(
    network: Network,
    source: &mut dyn Batches,
    validation: Option<&mut dyn Batches>,
    options: &TrainingOptions,
    callback: &mut Callback<'_>,
) -> Result<Trained, Error> {
    options.check()?;
    let fits = |what, source: &dyn Batches| {
        let got = source.features();
        if got != network.plan.input_size {
            return Err(Error::InputShape { what, expected: network.spec().input.clone(), got: Shape::features(got) });
        }
        source.check(network.spec().head.loss()).map_err(|reason| Error::Targets { what, reason })
    };
    fits(TRAINING, source)?;
    match &validation {
        Some(validation) => fits("the validation data", &**validation)?,
        None if options.early_stopping.is_some() => {
            let reason = "watches the validation loss, but there are no validation data".to_owned();
            return Err(Error::Option { option: "early_stopping", reason });
        }
        None => {}
    }
    // Inside the pool, so that a step costs no hand-over between threads.
    rayon::scope(|_| Run::new(network, source.rows(), options).epochs(source, validation, callback))
}

const TRAINING: &str = "the training data";

/// A training under way.
struct Run<'a> {
    network: Network,
    options: &'a TrainingOptions,
    optimizer: Box<dyn Optimizer>,
    batch_size: usize,
    shards: Shards,
    gradient: Vec<f32>,
    /// Steps so far.
    step: u64,
}

/// The best epoch so far, under early stopping.
struct Best {
    stopping: EarlyStopping,
    /// 0 before the first.
    epoch: usize,
    loss: f64,
    parameters: Vec<f32>,
}

impl Best {
    fn new(stopping: EarlyStopping) -> Self {
        Self { stopping, epoch: 0, loss: f64::INFINITY, parameters: Vec::new() }
    }

    /// Keeps the parameters where the loss is an improvement.
    fn observe(&mut self, epoch: usize, loss: f64, parameters: &[f32]) {
        if loss < self.loss - self.stopping.min_delta {
            (self.epoch, self.loss) = (epoch, loss);
            self.parameters.clear();
            self.parameters.extend_from_slice(parameters);
        }
    }

    fn is_long_ago(&self, epoch: usize) -> bool {
        epoch - self.epoch >= self.stopping.patience
    }
}

/// One pass over the source.
struct Epoch {
    batches: usize,
    rows: usize,
    loss: f64,
    rows_per_second: f64,
    cancelled: bool,
}

impl<'a> Run<'a> {
    fn new(network: Network, rows: usize, options: &'a TrainingOptions) -> Self {
        let parameters = network.parameter_count();
        // Buffers for no more rows than there are.
        let batch_size = options.batch_size.min(rows.max(1));
        Self {
            options,
            optimizer: options.optimizer.build(parameters),
            batch_size,
            shards: Shards::for_training(&network.plan, batch_size),
            gradient: vec![0.0; parameters],
            step: 0,
            network,
        }
    }

    fn epochs(
        mut self,
        source: &mut dyn Batches,
        mut validation: Option<&mut dyn Batches>,
        callback: &mut Callback<'_>,
    ) -> Result<Trained, Error> {
        let mut judges = validation.is_some().then(|| Shards::for_evaluation(&self.network.plan, validation::ROWS));
        let (mut current, mut next) = (Batch::default(), Batch::default());
        let mut history = Vec::<EpochRecord>::new();
        let mut best = self.options.early_stopping.map(Best::new);
        let mut ended = Ended::Completed;
        for epoch in 1..=self.options.epochs {
            let start = Instant::now();
            let pass = self.epoch(epoch, source, [&mut current, &mut next], callback)?;
            self.check_weights(epoch, pass.batches)?;
            if pass.cancelled {
                ended = Ended::Cancelled;
                break;
            }
            let judged = match (&mut validation, &mut judges) {
                (Some(source), Some(shards)) => {
                    let Network { plan, parameters, .. } = &self.network;
                    let judged = validation::validate(
                        shards,
                        plan,
                        parameters,
                        self.network.spec().head,
                        *source,
                        &mut current,
                    )?;
                    if !judged.loss.is_finite() {
                        let place = "the validation loss is not finite".to_owned();
                        return Err(Error::Diverged { epoch, batch: pass.batches, place });
                    }
                    Some(judged)
                }
                _ => None,
            };
            if let (Some(best), Some(judged)) = (&mut best, &judged) {
                best.observe(epoch, judged.loss, &self.network.parameters);
            }
            let seconds = start.elapsed().as_secs_f64();
            let Epoch { batches, rows: rows_done, loss, rows_per_second, .. } = pass;
            history.push(EpochRecord { epoch, loss, validation: judged, seconds, rows_per_second });
            let epochs = self.options.epochs;
            let rows = source.rows();
            let finished = history.last();
            let progress = Progress { epoch, epochs, batch: batches, rows_done, rows, loss, rows_per_second, finished };
            if callback(&progress).is_break() {
                ended = Ended::Cancelled;
                break;
            }
            if best.as_ref().is_some_and(|best| best.is_long_ago(epoch)) {
                ended = Ended::EarlyStopped;
                break;
            }
        }
        let mut kept_epoch = history.len();
        if let Some(best) = best.filter(|best| best.epoch > 0) {
            self.network.parameters = best.parameters;
            kept_epoch = best.epoch;
        }
        Ok(Trained { network: self.network, history, kept_epoch, ended })
    }

    /// Learns all rows once. The next batch is read while the current one is learned.
    fn epoch(
        &mut self,
        epoch: usize,
        source: &mut dyn Batches,
        [mut current, mut next]: [&mut Batch; 2],
        callback: &mut Callback<'_>,
    ) -> Result<Epoch, Error> {
        let start = Instant::now();
        let shuffle = self.options.shuffle.then(|| generator(self.options.seed, Purpose::Shuffle, epoch as u64));
        source.start(shuffle).map_err(|cause| Error::Source { what: TRAINING, cause })?;
        let (features, loss, batch_size) =
            (self.network.plan.input_size, self.network.spec().head.loss(), self.batch_size);
        let read = |source: &mut dyn Batches, batch: &mut Batch| {
            batch.clear();
            source.next_batch(batch_size, batch).map_err(|cause| Error::Source { what: TRAINING, cause })?;
            batch.check(TRAINING, features, batch_size, loss)
        };
        let mut pass = Epoch { batches: 0, rows: 0, loss: 0.0, rows_per_second: 0.0, cancelled: false };
        let (mut loss_sum, mut weight_sum) = (0.0, 0.0);
        let mut rows = read(source, current)?;
        while rows > 0 {
            pass.batches += 1;
            let (learned, following) =
                rayon::join(|| self.learn(epoch, pass.batches, current, rows), || read(&mut *source, &mut *next));
            loss_sum += learned?;
            weight_sum += current.total_weight(rows);
            pass.rows += rows;
            pass.loss = if weight_sum > 0.0 { loss_sum / weight_sum } else { 0.0 };
            pass.rows_per_second = pass.rows as f64 / start.elapsed().as_secs_f64().max(f64::MIN_POSITIVE);
            let progress = Progress {
                epoch,
                epochs: self.options.epochs,
                batch: pass.batches,
                rows_done: pass.rows,
                rows: source.rows(),
                loss: pass.loss,
                rows_per_second: pass.rows_per_second,
                finished: None,
            };
            if callback(&progress).is_break() {
                pass.cancelled = true;
                return Ok(pass);
            }
            rows = following?;
            std::mem::swap(&mut current, &mut next);
        }
        if pass.rows == 0 {
            return Err(Error::Empty(TRAINING));
        }
        if weight_sum == 0.0 {
            return Err(Error::Targets { what: TRAINING, reason: "all weights are 0".to_owned() });
        }
        Ok(pass)
    }

    /// One step. Returns the weighted sum of the losses before it.
    fn learn(&mut self, epoch: usize, number: usize, batch: &Batch, rows: usize) -> Result<f64, Error> {
        if batch.total_weight(rows) == 0.0 {
            return Ok(0.0);
        }
        let Network { plan, parameters, .. } = &self.network;
        let task = Task { plan, parameters, loss: self.network.spec().head.loss(), batch, rows };
        let loss = self.shards.learn(task, self.options.seed, self.step, &mut self.gradient);
        if !loss.is_finite() {
            let place = self.shards.not_finite(task).unwrap_or_else(|| "the loss is not finite".to_owned());
            return Err(Error::Diverged { epoch, batch: number, place });
        }
        if let Some(limit) = self.options.clip_norm {
            clip_norm(&mut self.gradient, limit);
        }
        self.optimizer.step(self.options.optimizer.learning_rate(), &mut self.network.parameters, &self.gradient);
        self.step += 1;
        Ok(loss)
    }

    /// Refuses weights that are not finite: the last step may have made them so, and `relu` can hide it from the loss.
    fn check_weights(&self, epoch: usize, batch: usize) -> Result<(), Error> {
        match self.network.plan.not_finite(&self.network.parameters) {
            None => Ok(()),
            Some(step) => {
                Err(Error::Diverged { epoch, batch, place: format!("the weights of {} are not finite", step.title()) })
            }
        }
    }
}
