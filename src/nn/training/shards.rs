//! One batch on several threads, with the same result on any number of them.
//!
//! A batch is cut into shards whose number and borders follow from its rows alone. Each shard has a workspace of its
//! own; what the shards found is added up in their order. Threads only decide who computes a shard.

use super::super::loss::{Loss, Targets};
use super::super::optimizers::BLOCK;
use super::super::plan::Plan;
use super::super::randomness::{Purpose, generator};
use super::super::workspace::Workspace;
use super::batches::Batch;
use rayon::prelude::*;

/// The most shards of a batch: enough for eight cores, few enough that adding up their gradients stays cheap.
const MAX_SHARDS: usize = 8;

/// A shard has at least about this many rows; matrix products of fewer rows are slower by the row.
const MIN_ROWS: usize = 64;

/// The workspaces for batches of up to a stated number of rows.
#[derive(Debug)]
pub(super) struct Shards {
    shards: Vec<Shard>,
}

#[derive(Debug)]
struct Shard {
    workspace: Workspace,
    sum: f64,
    score: f64,
}

/// What one batch is computed from.
#[derive(Clone, Copy)]
pub(super) struct Task<'a> {
    pub(super) plan: &'a Plan,
    pub(super) parameters: &'a [f32],
    pub(super) loss: Loss,
    pub(super) batch: &'a Batch,
    pub(super) rows: usize,
}

/// The rows of one shard.
struct Slice<'a> {
    rows: usize,
    inputs: &'a [f32],
    targets: Targets<'a>,
    weights: Option<&'a [f32]>,
}

fn count(rows: usize) -> usize {
    rows.div_ceil(MIN_ROWS).clamp(1, MAX_SHARDS)
}

impl<'a> Task<'a> {
    fn slice(&self, shard: usize) -> Slice<'a> {
        let size = self.rows.div_ceil(count(self.rows));
        let (from, to) = ((shard * size).min(self.rows), ((shard + 1) * size).min(self.rows));
        let (features, batch) = (self.plan.input_size, self.batch);
        Slice {
            rows: to - from,
            inputs: &batch.inputs[from * features..to * features],
            targets: batch.targets(self.loss).rows(from, to, self.loss.width()),
            weights: batch.weights.get(from..to),
        }
    }
}

impl Shards {
    /// Workspaces that go both ways, for batches of up to `rows` rows.
    pub(super) fn for_training(plan: &Plan, rows: usize) -> Self {
        Self::new(rows, |capacity| Workspace::for_training(plan, capacity))
    }

    /// Workspaces that only go forward, for batches of up to `rows` rows.
    pub(super) fn for_evaluation(plan: &Plan, rows: usize) -> Self {
        Self::new(rows, |capacity| Workspace::for_prediction(plan, capacity))
    }

    fn new(rows: usize, workspace: impl Fn(usize) -> Workspace) -> Self {
        // A smaller batch has fewer shards, which may be larger than those of the largest: up to `MIN_ROWS`.
        let capacity = rows.div_ceil(count(rows)).max(MIN_ROWS.min(rows));
        let shard = |_| Shard { workspace: workspace(capacity), sum: 0.0, score: 0.0 };
        Self { shards: (0..count(rows)).map(shard).collect() }
    }

    /// The weighted sum of the losses of a batch. Writes the gradient of their weighted mean by the parameters to
    /// `gradient`. Random layers draw from the stream of `seed` and `step`.
    pub(super) fn learn(&mut self, task: Task<'_>, seed: u64, step: u64, gradient: &mut [f32]) -> f64 {
        let shards = &mut self.shards[..count(task.rows)];
        let scale = 1.0 / task.batch.total_weight(task.rows);
        let Task { plan, parameters, loss, .. } = task;
        shards.par_iter_mut().enumerate().for_each(|(i, shard)| {
            let slice = task.slice(i);
            let mut rng = generator(seed, Purpose::Train, step * MAX_SHARDS as u64 + i as u64);
            let Shard { workspace, sum, .. } = shard;
            workspace.forward(plan, parameters, slice.inputs, slice.rows, Some(&mut rng));
            let (logits, by_logits) = workspace.logits_and_gradient(plan, slice.rows);
            *sum = loss.sum_and_gradient(logits, slice.targets, slice.weights, scale, by_logits);
            workspace.backward(plan, parameters, slice.inputs, slice.rows);
        });
        let shards = &*shards;
        gradient.par_chunks_mut(BLOCK).enumerate().for_each(|(block, sum)| {
            for (i, shard) in shards.iter().enumerate() {
                let own = &shard.workspace.parameter_gradient[block * BLOCK..][..sum.len()];
                if i == 0 {
                    sum.copy_from_slice(own);
                } else {
                    sum.iter_mut().zip(own).for_each(|(sum, own)| *sum += own);
                }
            }
        });
        shards.iter().map(|shard| shard.sum).sum()
    }

    /// The weighted sum of the losses of a batch, and the sum of `score(logits, targets)` over its rows, whatever their
    /// weights.
    pub(super) fn judge(&mut self, task: Task<'_>, score: impl Fn(&[f32], Targets<'_>) -> f64 + Sync) -> (f64, f64) {
        let shards = &mut self.shards[..count(task.rows)];
        let Task { plan, parameters, loss, .. } = task;
        shards.par_iter_mut().enumerate().for_each(|(i, shard)| {
            let slice = task.slice(i);
            shard.workspace.forward(plan, parameters, slice.inputs, slice.rows, None);
            let (logits, by_logits) = shard.workspace.logits_and_gradient(plan, slice.rows);
            shard.sum = loss.sum_and_gradient(logits, slice.targets, slice.weights, 1.0, by_logits);
            shard.score = score(logits, slice.targets);
        });
        shards.iter().fold((0.0, 0.0), |(sum, score), shard| (sum + shard.sum, score + shard.score))
    }

    /// The first place where the last pass, over `task`, left the finite numbers.
    pub(super) fn not_finite(&self, task: Task<'_>) -> Option<String> {
        let shards = self.shards.iter().take(count(task.rows)).enumerate();
        shards
            .map(|(i, shard)| shard.workspace.not_finite(task.plan, task.parameters, task.slice(i).rows))
            .find_map(|place| place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_batch_up_to_the_largest_fits_into_the_workspaces() {
        for largest in 1..1200usize {
            let capacity = largest.div_ceil(count(largest)).max(MIN_ROWS.min(largest));
            for rows in 1..=largest {
                assert!(count(rows) <= count(largest) && rows.div_ceil(count(rows)) <= capacity, "{rows} of {largest}");
            }
        }
    }
}
