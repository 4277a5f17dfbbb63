//! The checks of `validate`, as conditions that failing rows fulfil.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{SHOWN_COLUMNS, Severity};
use crate::definition::{Node, OneOrMany, Spanned, Value};
use crate::diagnostic::{Diagnostic, Findings};
use crate::expression::{Aggregate, BinaryOperator, DataType, Expr, ExprKind, Field, Function, Window, compose};
use crate::stages::work::StageCounts;
use crate::stages::{TableShape, inputs};

/// One thing that must hold. Exactly one of the keys beside `severity` and `description` says what.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Check {
    /// Columns without nulls.
    #[serde(default)]
    not_null: Option<OneOrMany<Spanned<String>>>,
    /// Columns whose values together occur once; nulls are equal.
    #[serde(default)]
    unique: Option<OneOrMany<Spanned<String>>>,
    /// A column whose values lie between two bounds, both allowed.
    #[serde(default)]
    range: Option<Range>,
    /// A column whose values are among these.
    #[serde(default)]
    r#in: Option<InSet>,
    /// A column of text that matches a regular expression somewhere.
    #[serde(default)]
    regex: Option<Pattern>,
    /// How many rows there are.
    #[serde(default)]
    rows: Option<RowCount>,
    /// A condition in SQL; rows for which it is false fail.
    #[serde(default)]
    expression: Option<Spanned<String>>,
    /// What happens when it does not hold.
    #[serde(default)]
    severity: Option<Severity>,
    /// What it means, for the report.
    #[serde(default)]
    description: Option<String>,
}

/// Bounds of a column.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Range {
    /// The column.
    column: Spanned<String>,
    /// The smallest allowed value; dates are written as text.
    #[serde(default)]
    min: Option<Node>,
    /// The largest allowed value.
    #[serde(default)]
    max: Option<Node>,
}

/// Allowed values of a column.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct InSet {
    /// The column.
    column: Spanned<String>,
    /// The allowed values.
    values: Vec<Node>,
}

/// A pattern of a column of text.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Pattern {
    /// The column.
    column: Spanned<String>,
    /// The regular expression; anchor it with `^` and `$` to match the whole text.
    pattern: Spanned<String>,
}

/// Bounds of the number of rows.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RowCount {
    /// At least so many.
    #[serde(default)]
    min: Option<u64>,
    /// At most so many.
    #[serde(default)]
    max: Option<u64>,
}

/// A planned check.
pub(super) struct Verdict {
    /// What must hold, in words.
    pub(super) name: String,
    /// What happens when it does not hold.
    pub(super) severity: Severity,
    /// True for rows that fail, never null; none for checks of the number of rows.
    pub(super) failing: Option<Expr>,
    /// The columns it looks at.
    pub(super) columns: Vec<String>,
    /// The columns of failing rows that are shown.
    pub(super) shown: Vec<String>,
    rows: Option<RowCount>,
}

impl Verdict {
    pub(super) fn holds(&self, counts: &StageCounts) -> bool {
        match &self.rows {
            Some(rows) => rows.min.is_none_or(|min| counts.out >= min) && rows.max.is_none_or(|max| counts.out <= max),
            None => counts.counter("checked", &self.name) == 0,
        }
    }

    pub(super) fn describe(&self, counts: &StageCounts) -> String {
        match &self.rows {
            Some(_) => format!("{}, but there are {}", self.name, counts.out),
            None => match counts.counter("checked", &self.name) {
                1 => format!("1 of {} rows fails `{}`", counts.out, self.name),
                failing => format!("{failing} of {} rows fail `{}`", counts.out, self.name),
            },
        }
    }
}

impl Check {
    /// Errors: unknown columns, wrong types, no or several things to check.
    pub(super) fn plan(&self, table: &TableShape, id: &str, severity: Severity) -> Result<Vec<Verdict>, Findings> {
        let severity = self.severity.unwrap_or(severity);
        let given = [
            self.not_null.is_some(),
            self.unique.is_some(),
            self.range.is_some(),
            self.r#in.is_some(),
            self.regex.is_some(),
            self.rows.is_some(),
            self.expression.is_some(),
        ];
        if given.iter().filter(|given| **given).count() != 1 {
            let message =
                "a check says one thing: `not_null`, `unique`, `range`, `in`, `regex`, `rows` or `expression`";
            return Err(vec![Diagnostic::definition(message)]);
        }
        let verdict = |name: String, failing: Option<Expr>, columns: Vec<String>, rows: Option<RowCount>| {
            let others = table.schema.names().filter(|name| !columns.iter().any(|own| own == name)).take(SHOWN_COLUMNS);
            let visible = |name: &String| table.schema.field(name).and_then(inputs::shown).is_some();
            let shown = columns.iter().cloned().chain(others.map(str::to_owned)).filter(visible).collect();
            let name = self.description.clone().unwrap_or(name);
            Verdict { name, severity, failing, columns, shown, rows }
        };
        let schema = &table.schema;
        if let Some(names) = &self.not_null {
            let fields = inputs::columns(schema, names.as_slice(), id)?;
            return Ok(fields
                .iter()
                .map(|field| {
                    verdict(
                        format!("{} is not null", field.name),
                        Some(column(field).is_null()),
                        vec![field.name.clone()],
                        None,
                    )
                })
                .collect());
        }
        if let Some(names) = &self.unique {
            let fields = inputs::columns(schema, names.as_slice(), id)?;
            let names: Vec<String> = fields.iter().map(|field| field.name.clone()).collect();
            return Ok(vec![verdict(format!("{} is unique", names.join(", ")), Some(repeated(&fields)), names, None)]);
        }
        if let Some(rows) = &self.rows {
            let name = match (rows.min, rows.max) {
                (Some(min), Some(max)) => format!("there are {min} to {max} rows"),
                (Some(min), None) => format!("there are at least {min} rows"),
                (None, Some(max)) => format!("there are at most {max} rows"),
                (None, None) => return Err(vec![Diagnostic::definition("`rows` needs `min` or `max`")]),
            };
            return Ok(vec![verdict(name, None, Vec::new(), Some(rows.clone()))]);
        }
        if let Some(text) = &self.expression {
            let holds = inputs::predicate(text, schema)?;
            let columns = holds.columns().into_iter().map(str::to_owned).collect();
            return Ok(vec![verdict(text.value.clone(), Some(false_or(holds, false)), columns, None)]);
        }
        let (name, holds, column) = self.of_column(schema, id)?;
        Ok(vec![verdict(name, Some(false_or(holds, false)), vec![column], None)])
    }

