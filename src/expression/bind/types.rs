//! Names of types in casts.

use sqlparser::ast::{ArrayElemTypeDef, DataType as Named, ExactNumberInfo, TimezoneInfo};

use crate::diagnostic::nearest;
use crate::expression::{DataType, ExpressionError, Span};

/// The type that a name in SQL stands for. A length behind a text type is refused, because nothing would check it.
pub(super) fn data_type(named: &Named) -> Result<DataType, ExpressionError> {
    Ok(match named {
        Named::Bool | Named::Boolean => DataType::Boolean,
        Named::TinyInt(None) => DataType::Int8,
        Named::SmallInt(None) | Named::Int2(None) | Named::Int16 => DataType::Int16,
        Named::Int(None) | Named::Integer(None) | Named::Int4(None) | Named::Int32 => DataType::Int32,
        Named::BigInt(None) | Named::Int8(None) | Named::Int64 => DataType::Int64,
        Named::UTinyInt | Named::UInt8 | Named::TinyIntUnsigned(None) => DataType::UInt8,
        Named::USmallInt | Named::UInt16 | Named::SmallIntUnsigned(None) => DataType::UInt16,
        Named::UInt32 | Named::IntUnsigned(None) | Named::IntegerUnsigned(None) => DataType::UInt32,
        Named::UBigInt | Named::UInt64 | Named::BigIntUnsigned(None) => DataType::UInt64,
        Named::Real | Named::Float4 | Named::Float32 => DataType::Float32,
        Named::Float(ExactNumberInfo::None)
        | Named::Double(ExactNumberInfo::None)
        | Named::DoublePrecision
        | Named::Float8
        | Named::Float64 => DataType::Float64,
        Named::Decimal(info) | Named::Numeric(info) | Named::Dec(info) => decimal(info)?,
        Named::Varchar(None)
        | Named::Text
        | Named::String(None)
        | Named::CharVarying(None)
        | Named::CharacterVarying(None) => DataType::String,
        Named::Blob(None) | Named::Bytea | Named::Varbinary(None) | Named::Binary(None) => DataType::Binary,
        Named::Date => DataType::Date,
        Named::Time(None, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) => DataType::Time,
        Named::Timestamp(None, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone)
        | Named::Datetime(None)
        | Named::TimestampNtz(None) => DataType::Datetime(None),
        Named::Timestamp(None, TimezoneInfo::WithTimeZone | TimezoneInfo::Tz) => {
            DataType::Datetime(Some("UTC".to_owned()))
        }
        Named::Interval { fields: None, precision: None } => DataType::Duration,
        Named::Array(
            ArrayElemTypeDef::SquareBracket(element, None)
            | ArrayElemTypeDef::AngleBracket(element)
            | ArrayElemTypeDef::Qualified(element, None),
        ) => DataType::List(Box::new(data_type(element)?)),
        Named::Custom(name, modifiers) if modifiers.is_empty() => custom(&name.to_string())?,
        other => return Err(unknown(&other.to_string().to_lowercase())),
    })
}

/// Names that sqlparser does not know: our own and DuckDB's.
fn custom(name: &str) -> Result<DataType, ExpressionError> {
    Ok(match name.to_lowercase().as_str() {
        "uinteger" | "uint" => DataType::UInt32,
        "usmallint" => DataType::UInt16,
        "utinyint" => DataType::UInt8,
        "ubigint" => DataType::UInt64,
        "long" => DataType::Int64,
        "string" => DataType::String,
        "duration" => DataType::Duration,
        "timestamptz" => DataType::Datetime(Some("UTC".to_owned())),
        other => return Err(unknown(other)),
    })
}

fn decimal(info: &ExactNumberInfo) -> Result<DataType, ExpressionError> {
    let (precision, scale) = match info {
        ExactNumberInfo::None => (18, 3),
        ExactNumberInfo::Precision(precision) => (*precision, 0),
        ExactNumberInfo::PrecisionAndScale(precision, scale) => (*precision, *scale),
    };
    match (u8::try_from(precision), u8::try_from(scale)) {
        (Ok(precision @ 1..=38), Ok(scale)) if scale <= precision => Ok(DataType::Decimal(precision, scale)),
        _ => Err(ExpressionError::new(format!("there is no decimal({precision}, {scale})"), Span::default())
            .help("a decimal has 1 to 38 digits, at most all of them after the mark")),
    }
}

fn unknown(name: &str) -> ExpressionError {
    const NAMES: [&str; 18] = [
        "boolean",
        "tinyint",
        "smallint",
        "integer",
        "int",
        "bigint",
        "uinteger",
        "ubigint",
        "real",
        "float",
        "double",
        "decimal",
        "varchar",
        "text",
        "date",
        "time",
        "timestamp",
        "timestamptz",
    ];
    let error = ExpressionError::new(format!("unknown type `{name}`"), Span::default());
    match nearest(name, NAMES) {
        Some(near) if near != name => error.label(format!("did you mean `{near}`?")),
        _ => error.help(format!("the types are {}", NAMES.join(", "))),
    }
}
