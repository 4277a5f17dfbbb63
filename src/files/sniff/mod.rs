//! What a file is: its compression, encoding, format and dialect, told from its first bytes.

mod dialect;
mod magic;

use std::fmt;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use memchr::{memchr, memchr_iter};
use serde::{Deserialize, Serialize};

use super::compression::{self, Compression};
use super::encoding::{self, Encoding, Guess};
use super::error::FileError;
use super::record::Record;
use super::records::Records;
use super::tables::{self, FoundTable, GridRow};
use super::transcode;
use crate::relation::CsvFormat;
pub use dialect::Dialect;

/// Decompressed bytes that are looked at.
const SAMPLE: usize = 256 << 10;

/// The format of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Text with a delimiter, a tab for example.
    Csv,
    /// One JSON object a line.
    Ndjson,
    /// Apache Parquet.
    Parquet,
    /// Arrow IPC, also called Feather.
    Arrow,
    /// A workbook of Excel or LibreOffice.
    Workbook,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
            Self::Parquet => "parquet",
            Self::Arrow => "arrow",
            Self::Workbook => "workbook",
        })
    }
}

/// What is known before the file is looked at; it is believed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Given {
    /// The format.
    pub format: Option<Format>,
    /// The encoding.
    pub encoding: Option<Encoding>,
    /// The delimiter of CSV.
    pub delimiter: Option<u8>,
    /// The quote of CSV; `Some(None)`: there is none.
    pub quote: Option<Option<u8>>,
    /// Whether the first record of a CSV file names the columns.
    pub header: Option<bool>,
    /// Lines left out before it.
    pub skip_rows: u64,
    /// Which of several tables in a CSV file is meant: its title, or its number from 1.
    pub table: Option<String>,
}

/// What a file is.
#[derive(Debug, Clone, PartialEq)]
pub struct Sniffed {
    /// How it is compressed, told from its first bytes.
    pub compression: Compression,
    /// How its characters are written.
    pub encoding: Encoding,
    /// Whether it begins with a byte order mark.
    pub byte_order_mark: bool,
    /// Whether its lines end with carriage returns alone, as on the Macintosh before 2001.
    pub carriage_returns: bool,
    /// Its format.
    pub format: Format,
    /// How its fields are written, when it is CSV.
    pub dialect: Option<Dialect>,
    /// Lines before the table, when it is CSV.
    pub skip_rows: u64,
    /// The last line of the table, where something else follows.
    pub last_line: Option<u64>,
    /// The tables that were found in a CSV file, where there is more than one, or something around it.
    pub tables: Vec<FoundTable>,
    /// Why it was taken for that, in sentences.
    pub reasons: Vec<String>,
    /// What a person should look at.
    pub warnings: Vec<String>,
}

impl Sniffed {
    /// Whether the file has to go through [`super::transcode`] before an engine can read it.
    pub fn needs_transcoding(&self) -> bool {
        self.encoding != Encoding::Utf8 || self.carriage_returns
    }

    /// The layout of the file, when it is CSV.
    pub fn csv_format(&self, null_values: &[String], decimal_comma: Option<bool>) -> Option<CsvFormat> {
        let dialect = self.dialect?;
        Some(CsvFormat {
            delimiter: dialect.delimiter,
            quote: dialect.quote,
            header: dialect.header,
            skip_rows: self.skip_rows,
            null_values: null_values.to_vec(),
            decimal_comma: decimal_comma.unwrap_or(dialect.decimal_comma),
        })
    }
}

