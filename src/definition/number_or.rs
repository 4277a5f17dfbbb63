//! A number, or a word for one that is found.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, IntoDeserializer, MapAccess, Unexpected, Visitor};
use serde::ser::{Serialize, Serializer};

/// A number, or a word that says how one is found: `threshold: 0.5`, `threshold: youden`, `threshold: {cost: ..}`. It is
/// serialised as it is written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NumberOr<W> {
    /// This number.
    Number(f64),
    /// What the word stands for.
    Word(W),
}

/// The words that may stand in the place of a number: an enum, whose variants are names or mappings with one key.
pub trait Word {
    /// What is expected, numbers included, as an error says it: "a probability, or `chosen`".
    const EXPECTED: &'static str;
}

impl<'de, W: Word + Deserialize<'de>> Deserialize<'de> for NumberOr<W> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberOrVisitor(PhantomData))
    }
}

impl<W: Serialize> Serialize for NumberOr<W> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(number) => number.serialize(serializer),
            Self::Word(word) => word.serialize(serializer),
        }
    }
}

impl<W: JsonSchema> JsonSchema for NumberOr<W> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("NumberOr_{}", W::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let word = generator.subschema_for::<W>();
        json_schema!({ "anyOf": [{ "type": "number" }, word] })
    }
}

struct NumberOrVisitor<W>(PhantomData<W>);

impl<'de, W: Word + Deserialize<'de>> Visitor<'de> for NumberOrVisitor<W> {
    type Value = NumberOr<W>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(W::EXPECTED)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        Ok(NumberOr::Number(number))
    }

    #[expect(clippy::cast_precision_loss, reason = "a whole number stands for the nearest float, as everywhere")]
    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(NumberOr::Number(number as f64))
    }

    #[expect(clippy::cast_precision_loss, reason = "a whole number stands for the nearest float, as everywhere")]
    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(NumberOr::Number(number as f64))
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Self::Value, E> {
        // The names alone would not say that a number is meant in the first place.
        let read: Result<W, E> = W::deserialize(word.into_deserializer());
        read.map(NumberOr::Word).map_err(|_| E::invalid_value(Unexpected::Str(word), &self))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let word = W::deserialize(MapAccessDeserializer::new(&mut map))?;
        match map.next_key::<String>()? {
            None => Ok(NumberOr::Word(word)),
            Some(key) => Err(A::Error::custom(format_args!("expected one key, found `{key}` too"))),
        }
    }
}
