//! What expectations are planned with: the columns, SQL made of them, the clock, and the tables that they look up.

use std::cmp::Ordering;

use crate::definition::{Node, Spanned, Value};
use crate::diagnostic::{Diagnostic, Findings, Place};
use crate::expression::{self, DataType, Expr, ExprKind, ExpressionError, Field, Function, Literal, Schema};
use crate::stages::{TableShape, inputs};

/// An expectation before it is known how it is judged.
pub(super) struct Draft {
    /// What must hold, in words.
    pub(super) name: String,
    /// The columns that it looks at.
    pub(super) columns: Vec<String>,
    /// How it is measured.
    pub(super) measure: Measure,
}

/// How an expectation is measured.
pub(super) enum Measure {
    /// Row by row: true for rows that fail, never null.
    Rows(Expr),
    /// By aggregates.
    Values {
        /// What is shown, each with a label that may be empty.
        observed: Vec<(String, Expr)>,
        /// Whether it holds; null when there is nothing to judge, which does not hold.
        holds: Expr,
        /// Whether `observed` are counts of values of which those with 0 are missing.
        missing: bool,
    },
    /// By comparing each row with the one before it.
    Order {
        /// The column.
        field: Field,
        /// The direction that fails.
        wrong: Ordering,
        /// Whether equal neighbours fail too.
        strict: bool,
    },
    /// By an aggregate of this table and one of another.
    Against {
        /// The aggregate of this table.
        own: Expr,
        /// The position of the other input.
        input: usize,
        /// The aggregate of the other table.
        other: Expr,
        /// How far they may be apart.
        tolerance: f64,
    },
    /// By the columns, known before a row is read.
    Known {
        /// Whether it holds.
        holds: bool,
        /// What is there.
        found: String,
    },
    /// By comparing numbers with those of the last good run.
    Drift(Drift),
}

/// A comparison with the last good run.
pub(super) struct Drift {
    /// The name under which the numbers are kept.
    pub(super) key: String,
    /// The numbers.
    pub(super) numbers: Vec<Expr>,
    /// The column whose values are counted apart, as text.
    pub(super) shares: Option<Expr>,
    /// How far they may be from those before.
    pub(super) limit: Limit,
}

/// How far numbers may be from those before.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Limit {
    /// Loss and gain as shares of the number before.
    Relative { drop: f64, rise: f64 },
    /// The difference.
    Absolute(f64),
    /// The difference of means in standard deviations; the numbers are mean and deviation.
    Deviations(f64),
    /// The population stability index of the shares.
    Stability(f64),
    /// The columns.
    Columns { order: bool, additions: bool },
}

/// A table beside the rows, joined to them so that a condition can look at it.
pub(super) enum Lookup {
    /// How often the values of these columns occur, for values that occur more than once.
    Repeated {
        /// The columns.
        keys: Vec<Field>,
        /// Rows that are counted.
        only: Option<Expr>,
    },
    /// Whether the values occur in another input.
    Found {
        /// The position of the input.
        input: usize,
        /// Columns here and there, and the type in which they are compared.
        pairs: Vec<(Field, Field, DataType)>,
    },
}

impl Lookup {
    /// The name of the column that the lookup adds to the rows.
    pub(super) fn column(number: usize) -> String {
        format!("__lookup_{number}")
    }

    /// What the column holds.
    pub(super) fn data_type(&self) -> DataType {
        match self {
            Self::Repeated { .. } => DataType::Int64,
            Self::Found { .. } => DataType::Boolean,
        }
    }
}

/// A point in time that is known when the stage works: the clock minus an age.
pub(super) struct Moment {
    /// The key of the constant.
    pub(super) key: String,
    /// Microseconds before the clock.
    pub(super) age: i64,
    /// Whether it is a day.
    pub(super) is_date: bool,
}

impl Moment {
    /// The point in time.
    pub(super) fn at(&self, now: i64) -> Literal {
        moment(now.saturating_sub(self.age), self.is_date)
    }
}

fn moment(micros: i64, is_date: bool) -> Literal {
    if is_date {
        return Literal::Date(i32::try_from(micros.div_euclid(DAY)).unwrap_or(i32::MAX));
    }
    Literal::Datetime(micros)
}

/// Microseconds of a day.
pub(super) const DAY: i64 = 86_400_000_000;

/// Another input with the name of its stage.
pub(super) struct Other<'a> {
    pub(super) id: &'a str,
    pub(super) position: usize,
    pub(super) table: &'a TableShape,
}

