//! Which types go together, and how a value of one type becomes one of another.
//!
//! Nothing is coerced silently between families: numbers widen among themselves, dates become datetimes, and literals adapt
//! to what they stand beside. Text never becomes a number and a number never becomes text without a cast.

use super::constant;
use super::{DataType, Expr, ExprKind, ExpressionError, Literal};

/// The type to which values of both types can be widened, if there is one.
///
/// Integers of different widths meet in int64; an integer and a float, or a decimal and another number, in float64; lists of
/// different fixed lengths in lists.
pub fn supertype(a: &DataType, b: &DataType) -> Option<DataType> {
    use DataType as T;
    if a == b {
        return Some(a.clone());
    }
    match (a, b) {
        (T::Null, other) | (other, T::Null) => Some(other.clone()),
        (a, b) if a.is_integer() && b.is_integer() => Some(T::Int64),
        (a, b) if a.is_numeric() && b.is_numeric() => Some(T::Float64),
        (T::Date, T::Datetime(None)) | (T::Datetime(None), T::Date) => Some(T::Datetime(None)),
        (T::Datetime(Some(zone)), T::Datetime(Some(_))) => Some(T::Datetime(Some(zone.clone()))),
        (T::List(a) | T::Array(a, _), T::List(b) | T::Array(b, _)) => {
            supertype(a, b).map(|element| T::List(Box::new(element)))
        }
        (T::Interval, T::Duration) | (T::Duration, T::Interval) => Some(T::Duration),
        _ => None,
    }
}

/// Whether two values of the type can be compared.
pub(super) fn is_ordered(data_type: &DataType) -> bool {
    !data_type.is_nested() && !matches!(data_type, DataType::Interval)
}

/// Why a value of one type is never that of another, as advice.
pub(super) fn advice(a: &DataType, b: &DataType) -> Option<&'static str> {
    use DataType as T;
    match (a, b) {
        (T::String, other) | (other, T::String) if other.is_numeric() => {
            Some("text is not turned into a number by itself: write cast(.. as double) or cast(.. as bigint)")
        }
        (T::Datetime(None) | T::Date, T::Datetime(Some(_))) | (T::Datetime(Some(_)), T::Datetime(None) | T::Date) => {
            Some("a wall clock and an instant differ: write `at time zone 'UTC'` (or the right zone) on one side")
        }
        (T::String, T::Date | T::Datetime(_)) | (T::Date | T::Datetime(_), T::String) => {
            Some("write cast(.. as date), or strptime(.., '%Y-%m-%d') for other layouts")
        }
        (T::Boolean, other) | (other, T::Boolean) if other.is_numeric() => {
            Some("write cast(.. as int) to count a boolean as 0 or 1")
        }
        _ => None,
    }
}

/// Widens all expressions to their common type. Literals adapt to the other operands: an integer literal to a narrower
/// integer that holds it or to a float, a text literal to a date, time or datetime.
///
/// Errors: the first expression that has no common type with those before it.
pub(super) fn unify(mut exprs: Vec<Expr>) -> Result<(Vec<Expr>, DataType), Clash> {
    let mut common: Option<(DataType, super::Span)> = None;
    for expr in exprs.iter().filter(|expr| !adapts(expr)) {
        common = Some(match common {
            None => (expr.data_type.clone(), expr.span),
            Some((data_type, span)) => match supertype(&data_type, &expr.data_type) {
                Some(data_type) => (data_type, span),
                None => return Err(Clash::Types(mismatch(&data_type, expr))),
            },
        });
    }
    let mut target = common.map(|(data_type, _)| data_type);
    for expr in exprs.iter().filter(|expr| adapts(expr)) {
        target = Some(match target {
            None => expr.data_type.clone(),
            Some(data_type) if fits(expr, &data_type) => data_type,
            Some(data_type) => match supertype(&data_type, &expr.data_type) {
                Some(data_type) => data_type,
                None => return Err(adapt_error(expr, &data_type)),
            },
        });
    }
    // An interval is no value by itself; where several meet, they are lengths of time.
    let target = match target {
        Some(DataType::Interval) => DataType::Duration,
        Some(target) => target,
        None => DataType::Null,
    };
    exprs = exprs.into_iter().map(|expr| widen(expr, &target)).collect::<Result<_, _>>().map_err(Clash::Types)?;
    Ok((exprs, target))
}

/// Why expressions have no common type.
pub(super) enum Clash {
    /// Two types do not go together.
    Types(ExpressionError),
    /// A literal could adapt by its type, but not with its value.
    Literal(ExpressionError),
}

impl From<Clash> for ExpressionError {
    fn from(clash: Clash) -> Self {
        match clash {
            Clash::Types(error) | Clash::Literal(error) => error,
        }
    }
}

/// Whether the type of the expression may still change: it is a literal.
fn adapts(expr: &Expr) -> bool {
    matches!(
        &expr.kind,
        ExprKind::Literal(Literal::Null | Literal::Integer(_) | Literal::String(_) | Literal::Interval { .. })
    )
}

