//! Values of a column become columns.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::counted;
use crate::batch;
use crate::definition::{Node, OneOrMany, Spanned};
use crate::diagnostic::{Diagnostic, Findings};
use crate::digits;
use crate::exhibit::{Cell, Column, Exhibit, Format};
use crate::expression::{BinaryOperator, DataType, Expr, ExprKind, Field, Function, Literal, SortKey};
use crate::relation::{NamedExpr, Relation};
use crate::stages::work::{Change, StageCounts, Work};
use crate::stages::{PlanContext, Planned, TableShape, inputs};

const OTHER: &str = "other values";

/// Values of a column become columns: one row for each combination of `index`, in its order.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pivot {
    /// The columns that make a row.
    index: OneOrMany<Spanned<String>>,
    /// The column whose values become columns.
    on: Spanned<String>,
    /// The values that become columns.
    columns: Vec<Node>,
    /// What stands in them: an aggregate over the rows with that value, such as `sum(sales)`.
    compute: Spanned<String>,
    /// Text before each new column's name.
    #[serde(default)]
    prefix: String,
    /// What stands where no row has that value; null when absent.
    #[serde(default)]
    fill: Option<Node>,
}

impl Pivot {
    pub(super) fn plan(&self, table: &TableShape, id: &str, context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let index = inputs::columns(&table.schema, self.index.as_slice(), id)?;
        let on = inputs::column(&table.schema, &self.on, id).map_err(|finding| vec![finding])?;
        if let Some(field) = index.iter().chain([on]).find(|field| !inputs::is_key(&field.data_type)) {
            let message = format!("column `{}` holds {}, which cannot make groups", field.name, field.data_type);
            return Err(vec![Diagnostic::definition(message).at(&self.on.place)]);
        }
        let computed = inputs::aggregate(&self.compute, &table.schema)?;
        let fill = self.fill(&computed.data_type)?;
        let mut literals: Vec<Literal> = Vec::new();
        let mut aggregates: Vec<NamedExpr> = Vec::new();
        let mut findings = Findings::new();
        for node in &self.columns {
            match self.column(node, on, &computed, fill.as_ref()) {
                Ok((literal, column)) => {
                    let taken = index.iter().any(|field| field.name == column.name)
                        || aggregates.iter().any(|other| other.name == column.name);
                    if taken {
                        let message = format!("there would be two columns `{}`", column.name);
                        findings
                            .push(Diagnostic::definition(message).at(&node.place).help("`prefix` tells them apart"));
                    }
                    literals.push(literal);
                    aggregates.push(column);
                }
                Err(finding) => findings.push(finding),
            }
        }
        if aggregates.is_empty() && findings.is_empty() {
            let message = format!("`columns` names no value of `{}`", on.name);
            findings.push(Diagnostic::definition(message).at(&self.on.place));
        }
        if !findings.is_empty() {
            return Err(findings);
        }
        let tapped = counted(table, context, vec![NamedExpr { name: OTHER.to_owned(), expr: other(on, &literals) }]);
        let keys = index.iter().map(|field| NamedExpr {
            name: field.name.clone(),
            expr: Expr::column(&field.name, field.data_type.clone()),
        });
        let keys: Vec<NamedExpr> = keys.collect();
        let order = keys.iter().map(|key| SortKey { expr: key.expr.clone(), descending: false, nulls_first: false });
        let order: Vec<SortKey> = order.collect();
        let mut relation = Relation::Aggregate { input: tapped.into(), keys, aggregates };
        if !order.is_empty() {
            relation = Relation::Sort { input: relation.into(), keys: order };
        }
        let work = PivotWork { on: on.name.clone(), columns: self.columns.len() };
        Ok(Planned::relation(TableShape::new(relation, None)).work(work))
    }

    fn fill(&self, data_type: &DataType) -> Result<Option<Literal>, Findings> {
        let Some(node) = &self.fill else { return Ok(None) };
        match inputs::constant(node, data_type) {
            Some(literal) => Ok(Some(literal)),
            None => {
                let message = format!("`fill` is no {data_type}, which `compute` gives");
                Err(vec![Diagnostic::definition(message).at(&node.place)])
            }
        }
    }

    /// The value and the column of its rows.
    fn column(
        &self,
        node: &Node,
        on: &Field,
        computed: &Expr,
        fill: Option<&Literal>,
    ) -> Result<(Literal, NamedExpr), Diagnostic> {
        let Some(literal) = inputs::constant(node, &on.data_type) else {
            let message = format!("{} is no {}, which column `{}` holds", node.describe(), on.data_type, on.name);
            return Err(Diagnostic::definition(message).at(&node.place));
        };
        let value = Expr::column(&on.name, on.data_type.clone());
        let constant = Expr::literal(literal.clone(), on.data_type.clone());
        let is_it = Expr::binary(BinaryOperator::Equal, value, constant, DataType::Boolean);
        let mut expr = computed.clone();
        expr.visit_mut(&mut |node| {
            if let ExprKind::Aggregate(aggregate) = &mut node.kind {
                aggregate.filter = Some(match aggregate.filter.take() {
                    Some(filter) => filter.and(is_it.clone()),
                    None => is_it.clone(),
                });
            }
        });
        if let Some(fill) = fill {
            let data_type = expr.data_type.clone();
            let fill = Expr::literal(fill.clone(), data_type.clone());
            expr = Expr::call(Function::Coalesce, vec![expr, fill], data_type);
        }
        let name = format!("{}{}", self.prefix, name_of(&literal, node));
        Ok((literal, NamedExpr { name, expr }))
    }
}

/// The column's name: the value as it was written, as far as that is a text.
fn name_of(literal: &Literal, node: &Node) -> String {
    match node.as_text() {
        Some(text) => text.value().to_owned(),
        None => batch::literal_text(literal),
    }
}

/// Whether a row's value is none of these; null is one of the others.
fn other(on: &Field, literals: &[Literal]) -> Expr {
    let value = Expr::column(&on.name, on.data_type.clone());
    let list = literals.iter().map(|literal| Expr::literal(literal.clone(), on.data_type.clone())).collect();
    let listed = Expr::new(ExprKind::InList(Box::new(value), list), DataType::Boolean);
    Expr::call(Function::Coalesce, vec![listed, Expr::boolean(false)], DataType::Boolean).not()
}

struct PivotWork {
    on: String,
    columns: usize,
}

impl Work for PivotWork {
    fn is_costly(&self) -> bool {
        true
    }

    fn changes(&self, counts: &StageCounts) -> Vec<Change> {
        vec![Change::new("merged into rows", counts.difference())]
    }

    fn show(&self, counts: &StageCounts) -> Vec<Exhibit> {
        let other = counts.counter("in", OTHER);
        let rows = vec![
            vec![Cell::text("new columns"), Cell::count(self.columns as u64)],
            vec![Cell::text("rows of the input"), Cell::count(counts.first_input())],
            vec![Cell::text(format!("rows whose `{}` is none of the columns", self.on)), Cell::count(other)],
        ];
        vec![Exhibit::table("Pivot", vec![Column::new("what"), Column::formatted("count", Format::Integer)], rows)]
    }

    fn remarks(&self, counts: &StageCounts) -> Vec<String> {
        match counts.counter("in", OTHER) {
            0 => Vec::new(),
            rows => {
                vec![format!("{} with a `{}` that is none of the columns of the pivot", digits::rows(rows), self.on)]
            }
        }
    }
}
