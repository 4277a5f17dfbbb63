//! Values of record batches as algorithms and people want them: numbers, texts, one value to show.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringViewArray};
use arrow::datatypes::{DataType, FieldRef, Float64Type, Int64Type, TimeUnit};
use arrow::util::display::{ArrayFormatter, FormatOptions};

use crate::expression::Literal;

/// One value as a person reads it; none for null.
pub fn display(array: &ArrayRef, row: usize) -> Option<String> {
    if row >= array.len() || array.is_null(row) {
        return None;
    }
    let value = with_written_zones(&array.slice(row, 1));
    let options = FormatOptions::default().with_display_error(true);
    ArrayFormatter::try_new(&value, &options).ok().map(|formatter| formatter.value(0).to_string())
}

/// A column of numbers or booleans as float64; null and everything else as NaN.
pub fn floats(array: &ArrayRef) -> Vec<f64> {
    let Ok(cast) = arrow::compute::cast(array, &DataType::Float64) else { return vec![f64::NAN; array.len()] };
    let cast = cast.as_primitive::<Float64Type>();
    cast.iter().map(|value| value.unwrap_or(f64::NAN)).collect()
}

/// A column as texts, as a person reads them; null as none.
pub fn texts(array: &ArrayRef) -> Vec<Option<String>> {
    if let Some(strings) = array.as_string_view_opt() {
        return strings.iter().map(|text| text.map(str::to_owned)).collect();
    }
    let array = &with_written_zones(array);
    let options = FormatOptions::default().with_display_error(true);
    let Ok(formatter) = ArrayFormatter::try_new(array, &options) else { return vec![None; array.len()] };
    (0..array.len()).map(|row| array.is_valid(row).then(|| formatter.value(row).to_string())).collect()
}

/// The array in a form that Arrow can write. It knows no names of time zones: instants become their texts on the clocks of their
/// zone, with its offset from UTC; those inside of lists and structures are told in UTC. Others stay as they are.
fn with_written_zones(array: &ArrayRef) -> ArrayRef {
    if let DataType::Timestamp(_, Some(zone)) = array.data_type()
        && let Some(texts) = zoned_texts(array, zone)
    {
        return texts;
    }
    let written = in_utc(array.data_type());
    if written == *array.data_type() {
        return ArrayRef::clone(array);
    }
    arrow::compute::cast(array, &written).unwrap_or_else(|_| ArrayRef::clone(array))
}

/// An instant, in microseconds since 1970, on the clocks of a zone; none of a zone that is not known, or beyond the calendar.
pub fn zoned(micros: i64, zone: &str) -> Option<jiff::Zoned> {
    jiff::Timestamp::from_microsecond(micros).ok()?.in_tz(zone).ok()
}

/// `2024-03-31T03:00:00+02:00`; none of a zone that is not known.
fn zoned_texts(array: &ArrayRef, zone: &str) -> Option<ArrayRef> {
    let micros = DataType::Timestamp(TimeUnit::Microsecond, None);
    let instants =
        arrow::compute::cast(array, &micros).and_then(|at| arrow::compute::cast(&at, &DataType::Int64)).ok()?;
    let instants = instants.as_primitive_opt::<Int64Type>()?;
    let texts: StringViewArray = instants
        .iter()
        .map(|micros| {
            let time = zoned(micros?, zone)?;
            Some(time.strftime("%Y-%m-%dT%H:%M:%S%.f%:z").to_string())
        })
        .collect();
    // An unknown zone makes no nulls.
    (texts.null_count() == array.null_count()).then(|| Arc::new(texts) as ArrayRef)
}

/// The type with instants in UTC wherever it has some in a zone.
fn in_utc(kind: &DataType) -> DataType {
    let of = |field: &FieldRef| Arc::new(field.as_ref().clone().with_data_type(in_utc(field.data_type())));
    match kind {
        DataType::Timestamp(unit, Some(_)) => DataType::Timestamp(*unit, Some("+00:00".into())),
        DataType::List(item) => DataType::List(of(item)),
        DataType::LargeList(item) => DataType::LargeList(of(item)),
        DataType::FixedSizeList(item, size) => DataType::FixedSizeList(of(item), *size),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(of).collect()),
        other => other.clone(),
    }
}

/// One value as a constant; null for types that have no constants.
pub fn literal(array: &ArrayRef, row: usize) -> Literal {
    if row >= array.len() || array.is_null(row) {
        return Literal::Null;
    }
    let value = array.slice(row, 1);
    let integer = || {
        let cast = arrow::compute::cast(&value, &DataType::Int64).ok()?;
        cast.as_primitive_opt::<Int64Type>().and_then(|cast| cast.iter().next().flatten())
    };
    let found = match array.data_type() {
        DataType::Boolean => {
            value.as_boolean_opt().and_then(|value| value.iter().next().flatten()).map(Literal::Boolean)
        }
        DataType::Utf8View => value
            .as_string_view_opt()
            .and_then(|value| value.iter().next().flatten())
            .map(|text| Literal::String(text.to_owned())),
        DataType::Date32 => integer().and_then(|days| i32::try_from(days).ok()).map(Literal::Date),
        DataType::Time64(_) => integer().map(Literal::Time),
        DataType::Timestamp(..) => integer().map(Literal::Datetime),
        DataType::Duration(_) => integer().map(Literal::Duration),
        kind if kind.is_integer() => integer().map(Literal::Integer),
        kind if kind.is_floating() || matches!(kind, DataType::Decimal128(..)) => {
            floats(&value).first().copied().map(Literal::Float)
        }
        _ => None,
    };
    found.unwrap_or(Literal::Null)
}

/// The column of that name.
pub fn column<'a>(batch: &'a RecordBatch, name: &str) -> Option<&'a ArrayRef> {
    batch.column_by_name(name)
}

