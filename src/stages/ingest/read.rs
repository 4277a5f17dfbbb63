//! `read`: files become a table.

mod copied;
mod csv;
mod hive;
mod options;
mod work;

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::definition::{Node, OneOrMany, Ordered, Spanned, Value};
use crate::diagnostic::{Diagnostic, Findings};
use crate::engine::EngineError;
use crate::expression::{self, DataType, Field, Schema};
use crate::files::{self, Compression, Duplicates, Encoding, FileError, Given, Sniffed};
use crate::relation::{FileFormat, FileScan, Relation, Scan, ScanSource};
use crate::stages::{PlanContext, Planned, Shape, Stage, TableShape};
pub use options::{FixedColumn, FixedWidth, Format, NameOrNumber, OnError};
use work::ReadWork;
pub use work::set_aside;

/// Rows of NDJSON that are looked at to tell its columns.
const SAMPLE_ROWS: usize = 20_000;

/// Reads files: CSV, TSV, fixed width, NDJSON, Parquet, Arrow IPC, and workbooks (xlsx, xlsb, xls, ods); text plain or compressed with
/// gzip or zstd.
///
/// What is not said is told from the file: the format and the compression from its first bytes, delimiter, quote, header and
/// encoding from the beginning, the types of CSV columns from the first 20,000 rows (and, of large plain files, from rows in
/// the middle and at the end). Text is UTF-8 unless `encoding` says otherwise; UTF-16 is recognized.
///
/// Every record is checked before it is used: the right number of fields, closed quotes, no NUL, valid characters, and values
/// of the column's type. With `on_error: fail` the first bad record ends the run with exit code 3 and its file, line and
/// column. With `reject` bad rows are set aside, up to `reject_limit`, and shown in the report with their reason; `rejects`
/// also writes them to a file.
///
/// ```yaml
/// - read: {path: sample-data/flights/flights.csv.gz, null_values: [NA]}
/// - read: {path: "logs/*.csv", types: {zip: string}, filename: source, on_error: reject}
/// ```
///
/// **Several tables, titles and notes.** What stands around a table is found by how wide the rows are and what stands in them: titles
/// above, notes below, blank rows between. `check` and the report say what was left out and why. A file or sheet with several tables is
/// refused with a list of them until `table` names one, by its title or its number.
///
/// **Workbooks.** The first visible sheet that holds something is read, or `sheet`; the cells of its table, or those of `range`. Dates are
/// dates, errors of formulas are null; everything else that is said of CSV holds for them, with rows of the sheet for lines. They are
/// unpacked and counted before they are believed: at most 4 GiB of parts, 1 GiB of texts, 20 million cells of ods.
///
/// ```yaml
/// - read: {path: budget.xlsx, sheet: Plan, range: "B3:F200"}
/// - read: {path: export.csv, table: 2}
/// ```
///
/// **Fixed width.** `fixed_width` names the columns with their width, and where they start when something stands between; characters are
/// counted, from 1. With `length` each line must have just as many; without it, shorter lines are as if blanks stood behind them. Lines
/// that do not fit are bad records.
///
/// ```yaml
/// - read:
///     path: accounts.dat
///     encoding: latin-1
///     fixed_width: {columns: {id: {width: 6}, name: {width: 20}, balance: {start: 30, width: 10}}}
/// ```
///
/// **Partitions.** With `hive: true` the folders above the files are columns: `sales/year=2024/month=1/part.parquet` has `year` and
/// `month`; whole numbers and dates get their type. `path` may be the folder itself. `partitions` leaves out files before they are
/// opened.
///
/// ```yaml
/// - read: {path: sales, hive: true, partitions: "year = 2024 and month >= 6"}
/// ```
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Read {
    /// A file, a pattern such as `data/*.csv`, or a list of them. All files have the same columns.
    path: OneOrMany<Spanned<String>>,
    /// The format; told from the file when absent.
    #[serde(default)]
    format: Option<Format>,
    /// The columns to read; all when absent.
    #[serde(default)]
    columns: Option<OneOrMany<Spanned<String>>>,
    /// A further column with the file of each row.
    #[serde(default)]
    filename: Option<Spanned<String>>,
    /// Rows at most, over all files.
    #[serde(default)]
    rows: Option<u64>,
    /// The encoding of text.
    #[serde(default)]
    encoding: Option<Encoding>,
    /// CSV: the character between fields.
    #[serde(default)]
    delimiter: Option<Spanned<String>>,
    /// CSV: the character around fields; an empty text for none.
    #[serde(default)]
    quote: Option<Spanned<String>>,
    /// CSV: whether the first line names the columns.
    #[serde(default)]
    header: Option<bool>,
    /// CSV: names of the columns, for files without a header or in its place.
    #[serde(default)]
    names: Option<Vec<Spanned<String>>>,
    /// CSV: what happens when two columns have one name.
    #[serde(default)]
    duplicates: Duplicates,
    /// CSV, fixed width: lines left out before the header or the first row.
    #[serde(default)]
    skip_rows: u64,
    /// CSV, workbooks: which of several tables, by its title or its number from 1.
    #[serde(default)]
    table: Option<Spanned<NameOrNumber>>,
    /// Workbooks: the sheet, by its name or its number from 1.
    #[serde(default)]
    sheet: Option<Spanned<NameOrNumber>>,
    /// Workbooks: the cells, such as `B3:F200`, or `B:F` for whole columns.
    #[serde(default)]
    range: Option<Spanned<String>>,
    /// Text without delimiters: where the columns stand.
    #[serde(default)]
    fixed_width: Option<FixedWidth>,
    /// Whether folders such as `year=2024` are columns.
    #[serde(default)]
    hive: bool,
    /// With `hive`: a condition over these columns; files of other folders are left out.
    #[serde(default)]
    partitions: Option<Spanned<String>>,
    /// CSV: texts that mean null; an empty field always does.
    #[serde(default)]
    null_values: Option<OneOrMany<Spanned<String>>>,
    /// CSV: types of columns, such as `{zip: string, when: date}`, or `all_string`.
    #[serde(default)]
    types: Option<Node>,
    /// CSV: layouts of dates and times, such as `{day: "%d/%m/%Y"}`.
    #[serde(default)]
    formats: Ordered<Spanned<String>>,
    /// CSV: `1,5` is one and a half.
    #[serde(default)]
    decimal_comma: Option<bool>,
    /// CSV: what happens to a bad record.
    #[serde(default)]
    on_error: OnError,
    /// CSV: bad rows at most before the run ends.
    #[serde(default = "reject_limit")]
    reject_limit: u64,
    /// CSV: a file for the bad rows (`.parquet`), with file, line, column, reason and the raw line.
    #[serde(default)]
    rejects: Option<Spanned<String>>,
}

