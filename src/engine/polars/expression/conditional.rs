//! Choices: `case`, `in`, and the functions of the conditional family.

use polars::prelude::{self as pl, IntoSeries};

use super::elementwise::{Inputs, elementwise};
use super::{EngineError, Lowering, polars_type};
use crate::expression::{DataType, Expr, ExprKind, Literal};

/// Longer lists of constants are looked up in a hash table, shorter ones are compared one by one.
const COMPARED: usize = 8;

impl Lowering {
    /// `case when .. then .. else .. end`: a branch is evaluated where its condition holds and none before did.
    pub(super) fn case(
        &self,
        branches: &[(Expr, Expr)],
        otherwise: Option<&Expr>,
        result: &DataType,
    ) -> Result<pl::Expr, EngineError> {
        let mut left = self.clone();
        let mut lowered = Vec::with_capacity(branches.len());
        for (when, then) in branches {
            let condition = left.lower(when)?.fill_null(pl::lit(false));
            let value = left.guard(condition.clone()).typed(then, result)?;
            left = left.guard_if_safe(when, condition.clone().not());
            lowered.push((condition, value));
        }
        let last = match otherwise {
            Some(value) => left.typed(value, result)?,
            None => pl::lit(pl::Scalar::null(polars_type(result))),
        };
        Ok(lowered
            .into_iter()
            .rev()
            .fold(last, |rest, (condition, value)| pl::when(condition).then(value).otherwise(rest)))
    }

    /// A branch as a value of the type of the whole: only a bare `null` has another one.
    fn typed(&self, value: &Expr, result: &DataType) -> Result<pl::Expr, EngineError> {
        let lowered = self.lower(value)?;
        Ok(if value.data_type == *result { lowered } else { lowered.cast(polars_type(result)) })
    }

    /// `if(condition, then, otherwise)`.
    pub(super) fn if_else(&self, arguments: &[Expr], result: &DataType) -> Result<pl::Expr, EngineError> {
        match arguments {
            [condition, then] => self.case(&[(condition.clone(), then.clone())], None, result),
            [condition, then, otherwise, ..] => {
                self.case(&[(condition.clone(), then.clone())], Some(otherwise), result)
            }
            _ => Err(super::refuse("if needs a condition and a value")),
        }
    }

    /// The first value that is not null; a value is evaluated only where all before it are null.
    pub(super) fn coalesce(&self, arguments: &[Expr], result: &DataType) -> Result<pl::Expr, EngineError> {
        let mut left = self.clone();
        let mut values = Vec::with_capacity(arguments.len());
        for argument in arguments {
            let value = left.typed(argument, result)?;
            left = left.guard_if_safe(argument, value.clone().is_null());
            values.push(value);
        }
        Ok(pl::coalesce(&values))
    }

    /// Null when both are equal, else the first.
    pub(super) fn null_if(&self, first: &Expr, second: &Expr) -> Result<pl::Expr, EngineError> {
        let (value, other) = (self.lower(first)?, self.lower(second)?);
        let same = value.clone().eq(other).fill_null(pl::lit(false));
        Ok(pl::when(same).then(pl::lit(pl::NULL)).otherwise(value))
    }

    /// `value in (..)`: null when the value is null, or when nothing matches and an element is null.
    pub(super) fn in_list(&self, value: &Expr, list: &[Expr]) -> Result<pl::Expr, EngineError> {
        let constant = list.iter().all(|element| matches!(element.kind, ExprKind::Literal(_)));
        let lowered = self.lower(value)?;
        if !constant || list.len() <= COMPARED {
            let mut found: Option<pl::Expr> = None;
            for element in list {
                let equal = lowered.clone().eq(self.lower(element)?);
                found = Some(match found {
                    None => equal,
                    Some(before) => before.or(equal),
                });
            }
            return Ok(found.unwrap_or_else(|| pl::lit(false)));
        }
        let null = list.iter().any(|element| matches!(element.kind, ExprKind::Literal(Literal::Null)));
        let known = list
            .iter()
            .filter(|element| !matches!(element.kind, ExprKind::Literal(Literal::Null)))
            .map(|element| constant_value(&element.kind, &value.data_type))
            .collect::<Result<Vec<_>, _>>()?;
        let known = pl::Series::from_any_values_and_dtype("".into(), &known, &polars_type(&value.data_type), false)
            .map_err(|error| super::refuse(error.to_string()))?;
        let known = known.implode().map_err(|error| super::refuse(error.to_string()))?.into_series();
        let found = elementwise("in", vec![lowered], pl::DataType::Boolean, move |inputs: &Inputs| {
            Ok(pl::is_in(inputs.series(0)?, &known, false)?.into_series())
        });
        Ok(if null { found.or(pl::lit(pl::Scalar::null(pl::DataType::Boolean))) } else { found })
    }
}

fn constant_value(kind: &ExprKind, data_type: &DataType) -> Result<pl::AnyValue<'static>, EngineError> {
    let ExprKind::Literal(value) = kind else { return Err(super::refuse("an element of a list is no constant")) };
    match super::literal(value, data_type)? {
        pl::Expr::Literal(pl::LiteralValue::Scalar(scalar)) => Ok(scalar.into_value()),
        _ => Err(super::refuse("an element of a list is no constant")),
    }
}
