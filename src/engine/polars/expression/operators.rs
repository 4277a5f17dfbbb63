//! Operators: arithmetic by type, comparisons, logic.

use polars::prelude as pl;

use super::arithmetic::{self, Checked};
use super::elementwise::elementwise;
use super::{EngineError, Lowering, calendar, refuse};
use crate::expression::{BinaryOperator, DataType, Expr, ExprKind, Function, Literal, UnaryOperator};

impl Lowering {
    pub(super) fn unary(&self, operator: UnaryOperator, value: &Expr) -> Result<pl::Expr, EngineError> {
        let lowered = self.lower(value)?;
        Ok(match operator {
            UnaryOperator::Not => lowered.not(),
            UnaryOperator::Negate if bits(value).is_some_and(|bits| bits <= 62) => -lowered,
            UnaryOperator::Negate if value.data_type == DataType::Int64 => {
                elementwise("negate", vec![self.guarded(lowered)], pl::DataType::Int64, |inputs| {
                    arithmetic::negated(inputs.series(0)?)
                })
            }
            UnaryOperator::Negate => -lowered,
        })
    }

    pub(super) fn binary(
        &self,
        operator: BinaryOperator,
        left: &Expr,
        right: &Expr,
        result: &DataType,
    ) -> Result<pl::Expr, EngineError> {
        use BinaryOperator as B;
        match operator {
            B::Add => self.arithmetic(Checked::Add, left, right, result),
            B::Subtract => self.arithmetic(Checked::Subtract, left, right, result),
            B::Multiply => self.arithmetic(Checked::Multiply, left, right, result),
            B::Divide => self.divide(left, right),
            B::Remainder => self.remainder(left, right, result),
            B::Equal => Ok(self.lower(left)?.eq(self.lower(right)?)),
            B::NotEqual => Ok(self.lower(left)?.neq(self.lower(right)?)),
            B::Less => Ok(self.lower(left)?.lt(self.lower(right)?)),
            B::LessOrEqual => Ok(self.lower(left)?.lt_eq(self.lower(right)?)),
            B::Greater => Ok(self.lower(left)?.gt(self.lower(right)?)),
            B::GreaterOrEqual => Ok(self.lower(left)?.gt_eq(self.lower(right)?)),
            B::IsDistinctFrom => Ok(self.lower(left)?.neq_missing(self.lower(right)?)),
            B::IsNotDistinctFrom => Ok(self.lower(left)?.eq_missing(self.lower(right)?)),
            // The right side counts only where the left one does not decide, as people expect who write
            // `x ~ '^[0-9]+$' and cast(x as int64) > 5`.
            B::And => {
                let value = boolean(self.lower(left)?);
                let open = value.clone().fill_null(pl::lit(true));
                Ok(value.and(boolean(self.guard_if_safe(left, open).lower(right)?)))
            }
            B::Or => {
                let value = boolean(self.lower(left)?);
                let open = value.clone().fill_null(pl::lit(false)).not();
                Ok(value.or(boolean(self.guard_if_safe(left, open).lower(right)?)))
            }
        }
    }

    fn arithmetic(
        &self,
        operator: Checked,
        left: &Expr,
        right: &Expr,
        result: &DataType,
    ) -> Result<pl::Expr, EngineError> {
        if let Some(shifted) = self.moment_arithmetic(operator, left, right, result)? {
            return Ok(shifted);
        }
        let overflow = overflows(operator, left, right, result);
        let (left, right) = (self.lower(left)?, self.lower(right)?);
        if !overflow {
            return Ok(match operator {
                Checked::Add => left + right,
                Checked::Subtract => left - right,
                Checked::Multiply => left * right,
            });
        }
        Ok(checked_by_type(operator, self.guarded(left), right, result))
    }

