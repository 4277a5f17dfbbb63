//! Files as lazy frames whose columns have exactly the types of the scan's schema.

use std::collections::HashMap;

use polars::prelude as pl;
use polars::prelude::{ChunkAgg, LazyFileListReader};

use super::csv_header::check_headers;
use super::data_type::polars_type;
use super::error::guard;
use super::expression;
use crate::diagnostic::Class;
use crate::engine::EngineError;
use crate::expression::{DataType, Expr, Field, Schema};
use crate::relation::{CsvFormat, FileFormat, FileScan};

/// The files as people call them in messages.
pub(super) fn subject(files: &FileScan) -> String {
    match files.paths.as_slice() {
        [] => "no file".to_owned(),
        [only] => only.display().to_string(),
        [first, rest @ ..] => format!("{} and {} more", first.display(), rest.len()),
    }
}

/// The rows of the files, with the columns of `schema`: some of the files' columns and the name of the file, if asked for.
///
/// `part` takes some of their rows: after so many, so many. In Parquet the others are not even read.
///
/// Errors: a path is not UTF-8, a layout that cannot be read, or headers that differ between the files.
pub(super) fn scan_files(
    files: &FileScan,
    schema: &Schema,
    part: Option<(u64, u64)>,
) -> Result<pl::LazyFrame, EngineError> {
    let frame = match &files.format {
        FileFormat::Csv(format) => scan_csv(files, format)?,
        FileFormat::Ndjson => scan_ndjson(files)?,
        FileFormat::Parquet => return scan_parquet(files, schema, part),
    };
    // A file may have 100,000 columns, so no column is looked for one by one.
    let types: HashMap<&str, &DataType> =
        files.file_schema.fields().iter().map(|field| (field.name.as_str(), &field.data_type)).collect();
    let columns = schema.fields().iter().map(|field| {
        if Some(&field.name) == files.filename.as_ref() {
            return Ok(pl::col(field.name.as_str()));
        }
        let file_type = *types.get(field.name.as_str()).ok_or_else(|| no_column(&field.name, files))?;
        let read_type = read_type(file_type, &files.format);
        if read_type == field.data_type {
            return Ok(pl::col(field.name.as_str()));
        }
        let convert =
            Expr::column(&field.name, read_type).cast(file_type.clone(), true).cast(field.data_type.clone(), true);
        Ok(expression::lower(&convert)?.alias(field.name.as_str()))
    });
    let frame = frame.select(columns.collect::<Result<Vec<_>, EngineError>>()?);
    Ok(taken(frame, part))
}

/// So many rows after so many; all when none are said.
pub(super) fn taken(frame: pl::LazyFrame, part: Option<(u64, u64)>) -> pl::LazyFrame {
    let Some((offset, rows)) = part else { return frame };
    frame.slice(i64::try_from(offset).unwrap_or(i64::MAX), pl::IdxSize::try_from(rows).unwrap_or(pl::IdxSize::MAX))
}

fn no_column(name: &str, files: &FileScan) -> EngineError {
    EngineError::new(Class::Data, format!("{} has no column `{name}`", subject(files)))
}

/// The type in which the reader makes a column of a text file. What it cannot read by the rules of the expression language is
/// read as text and converted by them.
fn read_type(data_type: &DataType, format: &FileFormat) -> DataType {
    let json = matches!(format, FileFormat::Ndjson);
    match data_type {
        // The reader of NDJSON knows no narrower integers.
        DataType::Int8 | DataType::Int16 if json => DataType::Int64,
        DataType::UInt8 | DataType::UInt16 if json => DataType::UInt64,
        DataType::Boolean
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64
        | DataType::Float32
        | DataType::Float64
        | DataType::String => data_type.clone(),
        DataType::Decimal(..) if !json => data_type.clone(),
        DataType::List(_) | DataType::Array(..) | DataType::Struct(_) if json => data_type.clone(),
        _ => DataType::String,
    }
}

fn read_schema(files: &FileScan) -> pl::SchemaRef {
    let read = |field: &Field| {
        pl::Field::new(field.name.as_str().into(), polars_type(&read_type(&field.data_type, &files.format)))
    };
    std::sync::Arc::new(files.file_schema.fields().iter().map(read).collect())
}

fn polars_paths<'p>(
    paths: impl IntoIterator<Item = &'p std::path::PathBuf>,
) -> Result<Vec<pl::PlRefPath>, EngineError> {
    paths
        .into_iter()
        .map(|path| {
            pl::PlRefPath::try_from_path(path)
                .map_err(|_| EngineError::new(Class::Data, format!("the path {} is not UTF-8", path.display())))
        })
        .collect()
}

/// Names are names: nothing in a path is a pattern.
fn literally(mut frame: pl::LazyFrame) -> pl::LazyFrame {
    if let pl::DslPlan::Scan { unified_scan_args, .. } = &mut frame.logical_plan {
        unified_scan_args.glob = false;
    }
    frame
}

