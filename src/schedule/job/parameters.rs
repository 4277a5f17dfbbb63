//! The parameters of a run: what stands in the job file, with the time, the partition and the run put in.
//!
//! They are kept with the run and shown, so a reference to a secret is refused here: the pipeline asks the environment itself.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use super::partitions::{Partition, Partitions};
use super::template::{Piece, pieces};
use crate::definition::{Node, Value as NodeValue};
use crate::diagnostic::{Diagnostic, Findings, nearest};

/// What the references of a run's parameters stand for.
#[derive(Debug, Clone)]
pub struct Occasion<'a> {
    /// When the run was due; for one that a person, a program or a backfill asked for, when it was asked for.
    pub scheduled: Timestamp,
    /// The zone in which `${schedule.date}` is a date: [`Definition::zone`](super::Definition::zone).
    pub zone: TimeZone,
    /// What the run is for, where the job has partitions.
    pub partition: Option<&'a Partition>,
    /// The run.
    pub run: &'a str,
}

/// The references that there are.
const REFERENCES: [&str; 7] =
    ["schedule.time", "schedule.date", "partition.key", "partition.start", "partition.end", "partition.path", "run.id"];

/// How one `${` itself is written.
const ESCAPE: &str = "write `$${` for `${` itself";

/// The parameters of a run: `written` (those of the job file, and what a person changed in them) with every reference replaced.
///
/// A number, a boolean, a list stay what they are; references stand within texts only, also within those of lists and mappings.
///
/// Errors: one line for people. A reference that does not exist, is not closed, or has no value on this occasion.
pub fn fill(written: &Map<String, Value>, occasion: &Occasion<'_>) -> Result<Map<String, Value>, String> {
    let filled = written.iter().map(|(name, value)| {
        let value = fill_value(value, occasion).map_err(|trouble| format!("the parameter `{name}`: {trouble}"))?;
        Ok((name.clone(), value))
    });
    filled.collect()
}

fn fill_value(value: &Value, occasion: &Occasion<'_>) -> Result<Value, String> {
    Ok(match value {
        Value::String(text) => Value::String(fill_text(text, occasion)?),
        Value::Array(items) => items.iter().map(|item| fill_value(item, occasion)).collect::<Result<_, _>>()?,
        Value::Object(entries) => {
            let entries = entries.iter().map(|(key, value)| Ok((key.clone(), fill_value(value, occasion)?)));
            Value::Object(entries.collect::<Result<_, String>>()?)
        }
        other => other.clone(),
    })
}

fn fill_text(text: &str, occasion: &Occasion<'_>) -> Result<String, String> {
    let mut filled = String::with_capacity(text.len());
    for piece in pieces(text).map_err(|_| format!("`${{` is not closed; {ESCAPE}"))? {
        match piece {
            Piece::Literal(literal) => filled.push_str(literal),
            Piece::Escape => filled.push_str("${"),
            Piece::Reference(name, _) => {
                filled
                    .push_str(&occasion.value(name).ok_or_else(|| format!("`${{{name}}}` has no value for this run"))?);
            }
        }
    }
    Ok(filled)
}

impl Occasion<'_> {
    /// What a reference stands for.
    fn value(&self, name: &str) -> Option<String> {
        let date = |date: Option<jiff::civil::Date>| date.map(|date| date.to_string());
        match name {
            "schedule.time" => Some(whole_seconds(self.scheduled)),
            "schedule.date" => Some(self.zone.to_datetime(self.scheduled).date().to_string()),
            "run.id" => Some(self.run.to_owned()),
            "partition.key" => self.partition.map(|partition| partition.key.clone()),
            "partition.start" => self.partition.and_then(|partition| date(partition.start)),
            "partition.end" => self.partition.and_then(|partition| date(partition.end)),
            "partition.path" => {
                self.partition.filter(|partition| partition.start.is_none()).map(|partition| partition.key.clone())
            }
            _ => None,
        }
    }
}

