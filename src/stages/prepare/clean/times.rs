//! Days and times by layouts, as expressions.

use crate::definition::Spanned;
use crate::diagnostic::{Diagnostic, Findings};
use crate::expression::{self, BinaryOperator, DataType, Expr, ExprKind, Field, Function, Schema, compose};

/// The earliest year that `%Y` reads: it has four digits.
const FIRST_YEAR: i64 = 1000;
/// Stands for the text in SQL; no column is called so, and it is replaced at once.
const TEXT: &str = "\u{1}text";

/// The first layout that fits.
///
/// Errors: no layout, or one that makes no sense, at its place.
pub(super) fn parse_times(
    text: &Expr,
    layouts: &[Spanned<String>],
    name: &Spanned<String>,
    data_type: &DataType,
) -> Result<Expr, Findings> {
    let mut findings = Findings::new();
    let mut choices = Vec::new();
    for layout in layouts {
        match by_layout(text, &layout.value) {
            Ok(parsed) => match on_the_clock_of_utc(parsed) {
                Ok(parsed) => choices.push(parsed.cast(data_type.clone(), false)),
                Err(message) => findings.push(Diagnostic::definition(message).at(&layout.place)),
            },
            Err(message) => findings.push(Diagnostic::definition(message).at(&layout.place)),
        }
    }
    if !findings.is_empty() {
        return Err(findings);
    }
    match choices.len() {
        0 => Err(vec![Diagnostic::definition("name at least one layout, such as `%Y-%m-%d`").at(&name.place)]),
        1 => Ok(choices.remove(0)),
        _ => Ok(Expr::call(Function::Coalesce, choices, data_type.clone())),
    }
}

/// A moment with an offset as the clock shows it in UTC, so that a column has one type whatever its layouts.
fn on_the_clock_of_utc(parsed: Expr) -> Result<Expr, String> {
    match parsed.data_type {
        DataType::Datetime(Some(_)) => {
            compose::function(Function::AtTimeZone, vec![parsed, Expr::string("UTC")]).map_err(|error| error.message)
        }
        _ => Ok(parsed),
    }
}

fn by_layout(text: &Expr, layout: &str) -> Result<Expr, String> {
    match layout {
        "%G-W%V-%u" => return week(text, "^([0-9]{4})-W([0-9]{2})-([1-7])$"),
        "%GW%V%u" => return week(text, "^([0-9]{4})W([0-9]{2})([1-7])$"),
        _ => {}
    }
    let parsed = compose::function(Function::TryStrptime, vec![text.clone(), Expr::string(layout)])
        .map_err(|error| error.message)?;
    if !layout.contains("%Y") {
        return Ok(parsed);
    }
    // The language reads `%Y` from fewer digits, as DuckDB does; in a column of days that would be a mistake nobody sees.
    let year = compose::function(Function::Year, vec![parsed.clone()]).map_err(|error| error.message)?;
    let late = Expr::binary(BinaryOperator::GreaterOrEqual, year, Expr::integer(FIRST_YEAR), DataType::Boolean);
    let data_type = parsed.data_type.clone();
    Ok(Expr::new(ExprKind::Case { branches: vec![(late, parsed)], otherwise: None }, data_type))
}

/// A day of a week of ISO 8601: the Monday of the week with the fourth of January, and so many days. A week that the year does not
/// have is null.
fn week(text: &Expr, pattern: &str) -> Result<Expr, String> {
    let part = |group: u8| format!("try_cast(regexp_extract(\"{TEXT}\", '{pattern}', {group}) as bigint)");
    let (year, week, day) = (part(1), part(2), part(3));
    let found = format!(
        "date_add('day', ({week} - 1) * 7 + {day} - 1, cast(date_trunc('week', make_date({year}, 1, 4)) as date))"
    );
    let sql = format!("case when isoyear({found}) = {year} and {week} between 1 and 53 then {found} end");
    let schema = Schema::new(vec![Field::new(TEXT, DataType::String)]).unwrap_or_default();
    let mut expr = expression::compile_scalar(&sql, &schema)
        .map_err(|errors| errors.first().map_or_else(String::new, |error| error.message.clone()))?;
    expr.visit_mut(&mut |node| {
        if matches!(&node.kind, ExprKind::Column(name) if name == TEXT) {
            *node = text.clone();
        }
    });
    Ok(expr)
}
