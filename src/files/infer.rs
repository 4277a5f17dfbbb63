//! The columns of CSV files: names and types, told from a sample.

use std::collections::{BTreeMap, HashSet};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::compression::{self, Compression};
use super::error::{FileError, counted, shown};
use super::evidence::Evidence;
use super::header::{Duplicates, settle_names};
use super::plan::{ColumnPlan, Conversion};
use super::record::{FlawKind, Record, wrong_number_of_fields};
use super::records::Records;
use super::value::{Expected, Nulls};
use crate::diagnostic::{Class, nearest};
use crate::expression::DataType;
use crate::relation::CsvFormat;

/// Bytes read in the middle and at the end of a large plain file.
const PROBE: usize = 256 << 10;

/// One file to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleFile {
    /// Where it is.
    pub path: PathBuf,
    /// How it is compressed.
    pub compression: Compression,
}

/// What is known of the columns before a file is looked at, and how far to look.
#[derive(Debug, Clone, PartialEq)]
pub struct InferOptions {
    /// The names of the columns, for files without a header or to replace it.
    pub names: Option<Vec<String>>,
    /// What happens when two columns have one name.
    pub duplicates: Duplicates,
    /// Declared types by column.
    pub types: BTreeMap<String, DataType>,
    /// Declared formats of date and datetime columns, with the directives of chrono.
    pub formats: BTreeMap<String, String>,
    /// Every column that is not declared is text.
    pub all_string: bool,
    /// Rows to look at from the beginning, over all files.
    pub rows: u64,
    /// Decompressed bytes to look at from the beginning, over all files.
    pub bytes: u64,
}

impl Default for InferOptions {
    fn default() -> Self {
        Self {
            names: None,
            duplicates: Duplicates::Error,
            types: BTreeMap::new(),
            formats: BTreeMap::new(),
            all_string: false,
            rows: 20_000,
            bytes: 8 << 20,
        }
    }
}

/// The columns of a set of files with one layout.
#[derive(Debug, Clone, PartialEq)]
pub struct Inferred {
    /// The columns in order.
    pub plans: Vec<ColumnPlan>,
    /// Rows that were looked at.
    pub rows: u64,
    /// Whether these were all rows.
    pub complete: bool,
    /// What a person should know: names that were changed, for example.
    pub warnings: Vec<String>,
}

/// Tells the columns from the first rows of the files and, in large plain files, from rows in the middle and at the end.
///
/// Null is an unquoted empty field, an empty field in quotes where the type is not text, or one of the format's
/// `null_values`. Broken records are passed over here; [`super::check`] finds them.
///
/// Errors: a file is empty, cannot be read, or has other columns than the first one; duplicate names; a declared column that
/// does not exist; a declared type that text cannot have.
pub fn infer(files: &[SampleFile], format: &CsvFormat, options: &InferOptions) -> Result<Inferred, FileError> {
    let Some(first) = files.first() else {
        return Err(FileError::definition("there is no file to read"));
    };
    let (names, warnings) = names_of(first, format, options)?;
    let mut sample = Sample {
        format,
        nulls: Nulls::new(&format.null_values),
        columns: vec![Evidence::default(); names.len()],
        rows: 0,
        rows_left: options.rows,
        bytes_left: options.bytes,
        complete: true,
    };
    for file in files {
        if file != first {
            same_columns(first, file, &names, format, options)?;
        }
        sample.look_at(file)?;
    }
    let known: HashSet<&str> = names.iter().map(String::as_str).collect();
    for name in options.types.keys().chain(options.formats.keys()) {
        if !known.contains(name.as_str()) {
            let error = FileError::definition(format!(
                "`{}` has no column `{}`, for which a type is declared",
                first.path.display(),
                shown(name)
            ));
            return Err(match nearest(name, names.iter().map(String::as_str)) {
                Some(near) => error.help(format!("did you mean `{}`?", shown(near))),
                None => error,
            });
        }
    }
    let plans = names
        .iter()
        .zip(&sample.columns)
        .map(|(name, evidence)| plan(name, evidence, options))
        .collect::<Result<_, _>>()?;
    Ok(Inferred { plans, rows: sample.rows, complete: sample.complete, warnings })
}

