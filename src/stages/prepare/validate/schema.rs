//! Expectations of the columns, which are known before a row is read.

use super::options::{ColumnTypes, Columns, Counted, Listed};
use super::scope::{Draft, Measure, Scope, refuse};
use super::text::is_type_name;
use crate::diagnostic::{Diagnostic, Findings};
use crate::expression::{self, DataType, Schema};

fn known(name: String, columns: Vec<String>, holds: bool, found: String) -> Vec<Draft> {
    vec![Draft { name, columns, measure: Measure::Known { holds, found } }]
}

fn names(columns: &Columns) -> Vec<&str> {
    columns.iter().map(|name| name.value.as_str()).collect()
}

pub(super) fn has_columns(columns: &Columns, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    let missing: Vec<&str> = names(columns).into_iter().filter(|name| !scope.schema.contains(name)).collect();
    let name = format!("there are columns {}", names(columns).join(", "));
    let found = if missing.is_empty() { String::new() } else { format!("missing: {}", missing.join(", ")) };
    Ok(known(name, Vec::new(), missing.is_empty(), found))
}

pub(super) fn no_columns(columns: &Columns, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    let there: Vec<&str> = names(columns).into_iter().filter(|name| scope.schema.contains(name)).collect();
    let name = format!("there are no columns {}", names(columns).join(", "));
    let found = if there.is_empty() { String::new() } else { format!("found: {}", there.join(", ")) };
    Ok(known(name, Vec::new(), there.is_empty(), found))
}

pub(super) fn only_columns(listed: &Listed, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    let wanted = names(&listed.columns);
    let there: Vec<&str> = scope.schema.names().collect();
    let missing: Vec<&str> = wanted.iter().copied().filter(|name| !there.contains(name)).collect();
    let more: Vec<&str> = there.iter().copied().filter(|name| !wanted.contains(name)).collect();
    let mut found = Vec::new();
    found.extend((!missing.is_empty()).then(|| format!("missing: {}", missing.join(", "))));
    found.extend((!more.is_empty()).then(|| format!("not expected: {}", more.join(", "))));
    if found.is_empty() && listed.ordered && wanted != there {
        found.push(format!("in the order {}", there.join(", ")));
    }
    let order = if listed.ordered { ", in this order" } else { "" };
    let name = format!("the columns are {}{order}", wanted.join(", "));
    Ok(known(name, Vec::new(), found.is_empty(), found.join("; ")))
}

/// A type by its name in the language of expressions.
fn named_type(name: &str) -> Option<DataType> {
    expression::compile(&format!("cast(null as {name})"), &Schema::default()).ok().map(|expr| expr.data_type)
}

pub(super) fn column_types(types: &ColumnTypes, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    let mut wrong = Vec::new();
    let mut words = Vec::new();
    for (column, written) in types.iter() {
        is_type_name(written)?;
        let Some(wanted) = named_type(&written.value) else {
            return Err(refuse(format!("there is no type `{}`", written.value), &written.place));
        };
        words.push(format!("{} {}", column.value, written.value));
        match scope.schema.data_type(&column.value) {
            Some(found) if *found == wanted => {}
            Some(found) => wrong.push(format!("{} holds {found}", column.value)),
            None => wrong.push(format!("{} is missing", column.value)),
        }
    }
    if words.is_empty() {
        return Err(vec![Diagnostic::definition("`column_types` names no column")]);
    }
    let columns = types.iter().map(|(column, _)| column.value.clone()).filter(|name| scope.schema.contains(name));
    Ok(known(format!("the types are {}", words.join(", ")), columns.collect(), wrong.is_empty(), wrong.join("; ")))
}

pub(super) fn column_count(counted: &Counted, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    let there = scope.schema.len();
    let words = match (counted.min, counted.max, counted.exactly) {
        (None, None, Some(exactly)) => format!("{exactly}"),
        (Some(min), Some(max), None) => format!("{min} to {max}"),
        (Some(min), None, None) => format!("at least {min}"),
        (None, Some(max), None) => format!("at most {max}"),
        _ => return Err(vec![Diagnostic::definition("`column_count` needs `min`, `max` or both, or `exactly`")]),
    };
    let holds = counted.min.is_none_or(|min| there >= min)
        && counted.max.is_none_or(|max| there <= max)
        && counted.exactly.is_none_or(|exactly| there == exactly);
    Ok(known(format!("there are {words} columns"), Vec::new(), holds, format!("{there}")))
}
