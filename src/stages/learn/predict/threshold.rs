//! The option `threshold`: a probability, or the one that was chosen when the model was evaluated.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// From which probability on yes is predicted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Threshold {
    /// From this one on.
    At(f64),
    /// From the one on that was chosen when the model was evaluated.
    Chosen,
}

const CHOSEN: &str = "chosen";

impl<'de> Deserialize<'de> for Threshold {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Either)
    }
}

struct Either;

impl Visitor<'_> for Either {
    type Value = Threshold;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a probability, or `chosen`")
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Threshold, E> {
        Ok(Threshold::At(value))
    }

    #[expect(clippy::cast_precision_loss, reason = "what is no probability is refused anyway")]
    fn visit_i64<E: Error>(self, value: i64) -> Result<Threshold, E> {
        Ok(Threshold::At(value as f64))
    }

    #[expect(clippy::cast_precision_loss, reason = "what is no probability is refused anyway")]
    fn visit_u64<E: Error>(self, value: u64) -> Result<Threshold, E> {
        Ok(Threshold::At(value as f64))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Threshold, E> {
        if value == CHOSEN { Ok(Threshold::Chosen) } else { Err(E::invalid_value(Unexpected::Str(value), &self)) }
    }
}

impl Serialize for Threshold {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::At(value) => value.serialize(serializer),
            Self::Chosen => CHOSEN.serialize(serializer),
        }
    }
}

impl JsonSchema for Threshold {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ChosenThreshold".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "type": "number" }, { "const": CHOSEN }] })
    }
}
