//! Layers as they are written.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::nn;

/// A hidden layer.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// Fully connected units: `{dense: 128}`, or `{dense: {units: 128, activation: tanh}}`.
    Dense(Dense),
    /// Silences this share of the values at random while training, which keeps the network from learning rows by heart:
    /// `{dropout: 0.1}`.
    Dropout(Dropout),
}

impl Layer {
    /// As the network knows it.
    pub(super) fn spec(&self) -> nn::LayerSpec {
        match self {
            Self::Dense(Dense(dense)) => nn::LayerSpec::dense(dense.units, dense.activation.spec()),
            Self::Dropout(Dropout(dropout)) => nn::LayerSpec::dropout(dropout.rate),
        }
    }
}

/// Fully connected units: their number, or all options.
#[derive(Debug, Clone, PartialEq)]
pub struct Dense(DenseOptions);

impl Dense {
    /// Units with the usual activation.
    pub(super) fn of(units: usize) -> Self {
        Self(DenseOptions { units, activation: Activation::default() })
    }
}

/// Options of a dense layer.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DenseOptions {
    /// How many units; at least 1.
    units: usize,
    /// What each unit applies to its sum.
    #[serde(default)]
    activation: Activation,
}

/// Random silence: the share, or all options.
#[derive(Debug, Clone, PartialEq)]
pub struct Dropout(DropoutOptions);

/// Options of dropout.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DropoutOptions {
    /// The share of values that is silenced, from 0 to below 1.
    rate: f64,
}

/// What a unit applies to its sum.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// `max(x, 0)`.
    #[default]
    Relu,
    /// The hyperbolic tangent.
    Tanh,
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// `x` as it is.
    Linear,
}

impl Activation {
    fn spec(self) -> nn::Activation {
        match self {
            Self::Relu => nn::Activation::Relu,
            Self::Tanh => nn::Activation::Tanh,
            Self::Sigmoid => nn::Activation::Sigmoid,
            Self::Linear => nn::Activation::Linear,
        }
    }
}

/// A layer that can be written as one number or with all its options.
trait Short: Sized {
    type Options: serde::de::DeserializeOwned + Serialize + JsonSchema;
    const EXPECTED: &'static str;
    const NUMBER: &'static str;
    fn of_number(number: f64) -> Option<Self>;
    fn of_options(options: Self::Options) -> Self;
    fn options(&self) -> &Self::Options;
}

impl Short for Dense {
    type Options = DenseOptions;
    const EXPECTED: &'static str = "a number of units, or `{units: 128, activation: relu}`";
    const NUMBER: &'static str = "integer";

    fn of_number(number: f64) -> Option<Self> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number in range")]
        let units = (number.fract() == 0.0 && (0.0..=1e15).contains(&number)).then_some(number as usize);
        units.map(Self::of)
    }

    fn of_options(options: DenseOptions) -> Self {
        Self(options)
    }

    fn options(&self) -> &DenseOptions {
        &self.0
    }
}

impl Short for Dropout {
    type Options = DropoutOptions;
    const EXPECTED: &'static str = "a share from 0 to below 1";
    const NUMBER: &'static str = "number";

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

struct ShortVisitor<T>(PhantomData<T>);

impl<'de, T: Short> Visitor<'de> for ShortVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    #[expect(clippy::cast_precision_loss, reason = "sizes beyond 2^53 are refused anyway")]
    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        self.visit_f64(number as f64)
    }

    #[expect(clippy::cast_precision_loss, reason = "sizes beyond 2^53 are refused anyway")]
    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        self.visit_f64(number as f64)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<T, E> {
        T::of_number(number).ok_or_else(|| E::custom(format_args!("expected {}, found `{number}`", T::EXPECTED)))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::Options::deserialize(MapAccessDeserializer::new(map)).map(T::of_options)
    }
}

macro_rules! short {
    ($($layer:ident)*) => {$(
        impl<'de> Deserialize<'de> for $layer {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(ShortVisitor(PhantomData))
            }
        }

        impl Serialize for $layer {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.options().serialize(serializer)
            }
        }

        impl JsonSchema for $layer {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($layer).into()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                let options = generator.subschema_for::<<$layer as Short>::Options>();
                json_schema!({ "anyOf": [{ "type": <$layer as Short>::NUMBER }, options] })
            }
        }
    )*};
}

short! { Dense Dropout }
