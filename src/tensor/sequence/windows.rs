//! Cutting sorted rows into windows.

use std::sync::Arc;

use arrow::array::{ArrayRef, FixedSizeListArray, Float64Array, RecordBatch, UInt32Array};
use arrow::buffer::NullBuffer;
use arrow::compute::{concat_batches, is_null, partition, take};
use arrow::datatypes::{DataType, Field, Schema};

use super::SequenceSpec;
use crate::tensor::error::TensorError;
use crate::tensor::number::finite;

/// The column of the windows in rows that were cut.
pub const WINDOW: &str = "window of the sequence";

/// What became of the rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WindowCounts {
    /// Rows that came in.
    pub rows: u64,
    /// Groups of rows with a time.
    pub groups: u64,
    /// Groups that have no full window.
    pub short_groups: u64,
    /// Windows that were cut.
    pub windows: u64,
    /// Rows before which there are too few for a window.
    pub without_window: u64,
    /// Rows with a window, but without a row `horizon` rows later.
    pub without_target: u64,
    /// Rows without a time.
    pub without_time: u64,
}

/// Cuts rows that come sorted by group and time, batch by batch, into windows. A batch that goes out has a row for each
/// window: the columns of the last row of the window, the target columns of the row `horizon` later, and the column
/// [`WINDOW`] with the numbers of the window, row by row.
///
/// Memory: the rows that the next windows reach back to, beside a batch. Complexity: rows times window times columns.
#[derive(Debug)]
pub struct Windows {
    spec: SequenceSpec,
    /// The columns that are taken from `horizon` rows later.
    targets: Vec<String>,
    /// Whether rows without a window go out too, with a null in its place.
    keeps_all: bool,
    held: Option<RecordBatch>,
    /// How many of the held rows went out already.
    gone: usize,
    /// Rows of the group of the first row that is not out, that went out already, and whether one had a window.
    open: bool,
    had_window: bool,
    cut: WindowCounts,
}

impl Windows {
    /// For learning and judging: rows with a window and a target `horizon` rows later.
    pub fn with_targets(spec: &SequenceSpec, targets: Vec<String>) -> Self {
        Self::new(spec, targets, false)
    }

    /// For foretelling: every row, with a null in the place of a window that is not full.
    pub fn of_all(spec: &SequenceSpec) -> Self {
        Self::new(spec, Vec::new(), true)
    }

    fn new(spec: &SequenceSpec, targets: Vec<String>, keeps_all: bool) -> Self {
        let (spec, cut) = (spec.clone(), WindowCounts::default());
        Self { spec, targets, keeps_all, held: None, gone: 0, open: false, had_window: false, cut }
    }

    /// What became of the rows so far.
    pub fn counts(&self) -> WindowCounts {
        self.cut
    }

    /// Takes the next rows in and gives those out whose windows and targets are known.
    ///
    /// Errors: a column is missing.
    pub fn push(&mut self, batch: &RecordBatch) -> Result<RecordBatch, TensorError> {
        self.cut.rows += batch.num_rows() as u64;
        let rows = match self.held.take() {
            Some(held) => concat_batches(&held.schema(), [&held, batch]).map_err(wrong)?,
            None => batch.clone(),
        };
        self.give(rows, false)
    }

    /// The rows that waited for later ones; none when there was nothing at all.
    ///
    /// Errors: a column is missing.
    pub fn finish(&mut self) -> Result<Option<RecordBatch>, TensorError> {
        let last = self.held.take().map(|rows| self.give(rows, true)).transpose();
        self.end_group();
        last
    }

    fn end_group(&mut self) {
        if self.open && !self.had_window {
            self.cut.short_groups += 1;
        }
        (self.open, self.had_window) = (false, false);
    }

