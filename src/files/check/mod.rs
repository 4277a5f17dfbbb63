//! The structural pass over a whole CSV file, before an engine reads it.
//!
//! Engines fill short records with nulls, cut long ones, or read `"` the way that suits their parallel reader. Here every
//! record is looked at: it has as many fields as the file has columns, quotes are closed and stand where they belong, there is
//! no NUL byte, and everything is UTF-8. The grammar is that of `records`.
//!
//! Plain files are read by all threads, block by block. A block is read on the guess that its first line end also ends a
//! record; where the guess was wrong, because the line end stood in quotes, the block is read again. Compressed files are a
//! stream. Memory is bounded either way.

mod explain;
mod masks;
mod scanner;

use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::atomic::AtomicBool;

use memchr::memchr;
use rayon::prelude::*;

use super::compression::{self, Compression};
use super::error::FileError;
use super::records::Records;
use crate::diagnostic::Class;
use crate::relation::CsvFormat;
use scanner::{Scanner, Trouble};

/// Bytes that one thread reads at once.
const BLOCK: usize = 2 << 20;

/// How far a check goes.
#[derive(Debug, Clone, Copy, Default)]
pub struct CheckOptions<'a> {
    /// Rows after which to stop, when no more will be read.
    pub rows: Option<u64>,
    /// Decompressed bytes at most; more are an error of [`Class::Limit`].
    pub bytes: Option<u64>,
    /// Set by somebody who wants the check to stop.
    pub cancelled: Option<&'a AtomicBool>,
}

/// What a well-formed file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Checked {
    /// Rows of data, the header not among them.
    pub rows: u64,
    /// Decompressed bytes that were read.
    pub bytes: u64,
    /// Blank lines between or behind the rows of a file with several columns; they are no rows.
    pub blank_lines: u64,
    /// Records with an odd number of quotes, as in `5" pipe,2`.
    pub odd_quotes: u64,
    /// The plain text begins with bytes that engines take for a compressed stream (`x^`).
    pub looks_compressed: bool,
}

impl Checked {
    /// Why the engine would read something else than the file says, if it would. Then the file has to be rewritten with
    /// [`super::rewrite`] first.
    pub fn needs_rewrite(&self) -> Option<&'static str> {
        if self.odd_quotes > 0 {
            Some("quotes stand within unquoted fields")
        } else if self.blank_lines > 0 {
            Some("blank lines stand between the rows")
        } else if self.looks_compressed {
            Some("the text begins like a compressed stream")
        } else {
            None
        }
    }
}

/// Reads the whole file and says whether each record has one field for each of the columns, and where the first one has not.
///
/// `names` are the names of the columns, in the order of the file. The header is a record like the others.
///
/// Errors: the first [`super::CsvProblem`], with file, physical line, record and column ([`Class::Data`]; [`Class::Limit`]
/// for a field over 16 MiB or more bytes than allowed); the file cannot be read; [`Class::Interrupted`].
///
/// Cost: one pass; some GB/s for each thread over plain text, as fast as decompression otherwise.
pub fn check(
    path: &Path,
    compression: Compression,
    format: &CsvFormat,
    names: &[String],
    options: &CheckOptions<'_>,
) -> Result<Checked, FileError> {
    let start = Records::open(path, compression, format)?.offset();
    let check = Check { path, compression, format, names, options, start };
    if compression == Compression::Plain && options.rows.is_none() {
        let size = std::fs::metadata(path).map_err(|error| FileError::reading(path, &error))?.len();
        if size > 4 * BLOCK as u64 && rayon::current_num_threads() > 1 {
            return check.in_parallel(BLOCK);
        }
    }
    check.as_stream(BLOCK)
}

struct Check<'a> {
    path: &'a Path,
    compression: Compression,
    format: &'a CsvFormat,
    names: &'a [String],
    options: &'a CheckOptions<'a>,
    start: u64,
}

