//! One pass through a network, forward and back, over the rows of one shard, in memory that one thread owns at a time.

use super::layers::{Backward, Forward, GatherBack};
use super::plan::{Layout, Output, Plan, Step, Way, Write};
use super::randomness::Draws;
use super::simd::{add, vectorized};
use std::ops::Range;

/// Memory for up to `capacity` rows, allocated once. Nothing is allocated in a pass.
#[derive(Debug)]
pub(crate) struct Workspace {
    capacity: usize,
    block: Vec<f32>,
    /// The gradients by all parameters that are no tables, laid out as they are.
    pub(crate) parameter_gradient: Vec<f32>,
    /// What these rows came to for each synchronized layer, forward or back.
    pub(crate) statistics: Vec<f64>,
}

/// What all passes over a batch have in common.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pass<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) layout: &'a Layout,
    pub(crate) parameters: &'a [f32],
    /// What all rows of the batch came to, forward and back.
    pub(crate) statistics: [&'a [f64]; 2],
    /// The rows of this shard.
    pub(crate) rows: usize,
    /// Set while training.
    pub(crate) training: Option<Draws>,
}

impl Workspace {
    /// Memory for a way of at most `capacity` rows.
    pub(crate) fn new(plan: &Plan, layout: &Layout, way: Way, capacity: usize) -> Self {
        let learned = if way == Way::Prediction { 0 } else { plan.dense_count };
        Self {
            capacity,
            block: vec![0.0; layout.block(capacity)],
            parameter_gradient: vec![0.0; learned],
            statistics: vec![0.0; if way == Way::Training { plan.statistics } else { 0 }],
        }
    }

    /// Where the rows of an input are written before the way forward, or other values than a layer gave: `[rows, value]`.
    pub(crate) fn value_mut(&mut self, layout: &Layout, root: usize, rows: usize) -> &mut [f32] {
        &mut self.block[layout.values[root].of(self.capacity, rows)]
    }

    /// What a value is after the way forward: `[rows, value]`.
    pub(crate) fn value(&self, layout: &Layout, root: usize, rows: usize) -> &[f32] {
        &self.block[layout.values[root].of(self.capacity, rows)]
    }

    /// The gradient by a value after the way back: `[rows, value]`; empty where none is needed.
    pub(crate) fn gradient(&self, layout: &Layout, root: usize, rows: usize) -> &[f32] {
        &self.block[layout.gradients[root].of(self.capacity, rows)]
    }

    /// The logits of an output, and the memory for the gradient by them, both `[rows, width]`. Where there is no way
    /// back the second is empty.
    pub(crate) fn logits(&mut self, layout: &Layout, output: &Output, rows: usize) -> (&[f32], &mut [f32]) {
        let value = layout.values[output.value].of(self.capacity, rows);
        let gradient = layout.gradients[output.value].of(self.capacity, rows);
        let [value, gradient] = disjoint(&mut self.block, [value, gradient]);
        (value, gradient)
    }

    /// Where the tokens stand that tell a step what is padding.
    fn mask(&self, layout: &Layout, step: &Step, rows: usize) -> Range<usize> {
        step.mask.map_or(0..0, |input| layout.values[input].of(self.capacity, rows))
    }

    /// Computes the steps of a range from what stands before them.
    pub(crate) fn forward(&mut self, pass: Pass<'_>, steps: Range<usize>) {
        let Pass { plan, layout, parameters, statistics, rows, training } = pass;
        for index in steps {
            let step = &plan.steps[index];
            for (port, &input) in step.inputs.iter().enumerate() {
                let places = [
                    layout.values[plan.values[input].root].of(self.capacity, rows),
                    layout.values[step.output].of(self.capacity, rows),
                    layout.kept[index].of(self.capacity, rows),
                    layout.scratch_of(self.capacity),
                    self.mask(layout, step, rows),
                ];
                let [input, output, kept, scratch, mask] = disjoint(&mut self.block, places);
                step.layer.forward(Forward {
                    rows,
                    port,
                    parameters: &parameters[step.parameters.clone()],
                    input,
                    output,
                    kept,
                    scratch,
                    mask,
                    statistics: statistics[0].get(step.statistics.clone()).unwrap_or_default(),
                    training: training.map(|draws| draws.of_layer(index)),
                });
            }
        }
    }