    /// Sums and differences with a date, a time or a datetime on a side; `None` when there is none.
    fn moment_arithmetic(
        &self,
        operator: Checked,
        left: &Expr,
        right: &Expr,
        result: &DataType,
    ) -> Result<Option<pl::Expr>, EngineError> {
        let interval = |expr: &Expr| match &expr.kind {
            ExprKind::Literal(Literal::Interval { months, days, microseconds }) => {
                Some(calendar::Interval { months: *months, days: *days, microseconds: *microseconds })
            }
            _ => None,
        };
        let moment =
            |data_type: &DataType| matches!(data_type, DataType::Date | DataType::Datetime(_) | DataType::Time);
        if let Some(shift) = interval(right) {
            let shift = if operator == Checked::Subtract { shift.negated()? } else { shift };
            return Ok(Some(self.shifted(left, shift, result)?));
        }
        if let (Some(shift), Checked::Add) = (interval(left), operator) {
            return Ok(Some(self.shifted(right, shift, result)?));
        }
        match (&left.data_type, &right.data_type) {
            (DataType::Date, DataType::Date) => {
                // Days fit int32, so their difference fits int64.
                let days = |expr: pl::Expr| expr.to_physical().cast(pl::DataType::Int64);
                Ok(Some(days(self.lower(left)?) - days(self.lower(right)?)))
            }
            (DataType::Date, day_count) if day_count.is_integer() => {
                let inputs = vec![self.guarded(self.lower(left)?), self.lower(right)?];
                Ok(Some(elementwise("add days", inputs, pl::DataType::Date, move |inputs| {
                    calendar::add_days(inputs, operator == Checked::Subtract)
                })))
            }
            (from, to) if moment(from) && moment(to) => {
                let micros = |expr: pl::Expr| microseconds(expr, from);
                let inputs = vec![self.guarded(micros(self.lower(left)?)), micros(self.lower(right)?)];
                let difference = elementwise("subtract", inputs, pl::DataType::Int64, |inputs| {
                    arithmetic::checked(Checked::Subtract, inputs.series(0)?, inputs.series(1)?)
                });
                Ok(Some(difference.cast(super::polars_type(&DataType::Duration))))
            }
            (from, DataType::Duration) if moment(from) => {
                let inputs =
                    vec![self.guarded(microseconds(self.lower(left)?, from)), self.lower(right)?.to_physical()];
                Ok(Some(moved(operator, inputs, from, result)))
            }
            (DataType::Duration, to) if moment(to) => {
                let inputs = vec![self.guarded(microseconds(self.lower(right)?, to)), self.lower(left)?.to_physical()];
                Ok(Some(moved(operator, inputs, to, result)))
            }
            _ => Ok(None),
        }
    }

    fn divide(&self, left: &Expr, right: &Expr) -> Result<pl::Expr, EngineError> {
        let nonzero = matches!(&right.kind, ExprKind::Literal(Literal::Float(value)) if *value != 0.0);
        let (left, right) = (float(self.lower(left)?, left), float(self.lower(right)?, right));
        if nonzero {
            return Ok(left / right);
        }
        Ok(pl::when(right.clone().neq(pl::lit(0.0))).then(left / right).otherwise(pl::lit(pl::NULL)))
    }

    fn remainder(&self, left: &Expr, right: &Expr, result: &DataType) -> Result<pl::Expr, EngineError> {
        let inputs = vec![self.lower(left)?, self.lower(right)?];
        match result {
            DataType::Int64 => Ok(elementwise("remainder", inputs, pl::DataType::Int64, |inputs| {
                arithmetic::remainder(inputs.series(0)?, inputs.series(1)?)
            })),
            DataType::Float64 => Ok(elementwise("remainder", inputs, pl::DataType::Float64, |inputs| {
                let (left, right) = (inputs.float(0)?, inputs.float(1)?);
                super::elementwise::float_rows(left.iter().zip(right.iter()), |pair| {
                    Ok(match pair {
                        (Some(p), Some(q)) if q != 0.0 => Some(p % q),
                        _ => None,
                    })
                })
            })),
            other => Err(refuse(format!("the remainder of {other} values is not defined"))),
        }
    }
}

fn overflows(operator: Checked, left: &Expr, right: &Expr, result: &DataType) -> bool {
    match (result, bits(left), bits(right)) {
        (DataType::Int64, Some(p), Some(q)) => result_bits(operator, p, q) > 62,
        (DataType::Int64 | DataType::Duration, ..) => true,
        _ => false,
    }
}

