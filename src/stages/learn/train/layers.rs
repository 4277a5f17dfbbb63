//! Layers as they are written.

mod options;
pub(super) mod short;
mod size;

use schemars::{JsonSchema, SchemaGenerator};
use serde::de::SeqAccess;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::definition::Spanned;
use crate::nn::{self, LayerSpec, layers as engine};
pub use options::Activation;
use options::{
    AttentionOptions, BatchNorm, Conv1dOptions, Conv2dOptions, DenseOptions, DropoutOptions, EmbeddingBagOptions,
    EmbeddingOptions, Empty, LayerNorm, PoolOptions, Pooling, Position, RecurrentOptions, ResidualOptions, Scale,
};
use short::{Short, short, short_number, whole};
use size::Size;

/// A layer. What it reads follows from the layer before it; sizes of vocabularies follow from the data.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// Fully connected units: `{dense: 128}`, or `{dense: {units: 128, activation: tanh}}`. Sequences are treated place
    /// by place.
    Dense(Dense),
    /// An activation by itself: `{activation: gelu}`.
    Activation(Activation),
    /// Silences this share of the values at random while training, which keeps the network from learning rows by heart:
    /// `{dropout: 0.1}`.
    Dropout(Dropout),
    /// Each value standardized by the batch (Ioffe & Szegedy 2015): `batch_norm`.
    BatchNorm(BatchNorm),
    /// Each row standardized over its last dimension (Ba, Kiros & Hinton 2016): `layer_norm`.
    LayerNorm(LayerNorm),
    /// A learned factor for each feature: `scale`.
    Scale(Scale),
    /// A learned vector for each token of a text, or for the value of a category: `{embedding: 64}`. The size of the
    /// vocabulary is known from the data. `{embedding: {size: 64, token_dropout: 0.1}}` drops whole tokens while training.
    Embedding(Embedding),
    /// The mean of the vectors of all tokens of a text (Joulin et al. 2016, fastText): `{embedding_bag: 64}`.
    /// `{embedding_bag: {size: 64, token_dropout: 0.3}}` drops whole tokens while training.
    EmbeddingBag(EmbeddingBag),
    /// Tells the places of a sequence apart, before attention: `position`, or `{position: {waves: true}}`.
    Position(Position),
    /// Images and sequences as flat rows: `flatten`.
    Flatten(Empty),
    /// Filters that slide over a sequence: `{conv1d: 64}`, or `{conv1d: {filters: 64, kernel: 5, stride: 2}}`.
    Conv1d(Conv1d),
    /// Filters that slide over an image: `{conv2d: 32}`, or `{conv2d: {filters: 32, kernel: 5, padding: same}}`.
    Conv2d(Conv2d),
    /// The largest value of each window: `{max_pool: 2}`.
    MaxPool(Pool),
    /// The mean of each window: `{average_pool: 2}`.
    AveragePool(Pool),
    /// The largest value of each channel over all places: `global_max_pool`.
    GlobalMaxPool(Empty),
    /// The mean of each channel over all places: `global_average_pool`.
    GlobalAveragePool(Empty),
    /// Layers with a way around them (He et al. 2016): `{residual: [{dense: 64}, {dense: {units: 64, activation: linear}}]}`.
    Residual(Residual),
    /// Long short-term memory, which reads a sequence place by place: `{lstm: 64}`.
    Lstm(Recurrent),
    /// A gated recurrent unit: `{gru: 64}`.
    Gru(Recurrent),
    /// An `lstm` or a `gru` from both ends: `{bidirectional: {lstm: 64}}`.
    Bidirectional(Directions),
    /// Multi-head attention (Vaswani et al. 2017): `{attention: 4}` with four heads.
    Attention(Attention),
}

/// A layer that is read from both ends.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Directions {
    /// Long short-term memory.
    Lstm(Recurrent),
    /// A gated recurrent unit.
    Gru(Recurrent),
}

/// What the tokens are that a layer may look up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tokens {
    /// How many.
    pub(super) count: usize,
    /// Whether token 0 stands for nothing.
    pub(super) padding: bool,
}

