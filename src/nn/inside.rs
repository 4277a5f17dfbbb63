//! What goes on inside a network: the values of its nodes, and how an answer would change with them.
//!
//! Explanations are built on these: saliency on the gradients by inputs, Grad-CAM (Selvaraju et al. 2017) on values and
//! gradients of the last convolution, integrated gradients (Sundararajan, Taly & Yan 2017) and expected gradients (Erion
//! et al. 2021) on gradients along a path. All are those of the network as it predicts, without random layers; the same
//! rows give the same numbers, whatever the number of threads. Time is that of two to three predictions for each way
//! back.

use super::error::Error;
use super::layers::Table;
use super::loss::Targets;
use super::network::Network;
use super::plan::{Layout, Output, Plan, Way};
use super::shape::Shape;
use super::workspace::{Pass, Workspace};
use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;
use std::sync::Arc;

/// What is differentiated, row by row. Outputs and columns are counted from 0.
#[derive(Debug, Clone, Copy)]
pub enum Question<'a> {
    /// A sum before sigmoid, softmax or exponential.
    Logit {
        /// Of which output.
        output: usize,
        /// Which of its logits.
        column: usize,
    },
    /// What the head makes of the sums: a probability, a count or a number.
    Prediction {
        /// Of which output.
        output: usize,
        /// Which of its predictions.
        column: usize,
    },
    /// A sum of the logits of an output, each times a factor for each row.
    Weighted {
        /// Of which output.
        output: usize,
        /// `[n, width]`
        seeds: ArrayView2<'a, f32>,
    },
    /// The loss of a row, with the targets of all outputs in their order.
    Loss(&'a [Targets<'a>]),
}

/// What a node gives for some rows, and the gradients of a question by that: both `[n, node]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Inside {
    /// The values.
    pub values: Array2<f32>,
    /// How the answer changes with each.
    pub gradients: Array2<f32>,
}

/// A value of a plan, and the step that gives it; none gives an input.
#[derive(Debug, Clone, Copy)]
struct Node {
    root: usize,
    size: usize,
    step: Option<usize>,
}

impl Network {
    /// The shape of what a node or an input gives for a row.
    ///
    /// Errors: [`Error::Node`] where there is none of that name.
    pub fn node_shape(&self, node: &str) -> Result<Shape, Error> {
        let value = self.plan.values.iter().find(|value| value.name == node);
        value.map(|value| value.shape.clone()).ok_or_else(|| self.no_node(node))
    }

    /// The last node that gives images, and their shape, `[height, width, channels]`: where Grad-CAM looks.
    pub fn last_image(&self) -> Option<(String, Shape)> {
        let mut given = self.plan.values.iter().skip(self.plan.inputs.len()).rev();
        let last = given.find(|value| value.shape.dimensions().len() == 3)?;
        Some((last.name.clone(), last.shape.clone()))
    }

