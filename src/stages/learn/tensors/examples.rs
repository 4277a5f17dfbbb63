//! Rows as an encoder reads them: files behind paths are read, and rows of a sequence are sorted and cut into windows.

use std::sync::Arc;

use arrow::array::{RecordBatch, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema};

use super::files;
use crate::diagnostic::{Class, Diagnostic};
use crate::expression::{Expr, SortKey};
use crate::relation::{Relation, keep_columns};
use crate::stages::work::WorkContext;
use crate::tensor::{BlockKind, Encoder, ROW, TRAINING_ROW, TensorError, WindowCounts, Windows};

/// Rows that are read and cut together, so that images and windows of a batch fit into memory.
const TOGETHER: usize = 4_096;
/// Numbers of a row times rows that are encoded together.
const NUMBERS: usize = 1 << 23;

/// What is wanted of the rows.
#[derive(Debug, Clone, Copy)]
pub(in crate::stages::learn) enum Want<'a> {
    /// Inputs and targets, and these columns beside them.
    Labelled(&'a [String]),
    /// The same, of the training rows in the order in which the encoder was learned from them, for a model that learns
    /// from them: where the encoder is cross-fitted, their numbers tell it how.
    Training(&'a [String]),
    /// The inputs of all rows, with all columns of the relation. A row without a full window has a null in its place.
    Inputs,
}

/// Streams the rows of a relation as [`Encoder::encode`] and [`Encoder::labelled`] read them, in batches of at most a
/// few thousand rows; `sink` answers whether it wants more. Returns what became of the rows of a sequence.
///
/// Rows come in the order of the relation; those of a sequence by group and time.
///
/// Errors: rows that cannot be computed or sorted, a path that leaves its folder, a file that cannot be read (unless such
/// rows are skipped), and what `sink` says.
pub(in crate::stages::learn) fn examples(
    relation: &Arc<Relation>,
    encoder: &Encoder,
    want: Want<'_>,
    context: &WorkContext<'_>,
    sink: &mut dyn FnMut(RecordBatch) -> Result<bool, Diagnostic>,
) -> Result<Option<WindowCounts>, Diagnostic> {
    let mut rows = match want {
        Want::Labelled(beside) | Want::Training(beside) => {
            let mut columns = encoder.labelled_columns();
            columns.extend(beside.iter().filter(|name| !encoder.labelled_columns().contains(name)).cloned());
            keep_columns(relation, &columns)
        }
        Want::Inputs => Arc::clone(relation),
    };
    let mut windows = None;
    if let Some(sequence) = encoder.sequence() {
        let spec = sequence.spec();
        rows = sorted(rows, spec.by.iter().chain([&spec.order]))?;
        windows = Some(match want {
            Want::Labelled(_) | Want::Training(_) => {
                let targets = encoder.targets().iter().map(|target| target.column().to_owned()).collect();
                Windows::with_targets(spec, targets)
            }
            Want::Inputs => Windows::of_all(spec),
        });
    }
    let files = files::Files::of(encoder, context.base)?;
    let own: usize =
        encoder.blocks().iter().filter(|block| block.kind != BlockKind::Table).map(|block| block.size()).sum();
    let together = (NUMBERS / own.max(1)).clamp(16, TOGETHER);
    let mut wrong = None;
    let mut more = true;
    let numbered = match want {
        // Sorted rows have lost their places.
        _ if windows.is_some() => None,
        Want::Training(_) if encoder.is_cross_fitted() => Some(TRAINING_ROW),
        Want::Labelled(_) | Want::Training(_) if encoder.can_fail() => Some(ROW),
        Want::Labelled(_) | Want::Training(_) | Want::Inputs => None,
    };
    let mut first = 0;
    context.stream(&rows, &mut |batch| {
        let batch = match numbered {
            Some(name) => match with_numbers(&batch, name, first) {
                Ok(batch) => batch,
                Err(error) => {
                    wrong = Some(error);
                    return Ok(false);
                }
            },
            None => batch,
        };
        first += batch.num_rows() as u64;
        let step = if own == 0 { batch.num_rows().max(1) } else { together };
        for start in (0..batch.num_rows()).step_by(step) {
            let slice = batch.slice(start, step.min(batch.num_rows() - start));
            let given = match &mut windows {
                Some(windows) => windows.push(&slice).map_err(|error| damaged(&error)),
                None => Ok(slice),
            };
            match given.and_then(|rows| files.read(rows)).and_then(|rows| pass(rows, sink)) {
                Ok(true) => {}
                Ok(false) => {
                    more = false;
                    return Ok(false);
                }
                Err(error) => {
                    wrong = Some(error);
                    return Ok(false);
                }
            }
        }
        Ok(true)
    })?;
    if let Some(wrong) = wrong {
        return Err(wrong);
    }
    let Some(mut windows) = windows else { return Ok(None) };
    if more && let Some(last) = windows.finish().map_err(|error| damaged(&error))? {
        files.read(last).and_then(|rows| pass(rows, sink))?;
    }
    Ok(Some(windows.counts()))
}

/// The rows with their numbers beside them.
fn with_numbers(batch: &RecordBatch, name: &str, first: u64) -> Result<RecordBatch, Diagnostic> {
    let mut fields: Vec<Arc<Field>> = batch.schema().fields().iter().cloned().collect();
    fields.push(Arc::new(Field::new(name, DataType::UInt64, false)));
    let numbers: UInt64Array = (first..).take(batch.num_rows()).collect::<Vec<_>>().into();
    let mut arrays = batch.columns().to_vec();
    arrays.push(Arc::new(numbers));
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
        .map_err(|error| Diagnostic::error(Class::Stage, format!("the rows cannot be numbered: {error}")))
}

fn pass(rows: RecordBatch, sink: &mut dyn FnMut(RecordBatch) -> Result<bool, Diagnostic>) -> Result<bool, Diagnostic> {
    if rows.num_rows() == 0 { Ok(true) } else { sink(rows) }
}

fn damaged(error: &TensorError) -> Diagnostic {
    Diagnostic::error(Class::Stage, error.to_string())
}

/// The rows by these columns, nulls last; ties keep their order.
fn sorted<'a>(relation: Arc<Relation>, columns: impl Iterator<Item = &'a String>) -> Result<Arc<Relation>, Diagnostic> {
    let schema = relation.schema();
    let keys = columns.map(|name| {
        let data_type = schema.data_type(name).cloned().ok_or_else(|| {
            Diagnostic::error(Class::Stage, format!("the rows have no column `{name}`, which orders the sequence"))
        })?;
        Ok(SortKey { expr: Expr::column(name, data_type), descending: false, nulls_first: false })
    });
    let keys = keys.collect::<Result<_, Diagnostic>>()?;
    Ok(Arc::new(Relation::Sort { input: relation, keys }))
}
