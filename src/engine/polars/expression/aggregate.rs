//! Aggregates without a window.
//!
//! A `filter` becomes a null in the rows that it leaves out wherever the aggregate skips nulls anyway, for then Polars keeps
//! aggregating batch by batch; only aggregates that look at nulls or at the order take the rows out for real.

use polars::prelude::{self as pl, ChunkApply, IntoSeries};

use super::elementwise::{elementwise, failure};
use super::{EngineError, Lowering, constant_float, constant_text, operators, polars_type, refuse};
use crate::expression::{Aggregate, DataType, Expr, Function, SortKey};

/// The aggregate as an expression for a group-by or, without keys, a selection of Polars; `result` is its type.
pub(super) fn lower(aggregate: &Aggregate, result: &DataType) -> Result<pl::Expr, EngineError> {
    let call = Call::new(aggregate)?;
    let value = call.value(result)?;
    Ok(if *result == DataType::Int64 { value.cast(pl::DataType::Int64) } else { value })
}

/// The sum of an int64 argument in 128 bits: a part of a sum that [`narrow_sum`] brings back to 64.
pub(in crate::engine::polars) fn wide_sum(aggregate: &Aggregate) -> Result<pl::Expr, EngineError> {
    Call::new(aggregate)?.wide_sum()
}

/// A sum in 128 bits as int64. Errors in the query: it does not fit.
pub(in crate::engine::polars) fn narrow_sum(wide: pl::Expr) -> pl::Expr {
    elementwise("sum", vec![wide], pl::DataType::Int64, |inputs| {
        let sums = inputs.series(0)?.decimal()?.clone();
        super::elementwise::integer_rows(sums.physical().iter(), |sum| match sum {
            None => Ok(None),
            Some(sum) => i64::try_from(sum)
                .map(Some)
                .map_err(|_| failure(format!("integer overflow: the sum {sum} does not fit int64"))),
        })
    })
}

/// A call with its arguments lowered.
struct Call<'a> {
    aggregate: &'a Aggregate,
    arguments: Vec<pl::Expr>,
    /// The rows that count, never null; all when absent.
    keep: Option<pl::Expr>,
}

impl<'a> Call<'a> {
    fn new(aggregate: &'a Aggregate) -> Result<Self, EngineError> {
        let mut lowering = Lowering::default();
        let mut keep = None;
        if let Some(filter) = &aggregate.filter {
            let condition = tied(lowering.lower(filter)?, filter).fill_null(pl::lit(false));
            lowering = lowering.guard_if_safe(filter, condition.clone());
            keep = Some(condition);
        }
        let arguments = aggregate
            .arguments
            .iter()
            .map(|argument| Ok(tied(lowering.lower(argument)?, argument)))
            .collect::<Result<_, EngineError>>()?;
        Ok(Self { aggregate, arguments, keep })
    }

    fn argument(&self, index: usize) -> Result<pl::Expr, EngineError> {
        self.arguments.get(index).cloned().ok_or_else(|| refuse(format!("{} misses an argument", self.name())))
    }

    fn argument_type(&self, index: usize) -> Option<&DataType> {
        self.aggregate.arguments.get(index).map(|argument| &argument.data_type)
    }

