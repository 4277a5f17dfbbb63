//! Means and covariances of many columns in one pass.
//!
//! Rows come one after the other and are summed in blocks: each block is moved to its own mean, so that large means take no
//! digits away, and blocks are merged by the formula of Chan, Golub & LeVeque (1979, *Updating formulae and a pairwise algorithm
//! for computing sample variances*). Blocks have a fixed size, are summed side by side and merged in their order: the result
//! does not depend on the number of threads.
//!
//! # Complexity
//! O(n p^2) time for n rows of p columns. Memory: 8 p^2 bytes for each of [`TOGETHER`] blocks in work, and the rows that wait.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

/// Rows of a block.
const BLOCK: usize = 2_048;
/// Blocks that are summed side by side.
const TOGETHER: usize = 8;
/// Columns from which products of matrices are faster than sums by pair.
const WIDE: usize = 24;

/// Means and sums of products of deviations, over rows of finite numbers. See the [module](self).
///
/// ```
/// use gristmill::statistics::decomposition::covariance::Covariance;
///
/// let mut covariance = Covariance::new(2);
/// for row in [[1.0, 2.0], [2.0, 4.0], [3.0, 9.0]] {
///     covariance.push(&row);
/// }
/// covariance.finish();
/// assert_eq!((covariance.mean(), covariance.count()), (&[2.0, 5.0][..], 3));
/// assert_eq!(covariance.between(0, 1), Some(3.5));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Covariance {
    width: usize,
    count: u64,
    mean: Vec<f64>,
    /// `[width, width]`: sums of products of deviations from the mean.
    scatter: Vec<f64>,
    /// Rows that wait for the next round.
    waiting: Vec<f64>,
}

impl Covariance {
    /// Of rows of `width` columns, before the first one.
    #[must_use]
    pub fn new(width: usize) -> Self {
        Self { width, count: 0, mean: vec![0.0; width], scatter: vec![0.0; width * width], waiting: Vec::new() }
    }

    /// Takes one row of `width` finite numbers.
    pub fn push(&mut self, row: &[f64]) {
        self.waiting.extend_from_slice(row);
        if self.waiting.len() >= self.round() {
            self.finish();
        }
    }

    /// Takes rows of `width` finite numbers that are stored one after the other.
    pub fn extend(&mut self, mut rows: &[f64]) {
        if self.width == 0 {
            return;
        }
        while !rows.is_empty() {
            // Rounds are filled to the same size whatever the rows come in, so that the sums are the same.
            let (now, later) = rows.split_at(rows.len().min(self.round() - self.waiting.len()));
            if self.waiting.is_empty() && now.len() == self.round() {
                self.add(now);
            } else {
                self.waiting.extend_from_slice(now);
                if self.waiting.len() >= self.round() {
                    self.finish();
                }
            }
            rows = later;
        }
    }

    /// Numbers of a round.
    fn round(&self) -> usize {
        BLOCK * TOGETHER * self.width.max(1)
    }

    /// Sums the rows that wait. What is asked of the covariances holds for the rows up to the last call.
    pub fn finish(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        self.add(&waiting);
        self.waiting = waiting;
        self.waiting.clear();
    }

    fn add(&mut self, rows: &[f64]) {
        if self.width == 0 || rows.is_empty() {
            return;
        }
        let blocks: Vec<Self> =
            rows.par_chunks(BLOCK * self.width).map(|block| Self::of_block(block, self.width)).collect();
        for block in &blocks {
            self.merge(block);
        }
    }

    fn of_block(rows: &[f64], width: usize) -> Self {
        let count = rows.len() / width;
        let mut mean = vec![0.0; width];
        for row in rows.chunks_exact(width) {
            mean.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        }
        mean.iter_mut().for_each(|sum| *sum /= count as f64);
        let scatter = if width < WIDE { by_pair(rows, &mut mean) } else { by_product(rows, &mut mean) };
        Self { width, count: count as u64, mean, scatter, waiting: Vec::new() }
    }

