//! Features as a matrix, dense or sparse, with the two products that linear models need.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, s};
use rayon::prelude::*;

/// Rows that are worked on together. Sums are added in the order of these pieces, so that threads change nothing.
const PIECE: usize = 2_048;

/// Numbers that are widened to 64 bits together: they stay in the cache of the processor.
const WIDENED: usize = 16_384;
/// Sums that are added side by side.
const LANES: usize = 8;

/// Rows that are widened together.
fn together(columns: usize) -> usize {
    (WIDENED / columns.max(1)).max(1)
}

/// `X w` for a single column of weights, `[n, 1]`.
fn products(rows: ArrayView2<'_, f32>, weights: ArrayView1<'_, f64>) -> Array2<f64> {
    let weights = weights.to_vec();
    let product = |row: ArrayView1<'_, f32>| {
        let Some(row) = row.as_slice() else {
            return row.iter().zip(&weights).map(|(value, weight)| f64::from(*value) * weight).sum();
        };
        let (mut lanes, mut rest) = ([0.0; LANES], 0.0);
        let (values, factors) = (row.chunks_exact(LANES), weights.chunks_exact(LANES));
        for (value, weight) in values.remainder().iter().zip(factors.remainder()) {
            rest += f64::from(*value) * weight;
        }
        for (values, factors) in values.zip(factors) {
            for ((lane, value), factor) in lanes.iter_mut().zip(values).zip(factors) {
                *lane += f64::from(*value) * factor;
            }
        }
        lanes.iter().sum::<f64>() + rest
    };
    Array2::from_shape_vec((rows.nrows(), 1), rows.rows().into_iter().map(product).collect())
        .unwrap_or_else(|_| Array2::zeros((rows.nrows(), 1)))
}

/// `Xᵀ r` for a single column, `[p, 1]`.
fn weighted_sum(rows: ArrayView2<'_, f32>, right: ArrayView1<'_, f64>) -> Array2<f64> {
    let mut sums = vec![0.0; rows.ncols()];
    for (row, factor) in rows.rows().into_iter().zip(right) {
        match row.as_slice() {
            Some(row) => sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += f64::from(*value) * factor),
            None => sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += f64::from(*value) * factor),
        }
    }
    let columns = sums.len();
    Array2::from_shape_vec((columns, 1), sums).unwrap_or_else(|_| Array2::zeros((columns, 1)))
}

/// Features `[n, p]`.
#[derive(Debug, Clone, PartialEq)]
pub enum Matrix {
    /// Every number is stored.
    Dense(Array2<f32>),
    /// Only numbers that are not 0 are.
    Sparse(Csr),
}

/// A sparse matrix, row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct Csr {
    columns: usize,
    /// Where each row starts in the two others, and where the last one ends.
    starts: Vec<usize>,
    places: Vec<u32>,
    values: Vec<f32>,
}

impl Csr {
    /// No rows yet.
    pub fn new(columns: usize) -> Self {
        Self { columns, starts: vec![0], places: Vec::new(), values: Vec::new() }
    }

    /// Adds a row of pairs of column and value; columns beyond the matrix are passed over.
    pub fn push(&mut self, row: impl IntoIterator<Item = (u32, f32)>) {
        for (place, value) in row {
            if (place as usize) < self.columns && value != 0.0 {
                self.places.push(place);
                self.values.push(value);
            }
        }
        self.starts.push(self.places.len());
    }

    fn rows(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    fn row(&self, row: usize) -> impl Iterator<Item = (usize, f64)> {
        let range = match (self.starts.get(row), self.starts.get(row + 1)) {
            (Some(&start), Some(&end)) => start..end,
            _ => 0..0,
        };
        let places = self.places.get(range.clone()).unwrap_or_default();
        let values = self.values.get(range).unwrap_or_default();
        places.iter().zip(values).map(|(place, value)| (*place as usize, f64::from(*value)))
    }
}

impl Matrix {
    /// How many rows.
    pub fn rows(&self) -> usize {
        match self {
            Self::Dense(numbers) => numbers.nrows(),
            Self::Sparse(rows) => rows.rows(),
        }
    }

    /// How many columns.
    pub fn columns(&self) -> usize {
        match self {
            Self::Dense(numbers) => numbers.ncols(),
            Self::Sparse(rows) => rows.columns,
        }
    }

