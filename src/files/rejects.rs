//! Sets broken rows aside and keeps the others.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};

use super::check::Checked;
use super::compression::{self, Compression};
use super::error::FileError;
use super::judge::{Judge, kept};
use super::plan::ColumnPlan;
use super::record::Record;
use super::records::Records;
use crate::diagnostic::Class;
use crate::relation::CsvFormat;

/// A row that was set aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reject {
    /// The file.
    pub file: String,
    /// Physical line, counted from 1, on which the record or the field to blame begins.
    pub line: u64,
    /// The column to blame, where there is one.
    pub column: Option<String>,
    /// Why it was set aside.
    pub reason: String,
    /// The record as it stands in the file, at most 4 KiB of it; broken UTF-8 is replaced.
    pub raw: String,
}

/// What [`filter`] and [`rewrite`] wrote.
#[derive(Debug, Clone, PartialEq)]
pub struct Filtered {
    /// Rows that were kept.
    pub rows: u64,
    /// Rows that were set aside.
    pub rejected: u64,
    /// How the new file is to be read: UTF-8, commas, double quotes, a header.
    pub format: CsvFormat,
    /// Why an engine would read the original otherwise than it reads the new file, as [`super::Checked::needs_rewrite`] says.
    /// When this is `None` and nothing was rejected, the original will do.
    pub needs_rewrite: Option<&'static str>,
}

/// How far [`filter`] goes.
#[derive(Debug, Clone, Copy, Default)]
pub struct FilterOptions<'a> {
    /// Rejects at most; one more is an error.
    pub limit: u64,
    /// Set by somebody who wants it to stop.
    pub cancelled: Option<&'a AtomicBool>,
}

/// Writes the good rows of a file to `clean_out` and hands the others to `rejects_out`, in the order of the file.
///
/// A row is good when it has one field for each column, is well quoted, is UTF-8 without NUL, and each field is null or a
/// value of its column's type, in the same sense in which [`super::infer`] tells types.
///
/// A quote that is not closed, or goes on after it was closed, costs the line on which its field begins; reading goes on with
/// the next line. So a stray quote does not swallow the rest of the file. Where the field was meant to go over several lines,
/// these become rejects of their own.
///
/// Errors: more rejects than the limit ([`Class::Data`], naming the last one); the file cannot be read; `clean_out` cannot be
/// written ([`Class::Output`]); [`Class::Interrupted`]. After an error `clean_out` is incomplete and has to be removed.
///
/// Cost: one pass with one thread.
pub fn filter(
    path: &Path,
    compression: Compression,
    format: &CsvFormat,
    plans: &[ColumnPlan],
    options: &FilterOptions<'_>,
    clean_out: &Path,
    rejects_out: &mut dyn FnMut(Reject),
) -> Result<Filtered, FileError> {
    let judge = Judge::new(format, plans);
    let name = path.display().to_string();
    let limit = options.limit;
    let mut rejected = 0;
    let filtered = copy(path, compression, format, plans, clean_out, &mut |record, _| {
        FileError::if_cancelled(options.cancelled)?;
        let Some(fault) = judge.fault(record) else { return Ok(true) };
        rejected += 1;
        if rejected > limit {
            return Err(FileError::new(
                Class::Data,
                format!(
                    "`{name}` has more broken rows than the {limit} of `reject_limit`; the last one is in line {}: {}",
                    record.line + fault.lines,
                    fault.what
                ),
            )
            .help("raise `reject_limit` if that is expected, or look whether the delimiter, the quote and the types are right"));
        }
        rejects_out(Reject {
            file: name.clone(),
            line: record.line + fault.lines,
            column: fault.column,
            reason: fault.what,
            raw: kept(record),
        });
        Ok(false)
    })?;
    Ok(Filtered { rejected, ..filtered })
}

/// Writes the rows of a well-formed file to `clean_out` in the plainest form of CSV, for files that
/// [`super::Checked::needs_rewrite`].
///
/// Errors: a row is broken; the file cannot be read; `clean_out` cannot be written; [`Class::Interrupted`].
pub fn rewrite(
    path: &Path,
    compression: Compression,
    format: &CsvFormat,
    plans: &[ColumnPlan],
    clean_out: &Path,
    cancelled: Option<&AtomicBool>,
) -> Result<Filtered, FileError> {
    let judge = Judge::new(format, plans);
    let name = path.display().to_string();
    copy(path, compression, format, plans, clean_out, &mut |record, number| {
        FileError::if_cancelled(cancelled)?;
        match judge.structure(record) {
            Some(fault) => Err(fault.problem(&name, record, number).into()),
            None => Ok(true),
        }
    })
}

