//! The columns of files, without reading their rows.

use std::fs::File;
use std::io::BufRead;
use std::num::NonZeroUsize;
use std::path::Path;

use parquet::basic::{ConvertedType, LogicalType};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use parquet::schema::types::Type;
use polars::prelude as pl;

use super::data_type::data_type;
use super::error::{guard, os_reason};
use super::fixed_lists;
use super::text_file::open;
use crate::diagnostic::Class;
use crate::engine::EngineError;
use crate::expression::{Field, Schema};

/// The columns of a Parquet file. Dictionaries of text are text, a map is a list of its entries, and a column that is always null
/// is text.
///
/// Errors: the file cannot be read, or a column has a type that the language does not have, or lists of a fixed length that a
/// reader would fail on with so much `memory`; then the column and the type are named.
pub fn read_parquet_schema(path: &Path, memory: u64) -> Result<Schema, EngineError> {
    let shown = path.display().to_string();
    let metadata = check_parquet_types(path)?;
    let found = guard(&shown, || {
        let arguments = pl::ScanArgsParquet {
            hive_options: polars::io::HiveOptions::new_disabled(),
            glob: false,
            ..pl::ScanArgsParquet::default()
        };
        pl::LazyFrame::scan_parquet(pl::PlRefPath::try_from_path(path)?, arguments)?.collect_schema()
    })?;
    let fields = found.iter().map(|(name, found)| {
        let known = data_type(&without_nulls(&without_dictionaries(found)))
            .ok_or_else(|| refused(&shown, name, &found.to_string()))?;
        Ok(Field::new(name.as_str(), known))
    });
    let schema = unique(fields.collect::<Result<Vec<_>, EngineError>>()?, &shown)?;
    fixed_lists::check(&shown, &schema, &metadata, memory)?;
    Ok(schema)
}

fn unique(fields: Vec<Field>, shown: &str) -> Result<Schema, EngineError> {
    Schema::new(fields).map_err(|name| EngineError::new(Class::Data, format!("{shown} has two columns named `{name}`")))
}

pub(super) fn refused(shown: &str, column: &str, data_type: &str) -> EngineError {
    EngineError::new(Class::Data, format!("{shown}: column `{column}` has type {data_type}, which is not supported"))
        .help("convert the column with another program, or leave it out")
}

/// Dictionaries are how text is stored, no type of their own.
fn without_dictionaries(found: &pl::DataType) -> pl::DataType {
    match found {
        pl::DataType::Categorical(..) | pl::DataType::Enum(..) => pl::DataType::String,
        pl::DataType::List(element) => pl::DataType::List(Box::new(without_dictionaries(element))),
        pl::DataType::Array(element, size) => pl::DataType::Array(Box::new(without_dictionaries(element)), *size),
        pl::DataType::Struct(fields) => pl::DataType::Struct(
            fields
                .iter()
                .map(|field| pl::Field::new(field.name().clone(), without_dictionaries(field.dtype())))
                .collect(),
        ),
        other => other.clone(),
    }
}

/// Refuses types that the reader would only meet with a panic or a wrong value.
fn check_parquet_types(path: &Path) -> Result<ParquetMetaData, EngineError> {
    let shown = path.display().to_string();
    let cannot = |reason: String| EngineError::new(Class::Data, format!("cannot read {shown}: {reason}"));
    let file = File::open(path).map_err(|error| cannot(os_reason(&error)))?;
    // This reader, too, is not trusted with damaged files.
    let metadata = guard(&shown, || Ok(ParquetMetaDataReader::new().parse_and_finish(&file)))?.map_err(|error| {
        match error.to_string() {
            text if text.contains("encrypted") => cannot("the file is encrypted".to_owned()).help("decrypt it first"),
            text => cannot(format!("it is no valid Parquet file: {}", text.trim_start_matches("Parquet error: "))),
        }
    })?;
    for column in metadata.file_metadata().schema().get_fields() {
        if let Some(data_type) = unsupported(column) {
            return Err(refused(&shown, column.name(), &data_type));
        }
    }
    Ok(metadata)
}

