//! Which expressions can fail for a row, and the rows in which they are looked at.

use std::rc::Rc;

use polars::prelude as pl;

use super::{Lowering, cast, operators};
use crate::expression::{BinaryOperator, DataType, Expr, ExprKind, Function, UnaryOperator};

impl Lowering {
    /// Below, the value is looked at only where `condition` holds too.
    pub(super) fn guard(&self, condition: pl::Expr) -> Lowering {
        Lowering {
            guard: Some(match &self.guard {
                None => condition,
                Some(outer) => outer.clone().and(condition),
            }),
            shared: Rc::clone(&self.shared),
        }
    }

    /// As [`Lowering::guard`], unless `source`, of which the condition was made, can fail itself.
    ///
    /// A guard stands in each operation that it guards. If guards held guarded operations, a chain of them would double in
    /// size with every link; so only expressions that cannot fail become guards of what stands behind them.
    pub(super) fn guard_if_safe(&self, source: &Expr, condition: pl::Expr) -> Lowering {
        if can_fail(source) { self.clone() } else { self.guard(condition) }
    }

    /// The input of an operation that can fail: null in the rows that nobody looks at.
    pub(super) fn guarded(&self, input: pl::Expr) -> pl::Expr {
        match &self.guard {
            None => input,
            Some(guard) => {
                self.shared.guarded.set(self.shared.guarded.get() + 1);
                pl::when(guard.clone()).then(input).otherwise(pl::lit(pl::NULL))
            }
        }
    }

    /// The inputs of a function that can fail.
    pub(super) fn guarded_inputs(&self, arguments: &[Expr]) -> Result<Vec<pl::Expr>, super::EngineError> {
        let mut inputs = self.all(arguments)?;
        if let Some(input) = inputs.first_mut() {
            *input = self.guarded(input.clone());
        }
        Ok(inputs)
    }
}

/// Whether evaluating the expression can fail for some value.
pub(super) fn can_fail(expr: &Expr) -> bool {
    let here = match &expr.kind {
        ExprKind::Cast { value, strict } => *strict && cast::can_fail(&value.data_type, &expr.data_type),
        ExprKind::Unary(UnaryOperator::Negate, value) => operators::bits(value).is_some_and(|bits| bits > 62),
        ExprKind::Binary(operator, left, right) => match operator {
            BinaryOperator::Add | BinaryOperator::Subtract | BinaryOperator::Multiply => {
                operators::can_overflow(*operator, left, right, &expr.data_type)
            }
            _ => false,
        },
        ExprKind::Call(function, arguments) => match function {
            Function::Abs | Function::Round => expr.data_type == DataType::Int64,
            Function::IntegerDivide
            | Function::Gcd
            | Function::Lcm
            | Function::Chr
            | Function::Repeat
            | Function::PadStart
            | Function::PadEnd
            | Function::DateAdd
            | Function::FromEpoch
            | Function::Strptime
            | Function::ListSum
            | Function::Range => true,
            _ => arguments.is_empty() && *function != Function::Pi,
        },
        // An aggregate is computed before anything is asked of its value.
        ExprKind::Aggregate(_) => return false,
        _ => false,
    };
    here || expr.children().into_iter().any(can_fail)
}
