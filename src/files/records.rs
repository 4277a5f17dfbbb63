//! The records of a CSV file, one after the other.
//!
//! This is the grammar of the whole module; [`super::check`] knows the same in a fast form, and a test holds the two together.
//!
//! - A record ends with `\n` or `\r\n`, the last one also with the end of the file.
//! - A field that begins with the quote ends with the next quote that is not doubled; a delimiter or the end of the record
//!   must follow. A doubled quote within is one quote. Everything else within is text, line ends too.
//! - Any other field is text up to the next delimiter or line end. Quotes in it are text. A carriage return in it is a flaw.
//! - A line without any character is blank. It is a record with one empty field in a file of one column and nothing elsewhere.
//!
//! RFC 4180 is stricter (no quotes in unquoted fields) and knows no blank lines.

use std::io::Read;
use std::path::{Path, PathBuf};

use memchr::{memchr, memchr_iter, memchr2};

use super::compression::{self, Compression};
use super::error::FileError;
use super::record::{FIELD_LIMIT, Flaw, FlawKind, RECORD_LIMIT, Record, Span};
use crate::relation::CsvFormat;

/// Bytes read at once.
const BLOCK: usize = 1 << 18;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads records from a file, compressed or not, in bounded memory.
pub(super) struct Records {
    reader: Box<dyn Read + Send>,
    path: PathBuf,
    delimiter: u8,
    quote: Option<u8>,
    buffer: Vec<u8>,
    start: usize,
    ended: bool,
    line: u64,
    offset: u64,
}

impl Records {
    /// Opens the file and goes to its first record: behind a byte order mark, `skip_rows` physical lines and, where a header
    /// is expected, blank lines.
    pub(super) fn open(path: &Path, compression: Compression, format: &CsvFormat) -> Result<Self, FileError> {
        let mut records = Self::new(compression::open(path, compression)?, path, format);
        records.go_to_first(format)?;
        Ok(records)
    }

    /// Reads from text in memory that begins where a file begins.
    pub(super) fn of_bytes(bytes: Vec<u8>, path: &Path, format: &CsvFormat) -> Result<Self, FileError> {
        let mut records = Self::new(Box::new(std::io::Cursor::new(bytes)), path, format);
        records.go_to_first(format)?;
        Ok(records)
    }

    /// Reads from a stream whose next byte begins a record.
    pub(super) fn behind(reader: Box<dyn Read + Send>, path: &Path, format: &CsvFormat) -> Self {
        Self::new(reader, path, format)
    }

    fn new(reader: Box<dyn Read + Send>, path: &Path, format: &CsvFormat) -> Self {
        Self {
            reader,
            path: path.to_path_buf(),
            delimiter: format.delimiter,
            quote: format.quote,
            buffer: Vec::new(),
            start: 0,
            ended: false,
            line: 1,
            offset: 0,
        }
    }

    fn go_to_first(&mut self, format: &CsvFormat) -> Result<(), FileError> {
        while self.rest().len() < BYTE_ORDER_MARK.len() && self.fill()? {}
        if self.rest().starts_with(BYTE_ORDER_MARK) {
            self.consume(BYTE_ORDER_MARK.len());
        }
        for _ in 0..format.skip_rows {
            if !self.skip_line()? {
                break;
            }
        }
        if !format.header {
            return Ok(());
        }
        loop {
            while self.rest().len() < 2 && self.fill()? {}
            match self.rest() {
                [b'\n', ..] => self.consume(1),
                [b'\r', b'\n', ..] => self.consume(2),
                _ => return Ok(()),
            }
        }
    }

    /// Decompressed bytes before the next record.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Reads the next record; `false` at the end of the file.
    ///
    /// After a flaw reading goes on behind the line on which the flawed field begins: a stray quote costs its own line and not
    /// the rest of the file.
    ///
    /// Errors: the file cannot be read further.
    pub(super) fn read(&mut self, record: &mut Record) -> Result<bool, FileError> {
        record.begin(self.line, self.quote);
        if self.rest().is_empty() && !self.fill()? {
            return Ok(false);
        }
        let mut at = 0;
        loop {
            let begin = at;
            match self.field(begin, record)? {
                Scanned::Delimiter(next) => at = next,
                Scanned::End { text, next } => {
                    record.append(self.rest().get(..text).unwrap_or_default());
                    self.consume(next);
                    return Ok(true);
                }
                Scanned::Flaw(kind) => {
                    self.recover(begin, kind, record)?;
                    return Ok(true);
                }
            }
            if at > RECORD_LIMIT {
                self.recover(begin, FlawKind::TooLong, record)?;
                return Ok(true);
            }
        }
    }

    /// Scans the field that begins `begin` bytes after the beginning of the record.
    fn field(&mut self, begin: usize, record: &mut Record) -> Result<Scanned, FileError> {
        let first = self.byte(begin)?;
        if self.quote.is_some() && first == self.quote {
            self.quoted_field(begin, record)
        } else {
            self.unquoted_field(begin, record)
        }
    }