fn engine_error(error: &pl::PolarsError, files: &FileScan) -> EngineError {
    super::error::engine_error(error, &subject(files))
}

fn row_limit(files: &FileScan) -> Option<usize> {
    files.rows.map(|rows| usize::try_from(rows).unwrap_or(usize::MAX))
}

fn scan_csv(files: &FileScan, format: &CsvFormat) -> Result<pl::LazyFrame, EngineError> {
    let ascii = |byte: u8| byte.is_ascii() && !matches!(byte, b'\n' | b'\r');
    if !ascii(format.delimiter) || format.quote.is_some_and(|quote| !ascii(quote) || quote == format.delimiter) {
        return Err(EngineError::new(Class::Definition, "delimiter and quote must be two different ASCII characters"));
    }
    if format.decimal_comma && format.delimiter == b',' {
        return Err(EngineError::new(Class::Definition, "with `decimal_comma` the delimiter cannot be a comma")
            .help("set `delimiter: \";\"`"));
    }
    let schema = read_schema(files);
    let filled = check_headers(files, format)?;
    if filled.is_empty() {
        let mut empty = pl::DataFrame::empty_with_schema(&schema);
        if let Some(name) = &files.filename {
            empty
                .with_column(pl::Column::new_empty(name.as_str().into(), &pl::DataType::String))
                .map_err(|e| engine_error(&e, files))?;
        }
        return Ok(pl::IntoLazy::lazy(empty));
    }
    let nulls = (!format.null_values.is_empty())
        .then(|| pl::NullValues::AllColumns(format.null_values.iter().map(|text| text.as_str().into()).collect()));
    let frame = pl::LazyCsvReader::new_paths(polars_paths(filled)?.into_iter().collect())
        .with_glob(false)
        .with_schema(Some(schema))
        .with_has_header(format.header)
        .with_skip_lines(usize::try_from(format.skip_rows).unwrap_or(usize::MAX))
        .with_separator(format.delimiter)
        .with_quote_char(format.quote)
        .with_null_values(nulls)
        .with_missing_is_null(true)
        .with_decimal_comma(format.decimal_comma)
        .with_raise_if_empty(false)
        .with_rechunk(false)
        .with_cache(false)
        .with_n_rows(row_limit(files))
        .with_include_file_paths(files.filename.as_deref().map(Into::into))
        .with_missing_columns_policy(Some(pl::MissingColumnsPolicy::Raise))
        .finish();
    frame.map_err(|error| engine_error(&error, files))
}

fn scan_ndjson(files: &FileScan) -> Result<pl::LazyFrame, EngineError> {
    let frame = pl::LazyJsonLineReader::new_paths(polars_paths(&files.paths)?.into_iter().collect())
        .with_schema(Some(read_schema(files)))
        .with_n_rows(row_limit(files))
        .with_include_file_paths(files.filename.as_deref().map(Into::into))
        .finish();
    frame.map(literally).map_err(|error| engine_error(&error, files))
}

fn scan_parquet(files: &FileScan, schema: &Schema, part: Option<(u64, u64)>) -> Result<pl::LazyFrame, EngineError> {
    let arguments = pl::ScanArgsParquet {
        n_rows: row_limit(files),
        hive_options: polars::io::HiveOptions::new_disabled(),
        glob: false,
        cache: false,
        include_file_paths: files.filename.as_deref().map(Into::into),
        ..pl::ScanArgsParquet::default()
    };
    let paths = polars_paths(&files.paths)?;
    guard(&subject(files), || {
        let mut frame = pl::LazyFrame::scan_parquet_files(paths.into_iter().collect(), arguments)?;
        let found = frame.collect_schema()?;
        // Directly above the scan, so that it reads no other row groups.
        let frame = taken(frame, part);
        // Only what has another type is converted, so that filters still reach the statistics of the file.
        let columns = schema.fields().iter().map(|field| {
            let column = pl::col(field.name.as_str());
            let wanted = polars_type(&field.data_type);
            match found.get(field.name.as_str()) {
                Some(found) if *found == wanted => column,
                Some(pl::DataType::Datetime(pl::TimeUnit::Nanoseconds, _)) => {
                    column.map(refuse_saturated, |_, field| Ok(field.clone())).strict_cast(wanted)
                }
                _ => column.strict_cast(wanted),
            }
        });
        Ok(frame.select(columns.collect::<Vec<_>>()))
    })
}

/// The reader makes a time of type INT96 that nanoseconds cannot hold the last one that they can; nobody else writes that one.
fn refuse_saturated(column: pl::Column) -> pl::PolarsResult<pl::Column> {
    let times = column.as_materialized_series().to_physical_repr();
    if times.i64()?.max() == Some(i64::MAX) {
        let message =
            format!("column `{}`: a time lies outside of the years 1677 to 2262 that INT96 is read for", column.name());
        return Err(pl::PolarsError::ComputeError(message.into()));
    }
    Ok(column)
}
