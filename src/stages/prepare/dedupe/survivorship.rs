//! Golden records: from the rows of a group, each column takes its value by a rule of its own.
//!
//! Every rule is an aggregate, so that groups are merged wherever and however the engine aggregates. Rules that choose a row
//! are `arg_min` over a number that no two rows share: the place of the row in an order, or a small rank before it.

mod planner;
mod report;

use std::sync::Arc;

use planner::Planner;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ROW, column, numbered};
use crate::definition::Spanned;
use crate::diagnostic::{Diagnostic, Findings};
use crate::expression::{BinaryOperator, DataType, Expr, Field, Function, Schema, SortKey};
use crate::relation::{Keep, NamedExpr, Relation, Tap};
use crate::stages::{TableShape, inputs};

/// Rows of a group.
const ROWS: &str = "__rows";
/// The place of a row in the order of `order_by`.
const PLACE: &str = "__place";

/// How a column gets its value from the rows of a group.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Rule {
    /// As the row has it that is kept, null or not.
    Row,
    /// The first value that is not null, as `keep` and `order_by` prefer rows.
    FirstNonNull,
    /// The value of the row in which this column is largest: `{most_recent: updated_at}`.
    MostRecent(Spanned<String>),
    /// The value of the row with the fewest nulls.
    MostComplete,
    /// The most frequent value; of several the smallest.
    Majority,
    /// The value of the row whose source stands first in a list: `{priority: {column: source, order: [crm, web]}}`.
    Priority(Priority),
    /// The smallest value.
    Min,
    /// The largest value.
    Max,
    /// The longest text.
    Longest,
    /// The shortest text.
    Shortest,
    /// An expression over aggregates, as in `aggregate`: `{compute: "sum(amount)"}`.
    Compute(Spanned<String>),
}

/// Which sources are trusted more.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Priority {
    /// The column that names the source of a row.
    column: Spanned<String>,
    /// The sources, the most trusted first; others come last.
    order: Vec<String>,
}

impl Rule {
    /// In words, for the report.
    fn shown(&self) -> String {
        match self {
            Self::Row => "of the kept row".to_owned(),
            Self::FirstNonNull => "first that is not null".to_owned(),
            Self::MostRecent(column) => format!("most recent by {}", column.value),
            Self::MostComplete => "of the most complete row".to_owned(),
            Self::Majority => "most frequent".to_owned(),
            Self::Priority(priority) => format!("{}: {}", priority.column.value, priority.order.join(" > ")),
            Self::Min => "smallest".to_owned(),
            Self::Max => "largest".to_owned(),
            Self::Longest => "longest".to_owned(),
            Self::Shortest => "shortest".to_owned(),
            Self::Compute(text) => text.value.clone(),
        }
    }
}

/// How groups become golden records.
#[derive(Debug, Clone)]
pub(super) struct Golden {
    /// The columns that make a group.
    keys: Vec<Field>,
    /// The columns of a golden record.
    columns: Vec<Survivor>,
    /// Orders that have to be made before rows are merged: the column with the place, and the order.
    orders: Vec<(String, Vec<SortKey>)>,
    /// The columns of the rows.
    schema: Schema,
}

#[derive(Debug, Clone)]
struct Survivor {
    name: String,
    rule: String,
    /// The aggregate; none for keys.
    aggregate: Option<Expr>,
}

