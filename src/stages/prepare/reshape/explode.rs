//! Elements of lists become rows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{call, counted};
use crate::definition::{OneOrMany, Spanned};
use crate::diagnostic::{Diagnostic, Findings};
use crate::digits;
use crate::expression::{BinaryOperator, DataType, Expr, Field, Function};
use crate::relation::{NamedExpr, Relation};
use crate::stages::work::{Change, StageCounts, Work};
use crate::stages::{PlanContext, Planned, TableShape, inputs};

const EMPTY: &str = "without elements";

/// Each element of a list becomes a row; the other columns are repeated.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Explode {
    /// Columns of lists. Several are taken side by side: the first elements make the first row, and so on. A row in which
    /// they are not equally long ends the run.
    columns: OneOrMany<Spanned<String>>,
    /// Cuts columns of text into lists at this text, such as `;`.
    #[serde(default)]
    separator: Option<Spanned<String>>,
    /// Whether a row without elements stays, with null in their place. Without it such a row is dropped, and counted.
    #[serde(default = "yes")]
    keep_empty: bool,
    /// A further column with the number of the element, from 1.
    #[serde(default)]
    position: Option<Spanned<String>>,
}

fn yes() -> bool {
    true
}

impl Explode {
    pub(super) fn plan(&self, table: &TableShape, id: &str, context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let fields = inputs::columns(&table.schema, self.columns.as_slice(), id)?;
        let lists = fields.iter().zip(self.columns.iter()).map(|(field, name)| self.list(field, name));
        let lists = lists.collect::<Result<Vec<Expr>, Findings>>()?;
        let Some(first) = lists.first() else {
            return Err(vec![Diagnostic::definition("`columns` names no column")]);
        };
        let length = call(Function::ListLength, vec![first.clone()])?;
        let has_elements = Expr::binary(BinaryOperator::Greater, length.clone(), Expr::integer(0), DataType::Boolean);
        let empty = Expr::call(Function::Coalesce, vec![has_elements, Expr::boolean(false)], DataType::Boolean).not();
        let tapped = counted(table, context, vec![NamedExpr { name: EMPTY.to_owned(), expr: empty }]);
        let mut columns = inputs::all_columns(&table.schema);
        let mut exploded: Vec<String> = fields.iter().map(|field| field.name.clone()).collect();
        for (field, list) in fields.iter().zip(lists) {
            inputs::set_column(&mut columns, &field.name, list);
        }
        if let Some(position) = &self.position {
            inputs::new_name(&table.schema, &position.value, &position.place).map_err(|finding| vec![finding])?;
            let end = Expr::binary(BinaryOperator::Add, length, Expr::integer(1), DataType::Int64);
            let numbers = call(Function::Range, vec![Expr::integer(1), end])?;
            inputs::set_column(&mut columns, &position.value, numbers);
            exploded.push(position.value.clone());
        }
        let prepared = Relation::Project { input: tapped.into(), columns };
        let relation = Relation::Explode { input: prepared.into(), columns: exploded, keep_empty: self.keep_empty };
        Ok(Planned::relation(table.derive(relation)).work(ExplodeWork { keep_empty: self.keep_empty }))
    }

    /// The column as a list.
    fn list(&self, field: &Field, name: &Spanned<String>) -> Result<Expr, Findings> {
        let value = Expr::column(&field.name, field.data_type.clone());
        match (&field.data_type, &self.separator) {
            (DataType::String, Some(separator)) if separator.value.is_empty() => {
                Err(vec![Diagnostic::definition("the separator is empty").at(&separator.place)])
            }
            (DataType::String, Some(separator)) => {
                call(Function::Split, vec![value, Expr::string(separator.value.clone())])
            }
            (DataType::List(_), _) => Ok(value),
            (DataType::Array(element, _), _) => Ok(value.cast(DataType::List(element.clone()), true)),
            (DataType::String, None) => {
                let message = format!("column `{}` holds text, not lists", field.name);
                let help = "`separator` says where it is cut: `separator: \";\"`";
                Err(vec![Diagnostic::definition(message).at(&name.place).help(help)])
            }
            (other, _) => {
                let message = format!("column `{}` holds {other}, not lists", field.name);
                Err(vec![Diagnostic::definition(message).at(&name.place)])
            }
        }
    }
}

struct ExplodeWork {
    keep_empty: bool,
}

impl Work for ExplodeWork {
    fn changes(&self, counts: &StageCounts) -> Vec<Change> {
        let dropped = if self.keep_empty { 0 } else { counts.counter("in", EMPTY) };
        let mut changes = Vec::new();
        if dropped > 0 {
            changes.push(Change::minus(EMPTY, dropped));
        }
        let added = counts.difference() + crate::stages::work::signed(dropped);
        if added != 0 {
            changes.push(Change::new("further elements", added));
        }
        changes
    }

    fn remarks(&self, counts: &StageCounts) -> Vec<String> {
        match counts.counter("in", EMPTY) {
            0 => Vec::new(),
            rows if self.keep_empty => vec![format!("{} without elements stay, with nulls", digits::rows(rows))],
            rows => vec![format!("{} without elements dropped; `keep_empty: true` keeps them", digits::rows(rows))],
        }
    }
}
