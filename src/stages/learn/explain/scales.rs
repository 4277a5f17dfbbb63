//! Columns that a stage above brought to a scale that it learned: people read their values in the unit that they had before.

use std::collections::BTreeMap;

use super::rows::Value;
use super::words;
use crate::expression::{BinaryOperator, Expr, ExprKind, Literal};
use crate::relation::Relation;

/// What rounding may leave of 0, as a share of center and scale.
const NOTHING: f64 = 1e-9;

/// The way back from `(x - center) / scale`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    center: f64,
    scale: f64,
}

impl Scale {
    /// Turns a value into what it was.
    pub(super) fn undo(self, value: &mut Value) {
        let was = value.number * self.scale + self.center;
        value.number = if was.abs() <= NOTHING * (self.center.abs() + self.scale.abs()) { 0.0 } else { was };
        if value.text.is_some() {
            value.text = Some(words::exact(value.number));
        }
    }
}

/// The columns of a table that are `(x - center) / scale` of what they were, with numbers that a stage learns when it runs.
/// What is written into an expression is meant as a unit and left alone.
pub(super) fn learned(relation: &Relation) -> Vec<String> {
    let is_learned = |expr: &Expr| matches!(expr.kind, ExprKind::Fitted(_));
    let is_scaled =
        |name: &&str| parts(relation, name).is_some_and(|(center, scale)| is_learned(center) && is_learned(scale));
    relation.schema().names().filter(is_scaled).map(str::to_owned).collect()
}

/// The scales of these columns, once they were learned.
pub(super) fn found(relation: &Relation, columns: &[String]) -> BTreeMap<String, Scale> {
    let number = |expr: &Expr| match &expr.kind {
        ExprKind::Literal(Literal::Float(value)) if value.is_finite() => Some(*value),
        _ => None,
    };
    let scale = |name: &String| {
        let (center, scale) = parts(relation, name)?;
        Some((name.clone(), Scale { center: number(center)?, scale: number(scale)? }))
    };
    columns.iter().filter_map(scale).collect()
}

/// Center and scale of a column that is `(x - center) / scale` of the column of the same name before, whatever happened to
/// the rows since.
fn parts<'a>(relation: &'a Relation, name: &str) -> Option<(&'a Expr, &'a Expr)> {
    match relation {
        Relation::Project { input, columns } => {
            let column = columns.iter().find(|column| column.name == name)?;
            let (moved, scale) = match &column.expr.kind {
                ExprKind::Column(from) => return parts(input, from),
                ExprKind::Binary(BinaryOperator::Divide, moved, scale) => (moved, scale),
                _ => return None,
            };
            let ExprKind::Binary(BinaryOperator::Subtract, value, center) = &moved.kind else { return None };
            (value.columns() == [name]).then_some((&**center, &**scale))
        }
        Relation::Join(join) => join.left.schema().contains(name).then(|| parts(&join.left, name)).flatten(),
        Relation::Filter { input, .. }
        | Relation::Deduplicate { input, .. }
        | Relation::Sort { input, .. }
        | Relation::Limit { input, .. }
        | Relation::RowIndex { input, .. }
        | Relation::Explode { input, .. }
        | Relation::Tap { input, .. } => parts(input, name),
        Relation::Learning { rows, .. } => parts(rows, name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::expression::{DataType, Field, Schema};
    use crate::relation::{NamedExpr, Scan, ScanSource};

    fn table(columns: Vec<(&str, Expr)>) -> Relation {
        let fields = ["a", "b"].map(|name| Field::new(name, DataType::Float64)).to_vec();
        let scan = Scan { source: ScanSource::Pinned(0), schema: Schema::new(fields).unwrap_or_default() };
        let columns = columns.into_iter().map(|(name, expr)| NamedExpr { name: name.to_owned(), expr }).collect();
        Relation::Project { input: Arc::new(Relation::Scan(scan)), columns }
    }

    fn column(name: &str) -> Expr {
        Expr::column(name, DataType::Float64)
    }

    fn scaled(name: &str, center: Expr, scale: Expr) -> Expr {
        let moved = Expr::binary(BinaryOperator::Subtract, column(name), center, DataType::Float64);
        Expr::binary(BinaryOperator::Divide, moved, scale, DataType::Float64)
    }

    fn fitted(key: &str) -> Expr {
        Expr::fitted(key, DataType::Float64)
    }

    #[test]
    fn what_was_learned_is_found_below_filters_and_what_was_written_is_not() {
        let learned_scale = scaled("a", fitted("s.center.a"), fitted("s.scale.a"));
        let written = scaled("b", Expr::float(32.0), Expr::float(1.8));
        let project = table(vec![("a", learned_scale.clone()), ("b", written)]);
        let filtered = Relation::Limit { input: Arc::new(project), offset: 0, rows: 5 };
        assert_eq!(learned(&filtered), ["a"]);
        // A copy under another name has no unit of its own to go back to.
        assert!(learned(&table(vec![("a_z", learned_scale)])).is_empty());
        assert!(learned(&table(vec![("a", column("a"))])).is_empty());
    }

    #[test]
    fn values_go_back_to_what_they_were() {
        let bound = table(vec![("a", scaled("a", Expr::float(12.5), Expr::float(40.0)))]);
        let scales = found(&bound, &["a".to_owned(), "b".to_owned()]);
        assert_eq!(scales.len(), 1);
        for was in [853.0, 0.0, -61.0, 1013.25] {
            let number = (was - 12.5) / 40.0;
            let mut value = Value { text: Some(number.to_string()), number };
            scales["a"].undo(&mut value);
            assert!((value.number - was).abs() < 1e-9);
            assert_eq!(value.text, Some(was.to_string()));
        }
        let mut nothing = Value { text: None, number: f64::NAN };
        scales["a"].undo(&mut nothing);
        assert!(nothing.text.is_none() && nothing.number.is_nan());
    }
}
