//! Aggregates in steps: partial sums of some rows, sums of partial sums, and the value of the whole.
//!
//! What can be taken apart is written in [`Steps::of`]; where rows are not summed up by reductions of our own, the variance is
//! put together as Chan, Golub and LeVeque do ("Updating Formulae and a Pairwise Algorithm for Computing Sample Variances", 1979),
//! which loses no digits.

use polars::prelude as pl;

use super::super::data_type::polars_type;
use super::super::expression;
use super::hash_groups::{Kind, LOST, OF_MOMENTS, Reduction};
use crate::engine::EngineError;
use crate::expression::{Aggregate, BinaryOperator, DataType, Expr, ExprKind, Function};
use crate::relation::NamedExpr;

/// All aggregates of a node in steps. The columns of the second step are those of the first, so it can be repeated.
#[derive(Default)]
pub(super) struct Decomposed {
    /// From rows to partial values.
    pub(super) partial: Vec<pl::Expr>,
    /// From partial values to fewer partial values.
    pub(super) merge: Vec<pl::Expr>,
    /// From partial values of the whole group to the value of each call.
    pub(super) values: Vec<pl::Expr>,
    /// From the values of the calls to the columns of the result.
    pub(super) results: Vec<pl::Expr>,
    /// The first two steps as reductions of our own, when all calls have one.
    pub(super) reductions: Option<Vec<Reduction>>,
    /// What the reductions read: the columns under these names.
    pub(super) arguments: Vec<(Expr, String)>,
}

/// The aggregates in steps; none when one of them needs all its rows at once.
pub(super) fn decompose(aggregates: &[NamedExpr]) -> Result<Option<Decomposed>, EngineError> {
    let (calls, results) = take_calls(aggregates)?;
    let mut all = Decomposed { results, reductions: Some(Vec::new()), ..Decomposed::default() };
    for (number, (call, result)) in calls.iter().enumerate() {
        let Some(steps) = Steps::of(number, call, result)? else { return Ok(None) };
        all.push(number, steps);
    }
    Ok(Some(all))
}

/// Calls with their types.
pub(super) type Calls = Vec<(Aggregate, DataType)>;

/// The calls in the aggregates, each once with its type, and the results from their values.
pub(super) fn take_calls(aggregates: &[NamedExpr]) -> Result<(Calls, Vec<pl::Expr>), EngineError> {
    let mut calls = Vec::new();
    let mut results = Vec::with_capacity(aggregates.len());
    for column in aggregates {
        let mut expr = column.expr.clone();
        replace_calls(&mut expr, &mut calls);
        results.push(expression::lower(&expr)?.alias(column.name.as_str()));
    }
    Ok((calls, results))
}

impl Decomposed {
    /// Whether reductions of our own add up numbers with fractions, of which the order decides the last digit otherwise.
    pub(super) fn adds_fractions(&self) -> bool {
        let adds = |reduction: &Reduction| matches!(reduction.kind, Kind::SumFloats | Kind::Mean | Kind::Moments);
        self.reductions.as_ref().is_some_and(|all| all.iter().any(adds))
    }

    /// Adds a call.
    pub(super) fn push(&mut self, number: usize, steps: Steps) {
        self.partial.extend(steps.partial);
        self.merge.extend(steps.merge);
        self.values.push(steps.value.alias(value_name(number)));
        match (&mut self.reductions, steps.reduction) {
            (Some(all), Some(reduction)) => {
                let argument =
                    steps.argument.map(|argument| match self.arguments.iter().find(|(other, _)| *other == argument) {
                        Some((_, name)) => name.clone(),
                        None => {
                            let name = format!("__argument_{}", self.arguments.len());
                            self.arguments.push((argument, name.clone()));
                            name
                        }
                    });
                all.push(Reduction { argument, ..reduction });
            }
            (all, _) => *all = None,
        }
    }
}

/// The calls in the aggregates, each once.
pub(super) fn calls(aggregates: &[NamedExpr]) -> Vec<&Aggregate> {
    let mut found: Vec<&Aggregate> = Vec::new();
    for column in aggregates {
        column.expr.visit(&mut |expr| {
            if let ExprKind::Aggregate(call) = &expr.kind
                && call.over.is_none()
                && !found.contains(&call.as_ref())
            {
                found.push(call);
            }
        });
    }
    found
}

/// Whether the value of the call depends on the order of its rows.
pub(super) fn needs_order(call: &Aggregate) -> bool {
    !call.order_by.is_empty()
        || matches!(
            call.function,
            Function::First
                | Function::Last
                | Function::AnyValue
                | Function::ArgMin
                | Function::ArgMax
                | Function::List
                | Function::StringAgg
        )
}

