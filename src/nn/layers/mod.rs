//! Layers: what each computes, and how its gradient flows back.
//!
//! A layer is described by a plain struct, such as [`Dense`], and built for the shape of the rows that reach it. What
//! is built, a [`Layer`], holds sizes and options only: parameters, gradients and intermediate results belong to the
//! caller and are passed in, so one layer serves any number of threads at once. Back-propagation (Rumelhart, Hinton &
//! Williams 1986, *Learning representations by back-propagating errors*) is the chain rule from the last layer to the
//! first: a layer gets the gradient of the loss by its output and gives the gradients by its parameters and its input.
//!
//! A new kind of layer is a file here, a variant of [`LayerSpec`] and a line in its `describe`.

mod activation;
mod attention;
mod average_pool;
mod batch_norm;
mod bidirectional;
mod combine;
mod conv1d;
mod conv2d;
mod conv_pool;
mod convolution;
mod dense;
mod direct;
mod dropout;
mod embedding;
mod embedding_bag;
mod flatten;
mod fused;
mod global_pool;
mod gru;
mod layer_norm;
mod lstm;
mod max_pool;
mod norm_pool;
#[cfg(test)]
pub(crate) mod numeric_gradient;
mod pass;
mod position;
mod reading;
mod recurrent;
mod residual;
mod scale;
mod token_dropout;
mod window;

pub use activation::{Activate, Activation};
pub use attention::Attention;
pub use average_pool::AveragePool;
pub use batch_norm::BatchNorm;
pub use bidirectional::Bidirectional;
pub use combine::{Add, Concatenate, Multiply};
pub use conv1d::Conv1d;
pub use conv2d::Conv2d;
pub use dense::Dense;
pub use dropout::Dropout;
pub use embedding::Embedding;
pub use embedding_bag::{EmbeddingBag, Pooling};
pub use flatten::Flatten;
pub(crate) use fused::{FUSED, fused};
pub use global_pool::{GlobalAveragePool, GlobalMaxPool};
pub use gru::Gru;
pub use layer_norm::LayerNorm;
pub use lstm::Lstm;
pub use max_pool::MaxPool;
pub use pass::{Backward, Forward, GatherBack, Layer, Parameter, Synchronized, Table};
pub use position::Position;
pub(crate) use position::wave;
pub use residual::Residual;
pub use scale::Scale;
pub use window::{Padding, Pair};

use super::shape::Shape;
use serde::{Deserialize, Serialize};

/// What a description can be asked.
pub(crate) trait Describe {
    /// The layer for rows of these shapes, one for each input.
    ///
    /// Errors: the reason in words, where an option is out of range or the layer cannot read such rows.
    fn build(&self, inputs: &[&Shape]) -> Result<Box<dyn Layer>, String>;
}

/// A layer as it is described. Shapes follow from what it reads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "each variant is named as its description, which is documented")]
pub enum LayerSpec {
    Dense(Dense),
    Activate(Activate),
    Dropout(Dropout),
    BatchNorm(BatchNorm),
    LayerNorm(LayerNorm),
    Scale(Scale),
    Embedding(Embedding),
    EmbeddingBag(EmbeddingBag),
    Position(Position),
    Flatten(Flatten),
    Conv1d(Conv1d),
    Conv2d(Conv2d),
    MaxPool(MaxPool),
    AveragePool(AveragePool),
    GlobalMaxPool(GlobalMaxPool),
    GlobalAveragePool(GlobalAveragePool),
    Add(Add),
    Multiply(Multiply),
    Concatenate(Concatenate),
    Lstm(Lstm),
    Gru(Gru),
    Attention(Attention),
    Residual(Residual),
    Bidirectional(Bidirectional),
}

impl LayerSpec {
    /// Fully connected units with an activation and all else at its default.
    pub fn dense(units: usize, activation: Activation) -> Self {
        Self::Dense(Dense { units, activation, ..Dense::default() })
    }

    /// Silence for a share of the values while training.
    pub fn dropout(rate: f64) -> Self {
        Self::Dropout(Dropout { rate })
    }

    /// The name of the kind, as it is written.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Dense(_) => "dense",
            Self::Activate(_) => "activate",
            Self::Dropout(_) => "dropout",
            Self::BatchNorm(_) => "batch_norm",
            Self::LayerNorm(_) => "layer_norm",
            Self::Scale(_) => "scale",
            Self::Embedding(_) => "embedding",
            Self::EmbeddingBag(_) => "embedding_bag",
            Self::Position(_) => "position",
            Self::Flatten(_) => "flatten",
            Self::Conv1d(_) => "conv1d",
            Self::Conv2d(_) => "conv2d",
            Self::MaxPool(_) => "max_pool",
            Self::AveragePool(_) => "average_pool",
            Self::GlobalMaxPool(_) => "global_max_pool",
            Self::GlobalAveragePool(_) => "global_average_pool",
            Self::Add(_) => "add",
            Self::Multiply(_) => "multiply",
            Self::Concatenate(_) => "concatenate",
            Self::Lstm(_) => "lstm",
            Self::Gru(_) => "gru",
            Self::Attention(_) => "attention",
            Self::Residual(_) => "residual",
            Self::Bidirectional(_) => "bidirectional",
        }
    }

    /// Whether it reads tokens rather than numbers.
    pub(crate) fn reads_tokens(&self) -> Option<usize> {
        match self {
            Self::Embedding(embedding) => Some(embedding.tokens),
            Self::EmbeddingBag(bag) => Some(bag.tokens),
            _ => None,
        }
    }

    /// Whether it joins two or more inputs.
    pub(crate) fn joins(&self) -> bool {
        matches!(self, Self::Add(_) | Self::Multiply(_) | Self::Concatenate(_))
    }

    /// The description as what it can be asked; `None` for a layer that is made of several others.
    pub(crate) fn describe(&self) -> Option<&dyn Describe> {
        Some(match self {
            Self::Dense(layer) => layer,
            Self::Activate(layer) => layer,
            Self::Dropout(layer) => layer,
            Self::BatchNorm(layer) => layer,
            Self::LayerNorm(layer) => layer,
            Self::Scale(layer) => layer,
            Self::Embedding(layer) => layer,
            Self::EmbeddingBag(layer) => layer,
            Self::Position(layer) => layer,
            Self::Flatten(layer) => layer,
            Self::Conv1d(layer) => layer,
            Self::Conv2d(layer) => layer,
            Self::MaxPool(layer) => layer,
            Self::AveragePool(layer) => layer,
            Self::GlobalMaxPool(layer) => layer,
            Self::GlobalAveragePool(layer) => layer,
            Self::Add(layer) => layer,
            Self::Multiply(layer) => layer,
            Self::Concatenate(layer) => layer,
            Self::Lstm(layer) => layer,
            Self::Gru(layer) => layer,
            Self::Attention(layer) => layer,
            Self::Residual(_) | Self::Bidirectional(_) => return None,
        })
    }
}
