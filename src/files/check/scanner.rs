//! The grammar of [`super::super::records`] as a machine that takes any pieces of a file and only counts.
//!
//! A word of 64 bytes is read through bit masks; a word in which something is unusual is read byte by byte.

use memchr::memchr;

use super::super::record::{FIELD_LIMIT, FlawKind, RECORD_LIMIT};
use super::masks::{WORD, below, places, prefix_parity};

/// Bytes that are looked at by one pass after the other while they are in the nearest cache.
const PIECE: usize = 1 << 14;

/// Where the machine stands between two bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the beginning of a field.
    Start,
    /// In an unquoted field.
    Unquoted,
    /// In a quoted field.
    Quoted,
    /// Behind a quote in a quoted field: it closes the field or doubles.
    Quote,
    /// Behind a carriage return outside quotes; the flag tells whether the field was quoted.
    Carriage(bool),
}

/// What is wrong with the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A record has another number of fields than the file has columns.
    Fields,
    /// A field is not written well.
    Flaw(FlawKind),
    /// A NUL byte.
    Nul,
    /// Bytes that are not UTF-8.
    Encoding,
}

/// What is wrong and where; offsets count decompressed bytes from the beginning of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) kind: Kind,
    /// Records before this one.
    pub(super) records: u64,
    /// Fields of the record before the one to blame.
    pub(super) fields: u64,
    pub(super) record_start: u64,
    pub(super) field_start: u64,
}

/// Counts records and stops at the first trouble.
#[derive(Debug, Clone)]
pub(super) struct Scanner {
    delimiter: u8,
    quote: Option<u8>,
    columns: u64,
    state: State,
    /// Delimiters of the record so far.
    fields: u64,
    record_start: u64,
    field_start: u64,
    offset: u64,
    /// Records, blank lines of files with several columns not among them.
    pub(super) records: u64,
    /// Blank lines.
    pub(super) blank: u64,
    /// Records with an odd number of quotes.
    pub(super) odd_quotes: u64,
    odd: bool,
    /// An unfinished UTF-8 sequence.
    unfinished: Vec<u8>,
}

impl Scanner {
    /// A machine for a file of so many columns, at the beginning of a record.
    pub(super) fn new(delimiter: u8, quote: Option<u8>, columns: u64, offset: u64) -> Self {
        Self {
            delimiter,
            quote,
            columns,
            state: State::Start,
            fields: 0,
            record_start: offset,
            field_start: offset,
            offset,
            records: 0,
            blank: 0,
            odd_quotes: 0,
            odd: false,
            unfinished: Vec::new(),
        }
    }

    /// Whether the next byte begins a record.
    pub(super) fn is_between_records(&self) -> bool {
        self.state == State::Start && self.record_start == self.offset
    }

    /// Takes over what another machine found behind this one, which stands between records.
    pub(super) fn adopt(&mut self, later: Self) {
        let (records, blank, odd_quotes) = (self.records, self.blank, self.odd_quotes);
        *self = later;
        self.records += records;
        self.blank += blank;
        self.odd_quotes += odd_quotes;
    }

