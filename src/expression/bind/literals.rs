//! Constants: numbers, text, dates, intervals, lists.

use sqlparser::ast::{self, DateTimeField, Value, ValueWithSpan};

use super::{Binder, types};
use crate::expression::{DataType, Expr, ExpressionError, Function, Literal, Span, compose, constant};

impl Binder<'_> {
    pub(super) fn value(&mut self, value: &ValueWithSpan) -> Option<Expr> {
        let span = Span::from(self.syntax.places().of(value));
        let expr = match &value.value {
            Value::Number(text, _) => {
                let number = number(text, false).map_err(|message| ExpressionError::new(message, span));
                return self.check(number.map(|expr| Expr { span, ..expr }));
            }
            Value::SingleQuotedString(text) => Expr::string(text),
            Value::DollarQuotedString(text) => Expr::string(&text.value),
            Value::Boolean(value) => Expr::boolean(*value),
            Value::Null => Expr::literal(Literal::Null, DataType::Null),
            Value::Placeholder(_) => {
                self.report(
                    ExpressionError::new("a placeholder cannot be used in an expression", span)
                        .help("write ${name} for a parameter of the pipeline"),
                );
                return None;
            }
            _ => {
                self.refuse("this kind of literal", span.range());
                return None;
            }
        };
        Some(Expr { span, ..expr })
    }

    /// `-5` is one literal, so that the smallest int64 can be written.
    pub(super) fn negative_number(&mut self, value: &ValueWithSpan) -> Option<Expr> {
        let Value::Number(text, _) = &value.value else { return None };
        let place = self.syntax.places().of(value);
        let sign = self.syntax.text().get(..place.start).and_then(|before| before.rfind('-')).unwrap_or(place.start);
        let span = Span::from(sign..place.end);
        let number = number(text, true).map_err(|message| ExpressionError::new(message, span));
        self.check(number.map(|expr| Expr { span, ..expr }))
    }

    /// `date '2013-01-31'`, `timestamp '..'`, `time '..'`.
    pub(super) fn typed_string(&mut self, typed: &ast::TypedString) -> Option<Expr> {
        let place = self.syntax.places().of(&typed.value);
        let target = match types::data_type(&typed.data_type) {
            Ok(target @ (DataType::Date | DataType::Time | DataType::Datetime(_))) => target,
            _ => {
                self.refuse("a literal of this type", place);
                return None;
            }
        };
        let text = match &typed.value.value {
            Value::SingleQuotedString(text) => text.clone(),
            _ => {
                self.refuse("this kind of literal", place);
                return None;
            }
        };
        let span = Span::from(place);
        match constant::adapt(&Literal::String(text), &target) {
            Some(Ok(literal)) => Some(Expr { span, ..Expr::literal(literal, target) }),
            Some(Err(message)) => self.check(Err(ExpressionError::new(message, span))),
            None => None,
        }
    }

    /// `interval '3 days'`, `interval 3 day`, `interval '1 year 2 months 04:05:06'`.
    pub(super) fn interval(&mut self, interval: &ast::Interval) -> Option<Expr> {
        let span = Span::from(self.place(&interval.value));
        if interval.last_field.is_some()
            || interval.leading_precision.is_some()
            || interval.fractional_seconds_precision.is_some()
        {
            self.refuse("an interval with `to` or a precision", span.range());
            return None;
        }
        let Some(text) = interval_text(&interval.value) else {
            self.report(
                ExpressionError::new("the length of an interval must be a literal", span)
                    .help("date_add('day', n, x) adds a computed number of days"),
            );
            return None;
        };
        let text = match &interval.leading_field {
            Some(field) => format!("{text} {}", unit_name(field)),
            None => text,
        };
        match interval_literal(&text) {
            Ok(literal) => Some(Expr { span, ..Expr::literal(literal, DataType::Interval) }),
            Err(message) => self.check(Err(ExpressionError::new(message, span)
                .help("write it as interval '3 days', interval 3 day or interval '1 month 2 days 04:05:06'"))),
        }
    }

    /// `[a, b]`.
    pub(super) fn list(&mut self, array: &ast::Array) -> Option<Expr> {
        let elements = self.exprs(&array.elem)?;
        if elements.is_empty() {
            let data_type = DataType::List(Box::new(DataType::Null));
            return Some(Expr::call(Function::ListValue, Vec::new(), data_type));
        }
        let list = self.check(compose::function(Function::ListValue, elements))?;
        Some(self.spanned_around(list))
    }
}

/// An integer when it has neither point nor exponent, else a float64.
fn number(text: &str, negative: bool) -> Result<Expr, String> {
    let sign = if negative { "-" } else { "" };
    let digits = format!("{sign}{}", text.replace('_', ""));
    if digits.contains(['.', 'e', 'E']) {
        return match digits.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Expr::float(value)),
            _ => Err(format!("{digits} is too large for float64")),
        };
    }
    digits
        .parse::<i64>()
        .map(Expr::integer)
        .map_err(|_| format!("{digits} does not fit int64; write {digits}.0 for a float64"))
}

