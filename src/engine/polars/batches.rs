//! Polars' columns as arrow-rs record batches and back, through the Arrow C data interface, without copying values.
//!
//! Both libraries implement the same two C structs (<https://arrow.apache.org/docs/format/CDataInterface.html>); a value of
//! one library's struct is moved into the other's. This is the one file of the engine with `unsafe` code.
#![allow(unsafe_code, reason = "ownership of arrays moves between two implementations of one C interface")]

use arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeListArray, LargeListArray, NullArray, RecordBatch, RecordBatchOptions,
    make_array,
};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{Field, SchemaRef};
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use polars::prelude as pl;

use super::data_type::polars_type;
use crate::diagnostic::Class;
use crate::engine::{EngineError, arrow_schema};
use crate::expression::Schema;

/// The frame as record batches of exactly that schema, one for each of its chunks.
///
/// Errors: a column is missing, or a value does not fit the column's type.
pub(super) fn record_batches(mut frame: pl::DataFrame, schema: &SchemaRef) -> Result<Vec<RecordBatch>, EngineError> {
    frame.align_chunks();
    let mut columns = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        let column = frame
            .column(field.name())
            .map_err(|_| EngineError::new(Class::Stage, format!("the engine lost column `{}`", field.name())))?;
        columns.push((column.as_materialized_series(), field));
    }
    let chunks = columns.first().map_or(1, |(series, _)| series.n_chunks());
    let mut batches = Vec::with_capacity(chunks);
    for chunk in 0..chunks {
        let mut arrays = Vec::with_capacity(columns.len());
        for (series, field) in &columns {
            arrays.push(cast(export(series, chunk)?, field)?);
        }
        let rows = arrays.first().map_or(frame.height(), |array| array.len());
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        batches.push(RecordBatch::try_new_with_options(schema.clone(), arrays, &options).map_err(|e| internal(&e))?);
    }
    Ok(batches)
}

fn export(series: &pl::Series, chunk: usize) -> Result<ArrayRef, EngineError> {
    let level = pl::CompatLevel::newest();
    if series.dtype().is_null() {
        // Polars gives an array of nulls a buffer, which the interface does not allow.
        let rows = series.chunks().get(chunk).map_or(0, |chunk| chunk.len());
        return Ok(std::sync::Arc::new(NullArray::new(rows)));
    }
    let (storable, holds_nulls) = storable(series.dtype());
    if holds_nulls {
        let wanted = series.dtype().clone();
        let series = series.cast(&storable).map_err(|e| internal(&e))?;
        return Ok(with_nulls(export(&series, chunk)?, &wanted));
    }
    let schema = polars_arrow::ffi::export_field_to_c(&series.dtype().to_arrow_field(series.name().clone(), level));
    let array = polars_arrow::ffi::export_array_to_c(series.to_arrow(chunk, level));
    // SAFETY: both types are `repr(C)` and have the fields of `struct ArrowArray` in the order of the specification, so a
    // bitwise move is a move of the C struct; `transmute` refuses types of different sizes. The source is consumed, so its
    // `release` callback runs once, when the target is dropped.
    let array: FFI_ArrowArray = unsafe { std::mem::transmute(array) };
    // SAFETY: as above, for `struct ArrowSchema`.
    let schema: FFI_ArrowSchema = unsafe { std::mem::transmute(schema) };
    // SAFETY: the structs were just made by a library that implements the interface, and nothing else holds them.
    let data = unsafe { arrow::ffi::from_ffi(array, &schema) }.map_err(|e| internal(&e))?;
    Ok(make_array(data))
}

/// The type with booleans in place of untyped nulls within lists, and whether there were any.
fn storable(data_type: &pl::DataType) -> (pl::DataType, bool) {
    match data_type {
        pl::DataType::Null => (pl::DataType::Boolean, true),
        pl::DataType::List(element) => {
            let (element, changed) = storable(element);
            (pl::DataType::List(Box::new(element)), changed)
        }
        pl::DataType::Array(element, size) => {
            let (element, changed) = storable(element);
            (pl::DataType::Array(Box::new(element), *size), changed)
        }
        other => (other.clone(), false),
    }
}

