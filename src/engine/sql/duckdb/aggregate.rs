//! Aggregates and window functions for DuckDB.

use super::function::constant_text;
use super::{DuckDb, EngineError, cast_to, identifier, refuse};
use crate::expression::{Aggregate, DataType, Expr, ExprKind, Family, Frame, Function as F, Literal, SortKey};

impl DuckDb {
    /// A call of an aggregate or window function.
    pub(super) fn aggregate(&self, call: &Aggregate, result: &DataType) -> Result<String, EngineError> {
        let printed = self.all(&call.arguments)?;
        let argument = |index: usize| {
            printed
                .get(index)
                .map(String::as_str)
                .ok_or_else(|| refuse(format!("{} misses an argument", call.function.name())))
        };
        let plain =
            |name: &str| self.finished(call, &format!("{name}({}{})", distinct(call), printed.join(", ")), None);
        Ok(match call.function {
            // The same name and meaning in DuckDB.
            F::Count
            | F::Min
            | F::Max
            | F::Median
            | F::StddevSamp
            | F::StddevPop
            | F::VarSamp
            | F::VarPop
            | F::Skewness
            | F::Kurtosis
            | F::AnyValue
            | F::BoolAnd
            | F::BoolOr
            | F::CovarSamp
            | F::CovarPop
            | F::Product
            | F::GeometricMean
            | F::RowNumber
            | F::Rank
            | F::DenseRank
            | F::PercentRank
            | F::CumeDist
            | F::ApproxCountDistinct
            | F::FirstValue
            | F::LastValue => plain(call.function.name())?,
            F::Mean => plain("avg")?,
            F::CountAll => self.finished(call, "count(*)", None)?,
            // DuckDB sums in 128 bits.
            F::Sum => cast_to(&plain("sum")?, result),
            // DuckDB's count_if is null when the condition is null in all rows.
            F::CountIf => self.finished(call, "count(*)", Some(&self.nth(call, 0)?))?,
            F::Quantile | F::QuantileDisc => {
                let fraction = fraction(call)?;
                self.finished(call, &format!("{}({}, {fraction})", call.function.name(), argument(0)?), None)?
            }
            // Of several modes DuckDB takes the first, which in order is the smallest.
            F::Mode => self.finished(call, &format!("mode({0} ORDER BY {0})", argument(0)?), None)?,
            F::First | F::Last => {
                let order = self.inner_order(call)?;
                self.finished(call, &format!("{}({}{order})", call.function.name(), argument(0)?), None)?
            }
            F::List => {
                let order = self.inner_order(call)?;
                self.finished(call, &format!("list({}{}{order})", distinct(call), argument(0)?), None)?
            }
            F::StringAgg => {
                let order = self.inner_order(call)?;
                let separator = constant_text(&call.arguments, 1)?;
                self.finished(
                    call,
                    &format!("string_agg({}{}, {separator}{order})", distinct(call), argument(0)?),
                    None,
                )?
            }
            // DuckDB's plain arg_min also skips rows whose value is null; of several rows the first is meant.
            F::ArgMin | F::ArgMax => {
                let name = if call.function == F::ArgMin { "arg_min_null" } else { "arg_max_null" };
                let order = self.inner_order(call)?;
                let known = format!("{} IS NOT NULL", self.nth(call, 1)?);
                self.finished(call, &format!("{name}({}{order})", printed.join(", ")), Some(&known))?
            }
            // Without spread DuckDB has NaN.
            F::Corr => {
                let (y, x) = (argument(0)?, argument(1)?);
                let pairs = format!("{} IS NOT NULL AND {} IS NOT NULL", self.nth(call, 0)?, self.nth(call, 1)?);
                let spread = |value: &str| -> Result<String, EngineError> {
                    let least = self.finished(call, &format!("min({value})"), Some(&pairs))?;
                    let most = self.finished(call, &format!("max({value})"), Some(&pairs))?;
                    Ok(format!("{least} <> {most}"))
                };
                let value = plain("corr")?;
                format!("CASE WHEN {} AND {} THEN {value} END", spread(y)?, spread(x)?)
            }
            F::Ntile => self.finished(call, &format!("ntile({})", argument(0)?), None)?,
            F::Lag | F::Lead | F::NthValue => plain(call.function.name())?,
            other => return Err(refuse(format!("{} is no aggregate", other.name()))),
        })
    }

