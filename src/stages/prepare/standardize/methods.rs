//! What each method makes of a value, and from which aggregates it learns.

use super::{Method, number};
use crate::expression::{BinaryOperator, DataType, Expr, ExprKind, Field, Function};
use crate::relation::NamedExpr;
use crate::stages::fit::groups::Groups;
use crate::stages::{PlanContext, fit};

/// The keys of what is learned of a column.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    pub(super) center: String,
    pub(super) scale: String,
    pub(super) power: String,
    pub(super) quantiles: String,
}

impl Keys {
    pub(super) fn new(field: &Field, context: &PlanContext<'_>) -> Self {
        let key = |what: &str| context.key(&format!("{what}.{}", field.name));
        Self { center: key("center"), scale: key("scale"), power: key("power"), quantiles: key("quantiles") }
    }
}

impl Method {
    /// Whether it changes the shape, not only center and scale.
    pub(super) fn is_shape(self) -> bool {
        matches!(self, Self::Log | Self::YeoJohnson | Self::Quantile)
    }

    /// The aggregates of one column from which center and scale follow; without the first the center is 0.
    pub(super) fn aggregates(self, field: &Field) -> [Option<Expr>; 2] {
        let of = |function, arguments| fit::float_aggregate(function, &field.name, &field.data_type, arguments);
        let quantile = |at| of(Function::Quantile, vec![Expr::float(at)]);
        let (min, max) = (of(Function::Min, vec![]), of(Function::Max, vec![]));
        match self {
            Self::Zscore => [Some(of(Function::Mean, vec![])), Some(of(Function::StddevSamp, vec![]))],
            Self::Minmax => [Some(min.clone()), Some(fit::arithmetic(BinaryOperator::Subtract, max, min))],
            Self::Robust => {
                let range = fit::arithmetic(BinaryOperator::Subtract, quantile(0.75), quantile(0.25));
                [Some(of(Function::Median, vec![])), Some(range)]
            }
            Self::Maxabs => {
                let largest = Expr::call(Function::Abs, vec![max], DataType::Float64);
                let lowest = Expr::call(Function::Abs, vec![min], DataType::Float64);
                [None, Some(Expr::call(Function::Greatest, vec![largest, lowest], DataType::Float64))]
            }
            Self::Log | Self::YeoJohnson | Self::Quantile => [None, None],
        }
    }

    /// The aggregates of one column for each group, under names of their own.
    pub(super) fn group(self, field: &Field) -> Vec<NamedExpr> {
        let [center, scale] = self.aggregates(field);
        let named = |what: &str, expr: Option<Expr>| Some(NamedExpr { name: name(what, field), expr: expr? });
        [named("center", center), named("scale", scale)].into_iter().flatten().collect()
    }

    /// What becomes of a value.
    pub(super) fn value(self, field: &Field, keys: &Keys, groups: Option<&Groups>) -> Expr {
        let x = number(field);
        match self {
            Self::Log => signed_logarithm(&x),
            Self::YeoJohnson => scaled(yeo_johnson(&x, keys), learned(&keys.center), learned(&keys.scale)),
            Self::Quantile => Expr::learned(&keys.quantiles, vec![x], DataType::Float64),
            Self::Zscore | Self::Minmax | Self::Robust | Self::Maxabs => {
                let all = scaled(x.clone(), learned(&keys.center), learned(&keys.scale));
                match groups {
                    Some(groups) => self.of_group(field, &x, groups, all),
                    None => all,
                }
            }
        }
    }

    /// By the center and the scale of the row's group where it has both.
    fn of_group(self, field: &Field, x: &Expr, groups: &Groups, all: Expr) -> Expr {
        let scale = groups.constant(&name("scale", field));
        let center = match self {
            Self::Maxabs => Expr::float(0.0),
            _ => groups.constant(&name("center", field)),
        };
        // Equal values have no scale: differences from the center are left.
        let is_positive = Expr::binary(BinaryOperator::Greater, scale.clone(), Expr::float(0.0), DataType::Boolean);
        let safe = case(vec![(is_positive, scale.clone())], Expr::float(1.0));
        let own = scaled(x.clone(), center, safe);
        case(vec![(scale.is_null(), all)], own)
    }
}

fn name(what: &str, field: &Field) -> String {
    format!("{what}_{}", field.name)
}

fn learned(key: &str) -> Expr {
    Expr::fitted(key, DataType::Float64)
}

fn case(branches: Vec<(Expr, Expr)>, otherwise: Expr) -> Expr {
    Expr::new(ExprKind::Case { branches, otherwise: Some(Box::new(otherwise)) }, DataType::Float64)
}

/// `(x - center) / scale`; the scale is never 0.
fn scaled(x: Expr, center: Expr, scale: Expr) -> Expr {
    fit::arithmetic(BinaryOperator::Divide, fit::arithmetic(BinaryOperator::Subtract, x, center), scale)
}

/// `ln(1 + x)`.
fn logarithm(x: Expr) -> Expr {
    let shifted = fit::arithmetic(BinaryOperator::Add, Expr::float(1.0), x);
    Expr::call(Function::Ln, vec![shifted], DataType::Float64)
}

fn signed_logarithm(x: &Expr) -> Expr {
    let size = Expr::call(Function::Abs, vec![x.clone()], DataType::Float64);
    let sign = Expr::call(Function::Sign, vec![x.clone()], DataType::Float64);
    fit::arithmetic(BinaryOperator::Multiply, sign, logarithm(size))
}

/// The transformation of Yeo and Johnson 2000 for a power that is learned.
fn yeo_johnson(x: &Expr, keys: &Keys) -> Expr {
    let compare = |operator, left: Expr, right| Expr::binary(operator, left, Expr::float(right), DataType::Boolean);
    // ((1 + x)^p - 1) / p for x from 0, or its limit for p = 0.
    let positive = |x: Expr, power: Expr| {
        let shifted = fit::arithmetic(BinaryOperator::Add, Expr::float(1.0), x.clone());
        let raised = Expr::call(Function::Power, vec![shifted, power.clone()], DataType::Float64);
        let less = fit::arithmetic(BinaryOperator::Subtract, raised, Expr::float(1.0));
        let is_limit = compare(BinaryOperator::Equal, power.clone(), 0.0);
        case(vec![(is_limit, logarithm(x))], fit::arithmetic(BinaryOperator::Divide, less, power))
    };
    let power = || learned(&keys.power);
    let mirrored = fit::arithmetic(BinaryOperator::Subtract, Expr::float(0.0), x.clone());
    let other = fit::arithmetic(BinaryOperator::Subtract, Expr::float(2.0), power());
    let negative = fit::arithmetic(BinaryOperator::Subtract, Expr::float(0.0), positive(mirrored, other));
    let is_negative = compare(BinaryOperator::Less, x.clone(), 0.0);
    case(vec![(is_negative, negative)], positive(x.clone(), power()))
}