    /// What a node gives for the rows of all inputs: `[n, node]`, row-major in the order of [`Network::node_shape`].
    ///
    /// Errors: as [`Network::predict`], and [`Error::Node`].
    pub fn node_values(&self, inputs: &[ArrayView2<'_, f32>], node: &str) -> Result<Array2<f32>, Error> {
        let n = self.check_rows(inputs)?;
        let (plan, node) = self.find(node)?;
        let layout = Layout::new(&plan, Way::Explanation);
        let values = self.by_rows(&plan, &layout, n, node.size, |workspace, start, rows, to| {
            let pass = self.fill(&plan, &layout, workspace, inputs, start, rows);
            workspace.forward(pass, 0..node.step.map_or(0, |step| step + 1));
            to.copy_from_slice(workspace.value(&layout, node.root, rows));
        });
        Ok(array(n, node.size, values))
    }

    /// What a node gives and how the answer to a question changes with it. With `at`, `[n, node]`, the node is taken to
    /// give that instead, as on a path from a baseline; the values are then those of `at`.
    ///
    /// Errors: as [`Network::node_values`]; [`Error::Targets`] where the question asks for what the network does not
    /// give, or `at` does not fit.
    pub fn node_gradients(
        &self,
        inputs: &[ArrayView2<'_, f32>],
        node: &str,
        question: Question<'_>,
        at: Option<ArrayView2<'_, f32>>,
    ) -> Result<Inside, Error> {
        let n = self.check_rows(inputs)?;
        self.check_question(question, n)?;
        let (plan, node) = self.find(node)?;
        if let Some(at) = at {
            check_values(at, node, n)?;
        }
        let layout = Layout::new(&plan, Way::Explanation);
        let (size, after) = (node.size, node.step.map_or(0, |step| step + 1));
        let both = self.by_rows(&plan, &layout, n, 2 * size, |workspace, start, rows, to| {
            let pass = self.fill(&plan, &layout, workspace, inputs, start, rows);
            workspace.forward(pass, 0..after);
            if let Some(at) = at {
                let values = workspace.value_mut(&layout, node.root, rows);
                for (i, row) in values.chunks_exact_mut(size).enumerate() {
                    row.iter_mut().zip(at.row(start + i)).for_each(|(value, at)| *value = *at);
                }
            }
            workspace.forward(pass, after..plan.steps.len());
            ask(&plan, &layout, workspace, question, start, rows);
            // No further than to the node: the layer that gives it may use its gradient as working space.
            workspace.backward(pass, after..plan.steps.len());
            let values = workspace.value(&layout, node.root, rows).chunks_exact(size);
            let gradients = workspace.gradient(&layout, node.root, rows);
            for (row, (to, values)) in to.chunks_exact_mut(2 * size).zip(values).enumerate() {
                to[..size].copy_from_slice(values);
                // Tokens are no quantities and have no gradient.
                match gradients.get(row * size..(row + 1) * size) {
                    Some(gradients) => to[size..].copy_from_slice(gradients),
                    None => to[size..].fill(0.0),
                }
            }
        });
        let part = |first: usize| Array2::from_shape_fn((n, size), |(row, i)| both[row * 2 * size + first + i]);
        Ok(Inside { values: part(0), gradients: part(size) })
    }

    /// How the answer to a question changes with each number of the inputs: for each input the derivatives `[n, input]`.
    /// For an input of tokens they are 0; see [`Network::token_attributions`].
    ///
    /// Errors: as [`Network::node_gradients`].
    pub fn input_gradients(
        &self,
        inputs: &[ArrayView2<'_, f32>],
        question: Question<'_>,
    ) -> Result<Vec<Array2<f32>>, Error> {
        let n = self.check_rows(inputs)?;
        self.check_question(question, n)?;
        let plan = &*self.plan;
        let layout = Layout::new(plan, Way::Explanation);
        let sizes: Vec<usize> = (0..inputs.len()).map(|i| plan.values[i].size).collect();
        let total: usize = sizes.iter().sum();
        let together = self.by_rows(plan, &layout, n, total, |workspace, start, rows, to| {
            let pass = self.fill(plan, &layout, workspace, inputs, start, rows);
            workspace.forward(pass, 0..plan.steps.len());
            ask(plan, &layout, workspace, question, start, rows);
            workspace.backward(pass, 0..plan.steps.len());
            let mut start = 0;
            for (input, size) in sizes.iter().enumerate() {
                let own = workspace.gradient(&layout, input, rows);
                for (to, own) in to.chunks_exact_mut(total).zip(own.chunks_exact(*size)) {
                    to[start..start + size].copy_from_slice(own);
                }
                start += size;
            }
        });
        let mut start = 0;
        let part = |&size: &usize| {
            let first = start;
            start += size;
            Array2::from_shape_fn((n, size), |(row, i)| together[row * total + first + i])
        };
        Ok(sizes.iter().map(part).collect())
    }

    /// How much each token of an input adds to the answer: integrated gradients along the straight path on which the
    /// vectors of all its tokens grow from 0, which says nothing, to what they are, by the midpoint rule with `steps`
    /// points. Returns `[n, length]`; padding adds nothing. The sum over a row is the answer less the answer at the start
    /// of the path, up to the error of the rule, which falls with the square of `steps`. Time is that of `steps` ways
    /// there and back.
    ///
    /// Errors: as [`Network::node_gradients`], and [`Error::Targets`] where the input is none of tokens or `steps` is 0.
    pub fn token_attributions(
        &self,
        inputs: &[ArrayView2<'_, f32>],
        input: usize,
        question: Question<'_>,
        steps: usize,
    ) -> Result<Array2<f32>, Error> {
        let n = self.check_rows(inputs)?;
        self.check_question(question, n)?;
        let plan = &*self.plan;
        if plan.inputs.get(input).is_none_or(|input| input.tokens.is_none()) || steps == 0 {
            return Err(refused(format!("there are no tokens in input {input}, or no steps to them")));
        }
        let tables: Vec<(usize, &dyn Table)> = plan
            .steps
            .iter()
            .enumerate()
            .filter(|(_, step)| step.inputs == [input])
            .filter_map(|(index, step)| Some((index, step.layer.table()?)))
            .collect();
        let layout = Layout::new(plan, Way::Explanation);
        let length = plan.values[input].size;
        let added = self.by_rows(plan, &layout, n, length, |workspace, start, rows, to| {
            to.fill(0.0);
            for step in 0..steps {
                let share = (step as f32 + 0.5) / steps as f32;
                let pass = self.fill(plan, &layout, workspace, inputs, start, rows);
                let mut next = 0;
                for (index, _) in &tables {
                    workspace.forward(pass, next..index + 1);
                    let values = workspace.value_mut(&layout, plan.steps[*index].output, rows);
                    values.iter_mut().for_each(|value| *value *= share);
                    next = index + 1;
                }
                workspace.forward(pass, next..plan.steps.len());
                ask(plan, &layout, workspace, question, start, rows);
                workspace.backward(pass, 0..plan.steps.len());
                for (index, table) in &tables {
                    let vectors = &self.parameters[plan.steps[*index].parameters.clone()];
                    let tokens = workspace.value(&layout, input, rows);
                    let gradients = workspace.gradient(&layout, plan.steps[*index].output, rows);
                    add_to_tokens(*table, vectors, tokens, gradients, to);
                }
            }
            to.iter_mut().for_each(|sum| *sum /= steps as f32);
        });
        Ok(array(n, length, added))
    }

    /// A value by its name. Where it lies within a step that stands for several, the plan is one without such steps:
    /// its parameters lie in the same places.
    fn find(&self, name: &str) -> Result<(Arc<Plan>, Node), Error> {
        let node = |plan: &Plan| {
            let value = plan.values.iter().find(|value| value.name == name)?;
            let step = plan.steps.iter().position(|step| step.output == value.root);
            let known = step.is_some() || value.root < plan.inputs.len();
            known.then_some(Node { root: value.root, size: value.size, step })
        };
        if let Some(node) = node(&self.plan) {
            return Ok((self.plan.clone(), node));
        }
        let plan = Plan::apart(self.spec())?;
        let node = node(&plan).ok_or_else(|| self.no_node(name))?;
        Ok((Arc::new(plan), node))
    }

    fn no_node(&self, name: &str) -> Error {
        let names = self.plan.values.iter().map(|value| value.name.clone()).collect();
        Error::Node { name: name.to_owned(), names }
    }

    fn check_question(&self, question: Question<'_>, rows: usize) -> Result<(), Error> {
        let outputs = &self.plan.outputs;
        match question {
            Question::Logit { output, column } | Question::Prediction { output, column } => {
                match outputs.get(output).filter(|output| column < output.head.width()) {
                    Some(_) => Ok(()),
                    None => Err(refused(format!("there is no logit {column} of output {output}"))),
                }
            }
            Question::Weighted { output, seeds } => {
                let shape = outputs.get(output).map(|output| (rows, output.head.width()));
                if shape == Some(seeds.dim()) && seeds.iter().all(|seed| seed.is_finite()) {
                    return Ok(());
                }
                let shown = seeds.dim();
                Err(refused(format!("{shown:?} factors are no finite number for each logit of output {output}")))
            }
            Question::Loss(targets) if targets.len() != outputs.len() => {
                let count = targets.len();
                Err(refused(format!("there are {count} targets, the network has {} outputs", outputs.len())))
            }
            Question::Loss(targets) => outputs
                .iter()
                .zip(targets)
                .try_for_each(|(output, targets)| output.loss.check(*targets, rows))
                .map_err(refused),
        }
    }

    /// Calls `work(workspace, first row, rows, [rows, width])` for all rows, some at a time, and returns `[n, width]`.
    fn by_rows(
        &self,
        plan: &Plan,
        layout: &Layout,
        n: usize,
        width: usize,
        work: impl Fn(&mut Workspace, usize, usize, &mut [f32]) + Sync,
    ) -> Vec<f32> {
        let rows = self.rows_together().min(n.max(1));
        let mut all = vec![0.0f32; n * width];
        let workspace = || Workspace::new(plan, layout, Way::Explanation, rows);
        all.par_chunks_mut(rows * width)
            .enumerate()
            .for_each_init(workspace, |workspace, (chunk, to)| work(workspace, chunk * rows, to.len() / width, to));
        all
    }
}

fn array(n: usize, width: usize, values: Vec<f32>) -> Array2<f32> {
    Array2::from_shape_fn((n, width), |(row, i)| values[row * width + i])
}

fn refused(reason: String) -> Error {
    Error::Targets { what: "the question", reason }
}

/// Refuses values that a node cannot be taken to give.
fn check_values(at: ArrayView2<'_, f32>, node: Node, n: usize) -> Result<(), Error> {
    let Node { step, size, .. } = node;
    if step.is_none() {
        return Err(refused("an input is changed by other inputs".to_owned()));
    }
    if at.dim() != (n, size) {
        return Err(refused(format!("the node's values are [{n}, {size}], not {:?}", at.dim())));
    }
    match at.iter().find(|value| !value.is_finite()) {
        Some(value) => Err(refused(format!("the node's values hold {value}"))),
        None => Ok(()),
    }
}

/// Writes the gradients of a question by the logits where the way back begins.
fn ask(plan: &Plan, layout: &Layout, workspace: &mut Workspace, question: Question<'_>, start: usize, rows: usize) {
    for (number, output) in plan.outputs.iter().enumerate() {
        let (logits, gradient) = workspace.logits(layout, output, rows);
        match question {
            Question::Loss(targets) => {
                loss(output, logits, targets[number].rows(start, start + rows, output.loss.width()), gradient)
            }
            Question::Logit { output: asked, column } if asked == number => {
                gradient.fill(0.0);
                gradient.chunks_exact_mut(output.head.width()).for_each(|row| row[column] = 1.0);
            }
            Question::Weighted { output: asked, seeds } if asked == number => {
                for (row, g) in gradient.chunks_exact_mut(output.head.width()).enumerate() {
                    g.iter_mut().zip(seeds.row(start + row)).for_each(|(g, seed)| *g = *seed);
                }
            }
            Question::Prediction { output: asked, column } if asked == number => {
                let width = output.head.width();
                for (z, g) in logits.chunks_exact(width).zip(gradient.chunks_exact_mut(width)) {
                    output.head.derivative(z, column, g);
                }
            }
            _ => gradient.fill(0.0),
        }
    }
}

/// The gradient of each row's own loss, times the weight of the output.
fn loss(output: &Output, logits: &[f32], targets: Targets<'_>, gradient: &mut [f32]) {
    output.loss.sum_and_gradient(logits, targets, None, output.weight, gradient, &mut []);
}

/// Adds to each token the product of its vector, times the factor with which it counts, and the gradient by it.
fn add_to_tokens(table: &dyn Table, vectors: &[f32], tokens: &[f32], gradients: &[f32], to: &mut [f32]) {
    let size = table.row();
    let mut place = 0;
    // In order of the tokens, those that are padding left out.
    table.visit(tokens, gradients, None, &mut |row, factor, gradient| {
        while tokens.get(place).is_some_and(|token| *token as usize != row) {
            place += 1;
        }
        let vector = &vectors[row * size..(row + 1) * size];
        if let Some(to) = to.get_mut(place) {
            *to += factor * vector.iter().zip(gradient).map(|(v, g)| v * g).sum::<f32>();
        }
        place += 1;
    });
}

impl Network {
    /// Writes rows of the inputs where the way forward begins.
    pub(super) fn fill<'a>(
        &'a self,
        plan: &'a Plan,
        layout: &'a Layout,
        workspace: &mut Workspace,
        inputs: &[ArrayView2<'_, f32>],
        start: usize,
        rows: usize,
    ) -> Pass<'a> {
        for (input, data) in inputs.iter().enumerate() {
            let size = plan.values[input].size;
            let to = workspace.value_mut(layout, input, rows);
            for (i, to) in to.chunks_exact_mut(size).enumerate() {
                to.iter_mut().zip(data.row(start + i)).for_each(|(to, from)| *to = *from);
            }
        }
        Pass { plan, layout, parameters: &self.parameters, statistics: [&[], &[]], rows, training: None }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;
