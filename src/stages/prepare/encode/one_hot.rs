//! Values that are named: a column of 0 and 1 for each, or their number in an order.

use std::collections::BTreeSet;

use crate::batch;
use crate::definition::{Node, Spanned};
use crate::diagnostic::{Diagnostic, Findings};
use crate::engine::Execution;
use crate::expression::{BinaryOperator, DataType, Expr, ExprKind, Field, Literal};
use crate::relation::{NamedExpr, Relation, keep_columns};
use crate::stages::{PlanContext, TableShape, inputs};

/// Rows that are looked at to help somebody who has named no values.
const LOOKED_AT: u64 = 100_000;
/// Values that are listed in a message at most.
const LISTED: usize = 30;

/// A column of 0 and 1 for each value.
pub(super) fn columns(
    field: &Field,
    values: &[Node],
    name: &Spanned<String>,
    table: &TableShape,
    context: &PlanContext<'_>,
) -> Result<Vec<NamedExpr>, Findings> {
    if values.is_empty() {
        let message = format!("`one_hot` names no value of `{}`", field.name);
        let finding = Diagnostic::definition(message).at(&name.place);
        return Err(vec![match suggestion(field, table, context) {
            Some(help) => finding.help(help),
            None => finding.help("name the values: `{one_hot: [a, b, c]}`"),
        }]);
    }
    let literals = literals(field, values)?;
    let columns = literals.iter().zip(values).map(|(literal, node)| {
        let ending = node.as_text().map_or_else(|| batch::literal_text(literal), |text| text.value().to_owned());
        let branches = vec![(equals(field, literal), small(1))];
        let expr = Expr::new(ExprKind::Case { branches, otherwise: Some(Box::new(small(0))) }, DataType::Int8);
        NamedExpr { name: format!("{}_{ending}", field.name), expr }
    });
    Ok(columns.collect())
}

fn small(value: i64) -> Expr {
    Expr::literal(Literal::Integer(value), DataType::Int8)
}

/// The number of the value in the order, and whether a row's value is none of them.
pub(super) fn order(field: &Field, values: &[Node], name: &Spanned<String>) -> Result<(Expr, Expr), Findings> {
    if values.is_empty() {
        return Err(vec![Diagnostic::definition("`order` names no value").at(&name.place)]);
    }
    let literals = literals(field, values)?;
    let branches = literals.iter().zip(0_i64..).map(|(literal, code)| (equals(field, literal), Expr::integer(code)));
    let code = Expr::new(ExprKind::Case { branches: branches.collect(), otherwise: None }, DataType::Int64);
    Ok((code, unlisted(field, values)))
}

/// Whether a row has a value that is not listed.
pub(super) fn unlisted(field: &Field, values: &[Node]) -> Expr {
    let value = Expr::column(&field.name, field.data_type.clone());
    let list = values.iter().filter_map(|node| inputs::constant(node, &field.data_type));
    let list = list.map(|literal| Expr::literal(literal, field.data_type.clone())).collect();
    let listed = Expr::new(ExprKind::InList(Box::new(value.clone()), list), DataType::Boolean);
    listed.not().and(value.is_null().not())
}

fn equals(field: &Field, literal: &Literal) -> Expr {
    let value = Expr::column(&field.name, field.data_type.clone());
    let literal = Expr::literal(literal.clone(), field.data_type.clone());
    Expr::binary(BinaryOperator::Equal, value, literal, DataType::Boolean)
}

/// The values as constants of the column's type, each once.
fn literals(field: &Field, values: &[Node]) -> Result<Vec<Literal>, Findings> {
    let mut literals: Vec<Literal> = Vec::new();
    let mut findings = Findings::new();
    for node in values {
        match inputs::constant(node, &field.data_type) {
            Some(literal) if literals.contains(&literal) => {
                let message = format!("{} is named twice", node.describe());
                findings.push(Diagnostic::definition(message).at(&node.place));
            }
            Some(literal) => literals.push(literal),
            None => {
                let message =
                    format!("{} is no {}, which column `{}` holds", node.describe(), field.data_type, field.name);
                findings.push(Diagnostic::definition(message).at(&node.place));
            }
        }
    }
    if findings.is_empty() { Ok(literals) } else { Err(findings) }
}

/// The values of the first rows, as they could be written; none when that would cost more than a look.
fn suggestion(field: &Field, table: &TableShape, context: &PlanContext<'_>) -> Option<String> {
    let mut is_cheap = table.relation.unbound().is_empty();
    table.relation.visit(&mut |node| {
        is_cheap &= matches!(
            node,
            Relation::Scan(_)
                | Relation::Project { .. }
                | Relation::Filter { .. }
                | Relation::Tap { .. }
                | Relation::Limit { .. }
                | Relation::RowIndex { .. }
        );
    });
    if !is_cheap {
        return None;
    }
    let column = keep_columns(&table.relation.without_taps(), std::slice::from_ref(&field.name));
    let first = Relation::Limit { input: column, offset: 0, rows: LOOKED_AT };
    let mut values = BTreeSet::new();
    let looked = context.engine.stream(&first, &Execution::default(), &mut |rows| {
        if let Some(column) = batch::column(&rows, &field.name) {
            for row in 0..rows.num_rows() {
                match batch::literal(column, row) {
                    Literal::Null => {}
                    literal => drop(values.insert(batch::literal_text(&literal))),
                }
                if values.len() > LISTED {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    });
    looked.ok()?;
    if values.len() > LISTED {
        return Some(format!("it has more than {LISTED} values: `hash`, `frequency` or `target` may fit better"));
    }
    let values: Vec<String> = values.into_iter().collect();
    Some(format!("its first rows hold `{{one_hot: [{}]}}`", values.join(", ")))
}
