//! What passes through a layer, forward and back.

use super::super::init::Initial;
use super::super::randomness::Draws;
use super::super::shape::Shape;
use std::fmt;

/// One parameter of a layer: a tensor that training changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// Its name within the layer: `weight`, `bias`.
    pub name: &'static str,
    /// Its dimensions; it is stored row-major.
    pub shape: Vec<usize>,
    /// How its starting values are drawn.
    pub initial: Initial,
    /// Whether weight decay pulls it to 0: weights, but neither biases nor the factors and shifts of a norm.
    pub decays: bool,
    /// By what its learning rate is multiplied.
    pub rate: f32,
    /// Whether gradients change it; running means are kept beside the weights without being learned.
    pub learned: bool,
}

impl Parameter {
    /// A weight: learned, and pulled to 0 by weight decay.
    pub(crate) fn weight(name: &'static str, shape: &[usize], initial: Initial) -> Self {
        Self { name, shape: shape.to_vec(), initial, decays: true, rate: 1.0, learned: true }
    }

    /// A bias, or a factor or shift of a norm: learned without decay.
    pub(crate) fn bias(name: &'static str, shape: &[usize], initial: Initial) -> Self {
        Self { decays: false, ..Self::weight(name, shape, initial) }
    }

    /// Numbers that are kept and not learned.
    pub(crate) fn kept(name: &'static str, shape: &[usize], initial: Initial) -> Self {
        Self { learned: false, ..Self::bias(name, shape, initial) }
    }

    /// How many numbers it has; `None` where that does not fit into `usize`.
    pub fn size(&self) -> Option<usize> {
        self.shape.iter().try_fold(1usize, |product, &d| product.checked_mul(d))
    }
}

/// What a layer reads and writes on the way forward. All batches are row-major and have `rows` rows.
pub struct Forward<'a> {
    /// The number of rows.
    pub rows: usize,
    /// Which of the layer's inputs this is. A layer that joins several is called for each in turn.
    pub port: usize,
    /// The layer's parameters, one after the other in the order of [`Layer::parameters`].
    pub parameters: &'a [f32],
    /// `[rows, input]`
    pub input: &'a [f32],
    /// `[rows, output]`, to be overwritten.
    pub output: &'a mut [f32],
    /// `[rows, kept_per_row]`: what the layer wants to find again on the way back; empty where there is no way back, unless
    /// [`Layer::works_in_kept`].
    pub kept: &'a mut [f32],
    /// Working space of [`Layer::scratch`] numbers, with anything in it.
    pub scratch: &'a mut [f32],
    /// `[rows, length]`: the tokens that the places of the input come from, 0 where they are padding; empty where there
    /// is none. Only for a layer that [`Layer::reads_mask`].
    pub mask: &'a [f32],
    /// What all rows of the batch came to, for a layer that is [`Synchronized`], in training.
    pub statistics: &'a [f64],
    /// The source of randomness while training, `None` in prediction, which is deterministic.
    pub training: Option<Draws>,
}

/// What a layer reads and writes on the way back, after [`Layer::forward`] with the same buffers.
pub struct Backward<'a> {
    /// The number of rows.
    pub rows: usize,
    /// Which of the layer's inputs this is.
    pub port: usize,
    /// The layer's parameters.
    pub parameters: &'a [f32],
    /// `[rows, input]`, as on the way forward.
    pub input: &'a [f32],
    /// `[rows, output]`, as the layer wrote it.
    pub output: &'a [f32],
    /// `[rows, kept_per_row]`, as the layer wrote it. It may be used as working space.
    pub kept: &'a mut [f32],
    /// `[rows, output]`: the gradient of the loss by the output. The layer may use it as working space, unless it has
    /// several inputs.
    pub output_gradient: &'a mut [f32],
    /// `[rows, input]`: the gradient by the input, to be overwritten; `None` where no layer before needs it.
    pub input_gradient: Option<&'a mut [f32]>,
    /// The gradients by the parameters, laid out as they are, to be overwritten.
    pub parameter_gradient: &'a mut [f32],
    /// Working space of [`Layer::scratch`] numbers, with anything in it.
    pub scratch: &'a mut [f32],
    /// As on the way forward.
    pub mask: &'a [f32],
    /// What all rows of the batch came to on the way forward, then on the way back.
    pub statistics: [&'a [f64]; 2],
    /// As on the way forward.
    pub training: Option<Draws>,
}

