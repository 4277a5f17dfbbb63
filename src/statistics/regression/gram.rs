use rayon::prelude::*;

use super::block::{BASE, Block, Values};
use super::two_float::TwoFloat;
use crate::statistics::double_sum::two_sum;

/// The products of every two columns of a model's matrix and its target, summed with twice the digits, as a mergeable accumulator.
///
/// The normal equations square the condition of the matrix; with 32 digits there are as many left as from an orthogonal decomposition in
/// plain floats, of rows that were never in memory. Time for a row is the square of its numbers that are not 0 (a category has one), memory
/// 8 bytes times the square of the columns.
#[derive(Debug, Clone)]
pub struct Gram {
    columns: usize,
    /// The lower triangle, row by row; the target is the last row.
    cells: Vec<TwoFloat>,
    rows: u64,
}

impl Gram {
    /// No rows of that many columns.
    #[must_use]
    pub fn new(columns: usize) -> Self {
        Self { columns, cells: vec![TwoFloat::default(); (columns + 1) * (columns + 2) / 2], rows: 0 }
    }

    /// Columns of the matrix.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Rows so far.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Adds blocks of rows, side by side on the threads of the current rayon pool; the order of addition is that of the blocks.
    pub fn extend(&mut self, blocks: &[Block]) {
        // As many at a time as there are threads, so that the sums of few blocks are in memory.
        for some in blocks.chunks(rayon::current_num_threads().max(1)) {
            let parts: Vec<Self> = some
                .par_iter()
                .map(|block| {
                    let mut part = Self::new(self.columns);
                    block.add_to(&mut part);
                    part
                })
                .collect();
            parts.iter().for_each(|part| self.merge(part));
        }
    }

    /// Joins the sums of other rows of the same columns.
    pub fn merge(&mut self, other: &Self) {
        self.cells.iter_mut().zip(&other.cells).for_each(|(cell, other)| cell.merge(*other));
        self.rows += other.rows;
    }

    /// Σ column i times column j; the target is the column after the last.
    #[must_use]
    pub fn get(&self, i: usize, j: usize) -> f64 {
        self.exact(i, j).value()
    }

    pub(super) fn exact(&self, i: usize, j: usize) -> TwoFloat {
        let (i, j) = (i.max(j), i.min(j));
        self.cells.get(i * (i + 1) / 2 + j).copied().unwrap_or_default().normal()
    }

    fn cell(&mut self, i: usize, j: usize) -> Option<&mut TwoFloat> {
        let (i, j) = (i.max(j), i.min(j));
        self.cells.get_mut(i * (i + 1) / 2 + j)
    }

    pub(super) fn add(&mut self, block: &Block) {
        self.rows += block.rows() as u64;
        let target = (self.columns, Values::Numbers(Vec::new()));
        let terms: Vec<Side<'_>> = block
            .terms
            .iter()
            .chain(std::iter::once(&target))
            .map(|(first, values)| match values {
                Values::One => Side::One { column: *first },
                Values::Numbers(_) if *first == self.columns => Side::dense(*first, &block.target),
                Values::Numbers(numbers) => Side::dense(*first, numbers),
                Values::Levels(codes) => Side::Levels { first: *first, codes, scales: None },
                Values::ScaledLevels(codes, scales) => Side::Levels { first: *first, codes, scales: Some(scales) },
            })
            .collect();
        for (at, left) in terms.iter().enumerate() {
            for right in terms.iter().take(at + 1) {
                self.add_pair(left, right, block.rows(), std::ptr::eq(left, right));
            }
        }
    }

