//! DuckDB's SQL.

mod aggregate;
mod cast;
mod function;
mod scan;
mod temporal;

use crate::diagnostic::Class;
use crate::engine::EngineError;
use crate::expression::{BinaryOperator, DataType, Expr, ExprKind, Literal, UnaryOperator};
use crate::relation::Scan;

/// Prints for DuckDB.
#[derive(Debug, Default)]
pub(super) struct DuckDb {
    /// The column that numbers the rows.
    order: Option<String>,
}

impl super::Writer for DuckDb {
    fn expression(&self, expr: &Expr, order: Option<&str>) -> Result<String, EngineError> {
        DuckDb { order: order.map(str::to_owned) }.print(expr)
    }

    fn identifier(&self, name: &str) -> String {
        identifier(name)
    }

    fn scan(&self, scan: &Scan) -> Result<String, EngineError> {
        scan::scan(scan)
    }

    fn row_index(&self) -> &'static str {
        "row_number() OVER () - 1"
    }
}

fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Text in quotes. A NUL cannot stand in a statement, so it is put in by its number.
fn text(value: &str) -> String {
    let quoted = |part: &str| format!("'{}'", part.replace('\'', "''"));
    if !value.contains('\0') {
        return quoted(value);
    }
    let parts: Vec<String> = value.split('\0').map(quoted).collect();
    format!("({})", parts.join(" || chr(0) || "))
}

fn refuse(message: impl Into<String>) -> EngineError {
    EngineError::new(Class::Definition, message)
}

/// The name of a type.
fn type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Null => "\"NULL\"".to_owned(),
        DataType::Boolean => "BOOLEAN".to_owned(),
        DataType::Int8 => "TINYINT".to_owned(),
        DataType::Int16 => "SMALLINT".to_owned(),
        DataType::Int32 => "INTEGER".to_owned(),
        DataType::Int64 => "BIGINT".to_owned(),
        DataType::UInt8 => "UTINYINT".to_owned(),
        DataType::UInt16 => "USMALLINT".to_owned(),
        DataType::UInt32 => "UINTEGER".to_owned(),
        DataType::UInt64 => "UBIGINT".to_owned(),
        DataType::Float32 => "FLOAT".to_owned(),
        DataType::Float64 => "DOUBLE".to_owned(),
        DataType::Decimal(precision, scale) => format!("DECIMAL({precision}, {scale})"),
        DataType::String => "VARCHAR".to_owned(),
        DataType::Binary => "BLOB".to_owned(),
        DataType::Date => "DATE".to_owned(),
        DataType::Time => "TIME".to_owned(),
        DataType::Datetime(None) => "TIMESTAMP".to_owned(),
        DataType::Datetime(Some(_)) => "TIMESTAMPTZ".to_owned(),
        DataType::Duration | DataType::Interval => "INTERVAL".to_owned(),
        DataType::List(element) => format!("{}[]", type_name(element)),
        DataType::Array(element, size) => format!("{}[{size}]", type_name(element)),
        DataType::Struct(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|field| format!("{} {}", identifier(&field.name), type_name(&field.data_type)))
                .collect();
            format!("STRUCT({})", fields.join(", "))
        }
    }
}

fn cast_to(value: &str, data_type: &DataType) -> String {
    format!("CAST({value} AS {})", type_name(data_type))
}

impl DuckDb {
    /// The expression, in brackets where something may be put beside it.
    fn operand(&self, expr: &Expr) -> Result<String, EngineError> {
        let printed = self.print(expr)?;
        let bare = match &expr.kind {
            ExprKind::Column(_) | ExprKind::Call(..) | ExprKind::Aggregate(_) | ExprKind::Cast { .. } => {
                printed.ends_with(')') && is_one_call(&printed) || printed.starts_with('"') && !printed.contains(' ')
            }
            ExprKind::Literal(_) => !printed.starts_with('-') && !printed.contains(' ') || printed.starts_with('\''),
            _ => false,
        };
        Ok(if bare { printed } else { format!("({printed})") })
    }

