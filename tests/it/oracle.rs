//! What the comparisons with DuckDB have in common: the tables of the cases, and rows in the form in which they are stored.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Float64Builder,
    Int8Array, Int16Array, Int32Array, Int64Array, Int64Builder, LargeListBuilder, RecordBatch, StringViewArray,
    StringViewBuilder, Time64NanosecondArray, TimestampMicrosecondArray, UInt8Array, UInt16Array, UInt32Array,
    UInt64Array,
};
use arrow::datatypes as arrow_types;
use gristmill::engine::arrow_schema;
use gristmill::engine::polars::{PolarsEngine, PolarsOptions};
use gristmill::expression::{DataType, Field, Schema};
use gristmill::relation::{Scan, ScanSource};
use serde_json::{Value, json};

/// The folder of that name under `tests/cases`.
pub(crate) fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(name)
}

/// A JSON file under `tests/cases`.
pub(crate) fn read(name: &str) -> Value {
    let path = folder(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

fn data_type(name: &str) -> DataType {
    match name {
        "boolean" => DataType::Boolean,
        "int8" => DataType::Int8,
        "int16" => DataType::Int16,
        "int32" => DataType::Int32,
        "int64" => DataType::Int64,
        "uint8" => DataType::UInt8,
        "uint16" => DataType::UInt16,
        "uint32" => DataType::UInt32,
        "uint64" => DataType::UInt64,
        "float32" => DataType::Float32,
        "float64" => DataType::Float64,
        "string" => DataType::String,
        "date" => DataType::Date,
        "time" => DataType::Time,
        "datetime" => DataType::Datetime(None),
        "datetime(UTC)" => DataType::Datetime(Some("UTC".to_owned())),
        "list(int64)" => DataType::List(Box::new(DataType::Int64)),
        "list(float64)" => DataType::List(Box::new(DataType::Float64)),
        "list(string)" => DataType::List(Box::new(DataType::String)),
        "decimal(10, 2)" => DataType::Decimal(10, 2),
        other => panic!("unknown type {other}"),
    }
}

fn float(value: &Value) -> Option<f64> {
    match value {
        Value::String(text) => Some(text.parse().unwrap()),
        other => other.as_f64(),
    }
}

fn day(text: &str) -> i32 {
    let date: jiff::civil::Date = text.parse().unwrap();
    jiff::civil::date(1970, 1, 1).until(date).unwrap().get_days()
}

fn microseconds(text: &str) -> i64 {
    let clock: jiff::civil::DateTime = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
    clock.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp().as_microsecond()
}

fn nanoseconds_of_day(text: &str) -> i64 {
    let time: jiff::civil::Time = text.parse().unwrap();
    i64::try_from(jiff::civil::Time::midnight().duration_until(time).as_nanos()).unwrap()
}

/// A decimal with two digits after the mark as a whole number.
fn cents(text: &str) -> i128 {
    text.replace('.', "").parse().unwrap()
}

fn array(data_type: &DataType, values: &[&Value]) -> ArrayRef {
    let integers = || values.iter().map(|value| value.as_i64());
    let texts = || values.iter().map(|value| value.as_str());
    match data_type {
        DataType::Boolean => Arc::new(values.iter().map(|value| value.as_bool()).collect::<BooleanArray>()),
        DataType::Int8 => Arc::new(integers().map(|v| v.map(|v| v as i8)).collect::<Int8Array>()),
        DataType::Int16 => Arc::new(integers().map(|v| v.map(|v| v as i16)).collect::<Int16Array>()),
        DataType::Int32 => Arc::new(integers().map(|v| v.map(|v| v as i32)).collect::<Int32Array>()),
        DataType::Int64 => Arc::new(integers().collect::<Int64Array>()),
        DataType::UInt8 => Arc::new(integers().map(|v| v.map(|v| v as u8)).collect::<UInt8Array>()),
        DataType::UInt16 => Arc::new(integers().map(|v| v.map(|v| v as u16)).collect::<UInt16Array>()),
        DataType::UInt32 => Arc::new(integers().map(|v| v.map(|v| v as u32)).collect::<UInt32Array>()),
        DataType::UInt64 => Arc::new(values.iter().map(|value| value.as_u64()).collect::<UInt64Array>()),
        DataType::Float32 => Arc::new(values.iter().map(|v| float(v).map(|v| v as f32)).collect::<Float32Array>()),
        DataType::Float64 => Arc::new(values.iter().map(|value| float(value)).collect::<Float64Array>()),
        DataType::Decimal(precision, scale) => Arc::new(
            texts()
                .map(|text| text.map(cents))
                .collect::<Decimal128Array>()
                .with_precision_and_scale(*precision, *scale as i8)
                .unwrap(),
        ),
        DataType::String => Arc::new(texts().collect::<StringViewArray>()),
        DataType::Date => Arc::new(texts().map(|text| text.map(day)).collect::<Date32Array>()),
        DataType::Time => Arc::new(texts().map(|text| text.map(nanoseconds_of_day)).collect::<Time64NanosecondArray>()),
        DataType::Datetime(zone) => {
            let clocks: TimestampMicrosecondArray = texts().map(|text| text.map(microseconds)).collect();
            Arc::new(clocks.with_timezone_opt(zone.clone()))
        }
        DataType::List(element) => lists(element, values),
        other => panic!("no column of type {other}"),
    }
}

fn lists(element: &DataType, values: &[&Value]) -> ArrayRef {
    match element {
        DataType::Int64 => {
            let mut builder = LargeListBuilder::new(Int64Builder::new());
            for value in values {
                let list = value.as_array();
                list.into_iter().flatten().for_each(|v| builder.values().append_option(v.as_i64()));
                builder.append(list.is_some());
            }
            Arc::new(builder.finish())
        }
        DataType::Float64 => {
            let mut builder = LargeListBuilder::new(Float64Builder::new());
            for value in values {
                let list = value.as_array();
                list.into_iter().flatten().for_each(|v| builder.values().append_option(float(v)));
                builder.append(list.is_some());
            }
            Arc::new(builder.finish())
        }
        _ => {
            let mut builder = LargeListBuilder::new(StringViewBuilder::new());
            for value in values {
                let list = value.as_array();
                list.into_iter().flatten().for_each(|v| builder.values().append_option(v.as_str()));
                builder.append(list.is_some());
            }
            Arc::new(builder.finish())
        }
    }
}

/// The tables of the cases: their schemas, and once pinned their rows.
pub(crate) struct Tables {
    pub(crate) engine: PolarsEngine,
    pub(crate) scans: BTreeMap<String, Scan>,
}

impl Tables {
    pub(crate) fn new() -> Tables {
        let engine = PolarsEngine::new(PolarsOptions::default());
        let tables = read("expressions/tables.json");
        let scans = tables
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, table)| {
                let columns = table["columns"].as_array().unwrap();
                let fields = columns
                    .iter()
                    .map(|column| {
                        Field::new(column["name"].as_str().unwrap(), data_type(column["type"].as_str().unwrap()))
                    })
                    .collect();
                let schema = Schema::new(fields).unwrap();
                let rows = table["rows"].as_array().unwrap();
                let arrays = schema
                    .fields()
                    .iter()
                    .enumerate()
                    .map(|(i, field)| array(&field.data_type, &rows.iter().map(|row| &row[i]).collect::<Vec<_>>()))
                    .collect();
                let batch = RecordBatch::try_new(arrow_schema(&schema), arrays).unwrap();
                let pinned = engine.table_from_batches(&schema, &[batch]).unwrap();
                (name.clone(), Scan { source: ScanSource::Pinned(pinned.id), schema })
            })
            .collect();
        Tables { engine, scans }
    }
}

