//! Expectations of single values, row by row.

use super::options::{Against, Columns, InSet, Range, Step, To};
use super::scope::{Draft, Measure, Scope, fails, operand, quoted, refuse, shown, shown_list, sql_literal};
use crate::definition::Spanned;
use crate::diagnostic::{Findings, Place};
use crate::expression::Field;
use crate::stages::inputs;

/// One expectation for each column, with its words and SQL.
pub(super) fn each(
    names: &Columns,
    scope: &Scope<'_>,
    words: &str,
    sql: impl Fn(&str) -> String,
) -> Result<Vec<Draft>, Findings> {
    let fields = scope.columns(names)?;
    let mut drafts = Vec::new();
    for (field, name) in fields.iter().zip(names.iter()) {
        drafts.extend(scope.rows(
            format!("{} {words}", field.name),
            &[field],
            &sql(&quoted(&field.name)),
            &name.place,
        )?);
    }
    Ok(drafts)
}

/// The names of columns in words.
pub(super) fn listed(fields: &[Field]) -> String {
    fields.iter().map(|field| field.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// At least two columns.
pub(super) fn several(names: &Columns, scope: &Scope<'_>) -> Result<(Vec<Field>, Place), Findings> {
    let fields = scope.columns(names)?;
    let place = names.first().map_or_else(|| Spanned::nowhere(()).place, |name| name.place.clone());
    if fields.len() < 2 {
        return Err(refuse("it compares columns: name two at least", &place));
    }
    Ok((fields, place))
}

pub(super) fn not_null(names: &Columns, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    each(names, scope, "is not null", |column| format!("{column} is not null"))
}

pub(super) fn is_null(names: &Columns, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    each(names, scope, "is null", |column| format!("{column} is null"))
}

pub(super) fn any_not_null(names: &Columns, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    let (fields, place) = several(names, scope)?;
    let sql = joined(&fields, " or ", |column| format!("{column} is not null"));
    scope.rows(format!("one of {} is not null", listed(&fields)), &refs(&fields), &sql, &place)
}

pub(super) fn null_together(names: &Columns, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    let (fields, place) = several(names, scope)?;
    let all = joined(&fields, " and ", |column| format!("{column} is null"));
    let none = joined(&fields, " and ", |column| format!("{column} is not null"));
    scope.rows(
        format!("{} are null together", listed(&fields)),
        &refs(&fields),
        &format!("({all}) or ({none})"),
        &place,
    )
}

pub(super) fn refs(fields: &[Field]) -> Vec<&Field> {
    fields.iter().collect()
}

pub(super) fn joined(fields: &[Field], between: &str, sql: impl Fn(&str) -> String) -> String {
    fields.iter().map(|field| sql(&quoted(&field.name))).collect::<Vec<_>>().join(between)
}

pub(super) fn range(range: &Range, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    let field = scope.column(&range.column)?;
    let mut conditions = Vec::new();
    for (bound, operator) in [(&range.min, ">="), (&range.max, "<="), (&range.above, ">"), (&range.below, "<")] {
        if let Some(bound) = bound {
            let sql = format!("{} {operator} {}", quoted(&field.name), sql_literal(bound)?);
            // Compiled alone first, so that a wrong type is shown at its bound.
            scope.condition(&sql, &bound.place)?;
            conditions.push(sql);
        }
    }
    let mut words = Vec::new();
    match (&range.min, &range.max) {
        (Some(min), Some(max)) => words.push(format!("from {} to {}", shown(min), shown(max))),
        (Some(min), None) => words.push(format!("at least {}", shown(min))),
        (None, Some(max)) => words.push(format!("at most {}", shown(max))),
        (None, None) => {}
    }
    words.extend(range.above.iter().map(|bound| format!("above {}", shown(bound))));
    words.extend(range.below.iter().map(|bound| format!("below {}", shown(bound))));
    if conditions.is_empty() {
        return Err(refuse("`range` needs `min`, `max`, `above` or `below`", &range.column.place));
    }
    let name = format!("{} is {}", field.name, words.join(" and "));
    scope.rows(name, &[&field], &conditions.join(" and "), &range.column.place)
}

/// `column in (..)`.
pub(super) fn among(set: &InSet, column: &str) -> Result<String, Findings> {
    if set.values.is_empty() {
        return Err(refuse("`values` is empty", &set.column.place));
    }
    let values = set.values.iter().map(sql_literal).collect::<Result<Vec<_>, _>>()?;
    Ok(format!("{column} in ({})", values.join(", ")))
}

pub(super) fn is_in(set: &InSet, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    let field = scope.column(&set.column)?;
    let sql = among(set, &quoted(&field.name))?;
    scope.rows(format!("{} is one of {}", field.name, shown_list(&set.values)), &[&field], &sql, &set.column.place)
}

pub(super) fn not_in(set: &InSet, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    let field = scope.column(&set.column)?;
    let sql = format!("not ({})", among(set, &quoted(&field.name))?);
    scope.rows(format!("{} is none of {}", field.name, shown_list(&set.values)), &[&field], &sql, &set.column.place)
}

fn compare(
    column: &Spanned<String>,
    other: &crate::definition::Node,
    operator: &str,
    words: &str,
    scope: &Scope<'_>,
) -> Result<Vec<Draft>, Findings> {
    let field = scope.column(column)?;
    let (sql, other_words, second) = operand(other, scope)?;
    let name = format!("{} is {words} {other_words}", field.name);
    let mut fields = vec![&field];
    fields.extend(&second);
    scope.rows(name, &fields, &format!("{} {operator} {sql}", quoted(&field.name)), &other.place)
}

pub(super) fn greater(than: &Against, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    compare(&than.column, &than.than, ">", "greater than", scope)
}

pub(super) fn at_least(than: &Against, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    compare(&than.column, &than.than, ">=", "at least", scope)
}

pub(super) fn less(than: &Against, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    compare(&than.column, &than.than, "<", "less than", scope)
}

pub(super) fn at_most(than: &Against, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    compare(&than.column, &than.than, "<=", "at most", scope)
}

pub(super) fn equal(to: &To, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    compare(&to.column, &to.to, "=", "equal to", scope)
}

pub(super) fn not_equal(to: &To, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    compare(&to.column, &to.to, "<>", "different from", scope)
}

pub(super) fn finite(names: &Columns, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    for name in names.iter() {
        scope.number(name)?;
    }
    each(names, scope, "is finite", |column| format!("isfinite(cast({column} as double))"))
}

pub(super) fn multiple_of(step: &Step, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    let field = scope.number(&step.column)?;
    let of = step.of.value;
    if !of.is_finite() || of <= 0.0 {
        return Err(refuse("`of` must be larger than 0", &step.of.place));
    }
    // In floating point 0.3 is no exact multiple of 0.1, so a billionth of a step is allowed.
    let quotient = format!("cast({} as double) / {of:?}", quoted(&field.name));
    let sql = format!("abs({quotient} - round({quotient})) < 1e-9 * greatest(1.0, abs({quotient}))");
    scope.rows(format!("{} is a multiple of {of}", field.name), &[&field], &sql, &step.column.place)
}

pub(super) fn expression(text: &Spanned<String>, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    let holds = inputs::predicate(text, scope.schema)?;
    if holds.has_window() {
        let finding =
            crate::diagnostic::Diagnostic::definition("a check looks at one row; a window function looks at others");
        return Err(vec![finding.at(&text.place).help("derive a column from it above, and check that column")]);
    }
    let columns = holds.columns().into_iter().map(str::to_owned).collect();
    Ok(vec![Draft { name: text.value.clone(), columns, measure: Measure::Rows(fails(holds)) }])
}