/// The column with the value of a call.
pub(super) fn value_name(call: usize) -> String {
    format!("__value_{call}")
}

/// Puts a column in the place of each call.
fn replace_calls(expr: &mut Expr, calls: &mut Calls) {
    if let ExprKind::Aggregate(call) = &expr.kind
        && call.over.is_none()
    {
        let known = calls.iter().position(|(other, _)| other == call.as_ref());
        let number = known.unwrap_or_else(|| {
            calls.push((call.as_ref().clone(), expr.data_type.clone()));
            calls.len() - 1
        });
        expr.kind = ExprKind::Column(value_name(number));
        return;
    }
    for child in expr.children_mut() {
        replace_calls(child, calls);
    }
}

/// One call in steps.
pub(super) struct Steps {
    pub(super) partial: Vec<pl::Expr>,
    pub(super) merge: Vec<pl::Expr>,
    pub(super) value: pl::Expr,
    /// The same as a reduction, which reads the argument.
    pub(super) reduction: Option<Reduction>,
    pub(super) argument: Option<Expr>,
}

impl Steps {
    /// The steps of the call; none when it needs all its rows at once.
    pub(super) fn of(number: usize, call: &Aggregate, result: &DataType) -> Result<Option<Self>, EngineError> {
        let extreme = matches!(call.function, Function::Min | Function::Max);
        if !call.order_by.is_empty() || (call.distinct && !extreme) || call.arguments.iter().any(is_nested) {
            return Ok(None);
        }
        let argument_type = call.arguments.first().map(|argument| &argument.data_type);
        let partial_name = |part: &str| format!("__partial_{number}_{part}");
        let whole =
            Expr::new(ExprKind::Aggregate(Box::new(Aggregate { distinct: false, ..call.clone() })), result.clone());
        let same = |function| {
            Expr::new(
                ExprKind::Aggregate(Box::new(Aggregate { function, distinct: false, ..call.clone() })),
                result.clone(),
            )
        };
        let reduction = |kind, names: &[&String], data_type| {
            let names = names.iter().map(|name| (*name).clone()).collect();
            Some(Reduction { kind, argument: None, names, data_type })
        };
        let argument = masked(call);
        let counted = pl::DataType::Int64;
        Ok(Some(match call.function {
            Function::Count | Function::CountAll | Function::CountIf => {
                let name = partial_name("count");
                let (kind, argument) = match (call.function, &call.filter) {
                    (Function::CountAll, None) => (Kind::Count, None),
                    (Function::CountAll, Some(filter)) => (Kind::CountTrue, Some(filter.clone())),
                    (Function::CountIf, _) => (Kind::CountTrue, argument),
                    _ => (Kind::Count, argument),
                };
                let reduction = reduction(kind, &[&name], counted);
                Self {
                    partial: vec![expression::lower(&whole)?.alias(name.as_str())],
                    merge: vec![pl::col(name.as_str()).sum()],
                    value: pl::col(name.as_str()),
                    reduction,
                    argument,
                }
            }
            Function::Sum if *result == DataType::Int64 => {
                let name = partial_name("sum");
                Self {
                    partial: vec![expression::wide_sum(call)?.alias(name.as_str())],
                    merge: vec![sum_of_some(&name)],
                    value: expression::narrow_sum(pl::col(name.as_str())),
                    reduction: reduction(Kind::SumIntegers, &[&name], pl::DataType::Decimal(38, 0)),
                    argument,
                }
            }
            Function::Sum if *result == DataType::Float64 => {
                let name = partial_name("sum");
                Self {
                    partial: vec![expression::lower(&whole)?.alias(name.as_str())],
                    merge: vec![sum_of_some(&name)],
                    value: pl::col(name.as_str()),
                    reduction: reduction(Kind::SumFloats, &[&name, &partial_name(LOST)], pl::DataType::Float64)
                        .filter(|_| argument_type == Some(&DataType::Float64)),
                    argument,
                }
            }
            Function::Mean if argument_type == Some(&DataType::Float64) && *result == DataType::Float64 => {
                let (sum, count) = (partial_name("sum"), partial_name("count"));
                let (sum_of, count_of) = (same(Function::Sum), retyped(same(Function::Count), DataType::Int64));
                Self {
                    partial: vec![
                        expression::lower(&sum_of)?.alias(sum.as_str()),
                        expression::lower(&count_of)?.alias(count.as_str()),
                    ],
                    merge: vec![sum_of_some(&sum), pl::col(count.as_str()).sum()],
                    value: pl::col(sum.as_str()) / pl::col(count.as_str()).cast(pl::DataType::Float64),
                    reduction: reduction(Kind::Mean, &[&sum, &count, &partial_name(LOST)], pl::DataType::Float64),
                    argument,
                }
            }
            Function::Min | Function::Max | Function::BoolAnd | Function::BoolOr => {
                let name = partial_name("extreme");
                let data_type = polars_type(result);
                let kind = match call.function {
                    Function::Min => Kind::Least,
                    Function::Max => Kind::Greatest,
                    Function::BoolAnd => Kind::All,
                    _ => Kind::Any,
                };
                let is_known = matches!(kind, Kind::All | Kind::Any) || Kind::is_ordered(&data_type);
                let of_partial =
                    Expr::aggregate(call.function, vec![Expr::column(name.as_str(), result.clone())], result.clone());
                Self {
                    partial: vec![expression::lower(&whole)?.alias(name.as_str())],
                    merge: vec![expression::lower(&of_partial)?.alias(name.as_str())],
                    value: pl::col(name.as_str()),
                    reduction: reduction(kind, &[&name], data_type).filter(|_| is_known),
                    argument,
                }
            }
            Function::VarSamp | Function::VarPop | Function::StddevSamp | Function::StddevPop
                if argument_type == Some(&DataType::Float64) =>
            {
                let steps = Self::variance(number, call)?;
                let names: Vec<String> =
                    ["count", "mean", "squares"].into_iter().chain(OF_MOMENTS).map(partial_name).collect();
                let names: Vec<&String> = names.iter().collect();
                Self { reduction: reduction(Kind::Moments, &names, pl::DataType::Float64), argument, ..steps }
            }
            _ => return Ok(None),
        }))
    }

