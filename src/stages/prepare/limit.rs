//! `limit`: keeps the first rows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::diagnostic::Findings;
use crate::relation::Relation;
use crate::stages::work::{Change, StageCounts, Work};
use crate::stages::{PlanContext, Planned, Shape, Stage, inputs};

/// Keeps the first rows, after leaving out some.
///
/// ```yaml
/// - sort: {by: dep_delay desc}
/// - limit: {rows: 100}
/// ```
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// Rows at most.
    rows: u64,
    /// Rows left out before.
    #[serde(default)]
    offset: u64,
}

impl Stage for Limit {
    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let table = inputs::table(shapes, 0, context.input_ids)?;
        let relation = Relation::Limit { input: table.relation.clone(), offset: self.offset, rows: self.rows };
        Ok(Planned::relation(table.derive(relation)).work(LimitWork))
    }
}

struct LimitWork;

impl Work for LimitWork {
    fn changes(&self, counts: &StageCounts) -> Vec<Change> {
        vec![Change::new("beyond the limit", counts.difference())]
    }
}