fn reject_limit() -> u64 {
    1000
}

/// Files that were looked at.
struct Found {
    paths: Vec<PathBuf>,
    sniffed: Vec<Sniffed>,
    fingerprint: String,
    /// Columns that the folders hold.
    partitions: Vec<files::PartitionColumn>,
    /// Files that were left out because of their folders.
    left_out: usize,
}

impl Found {
    /// Says how many files there were in all.
    fn of(self, all: usize) -> Self {
        Self { left_out: all - self.paths.len(), ..self }
    }
}

impl Stage for Read {
    fn arity(&self) -> (usize, usize) {
        (0, 0)
    }

    fn plan(&self, _: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let place = self.path.first().map_or(context.place, |path| &path.place);
        let at = |error: FileError| vec![Diagnostic::from(error).at(place)];
        let objections = self.objections(place);
        if !objections.is_empty() {
            return Err(objections);
        }
        let found = self.look(context)?;
        let first =
            found.sniffed.first().cloned().ok_or_else(|| vec![Diagnostic::definition("`path` names no file")])?;
        if let Some(other) = found.sniffed.iter().find(|other| other.format != first.format) {
            let message = format!("the files have different formats: {} and {}", first.format, other.format);
            return Err(vec![Diagnostic::definition(message).at(place)]);
        }
        let mut warnings: Vec<String> = found.sniffed.iter().flat_map(|sniffed| sniffed.warnings.clone()).collect();
        let (scan, work) = match first.format {
            files::Format::Csv => csv::plan(self, &found, context, &mut warnings)?,
            files::Format::Ndjson => self.plain(&found, FileFormat::Ndjson, context).map_err(at)?,
            files::Format::Parquet => self.plain(&found, FileFormat::Parquet, context).map_err(at)?,
            files::Format::Arrow => copied::plan_arrow(self, &found, context).map_err(at)?,
            files::Format::Workbook => csv::plan(self, &found, context, &mut warnings)?,
        };
        let relation = csv::converted(scan, &work.plans);
        let relation = self.project(relation, &work, &found)?;
        let mut planned = Planned::relation(TableShape::new(relation, None)).work(work).meaning(self.on_error);
        planned.findings.extend(warnings.into_iter().map(|text| Diagnostic::warning(text).at(place)));
        Ok(planned)
    }
}