impl Layer {
    /// As the network knows it. `tokens` are those of the input that the layer stands over.
    pub(super) fn spec(&self, tokens: Option<Tokens>) -> LayerSpec {
        // Where there are no tokens the network says so.
        let Tokens { count, padding } = tokens.unwrap_or(Tokens { count: 2, padding: true });
        match self {
            Self::Dense(Dense(of)) => LayerSpec::Dense(engine::Dense {
                units: of.units,
                activation: of.activation.spec(),
                bias: of.bias,
                ..engine::Dense::default()
            }),
            Self::Activation(activation) => LayerSpec::Activate(engine::Activate { activation: activation.spec() }),
            Self::Dropout(Dropout(of)) => LayerSpec::dropout(of.rate),
            Self::BatchNorm(of) => {
                LayerSpec::BatchNorm(engine::BatchNorm { momentum: of.momentum, epsilon: of.epsilon })
            }
            Self::LayerNorm(of) => LayerSpec::LayerNorm(engine::LayerNorm { epsilon: of.epsilon }),
            Self::Scale(of) => LayerSpec::Scale(engine::Scale { rate: of.rate as f32 }),
            Self::Embedding(of) => {
                let Embedding(EmbeddingOptions { size, token_dropout }) = *of;
                LayerSpec::Embedding(engine::Embedding { tokens: count, size, padding, token_dropout })
            }
            Self::EmbeddingBag(EmbeddingBag(of)) => LayerSpec::EmbeddingBag(engine::EmbeddingBag {
                tokens: count,
                size: of.size,
                pooling: match of.pooling {
                    Pooling::Mean => engine::Pooling::Mean,
                    Pooling::Sum => engine::Pooling::Sum,
                },
                token_dropout: of.token_dropout,
            }),
            Self::Position(of) => LayerSpec::Position(engine::Position { waves: of.waves }),
            Self::Flatten(_) => LayerSpec::Flatten(engine::Flatten {}),
            Self::Conv1d(Conv1d(of)) => LayerSpec::Conv1d(of.spec()),
            Self::Conv2d(Conv2d(of)) => LayerSpec::Conv2d(of.spec()),
            Self::MaxPool(Pool(of)) => LayerSpec::MaxPool(engine::MaxPool {
                window: of.window.0,
                stride: of.stride.map(|stride| stride.0),
                padding: of.padding.0,
            }),
            Self::AveragePool(Pool(of)) => LayerSpec::AveragePool(engine::AveragePool {
                window: of.window.0,
                stride: of.stride.map(|stride| stride.0),
                padding: of.padding.0,
            }),
            Self::GlobalMaxPool(_) => LayerSpec::GlobalMaxPool(engine::GlobalMaxPool {}),
            Self::GlobalAveragePool(_) => LayerSpec::GlobalAveragePool(engine::GlobalAveragePool {}),
            Self::Residual(Residual(of)) => LayerSpec::Residual(engine::Residual {
                layers: of.layers.iter().map(|layer| layer.value.spec(tokens)).collect(),
                activation: of.activation.spec(),
            }),
            Self::Lstm(Recurrent(of)) => LayerSpec::Lstm(of.lstm()),
            Self::Gru(Recurrent(of)) => LayerSpec::Gru(of.gru()),
            Self::Bidirectional(of) => LayerSpec::Bidirectional(engine::Bidirectional {
                layer: Box::new(match of {
                    Directions::Lstm(Recurrent(of)) => LayerSpec::Lstm(of.lstm()),
                    Directions::Gru(Recurrent(of)) => LayerSpec::Gru(of.gru()),
                }),
            }),
            Self::Attention(Attention(of)) => {
                LayerSpec::Attention(engine::Attention { heads: of.heads, causal: of.causal })
            }
        }
    }

    /// The layers inside of it that stand at places of their own.
    pub(super) fn inner(&self) -> &[Spanned<Layer>] {
        match self {
            Self::Residual(Residual(of)) => &of.layers,
            _ => &[],
        }
    }
}

/// Fully connected units: their number, or all options.
#[derive(Debug, Clone, PartialEq)]
pub struct Dense(DenseOptions);

impl Dense {
    /// Units with the usual activation.
    pub(super) fn of(units: usize) -> Self {
        Self(DenseOptions { units, activation: Activation::default(), bias: true })
    }
}

/// Vectors for tokens: their length, or all options.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedding(EmbeddingOptions);

impl Embedding {
    /// Vectors of that length.
    pub(super) fn of(size: usize) -> Self {
        Self(EmbeddingOptions { size, token_dropout: 0.0 })
    }
}

/// The mean of vectors of tokens: their length, or all options.
#[derive(Debug, Clone, PartialEq)]
pub struct EmbeddingBag(EmbeddingBagOptions);

impl EmbeddingBag {
    fn of(size: usize) -> Self {
        Self(EmbeddingBagOptions { size, pooling: Pooling::Mean, token_dropout: 0.0 })
    }
}

/// Filters over a sequence: their number, or all options.
#[derive(Debug, Clone, PartialEq)]
pub struct Conv1d(Conv1dOptions);

impl Conv1d {
    fn of(filters: usize) -> Self {
        Self(Conv1dOptions::of(filters))
    }
}

/// Filters over an image: their number, or all options.
#[derive(Debug, Clone, PartialEq)]
pub struct Conv2d(Conv2dOptions);

impl Conv2d {
    fn of(filters: usize) -> Self {
        Self(Conv2dOptions::of(filters))
    }
}