/// The rows of all batches, and DuckDB's names of the types of their columns.
pub(crate) fn rows_and_types(batches: &[RecordBatch]) -> (Vec<Vec<Value>>, Vec<String>) {
    let mut rows: Vec<Vec<Value>> = Vec::new();
    let mut types = Vec::new();
    for batch in batches {
        let columns: Vec<Vec<Value>> = batch.columns().iter().map(|column| values(column.as_ref())).collect();
        rows.extend((0..batch.num_rows()).map(|row| columns.iter().map(|column| column[row].clone()).collect()));
        types = batch.columns().iter().map(|column| duckdb_type(column.data_type())).collect();
    }
    (rows, types)
}

/// The values of a column in the form in which the oracle stores them.
fn values(array: &dyn Array) -> Vec<Value> {
    use arrow_types::DataType as A;
    let stamp = |row: usize, value: i64| if array.is_null(row) { Value::Null } else { json!(value) };
    macro_rules! numbers {
        ($type:ty) => {
            array.as_primitive::<$type>().iter().map(|value| json!(value)).collect()
        };
    }
    match array.data_type() {
        A::Null => vec![Value::Null; array.len()],
        A::Boolean => array.as_boolean().iter().map(|value| json!(value)).collect(),
        A::Int8 => numbers!(arrow_types::Int8Type),
        A::Int16 => numbers!(arrow_types::Int16Type),
        A::Int32 => numbers!(arrow_types::Int32Type),
        A::Int64 => numbers!(arrow_types::Int64Type),
        A::UInt8 => numbers!(arrow_types::UInt8Type),
        A::UInt16 => numbers!(arrow_types::UInt16Type),
        A::UInt32 => numbers!(arrow_types::UInt32Type),
        A::UInt64 => numbers!(arrow_types::UInt64Type),
        A::Float32 => array
            .as_primitive::<arrow_types::Float32Type>()
            .iter()
            .map(|value| value.map_or(Value::Null, |value| json!(f64::from(value).to_string())))
            .collect(),
        A::Float64 => array
            .as_primitive::<arrow_types::Float64Type>()
            .iter()
            .map(|value| value.map_or(Value::Null, |value| json!(value.to_string())))
            .collect(),
        A::Decimal128(_, scale) => {
            let digits = usize::try_from(*scale).unwrap();
            array
                .as_primitive::<arrow_types::Decimal128Type>()
                .iter()
                .map(|value| {
                    value.map_or(Value::Null, |value| {
                        let text = format!("{:0width$}", value.unsigned_abs(), width = digits + 1);
                        let (whole, fraction) = text.split_at(text.len() - digits);
                        let mark = if digits > 0 { "." } else { "" };
                        json!(format!("{}{whole}{mark}{fraction}", if value < 0 { "-" } else { "" }))
                    })
                })
                .collect()
        }
        A::Utf8View => array.as_string_view().iter().map(|value| json!(value)).collect(),
        A::Date32 => numbers!(arrow_types::Date32Type),
        A::Time64(_) => {
            let times = array.as_primitive::<arrow_types::Time64NanosecondType>();
            (0..times.len()).map(|row| stamp(row, times.value(row) / 1000)).collect()
        }
        A::Timestamp(..) => numbers!(arrow_types::TimestampMicrosecondType),
        A::Duration(_) => numbers!(arrow_types::DurationMicrosecondType),
        A::LargeList(_) => array
            .as_list::<i64>()
            .iter()
            .map(|list| list.map_or(Value::Null, |list| Value::Array(values(list.as_ref()))))
            .collect(),
        other => panic!("no values of type {other}"),
    }
}