/// Looks at the first 256 KiB of the decompressed file and tells what it is.
///
/// Errors, all of them [`crate::diagnostic::Class::Data`]: the file cannot be read, is empty, or is cut off; it is something
/// that is not read (a workbook, an archive, a PDF document ..); its text is not UTF-8 and no encoding was given.
pub fn sniff(path: &Path, given: &Given) -> Result<Sniffed, FileError> {
    let name = path.display();
    let mut reasons = Vec::new();
    let mut warnings = Vec::new();
    let mut magic = vec![0; 4096];
    let mut file = compression::open_file(path)?;
    let reading = |error| FileError::reading(path, &error);
    let read = compression::read_full(&mut file, &mut magic).map_err(reading)?;
    magic.truncate(read);
    if magic.is_empty() {
        return Err(FileError::data(format!("`{name}` is empty")).help("leave the file out"));
    }
    let compression = Compression::of_bytes(&magic);
    if compression != Compression::Plain {
        reasons.push(format!("the first bytes are those of {compression}"));
    }
    if compression != Compression::of_name(path) {
        warnings.push(format!(
            "the name `{name}` promises a {} file, but its first bytes are those of a {compression} file",
            Compression::of_name(path)
        ));
    }
    let (sample, whole) = sample(path, compression)?;
    if sample.is_empty() {
        return Err(FileError::data(format!("`{name}` is empty once it is decompressed")).help("leave the file out"));
    }
    if sample.starts_with(b"PAR1") && given.format != Some(Format::Csv) {
        whole_parquet(path, compression)?;
        super::parquet::check_footer(path)?;
        reasons.push("it begins and ends with `PAR1`".to_owned());
        return Ok(told(compression, Format::Parquet, reasons, warnings));
    }
    // A text may begin like this too (`PARENT,CHILD`), but hardly end so.
    if sample.starts_with(b"PARE") && compression == Compression::Plain && &last_four(path)? == b"PARE" {
        return Err(encrypted(path));
    }
    if given.format == Some(Format::Parquet) {
        return Err(FileError::data(format!("`{name}` is no Parquet file: it does not begin with `PAR1`")));
    }
    if given.format != Some(Format::Csv)
        && let Some((format, why)) = magic::container(&sample)
    {
        if compression != Compression::Plain {
            return Err(FileError::data(format!("`{name}` is {why} inside {compression}")).help("unpack it"));
        }
        reasons.push(format!("the first bytes are those of {why}"));
        return Ok(told(compression, format, reasons, warnings));
    }
    if matches!(given.format, Some(Format::Arrow | Format::Workbook)) {
        return Err(FileError::data(format!(
            "`{name}` is no {} file: its first bytes are others",
            given.format.unwrap_or(Format::Csv)
        ))
        .help("leave `format` out, and it is told from the file"));
    }
    if let Some((what, help)) = magic::foreign(&sample) {
        return Err(FileError::data(format!("`{name}` is {what}, which is not read")).help(help));
    }

    let (encoding, mark) = encoding_of(path, &sample, whole, given, &mut reasons)?;
    let text = transcode::decode_sample(sample.get(mark..).unwrap_or_default(), encoding);
    if text.trim_ascii().is_empty() && whole {
        return Err(FileError::data(format!("`{name}` holds nothing but blank lines")).help("leave the file out"));
    }
    let format = given.format.unwrap_or_else(|| format_of(path, &text, whole, &mut reasons));
    let mut sniffed = Sniffed { encoding, byte_order_mark: mark > 0, ..told(compression, format, reasons, warnings) };
    if format == Format::Csv {
        let carriages = memchr_iter(b'\r', &text).count();
        sniffed.carriage_returns =
            carriages > 0 && memchr(b'\n', &text).is_none() && !(carriages == 1 && text.ends_with(b"\r"));
        let text = if sniffed.carriage_returns { with_line_feeds(&text) } else { text };
        let (dialect, why) = dialect::dialect(&text, path, given)?;
        sniffed.skip_rows = given.skip_rows;
        match choose_table(&mut sniffed, &text, whole, path, given, dialect)? {
            Some((dialect, why)) => {
                sniffed.reasons.extend(why);
                sniffed.dialect = Some(dialect);
            }
            None => {
                sniffed.reasons.extend(why);
                sniffed.dialect = Some(dialect);
            }
        }
        if sniffed.carriage_returns {
            sniffed.reasons.push("lines end with carriage returns alone".to_owned());
        }
    }
    Ok(sniffed)
}

/// Whether the first record of a copy in CSV names the columns, and why.
///
/// Errors: the copy cannot be read.
pub fn header_of_copy(path: &Path, given: &Given) -> Result<(bool, String), FileError> {
    let (sample, _) = sample(path, Compression::Plain)?;
    let (dialect, reasons) = dialect::dialect(&sample, path, given)?;
    Ok((dialect.header, reasons.last().cloned().unwrap_or_default()))
}

