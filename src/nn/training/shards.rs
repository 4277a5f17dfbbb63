//! One batch on several threads, with the same result on any number of them.
//!
//! A batch is cut into shards whose number and borders follow from its rows alone. Each shard has a workspace of its
//! own; what the shards found is added up in their order. Threads only decide who computes a shard. Where a layer must
//! know of all rows first, the shards go as far as that layer, say what their rows come to, and go on when that is
//! merged.

use super::super::loss::Targets;
use super::super::plan::{Layout, Plan, Way};
use super::super::randomness::Draws;
use super::super::workspace::{Pass, Workspace};
use super::batches::Batch;
use rayon::prelude::*;
use std::ops::Range;

/// The most shards of a batch: enough for eight cores, few enough that adding up their gradients stays cheap.
const MAX_SHARDS: usize = 8;

/// A shard has at least about this many rows; matrix products of fewer rows are slower by the row.
const MIN_ROWS: usize = 64;

/// The workspaces for batches of up to a stated number of rows.
#[derive(Debug)]
pub(super) struct Shards {
    layout: Layout,
    shards: Vec<Shard>,
    /// What all shards said, merged: forward and back.
    statistics: [Vec<f64>; 2],
}

#[derive(Debug)]
struct Shard {
    workspace: Workspace,
    rows: Range<usize>,
    /// For each output the weighted sum of the losses, and of the scores.
    sums: Vec<f64>,
    scores: Vec<f64>,
    /// For the gradient by one row's logits, where it is not kept.
    row: Vec<f32>,
}

/// What one batch is computed from.
#[derive(Clone, Copy)]
pub(super) struct Task<'a> {
    pub(super) plan: &'a Plan,
    pub(super) parameters: &'a [f32],
    pub(super) batch: &'a Batch,
    pub(super) rows: usize,
}

/// How many shards a batch has.
fn count(rows: usize) -> usize {
    rows.div_ceil(MIN_ROWS).clamp(1, MAX_SHARDS)
}

/// How many rows a shard has at most. A batch smaller than the largest has fewer shards, which may be larger than those
/// of the largest: up to `MIN_ROWS`.
fn capacity(rows: usize) -> usize {
    rows.div_ceil(count(rows)).max(MIN_ROWS.min(rows))
}

/// Which rows a shard has.
fn place(rows: usize, shard: usize) -> Range<usize> {
    let size = rows.div_ceil(count(rows));
    (shard * size).min(rows)..((shard + 1) * size).min(rows)
}

impl Shards {
    /// Workspaces for batches of up to `rows` rows.
    pub(super) fn new(plan: &Plan, way: Way, rows: usize) -> Self {
        let layout = Layout::new(plan, way);
        let capacity = capacity(rows);
        let widest = plan.outputs.iter().map(|output| output.head.width()).max().unwrap_or(0);
        let shard = |_| Shard {
            workspace: Workspace::new(plan, &layout, way, capacity),
            rows: 0..0,
            sums: vec![0.0; plan.outputs.len()],
            scores: vec![0.0; plan.outputs.len()],
            row: vec![0.0; widest],
        };
        let shards = (0..count(rows)).map(shard).collect();
        let said = if way == Way::Training { plan.statistics } else { 0 };
        Self { layout, shards, statistics: [vec![0.0; said], vec![0.0; said]] }
    }

    /// How many shards a batch has.
    pub(super) fn count(rows: usize) -> usize {
        count(rows)
    }

    /// How many bytes training in batches of `rows` rows needs for them, their gradients, and the batch after.
    pub(super) fn bytes(plan: &Plan, rows: usize) -> usize {
        let layout = Layout::new(plan, Way::Training);
        let shard = layout.block(capacity(rows)).saturating_add(plan.dense_count);
        let inputs: usize = (0..plan.inputs.len()).map(|i| plan.values[i].size).sum();
        let targets: usize = plan.outputs.iter().map(|output| output.head.width()).sum();
        let batches = 2 * rows.saturating_mul(inputs + targets);
        count(rows).saturating_mul(shard).saturating_add(batches).saturating_mul(4)
    }

