//! A `split` for cross-validation within what a model may see: its last part is left out, and the other rows are divided into folds.

use super::folds::number;
use super::{INDEX, Method, Split};
use crate::diagnostic::{Diagnostic, Findings};
use crate::expression::{BinaryOperator, DataType, Expr, ExprKind};
use crate::relation::{NamedExpr, Relation};
use crate::stages::{PlanContext, Planned, Shape, Stage, TableShape, inputs};

/// A split of which one fold stands in the place of the last part.
///
/// Rows of the last part are dropped: nothing below ever sees them. Of the others one fold gets the name of the last part, the next fold
/// that of the second one when there are three or more, and all the rest that of the first. Folds are made as the split makes its parts:
/// values of `on` stay together, strata keep their shares.
///
/// Rows that are divided by time have folds that follow each other, and what is learned is what lies before: the rows are cut into one more
/// block than there are folds (two more when there is a second part), each with as many rows as the other. Fold k is judged on block k + 1
/// and learns from all blocks before it; with a second part the block right before the judged one takes its place. Later rows are in
/// no part. This is forward validation with an expanding window (Tashman 2000, *Out-of-sample tests of forecasting accuracy*), as in
/// scikit-learn's `TimeSeriesSplit`.
#[derive(Debug, Clone)]
pub struct Crossing {
    /// The split as it is written.
    pub split: Split,
    /// How many folds.
    pub folds: u32,
    /// The one that is judged on, from 1.
    pub fold: u32,
    /// Another seed gives other folds.
    pub seed: u64,
}

impl Split {
    /// Whether folds of its rows follow each other in time.
    pub fn is_in_time(&self) -> bool {
        self.by == Method::Time
    }

    /// Why its rows cannot be divided into so many folds, if they cannot; `parts` are those of the split.
    pub fn refuses_folds(&self, folds: u32, parts: usize) -> Option<Diagnostic> {
        if self.folds.is_some() {
            let message = "the split holds out a fold already: folds within it need the parts of `parts`";
            return Some(Diagnostic::definition(message));
        }
        // In time all that is learned lies before, so two folds leave something to learn from.
        let least = if parts > 2 && self.by != Method::Time { 3 } else { 2 };
        if folds < least || folds > 100 {
            let why = if least > 2 {
                ": one is judged on, one takes the place of the validation part, and the rest is learned"
            } else {
                ""
            };
            return Some(Diagnostic::definition(format!("`folds` is a number from {least} to 100, not {folds}{why}")));
        }
        None
    }
}

impl Stage for Crossing {
    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let mut planned = self.split.plan(shapes, context)?;
        let Shape::Table(table) = &planned.product else { return Ok(planned) };
        let Some(mut split) = table.split.clone() else { return Ok(planned) };
        if let Some(refusal) = self.split.refuses_folds(self.folds, split.parts.len()) {
            return Err(vec![refusal]);
        }
        let (Some(first), Some(last)) = (split.parts.first().cloned(), split.parts.last().cloned()) else {
            return Ok(planned);
        };
        let second = split.parts.get(1).filter(|second| **second != last).cloned();
        let id = context.input_ids.first().map_or("", String::as_str);
        let on = self.split.on.as_ref().map_or(&[][..], |names| names.as_slice());
        let on = inputs::columns(&table.schema, on, id)?;
        let part = || Expr::column(&split.column, DataType::String);
        let compare = |operator, left: Expr, right: Expr| Expr::binary(operator, left, right, DataType::Boolean);
        let is = |expr: Expr, other: Expr| compare(BinaryOperator::Equal, expr, other);
        let seen = is(part(), Expr::string(last.clone())).not();
        let numbered = |input: Relation, fold: Expr| {
            let mut columns = inputs::all_columns(&table.schema);
            columns.push(NamedExpr { name: INDEX.to_owned(), expr: fold });
            Relation::Project { input: input.into(), columns }
        };
        let number_of = || Expr::column(INDEX, DataType::Int64);
        let at = |fold: u32| is(number_of(), Expr::integer(i64::from(fold)));
        let (kept, judged, validated) = if self.split.by == Method::Time {
            // The blocks are those of the rows that may be seen, so the others go first.
            let blocks = self.folds + 1 + u32::from(second.is_some());
            let judged = self.fold + 1 + u32::from(second.is_some());
            let seen = Relation::Filter { input: table.relation.clone(), predicate: seen };
            let blocked = numbered(seen, number(&self.split, &on, "", blocks)?);
            let past = compare(BinaryOperator::LessOrEqual, number_of(), Expr::integer(i64::from(judged)));
            (Relation::Filter { input: blocked.into(), predicate: past }, judged, judged - 1)
        } else {
            let salt = format!("crossing {} {}", self.split.seed, self.seed);
            let fold = number(&self.split, &on, &salt, self.folds)?;
            let indexed = Relation::RowIndex { input: table.relation.clone(), name: INDEX.to_owned() };
            let folded = numbered(indexed, fold);
            (Relation::Filter { input: folded.into(), predicate: seen }, self.fold, self.fold % self.folds + 1)
        };
        let mut branches = vec![(at(judged), Expr::string(last.clone()))];
        if let Some(second) = &second {
            branches.push((at(validated), Expr::string(second.clone())));
        }
        let named = ExprKind::Case { branches, otherwise: Some(Box::new(Expr::string(first.clone()))) };
        let mut columns = inputs::all_columns(&table.schema);
        inputs::set_column(&mut columns, &split.column, Expr::new(named, DataType::String));
        let relation = Relation::Project { input: kept.into(), columns };
        split.parts = [Some(first), second, Some(last)].into_iter().flatten().collect();
        planned.product = Shape::Table(TableShape::new(relation, Some(split)));
        Ok(planned)
    }
}
