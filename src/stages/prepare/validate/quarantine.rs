//! The side table of rows that were diverted, which a stage below reads with `from: <id>.<name>`.

use std::sync::Arc;

use super::any;
use crate::diagnostic::Findings;
use crate::expression::{DataType, Expr, ExprKind, Field, Function, Schema};
use crate::relation::{NamedExpr, Relation, Scan, ScanSource};
use crate::stages::work::{Change, StageCounts, Work};
use crate::stages::{PlanContext, Planned, Shape, Stage, TableShape, inputs};

/// The file among the artifacts of the stage.
pub(super) const FILE: &str = "quarantine.parquet";
/// The column with the checks that a row fails.
pub(super) const REASONS: &str = "failed_checks";

/// The rows that fail any of the named conditions, with the names of those that they fail.
pub(super) fn rows(base: &Arc<Relation>, schema: &Schema, named: &[(&str, Expr)]) -> Relation {
    let failing = any(named.iter().map(|(_, failing)| failing.clone())).unwrap_or(Expr::boolean(false));
    let mut reasons = vec![Expr::string("; ")];
    reasons.extend(named.iter().map(|(name, failing)| {
        let branches = vec![(failing.clone(), Expr::string(*name))];
        Expr::new(ExprKind::Case { branches, otherwise: None }, DataType::String)
    }));
    let mut columns = inputs::all_columns(schema);
    let reasons = Expr::call(Function::ConcatWs, reasons, DataType::String);
    columns.push(NamedExpr { name: REASONS.to_owned(), expr: reasons });
    Relation::Project { input: Relation::Filter { input: Arc::clone(base), predicate: failing }.into(), columns }
}

/// The side table as a stage of its own, which reads what the `validate` above it set aside.
pub(super) struct Quarantine {
    /// Its name.
    pub(super) name: String,
}

impl Stage for Quarantine {
    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let table = inputs::table(shapes, 0, context.input_ids)?;
        let id = context.input_ids.first().map_or("", String::as_str);
        let mut fields = table.schema.fields().to_vec();
        fields.push(Field::new(REASONS, DataType::String));
        // A clash was refused where the side table was named.
        let schema = Schema::new(fields).unwrap_or_default();
        let source = ScanSource::Artifact(format!("{id}.{}", self.name));
        let scan = Relation::Scan(Scan { source, schema });
        Ok(Planned::relation(TableShape::new(scan, None)).work(QuarantineWork))
    }
}

struct QuarantineWork;

impl Work for QuarantineWork {
    /// Its rows are those that the stage above did not hand on.
    fn flowing(&self) -> usize {
        0
    }

    fn changes(&self, counts: &StageCounts) -> Vec<Change> {
        vec![Change::plus("diverted", counts.out)]
    }
}