fn plan(name: &str, evidence: &Evidence, options: &InferOptions) -> Result<ColumnPlan, FileError> {
    let layout = options.formats.get(name);
    let Some(declared) = options.types.get(name) else {
        return match layout {
            Some(_) => {
                Err(FileError::definition(format!("column `{}` has a format, but no declared type", shown(name)))
                    .help("declare it as `date`, `datetime` or `datetime(UTC)`"))
            }
            None if options.all_string => {
                Ok(ColumnPlan::native(name, DataType::String, "all columns are declared text"))
            }
            None => Ok(evidence.plan(name)),
        };
    };
    let reason = "the type is declared";
    if matches!(declared, DataType::Date | DataType::Datetime(_)) {
        let conversion = match layout {
            Some(format) => Conversion { format: format.clone(), instant: names_offset(format) },
            None => evidence.format(declared),
        };
        return Ok(ColumnPlan::converted(name, declared.clone(), conversion, reason));
    }
    if Expected::of(declared, None, false).is_none() {
        return Err(FileError::definition(format!("column `{}` cannot be read as {declared} from text", shown(name)))
            .help("read it as string and convert it with `derive`"));
    }
    Ok(ColumnPlan::native(name, declared.clone(), reason))
}

/// Whether a format reads `Z` or an offset from UTC.
fn names_offset(format: &str) -> bool {
    ["%z", "%:z", "%#z"].iter().any(|directive| format.contains(directive))
        || format.ends_with('Z') && !format.ends_with("%Z")
}

/// The names of the columns of a file, and what was changed about them.
fn names_of(
    file: &SampleFile,
    format: &CsvFormat,
    options: &InferOptions,
) -> Result<(Vec<String>, Vec<String>), FileError> {
    let path = &file.path;
    let shown_path = path.display().to_string();
    let mut records = Records::open(path, file.compression, format)?;
    let mut record = Record::default();
    if !records.read(&mut record)? {
        return match &options.names {
            Some(names) if !format.header => settle_names(&shown_path, names, options.duplicates),
            _ => Err(FileError::data(format!("`{shown_path}` holds no data, not even the names of columns"))
                .help("leave the file out, or name its columns with `names` and `header: false`")),
        };
    }
    if let Some(flaw) = record.flaw {
        let message = format!(
            "{shown_path}, line {}: the first record is broken: {}",
            record.line + flaw.lines,
            flaw.kind.what()
        );
        let class = if flaw.kind == FlawKind::TooLong { Class::Limit } else { Class::Data };
        return Err(FileError::new(class, message).help(flaw.kind.help()));
    }
    super::limits::check_columns(path, record.len())?;
    let written: Vec<String> = match &options.names {
        Some(names) if names.len() != record.len() => {
            return Err(FileError::definition(format!(
                "`names` has {}, but `{shown_path}` has {}",
                counted(names.len() as u64, "name"),
                counted(record.len() as u64, "column")
            )));
        }
        Some(names) => names.clone(),
        None if format.header => (0..record.len())
            .map(|i| match std::str::from_utf8(&record.value(i).unwrap_or_default()) {
                Ok(name) => Ok(name.to_owned()),
                Err(_) => Err(FileError::data(format!("the header of `{shown_path}` is not valid UTF-8"))
                    .help("name the encoding, for example `encoding: latin-1`")),
            })
            .collect::<Result<_, _>>()?,
        None => (1..=record.len()).map(|i| format!("column_{i}")).collect(),
    };
    settle_names(&shown_path, &written, options.duplicates)
}