/// Whether a sum, difference or product can leave the range of its type.
pub(super) fn can_overflow(operator: BinaryOperator, left: &Expr, right: &Expr, result: &DataType) -> bool {
    let checked = match operator {
        BinaryOperator::Add => Checked::Add,
        BinaryOperator::Subtract => Checked::Subtract,
        BinaryOperator::Multiply => Checked::Multiply,
        _ => return false,
    };
    let moment = |expr: &Expr| matches!(expr.data_type, DataType::Date | DataType::Datetime(_) | DataType::Time);
    moment(left) || moment(right) || overflows(checked, left, right, result)
}

fn checked_by_type(operator: Checked, left: pl::Expr, right: pl::Expr, result: &DataType) -> pl::Expr {
    let (left, right) = match result {
        DataType::Duration => (left.to_physical(), right.to_physical()),
        _ => (left, right),
    };
    let value = elementwise("checked", vec![left, right], pl::DataType::Int64, move |inputs| {
        let int64 = |series: &pl::Series| series.cast(&pl::DataType::Int64);
        arithmetic::checked(operator, &int64(inputs.series(0)?)?, &int64(inputs.series(1)?)?)
    });
    match result {
        DataType::Duration => value.cast(super::polars_type(result)),
        _ => value,
    }
}

/// A moment as microseconds: since 1970 for dates and datetimes, since midnight for times.
fn microseconds(expr: pl::Expr, from: &DataType) -> pl::Expr {
    match from {
        DataType::Date => expr.cast(super::polars_type(&DataType::Datetime(None))).to_physical(),
        DataType::Time => expr.to_physical().floor_div(pl::lit(1_000_i64)),
        _ => expr.to_physical(),
    }
}

fn moved(operator: Checked, inputs: Vec<pl::Expr>, from: &DataType, result: &DataType) -> pl::Expr {
    let value = elementwise("move", inputs, pl::DataType::Int64, move |inputs| {
        arithmetic::checked(operator, inputs.series(0)?, inputs.series(1)?)
    });
    match (from, result) {
        // Times wrap around midnight.
        (DataType::Time, _) => {
            let day = 86_400_000_000_i64;
            let wrapped = elementwise("wrap time", vec![value], pl::DataType::Int64, move |inputs| {
                super::elementwise::integer_rows(inputs.integer(0)?.iter(), |value| {
                    Ok(value.map(|value| value.rem_euclid(day) * 1_000))
                })
            });
            wrapped.cast(pl::DataType::Time)
        }
        (_, DataType::Date) => value.cast(super::polars_type(&DataType::Datetime(None))).cast(pl::DataType::Date),
        _ => value.cast(super::polars_type(result)),
    }
}

fn boolean(expr: pl::Expr) -> pl::Expr {
    expr.cast(pl::DataType::Boolean)
}

fn float(lowered: pl::Expr, expr: &Expr) -> pl::Expr {
    if expr.data_type == DataType::Float64 { lowered } else { lowered.cast(pl::DataType::Float64) }
}

/// A power of two that the absolute value of an integer expression does not exceed; `None` when its type is no integer.
///
/// Columns that were widened from a narrower type, literals and parts of dates are known to be small, so that most
/// arithmetic of everyday data needs no check.
pub(super) fn bits(expr: &Expr) -> Option<u32> {
    if !expr.data_type.is_integer() {
        return None;
    }
    let width = match expr.data_type {
        DataType::Int8 => 7,
        DataType::Int16 => 15,
        DataType::Int32 => 31,
        DataType::UInt8 => 8,
        DataType::UInt16 => 16,
        DataType::UInt32 => 32,
        DataType::Int64 => 64,
        _ => 65,
    };
    let known = match &expr.kind {
        ExprKind::Literal(Literal::Integer(value)) => 64 - value.unsigned_abs().leading_zeros(),
        ExprKind::Cast { value, .. } if value.data_type == DataType::Boolean => 1,
        ExprKind::Cast { value, .. } => bits(value).unwrap_or(width),
        ExprKind::Unary(UnaryOperator::Negate, value) => bits(value)?,
        ExprKind::Binary(operator, left, right) => {
            let (p, q) = (bits(left)?, bits(right)?);
            match operator {
                BinaryOperator::Add => result_bits(Checked::Add, p, q),
                BinaryOperator::Subtract => result_bits(Checked::Subtract, p, q),
                BinaryOperator::Multiply => result_bits(Checked::Multiply, p, q),
                BinaryOperator::Remainder => p.min(q),
                _ => width,
            }
        }
        ExprKind::Call(function, _) => match function {
            Function::Month | Function::Quarter | Function::DayOfWeek | Function::IsoDayOfWeek | Function::Sign => 4,
            Function::Day | Function::Hour | Function::Minute | Function::Second | Function::Week => 6,
            Function::DayOfYear => 9,
            Function::Year | Function::IsoYear => 24,
            Function::Millisecond => 16,
            Function::Microsecond => 26,
            Function::Length | Function::ByteLength | Function::Position | Function::ListLength => 33,
            _ => width,
        },
        _ => width,
    };
    Some(known.min(width))
}

