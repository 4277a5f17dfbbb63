//! Learning from rows: constants by one aggregate over the training rows, constants for groups, and what needs rows in memory.

pub mod groups;
pub mod rows;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::batch;
use crate::diagnostic::Diagnostic;
use crate::expression::{BinaryOperator, DataType, Expr, Function, Literal};
use crate::relation::{NamedExpr, Relation};
use crate::stages::TableProduct;
use crate::stages::work::WorkContext;

/// Computes aggregates over all rows of a relation and gives each under its name.
pub fn constants(
    rows: &Arc<Relation>,
    aggregates: Vec<NamedExpr>,
    context: &WorkContext<'_>,
) -> Result<BTreeMap<String, Literal>, Diagnostic> {
    if aggregates.is_empty() {
        return Ok(BTreeMap::new());
    }
    let names: Vec<String> = aggregates.iter().map(|aggregate| aggregate.name.clone()).collect();
    let relation = Relation::Aggregate { input: rows.clone(), keys: Vec::new(), aggregates };
    let batches = context.collect(&relation)?;
    let mut found: BTreeMap<String, Literal> = names.iter().map(|name| (name.clone(), Literal::Null)).collect();
    if let Some(batch) = batches.iter().find(|batch| batch.num_rows() > 0) {
        for name in names {
            if let Some(column) = batch::column(batch, &name) {
                found.insert(name, batch::literal(column, 0));
            }
        }
    }
    Ok(found)
}

/// Which rows were learned from, in words.
pub fn learned_from(table: &TableProduct) -> String {
    match &table.split {
        Some(split) => format!("Learned from part {}", split.parts.first().map_or("", String::as_str)),
        None => "Learned from all rows".to_owned(),
    }
}

/// The constant as a float; none for null, text and everything that is not finite.
pub fn number(constant: Option<&Literal>) -> Option<f64> {
    let value = match constant? {
        Literal::Float(value) => *value,
        #[expect(clippy::cast_precision_loss, reason = "learned constants are approximate by nature")]
        Literal::Integer(value) => *value as f64,
        _ => return None,
    };
    value.is_finite().then_some(value)
}

/// `function(column)` over float64.
pub fn float_aggregate(function: Function, column: &str, data_type: &DataType, arguments: Vec<Expr>) -> Expr {
    let value = finite(Expr::column(column, data_type.clone()).cast(DataType::Float64, true));
    let arguments = std::iter::once(value).chain(arguments).collect();
    Expr::aggregate(function, arguments, DataType::Float64)
}

/// The value, or null where it is not a number: one NaN must not spoil what is learned from a million numbers.
pub fn finite(value: Expr) -> Expr {
    let is_nan = Expr::call(Function::IsNan, vec![value.clone()], DataType::Boolean);
    let branches = vec![(is_nan, Expr::literal(Literal::Null, DataType::Float64))];
    let kind = crate::expression::ExprKind::Case { branches, otherwise: Some(Box::new(value)) };
    Expr::new(kind, DataType::Float64)
}

/// `left operator right` in float64.
pub fn arithmetic(operator: BinaryOperator, left: Expr, right: Expr) -> Expr {
    Expr::binary(operator, left, right, DataType::Float64)
}
