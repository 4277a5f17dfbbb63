//! All options of each layer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Layer;
use super::size::{Padding, Size};
use crate::definition::Spanned;
use crate::nn::layers as engine;

/// What a layer applies to its sums.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// `max(x, 0)`.
    #[default]
    Relu,
    /// `x` above 0, `x / 100` below.
    LeakyRelu,
    /// `x Φ(x)` with the normal distribution (Hendrycks & Gimpel 2016).
    Gelu,
    /// `x` above 0, `exp(x) - 1` below (Clevert, Unterthiner & Hochreiter 2016).
    Elu,
    /// Scaled exponential: keeps mean 0 and variance 1 (Klambauer et al. 2017).
    Selu,
    /// `x σ(x)`, also called swish.
    Silu,
    /// `x tanh(ln(1 + exp(x)))` (Misra 2019).
    Mish,
    /// The hyperbolic tangent.
    Tanh,
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// `exp(x)` over its sum along the last dimension.
    Softmax,
    /// `x` as it is.
    Linear,
}

fn one() -> usize {
    1
}

fn yes() -> bool {
    true
}

/// Options of a dense layer.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::stages::learn::train) struct DenseOptions {
    /// How many units; at least 1.
    pub(super) units: usize,
    /// What each unit applies to its sum.
    #[serde(default)]
    pub(super) activation: Activation,
    /// Whether the units have a bias.
    #[serde(default = "yes")]
    pub(super) bias: bool,
}

/// Options of dropout.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::stages::learn::train) struct DropoutOptions {
    /// The share of values that is silenced, from 0 to below 1.
    pub(super) rate: f64,
}

/// Options of batch norm.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BatchNorm {
    /// The share by which the running means move at each step, above 0 to 1.
    pub(super) momentum: f64,
    /// Keeps the division finite.
    pub(super) epsilon: f64,
}

impl Default for BatchNorm {
    fn default() -> Self {
        Self { momentum: 0.1, epsilon: 1e-5 }
    }
}

/// Options of layer norm.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LayerNorm {
    /// Keeps the division finite.
    pub(super) epsilon: f64,
}

impl Default for LayerNorm {
    fn default() -> Self {
        Self { epsilon: 1e-5 }
    }
}

/// Options of a learned scale.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Scale {
    /// By what the learning rate of the factors is multiplied.
    pub(super) rate: f64,
}

impl Default for Scale {
    fn default() -> Self {
        Self { rate: 6.0 }
    }
}

/// Options of an embedding.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::stages::learn::train) struct EmbeddingOptions {
    /// The length of a vector.
    pub(super) size: usize,
    /// The share of the tokens, from 0 to below 1, that is dropped while training: their vectors are 0, the others larger
    /// (Gal & Ghahramani 2016).
    #[serde(default)]
    pub(super) token_dropout: f64,
}

/// Options of an embedding bag.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::stages::learn::train) struct EmbeddingBagOptions {
    /// The length of a vector.
    pub(super) size: usize,
    /// How the vectors of a text become one.
    #[serde(default)]
    pub(super) pooling: Pooling,
    /// The share of the tokens, from 0 to below 1, that is dropped while training, so that no text is learned by heart by
    /// one word of it (Iyyer et al. 2015): `{embedding_bag: {size: 64, token_dropout: 0.3}}`.
    #[serde(default)]
    pub(super) token_dropout: f64,
}

/// How the vectors of a text become one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::stages::learn::train) enum Pooling {
    /// Their mean.
    #[default]
    Mean,
    /// Their sum.
    Sum,
}

/// Options of position.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Position {
    /// Whether the vectors of the places are fixed waves instead of learned.
    pub(super) waves: bool,
}

/// A layer without options.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Empty {}

/// Options of a convolution over a sequence.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::stages::learn::train) struct Conv1dOptions {
    /// How many filters; at least 1.
    filters: usize,
    /// The length of a filter.
    #[serde(default = "three")]
    kernel: usize,
    /// By how much the window moves.
    #[serde(default = "one")]
    stride: usize,
    /// What surrounds the sequence; of a pair of sizes the second counts.
    #[serde(default)]
    padding: Padding,
    /// How far apart the places of a window are.
    #[serde(default = "one")]
    dilation: usize,
    /// Into how many groups features and filters are divided.
    #[serde(default = "one")]
    groups: usize,
    /// What each filter applies to its sum.
    #[serde(default)]
    activation: Activation,
    /// Whether the filters have a bias.
    #[serde(default = "yes")]
    bias: bool,
}

