//! A network: its description, its parameters, and what it predicts.

use super::error::Error;
use super::graph::{InputSpec, NetworkSpec};
use super::plan::{Layout, Plan, Way};
use super::randomness::{Purpose, generator, name_index};
use super::shape::Shape;
use super::workspace::Workspace;
use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;
use serde::Serialize;
use std::fmt;
use std::sync::Arc;

impl NetworkSpec {
    /// The layers with their shapes and numbers of parameters, without building the network.
    ///
    /// Errors: [`Error::Layer`] for the first layer that does not fit.
    pub fn summary(&self) -> Result<Summary, Error> {
        Ok(Summary::of(&Plan::new(self)?))
    }
}

/// A network with its parameters. It can be shared between threads; copies share everything but the parameters.
#[derive(Debug, Clone)]
pub struct Network {
    spec: NetworkSpec,
    pub(crate) plan: Arc<Plan>,
    /// All parameters, one after the other.
    pub(crate) parameters: Vec<f32>,
}

/// The most rows that pass through the network together in prediction, and the most numbers they may take up.
const PREDICTION_ROWS: usize = 256;
const PREDICTION_SIZE: usize = 1 << 24;

impl Network {
    /// A network at its start, with parameters drawn by the seed.
    ///
    /// Errors: [`Error::Layer`] for the first layer that does not fit.
    pub fn new(spec: NetworkSpec, seed: u64) -> Result<Self, Error> {
        let plan = Plan::new(&spec)?;
        let mut parameters = vec![0.0; plan.parameter_count];
        for place in &plan.parameters {
            let mut rng = generator(seed, Purpose::Initialize, name_index(&place.name));
            place.initial.fill(&mut parameters[place.range.clone()], &mut rng);
        }
        Ok(Self { spec, plan: Arc::new(plan), parameters })
    }

    /// A network with given parameters, as many as its plan has.
    pub(crate) fn with_parameters(spec: NetworkSpec, plan: Plan, parameters: Vec<f32>) -> Self {
        debug_assert_eq!(plan.parameter_count, parameters.len());
        Self { spec, plan: Arc::new(plan), parameters }
    }

    /// How the network was described.
    pub fn spec(&self) -> &NetworkSpec {
        &self.spec
    }

    /// How many numbers it has, those that are kept without being learned among them.
    pub fn parameter_count(&self) -> usize {
        self.parameters.len()
    }

    /// The layers with their shapes and numbers of parameters.
    pub fn summary(&self) -> Summary {
        Summary::of(&self.plan)
    }

    /// All parameters by name: `layer_1.weight` with its dimensions and numbers.
    pub fn named_parameters(&self) -> impl Iterator<Item = (&str, &[usize], &[f32])> {
        let places = self.plan.parameters.iter();
        places.map(|place| (&*place.name, &*place.shape, &self.parameters[place.range.clone()]))
    }

    /// Predictions `[n, width]` of the first output for the rows `[n, features]` of the only input: the probability of
    /// yes (`[n, 1]`), the probabilities of the classes, or numbers. The same input gives the same prediction, whatever
    /// the number of threads.
    ///
    /// Errors: inputs of another width or number; an input that is NaN, infinite, or no token where one is expected.
    pub fn predict(&self, inputs: ArrayView2<'_, f32>) -> Result<Array2<f32>, Error> {
        Ok(self.predict_all(&[inputs])?.swap_remove(0))
    }

    /// The sums before sigmoid or softmax, `[n, width]`, for inputs `[n, features]`. Errors: as [`Network::predict`].
    pub fn logits(&self, inputs: ArrayView2<'_, f32>) -> Result<Array2<f32>, Error> {
        Ok(self.all_logits(&[inputs])?.swap_remove(0))
    }