impl Read {
    /// Options that do not go together.
    fn objections(&self, place: &crate::diagnostic::Place) -> Findings {
        let mut findings = Findings::new();
        if let Some(condition) = self.partitions.as_ref().filter(|_| !self.hive) {
            findings.push(Diagnostic::definition("`partitions` needs `hive: true`").at(&condition.place));
        }
        if let (Some(range), Some(table)) = (&self.range, &self.table) {
            let message = "`range` and `table` both say where the table is";
            findings.push(
                Diagnostic::definition(message).at(&range.place).help(format!("leave `table: {}` out", table.value.0)),
            );
        }
        let given = self.delimiter.is_some() || self.quote.is_some() || self.names.is_some() || self.header.is_some();
        if self.fixed_width.is_some() && (given || self.table.is_some() || self.format.is_some()) {
            let message = "with `fixed_width` there is no delimiter, quote, header or other format";
            findings.push(
                Diagnostic::definition(message).at(place).help("`skip_rows` leaves lines out before the first row"),
            );
        }
        findings
    }

    fn look(&self, context: &PlanContext<'_>) -> Result<Found, Findings> {
        let place = self.path.first().map_or(context.place, |path| &path.place);
        let at = |error: FileError| vec![Diagnostic::from(error).at(place)];
        let patterns: Vec<String> = self.path.iter().map(|path| path.value.clone()).collect();
        let mut paths = Vec::new();
        for pattern in &patterns {
            let folder = context.base.join(pattern);
            paths.extend(if self.hive && folder.is_dir() {
                files::files_below(&folder).map_err(at)?
            } else {
                files::expand_all(std::slice::from_ref(pattern), context.base).map_err(at)?
            });
        }
        let mut seen = std::collections::HashSet::new();
        paths.retain(|path| seen.insert(path.clone()));
        let all = paths.len();
        let partitions = if self.hive { hive::prune(self, &mut paths, context)? } else { Vec::new() };
        let given = self.given().map_err(at)?;
        let sniffed = paths.iter().map(|path| files::sniff(path, &given)).collect::<Result<Vec<_>, _>>().map_err(at)?;
        let state = files::fingerprint(&paths).map_err(at)?;
        // Two stages may read the same files in different ways, so the options are part of the scan's identity.
        let options = serde_json::to_string(self).unwrap_or_default();
        let identity = format!("{}\n{state}\n{options}", context.id);
        let fingerprint = blake3::hash(identity.as_bytes()).to_hex().chars().take(32).collect();
        Ok(Found { paths, sniffed, fingerprint, partitions, left_out: 0 }.of(all))
    }

    fn given(&self) -> Result<Given, FileError> {
        let byte = |text: &Spanned<String>, what: &str| match text.value.as_bytes() {
            [byte] if byte.is_ascii() && !b"\r\n".contains(byte) => Ok(*byte),
            _ => Err(FileError::definition(format!("{what} is one ASCII character, not `{}`", text.value))),
        };
        let tab = (self.format == Some(Format::Tsv)).then_some(b'\t');
        if self.fixed_width.is_some() {
            // A delimiter that no text has: only encoding and compression are told.
            return Ok(Given {
                format: Some(files::Format::Csv),
                encoding: self.encoding,
                delimiter: Some(0x1f),
                quote: Some(None),
                header: Some(true),
                ..Given::default()
            });
        }
        Ok(Given {
            format: self.format.map(|format| match format {
                Format::Csv | Format::Tsv => files::Format::Csv,
                Format::Ndjson => files::Format::Ndjson,
                Format::Parquet => files::Format::Parquet,
                Format::Arrow => files::Format::Arrow,
                Format::Workbook => files::Format::Workbook,
            }),
            encoding: self.encoding,
            delimiter: self.delimiter.as_ref().map(|text| byte(text, "a delimiter")).transpose()?.or(tab),
            quote: match &self.quote {
                Some(text) if text.value.is_empty() => Some(None),
                Some(text) => Some(Some(byte(text, "a quote")?)),
                None => None,
            },
            header: self.header,
            skip_rows: self.skip_rows,
            table: self.table.as_ref().map(|table| table.value.0.clone()),
        })
    }

    /// Formats that carry their columns.
    fn plain(
        &self,
        found: &Found,
        format: FileFormat,
        context: &PlanContext<'_>,
    ) -> Result<(Scan, ReadWork), FileError> {
        let unread = |error: EngineError| FileError { class: error.class, message: error.message, help: error.help };
        if self.has_csv_options() {
            return Err(FileError::definition(
                "types, names, delimiters, tables and rejects belong to CSV and workbooks, but this is another format",
            ));
        }
        if format == FileFormat::Parquet
            && found.sniffed.iter().any(|sniffed| sniffed.compression != Compression::Plain)
        {
            return Err(FileError::data("a Parquet file that is compressed as a whole cannot be read")
                .help("decompress it first; Parquet compresses its pages itself"));
        }
        if found.sniffed.iter().any(Sniffed::needs_transcoding) {
            return Err(FileError::data("NDJSON is read in UTF-8 only").help("convert the file first"));
        }
        let mut schema: Option<Schema> = None;
        for (path, sniffed) in found.paths.iter().zip(&found.sniffed) {
            if format == FileFormat::Ndjson {
                files::check_json_lines(path, sniffed.compression, Some(SAMPLE_ROWS as u64), None)?;
            }
            let own = context.engine.file_schema(path, &format, SAMPLE_ROWS).map_err(unread)?;
            files::check_columns(path, own.len())?;
            match &schema {
                Some(first) if *first != own && format == FileFormat::Parquet => {
                    let name = path.display();
                    return Err(FileError::data(format!("`{name}` has other columns than the first file"))
                        .help(difference(first, &own)));
                }
                Some(_) => {}
                None => schema = Some(own),
            }
        }
        let schema = schema.unwrap_or_default();
        let scan = self.scan(found, format.clone(), &schema, &schema);
        Ok((scan, ReadWork::plain(found, format, self.rows)))
    }

