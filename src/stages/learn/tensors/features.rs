//! The columns of the inputs as they are written: a list, or lists by what the columns become.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::definition::{OneOrMany, Spanned};

/// The columns of the inputs.
#[derive(Debug, Clone, PartialEq)]
pub enum Features {
    /// Their types decide what they become.
    ByType(Vec<Spanned<String>>),
    /// What each becomes is said.
    ByKind(ByKind),
}

/// Columns by what they become.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ByKind {
    /// Columns of numbers or booleans: each becomes one scaled input.
    #[serde(default)]
    pub number: OneOrMany<Spanned<String>>,
    /// Columns whose values are names of something: each becomes an input for each frequent value.
    #[serde(default)]
    pub category: OneOrMany<Spanned<String>>,
}

impl<'de> Deserialize<'de> for Features {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FeaturesVisitor)
    }
}

struct FeaturesVisitor;

impl<'de> Visitor<'de> for FeaturesVisitor {
    type Value = Features;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of columns, or `{number: [..], category: [..]}`")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Features, A::Error> {
        let mut names = Vec::new();
        while let Some(name) = items.next_element()? {
            names.push(name);
        }
        Ok(Features::ByType(names))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Features, A::Error> {
        ByKind::deserialize(MapAccessDeserializer::new(map)).map(Features::ByKind)
    }
}

impl Serialize for Features {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::ByType(names) => names.serialize(serializer),
            Self::ByKind(kinds) => kinds.serialize(serializer),
        }
    }
}

impl JsonSchema for Features {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Features".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let kinds = generator.subschema_for::<ByKind>();
        json_schema!({ "anyOf": [{ "type": "array", "items": { "type": "string" } }, kinds] })
    }
}