fn result_bits(operator: Checked, p: u32, q: u32) -> u32 {
    match operator {
        Checked::Add | Checked::Subtract => p.max(q) + 1,
        Checked::Multiply => p + q,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(expr: &Expr) -> String {
        format!("{:?}", super::super::lower(expr).map(|expr| format!("{expr:?}")))
    }

    #[test]
    fn arithmetic_that_cannot_overflow_is_not_checked() {
        let narrow = || Expr::column("c", DataType::Int32).cast(DataType::Int64, true);
        let wide = || Expr::column("a", DataType::Int64);
        let binary = |operator, left, right| Expr::binary(operator, left, right, DataType::Int64);
        let free = [
            binary(BinaryOperator::Add, narrow(), narrow()),
            binary(BinaryOperator::Multiply, narrow(), narrow()),
            binary(BinaryOperator::Multiply, narrow(), Expr::integer(1000)),
            binary(BinaryOperator::Add, binary(BinaryOperator::Multiply, narrow(), Expr::integer(60)), narrow()),
        ];
        for expr in free {
            assert!(!plan(&expr).contains("checked") && !super::super::guard::can_fail(&expr), "{}", plan(&expr));
        }
        let checked = [
            binary(BinaryOperator::Add, wide(), Expr::integer(1)),
            binary(BinaryOperator::Multiply, binary(BinaryOperator::Multiply, narrow(), narrow()), narrow()),
        ];
        for expr in checked {
            assert!(plan(&expr).contains("checked") && super::super::guard::can_fail(&expr), "{}", plan(&expr));
        }
    }

    /// Guards hold no guarded operations, so a chain of operations that can fail grows with its length, not with 2 to its power.
    #[test]
    fn chains_of_operations_that_can_fail_stay_small() {
        let link = |i: i64| {
            let value = Expr::column("s", DataType::String).cast(DataType::Int64, true);
            Expr::binary(BinaryOperator::Greater, value, Expr::integer(i), DataType::Boolean)
        };
        let chain = (1..40).map(link).reduce(Expr::and);
        assert!(chain.is_some_and(|chain| plan(&chain).len() < 20_000));
        // What cannot fail is not guarded, or it would be a guarded operation inside of the next guard.
        let float = || Expr::column("i", DataType::Int64).cast(DataType::Float64, true);
        let rounded = || Expr::call(Function::Round, vec![Expr::column("f", DataType::Float64)], DataType::Float64);
        for value in [&float as &dyn Fn() -> Expr, &rounded] {
            let link = |_| Expr::binary(BinaryOperator::Greater, value(), Expr::float(0.0), DataType::Boolean);
            for operator in [BinaryOperator::And, BinaryOperator::Or] {
                let join = |a, b| Expr::binary(operator, a, b, DataType::Boolean);
                let chain = (1..20).map(link).reduce(join);
                assert!(chain.is_some_and(|chain| plan(&chain).len() < 20_000), "{operator:?}");
            }
        }
        let branches = (1..40).map(|i| (link(i), Expr::integer(i))).collect();
        let case = Expr::new(ExprKind::Case { branches, otherwise: None }, DataType::Int64);
        assert!(plan(&case).len() < 60_000, "{}", plan(&case).len());
    }
}