    /// Predictions of all outputs, in their order, for rows of all inputs, in theirs. Errors: as [`Network::predict`].
    pub fn predict_all(&self, inputs: &[ArrayView2<'_, f32>]) -> Result<Vec<Array2<f32>>, Error> {
        let mut predictions = self.all_logits(inputs)?;
        for (predictions, output) in predictions.iter_mut().zip(&self.plan.outputs) {
            let width = output.head.width();
            if let Some(values) = predictions.as_slice_mut() {
                values.par_chunks_mut(PREDICTION_ROWS * width).for_each(|rows| output.head.finish(rows));
            }
        }
        Ok(predictions)
    }

    /// The logits of all outputs, in their order. Errors: as [`Network::predict`].
    pub fn all_logits(&self, inputs: &[ArrayView2<'_, f32>]) -> Result<Vec<Array2<f32>>, Error> {
        let n = self.check_rows(inputs)?;
        let widths: Vec<usize> = self.plan.outputs.iter().map(|output| output.head.width()).collect();
        // One row of all outputs after the other, then one array for each.
        let total: usize = widths.iter().sum();
        let mut together = vec![0.0f32; n * total];
        let layout = Layout::new(&self.plan, Way::Prediction);
        let rows = self.rows_together();
        let workspace = || Workspace::new(&self.plan, &layout, Way::Prediction, rows.min(n));
        together.par_chunks_mut(rows * total).enumerate().for_each_init(workspace, |workspace, (chunk, z)| {
            let (start, count) = (chunk * rows, z.len() / total);
            let pass = self.fill(&self.plan, &layout, workspace, inputs, start, count);
            workspace.forward(pass, 0..self.plan.steps.len());
            let mut column = 0;
            for (output, width) in self.plan.outputs.iter().zip(&widths) {
                let logits = workspace.value(&layout, output.value, count);
                for (z, logits) in z.chunks_exact_mut(total).zip(logits.chunks_exact(*width)) {
                    z[column..column + width].copy_from_slice(logits);
                }
                column += width;
            }
        });
        let mut column = 0;
        Ok(widths
            .iter()
            .map(|&width| {
                let start = column;
                column += width;
                Array2::from_shape_fn((n, width), |(row, i)| together[row * total + start + i])
            })
            .collect())
    }

    /// How many rows pass together.
    pub(super) fn rows_together(&self) -> usize {
        (PREDICTION_SIZE / self.plan.row_size.max(1)).clamp(1, PREDICTION_ROWS)
    }

    /// The number of rows of inputs that fit the network.
    pub(super) fn check_rows(&self, inputs: &[ArrayView2<'_, f32>]) -> Result<usize, Error> {
        if inputs.len() != self.plan.inputs.len() {
            let (got, expected) = (inputs.len(), self.plan.inputs.len());
            return Err(Error::Targets {
                what: "the data",
                reason: format!("there are {got} inputs, the network reads {expected}"),
            });
        }
        let n = inputs.first().map_or(0, ArrayView2::nrows);
        for (spec, data) in self.plan.inputs.iter().zip(inputs) {
            if Some(data.ncols()) != spec.shape.size() {
                let (expected, got) = (spec.shape.clone(), Shape::features(data.ncols()));
                return Err(Error::InputShape { what: format!("the input `{}`", spec.name), expected, got });
            }
            if data.nrows() != n {
                let reason = format!("input `{}` has {} rows, the first has {n}", spec.name, data.nrows());
                return Err(Error::Targets { what: "the data", reason });
            }
            for (row, values) in data.rows().into_iter().enumerate() {
                match values.as_slice() {
                    Some(values) => check_input(spec, values, row)?,
                    None => check_input(spec, &values.to_vec(), row)?,
                }
            }
        }
        Ok(n)
    }
}

/// Refuses rows of an input that are not finite, or no tokens where tokens are expected. `first` is the number of the
/// first row, from 0.
pub(crate) fn check_input(spec: &InputSpec, values: &[f32], first: usize) -> Result<(), Error> {
    let size = spec.shape.size().unwrap_or(1).max(1);
    let bad = match spec.tokens {
        None => values.iter().position(|v| !v.is_finite()),
        Some(tokens) => values.iter().position(|&v| !(v >= 0.0 && v < tokens as f32 && v.fract() == 0.0)),
    };
    let Some(at) = bad else { return Ok(()) };
    let (row, place, value) = (first + at / size + 1, at % size + 1, values[at]);
    Err(match spec.tokens {
        None => Error::NotFiniteInput { row, feature: place, value },
        Some(tokens) => Error::NotAToken { row, place, value, tokens },
    })
}

/// The layers of a network as a table; its `Display` draws it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The layers in order, the head last.
    pub layers: Vec<SummaryRow>,
    /// The number of parameters of all layers.
    pub parameters: usize,
}

/// A layer in a [`Summary`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SummaryRow {
    /// Its name with its kind: `layer_1 (dense)`.
    pub layer: String,
    /// The shape of a row of its output.
    pub output: Shape,
    /// How many parameters it has.
    pub parameters: usize,
}

impl Summary {
    fn of(plan: &Plan) -> Self {
        let mut layers: Vec<SummaryRow> = Vec::new();
        for (index, value) in plan.values.iter().enumerate() {
            let step = plan.steps.iter().find(|step| step.output == index);
            // Inputs are not computed; a value that stands for another is one under another shape.
            let (kind, parameters) = match (step, value.part_of) {
                (_, Some(part)) => {
                    let step = part.parameters_of.and_then(|step| plan.steps.get(step));
                    (part.kind, step.map_or(0, |step| step.parameters.len()))
                }
                (Some(step), None) => (step.kind, step.parameters.len()),
                (None, None) if value.root != index => ("flatten", 0),
                (None, None) => continue,
            };
            layers.push(SummaryRow {
                layer: format!("{} ({kind})", value.name),
                output: value.shape.clone(),
                parameters,
            });
        }
        Self { layers, parameters: plan.parameter_count }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = vec![["layer".to_owned(), "output".to_owned(), "parameters".to_owned()]];
        lines.extend(self.layers.iter().map(|l| [l.layer.clone(), l.output.to_string(), l.parameters.to_string()]));
        lines.push(["total".to_owned(), String::new(), self.parameters.to_string()]);
        let width = |column: usize| lines.iter().map(|line| line[column].len()).max().unwrap_or(0);
        let (first, second, third) = (width(0), width(1), width(2));
        for (i, [layer, output, parameters]) in lines.iter().enumerate() {
            let end = if i + 1 < lines.len() { "\n" } else { "" };
            write!(f, "{layer:first$}  {output:second$}  {parameters:>third$}{end}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
