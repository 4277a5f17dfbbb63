//! Delimiter, quote, header and decimal mark of a CSV file, told from its first records.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use super::Given;
use crate::files::error::{FileError, counted, shown};
use crate::files::record::{FlawKind, Record};
use crate::files::records::Records;
use crate::files::value::{Token, token};
use crate::relation::CsvFormat;

/// Records that are compared.
const RECORDS: usize = 1000;

/// How the fields of a CSV file are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// The byte between fields.
    pub delimiter: u8,
    /// The byte around fields, if any.
    pub quote: Option<u8>,
    /// Whether the first record names the columns.
    pub header: bool,
    /// Whether numbers are written with a decimal comma.
    pub decimal_comma: bool,
}

/// Tells the dialect of the text, which is the beginning of a file in UTF-8. Tells why, too.
pub(super) fn dialect(text: &[u8], path: &Path, given: &Given) -> Result<(Dialect, Vec<String>), FileError> {
    let mut best: Option<Candidate> = None;
    for delimiter in delimiters(path, given) {
        for quote in quotes(text, delimiter, given) {
            let mut candidate = Candidate::of(text, path, given, delimiter, quote)?;
            if given.quote.is_none() && candidate.quotes_are_text() {
                candidate = Candidate::of(text, path, given, delimiter, None)?;
            }
            if best.as_ref().is_none_or(|best| candidate.score > best.score) {
                best = Some(candidate);
            }
        }
    }
    let Some(best) = best else {
        return Err(FileError::definition("no delimiter is left to try"));
    };
    let mut reasons = vec![best.why()];
    if given.delimiter.is_some() {
        reasons = vec![format!("the delimiter is {}, as given", named(best.delimiter))];
    }
    if best.quote != Some(b'"') && given.quote.is_none() {
        reasons.push(match best.quote {
            Some(quote) => format!("fields are quoted with `{}`", char::from(quote)),
            None => "double quotes do not come in pairs here, so they are text".to_owned(),
        });
    }
    let decimal_comma = best.delimiter != b',' && best.has_decimal_commas();
    if decimal_comma {
        reasons.push("numbers are written with a decimal comma".to_owned());
    }
    let header = match given.header {
        Some(header) => header,
        None => {
            let (header, reason) = best.header(decimal_comma);
            reasons.push(reason);
            header
        }
    };
    Ok((Dialect { delimiter: best.delimiter, quote: best.quote, header, decimal_comma }, reasons))
}

fn delimiters(path: &Path, given: &Given) -> Vec<u8> {
    if let Some(delimiter) = given.delimiter {
        return vec![delimiter];
    }
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    if name.contains(".tsv") || name.contains(".tab") {
        return vec![b'\t', b',', b';', b'|'];
    }
    vec![b',', b';', b'\t', b'|']
}

fn quotes(text: &[u8], delimiter: u8, given: &Given) -> Vec<Option<u8>> {
    if let Some(quote) = given.quote {
        return vec![quote];
    }
    let has = |needle: &[u8]| memchr::memmem::find(text, needle).is_some();
    let closes = has(&[b'\'', delimiter]) || has(b"'\n") || has(b"'\r\n");
    let opens = has(&[delimiter, b'\'']) || has(b"\n'") || text.starts_with(b"'");
    if memchr::memchr(b'"', text).is_none() && opens && closes {
        vec![Some(b'"'), Some(b'\'')]
    } else {
        vec![Some(b'"')]
    }
}

/// How well a delimiter and a quote explain the text; compared field by field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Score {
    /// There are at least two columns.
    divides: bool,
    /// Records in a hundred with the usual number of fields.
    consistent: u32,
    /// The first record has it, too.
    first: bool,
    /// Single quotes come in pairs: an explanation that needs them is a better one.
    quoted: bool,
    /// Fields in a hundred that are numbers, dates or booleans.
    typed: u32,
    /// Columns.
    columns: usize,
}

