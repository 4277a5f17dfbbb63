//! A network's description, worked out once: each layer with its shapes and the place of its parameters.
//!
//! A plan holds no numbers. It is made once and shared between copies of a network and between threads.

mod expand;
mod layout;

pub(crate) use layout::{Layout, Way, Write};

use super::error::Error;
use super::graph::{InputSpec, NetworkSpec};
use super::head::Head;
use super::init::Initial;
use super::layers::{Layer, LayerSpec};
use super::loss::Loss;
use super::shape::Shape;
use std::ops::Range;

/// The most parameters a network may have: 2^28, one GiB of weights. More is a slip of the pen on one machine, and
/// refusing it is kinder than running out of memory.
pub const MAX_PARAMETERS: usize = 1 << 28;

/// The most numbers that one row may need on its way through all layers together: 2^28, for the same reason.
pub const MAX_ROW: usize = 1 << 28;

/// The layers in order.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) inputs: Vec<InputSpec>,
    /// Everything that is computed, the inputs first.
    pub(crate) values: Vec<Value>,
    pub(crate) steps: Vec<Step>,
    pub(crate) outputs: Vec<Output>,
    /// All parameters: those with a gradient for every number first, then the tables.
    pub(crate) parameters: Vec<Place>,
    pub(crate) parameter_count: usize,
    /// How many of the parameters are no tables. The gradients of a shard are this long.
    pub(crate) dense_count: usize,
    /// How many numbers the synchronized layers say on each way.
    pub(crate) statistics: usize,
    /// How many numbers one row needs on its way through all layers.
    pub(crate) row_size: usize,
}

/// Something that a layer gives or the data are.
#[derive(Debug)]
pub(crate) struct Value {
    pub(crate) name: String,
    pub(crate) shape: Shape,
    /// How many numbers a row of it has.
    pub(crate) size: usize,
    /// The value whose numbers these are: itself, unless it is another shape of that one.
    pub(crate) root: usize,
    /// Set where it is a layer's within a step that stands for several.
    pub(crate) part_of: Option<PartOf>,
    /// The input whose padding tells which places of it are padding.
    pub(crate) mask: Option<usize>,
}

/// A layer within a step that stands for several.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PartOf {
    pub(crate) kind: &'static str,
    /// The step, where its parameters are those of this layer.
    pub(crate) parameters_of: Option<usize>,
}

/// One layer at its place.
#[derive(Debug)]
pub(crate) struct Step {
    /// For people and as the prefix of stored tensors: `layer_1` or `head`.
    pub(crate) name: String,
    pub(crate) kind: &'static str,
    /// How it was described; where it stands for several, the first of them.
    pub(crate) spec: LayerSpec,
    pub(crate) layer: Box<dyn Layer>,
    /// The values it reads and the one it gives, which is a root.
    pub(crate) inputs: Vec<usize>,
    pub(crate) output: usize,
    /// The input whose padding it leaves out.
    pub(crate) mask: Option<usize>,
    /// Where its parameters lie among all.
    pub(crate) parameters: Range<usize>,
    /// Where what it says about a batch lies among all that is said.
    pub(crate) statistics: Range<usize>,
}

/// A question with what answers it.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) name: String,
    /// The root that holds the logits.
    pub(crate) value: usize,
    pub(crate) head: Head,
    pub(crate) loss: Loss,
    pub(crate) weight: f64,
}

/// A parameter among all.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// `layer_1.weight`
    pub(crate) name: String,
    /// The step it belongs to.
    pub(crate) step: usize,
    pub(crate) shape: Vec<usize>,
    pub(crate) range: Range<usize>,
    pub(crate) initial: Initial,
    pub(crate) decays: bool,
    pub(crate) rate: f32,
    pub(crate) learned: bool,
    /// The length of a row, for a table.
    pub(crate) table: Option<usize>,
}

impl Step {
    /// The layer's name with its kind, as messages say it.
    pub(crate) fn title(&self) -> String {
        format!("{} ({})", self.name, self.kind)
    }
}

impl Plan {
    /// Infers shapes layer by layer.
    ///
    /// Errors: [`Error::Layer`] for the first layer that cannot be built, or with which the network grows beyond
    /// [`MAX_PARAMETERS`] or [`MAX_ROW`].
    pub(crate) fn new(spec: &NetworkSpec) -> Result<Self, Error> {
        let mut plan = expand::expand(spec, true)?;
        plan.place_parameters();
        Ok(plan)
    }

    /// The same with a step for each layer: none stands for several. Parameters lie in the same places.
    pub(crate) fn apart(spec: &NetworkSpec) -> Result<Self, Error> {
        let mut plan = expand::expand(spec, false)?;
        plan.place_parameters();
        Ok(plan)
    }

    /// Gives each parameter its place, the tables last.
    fn place_parameters(&mut self) {
        let mut next = 0;
        for tables in [false, true] {
            for (index, step) in self.steps.iter_mut().enumerate() {
                let table = step.layer.table().map(|table| table.row());
                if table.is_some() != tables {
                    continue;
                }
                let start = next;
                for parameter in step.layer.parameters() {
                    let size = parameter.size().unwrap_or(0);
                    self.parameters.push(Place {
                        name: format!("{}.{}", step.name, parameter.name),
                        step: index,
                        shape: parameter.shape.clone(),
                        range: next..next + size,
                        initial: parameter.initial,
                        decays: parameter.decays,
                        rate: parameter.rate,
                        learned: parameter.learned,
                        table,
                    });
                    next += size;
                }
                step.parameters = start..next;
            }
            if !tables {
                self.dense_count = next;
            }
        }
        self.parameter_count = next;
    }

    /// The first layer with a parameter that is NaN or infinite.
    pub(crate) fn not_finite(&self, parameters: &[f32]) -> Option<&Step> {
        if parameters.iter().all(|p| p.is_finite()) {
            return None;
        }
        self.steps
            .iter()
            .find(|step| parameters.get(step.parameters.clone()).is_none_or(|own| own.iter().any(|p| !p.is_finite())))
    }

    /// Whether a value lies in memory: inputs and what steps give, but nothing that stays within a step.
    pub(crate) fn is_stored(&self, root: usize) -> bool {
        root < self.inputs.len() || self.steps.iter().any(|step| step.output == root)
    }

    /// The steps that must know of all rows before they can be computed, in order.
    pub(crate) fn synchronized(&self) -> impl DoubleEndedIterator<Item = usize> {
        self.steps.iter().enumerate().filter(|(_, step)| step.layer.synchronized().is_some()).map(|(i, _)| i)
    }
}

#[cfg(test)]
mod tests;