    /// Checks of one column: name, condition, column.
    fn of_column(&self, schema: &crate::expression::Schema, id: &str) -> Result<(String, Expr, String), Findings> {
        let one = |finding| vec![finding];
        if let Some(range) = &self.range {
            let field = inputs::column(schema, &range.column, id).map_err(one)?;
            let bounds = [(&range.min, BinaryOperator::GreaterOrEqual), (&range.max, BinaryOperator::LessOrEqual)];
            let mut conditions = Vec::new();
            for (bound, operator) in bounds {
                if let Some(bound) = bound {
                    conditions.push(compare(operator, field, bound)?);
                }
            }
            let name = match (&range.min, &range.max) {
                (Some(min), Some(max)) => format!("{} is from {} to {}", field.name, show(min), show(max)),
                (Some(min), None) => format!("{} is at least {}", field.name, show(min)),
                (None, Some(max)) => format!("{} is at most {}", field.name, show(max)),
                (None, None) => {
                    return Err(vec![Diagnostic::definition("`range` needs `min` or `max`").at(&range.column.place)]);
                }
            };
            let holds = conditions.into_iter().reduce(Expr::and).unwrap_or(Expr::boolean(true));
            return Ok((name, holds, field.name.clone()));
        }
        if let Some(set) = &self.r#in {
            let field = inputs::column(schema, &set.column, id).map_err(one)?;
            let values = set.values.iter().map(literal).collect::<Result<Vec<_>, _>>()?;
            let shown: Vec<String> = set.values.iter().take(5).map(show).collect();
            let more = if set.values.len() > 5 { ", .." } else { "" };
            let holds = compose::in_list(column(field), values).map_err(|error| located(&error, &set.column))?;
            return Ok((format!("{} is one of {}{more}", field.name, shown.join(", ")), holds, field.name.clone()));
        }
        if let Some(regex) = &self.regex {
            let field = inputs::column(schema, &regex.column, id).map_err(one)?;
            let arguments = vec![column(field), Expr::string(&regex.pattern.value)];
            let holds = compose::function(Function::RegexpMatches, arguments)
                .map_err(|error| located(&error, &regex.pattern))?;
            return Ok((format!("{} matches {}", field.name, regex.pattern.value), holds, field.name.clone()));
        }
        Err(vec![Diagnostic::definition("the check says nothing")])
    }
}

fn column(field: &Field) -> Expr {
    Expr::column(&field.name, field.data_type.clone())
}

fn located(error: &crate::expression::ExpressionError, at: &Spanned<String>) -> Findings {
    vec![Diagnostic::definition(error.message.clone()).at(&at.place)]
}

fn compare(operator: BinaryOperator, field: &Field, bound: &Node) -> Result<Expr, Findings> {
    compose::binary(operator, column(field), literal(bound)?)
        .map_err(|error| vec![Diagnostic::definition(error.message).at(&bound.place)])
}

/// A value of the pipeline file as a constant; a text beside a date becomes a date by the rules of expressions.
fn literal(node: &Node) -> Result<Expr, Findings> {
    match &node.value {
        Value::Boolean(value) => Ok(Expr::boolean(*value)),
        Value::Integer(value) => Ok(Expr::integer(*value)),
        Value::Float(value) => Ok(Expr::float(*value)),
        Value::Text(text) => Ok(Expr::string(text.value())),
        Value::Null | Value::Sequence(_) | Value::Mapping(_) => {
            Err(vec![Diagnostic::definition("expected a number, a text or true or false").at(&node.place)])
        }
    }
}

fn show(node: &Node) -> String {
    match &node.value {
        Value::Boolean(value) => value.to_string(),
        Value::Integer(value) => value.to_string(),
        Value::Float(value) => value.to_string(),
        Value::Text(text) => text.value().to_owned(),
        Value::Null | Value::Sequence(_) | Value::Mapping(_) => "..".to_owned(),
    }
}

/// `holds is false`, where null counts as `unknown`.
fn false_or(holds: Expr, unknown: bool) -> Expr {
    let choices = vec![holds.not(), Expr::boolean(unknown)];
    Expr::call(Function::Coalesce, choices, DataType::Boolean)
}

/// `count(*) over (partition by ..) > 1`.
fn repeated(fields: &[Field]) -> Expr {
    let window = Window { partition_by: fields.iter().map(column).collect(), ..Window::default() };
    let count = Aggregate {
        function: Function::CountAll,
        arguments: Vec::new(),
        distinct: false,
        filter: None,
        order_by: Vec::new(),
        over: Some(window),
    };
    let count = Expr::new(ExprKind::Aggregate(Box::new(count)), DataType::Int64);
    Expr::binary(BinaryOperator::Greater, count, Expr::integer(1), DataType::Boolean)
}
