use rayon::prelude::*;

use super::pearson::{CoMoments, ShiftedSums};
use super::{CorrelationError, CorrelationTable, cell, common_length};

/// Rows that are centred on one mean. Two columns of a block fit the first-level cache.
const BLOCK: usize = 1024;

/// Rows that are prepared at a time, which bounds the memory beside the batch.
const SLAB: usize = 16 * BLOCK;

/// Pearson's correlation of every two of a number of columns, as a mergeable accumulator.
///
/// Time for a batch is rows times pairs, shared by the threads of the current rayon pool; memory is 48 bytes a pair.
#[derive(Debug, Clone, PartialEq)]
pub struct PearsonMatrix {
    columns: usize,
    /// The pairs (i, j) with j <= i, row by row.
    pairs: Vec<CoMoments>,
}

impl PearsonMatrix {
    /// A matrix of this many columns and no rows.
    #[must_use]
    pub fn new(columns: usize) -> Self {
        Self { columns, pairs: vec![CoMoments::new(); cell(columns, 0)] }
    }

    /// Adds a batch of rows, given by columns of equal length.
    ///
    /// # Errors
    /// [`CorrelationError`] when the number of columns is another one, or their lengths differ.
    pub fn extend(&mut self, columns: &[&[f64]]) -> Result<(), CorrelationError> {
        self.check_columns(columns.len())?;
        let rows = common_length(columns)?;
        let mut lines: Vec<&mut [CoMoments]> = Vec::with_capacity(self.columns);
        let mut left = self.pairs.as_mut_slice();
        for i in 0..self.columns {
            let (line, rest) = left.split_at_mut(i + 1);
            lines.push(line);
            left = rest;
        }
        for start in (0..rows).step_by(SLAB) {
            let end = (start + SLAB).min(rows);
            let slab: Vec<Vec<Block>> =
                columns.par_iter().map(|column| column[start..end].chunks(BLOCK).map(Block::new).collect()).collect();
            lines.par_iter_mut().enumerate().for_each(|(i, line)| {
                for (j, pair) in line.iter_mut().enumerate() {
                    for (x, y) in slab[i].iter().zip(&slab[j]) {
                        pair.merge(&CoMoments::of_sums(x.sums_with(y), x.shift, y.shift));
                    }
                }
            });
        }
        Ok(())
    }

    /// Joins the rows of another matrix of the same columns to this one.
    ///
    /// # Errors
    /// [`CorrelationError::Columns`] when the number of columns is another one.
    pub fn merge(&mut self, other: &Self) -> Result<(), CorrelationError> {
        self.check_columns(other.columns)?;
        self.pairs.iter_mut().zip(&other.pairs).for_each(|(pair, other)| pair.merge(other));
        Ok(())
    }

    fn check_columns(&self, found: usize) -> Result<(), CorrelationError> {
        if found == self.columns { Ok(()) } else { Err(CorrelationError::Columns { expected: self.columns, found }) }
    }

    /// The correlations of all rows so far.
    #[must_use]
    pub fn table(&self) -> CorrelationTable {
        CorrelationTable { columns: self.columns, cells: self.pairs.iter().map(CoMoments::correlation).collect() }
    }
}

/// Some rows of a column, centred on their mean.
struct Block {
    shift: f64,
    /// Values minus the shift, 0 for NaN.
    centred: Vec<f64>,
    /// 1 for values, 0 for NaN; empty when there is no NaN.
    present: Vec<f64>,
    /// Sum and sum of squares of the centred values.
    sum: f64,
    squares: f64,
}

impl Block {
    fn new(values: &[f64]) -> Self {
        let present = values.iter().filter(|value| !value.is_nan());
        let (sum, count) = present.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
        let shift = if count > 0.0 { sum / count } else { 0.0 };
        let centred: Vec<f64> = values.iter().map(|value| if value.is_nan() { 0.0 } else { value - shift }).collect();
        let complete = count as usize == values.len();
        let present =
            if complete { Vec::new() } else { values.iter().map(|value| f64::from(!value.is_nan())).collect() };
        Self { shift, sum: centred.iter().sum(), squares: dot(&centred, &centred), centred, present }
    }

    fn sums_with(&self, other: &Self) -> ShiftedSums {
        let xy = dot(&self.centred, &other.centred);
        let (x, xx) = self.sums_where(&other.present);
        let (y, yy) = other.sums_where(&self.present);
        let count = match (self.present.is_empty(), other.present.is_empty()) {
            (true, true) => self.centred.len() as f64,
            (false, true) => self.present.iter().sum(),
            (true, false) => other.present.iter().sum(),
            (false, false) => dot(&self.present, &other.present),
        };
        ShiftedSums { count, x, y, xx, yy, xy }
    }

    /// Sum and sum of squares of the values for which the other column is there.
    fn sums_where(&self, present: &[f64]) -> (f64, f64) {
        if present.is_empty() {
            return (self.sum, self.squares);
        }
        let squares = self.centred.iter().zip(present).map(|(value, there)| value * value * there).sum();
        (dot(&self.centred, present), squares)
    }
}

/// The scalar product, in eight sums side by side, which the processor can keep in vector registers.
fn dot(x: &[f64], y: &[f64]) -> f64 {
    let mut sums = [0.0_f64; 8];
    let (x_chunks, x_rest) = x.as_chunks::<8>();
    let (y_chunks, y_rest) = y.as_chunks::<8>();
    for (x, y) in x_chunks.iter().zip(y_chunks) {
        for lane in 0..8 {
            sums[lane] += x[lane] * y[lane];
        }
    }
    let rest: f64 = x_rest.iter().zip(y_rest).map(|(x, y)| x * y).sum();
    sums.iter().sum::<f64>() + rest
}