/// Finds the table in a text that holds titles, notes or other tables, too; gives the dialect of the table, where it is not all.
fn choose_table(
    sniffed: &mut Sniffed,
    text: &[u8],
    whole: bool,
    path: &Path,
    given: &Given,
    dialect: Dialect,
) -> Result<Option<(Dialect, Vec<String>)>, FileError> {
    let stated = given.skip_rows > 0 || given.header.is_some();
    if stated && given.table.is_none() {
        return Ok(None);
    }
    let (rows, complete) = grid(text, path, dialect, whole)?;
    if given.table.is_none() && rows.iter().all(|row| row.cells.len() < 2) {
        // Lines of one column hold everything: nothing tells titles from values.
        return Ok(None);
    }
    let found = tables::find(&rows, complete, false);
    let simple = match found.as_slice() {
        [only] => only.first_row == rows.first().map_or(1, |row| row.number) && !goes_on(&rows, only),
        _ => found.is_empty(),
    };
    let first_filled =
        rows.iter().find(|row| row.cells.iter().any(|cell| !cell.trim().is_empty())).map(|row| row.number);
    let simple =
        simple || matches!(found.as_slice(), [only] if Some(only.first_row) == first_filled && !goes_on(&rows, only));
    if given.table.is_none() && simple {
        return Ok(None);
    }
    let name = format!("`{}`", path.display());
    let table = tables::choose(&found, given.table.as_deref(), "line", &name)?.clone();
    sniffed.skip_rows = table.first_row - 1;
    sniffed.last_line = table.last_row.filter(|_| goes_on(&rows, &table));
    sniffed.reasons.push(format!("the table is {}: {}", table.describe("line"), table.because));
    if given.table.is_none() {
        let left_out = match sniffed.last_line {
            Some(last) if table.first_row > 1 => format!("the lines before {} and after {last}", table.first_row),
            Some(last) => format!("the lines after {last}"),
            None => format!("the first {} lines", table.first_row - 1),
        };
        sniffed.warnings.push(format!("{name}: {left_out} are left out: {}", table.because));
    }
    sniffed.tables = found;
    let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
    let end = sniffed.last_line.and_then(|last| usize::try_from(last).ok()).unwrap_or(lines.len()).min(lines.len());
    let until = lines.get(..end).unwrap_or_default().concat();
    let within = Given { skip_rows: sniffed.skip_rows, ..given.clone() };
    dialect::dialect(&until, path, &within).map(Some)
}

/// Whether something stands below the table.
fn goes_on(rows: &[GridRow], table: &FoundTable) -> bool {
    let is_filled = |row: &GridRow| row.cells.iter().any(|cell| !cell.trim().is_empty());
    table.last_row.is_some_and(|last| rows.iter().any(|row| row.number > last && is_filled(row)))
}

/// The records of the beginning of a file, and whether they are all.
fn grid(text: &[u8], path: &Path, dialect: Dialect, whole: bool) -> Result<(Vec<GridRow>, bool), FileError> {
    let format = CsvFormat {
        delimiter: dialect.delimiter,
        quote: dialect.quote,
        header: false,
        skip_rows: 0,
        null_values: Vec::new(),
        decimal_comma: false,
    };
    let mut records = Records::of_bytes(text.to_vec(), path, &format)?;
    let mut record = Record::default();
    let mut rows = Vec::new();
    while records.read(&mut record)? {
        let value = |at| String::from_utf8_lossy(&record.value(at).unwrap_or_default()).into_owned();
        rows.push(GridRow { number: record.line, cells: (0..record.len()).map(value).collect() });
    }
    if !whole {
        // The last record may be cut.
        rows.pop();
    }
    Ok((rows, whole))
}

fn told(compression: Compression, format: Format, reasons: Vec<String>, warnings: Vec<String>) -> Sniffed {
    Sniffed {
        compression,
        encoding: Encoding::Utf8,
        byte_order_mark: false,
        carriage_returns: false,
        format,
        dialect: None,
        skip_rows: 0,
        last_line: None,
        tables: Vec::new(),
        reasons,
        warnings,
    }
}