    fn operands(&self, exprs: &[Expr]) -> Result<Vec<String>, EngineError> {
        exprs.iter().map(|expr| self.operand(expr)).collect()
    }

    fn all(&self, exprs: &[Expr]) -> Result<Vec<String>, EngineError> {
        exprs.iter().map(|expr| self.print(expr)).collect()
    }

    fn print(&self, expr: &Expr) -> Result<String, EngineError> {
        match &expr.kind {
            ExprKind::Column(name) => Ok(identifier(name)),
            ExprKind::Literal(value) => literal(value, &expr.data_type),
            ExprKind::Fitted(key) => Err(refuse(format!("`{key}` is not known before its stage has run"))),
            ExprKind::Unary(UnaryOperator::Negate, value) => Ok(format!("-{}", self.operand(value)?)),
            ExprKind::Unary(UnaryOperator::Not, value) => Ok(format!("NOT {}", self.operand(value)?)),
            ExprKind::Binary(operator, left, right) => self.binary(*operator, left, right, &expr.data_type),
            ExprKind::IsNull(value) => Ok(format!("{} IS NULL", self.operand(value)?)),
            ExprKind::InList(_, list) if list.is_empty() => Ok("FALSE".to_owned()),
            ExprKind::InList(value, list) => {
                Ok(format!("{} IN ({})", self.operand(value)?, self.all(list)?.join(", ")))
            }
            ExprKind::Like { text: value, pattern, ignore_case, escape } => {
                let operator = if *ignore_case { "ILIKE" } else { "LIKE" };
                let escape = escape.map(|escape| format!(" ESCAPE {}", text(&escape.to_string()))).unwrap_or_default();
                Ok(format!("{} {operator} {}{escape}", self.operand(value)?, text(pattern)))
            }
            ExprKind::Case { branches, otherwise } => {
                let mut printed = String::from("CASE");
                for (when, then) in branches {
                    printed.push_str(&format!(" WHEN {} THEN {}", self.print(when)?, self.print(then)?));
                }
                if let Some(otherwise) = otherwise {
                    printed.push_str(&format!(" ELSE {}", self.print(otherwise)?));
                }
                printed.push_str(" END");
                Ok(printed)
            }
            ExprKind::Cast { value, strict } => {
                cast::cast(&self.print(value)?, &value.data_type, &expr.data_type, *strict)
            }
            ExprKind::Call(function, arguments) => self.call(*function, arguments, &expr.data_type),
            ExprKind::Aggregate(aggregate) => self.aggregate(aggregate, &expr.data_type),
            ExprKind::Learned { .. } => Err(refuse(
                "what a stage learned beyond constants (a forest, similar rows, quantiles) has no form in SQL",
            )),
        }
    }

    fn binary(
        &self,
        operator: BinaryOperator,
        left: &Expr,
        right: &Expr,
        result: &DataType,
    ) -> Result<String, EngineError> {
        if let Some(shifted) = self.moment_arithmetic(operator, left, right, result)? {
            return Ok(shifted);
        }
        let symbol = match operator {
            BinaryOperator::Add => "+",
            BinaryOperator::Subtract => "-",
            BinaryOperator::Multiply => "*",
            BinaryOperator::Divide | BinaryOperator::Remainder => {
                let symbol = if operator == BinaryOperator::Divide { "/" } else { "%" };
                return Ok(format!("{} {symbol} {}", self.operand(left)?, self.divisor(right)?));
            }
            BinaryOperator::Equal => "=",
            BinaryOperator::NotEqual => "<>",
            BinaryOperator::Less => "<",
            BinaryOperator::LessOrEqual => "<=",
            BinaryOperator::Greater => ">",
            BinaryOperator::GreaterOrEqual => ">=",
            BinaryOperator::IsDistinctFrom => "IS DISTINCT FROM",
            BinaryOperator::IsNotDistinctFrom => "IS NOT DISTINCT FROM",
            BinaryOperator::And => "AND",
            BinaryOperator::Or => "OR",
        };
        Ok(format!("{} {symbol} {}", self.operand(left)?, self.operand(right)?))
    }