    /// Takes the rows of another one of the same width; both finished.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 || other.width != self.width {
            return;
        }
        let (own, added) = (self.count as f64, other.count as f64);
        let share = added / (own + added);
        let moved: Vec<f64> = other.mean.iter().zip(&self.mean).map(|(other, own)| other - own).collect();
        let weight = own * share;
        for ((sums, added), left) in
            self.scatter.chunks_exact_mut(self.width).zip(other.scatter.chunks_exact(self.width)).zip(&moved)
        {
            for ((sum, added), right) in sums.iter_mut().zip(added).zip(&moved) {
                *sum += added + weight * left * right;
            }
        }
        self.mean.iter_mut().zip(&moved).for_each(|(mean, moved)| *mean += moved * share);
        self.count += other.count;
    }

    /// Columns of a row.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The means of the columns.
    #[must_use]
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// The sample covariance (divided by n - 1) of two columns; none below two rows.
    #[must_use]
    pub fn between(&self, a: usize, b: usize) -> Option<f64> {
        (self.count > 1).then(|| self.scatter.get(a * self.width + b).map(|sum| sum / (self.count - 1) as f64))?
    }

    /// The sample variances of the columns; 0 below two rows.
    #[must_use]
    pub fn variances(&self) -> Vec<f64> {
        (0..self.width).map(|at| self.between(at, at).unwrap_or(0.0).max(0.0)).collect()
    }

    /// The matrix of sums of products divided by `divisor`, `[width, width]`.
    #[must_use]
    pub fn matrix(&self, divisor: f64) -> Vec<f64> {
        self.scatter.iter().map(|sum| sum / divisor).collect()
    }

    /// The first column whose mean or sum of squares is no finite number, because its values are too large.
    #[must_use]
    pub fn overflowed(&self) -> Option<usize> {
        (0..self.width).find(|&at| {
            let own = self.scatter.get(at * self.width + at).copied().unwrap_or(0.0);
            !own.is_finite() || !self.mean.get(at).is_some_and(|mean| mean.is_finite())
        })
    }
}

/// Corrects the mean by what rounding left in it (Chan, Golub & LeVeque 1983), and gives the sums of products by pair.
fn by_pair(rows: &[f64], mean: &mut [f64]) -> Vec<f64> {
    let width = mean.len();
    let count = rows.len() / width;
    let mut columns = vec![0.0; rows.len()];
    for (column, (values, mean)) in columns.chunks_exact_mut(count).zip(mean.iter_mut()).enumerate() {
        for (value, row) in values.iter_mut().zip(rows.chunks_exact(width)) {
            *value = row[column] - *mean;
        }
        let rest = values.iter().sum::<f64>() / count as f64;
        values.iter_mut().for_each(|value| *value -= rest);
        *mean += rest;
    }
    let mut sums = vec![0.0; width * width];
    for (a, left) in columns.chunks_exact(count).enumerate() {
        for (b, right) in columns.chunks_exact(count).enumerate().skip(a) {
            let sum = dot(left, right);
            sums[a * width + b] = sum;
            sums[b * width + a] = sum;
        }
    }
    sums
}

/// The same as a product of matrices.
fn by_product(rows: &[f64], mean: &mut [f64]) -> Vec<f64> {
    let width = mean.len();
    let count = rows.len() / width;
    let mut moved: Vec<f64> = rows
        .chunks_exact(width)
        .flat_map(|row| row.iter().zip(mean.iter()).map(|(value, mean)| value - mean))
        .collect();
    let mut rest = vec![0.0; width];
    for row in moved.chunks_exact(width) {
        rest.iter_mut().zip(row).for_each(|(sum, value)| *sum += value / count as f64);
    }
    for row in moved.chunks_exact_mut(width) {
        row.iter_mut().zip(&rest).for_each(|(value, rest)| *value -= rest);
    }
    mean.iter_mut().zip(&rest).for_each(|(mean, rest)| *mean += rest);
    let mut sums = Array2::<f64>::zeros((width, width));
    if let Ok(moved) = ArrayView2::from_shape((count, width), &moved) {
        general_mat_mul(1.0, &moved.t(), &moved, 0.0, &mut sums);
    }
    sums.into_raw_vec_and_offset().0
}

/// Eight sums side by side, always the same ones.
pub(super) fn dot(left: &[f64], right: &[f64]) -> f64 {
    const LANES: usize = 8;
    let mut sums = [0.0; LANES];
    let (left_blocks, left_rest) = left.as_chunks::<LANES>();
    let (right_blocks, right_rest) = right.as_chunks::<LANES>();
    for (left, right) in left_blocks.iter().zip(right_blocks) {
        for lane in 0..LANES {
            sums[lane] += left[lane] * right[lane];
        }
    }
    let rest: f64 = left_rest.iter().zip(right_rest).map(|(left, right)| left * right).sum();
    sums.iter().sum::<f64>() + rest
}