    fn name(&self) -> &'static str {
        self.aggregate.function.name()
    }

    /// The argument, null in the rows that do not count.
    fn masked(&self, index: usize) -> Result<pl::Expr, EngineError> {
        Ok(self.mask(self.argument(index)?))
    }

    fn mask(&self, value: pl::Expr) -> pl::Expr {
        match &self.keep {
            None => value,
            Some(keep) => pl::when(keep.clone()).then(value).otherwise(pl::lit(pl::NULL)),
        }
    }

    /// The first argument as the values to aggregate: each once after `distinct`.
    fn values(&self) -> Result<pl::Expr, EngineError> {
        let masked = self.masked(0)?;
        Ok(if self.aggregate.distinct { masked.drop_nulls().unique() } else { masked })
    }

    /// The values of the rows that count, nulls among them, in the order asked for.
    fn rows(&self) -> Result<pl::Expr, EngineError> {
        let taken = |value: pl::Expr| match &self.keep {
            None => value,
            Some(keep) => value.filter(keep.clone()),
        };
        let mut rows = taken(self.argument(0)?);
        let keys = &self.aggregate.order_by;
        if !keys.is_empty() {
            let by = keys
                .iter()
                .map(|key| Ok(taken(tied(Lowering::default().lower(&key.expr)?, &key.expr))))
                .collect::<Result<Vec<_>, EngineError>>()?;
            rows = rows.sort_by(by, sort_options(keys));
        }
        if self.aggregate.distinct {
            rows = rows.unique_stable();
        }
        Ok(rows)
    }

    fn value(&self, result: &DataType) -> Result<pl::Expr, EngineError> {
        match self.aggregate.function {
            Function::Count if self.aggregate.distinct => {
                let values = self.masked(0)?;
                // Polars counts null as one more value.
                let nulls = values.clone().has_nulls().cast(pl::DataType::Int64);
                Ok(values.n_unique().cast(pl::DataType::Int64) - nulls)
            }
            Function::Count => Ok(self.masked(0)?.count()),
            Function::CountAll => Ok(match &self.keep {
                None => pl::len(),
                Some(keep) => keep.clone().sum(),
            }),
            Function::CountIf => Ok(self.masked(0)?.sum()),
            Function::Sum => self.sum(result),
            Function::Mean => Ok(self.values()?.mean()),
            Function::Min => Ok(self.masked(0)?.min()),
            Function::Max => self.max(),
            Function::Median => Ok(self.masked(0)?.quantile(pl::lit(0.5), pl::QuantileMethod::Linear)),
            Function::Quantile => {
                let fraction = constant_float(&self.aggregate.arguments, 1, "the fraction")?;
                Ok(self.masked(0)?.quantile(pl::lit(fraction), pl::QuantileMethod::Linear))
            }
            Function::QuantileDisc => self.quantile_disc(),
            Function::StddevSamp => Ok(self.masked(0)?.std(1)),
            Function::StddevPop => Ok(self.masked(0)?.std(0)),
            Function::VarSamp => Ok(self.masked(0)?.var(1)),
            Function::VarPop => Ok(self.masked(0)?.var(0)),
            Function::Skewness => {
                let values = self.masked(0)?;
                Ok(only_if(spread(&values, 3), values.skew(false)))
            }
            Function::Kurtosis => {
                let values = self.masked(0)?;
                Ok(only_if(spread(&values, 4), values.kurtosis(true, false)))
            }
            Function::Mode => Ok(self.masked(0)?.drop_nulls().mode(false).sort(pl::SortOptions::default()).first()),
            Function::First => Ok(self.rows()?.first()),
            Function::Last => Ok(self.rows()?.last()),
            Function::AnyValue => Ok(self.masked(0)?.first_non_null()),
            Function::ArgMin | Function::ArgMax => self.arg_extreme(),
            Function::List => {
                let count = match &self.keep {
                    None => pl::len(),
                    Some(keep) => keep.clone().sum(),
                };
                Ok(only_if(count.gt(pl::lit(0)), self.rows()?.implode(true)))
            }
            Function::StringAgg => {
                let separator = constant_text(&self.aggregate.arguments, 1, "the separator")?;
                let some = self.masked(0)?.count().gt(pl::lit(0));
                Ok(only_if(some, self.rows()?.str().join(separator, true)))
            }
            Function::BoolAnd => self.of_some(|values| values.all(true)),
            Function::BoolOr => self.of_some(|values| values.any(true)),
            Function::ApproxCountDistinct => {
                let values = self.masked(0)?;
                let nulls = values.clone().has_nulls().cast(pl::DataType::Int64);
                let estimate = match self.argument_type(0) {
                    Some(DataType::Boolean | DataType::Decimal(..)) => values.n_unique(),
                    Some(data_type) if data_type.is_nested() => values.n_unique(),
                    _ => values.approx_n_unique(),
                };
                Ok(estimate.cast(pl::DataType::Int64) - nulls)
            }
            Function::Corr => {
                let (y, x) = self.pairs()?;
                Ok(only_if(spread(&y, 2).and(spread(&x, 2)), pl::pearson_corr(y, x)))
            }
            Function::CovarSamp => {
                let (y, x) = self.pairs()?;
                Ok(only_if(y.clone().count().gt(pl::lit(1)), pl::cov(y, x, 1)))
            }
            Function::CovarPop => {
                let (y, x) = self.pairs()?;
                Ok(only_if(y.clone().count().gt(pl::lit(0)), pl::cov(y, x, 0)))
            }
            Function::Product => self.of_some(pl::Expr::product),
            Function::GeometricMean => {
                let logarithms = elementwise("ln", vec![self.masked(0)?], pl::DataType::Float64, |inputs| {
                    Ok(inputs.float(0)?.apply_values(f64::ln).into_series())
                });
                Ok(logarithms.mean().exp())
            }
            other => Err(refuse(format!("{} is no aggregate", other.name()))),
        }
    }

    /// A value of the first argument that is null when no value is left, where Polars has a neutral one.
    fn of_some(&self, aggregate: impl FnOnce(pl::Expr) -> pl::Expr) -> Result<pl::Expr, EngineError> {
        let values = self.values()?;
        Ok(only_if(values.clone().count().gt(pl::lit(0)), aggregate(values)))
    }

    /// Sums of int64 run in 128 bits unless the values are known to fit 32, so that they cannot overflow on the way.
    fn sum(&self, result: &DataType) -> Result<pl::Expr, EngineError> {
        let small = self.aggregate.arguments.first().and_then(operators::bits).is_some_and(|bits| bits <= 32);
        if *result != DataType::Int64 || small {
            return self.of_some(pl::Expr::sum);
        }
        Ok(narrow_sum(self.wide_sum()?))
    }

    /// The sum in 128 bits, null when no value is left.
    fn wide_sum(&self) -> Result<pl::Expr, EngineError> {
        let values = self.values()?;
        let some = values.clone().count().gt(pl::lit(0));
        Ok(only_if(some, values.cast(pl::DataType::Decimal(38, 0)).sum()))
    }

    /// NaN is larger than every number, but Polars' maximum passes it over.
    fn max(&self) -> Result<pl::Expr, EngineError> {
        let values = self.masked(0)?;
        let Some(data_type) = self.argument_type(0).filter(|data_type| data_type.is_float()) else {
            return Ok(values.max());
        };
        let nan = pl::lit(f64::NAN).cast(polars_type(data_type));
        Ok(pl::when(values.clone().is_nan().any(true)).then(nan).otherwise(values.max()))
    }

    /// The first value in order at which the share of values up to it reaches the fraction.
    fn quantile_disc(&self) -> Result<pl::Expr, EngineError> {
        let fraction = constant_float(&self.aggregate.arguments, 1, "the fraction")?;
        let values = self.masked(0)?;
        let reach = quantile_reach(fraction);
        let rank = elementwise("rank", vec![values.clone().count()], pl::DataType::Int64, move |inputs| {
            Ok(inputs.integer(0)?.apply_values(|count| quantile_rank(count, reach)).into_series())
        });
        let sorted = values.sort(pl::SortOptions::default().with_nulls_last(true));
        Ok(sorted.get(rank, true))
    }

    /// The value of the row with the smallest or largest `by`, of several the first; rows in which `by` is null are skipped.
    fn arg_extreme(&self) -> Result<pl::Expr, EngineError> {
        let by = self.masked(1)?;
        let by = match self.argument_type(1) {
            Some(data_type) if data_type.is_float() => float_order(by),
            _ => by,
        };
        let value = self.argument(0)?;
        Ok(match self.aggregate.function {
            Function::ArgMin => value.min_by(by),
            _ => value.max_by(by),
        })
    }

    /// Both arguments, null where one is.
    fn pairs(&self) -> Result<(pl::Expr, pl::Expr), EngineError> {
        let (y, x) = (self.masked(0)?, self.masked(1)?);
        let whole = y.clone().is_not_null().and(x.clone().is_not_null());
        let both = |value: pl::Expr| pl::when(whole.clone()).then(value).otherwise(pl::lit(pl::NULL));
        Ok((both(y), both(x)))
    }
}

