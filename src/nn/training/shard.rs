//! The part of a batch that one thread computes at a time, and the ways it goes.

use super::super::loss::Targets;
use super::super::plan::{Layout, Plan};
use super::super::randomness::Draws;
use super::super::workspace::{Pass, Workspace};
use super::batches::Batch;
use super::cut::Cut;
use super::team::Work;
use super::validation::score;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// The workspace of a shard with what it found.
#[derive(Debug)]
pub(super) struct Shard {
    pub(super) workspace: Workspace,
    pub(super) rows: Range<usize>,
    /// What random layers drew from, and draw from again where a table is visited.
    pub(super) training: Option<Draws>,
    /// For each output the weighted sum of the losses, and of the scores.
    pub(super) sums: Vec<f64>,
    pub(super) scores: Vec<f64>,
    /// For the gradient by one row's logits, where it is not kept.
    pub(super) row: Vec<f32>,
}

/// How far shards go before all of them are waited for. Steps are those of the plan.
#[derive(Debug, Clone, Copy)]
pub(super) enum Leg {
    /// Forward to a synchronized layer.
    Forward { from: usize, stop: usize },
    /// Forward to the end, and back to the last synchronized layer, where there is one.
    Turn { from: usize, stop: Option<usize> },
    /// Back from a synchronized layer to the one before, where there is one.
    Back { end: usize, stop: Option<usize> },
    /// Forward from beginning to end without random layers, to be judged.
    Judge,
}

/// What a batch is computed from, while it is.
#[derive(Debug, Default)]
pub(super) struct Job {
    pub(super) parameters: Vec<f32>,
    pub(super) batch: Batch,
    pub(super) rows: usize,
    pub(super) draws: Option<Draws>,
    pub(super) scales: Vec<f64>,
    pub(super) leg: Option<Leg>,
    /// What all shards said, merged: forward and back.
    pub(super) statistics: [Vec<f64>; 2],
}

/// All shards with what they have in common.
#[derive(Debug)]
pub(super) struct Ground {
    pub(super) plan: Arc<Plan>,
    pub(super) layout: Layout,
    pub(super) cut: Cut,
    pub(super) shards: Vec<Mutex<Shard>>,
    job: RwLock<Job>,
}

impl Ground {
    pub(super) fn new((plan, layout, cut): (Arc<Plan>, Layout, Cut), shards: Vec<Shard>, job: Job) -> Self {
        Self { plan, layout, cut, shards: shards.into_iter().map(Mutex::new).collect(), job: RwLock::new(job) }
    }

    // Where a part has panicked the training ends, so nobody sees what it left.
    pub(super) fn shard(&self, number: usize) -> MutexGuard<'_, Shard> {
        self.shards[number].lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn job(&self) -> RwLockReadGuard<'_, Job> {
        self.job.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn job_mut(&self) -> RwLockWriteGuard<'_, Job> {
        self.job.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Work for Ground {
    fn part(&self, number: usize) {
        let job = &*self.job();
        let shard = &mut *self.shard(number);
        shard.rows = self.cut.place(job.rows, number);
        let (plan, layout) = (&*self.plan, &self.layout);
        let steps = plan.steps.len();
        let [forward, back] = &job.statistics;
        let Job { parameters, .. } = job;
        shard.training = job.draws.map(|draws| draws.seen_from(shard.rows.start));
        let (rows, training) = (shard.rows.len(), shard.training);
        let pass = Pass { plan, layout, parameters, statistics: [forward, back], rows, training };
        match job.leg {
            None => {}
            Some(Leg::Forward { from, stop }) => {
                shard.fill(self, job, from);
                shard.workspace.forward(pass, from..stop);
                shard.workspace.gather(pass, stop);
            }
            Some(Leg::Turn { from, stop }) => {
                shard.fill(self, job, from);
                shard.workspace.forward(pass, from..steps);
                shard.losses(self, job);
                shard.workspace.backward(pass, stop.map_or(0, |stop| stop + 1)..steps);
                if let Some(stop) = stop {
                    shard.workspace.gather_back(pass, stop);
                }
            }
            Some(Leg::Back { end, stop }) => {
                shard.workspace.backward(pass, stop.map_or(0, |stop| stop + 1)..end + 1);
                if let Some(stop) = stop {
                    shard.workspace.gather_back(pass, stop);
                }
            }
            Some(Leg::Judge) => {
                shard.fill(self, job, 0);
                shard.workspace.forward(pass, 0..steps);
                shard.losses(self, job);
                for (number, output) in plan.outputs.iter().enumerate() {
                    let targets = shard.targets(self, job, number);
                    let logits = shard.workspace.value(layout, output.value, rows);
                    shard.scores[number] = score(output.head, logits, targets);
                }
            }
        }
    }
}

impl Shard {
    /// Writes this shard's rows of the inputs where the way forward begins, unless it is under way.
    fn fill(&mut self, ground: &Ground, job: &Job, from: usize) {
        if from > 0 {
            return;
        }
        for (i, input) in job.batch.inputs.iter().enumerate() {
            let size = ground.plan.values[i].size;
            let rows = &input[self.rows.start * size..self.rows.end * size];
            self.workspace.value_mut(&ground.layout, i, self.rows.len()).copy_from_slice(rows);
        }
    }

    fn targets<'a>(&self, ground: &'a Ground, job: &'a Job, output: usize) -> Targets<'a> {
        let loss = &ground.plan.outputs[output].loss;
        job.batch.targets[output].of(loss).rows(self.rows.start, self.rows.end, loss.width())
    }

    /// The losses, and where there is a way back the gradients by the logits, each times its scale.
    fn losses(&mut self, ground: &Ground, job: &Job) {
        for (i, output) in ground.plan.outputs.iter().enumerate() {
            let targets = self.targets(ground, job, i);
            let weights = job.batch.weights.get(self.rows.clone()).filter(|weights| !weights.is_empty());
            let (logits, by_logits) = self.workspace.logits(&ground.layout, output, self.rows.len());
            let row = &mut self.row[..output.head.width()];
            let scale = job.scales.get(i).copied().unwrap_or(1.0);
            self.sums[i] = output.loss.sum_and_gradient(logits, targets, weights, scale, by_logits, row);
        }
    }
}