    fn has_csv_options(&self) -> bool {
        self.delimiter.is_some()
            || self.quote.is_some()
            || self.header.is_some()
            || self.names.is_some()
            || self.skip_rows > 0
            || self.null_values.is_some()
            || self.types.is_some()
            || !self.formats.is_empty()
            || self.decimal_comma.is_some()
            || self.rejects.is_some()
            || self.table.is_some()
            || self.sheet.is_some()
            || self.range.is_some()
            || self.on_error == OnError::Reject
    }

    fn scan(&self, found: &Found, format: FileFormat, file_schema: &Schema, schema: &Schema) -> Scan {
        let mut fields = schema.fields().to_vec();
        let filename = hive::filename(self, found);
        fields.extend(filename.iter().map(|name| Field::new(name, DataType::String)));
        let source = ScanSource::Files(FileScan {
            paths: found.paths.clone(),
            format,
            file_schema: file_schema.clone(),
            filename,
            rows: self.rows,
            fingerprint: found.fingerprint.clone(),
        });
        // A clash with the column of file names is refused when the columns are chosen.
        Scan { source, schema: Schema::new(fields).unwrap_or_default() }
    }

    /// The chosen columns.
    fn project(&self, relation: Relation, work: &ReadWork, found: &Found) -> Result<Relation, Findings> {
        let relation = hive::with_partitions(self, relation, found)?;
        let schema = relation.schema();
        if let Some(name) = &self.filename
            && work.columns.contains(&name.value)
        {
            let message = format!("column `{}` exists in the files already", name.value);
            return Err(vec![Diagnostic::definition(message).at(&name.place)]);
        }
        let Some(columns) = &self.columns else { return Ok(relation) };
        let fields = crate::stages::inputs::columns(&schema, columns.as_slice(), "the files")?;
        let mut names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
        names.extend(self.filename.iter().map(|name| name.value.as_str()));
        let chosen = names.iter().filter_map(|name| schema.field(name)).map(|field| crate::relation::NamedExpr {
            name: field.name.clone(),
            expr: expression::Expr::column(&field.name, field.data_type.clone()),
        });
        Ok(Relation::Project { input: relation.into(), columns: chosen.collect() })
    }

    /// Declared types: none, all text, or by column.
    fn declared_types(&self) -> Result<(bool, std::collections::BTreeMap<String, DataType>), Findings> {
        let mut types = std::collections::BTreeMap::new();
        let Some(node) = &self.types else { return Ok((false, types)) };
        let refuse = |message: String, node: &Node| Err(vec![Diagnostic::definition(message).at(&node.place)]);
        match &node.value {
            Value::Text(text) if text.value() == "all_string" => Ok((true, types)),
            Value::Mapping(entries) => {
                for entry in entries {
                    let Value::Text(name) = &entry.value.value else {
                        return refuse("expected the name of a type, such as `string`".to_owned(), &entry.value);
                    };
                    match named_type(name.value()) {
                        Some(data_type) => types.insert(entry.key.clone(), data_type),
                        None => return refuse(format!("there is no type `{}`", name.value()), &entry.value),
                    };
                }
                Ok((false, types))
            }
            _ => refuse("expected `all_string`, or a mapping of columns to types".to_owned(), node),
        }
    }
}

/// A type by its name in the language of expressions.
fn named_type(name: &str) -> Option<DataType> {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || " _(),'/+-".contains(c));
    let expr = plain.then(|| expression::compile(&format!("cast(null as {name})"), &Schema::default()))?;
    expr.ok().map(|expr| expr.data_type)
}

fn difference(first: &Schema, other: &Schema) -> String {
    let missing = first.fields().iter().find(|field| !other.fields().contains(field));
    match (missing, other.fields().iter().find(|field| !first.fields().contains(field))) {
        (Some(field), _) => format!("the first file has `{}` {}, this one has not", field.name, field.data_type),
        (None, Some(field)) => format!("this file has `{}` {}, the first has not", field.name, field.data_type),
        (None, None) => "the columns stand in another order".to_owned(),
    }
}
