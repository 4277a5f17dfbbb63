//! The buffers of one pass through a network, forward and back, owned by one thread at a time.

use super::layers::{Backward, Forward};
use super::plan::Plan;
use rand_chacha::ChaCha8Rng;

/// Buffers for up to `capacity` rows, allocated once. Nothing is allocated in a pass.
#[derive(Debug)]
pub(crate) struct Workspace {
    /// For each layer `[capacity, output]`.
    outputs: Vec<Vec<f32>>,
    /// For each layer `[capacity, kept]`.
    kept: Vec<Vec<f32>>,
    /// The gradient by a layer's output, at the start that by the logits: `[capacity, widest]`.
    pub(crate) output_gradient: Vec<f32>,
    input_gradient: Vec<f32>,
    /// The gradients by all parameters, laid out as they are.
    pub(crate) parameter_gradient: Vec<f32>,
}

impl Workspace {
    /// Buffers for prediction and for the loss.
    pub(crate) fn for_prediction(plan: &Plan, capacity: usize) -> Self {
        Self {
            outputs: plan.steps.iter().map(|step| vec![0.0; capacity * step.output_size]).collect(),
            kept: plan.steps.iter().map(|step| vec![0.0; capacity * step.layer.kept_per_row()]).collect(),
            output_gradient: vec![0.0; capacity * plan.output_size()],
            input_gradient: Vec::new(),
            parameter_gradient: Vec::new(),
        }
    }

    /// Buffers for both ways.
    pub(crate) fn for_training(plan: &Plan, capacity: usize) -> Self {
        let widest = plan.steps.iter().map(|step| step.output_size).max().unwrap_or(0);
        Self {
            output_gradient: vec![0.0; capacity * widest],
            input_gradient: vec![0.0; capacity * widest],
            parameter_gradient: vec![0.0; plan.parameter_count],
            ..Self::for_prediction(plan, capacity)
        }
    }

    /// The logits `[rows, width]` for the inputs `[rows, input]`. With `training` random layers act.
    pub(crate) fn forward(
        &mut self,
        plan: &Plan,
        parameters: &[f32],
        inputs: &[f32],
        rows: usize,
        mut training: Option<&mut ChaCha8Rng>,
    ) -> &[f32] {
        for (i, step) in plan.steps.iter().enumerate() {
            let (before, rest) = self.outputs.split_at_mut(i);
            let input_size = if i == 0 { plan.input_size } else { plan.steps[i - 1].output_size };
            let input = before.last().map_or(inputs, Vec::as_slice);
            step.layer.forward(Forward {
                rows,
                parameters: &parameters[step.parameters.clone()],
                input: &input[..rows * input_size],
                output: &mut rest[0][..rows * step.output_size],
                kept: &mut self.kept[i][..rows * step.layer.kept_per_row()],
                training: training.as_deref_mut(),
            });
        }
        self.output(plan, plan.steps.len().saturating_sub(1), rows)
    }

    /// What the layer `i` gave in the last pass: `[rows, output]`.
    fn output(&self, plan: &Plan, i: usize, rows: usize) -> &[f32] {
        &self.outputs[i][..rows * plan.steps[i].output_size]
    }

    /// The logits of the last pass, and the buffer for the gradient by them, both `[rows, width]`.
    pub(crate) fn logits_and_gradient(&mut self, plan: &Plan, rows: usize) -> (&[f32], &mut [f32]) {
        let size = rows * plan.output_size();
        (&self.outputs[plan.steps.len() - 1][..size], &mut self.output_gradient[..size])
    }

    /// Fills `parameter_gradient` from the gradient by the logits in `output_gradient`, after a forward pass in
    /// training on the same rows.
    pub(crate) fn backward(&mut self, plan: &Plan, parameters: &[f32], inputs: &[f32], rows: usize) {
        let first = plan.first_learning();
        for (i, step) in plan.steps.iter().enumerate().skip(first).rev() {
            let input_size = if i == 0 { plan.input_size } else { plan.steps[i - 1].output_size };
            let input = if i == 0 { inputs } else { &self.outputs[i - 1][..rows * input_size] };
            step.layer.backward(Backward {
                rows,
                parameters: &parameters[step.parameters.clone()],
                input,
                output: &self.outputs[i][..rows * step.output_size],
                kept: &self.kept[i][..rows * step.layer.kept_per_row()],
                output_gradient: &mut self.output_gradient[..rows * step.output_size],
                input_gradient: (i > first).then(|| &mut self.input_gradient[..rows * input_size]),
                parameter_gradient: &mut self.parameter_gradient[step.parameters.clone()],
            });
            std::mem::swap(&mut self.output_gradient, &mut self.input_gradient);
        }
    }

    /// Where the last forward pass left the finite numbers first: a layer's weights or its output.
    pub(crate) fn not_finite(&self, plan: &Plan, parameters: &[f32], rows: usize) -> Option<String> {
        let finite = |values: &[f32]| values.iter().all(|v| v.is_finite());
        plan.steps.iter().enumerate().find_map(|(i, step)| {
            if !finite(&parameters[step.parameters.clone()]) {
                Some(format!("the weights of {} are not finite", step.title()))
            } else if !finite(self.output(plan, i, rows)) {
                Some(format!("the output of {} is not finite", step.title()))
            } else {
                None
            }
        })
    }
}
