//! Scans for DuckDB: files by its readers, everything else as a table of a name.

use super::{DuckDb, EngineError, identifier, text, type_name};
use crate::engine::sql::Writer;
use crate::expression::Schema;
use crate::relation::{CsvFormat, FileFormat, FileScan, Scan, ScanSource};

/// What stands behind `from`.
pub(super) fn scan(scan: &Scan) -> Result<String, EngineError> {
    Ok(match &scan.source {
        ScanSource::Files(files) => {
            let names: Vec<String> = scan.schema.names().map(|name| DuckDb::default().identifier(name)).collect();
            let limit = files.rows.map(|rows| format!(" LIMIT {rows}")).unwrap_or_default();
            format!("(SELECT {} FROM {}{limit})", names.join(", "), reader(files))
        }
        ScanSource::Artifact(name) => identifier(name),
        ScanSource::Pinned(id) => identifier(&format!("pinned_{id}")),
        ScanSource::Input => identifier("input"),
    })
}

fn reader(files: &FileScan) -> String {
    let paths: Vec<String> = files.paths.iter().map(|path| text(&path.to_string_lossy())).collect();
    let mut arguments = vec![format!("[{}]", paths.join(", "))];
    let name = match &files.format {
        FileFormat::Parquet => "read_parquet",
        FileFormat::Ndjson => {
            arguments.push("format = 'newline_delimited'".to_owned());
            arguments.push(format!("columns = {}", columns(&files.file_schema)));
            "read_json"
        }
        FileFormat::Csv(layout) => {
            csv(layout, &files.file_schema, &mut arguments);
            "read_csv"
        }
    };
    if let Some(filename) = &files.filename {
        arguments.push(format!("filename = {}", text(filename)));
    }
    format!("{name}({})", arguments.join(", "))
}

fn csv(layout: &CsvFormat, schema: &Schema, arguments: &mut Vec<String>) {
    let byte = |byte: u8| text(&char::from(byte).to_string());
    arguments.push("auto_detect = false".to_owned());
    arguments.push(format!("delim = {}", byte(layout.delimiter)));
    let quote = layout.quote.map_or_else(|| "''".to_owned(), byte);
    arguments.push(format!("quote = {quote}"));
    arguments.push(format!("escape = {quote}"));
    arguments.push(format!("header = {}", layout.header));
    if layout.skip_rows > 0 {
        arguments.push(format!("skip = {}", layout.skip_rows));
    }
    let nulls: Vec<String> =
        std::iter::once("").chain(layout.null_values.iter().map(String::as_str)).map(text).collect();
    arguments.push(format!("nullstr = [{}]", nulls.join(", ")));
    if layout.decimal_comma {
        arguments.push("decimal_separator = ','".to_owned());
    }
    arguments.push(format!("columns = {}", columns(schema)));
}

fn columns(schema: &Schema) -> String {
    let columns: Vec<String> = schema
        .fields()
        .iter()
        .map(|field| format!("{}: {}", text(&field.name), text(&type_name(&field.data_type))))
        .collect();
    format!("{{{}}}", columns.join(", "))
}
