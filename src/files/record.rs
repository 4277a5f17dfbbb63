//! One record of a CSV file: its bytes, its fields, and what may be wrong with it.

use std::borrow::Cow;

use memchr::memchr;

use super::error::counted;

/// The longest field that is read, in bytes.
pub(super) const FIELD_LIMIT: usize = 16 << 20;

/// The longest record that is read, in bytes.
pub(super) const RECORD_LIMIT: usize = 256 << 20;

/// Why the bytes at one place are no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FlawKind {
    /// The quote is not closed before the file ends.
    UnclosedQuote,
    /// A quoted field goes on after its closing quote.
    TextAfterQuote,
    /// A carriage return stands within an unquoted field.
    CarriageReturn,
    /// The field is longer than [`FIELD_LIMIT`], or the record longer than [`RECORD_LIMIT`].
    TooLong,
}

impl FlawKind {
    /// What is wrong, as a sentence about the field.
    pub(super) fn what(self) -> String {
        match self {
            Self::UnclosedQuote => "a quoted field begins here and is never closed".into(),
            Self::TextAfterQuote => "a quoted field begins here and goes on after its closing quote".into(),
            Self::CarriageReturn => "a carriage return stands within an unquoted field".into(),
            Self::TooLong => {
                format!("a field is longer than {} MiB, or a record than {} MiB", FIELD_LIMIT >> 20, RECORD_LIMIT >> 20)
            }
        }
    }

    /// What to do about it.
    pub(super) fn help(self) -> &'static str {
        match self {
            Self::UnclosedQuote | Self::TextAfterQuote => {
                "double a quote that is text (`\"\"`), name another `quote`, or set rows like this aside with `on_error: reject`"
            }
            Self::CarriageReturn => "end lines with a line feed, or set rows like this aside with `on_error: reject`",
            Self::TooLong => "a quote is probably not closed; look at the line, or name another `quote`",
        }
    }
}

/// A flaw and the field in which it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flaw {
    /// Why.
    pub(super) kind: FlawKind,
    /// Number of the field in its record, from 0.
    pub(super) field: usize,
    /// Line ends between the beginning of the record and that of the field.
    pub(super) lines: u64,
}

/// Where a field stands in the bytes of its record, without its quotes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) quoted: bool,
    /// Quotes are doubled in it.
    pub(super) escaped: bool,
}

/// One record: its bytes as they stand in the file, and where the fields are.
#[derive(Debug, Clone, Default)]
pub(super) struct Record {
    raw: Vec<u8>,
    fields: Vec<Span>,
    quote: u8,
    /// Physical line on which it begins, from 1.
    pub(super) line: u64,
    /// Why it is none. Its fields up to the flaw are there.
    pub(super) flaw: Option<Flaw>,
}

impl Record {
    /// Forgets everything for a new record on this line.
    pub(super) fn begin(&mut self, line: u64, quote: Option<u8>) {
        self.raw.clear();
        self.fields.clear();
        self.flaw = None;
        self.line = line;
        self.quote = quote.unwrap_or_default();
    }

    /// Takes over bytes of the file.
    pub(super) fn append(&mut self, bytes: &[u8]) {
        self.raw.extend_from_slice(bytes);
    }

    /// Takes over a field.
    pub(super) fn add_field(&mut self, span: Span) {
        self.fields.push(span);
    }

    /// The bytes of the record without its line end.
    pub(super) fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// Number of fields.
    pub(super) fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether the line holds no character.
    pub(super) fn is_blank(&self) -> bool {
        self.raw.is_empty()
    }

    /// The value of a field: without its quotes, doubled quotes made one.
    pub(super) fn value(&self, field: usize) -> Option<Cow<'_, [u8]>> {
        let span = self.fields.get(field)?;
        let bytes = self.raw.get(span.start..span.end)?;
        if !span.escaped {
            return Some(Cow::Borrowed(bytes));
        }
        let mut value = Vec::with_capacity(bytes.len());
        let mut rest = bytes;
        while let Some(at) = memchr(self.quote, rest) {
            value.extend_from_slice(rest.get(..=at).unwrap_or_default());
            rest = rest.get(at + 2..).unwrap_or_default();
        }
        value.extend_from_slice(rest);
        Some(Cow::Owned(value))
    }

    /// Whether the field stands in quotes.
    pub(super) fn is_quoted(&self, field: usize) -> bool {
        self.fields.get(field).is_some_and(|span| span.quoted)
    }
}

/// What is wrong with a record of `found` fields in a file of `expected` columns.
pub(super) fn wrong_number_of_fields(found: u64, expected: u64) -> String {
    let comparison = if found < expected { "fewer" } else { "more" };
    format!(
        "{} where the file has {}, {comparison} than there should be",
        counted(found, "field"),
        counted(expected, "column")
    )
}