    fn pieces(&self) -> Vec<std::ops::Range<usize>> {
        let rows = self.rows();
        (0..rows).step_by(PIECE).map(|start| start..(start + PIECE).min(rows)).collect()
    }

    /// `X W` for weights `[p, k]`: `[n, k]`. Time `O(k)` for each stored number.
    pub fn times(&self, weights: ArrayView2<'_, f64>) -> Array2<f64> {
        let width = weights.ncols();
        let parts: Vec<Array2<f64>> = self
            .pieces()
            .into_par_iter()
            .map(|piece| match self {
                Self::Dense(numbers) if width == 1 => products(numbers.slice(s![piece, ..]), weights.column(0)),
                Self::Dense(numbers) => {
                    let mut product = Array2::zeros((piece.len(), width));
                    let step = together(numbers.ncols());
                    let parts = product.axis_chunks_iter_mut(Axis(0), step);
                    let rows = numbers.slice(s![piece, ..]);
                    for (mut part, rows) in parts.zip(rows.axis_chunks_iter(Axis(0), step)) {
                        part.assign(&rows.mapv(f64::from).dot(&weights));
                    }
                    product
                }
                Self::Sparse(rows) => {
                    let mut product = Array2::zeros((piece.len(), width));
                    for (row, mut sums) in piece.zip(product.rows_mut()) {
                        for (place, value) in rows.row(row) {
                            sums.scaled_add(value, &weights.row(place));
                        }
                    }
                    product
                }
            })
            .collect();
        let views: Vec<ArrayView2<'_, f64>> = parts.iter().map(|part| part.view()).collect();
        ndarray::concatenate(Axis(0), &views).unwrap_or_else(|_| Array2::zeros((0, width)))
    }

    /// `Xᵀ R` for `[n, k]`: `[p, k]`.
    pub fn transposed_times(&self, right: ArrayView2<'_, f64>) -> Array2<f64> {
        let shape = (self.columns(), right.ncols());
        let parts: Vec<Array2<f64>> = self
            .pieces()
            .into_par_iter()
            .map(|piece| match self {
                Self::Dense(numbers) if right.ncols() == 1 => {
                    let column = right.slice(s![piece.clone(), 0]);
                    weighted_sum(numbers.slice(s![piece, ..]), column)
                }
                Self::Dense(numbers) => {
                    let mut product = Array2::zeros(shape);
                    let step = together(numbers.ncols());
                    let right = right.slice(s![piece.clone(), ..]);
                    let rows = numbers.slice(s![piece, ..]);
                    for (right, rows) in right.axis_chunks_iter(Axis(0), step).zip(rows.axis_chunks_iter(Axis(0), step))
                    {
                        general_mat_mul(1.0, &rows.mapv(f64::from).t(), &right, 1.0, &mut product);
                    }
                    product
                }
                Self::Sparse(rows) => {
                    let mut product = Array2::zeros(shape);
                    for row in piece {
                        for (place, value) in rows.row(row) {
                            product.row_mut(place).scaled_add(value, &right.row(row));
                        }
                    }
                    product
                }
            })
            .collect();
        parts.into_iter().fold(Array2::zeros(shape), |sum, part| sum + part)
    }

    /// The mean and the variance of each column.
    pub fn moments(&self) -> (Array1<f64>, Array1<f64>) {
        let count = self.rows().max(1) as f64;
        let ones = Array2::ones((self.rows(), 1));
        let means = self.transposed_times(ones.view()).column(0).mapv(|sum| sum / count);
        let mut squares = Array1::<f64>::zeros(self.columns());
        match self {
            // Around the means, so that a large mean does not swallow the variance.
            Self::Dense(numbers) => {
                for row in numbers.rows() {
                    for ((square, value), mean) in squares.iter_mut().zip(row).zip(&means) {
                        *square += (f64::from(*value) - mean).powi(2);
                    }
                }
                squares.mapv_inplace(|square| square / count);
            }
            Self::Sparse(rows) => {
                for row in 0..rows.rows() {
                    for (place, value) in rows.row(row) {
                        if let Some(square) = squares.get_mut(place) {
                            *square += value * value;
                        }
                    }
                }
                for (square, mean) in squares.iter_mut().zip(&means) {
                    *square = (*square / count - mean * mean).max(0.0);
                }
            }
        }
        (means, squares)
    }
}