    fn give(&mut self, rows: RecordBatch, is_end: bool) -> Result<RecordBatch, TensorError> {
        let (window, horizon) = (self.spec.window, if self.targets.is_empty() { 0 } else { self.spec.horizon });
        let column =
            |name: &str| rows.column_by_name(name).cloned().ok_or_else(|| TensorError::MissingColumn(name.to_owned()));
        let timeless = is_null(&column(&self.spec.order)?).map_err(wrong)?;
        let mut keys = self.spec.by.iter().map(|name| column(name)).collect::<Result<Vec<_>, _>>()?;
        keys.push(Arc::new(timeless.clone()));
        let count = rows.num_rows();
        let groups = partition(&keys).map_err(wrong)?.ranges();
        let mut ends = Vec::new();
        let mut later = Vec::new();
        let mut has_window = Vec::new();
        let mut next = self.gone;
        'groups: for group in groups {
            let without_time = timeless.value(group.start);
            let from = next;
            for row in group.clone().skip_while(|row| *row < from) {
                // The group may go on in the next batch.
                if !is_end && group.end == count && row + horizon >= group.end && !without_time {
                    break 'groups;
                }
                next = row + 1;
                if row == group.start || !self.open {
                    self.end_group();
                    self.open = !without_time;
                    self.cut.groups += u64::from(!without_time);
                }
                let full = !without_time && row + 1 - group.start >= window;
                let has_target = !without_time && row + horizon < group.end;
                self.had_window |= full && has_target;
                match (without_time, full, has_target) {
                    (true, ..) => self.cut.without_time += 1,
                    (false, false, _) => self.cut.without_window += 1,
                    (false, true, false) => self.cut.without_target += 1,
                    (false, true, true) => self.cut.windows += 1,
                }
                if (full && has_target) || self.keeps_all {
                    ends.push(row);
                    later.push(if has_target { row + horizon } else { row });
                    has_window.push(full);
                }
            }
        }
        let given = self.rows(&rows, &ends, &later, has_window)?;
        // One row at least, to see whether the group goes on.
        let first = next.saturating_sub(window.saturating_sub(1).max(1));
        self.gone = next - first;
        self.held = Some(rows.slice(first, count - first));
        Ok(given)
    }

    fn rows(
        &self,
        rows: &RecordBatch,
        ends: &[usize],
        later: &[usize],
        has_window: Vec<bool>,
    ) -> Result<RecordBatch, TensorError> {
        let places = |rows: &[usize]| rows.iter().map(|row| u32::try_from(*row).unwrap_or(u32::MAX)).collect();
        let (own, ahead): (UInt32Array, UInt32Array) = (places(ends), places(later));
        let mut fields = Vec::new();
        let mut columns: Vec<ArrayRef> = Vec::new();
        for (field, array) in rows.schema().fields().iter().zip(rows.columns()) {
            let from = if self.targets.contains(field.name()) { &ahead } else { &own };
            columns.push(take(array, from, None).map_err(wrong)?);
            fields.push(Arc::new(field.as_ref().clone().with_nullable(true)));
        }
        let values = self
            .spec
            .columns
            .iter()
            .map(|(name, _)| rows.column_by_name(name).ok_or_else(|| TensorError::MissingColumn(name.clone())))
            .map(|array| Ok(finite(array?)))
            .collect::<Result<Vec<_>, TensorError>>()?;
        let size = self.spec.window * values.len();
        let mut numbers = Vec::with_capacity(ends.len() * size);
        for (end, has) in ends.iter().zip(&has_window) {
            if *has {
                for row in end + 1 - self.spec.window..=*end {
                    numbers.extend(values.iter().map(|column| column.get(row).copied().unwrap_or(f64::NAN)));
                }
            } else {
                numbers.resize(numbers.len() + size, f64::NAN);
            }
        }
        let item = Arc::new(Field::new_list_field(DataType::Float64, true));
        let length = i32::try_from(size).map_err(|_| TensorError::Rows("a window is too large".to_owned()))?;
        let numbers = Arc::new(Float64Array::from(numbers));
        let lists = FixedSizeListArray::try_new(Arc::clone(&item), length, numbers, Some(NullBuffer::from(has_window)))
            .map_err(wrong)?;
        fields.push(Arc::new(Field::new(WINDOW, DataType::FixedSizeList(item, length), true)));
        columns.push(Arc::new(lists));
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(wrong)
    }
}

fn wrong(error: arrow::error::ArrowError) -> TensorError {
    TensorError::Rows(error.to_string())
}
