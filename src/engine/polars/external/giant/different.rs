//! Calls that look at each different value of a group once, or at how often it occurs.

use polars::prelude as pl;
use polars::prelude::IntoLazy;

use super::super::super::error::engine_error;
use super::super::super::expression;
use super::super::super::spill::Spilling;
use super::super::aggregate::{Aggregation, fold};
use super::super::decompose::{Decomposed, masked, value_name};
use super::super::exchange::{Exchange, Fold, Route};
use super::super::rows::{Partition, stack};
use super::super::{collect, partitions};
use super::keys_of;
use crate::engine::EngineError;
use crate::expression::{Aggregate, DataType, Function};

/// A call that looks at each different value once, or at how often it occurs.
pub(super) struct Set {
    number: usize,
    value: pl::Expr,
    function: Function,
    result: DataType,
}

const VALUE: &str = "__set";
const TIMES: &str = "__times";

impl Set {
    pub(super) fn of(number: usize, call: &Aggregate, result: &DataType) -> Result<Option<Self>, EngineError> {
        if !call.order_by.is_empty() {
            return Ok(None);
        }
        let known = match call.function {
            Function::Count | Function::Mean => call.distinct,
            Function::Sum => call.distinct && matches!(result, DataType::Int64 | DataType::Float64),
            Function::ApproxCountDistinct | Function::Mode => true,
            _ => false,
        };
        let argument = masked(call).filter(|_| known);
        let Some(argument) = argument else { return Ok(None) };
        let value = expression::lower(&argument)?;
        Ok(Some(Self { number, value, function: call.function, result: result.clone() }))
    }

    fn column(&self, part: &str) -> String {
        format!("__set_{}_{part}", self.number)
    }

    /// From different values with how often they occur to parts of the call's value.
    fn partial(&self) -> Vec<pl::Expr> {
        let value = pl::col(VALUE);
        let (first, second) = (self.column("a"), self.column("b"));
        match self.function {
            Function::Sum if self.result == DataType::Int64 => {
                vec![value.cast(pl::DataType::Decimal(38, 0)).sum().alias(first)]
            }
            Function::Sum => vec![value.sum().alias(first)],
            Function::Mean => vec![
                value.cast(pl::DataType::Float64).sum().alias(first),
                pl::len().cast(pl::DataType::Int64).alias(second),
            ],
            Function::Mode => {
                vec![most_frequent(value, pl::col(TIMES)).alias(first), pl::col(TIMES).max().alias(second)]
            }
            _ => vec![pl::len().cast(pl::DataType::Int64).alias(first)],
        }
    }

    fn merge(&self) -> Vec<pl::Expr> {
        let (first, second) = (pl::col(self.column("a")), pl::col(self.column("b")));
        match self.function {
            Function::Mode => vec![most_frequent(first, second.clone()), second.max()],
            Function::Mean => vec![first.sum(), second.sum()],
            _ => vec![first.sum()],
        }
    }

    /// The value of the call, null or 0 for groups without values.
    pub(super) fn finished(&self) -> pl::Expr {
        let (first, second) = (pl::col(self.column("a")), pl::col(self.column("b")));
        let value = match self.function {
            Function::Sum if self.result == DataType::Int64 => expression::narrow_sum(first),
            Function::Sum | Function::Mode => first,
            Function::Mean => first / second.cast(pl::DataType::Float64),
            _ => first.fill_null(pl::lit(0_i64)),
        };
        value.alias(value_name(self.number))
    }

    /// The parts of the call's value by group.
    pub(super) fn values(
        &self,
        part: &Partition,
        plan: &Aggregation,
        spilling: &Spilling,
    ) -> Result<pl::DataFrame, EngineError> {
        let polars = |error: pl::PolarsError| engine_error(&error, "");
        let mut keys = plan.keys.clone();
        keys.push(VALUE.to_owned());
        let times = std::sync::Arc::new(Decomposed {
            partial: vec![pl::len().cast(pl::DataType::Int64).alias(TIMES)],
            merge: vec![pl::col(TIMES).sum()],
            ..Decomposed::default()
        });
        let folding: Fold = {
            let (keys, times) = (keys.clone(), times.clone());
            std::sync::Arc::new(move |raw, folded| fold(&keys, &times, raw, folded))
        };
        let count = partitions(Some(part.bytes()), spilling);
        let route = Route::Hash { keys: keys.clone(), seed: 17, spread_nulls: false };
        let exchange = Exchange::new(spilling, "the different values of a group", count, route, Some(folding));
        let mut columns = keys_of(&plan.keys);
        columns.push(self.value.clone().alias(VALUE));
        let narrowed = |frame: pl::DataFrame| {
            collect(frame.lazy().select(columns.clone()).filter(pl::col(VALUE).is_not_null())).map_err(polars)
        };
        for frame in part.raw.frames() {
            exchange.absorb(narrowed(frame?)?)?;
        }
        let mut found = Vec::new();
        let dealt = exchange.finish()?;
        for part in dealt.parts {
            let counted = fold(&keys, &times, part.raw.all()?, part.folded.all()?).map_err(polars)?;
            if counted.width() > 0 {
                let grouped = counted.lazy().group_by(keys_of(&plan.keys)).agg(self.partial());
                found.push(collect(grouped).map_err(polars)?);
            }
        }
        match stack(found)? {
            Some(found) => collect(found.lazy().group_by(keys_of(&plan.keys)).agg(self.merge())).map_err(polars),
            None => {
                // No value at all: the columns, without rows.
                let Some(first) = part.raw.frames().next() else { return Ok(pl::DataFrame::default()) };
                let counted = fold(&keys, &times, vec![narrowed(first?)?.clear()], Vec::new()).map_err(polars)?;
                collect(counted.lazy().group_by(keys_of(&plan.keys)).agg(self.partial())).map_err(polars)
            }
        }
    }
}

/// The smallest of the values that occur most often.
fn most_frequent(value: pl::Expr, times: pl::Expr) -> pl::Expr {
    value.filter(times.clone().eq(times.max())).sort(pl::SortOptions::default()).first()
}
