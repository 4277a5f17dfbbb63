//! Times on a circle.

use std::f64::consts::TAU;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::definition::Spanned;
use crate::diagnostic::{Diagnostic, Findings};
use crate::expression::{BinaryOperator, DataType, Expr, Field, Function};
use crate::relation::NamedExpr;

/// A part of a date or time that comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The second of the minute.
    Second,
    /// The minute of the hour.
    Minute,
    /// The hour of the day.
    Hour,
    /// The day of the week.
    Weekday,
    /// The day of the month, in a cycle of 31 days.
    Day,
    /// The day of the year, in a cycle of 366 days.
    DayOfYear,
    /// The month of the year.
    Month,
    /// The quarter of the year.
    Quarter,
}

impl Part {
    /// The function that takes it, its first value and how many there are.
    fn cycle(self) -> (Function, i64, f64) {
        match self {
            Self::Second => (Function::Second, 0, 60.0),
            Self::Minute => (Function::Minute, 0, 60.0),
            Self::Hour => (Function::Hour, 0, 24.0),
            Self::Weekday => (Function::IsoDayOfWeek, 1, 7.0),
            Self::Day => (Function::Day, 1, 31.0),
            Self::DayOfYear => (Function::DayOfYear, 1, 366.0),
            Self::Month => (Function::Month, 1, 12.0),
            Self::Quarter => (Function::Quarter, 1, 4.0),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Weekday => "weekday",
            Self::Day => "day",
            Self::DayOfYear => "day_of_year",
            Self::Month => "month",
            Self::Quarter => "quarter",
        }
    }

    fn is_of_day(self) -> bool {
        matches!(self, Self::Second | Self::Minute | Self::Hour)
    }
}

/// Sine and cosine of each part of a date or time.
pub(super) fn parts(field: &Field, parts: &[Part], name: &Spanned<String>) -> Result<Vec<NamedExpr>, Findings> {
    let refuse = |message: String| Err(vec![Diagnostic::definition(message).at(&name.place)]);
    if parts.is_empty() {
        return refuse("`cyclic` names no part".to_owned());
    }
    let mut columns = Vec::new();
    for part in parts {
        let fits = match field.data_type {
            DataType::Datetime(_) => true,
            DataType::Date => !part.is_of_day(),
            DataType::Time => part.is_of_day(),
            _ => {
                return refuse(format!("column `{}` holds {}, not dates or times", field.name, field.data_type));
            }
        };
        if !fits {
            let message = format!("column `{}` holds {}, which has no {}", field.name, field.data_type, part.name());
            return refuse(message);
        }
        let (function, first, count) = part.cycle();
        let value = Expr::call(function, vec![Expr::column(&field.name, field.data_type.clone())], DataType::Int64);
        let place = Expr::binary(BinaryOperator::Subtract, value, Expr::integer(first), DataType::Int64);
        columns.extend(circle(&format!("{}_{}", field.name, part.name()), place, count));
    }
    Ok(columns)
}

/// Sine and cosine of a number with a period.
pub(super) fn period(field: &Field, period: f64, name: &Spanned<String>) -> Result<Vec<NamedExpr>, Findings> {
    let refuse = |message: String| Err(vec![Diagnostic::definition(message).at(&name.place)]);
    if !field.data_type.is_numeric() {
        return refuse(format!("column `{}` holds {}, not numbers", field.name, field.data_type));
    }
    if !(period.is_finite() && period > 0.0) {
        return refuse("the period must be larger than 0".to_owned());
    }
    Ok(circle(&field.name, Expr::column(&field.name, field.data_type.clone()), period).to_vec())
}

fn circle(name: &str, place: Expr, count: f64) -> [NamedExpr; 2] {
    let place = place.cast(DataType::Float64, true);
    let angle = Expr::binary(BinaryOperator::Multiply, place, Expr::float(TAU / count), DataType::Float64);
    [(Function::Sin, "sin"), (Function::Cos, "cos")].map(|(function, ending)| NamedExpr {
        name: format!("{name}_{ending}"),
        expr: Expr::call(function, vec![angle.clone()], DataType::Float64),
    })
}