struct Candidate {
    delimiter: u8,
    quote: Option<u8>,
    rows: Vec<Vec<Vec<u8>>>,
    columns: usize,
    /// Fields in quotes that are well formed.
    quoted: usize,
    /// Records that are not.
    flawed: usize,
    score: Score,
}

impl Candidate {
    fn of(text: &[u8], path: &Path, given: &Given, delimiter: u8, quote: Option<u8>) -> Result<Self, FileError> {
        let format = CsvFormat {
            delimiter,
            quote,
            header: true,
            skip_rows: given.skip_rows,
            null_values: Vec::new(),
            decimal_comma: false,
        };
        let mut records = Records::of_bytes(text.to_vec(), path, &format)?;
        let mut record = Record::default();
        let mut rows: Vec<Vec<Vec<u8>>> = Vec::new();
        let (mut counts, mut flawed, mut quoted) = (BTreeMap::<usize, usize>::new(), 0usize, 0usize);
        while rows.len() < RECORDS && records.read(&mut record)? {
            match record.flaw {
                // The sample may end within a quoted field.
                Some(flaw) if flaw.kind == FlawKind::UnclosedQuote && !rows.is_empty() => break,
                Some(_) => flawed += 1,
                None if record.is_blank() => {}
                None => {
                    *counts.entry(record.len()).or_default() += 1;
                    let field = |i| record.value(i).unwrap_or_default().into_owned();
                    quoted += (0..record.len()).filter(|i| record.is_quoted(*i)).count();
                    rows.push((0..record.len()).map(field).collect());
                }
            }
        }
        let (columns, usual) = counts.iter().max_by_key(|(_, count)| **count).map_or((1, 0), |(len, n)| (*len, *n));
        let all = (rows.len() + flawed).max(1);
        let decimal_comma = delimiter != b',';
        let (mut typed, mut fields) = (0usize, 0usize);
        for value in rows.iter().take(100).flatten().filter(|value| !value.is_empty()) {
            fields += 1;
            typed += usize::from(is_typed(value, false) || decimal_comma && is_typed(value, true));
        }
        let score = Score {
            divides: columns > 1 && usual > 0,
            consistent: percent(usual, all),
            first: rows.first().is_some_and(|row| row.len() == columns),
            quoted: quote == Some(b'\'') && quoted > 0,
            typed: percent(typed, fields.max(1)),
            columns,
        };
        Ok(Self { delimiter, quote, rows, columns, quoted, flawed, score })
    }

    /// Whether the quote is never used as one: a mark of inches, for example. One flaw alone is a broken record.
    fn quotes_are_text(&self) -> bool {
        self.quote.is_some() && self.quoted == 0 && self.flawed > 1
    }

    fn why(&self) -> String {
        if self.score.divides {
            format!(
                "the delimiter is {}: it makes {} in {} of 100 records",
                named(self.delimiter),
                counted(self.columns as u64, "field"),
                self.score.consistent
            )
        } else {
            "there is one column: no delimiter divides the records evenly".to_owned()
        }
    }

    fn has_decimal_commas(&self) -> bool {
        let fields = || self.rows.iter().flatten();
        fields().any(|value| value.contains(&b',') && token(value, true) == Token::Float)
            && !fields().any(|value| value.contains(&b'.') && token(value, false) == Token::Float)
    }