    /// A divisor: null instead of zero.
    fn divisor(&self, expr: &Expr) -> Result<String, EngineError> {
        match &expr.kind {
            ExprKind::Literal(Literal::Integer(value)) if *value != 0 => self.operand(expr),
            ExprKind::Literal(Literal::Float(value)) if *value != 0.0 => self.operand(expr),
            _ => Ok(format!("nullif({}, 0)", self.print(expr)?)),
        }
    }
}

/// Whether the text is a call whose bracket closes at the very end, such as `f(x)` and not `f(x) + g(y)`.
fn is_one_call(printed: &str) -> bool {
    let mut depth = 0;
    let mut quote: Option<char> = None;
    for (at, c) in printed.char_indices() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '(') => depth += 1,
            (None, ')') => {
                depth -= 1;
                if depth == 0 {
                    return at + 1 == printed.len() && !printed.get(..at).unwrap_or_default().starts_with("CASE ");
                }
            }
            (None, ' ') if depth == 0 => return false,
            _ => {}
        }
    }
    false
}

fn literal(value: &Literal, data_type: &DataType) -> Result<String, EngineError> {
    Ok(match (value, data_type) {
        (Literal::Null, DataType::Null) => "NULL".to_owned(),
        (Literal::Null, data_type) => cast_to("NULL", data_type),
        (Literal::Boolean(value), _) => if *value { "TRUE" } else { "FALSE" }.to_owned(),
        (Literal::Integer(value), data_type) if *value < 0 => format!("({value})::{}", type_name(data_type)),
        (Literal::Integer(value), data_type) => format!("{value}::{}", type_name(data_type)),
        (Literal::Float(value), data_type) => float(*value, data_type),
        (Literal::String(value), _) => text(value),
        (Literal::Date(days), _) => temporal::date(*days),
        (Literal::Time(nanoseconds), _) => temporal::time(*nanoseconds),
        (Literal::Datetime(microseconds), data_type) => temporal::datetime(*microseconds, data_type),
        (Literal::Duration(microseconds), _) => format!("to_microseconds({microseconds})"),
        (Literal::Interval { months, days, microseconds }, _) => temporal::interval(*months, *days, *microseconds),
    })
}

/// With an exponent the number is a double from the start, with every digit; `0.1` would be a decimal first.
fn float(value: f64, data_type: &DataType) -> String {
    let name = type_name(data_type);
    if value.is_nan() {
        return format!("'nan'::{name}");
    }
    if value.is_infinite() {
        return format!("'{}inf'::{name}", if value < 0.0 { "-" } else { "" });
    }
    let digits = format!("{value:e}");
    match (data_type, value.is_sign_negative()) {
        (DataType::Float64, false) => digits,
        (DataType::Float64, true) => format!("({digits})"),
        (_, false) => format!("{digits}::{name}"),
        (_, true) => format!("({digits})::{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_texts_are_escaped() {
        assert_eq!(identifier("a\"b"), "\"a\"\"b\"");
        assert_eq!(text("O'Hare"), "'O''Hare'");
        assert_eq!(text("a\0b"), "('a' || chr(0) || 'b')");
    }

    #[test]
    fn floats_keep_every_digit() {
        assert_eq!(float(0.30000000000000004, &DataType::Float64), "3.0000000000000004e-1");
        assert_eq!(float(-2.0, &DataType::Float64), "(-2e0)");
        assert_eq!(float(f64::NEG_INFINITY, &DataType::Float64), "'-inf'::DOUBLE");
    }

    #[test]
    fn one_call_is_told_from_two() {
        assert!(is_one_call("f(x, ')')"));
        assert!(!is_one_call("f(x) + g(y)"));
        assert!(!is_one_call("(a) + (b)"));
    }
}
