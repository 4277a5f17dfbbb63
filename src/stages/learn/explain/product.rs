//! The table of importances, and beside it what each column contributed to each chosen row.

use std::path::Path;

use crate::batch::{self, Values};
use crate::diagnostic::{Diagnostic, Findings};
use crate::expression::{DataType, Field, Schema};
use crate::relation::{Relation, Scan, ScanSource};
use crate::stages::work::{Change, StageCounts, Work};
use crate::stages::{PlanContext, Planned, Shape, Stage, TableShape, inputs};

/// The names of the tables.
pub(super) const IMPORTANCES: &str = "importances";
pub(super) const CONTRIBUTIONS: &str = "contributions";

/// A row of the table of importances.
#[derive(Debug, Clone)]
pub(super) struct Importance {
    pub(super) target: String,
    pub(super) column: String,
    pub(super) method: &'static str,
    pub(super) value: f64,
    pub(super) interval: Option<(f64, f64)>,
}

/// A row of the table of contributions.
#[derive(Debug, Clone)]
pub(super) struct Contribution {
    pub(super) row: u64,
    pub(super) target: String,
    /// What is explained: `log-odds of late = true`.
    pub(super) of: String,
    pub(super) prediction: String,
    pub(super) truth: String,
    pub(super) column: String,
    /// The value of the column, or a word of it.
    pub(super) part: Option<String>,
    pub(super) method: &'static str,
    pub(super) value: f64,
    pub(super) error: Option<f64>,
}

/// The file of a table.
pub(super) fn file(name: &str) -> String {
    format!("{name}.parquet")
}

pub(super) fn importance_schema() -> Schema {
    schema(&["target", "column", "method"], &["value", "lower", "upper"])
}

fn contribution_schema() -> Schema {
    let mut fields = vec![Field::new("row", DataType::Int64)];
    let texts = ["target", "of", "prediction", "truth", "column", "part", "method"];
    fields.extend(schema(&texts, &["value", "error"]).fields().to_vec());
    Schema::new(fields).unwrap_or_default()
}

fn schema(texts: &[&str], numbers: &[&str]) -> Schema {
    let texts = texts.iter().map(|name| Field::new(*name, DataType::String));
    let numbers = numbers.iter().map(|name| Field::new(*name, DataType::Float64));
    Schema::new(texts.chain(numbers).collect()).unwrap_or_default()
}

/// Writes both tables.
///
/// Errors: a file cannot be written.
pub(super) fn write(
    folder: &Path,
    importances: &[Importance],
    contributions: &[Contribution],
) -> Result<(), Diagnostic> {
    let text =
        |of: &dyn Fn(&Importance) -> String| Values::Texts(importances.iter().map(|one| Some(of(one))).collect());
    let end = |of: fn((f64, f64)) -> f64| Values::Floats(importances.iter().map(|one| one.interval.map(of)).collect());
    let table = batch::table(vec![
        ("target", text(&|one| one.target.clone())),
        ("column", text(&|one| one.column.clone())),
        ("method", text(&|one| one.method.to_owned())),
        ("value", Values::Floats(importances.iter().map(|one| Some(one.value)).collect())),
        ("lower", end(|(low, _)| low)),
        ("upper", end(|(_, high)| high)),
    ])?;
    batch::write_parquet(&folder.join(file(IMPORTANCES)), &table)?;
    let text =
        |of: &dyn Fn(&Contribution) -> String| Values::Texts(contributions.iter().map(|one| Some(of(one))).collect());
    let table = batch::table(vec![
        ("row", Values::Integers(contributions.iter().map(|one| i64::try_from(one.row).ok()).collect())),
        ("target", text(&|one| one.target.clone())),
        ("of", text(&|one| one.of.clone())),
        ("prediction", text(&|one| one.prediction.clone())),
        ("truth", text(&|one| one.truth.clone())),
        ("column", text(&|one| one.column.clone())),
        ("part", Values::Texts(contributions.iter().map(|one| one.part.clone()).collect())),
        ("method", text(&|one| one.method.to_owned())),
        ("value", Values::Floats(contributions.iter().map(|one| Some(one.value)).collect())),
        ("error", Values::Floats(contributions.iter().map(|one| one.error).collect())),
    ])?;
    batch::write_parquet(&folder.join(file(CONTRIBUTIONS)), &table)
}

/// The table of contributions as a stage of its own.
pub(super) struct Contributions;

impl Stage for Contributions {
    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        inputs::table(shapes, 0, context.input_ids)?;
        let id = context.input_ids.first().map_or("", String::as_str);
        let source = ScanSource::Artifact(format!("{id}.{CONTRIBUTIONS}"));
        let scan = Relation::Scan(Scan { source, schema: contribution_schema() });
        Ok(Planned::relation(TableShape::new(scan, None)).work(ContributionsWork))
    }
}

struct ContributionsWork;

impl Work for ContributionsWork {
    /// Its rows are not those of the product.
    fn flowing(&self) -> usize {
        0
    }

    fn changes(&self, counts: &StageCounts) -> Vec<Change> {
        vec![Change::plus("made beside the importances", counts.out)]
    }
}
