//! Expectations of the table as a whole, by aggregates.

use super::options::{Bounded, BoundedQuantile, Correlated, InSet, RowCount, ShareOf};
use super::rows::{among, several};
use super::scope::{Draft, Measure, Scope, quoted, refuse, share as parse_share, shown, shown_list, sql_literal};
use crate::definition::{Node, Spanned};
use crate::diagnostic::{Findings, Place};
use crate::expression::{DataType, Field};
use crate::stages::inputs;

/// `value >= min and value <= max` with its words.
fn bounds(
    value: &str,
    min: Option<&Node>,
    max: Option<&Node>,
    literal: impl Fn(&Node) -> Result<String, Findings>,
    place: &Place,
) -> Result<(String, String), Findings> {
    let mut conditions = Vec::new();
    for (bound, operator) in [(min, ">="), (max, "<=")] {
        if let Some(bound) = bound {
            conditions.push(format!("{value} {operator} {}", literal(bound)?));
        }
    }
    let words = match (min, max) {
        (Some(min), Some(max)) if min == max => shown(min),
        (Some(min), Some(max)) => format!("{} to {}", shown(min), shown(max)),
        (Some(min), None) => format!("at least {}", shown(min)),
        (None, Some(max)) => format!("at most {}", shown(max)),
        (None, None) => return Err(refuse("it needs `min` or `max`", place)),
    };
    Ok((conditions.join(" and "), words))
}

fn draft(
    scope: &Scope<'_>,
    name: String,
    columns: Vec<String>,
    observed: Vec<(&str, &str)>,
    holds: &str,
    place: &Place,
) -> Result<Vec<Draft>, Findings> {
    let observed = observed
        .into_iter()
        .map(|(label, sql)| Ok((label.to_owned(), scope.value(sql, place)?)))
        .collect::<Result<Vec<_>, Findings>>()?;
    let holds = scope.value(holds, place)?;
    Ok(vec![Draft { name, columns, measure: Measure::Values { observed, holds, missing: false } }])
}

/// A number that is told of a column and lies between bounds.
fn bounded(
    scope: &Scope<'_>,
    options: &Bounded,
    what: &str,
    sql: &str,
    literal: fn(&Node) -> Result<String, Findings>,
) -> Result<Vec<Draft>, Findings> {
    let place = &options.column.place;
    let field = scope.column(&options.column)?;
    let (holds, words) = bounds(sql, options.min.as_ref(), options.max.as_ref(), literal, place)?;
    let name = format!("{what} of {} is {words}", field.name);
    draft(scope, name, vec![field.name], vec![("", sql)], &holds, place)
}

fn of_numbers(scope: &Scope<'_>, options: &Bounded, what: &str, function: &str) -> Result<Vec<Draft>, Findings> {
    let field = scope.number(&options.column)?;
    bounded(scope, options, what, &format!("{function}({})", quoted(&field.name)), sql_literal)
}

fn fraction(node: &Node) -> Result<String, Findings> {
    parse_share(node).map(|share| format!("{share:?}"))
}

pub(super) fn rows(options: &RowCount, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    let mut conditions = Vec::new();
    conditions.extend(options.min.map(|min| format!("count(*) >= {min}")));
    conditions.extend(options.max.map(|max| format!("count(*) <= {max}")));
    conditions.extend(options.exactly.map(|exactly| format!("count(*) = {exactly}")));
    let name = match (options.min, options.max, options.exactly) {
        (None, None, Some(exactly)) => format!("there are {exactly} rows"),
        (Some(min), Some(max), None) => format!("there are {min} to {max} rows"),
        (Some(min), None, None) => format!("there are at least {min} rows"),
        (None, Some(max), None) => format!("there are at most {max} rows"),
        _ => {
            return Err(vec![crate::diagnostic::Diagnostic::definition(
                "`rows` needs `min`, `max` or both, or `exactly`",
            )]);
        }
    };
    draft(scope, name, Vec::new(), vec![("", "count(*)")], &conditions.join(" and "), &Spanned::nowhere(()).place)
}

pub(super) fn null_share(options: &Bounded, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    let field = scope.column(&options.column)?;
    let sql = format!("count_if({} is null) / count(*)", quoted(&field.name));
    bounded(scope, options, "the share of nulls", &sql, fraction)
}

pub(super) fn distinct_count(options: &Bounded, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    let field = key(options, scope)?;
    bounded(
        scope,
        options,
        "the number of different values",
        &format!("count(distinct {})", quoted(&field.name)),
        sql_literal,
    )
}

pub(super) fn distinct_share(options: &Bounded, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    let field = key(options, scope)?;
    let column = quoted(&field.name);
    let sql = format!("count(distinct {column}) / count({column})");
    bounded(scope, options, "the share of different values", &sql, fraction)
}

fn key(options: &Bounded, scope: &Scope<'_>) -> Result<Field, Findings> {
    let field = scope.column(&options.column)?;
    if !inputs::is_key(&field.data_type) {
        let message = format!("column `{}` holds {}, whose values cannot be told apart", field.name, field.data_type);
        return Err(refuse(message, &options.column.place));
    }
    Ok(field)
}

/// The smallest or largest value: of numbers, dates or texts.
fn extreme(options: &Bounded, scope: &Scope<'_>, what: &str, function: &str) -> Result<Vec<Draft>, Findings> {
    let field = scope.column(&options.column)?;
    bounded(scope, options, what, &format!("{function}({})", quoted(&field.name)), sql_literal)
}

pub(super) fn min(options: &Bounded, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    extreme(options, scope, "the smallest value", "min")
}