    /// Reads the next bytes of the file.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        for piece in bytes.chunks(PIECE) {
            self.feed_piece(piece)?;
            self.check_length()?;
        }
        Ok(())
    }

    /// Ends the file.
    pub(super) fn finish(&mut self) -> Result<(), Trouble> {
        if !self.unfinished.is_empty() {
            return Err(self.trouble(Kind::Encoding));
        }
        if self.state == State::Quoted {
            return Err(self.trouble(Kind::Flaw(FlawKind::UnclosedQuote)));
        }
        if self.is_between_records() {
            return Ok(());
        }
        self.end_record(self.offset, matches!(self.state, State::Carriage(_)))
    }

    fn feed_piece(&mut self, piece: &[u8]) -> Result<(), Trouble> {
        let nul = memchr(0, piece);
        let broken = self.check_encoding(piece);
        let Some(bad) = nul.into_iter().chain(broken).min() else { return self.scan(piece) };
        // What stands before the bad byte comes first.
        self.scan(piece.get(..bad).unwrap_or_default())?;
        Err(self.trouble(if nul == Some(bad) { Kind::Nul } else { Kind::Encoding }))
    }

    /// The first byte of the piece that makes it no UTF-8.
    fn check_encoding(&mut self, piece: &[u8]) -> Option<usize> {
        let mut rest = piece;
        while !self.unfinished.is_empty() {
            let (first, after) = rest.split_first()?;
            self.unfinished.push(*first);
            match std::str::from_utf8(&self.unfinished) {
                Ok(_) => self.unfinished.clear(),
                Err(error) if error.error_len().is_none() => {}
                Err(_) => return Some(piece.len() - rest.len()),
            }
            rest = after;
        }
        if rest.is_ascii() {
            return None;
        }
        let error = std::str::from_utf8(rest).err()?;
        let valid = error.valid_up_to();
        if error.error_len().is_some() {
            return Some(piece.len() - rest.len() + valid);
        }
        self.unfinished.extend_from_slice(rest.get(valid..).unwrap_or_default());
        None
    }

    fn scan(&mut self, piece: &[u8]) -> Result<(), Trouble> {
        let quotes = self.quote.filter(|quote| memchr(*quote, piece).is_some());
        let carriages = memchr(b'\r', piece).is_some();
        let (words, rest) = piece.as_chunks::<WORD>();
        for word in words {
            self.scan_word(word, quotes, carriages)?;
        }
        self.scan_bytes(rest)
    }

    fn scan_word(&mut self, word: &[u8; WORD], quotes: Option<u8>, carriages: bool) -> Result<(), Trouble> {
        let mut delimiters = places(word, self.delimiter);
        let mut newlines = places(word, b'\n');
        let carriage = if carriages { places(word, b'\r') } else { 0 };
        let mut quoted = if self.state == State::Quoted { u64::MAX } else { 0 };
        let mut closing = 0;
        if let Some(quote) = quotes {
            let quote = places(word, quote);
            quoted ^= prefix_parity(quote);
            closing = quote & !quoted;
            let opening = quote & quoted;
            let breaks = (delimiters | newlines) & !quoted;
            let behind_break = breaks << 1 | u64::from(self.state == State::Start);
            let behind_close = closing << 1 | u64::from(self.state == State::Quote);
            let misplaced = opening & !(behind_break | behind_close);
            let text_after = behind_close & !(breaks | opening | carriage);
            if misplaced | text_after != 0 {
                return self.scan_bytes(word);
            }
        } else if self.state == State::Quote {
            return self.scan_bytes(word);
        }
        delimiters &= !quoted;
        newlines &= !quoted;
        let carriage = carriage & !quoted;
        if matches!(self.state, State::Carriage(_)) || carriage << 1 & !newlines != 0 {
            return self.scan_bytes(word);
        }

        let base = self.offset;
        let breaks = delimiters | newlines;
        if breaks != 0 && base + u64::from(breaks.trailing_zeros()) - self.field_start > FIELD_LIMIT as u64 {
            return Err(self.trouble(Kind::Flaw(FlawKind::TooLong)));
        }
        while newlines != 0 {
            let place = newlines.trailing_zeros();
            let before = below(place);
            self.fields += u64::from((delimiters & before).count_ones());
            delimiters &= !before;
            newlines &= newlines - 1;
            self.offset = base + u64::from(place);
            let carriage_before = place > 0 && carriage >> (place - 1) & 1 == 1;
            self.end_record(self.offset, carriage_before)?;
            self.record_start = self.offset + 1;
        }
        self.fields += u64::from(delimiters.count_ones());
        self.offset = base + WORD as u64;
        if breaks != 0 {
            self.field_start = self.offset - u64::from(breaks.leading_zeros());
        }
        if self.fields >= self.columns {
            return Err(self.trouble(Kind::Fields));
        }
        const LAST: u64 = 1 << (WORD - 1);
        self.state = if quoted & LAST != 0 {
            State::Quoted
        } else if closing & LAST != 0 {
            State::Quote
        } else if breaks & LAST != 0 {
            State::Start
        } else if carriage & LAST != 0 {
            State::Carriage(closing & LAST >> 1 != 0)
        } else {
            State::Unquoted
        };
        Ok(())
    }

    /// A field or a record must not be too long, whether it has ended or goes on.
    #[inline]
    fn check_length(&self) -> Result<(), Trouble> {
        let (field, record) = (self.offset - self.field_start, self.offset - self.record_start);
        if field > FIELD_LIMIT as u64 || record > RECORD_LIMIT as u64 {
            return Err(self.trouble(Kind::Flaw(FlawKind::TooLong)));
        }
        Ok(())
    }

    fn scan_bytes(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        for byte in bytes {
            self.step(*byte)?;
            self.offset += 1;
        }
        Ok(())
    }

    #[inline]
    fn step(&mut self, byte: u8) -> Result<(), Trouble> {
        let is_quote = self.quote == Some(byte);
        if self.state == State::Quoted {
            if is_quote {
                self.state = State::Quote;
            }
            return Ok(());
        }
        if byte == b'\n' {
            self.check_length()?;
            self.end_record(self.offset, matches!(self.state, State::Carriage(_)))?;
            self.record_start = self.offset + 1;
            self.field_start = self.offset + 1;
            self.state = State::Start;
            return Ok(());
        }
        match self.state {
            State::Carriage(true) => return Err(self.trouble(Kind::Flaw(FlawKind::TextAfterQuote))),
            State::Carriage(false) => return Err(self.trouble(Kind::Flaw(FlawKind::CarriageReturn))),
            _ => {}
        }
        if byte == self.delimiter {
            self.check_length()?;
            self.fields += 1;
            if self.fields >= self.columns {
                return Err(self.trouble(Kind::Fields));
            }
            self.field_start = self.offset + 1;
            self.state = State::Start;
            return Ok(());
        }
        self.state = match (self.state, byte) {
            (State::Start, _) if is_quote => State::Quoted,
            (State::Quote, _) if is_quote => State::Quoted,
            (State::Quote, b'\r') => State::Carriage(true),
            (State::Quote, _) => return Err(self.trouble(Kind::Flaw(FlawKind::TextAfterQuote))),
            (_, b'\r') => State::Carriage(false),
            _ => {
                self.odd ^= is_quote;
                State::Unquoted
            }
        };
        Ok(())
    }

    /// Counts the record that ends before the byte at `end`.
    #[inline]
    fn end_record(&mut self, end: u64, carriage_before: bool) -> Result<(), Trouble> {
        if self.fields + 1 != self.columns {
            let characters = end - self.record_start;
            let blank = self.fields == 0 && (characters == 0 || characters == 1 && carriage_before);
            if !blank {
                return Err(self.trouble(Kind::Fields));
            }
            self.blank += 1;
            return Ok(());
        }
        self.records += 1;
        self.fields = 0;
        self.odd_quotes += u64::from(std::mem::take(&mut self.odd));
        Ok(())
    }

    fn trouble(&self, kind: Kind) -> Trouble {
        Trouble {
            kind,
            records: self.records,
            fields: self.fields,
            record_start: self.record_start,
            field_start: self.field_start,
        }
    }
}
