//! `write`: rows become files.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::definition::{OneOrMany, Spanned};
use crate::diagnostic::{Class, Diagnostic, Findings};
use crate::engine::{Compression, Target, TargetFormat};
use crate::exhibit::{Cell, Column, Exhibit, Format as CellFormat};
use crate::expression::Schema;
use crate::relation::{FileFormat, FileScan, Relation, Scan, ScanSource};
use crate::stages::work::{Change, Outcome, StageCounts, Work, WorkContext};
use crate::stages::{PlanContext, Planned, Product, Shape, Stage, inputs};

/// Writes the rows to a file, or to a folder with a file for each value of some columns.
///
/// The file appears under its name when it is complete: a run that fails or is stopped leaves what was there before. The
/// format follows from the ending of the name. With `partition_by` the path is a folder, the values become folders such as
/// `carrier=UA`, and the columns leave the files. Stages below a `write` read the rows that it was given.
///
/// ```yaml
/// - write: {path: out/flights.parquet, compression: zstd}
/// - write: {path: out/by_carrier, format: csv, partition_by: carrier}
/// ```
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Write {
    /// The file, or with `partition_by` the folder.
    path: Spanned<String>,
    /// The format; told from the ending (`.parquet`, `.csv`, `.tsv`, `.ndjson`, `.jsonl`) when absent.
    #[serde(default)]
    format: Option<Format>,
    /// How Parquet pages are compressed.
    #[serde(default)]
    compression: Option<Compression>,
    /// Rows of a row group of Parquet.
    #[serde(default)]
    row_group_size: Option<Spanned<usize>>,
    /// The character between the fields of CSV.
    #[serde(default)]
    delimiter: Option<Spanned<String>>,
    /// What a null looks like in CSV.
    #[serde(default)]
    null_value: Option<String>,
    /// Columns whose values become folders.
    #[serde(default)]
    partition_by: Option<OneOrMany<Spanned<String>>>,
    /// What happens when the file or folder is there already.
    #[serde(default)]
    if_exists: IfExists,
}

/// Formats of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Apache Parquet.
    Parquet,
    /// Comma-separated values with a header.
    Csv,
    /// Tab-separated values with a header.
    Tsv,
    /// One JSON object a line.
    Ndjson,
}

/// What happens when the file or folder is there already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IfExists {
    /// The stage fails.
    Fail,
    /// It is replaced once the new one is complete.
    #[default]
    Replace,
    /// The rows are added to those of the file, which must have the same columns. Not for folders.
    Append,
}

impl Stage for Write {
    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let table = inputs::table(shapes, 0, context.input_ids)?;
        let id = context.input_ids.first().map_or("", String::as_str);
        let one = |finding| vec![finding];
        let path = context.path(&self.path.value);
        let format = self.target_format(&table.schema).map_err(one)?;
        let partitions = self.partition_by.as_ref().map_or(&[][..], |by| by.as_slice());
        let partition_by: Vec<String> =
            inputs::columns(&table.schema, partitions, id)?.into_iter().map(|field| field.name).collect();
        if !partition_by.is_empty() && partition_by.len() == table.schema.len() {
            return Err(vec![Diagnostic::definition("no column is left for the files").at(&self.path.place)]);
        }
        if !partition_by.is_empty() && self.if_exists == IfExists::Append {
            let message = "`if_exists: append` adds to a file; it cannot be used with `partition_by`";
            return Err(vec![Diagnostic::definition(message).at(&self.path.place)]);
        }
        check_target(&path, !partition_by.is_empty()).map_err(|finding| vec![finding.or_at(&self.path.place)])?;
        let work = WriteWork {
            target: Target { path, format, partition_by },
            shown: self.path.value.clone(),
            if_exists: self.if_exists,
            schema: table.schema.clone(),
        };
        let target = work.target.path.clone();
        let mut planned = Planned::relation(table.clone()).work(work).meaning(self).target(target, &self.path.place);
        // Other stages may read what a `write` was given, so that it can stand anywhere in a chain.
        planned.product = Shape::Table(table.clone());
        Ok(planned)
    }
}

