//! The short forms of layers: a number or a list in the place of all options.

use schemars::{JsonSchema, SchemaGenerator};
use serde::Deserialize;
use serde::de::SeqAccess;
use serde_json::json;

use super::Layer;
use super::options::{
    Activation, AttentionOptions, Conv1dOptions, Conv2dOptions, DenseOptions, DropoutOptions, EmbeddingBagOptions,
    EmbeddingOptions, PoolOptions, Pooling, RecurrentOptions, ResidualOptions,
};
use super::short::{Short, short, short_number, whole};
use super::size::Size;

/// Fully connected units: their number, or all options.
#[derive(Debug, Clone, PartialEq)]
pub struct Dense(pub(super) DenseOptions);

impl Dense {
    /// Units with the usual activation.
    pub(in crate::stages::learn::train) fn of(units: usize) -> Self {
        Self(DenseOptions { units, activation: Activation::default(), bias: true })
    }
}

/// Vectors for tokens: their length, or all options.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedding(pub(super) EmbeddingOptions);

impl Embedding {
    /// Vectors of that length.
    pub(in crate::stages::learn::train) fn of(size: usize) -> Self {
        Self(EmbeddingOptions { size, token_dropout: 0.0 })
    }
}

/// The mean of vectors of tokens: their length, or all options.
#[derive(Debug, Clone, PartialEq)]
pub struct EmbeddingBag(pub(super) EmbeddingBagOptions);

impl EmbeddingBag {
    fn of(size: usize) -> Self {
        Self(EmbeddingBagOptions { size, pooling: Pooling::Mean, token_dropout: 0.0 })
    }
}

/// Filters over a sequence: their number, or all options.
#[derive(Debug, Clone, PartialEq)]
pub struct Conv1d(pub(super) Conv1dOptions);

impl Conv1d {
    fn of(filters: usize) -> Self {
        Self(Conv1dOptions::of(filters))
    }
}

/// Filters over an image: their number, or all options.
#[derive(Debug, Clone, PartialEq)]
pub struct Conv2d(pub(super) Conv2dOptions);

impl Conv2d {
    fn of(filters: usize) -> Self {
        Self(Conv2dOptions::of(filters))
    }
}

/// Units that read a sequence: their number, or all options.
#[derive(Debug, Clone, PartialEq)]
pub struct Recurrent(pub(super) RecurrentOptions);

impl Recurrent {
    fn of(units: usize) -> Self {
        Self(RecurrentOptions { units, sequences: false, backward: false })
    }
}

/// Heads of attention: their number, or all options.
#[derive(Debug, Clone, PartialEq)]
pub struct Attention(pub(super) AttentionOptions);

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
pub struct Dropout(pub(super) DropoutOptions);

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
pub struct Pool(pub(super) PoolOptions);

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
pub struct Residual(pub(super) ResidualOptions);

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
