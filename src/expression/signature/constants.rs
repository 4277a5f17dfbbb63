//! Arguments that must be literals, because engines need them before they see a row.

use super::wrong_type;
use crate::diagnostic::nearest;
use crate::expression::coercion::widen;
use crate::expression::functions::Accepts;
use crate::expression::{DataType, Expr, ExprKind, ExpressionError, Function, Literal, Parameter, Span, constant};

/// Whether only a literal will do.
pub(super) fn is_constant(accepts: Accepts) -> bool {
    matches!(
        accepts,
        Accepts::Pattern
            | Accepts::PatternOptions
            | Accepts::DatePart
            | Accepts::Layout
            | Accepts::Zone
            | Accepts::NormalForm
            | Accepts::Fraction
            | Accepts::Count
            | Accepts::PositiveCount
            | Accepts::ConstantString
    )
}

/// Checks a literal by itself and brings it into its canonical form.
pub(super) fn constant_argument(
    function: Function,
    parameter: &Parameter,
    argument: Expr,
) -> Result<Expr, ExpressionError> {
    let span = argument.span;
    let ExprKind::Literal(literal) = &argument.kind else {
        return Err(ExpressionError::new(
            format!("`{}` of `{}` must be a literal", parameter.name, function.name()),
            span,
        )
        .label("this is computed"));
    };
    let invalid = |message: String| ExpressionError::new(message, span);
    let text = |value: String| Ok(Expr { span, ..Expr::string(value) });
    match (parameter.accepts, literal) {
        (Accepts::Pattern, Literal::String(pattern)) => {
            constant::pattern_groups(pattern).map_err(invalid)?;
            Ok(argument)
        }
        (Accepts::PatternOptions, Literal::String(options)) => {
            text(constant::pattern_options(options).map_err(invalid)?)
        }
        (Accepts::DatePart, Literal::String(name)) => match constant::date_part(name) {
            Some(part) => text(part.to_owned()),
            None => Err(unknown_part(name, span)),
        },
        (Accepts::Layout, Literal::String(layout)) => {
            constant::specifiers(layout).map_err(|message| invalid(message).help(constant::known_specifiers()))?;
            Ok(argument)
        }
        (Accepts::Zone, Literal::String(name)) => match constant::zone(name) {
            Ok(zone) => text(zone),
            Err(message) => {
                let zones = constant::zones();
                let error = invalid(message);
                Err(match nearest(name, zones.iter().map(String::as_str)) {
                    Some(near) => error.label(format!("did you mean `{near}`?")),
                    None => error.help("zones have IANA names such as `Europe/Berlin` or `UTC`"),
                })
            }
        },
        (Accepts::NormalForm, Literal::String(form)) => {
            let upper = form.to_ascii_uppercase();
            if ["NFC", "NFD", "NFKC", "NFKD"].contains(&upper.as_str()) {
                text(upper)
            } else {
                Err(invalid(format!("unknown normal form `{form}`")).help("they are NFC, NFD, NFKC and NFKD"))
            }
        }
        (Accepts::Fraction, Literal::Float(value)) if (0.0..=1.0).contains(value) => Ok(argument),
        #[expect(clippy::cast_precision_loss, reason = "0 and 1 are exact")]
        (Accepts::Fraction, Literal::Integer(value @ (0 | 1))) => Ok(Expr { span, ..Expr::float(*value as f64) }),
        (Accepts::Fraction, Literal::Float(_) | Literal::Integer(_)) => {
            Err(invalid(format!("`{}` of `{}` lies between 0 and 1", parameter.name, function.name())))
        }
        (Accepts::Count, Literal::Integer(0..)) | (Accepts::PositiveCount, Literal::Integer(1..)) => Ok(argument),
        (Accepts::Count | Accepts::PositiveCount, Literal::Integer(_)) => {
            let least = i32::from(parameter.accepts == Accepts::PositiveCount);
            Err(invalid(format!("`{}` of `{}` is at least {least}", parameter.name, function.name())))
        }
        (Accepts::ConstantString, Literal::String(_)) => Ok(argument),
        _ => Err(wrong_type(function, parameter, &argument)),
    }
}

/// The error for a date part that does not exist.
pub(in crate::expression) fn unknown_part(name: &str, span: Span) -> ExpressionError {
    let error = ExpressionError::new(format!("unknown date part `{name}`"), span);
    match nearest(name, constant::DATE_PARTS) {
        Some(near) => error.label(format!("did you mean `{near}`?")),
        None => error.help(format!("the parts are {}", constant::DATE_PARTS.join(", "))),
    }
}