/// What expectations are planned with.
pub(super) struct Scope<'a> {
    /// The id of this stage.
    pub(super) stage: &'a str,
    /// The id of the input.
    pub(super) id: &'a str,
    /// The columns of the rows.
    pub(super) schema: &'a Schema,
    /// The other inputs.
    pub(super) others: Vec<Other<'a>>,
    /// The clock in microseconds since 1970, when the definition states it.
    pub(super) now: Option<i64>,
    /// Rows that the present check looks at.
    pub(super) only: Option<Expr>,
    /// The groups of the present check.
    pub(super) by: Vec<Field>,
    /// Tables that conditions look at.
    pub(super) lookups: Vec<Lookup>,
    /// Points in time that depend on the clock.
    pub(super) moments: Vec<Moment>,
}

impl Scope<'_> {
    /// The column of that name.
    pub(super) fn column(&self, name: &Spanned<String>) -> Result<Field, Findings> {
        inputs::column(self.schema, name, self.id).cloned().map_err(|finding| vec![finding])
    }

    /// The columns of these names.
    pub(super) fn columns(&self, names: &[Spanned<String>]) -> Result<Vec<Field>, Findings> {
        inputs::columns(self.schema, names, self.id)
    }

    /// A column that holds text.
    pub(super) fn text(&self, name: &Spanned<String>) -> Result<Field, Findings> {
        let field = self.column(name)?;
        if field.data_type != DataType::String {
            let message = format!("column `{}` holds {}, not text", field.name, field.data_type);
            return Err(refuse(message, &name.place));
        }
        Ok(field)
    }

    /// A column that holds numbers.
    pub(super) fn number(&self, name: &Spanned<String>) -> Result<Field, Findings> {
        let field = self.column(name)?;
        if !field.data_type.is_numeric() {
            let message = format!("column `{}` holds {}, not numbers", field.name, field.data_type);
            return Err(refuse(message, &name.place));
        }
        Ok(field)
    }

    /// A column that holds dates or datetimes.
    pub(super) fn time(&self, name: &Spanned<String>) -> Result<Field, Findings> {
        let field = self.column(name)?;
        if !matches!(field.data_type, DataType::Date | DataType::Datetime(_)) {
            let message = format!("column `{}` holds {}, not dates or times", field.name, field.data_type);
            return Err(refuse(message, &name.place));
        }
        Ok(field)
    }

    /// A condition over one row, from SQL that was made here.
    pub(super) fn condition(&self, sql: &str, place: &Place) -> Result<Expr, Findings> {
        expression::compile_predicate(sql, self.schema).map_err(|errors| located(&errors, place))
    }

    /// A value of an aggregate, from SQL that was made here.
    pub(super) fn value(&self, sql: &str, place: &Place) -> Result<Expr, Findings> {
        expression::compile_aggregate(sql, self.schema).map_err(|errors| located(&errors, place))
    }

    /// An expectation of one column that fails where the condition is false.
    pub(super) fn rows(
        &self,
        name: String,
        columns: &[&Field],
        sql: &str,
        place: &Place,
    ) -> Result<Vec<Draft>, Findings> {
        let failing = fails(self.condition(sql, place)?);
        let columns = columns.iter().map(|field| field.name.clone()).collect();
        Ok(vec![Draft { name, columns, measure: Measure::Rows(failing) }])
    }

    /// The clock minus an age, in the type of a column.
    pub(super) fn moment(&mut self, age: i64, data_type: &DataType) -> Expr {
        let is_date = *data_type == DataType::Date;
        if let Some(now) = self.now {
            return Expr::literal(moment(now.saturating_sub(age), is_date), data_type.clone());
        }
        let key = format!("{}.clock.{}{age}", self.stage, if is_date { "day." } else { "" });
        if !self.moments.iter().any(|moment| moment.key == key) {
            self.moments.push(Moment { key: key.clone(), age, is_date });
        }
        Expr::fitted(key, data_type.clone())
    }

    /// The other input of that name.
    pub(super) fn other(&self, stage: &Spanned<String>) -> Result<&Other<'_>, Findings> {
        let found = self.others.iter().find(|other| other.id == stage.value);
        found.ok_or_else(|| refuse(format!("there is no table `{}`", stage.value), &stage.place))
    }

    /// Adds a table to look at; the column under which its answer stands beside the rows.
    pub(super) fn look_up(&mut self, lookup: Lookup) -> Expr {
        let column = Expr::column(Lookup::column(self.lookups.len()), lookup.data_type());
        self.lookups.push(lookup);
        column
    }
}

/// One finding at a place.
pub(super) fn refuse(message: impl Into<String>, place: &Place) -> Findings {
    vec![Diagnostic::definition(message).at(place)]
}

fn located(errors: &[ExpressionError], place: &Place) -> Findings {
    let finding = |error: &ExpressionError| Diagnostic {
        label: None,
        help: error.help.clone(),
        ..Diagnostic::definition(error.message.clone()).at(place)
    };
    errors.iter().take(1).map(finding).collect()
}