    /// Both ways over a batch in training. Adds the weighted sums of the losses of each output to `sums`, and leaves in
    /// each shard the gradient, by the parameters, of the sum over the outputs of `scales` times their loss.
    pub(super) fn learn(&mut self, task: Task<'_>, draws: Draws, scales: &[f64], sums: &mut [f64]) {
        let Self { layout, shards, statistics } = self;
        let (layout, [forward, back]) = (&*layout, statistics);
        let shards = &mut shards[..count(task.rows)];
        for (i, shard) in shards.iter_mut().enumerate() {
            shard.rows = place(task.rows, i);
        }
        let steps = task.plan.steps.len();
        let mut next = 0;
        for stop in task.plan.synchronized() {
            let own = &task.plan.steps[stop].statistics;
            shards.par_iter_mut().for_each(|shard| {
                let pass = shard.pass(task, layout, [forward, back], draws);
                if next == 0 {
                    shard.fill(task, layout);
                }
                shard.workspace.forward(pass, next..stop);
                shard.workspace.gather(pass, stop);
            });
            merge(task.plan, stop, shards, &mut forward[own.clone()]);
            next = stop;
        }
        let last = task.plan.synchronized().next_back();
        shards.par_iter_mut().for_each(|shard| {
            let pass = shard.pass(task, layout, [forward, back], draws);
            if last.is_none() {
                shard.fill(task, layout);
            }
            shard.workspace.forward(pass, next..steps);
            shard.judge(task, layout, scales);
            shard.workspace.backward(pass, last.map_or(0, |last| last + 1)..steps);
            if let Some(last) = last {
                shard.workspace.gather_back(pass, last);
            }
        });
        let mut stops = task.plan.synchronized().rev();
        let mut stop = stops.next();
        while let Some(end) = stop {
            let own = &task.plan.steps[end].statistics;
            add_up(shards, own.clone(), &mut back[own.clone()]);
            stop = stops.next();
            shards.par_iter_mut().for_each(|shard| {
                let pass = shard.pass(task, layout, [forward, back], draws);
                shard.workspace.backward(pass, stop.map_or(0, |stop| stop + 1)..end + 1);
                if let Some(stop) = stop {
                    shard.workspace.gather_back(pass, stop);
                }
            });
        }
        for shard in shards {
            sums.iter_mut().zip(&shard.sums).for_each(|(sum, own)| *sum += own);
        }
    }

    /// Takes what the batch came to into the parameters that are kept without being learned.
    pub(super) fn absorb(&self, plan: &Plan, parameters: &mut [f32]) {
        for step in &plan.steps {
            if let Some(layer) = step.layer.synchronized() {
                layer.absorb(&self.statistics[0][step.statistics.clone()], &mut parameters[step.parameters.clone()]);
            }
        }
    }

    /// The gradients of the shards of a batch of `rows` rows, in their order.
    pub(super) fn gradients(&self, rows: usize) -> impl Iterator<Item = &[f32]> + Clone {
        self.shards[..count(rows)].iter().map(|shard| &*shard.workspace.parameter_gradient)
    }

    /// For each row of a table that a batch has read, in the batch's order: `visit(row, factor, gradient)`.
    pub(super) fn visit_table(&self, plan: &Plan, rows: usize, step: usize, visit: &mut dyn FnMut(usize, f32, &[f32])) {
        let step = &plan.steps[step];
        let Some(table) = step.layer.table() else {
            return;
        };
        for shard in &self.shards[..count(rows)] {
            let root = plan.values[step.inputs[0]].root;
            let input = shard.workspace.value(&self.layout, root, shard.rows.len());
            table.visit(input, shard.workspace.gradient(&self.layout, step.output, shard.rows.len()), visit);
        }
    }