/// Units that read a sequence: their number, or all options.
#[derive(Debug, Clone, PartialEq)]
pub struct Recurrent(RecurrentOptions);

impl Recurrent {
    fn of(units: usize) -> Self {
        Self(RecurrentOptions { units, sequences: false, backward: false })
    }
}

/// Heads of attention: their number, or all options.
#[derive(Debug, Clone, PartialEq)]
pub struct Attention(AttentionOptions);

impl Attention {
    fn of(heads: usize) -> Self {
        Self(AttentionOptions { heads, causal: false })
    }
}

short_number! {
    Dense(DenseOptions { units }) = "a number of units, or `{units: 128, activation: relu}`";
    Embedding(EmbeddingOptions { size }) = "the length of a vector, or `{size: 64}`";
    EmbeddingBag(EmbeddingBagOptions { size }) = "the length of a vector, or `{size: 64, pooling: sum}`";
    Conv1d(Conv1dOptions { filters }) = "a number of filters, or `{filters: 64, kernel: 3}`";
    Conv2d(Conv2dOptions { filters }) = "a number of filters, or `{filters: 32, kernel: 3}`";
    Recurrent(RecurrentOptions { units }) = "a number of units, or `{units: 64, sequences: true}`";
    Attention(AttentionOptions { heads }) = "a number of heads, or `{heads: 4, causal: true}`";
}

/// Random silence: the share, or all options.
#[derive(Debug, Clone, PartialEq)]
pub struct Dropout(DropoutOptions);

impl Short for Dropout {
    type Options = DropoutOptions;
    const EXPECTED: &'static str = "a share from 0 to below 1";

    fn short_schema(_: &mut SchemaGenerator) -> serde_json::Value {
        json!({ "type": "number", "minimum": 0, "exclusiveMaximum": 1 })
    }

    fn of_number(number: f64) -> Option<Self> {
        Some(Self(DropoutOptions { rate: number }))
    }

    fn of_options(options: DropoutOptions) -> Self {
        Self(options)
    }

    fn options(&self) -> &DropoutOptions {
        &self.0
    }
}

/// Windows of an image or a sequence: their size, or all options.
#[derive(Debug, Clone, PartialEq)]
pub struct Pool(PoolOptions);

impl Short for Pool {
    type Options = PoolOptions;
    const EXPECTED: &'static str = "the size of a window, or `{window: 2, stride: 1}`";

    fn short_schema(generator: &mut SchemaGenerator) -> serde_json::Value {
        Size::json_schema(generator).to_value()
    }

    fn of_number(number: f64) -> Option<Self> {
        let size = whole(number)?;
        Some(Self(PoolOptions { window: Size([size; 2]), ..PoolOptions::default() }))
    }

    fn of_list<'de, A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        let window = Size::deserialize(serde::de::value::SeqAccessDeserializer::new(list))?;
        Ok(Self(PoolOptions { window, ..PoolOptions::default() }))
    }

    fn of_options(options: PoolOptions) -> Self {
        Self(options)
    }

    fn options(&self) -> &PoolOptions {
        &self.0
    }
}

/// Layers with a way around them: a list, or all options.
#[derive(Debug, Clone, PartialEq)]
pub struct Residual(ResidualOptions);

impl Short for Residual {
    type Options = ResidualOptions;
    const EXPECTED: &'static str = "a list of layers, or `{layers: [..], activation: relu}`";

    fn short_schema(generator: &mut SchemaGenerator) -> serde_json::Value {
        json!({ "type": "array", "items": generator.subschema_for::<Layer>() })
    }

    fn of_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        let mut layers = Vec::new();
        while let Some(layer) = list.next_element()? {
            layers.push(layer);
        }
        Ok(Self(ResidualOptions { layers, activation: Activation::default() }))
    }

    fn of_options(options: ResidualOptions) -> Self {
        Self(options)
    }

    fn options(&self) -> &ResidualOptions {
        &self.0
    }
}

short! { Dropout Pool Residual }

/// The name of an activation as the network knows it.
impl Activation {
    /// As the network knows it.
    pub(super) fn spec(self) -> nn::Activation {
        match self {
            Self::Relu => nn::Activation::Relu,
            Self::LeakyRelu => nn::Activation::LeakyRelu,
            Self::Gelu => nn::Activation::Gelu,
            Self::Elu => nn::Activation::Elu,
            Self::Selu => nn::Activation::Selu,
            Self::Silu => nn::Activation::Silu,
            Self::Mish => nn::Activation::Mish,
            Self::Tanh => nn::Activation::Tanh,
            Self::Sigmoid => nn::Activation::Sigmoid,
            Self::Softmax => nn::Activation::Softmax,
            Self::Linear => nn::Activation::Linear,
        }
    }
}
