//! What every stage asks of its inputs: that they are tables, that columns exist, that expressions make sense.

use super::{Shape, TableShape};
use crate::definition::{Node, OneOrMany, Spanned, Value};
use crate::diagnostic::{Diagnostic, Findings, nearest};
use crate::expression::{self, DataType, Expr, ExpressionError, Field, Literal, Schema, SortKey, compose};
use crate::relation::NamedExpr;

/// The input at `position` as a table.
///
/// Errors: it is something else.
pub fn table<'a>(inputs: &'a [Shape], position: usize, ids: &[String]) -> Result<&'a TableShape, Findings> {
    let id = ids.get(position).map_or("the input", String::as_str);
    match inputs.get(position) {
        Some(Shape::Table(table)) => Ok(table),
        Some(other) => {
            let help = "name another stage with `from`";
            Err(vec![Diagnostic::definition(format!("needs a table, but `{id}` gives {}", other.noun())).help(help)])
        }
        None => Err(vec![Diagnostic::definition("needs a table, but there is no stage above it")]),
    }
}

/// The column of that name.
///
/// Errors: there is none; with the nearest name, or the names when they are few.
pub fn column<'a>(schema: &'a Schema, name: &Spanned<String>, id: &str) -> Result<&'a Field, Diagnostic> {
    schema.field(&name.value).ok_or_else(|| unknown_column(schema, name, id))
}

/// The columns of these names.
///
/// Errors: every name that is unknown or stands twice.
pub fn columns(schema: &Schema, names: &[Spanned<String>], id: &str) -> Result<Vec<Field>, Findings> {
    let mut findings = Findings::new();
    let mut found: Vec<Field> = Vec::with_capacity(names.len());
    for name in names {
        match column(schema, name, id) {
            Ok(field) if found.contains(field) => {
                findings
                    .push(Diagnostic::definition(format!("column `{}` is named twice", name.value)).at(&name.place));
            }
            Ok(field) => found.push(field.clone()),
            Err(finding) => findings.push(finding),
        }
    }
    if findings.is_empty() { Ok(found) } else { Err(findings) }
}

fn unknown_column(schema: &Schema, name: &Spanned<String>, id: &str) -> Diagnostic {
    let finding = Diagnostic::definition(format!("unknown column `{}`", name.value)).at(&name.place);
    match nearest(&name.value, schema.names()) {
        Some(near) => finding.label(format!("not in stage `{id}`; did you mean `{near}`?")),
        None if schema.len() <= 30 => {
            let names: Vec<&str> = schema.names().collect();
            finding.label(format!("not in stage `{id}`")).help(format!("its columns are {}", names.join(", ")))
        }
        None => finding.label(format!("not in stage `{id}`, which has {} columns", schema.len())),
    }
}

/// Numeric columns of these names.
///
/// Errors: as [`columns`], and every column that holds no numbers.
pub fn numeric_columns(schema: &Schema, names: &[Spanned<String>], id: &str) -> Result<Vec<Field>, Findings> {
    let fields = columns(schema, names, id)?;
    let wrong: Findings = fields
        .iter()
        .zip(names)
        .filter(|(field, _)| !field.data_type.is_numeric())
        .map(|(field, name)| {
            Diagnostic::definition(format!("column `{}` holds {}, not numbers", field.name, field.data_type))
                .at(&name.place)
                .help("cast it first: `derive: {x: \"try_cast(x as double)\"}`")
        })
        .collect();
    if wrong.is_empty() { Ok(fields) } else { Err(wrong) }
}

/// Numeric columns of these names; all that hold numbers when there are no names.
///
/// Errors: as [`numeric_columns`].
pub fn numeric_or_all(
    schema: &Schema,
    names: Option<&OneOrMany<Spanned<String>>>,
    id: &str,
) -> Result<Vec<Field>, Findings> {
    match names {
        Some(names) => numeric_columns(schema, names, id),
        None => Ok(schema.fields().iter().filter(|field| field.data_type.is_numeric()).cloned().collect()),
    }
}

/// Compiles an expression over one row.
///
/// Errors: everything that is wrong with it, each at its place inside the text.
pub fn expression(text: &Spanned<String>, schema: &Schema) -> Result<Expr, Findings> {
    expression::compile_scalar(&text.value, schema).map_err(|errors| located(text, errors))
}

/// Compiles a condition over one row.
///
/// Errors: as [`expression`], and when it is not a boolean.
pub fn predicate(text: &Spanned<String>, schema: &Schema) -> Result<Expr, Findings> {
    expression::compile_predicate(&text.value, schema).map_err(|errors| located(text, errors))
}

/// Compiles an expression over aggregates.
///
/// Errors: as [`expression`], and when a column stands outside an aggregate.
pub fn aggregate(text: &Spanned<String>, schema: &Schema) -> Result<Expr, Findings> {
    expression::compile_aggregate(&text.value, schema).map_err(|errors| located(text, errors))
}

fn located(text: &Spanned<String>, errors: Vec<ExpressionError>) -> Findings {
    errors
        .into_iter()
        .map(|error| Diagnostic {
            label: error.label,
            help: error.help,
            ..Diagnostic::definition(error.message).at(&text.within(error.span))
        })
        .collect()
}