fn interval_text(value: &ast::Expr) -> Option<String> {
    match value {
        ast::Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) | Value::Number(text, _) => Some(text.clone()),
            _ => None,
        },
        ast::Expr::Nested(inner) => interval_text(inner),
        ast::Expr::UnaryOp { op: ast::UnaryOperator::Minus, expr } => {
            interval_text(expr).map(|text| format!("-{text}"))
        }
        _ => None,
    }
}

fn unit_name(field: &DateTimeField) -> String {
    field.to_string().to_lowercase()
}

/// Numbers with units in a row, and at most one `HH:MM[:SS]`.
fn interval_literal(text: &str) -> Result<Literal, String> {
    let invalid = || format!("'{text}' is no interval");
    let mut sum = Sum::default();
    let mut words = text.split_whitespace();
    let mut empty = true;
    while let Some(word) = words.next() {
        empty = false;
        if word.contains(':') {
            sum.add_clock(word).ok_or_else(invalid)?;
            continue;
        }
        let split = word.find(|c: char| c.is_alphabetic()).unwrap_or(word.len());
        let (number, attached) = word.split_at(split);
        let unit = if attached.is_empty() { words.next().unwrap_or_default() } else { attached };
        if unit.is_empty() {
            return Err(format!("the interval '{text}' has no unit"));
        }
        let part = interval_unit(unit).ok_or_else(|| format!("unknown unit `{unit}` in an interval"))?;
        sum.add(number.parse().map_err(|_| invalid())?, part).ok_or_else(invalid)?;
    }
    if empty { Err(invalid()) } else { sum.literal().ok_or_else(|| "the interval is too long".to_owned()) }
}

/// Months, days and microseconds of a unit.
#[derive(Clone, Copy)]
struct Unit {
    months: i64,
    days: i64,
    microseconds: i64,
}

fn interval_unit(name: &str) -> Option<Unit> {
    let (months, days, microseconds) = match name.to_lowercase().as_str() {
        "millennium" | "millennia" => (12_000, 0, 0),
        "century" | "centuries" => (1_200, 0, 0),
        "decade" | "decades" => (120, 0, 0),
        other => match constant::date_part(other)? {
            "year" => (12, 0, 0),
            "quarter" => (3, 0, 0),
            "month" => (1, 0, 0),
            "week" => (0, 7, 0),
            "day" => (0, 1, 0),
            "hour" => (0, 0, 3_600_000_000),
            "minute" => (0, 0, 60_000_000),
            "second" => (0, 0, 1_000_000),
            "millisecond" => (0, 0, 1_000),
            "microsecond" => (0, 0, 1),
            _ => return None,
        },
    };
    Some(Unit { months, days, microseconds })
}

#[derive(Default)]
struct Sum {
    months: i64,
    days: i64,
    microseconds: i64,
}

impl Sum {
    /// Adds `number` units. Fractions are allowed where the unit has a fixed length: seconds, minutes, hours, days and weeks.
    fn add(&mut self, number: f64, unit: Unit) -> Option<()> {
        let whole = number.trunc();
        let rest = number - whole;
        #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
        let whole = if whole.abs() < 1e15 { whole as i64 } else { return None };
        self.months = self.months.checked_add(unit.months.checked_mul(whole)?)?;
        self.days = self.days.checked_add(unit.days.checked_mul(whole)?)?;
        self.microseconds = self.microseconds.checked_add(unit.microseconds.checked_mul(whole)?)?;
        if rest == 0.0 {
            return Some(());
        }
        if unit.months != 0 {
            return None;
        }
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            reason = "less than one unit, which is at most a week"
        )]
        let part = (rest * (unit.days * 86_400_000_000 + unit.microseconds) as f64).round() as i64;
        self.microseconds = self.microseconds.checked_add(part)?;
        Some(())
    }

    fn add_clock(&mut self, text: &str) -> Option<()> {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let mut parts = text.split(':');
        let hours: i64 = parts.next()?.parse().ok()?;
        let minutes: i64 = parts.next()?.parse().ok()?;
        let seconds: f64 = parts.next().unwrap_or("0").parse().ok()?;
        if parts.next().is_some() || !(0..60).contains(&minutes) || !(0.0..60.0).contains(&seconds) || hours < 0 {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "less than a minute")]
        let fraction = (seconds * 1e6).round() as i64;
        let sum = hours.checked_mul(3_600_000_000)?.checked_add(minutes * 60_000_000)?.checked_add(fraction)?;
        self.microseconds = self.microseconds.checked_add(if negative { -sum } else { sum })?;
        Some(())
    }

    fn literal(&self) -> Option<Literal> {
        Some(Literal::Interval {
            months: i32::try_from(self.months).ok()?,
            days: i32::try_from(self.days).ok()?,
            microseconds: self.microseconds,
        })
    }
}
