//! Layers as they are written.

mod forms;
mod options;
pub(super) mod short;
mod size;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::definition::Spanned;
use crate::nn::{self, LayerSpec, layers as engine};
pub(super) use forms::Dense;
use forms::{Attention, Conv1d, Conv2d, Dropout, Embedding, EmbeddingBag, Pool, Recurrent, Residual};
pub use options::Activation;
use options::{BatchNorm, EmbeddingOptions, Empty, LayerNorm, Pooling, Position, Scale};

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