/// DuckDB's name of a type.
fn duckdb_type(data_type: &arrow_types::DataType) -> String {
    use arrow_types::DataType as A;
    match data_type {
        A::Null => "\"NULL\"".to_owned(),
        A::Boolean => "BOOLEAN".to_owned(),
        A::Int8 => "TINYINT".to_owned(),
        A::Int16 => "SMALLINT".to_owned(),
        A::Int32 => "INTEGER".to_owned(),
        A::Int64 => "BIGINT".to_owned(),
        A::UInt8 => "UTINYINT".to_owned(),
        A::UInt16 => "USMALLINT".to_owned(),
        A::UInt32 => "UINTEGER".to_owned(),
        A::UInt64 => "UBIGINT".to_owned(),
        A::Float32 => "FLOAT".to_owned(),
        A::Float64 => "DOUBLE".to_owned(),
        A::Decimal128(precision, scale) => format!("DECIMAL({precision},{scale})"),
        A::Utf8View => "VARCHAR".to_owned(),
        A::BinaryView => "BLOB".to_owned(),
        A::Date32 => "DATE".to_owned(),
        A::Time64(_) => "TIME".to_owned(),
        A::Timestamp(_, None) => "TIMESTAMP".to_owned(),
        A::Timestamp(_, Some(_)) => "TIMESTAMP WITH TIME ZONE".to_owned(),
        A::Duration(_) => "INTERVAL".to_owned(),
        A::LargeList(field) => format!("{}[]", duckdb_type(field.data_type())),
        other => panic!("no name for {other}"),
    }
}

/// Equal, or floats that differ by at most one part in 10^9; estimates may be off by 5 % or 1.
pub(crate) fn same(found: &Value, wanted: &Value, float: bool, estimate: bool) -> bool {
    match (found, wanted) {
        (Value::Array(found), Value::Array(wanted)) => {
            found.len() == wanted.len() && found.iter().zip(wanted).all(|(f, w)| same(f, w, float, estimate))
        }
        (Value::String(found), Value::String(wanted)) if float => {
            let (found, wanted): (f64, f64) = (found.parse().unwrap(), wanted.parse().unwrap());
            found == wanted
                || found.is_nan() && wanted.is_nan()
                || (found - wanted).abs() <= 1e-9 * found.abs().max(wanted.abs())
                || (found - wanted).abs() < 1e-15
        }
        (Value::Number(found), Value::Number(wanted)) if estimate => {
            let (found, wanted) = (found.as_f64().unwrap(), wanted.as_f64().unwrap());
            (found - wanted).abs() <= (0.05 * wanted).max(1.0)
        }
        (found, wanted) => found == wanted,
    }
}
