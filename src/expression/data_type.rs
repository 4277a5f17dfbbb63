//! The types of columns and expressions.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The type of a column or of an expression.
///
/// Datetimes count microseconds. A datetime without a zone is a wall clock; one with a zone is an instant shown in that zone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataType {
    /// The type of a bare `null`; it becomes any other type.
    Null,
    /// True or false.
    Boolean,
    /// Signed integer of 8 bits.
    Int8,
    /// Signed integer of 16 bits.
    Int16,
    /// Signed integer of 32 bits.
    Int32,
    /// Signed integer of 64 bits: the type of integer literals and of integer arithmetic.
    Int64,
    /// Unsigned integer of 8 bits.
    UInt8,
    /// Unsigned integer of 16 bits.
    UInt16,
    /// Unsigned integer of 32 bits.
    UInt32,
    /// Unsigned integer of 64 bits.
    UInt64,
    /// IEEE 754 number of 32 bits.
    Float32,
    /// IEEE 754 number of 64 bits: the type of decimal literals and of division.
    Float64,
    /// Exact decimal number: (digits in all, digits after the mark).
    Decimal(u8, u8),
    /// Unicode text.
    String,
    /// Bytes.
    Binary,
    /// A day of the proleptic Gregorian calendar.
    Date,
    /// Time of the day in nanoseconds.
    Time,
    /// A wall clock (`None`) or an instant shown in an IANA zone (`Some("UTC")`), in microseconds.
    Datetime(Option<String>),
    /// Length of time in microseconds, the difference of two datetimes.
    Duration,
    /// Calendar interval (months, days, microseconds); exists as a literal only.
    Interval,
    /// Lists of one type of element.
    List(Box<DataType>),
    /// Lists that all have the same number of elements: pictures, spectra, embeddings. Functions of lists take them as lists.
    Array(Box<DataType>, u32),
    /// Named fields.
    Struct(Vec<Field>),
}

impl DataType {
    /// An integer of any width.
    pub fn is_integer(&self) -> bool {
        self.is_signed_integer() || self.is_unsigned_integer()
    }

    /// A signed integer of any width.
    pub fn is_signed_integer(&self) -> bool {
        matches!(self, Self::Int8 | Self::Int16 | Self::Int32 | Self::Int64)
    }

    /// An unsigned integer of any width.
    pub fn is_unsigned_integer(&self) -> bool {
        matches!(self, Self::UInt8 | Self::UInt16 | Self::UInt32 | Self::UInt64)
    }

    /// A binary floating-point number.
    pub fn is_float(&self) -> bool {
        matches!(self, Self::Float32 | Self::Float64)
    }

    /// An integer, a float or a decimal.
    pub fn is_numeric(&self) -> bool {
        self.is_integer() || self.is_float() || matches!(self, Self::Decimal(..))
    }

    /// A date, a time, a datetime or a duration.
    pub fn is_temporal(&self) -> bool {
        matches!(self, Self::Date | Self::Time | Self::Datetime(_) | Self::Duration)
    }

    /// The type of the elements of a list, of any or of a fixed length.
    pub fn element(&self) -> Option<&Self> {
        match self {
            Self::List(element) | Self::Array(element, _) => Some(element),
            _ => None,
        }
    }

    /// A list, of any or of a fixed length, or a struct.
    pub fn is_nested(&self) -> bool {
        matches!(self, Self::List(_) | Self::Array(..) | Self::Struct(_))
    }

    /// What the lists of one size hold in the end, lists in lists included, and how many of it; none for other types.
    pub fn array(&self) -> Option<(&DataType, u64)> {
        let Self::Array(element, size) = self else { return None };
        let (element, inner) = element.array().unwrap_or((element, 1));
        Some((element, inner.saturating_mul(u64::from(*size))))
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Boolean => f.write_str("boolean"),
            Self::Int8 => f.write_str("int8"),
            Self::Int16 => f.write_str("int16"),
            Self::Int32 => f.write_str("int32"),
            Self::Int64 => f.write_str("int64"),
            Self::UInt8 => f.write_str("uint8"),
            Self::UInt16 => f.write_str("uint16"),
            Self::UInt32 => f.write_str("uint32"),
            Self::UInt64 => f.write_str("uint64"),
            Self::Float32 => f.write_str("float32"),
            Self::Float64 => f.write_str("float64"),
            Self::Decimal(precision, scale) => write!(f, "decimal({precision}, {scale})"),
            Self::String => f.write_str("string"),
            Self::Binary => f.write_str("binary"),
            Self::Date => f.write_str("date"),
            Self::Time => f.write_str("time"),
            Self::Datetime(None) => f.write_str("datetime"),
            Self::Datetime(Some(zone)) => write!(f, "datetime({zone})"),
            Self::Duration => f.write_str("duration"),
            Self::Interval => f.write_str("interval"),
            Self::List(element) => write!(f, "list({element})"),
            Self::Array(element, size) => write!(f, "array({element}, {size})"),
            Self::Struct(fields) => {
                f.write_str("struct(")?;
                for (i, field) in fields.iter().enumerate() {
                    let comma = if i == 0 { "" } else { ", " };
                    write!(f, "{comma}{} {}", field.name, field.data_type)?;
                }
                f.write_str(")")
            }
        }
    }
}

/// A named column or struct field. Every column may hold nulls.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Field {
    /// Its name; case matters.
    pub name: String,
    /// Its type.
    pub data_type: DataType,
}

impl Field {
    /// A field of that name and type.
    pub fn new(name: impl Into<String>, data_type: DataType) -> Self {
        Self { name: name.into(), data_type }
    }
}