/// A layer that is built for one shape of input.
pub trait Layer: fmt::Debug + Send + Sync {
    /// The shape of a row of the output.
    fn output(&self) -> &Shape;

    /// The parameters, in the order in which they are stored. Empty for a layer that learns nothing.
    fn parameters(&self) -> &[Parameter] {
        &[]
    }

    /// How many numbers a row keeps from the way forward to the way back, besides input and output.
    fn kept_per_row(&self) -> usize {
        0
    }

    /// Whether it needs what it keeps as working space on the way forward, even where there is no way back.
    fn works_in_kept(&self) -> bool {
        false
    }

    /// How many numbers of working space it needs, whatever the number of rows.
    fn scratch(&self) -> usize {
        0
    }

    /// Whether the output is the input with another shape, so that nothing is to be computed.
    fn is_view(&self) -> bool {
        false
    }

    /// Whether it leaves out places that are padding.
    fn reads_mask(&self) -> bool {
        false
    }

    /// Set for a layer whose output for a row depends on all rows of the batch while training.
    fn synchronized(&self) -> Option<&dyn Synchronized> {
        None
    }

    /// Set for a layer whose one parameter is a table of which a batch reads few rows. [`Layer::backward`] then leaves
    /// `parameter_gradient`, which is empty, alone.
    fn table(&self) -> Option<&dyn Table> {
        None
    }

    /// Computes the output from the input.
    fn forward(&self, pass: Forward<'_>);

    /// Computes the gradients by parameters and input from the gradient by the output.
    fn backward(&self, pass: Backward<'_>);
}

/// A layer that looks rows up in a table: the gradient by the table is 0 but for the rows that were read, so only those
/// are visited and changed.
pub trait Table: Sync {
    /// The length of a row of the table.
    fn row(&self) -> usize;

    /// Calls `visit(row of the table, factor, gradient)` in order of the batch: the gradient by that row is the sum of
    /// the factors times the gradients. `training` is as on the way forward.
    fn visit(
        &self,
        input: &[f32],
        output_gradient: &[f32],
        training: Option<Draws>,
        visit: &mut dyn FnMut(usize, f32, &[f32]),
    );
}

/// What a layer reads before its way back, to say what its rows come to: all as in [`Backward`].
#[derive(Debug, Clone, Copy)]
pub struct GatherBack<'a> {
    /// `[rows, input]`
    pub input: &'a [f32],
    /// `[rows, output]`
    pub output: &'a [f32],
    /// `[rows, kept_per_row]`
    pub kept: &'a [f32],
    /// `[rows, output]`
    pub output_gradient: &'a [f32],
    /// What all rows of the batch came to on the way forward.
    pub forward: &'a [f64],
}

/// A layer that needs to know something of all rows of a batch before it can treat one. A batch is cut into shards, so
/// each shard is asked first, and what they say is merged in their order: the cut changes nothing but the rounding, and
/// threads change nothing.
pub trait Synchronized {
    /// How many numbers a shard says on each way.
    fn size(&self) -> usize;

    /// Writes what these rows come to on the way forward. `input` is `[rows, input]`.
    fn gather(&self, rows: usize, input: &[f32], statistics: &mut [f64]);

    /// Adds what the next shard said to what the shards before said.
    fn merge(&self, statistics: &mut [f64], next: &[f64]);

    /// Writes what these rows come to on the way back, to be added up.
    fn gather_back(&self, pass: GatherBack<'_>, statistics: &mut [f64]);

    /// Takes the merged result of a step into the parameters that are kept without being learned.
    fn absorb(&self, statistics: &[f64], parameters: &mut [f32]);
}

/// Where a place of a known size is taken from a slice: the caller laid the slice out by the same sizes.
pub(crate) fn split<const N: usize>(values: &[f32], sizes: [usize; N]) -> [&[f32]; N] {
    let mut rest = values;
    sizes.map(|size| {
        let (part, after) = rest.split_at(size);
        rest = after;
        part
    })
}

/// [`split`] for slices that are written to.
pub(crate) fn split_mut<const N: usize>(values: &mut [f32], sizes: [usize; N]) -> [&mut [f32]; N] {
    let mut rest = values;
    sizes.map(|size| {
        let (part, after) = std::mem::take(&mut rest).split_at_mut(size);
        rest = after;
        part
    })
}