/// `column`, `column desc`, `column asc nulls first`: one key of an order. The column may be quoted: `"odd name" desc`.
///
/// Errors: an unknown column or word, at its place.
pub fn sort_key(text: &Spanned<String>, schema: &Schema, id: &str) -> Result<SortKey, Diagnostic> {
    let (name, words) = if schema.contains(&text.value) { (text.value.as_str(), "") } else { split_name(&text.value) };
    let mut key = SortKey { expr: Expr::boolean(true), descending: false, nulls_first: false };
    let mut words = words.split_whitespace().map(str::to_lowercase);
    let mut word = words.next();
    if let Some(direction @ ("asc" | "desc")) = word.as_deref() {
        key.descending = direction == "desc";
        word = words.next();
    }
    if word.as_deref() == Some("nulls") {
        key.nulls_first = match words.next().as_deref() {
            Some("first") => true,
            Some("last") => false,
            _ => return Err(unknown_order(text)),
        };
        word = words.next();
    }
    if word.is_some() {
        return Err(unknown_order(text));
    }
    let name = Spanned::new(name.to_owned(), text.place.clone());
    let field = column(schema, &name, id)?;
    if field.data_type.is_nested() {
        let message = format!("column `{}` holds {}, which has no order", field.name, field.data_type);
        return Err(Diagnostic::definition(message).at(&text.place));
    }
    key.expr = Expr::column(&field.name, field.data_type.clone());
    Ok(key)
}

fn split_name(text: &str) -> (&str, &str) {
    let text = text.trim();
    match text.strip_prefix('"').and_then(|rest| rest.split_once('"')) {
        Some((name, words)) => (name, words),
        None => text.split_once(char::is_whitespace).unwrap_or((text, "")),
    }
}

fn unknown_order(text: &Spanned<String>) -> Diagnostic {
    Diagnostic::definition(format!("`{}` is no order", text.value))
        .at(&text.place)
        .help("write `column`, `column desc` or `column desc nulls first`")
}

/// All columns of a schema as they are, to be changed or extended.
pub fn all_columns(schema: &Schema) -> Vec<NamedExpr> {
    schema
        .fields()
        .iter()
        .map(|field| NamedExpr { name: field.name.clone(), expr: Expr::column(&field.name, field.data_type.clone()) })
        .collect()
}

/// Replaces the column of that name, or adds it at the end.
pub fn set_column(columns: &mut Vec<NamedExpr>, name: &str, expr: Expr) {
    match columns.iter_mut().find(|column| column.name == name) {
        Some(column) => column.expr = expr,
        None => columns.push(NamedExpr { name: name.to_owned(), expr }),
    }
}

/// Refuses a name for a new column that is taken already.
pub fn new_name(schema: &Schema, name: &str, place: &crate::diagnostic::Place) -> Result<(), Diagnostic> {
    if schema.contains(name) {
        return Err(Diagnostic::definition(format!("column `{name}` exists already"))
            .at(place)
            .help("choose another name, or drop the column first"));
    }
    Ok(())
}

/// A value of the pipeline file as a constant of the column's type; dates and times are written as text.
pub fn constant(node: &Node, data_type: &DataType) -> Option<Literal> {
    match (&node.value, data_type) {
        (Value::Boolean(value), DataType::Boolean) => Some(Literal::Boolean(*value)),
        (Value::Integer(value), kind) if kind.is_integer() => Some(Literal::Integer(*value)),
        #[expect(clippy::cast_precision_loss, reason = "the column holds floats")]
        (Value::Integer(value), kind) if kind.is_float() => Some(Literal::Float(*value as f64)),
        (Value::Float(value), kind) if kind.is_float() => Some(Literal::Float(*value)),
        (Value::Text(text), DataType::String) => Some(Literal::String(text.value().to_owned())),
        (Value::Text(text), kind) if kind.is_temporal() => compose::typed_literal(text.value(), kind),
        _ => None,
    }
}

/// The order of categories by their names: numbers by their size before texts by their letters.
pub fn by_name(a: &str, b: &str) -> std::cmp::Ordering {
    let number = |text: &str| text.parse::<f64>().ok();
    match (number(a), number(b)) {
        (Some(x), Some(y)) => x.total_cmp(&y).then_with(|| a.cmp(b)),
        (x, y) => y.is_some().cmp(&x.is_some()).then_with(|| a.cmp(b)),
    }
}

/// Whether values of the type can be compared for equality, as keys must.
pub fn is_key(data_type: &DataType) -> bool {
    !data_type.is_nested() && *data_type != DataType::Interval
}

/// The column as text for people; none for types that have no short text. Instants are shown in UTC.
pub fn shown(field: &Field) -> Option<Expr> {
    let value = Expr::column(&field.name, field.data_type.clone());
    match &field.data_type {
        DataType::List(_)
        | DataType::Array(..)
        | DataType::Struct(_)
        | DataType::Binary
        | DataType::Interval
        | DataType::Null => None,
        DataType::Datetime(Some(_)) => {
            let arguments = vec![value, Expr::string("UTC")];
            let clock = Expr::call(expression::Function::AtTimeZone, arguments, DataType::Datetime(None));
            Some(clock.cast(DataType::String, false))
        }
        DataType::Duration => expression::compose::cast(value, DataType::String, false).ok(),
        _ => Some(value.cast(DataType::String, false)),
    }
}
