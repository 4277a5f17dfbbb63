//! What stands in a pipeline file: values that know their place.

use std::fmt;

use super::text::Text;
use crate::diagnostic::Place;

/// A value and where it stands.
///
/// Two nodes are equal when they mean the same, wherever they stand.
#[derive(Clone)]
pub struct Node {
    /// What stands there.
    pub value: Value,
    /// Where it stands.
    pub place: Place,
}

/// What a [`Node`] holds: the types of YAML's core schema.
#[derive(Clone, PartialEq)]
pub enum Value {
    /// `null`, `~` or nothing at all.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A number with a point or an exponent, `.inf` or `.nan`.
    Float(f64),
    /// Everything else that is neither a list nor a mapping.
    Text(Text),
    /// A list.
    Sequence(Vec<Node>),
    /// A mapping, in the order of the file. Keys are unique.
    Mapping(Vec<Entry>),
}

/// A key of a mapping and its value.
#[derive(Clone)]
pub struct Entry {
    /// The key as it is spelt; a number or a boolean as a key is its spelling.
    pub key: String,
    /// Where the key stands.
    pub key_place: Place,
    /// What stands under the key.
    pub value: Node,
}

impl Node {
    /// A value at a place.
    pub fn new(value: Value, place: Place) -> Self {
        Self { value, place }
    }

    /// The value of `key` when this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.value {
            Value::Mapping(entries) => entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value),
            _ => None,
        }
    }

    /// The text when this is one.
    pub fn as_text(&self) -> Option<&Text> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// What stands here, in the words of a message: ``the text `abc` ``. Long texts are shortened, secrets are not shown.
    pub fn describe(&self) -> String {
        match &self.value {
            Value::Null => "nothing".into(),
            Value::Boolean(value) => format!("`{value}`"),
            Value::Integer(value) => format!("the whole number `{value}`"),
            Value::Float(_) => format!("the number `{}`", self.spelling().unwrap_or_default()),
            Value::Text(text) if text.is_secret() => "a secret text".into(),
            Value::Text(text) => format!("the text `{}`", shorten(text.value())),
            Value::Sequence(_) => "a list".into(),
            Value::Mapping(_) => "a mapping".into(),
        }
    }

    /// How a scalar is spelt inside a longer text; `None` for null, lists and mappings.
    pub fn spelling(&self) -> Option<String> {
        match &self.value {
            Value::Boolean(value) => Some(value.to_string()),
            Value::Integer(value) => Some(value.to_string()),
            Value::Float(value) if value.is_nan() => Some(".nan".into()),
            Value::Float(value) if value.is_infinite() => Some(if *value > 0.0 { ".inf" } else { "-.inf" }.into()),
            Value::Float(value) => Some(format!("{value:?}")),
            Value::Text(text) => Some(text.value().into()),
            Value::Null | Value::Sequence(_) | Value::Mapping(_) => None,
        }
    }

    /// How many nodes this one and everything under it are; a key counts as a part of its value.
    pub fn size(&self) -> usize {
        1 + match &self.value {
            Value::Sequence(items) => items.iter().map(Node::size).sum(),
            Value::Mapping(entries) => entries.iter().map(|entry| entry.value.size()).sum(),
            _ => 0,
        }
    }

    /// How deep it is nested: 1 for an empty list or mapping, 0 for a scalar.
    pub fn depth(&self) -> usize {
        match &self.value {
            Value::Sequence(items) => 1 + items.iter().map(Node::depth).max().unwrap_or(0),
            Value::Mapping(entries) => 1 + entries.iter().map(|entry| entry.value.depth()).max().unwrap_or(0),
            _ => 0,
        }
    }
}

/// At most 40 characters of `text`, on one line.
pub(super) fn shorten(text: &str) -> String {
    const LONGEST: usize = 40;
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST + 1).collect();
    if line.chars().count() > LONGEST { line.chars().take(LONGEST - 1).chain(['…']).collect() } else { line }
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key && self.value == other.value
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => f.write_str("null"),
            Value::Boolean(value) => value.fmt(f),
            Value::Integer(value) => value.fmt(f),
            Value::Float(value) => value.fmt(f),
            Value::Text(text) => text.fmt(f),
            Value::Sequence(items) => items.fmt(f),
            Value::Mapping(entries) => f.debug_map().entries(entries.iter().map(|e| (&e.key, &e.value))).finish(),
        }
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {:?}", self.key, self.value)
    }
}
