//! Copies in CSV of files that are something else, and where their lines come from.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::compression::{self, Compression};
use super::error::FileError;
use super::fixed_width::{CopyOptions, FixedWidth, copy_fixed_width};
use super::rejects::Reject;
use super::sniff::Sniffed;
use super::spreadsheet::{SheetTable, copy_sheet_table};
use super::transcode::transcode;
use crate::relation::{CsvFormat, PreparedFiles};

/// Which row of the original each line of a copy comes from. Rows follow each other, but for those that were left out and those
/// that take more than one line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineMap {
    /// Lines from which on the distance is another one: (line of the copy, row of the original).
    jumps: Vec<(u64, u64)>,
}

impl LineMap {
    /// Says from which row a line comes; lines are told in order.
    pub(super) fn set(&mut self, line: u64, row: u64) {
        if self.row(line) != row {
            self.jumps.push((line, row));
        }
    }

    /// The row from which a line comes.
    pub fn row(&self, line: u64) -> u64 {
        let after = self.jumps.partition_point(|(at, _)| *at <= line);
        let (at, row) = after.checked_sub(1).and_then(|at| self.jumps.get(at)).copied().unwrap_or((1, 1));
        row + line.saturating_sub(at)
    }
}

/// What a file is that has to be copied before it is read as CSV.
#[derive(Debug, Clone, PartialEq)]
pub enum Original {
    /// Text with delimiters, of which only some lines are the table.
    Lines,
    /// Text without delimiters.
    FixedWidth(FixedWidth),
    /// A workbook.
    Sheet(SheetTable),
}

impl Original {
    /// The file as a message names it.
    pub fn name(&self, path: &Path) -> String {
        match self {
            Self::Sheet(table) => format!("{}, sheet `{}`", path.display(), super::error::shown(&table.sheet)),
            Self::Lines | Self::FixedWidth(_) => path.display().to_string(),
        }
    }

    /// A text about the copy as one about the original: its name, and lines as they are counted there.
    pub fn relocate(&self, text: &str, copy: &Path, path: &Path, lines: &LineMap) -> String {
        let text = text.replace(&copy.display().to_string(), &self.name(path));
        let word = if matches!(self, Self::Sheet(_)) { "row" } else { "line" };
        let mut told = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some(at) = rest.find("line ") {
            let (before, after) = rest.split_at(at);
            let after = after.strip_prefix("line ").unwrap_or(after);
            let digits = after.bytes().take_while(u8::is_ascii_digit).count();
            let (number, tail) = after.split_at(digits);
            told.push_str(before);
            match number.parse() {
                Ok(number) => told.push_str(&format!("{word} {}", lines.row(number))),
                Err(_) => told.push_str(&format!("line {number}")),
            }
            rest = tail;
        }
        told.push_str(rest);
        told
    }

    /// Copies the rows of a file to `out`.
    ///
    /// Errors: those of the kinds of files; of class [`crate::diagnostic::Class::Output`] when `out` cannot be written.
    pub fn copy(
        &self,
        path: &Path,
        sniffed: &Sniffed,
        out: &Path,
        options: CopyOptions<'_>,
    ) -> Result<Copied, FileError> {
        let name = self.name(path);
        if let Self::Sheet(table) = self {
            return copy_sheet_table(path, table, &name, out, options.rows, options.cancelled);
        }
        let plain = out.with_extension("utf8");
        let (from, compression) = if sniffed.needs_transcoding() {
            let (encoding, returns) = (sniffed.encoding, sniffed.carriage_returns);
            transcode(path, sniffed.compression, encoding, returns, &plain, options.cancelled)?;
            (plain.as_path(), Compression::Plain)
        } else {
            (path, sniffed.compression)
        };
        let copied = match self {
            Self::FixedWidth(layout) => copy_fixed_width(from, compression, layout, &name, out, options),
            Self::Lines | Self::Sheet(_) => copy_lines(from, compression, sniffed, out, options),
        };
        if sniffed.needs_transcoding() {
            let _ = std::fs::remove_file(&plain);
        }
        copied
    }
}

