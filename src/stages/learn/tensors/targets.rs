//! What is to be foretold, as it is written: a column, several, or columns by what is asked.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::definition::{Ordered, Spanned};
use crate::diagnostic::Diagnostic;
use crate::expression::{DataType, Field};
use crate::tensor::{TargetKind, TargetSpec};

/// The columns to be foretold.
#[derive(Debug, Clone, PartialEq)]
pub enum Written {
    /// One column; it stands at the place of the whole.
    One(String),
    /// Several.
    Names(Vec<Spanned<String>>),
    /// Columns with what is asked about each.
    Asked(Ordered<TargetChoice>),
}

/// What is asked about a target.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TargetChoice {
    /// The type decides.
    #[default]
    Auto,
    /// One of two values; of texts and whole numbers the second in order is the one that counts as yes.
    Binary,
    /// One of several values.
    Category,
    /// Any of several labels: a column of lists, or of texts with a `separator` between the labels.
    MultiLabel(MultiLabel),
    /// A number.
    Number,
    /// How often something happens: a whole number from 0.
    Count,
}

/// Options of `multi_label`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MultiLabel {
    /// What stands between the labels of a text; needed for texts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub separator: Option<String>,
}

/// The targets in order, each with what is asked about it.
pub(super) fn asked(written: &Spanned<Written>, kind: &TargetChoice) -> Vec<(Spanned<String>, TargetChoice)> {
    match &written.value {
        Written::One(name) => {
            let mut name = Spanned::nowhere(name.clone());
            name.place = written.place.clone();
            vec![(name, kind.clone())]
        }
        Written::Names(names) => names.iter().map(|name| (name.clone(), kind.clone())).collect(),
        Written::Asked(targets) => targets.iter().cloned().collect(),
    }
}

/// A target with its kind.
///
/// Errors: the column cannot be foretold so.
pub(super) fn target(field: &Field, choice: &TargetChoice, name: &Spanned<String>) -> Result<TargetSpec, Diagnostic> {
    let data_type = &field.data_type;
    let is_class = data_type.is_integer() || matches!(data_type, DataType::Boolean | DataType::String);
    let refuse = |message: String, help: &str| Err(Diagnostic::definition(message).at(&name.place).help(help));
    let mut separator = None;
    let kind = match (choice, data_type) {
        (TargetChoice::Auto, DataType::Boolean) => TargetKind::Binary,
        (TargetChoice::Auto, DataType::String) => TargetKind::Category,
        (TargetChoice::Auto, DataType::List(item) | DataType::Array(item, _)) if **item == DataType::String => {
            TargetKind::MultiLabel
        }
        (TargetChoice::Auto | TargetChoice::Number, kind) if kind.is_numeric() => TargetKind::Number,
        (TargetChoice::Count, kind) if kind.is_numeric() => TargetKind::Count,
        (TargetChoice::Binary, _) if is_class => TargetKind::Binary,
        (TargetChoice::Category, _) if is_class => TargetKind::Category,
        (TargetChoice::MultiLabel(options), DataType::List(item) | DataType::Array(item, _)) if !item.is_nested() => {
            if options.separator.is_some() {
                let message = format!("column `{}` holds lists, which have no `separator`", field.name);
                return refuse(message, "leave it out");
            }
            TargetKind::MultiLabel
        }
        (TargetChoice::MultiLabel(options), DataType::String) => {
            separator = options.separator.clone().filter(|separator| !separator.is_empty());
            if separator.is_none() {
                let message = format!("what stands between the labels of `{}`?", field.name);
                return refuse(message, "say `{multi_label: {separator: \";\"}}`");
            }
            TargetKind::MultiLabel
        }
        (choice, _) => {
            let asked = match choice {
                TargetChoice::Auto => "be foretold",
                TargetChoice::Binary => "be a binary target",
                TargetChoice::Category => "be a category target",
                TargetChoice::MultiLabel(_) => "be a target of labels",
                TargetChoice::Number => "be foretold as a number",
                TargetChoice::Count => "be foretold as a count",
            };
            let message = format!("column `{}` holds {data_type}, which cannot {asked}", field.name);
            return refuse(message, "derive a column of another type from it");
        }
    };
    Ok(TargetSpec { column: field.name.clone(), kind, separator })
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WrittenVisitor)
    }
}

struct WrittenVisitor;

impl<'de> Visitor<'de> for WrittenVisitor {
    type Value = Written;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a column, a list of columns, or columns with what is asked about each")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Written, E> {
        Ok(Written::One(name.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Written, A::Error> {
        let mut names = Vec::new();
        while let Some(name) = items.next_element()? {
            names.push(name);
        }
        Ok(Written::Names(names))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Written, A::Error> {
        Ordered::deserialize(MapAccessDeserializer::new(map)).map(Written::Asked)
    }
}

impl Serialize for Written {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::One(name) => name.serialize(serializer),
            Self::Names(names) => names.serialize(serializer),
            Self::Asked(targets) => targets.serialize(serializer),
        }
    }
}

impl JsonSchema for Written {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Targets".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let choice = generator.subschema_for::<TargetChoice>();
        json_schema!({ "anyOf": [
            { "type": "string" },
            { "type": "array", "items": { "type": "string" } },
            { "type": "object", "additionalProperties": choice },
        ] })
    }
}
