//! Values that stand in the names of folders: `year=2024/month=1/part.parquet`.

use std::path::{Path, PathBuf};

use super::error::{FileError, shown};
use crate::expression::DataType;

/// How a missing value is written.
pub const MISSING: &str = "__HIVE_DEFAULT_PARTITION__";

/// A column that the folders hold.
#[derive(Debug, Clone, PartialEq)]
pub struct PartitionColumn {
    /// Its name.
    pub name: String,
    /// Its type: int64 or a date where all values are, else text.
    pub data_type: DataType,
    /// Its value for each file; none: missing.
    pub values: Vec<Option<String>>,
    /// The characters that are written with a percent sign in some folder: (`%2F`, `/`).
    pub escapes: Vec<(String, String)>,
}

/// The files below a folder, but for hidden ones and those that begin with an underscore, sorted by name.
///
/// Errors: the folder cannot be read, or holds no file.
pub fn files_below(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let mut open = vec![folder.to_path_buf()];
    let mut files = Vec::new();
    while let Some(folder) = open.pop() {
        let entries = std::fs::read_dir(&folder).map_err(|error| FileError::reading(&folder, &error))?;
        for entry in entries {
            let entry = entry.map_err(|error| FileError::reading(&folder, &error))?;
            let name = entry.file_name();
            if name.to_string_lossy().starts_with(['.', '_']) {
                continue;
            }
            // Links to folders are not followed: they could go round in circles.
            let kind = entry.file_type().map_err(|error| FileError::reading(&folder, &error))?;
            if kind.is_dir() {
                open.push(entry.path());
            } else {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(FileError::data(format!("no file lies below `{}`", folder.display())));
    }
    Ok(files)
}

/// The columns that the folders of the files hold.
///
/// Errors: a file lies in other folders than the first one does.
pub fn partitions(files: &[PathBuf]) -> Result<Vec<PartitionColumn>, FileError> {
    let Some(first) = files.first() else { return Ok(Vec::new()) };
    let mut columns: Vec<PartitionColumn> = pairs(first)
        .into_iter()
        .map(|(name, _)| PartitionColumn { name, data_type: DataType::String, values: Vec::new(), escapes: Vec::new() })
        .collect();
    if columns.is_empty() {
        return Err(FileError::definition(format!("`{}` lies in no folder such as `year=2024`", first.display()))
            .help("leave `hive` out"));
    }
    let mut raw: Vec<Vec<String>> = vec![Vec::new(); columns.len()];
    for file in files {
        let pairs = pairs(file);
        let names = |pairs: &[(String, String)]| pairs.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        let wanted: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
        if names(&pairs) != wanted {
            return Err(FileError::data(format!(
                "`{}` lies in folders of {}, but `{}` in those of {}",
                file.display(),
                listed(&names(&pairs)),
                first.display(),
                listed(&wanted)
            ))
            .help("read files with other folders in a stage of their own"));
        }
        for (values, (_, value)) in raw.iter_mut().zip(pairs) {
            values.push(value);
        }
    }
    for (column, raw) in columns.iter_mut().zip(raw) {
        for code in raw.iter().flat_map(|value| codes(value)) {
            let character = decode(&code);
            if !column.escapes.iter().any(|(known, _)| *known == code) {
                column.escapes.push((code, character));
            }
        }
        column.values = raw.iter().map(|value| (value != MISSING).then(|| decode(value))).collect();
        column.data_type = data_type(&column.values);
    }
    Ok(columns)
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        return "no columns".to_owned();
    }
    names.iter().map(|name| format!("`{}`", shown(name))).collect::<Vec<_>>().join(", ")
}

/// Names and values of the folders above a file, from the outermost on.
fn pairs(file: &Path) -> Vec<(String, String)> {
    let Some(folder) = file.parent() else { return Vec::new() };
    let parts = folder.components().filter_map(|part| {
        let text = part.as_os_str().to_str()?;
        let (name, value) = text.split_once('=')?;
        (!name.is_empty()).then(|| (name.to_owned(), value.to_owned()))
    });
    parts.collect()
}

/// The runs of percent codes in a text: a character of several bytes is one run.
fn codes(text: &str) -> Vec<String> {
    let mut codes = Vec::new();
    let mut run = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let is_code = rest.starts_with('%')
            && rest.get(1..3).is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        if is_code {
            run.push_str(rest.get(..3).unwrap_or_default());
            rest = rest.get(3..).unwrap_or_default();
        } else {
            if !run.is_empty() {
                codes.push(std::mem::take(&mut run));
            }
            let mut characters = rest.chars();
            characters.next();
            rest = characters.as_str();
        }
    }
    if !run.is_empty() {
        codes.push(run);
    }
    codes
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let digit = |byte: &u8| char::from(*byte).to_digit(16);
        if let (b'%', [high, low, after @ ..]) = (first, tail)
            && let (Some(high), Some(low)) = (digit(high), digit(low))
            && let Ok(byte) = u8::try_from(high * 16 + low)
        {
            bytes.push(byte);
            rest = after;
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn data_type(values: &[Option<String>]) -> DataType {
    let known = || values.iter().flatten();
    let is_integer = |value: &String| {
        let digits = value.strip_prefix('-').unwrap_or(value);
        !digits.is_empty() && digits.len() <= 18 && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    if known().next().is_none() {
        DataType::String
    } else if known().all(is_integer) {
        DataType::Int64
    } else if known().all(|value| super::temporal::is_date(value.as_bytes())) {
        DataType::Date
    } else {
        DataType::String
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_columns() {
        let files: Vec<PathBuf> = [
            "data/year=2024/day=2024-01-31/city=K%C3%B6ln%2FDeutz/a.csv",
            "data/year=2023/day=2023-12-31/city=__HIVE_DEFAULT_PARTITION__/b.csv",
        ]
        .map(PathBuf::from)
        .to_vec();
        let found = partitions(&files).unwrap();
        let types: Vec<&DataType> = found.iter().map(|column| &column.data_type).collect();
        assert_eq!(types, [&DataType::Int64, &DataType::Date, &DataType::String]);
        let city = found.last().unwrap();
        assert_eq!(city.values, [Some("Köln/Deutz".to_owned()), None]);
        assert_eq!(city.escapes, [("%C3%B6".to_owned(), "ö".to_owned()), ("%2F".to_owned(), "/".to_owned())]);
    }

    #[test]
    fn folders_that_differ_are_refused() {
        let error = partitions(&["a=1/x".into(), "b=1/x".into()]).unwrap_err();
        assert_eq!(error.message, "`b=1/x` lies in folders of `b`, but `a=1/x` in those of `a`");
        assert!(partitions(&["x/y".into()]).is_err());
    }
}