/// Refuses a file whose columns are others than those of the first one.
fn same_columns(
    first: &SampleFile,
    file: &SampleFile,
    names: &[String],
    format: &CsvFormat,
    options: &InferOptions,
) -> Result<(), FileError> {
    let (others, _) = names_of(file, format, options)?;
    let (path, first_path) = (file.path.display(), first.path.display());
    let help = "read files with other columns in a stage of their own and bring them together with `union`";
    if let Some((i, (name, other))) = names.iter().zip(&others).enumerate().find(|(_, (name, other))| name != other) {
        return Err(FileError::data(format!(
            "column {} of `{path}` is `{}`, but in `{first_path}` it is `{}`",
            i + 1,
            shown(other),
            shown(name)
        ))
        .help(help));
    }
    if names.len() != others.len() {
        let what = wrong_number_of_fields(others.len() as u64, names.len() as u64);
        return Err(FileError::data(format!("the header of `{path}` has {what} (`{first_path}`)")).help(help));
    }
    Ok(())
}

struct Sample<'a> {
    format: &'a CsvFormat,
    nulls: Nulls,
    columns: Vec<Evidence>,
    rows: u64,
    rows_left: u64,
    bytes_left: u64,
    complete: bool,
}

impl Sample<'_> {
    fn look_at(&mut self, file: &SampleFile) -> Result<(), FileError> {
        if self.rows_left == 0 || self.bytes_left == 0 {
            self.complete = false;
            return self.probe(file, 0);
        }
        let mut records = Records::open(&file.path, file.compression, self.format)?;
        let mut record = Record::default();
        if self.format.header {
            records.read(&mut record)?;
        }
        let mut before = records.offset();
        loop {
            if self.rows_left == 0 || self.bytes_left == 0 {
                self.complete = false;
                return self.probe(file, records.offset());
            }
            if !records.read(&mut record)? {
                return Ok(());
            }
            self.add(&record);
            self.rows_left -= 1;
            self.bytes_left = self.bytes_left.saturating_sub(records.offset() - before);
            before = records.offset();
        }
    }

    fn add(&mut self, record: &Record) {
        if record.flaw.is_some() || record.len() != self.columns.len() {
            return;
        }
        self.rows += 1;
        for (i, evidence) in self.columns.iter_mut().enumerate() {
            let value = record.value(i).unwrap_or_default();
            if !self.nulls.contains(&value) {
                evidence.add(&value, self.format.decimal_comma, record.line);
            }
        }
    }

    /// Looks at some rows behind `seen` bytes of a large plain file, where surprises wait.
    fn probe(&mut self, file: &SampleFile, seen: u64) -> Result<(), FileError> {
        if file.compression != Compression::Plain {
            return Ok(());
        }
        let size = std::fs::metadata(&file.path).map_err(|error| FileError::reading(&file.path, &error))?.len();
        let length = PROBE as u64;
        for start in [seen + size.saturating_sub(seen) / 2, size.saturating_sub(length)] {
            if start >= seen + length && start + length <= size {
                self.probe_at(&file.path, start)?;
            }
        }
        Ok(())
    }

    /// Rows of the block that begins there. The block is used only if every line of it reads well: a block that begins within
    /// quotes does not. Lines are not counted here: they are 0.
    fn probe_at(&mut self, path: &Path, start: u64) -> Result<(), FileError> {
        let reading = |error| FileError::reading(path, &error);
        let mut file = compression::open_file(path)?;
        file.seek(SeekFrom::Start(start)).map_err(reading)?;
        let mut block = Vec::with_capacity(PROBE);
        file.take(PROBE as u64).read_to_end(&mut block).map_err(reading)?;
        let begin = memchr::memchr(b'\n', &block).map_or(block.len(), |newline| newline + 1);
        let end = memchr::memrchr(b'\n', &block).map_or(0, |newline| newline + 1);
        let lines = block.get(begin..end).unwrap_or_default().to_vec();
        let mut records = Records::behind(Box::new(std::io::Cursor::new(lines)), path, self.format);
        let mut found = Vec::new();
        let mut record = Record::default();
        while records.read(&mut record)? {
            let blank = record.is_blank() && self.columns.len() > 1;
            if record.flaw.is_some() || record.len() != self.columns.len() && !blank {
                return Ok(());
            }
            record.line = 0;
            found.push(record.clone());
        }
        for record in &found {
            self.add(record);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
