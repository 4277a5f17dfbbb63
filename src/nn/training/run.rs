//! A training under way.

use super::super::error::Error;
use super::super::network::Network;
use super::super::optimizer::{Group, Sweep};
use super::super::plan::Way;
use super::super::randomness::{Draws, Purpose, generator};
use super::super::schedule::{Moment, ScheduleKind};
use super::batches::{Batch, Batches};
use super::shards::{Shards, Task};
use super::state::State;
use super::step::Updater;
use super::validation::{self, Validation};
use super::{Callback, Ended, EpochRecord, Progress, TRAINING, Trained, TrainingOptions};
use std::time::Instant;

pub(super) struct Run<'a> {
    network: Network,
    state: State,
    options: &'a TrainingOptions,
    batch_size: usize,
    steps_per_epoch: u64,
    shards: Shards,
    updater: Updater,
    /// For each output of the network: the sum of its losses in the epoch, by what it is divided, and the same of the
    /// last batch.
    sums: Vec<f64>,
    totals: Vec<f64>,
    batch_totals: Vec<f64>,
    scales: Vec<f64>,
    /// The learning rate of the last step.
    rate: f64,
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
    pub(super) fn new(
        network: Network,
        state: State,
        rows: usize,
        groups: Vec<Group>,
        options: &'a TrainingOptions,
    ) -> Self {
        // Buffers for no more rows than there are.
        let batch_size = options.batch_size.min(rows.max(1));
        let outputs = vec![0.0; network.plan.outputs.len()];
        Self {
            options,
            batch_size,
            steps_per_epoch: rows.div_ceil(batch_size).max(1) as u64,
            shards: Shards::new(&network.plan, Way::Training, batch_size),
            updater: Updater::new(&network.plan, groups),
            sums: outputs.clone(),
            totals: outputs.clone(),
            batch_totals: outputs.clone(),
            scales: outputs,
            rate: 0.0,
            network,
            state,
        }
    }

    pub(super) fn epochs(
        mut self,
        source: &mut dyn Batches,
        mut validation: Option<&mut dyn Batches>,
        callback: &mut Callback<'_>,
    ) -> Result<Trained, Error> {
        let plan = self.network.plan.clone();
        let mut judges = validation.is_some().then(|| Shards::new(&plan, Way::Prediction, validation::ROWS));
        let mut buffers = [0, 1].map(|_| Batch::new(plan.inputs.len(), plan.outputs.len()));
        let mut ended = Ended::Completed;
        for epoch in self.state.progress.epochs + 1..=self.options.epochs {
            // Where the state was kept, training may have been about to end.
            if self.state.is_exhausted(self.options.early_stopping) {
                ended = Ended::EarlyStopped;
                break;
            }
            let start = Instant::now();
            let pass = self.epoch(epoch, source, &mut buffers, callback)?;
            self.check_weights(epoch, pass.batches)?;
            if pass.cancelled {
                ended = Ended::Cancelled;
                break;
            }
            let judged = match (&mut validation, &mut judges) {
                (Some(source), Some(shards)) => {
                    Some(self.judge(epoch, pass.batches, shards, *source, &mut buffers[0])?)
                }
                _ => None,
            };
            self.state.progress.epochs = epoch;
            if let Some(judged) = &judged {
                if let Some(stopping) = self.options.early_stopping {
                    self.state.observe(stopping, judged.loss);
                }
                if let ScheduleKind::Plateau(plateau) = self.options.schedule.kind {
                    plateau.observe(&mut self.state.progress.plateau, judged.loss);
                }
            }
            let seconds = start.elapsed().as_secs_f64();
            let Epoch { batches, rows, loss, rows_per_second, .. } = pass;
            let learning_rate = self.rate;
            let record = EpochRecord { epoch, loss, validation: judged, learning_rate, seconds, rows_per_second };
            self.state.progress.history.push(record);
            let finished = self.state.progress.history.last();
            let progress = Progress {
                epoch,
                epochs: self.options.epochs,
                batch: batches,
                rows_done: rows,
                rows: source.rows(),
                loss,
                learning_rate,
                rows_per_second,
                finished,
                state: Some(&self.state),
            };
            if callback(&progress).is_break() {
                ended = Ended::Cancelled;
                break;
            }
        }
        if ended == Ended::Completed && self.state.is_exhausted(self.options.early_stopping) {
            ended = Ended::EarlyStopped;
        }
        let State { parameters, best_parameters, progress, .. } = self.state;
        let stopped = self.options.early_stopping.is_some() && progress.best_epoch > 0;
        let (parameters, kept_epoch) =
            if stopped { (best_parameters, progress.best_epoch) } else { (parameters, progress.epochs) };
        self.network.parameters = parameters;
        Ok(Trained { network: self.network, history: progress.history, kept_epoch, ended })
    }

    fn judge(
        &self,
        epoch: usize,
        batch: usize,
        shards: &mut Shards,
        source: &mut dyn Batches,
        buffer: &mut Batch,
    ) -> Result<Validation, Error> {
        let judged = validation::validate(shards, &self.network.plan, &self.state.parameters, source, buffer)?;
        if !judged.loss.is_finite() {
            let place = "the validation loss is not finite".to_owned();
            return Err(Error::Diverged { epoch, batch, place });
        }
        Ok(judged)
    }

    /// Learns all rows once. The next batch is read while the current one is learned.
    fn epoch(
        &mut self,
        epoch: usize,
        source: &mut dyn Batches,
        buffers: &mut [Batch; 2],
        callback: &mut Callback<'_>,
    ) -> Result<Epoch, Error> {
        let [mut current, mut next] = buffers.each_mut();
        let start = Instant::now();
        let shuffle = self.options.shuffle.then(|| generator(self.options.seed, Purpose::Shuffle, epoch as u64));
        source.start(shuffle).map_err(|cause| Error::Source { what: TRAINING, cause })?;
        let (plan, batch_size) = (self.network.plan.clone(), self.batch_size);
        let read = |source: &mut dyn Batches, batch: &mut Batch| {
            batch.clear();
            source.next_batch(batch_size, batch).map_err(|cause| Error::Source { what: TRAINING, cause })?;
            batch.check(TRAINING, &plan, batch_size)
        };
        self.sums.fill(0.0);
        self.totals.fill(0.0);
        let mut pass = Epoch { batches: 0, rows: 0, loss: 0.0, rows_per_second: 0.0, cancelled: false };
        let mut rows = read(source, current)?;
        while rows > 0 {
            pass.batches += 1;
            let (learned, following) =
                rayon::join(|| self.learn(epoch, pass.batches, current, rows), || read(&mut *source, &mut *next));
            learned?;
            pass.rows += rows;
            pass.loss = self.loss();
            pass.rows_per_second = pass.rows as f64 / start.elapsed().as_secs_f64().max(f64::MIN_POSITIVE);
            let progress = Progress {
                epoch,
                epochs: self.options.epochs,
                batch: pass.batches,
                rows_done: pass.rows,
                rows: source.rows(),
                loss: pass.loss,
                learning_rate: self.rate,
                rows_per_second: pass.rows_per_second,
                finished: None,
                state: None,
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
        if self.totals.contains(&0.0) {
            return Err(Error::Targets { what: TRAINING, reason: "all weights are 0".to_owned() });
        }
        Ok(pass)
    }

    /// The mean loss of the epoch so far.
    fn loss(&self) -> f64 {
        let outputs = self.network.plan.outputs.iter().zip(self.sums.iter().zip(&self.totals));
        outputs.map(|(output, (sum, total))| if *total > 0.0 { output.weight * sum / total } else { 0.0 }).sum()
    }

    /// One step.
    fn learn(&mut self, epoch: usize, number: usize, batch: &Batch, rows: usize) -> Result<(), Error> {
        let plan = &*self.network.plan;
        self.batch_totals.fill(0.0);
        validation::add_totals(plan, batch, &mut self.batch_totals);
        if self.batch_totals.iter().all(|total| *total == 0.0) {
            return Ok(());
        }
        for ((scale, total), output) in self.scales.iter_mut().zip(&self.batch_totals).zip(&plan.outputs) {
            *scale = if *total > 0.0 { output.weight / total } else { 0.0 };
        }
        let moment = Moment {
            step: self.state.memory.steps,
            steps: self.steps_per_epoch * self.options.epochs as u64,
            steps_per_epoch: self.steps_per_epoch,
        };
        let factor = self.options.schedule.factor(moment, self.state.progress.plateau.factor);
        self.rate = self.options.optimizer.learning_rate() * factor;
        let task = Task { plan, parameters: &self.state.parameters, batch, rows };
        let draws = Draws::new(self.options.seed, self.state.memory.steps);
        self.shards.learn(task, draws, &self.scales, &mut self.sums);
        self.totals.iter_mut().zip(&self.batch_totals).for_each(|(sum, total)| *sum += total);
        let diverged = |place: String| Err(Error::Diverged { epoch, batch: number, place });
        if self.sums.iter().any(|sum| !sum.is_finite()) {
            return diverged(self.shards.not_finite(task).unwrap_or_else(|| "the loss is not finite".to_owned()));
        }
        self.state.memory.steps += 1;
        let sweep = Sweep::new(&self.options.optimizer, self.state.memory.steps, self.rate);
        let (parameters, memory) = (&mut self.state.parameters, &mut self.state.memory);
        let finite = self.updater.step(&self.shards, (plan, rows), sweep, self.options.clip_norm, parameters, memory);
        if !finite {
            let name = self.updater.not_finite(plan).unwrap_or("a table");
            return diverged(format!("the gradient by {name} is not finite"));
        }
        self.shards.absorb(plan, &mut self.state.parameters);
        Ok(())
    }

    /// Refuses weights that are not finite: the last step may have made them so, and `relu` can hide it from the loss.
    fn check_weights(&self, epoch: usize, batch: usize) -> Result<(), Error> {
        match self.network.plan.not_finite(&self.state.parameters) {
            None => Ok(()),
            Some(step) => {
                Err(Error::Diverged { epoch, batch, place: format!("the weights of {} are not finite", step.title()) })
            }
        }
    }
}
