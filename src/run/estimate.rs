//! How many rows, how much memory and how much disk each stage takes at most, told before a row is read.
//!
//! Rows come from the footers of Parquet files, or from the size of text files and the lines at their beginning; widths from the
//! types of the columns. A filter may keep every row and every group may be of one row, so these are upper bounds where the data
//! decide. A join is taken to keep as many rows as its larger input.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::pins;
use crate::diagnostic::{Diagnostic, Findings};
use crate::digits;
use crate::expression::{DataType, Schema};
use crate::files;
use crate::plan::{Plan, PlannedStage};
use crate::relation::{FileFormat, FileScan, Join, JoinKind, Relation, Scan, ScanSource};
use crate::stages::Shape;

/// What a stage takes at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Estimate {
    /// Rows that it hands on; none when nobody can know.
    pub rows: Option<u64>,
    /// Bytes of memory beyond what streams through.
    pub memory: u64,
    /// Bytes of temporary files.
    pub disk: u64,
}

/// Bytes that a table takes for each row beside its values: offsets, validity, hashes.
const PER_ROW: u64 = 8;

/// Files of a scan that are opened for it; further ones are taken to be like these.
const LOOKED_AT: usize = 16;

/// Rows of a relation, and what the operators in it hold.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    rows: Option<u64>,
    state: u64,
}

/// Warnings of stages whose rows have to be in memory, where more may come than the memory of the run or the method takes.
///
/// What a stage holds is reserved, and reservations may have half of the memory of a run.
pub fn crowded(plan: &Plan, estimates: &[Estimate], memory: u64) -> Findings {
    let crowding = plan.stages.iter().filter_map(|stage| {
        let rows = input_rows(stage, estimates)?;
        let holding = stage.planned.work.holds(rows)?;
        let coming = digits::rows(rows);
        let (message, help) = match holding.most_rows.filter(|most| *most < rows) {
            Some(most) => (
                format!("{} takes at most {}, and up to {coming} may come", holding.purpose, digits::rows(most)),
                format!("say `sample: {}` to take rows drawn at random", most / 10),
            ),
            None if holding.bytes > memory / 2 => (
                format!(
                    "{} holds its rows in memory: up to {} for {coming}, and a run with {} has {} for them",
                    holding.purpose,
                    digits::bytes(holding.bytes),
                    digits::bytes(memory),
                    digits::bytes(memory / 2)
                ),
                holding.help,
            ),
            None => return None,
        };
        Some(Diagnostic::warning(message).at(&stage.definition.place).help(help))
    });
    crowding.collect()
}

/// The estimates of all stages, in the order of the plan, for a run with so much memory.
pub fn estimate(plan: &Plan, memory: u64) -> Vec<Estimate> {
    let all = (0..plan.stages.len()).collect();
    let held = pins::choose(plan, &all);
    let mut sizes: BTreeMap<&str, Size> = BTreeMap::new();
    let mut estimates = Vec::with_capacity(plan.stages.len());
    for (at, stage) in plan.stages.iter().enumerate() {
        let size = size_of_stage(stage, plan, &sizes);
        let mut state = size.state;
        if held.get(at) == Some(&true)
            && let (Some(rows), Shape::Table(table)) = (size.rows, stage.shape())
        {
            state = state.saturating_add(bytes(rows, &table.schema));
        }
        sizes.insert(&stage.id, size);
        // What is more than a share of the memory is written to the disk and read back in parts.
        let share = memory / 3;
        let (memory, disk) = if state > share { (share, state) } else { (state, 0) };
        // What an algorithm needs at once stays in memory or is refused.
        let holding = input_rows(stage, &estimates).and_then(|rows| stage.planned.work.holds(rows));
        let memory = memory.saturating_add(holding.map_or(0, |holding| holding.bytes));
        estimates.push(Estimate { rows: size.rows, memory, disk });
    }
    estimates
}

/// Rows of the first input, as far as it is known.
fn input_rows(stage: &PlannedStage, estimates: &[Estimate]) -> Option<u64> {
    estimates.get(*stage.inputs.first()?)?.rows
}

fn size_of_stage(stage: &PlannedStage, plan: &Plan, known: &BTreeMap<&str, Size>) -> Size {
    let of_input = || {
        let input = stage.inputs.first().and_then(|&input| plan.stages.get(input));
        Size { rows: input.and_then(|input| known.get(input.id.as_str())?.rows), state: 0 }
    };
    match stage.shape() {
        Shape::Table(table) => size_of(&table.relation, &stage.id, known),
        Shape::Tensors(tensors) => {
            let size = of_input();
            let width = tensors.table.schema.len() as u64 * 4;
            Size { state: size.rows.unwrap_or(0).saturating_mul(width), ..size }
        }
        Shape::Model(_) | Shape::Nothing => of_input(),
    }
}

