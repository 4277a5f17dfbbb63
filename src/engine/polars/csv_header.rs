//! The headers of CSV files that are read together: columns are matched by place, so all headers must be alike.

use std::io::BufRead;
use std::path::{Path, PathBuf};

use super::error::os_reason;
use super::text_file::open;
use crate::diagnostic::Class;
use crate::engine::EngineError;
use crate::relation::{CsvFormat, FileScan};

/// The files that hold at least one line, after their headers were compared with the first one's.
///
/// Errors: a file cannot be opened, or its header is another one than the first file's or has another number of columns than
/// the file schema. Cost: the first lines of each file.
pub(super) fn check_headers<'f>(files: &'f FileScan, format: &CsvFormat) -> Result<Vec<&'f PathBuf>, EngineError> {
    let mut filled = Vec::with_capacity(files.paths.len());
    let mut first: Option<(&Path, csv::StringRecord)> = None;
    for path in &files.paths {
        let Some(header) = first_record(path, format)? else { continue };
        filled.push(path);
        if !format.header {
            continue;
        }
        match &first {
            None => {
                let (found, expected) = (header.len(), files.file_schema.len());
                if found != expected {
                    let found = if found == 1 { "1 column".to_owned() } else { format!("{found} columns") };
                    return Err(EngineError::new(
                        Class::Data,
                        format!("{} has {found}, but {expected} were expected", path.display()),
                    ));
                }
                first = Some((path, header));
            }
            Some((first_path, first_header)) if *first_header != header => {
                let differs = first_header.iter().zip(&header).position(|(a, b)| a != b);
                let what = match differs.and_then(|i| Some((i + 1, header.get(i)?, first_header.get(i)?))) {
                    Some((i, theirs, ours)) => format!("column {i} is `{theirs}` there and `{ours}` here"),
                    None => format!("{} columns there and {} here", header.len(), first_header.len()),
                };
                return Err(EngineError::new(
                    Class::Data,
                    format!("{} has another header than {}: {what}", path.display(), first_path.display()),
                )
                .help("read files with different columns by separate stages and `union` them"));
            }
            Some(_) => {}
        }
    }
    Ok(filled)
}

/// The first record after the lines to skip; none when the file ends before.
fn first_record(path: &Path, format: &CsvFormat) -> Result<Option<csv::StringRecord>, EngineError> {
    let cannot = |reason: &str| EngineError::new(Class::Data, format!("cannot read {}: {reason}", path.display()));
    let failed = |error: std::io::Error| cannot(&os_reason(&error));
    let mut reader = open(path).map_err(failed)?;
    let mut line = Vec::new();
    for _ in 0..format.skip_rows {
        line.clear();
        if reader.read_until(b'\n', &mut line).map_err(failed)? == 0 {
            return Ok(None);
        }
    }
    let mark = [0xEF, 0xBB, 0xBF];
    if reader.fill_buf().map_err(failed)?.starts_with(&mark) {
        reader.consume(mark.len());
    }
    let mut builder = csv::ReaderBuilder::new();
    builder.has_headers(false).flexible(true).delimiter(format.delimiter).quoting(format.quote.is_some());
    if let Some(quote) = format.quote {
        builder.quote(quote);
    }
    let mut record = csv::ByteRecord::new();
    match builder.from_reader(reader).read_byte_record(&mut record) {
        Ok(true) => Ok(Some(record.iter().map(String::from_utf8_lossy).collect::<Vec<_>>().into())),
        Ok(false) => Ok(None),
        Err(error) => Err(cannot(&error.to_string())),
    }
}
