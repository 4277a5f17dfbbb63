//! `reshape`: the same values in other rows and columns.

mod explode;
mod pivot;
mod split;
mod unpivot;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::diagnostic::{Diagnostic, Findings};
use crate::expression::{Expr, ExpressionError, Function, compose};
use crate::relation::{NamedExpr, Relation, Tap};
use crate::stages::{PlanContext, Planned, Shape, Stage, TableShape, inputs};

/// Puts the same values into other rows and columns. One of:
///
/// - `pivot`: values of a column become columns, and the rows of a group become one. The columns have to be named, because
///   a pipeline knows all columns before a row is read; values that are not named are counted and said.
/// - `unpivot`: columns become rows, with the column's name in one new column and its value in another.
/// - `explode`: each element of a list becomes a row of its own. With a `separator` a column of text is cut into a list first.
/// - `split`: a column of text becomes several columns, at a separator or by the groups of a regular expression.
///
/// ```yaml
/// - reshape: {pivot: {index: [store, year], on: quarter, columns: [Q1, Q2, Q3, Q4], compute: "sum(sales)"}}
/// - reshape: {unpivot: {columns: [Q1, Q2, Q3, Q4], name: quarter, value: sales}}
/// ```
///
/// ```yaml
/// - reshape: {explode: {columns: tags, separator: ";", position: tag_number}}
/// - reshape: {split: {column: name, separator: ", ", into: [last_name, first_name]}}
/// - reshape: {split: {column: code, pattern: "([A-Z]+)-([0-9]+)", into: [series, number]}}
/// ```
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reshape {
    /// Values of a column become columns.
    Pivot(pivot::Pivot),
    /// Columns become rows.
    Unpivot(unpivot::Unpivot),
    /// Elements of lists become rows.
    Explode(explode::Explode),
    /// A column of text becomes several columns.
    Split(split::Split),
}

impl Stage for Reshape {
    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let table = inputs::table(shapes, 0, context.input_ids)?;
        let id = context.input_ids.first().map_or("", String::as_str);
        let planned = match self {
            Self::Pivot(pivot) => pivot.plan(table, id, context),
            Self::Unpivot(unpivot) => unpivot.plan(table, id, context),
            Self::Explode(explode) => explode.plan(table, id, context),
            Self::Split(split) => split.plan(table, id, context),
        };
        Ok(planned?.meaning(self))
    }
}

/// The rows of the table with a tap that counts those for which conditions are true before they are reshaped.
fn counted(table: &TableShape, context: &PlanContext<'_>, counters: Vec<NamedExpr>) -> Relation {
    let tap = Tap { stage: context.id.to_owned(), point: "in".to_owned(), counters, samples: Vec::new() };
    Relation::Tap { input: table.relation.clone(), tap: tap.into() }
}

/// A call of a function over values whose types were checked before.
fn call(function: Function, arguments: Vec<Expr>) -> Result<Expr, Findings> {
    compose::function(function, arguments).map_err(|error| refused(&error))
}

fn refused(error: &ExpressionError) -> Findings {
    let finding = Diagnostic::definition(error.message.clone());
    vec![match &error.help {
        Some(help) => finding.help(help.clone()),
        None => finding,
    }]
}
