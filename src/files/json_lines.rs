//! The outer form of NDJSON: how long its lines are and how deep they go, before a parser follows them.
//!
//! Parsers call themselves for each level, so a line of a million brackets ends a process that has no room for that on its
//! stack. Whether a line is JSON at all is not judged here.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use memchr::{memchr, memchr2, memrchr};
use rayon::prelude::*;

use super::compression::{self, Compression};
use super::error::FileError;
use super::limits;
use crate::diagnostic::Class;
use crate::digits;

/// Bytes read at once.
const BLOCK: usize = 8 << 20;
/// Bytes that one thread looks at.
const PIECE: usize = 1 << 20;

/// Looks at the first `rows` lines of a file (all when absent).
///
/// Errors: [`Class::Limit`] for a line over 64 MiB or nested deeper than 64 levels, with its number; the file cannot be read;
/// [`Class::Interrupted`]. Cost: one pass, about as fast as the memory gives the bytes.
pub fn check_json_lines(
    path: &Path,
    compression: Compression,
    rows: Option<u64>,
    cancelled: Option<&AtomicBool>,
) -> Result<(), FileError> {
    let mut reader = compression::open(path, compression)?;
    let mut buffer = Vec::new();
    let mut lines = 0_u64;
    loop {
        FileError::if_cancelled(cancelled)?;
        let carried = buffer.len();
        // What is looked at again and again would take the square of its length, so a long line is read in growing pieces.
        let wanted = BLOCK.max(carried).min(BLOCK.max(limits::JSON_LINE + 1));
        buffer.resize(carried + wanted, 0);
        let free = buffer.get_mut(carried..).unwrap_or_default();
        let read = compression::read_full(&mut reader, free).map_err(|error| FileError::reading(path, &error))?;
        buffer.truncate(carried + read);
        let ended = read < wanted;
        let whole = if ended { buffer.len() } else { memrchr(b'\n', &buffer).map_or(0, |at| at + 1) };
        let block = buffer.get(..whole).unwrap_or_default();
        let pieces = pieces(block);
        let found = pieces.par_iter().find_map_first(|&(start, end)| {
            let piece = block.get(start..end).unwrap_or_default();
            trouble(piece).map(|(line, what)| (start, line, what))
        });
        if let Some((start, line, what)) = found {
            let before = memchr::memchr_iter(b'\n', block.get(..start).unwrap_or_default()).count() as u64;
            return Err(too_much(path, lines + before + line + 1, &what));
        }
        lines += memchr::memchr_iter(b'\n', block).count() as u64;
        if ended || rows.is_some_and(|rows| lines >= rows) {
            return Ok(());
        }
        buffer.drain(..whole);
        if buffer.len() > limits::JSON_LINE {
            return Err(too_much(path, lines + 1, &too_long()));
        }
    }
}

fn too_much(path: &Path, line: u64, what: &str) -> FileError {
    FileError::new(Class::Limit, format!("`{}`, line {line}: {what}", path.display()))
        .help("NDJSON has one object a line; look whether the file is what it should be")
}

fn too_long() -> String {
    format!("the line is longer than {}", digits::bytes(limits::JSON_LINE as u64))
}

/// Parts of a block that begin and end with lines.
fn pieces(block: &[u8]) -> Vec<(usize, usize)> {
    let mut pieces = Vec::new();
    let mut start = 0;
    while start < block.len() {
        let from = (start + PIECE).min(block.len());
        let end = memchr(b'\n', block.get(from..).unwrap_or_default()).map_or(block.len(), |at| from + at + 1);
        pieces.push((start, end));
        start = end;
    }
    pieces
}

/// The first line that is too long or too deep, counted from 0.
fn trouble(piece: &[u8]) -> Option<(u64, String)> {
    let mut rest = piece;
    let mut line = 0;
    while !rest.is_empty() {
        let end = memchr(b'\n', rest).unwrap_or(rest.len());
        let (text, after) = rest.split_at_checked(end).unwrap_or((rest, &[]));
        if text.len() > limits::JSON_LINE {
            return Some((line, too_long()));
        }
        if is_too_deep(text) {
            return Some((line, format!("the object is nested deeper than {} levels", limits::DEPTH)));
        }
        rest = after.get(1..).unwrap_or_default();
        line += 1;
    }
    None
}

fn is_too_deep(line: &[u8]) -> bool {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(&byte) = line.get(at) {
        match byte {
            b'"' => at = end_of_text(line, at + 1),
            b'{' | b'[' => {
                depth += 1;
                if depth > limits::DEPTH {
                    return true;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    false
}

/// The place of the quote that ends a text, or of the end of the line.
fn end_of_text(line: &[u8], mut at: usize) -> usize {
    loop {
        match memchr2(b'"', b'\\', line.get(at..).unwrap_or_default()) {
            Some(found) if line.get(at + found) == Some(&b'"') => return at + found,
            Some(found) => at += found + 2,
            None => return line.len(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn check(text: &str, rows: Option<u64>) -> Result<(), FileError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.ndjson");
        std::fs::write(&path, text).unwrap();
        check_json_lines(&path, Compression::Plain, rows, None)
    }

    fn nested(levels: usize) -> String {
        format!("{{\"a\":{}{}}}\n", "[".repeat(levels - 1), "]".repeat(levels - 1))
    }

    #[test]
    fn lines_may_be_as_deep_as_the_limit() {
        assert_eq!(check(&nested(64), None), Ok(()));
        let error = check(&format!("{{\"a\":1}}\n{}", nested(65)), None).unwrap_err();
        assert_eq!(error.class, Class::Limit);
        assert!(error.message.ends_with("line 2: the object is nested deeper than 64 levels"), "{error}");
    }

    #[test]
    fn brackets_within_texts_are_no_levels() {
        let text = "[".repeat(1000);
        let line = format!("{{\"a\":\"\\\"{text}\\\\\",\"b\":\"{text}\"}}\n");
        assert_eq!(check(&line, None), Ok(()));
        assert!(
            check(&format!("{{\"a\":\"\\\\\",\"b\":{text}\n"), None).is_err(),
            "an escaped backslash ends no escape"
        );
    }

    #[test]
    fn a_line_is_found_in_any_block_and_only_as_far_as_is_looked() {
        let many = "{\"a\":[[1]]}\n".repeat(2_000_000);
        let text = format!("{many}{}", nested(100));
        let error = check(&text, None).unwrap_err();
        assert!(error.message.contains("line 2000001:"), "{error}");
        assert_eq!(check(&text, Some(20_000)), Ok(()));
    }

    #[test]
    fn a_line_without_an_end_is_refused() {
        let error = check(&format!("{{\"a\":\"{}", "x".repeat(limits::JSON_LINE + 10)), None).unwrap_err();
        assert!(error.message.ends_with("line 1: the line is longer than 64.0 MiB"), "{error}");
    }
}
