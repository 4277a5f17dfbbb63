//! Parameters: what a pipeline leaves open, with its type and its default.

use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::node::{Node, Value};
use super::scalar::{self, Scalar};
use super::text::Text;
use super::yaml;
use crate::diagnostic::{Diagnostic, Findings, Place, Source, nearest};

/// A parameter with its value.
#[derive(Debug, Clone)]
pub struct Param {
    /// The value that the pipeline was filled with: what was given, or else the default.
    pub value: Node,
    /// The default, when there is one and nothing else was given.
    pub default: Option<Node>,
    /// What values it takes.
    pub kind: ParamType,
    /// The values that it may have; empty: any of its type.
    pub choices: Vec<Node>,
    /// What it is for.
    pub description: Option<String>,
    /// Whether it holds, or by default would hold, a value from the environment.
    pub secret: bool,
    /// Where its name stands.
    pub place: Place,
}

/// The type of a parameter. Where none is given, the default's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ParamType {
    /// A text.
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A day, written `2013-12-31`.
    Date,
    /// A list.
    List,
    /// A mapping.
    Mapping,
    /// Any value; the type of a default that is null.
    Any,
}

/// A parameter with more than a default.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Declaration {
    /// The value where none is given with `--set`. A parameter without default must be given.
    pub(super) default: Option<Node>,
    /// What values it takes; without it, those of the default's type.
    #[serde(rename = "type")]
    pub(super) kind: Option<ParamType>,
    /// The values that it may have.
    #[serde(default)]
    pub(super) choices: Vec<Node>,
    /// What it is for.
    pub(super) description: Option<String>,
}

/// The keys of a [`Declaration`]; a mapping with one of them is a declaration and not a default.
pub(super) const DECLARATION_KEYS: [&str; 4] = ["default", "type", "choices", "description"];

impl ParamType {
    /// The type of a value.
    pub(super) fn of(node: &Node) -> Self {
        match &node.value {
            Value::Null => ParamType::Any,
            Value::Boolean(_) => ParamType::Boolean,
            Value::Integer(_) => ParamType::Integer,
            Value::Float(_) => ParamType::Number,
            Value::Text(_) => ParamType::Text,
            Value::Sequence(_) => ParamType::List,
            Value::Mapping(_) => ParamType::Mapping,
        }
    }

    /// Whether a value is one of this type.
    pub(super) fn accepts(self, node: &Node) -> bool {
        match (self, &node.value) {
            (ParamType::Any, _)
            | (ParamType::Text, Value::Text(_))
            | (ParamType::Number, Value::Integer(_) | Value::Float(_)) => true,
            (ParamType::Date, Value::Text(text)) => is_date(text.value()),
            (kind, _) => kind == ParamType::of(node) && kind != ParamType::Text,
        }
    }

    /// Reads a value as it is given on the command line, where nothing is in quotes: a text stands for itself, lists, mappings and
    /// values of any type are YAML.
    pub(super) fn read(self, source: &Arc<Source>) -> Result<Node, Findings> {
        let written = source.text();
        let place = Place::new(source, 0..written.len());
        let value = match (self, scalar::resolve(written)) {
            (ParamType::Text | ParamType::Date, _) => Value::Text(Text::new(written, place.clone())),
            (ParamType::Integer | ParamType::Number, Scalar::Integer(value)) => Value::Integer(value),
            // A whole number is asked for; the check that follows says what is wrong with this one.
            (ParamType::Integer | ParamType::Number, Scalar::Float(value)) => Value::Float(value),
            (ParamType::Boolean, Scalar::Boolean(value)) => Value::Boolean(value),
            (ParamType::List | ParamType::Mapping | ParamType::Any, _) => return yaml::read(source),
            _ => Value::Text(Text::new(written, place.clone())),
        };
        Ok(Node::new(value, place))
    }
}

impl fmt::Display for ParamType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ParamType::Text => "a text",
            ParamType::Integer => "a whole number",
            ParamType::Number => "a number",
            ParamType::Boolean => "`true` or `false`",
            ParamType::Date => "a date like `2013-12-31`",
            ParamType::List => "a list",
            ParamType::Mapping => "a mapping",
            ParamType::Any => "any value",
        })
    }
}

/// Whether the parameter `name` may have this value.
pub(super) fn check(name: &str, kind: ParamType, choices: &[Node], value: &Node) -> Result<(), Diagnostic> {
    if !kind.accepts(value) {
        let message = format!("the parameter `{name}` is {kind}, found {}", value.describe());
        return Err(Diagnostic::definition(message).at(&value.place));
    }
    if choices.is_empty() || choices.contains(value) {
        return Ok(());
    }
    let names: Vec<String> = choices.iter().filter_map(Node::spelling).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let message = format!("the parameter `{name}` cannot be {}", value.describe());
    let found = Diagnostic::definition(message).at(&value.place);
    let found = found.help(format!("its choices are {}", super::decode::enumerate(&names)));
    Err(match value.as_text().and_then(|text| nearest(text.value(), names.iter().copied())) {
        Some(near) => found.label(format!("did you mean `{near}`?")),
        None => found,
    })
}

/// Whether a text is a day of the Gregorian calendar, written as ISO 8601 has it.
fn is_date(text: &str) -> bool {
    let digits = |part: &str, length| {
        (part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit())).then(|| part.parse().unwrap_or(0))
    };
    let mut parts = text.split('-');
    let (Some(year), Some(month), Some(day), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let (Some(year), Some(month), Some(day)) = (digits(year, 4), digits(month, 2), digits(day, 2)) else {
        return false;
    };
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days: u32 = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => 0,
    };
    (1..=days).contains(&day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_a_day_of_the_calendar() {
        for date in ["2013-01-31", "2024-02-29", "2000-02-29", "0001-12-01"] {
            assert!(is_date(date), "{date}");
        }
        for text in [
            "2013-02-29",
            "1900-02-29",
            "2013-13-01",
            "2013-00-10",
            "2013-04-31",
            "2013-4-3",
            "20130403",
            "",
            "a-b-c",
            "+013-01-01",
        ] {
            assert!(!is_date(text), "{text}");
        }
    }
}
