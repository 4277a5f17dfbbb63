//! Numbers. Arguments are int64 or float64 already; most functions of float64 are Polars' own.

use polars::prelude::{self as pl, ChunkApply, ChunkCompareIneq, ChunkFillNullValue, IntoSeries};

use super::arithmetic;
use super::elementwise::{elementwise, failure, float_rows, integer_rows};
use super::{EngineError, Lowering, refuse};
use crate::expression::{DataType, Expr, Function};

impl Lowering {
    /// Functions of one float64 that Polars has too, with the same values at the edges.
    pub(super) fn float_function(&self, function: Function, argument: &Expr) -> Result<pl::Expr, EngineError> {
        let x = self.lower(argument)?;
        Ok(match function {
            Function::Sqrt => x.sqrt(),
            Function::Cbrt => x.cbrt(),
            Function::Exp => x.exp(),
            Function::Sin => x.sin(),
            Function::Cos => x.cos(),
            Function::Tan => x.tan(),
            Function::Asin => x.arcsin(),
            Function::Acos => x.arccos(),
            Function::Atan => x.arctan(),
            Function::Sinh => x.sinh(),
            Function::Cosh => x.cosh(),
            Function::Tanh => x.tanh(),
            Function::Degrees => x.degrees(),
            Function::Radians => x.radians(),
            Function::IsNan => x.is_nan(),
            Function::IsFinite => x.is_finite(),
            Function::IsInfinite => x.is_infinite(),
            // Polars computes logarithms of a base as a quotient, which is off in the last digit.
            Function::Ln => map(x, "ln", f64::ln),
            Function::Log10 => map(x, "log10", f64::log10),
            Function::Log2 => map(x, "log2", f64::log2),
            Function::Cot => map(x, "cot", |x| 1.0 / x.tan()),
            Function::Even => map(x, "even", even),
            other => return Err(refuse(format!("{} is no function of one number", other.name()))),
        })
    }

    /// `abs`; the smallest int64 has none.
    pub(super) fn abs(&self, argument: &Expr) -> Result<pl::Expr, EngineError> {
        let x = self.lower(argument)?;
        if argument.data_type != DataType::Int64 {
            return Ok(x.abs());
        }
        Ok(elementwise("abs", vec![self.guarded(x)], pl::DataType::Int64, |inputs| {
            arithmetic::absolute(inputs.series(0)?)
        }))
    }

    /// `ceil`, `floor`, `trunc` and `sign`: integers stay what they are, or become their sign.
    pub(super) fn to_whole(&self, function: Function, argument: &Expr) -> Result<pl::Expr, EngineError> {
        let x = self.lower(argument)?;
        let integer = argument.data_type.is_integer();
        Ok(match function {
            Function::Sign if integer => x.sign(),
            // The sign of Rust's `signum` for zero is 1.
            Function::Sign => map(x, "sign", |x| if x == 0.0 { 0.0 } else { x.signum() }),
            _ if integer => x,
            Function::Ceil => x.ceil(),
            Function::Floor => x.floor(),
            _ => map(x, "trunc", f64::trunc),
        })
    }

    /// `round(x, digits)`, halves away from zero; negative digits round before the mark.
    pub(super) fn round(&self, arguments: &[Expr]) -> Result<pl::Expr, EngineError> {
        let Some(first) = arguments.first() else { return Err(refuse("round needs a number")) };
        // Only whole numbers can leave their range.
        let whole = first.data_type.is_integer();
        let mut inputs = if whole { self.guarded_inputs(arguments)? } else { self.all(arguments)? };
        if inputs.len() < 2 {
            inputs.push(pl::lit(0_i64));
        }
        if whole {
            return Ok(elementwise("round", inputs, pl::DataType::Int64, |inputs| {
                let (values, digits) = (inputs.integer(0)?, inputs.integer(1)?);
                integer_rows(values.iter().zip(digits.iter()), |pair| match pair {
                    (Some(value), Some(digits)) => round_integer(value, digits).map(Some).ok_or_else(|| {
                        failure(format!("integer overflow: round({value}, {digits}) does not fit int64"))
                    }),
                    _ => Ok(None),
                })
            }));
        }
        Ok(elementwise("round", inputs, pl::DataType::Float64, |inputs| {
            let (values, digits) = (inputs.float(0)?, inputs.integer(1)?);
            float_rows(values.iter().zip(digits.iter()), |pair| {
                Ok(match pair {
                    (Some(value), Some(digits)) => Some(round_float(value, digits)),
                    _ => None,
                })
            })
        }))
    }

    /// Functions of two float64.
    pub(super) fn float_pair(&self, function: Function, arguments: &[Expr]) -> Result<pl::Expr, EngineError> {
        let step: fn(f64, f64) -> f64 = match function {
            Function::Log => |base, x| x.log10() / base.log10(),
            Function::Power => f64::powf,
            Function::Atan2 => f64::atan2,
            other => return Err(refuse(format!("{} is no function of two numbers", other.name()))),
        };
        Ok(elementwise(function.name(), self.all(arguments)?, pl::DataType::Float64, move |inputs| {
            let (first, second) = (inputs.float(0)?, inputs.float(1)?);
            float_rows(first.iter().zip(second.iter()), |pair| {
                Ok(match pair {
                    (Some(first), Some(second)) => Some(step(first, second)),
                    _ => None,
                })
            })
        }))
    }