/// Copies the records for which `keep` answers `true`.
fn copy(
    path: &Path,
    compression: Compression,
    format: &CsvFormat,
    plans: &[ColumnPlan],
    clean_out: &Path,
    keep: &mut dyn FnMut(&Record, u64) -> Result<bool, FileError>,
) -> Result<Filtered, FileError> {
    let judge = Judge::new(format, plans);
    let mut records = Records::open(path, compression, format)?;
    let mut record = Record::default();
    let writing = |error| FileError::writing(clean_out, &error);
    let mut out = BufWriter::with_capacity(1 << 18, File::create(clean_out).map_err(writing)?);
    // A comma cannot stand between fields and in numbers.
    let separator = if format.decimal_comma { b';' } else { b',' };
    for (i, plan) in plans.iter().enumerate() {
        // Names are always quoted, so that no name can look like the beginning of a compressed stream.
        write_field(&mut out, separator, i, plan.name.as_bytes(), true).map_err(writing)?;
    }
    out.write_all(b"\n").map_err(writing)?;
    if format.header {
        records.read(&mut record)?;
    }
    let as_it_stands = format.delimiter == separator && format.quote == Some(b'"');
    let (mut rows, mut number, mut blank_lines, mut odd_quotes) = (0, 0, 0, 0);
    while records.read(&mut record)? {
        if judge.is_no_row(&record) {
            blank_lines += 1;
            continue;
        }
        number += 1;
        if !keep(&record, number)? {
            continue;
        }
        rows += 1;
        let quotes = format.quote.map_or(0, |quote| memchr::memchr_iter(quote, record.raw()).count());
        odd_quotes += quotes as u64 % 2;
        if as_it_stands && memchr::memchr(b'"', record.raw()).is_none() {
            out.write_all(record.raw()).and_then(|()| out.write_all(b"\n")).map_err(writing)?;
            continue;
        }
        for i in 0..record.len() {
            let value = record.value(i).unwrap_or_default();
            write_field(&mut out, separator, i, &value, record.is_quoted(i)).map_err(writing)?;
        }
        out.write_all(b"\n").map_err(writing)?;
    }
    out.flush().map_err(writing)?;
    let clean = CsvFormat { delimiter: separator, quote: Some(b'"'), header: true, skip_rows: 0, ..format.clone() };
    let looks_compressed = compression == Compression::Plain && begins_like_zlib(path)?;
    let original = Checked { rows, blank_lines, odd_quotes, looks_compressed, bytes: records.offset() };
    Ok(Filtered { rows, rejected: 0, format: clean, needs_rewrite: original.needs_rewrite() })
}

fn begins_like_zlib(path: &Path) -> Result<bool, FileError> {
    let mut head = [0; 2];
    let read = compression::read_full(&mut compression::open_file(path)?, &mut head)
        .map_err(|error| FileError::reading(path, &error))?;
    Ok(compression::looks_like_zlib(head.get(..read).unwrap_or_default()))
}

/// A field that was quoted stays quoted: an empty text is not null.
fn write_field(
    out: &mut impl Write,
    separator: u8,
    position: usize,
    value: &[u8],
    quoted: bool,
) -> std::io::Result<()> {
    if position > 0 {
        out.write_all(&[separator])?;
    }
    let needs_quotes = quoted || value.iter().any(|byte| *byte == separator || matches!(byte, b'"' | b'\n' | b'\r'));
    if !needs_quotes {
        return out.write_all(value);
    }
    out.write_all(b"\"")?;
    let mut parts = value.split(|byte| *byte == b'"');
    out.write_all(parts.next().unwrap_or_default())?;
    for part in parts {
        out.write_all(b"\"\"")?;
        out.write_all(part)?;
    }
    out.write_all(b"\"")
}

#[cfg(test)]
mod tests;
