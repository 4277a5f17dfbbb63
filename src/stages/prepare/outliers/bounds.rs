//! The range of allowed values of a column: from which aggregates it follows, and what lies outside.

use super::number;
use crate::expression::{BinaryOperator, DataType, Expr, ExprKind, Field, Function, Literal};
use crate::relation::NamedExpr;
use crate::stages::fit::groups::{self, Groups};
use crate::stages::{PlanContext, fit};

/// The median absolute deviation of normal numbers times this is their standard deviation: 1 / the normal quantile of 0.75.
const NORMAL: f64 = 1.482_602_218_505_602;

/// What far is, with its numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Rule {
    Quantile { lower: f64, upper: f64 },
    Iqr(f64),
    Zscore(f64),
    Mad(f64),
}

impl Rule {
    /// The lowest and the highest allowed value as aggregates over all rows. `median` is that of the column, which `mad`
    /// learns first.
    pub(super) fn of_all(self, field: &Field, median: Option<f64>) -> [Expr; 2] {
        let center = median.map_or_else(|| Expr::literal(Literal::Null, DataType::Float64), Expr::float);
        self.bounds(field, &center, &center)
    }

    /// The same for each group, under names of their own. `mad` wants rows with the medians of their groups beside them.
    pub(super) fn group(self, field: &Field) -> Vec<NamedExpr> {
        let median = Expr::column(groups::name_beside(&self.median(field).name), DataType::Float64);
        let center = Expr::aggregate(Function::Max, vec![median.clone()], DataType::Float64);
        let [low, high] = self.bounds(field, &median, &center);
        vec![
            NamedExpr { name: format!("low_{}", field.name), expr: low },
            NamedExpr { name: format!("high_{}", field.name), expr: high },
        ]
    }

    /// The median of a column.
    pub(super) fn median(self, field: &Field) -> NamedExpr {
        let expr = fit::float_aggregate(Function::Median, &field.name, &field.data_type, Vec::new());
        NamedExpr { name: format!("median_{}", field.name), expr }
    }

    /// `from` is what deviations are measured from, row by row; `center` is the same as an aggregate.
    fn bounds(self, field: &Field, from: &Expr, center: &Expr) -> [Expr; 2] {
        let of = |function, arguments| fit::float_aggregate(function, &field.name, &field.data_type, arguments);
        let quantile = |at| of(Function::Quantile, vec![Expr::float(at)]);
        let times = |expr, factor| fit::arithmetic(BinaryOperator::Multiply, expr, Expr::float(factor));
        let less = |left, right| fit::arithmetic(BinaryOperator::Subtract, left, right);
        let more = |left, right| fit::arithmetic(BinaryOperator::Add, left, right);
        match self {
            Self::Quantile { lower, upper } => [quantile(lower), quantile(upper)],
            Self::Iqr(factor) => {
                let reach = times(less(quantile(0.75), quantile(0.25)), factor);
                [less(quantile(0.25), reach.clone()), more(quantile(0.75), reach)]
            }
            Self::Zscore(factor) => {
                let reach = times(of(Function::StddevSamp, vec![]), factor);
                [less(of(Function::Mean, vec![]), reach.clone()), more(of(Function::Mean, vec![]), reach)]
            }
            Self::Mad(factor) => {
                let deviation = Expr::call(Function::Abs, vec![less(number(field), from.clone())], DataType::Float64);
                let deviation = Expr::aggregate(Function::Median, vec![fit::finite(deviation)], DataType::Float64);
                let zero = Expr::binary(BinaryOperator::Equal, deviation.clone(), Expr::float(0.0), DataType::Boolean);
                let branches = vec![(zero, Expr::literal(Literal::Null, DataType::Float64))];
                let kind = ExprKind::Case { branches, otherwise: Some(Box::new(times(deviation, factor * NORMAL))) };
                let reach = Expr::new(kind, DataType::Float64);
                [less(center.clone(), reach.clone()), more(center.clone(), reach)]
            }
        }
    }
}

/// The allowed range of a column, learned.
#[derive(Debug, Clone)]
pub(super) struct Bounds {
    pub(super) field: Field,
    /// Keys of the lowest and the highest allowed value over all rows.
    pub(super) keys: [String; 2],
    /// Both bounds of a row.
    bounds: [Expr; 2],
}

impl Bounds {
    pub(super) fn new(field: &Field, groups: Option<&Groups>, context: &PlanContext<'_>) -> Self {
        let keys = ["low", "high"].map(|which| context.key(&format!("{which}.{}", field.name)));
        let names = ["low", "high"].map(|which| format!("{which}_{}", field.name));
        let bound = |which: usize| {
            let all = Expr::fitted(&keys[which], DataType::Float64);
            match groups {
                Some(groups) => {
                    let own = groups.constant(&names[which]);
                    Expr::call(Function::Coalesce, vec![own, all], DataType::Float64)
                }
                None => all,
            }
        };
        let bounds = [bound(0), bound(1)];
        Self { field: field.clone(), keys, bounds }
    }

    /// True or false, never null: a null is no outlier.
    fn known(&self, comparison: Expr) -> Expr {
        Expr::and(number(&self.field).is_null().not(), comparison)
    }

    pub(super) fn below(&self) -> Expr {
        let below = (BinaryOperator::Less, self.bounds[0].clone());
        self.known(Expr::binary(below.0, number(&self.field), below.1, DataType::Boolean))
    }

    pub(super) fn above(&self) -> Expr {
        let above = (BinaryOperator::Greater, self.bounds[1].clone());
        self.known(Expr::binary(above.0, number(&self.field), above.1, DataType::Boolean))
    }

    pub(super) fn is_outlier(&self) -> Expr {
        Expr::binary(BinaryOperator::Or, self.below(), self.above(), DataType::Boolean)
    }

    pub(super) fn clip(&self) -> Expr {
        let [low, high] = self.bounds.clone();
        self.replace(low, high)
    }

    pub(super) fn null(&self) -> Expr {
        let null = || Expr::literal(Literal::Null, DataType::Float64);
        self.replace(null(), null())
    }

    fn replace(&self, low: Expr, high: Expr) -> Expr {
        let branches = vec![(self.below(), low), (self.above(), high)];
        Expr::new(ExprKind::Case { branches, otherwise: Some(Box::new(number(&self.field))) }, DataType::Float64)
    }
}
