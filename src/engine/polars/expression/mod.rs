//! The typed tree of an expression as an expression of Polars.
//!
//! What Polars computes as the language means it is taken as it is; everything else is a function of our own that runs
//! inside the plan ([`elementwise`]). Which is which stands in the files of the families of functions: first a table of the
//! functions that only change their name, then those that differ, with the reason.
//!
//! Operations that can fail (strict casts, int64 arithmetic, `strptime`) are evaluated only for the rows that need them:
//! inside of `case`, `if`, `coalesce`, `and` and `or` their input is null where SQL would not look at it ([`guard`]).

mod aggregate;
mod arithmetic;
mod calendar;
mod cast;
mod conditional;
mod elementwise;
mod function;
mod guard;
mod hashing;
mod layout;
mod learned;
mod list;
mod math;
mod operators;
mod parse;
mod pattern;
mod remembered;
mod string;
mod temporal;
mod text;
mod window;
mod zone;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use polars::prelude as pl;

pub(super) use self::aggregate::{narrow_sum, quantile_rank, quantile_reach, wide_sum};
use super::data_type::polars_type;
use crate::diagnostic::Class;
use crate::engine::EngineError;
use crate::expression::{DataType, Expr, ExprKind, Literal};

/// The expression in Polars' terms. Its name is that of its first column; who needs another gives it an alias.
///
/// Errors: constants that a stage has not learned yet, and the few things that Polars cannot do; each is named.
pub(super) fn lower(expr: &Expr) -> Result<pl::Expr, EngineError> {
    Lowering::default().lower(expr)
}

/// As [`lower`], one after the other; what several of them compute is computed once.
pub(super) fn lower_all<'a>(exprs: impl IntoIterator<Item = &'a Expr>) -> Result<Vec<pl::Expr>, EngineError> {
    let lowering = Lowering::default();
    exprs.into_iter().map(|expr| lowering.lower(expr)).collect()
}

/// Lowers expressions under a guard.
#[derive(Clone, Default)]
struct Lowering {
    /// The rows for which the value is looked at; all when absent.
    guard: Option<pl::Expr>,
    shared: Rc<Shared>,
}

/// What all parts of an expression share while it is lowered.
#[derive(Default)]
struct Shared {
    /// Calls that were lowered without a guard in them. Polars computes a function of our own once only when it sees the very same
    /// function twice, so an equal call has to become the same one.
    calls: RefCell<Vec<(Expr, pl::Expr)>>,
    /// How often a guard was put into an operation.
    guarded: Cell<usize>,
}

/// More calls than this in one expression are not remembered.
const REMEMBERED_CALLS: usize = 256;

impl Lowering {
    fn lower(&self, expr: &Expr) -> Result<pl::Expr, EngineError> {
        if !matches!(expr.kind, ExprKind::Call(..) | ExprKind::Cast { .. } | ExprKind::Learned { .. }) {
            return self.lower_anew(expr);
        }
        let known =
            self.shared.calls.borrow().iter().find(|(known, _)| known == expr).map(|(_, lowered)| lowered.clone());
        if let Some(lowered) = known {
            return Ok(lowered);
        }
        let guarded = self.shared.guarded.get();
        let lowered = self.lower_anew(expr)?;
        let mut calls = self.shared.calls.borrow_mut();
        if self.shared.guarded.get() == guarded && calls.len() < REMEMBERED_CALLS {
            calls.push((expr.clone(), lowered.clone()));
        }
        Ok(lowered)
    }

    fn lower_anew(&self, expr: &Expr) -> Result<pl::Expr, EngineError> {
        match &expr.kind {
            ExprKind::Column(name) => Ok(column(name)),
            ExprKind::Literal(value) => literal(value, &expr.data_type),
            ExprKind::Fitted(key) => Err(refuse(format!("`{key}` is not known before its stage has run"))),
            ExprKind::Unary(operator, value) => self.unary(*operator, value),
            ExprKind::Binary(operator, left, right) => self.binary(*operator, left, right, &expr.data_type),
            ExprKind::IsNull(value) => Ok(self.lower(value)?.is_null()),
            ExprKind::InList(value, list) => self.in_list(value, list),
            ExprKind::Like { text, pattern, ignore_case, escape } => {
                Ok(pattern::like(self.lower(text)?, pattern, *ignore_case, *escape))
            }
            ExprKind::Case { branches, otherwise } => self.case(branches, otherwise.as_deref(), &expr.data_type),
            ExprKind::Cast { value, strict } => {
                let lowered = self.lower(value)?;
                let fails = *strict && cast::can_fail(&value.data_type, &expr.data_type);
                let lowered = if fails { self.guarded(lowered) } else { lowered };
                cast::cast(lowered, &value.data_type, &expr.data_type, *strict)
            }
            ExprKind::Call(function, arguments) => self.call(*function, arguments, &expr.data_type),
            ExprKind::Learned { state, arguments } => self.learned(state, arguments, &expr.data_type),
            ExprKind::Aggregate(aggregate) if aggregate.over.is_some() => window::lower(aggregate, &expr.data_type),
            ExprKind::Aggregate(aggregate) => aggregate::lower(aggregate, &expr.data_type),
        }
    }

