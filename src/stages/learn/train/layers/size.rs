//! Sizes in two directions, and what surrounds an image.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::short::whole;
use crate::nn::layers;

/// Height and width: one number for both, or `[height, width]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::stages::learn::train) struct Size(pub(super) [usize; 2]);

struct SizeVisitor;

impl<'de> Visitor<'de> for SizeVisitor {
    type Value = Size;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number, or `[height, width]`")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Size, E> {
        let number = usize::try_from(number).map_err(E::custom)?;
        Ok(Size([number; 2]))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Size, E> {
        let number = usize::try_from(number)
            .map_err(|_| E::custom(format_args!("a size is no number below 0, as {number} is")))?;
        Ok(Size([number; 2]))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Size, E> {
        let size =
            whole(number).ok_or_else(|| E::custom(format_args!("a size is a whole number, `{number}` is none")))?;
        Ok(Size([size; 2]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Size, A::Error> {
        let mut sizes = Vec::new();
        while let Some(size) = list.next_element::<usize>()? {
            sizes.push(size);
        }
        match *sizes.as_slice() {
            [height, width] => Ok(Size([height, width])),
            _ => Err(A::Error::custom(format_args!("expected `[height, width]`, found {} numbers", sizes.len()))),
        }
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SizeVisitor)
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl JsonSchema for Size {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let number = serde_json::json!({ "type": "integer", "minimum": 1 });
        json_schema!({ "anyOf": [number, { "type": "array", "items": number, "minItems": 2, "maxItems": 2 }] })
    }
}

/// What surrounds an image or a sequence: `valid` (nothing), `same` (as many zeros as keep the size), a number of zeros
/// on each side, or `[height, width]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::stages::learn::train) struct Padding(pub(super) layers::Padding);

impl Default for Padding {
    fn default() -> Self {
        Self(layers::Padding::Valid)
    }
}

struct PaddingVisitor;

impl<'de> Visitor<'de> for PaddingVisitor {
    type Value = Padding;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`valid`, `same`, a number of zeros, or `[height, width]`")
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Padding, E> {
        match word {
            "valid" => Ok(Padding(layers::Padding::Valid)),
            "same" => Ok(Padding(layers::Padding::Same)),
            other => Err(E::unknown_variant(other, &["valid", "same"])),
        }
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Padding, E> {
        SizeVisitor.visit_u64(number).map(|size| Padding(layers::Padding::Of(size.0)))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Padding, E> {
        SizeVisitor.visit_i64(number).map(|size| Padding(layers::Padding::Of(size.0)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Padding, A::Error> {
        SizeVisitor.visit_seq(list).map(|size| Padding(layers::Padding::Of(size.0)))
    }
}

impl<'de> Deserialize<'de> for Padding {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PaddingVisitor)
    }
}

impl Serialize for Padding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            layers::Padding::Valid => serializer.serialize_str("valid"),
            layers::Padding::Same => serializer.serialize_str("same"),
            layers::Padding::Of(size) => size.serialize(serializer),
        }
    }
}

impl JsonSchema for Padding {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Padding".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let number = serde_json::json!({ "type": "integer", "minimum": 0 });
        json_schema!({ "anyOf": [
            { "enum": ["valid", "same"] },
            number,
            { "type": "array", "items": number, "minItems": 2, "maxItems": 2 },
        ] })
    }
}