fn unsupported(column: &Type) -> Option<String> {
    let info = column.get_basic_info();
    match info.logical_type_ref() {
        Some(LogicalType::Float16) => return Some("float16".to_owned()),
        Some(LogicalType::Geometry { .. }) => return Some("geometry".to_owned()),
        Some(LogicalType::Geography { .. }) => return Some("geography".to_owned()),
        Some(LogicalType::Variant { .. }) => return Some("variant".to_owned()),
        Some(LogicalType::_Unknown { .. }) => return Some("of a newer version of Parquet".to_owned()),
        Some(LogicalType::Decimal { precision, scale }) if *precision > 38 => {
            return Some(format!("decimal({precision}, {scale})"));
        }
        _ => {}
    }
    match column {
        Type::GroupType { fields, .. } => fields.iter().find_map(|field| unsupported(field)),
        Type::PrimitiveType { precision, scale, .. }
            if info.converted_type() == ConvertedType::DECIMAL && *precision > 38 =>
        {
            Some(format!("decimal({precision}, {scale})"))
        }
        Type::PrimitiveType { .. } if info.converted_type() == ConvertedType::INTERVAL => Some("interval".to_owned()),
        Type::PrimitiveType { .. } => None,
    }
}

/// The columns of an NDJSON file, plain or compressed, judged by its first `rows` rows (none: all of them). Keys that are
/// missing in some rows are columns, too; a column that is always null is text.
///
/// Errors: the file cannot be read or a line is no JSON object.
pub fn infer_ndjson_schema(path: &Path, rows: Option<usize>) -> Result<Schema, EngineError> {
    let shown = path.display().to_string();
    let cannot =
        |error: std::io::Error| EngineError::new(Class::Data, format!("cannot read {shown}: {}", os_reason(&error)));
    let mut reader = open(path).map_err(cannot)?;
    if reader.fill_buf().map_err(cannot)?.is_empty() {
        return Ok(Schema::default());
    }
    let limit = rows.and_then(NonZeroUsize::new);
    let found = guard(&shown, || polars::io::ndjson::infer_schema(&mut reader, limit));
    let found = found.map_err(|error| broken_line(path, rows).unwrap_or(error))?;
    let fields = found.iter().map(|(name, found)| {
        let known = data_type(&without_nulls(found)).ok_or_else(|| refused(&shown, name, &found.to_string()))?;
        Ok(Field::new(name.as_str(), known))
    });
    unique(fields.collect::<Result<Vec<_>, EngineError>>()?, &shown)
}

fn without_nulls(found: &pl::DataType) -> pl::DataType {
    match found {
        pl::DataType::Null => pl::DataType::String,
        pl::DataType::List(element) => pl::DataType::List(Box::new(without_nulls(element))),
        pl::DataType::Array(element, size) => pl::DataType::Array(Box::new(without_nulls(element)), *size),
        pl::DataType::Struct(fields) => pl::DataType::Struct(
            fields.iter().map(|field| pl::Field::new(field.name().clone(), without_nulls(field.dtype()))).collect(),
        ),
        other => other.clone(),
    }
}

/// The first line that is no JSON object.
fn broken_line(path: &Path, rows: Option<usize>) -> Option<EngineError> {
    let lines = open(path).ok()?.lines();
    for (i, line) in lines.take(rows.unwrap_or(usize::MAX)).enumerate() {
        let reason = match line {
            Err(error) => os_reason(&error),
            Ok(line) if line.trim().is_empty() => continue,
            Ok(line) => match serde_json::from_str::<serde_json::Value>(&line) {
                Ok(value) if value.is_object() => continue,
                Ok(_) => "it is no object".to_owned(),
                Err(error) => error.to_string(),
            },
        };
        return Some(EngineError::new(
            Class::Data,
            format!("line {} of {} is no JSON object: {reason}", i + 1, path.display()),
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::DataType;

    #[test]
    fn always_null_becomes_text_also_within_lists() {
        let list = pl::DataType::List(Box::new(pl::DataType::Null));
        assert_eq!(without_nulls(&list), pl::DataType::List(Box::new(pl::DataType::String)));
        assert_eq!(data_type(&without_nulls(&pl::DataType::Null)), Some(DataType::String));
    }
}
