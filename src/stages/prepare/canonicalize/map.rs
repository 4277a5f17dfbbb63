//! What becomes what, as people write it: in the pipeline file, or as CSV.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::learn::Learned;
use crate::definition::{Node, Value};
use crate::diagnostic::{Class, Diagnostic, Findings};
use crate::engine::Written;
use crate::stages::PlanContext;
use crate::staging::{failure, write_atomically};

/// Bytes of a CSV file that are read, at most.
const MOST_BYTES: u64 = 256 << 20;

/// A mapping, or the name of a CSV file.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub(super) struct Map(Node);

impl<'de> Deserialize<'de> for Map {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Node::deserialize(deserializer).map(Self)
    }
}

impl JsonSchema for Map {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "CanonicalMap".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "type": "string" }, { "type": "object", "additionalProperties": { "type": ["string", "number", "boolean"] } }] })
    }
}

/// What becomes what, by column.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Entries {
    /// For every column.
    all: BTreeMap<String, String>,
    /// For one column.
    by_column: BTreeMap<String, BTreeMap<String, String>>,
}

/// What becomes what in one column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Targets<'a> {
    own: Option<&'a BTreeMap<String, String>>,
    all: &'a BTreeMap<String, String>,
}

impl<'a> Targets<'a> {
    pub(super) fn of(&self, value: &str) -> Option<&'a str> {
        let own = self.own.and_then(|own| own.get(value));
        own.or_else(|| self.all.get(value)).map(String::as_str)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let own = self.own;
        let all = self.all.iter().filter(move |(value, _)| own.is_none_or(|own| !own.contains_key(*value)));
        own.into_iter().flatten().chain(all).map(|(value, target)| (value.as_str(), target.as_str()))
    }
}

impl Entries {
    pub(super) fn of(&self, column: &str) -> Targets<'_> {
        Targets { own: self.by_column.get(column), all: &self.all }
    }

    #[cfg(test)]
    pub(super) fn for_all(entries: impl Iterator<Item = (String, String)>) -> Self {
        Self { all: entries.collect(), by_column: BTreeMap::new() }
    }

    /// Errors: the value becomes something else already.
    fn add(&mut self, column: Option<&str>, value: &str, target: &str) -> Result<(), String> {
        let entries = match column {
            Some(column) => self.by_column.entry(column.to_owned()).or_default(),
            None => &mut self.all,
        };
        match entries.insert(value.to_owned(), target.to_owned()) {
            Some(before) if before != target => Err(format!("`{value}` becomes both `{before}` and `{target}`")),
            _ => Ok(()),
        }
    }
}

impl Map {
    /// The name of the CSV file, if it is one.
    pub(super) fn file(&self) -> Option<&str> {
        self.0.as_text().map(|text| text.value())
    }

    /// Errors: what is written here is no map, or the file cannot be read.
    pub(super) fn entries(&self, columns: &[&str], context: &PlanContext<'_>) -> Result<Entries, Findings> {
        match &self.0.value {
            Value::Text(name) => read(&context.path(name.value()), name.value(), columns)
                .map_err(|finding| vec![finding.or_at(&self.0.place)]),
            Value::Mapping(mapping) => {
                let mut entries = Entries::default();
                let mut findings = Findings::new();
                for entry in mapping {
                    match entry.value.spelling() {
                        Some(target) => {
                            findings.extend(
                                entries
                                    .add(None, &entry.key, &target)
                                    .err()
                                    .map(|message| Diagnostic::definition(message).at(&entry.key_place)),
                            );
                        }
                        None => findings.push(
                            Diagnostic::definition(format!(
                                "`{}` becomes a text, not {}",
                                entry.key,
                                entry.value.describe()
                            ))
                            .at(&entry.value.place),
                        ),
                    }
                }
                if findings.is_empty() { Ok(entries) } else { Err(findings) }
            }
            _ => {
                let message = format!("`map` is a mapping or the name of a CSV file, not {}", self.0.describe());
                Err(vec![Diagnostic::definition(message).at(&self.0.place)])
            }
        }
    }
}

/// Reads a CSV file with the columns `value` and `canonical`, and perhaps `column`.
fn read(path: &Path, name: &str, columns: &[&str]) -> Result<Entries, Diagnostic> {
    let refuse = |message: String| Diagnostic::error(Class::Data, message);
    let unreadable = |error: &dyn std::fmt::Display| refuse(format!("cannot read the map `{name}`: {error}"));
    let size = std::fs::metadata(path).map_err(|error| unreadable(&crate::staging::reason(&error)))?.len();
    if size > MOST_BYTES {
        let message = format!("the map `{name}` has {size} bytes; at most {MOST_BYTES} are read");
        return Err(Diagnostic::error(Class::Limit, message).help("a `join` takes a table of any size"));
    }
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_path(path).map_err(|error| unreadable(&error))?;
    let headers = reader.headers().map_err(|error| unreadable(&error))?.clone();
    let position = |wanted: &str| {
        headers.iter().position(|header| header.trim_start_matches('\u{feff}').trim().eq_ignore_ascii_case(wanted))
    };
    let (Some(value_at), Some(canonical_at)) = (position("value"), position("canonical")) else {
        let found = headers.iter().collect::<Vec<_>>().join(", ");
        let help = "its first line names the columns: `value,canonical`, or `column,value,canonical`";
        return Err(
            refuse(format!("the map `{name}` needs the columns `value` and `canonical`, not {found}")).help(help)
        );
    };
    let column_at = position("column");
    let mut entries = Entries::default();
    for record in reader.records() {
        let record = record.map_err(|error| unreadable(&error))?;
        let line = record.position().map_or(0, csv::Position::line);
        let (Some(value), Some(target)) = (record.get(value_at), record.get(canonical_at)) else {
            return Err(refuse(format!("the map `{name}` misses a field in line {line}")));
        };
        let column = column_at.and_then(|at| record.get(at)).filter(|column| !column.is_empty());
        // One file may serve several stages.
        if column.is_some_and(|column| !columns.contains(&column)) {
            continue;
        }
        entries
            .add(column, value, target)
            .map_err(|message| refuse(format!("the map `{name}`, line {line}: {message}")))?;
    }
    Ok(entries)
}

/// Writes the spellings of all columns as CSV.
pub(super) fn write(path: &Path, columns: &[(&str, Learned)]) -> Result<Written, Diagnostic> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let failed = |error: &dyn std::fmt::Display| {
        Diagnostic::error(Class::Output, format!("cannot write `{}`: {error}", path.display()))
    };
    writer.write_record(["column", "value", "canonical", "rows"]).map_err(|error| failed(&error))?;
    let mut rows = 0;
    for (column, learned) in columns {
        for (canonical, spellings) in learned.groups() {
            for value in spellings {
                let record = [column, value.text.as_str(), canonical, &value.rows.to_string()];
                writer.write_record(record).map_err(|error| failed(&error))?;
                rows += 1;
            }
        }
    }
    let content = writer.into_inner().map_err(|error| failed(&error))?;
    write_atomically(path, &content).map_err(|error| failure("cannot write", path, &error))?;
    Ok(Written { rows, files: vec![(path.to_path_buf(), content.len() as u64)] })
}