/// A moment in UTC without fractions of a second: `2026-11-28T01:00:00Z`.
fn whole_seconds(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Refuses what a person or a program may not give as parameters of a run of this job: names that are none, references that do
/// not exist or have no value for its runs, and references to secrets.
///
/// Errors: one line for people.
pub fn check(given: &Map<String, Value>, partitions: Option<&Partitions>) -> Result<(), String> {
    for (name, value) in given {
        if !is_name(name) {
            return Err(format!("`{name}` cannot name a parameter; {NAMES}"));
        }
        check_value(value, partitions).map_err(|wrong| format!("the parameter `{name}`: {}", wrong.line()))?;
    }
    Ok(())
}

fn check_value(value: &Value, partitions: Option<&Partitions>) -> Result<(), Wrong> {
    match value {
        Value::String(text) => {
            wrong_in(text, Some(partitions)).into_iter().next().map_or(Ok(()), |(wrong, _)| Err(wrong))
        }
        Value::Array(items) => items.iter().try_for_each(|item| check_value(item, partitions)),
        Value::Object(entries) => entries.values().try_for_each(|value| check_value(value, partitions)),
        _ => Ok(()),
    }
}

const NAMES: &str = "a name has letters, digits, `_` and `-`, and starts with a letter or `_`";

/// Whether a text can name a parameter of a pipeline.
fn is_name(text: &str) -> bool {
    let first = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    let other = |byte: u8| first(byte) || byte.is_ascii_digit() || byte == b'-';
    text.bytes().next().is_some_and(first) && text.bytes().all(other)
}

/// What is wrong with the `parameters` of a job file, each at its place. `partitions`: `None` where they could not be read, so
/// that nothing is said about references to them.
pub(super) fn findings(node: &Node, partitions: Option<Option<&Partitions>>) -> Findings {
    let mut findings = Findings::new();
    let NodeValue::Mapping(entries) = &node.value else { return findings };
    for entry in entries {
        if !is_name(&entry.key) {
            let found = Diagnostic::definition(format!("`{}` cannot name a parameter", entry.key));
            findings.push(found.at(&entry.key_place).help(NAMES));
        }
        look_at(&entry.value, partitions, &mut findings);
    }
    findings
}

fn look_at(node: &Node, partitions: Option<Option<&Partitions>>, findings: &mut Findings) {
    match &node.value {
        NodeValue::Text(text) => {
            for (wrong, range) in wrong_in(text.value(), partitions) {
                findings.push(wrong.diagnostic().at(&text.within(range)));
            }
        }
        NodeValue::Float(value) if !value.is_finite() => {
            let found = Diagnostic::definition("a parameter is a number that can be kept, not infinite and not `.nan`");
            findings.push(found.at(&node.place));
        }
        NodeValue::Sequence(items) => items.iter().for_each(|item| look_at(item, partitions, findings)),
        NodeValue::Mapping(entries) => entries.iter().for_each(|entry| look_at(&entry.value, partitions, findings)),
        _ => {}
    }
}

/// A reference that is refused.
#[derive(Debug, Default)]
struct Wrong {
    message: String,
    label: Option<String>,
    help: Option<String>,
}

impl Wrong {
    fn diagnostic(self) -> Diagnostic {
        Diagnostic { label: self.label, help: self.help, ..Diagnostic::definition(self.message) }
    }

    fn line(self) -> String {
        let parts = [Some(self.message), self.label, self.help];
        parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
    }
}

/// So many of the references of one text are told.
const MOST_IN_TEXT: usize = 8;

/// The references of a text that are refused, and where they are in it.
fn wrong_in(text: &str, partitions: Option<Option<&Partitions>>) -> Vec<(Wrong, std::ops::Range<usize>)> {
    let found = match pieces(text) {
        Ok(pieces) => pieces,
        Err(range) => {
            let message = "`${` is not closed".to_owned();
            return vec![(
                Wrong { message, label: Some("`}` is missing".to_owned()), help: Some(ESCAPE.to_owned()) },
                range,
            )];
        }
    };
    let references = found.into_iter().filter_map(|piece| match piece {
        Piece::Reference(name, range) => Some((name, range)),
        _ => None,
    });
    references.filter_map(|(name, range)| Some((wrong(name, partitions)?, range))).take(MOST_IN_TEXT).collect()
}

fn wrong(name: &str, partitions: Option<Option<&Partitions>>) -> Option<Wrong> {
    if name.trim_start().to_ascii_lowercase().starts_with("env:") {
        return Some(Wrong {
            message: format!("`${{{name}}}` is a secret, which a job file cannot hold"),
            label: Some("parameters are kept with each run and shown".to_owned()),
            help: Some(format!("put it into the pipeline instead, such as `params: {{token: \"${{{name}}}\"}}`")),
        });
    }
    if !REFERENCES.contains(&name) {
        let near = nearest(name, REFERENCES).map(|near| format!("did you mean `${{{near}}}`?"));
        let all: Vec<String> = REFERENCES.iter().map(|name| format!("`${{{name}}}`")).collect();
        let help = format!("there are {}; {ESCAPE}", all.join(", "));
        return Some(Wrong { message: format!("unknown reference `${{{name}}}`"), label: near, help: Some(help) });
    }
    let message = format!("`${{{name}}}` has no value here");
    match (name, partitions?) {
        ("partition.key" | "partition.start" | "partition.end" | "partition.path", None) => {
            let help = Some("say what it is run for, such as `partitions: {days: {from: 2026-01-01}}`".to_owned());
            Some(Wrong { message, label: Some("the job has no partitions".to_owned()), help })
        }
        ("partition.path", Some(Partitions::Spans(span))) => {
            let label = Some(format!("a partition of this job is a {}", span.unit.word()));
            let help = "there are `${partition.key}`, `${partition.start}` and `${partition.end}`".to_owned();
            Some(Wrong { message, label, help: Some(help) })
        }
        ("partition.start" | "partition.end", Some(Partitions::Files(_))) => {
            let label = Some("a partition of this job is a file".to_owned());
            Some(Wrong {
                message,
                label,
                help: Some("there are `${partition.key}` and `${partition.path}`".to_owned()),
            })
        }
        _ => None,
    }
}

/// The parameters as `gristmill run --set NAME=VALUE` takes them: a text stands for itself, all else is written as JSON.
pub fn settings(filled: &Map<String, Value>) -> Vec<(String, String)> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    filled.iter().map(|(name, value)| (name.clone(), text(value))).collect()
}

/// A node as it was written, as JSON; a number that JSON does not have is null.
pub(super) fn json(node: &Node) -> Value {
    match &node.value {
        NodeValue::Null => Value::Null,
        NodeValue::Boolean(value) => Value::Bool(*value),
        NodeValue::Integer(value) => Value::from(*value),
        NodeValue::Float(value) => Value::from(*value),
        NodeValue::Text(text) => Value::String(text.value().to_owned()),
        NodeValue::Sequence(items) => items.iter().map(json).collect(),
        NodeValue::Mapping(entries) => entries.iter().map(|entry| (entry.key.clone(), json(&entry.value))).collect(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;
