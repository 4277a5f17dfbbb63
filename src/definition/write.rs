//! Data -> YAML text, for people to read and for the reader to read back.

use serde_json::{Map, Value as Json};

use super::canonical::FLOAT;
use super::scalar::{self, Scalar};

/// The widest line on which a list or mapping is written in brackets.
const WIDTH: usize = 100;
/// YAML reads longer keys only behind a `?`.
const LONGEST_KEY: usize = 1000;
/// Up to this column, mappings in lists are blocks: the stages of a pipeline.
const BLOCKS: usize = 2;

/// Writes data as YAML: blocks, and brackets for short lists and mappings of scalars.
///
/// It is the same text for the same data, and [`super::parse`] reads the same data back. `{"$float": ".inf"}` is the number `.inf`.
pub fn to_yaml(value: &Json) -> String {
    let mut written = String::new();
    match value {
        Json::Object(entries) if !entries.is_empty() && float(entries).is_none() => mapping(entries, 0, &mut written),
        Json::Array(items) if !items.is_empty() => sequence(items, 0, &mut written),
        other => {
            written.push_str(&inline(other));
            written.push('\n');
        }
    }
    written
}

/// Writes data as YAML on one line, in brackets.
pub fn to_yaml_line(value: &Json) -> String {
    inline(value)
}

/// The entries on a line each; the first line is indented already.
fn mapping(entries: &Map<String, Json>, indent: usize, written: &mut String) {
    for (number, (key, value)) in entries.iter().enumerate() {
        if number > 0 {
            pad(indent, written);
        }
        let key = text(key);
        if key.chars().count() > LONGEST_KEY {
            written.push_str("? ");
            written.push_str(&key);
            written.push('\n');
            pad(indent, written);
        } else {
            written.push_str(&key);
        }
        written.push(':');
        match value {
            Json::Array(items) if is_block(value, indent + key.len() + 2) || is_list_of_stages(items, indent) => {
                written.push('\n');
                pad(indent + 2, written);
                sequence(items, indent + 2, written);
            }
            Json::Object(entries) if is_block(value, indent + key.len() + 2) => {
                written.push('\n');
                pad(indent + 2, written);
                mapping(entries, indent + 2, written);
            }
            _ => {
                written.push(' ');
                written.push_str(&inline(value));
                written.push('\n');
            }
        }
    }
}

fn sequence(items: &[Json], indent: usize, written: &mut String) {
    for (number, item) in items.iter().enumerate() {
        if number > 0 {
            pad(indent, written);
        }
        written.push_str("- ");
        match item {
            Json::Array(items) if is_block(item, indent + 2) => sequence(items, indent + 2, written),
            Json::Object(entries)
                if is_block(item, indent + 2)
                    || !has_only_scalars(item)
                    || (indent <= BLOCKS && !entries.is_empty() && float(entries).is_none()) =>
            {
                mapping(entries, indent + 2, written);
            }
            _ => {
                written.push_str(&inline(item));
                written.push('\n');
            }
        }
    }
}

/// Mappings near the margin, which read better as blocks however short they are.
fn is_list_of_stages(items: &[Json], indent: usize) -> bool {
    indent < BLOCKS && items.iter().any(Json::is_object)
}

fn pad(indent: usize, written: &mut String) {
    written.extend(std::iter::repeat_n(' ', indent));
}

/// Whether a list or mapping is too deep or too wide for brackets at this column.
fn is_block(value: &Json, column: usize) -> bool {
    let is_empty = match value {
        Json::Array(items) => items.is_empty(),
        Json::Object(entries) => entries.is_empty() || float(entries).is_some(),
        _ => true,
    };
    !is_empty && (!is_shallow(value) || column + inline(value).chars().count() > WIDTH)
}

/// Whether it holds lists and mappings of scalars at most.
fn is_shallow(value: &Json) -> bool {
    match value {
        Json::Array(items) => items.iter().all(has_only_scalars),
        Json::Object(entries) => entries.values().all(has_only_scalars),
        _ => true,
    }
}

fn has_only_scalars(value: &Json) -> bool {
    let is_scalar = |value: &Json| match value {
        Json::Array(_) => false,
        Json::Object(entries) => float(entries).is_some(),
        _ => true,
    };
    match value {
        Json::Array(items) => items.iter().all(is_scalar),
        Json::Object(entries) => entries.values().all(is_scalar),
        _ => true,
    }
}

/// A value on one line.
fn inline(value: &Json) -> String {
    match value {
        Json::Null => "null".into(),
        Json::Bool(value) => value.to_string(),
        Json::Number(number) => number.to_string(),
        Json::String(value) => text(value),
        Json::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Json::Object(entries) => match float(entries) {
            Some(number) => number.into(),
            None => {
                let pairs = entries.iter().map(|(key, value)| format!("{}: {}", text(key), inline(value)));
                format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
            }
        },
    }
}

/// The spelling of a number that JSON does not have.
fn float(entries: &Map<String, Json>) -> Option<&str> {
    let spelling = entries.get(FLOAT).filter(|_| entries.len() == 1)?.as_str()?;
    [".inf", "-.inf", ".nan"].into_iter().find(|known| *known == spelling)
}

/// A text, in quotes unless it is plain beyond doubt.
fn text(value: &str) -> String {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '/' | '-');
    let is_plain = value.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | '/'))
        && value.ends_with(is_word)
        && value.chars().all(|c| is_word(c) || matches!(c, ' ' | '(' | ')' | '+' | '=' | '<' | '>' | '*'))
        // Inside of brackets, a `-` before a comma is a mark of its own.
        && !value.contains(" -")
        && !value.ends_with('-')
        && scalar::resolve(value) == Scalar::Text;
    if is_plain { value.into() } else { quoted(value) }
}

/// A text in double quotes; what does not print is escaped.
fn quoted(value: &str) -> String {
    let mut quoted = String::from("\"");
    for c in value.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            '\u{A0}' | '\u{2028}' | '\u{2029}' | '\u{FEFF}' | '\u{FFFE}' | '\u{FFFF}' => {
                quoted.push_str(&format!("\\u{:04X}", c as u32));
            }
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", c as u32)),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
