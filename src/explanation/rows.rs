//! Rows as a model reads them, cut into the columns from which they were made, and mixed of other rows.

use ndarray::{Array2, ArrayView2, Axis, concatenate, s};
use rayon::prelude::*;

use super::error::{Error, expect};
use super::model::Predictor;

/// Numbers of rows that are put together at once by a thread, and the most rows. Pieces do not depend on the number of
/// threads, so that answers do not either.
const TOGETHER: usize = 1 << 20;
const MOST_ROWS: usize = 2_048;

/// Rows of all inputs of a model: for each input `[n, size]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    blocks: Vec<Array2<f32>>,
}

/// A number of a row: which input, and which of its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The input.
    pub block: usize,
    /// The number in it.
    pub at: usize,
}

/// The numbers that were made of one column. They are only ever changed together: a row whose one-hot numbers come
/// from two categories is no row that the model was made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The column.
    pub name: String,
    /// Its numbers.
    pub places: Vec<Place>,
}

impl Group {
    /// Numbers `range` of the input `block`.
    pub fn range(name: impl Into<String>, block: usize, range: std::ops::Range<usize>) -> Self {
        Self { name: name.into(), places: range.map(|at| Place { block, at }).collect() }
    }
}

impl Rows {
    /// Rows of these inputs.
    ///
    /// Errors: no input, or inputs with different numbers of rows.
    pub fn new(blocks: Vec<Array2<f32>>) -> Result<Self, Error> {
        let n = blocks.first().ok_or(Error::NoRows)?.nrows();
        blocks.iter().try_for_each(|block| expect("an input", block.nrows(), n))?;
        Ok(Self { blocks })
    }

    /// Rows of zeros with inputs of the same sizes.
    pub fn zeros(&self, rows: usize) -> Self {
        Self { blocks: self.blocks.iter().map(|block| Array2::zeros((rows, block.ncols()))).collect() }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.blocks.first().map_or(0, Array2::nrows)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The inputs.
    pub fn blocks(&self) -> &[Array2<f32>] {
        &self.blocks
    }

    /// The inputs, to be changed.
    pub fn blocks_mut(&mut self) -> &mut [Array2<f32>] {
        &mut self.blocks
    }

    /// The inputs as the model reads them.
    pub fn views(&self) -> Vec<ArrayView2<'_, f32>> {
        self.blocks.iter().map(|block| block.view()).collect()
    }

    /// The first `rows` rows as the model reads them.
    fn first(&self, rows: usize) -> Vec<ArrayView2<'_, f32>> {
        self.blocks.iter().map(|block| block.slice(s![..rows.min(block.nrows()), ..])).collect()
    }

    /// Numbers of a row.
    pub fn width(&self) -> usize {
        self.blocks.iter().map(Array2::ncols).sum()
    }

    /// A single row with the mean of each number; all 0 where there is no row.
    pub fn mean(&self) -> Self {
        let mean = |block: &Array2<f32>| {
            let rows = block.nrows().max(1) as f64;
            let sums = block.columns().into_iter().map(|column| column.iter().map(|v| f64::from(*v)).sum::<f64>());
            let means: Vec<f32> = sums.map(|sum| (sum / rows) as f32).collect();
            Array2::from_shape_fn((1, means.len()), |(_, at)| means.get(at).copied().unwrap_or(0.0))
        };
        Self { blocks: self.blocks.iter().map(mean).collect() }
    }

    /// The rows of these numbers. Numbers beyond the last row are left out.
    pub fn take(&self, rows: &[usize]) -> Self {
        let known: Vec<usize> = rows.iter().copied().filter(|row| *row < self.len()).collect();
        Self { blocks: self.blocks.iter().map(|block| block.select(Axis(0), &known)).collect() }
    }

    /// Makes a row equal to that of another table.
    pub fn copy_row(&mut self, at: usize, from: &Self, row: usize) {
        for (to, from) in self.blocks.iter_mut().zip(&from.blocks) {
            if at < to.nrows() && row < from.nrows() {
                to.row_mut(at).assign(&from.row(row));
            }
        }
    }

    /// Makes the numbers of one column equal to those of a row of another table.
    pub fn copy_group(&mut self, at: usize, group: &Group, from: &Self, row: usize) {
        for place in &group.places {
            let value = from.blocks.get(place.block).and_then(|block| block.get((row, place.at))).copied();
            let cell = self.blocks.get_mut(place.block).and_then(|block| block.get_mut((at, place.at)));
            if let (Some(cell), Some(value)) = (cell, value) {
                *cell = value;
            }
        }
    }
}

/// What the model says about `n` rows that are made one by one: `make(rows, at, i)` makes row `i` at the place `at`.
/// They are never all in memory; pieces of them are made and asked about by all threads.
///
/// Errors: those of the model; it gives something that is not finite.
pub(super) fn predict_made(
    model: &dyn Predictor,
    like: &Rows,
    n: usize,
    make: impl Fn(&mut Rows, usize, usize) + Sync,
) -> Result<Array2<f64>, Error> {
    let together = rows_together(like).min(n.max(1));
    let pieces: Vec<Array2<f64>> = (0..n.div_ceil(together))
        .into_par_iter()
        .map_init(
            || like.zeros(together),
            |rows, piece| {
                let start = piece * together;
                let count = together.min(n - start);
                (0..count).for_each(|at| make(rows, at, start + at));
                let outputs = model.predict(&rows.first(count))?;
                expect("the prediction", outputs.nrows(), count)?;
                if outputs.iter().all(|output| output.is_finite()) { Ok(outputs) } else { Err(Error::NotFinite) }
            },
        )
        .collect::<Result<_, Error>>()?;
    let Some(width) = pieces.first().map(Array2::ncols) else { return Ok(Array2::zeros((0, 0))) };
    pieces.iter().try_for_each(|piece| expect("a prediction", piece.ncols(), width))?;
    let views: Vec<ArrayView2<'_, f64>> = pieces.iter().map(|piece| piece.view()).collect();
    concatenate(Axis(0), &views).map_err(|error| Error::Option(error.to_string()))
}

/// How many rows are put together at once.
pub(super) fn rows_together(like: &Rows) -> usize {
    (TOGETHER / like.width().max(1)).clamp(1, MOST_ROWS)
}

/// What the model says about rows: `[n, outputs]`, all finite.
///
/// Errors: those of the model; it gives something that is not finite.
pub fn predictions(model: &dyn Predictor, rows: &Rows) -> Result<Array2<f64>, Error> {
    predict_made(model, rows, rows.len(), |made, at, i| made.copy_row(at, rows, i))
}
