//! What goes on inside a network: the values of its nodes, and how an answer would change with them.
//!
//! Explanations are built on these: saliency on the gradients by inputs, Grad-CAM (Selvaraju et al. 2017) on values and
//! gradients of the last convolution, integrated gradients (Sundararajan, Taly & Yan 2017) and expected gradients (Erion
//! et al. 2021) on gradients along a path. All are those of the network as it predicts, without random layers; the same
//! rows give the same numbers, whatever the number of threads. Time is that of two to three predictions for each way
//! back.

mod question;
mod tokens;

pub use question::Question;

use super::error::Error;
use super::network::Network;
use super::plan::{Layout, Plan, Way};
use super::shape::Shape;
use super::workspace::{Pass, Workspace};
use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;
use std::sync::Arc;

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
        question.check(&self.plan, n)?;
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
            question.ask(&plan, &layout, workspace, start, rows);
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
        question.check(&self.plan, n)?;
        let plan = &*self.plan;
        let layout = Layout::new(plan, Way::Explanation);
        let sizes: Vec<usize> = (0..inputs.len()).map(|i| plan.values[i].size).collect();
        let total: usize = sizes.iter().sum();
        let together = self.by_rows(plan, &layout, n, total, |workspace, start, rows, to| {
            let pass = self.fill(plan, &layout, workspace, inputs, start, rows);
            workspace.forward(pass, 0..plan.steps.len());
            question.ask(plan, &layout, workspace, start, rows);
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
