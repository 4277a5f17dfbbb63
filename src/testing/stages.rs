//! What stands in the place of stages while a test runs.

use std::path::PathBuf;

use crate::diagnostic::Findings;
use crate::expression::Schema;
use crate::relation::{FileFormat, FileScan, Relation, Scan, ScanSource};
use crate::stages::work::{Change, StageCounts, Work};
use crate::stages::{PlanContext, Planned, Shape, Split, Stage, TableShape, inputs};

/// The rows of a Parquet file.
pub(super) fn scan(path: PathBuf, schema: Schema) -> Scan {
    let fingerprint = path.display().to_string();
    let source = ScanSource::Files(FileScan {
        paths: vec![path],
        format: FileFormat::Parquet,
        file_schema: schema.clone(),
        filename: None,
        rows: None,
        fingerprint,
    });
    Scan { source, schema }
}

/// Given rows as a table, divided as the table was in whose place they stand.
pub(super) fn table(path: PathBuf, schema: Schema, split: Option<Split>) -> TableShape {
    let split = split.filter(|split| schema.contains(&split.column));
    TableShape::new(Relation::Scan(scan(path, schema)), split)
}

/// Given rows in the place of a stage.
pub(super) struct Given(pub(super) TableShape);

impl Stage for Given {
    fn arity(&self) -> (usize, usize) {
        (0, 0)
    }

    fn plan(&self, _: &[Shape], _: &PlanContext<'_>) -> Result<Planned, Findings> {
        Ok(Planned::relation(self.0.clone()).work(GivenWork))
    }
}

struct GivenWork;

impl Work for GivenWork {
    fn changes(&self, counts: &StageCounts) -> Vec<Change> {
        vec![Change::plus("given", counts.out)]
    }
}

/// A stage that would write its rows, and only hands them on.
pub(super) struct HandOn;

impl Stage for HandOn {
    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        Ok(Planned::relation(inputs::table(shapes, 0, context.input_ids)?.clone()).work(HandOnWork))
    }
}

struct HandOnWork;

impl Work for HandOnWork {
    fn hands_input_on(&self) -> bool {
        true
    }
}