impl Golden {
    /// Checks the rules.
    ///
    /// Errors: unknown columns, rules that do not fit the type of their column.
    pub(super) fn plan(
        table: &TableShape,
        keys: &[Field],
        rules: &[(Spanned<String>, Rule)],
        others: &Rule,
        (keep, order_by): (Keep, &[SortKey]),
        id: &str,
    ) -> Result<Self, Findings> {
        let mut planner = Planner { table, id, orders: Vec::new(), preferred: Expr::integer(0) };
        planner.prefer(keep, order_by);
        let mut findings = Findings::new();
        let mut columns: Vec<Survivor> = Vec::new();
        for field in table.schema.fields() {
            let rule = rules.iter().find(|(name, _)| name.value == field.name);
            if keys.contains(field) {
                if let Some((name, _)) = rule {
                    let message = format!("column `{}` is a key: it is equal in all rows of a group", field.name);
                    findings.push(Diagnostic::definition(message).at(&name.place));
                }
                columns.push(Survivor { name: field.name.clone(), rule: "key".to_owned(), aggregate: None });
                continue;
            }
            let (place, rule) = match rule {
                Some((name, rule)) => (Some(&name.place), rule),
                None => (None, others),
            };
            // A rule for all other columns must not fail for those that it does not fit.
            let fitting = match (place, rule, &field.data_type) {
                (None, Rule::Longest | Rule::Shortest, kind) if *kind != DataType::String => &Rule::FirstNonNull,
                (None, Rule::Majority | Rule::Min | Rule::Max, kind) if !inputs::is_key(kind) => &Rule::FirstNonNull,
                _ => rule,
            };
            match planner.aggregate(field, fitting, place) {
                Ok(aggregate) => columns.push(Survivor {
                    name: field.name.clone(),
                    rule: fitting.shown(),
                    aggregate: Some(aggregate),
                }),
                Err(mut wrong) => findings.append(&mut wrong),
            }
        }
        for (name, rule) in rules.iter().filter(|(name, _)| !table.schema.contains(&name.value)) {
            match rule {
                Rule::Compute(text) => match inputs::aggregate(text, &table.schema) {
                    Ok(expr) => {
                        columns.push(Survivor { name: name.value.clone(), rule: rule.shown(), aggregate: Some(expr) })
                    }
                    Err(mut wrong) => findings.append(&mut wrong),
                },
                _ => findings.extend(inputs::column(&table.schema, name, id).err()),
            }
        }
        if let Some(field) = table.schema.fields().iter().find(|field| field.name.starts_with("__")) {
            // Never seen in real tables, but a clash must not be silent.
            if [ROW, ROWS, PLACE].contains(&field.name.as_str()) || field.name.starts_with("__recent_") {
                findings
                    .push(Diagnostic::definition(format!("column `{}` has a name that this stage uses", field.name)));
            }
        }
        if !findings.is_empty() {
            return Err(findings);
        }
        Ok(Self { keys: keys.to_vec(), columns, orders: planner.orders, schema: table.schema.clone() })
    }

    /// One golden record for each group of `input`, which has the columns of the table and the keys, in the order of the
    /// groups' first rows. `stage` counts how many of them are merged from several rows.
    pub(super) fn relation(&self, input: &Arc<Relation>, stage: Option<&str>) -> Relation {
        let mut rows = numbered(input);
        for (name, order) in &self.orders {
            let sorted = Relation::Sort { input: rows.into(), keys: order.clone() };
            rows = Relation::RowIndex { input: sorted.into(), name: name.clone() };
        }
        let count = |function, arguments| Expr::aggregate(function, arguments, DataType::Int64);
        let row = Expr::column(ROW, DataType::Int64);
        let mut aggregates: Vec<NamedExpr> = self
            .columns
            .iter()
            .filter_map(|column| Some(NamedExpr { name: column.name.clone(), expr: column.aggregate.clone()? }))
            .collect();
        aggregates.push(NamedExpr { name: ROW.to_owned(), expr: count(Function::Min, vec![row]) });
        aggregates.push(NamedExpr { name: ROWS.to_owned(), expr: count(Function::CountAll, Vec::new()) });
        let keys = self.keys.iter().map(column).collect();
        let mut merged = Relation::Aggregate { input: rows.into(), keys, aggregates };
        if let Some(stage) = stage {
            let counters = vec![NamedExpr { name: "merged".to_owned(), expr: several() }];
            let tap = Tap { stage: stage.to_owned(), point: Tap::GOLDEN.to_owned(), counters, samples: Vec::new() };
            merged = Relation::Tap { input: merged.into(), tap: tap.into() };
        }
        let schema = merged.schema();
        let first = SortKey { expr: Expr::column(ROW, DataType::Int64), descending: false, nulls_first: false };
        let sorted = Relation::Sort { input: merged.into(), keys: vec![first] };
        let columns = self.columns.iter().filter_map(|survivor| schema.field(&survivor.name)).map(column).collect();
        Relation::Project { input: sorted.into(), columns }
    }
}

/// True for groups of several rows.
fn several() -> Expr {
    let rows = Expr::column(ROWS, DataType::Int64);
    Expr::binary(BinaryOperator::Greater, rows, Expr::integer(1), DataType::Boolean)
}
