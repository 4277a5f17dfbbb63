//! Matching the arguments of a call with what a function declares.

mod constants;

use super::coercion::{cast_node, is_ordered, unify, widen, without_interval};
use super::functions::{Accepts, Optional, Yields};
use constants::{constant_argument, finish_constants, is_constant, literal_text};

use super::{DataType, Expr, ExpressionError, Function, Literal, Parameter, Signature, Span, constant};
pub(super) use constants::unknown_part;

/// A call whose arguments fit: which function it is in the end, its arguments coerced and completed, and its type.
pub(super) struct Call {
    pub(super) function: Function,
    pub(super) arguments: Vec<Expr>,
    pub(super) data_type: DataType,
}

/// Matches a call with the signatures of the function.
///
/// Errors: the number of arguments, or the first argument that does not fit.
pub(super) fn resolve(function: Function, arguments: Vec<Expr>, span: Span) -> Result<Call, ExpressionError> {
    let (function, arguments) = respell(function, arguments);
    let declaration = function.declaration();
    let fits = |signature: &&Signature| takes(signature, arguments.len());
    let mut candidates = declaration.signatures.iter().filter(fits).peekable();
    if candidates.peek().is_none() {
        return Err(wrong_count(function, arguments.len(), span));
    }
    let mut first_error = None;
    for signature in candidates {
        match apply(function, signature, arguments.clone()) {
            Ok(call) => return Ok(call),
            Err(error) => {
                first_error.get_or_insert(error);
            }
        }
    }
    Err(first_error.unwrap_or_else(|| wrong_count(function, arguments.len(), span)))
}

/// Calls that are another function in disguise.
fn respell(function: Function, mut arguments: Vec<Expr>) -> (Function, Vec<Expr>) {
    match (function, arguments.as_slice()) {
        (Function::Log, [_]) => (Function::Log10, arguments),
        (Function::Length, [list]) if list.data_type.element().is_some() => (Function::ListLength, arguments),
        (Function::Range, [_]) => {
            arguments.insert(0, Expr::integer(0));
            (function, arguments)
        }
        _ => (function, arguments),
    }
}

fn takes(signature: &Signature, count: usize) -> bool {
    let required = signature.parameters.iter().filter(|parameter| parameter.optional == Optional::No).count();
    count >= required && (signature.variadic || count <= signature.parameters.len())
}

fn wrong_count(function: Function, count: usize, span: Span) -> ExpressionError {
    let declaration = function.declaration();
    let arguments = if count == 1 { "argument" } else { "arguments" };
    let ways: Vec<String> =
        declaration.signatures.iter().map(|signature| signature.render(declaration.name())).collect();
    ExpressionError::new(format!("`{}` does not take {count} {arguments}", declaration.name()), span)
        .help(format!("it is {}", ways.join(" or ")))
}

/// The parameter for the argument with that number.
fn parameter(signature: &Signature, index: usize) -> Option<&Parameter> {
    signature.parameters.get(index).or_else(|| signature.parameters.last().filter(|_| signature.variadic))
}

fn apply(function: Function, signature: &Signature, arguments: Vec<Expr>) -> Result<Call, ExpressionError> {
    let mut coerced = Vec::with_capacity(arguments.len());
    for (index, argument) in arguments.into_iter().enumerate() {
        let parameter = parameter(signature, index).ok_or_else(|| wrong_count(function, index, argument.span))?;
        coerced.push(accept(function, parameter, argument)?);
    }
    let common = unify_group(signature, &mut coerced)?;
    fit_element(signature, &mut coerced)?;
    fill(signature, &mut coerced);
    finish_constants(function, &mut coerced)?;
    let data_type = result_type(signature.result, &coerced, common);
    Ok(Call { function, arguments: coerced, data_type })
}