/// Whether a literal can be one of that type without loss.
fn fits(expr: &Expr, target: &DataType) -> bool {
    matches!(&expr.kind, ExprKind::Literal(literal) if constant::adapt(literal, target).is_some_and(|r| r.is_ok()))
}

/// Widens an expression to a type that [`supertype`] gave, adapting literals.
pub(super) fn widen(expr: Expr, target: &DataType) -> Result<Expr, ExpressionError> {
    if expr.data_type == *target {
        return Ok(expr);
    }
    if let ExprKind::Literal(literal) = &expr.kind
        && let Some(adapted) = constant::adapt(literal, target)
    {
        let literal = adapted.map_err(|message| ExpressionError::new(message, expr.span))?;
        return Ok(Expr { kind: ExprKind::Literal(literal), data_type: target.clone(), span: expr.span });
    }
    match supertype(&expr.data_type, target) {
        Some(common) if common == *target => Ok(cast_node(expr, target, true)),
        // `supertype` keeps the left zone; two zones differ only in how an instant is shown.
        Some(DataType::Datetime(Some(_))) => Ok(cast_node(expr, target, true)),
        _ => Err(mismatch(target, &expr)),
    }
}

/// An interval that does not stand beside a date is a duration; everything else is what it is.
///
/// Errors: the interval has months, whose length is not fixed.
pub(super) fn without_interval(expr: Expr) -> Result<Expr, ExpressionError> {
    if expr.data_type == DataType::Interval { widen(expr, &DataType::Duration) } else { Ok(expr) }
}

/// A cast that keeps the place.
pub(super) fn cast_node(expr: Expr, target: &DataType, strict: bool) -> Expr {
    let span = expr.span;
    Expr { span, ..expr.cast(target.clone(), strict) }
}

fn mismatch(wanted: &DataType, found: &Expr) -> ExpressionError {
    let error = ExpressionError::new(format!("{wanted} and {} do not go together", found.data_type), found.span)
        .label(format!("this is {}", found.data_type));
    match advice(wanted, &found.data_type) {
        Some(advice) => error.help(advice),
        None => error,
    }
}

/// As [`mismatch`], but a text literal that could have been a date says what is wrong with it.
fn adapt_error(expr: &Expr, target: &DataType) -> Clash {
    match &expr.kind {
        ExprKind::Literal(literal) => match constant::adapt(literal, target) {
            Some(Err(message)) => Clash::Literal(ExpressionError::new(message, expr.span)),
            _ => Clash::Types(mismatch(target, expr)),
        },
        _ => Clash::Types(mismatch(target, expr)),
    }
}

/// Whether values of the first type can be cast to the second; the reason if not.
pub(super) fn castable(from: &DataType, to: &DataType) -> Result<(), Option<&'static str>> {
    use DataType as T;
    let possible = match (from, to) {
        (a, b) if a == b => true,
        (T::Null, _) => true,
        (a, b) if a.is_numeric() && b.is_numeric() => true,
        (T::Boolean, b) => b.is_integer() || b.is_float() || matches!(b, T::String),
        (a, T::Boolean) => a.is_integer() || matches!(a, T::String),
        (a, T::String) if a.is_numeric() => true,
        (T::String, b) if b.is_numeric() => true,
        (T::String, T::Date | T::Time | T::Datetime(None) | T::Binary) => true,
        (T::Date | T::Time | T::Datetime(None), T::String) => true,
        (T::Date, T::Datetime(None)) | (T::Datetime(None), T::Date | T::Time) => true,
        (T::Datetime(Some(_)), T::Datetime(Some(_))) => true,
        (T::Interval, T::Duration) => true,
        (T::List(a) | T::Array(a, _), T::List(b)) => return castable(a, b),
        _ => false,
    };
    if possible {
        return Ok(());
    }
    Err(match (from, to) {
        (T::Datetime(Some(_)), T::Datetime(None) | T::Date | T::Time) => {
            Some("which day and hour it is depends on the zone: write `at time zone 'UTC'` (or the right zone) first")
        }
        (T::Date | T::Datetime(None), T::Datetime(Some(_))) => {
            Some("write `at time zone 'UTC'` (or the right zone): it turns a wall clock into an instant")
        }
        (T::Datetime(Some(_)), T::String) => Some("write strftime(.., '%Y-%m-%d %H:%M:%S')"),
        (T::String, T::Datetime(Some(_))) => Some("write strptime(.., '%Y-%m-%d %H:%M:%S%z')"),
        (T::Date | T::Datetime(_) | T::Duration, b) if b.is_numeric() => Some("epoch(..) gives the seconds"),
        (a, T::Datetime(_) | T::Date) if a.is_numeric() => Some("to_timestamp(..) takes seconds since 1970"),
        (T::List(_) | T::Array(..), T::String) => {
            Some("array_to_string(.., ',') joins the elements of a list of strings")
        }
        _ => None,
    })
}