    /// Lets a synchronized layer say what these rows come to on the way forward.
    pub(crate) fn gather(&mut self, pass: Pass<'_>, index: usize) {
        let step = &pass.plan.steps[index];
        let Some(layer) = step.layer.synchronized() else {
            return;
        };
        let input = pass.layout.values[pass.plan.values[step.inputs[0]].root].of(self.capacity, pass.rows);
        layer.gather(pass.rows, &self.block[input], &mut self.statistics[step.statistics.clone()]);
    }

    /// Lets a synchronized layer say what these rows come to on the way back.
    pub(crate) fn gather_back(&mut self, pass: Pass<'_>, index: usize) {
        let Pass { plan, layout, statistics, rows, .. } = pass;
        let step = &plan.steps[index];
        let Some(layer) = step.layer.synchronized() else {
            return;
        };
        let own = step.statistics.clone();
        let (forward, said) = (&statistics[0][own.clone()], &mut self.statistics[own]);
        let gathered = GatherBack {
            input: &self.block[layout.values[plan.values[step.inputs[0]].root].of(self.capacity, rows)],
            output: &self.block[layout.values[step.output].of(self.capacity, rows)],
            kept: &self.block[layout.kept[index].of(self.capacity, rows)],
            output_gradient: &self.block[layout.gradients[step.output].of(self.capacity, rows)],
            forward,
        };
        layer.gather_back(gathered, said);
    }

    /// Goes back through the steps of a range, after a way forward over the same rows.
    pub(crate) fn backward(&mut self, pass: Pass<'_>, steps: Range<usize>) {
        let Pass { plan, layout, parameters, statistics, rows, training } = pass;
        for index in steps.rev() {
            let step = &plan.steps[index];
            let gradient = layout.gradients[step.output];
            if gradient.of(self.capacity, rows).is_empty() {
                continue;
            }
            for (port, &input) in step.inputs.iter().enumerate() {
                let root = plan.values[input].root;
                let write = layout.writes[index][port];
                let by_input = match write {
                    Write::Skip => 0..0,
                    Write::First => layout.gradients[root].of(self.capacity, rows),
                    Write::Add => {
                        layout.spare.of(self.capacity, rows).start
                            ..layout.spare.of(self.capacity, rows).start + plan.values[root].size * rows
                    }
                };
                let places = [
                    layout.values[root].of(self.capacity, rows),
                    layout.values[step.output].of(self.capacity, rows),
                    layout.kept[index].of(self.capacity, rows),
                    gradient.of(self.capacity, rows),
                    by_input.clone(),
                    layout.scratch_of(self.capacity),
                    self.mask(layout, step, rows),
                ];
                let [input, output, kept, output_gradient, input_gradient, scratch, mask] =
                    disjoint(&mut self.block, places);
                let own = step.parameters.clone();
                let said = |way: usize| statistics[way].get(step.statistics.clone()).unwrap_or_default();
                step.layer.backward(Backward {
                    rows,
                    port,
                    parameters: &parameters[own.clone()],
                    input,
                    output,
                    kept,
                    output_gradient,
                    input_gradient: (write != Write::Skip).then_some(input_gradient),
                    parameter_gradient: self.parameter_gradient.get_mut(own).unwrap_or_default(),
                    scratch,
                    mask,
                    statistics: [said(0), said(1)],
                    training: training.map(|draws| draws.of_layer(index)),
                });
                if write == Write::Add {
                    let sum = layout.gradients[root].of(self.capacity, rows);
                    let [sum, addend] = disjoint(&mut self.block, [sum, by_input]);
                    vectorized(
                        #[inline(always)]
                        || add(sum, addend),
                    );
                }
            }
        }
    }

    /// Where the last way forward left the finite numbers first: a layer's weights or its output.
    pub(crate) fn not_finite(&self, pass: Pass<'_>) -> Option<String> {
        let finite = |values: &[f32]| values.iter().all(|v| v.is_finite());
        pass.plan.steps.iter().find_map(|step| {
            if !finite(&pass.parameters[step.parameters.clone()]) {
                Some(format!("the weights of {} are not finite", step.title()))
            } else if !finite(self.value(pass.layout, step.output, pass.rows)) {
                Some(format!("the output of {} is not finite", step.title()))
            } else {
                None
            }
        })
    }
}

/// Several places of the block at once. The layout puts nothing over what is needed with it.
///
/// # Panics
/// Where places overlap, which is a fault of the layout.
#[expect(clippy::expect_used, reason = "the layout places apart what a step needs together")]
fn disjoint<const N: usize>(block: &mut [f32], places: [Range<usize>; N]) -> [&mut [f32]; N] {
    block.get_disjoint_mut(places).expect("places of one step lie apart")
}