pub(super) fn max(options: &Bounded, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    extreme(options, scope, "the largest value", "max")
}

pub(super) fn mean(options: &Bounded, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    of_numbers(scope, options, "the mean", "mean")
}

pub(super) fn median(options: &Bounded, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    of_numbers(scope, options, "the median", "median")
}

pub(super) fn sum(options: &Bounded, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    of_numbers(scope, options, "the sum", "sum")
}

pub(super) fn stddev(options: &Bounded, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    of_numbers(scope, options, "the standard deviation", "stddev_samp")
}

pub(super) fn quantile(options: &BoundedQuantile, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    let field = scope.number(&options.column)?;
    let q = level(&options.q)?;
    let same = Bounded { column: options.column.clone(), min: options.min.clone(), max: options.max.clone() };
    bounded(
        scope,
        &same,
        &format!("the {q} quantile"),
        &format!("quantile_cont({}, {q:?})", quoted(&field.name)),
        sql_literal,
    )
}

/// A share from 0 to 1.
pub(super) fn level(q: &Spanned<f64>) -> Result<f64, Findings> {
    if (0.0..=1.0).contains(&q.value) { Ok(q.value) } else { Err(refuse("`q` is a share from 0 to 1", &q.place)) }
}

pub(super) fn correlation(options: &Correlated, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    let (fields, place) = several(&options.columns, scope)?;
    let [one, other] = fields.as_slice() else { return Err(refuse("a correlation is of two columns", &place)) };
    for name in options.columns.iter() {
        scope.number(name)?;
    }
    let sql = format!("corr({}, {})", quoted(&one.name), quoted(&other.name));
    let (holds, words) = bounds(&sql, options.min.as_ref(), options.max.as_ref(), sql_literal, &place)?;
    let name = format!("the correlation of {} and {} is {words}", one.name, other.name);
    draft(scope, name, vec![one.name.clone(), other.name.clone()], vec![("", &sql)], &holds, &place)
}

pub(super) fn most_common(set: &InSet, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    let field = scope.column(&set.column)?;
    let sql = format!("mode({})", quoted(&field.name));
    let holds = among(set, &sql)?;
    let name = format!("the most frequent {} is one of {}", field.name, shown_list(&set.values));
    draft(scope, name, vec![field.name], vec![("", &sql)], &holds, &set.column.place)
}

pub(super) fn share(options: &ShareOf, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    let condition = inputs::predicate(&options.of, scope.schema)?;
    let columns = condition.columns().into_iter().map(str::to_owned).collect();
    let sql = format!("count_if({}) / count(*)", options.of.value);
    let (holds, words) = bounds(&sql, options.min.as_ref(), options.max.as_ref(), fraction, &options.of.place)?;
    let name = format!("the share of rows with {} is {words}", options.of.value);
    draft(scope, name, columns, vec![("", &sql)], &holds, &options.of.place)
}

pub(super) fn condition(text: &Spanned<String>, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    let holds = inputs::aggregate(text, scope.schema)?;
    if holds.data_type != DataType::Boolean {
        return Err(refuse(format!("expected a condition, found {}", holds.data_type), &text.place));
    }
    let columns = holds.columns().into_iter().map(str::to_owned).collect();
    // What is compared is what a person wants to see when it does not hold.
    let sides = match &holds.kind {
        crate::expression::ExprKind::Binary(_, left, right) if left.data_type != DataType::Boolean => {
            vec![(String::new(), left.as_ref().clone()), ("against".to_owned(), right.as_ref().clone())]
        }
        _ => Vec::new(),
    };
    Ok(vec![Draft {
        name: text.value.clone(),
        columns,
        measure: Measure::Values { observed: sides, holds, missing: false },
    }])
}

/// Values that a set may name at most when each is looked for.
const LARGEST_SET: usize = 200;

fn contained(set: &InSet, scope: &Scope<'_>, words: &str, only_these: bool) -> Result<Vec<Draft>, Findings> {
    let field = scope.column(&set.column)?;
    if set.values.len() > LARGEST_SET {
        return Err(refuse(format!("`values` has more than {LARGEST_SET} entries"), &set.column.place));
    }
    let column = quoted(&field.name);
    let place = &set.column.place;
    let mut observed = Vec::new();
    let mut conditions = Vec::new();
    for value in &set.values {
        let there = format!("count_if({column} = {})", sql_literal(value)?);
        observed.push((shown(value), scope.value(&there, &value.place)?));
        conditions.push(format!("{there} > 0"));
    }
    if only_these {
        conditions.push(format!("count_if(not ({})) = 0", among(set, &column)?));
    }
    let holds = scope.value(&conditions.join(" and "), place)?;
    let name = format!("the values of {} {words} {}", field.name, shown_list(&set.values));
    let measure = Measure::Values { observed, holds, missing: true };
    Ok(vec![Draft { name, columns: vec![field.name], measure }])
}

pub(super) fn values_contain(set: &InSet, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    among(set, "x")?;
    contained(set, scope, "have among them", false)
}

pub(super) fn values_equal(set: &InSet, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    contained(set, scope, "are exactly", true)
}

pub(super) fn values_within(set: &InSet, scope: &Scope<'_>) -> Result<Vec<Draft>, Findings> {
    let field = scope.column(&set.column)?;
    let column = quoted(&field.name);
    let outside = format!("count(distinct {column}) filter (where not ({}))", among(set, &column)?);
    let name = format!("the values of {} are among {}", field.name, shown_list(&set.values));
    draft(scope, name, vec![field.name], vec![("others", &outside)], &format!("{outside} = 0"), &set.column.place)
}