/// The inverse of [`storable`]: what is null in the wanted type becomes an array of nulls.
fn with_nulls(array: ArrayRef, wanted: &pl::DataType) -> ArrayRef {
    let item = |elements: &ArrayRef| std::sync::Arc::new(Field::new("item", elements.data_type().clone(), true));
    match wanted {
        pl::DataType::Null => return std::sync::Arc::new(NullArray::new(array.len())),
        pl::DataType::List(element) => {
            if let Some(list) = array.as_list_opt::<i64>() {
                let elements = with_nulls(list.values().clone(), element);
                let (offsets, nulls) = (list.offsets().clone(), list.nulls().cloned());
                return std::sync::Arc::new(LargeListArray::new(item(&elements), offsets, elements, nulls));
            }
        }
        pl::DataType::Array(element, _) => {
            if let Some(list) = array.as_fixed_size_list_opt() {
                let elements = with_nulls(list.values().clone(), element);
                let (size, nulls) = (list.value_length(), list.nulls().cloned());
                return std::sync::Arc::new(FixedSizeListArray::new(item(&elements), size, elements, nulls));
            }
        }
        _ => {}
    }
    array
}

/// The table as one frame of exactly that schema.
///
/// Errors: a batch lacks a column, or a value does not fit the column's type.
pub(super) fn data_frame(schema: &Schema, batches: &[RecordBatch]) -> Result<pl::DataFrame, EngineError> {
    let arrow = arrow_schema(schema);
    let rows = batches.iter().map(RecordBatch::num_rows).sum();
    let mut columns = Vec::with_capacity(schema.len());
    for (field, ours) in arrow.fields().iter().zip(schema.fields()) {
        let mut chunks = Vec::with_capacity(batches.len());
        for batch in batches {
            let array = batch.column_by_name(&ours.name).ok_or_else(|| {
                EngineError::new(Class::Stage, format!("a batch of the table has no column `{}`", ours.name))
            })?;
            chunks.push(import(&cast(array.clone(), field)?)?);
        }
        let series = if chunks.is_empty() {
            pl::Series::new_empty(ours.name.as_str().into(), &polars_type(&ours.data_type))
        } else {
            let series = pl::Series::from_arrow_chunks(ours.name.as_str().into(), chunks).map_err(|e| internal(&e))?;
            series.strict_cast(&polars_type(&ours.data_type)).map_err(|e| internal(&e))?
        };
        columns.push(pl::Column::from(series));
    }
    pl::DataFrame::new(rows, columns).map_err(|e| internal(&e))
}

fn import(array: &ArrayRef) -> Result<Box<dyn polars_arrow::array::Array>, EngineError> {
    let (array, schema) = arrow::ffi::to_ffi(&array.to_data()).map_err(|e| internal(&e))?;
    // SAFETY: the same move as in `export`, in the other direction.
    let array: polars_arrow::ffi::ArrowArray = unsafe { std::mem::transmute(array) };
    // SAFETY: as above, for `struct ArrowSchema`.
    let schema: polars_arrow::ffi::ArrowSchema = unsafe { std::mem::transmute(schema) };
    // SAFETY: the struct was just made by a library that implements the interface.
    let field = unsafe { polars_arrow::ffi::import_field_from_c(&schema) }.map_err(|e| internal(&e))?;
    // SAFETY: array and type belong together, and nothing else holds the array.
    unsafe { polars_arrow::ffi::import_array_from_c(array, field.dtype) }.map_err(|e| internal(&e))
}

/// The array in the type of the field; a value that does not fit is an error.
fn cast(array: ArrayRef, field: &arrow::datatypes::Field) -> Result<ArrayRef, EngineError> {
    if array.data_type() == field.data_type() {
        return Ok(array);
    }
    let options = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(&array, field.data_type(), &options)
        .map_err(|error| EngineError::new(Class::Data, format!("column `{}`: {error}", field.name())))
}