/// What the relation of a stage takes, down to the rows that other stages hand on.
fn size_of(relation: &Relation, of: &str, known: &BTreeMap<&str, Size>) -> Size {
    let input = |relation: &Relation| size_of(relation, of, known);
    let with = |size: Size, state: Option<u64>| Size { state: size.state.saturating_add(state.unwrap_or(0)), ..size };
    match relation {
        Relation::Tap { tap, .. } if tap.stage != of && tap.point == "out" => {
            Size { state: 0, ..known.get(tap.stage.as_str()).copied().unwrap_or_default() }
        }
        Relation::Scan(scan) => Size { rows: rows_of(scan), state: 0 },
        Relation::Project { input: below, columns } => {
            let size = input(below);
            // Windows look at all rows of a partition, so their input is held.
            let windows = columns.iter().any(|column| column.expr.has_window());
            with(size, size.rows.filter(|_| windows).map(|rows| bytes(rows, &below.schema())))
        }
        Relation::Sort { input: below, .. } => {
            let size = input(below);
            with(size, size.rows.map(|rows| bytes(rows, &below.schema())))
        }
        Relation::Aggregate { input: below, keys, .. } => {
            let size = input(below);
            if keys.is_empty() {
                return Size { rows: Some(1), ..size };
            }
            with(size, size.rows.map(|rows| bytes(rows, &relation.schema())))
        }
        Relation::Deduplicate { input: below, keys, .. } => {
            let size = input(below);
            let schema = below.schema();
            let width: u64 = keys.iter().filter_map(|key| schema.data_type(key)).map(width).sum();
            with(size, size.rows.map(|rows| rows.saturating_mul(width + 2 * PER_ROW)))
        }
        Relation::Limit { input: below, offset, rows } => {
            let size = input(below);
            Size { rows: Some(size.rows.map_or(*rows, |known| known.saturating_sub(*offset).min(*rows))), ..size }
        }
        Relation::Union { inputs } => {
            let sizes: Vec<Size> = inputs.iter().map(|below| input(below)).collect();
            let rows = sizes.iter().map(|size| size.rows).try_fold(0_u64, |sum, rows| Some(sum.saturating_add(rows?)));
            Size { rows, state: sizes.iter().map(|size| size.state).sum() }
        }
        Relation::Join(join) => joined(join, input(&join.left), input(&join.right)),
        // Only the data know how long lists are.
        Relation::Explode { input: below, .. } => Size { rows: None, ..input(below) },
        // What streams through and hands on no more rows than came.
        other => other.inputs().first().map_or_else(Size::default, |below| input(below)),
    }
}

fn joined(join: &Join, left: Size, right: Size) -> Size {
    let larger = || Some(left.rows?.max(right.rows?));
    let rows = match join.kind {
        JoinKind::Semi | JoinKind::Anti | JoinKind::Asof => left.rows,
        JoinKind::Inner | JoinKind::Left | JoinKind::Right => larger(),
        JoinKind::Full => left.rows.zip(right.rows).map(|(left, right)| left.saturating_add(right)),
        JoinKind::Cross => left.rows.zip(right.rows).map(|(left, right)| left.saturating_mul(right)),
    };
    // The smaller side is held, with the columns that are taken and its keys.
    let left_bytes = left.rows.map(|rows| bytes(rows, &join.left.schema()));
    let right_bytes = right.rows.map(|rows| bytes(rows, &join.right.schema()));
    let held = left_bytes.into_iter().chain(right_bytes).min().unwrap_or(0);
    Size { rows, state: left.state.saturating_add(right.state).saturating_add(held) }
}

/// Rows of files, as they say themselves or as their beginning tells.
fn rows_of(scan: &Scan) -> Option<u64> {
    let ScanSource::Files(files) = &scan.source else { return None };
    let known = rows_in(files);
    match (known, files.rows) {
        (Some(known), Some(most)) => Some(known.min(most)),
        (known, most) => known.or(most),
    }
}

fn rows_in(files: &FileScan) -> Option<u64> {
    let looked_at = files.paths.get(..files.paths.len().min(LOOKED_AT))?;
    let size = |paths: &[std::path::PathBuf]| -> u64 {
        paths.iter().filter_map(|path| std::fs::metadata(path).ok()).map(|found| found.len()).sum()
    };
    let counted = looked_at.iter().map(|path| match &files.format {
        FileFormat::Parquet => parquet_rows(path),
        FileFormat::Csv(format) => {
            let header = u64::from(format.header) + format.skip_rows;
            files::measure(path).map(|rows| rows.saturating_sub(header))
        }
        _ => files::measure(path),
    });
    let rows = counted.sum::<Option<u64>>()?;
    if looked_at.len() == files.paths.len() {
        return Some(rows);
    }
    let (part, whole) = (size(looked_at).max(1), size(&files.paths));
    u64::try_from(u128::from(rows) * u128::from(whole) / u128::from(part)).ok()
}

fn parquet_rows(path: &std::path::Path) -> Option<u64> {
    use parquet::file::metadata::ParquetMetaDataReader;
    let file = std::fs::File::open(path).ok()?;
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&file).ok()?;
    u64::try_from(metadata.file_metadata().num_rows()).ok()
}

/// Bytes of so many rows in memory.
fn bytes(rows: u64, schema: &Schema) -> u64 {
    let row: u64 = schema.fields().iter().map(|field| width(&field.data_type)).sum();
    rows.saturating_mul(row + PER_ROW)
}

/// Bytes of a value in memory; of texts, lists and bytes what they take on the average of tables.
fn width(data_type: &DataType) -> u64 {
    match data_type {
        DataType::Null => 0,
        DataType::Boolean | DataType::Int8 | DataType::UInt8 => 1,
        DataType::Int16 | DataType::UInt16 => 2,
        DataType::Int32 | DataType::UInt32 | DataType::Float32 | DataType::Date => 4,
        DataType::Int64
        | DataType::UInt64
        | DataType::Float64
        | DataType::Time
        | DataType::Datetime(_)
        | DataType::Duration
        | DataType::Interval => 8,
        DataType::Decimal(..) => 16,
        DataType::String => 24,
        DataType::Binary => 64,
        DataType::List(element) => 8 + 4 * width(element),
        DataType::Array(element, size) => u64::from(*size).saturating_mul(width(element)),
        DataType::Struct(fields) => fields.iter().map(|field| width(&field.data_type)).sum(),
    }
}
