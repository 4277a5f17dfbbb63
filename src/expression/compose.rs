//! Typed trees without SQL: what stages and the binder build expressions with. The rules of coercion stand here once.

use super::coercion::{Clash, advice, cast_node, castable, is_ordered, supertype, unify, widen};
use super::{
    Aggregate, BinaryOperator, DataType, Expr, ExprKind, ExpressionError, Family, Function, Literal, Span,
    UnaryOperator, constant, signature,
};

/// `left operator right`, with both sides coerced.
///
/// Errors: the types do not go with the operator.
pub fn binary(operator: BinaryOperator, left: Expr, right: Expr) -> Result<Expr, ExpressionError> {
    use BinaryOperator as B;
    let span = left.span.union(right.span);
    let expr = match operator {
        B::And | B::Or => {
            let sides = [as_boolean(left, symbol(operator))?, as_boolean(right, symbol(operator))?];
            node(operator, sides, DataType::Boolean)
        }
        B::Equal
        | B::NotEqual
        | B::Less
        | B::LessOrEqual
        | B::Greater
        | B::GreaterOrEqual
        | B::IsDistinctFrom
        | B::IsNotDistinctFrom => comparison(operator, left, right)?,
        B::Add | B::Subtract | B::Multiply | B::Divide | B::Remainder => arithmetic(operator, left, right)?,
    };
    Ok(Expr { span, ..expr })
}

/// How an operator is written.
pub(super) fn symbol(operator: BinaryOperator) -> &'static str {
    match operator {
        BinaryOperator::Add => "+",
        BinaryOperator::Subtract => "-",
        BinaryOperator::Multiply => "*",
        BinaryOperator::Divide => "/",
        BinaryOperator::Remainder => "%",
        BinaryOperator::Equal => "=",
        BinaryOperator::NotEqual => "<>",
        BinaryOperator::Less => "<",
        BinaryOperator::LessOrEqual => "<=",
        BinaryOperator::Greater => ">",
        BinaryOperator::GreaterOrEqual => ">=",
        BinaryOperator::IsDistinctFrom => "is distinct from",
        BinaryOperator::IsNotDistinctFrom => "is not distinct from",
        BinaryOperator::And => "and",
        BinaryOperator::Or => "or",
    }
}

fn node(operator: BinaryOperator, [left, right]: [Expr; 2], data_type: DataType) -> Expr {
    Expr::binary(operator, left, right, data_type)
}

/// A boolean, or a null that becomes one.
pub(super) fn as_boolean(expr: Expr, asks: &str) -> Result<Expr, ExpressionError> {
    match expr.data_type {
        DataType::Boolean => Ok(expr),
        DataType::Null => widen(expr, &DataType::Boolean),
        _ => {
            let error = ExpressionError::new(format!("`{asks}` needs a boolean, not {}", expr.data_type), expr.span)
                .label(format!("this is {}", expr.data_type));
            Err(if expr.data_type.is_numeric() {
                error.help("compare it with a number, such as `<> 0`")
            } else {
                error
            })
        }
    }
}

fn comparison(operator: BinaryOperator, left: Expr, right: Expr) -> Result<Expr, ExpressionError> {
    let span = left.span.union(right.span);
    for side in [&left, &right] {
        if !is_ordered(&side.data_type) && side.data_type != DataType::Interval {
            return Err(ExpressionError::new(format!("{} cannot be compared", plural(&side.data_type)), side.span)
                .label(format!("this is {}", side.data_type)));
        }
    }
    let types = (left.data_type.clone(), right.data_type.clone());
    match unify(vec![left, right]) {
        Ok((sides, common)) if is_ordered(&common) => match <[Expr; 2]>::try_from(sides) {
            Ok(sides) => Ok(node(operator, sides, DataType::Boolean)),
            Err(_) => Err(incomparable(&types.0, &types.1, span)),
        },
        Ok(_) => Err(incomparable(&types.0, &types.1, span)),
        Err(Clash::Types(_)) => Err(incomparable(&types.0, &types.1, span)),
        Err(Clash::Literal(error)) => Err(error),
    }
}

fn plural(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::List(_) | DataType::Array(..) => "lists",
        DataType::Struct(_) => "structs",
        _ => "such values",
    }
}

fn incomparable(left: &DataType, right: &DataType, span: Span) -> ExpressionError {
    let error = ExpressionError::new(format!("{left} cannot be compared with {right}"), span);
    match advice(left, right) {
        Some(advice) => error.help(advice),
        None => error,
    }
}