impl Write {
    fn target_format(&self, schema: &Schema) -> Result<TargetFormat, Diagnostic> {
        let ending = Path::new(&self.path.value).extension().and_then(|ending| ending.to_str()).map(str::to_lowercase);
        let format = match (self.format, ending.as_deref()) {
            (Some(format), _) => format,
            (None, Some("parquet" | "pq")) => Format::Parquet,
            (None, Some("csv")) => Format::Csv,
            (None, Some("tsv")) => Format::Tsv,
            (None, Some("ndjson" | "jsonl")) => Format::Ndjson,
            (None, _) => {
                let message = format!("the format of `{}` cannot be told from its name", self.path.value);
                return Err(Diagnostic::definition(message)
                    .at(&self.path.place)
                    .help("say `format: parquet`, `csv`, `tsv` or `ndjson`"));
            }
        };
        let is_text = matches!(format, Format::Csv | Format::Tsv);
        if let (true, Some(field)) = (is_text, schema.fields().iter().find(|field| field.data_type.is_nested())) {
            let message = format!("column `{}` holds {}, which CSV has no form for", field.name, field.data_type);
            return Err(Diagnostic::definition(message)
                .at(&self.path.place)
                .help("write Parquet or NDJSON, or select other columns"));
        }
        let misplaced = [
            (
                self.compression.is_some() || self.row_group_size.is_some(),
                format != Format::Parquet,
                "`compression` and `row_group_size` belong to Parquet",
            ),
            (
                self.delimiter.is_some() || self.null_value.is_some(),
                !is_text,
                "`delimiter` and `null_value` belong to CSV",
            ),
        ];
        if let Some((.., message)) = misplaced.iter().find(|(given, wrong, _)| *given && *wrong) {
            return Err(Diagnostic::definition(*message).at(&self.path.place));
        }
        match format {
            Format::Parquet => Ok(TargetFormat::Parquet {
                compression: self.compression.unwrap_or_default(),
                row_group_size: match &self.row_group_size {
                    Some(size) if size.value == 0 => {
                        return Err(Diagnostic::definition("a row group has at least one row").at(&size.place));
                    }
                    size => size.as_ref().map(|size| size.value),
                },
            }),
            Format::Ndjson => Ok(TargetFormat::Ndjson),
            Format::Csv | Format::Tsv => {
                let usual = if format == Format::Csv { b',' } else { b'\t' };
                let delimiter = match &self.delimiter {
                    None => usual,
                    Some(text) => match text.value.as_bytes() {
                        [byte] if byte.is_ascii() && !b"\"\r\n".contains(byte) => *byte,
                        _ => return Err(Diagnostic::definition("a delimiter is one ASCII character").at(&text.place)),
                    },
                };
                Ok(TargetFormat::Csv { delimiter, null_value: self.null_value.clone().unwrap_or_default() })
            }
        }
    }
}

/// Refuses a target that can never be written: a folder in the place of a file, a file in the place of a folder above.
fn check_target(path: &Path, is_folder: bool) -> Result<(), Diagnostic> {
    let refuse = |message: String| Err(Diagnostic::error(Class::Output, message));
    if !is_folder && path.is_dir() {
        return refuse(format!("`{}` is a folder, not a file", path.display()));
    }
    if is_folder && path.is_file() {
        return refuse(format!("`{}` is a file, but `partition_by` needs a folder", path.display()));
    }
    match path.ancestors().skip(1).find(|above| above.exists()) {
        Some(above) if !above.is_dir() && !above.as_os_str().is_empty() => {
            refuse(format!("`{}` is a file, not a folder", above.display()))
        }
        _ => Ok(()),
    }
}

/// A target that must not be there, but is.
pub(crate) fn is_there(path: &Path) -> Diagnostic {
    Diagnostic::error(Class::Output, format!("`{}` is there already", path.display()))
        .help("remove it, or say `if_exists: replace` or `append`")
}

struct WriteWork {
    target: Target,
    shown: String,
    if_exists: IfExists,
    schema: Schema,
}

impl WriteWork {
    /// The rows of the file that is there already, to be written again in front of the new ones.
    fn existing(&self) -> Relation {
        let format = match &self.target.format {
            TargetFormat::Parquet { .. } => FileFormat::Parquet,
            TargetFormat::Ndjson => FileFormat::Ndjson,
            TargetFormat::Csv { delimiter, null_value } => FileFormat::Csv(crate::relation::CsvFormat {
                delimiter: *delimiter,
                quote: Some(b'"'),
                header: true,
                skip_rows: 0,
                null_values: Some(null_value.clone()).filter(|value| !value.is_empty()).into_iter().collect(),
                decimal_comma: false,
            }),
        };
        let source = ScanSource::Files(FileScan {
            paths: vec![self.target.path.clone()],
            format,
            file_schema: self.schema.clone(),
            filename: None,
            rows: None,
            fingerprint: String::new(),
        });
        Relation::Scan(Scan { source, schema: self.schema.clone() })
    }
}

impl Work for WriteWork {
    fn only_new(&self) -> bool {
        self.if_exists == IfExists::Fail
    }

    fn passes(&self, _: usize) -> usize {
        1
    }

    fn hands_input_on(&self) -> bool {
        true
    }

    fn run(&self, products: &[Product], context: &WorkContext<'_>) -> Result<Outcome, Diagnostic> {
        let Some(Product::Table(table)) = products.first() else { return Ok(Outcome::default()) };
        let exists = self.target.path.exists();
        if exists && self.if_exists == IfExists::Fail {
            return Err(is_there(Path::new(&self.shown)));
        }
        let mut before = 0;
        let mut relation = table.relation.clone();
        if exists && self.if_exists == IfExists::Append {
            let existing = self.existing();
            before = context.count(&existing)?;
            relation = Relation::Union { inputs: vec![existing.into(), relation] }.into();
        }
        let written = context.write(&relation, &self.target)?;
        let (rows, bytes) =
            (written.rows - before.min(written.rows), written.files.iter().map(|(_, bytes)| bytes).sum::<u64>());
        let files: Vec<PathBuf> = written.files.iter().map(|(path, _)| path.clone()).collect();
        let name = match files.as_slice() {
            [_] => self.shown.clone(),
            many => format!("{} ({} files)", self.shown, many.len()),
        };
        let columns = vec![
            Column::new("file"),
            Column::formatted("rows", CellFormat::Integer),
            Column::formatted("size", CellFormat::Bytes),
        ];
        let row = vec![Cell::text(name), Cell::count(rows), Cell::count(bytes)];
        Ok(Outcome {
            exhibits: vec![Exhibit::table("Written", columns, vec![row])],
            outputs: vec![written],
            rows: Some(rows),
            ..Outcome::default()
        })
    }

    fn changes(&self, _: &StageCounts) -> Vec<Change> {
        Vec::new()
    }
}