/// The share for [`quantile_rank`]: 0.07 * 100 is a little more than 7 in float64; what is so near to a whole number is meant to
/// be it.
pub(in crate::engine::polars) fn quantile_reach(fraction: f64) -> f64 {
    fraction * (1.0 - 4.0 * f64::EPSILON)
}

/// The place, from 0, of the first value at which the share of `count` values up to it reaches `reach`.
pub(in crate::engine::polars) fn quantile_rank(count: i64, reach: f64) -> i64 {
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a number of rows")]
    let rank = (count as f64 * reach).ceil() as i64;
    (rank - 1).max(0)
}

fn only_if(condition: pl::Expr, value: pl::Expr) -> pl::Expr {
    pl::when(condition).then(value).otherwise(pl::lit(pl::NULL))
}

/// Whether there are so many values, and not all the same.
fn spread(values: &pl::Expr, least: u32) -> pl::Expr {
    let several = values.clone().count().gt_eq(pl::lit(least));
    several.and(values.clone().min().neq(values.clone().max()))
}

/// Floats as integers in the same order: zeros are one, NaN is the largest.
fn float_order(values: pl::Expr) -> pl::Expr {
    elementwise("order", vec![values], pl::DataType::Int64, |inputs| {
        let rank = |value: f64| {
            let canonical = if value.is_nan() { f64::NAN.abs() } else { value + 0.0 };
            let bits = canonical.to_bits().cast_signed();
            // Negative numbers have their magnitude the other way round.
            if bits < 0 { bits ^ i64::MAX } else { bits }
        };
        let ranks: pl::Int64Chunked = inputs.float(0)?.iter().map(|value| value.map(rank)).collect();
        Ok(ranks.into_series())
    })
}

/// A value that does not depend on a column stands once for each row all the same.
fn tied(lowered: pl::Expr, expr: &Expr) -> pl::Expr {
    if !expr.columns().is_empty() {
        return lowered;
    }
    pl::when(pl::repeat(pl::lit(true), pl::len())).then(lowered).otherwise(pl::lit(pl::NULL))
}

/// How keys are sorted by: ties keep their order.
pub(super) fn sort_options(keys: &[SortKey]) -> pl::SortMultipleOptions {
    pl::SortMultipleOptions::default()
        .with_order_descending_multi(keys.iter().map(|key| key.descending))
        .with_nulls_last_multi(keys.iter().map(|key| !key.nulls_first))
        .with_maintain_order(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_of_quantiles_do_not_suffer_from_float64() {
        let rank = |count, fraction: f64| quantile_rank(count, fraction * (1.0 - 4.0 * f64::EPSILON));
        assert_eq!(rank(100, 0.07), 6);
        assert_eq!(rank(5, 0.6), 2);
        assert_eq!(rank(5, 0.61), 3);
        assert_eq!(rank(5, 0.0), 0);
        assert_eq!(rank(5, 1.0), 4);
    }
}