impl Check<'_> {
    fn scanner(&self, offset: u64) -> Scanner {
        Scanner::new(self.format.delimiter, self.format.quote, self.names.len() as u64, offset)
    }

    fn as_stream(&self, block: usize) -> Result<Checked, FileError> {
        let mut reader = compression::open(self.path, self.compression)?;
        let reading = |error| FileError::reading(self.path, &error);
        std::io::copy(&mut (&mut reader).take(self.start), &mut std::io::sink()).map_err(reading)?;
        let mut scanner = self.scanner(self.start);
        let mut buffer = vec![0; block];
        let mut bytes = self.start;
        let mut first = true;
        let mut looks_compressed = false;
        loop {
            self.watch(bytes)?;
            let read = compression::read_full(&mut reader, &mut buffer).map_err(reading)?;
            let filled = buffer.get(..read).unwrap_or_default();
            if first && self.start == 0 && self.compression == Compression::Plain {
                looks_compressed = compression::looks_like_zlib(filled);
            }
            first = false;
            bytes += read as u64;
            scanner.feed(filled).map_err(|trouble| self.explain(trouble))?;
            let enough = self.options.rows.is_some_and(|rows| self.rows(&scanner) >= rows);
            if enough {
                break;
            }
            if read < block {
                scanner.finish().map_err(|trouble| self.explain(trouble))?;
                break;
            }
        }
        Ok(self.checked(&scanner, bytes, looks_compressed))
    }

    fn in_parallel(&self, block: usize) -> Result<Checked, FileError> {
        let wave = rayon::current_num_threads() * 2;
        let mut buffers = vec![vec![0u8; block]; wave];
        let mut scanner = self.scanner(self.start);
        let mut offset = self.start;
        let mut looks_compressed = false;
        loop {
            self.watch(offset)?;
            let parts = buffers
                .par_iter_mut()
                .enumerate()
                .map(|(i, buffer)| self.guess(offset + (i * block) as u64, buffer))
                .collect::<Result<Vec<Part>, FileError>>()?;
            for (part, buffer) in parts.into_iter().zip(&buffers) {
                let bytes = buffer.get(..part.length).unwrap_or_default();
                if offset == 0 {
                    looks_compressed = compression::looks_like_zlib(bytes);
                }
                self.follow(&mut scanner, bytes, part.guess).map_err(|trouble| self.explain(trouble))?;
                offset += part.length as u64;
                if part.length < block {
                    scanner.finish().map_err(|trouble| self.explain(trouble))?;
                    return Ok(self.checked(&scanner, offset, looks_compressed));
                }
            }
        }
    }

    /// Reads a block and scans what stands behind its first line end, as if a record began there.
    fn guess(&self, offset: u64, buffer: &mut [u8]) -> Result<Part, FileError> {
        let reading = |error| FileError::reading(self.path, &error);
        let mut file = compression::open_file(self.path)?;
        file.seek(SeekFrom::Start(offset)).map_err(reading)?;
        let length = compression::read_full(&mut file, buffer).map_err(reading)?;
        let bytes = buffer.get(..length).unwrap_or_default();
        let guess = memchr(b'\n', bytes).map(|newline| {
            let begin = newline + 1;
            let mut scanner = self.scanner(offset + begin as u64);
            let result = scanner.feed(bytes.get(begin..).unwrap_or_default()).map(|()| scanner);
            Guess { begin, result }
        });
        Ok(Part { length, guess })
    }

    /// Goes on over a block, with the help of the guess where it was right.
    fn follow(&self, scanner: &mut Scanner, bytes: &[u8], guess: Option<Guess>) -> Result<(), Trouble> {
        let Some(Guess { begin, result }) = guess else { return scanner.feed(bytes) };
        let (head, body) = bytes.split_at_checked(begin).unwrap_or((bytes, &[]));
        scanner.feed(head)?;
        if !scanner.is_between_records() {
            return scanner.feed(body);
        }
        match result {
            Ok(later) => {
                scanner.adopt(later);
                Ok(())
            }
            Err(trouble) => Err(Trouble { records: trouble.records + scanner.records, ..trouble }),
        }
    }

    fn watch(&self, bytes: u64) -> Result<(), FileError> {
        FileError::if_cancelled(self.options.cancelled)?;
        match self.options.bytes {
            Some(limit) if bytes > limit => Err(FileError::new(
                Class::Limit,
                format!("`{}` holds more than the {limit} bytes that are allowed", self.path.display()),
            )
            .help("raise the limit, or look whether the compressed file is what it claims to be")),
            _ => Ok(()),
        }
    }

    fn rows(&self, scanner: &Scanner) -> u64 {
        scanner.records.saturating_sub(u64::from(self.format.header))
    }

    fn checked(&self, scanner: &Scanner, bytes: u64, looks_compressed: bool) -> Checked {
        Checked {
            rows: self.rows(scanner),
            bytes,
            blank_lines: scanner.blank,
            odd_quotes: scanner.odd_quotes,
            looks_compressed,
        }
    }
}

/// One block of a plain file.
struct Part {
    length: usize,
    guess: Option<Guess>,
}

/// What a block holds if a record begins at `begin`.
struct Guess {
    begin: usize,
    result: Result<Scanner, Trouble>,
}

#[cfg(test)]
mod tests;