/// Checks one argument by itself and coerces it.
fn accept(function: Function, parameter: &Parameter, argument: Expr) -> Result<Expr, ExpressionError> {
    use DataType as T;
    let found = argument.data_type.clone();
    let target = match (parameter.accepts, &found) {
        (Accepts::Any | Accepts::Common | Accepts::Element | Accepts::LikeFirst, _) => {
            return without_interval(argument);
        }
        (Accepts::Ordered, found) if is_ordered(found) => return Ok(argument),
        (Accepts::Moment | Accepts::Moments, T::Date | T::Datetime(_)) => return Ok(argument),
        // A text literal may become a date beside one, which `unify` decides.
        (Accepts::Moments, T::String | T::Null) => return Ok(argument),
        (Accepts::Boolean, T::Boolean | T::Null) => T::Boolean,
        (Accepts::Integer, found) if found.is_integer() || *found == T::Null => T::Int64,
        (Accepts::Number, found) if found.is_integer() || *found == T::Null => T::Int64,
        (Accepts::Countable, found) if found.is_integer() || matches!(found, T::Boolean | T::Null) => T::Int64,
        (Accepts::Number | Accepts::Countable | Accepts::Float | Accepts::Measurable, found) if found.is_numeric() => {
            T::Float64
        }
        (Accepts::Measurable, T::Boolean) => T::Float64,
        (Accepts::Float | Accepts::Measurable, T::Null) => T::Float64,
        (Accepts::String | Accepts::Key, T::String | T::Null) => T::String,
        (Accepts::Key, T::Boolean | T::Date) => return Ok(argument),
        (Accepts::Key, found) if found.is_integer() => T::Int64,
        (Accepts::Moment, T::Null) => T::Datetime(None),
        (Accepts::Clock, T::Time | T::Datetime(_)) => return Ok(argument),
        (Accepts::Clock, T::Date | T::Null) => T::Datetime(None),
        (Accepts::MomentOrDuration, T::Date | T::Datetime(_) | T::Duration) => return Ok(argument),
        (Accepts::MomentOrDuration, T::Interval) => T::Duration,
        (Accepts::MomentOrDuration, T::Null) => T::Datetime(None),
        (Accepts::List, T::List(_)) => return Ok(argument),
        (Accepts::List, T::Array(element, _)) => T::List(element.clone()),
        (Accepts::List, T::Null) => T::List(Box::new(T::Null)),
        (Accepts::NumberList, T::List(element) | T::Array(element, _))
            if element.is_integer() || **element == T::Null =>
        {
            T::List(Box::new(T::Int64))
        }
        (Accepts::NumberList, T::List(element) | T::Array(element, _)) if element.is_numeric() => {
            T::List(Box::new(T::Float64))
        }
        (Accepts::NumberList, T::Null) => T::List(Box::new(T::Int64)),
        (Accepts::StringList, T::List(element) | T::Array(element, _)) if matches!(**element, T::String | T::Null) => {
            T::List(Box::new(T::String))
        }
        (Accepts::StringList, T::Null) => T::List(Box::new(T::String)),
        (accepts, _) if is_constant(accepts) => return constant_argument(function, parameter, argument),
        _ => return Err(wrong_type(function, parameter, &argument)),
    };
    if found == target {
        return Ok(argument);
    }
    if matches!((&found, &target), (T::Boolean, T::Int64 | T::Float64)) {
        return Ok(cast_node(argument, &target, true));
    }
    widen(argument, &target)
}

fn wrong_type(function: Function, parameter: &Parameter, argument: &Expr) -> ExpressionError {
    let error = ExpressionError::new(
        format!(
            "`{}` of `{}` must be {}, not {}",
            parameter.name,
            function.name(),
            parameter.accepts,
            argument.data_type
        ),
        argument.span,
    )
    .label(format!("this is {}", argument.data_type));
    match (parameter.accepts, &argument.data_type) {
        (
            Accepts::Float | Accepts::Number | Accepts::Integer | Accepts::Countable | Accepts::Measurable,
            DataType::String,
        ) => error.help("text is not turned into a number by itself: write cast(.. as double) or cast(.. as bigint)"),
        (Accepts::Moment | Accepts::Clock, DataType::String) => {
            error.help("write cast(.. as date), cast(.. as timestamp), or strptime(.., '%Y-%m-%d') for other layouts")
        }
        (Accepts::String, other) if !other.is_nested() => error.help("write cast(.. as varchar)"),
        _ => error,
    }
}

