//! A table while its rows go by.

use std::sync::Arc;

use arrow::array::RecordBatch;
use rayon::prelude::*;

use super::column::{Column, Limits};
use crate::diagnostic::{Class, Diagnostic};
use crate::engine::EngineError;
use crate::expression::Field;
use crate::statistics::correlation::PearsonMatrix;
use crate::statistics::profile::{Dependencies, NullPatterns, Uniqueness};

/// Rows of a piece that is worked on as a whole are a multiple of this, whatever batches they came in: sums of floats then are
/// taken over the same blocks, and a run with other threads gives the same digits.
const BLOCK: usize = 1_024;
/// Numeric columns that are correlated.
pub(super) const CORRELATED: usize = 40;
/// Different rows that are kept to find duplicates, at most; fewer when memory is short.
const ROWS: u64 = 2_097_152;
/// Bytes that a kept row takes at most, repeated ones apart.
const ROW_BYTES: u64 = 18;

/// The accumulators of a table.
pub(super) struct Accumulators {
    pub(super) columns: Vec<Column>,
    pub(super) rows: u64,
    pub(super) nulls: NullPatterns,
    pub(super) duplicates: Uniqueness,
    pub(super) correlation: PearsonMatrix,
    /// The columns that are correlated.
    pub(super) numeric: Vec<usize>,
    /// The columns among which dependencies are searched.
    pub(super) searched: Vec<usize>,
    pub(super) dependencies: Dependencies,
    rest: Vec<RecordBatch>,
    rest_rows: usize,
}

impl Accumulators {
    pub(super) fn new(fields: &[Field], memory: u64) -> Self {
        let limits = Limits::of(fields.len());
        let numeric = fields.iter().enumerate().filter(|(_, field)| field.data_type.is_numeric());
        let numeric: Vec<usize> = numeric.map(|(at, _)| at).take(CORRELATED).collect();
        let searched: Vec<usize> = (0..fields.len())
            .filter(|at| fields.get(*at).is_some_and(|field| !field.data_type.is_nested()))
            .take(crate::statistics::profile::MOST_COLUMNS)
            .collect();
        let columns: Vec<Column> =
            fields.iter().enumerate().map(|(at, field)| Column::new(field, limits, numeric.contains(&at))).collect();
        let rows = (memory / 8 / ROW_BYTES).clamp(10_000, ROWS);
        Self {
            columns,
            rows: 0,
            nulls: NullPatterns::new(),
            duplicates: Uniqueness::new(usize::try_from(rows).unwrap_or(usize::MAX)),
            correlation: PearsonMatrix::new(numeric.len()),
            dependencies: Dependencies::new(searched.len()),
            numeric,
            searched,
            rest: Vec::new(),
            rest_rows: 0,
        }
    }

    /// Adds a batch; what does not fill a block waits for the next.
    pub(super) fn add(&mut self, batch: RecordBatch) -> Result<(), EngineError> {
        let mut batch = batch;
        if self.rest_rows > 0 {
            let missing = (BLOCK - self.rest_rows % BLOCK) % BLOCK;
            let taken = missing.min(batch.num_rows());
            self.wait(batch.slice(0, taken));
            batch = batch.slice(taken, batch.num_rows() - taken);
            if !self.rest_rows.is_multiple_of(BLOCK) {
                return Ok(());
            }
            self.take_rest()?;
        }
        let whole = batch.num_rows() / BLOCK * BLOCK;
        self.take(&batch.slice(0, whole))?;
        self.wait(batch.slice(whole, batch.num_rows() - whole));
        Ok(())
    }

    fn wait(&mut self, batch: RecordBatch) {
        if batch.num_rows() > 0 {
            self.rest_rows += batch.num_rows();
            self.rest.push(batch);
        }
    }

    /// Takes in the rows that are left at the end.
    pub(super) fn take_rest(&mut self) -> Result<(), EngineError> {
        let rest = std::mem::take(&mut self.rest);
        self.rest_rows = 0;
        let Some(first) = rest.first() else { return Ok(()) };
        let whole = arrow::compute::concat_batches(&Arc::clone(first.schema_ref()), &rest)
            .map_err(|error| EngineError::new(Class::Stage, error.to_string()))?;
        self.take(&whole)
    }

    fn take(&mut self, batch: &RecordBatch) -> Result<(), EngineError> {
        let rows = batch.num_rows();
        if rows == 0 {
            return Ok(());
        }
        self.rows += rows as u64;
        self.columns.par_iter_mut().zip(batch.columns()).for_each(|(column, array)| column.add(array));
        let columns = &self.columns;
        let hashes = row_hashes(columns, rows);
        let numbers: Vec<&[f64]> =
            self.numeric.iter().filter_map(|&at| columns.get(at)).map(|column| column.numbers.as_slice()).collect();
        let searched: Vec<&[u64]> =
            self.searched.iter().filter_map(|&at| columns.get(at)).map(|column| column.hashes.as_slice()).collect();
        let nulls: Vec<(u32, Vec<u32>)> = (0_u32..)
            .zip(columns)
            .filter(|(_, column)| !column.null_rows.is_empty())
            .map(|(at, column)| (at, column.null_rows.clone()))
            .collect();
        let (correlation, duplicates) = (&mut self.correlation, &mut self.duplicates);
        let (patterns, dependencies) = (&mut self.nulls, &mut self.dependencies);
        let (correlated, ()) = rayon::join(
            || correlation.extend(&numbers),
            || {
                rayon::join(
                    || {
                        for hash in hashes {
                            duplicates.push(hash);
                        }
                    },
                    || {
                        rayon::join(|| patterns.add(rows, &nulls), || dependencies.add(&searched));
                    },
                );
            },
        );
        correlated.map_err(|error| EngineError::new(Class::Stage, error.to_string()))
    }

    /// The sum of rows must be that of the columns.
    pub(super) fn check(&self) -> Result<(), Diagnostic> {
        match self.columns.iter().find(|column| column.rows != self.rows) {
            None => Ok(()),
            Some(column) => Err(Diagnostic::error(
                Class::Stage,
                format!("column `{}` has {} rows, the table {}", column.field.name, column.rows, self.rows),
            )),
        }
    }
}

/// A hash for each row from those of its columns. The factor of a column depends on its place, so that equal values of two
/// columns do not cancel each other.
fn row_hashes(columns: &[Column], rows: usize) -> Vec<u64> {
    let mut hashes = vec![0_u64; rows];
    hashes.par_chunks_mut(4 * BLOCK).enumerate().for_each(|(chunk, sums)| {
        let start = chunk * 4 * BLOCK;
        for (at, column) in (1_u64..).zip(columns) {
            let factor = crate::statistics::profile::mix(at) | 1;
            let part = column.hashes.get(start..start + sums.len()).unwrap_or_default();
            for (sum, hash) in sums.iter_mut().zip(part) {
                *sum = sum.wrapping_add(hash.wrapping_mul(factor));
            }
        }
        sums.iter_mut().for_each(|sum| *sum = crate::statistics::profile::mix(*sum));
    });
    hashes
}