    /// Number, mean and sum of squared distances from the mean.
    fn variance(number: usize, call: &Aggregate) -> Result<Self, EngineError> {
        let name = |part: &str| format!("__partial_{number}_{part}");
        let of = |function, data_type| {
            Expr::new(ExprKind::Aggregate(Box::new(Aggregate { function, ..call.clone() })), data_type)
        };
        let count_of = of(Function::Count, DataType::Int64);
        let squares = Expr::binary(
            BinaryOperator::Multiply,
            of(Function::VarPop, DataType::Float64),
            count_of.clone().cast(DataType::Float64, true),
            DataType::Float64,
        );
        let (count, mean, square) = (name("count"), name("mean"), name("squares"));
        let (n, m, s) = (pl::col(count.as_str()), pl::col(mean.as_str()), pl::col(square.as_str()));
        let floats = n.clone().cast(pl::DataType::Float64);
        let sum = (m.clone() * floats.clone()).sum();
        let some = n.clone().sum().gt(pl::lit(0));
        let merged_mean = sum / floats.clone().sum();
        let distance = m - merged_mean.clone();
        let merged_squares = s.clone().sum() + (floats * distance.clone() * distance).sum();
        let sample = matches!(call.function, Function::VarSamp | Function::StddevSamp);
        let least = i32::from(sample);
        let divisor = n.clone().cast(pl::DataType::Float64) - pl::lit(f64::from(least));
        let variance = only_if(n.clone().gt(pl::lit(least)), s / divisor);
        let value = match call.function {
            Function::StddevSamp | Function::StddevPop => variance.sqrt(),
            _ => variance,
        };
        Ok(Self {
            partial: vec![
                expression::lower(&count_of)?.alias(count.as_str()),
                expression::lower(&of(Function::Mean, DataType::Float64))?.alias(mean.as_str()),
                expression::lower(&squares)?.alias(square.as_str()),
            ],
            merge: vec![
                n.sum(),
                only_if(some.clone(), merged_mean).alias(mean.as_str()),
                only_if(some, merged_squares).alias(square.as_str()),
            ],
            value,
            reduction: None,
            argument: None,
        })
    }
}

/// The first argument of the call, null in the rows that its filter leaves out.
pub(super) fn masked(call: &Aggregate) -> Option<Expr> {
    let argument = call.arguments.first()?.clone();
    Some(match &call.filter {
        None => argument,
        Some(filter) => {
            let data_type = argument.data_type.clone();
            Expr::new(ExprKind::Case { branches: vec![(filter.clone(), argument)], otherwise: None }, data_type)
        }
    })
}

fn is_nested(argument: &Expr) -> bool {
    argument.data_type.is_nested()
}

fn retyped(expr: Expr, data_type: DataType) -> Expr {
    Expr { data_type, ..expr }
}

/// The sum of the partial sums, null when all are.
fn sum_of_some(name: &str) -> pl::Expr {
    only_if(pl::col(name).count().gt(pl::lit(0)), pl::col(name).sum()).alias(name)
}

fn only_if(condition: pl::Expr, value: pl::Expr) -> pl::Expr {
    pl::when(condition).then(value).otherwise(pl::lit(pl::NULL))
}