    fn all(&self, exprs: &[Expr]) -> Result<Vec<pl::Expr>, EngineError> {
        exprs.iter().map(|expr| self.lower(expr)).collect()
    }
}

/// The column of exactly that name: `pl::col` would read `*` and `^..$` as patterns.
fn column(name: &str) -> pl::Expr {
    pl::Expr::Column(name.into())
}

fn refuse(message: impl Into<String>) -> EngineError {
    EngineError::new(Class::Definition, message)
}

/// A constant of exactly that type.
fn literal(value: &Literal, data_type: &DataType) -> Result<pl::Expr, EngineError> {
    let wanted = polars_type(data_type);
    let scalar = match value {
        Literal::Null => return Ok(pl::lit(pl::Scalar::null(wanted))),
        Literal::Boolean(value) => pl::Scalar::from(*value),
        Literal::Integer(value) => pl::Scalar::from(*value),
        Literal::Float(value) => pl::Scalar::from(*value),
        Literal::String(value) => pl::Scalar::from(pl::PlSmallStr::from_str(value)),
        Literal::Date(days) => pl::Scalar::new_date(*days),
        Literal::Time(nanoseconds) => pl::Scalar::new_time(*nanoseconds),
        Literal::Datetime(microseconds) => {
            let zone = match &wanted {
                pl::DataType::Datetime(_, zone) => zone.clone(),
                _ => None,
            };
            pl::Scalar::new_datetime(*microseconds, pl::TimeUnit::Microseconds, zone)
        }
        Literal::Duration(microseconds) => pl::Scalar::new_duration(*microseconds, pl::TimeUnit::Microseconds),
        Literal::Interval { months, days, microseconds } => {
            let interval = calendar::Interval { months: *months, days: *days, microseconds: *microseconds };
            pl::Scalar::new_duration(interval.fixed_length()?, pl::TimeUnit::Microseconds)
        }
    };
    if scalar.dtype() == &wanted {
        return Ok(pl::lit(scalar));
    }
    let held = scalar.dtype().clone();
    let cast = scalar
        .cast_with_options(&wanted, polars::chunked_array::cast::CastOptions::Strict)
        .map_err(|_| refuse(format!("a constant of type {held} is no {data_type}")))?;
    Ok(pl::lit(cast))
}

/// The text of an argument that has to be a constant.
fn constant_text<'a>(arguments: &'a [Expr], index: usize, what: &str) -> Result<&'a str, EngineError> {
    match arguments.get(index).map(|argument| &argument.kind) {
        Some(ExprKind::Literal(Literal::String(text))) => Ok(text),
        _ => Err(refuse(format!("{what} has to be a text constant"))),
    }
}

/// The integer of an argument that has to be a constant.
fn constant_integer(arguments: &[Expr], index: usize, what: &str) -> Result<i64, EngineError> {
    match arguments.get(index).map(|argument| &argument.kind) {
        Some(ExprKind::Literal(Literal::Integer(value))) => Ok(*value),
        _ => Err(refuse(format!("{what} has to be an integer constant"))),
    }
}

/// The number of an argument that has to be a constant.
pub(super) fn constant_float(arguments: &[Expr], index: usize, what: &str) -> Result<f64, EngineError> {
    match arguments.get(index).map(|argument| &argument.kind) {
        Some(ExprKind::Literal(Literal::Float(value))) => Ok(*value),
        #[expect(clippy::cast_precision_loss, reason = "constants of this kind are small")]
        Some(ExprKind::Literal(Literal::Integer(value))) => Ok(*value as f64),
        _ => Err(refuse(format!("{what} has to be a constant number"))),
    }
}