fn three() -> usize {
    3
}

impl Conv1dOptions {
    pub(super) fn of(filters: usize) -> Self {
        Self {
            filters,
            kernel: three(),
            stride: 1,
            padding: Padding::default(),
            dilation: 1,
            groups: 1,
            activation: Activation::default(),
            bias: true,
        }
    }

    pub(super) fn spec(&self) -> engine::Conv1d {
        engine::Conv1d {
            filters: self.filters,
            kernel: self.kernel,
            stride: self.stride,
            padding: self.padding.0,
            dilation: self.dilation,
            groups: self.groups,
            activation: self.activation.spec(),
            bias: self.bias,
            start: None,
        }
    }
}

/// Options of a convolution over an image.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::stages::learn::train) struct Conv2dOptions {
    /// How many filters; at least 1.
    filters: usize,
    /// Height and width of a filter.
    #[serde(default = "three_by_three")]
    kernel: Size,
    /// By how much the window moves.
    #[serde(default = "one_by_one")]
    stride: Size,
    /// What surrounds the image.
    #[serde(default)]
    padding: Padding,
    /// How far apart the places of a window are.
    #[serde(default = "one_by_one")]
    dilation: Size,
    /// Into how many groups channels and filters are divided.
    #[serde(default = "one")]
    groups: usize,
    /// What each filter applies to its sum.
    #[serde(default)]
    activation: Activation,
    /// Whether the filters have a bias.
    #[serde(default = "yes")]
    bias: bool,
}

fn three_by_three() -> Size {
    Size([3, 3])
}

fn one_by_one() -> Size {
    Size([1, 1])
}

impl Conv2dOptions {
    pub(super) fn of(filters: usize) -> Self {
        Self {
            filters,
            kernel: three_by_three(),
            stride: one_by_one(),
            padding: Padding::default(),
            dilation: one_by_one(),
            groups: 1,
            activation: Activation::default(),
            bias: true,
        }
    }

    pub(super) fn spec(&self) -> engine::Conv2d {
        engine::Conv2d {
            filters: self.filters,
            kernel: self.kernel.0,
            stride: self.stride.0,
            padding: self.padding.0,
            dilation: self.dilation.0,
            groups: self.groups,
            activation: self.activation.spec(),
            bias: self.bias,
            start: None,
        }
    }
}

/// Options of pooling.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::stages::learn::train) struct PoolOptions {
    /// Height and width of a window; over a sequence the second counts.
    pub(super) window: Size,
    /// By how much the window moves. Without it the windows lie side by side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stride: Option<Size>,
    /// What surrounds the input.
    pub(super) padding: Padding,
}

impl Default for PoolOptions {
    fn default() -> Self {
        Self { window: Size([2, 2]), stride: None, padding: Padding::default() }
    }
}

/// Options of a residual block.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::stages::learn::train) struct ResidualOptions {
    /// The layers that the way around passes by; at least one. Where they change the shape, the way around is a linear
    /// layer that does the same.
    pub(super) layers: Vec<Spanned<Layer>>,
    /// What is applied to the sum.
    #[serde(default)]
    pub(super) activation: Activation,
}

/// Options of a recurrent layer.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::stages::learn::train) struct RecurrentOptions {
    /// How many units; at least 1.
    pub(super) units: usize,
    /// Whether it gives its outputs at all places, as another recurrent layer after it needs, or only the last one.
    #[serde(default)]
    pub(super) sequences: bool,
    /// Whether it reads from the end.
    #[serde(default)]
    pub(super) backward: bool,
}

impl RecurrentOptions {
    pub(super) fn lstm(&self) -> engine::Lstm {
        engine::Lstm { units: self.units, sequences: self.sequences, backward: self.backward }
    }

    pub(super) fn gru(&self) -> engine::Gru {
        engine::Gru { units: self.units, sequences: self.sequences, backward: self.backward }
    }
}

/// Options of attention.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::stages::learn::train) struct AttentionOptions {
    /// Into how many heads the features are divided; it has to divide them evenly.
    pub(super) heads: usize,
    /// Whether a place looks only at itself and at what stands before it.
    #[serde(default)]
    pub(super) causal: bool,
}