fn arithmetic(operator: BinaryOperator, left: Expr, right: Expr) -> Result<Expr, ExpressionError> {
    use BinaryOperator as B;
    use DataType as T;
    if left.data_type.is_temporal() || right.data_type.is_temporal() || is_interval(&left) || is_interval(&right) {
        return temporal(operator, left, right);
    }
    let number = |data_type: &T| data_type.is_numeric() || *data_type == T::Null;
    if !number(&left.data_type) || !number(&right.data_type) {
        return Err(unfit(operator, &left, &right));
    }
    let whole = |data_type: &T| data_type.is_integer() || *data_type == T::Null;
    let target = match operator {
        B::Divide => T::Float64,
        _ if whole(&left.data_type) && whole(&right.data_type) => T::Int64,
        _ => T::Float64,
    };
    Ok(node(operator, [widen(left, &target)?, widen(right, &target)?], target))
}

fn is_interval(expr: &Expr) -> bool {
    expr.data_type == DataType::Interval
}

fn unfit(operator: BinaryOperator, left: &Expr, right: &Expr) -> ExpressionError {
    let error = ExpressionError::new(
        format!("`{}` does not work on {} and {}", symbol(operator), left.data_type, right.data_type),
        left.span.union(right.span),
    );
    match (operator, &left.data_type, &right.data_type) {
        (BinaryOperator::Add, DataType::String, DataType::String) => error.help("`||` joins texts"),
        (_, left, right) => match advice(left, right) {
            Some(advice) => error.help(advice),
            None => error,
        },
    }
}

/// Arithmetic of dates, datetimes, durations and intervals.
fn temporal(operator: BinaryOperator, left: Expr, right: Expr) -> Result<Expr, ExpressionError> {
    use BinaryOperator as B;
    use DataType as T;
    let types = (left.data_type.clone(), right.data_type.clone());
    match (operator, &types.0, &types.1) {
        (B::Add, T::Interval | T::Duration, T::Date | T::Datetime(_)) => temporal(operator, right, left),
        (B::Add | B::Subtract, T::Date | T::Datetime(_), T::Interval) => {
            let left = match (&types.0, &right.kind) {
                // Whole days leave a date a date; hours need its midnight.
                (T::Date, ExprKind::Literal(Literal::Interval { microseconds: 0, .. })) => left,
                (T::Date, _) => widen(left, &T::Datetime(None))?,
                _ => left,
            };
            let data_type = left.data_type.clone();
            Ok(node(operator, [left, right], data_type))
        }
        (B::Add | B::Subtract, T::Date, T::Duration) => {
            Ok(node(operator, [widen(left, &T::Datetime(None))?, right], T::Datetime(None)))
        }
        (B::Add | B::Subtract, T::Datetime(_), T::Duration) => Ok(node(operator, [left, right], types.0)),
        (B::Subtract, T::Date, T::Date) => Ok(node(operator, [left, right], T::Int64)),
        (B::Subtract, T::Date | T::Datetime(_) | T::String, T::Date | T::Datetime(_) | T::String) => {
            let (sides, common) = unify(vec![left, right])?;
            let result = if common == T::Date { T::Int64 } else { T::Duration };
            match <[Expr; 2]>::try_from(sides) {
                Ok(sides) => Ok(node(operator, sides, result)),
                Err(sides) => Err(ExpressionError::new("a difference has two sides", span_of(&sides))),
            }
        }
        (B::Add | B::Subtract, T::Duration | T::Interval, T::Duration | T::Interval)
            if matches!(types, (T::Duration, _) | (_, T::Duration)) =>
        {
            Ok(node(operator, [widen(left, &T::Duration)?, widen(right, &T::Duration)?], T::Duration))
        }
        (B::Add | B::Subtract, T::Date | T::Datetime(_), b) if b.is_integer() => Err(unfit(operator, &left, &right)
            .help("say what the number counts: `+ interval '5 days'`, or date_add('day', n, ..)")),
        (_, T::Duration, _) | (_, _, T::Duration) => {
            Err(unfit(operator, &left, &right).help("epoch(..) gives the seconds of a duration as a number"))
        }
        _ => Err(unfit(operator, &left, &right)),
    }
}

fn span_of(exprs: &[Expr]) -> Span {
    exprs.iter().fold(Span::default(), |span, expr| span.union(expr.span))
}

/// `-value` or `not value`.
///
/// Errors: the type does not go with the operator.
pub fn unary(operator: UnaryOperator, value: Expr) -> Result<Expr, ExpressionError> {
    let span = value.span;
    let value = match operator {
        UnaryOperator::Not => as_boolean(value, "not")?,
        UnaryOperator::Negate => match &value.data_type {
            data_type if data_type.is_integer() || *data_type == DataType::Null => widen(value, &DataType::Int64)?,
            data_type if data_type.is_numeric() => widen(value, &DataType::Float64)?,
            other => {
                return Err(ExpressionError::new(format!("`-` does not work on {other}"), span)
                    .label(format!("this is {other}")));
            }
        },
    };
    let data_type = value.data_type.clone();
    Ok(Expr { kind: ExprKind::Unary(operator, Box::new(value)), data_type, span })
}

