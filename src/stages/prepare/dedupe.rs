//! `dedupe`: one row of each group of rows with equal keys.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::sort::sort_keys;
use crate::definition::{OneOrMany, Spanned};
use crate::diagnostic::{Diagnostic, Findings};
use crate::relation::{Keep, Relation};
use crate::stages::work::{Change, StageCounts, Work};
use crate::stages::{PlanContext, Planned, Shape, Stage, inputs};

/// Keeps one row of each group of rows with equal keys; the others are merged into it.
///
/// Nulls are equal to each other. `keep: last` with `order_by: updated_at` keeps the latest version of each key. Without
/// `order_by`, first and last mean the order in which rows were read. `keep: none` keeps only rows without a twin.
///
/// ```yaml
/// - dedupe: {on: [order_id, line], keep: last, order_by: updated_at}
/// ```
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dedupe {
    /// The columns that make a duplicate; all columns when absent.
    #[serde(default)]
    on: Option<OneOrMany<Spanned<String>>>,
    /// Which row stays.
    #[serde(default = "first")]
    keep: Keep,
    /// What first and last mean: `column`, `column desc`.
    #[serde(default)]
    order_by: Option<OneOrMany<Spanned<String>>>,
}

fn first() -> Keep {
    Keep::First
}

impl Stage for Dedupe {
    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let table = inputs::table(shapes, 0, context.input_ids)?;
        let id = context.input_ids.first().map_or("", String::as_str);
        let fields = match &self.on {
            Some(on) => inputs::columns(&table.schema, on.as_slice(), id)?,
            None => table.schema.fields().to_vec(),
        };
        if fields.is_empty() {
            return Err(vec![Diagnostic::definition("`on` names no column")]);
        }
        if let Some(field) = fields.iter().find(|field| !inputs::is_key(&field.data_type)) {
            let message = format!("column `{}` holds {}, which cannot be a key", field.name, field.data_type);
            return Err(vec![Diagnostic::definition(message).help("name the key columns with `on`")]);
        }
        let order_by = sort_keys(self.order_by.as_ref().map_or(&[], |names| names.as_slice()), table, id)?;
        let relation = Relation::Deduplicate {
            input: table.relation.clone(),
            keys: fields.into_iter().map(|field| field.name).collect(),
            keep: self.keep,
            order_by,
        };
        let mut planned = Planned::relation(table.derive(relation)).work(DedupeWork { keep: self.keep });
        if let (Some(order), Keep::Any | Keep::None) = (&self.order_by, self.keep)
            && let Some(first) = order.as_slice().first()
        {
            planned = planned.warn(Diagnostic::warning("`order_by` has no effect with this `keep`").at(&first.place));
        }
        Ok(planned)
    }
}

struct DedupeWork {
    keep: Keep,
}

impl Work for DedupeWork {
    fn is_costly(&self) -> bool {
        true
    }

    fn changes(&self, counts: &StageCounts) -> Vec<Change> {
        let reason = if self.keep == Keep::None { "not unique" } else { "merged into their twin" };
        vec![Change::new(reason, counts.difference())]
    }
}
