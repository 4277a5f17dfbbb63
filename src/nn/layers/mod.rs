//! Layers: what each computes, and how its gradient flows back.
//!
//! A [`Layer`] is built from its [`LayerSpec`] and the shape of the rows that reach it. It holds sizes and options
//! only: parameters, gradients and intermediate results belong to the caller and are passed in, so one layer serves any
//! number of threads at once. Back-propagation (Rumelhart, Hinton & Williams 1986, *Learning representations by
//! back-propagating errors*) is the chain rule from the last layer to the first: a layer gets the gradient of the loss
//! by its output and gives the gradients by its parameters and by its input.
//!
//! A new kind of layer is a file here, a variant of [`LayerSpec`] and a line in [`LayerSpec::build`].

mod activation;
mod dense;
mod dropout;
#[cfg(test)]
mod numeric_gradient;

pub use activation::Activation;
pub(crate) use activation::sigmoid;
pub use dense::Dense;
pub use dropout::Dropout;

use super::initialize::Initial;
use super::shape::Shape;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A layer as it is described. Shapes follow from the layer before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum LayerSpec {
    /// Fully connected units; see [`Dense`].
    Dense {
        /// How many units; at least 1.
        units: usize,
        /// What each unit applies to its sum. Default `relu`.
        #[serde(default)]
        activation: Activation,
    },
    /// Random silence while training; see [`Dropout`].
    Dropout {
        /// The share of values that is silenced, in `[0, 1)`.
        rate: f64,
    },
}

impl LayerSpec {
    /// The name of the kind, as it is written.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Dense { .. } => "dense",
            Self::Dropout { .. } => "dropout",
        }
    }

    /// The layer for rows of the shape `input`.
    ///
    /// Errors: the reason in words, where an option is out of range or the layer cannot read such rows.
    pub fn build(&self, input: &Shape) -> Result<Box<dyn Layer>, String> {
        match *self {
            Self::Dense { units, activation } => Ok(Box::new(Dense::new(input, units, activation)?)),
            Self::Dropout { rate } => Ok(Box::new(Dropout::new(input, rate)?)),
        }
    }
}

/// One parameter of a layer: a tensor that training changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its name within the layer: `weight`, `bias`.
    pub name: &'static str,
    /// Its dimensions; it is stored row-major.
    pub shape: Vec<usize>,
    /// How its starting values are drawn.
    pub initial: Initial,
}

/// What a layer reads and writes on the way forward. All batches are row-major and have `rows` rows.
pub struct Forward<'a> {
    /// The number of rows.
    pub rows: usize,
    /// The layer's parameters, one after the other in the order of [`Layer::parameters`].
    pub parameters: &'a [f32],
    /// `[rows, input]`
    pub input: &'a [f32],
    /// `[rows, output]`, to be overwritten.
    pub output: &'a mut [f32],
    /// `[rows, kept_per_row]`: what the layer wants to find again on the way back.
    pub kept: &'a mut [f32],
    /// The source of randomness while training, `None` in prediction, which is deterministic.
    pub training: Option<&'a mut ChaCha8Rng>,
}

/// What a layer reads and writes on the way back, after [`Layer::forward`] in training with the same buffers.
pub struct Backward<'a> {
    /// The number of rows.
    pub rows: usize,
    /// The layer's parameters.
    pub parameters: &'a [f32],
    /// `[rows, input]`, as on the way forward.
    pub input: &'a [f32],
    /// `[rows, output]`, as the layer wrote it.
    pub output: &'a [f32],
    /// `[rows, kept_per_row]`, as the layer wrote it.
    pub kept: &'a [f32],
    /// `[rows, output]`: the gradient of the loss by the output. The layer may use it as working space.
    pub output_gradient: &'a mut [f32],
    /// `[rows, input]`: the gradient by the input, to be overwritten; `None` where no layer before needs it.
    pub input_gradient: Option<&'a mut [f32]>,
    /// The gradients by the parameters, laid out as they are, to be overwritten.
    pub parameter_gradient: &'a mut [f32],
}

/// A layer that is built for one shape of input.
pub trait Layer: fmt::Debug + Send + Sync {
    /// The shape of a row of the output.
    fn output(&self) -> &Shape;

    /// The parameters, in the order in which they are stored. Empty for a layer that learns nothing.
    fn parameters(&self) -> &[Parameter];

    /// How many numbers a row keeps from the way forward to the way back, besides input and output.
    fn kept_per_row(&self) -> usize {
        0
    }

    /// Computes the output from the input.
    fn forward(&self, pass: Forward<'_>);

    /// Computes the gradients by parameters and input from the gradient by the output.
    fn backward(&self, pass: Backward<'_>);
}
