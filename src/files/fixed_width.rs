//! Text without delimiters: each column stands at its place in the line.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::sync::atomic::AtomicBool;

use super::compression::{self, Compression};
use super::error::{FileError, counted, shown};
use super::original::{Copied, CopyWriter};
use super::rejects::Reject;
use crate::diagnostic::Class;

/// The longest line that is read, in bytes.
const LINE_LIMIT: u64 = 16 << 20;
/// Bytes of a line that a reject keeps.
const KEPT: usize = 4096;

/// Where the columns stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FixedWidth {
    /// Each column with its first character, counted from 0, and its characters. They do not overlap.
    pub columns: Vec<FixedColumn>,
    /// Characters of a line: all lines must have just as many. None: shorter lines are as if blanks stood behind them, and what
    /// stands behind the last column must be blank.
    pub length: Option<usize>,
    /// Lines left out before the first row.
    pub skip_rows: u64,
    /// White space around values is left out.
    pub trim: bool,
}

/// A column of a fixed-width file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FixedColumn {
    /// Its name.
    pub name: String,
    /// Its first character, counted from 0.
    pub start: usize,
    /// Its characters.
    pub width: usize,
}

/// How far to go.
#[derive(Debug, Clone, Copy)]
pub struct CopyOptions<'a> {
    /// Rows at most; none: all.
    pub rows: Option<u64>,
    /// Bad rows that are set aside at most; none: the first one is an error.
    pub reject_limit: Option<u64>,
    /// Set by somebody who wants it to stop.
    pub cancelled: Option<&'a AtomicBool>,
}

/// Writes the rows of a fixed-width file in UTF-8 to `out` as CSV with a header; blank lines are no rows.
///
/// `name`: the file as people know it. Memory: one line. Cost: one pass.
///
/// Errors: a line of another length, or with something behind its last column, when bad rows are not set aside, or too many of them;
/// invalid UTF-8 and NUL likewise; a line that is too long ([`Class::Limit`]); files that cannot be read or written.
pub(super) fn copy_fixed_width(
    path: &Path,
    compression: Compression,
    layout: &FixedWidth,
    name: &str,
    out: &Path,
    options: CopyOptions<'_>,
) -> Result<Copied, FileError> {
    let mut reader = BufReader::with_capacity(1 << 18, compression::open(path, compression)?);
    let mut copy = CopyWriter::create(out)?;
    copy.row(layout.skip_rows, layout.columns.iter().map(|column| column.name.as_str()))?;
    let mut copied = Copied::default();
    let mut line = Vec::new();
    let mut number = 0;
    loop {
        line.clear();
        let read = (&mut reader)
            .take(LINE_LIMIT + 1)
            .read_until(b'\n', &mut line)
            .map_err(|error| FileError::reading(path, &error))?;
        if read == 0 {
            break;
        }
        number += 1;
        if read as u64 > LINE_LIMIT {
            let message = format!("{name}, line {number}: the line is longer than {LINE_LIMIT} bytes");
            return Err(FileError::new(Class::Limit, message).help("is this a file with lines?"));
        }
        if number % 4096 == 0 {
            FileError::if_cancelled(options.cancelled)?;
        }
        if number <= layout.skip_rows {
            continue;
        }
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let text = if number == 1 { text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text) } else { text };
        if text.trim_ascii().is_empty() {
            continue;
        }
        if options.rows.is_some_and(|rows| copied.rows >= rows) {
            copied.cut = true;
            break;
        }
        match cells(text, layout) {
            Ok(cells) => {
                copy.row(number, cells.into_iter())?;
                copied.rows += 1;
            }
            Err(what) => {
                let raw = String::from_utf8_lossy(text.get(..KEPT).unwrap_or(text)).into_owned();
                let at = || format!("{name}, line {number}: {what}; the line begins `{}`", shown(&raw));
                match options.reject_limit {
                    None => {
                        return Err(FileError::data(at()).help(
                            "repair the line or the layout, or set rows like this aside with `on_error: reject`",
                        ));
                    }
                    Some(limit) if copied.rejects.len() as u64 >= limit => {
                        return Err(FileError::data(format!(
                            "more than {} are bad; the next one: {}",
                            counted(limit, "row"),
                            at()
                        ))
                        .help("correct the layout, or raise `reject_limit`"));
                    }
                    Some(_) => copied.rejects.push(Reject {
                        file: name.to_owned(),
                        line: number,
                        column: None,
                        reason: what,
                        raw,
                    }),
                }
            }
        }
    }
    copied.lines = copy.finish()?;
    Ok(copied)
}

