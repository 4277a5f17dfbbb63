//! Names with other names: `a`, `[a, b]` or `{old: new}`.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::definition::{Node, Spanned, Value};

/// Pairs of names. A bare name stands for itself on both sides.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Renames(pub Vec<(Spanned<String>, Spanned<String>)>);

impl<'de> Deserialize<'de> for Renames {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let node = Node::deserialize(deserializer)?;
        let text = |node: &Node| match &node.value {
            Value::Text(text) => Ok(Spanned::from(text)),
            _ => Err(D::Error::custom("expected a name, a list of names, or a mapping of names")),
        };
        let same = |name: Spanned<String>| (name.clone(), name);
        let pairs = match &node.value {
            Value::Sequence(items) => items.iter().map(|item| text(item).map(same)).collect::<Result<_, _>>()?,
            Value::Mapping(entries) => entries
                .iter()
                .map(|entry| Ok((Spanned::new(entry.key.clone(), entry.key_place.clone()), text(&entry.value)?)))
                .collect::<Result<_, D::Error>>()?,
            _ => vec![same(text(&node)?)],
        };
        Ok(Self(pairs))
    }
}

impl Serialize for Renames {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(old, new)| (&old.value, new)))
    }
}

impl JsonSchema for Renames {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Renames".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "string" },
                { "type": "array", "items": { "type": "string" } },
                { "type": "object", "additionalProperties": { "type": "string" } },
            ]
        })
    }
}