/// A call of a function with its arguments coerced; of an aggregate, over all rows.
///
/// Errors: the number or the types of the arguments.
pub fn function(function: Function, arguments: Vec<Expr>) -> Result<Expr, ExpressionError> {
    let span = span_of(&arguments);
    call(function, arguments, span)
}

/// As [`function`], with the place of the call.
pub(super) fn call(function: Function, arguments: Vec<Expr>, span: Span) -> Result<Expr, ExpressionError> {
    let call = signature::resolve(function, arguments, span)?;
    let kind = match call.function.family() {
        Family::Aggregate | Family::Window => ExprKind::Aggregate(Box::new(Aggregate {
            function: call.function,
            arguments: call.arguments,
            distinct: false,
            filter: None,
            order_by: Vec::new(),
            over: None,
        })),
        _ => ExprKind::Call(call.function, call.arguments),
    };
    Ok(Expr { kind, data_type: call.data_type, span })
}

/// `cast(value as to)`, or with `strict` false `try_cast`.
///
/// Errors: values of the one type are never values of the other.
pub fn cast(value: Expr, to: DataType, strict: bool) -> Result<Expr, ExpressionError> {
    if let ExprKind::Literal(Literal::Null) = value.kind {
        return widen(value, &to);
    }
    if let (ExprKind::Literal(Literal::Interval { .. }), DataType::Duration) = (&value.kind, &to) {
        return widen(value, &to);
    }
    castable(&value.data_type, &to).map_err(|advice| {
        let error = ExpressionError::new(format!("{} cannot be cast to {to}", value.data_type), value.span)
            .label(format!("this is {}", value.data_type));
        match advice {
            Some(advice) => error.help(advice),
            None => error,
        }
    })?;
    Ok(cast_node(value, &to, strict))
}

/// `case when .. then .. else .. end`; the values get one common type.
///
/// Errors: a condition is no boolean, or the values have no common type.
pub fn case(branches: Vec<(Expr, Expr)>, otherwise: Option<Expr>) -> Result<Expr, ExpressionError> {
    let (conditions, mut values): (Vec<Expr>, Vec<Expr>) = branches.into_iter().unzip();
    let conditions: Vec<Expr> =
        conditions.into_iter().map(|condition| as_boolean(condition, "when")).collect::<Result<_, _>>()?;
    let span = span_of(&conditions).union(span_of(&values));
    let has_otherwise = otherwise.is_some();
    values.extend(otherwise);
    let (mut values, data_type) = unify(values)?;
    let otherwise = if has_otherwise { values.pop().map(Box::new) } else { None };
    let branches = conditions.into_iter().zip(values).collect();
    Ok(Expr { kind: ExprKind::Case { branches, otherwise }, data_type, span })
}

/// `value in (list)`.
///
/// Errors: the types cannot be compared.
pub fn in_list(value: Expr, list: Vec<Expr>) -> Result<Expr, ExpressionError> {
    let span = value.span.union(span_of(&list));
    if let Some(nested) = std::iter::once(&value).chain(&list).find(|expr| !is_ordered(&expr.data_type)) {
        return Err(ExpressionError::new(format!("{} cannot be compared", nested.data_type), nested.span));
    }
    let (mut all, _) = unify(std::iter::once(value).chain(list).collect())?;
    let value = all.remove(0);
    Ok(Expr { kind: ExprKind::InList(Box::new(value), all), data_type: DataType::Boolean, span })
}

/// `value between low and high`, both included. The value stands in the tree twice.
///
/// Errors: the types cannot be compared.
pub fn between(value: Expr, low: Expr, high: Expr) -> Result<Expr, ExpressionError> {
    let span = value.span.union(low.span).union(high.span);
    let lower = binary(BinaryOperator::GreaterOrEqual, value.clone(), low)?;
    let upper = binary(BinaryOperator::LessOrEqual, value, high)?;
    Ok(Expr { span, ..lower.and(upper) })
}

/// A text as a constant of a type of dates or times, by the rules that compare a text with a column of that type.
pub fn typed_literal(text: &str, target: &DataType) -> Option<Literal> {
    constant::adapt(&Literal::String(text.to_owned()), target)?.ok()
}

/// Whether values of the type can be made one of the other without a cast.
pub fn widens(from: &DataType, to: &DataType) -> bool {
    supertype(from, to).is_some_and(|common| common == *to)
}