    fn add_pair(&mut self, left: &Side<'_>, right: &Side<'_>, rows: usize, same: bool) {
        match (left, right) {
            (Side::One { column: i }, Side::One { column: j }) => {
                if let Some(cell) = self.cell(*i, *j) {
                    cell.accumulate(rows as f64);
                }
            }
            (Side::One { column: i }, Side::Dense { column: j, numbers, .. })
            | (Side::Dense { column: j, numbers, .. }, Side::One { column: i }) => {
                let mut sum = TwoFloat::default();
                numbers.iter().for_each(|number| sum.accumulate(*number));
                if let Some(cell) = self.cell(*i, *j) {
                    cell.merge(sum);
                }
            }
            (Side::Dense { column: i, numbers: a, halves: x }, Side::Dense { column: j, numbers: b, halves: y }) => {
                let sum = dot(a, x, b, y);
                if let Some(cell) = self.cell(*i, *j) {
                    cell.merge(sum);
                }
            }
            (Side::Levels { first, codes, scales }, Side::One { column })
            | (Side::One { column }, Side::Levels { first, codes, scales }) => {
                for (row, code) in codes.iter().enumerate().filter(|(_, code)| **code != BASE) {
                    let scale = scales.and_then(|scales| scales.get(row)).copied().unwrap_or(1.0);
                    if let Some(cell) = self.cell(first + *code as usize, *column) {
                        cell.accumulate(scale);
                    }
                }
            }
            (Side::Levels { first, codes, scales }, Side::Dense { column, numbers, .. })
            | (Side::Dense { column, numbers, .. }, Side::Levels { first, codes, scales }) => {
                for (row, (code, number)) in
                    codes.iter().zip(*numbers).enumerate().filter(|(_, (code, _))| **code != BASE)
                {
                    let Some(cell) = self.cell(first + *code as usize, *column) else { continue };
                    match scales.and_then(|scales| scales.get(row)) {
                        Some(scale) => cell.accumulate_product(*number, *scale),
                        None => cell.accumulate(*number),
                    }
                }
            }
            (
                Side::Levels { first, codes, scales },
                Side::Levels { first: other_first, codes: others, scales: other_scales },
            ) => {
                for (row, (code, other)) in codes.iter().zip(*others).enumerate() {
                    if *code == BASE || *other == BASE || (same && code != other) {
                        continue;
                    }
                    let one = scales.and_then(|scales| scales.get(row)).copied().unwrap_or(1.0);
                    let two = other_scales.and_then(|scales| scales.get(row)).copied().unwrap_or(1.0);
                    if let Some(cell) = self.cell(first + *code as usize, other_first + *other as usize) {
                        cell.accumulate_product(one, two);
                    }
                }
            }
        }
    }
}

/// A term of a block, ready to be multiplied.
enum Side<'a> {
    One { column: usize },
    Dense { column: usize, numbers: &'a [f64], halves: Vec<f64> },
    Levels { first: usize, codes: &'a [u32], scales: Option<&'a [f64]> },
}

impl<'a> Side<'a> {
    fn dense(column: usize, numbers: &'a [f64]) -> Self {
        Self::Dense { column, numbers, halves: numbers.iter().map(|number| upper_half(*number)).collect() }
    }
}

/// The upper 26 bits of a float, so that products of halves are exact (Veltkamp 1968). Very large numbers are halved by cutting bits off.
fn upper_half(number: f64) -> f64 {
    f64::from_bits(number.to_bits() & !((1 << 27) - 1))
}

/// The scalar product with twice the digits (Ogita, Rump and Oishi 2005), in four sums side by side, which the processor can keep in
/// vector registers.
fn dot(a: &[f64], a_halves: &[f64], b: &[f64], b_halves: &[f64]) -> TwoFloat {
    let mut high = [0.0_f64; 4];
    let mut low = [0.0_f64; 4];
    let mut step = |lane: usize, x: f64, x_half: f64, y: f64, y_half: f64| {
        let product = x * y;
        let (x_rest, y_rest) = (x - x_half, y - y_half);
        let lost = ((x_half * y_half - product) + x_half * y_rest + x_rest * y_half) + x_rest * y_rest;
        let (sum, lost_sum) = two_sum(high[lane], product);
        high[lane] = sum;
        low[lane] += lost + lost_sum;
    };
    let (a4, a_last) = a.as_chunks::<4>();
    let (b4, b_last) = b.as_chunks::<4>();
    let (ah4, ah_last) = a_halves.as_chunks::<4>();
    let (bh4, bh_last) = b_halves.as_chunks::<4>();
    for (((x, xh), y), yh) in a4.iter().zip(ah4).zip(b4).zip(bh4) {
        for lane in 0..4 {
            step(lane, x[lane], xh[lane], y[lane], yh[lane]);
        }
    }
    for (((x, xh), y), yh) in a_last.iter().zip(ah_last).zip(b_last).zip(bh_last) {
        step(0, *x, *xh, *y, *yh);
    }
    let mut sum = TwoFloat::default();
    for lane in 0..4 {
        sum.merge(TwoFloat { high: high[lane], low: low[lane] });
    }
    sum
}
