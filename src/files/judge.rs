//! Whether a record is a row of the table: its fields, its text, the types of its values.

use super::error::{CsvProblem, shown};
use super::plan::ColumnPlan;
use super::record::{FlawKind, Record, wrong_number_of_fields};
use super::value::{Expected, Nulls};
use crate::diagnostic::Class;
use crate::relation::CsvFormat;

/// Bytes of a record that a problem or a reject keeps.
pub(super) const KEPT: usize = 4096;

/// Why a record is no row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// [`Class::Data`] or, for an overlong field, [`Class::Limit`].
    pub(super) class: Class,
    /// The column to blame, where there is one.
    pub(super) column: Option<String>,
    /// What is wrong, in one sentence without a full stop.
    pub(super) what: String,
    /// What to do about it.
    pub(super) help: String,
    /// Line ends of the record before the field to blame.
    pub(super) lines: u64,
}

/// Judges the records of files with these columns.
pub(super) struct Judge<'a> {
    plans: &'a [ColumnPlan],
    expected: Vec<Expected>,
    nulls: Nulls,
}

impl<'a> Judge<'a> {
    pub(super) fn new(format: &CsvFormat, plans: &'a [ColumnPlan]) -> Self {
        Self {
            plans,
            expected: plans.iter().map(|plan| plan.expected(format)).collect(),
            nulls: Nulls::new(&format.null_values),
        }
    }

    /// Whether the record is a blank line that stands for nothing.
    pub(super) fn is_no_row(&self, record: &Record) -> bool {
        record.flaw.is_none() && record.is_blank() && self.plans.len() > 1
    }

    /// What is wrong with the record, if anything is.
    pub(super) fn fault(&self, record: &Record) -> Option<Fault> {
        self.structure(record).or_else(|| self.types(record))
    }

    /// What is wrong with its fields, their number, quotes and text.
    pub(super) fn structure(&self, record: &Record) -> Option<Fault> {
        let name = |field: usize| self.plans.get(field).map(|plan| plan.name.clone());
        if let Some(flaw) = record.flaw {
            return Some(Fault {
                class: if flaw.kind == FlawKind::TooLong { Class::Limit } else { Class::Data },
                column: name(flaw.field),
                what: flaw.kind.what(),
                help: flaw.kind.help().to_owned(),
                lines: flaw.lines,
            });
        }
        let data = |column, what: String, help: &str| {
            Some(Fault { class: Class::Data, column, what, help: help.to_owned(), lines: 0 })
        };
        if record.len() != self.plans.len() {
            let what = wrong_number_of_fields(record.len() as u64, self.plans.len() as u64);
            return data(None, what, "repair the line, or set rows like this aside with `on_error: reject`");
        }
        if memchr::memchr(0, record.raw()).is_some() {
            return data(None, "a NUL byte stands in the record".to_owned(), "remove it from the file");
        }
        if std::str::from_utf8(record.raw()).is_err() {
            let column = (0..record.len())
                .find(|field| record.value(*field).is_some_and(|value| std::str::from_utf8(&value).is_err()));
            let help = "name the encoding, for example `encoding: latin-1`";
            return data(column.and_then(name), "the field is not valid UTF-8".to_owned(), help);
        }
        None
    }

    fn types(&self, record: &Record) -> Option<Fault> {
        for (field, (expected, plan)) in self.expected.iter().zip(self.plans).enumerate() {
            if *expected == Expected::Text {
                continue;
            }
            let value = record.value(field).unwrap_or_default();
            if self.nulls.contains(&value) || expected.accepts(&value) {
                continue;
            }
            let text = String::from_utf8_lossy(value.get(..KEPT).unwrap_or(&value)).into_owned();
            let format = match expected {
                Expected::Temporal { format } => format!(" of the format {format}"),
                _ => String::new(),
            };
            return Some(Fault {
                class: Class::Data,
                column: Some(plan.name.clone()),
                what: format!("`{}` is no {}{format}", shown(&text), plan.data_type),
                help: format!(
                    "read the column as text with `types: {{{}: string}}`, name the value in `null_values`, or set rows like \
                     this aside with `on_error: reject`",
                    shown(&plan.name)
                ),
                lines: 0,
            });
        }
        None
    }
}

impl Fault {
    /// The fault of the record with this number in this file.
    pub(super) fn problem(self, file: &str, record: &Record, number: u64) -> CsvProblem {
        CsvProblem {
            class: self.class,
            file: file.to_owned(),
            line: record.line + self.lines,
            record: Some(number),
            column: self.column,
            what: self.what,
            help: Some(self.help),
            raw: kept(record),
        }
    }
}

/// The beginning of the record as text.
pub(super) fn kept(record: &Record) -> String {
    let raw = record.raw();
    String::from_utf8_lossy(raw.get(..KEPT).unwrap_or(raw)).into_owned()
}