    /// `x // y` on int64.
    pub(super) fn integer_divide(&self, arguments: &[Expr]) -> Result<pl::Expr, EngineError> {
        Ok(elementwise("div", self.guarded_inputs(arguments)?, pl::DataType::Int64, |inputs| {
            arithmetic::integer_quotient(inputs.series(0)?, inputs.series(1)?)
        }))
    }

    /// `gcd` and `lcm`.
    pub(super) fn divisors(&self, function: Function, arguments: &[Expr]) -> Result<pl::Expr, EngineError> {
        let name = function.name();
        Ok(elementwise(name, self.guarded_inputs(arguments)?, pl::DataType::Int64, move |inputs| {
            let (first, second) = (inputs.integer(0)?, inputs.integer(1)?);
            integer_rows(first.iter().zip(second.iter()), |pair| match pair {
                (Some(p), Some(q)) => {
                    let divisor = gcd(p, q);
                    let value = match function {
                        Function::Lcm if divisor == 0 => 0,
                        Function::Lcm => (i128::from(p) / i128::from(divisor) * i128::from(q)).unsigned_abs(),
                        _ => u128::from(divisor),
                    };
                    let fitting = i64::try_from(value);
                    fitting
                        .map(Some)
                        .map_err(|_| failure(format!("integer overflow: {name}({p}, {q}) does not fit int64")))
                }
                _ => Ok(None),
            })
        }))
    }

    /// `greatest` and `least`: nulls are skipped, NaN is the largest number.
    pub(super) fn extreme(&self, function: Function, arguments: &[Expr]) -> Result<pl::Expr, EngineError> {
        let Some(first) = arguments.first() else { return Err(refuse(format!("{} needs a value", function.name()))) };
        let output = super::polars_type(&first.data_type);
        Ok(elementwise(function.name(), self.all(arguments)?, output, move |inputs| {
            let mut best = inputs.series(0)?.clone();
            for value in inputs.all().iter().skip(1) {
                let better = match function {
                    Function::Greatest => value.gt(&best)?,
                    _ => value.lt(&best)?,
                };
                // A comparison with null is null: then the side with a value wins.
                let better = better.fill_null_with_values(false)? | (best.is_null() & value.is_not_null());
                best = value.zip_with(&better, &best)?;
            }
            Ok(best)
        }))
    }
}

fn map(x: pl::Expr, name: &'static str, step: impl Fn(f64) -> f64 + Send + Sync + Copy + 'static) -> pl::Expr {
    elementwise(name, vec![x], pl::DataType::Float64, move |inputs| {
        Ok(inputs.float(0)?.apply_values(step).into_series())
    })
}

/// The next even whole number away from zero.
fn even(x: f64) -> f64 {
    let whole = if x < 0.0 { x.floor() } else { x.ceil() };
    if whole % 2.0 == 0.0 || !whole.is_finite() {
        whole
    } else if x < 0.0 {
        whole - 1.0
    } else {
        whole + 1.0
    }
}

fn round_float(value: f64, digits: i64) -> f64 {
    let digits = i32::try_from(digits.clamp(-400, 400)).unwrap_or_default();
    if !value.is_finite() {
        return value;
    }
    if digits < 0 {
        let power = 10_f64.powi(-digits);
        let rounded = (value / power).round() * power;
        return if rounded.is_finite() { rounded } else { 0.0 };
    }
    let power = 10_f64.powi(digits);
    let rounded = (value * power).round() / power;
    if rounded.is_finite() { rounded } else { value }
}

fn round_integer(value: i64, digits: i64) -> Option<i64> {
    if digits >= 0 {
        return Some(value);
    }
    let Some(power) = u32::try_from(-digits).ok().and_then(|exponent| 10_i128.checked_pow(exponent)) else {
        return Some(0);
    };
    let value = i128::from(value);
    let (quotient, remainder) = (value / power, value % power);
    let rounded = if remainder.abs() * 2 >= power { quotient + value.signum() } else { quotient };
    rounded.checked_mul(power).and_then(|rounded| i64::try_from(rounded).ok())
}

/// Euclid's algorithm on magnitudes.
fn gcd(p: i64, q: i64) -> u64 {
    let (mut a, mut b) = (p.unsigned_abs(), q.unsigned_abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_takes_halves_away_from_zero() {
        assert_eq!(round_float(2.5, 0), 3.0);
        assert_eq!(round_float(-2.5, 0), -3.0);
        assert_eq!(round_float(1234.5, -2), 1200.0);
        assert_eq!(round_float(1e308, 10), 1e308);
        assert_eq!(round_integer(1250, -2), Some(1300));
        assert_eq!(round_integer(-1250, -2), Some(-1300));
        assert_eq!(round_integer(5, -30), Some(0));
        assert_eq!(round_integer(i64::MAX, -1), None);
    }

    /// Values of DuckDB 2.0.1.
    #[test]
    fn even_goes_away_from_zero() {
        let pairs = [(1.2, 2.0), (-1.2, -2.0), (2.0, 2.0), (3.0, 4.0), (2.5, 4.0), (0.0, 0.0), (-2.5, -4.0)];
        for (x, wanted) in pairs {
            assert_eq!(even(x), wanted);
        }
    }
}
