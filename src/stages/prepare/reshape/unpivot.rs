//! Columns become rows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::call;
use crate::definition::{OneOrMany, Spanned};
use crate::diagnostic::{Diagnostic, Findings};
use crate::expression::{Expr, Function};
use crate::relation::{NamedExpr, Relation};
use crate::stages::work::{Change, StageCounts, Work, signed};
use crate::stages::{PlanContext, Planned, TableShape, inputs};

/// Columns become rows: one for each of the columns, in their order, with the other columns repeated.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unpivot {
    /// The columns, of types that go together.
    columns: OneOrMany<Spanned<String>>,
    /// Name of the new column with the names of the columns.
    #[serde(default = "name")]
    name: Spanned<String>,
    /// Name of the new column with their values.
    #[serde(default = "value")]
    value: Spanned<String>,
    /// Whether values that are null become rows too. Without it they are left out, and counted.
    #[serde(default = "yes")]
    keep_nulls: bool,
}

fn name() -> Spanned<String> {
    Spanned::nowhere("name".to_owned())
}

fn value() -> Spanned<String> {
    Spanned::nowhere("value".to_owned())
}

fn yes() -> bool {
    true
}

impl Unpivot {
    pub(super) fn plan(&self, table: &TableShape, id: &str, context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let fields = inputs::columns(&table.schema, self.columns.as_slice(), id)?;
        if fields.is_empty() {
            return Err(vec![Diagnostic::definition("`columns` names no column")]);
        }
        let values = fields.iter().map(|field| Expr::column(&field.name, field.data_type.clone())).collect();
        let values = call(Function::ListValue, values).map_err(|findings| {
            let place = self.columns.first().map(|column| &column.place);
            findings
                .into_iter()
                .map(|finding| match place {
                    Some(place) => finding.at(place).label("these columns become one, which has one type"),
                    None => finding,
                })
                .collect::<Findings>()
        })?;
        let names = call(Function::ListValue, fields.iter().map(|field| Expr::string(&field.name)).collect())?;
        let mut columns = inputs::all_columns(&table.schema);
        columns.retain(|column| !fields.iter().any(|field| field.name == column.name));
        for (new, lists) in [(&self.name, names), (&self.value, values)] {
            if columns.iter().any(|column| column.name == new.value) {
                let message = format!("column `{}` exists already", new.value);
                let is_default = new.place.source().text().is_empty();
                let place = if is_default { context.place } else { &new.place };
                return Err(vec![Diagnostic::definition(message).at(place).help("choose another `name` or `value`")]);
            }
            columns.push(NamedExpr { name: new.value.clone(), expr: lists });
        }
        let lists = Relation::Project { input: table.relation.clone(), columns };
        let new = vec![self.name.value.clone(), self.value.value.clone()];
        let mut relation = Relation::Explode { input: lists.into(), columns: new, keep_empty: true };
        if !self.keep_nulls {
            let schema = relation.schema();
            let value_type = schema.data_type(&self.value.value).cloned().unwrap_or(crate::expression::DataType::Null);
            let predicate = Expr::column(&self.value.value, value_type).is_null().not();
            relation = Relation::Filter { input: relation.into(), predicate };
        }
        Ok(Planned::relation(table.derive(relation)).work(UnpivotWork { columns: fields.len() as u64 }))
    }
}

struct UnpivotWork {
    columns: u64,
}

impl Work for UnpivotWork {
    fn changes(&self, counts: &StageCounts) -> Vec<Change> {
        let further = counts.first_input() * self.columns.saturating_sub(1);
        let left_out = signed(counts.out) - signed(counts.first_input() + further);
        let mut changes = Vec::new();
        if further > 0 {
            changes.push(Change::plus("further columns", further));
        }
        if left_out != 0 {
            changes.push(Change::new("null", left_out));
        }
        changes
    }
}
