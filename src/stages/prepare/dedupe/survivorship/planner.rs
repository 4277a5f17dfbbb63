//! From rules to aggregates.

use super::{PLACE, Rule};
use crate::diagnostic::{Diagnostic, Findings, Place};
use crate::expression::{Aggregate, BinaryOperator, DataType, Expr, ExprKind, Field, Function, SortKey, compose};
use crate::relation::Keep;
use crate::stages::prepare::dedupe::{ROW, column};
use crate::stages::{TableShape, inputs};

/// Below a rank there is room for this many rows.
const ROOM: i64 = 1 << 40;
/// The largest rank: a text that is longer counts as this long.
const MOST: i64 = (1 << 22) - 1;

/// Turns rules into aggregates, and remembers the orders that they need.
pub(super) struct Planner<'a> {
    pub(super) table: &'a TableShape,
    pub(super) id: &'a str,
    pub(super) orders: Vec<(String, Vec<SortKey>)>,
    /// Smaller for rows that `keep` and `order_by` prefer; different in all rows.
    pub(super) preferred: Expr,
}

impl Planner<'_> {
    pub(super) fn prefer(&mut self, keep: Keep, order_by: &[SortKey]) {
        let place = if order_by.is_empty() { ROW } else { PLACE };
        if !order_by.is_empty() {
            self.orders.push((PLACE.to_owned(), order_by.to_vec()));
        }
        let place = Expr::column(place, DataType::Int64);
        self.preferred = match keep {
            Keep::Last => Expr::binary(BinaryOperator::Subtract, Expr::integer(0), place, DataType::Int64),
            _ => place,
        };
    }

    pub(super) fn aggregate(&mut self, field: &Field, rule: &Rule, place: Option<&Place>) -> Result<Expr, Findings> {
        let value = column(field).expr;
        let refuse = |message: String| {
            let finding = Diagnostic::definition(message);
            Err(vec![match place {
                Some(place) => finding.at(place),
                None => finding,
            }])
        };
        let by_function = |function: Function| {
            compose::function(function, vec![value.clone()]).or_else(|error| refuse(error.message))
        };
        match rule {
            Rule::Row => Ok(arg_min(value, self.preferred.clone(), false)),
            Rule::FirstNonNull => Ok(arg_min(value, self.preferred.clone(), true)),
            Rule::MostRecent(by) => {
                let by = inputs::column(&self.table.schema, by, self.id).map_err(|finding| vec![finding])?;
                if by.data_type.is_nested() {
                    return refuse(format!("column `{}` holds {}, which has no order", by.name, by.data_type));
                }
                let place = self.recent(&by.clone());
                Ok(arg_min(value, place, true))
            }
            Rule::MostComplete => {
                let nulls = self.table.schema.fields().iter().map(|field| {
                    let branches = vec![(column(field).expr.is_null(), Expr::integer(1))];
                    let kind = ExprKind::Case { branches, otherwise: Some(Box::new(Expr::integer(0))) };
                    Expr::new(kind, DataType::Int64)
                });
                let nulls = nulls
                    .reduce(|sum, one| Expr::binary(BinaryOperator::Add, sum, one, DataType::Int64))
                    .unwrap_or(Expr::integer(0));
                Ok(arg_min(value, self.ranked(nulls), true))
            }
            Rule::Majority => by_function(Function::Mode),
            Rule::Priority(priority) => {
                let source =
                    inputs::column(&self.table.schema, &priority.column, self.id).map_err(|finding| vec![finding])?;
                let Some(text) = inputs::shown(source) else {
                    return refuse(format!("column `{}` holds {}, not names", source.name, source.data_type));
                };
                if priority.order.is_empty() {
                    return refuse("`order` is empty: name the sources, the most trusted first".to_owned());
                }
                let branches = priority.order.iter().zip(0..).map(|(name, rank)| {
                    let is = Expr::binary(
                        BinaryOperator::Equal,
                        text.clone(),
                        Expr::string(name.clone()),
                        DataType::Boolean,
                    );
                    (is, Expr::integer(rank))
                });
                let last = Expr::integer(i64::try_from(priority.order.len()).unwrap_or(MOST).min(MOST));
                let kind = ExprKind::Case { branches: branches.collect(), otherwise: Some(Box::new(last)) };
                Ok(arg_min(value, self.ranked(Expr::new(kind, DataType::Int64)), true))
            }
            Rule::Min => by_function(Function::Min),
            Rule::Max => by_function(Function::Max),
            Rule::Longest | Rule::Shortest => {
                if field.data_type != DataType::String {
                    return refuse(format!("column `{}` holds {}, which has no length", field.name, field.data_type));
                }
                let length = Expr::call(Function::Length, vec![value.clone()], DataType::Int64);
                let length = Expr::call(Function::Least, vec![length, Expr::integer(MOST)], DataType::Int64);
                let rank = match rule {
                    Rule::Longest => {
                        Expr::binary(BinaryOperator::Subtract, Expr::integer(MOST), length, DataType::Int64)
                    }
                    _ => length,
                };
                Ok(arg_min(value, self.ranked(rank), true))
            }
            Rule::Compute(text) => inputs::aggregate(text, &self.table.schema),
        }
    }

    /// A small rank before the preference among rows of the same rank.
    fn ranked(&self, rank: Expr) -> Expr {
        let high = Expr::binary(BinaryOperator::Multiply, rank, Expr::integer(ROOM), DataType::Int64);
        Expr::binary(BinaryOperator::Add, high, self.preferred.clone(), DataType::Int64)
    }

    /// The place of rows in the order of a column, the largest first; rows of equal value as they are preferred.
    fn recent(&mut self, by: &Field) -> Expr {
        let name = format!("__recent_{}", by.name);
        if !self.orders.iter().any(|(known, _)| *known == name) {
            let latest = SortKey { expr: column(by).expr, descending: true, nulls_first: false };
            let preferred = SortKey { expr: self.preferred.clone(), descending: false, nulls_first: false };
            self.orders.push((name.clone(), vec![latest, preferred]));
        }
        Expr::column(name, DataType::Int64)
    }
}

/// The value of the row with the smallest number, with `known` among the rows in which it is not null.
fn arg_min(value: Expr, by: Expr, known: bool) -> Expr {
    let data_type = value.data_type.clone();
    let aggregate = Aggregate {
        function: Function::ArgMin,
        filter: known.then(|| value.clone().is_null().not()),
        arguments: vec![value, by],
        distinct: false,
        order_by: Vec::new(),
        over: None,
    };
    Expr::new(ExprKind::Aggregate(Box::new(aggregate)), data_type)
}