    /// Whether the first record names the columns, and why.
    fn header(&self, decimal_comma: bool) -> (bool, String) {
        let Some((first, rest)) = self.rows.split_first() else {
            return (true, "there is no record that could tell, so a header is expected".to_owned());
        };
        if rest.is_empty() {
            return (true, "the only record is taken for a header".to_owned());
        }
        let mut names = HashSet::new();
        if let Some(twice) = first.iter().find(|name| !name.is_empty() && !names.insert(name.as_slice()))
            && is_typed(twice, decimal_comma)
        {
            return (false, format!("there is no header: `{}` occurs twice in the first record", text(twice)));
        }
        let (mut with, mut without) = (None, None);
        let (mut votes_with, mut votes_without) = (0usize, 0usize);
        for (i, name) in first.iter().enumerate() {
            let column = || rest.iter().filter_map(|row| row.get(i)).filter(|value| !value.is_empty());
            let values = column().count();
            let typed = column().filter(|value| is_typed(value, decimal_comma)).count();
            if values == 0 || typed * 10 < values * 9 {
                continue;
            }
            if !is_typed(name, decimal_comma) {
                votes_with += 1;
                with.get_or_insert(name);
            } else if !is_year(name) || column().all(|value| is_year(value)) {
                votes_without += 1;
                without.get_or_insert(name);
            }
        }
        match (with, without) {
            (Some(name), _) if votes_with >= votes_without => {
                (true, format!("there is a header: `{}` stands over numbers, dates or booleans", text(name)))
            }
            (_, Some(value)) => (false, format!("there is no header: `{}` is like the values below it", text(value))),
            _ => (true, "all columns look like text, so the first record is taken for a header".to_owned()),
        }
    }
}

fn is_typed(value: &[u8], decimal_comma: bool) -> bool {
    !matches!(token(value, decimal_comma), Token::Text | Token::FloatWord)
}

fn is_year(value: &[u8]) -> bool {
    matches!(value, [b'1', b'8' | b'9', b'0'..=b'9', b'0'..=b'9'] | [b'2', b'0', b'0'..=b'9', b'0'..=b'9'])
}

fn percent(part: usize, whole: usize) -> u32 {
    u32::try_from(part * 100 / whole.max(1)).unwrap_or(100)
}

fn text(value: &[u8]) -> String {
    shown(&String::from_utf8_lossy(value))
}

fn named(delimiter: u8) -> String {
    if delimiter == b'\t' { "the tab".to_owned() } else { format!("`{}`", char::from(delimiter)) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn told(text: &str) -> (String, bool, bool) {
        let (dialect, _) = self::dialect(text.as_bytes(), Path::new("x"), &Given::default()).unwrap();
        let quote = dialect.quote.map_or("-".to_owned(), |quote| char::from(quote).to_string());
        (format!("{}{quote}", char::from(dialect.delimiter)), dialect.header, dialect.decimal_comma)
    }

    fn expect(text: &str, dialect: &str, header: bool, decimal_comma: bool) {
        assert_eq!(told(text), (dialect.to_owned(), header, decimal_comma), "{text}");
    }

    #[test]
    fn delimiters_are_told_by_consistency() {
        expect("a,b\n1,2\n3,4\n", ",\"", true, false);
        expect("a;b\n1;2,5\n3,5;4\n", ";\"", true, true);
        expect("1,5;2,5\n2,5;3,5\n", ";\"", false, true);
        expect("a\tb\n1, 2\tx\n3\ty\n", "\t\"", true, false);
        expect("a|b|c\n1|2|x,y\n", "|\"", true, false);
        expect("name\nx\ny\n", ",\"", true, false);
        expect("a;b\n\"x;y;z\";1\n\"u;v\";2\n", ";\"", true, false);
        expect("a,b\n'x, y',1\n'u',2\n", ",'", true, false);
    }

    #[test]
    fn quotes_that_do_not_pair_are_text() {
        expect("size\tn\n5\" pipe\t1\n\"x\t2\n7\" pipe\t3\n\"y\"z\t2\n", "\t-", true, false);
    }

    #[test]
    fn a_header_stands_over_values_of_another_type() {
        expect("id,name\n1,x\n2,y\n", ",\"", true, false);
        expect("1,x\n2,y\n3,z\n", ",\"", false, false);
        expect("country,2010,2011\nA,1.5,2\nB,2.5,3\n", ",\"", true, false);
        expect("city,name\nx,y\nz,u\n", ",\"", true, false);
        expect("0,0\n1,5\n", ",\"", false, false);
        expect("a,b\n", ",\"", true, false);
    }
}