    fn quoted_field(&mut self, begin: usize, record: &mut Record) -> Result<Scanned, FileError> {
        let quote = self.quote.unwrap_or_default();
        let mut at = begin + 1;
        let mut escaped = false;
        let close = loop {
            match memchr(quote, self.rest().get(at..).unwrap_or_default()) {
                None => {
                    at = self.rest().len().max(at);
                    if at - begin > FIELD_LIMIT {
                        return Ok(Scanned::Flaw(FlawKind::TooLong));
                    }
                    if !self.fill()? {
                        return Ok(Scanned::Flaw(FlawKind::UnclosedQuote));
                    }
                }
                Some(found) => {
                    let close = at + found;
                    if self.byte(close + 1)? != Some(quote) {
                        break close;
                    }
                    escaped = true;
                    at = close + 2;
                }
            }
        };
        if close - begin > FIELD_LIMIT {
            return Ok(Scanned::Flaw(FlawKind::TooLong));
        }
        let after = close + 1;
        let scanned = match self.byte(after)? {
            None => Scanned::End { text: after, next: after },
            Some(byte) if byte == self.delimiter => Scanned::Delimiter(after + 1),
            Some(b'\n') => Scanned::End { text: after, next: after + 1 },
            Some(b'\r') => match self.byte(after + 1)? {
                None => Scanned::End { text: after, next: after + 1 },
                Some(b'\n') => Scanned::End { text: after, next: after + 2 },
                Some(_) => Scanned::Flaw(FlawKind::TextAfterQuote),
            },
            Some(_) => Scanned::Flaw(FlawKind::TextAfterQuote),
        };
        if !matches!(scanned, Scanned::Flaw(_)) {
            record.add_field(Span { start: begin + 1, end: close, quoted: true, escaped });
        }
        Ok(scanned)
    }

    fn unquoted_field(&mut self, begin: usize, record: &mut Record) -> Result<Scanned, FileError> {
        let mut at = begin;
        let (end, terminator) = loop {
            match memchr2(self.delimiter, b'\n', self.rest().get(at..).unwrap_or_default()) {
                Some(found) => break (at + found, self.rest().get(at + found).copied()),
                None => {
                    at = self.rest().len();
                    if at - begin > FIELD_LIMIT {
                        return Ok(Scanned::Flaw(FlawKind::TooLong));
                    }
                    if !self.fill()? {
                        break (at, None);
                    }
                }
            }
        };
        let mut text = end;
        let field = self.rest().get(begin..end).unwrap_or_default();
        if let Some(carriage) = memchr(b'\r', field) {
            let ends_record = terminator != Some(self.delimiter) && carriage + 1 == field.len();
            if !ends_record {
                return Ok(Scanned::Flaw(FlawKind::CarriageReturn));
            }
            text = begin + carriage;
        }
        record.add_field(Span { start: begin, end: text, quoted: false, escaped: false });
        Ok(match terminator {
            None => Scanned::End { text, next: end },
            Some(byte) if byte == self.delimiter => Scanned::Delimiter(end + 1),
            Some(_) => Scanned::End { text, next: end + 1 },
        })
    }

    /// Goes behind the line on which the flawed field begins.
    fn recover(&mut self, field_begin: usize, kind: FlawKind, record: &mut Record) -> Result<(), FileError> {
        let before = self.rest().get(..field_begin).unwrap_or_default();
        let lines = memchr_iter(b'\n', before).count() as u64;
        record.flaw = Some(Flaw { kind, field: record.len(), lines });
        let mut at = field_begin;
        loop {
            let rest = self.rest();
            if let Some(found) = memchr(b'\n', rest.get(at..).unwrap_or_default()) {
                let text = rest.get(..at + found).unwrap_or_default();
                record.append(text.strip_suffix(b"\r").unwrap_or(text));
                self.consume(at + found + 1);
                return Ok(());
            }
            at = rest.len();
            if at > RECORD_LIMIT {
                // What does not fit is left out of the raw text: nobody reads on for so long.
                record.append(rest);
                self.consume(at);
                self.skip_line()?;
                return Ok(());
            }
            if !self.fill()? {
                record.append(self.rest());
                self.consume(self.rest().len());
                return Ok(());
            }
        }
    }

    /// Goes behind the next line end; `false` when the file ends before.
    fn skip_line(&mut self) -> Result<bool, FileError> {
        loop {
            if let Some(found) = memchr(b'\n', self.rest()) {
                self.consume(found + 1);
                return Ok(true);
            }
            self.consume(self.rest().len());
            if !self.fill()? {
                return Ok(false);
            }
        }
    }

    fn rest(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    fn consume(&mut self, bytes: usize) {
        let consumed = self.rest().get(..bytes).unwrap_or_default();
        let (bytes, lines) = (consumed.len(), memchr_iter(b'\n', consumed).count() as u64);
        self.line += lines;
        self.offset += bytes as u64;
        self.start += bytes;
    }

    /// The byte at this distance from the beginning of the record; `None` behind the end of the file.
    fn byte(&mut self, at: usize) -> Result<Option<u8>, FileError> {
        while at >= self.rest().len() {
            if !self.fill()? {
                return Ok(None);
            }
        }
        Ok(self.rest().get(at).copied())
    }

    /// Reads more bytes behind those that are there; `false` at the end of the file.
    fn fill(&mut self) -> Result<bool, FileError> {
        if self.ended {
            return Ok(false);
        }
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        // Doubling keeps the work linear when one record is long.
        let before = self.buffer.len();
        let wanted = before.max(BLOCK);
        self.buffer.resize(before + wanted, 0);
        let free = self.buffer.get_mut(before..).unwrap_or_default();
        let read =
            compression::read_full(&mut self.reader, free).map_err(|error| FileError::reading(&self.path, &error))?;
        self.buffer.truncate(before + read);
        self.ended = read < wanted;
        Ok(read > 0)
    }
}

/// What ended a field; distances count from the beginning of the record.
enum Scanned {
    /// The next field begins there.
    Delimiter(usize),
    /// The text of the record ends at `text`, the next record begins at `next`.
    End { text: usize, next: usize },
    /// The field is flawed.
    Flaw(FlawKind),
}