    /// Forward over a batch without random layers. For each output adds the weighted sum of the losses to `sums`, and
    /// the sum of `score(output, logits, targets)` over the rows, whatever their weights, to `scores`.
    pub(super) fn judge(
        &mut self,
        task: Task<'_>,
        score: impl Fn(usize, &[f32], Targets<'_>) -> f64 + Sync,
        sums: &mut [f64],
        scores: &mut [f64],
    ) {
        let layout = &self.layout;
        let shards = &mut self.shards[..count(task.rows)];
        shards.par_iter_mut().enumerate().for_each(|(i, shard)| {
            shard.rows = place(task.rows, i);
            shard.fill(task, layout);
            let rows = shard.rows.len();
            let Task { plan, parameters, .. } = task;
            let pass = Pass { plan, layout, parameters, statistics: [&[], &[]], rows, training: None };
            shard.workspace.forward(pass, 0..task.plan.steps.len());
            shard.judge(task, layout, &[]);
            for (number, output) in plan.outputs.iter().enumerate() {
                let targets = shard.targets(task, number);
                let logits = shard.workspace.value(layout, output.value, rows);
                shard.scores[number] = score(number, logits, targets);
            }
        });
        for shard in shards {
            sums.iter_mut().zip(&shard.sums).for_each(|(sum, own)| *sum += own);
            scores.iter_mut().zip(&shard.scores).for_each(|(sum, own)| *sum += own);
        }
    }

    /// The first place where the last pass, over `task`, left the finite numbers.
    pub(super) fn not_finite(&self, task: Task<'_>) -> Option<String> {
        let Task { plan, parameters, .. } = task;
        self.shards[..count(task.rows)].iter().find_map(|shard| {
            let (layout, rows) = (&self.layout, shard.rows.len());
            shard.workspace.not_finite(Pass { plan, layout, parameters, statistics: [&[], &[]], rows, training: None })
        })
    }
}

impl Shard {
    fn pass<'a>(&self, task: Task<'a>, layout: &'a Layout, said: [&'a Vec<f64>; 2], draws: Draws) -> Pass<'a> {
        let Task { plan, parameters, .. } = task;
        let training = Some(draws.seen_from(self.rows.start));
        Pass { plan, layout, parameters, statistics: [said[0], said[1]], rows: self.rows.len(), training }
    }

    /// Writes this shard's rows of the inputs where the way forward begins.
    fn fill(&mut self, task: Task<'_>, layout: &Layout) {
        for (i, input) in task.batch.inputs.iter().enumerate() {
            let size = task.plan.values[i].size;
            let rows = &input[self.rows.start * size..self.rows.end * size];
            self.workspace.value_mut(layout, i, self.rows.len()).copy_from_slice(rows);
        }
    }

    fn targets<'a>(&self, task: Task<'a>, output: usize) -> Targets<'a> {
        let loss = &task.plan.outputs[output].loss;
        task.batch.targets[output].of(loss).rows(self.rows.start, self.rows.end, loss.width())
    }

    /// The losses, and where there is a way back the gradients by the logits, each times its scale.
    fn judge(&mut self, task: Task<'_>, layout: &Layout, scales: &[f64]) {
        for (i, output) in task.plan.outputs.iter().enumerate() {
            let targets = self.targets(task, i);
            let weights = task.batch.weights.get(self.rows.clone()).filter(|weights| !weights.is_empty());
            let (logits, by_logits) = self.workspace.logits(layout, output, self.rows.len());
            let row = &mut self.row[..output.head.width()];
            let scale = scales.get(i).copied().unwrap_or(1.0);
            self.sums[i] = output.loss.sum_and_gradient(logits, targets, weights, scale, by_logits, row);
        }
    }
}

/// What the shards say about a batch on the way forward, merged in their order.
fn merge(plan: &Plan, step: usize, shards: &[Shard], merged: &mut [f64]) {
    let Some(layer) = plan.steps[step].layer.synchronized() else {
        return;
    };
    let own = plan.steps[step].statistics.clone();
    for (i, shard) in shards.iter().enumerate() {
        let said = &shard.workspace.statistics[own.clone()];
        if i == 0 { merged.copy_from_slice(said) } else { layer.merge(merged, said) }
    }
}

/// What the shards say on the way back, added up in their order.
fn add_up(shards: &[Shard], own: Range<usize>, sum: &mut [f64]) {
    sum.fill(0.0);
    for shard in shards {
        sum.iter_mut().zip(&shard.workspace.statistics[own.clone()]).for_each(|(sum, said)| *sum += said);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_batch_up_to_the_largest_fits_into_the_workspaces() {
        for largest in 1..1200usize {
            let capacity = capacity(largest);
            for rows in 1..=largest {
                assert!(count(rows) <= count(largest) && rows.div_ceil(count(rows)) <= capacity, "{rows} of {largest}");
                let last = place(rows, count(rows) - 1);
                assert_eq!(last.end, rows);
            }
        }
    }
}
