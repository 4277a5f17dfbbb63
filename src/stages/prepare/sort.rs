//! `sort`: puts the rows in order.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::definition::{OneOrMany, Spanned};
use crate::diagnostic::{Diagnostic, Findings};
use crate::expression::SortKey;
use crate::relation::Relation;
use crate::stages::work::RelationalWork;
use crate::stages::{PlanContext, Planned, Shape, Stage, inputs};

/// Puts the rows in order.
///
/// A key is a column, with `desc` for the largest first. Nulls come last unless `nulls first` is said. Rows with equal keys
/// keep their order.
///
/// ```yaml
/// - sort: {by: [carrier, dep_delay desc]}
/// ```
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sort {
    /// The keys, the most important first: `column`, `column desc`, `column desc nulls first`.
    by: OneOrMany<Spanned<String>>,
}

impl Stage for Sort {
    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let table = inputs::table(shapes, 0, context.input_ids)?;
        let id = context.input_ids.first().map_or("", String::as_str);
        let keys = sort_keys(self.by.as_slice(), table, id)?;
        if keys.is_empty() {
            return Err(vec![Diagnostic::definition("`by` names no column")]);
        }
        let sorted = table.derive(Relation::Sort { input: table.relation.clone(), keys });
        Ok(Planned::relation(sorted).work(RelationalWork { costly: true }))
    }
}

/// The keys of an order over a table.
///
/// Errors: every unknown column or word.
pub(super) fn sort_keys(
    texts: &[Spanned<String>],
    table: &crate::stages::TableShape,
    id: &str,
) -> Result<Vec<SortKey>, Findings> {
    let mut keys = Vec::new();
    let mut findings = Findings::new();
    for text in texts {
        match inputs::sort_key(text, &table.schema, id) {
            Ok(key) => keys.push(key),
            Err(finding) => findings.push(finding),
        }
    }
    if findings.is_empty() { Ok(keys) } else { Err(findings) }
}
