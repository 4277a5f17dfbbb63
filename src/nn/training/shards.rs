//! One batch on several threads, with the same result on any number of them.
//!
//! A batch is cut into shards whose number and borders follow from its rows alone. Each shard has a workspace of its
//! own; what the shards found is added up in their order. Threads only decide who computes a shard. Where a layer must
//! know of all rows first, the shards go as far as that layer, say what their rows come to, and go on when that is
//! merged.

use super::super::plan::{Layout, Plan, Way};
use super::super::randomness::Draws;
use super::super::workspace::{Pass, Workspace};
use super::batches::Batch;
use super::cut::{Cut, MAX_SHARDS};
use super::shard::{Ground, Job, Leg, Shard};
use super::team::Team;
use std::sync::{Arc, MutexGuard};

/// The workspaces for batches of up to a stated number of rows.
#[derive(Debug)]
pub(super) struct Shards {
    ground: Arc<Ground>,
}

/// What one batch is computed from. Parameters and batch are lent to the threads and are back when they are done.
pub(super) struct Task<'a> {
    pub(super) parameters: &'a mut Vec<f32>,
    pub(super) batch: &'a mut Batch,
    pub(super) rows: usize,
}

/// What the shards found.
pub(super) struct Found<'a> {
    ground: &'a Ground,
    shards: [Option<MutexGuard<'a, Shard>>; MAX_SHARDS],
}

impl Shards {
    /// Workspaces for batches of up to `rows` rows.
    pub(super) fn new(plan: &Arc<Plan>, way: Way, rows: usize) -> Self {
        let (layout, cut) = (Layout::new(plan, way), Cut::of(plan));
        let capacity = cut.capacity(rows);
        let widest = plan.outputs.iter().map(|output| output.head.width()).max().unwrap_or(0);
        let shard = |_| Shard {
            workspace: Workspace::new(plan, &layout, way, capacity),
            rows: 0..0,
            training: None,
            sums: vec![0.0; plan.outputs.len()],
            scores: vec![0.0; plan.outputs.len()],
            row: vec![0.0; widest],
        };
        let shards = (0..cut.count(rows)).map(shard).collect();
        let said = if way == Way::Training { plan.statistics } else { 0 };
        let job = Job { statistics: [vec![0.0; said], vec![0.0; said]], ..Job::default() };
        Self { ground: Arc::new(Ground::new((plan.clone(), layout, cut), shards, job)) }
    }

    fn count(&self, rows: usize) -> usize {
        self.ground.cut.count(rows)
    }

    /// How many bytes training in batches of `rows` rows needs for them, their gradients, and the batch after.
    pub(super) fn bytes(plan: &Plan, rows: usize) -> usize {
        let layout = Layout::new(plan, Way::Training);
        let cut = Cut::of(plan);
        let shard = layout.block(cut.capacity(rows)).saturating_add(plan.dense_count);
        let inputs: usize = (0..plan.inputs.len()).map(|i| plan.values[i].size).sum();
        let targets: usize = plan.outputs.iter().map(|output| output.head.width()).sum();
        let batches = 2 * rows.saturating_mul(inputs + targets);
        cut.count(rows).saturating_mul(shard).saturating_add(batches).saturating_mul(4)
    }

    /// Both ways over a batch in training. Adds the weighted sums of the losses of each output to `sums`, and leaves in
    /// each shard the gradient, by the parameters, of the sum over the outputs of `scales` times their loss. `meanwhile`
    /// is called once, while other threads have begun.
    pub(super) fn learn(
        &mut self,
        team: &Team,
        mut task: Task<'_>,
        (draws, scales): (Draws, &[f64]),
        sums: &mut [f64],
        meanwhile: impl FnOnce(),
    ) {
        let rows = task.rows;
        self.lend(&mut task, Some(draws), scales);
        let plan = &*self.ground.plan;
        let mut meanwhile = Some(meanwhile);
        let mut run = |leg: Leg| {
            self.ground.job_mut().leg = Some(leg);
            let meanwhile = meanwhile.take();
            team.run(self.ground.clone(), self.count(rows), || {
                if let Some(meanwhile) = meanwhile {
                    meanwhile();
                }
            });
        };
        let mut from = 0;
        for stop in plan.synchronized() {
            run(Leg::Forward { from, stop });
            self.merge(stop, rows);
            from = stop;
        }
        let mut stops = plan.synchronized().rev();
        let mut stop = stops.next();
        run(Leg::Turn { from, stop });
        while let Some(end) = stop {
            self.add_up(end, rows);
            stop = stops.next();
            run(Leg::Back { end, stop });
        }
        self.lend(&mut task, None, &[]);
        for shard in 0..self.count(rows) {
            sums.iter_mut().zip(&self.ground.shard(shard).sums).for_each(|(sum, own)| *sum += own);
        }
    }