    fn nth(&self, call: &Aggregate, index: usize) -> Result<String, EngineError> {
        match call.arguments.get(index) {
            Some(argument) => self.operand(argument),
            None => Err(refuse(format!("{} misses an argument", call.function.name()))),
        }
    }

    /// The call with its `filter` (and one more condition) and its window.
    fn finished(&self, call: &Aggregate, printed: &str, also: Option<&str>) -> Result<String, EngineError> {
        let mut out = printed.to_owned();
        let filter = call.filter.as_ref().map(|filter| self.operand(filter)).transpose()?;
        let conditions: Vec<String> = filter.into_iter().chain(also.map(str::to_owned)).collect();
        if !conditions.is_empty() {
            out.push_str(&format!(" FILTER (WHERE {})", conditions.join(" AND ")));
        }
        let Some(window) = &call.over else { return Ok(out) };
        let mut parts = Vec::new();
        if !window.partition_by.is_empty() {
            parts.push(format!("PARTITION BY {}", self.all(&window.partition_by)?.join(", ")));
        }
        let mut keys = self.keys(&window.order_by)?;
        // Ties keep the order of the rows; ranks are about ties and must see them.
        let ranks = matches!(call.function, F::Rank | F::DenseRank | F::PercentRank | F::CumeDist);
        keys.extend(self.order.iter().filter(|_| !ranks).map(|order| identifier(order)));
        if !keys.is_empty() {
            parts.push(format!("ORDER BY {}", keys.join(", ")));
        }
        let framed = call.function.family() == Family::Aggregate
            || matches!(call.function, F::FirstValue | F::LastValue | F::NthValue);
        if framed {
            let end = match window.frame {
                Frame::Partition => "UNBOUNDED FOLLOWING",
                Frame::ToCurrentRow => "CURRENT ROW",
            };
            parts.push(format!("ROWS BETWEEN UNBOUNDED PRECEDING AND {end}"));
        }
        out.push_str(&format!(" OVER ({})", parts.join(" ")));
        Ok(out)
    }

    /// `order by` inside the call, down to the order of the rows.
    fn inner_order(&self, call: &Aggregate) -> Result<String, EngineError> {
        let mut keys = self.keys(&call.order_by)?;
        // Over a window the rows come in its order; each value once has no order of rows.
        if call.over.is_none() && !call.distinct {
            keys.extend(self.order.iter().map(|order| identifier(order)));
        }
        Ok(if keys.is_empty() { String::new() } else { format!(" ORDER BY {}", keys.join(", ")) })
    }

    /// Keys of an order; nulls come last unless said otherwise.
    pub(super) fn keys(&self, keys: &[SortKey]) -> Result<Vec<String>, EngineError> {
        keys.iter()
            .map(|key| {
                let direction = if key.descending { "DESC" } else { "ASC" };
                let nulls = if key.nulls_first { "FIRST" } else { "LAST" };
                Ok(format!("{} {direction} NULLS {nulls}", self.operand(&key.expr)?))
            })
            .collect()
    }
}

fn distinct(call: &Aggregate) -> &'static str {
    if call.distinct { "DISTINCT " } else { "" }
}

/// As a decimal, so that DuckDB counts ranks exactly.
fn fraction(call: &Aggregate) -> Result<String, EngineError> {
    match call.arguments.get(1).map(|argument: &Expr| &argument.kind) {
        Some(ExprKind::Literal(Literal::Float(value))) => Ok(format!("{value}")),
        Some(ExprKind::Literal(Literal::Integer(value))) => Ok(value.to_string()),
        _ => Err(refuse("the fraction has to be a constant")),
    }
}