fn internal(error: &dyn std::fmt::Display) -> EngineError {
    EngineError::new(Class::Stage, format!("cannot hand over a column: {error}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        ArrayRef, Decimal128Array, Int64Array, LargeListArray, RecordBatch, StringViewArray, UInt8Array,
    };
    use arrow::datatypes::Int64Type;

    use super::*;
    use crate::expression::{DataType, Field};

    fn table() -> (Schema, RecordBatch) {
        let schema = Schema::new(vec![
            Field::new("n", DataType::Int64),
            Field::new("s", DataType::String),
            Field::new("d", DataType::Decimal(10, 2)),
            Field::new("l", DataType::List(Box::new(DataType::Int64))),
            Field::new("a", DataType::Array(Box::new(DataType::UInt8), 2)),
        ])
        .unwrap();
        let lists =
            LargeListArray::from_iter_primitive::<Int64Type, _, _>([Some(vec![Some(1), None]), None, Some(vec![])]);
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from(vec![Some(1), None, Some(3)])),
            Arc::new(StringViewArray::from(vec![Some("a"), Some("a text of more than twelve bytes"), None])),
            Arc::new(Decimal128Array::from(vec![Some(125), None, Some(-1)]).with_precision_and_scale(10, 2).unwrap()),
            Arc::new(lists),
            Arc::new(FixedSizeListArray::new(
                Arc::new(arrow::datatypes::Field::new("item", arrow::datatypes::DataType::UInt8, true)),
                2,
                Arc::new(UInt8Array::from(vec![Some(1), None, None, None, Some(5), Some(6)])),
                Some(vec![true, false, true].into()),
            )),
        ];
        let batch = RecordBatch::try_new(arrow_schema(&schema), columns).unwrap();
        (schema, batch)
    }

    #[test]
    fn a_table_survives_the_way_to_polars_and_back() {
        let (schema, batch) = table();
        let frame = data_frame(&schema, &[batch.clone(), batch.clone()]).unwrap();
        assert_eq!(frame.shape(), (6, 5));
        let back = record_batches(frame, &arrow_schema(&schema)).unwrap();
        assert_eq!(back, vec![batch.clone(), batch]);
    }

    #[test]
    fn a_slice_of_a_frame_crosses_as_a_slice() {
        let (schema, batch) = table();
        let frame = data_frame(&schema, std::slice::from_ref(&batch)).unwrap().slice(1, 2);
        let back = record_batches(frame, &arrow_schema(&schema)).unwrap();
        assert_eq!(back, vec![batch.slice(1, 2)]);
    }

    #[test]
    fn a_table_without_batches_keeps_its_columns() {
        let (schema, _) = table();
        let frame = data_frame(&schema, &[]).unwrap();
        assert_eq!(frame.shape(), (0, 5));
        assert_eq!(record_batches(frame, &arrow_schema(&schema)).unwrap()[0].num_rows(), 0);
    }

    #[test]
    fn types_of_the_engine_are_cast_to_those_of_the_schema() {
        let frame = pl::DataFrame::new(2, vec![pl::Column::new("n".into(), [7_u32, 8])]).unwrap();
        let schema = Schema::new(vec![Field::new("n", DataType::Int64)]).unwrap();
        let batches = record_batches(frame, &arrow_schema(&schema)).unwrap();
        assert_eq!(batches[0].column(0).as_ref(), &Int64Array::from(vec![7, 8]) as &dyn arrow::array::Array);
    }

    #[test]
    fn a_column_of_nulls_has_the_type_null() {
        let frame =
            pl::DataFrame::new(2, vec![pl::Series::full_null("n".into(), 2, &pl::DataType::Null).into()]).unwrap();
        let schema = Schema::new(vec![Field::new("n", DataType::Null)]).unwrap();
        let batches = record_batches(frame, &arrow_schema(&schema)).unwrap();
        assert_eq!(batches[0].column(0).len(), 2);
    }

    #[test]
    fn a_value_that_does_not_fit_is_an_error() {
        let frame = pl::DataFrame::new(1, vec![pl::Column::new("n".into(), [u64::MAX])]).unwrap();
        let schema = Schema::new(vec![Field::new("n", DataType::Int64)]).unwrap();
        assert_eq!(record_batches(frame, &arrow_schema(&schema)).unwrap_err().class, Class::Data);
    }
}
