//! A training under way: the steps of an epoch.

mod epochs;

use super::super::error::Error;
use super::super::network::Network;
use super::super::optimizer::{Group, Sweep};
use super::super::plan::{Plan, Way};
use super::super::randomness::{Draws, Purpose, generator};
use super::super::schedule::Moment;
use super::batches::{Batch, Batches};
use super::cut::MAX_SHARDS;
use super::shards::{Shards, Task};
use super::state::State;
use super::step::Updater;
use super::team::Team;
use super::validation;
use super::{Callback, Progress, TRAINING, TrainingOptions};
use std::sync::Arc;
use std::time::Instant;

pub(super) struct Run<'a> {
    network: Network,
    state: State,
    options: &'a TrainingOptions,
    /// How many steps the training has at most, and the current epoch.
    steps: u64,
    steps_per_epoch: u64,
    team: Team,
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
        let largest = options.largest_batch(rows);
        let outputs = vec![0.0; network.plan.outputs.len()];
        Self {
            options,
            steps: options.steps(rows),
            steps_per_epoch: 1,
            team: Team::new(rayon::current_num_threads().min(MAX_SHARDS)),
            shards: Shards::new(&network.plan, Way::Training, largest),
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
        self.start(epoch, source)?;
        let read = reading(self.network.plan.clone(), self.options.batch_size_in(epoch, source.rows()));
        self.sums.fill(0.0);
        self.totals.fill(0.0);
        let mut pass = Epoch { batches: 0, rows: 0, loss: 0.0, rows_per_second: 0.0, cancelled: false };
        let mut rows = read(source, current)?;
        while rows > 0 {
            pass.batches += 1;
            self.rate = self.scheduled(epoch, pass.batches);
            let mut following = Ok(0);
            let meanwhile = || following = read(&mut *source, &mut *next);
            self.learn(epoch, pass.batches, (&mut *current, rows), meanwhile)?;
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

    /// Goes back to the first row, in the order of an epoch.
    pub(super) fn start(&mut self, epoch: usize, source: &mut dyn Batches) -> Result<(), Error> {
        let rows = source.rows();
        self.steps_per_epoch = rows.div_ceil(self.options.batch_size_in(epoch, rows)).max(1) as u64;
        let shuffle = self.options.shuffle.then(|| generator(self.options.seed, Purpose::Shuffle, epoch as u64));
        source.start(shuffle).map_err(|cause| Error::Source { what: TRAINING, cause })
    }

    /// Reads the next batch of an epoch and returns its number of rows.
    pub(super) fn read(&self, epoch: usize, source: &mut dyn Batches, batch: &mut Batch) -> Result<usize, Error> {
        let size = self.options.batch_size_in(epoch, source.rows());
        reading(self.network.plan.clone(), size)(source, batch)
    }

    /// An empty batch for the network.
    pub(super) fn batch(&self) -> Batch {
        Batch::new(self.network.plan.inputs.len(), self.network.plan.outputs.len())
    }

    /// One step at a rate of its own. Returns the mean loss of the batch before it; none where no row counts.
    pub(super) fn learn_at(
        &mut self,
        rate: f64,
        number: usize,
        batch: &mut Batch,
        rows: usize,
    ) -> Result<Option<f64>, Error> {
        self.rate = rate;
        self.sums.fill(0.0);
        self.totals.fill(0.0);
        self.learn(1, number, (batch, rows), || {})?;
        Ok(self.totals.iter().any(|total| *total > 0.0).then(|| self.loss()))
    }

    /// The mean loss of the epoch so far.
    fn loss(&self) -> f64 {
        let outputs = self.network.plan.outputs.iter().zip(self.sums.iter().zip(&self.totals));
        outputs.map(|(output, (sum, total))| if *total > 0.0 { output.weight * sum / total } else { 0.0 }).sum()
    }

    /// The learning rate of a batch, which is counted from 1 as its epoch is.
    fn scheduled(&self, epoch: usize, number: usize) -> f64 {
        let done = (number - 1) as f64 / self.steps_per_epoch as f64;
        let moment = Moment {
            step: self.state.memory.steps,
            steps: self.steps,
            epoch: (epoch - 1) as f64 + done,
            steps_per_epoch: self.steps_per_epoch,
        };
        let divisor = self.state.progress.retries.last().map_or(1.0, |last| last.divisor);
        let factor = self.options.schedule.factor(moment, self.state.progress.plateau.factor);
        self.options.optimizer.learning_rate() * factor / divisor
    }

    /// One step at the rate `self.rate`. `meanwhile` is called once, while other threads work at it.
    fn learn(
        &mut self,
        epoch: usize,
        number: usize,
        (batch, rows): (&mut Batch, usize),
        meanwhile: impl FnOnce(),
    ) -> Result<(), Error> {
        let plan = &*self.network.plan;
        self.batch_totals.fill(0.0);
        validation::add_totals(plan, batch, &mut self.batch_totals);
        if self.batch_totals.iter().all(|total| *total == 0.0) {
            meanwhile();
            return Ok(());
        }
        for ((scale, total), output) in self.scales.iter_mut().zip(&self.batch_totals).zip(&plan.outputs) {
            *scale = if *total > 0.0 { output.weight / total } else { 0.0 };
        }
        let task = Task { parameters: &mut self.state.parameters, batch, rows };
        let draws = Draws::new(self.options.seed, self.state.memory.steps);
        self.shards.learn(&self.team, task, (draws, &self.scales), &mut self.sums, meanwhile);
        self.totals.iter_mut().zip(&self.batch_totals).for_each(|(sum, total)| *sum += total);
        let diverged = |place: String| Err(Error::Diverged { epoch, batch: number, place });
        if self.sums.iter().any(|sum| !sum.is_finite()) {
            let place = self.shards.not_finite(&self.state.parameters, rows);
            return diverged(place.unwrap_or_else(|| "the loss is not finite".to_owned()));
        }
        self.state.memory.steps += 1;
        let sweep = Sweep::new(&self.options.optimizer, self.state.memory.steps, self.rate);
        let (parameters, memory) = (&mut self.state.parameters, &mut self.state.memory);
        let finite = self.updater.step(&self.shards.found(rows), sweep, self.options.clip(), parameters, memory);
        if !finite {
            let name = self.updater.not_finite(plan).unwrap_or("a table");
            return diverged(format!("the gradient by {name} is not finite"));
        }
        self.shards.absorb(&mut self.state.parameters);
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

/// Fills a batch with the next rows, at most `size`, checks them, and returns how many there are.
fn reading(plan: Arc<Plan>, size: usize) -> impl Fn(&mut dyn Batches, &mut Batch) -> Result<usize, Error> {
    move |source, batch| {
        batch.clear();
        source.next_batch(size, batch).map_err(|cause| Error::Source { what: TRAINING, cause })?;
        batch.check(TRAINING, &plan, size)
    }
}