/// The values of a line, or what is wrong with it.
fn cells<'t>(line: &'t [u8], layout: &FixedWidth) -> Result<Vec<&'t str>, String> {
    let Ok(text) = std::str::from_utf8(line) else { return Err("the line is not valid UTF-8".to_owned()) };
    if memchr::memchr(0, line).is_some() {
        return Err("a NUL byte stands in the line".to_owned());
    }
    let length = if text.is_ascii() { text.len() } else { text.chars().count() };
    if let Some(wanted) = layout.length
        && length != wanted
    {
        return Err(format!("the line has {}, but {wanted} are expected", counted(length as u64, "character")));
    }
    // Character positions are byte positions in ASCII; elsewhere they are looked up.
    let offsets: Option<Vec<usize>> = (!text.is_ascii()).then(|| text.char_indices().map(|(at, _)| at).collect());
    let byte = |position: usize| match &offsets {
        None => position.min(text.len()),
        Some(offsets) => offsets.get(position).copied().unwrap_or(text.len()),
    };
    let end = layout.columns.iter().map(|column| column.start + column.width).max().unwrap_or(0);
    let behind = text.get(byte(end)..).unwrap_or_default();
    if layout.length.is_none() && !behind.trim().is_empty() {
        return Err(format!(
            "the line has {}, and behind the last column, which ends with character {end}, stands `{}`",
            counted(length as u64, "character"),
            shown(behind)
        ));
    }
    let value = |column: &FixedColumn| {
        let value = text.get(byte(column.start)..byte(column.start + column.width)).unwrap_or_default();
        if layout.trim { value.trim() } else { value }
    };
    Ok(layout.columns.iter().map(value).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn layout(length: Option<usize>) -> FixedWidth {
        let column = |name: &str, start, width| FixedColumn { name: name.to_owned(), start, width };
        FixedWidth { columns: vec![column("id", 0, 3), column("name", 4, 5)], length, skip_rows: 0, trim: true }
    }

    fn copied(text: &str, layout: &FixedWidth, reject_limit: Option<u64>) -> Result<(String, Copied), FileError> {
        let folder = tempfile::tempdir().unwrap();
        let (path, out) = (folder.path().join("x"), folder.path().join("y"));
        std::fs::write(&path, text).unwrap();
        let options = CopyOptions { rows: None, reject_limit, cancelled: None };
        let copied = copy_fixed_width(&path, Compression::Plain, layout, "x", &out, options)?;
        Ok((std::fs::read_to_string(&out).unwrap(), copied))
    }

    #[test]
    fn columns_stand_at_their_places() {
        let (text, copied) = copied("001 Zoë  \r\n002 a,\"b\n\n003\n", &layout(None), None).unwrap();
        assert_eq!(text, "id,name\n001,Zoë\n002,\"a,\"\"b\"\n003,\n");
        assert_eq!((copied.rows, copied.lines.row(2), copied.lines.row(4)), (3, 1, 4));
    }

    #[test]
    fn lines_of_another_length_are_refused_or_set_aside() {
        let error = copied("001 abcde\n002 abcdefgh\n", &layout(None), None).unwrap_err();
        assert_eq!(
            error.message,
            "x, line 2: the line has 12 characters, and behind the last column, which ends with character 9, stands `fgh`; the line begins `002 abcdefgh`"
        );
        let (text, copied_rows) = copied("001 abc\n002 abcde\n003 abcdefg\n", &layout(Some(9)), Some(5)).unwrap();
        assert_eq!((text.as_str(), copied_rows.rejects.len()), ("id,name\n002,abcde\n", 2));
        assert_eq!(copied_rows.rejects.first().unwrap().reason, "the line has 7 characters, but 9 are expected");
        assert!(
            copied("001 abc\n002 a\n", &layout(Some(9)), Some(1)).unwrap_err().message.starts_with("more than 1 row")
        );
    }
}
