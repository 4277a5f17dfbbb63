//! Columns that the names of folders hold.

use super::{Found, Read};
use crate::batch::{self, Values};
use crate::diagnostic::{Diagnostic, Findings};
use crate::engine::Execution;
use crate::expression::{DataType, Expr, Field, Function, Literal, Schema};
use crate::files::{self, PartitionColumn};
use crate::relation::{FileFormat, FileScan, NamedExpr, Relation, Scan, ScanSource};
use crate::stages::{PlanContext, inputs};

/// The column with the file of each row, from which the values are taken; it leaves the stage only when somebody asked for it.
const FILE: &str = "__file";
/// The number of a file in the table of partitions.
const NUMBER: &str = "__number";

/// The column with the file of each row, if one is needed.
pub(super) fn filename(options: &Read, found: &Found) -> Option<String> {
    let asked = options.filename.as_ref().map(|name| name.value.clone());
    asked.or_else(|| (!found.partitions.is_empty()).then(|| FILE.to_owned()))
}

/// What was told from the folders, in sentences.
pub(super) fn reasons(found: &Found) -> Vec<String> {
    if found.partitions.is_empty() {
        return Vec::new();
    }
    let names: Vec<String> =
        found.partitions.iter().map(|column| format!("{} {}", column.name, column.data_type)).collect();
    let mut reasons = vec![format!("the folders hold {}", names.join(", "))];
    if found.left_out > 0 {
        let all = found.left_out + found.paths.len();
        reasons.push(format!("{} of {all} files were left out by their folders", found.left_out));
    }
    reasons
}

/// Tells the columns, and leaves out the files for which the condition over them is not true.
pub(super) fn prune(
    options: &Read,
    paths: &mut Vec<std::path::PathBuf>,
    context: &PlanContext<'_>,
) -> Result<Vec<PartitionColumn>, Findings> {
    let place = options.path.first().map_or(context.place, |path| &path.place);
    let mut columns = files::partitions(paths).map_err(|error| vec![Diagnostic::from(error).at(place)])?;
    let Some(condition) = &options.partitions else { return Ok(columns) };
    let fields = columns.iter().map(|column| Field::new(&column.name, column.data_type.clone()));
    let schema = Schema::new(fields.collect())
        .map_err(|name| vec![Diagnostic::definition(format!("two folders are called `{name}`")).at(place)])?;
    let predicate = inputs::predicate(condition, &schema)?;
    let kept = kept(&columns, paths.len(), predicate, context).map_err(|error| vec![error.at(&condition.place)])?;
    if kept.is_empty() {
        let help = format!("the folders hold {} files", paths.len());
        return Err(vec![
            Diagnostic::error(crate::diagnostic::Class::Data, "no folder meets `partitions`")
                .at(&condition.place)
                .help(help),
        ]);
    }
    *paths = kept.iter().filter_map(|at| paths.get(*at).cloned()).collect();
    for column in &mut columns {
        column.values = kept.iter().filter_map(|at| column.values.get(*at).cloned()).collect();
    }
    Ok(columns)
}

/// The numbers of the files for which the condition is true, told by the engine like any other condition.
fn kept(
    columns: &[PartitionColumn],
    files: usize,
    predicate: Expr,
    context: &PlanContext<'_>,
) -> Result<Vec<usize>, Diagnostic> {
    let numbers = (0..files).map(|number| i64::try_from(number).ok()).collect();
    let mut table = vec![(NUMBER, Values::Integers(numbers))];
    table.extend(columns.iter().map(|column| (column.name.as_str(), Values::Texts(column.values.clone()))));
    let path = context.scratch.join(format!("{}-partitions.parquet", blake3::hash(context.id.as_bytes()).to_hex()));
    batch::write_parquet(&path, &batch::table(table)?)?;
    let mut fields = vec![Field::new(NUMBER, DataType::Int64)];
    fields.extend(columns.iter().map(|column| Field::new(&column.name, DataType::String)));
    let schema = Schema::new(fields).unwrap_or_default();
    let scan = Relation::Scan(Scan {
        source: ScanSource::Files(FileScan {
            paths: vec![path],
            format: FileFormat::Parquet,
            file_schema: schema.clone(),
            filename: None,
            rows: None,
            fingerprint: String::new(),
        }),
        schema,
    });
    let mut typed = vec![NamedExpr { name: NUMBER.to_owned(), expr: Expr::column(NUMBER, DataType::Int64) }];
    typed.extend(columns.iter().map(|column| NamedExpr {
        name: column.name.clone(),
        expr: Expr::column(&column.name, DataType::String).cast(column.data_type.clone(), true),
    }));
    let rows = Relation::Project { input: scan.into(), columns: typed };
    let rows = Relation::Filter { input: rows.into(), predicate };
    let mut kept = Vec::new();
    for batch in context.engine.collect(&rows, &Execution::default())? {
        let Some(column) = batch::column(&batch, NUMBER) else { continue };
        kept.extend((0..batch.num_rows()).filter_map(|row| match batch::literal(column, row) {
            Literal::Integer(number) => usize::try_from(number).ok(),
            _ => None,
        }));
    }
    kept.sort_unstable();
    Ok(kept)
}

/// The rows with the columns of their folders behind the columns of the files.
///
/// Errors: a column of that name is in the files already.
pub(super) fn with_partitions(options: &Read, relation: Relation, found: &Found) -> Result<Relation, Findings> {
    let Some(file) = filename(options, found).filter(|_| !found.partitions.is_empty()) else { return Ok(relation) };
    let schema = relation.schema();
    let place = options.path.first().map(|path| &path.place);
    let mut columns = inputs::all_columns(&schema);
    if options.filename.is_none() {
        columns.retain(|column| column.name != file);
    }
    let mut findings = Findings::new();
    for partition in &found.partitions {
        if columns.iter().any(|column| column.name == partition.name) {
            let finding =
                Diagnostic::definition(format!("column `{}` is both in the files and in the folders", partition.name));
            findings.push(match place {
                Some(place) => finding.at(place),
                None => finding,
            });
        }
        columns.push(NamedExpr { name: partition.name.clone(), expr: value(partition, &file) });
    }
    if findings.is_empty() { Ok(Relation::Project { input: relation.into(), columns }) } else { Err(findings) }
}

/// The value of a column in the path of the file.
fn value(partition: &PartitionColumn, file: &str) -> Expr {
    let separator = if cfg!(windows) { r"[/\\]" } else { "/" };
    let pattern = format!("(?:^|{separator}){}=([^/]*){separator}", regex::escape(&partition.name));
    let arguments = vec![Expr::column(file, DataType::String), Expr::string(pattern), Expr::integer(1)];
    let written = Expr::call(Function::RegexpExtract, arguments, DataType::String);
    let missing = Expr::call(Function::NullIf, vec![written, Expr::string(files::MISSING)], DataType::String);
    let text = partition.escapes.iter().fold(missing, |text, (code, character)| {
        Expr::call(Function::Replace, vec![text, Expr::string(code), Expr::string(character)], DataType::String)
    });
    if partition.data_type == DataType::String { text } else { text.cast(partition.data_type.clone(), true) }
}