/// Gives the arguments that share a type their common one, and returns it.
fn unify_group(signature: &Signature, arguments: &mut [Expr]) -> Result<DataType, ExpressionError> {
    let shared = |index: usize| {
        parameter(signature, index).is_some_and(|parameter| match parameter.accepts {
            // An `ordered` argument beside another kind (`arg_min(value, by)`) shares nothing with it.
            Accepts::Common | Accepts::Ordered | Accepts::Moments => true,
            _ => false,
        })
    };
    let indices: Vec<usize> = (0..arguments.len()).filter(|index| shared(*index)).collect();
    let group: Vec<Expr> = indices.iter().filter_map(|index| arguments.get(*index).cloned()).collect();
    let (group, common) = unify(group)?;
    for (index, expr) in indices.into_iter().zip(group) {
        if let Some(argument) = arguments.get_mut(index) {
            *argument = expr;
        }
    }
    Ok(common)
}

/// Brings an element and the list before it to one type of element, and a default to the type of its value.
fn fit_element(signature: &Signature, arguments: &mut [Expr]) -> Result<(), ExpressionError> {
    let [first, rest @ ..] = arguments else { return Ok(()) };
    for (index, argument) in rest.iter_mut().enumerate() {
        match parameter(signature, index + 1).map(|parameter| parameter.accepts) {
            Some(Accepts::LikeFirst) => *argument = widen(argument.clone(), &first.data_type)?,
            Some(Accepts::Element) => {
                let DataType::List(element) = &first.data_type else { continue };
                let typical = Expr { span: first.span, ..Expr::fitted("element", element.as_ref().clone()) };
                let (mut pair, common) = unify(vec![typical, argument.clone()])?;
                if let Some(fitted) = pair.pop() {
                    *argument = fitted;
                }
                *first = widen(first.clone(), &DataType::List(Box::new(common)))?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Puts the stated defaults in the place of arguments that were left out.
fn fill(signature: &Signature, arguments: &mut Vec<Expr>) {
    for parameter in signature.parameters.iter().skip(arguments.len()) {
        match parameter.optional {
            Optional::No | Optional::Absent => return,
            Optional::Integer(value) => arguments.push(Expr::integer(value)),
            Optional::Text(value) => arguments.push(Expr::string(value)),
            Optional::Null => {
                let data_type = arguments.last().map_or(DataType::Null, |last| match parameter.accepts {
                    Accepts::LikeFirst => arguments.first().unwrap_or(last).data_type.clone(),
                    _ => last.data_type.clone(),
                });
                arguments.push(Expr::literal(Literal::Null, data_type));
            }
        }
    }
}

fn result_type(result: Yields, arguments: &[Expr], common: DataType) -> DataType {
    let argument = |index: usize| arguments.get(index).map_or(DataType::Null, |expr| expr.data_type.clone());
    match result {
        Yields::Boolean => DataType::Boolean,
        Yields::Int64 => DataType::Int64,
        Yields::Float64 => DataType::Float64,
        Yields::String => DataType::String,
        Yields::Date => DataType::Date,
        Yields::Datetime => DataType::Datetime(None),
        Yields::Utc => DataType::Datetime(Some("UTC".to_owned())),
        Yields::Argument(index) => argument(index),
        Yields::Common => common,
        Yields::ElementOf(index) => match argument(index) {
            DataType::List(element) => *element,
            _ => DataType::Null,
        },
        Yields::ListOf(index) => DataType::List(Box::new(argument(index))),
        Yields::ListOfCommon => DataType::List(Box::new(common)),
        Yields::StringList => DataType::List(Box::new(DataType::String)),
        Yields::IntegerList => DataType::List(Box::new(DataType::Int64)),
        Yields::MomentByPart => arguments.last().map_or(DataType::Datetime(None), |expr| expr.data_type.clone()),
        Yields::DatetimeByLayout => {
            let layout = arguments.get(1).and_then(literal_text).unwrap_or_default();
            let zoned = constant::specifiers(layout).is_ok_and(|specifiers| specifiers.contains(&'z'));
            DataType::Datetime(zoned.then(|| "UTC".to_owned()))
        }
        Yields::OtherZone => match argument(0) {
            DataType::Datetime(Some(_)) => DataType::Datetime(None),
            _ => DataType::Datetime(Some(arguments.get(1).and_then(literal_text).unwrap_or("UTC").to_owned())),
        },
    }
}
