//! One row as it is kept: what the model reads of it, what was true, and its values as a person reads them.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType as ArrowType, Int64Type, TimeUnit};

use crate::batch;
use crate::diagnostic::Diagnostic;
use crate::tensor::{Encoder, Targets};

use super::super::columns::names;
use super::{Truth, Value, failed};

/// The longest text of a value that is kept.
const LONGEST: usize = 10_000;

/// One row.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) number: u64,
    /// Of the rows of a sequence the group and the time of the last one.
    pub(super) mark: Option<String>,
    pub(super) inputs: Vec<Vec<f32>>,
    pub(super) truths: Vec<Truth>,
    pub(super) values: Vec<Value>,
}

/// The rows of a batch that have all targets; their numbers begin after `before`.
pub(super) fn label(batch: &RecordBatch, encoder: &Encoder, before: u64) -> Result<Vec<Kept>, Diagnostic> {
    if batch.num_rows() == 0 {
        return Ok(Vec::new());
    }
    let labelled = encoder.labelled(batch).map_err(|error| failed(&error))?;
    let columns = names(encoder);
    let arrays: Vec<Option<&ArrayRef>> = columns.iter().map(|name| batch.column_by_name(name)).collect();
    let numbers: Vec<Vec<f64>> = arrays.iter().map(|array| array.map(numbers).unwrap_or_default()).collect();
    let kept = labelled.rows.iter().enumerate().map(|(place, row)| Kept {
        number: before + *row as u64 + 1,
        mark: mark(batch, encoder, *row),
        inputs: labelled.encoded.inputs.iter().map(|block| block.row(place).to_vec()).collect(),
        truths: labelled.targets.iter().filter_map(|targets| truth(targets, place)).collect(),
        values: arrays
            .iter()
            .zip(&numbers)
            .map(|(array, numbers)| Value {
                text: array.and_then(|array| written(array, *row)),
                number: numbers.get(*row).copied().unwrap_or(f64::NAN),
            })
            .collect(),
    });
    Ok(kept.collect())
}

/// `S01, 2013-04-02`: whose last row it is; none where rows are no sequence.
fn mark(batch: &RecordBatch, encoder: &Encoder, row: usize) -> Option<String> {
    let spec = encoder.sequence()?.spec();
    let value = |name: &String| batch.column_by_name(name).and_then(|array| batch::display(array, row));
    let known: Vec<String> = spec.by.iter().chain([&spec.order]).filter_map(value).collect();
    Some(super::super::words::short(&known.join(", "), 60))
}

pub(super) fn truth(targets: &Targets, row: usize) -> Option<Truth> {
    Some(match targets {
        Targets::Classes(classes) => Truth::Class(*classes.get(row)?),
        Targets::Labels(labels) => Truth::Labels((row < labels.nrows()).then(|| labels.row(row).to_vec())?),
        Targets::Numbers(numbers) | Targets::Counts(numbers) => Truth::Number(*numbers.get(row)?),
    })
}

/// A value as a person reads it; none of bytes and lists of numbers, which nobody reads.
fn written(array: &ArrayRef, row: usize) -> Option<String> {
    if matches!(
        array.data_type(),
        ArrowType::Binary
            | ArrowType::LargeBinary
            | ArrowType::BinaryView
            | ArrowType::List(_)
            | ArrowType::LargeList(_)
            | ArrowType::FixedSizeList(..)
    ) {
        return None;
    }
    let text = batch::display(array, row)?;
    Some(text.char_indices().nth(LONGEST).and_then(|(at, _)| text.get(..at)).unwrap_or(&text).to_owned())
}

/// Numbers, or instants in microseconds; NaN for everything else.
fn numbers(array: &ArrayRef) -> Vec<f64> {
    let micros = ArrowType::Timestamp(TimeUnit::Microsecond, None);
    match array.data_type() {
        ArrowType::Date32 | ArrowType::Timestamp(..) => {
            let cast = arrow::compute::cast(array, &micros).and_then(|at| arrow::compute::cast(&at, &ArrowType::Int64));
            let Ok(cast) = cast else { return vec![f64::NAN; array.len()] };
            let Some(instants) = cast.as_primitive_opt::<Int64Type>() else { return vec![f64::NAN; array.len()] };
            #[expect(clippy::cast_precision_loss, reason = "exact up to the year 2255")]
            instants.iter().map(|at| at.map_or(f64::NAN, |at| at as f64)).collect()
        }
        kind if kind.is_numeric() => batch::floats(array),
        _ => vec![f64::NAN; array.len()],
    }
}
