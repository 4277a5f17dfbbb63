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
    /// Why its rows cannot be divided into so many folds, if they cannot; `parts` are those of the split.
    pub fn refuses_folds(&self, folds: u32, parts: usize) -> Option<Diagnostic> {
        if self.by == Method::Time {
            let message = "folds of rows that are divided by time would learn from the future";
            let help = "leave `folds` out: the validation part is later than the training part";
            return Some(Diagnostic::definition(message).help(help));
        }
        if self.folds.is_some() {
            let message = "the split holds out a fold already: folds within it need the parts of `parts`";
            return Some(Diagnostic::definition(message));
        }
        let least = if parts > 2 { 3 } else { 2 };
        if folds < least || folds > 100 {
            let why = if parts > 2 {
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
        let salt = format!("crossing {} {}", self.split.seed, self.seed);
        let fold = number(&self.split, &on, &salt, self.folds)?;

        let part = || Expr::column(&split.column, DataType::String);
        let is = |expr: Expr, other: Expr| Expr::binary(BinaryOperator::Equal, expr, other, DataType::Boolean);
        let seen = is(part(), Expr::string(last.clone())).not();
        let indexed = Relation::RowIndex { input: table.relation.clone(), name: INDEX.to_owned() };
        let numbered = |fold: Expr| {
            let mut columns = inputs::all_columns(&table.schema);
            columns.push(NamedExpr { name: INDEX.to_owned(), expr: fold });
            columns
        };
        let folded = Relation::Project { input: indexed.into(), columns: numbered(fold) };
        let kept = Relation::Filter { input: folded.into(), predicate: seen };
        let at = |fold: u32| is(Expr::column(INDEX, DataType::Int64), Expr::integer(i64::from(fold)));
        let mut branches = vec![(at(self.fold), Expr::string(last.clone()))];
        if let Some(second) = &second {
            branches.push((at(self.fold % self.folds + 1), Expr::string(second.clone())));
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