/// The first bytes once decompressed, and whether they are all.
fn sample(path: &Path, compression: Compression) -> Result<(Vec<u8>, bool), FileError> {
    let mut reader = compression::open(path, compression)?;
    let mut sample = vec![0; SAMPLE];
    let read = compression::read_full(&mut reader, &mut sample).map_err(|error| FileError::reading(path, &error))?;
    sample.truncate(read);
    Ok((sample, read < SAMPLE))
}

/// Refuses a Parquet file that is compressed as a whole, encrypted or cut off.
fn whole_parquet(path: &Path, compression: Compression) -> Result<(), FileError> {
    let name = path.display();
    if compression != Compression::Plain {
        return Err(FileError::data(format!("`{name}` is a Parquet file inside {compression}"))
            .help("unpack it; Parquet files are compressed within"));
    }
    match &last_four(path)? {
        b"PAR1" => Ok(()),
        b"PARE" => Err(encrypted(path)),
        _ => Err(FileError::data(format!(
            "`{name}` is cut off: it begins like a Parquet file, but does not end like one"
        ))
        .help("copy or download the file again")),
    }
}

/// The last four bytes of a file; zeros where it is too short for a Parquet file.
fn last_four(path: &Path) -> Result<[u8; 4], FileError> {
    let reading = |error| FileError::reading(path, &error);
    let mut file = compression::open_file(path)?;
    let size = file.metadata().map_err(reading)?.len();
    let mut end = [0; 4];
    if size >= 12 {
        file.seek(SeekFrom::End(-4)).map_err(reading)?;
        file.read_exact(&mut end).map_err(reading)?;
    }
    Ok(end)
}

fn encrypted(path: &Path) -> FileError {
    FileError::data(format!("`{}` is an encrypted Parquet file, which is not read", path.display()))
        .help("decrypt it with the program that wrote it")
}

fn encoding_of(
    path: &Path,
    sample: &[u8],
    whole: bool,
    given: &Given,
    reasons: &mut Vec<String>,
) -> Result<(Encoding, usize), FileError> {
    let guess = encoding::guess(sample, whole);
    if let Some(encoding) = given.encoding {
        return Ok((
            encoding,
            if let Guess::Mark(found, length) = guess
                && found == encoding
            {
                length
            } else {
                0
            },
        ));
    }
    match guess {
        Guess::Mark(encoding, length) => {
            reasons.push(format!("the byte order mark is that of {encoding}"));
            Ok((encoding, length))
        }
        Guess::Pattern(encoding) => {
            reasons.push(format!("every second byte is NUL, as in {encoding}"));
            Ok((encoding, 0))
        }
        Guess::Utf8 => Ok((Encoding::Utf8, 0)),
        Guess::Utf32 => {
            Err(FileError::data(format!("`{}` is UTF-32, which is not read", path.display())).help("save it as UTF-8"))
        }
        Guess::Unknown(at) => {
            let before = sample.get(..at).unwrap_or_default();
            let line = memchr_iter(b'\n', before).count() + 1;
            let byte = sample.get(at).copied().unwrap_or_default();
            Err(FileError::data(format!(
                "`{}` is not UTF-8: byte 0x{byte:02x} in line {line} belongs to no character",
                path.display()
            ))
            .help("name the encoding: `encoding: latin-1` or `encoding: windows-1252` for most Western European files"))
        }
    }
}

fn format_of(path: &Path, text: &[u8], whole: bool, reasons: &mut Vec<String>) -> Format {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let promised = [".ndjson", ".jsonl", ".json"].iter().any(|extension| name.contains(extension));
    let text = text.trim_ascii_start();
    let mut lines = text.split(|byte| *byte == b'\n');
    let first = lines.next().unwrap_or_default().trim_ascii();
    let cut = lines.next().is_none() && !whole;
    let object = first.starts_with(b"{")
        && (cut || serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(first).is_ok());
    if object || promised && first.starts_with(b"{") {
        reasons.push("the first line is a JSON object".to_owned());
        Format::Ndjson
    } else {
        Format::Csv
    }
}

fn with_line_feeds(text: &[u8]) -> Vec<u8> {
    text.iter().map(|byte| if *byte == b'\r' { b'\n' } else { *byte }).collect()
}

#[cfg(test)]
mod tests;
