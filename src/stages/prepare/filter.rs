//! `filter`: keeps the rows for which a condition is true.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::definition::Spanned;
use crate::diagnostic::Findings;
use crate::expression::Expr;
use crate::relation::{NamedExpr, Relation, Tap};
use crate::stages::work::{Change, StageCounts, Work};
use crate::stages::{PlanContext, Planned, Shape, Stage, inputs};

/// Keeps the rows for which a condition is true.
///
/// The condition is an SQL expression. A row for which it is null (unknown) is not kept; the ledger counts these rows apart
/// from those for which it is false, since a null often means that something upstream is missing.
///
/// ```yaml
/// - filter: "arr_delay is not null and distance > 100"
/// ```
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Filter(
    /// The condition.
    Spanned<String>,
);

impl Stage for Filter {
    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let table = inputs::table(shapes, 0, context.input_ids)?;
        let predicate = inputs::predicate(&self.0, &table.schema)?;
        let counter = |name: &str, expr| NamedExpr { name: name.to_owned(), expr };
        let tap = Tap {
            stage: context.id.to_owned(),
            point: "in".to_owned(),
            counters: vec![
                counter("false", predicate.clone().is_null().not().and(predicate.clone().not())),
                counter("null", Expr::is_null(predicate.clone())),
            ],
            samples: Vec::new(),
        };
        let tapped = Relation::Tap { input: table.relation.clone(), tap: tap.into() };
        Ok(Planned::relation(table.derive(Relation::Filter { input: tapped.into(), predicate })).work(FilterWork))
    }
}

struct FilterWork;

impl Work for FilterWork {
    fn changes(&self, counts: &StageCounts) -> Vec<Change> {
        vec![
            Change::minus("condition false", counts.counter("in", "false")),
            Change::minus("condition null", counts.counter("in", "null")),
        ]
    }
}