/// Checks that concern several arguments: groups of patterns, parts of dates, layouts.
pub(super) fn finish_constants(function: Function, arguments: &mut Vec<Expr>) -> Result<(), ExpressionError> {
    match function {
        Function::RegexpMatches
        | Function::RegexpFullMatch
        | Function::RegexpExtract
        | Function::RegexpExtractAll
        | Function::RegexpReplace
        | Function::RegexpCount => finish_pattern(function, arguments),
        Function::DateTrunc | Function::DateAdd | Function::DateDiff => finish_part(function, arguments),
        Function::Strftime | Function::Strptime | Function::TryStrptime => finish_layout(function, arguments),
        _ => Ok(()),
    }
}

/// Moves the options into the pattern, so that the typed tree has none, and checks the group that is asked for.
fn finish_pattern(function: Function, arguments: &mut Vec<Expr>) -> Result<(), ExpressionError> {
    let without_options = match function {
        Function::RegexpMatches | Function::RegexpFullMatch | Function::RegexpCount => 2,
        _ => 3,
    };
    let options = if arguments.len() > without_options { arguments.pop() } else { None };
    let prefix = options.as_ref().and_then(literal_text).unwrap_or_default().to_owned();
    let Some(pattern) = arguments.get_mut(1) else { return Ok(()) };
    let spelled = format!("{prefix}{}", literal_text(pattern).unwrap_or_default());
    let groups = constant::pattern_groups(&spelled).map_err(|message| ExpressionError::new(message, pattern.span))?;
    *pattern = Expr { span: pattern.span, ..Expr::string(spelled) };
    let Some(third) = arguments.get(2) else { return Ok(()) };
    match &third.kind {
        ExprKind::Literal(Literal::Integer(group)) if usize::try_from(*group).is_ok_and(|group| group > groups) => {
            Err(ExpressionError::new(format!("the pattern has no group {group}"), third.span)
                .label(format!("it has {groups}")))
        }
        ExprKind::Literal(Literal::String(replacement)) => constant::replacement_groups(replacement, groups)
            .map_err(|message| ExpressionError::new(message, third.span)),
        _ => Ok(()),
    }
}

/// A date beside a part of the day is its midnight.
fn finish_part(function: Function, arguments: &mut [Expr]) -> Result<(), ExpressionError> {
    let part = arguments.first().and_then(literal_text).unwrap_or_default().to_owned();
    let moments = if function == Function::DateAdd { 2 } else { 1 };
    for argument in arguments.iter_mut().skip(moments) {
        match argument.data_type {
            DataType::Date if !constant::is_part_of_a_date(&part) => {
                *argument = widen(argument.clone(), &DataType::Datetime(None))?;
            }
            DataType::Date | DataType::Datetime(_) => {}
            DataType::Null => *argument = widen(argument.clone(), &DataType::Datetime(None))?,
            _ => {
                return Err(ExpressionError::new(
                    format!("`{}` needs dates or datetimes, not {}", function.name(), argument.data_type),
                    argument.span,
                )
                .help("write date '2013-01-31' or cast(.. as date)"));
            }
        }
    }
    Ok(())
}

/// Checks that a layout and the value that it reads or writes belong together.
fn finish_layout(function: Function, arguments: &mut [Expr]) -> Result<(), ExpressionError> {
    let [value, layout] = arguments else { return Ok(()) };
    let specifiers = constant::specifiers(literal_text(layout).unwrap_or_default()).unwrap_or_default();
    let has = |wanted: &[char]| specifiers.iter().any(|specifier| wanted.contains(specifier));
    if function == Function::Strftime {
        if has(&['z']) && !matches!(value.data_type, DataType::Datetime(Some(_))) {
            return Err(ExpressionError::new("`%z` needs a datetime with a zone", layout.span)
                .label(format!("the value is {}", value.data_type))
                .help("write `at time zone 'UTC'` (or the right zone) behind the value"));
        }
        if value.data_type == DataType::Date && has(&['H', 'I', 'M', 'S', 'f', 'p']) {
            *value = widen(value.clone(), &DataType::Datetime(None))?;
        }
        return Ok(());
    }
    let day = has(&['j']) || (has(&['m', 'b', 'B']) && has(&['d']));
    if !has(&['Y', 'y']) || !day {
        return Err(ExpressionError::new("the layout does not give a whole date", layout.span)
            .help("it needs a year, a month and a day, such as %Y-%m-%d"));
    }
    if has(&['I']) != has(&['p']) {
        return Err(ExpressionError::new("`%I` and `%p` only make an hour together", layout.span));
    }
    Ok(())
}

/// The text of a literal.
pub(super) fn literal_text(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Literal(Literal::String(text)) => Some(text),
        _ => None,
    }
}
