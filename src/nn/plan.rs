//! A network's description, worked out: each layer with its shapes and the place of its parameters.

use super::error::Error;
use super::layers::{Layer, LayerSpec, Parameter};
use super::network::NetworkSpec;
use super::shape::Shape;
use std::ops::Range;

/// The most parameters a network may have: 2^28, one GiB of weights. More is a slip of the pen in a tabular network,
/// and refusing it is kinder than running out of memory.
pub const MAX_PARAMETERS: usize = 1 << 28;

/// The most numbers that one row may need on its way through all layers together: 2^28, for the same reason.
pub const MAX_ROW: usize = 1 << 28;

/// The layers in order, the head last. It holds no parameters and is shared between copies of a network.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) input_size: usize,
    pub(crate) steps: Vec<Step>,
    pub(crate) parameter_count: usize,
    /// How many numbers one row needs on its way through all layers.
    pub(crate) row_size: usize,
}

/// One layer at its place.
#[derive(Debug)]
pub(crate) struct Step {
    /// For people and as the prefix of stored tensors: `layer_1` or `head`.
    pub(crate) name: String,
    pub(crate) kind: &'static str,
    pub(crate) layer: Box<dyn Layer>,
    pub(crate) output_size: usize,
    /// Where its parameters lie among all.
    pub(crate) parameters: Range<usize>,
}

impl Step {
    /// The layer's name with its kind, as messages say it.
    pub(crate) fn title(&self) -> String {
        format!("{} ({})", self.name, self.kind)
    }

    /// Each parameter with its place among all parameters of the network.
    pub(crate) fn places(&self) -> impl Iterator<Item = (&Parameter, Range<usize>)> {
        let mut start = self.parameters.start;
        self.layer.parameters().iter().map(move |parameter| {
            let range = start..start + parameter.shape.iter().product::<usize>();
            start = range.end;
            (parameter, range)
        })
    }
}

impl Plan {
    /// Infers shapes layer by layer.
    ///
    /// Errors: the first layer that cannot be built, or whose parameters no longer fit into [`MAX_PARAMETERS`].
    pub(crate) fn new(spec: &NetworkSpec) -> Result<Self, Error> {
        let input = &spec.input;
        let input_size = input.size().filter(|&size| size > 0).ok_or_else(|| Error::Layer {
            layer: "input".to_owned(),
            reason: format!("a network reads rows of at least one number, these are {input}"),
        })?;
        let mut plan = Self {
            input_size,
            steps: Vec::with_capacity(spec.layers.len() + 1),
            parameter_count: 0,
            row_size: input_size,
        };
        for (i, layer) in spec.layers.iter().enumerate() {
            plan.push(format!("layer_{}", i + 1), layer, input)?;
        }
        let head = spec.head.layer().map_err(|reason| Error::Layer { layer: "head (dense)".to_owned(), reason })?;
        plan.push("head".to_owned(), &head, input)?;
        Ok(plan)
    }

    fn push(&mut self, name: String, spec: &LayerSpec, network_input: &Shape) -> Result<(), Error> {
        let refuse = |reason| Error::Layer { layer: format!("{name} ({})", spec.kind()), reason };
        let input = self.steps.last().map_or(network_input, |step| step.layer.output());
        let layer = spec.build(input).map_err(refuse)?;
        let count = layer.parameters().iter().try_fold(self.parameter_count, |sum, parameter| {
            let size = parameter.shape.iter().try_fold(1usize, |product, &d| product.checked_mul(d))?;
            sum.checked_add(size).filter(|&sum| sum <= MAX_PARAMETERS)
        });
        let count =
            count.ok_or_else(|| refuse(format!("with it the network has more than {MAX_PARAMETERS} parameters")))?;
        let sizes = layer.output().size().and_then(|output| {
            let row = self.row_size.checked_add(output)?.checked_add(layer.kept_per_row())?;
            (row <= MAX_ROW).then_some((output, row))
        });
        let (output_size, row_size) =
            sizes.ok_or_else(|| refuse(format!("with it a row needs more than {MAX_ROW} numbers in all layers")))?;
        self.row_size = row_size;
        let parameters = self.parameter_count..count;
        self.parameter_count = count;
        self.steps.push(Step { name, kind: spec.kind(), layer, output_size, parameters });
        Ok(())
    }

    /// The step before which no layer learns: gradients by its input are not needed.
    pub(crate) fn first_learning(&self) -> usize {
        self.steps.iter().position(|step| !step.parameters.is_empty()).unwrap_or(0)
    }

    /// The width of the logits.
    pub(crate) fn output_size(&self) -> usize {
        self.steps.last().map_or(self.input_size, |step| step.output_size)
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
}
