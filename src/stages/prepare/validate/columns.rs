//! Expectations that compare columns of one row.

use super::options::{Columns, Total};
use super::rows::{joined, listed, refs, several};
use super::scope::{Draft, Scope, operand, quoted, refuse};
use crate::diagnostic::Findings;

pub(super) fn columns_equal(names: &Columns, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    let (fields, place) = several(names, scope)?;
    let first = fields.first().map(|field| quoted(&field.name)).unwrap_or_default();
    let rest = fields.get(1..).unwrap_or_default();
    let sql = joined(rest, " and ", |column| format!("{first} is not distinct from {column}"));
    scope.rows(format!("{} are equal", listed(&fields)), &refs(&fields), &sql, &place)
}

/// Nulls differ from everything.
pub(super) fn columns_differ(names: &Columns, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    let (fields, place) = several(names, scope)?;
    let mut pairs = Vec::new();
    for (at, one) in fields.iter().enumerate() {
        for other in fields.iter().skip(at + 1) {
            pairs.push(format!("coalesce({} <> {}, true)", quoted(&one.name), quoted(&other.name)));
        }
    }
    scope.rows(format!("{} differ from each other", listed(&fields)), &refs(&fields), &pairs.join(" and "), &place)
}

pub(super) fn sum_of(total: &Total, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    let (fields, place) = several(&total.columns, scope)?;
    for name in total.columns.iter() {
        scope.number(name)?;
    }
    if !(total.tolerance.is_finite() && total.tolerance >= 0.0) {
        return Err(refuse("`tolerance` must be 0 or larger", &place));
    }
    let (sql, words, other) = operand(&total.equals, scope)?;
    let sum = joined(&fields, " + ", |column| format!("cast({column} as double)"));
    let condition = format!("abs({sum} - cast({sql} as double)) <= {:?}", total.tolerance);
    let mut involved = refs(&fields);
    involved.extend(&other);
    scope.rows(
        format!("{} add up to {words}", listed(&fields).replace(", ", " + ")),
        &involved,
        &condition,
        &total.equals.place,
    )
}