    /// Exchanges what is lent with what lies there: once before, once after.
    fn lend(&self, task: &mut Task<'_>, draws: Option<Draws>, scales: &[f64]) {
        let job = &mut *self.ground.job_mut();
        std::mem::swap(task.parameters, &mut job.parameters);
        std::mem::swap(task.batch, &mut job.batch);
        (job.rows, job.draws, job.leg) = (task.rows, draws, None);
        job.scales.clear();
        job.scales.extend_from_slice(scales);
    }

    /// What the shards say about a batch on the way forward, merged in their order.
    fn merge(&self, step: usize, rows: usize) {
        let step = &self.ground.plan.steps[step];
        let Some(layer) = step.layer.synchronized() else {
            return;
        };
        let merged = &mut self.ground.job_mut().statistics[0][step.statistics.clone()];
        for i in 0..self.count(rows) {
            let said = &self.ground.shard(i).workspace.statistics[step.statistics.clone()];
            if i == 0 { merged.copy_from_slice(said) } else { layer.merge(merged, said) }
        }
    }

    /// What the shards say on the way back, added up in their order.
    fn add_up(&self, step: usize, rows: usize) {
        let own = &self.ground.plan.steps[step].statistics;
        let sum = &mut self.ground.job_mut().statistics[1][own.clone()];
        sum.fill(0.0);
        for i in 0..self.count(rows) {
            let shard = self.ground.shard(i);
            sum.iter_mut().zip(&shard.workspace.statistics[own.clone()]).for_each(|(sum, said)| *sum += said);
        }
    }

    /// Takes what the batch came to into the parameters that are kept without being learned.
    pub(super) fn absorb(&self, parameters: &mut [f32]) {
        let job = self.ground.job();
        for step in &self.ground.plan.steps {
            if let Some(layer) = step.layer.synchronized() {
                layer.absorb(&job.statistics[0][step.statistics.clone()], &mut parameters[step.parameters.clone()]);
            }
        }
    }

    /// What the shards of a batch of `rows` rows found.
    pub(super) fn found(&self, rows: usize) -> Found<'_> {
        let shard = |i: usize| (i < self.count(rows)).then(|| self.ground.shard(i));
        Found { ground: &self.ground, shards: std::array::from_fn(shard) }
    }

    /// Forward over a batch without random layers. For each output adds the weighted sum of the losses to `sums`, and
    /// the sum of the scores of the rows, whatever their weights, to `scores`.
    pub(super) fn judge(&mut self, team: &Team, mut task: Task<'_>, sums: &mut [f64], scores: &mut [f64]) {
        let rows = task.rows;
        self.lend(&mut task, None, &[]);
        self.ground.job_mut().leg = Some(Leg::Judge);
        team.run(self.ground.clone(), self.count(rows), || {});
        self.lend(&mut task, None, &[]);
        for i in 0..self.count(rows) {
            let shard = self.ground.shard(i);
            sums.iter_mut().zip(&shard.sums).for_each(|(sum, own)| *sum += own);
            scores.iter_mut().zip(&shard.scores).for_each(|(sum, own)| *sum += own);
        }
    }

    /// The first place where the last pass, over a batch of `rows` rows, left the finite numbers.
    pub(super) fn not_finite(&self, parameters: &[f32], rows: usize) -> Option<String> {
        let Ground { plan, layout, .. } = &*self.ground;
        (0..self.count(rows)).find_map(|i| {
            let shard = self.ground.shard(i);
            let rows = shard.rows.len();
            shard.workspace.not_finite(Pass { plan, layout, parameters, statistics: [&[], &[]], rows, training: None })
        })
    }
}

impl Found<'_> {
    /// The gradients by the parameters that are no tables, in the order of the shards.
    pub(super) fn gradients(&self) -> impl Iterator<Item = &[f32]> + Clone {
        self.shards.iter().flatten().map(|shard| &*shard.workspace.parameter_gradient)
    }

    /// For each row of a table that the batch has read, in the batch's order: `visit(row, factor, gradient)`.
    pub(super) fn visit_table(&self, step: usize, visit: &mut dyn FnMut(usize, f32, &[f32])) {
        let Ground { plan, layout, .. } = self.ground;
        let (index, step) = (step, &plan.steps[step]);
        let Some(table) = step.layer.table() else {
            return;
        };
        for shard in self.shards.iter().flatten() {
            let (root, rows) = (plan.values[step.inputs[0]].root, shard.rows.len());
            let input = shard.workspace.value(layout, root, rows);
            let training = shard.training.map(|draws| draws.of_layer(index));
            table.visit(input, shard.workspace.gradient(layout, step.output, rows), training, visit);
        }
    }
}