/// True where the condition is false; where it is unknown, the row passes.
pub(super) fn fails(holds: Expr) -> Expr {
    Expr::call(Function::Coalesce, vec![holds.not(), Expr::boolean(false)], DataType::Boolean)
}

/// True where the condition is true; where it is unknown, not.
pub(super) fn surely(condition: Expr) -> Expr {
    Expr::call(Function::Coalesce, vec![condition, Expr::boolean(false)], DataType::Boolean)
}

/// An aggregate over the rows for which a condition is true.
pub(super) fn filtered(mut expr: Expr, only: Option<&Expr>) -> Expr {
    if let Some(only) = only {
        expr.visit_mut(&mut |part| {
            if let ExprKind::Aggregate(aggregate) = &mut part.kind {
                aggregate.filter = Some(match aggregate.filter.take() {
                    Some(own) => own.and(only.clone()),
                    None => only.clone(),
                });
            }
        });
    }
    expr
}

/// A name in SQL.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text in SQL.
pub(super) fn text_literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A value of the pipeline file in SQL; a text beside a date becomes a date by the rules of expressions.
pub(super) fn sql_literal(node: &Node) -> Result<String, Findings> {
    match &node.value {
        Value::Boolean(value) => Ok(value.to_string()),
        Value::Integer(value) => Ok(value.to_string()),
        Value::Float(value) if value.is_finite() => Ok(format!("{value:?}")),
        Value::Text(text) => Ok(text_literal(text.value())),
        _ => Err(refuse("expected a number, a text or true or false", &node.place)),
    }
}

/// A value, or `{column: name}`, in SQL and in words.
pub(super) fn operand(node: &Node, scope: &Scope<'_>) -> Result<(String, String, Option<Field>), Findings> {
    if let Value::Mapping(entries) = &node.value {
        let [entry] = entries.as_slice() else {
            return Err(refuse("expected a value, or `{column: name}`", &node.place));
        };
        let Some(text) = entry.value.as_text().filter(|_| entry.key == "column") else {
            return Err(refuse("expected a value, or `{column: name}`", &node.place));
        };
        let field = scope.column(&Spanned::from(text))?;
        return Ok((quoted(&field.name), field.name.clone(), Some(field)));
    }
    Ok((sql_literal(node)?, shown(node), None))
}

/// A value of the pipeline file in words.
pub(super) fn shown(node: &Node) -> String {
    node.spelling().unwrap_or_else(|| "..".to_owned())
}

/// The first values in words.
pub(super) fn shown_list(nodes: &[Node]) -> String {
    let shown: Vec<String> = nodes.iter().take(5).map(shown).collect();
    let more = if nodes.len() > 5 { ", .." } else { "" };
    format!("{}{more}", shown.join(", "))
}

/// A share: a number from 0, or a percentage such as `20%`.
pub(super) fn share(node: &Node) -> Result<f64, Findings> {
    #[expect(clippy::cast_precision_loss, reason = "a share of some hundred percent at most")]
    let value = match &node.value {
        Value::Integer(value) => Some(*value as f64),
        Value::Float(value) => Some(*value),
        Value::Text(text) => {
            text.value().strip_suffix('%').and_then(|digits| digits.trim().parse::<f64>().ok()).map(|v| v / 100.0)
        }
        _ => None,
    };
    value.filter(|value| value.is_finite() && *value >= 0.0).ok_or_else(|| {
        vec![
            Diagnostic::definition(format!("expected a share, found {}", node.describe()))
                .at(&node.place)
                .help("write `0.2` or `20%`"),
        ]
    })
}

/// An age in microseconds: `36 hours`, `30 days`.
pub(super) fn age(text: &Spanned<String>) -> Result<i64, Findings> {
    let written = text.value.trim();
    let split = written.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(written.len());
    let (number, unit) = written.split_at(split);
    let unit = match unit.trim() {
        "second" | "seconds" | "s" => 1_000_000,
        "minute" | "minutes" | "min" => 60_000_000,
        "hour" | "hours" | "h" => 3_600_000_000,
        "day" | "days" | "d" => DAY,
        "week" | "weeks" | "w" => 7 * DAY,
        _ => 0,
    };
    let number = number.trim().parse::<u32>().ok().filter(|_| unit > 0);
    number.and_then(|number| i64::from(number).checked_mul(unit)).ok_or_else(|| {
        vec![
            Diagnostic::definition(format!("`{}` is no age", text.value))
                .at(&text.place)
                .help("write a whole number and a unit: `90 minutes`, `36 hours`, `30 days`, `2 weeks`"),
        ]
    })
}