/// A constant as a person reads it.
pub fn literal_text(literal: &Literal) -> String {
    let date = |days: i64| {
        jiff::civil::date(1970, 1, 1).checked_add(jiff::Span::new().days(days)).map(|date| date.to_string())
    };
    let datetime = |micros: i64| {
        let timestamp = jiff::Timestamp::from_microsecond(micros).ok()?;
        Some(timestamp.strftime("%Y-%m-%d %H:%M:%S").to_string())
    };
    match literal {
        Literal::Null => "null".to_owned(),
        Literal::Boolean(value) => value.to_string(),
        Literal::Integer(value) => value.to_string(),
        Literal::Float(value) => value.to_string(),
        Literal::String(text) => text.clone(),
        Literal::Date(days) => date(i64::from(*days)).unwrap_or_else(|_| format!("day {days}")),
        Literal::Datetime(micros) => datetime(*micros).unwrap_or_else(|| format!("{micros} µs")),
        Literal::Time(nanos) => format!("{} ns after midnight", nanos),
        Literal::Duration(micros) => format!("{micros} µs"),
        Literal::Interval { months, days, microseconds } => format!("{months} months {days} days {microseconds} µs"),
    }
}

/// Writes a small table that a stage made as Parquet.
///
/// Errors: the file cannot be written.
pub fn write_parquet(path: &std::path::Path, batch: &RecordBatch) -> Result<(), crate::diagnostic::Diagnostic> {
    write_parquet_parts(path, std::iter::once(Ok(batch.clone())))
}

/// Writes a table that a stage makes part by part as Parquet; there is at least one part, and all have the same columns.
///
/// Errors: a part cannot be made, or the file cannot be written.
pub fn write_parquet_parts(
    path: &std::path::Path,
    mut parts: impl Iterator<Item = Result<RecordBatch, crate::diagnostic::Diagnostic>>,
) -> Result<(), crate::diagnostic::Diagnostic> {
    use crate::diagnostic::{Class, Diagnostic};
    let failed = |error: &dyn std::fmt::Display| {
        Diagnostic::error(Class::Output, format!("cannot write `{}`: {error}", path.display()))
    };
    let first = parts.next().unwrap_or_else(|| Err(failed(&"there are no rows")))?;
    let file = std::fs::File::create(path).map_err(|error| failed(&error))?;
    let mut writer =
        parquet::arrow::ArrowWriter::try_new(file, first.schema(), None).map_err(|error| failed(&error))?;
    writer.write(&first).map_err(|error| failed(&error))?;
    for part in parts {
        writer.flush().map_err(|error| failed(&error))?;
        writer.write(&part?).map_err(|error| failed(&error))?;
    }
    writer.close().map_err(|error| failed(&error))?;
    Ok(())
}

/// Reads a small table that a stage made as Parquet.
///
/// Errors: the file cannot be read.
pub fn read_parquet(path: &std::path::Path) -> Result<Vec<RecordBatch>, crate::diagnostic::Diagnostic> {
    use crate::diagnostic::{Class, Diagnostic};
    let failed = |error: &dyn std::fmt::Display| {
        Diagnostic::error(Class::Stage, format!("cannot read `{}`: {error}", path.display()))
    };
    let file = std::fs::File::open(path).map_err(|error| failed(&error))?;
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(|builder| builder.build())
        .map_err(|error| failed(&error))?;
    reader.map(|batch| batch.map_err(|error| failed(&error))).collect()
}

/// A column of a small table that a stage makes.
#[derive(Debug, Clone)]
pub enum Values {
    /// Texts.
    Texts(Vec<Option<String>>),
    /// Whole numbers.
    Integers(Vec<Option<i64>>),
    /// Numbers; those that are not finite become null.
    Floats(Vec<Option<f64>>),
    /// Lists of texts.
    Lists(Vec<Vec<String>>),
    /// True or false.
    Booleans(Vec<Option<bool>>),
}

impl Values {
    /// The type of the column.
    pub fn data_type(&self) -> crate::expression::DataType {
        use crate::expression::DataType as T;
        match self {
            Self::Texts(_) => T::String,
            Self::Integers(_) => T::Int64,
            Self::Floats(_) => T::Float64,
            Self::Lists(_) => T::List(Box::new(T::String)),
            Self::Booleans(_) => T::Boolean,
        }
    }

    fn array(self) -> ArrayRef {
        use arrow::array::{Float64Array, Int64Array, LargeListBuilder, StringViewBuilder};
        match self {
            Self::Texts(values) => Arc::new(values.into_iter().collect::<StringViewArray>()),
            Self::Booleans(values) => Arc::new(arrow::array::BooleanArray::from(values)),
            Self::Integers(values) => Arc::new(Int64Array::from(values)),
            Self::Floats(values) => Arc::new(
                values.into_iter().map(|value| value.filter(|value| value.is_finite())).collect::<Float64Array>(),
            ),
            Self::Lists(lists) => {
                let mut builder = LargeListBuilder::new(StringViewBuilder::new());
                for list in lists {
                    list.iter().for_each(|text| builder.values().append_value(text));
                    builder.append(true);
                }
                Arc::new(builder.finish())
            }
        }
    }
}

/// A small table of named columns of equal length.
///
/// Errors: the lengths differ.
pub fn table(columns: Vec<(&str, Values)>) -> Result<RecordBatch, crate::diagnostic::Diagnostic> {
    let arrays = columns.into_iter().map(|(name, values)| (name.to_owned(), values.array(), true));
    RecordBatch::try_from_iter_with_nullable(arrays)
        .map_err(|error| crate::diagnostic::Diagnostic::error(crate::diagnostic::Class::Stage, error.to_string()))
}
