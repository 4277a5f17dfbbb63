//! `derive`: adds columns computed from others, or replaces them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::definition::{Ordered, Spanned};
use crate::diagnostic::{Diagnostic, Findings};
use crate::relation::Relation;
use crate::stages::work::RelationalWork;
use crate::stages::{PlanContext, Planned, Shape, Stage, inputs};

/// Adds columns computed by SQL expressions, or replaces columns of the same name.
///
/// Expressions are evaluated in order: one may use the columns that stand before it. Window functions are allowed
/// (`lag(price) over (partition by shop order by day)`), plain aggregates are not: use `aggregate`.
///
/// ```yaml
/// - derive:
///     late: "arr_delay > 15"
///     weekday: "extract(dow from time_hour)"
/// ```
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Derive(
    /// The new columns with their expressions.
    Ordered<Spanned<String>>,
);

impl Stage for Derive {
    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let table = inputs::table(shapes, 0, context.input_ids)?;
        let mut findings = Findings::new();
        let mut derived = table.clone();
        let mut has_window = false;
        for (name, text) in self.0.iter() {
            if name.value.is_empty() {
                findings.push(Diagnostic::definition("a column needs a name").at(&name.place));
                continue;
            }
            match inputs::expression(text, &derived.schema) {
                Ok(expr) => {
                    has_window |= expr.has_window();
                    let mut columns = inputs::all_columns(&derived.schema);
                    inputs::set_column(&mut columns, &name.value, expr);
                    derived = derived.derive(project(&derived.relation, columns));
                }
                Err(mut wrong) => findings.append(&mut wrong),
            }
        }
        if findings.is_empty() {
            Ok(Planned::relation(derived).work(RelationalWork { costly: has_window }))
        } else {
            Err(findings)
        }
    }
}

fn project(input: &std::sync::Arc<Relation>, columns: Vec<crate::relation::NamedExpr>) -> Relation {
    Relation::Project { input: input.clone(), columns }
}