/// Copies the lines of a table as they are.
fn copy_lines(
    path: &Path,
    compression: Compression,
    sniffed: &Sniffed,
    out: &Path,
    options: CopyOptions<'_>,
) -> Result<Copied, FileError> {
    let writing = |error| FileError::writing(out, &error);
    let mut reader = BufReader::with_capacity(1 << 18, compression::open(path, compression)?);
    let mut writer = BufWriter::with_capacity(1 << 18, File::create(out).map_err(writing)?);
    let mut copied = Copied::default();
    copied.lines.set(1, sniffed.skip_rows + 1);
    let mut number = 0;
    let mut block = Vec::new();
    let mut at_line_start = true;
    loop {
        block.clear();
        // A line may be longer than memory; it is copied in pieces.
        let read = (&mut reader)
            .take(1 << 20)
            .read_until(b'\n', &mut block)
            .map_err(|error| FileError::reading(path, &error))?;
        if read == 0 {
            break;
        }
        number += u64::from(at_line_start);
        at_line_start = block.ends_with(b"\n");
        if number <= sniffed.skip_rows {
            continue;
        }
        let ends = sniffed.last_line.is_some_and(|last| number > last);
        let enough = options.rows.is_some_and(|rows| copied.rows > rows);
        if ends || enough {
            copied.cut = enough && !ends;
            break;
        }
        if number % 4096 == 0 {
            FileError::if_cancelled(options.cancelled)?;
        }
        copied.rows += u64::from(at_line_start);
        writer.write_all(&block).map_err(writing)?;
    }
    writer.flush().map_err(writing)?;
    Ok(copied)
}

/// What was copied.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Copied {
    /// Rows in the copy, without the header.
    pub rows: u64,
    /// Where its lines come from.
    pub lines: LineMap,
    /// Rows that could not be copied.
    pub rejects: Vec<Reject>,
    /// Whether the copy ends before the original does.
    pub cut: bool,
}

/// The layout of copies: UTF-8, commas, double quotes, and a header or none.
pub fn copied_format(header: bool, null_values: &[String]) -> CsvFormat {
    CsvFormat {
        delimiter: b',',
        quote: Some(b'"'),
        header,
        skip_rows: 0,
        null_values: null_values.to_vec(),
        decimal_comma: false,
    }
}

/// Writes a copy in CSV.
pub(super) struct CopyWriter<'a> {
    path: &'a Path,
    writer: BufWriter<File>,
    line: u64,
    lines: LineMap,
}

impl<'a> CopyWriter<'a> {
    pub(super) fn create(path: &'a Path) -> Result<Self, FileError> {
        let file = File::create(path).map_err(|error| FileError::writing(path, &error))?;
        Ok(Self { path, writer: BufWriter::with_capacity(1 << 18, file), line: 1, lines: LineMap::default() })
    }

    /// Writes the cells of a row of the original. An empty cell is null.
    pub(super) fn row<'t>(&mut self, number: u64, cells: impl Iterator<Item = &'t str>) -> Result<(), FileError> {
        self.lines.set(self.line, number);
        let mut record = String::new();
        let mut breaks = 0;
        for (at, cell) in cells.enumerate() {
            if at > 0 {
                record.push(',');
            }
            if cell.contains(['"', ',', '\n', '\r']) || cell.starts_with([' ', '\t']) || cell.ends_with([' ', '\t']) {
                record.push('"');
                record.push_str(&cell.replace('"', "\"\""));
                record.push('"');
                breaks += cell.bytes().filter(|byte| *byte == b'\n').count() as u64;
            } else {
                record.push_str(cell);
            }
        }
        if record.is_empty() {
            // A blank line would be no row in a file of several columns.
            record.push_str("\"\"");
        }
        record.push('\n');
        self.line += 1 + breaks;
        self.writer.write_all(record.as_bytes()).map_err(|error| FileError::writing(self.path, &error))
    }

    pub(super) fn finish(mut self) -> Result<LineMap, FileError> {
        self.writer.flush().map_err(|error| FileError::writing(self.path, &error))?;
        Ok(self.lines)
    }
}

fn sample_note(scratch: &Path, fingerprint: &str) -> PathBuf {
    scratch.join(format!("{fingerprint}.sample.json"))
}

/// Leaves word of readable copies of the first rows of files, for whoever looks at rows before a run.
///
/// Errors: the note cannot be written.
pub fn keep_sample(scratch: &Path, fingerprint: &str, files: &PreparedFiles) -> Result<(), FileError> {
    let path = sample_note(scratch, fingerprint);
    let text = serde_json::to_vec(files).unwrap_or_default();
    std::fs::write(&path, text).map_err(|error| FileError::writing(&path, &error))
}

/// Readable copies of the first rows of the files of a scan, where the files themselves cannot be read as they are.
pub fn prepared_sample(scratch: &Path, fingerprint: &str) -> Option<PreparedFiles> {
    serde_json::from_slice(&std::fs::read(sample_note(scratch, fingerprint)).ok()?).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_copy_know_their_rows() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.csv");
        let mut copy = CopyWriter::create(&path).unwrap();
        for (number, cell) in [(3, "a"), (4, "b\nc"), (7, "d"), (8, "e")] {
            copy.row(number, [cell, "1"].into_iter()).unwrap();
        }
        let lines = copy.finish().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a,1\n\"b\nc\",1\nd,1\ne,1\n");
        assert_eq!([1, 2, 4, 5].map(|line| lines.row(line)), [3, 4, 7, 8]);
    }
}
