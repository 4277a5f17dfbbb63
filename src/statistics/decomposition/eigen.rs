//! Eigenvalues and eigenvectors of symmetric matrices.

use nalgebra::{DMatrix, SymmetricEigen};
use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView2, s};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// Columns from which a few eigenvectors are searched for by themselves.
const LARGE: usize = 250;
/// How far `A v - lambda v` may be from zero, in units of the largest eigenvalue.
const RESIDUAL: f64 = 1e-13;
/// Further vectors of a block: as many equal eigenvalues are told apart.
const FURTHER: usize = 6;
/// Rows of a matrix that one task multiplies.
const ROWS: usize = 64;

/// The `wanted` largest eigenvalues of a symmetric `[n, n]` matrix without negative ones, descending, with a vector of length 1
/// for each; all of them when `wanted` is `n`.
///
/// Small matrices, and all vectors of large ones, go through nalgebra's tridiagonal QR: O(n^3). A few vectors of a large matrix
/// are found in a block Krylov space (Golub & Underwood 1977; Halko, Martinsson & Tropp 2011, *Finding structure with
/// randomness*, for the random start), which grows until every residual is below 1e-13 of the largest eigenvalue: O(n^2 m) for
/// a space of m vectors. The seed decides the start only, not the answer beyond rounding.
///
/// None when the iteration does not end, which finite matrices do not show.
#[must_use]
pub fn symmetric_eigen(matrix: &[f64], n: usize, wanted: usize, seed: u64) -> Option<(Vec<f64>, Vec<Vec<f64>>)> {
    if matrix.len() != n * n || !matrix.iter().all(|value| value.is_finite()) {
        return None;
    }
    let wanted = wanted.min(n);
    if n > LARGE && (wanted + FURTHER) * 8 < n {
        return krylov(matrix, n, wanted, seed);
    }
    full(matrix, n, wanted)
}

fn full(matrix: &[f64], n: usize, wanted: usize) -> Option<(Vec<f64>, Vec<Vec<f64>>)> {
    if n == 0 {
        return Some((Vec::new(), Vec::new()));
    }
    let found = SymmetricEigen::try_new(DMatrix::from_row_slice(n, n, matrix), f64::EPSILON, 1_000 + 100 * n)?;
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|a, b| found.eigenvalues[*b].total_cmp(&found.eigenvalues[*a]));
    order.truncate(wanted);
    let values = order.iter().map(|at| found.eigenvalues[*at]).collect();
    let vectors = order.iter().map(|at| found.eigenvectors.column(*at).iter().copied().collect()).collect();
    Some((values, vectors))
}

fn krylov(matrix: &[f64], n: usize, wanted: usize, seed: u64) -> Option<(Vec<f64>, Vec<Vec<f64>>)> {
    let size = wanted + FURTHER;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    // Vectors lie in rows, so that each is one piece of memory.
    let mut basis = Array2::<f64>::zeros((0, n));
    let mut images = Array2::<f64>::zeros((0, n));
    let mut block = Array2::from_shape_fn((size, n), |_| rng.random::<f64>() - 0.5);
    loop {
        orthonormalize(&basis, &mut block, &mut rng);
        let image = multiply(matrix, n, &block);
        basis.append(ndarray::Axis(0), block.view()).ok()?;
        images.append(ndarray::Axis(0), image.view()).ok()?;
        let m = basis.nrows();
        let mut small = Array2::<f64>::zeros((m, m));
        general_mat_mul(1.0, &basis, &images.t(), 0.0, &mut small);
        // Rounding leaves the two halves a little apart.
        let small = (&small + &small.t()) * 0.5;
        let (values, inner) = full(small.as_slice()?, m, wanted)?;
        let inner = Array2::from_shape_vec((wanted, m), inner.concat()).ok()?;
        let vectors = inner.dot(&basis);
        let left = inner.dot(&images);
        let largest = values.first().copied().unwrap_or(0.0).abs();
        let settled = values.iter().enumerate().all(|(at, value)| {
            let off: f64 = left.row(at).iter().zip(vectors.row(at)).map(|(left, v)| (left - value * v).powi(2)).sum();
            off.sqrt() <= RESIDUAL * largest
        });
        if settled || m + size > n {
            return Some((values, vectors.rows().into_iter().map(|row| row.to_vec()).collect()));
        }
        block = image;
        if m > n / 2 {
            // The spectrum is so flat that all of it costs no more.
            return full(matrix, n, wanted);
        }
    }
}

/// `A v` for each row `v` of the block.
fn multiply(matrix: &[f64], n: usize, block: &Array2<f64>) -> Array2<f64> {
    let parts: Vec<Array2<f64>> = matrix
        .par_chunks(ROWS * n)
        .map(|rows| {
            let mut part = Array2::zeros((block.nrows(), rows.len() / n));
            if let Ok(rows) = ArrayView2::from_shape((rows.len() / n, n), rows) {
                general_mat_mul(1.0, block, &rows.t(), 0.0, &mut part);
            }
            part
        })
        .collect();
    let mut image = Array2::zeros((block.nrows(), n));
    let mut start = 0;
    for part in parts {
        image.slice_mut(s![.., start..start + part.ncols()]).assign(&part);
        start += part.ncols();
    }
    image
}

/// Makes the rows of the block orthogonal to the basis and to each other, by Gram and Schmidt twice ("twice is enough", Parlett
/// 1998). A row of which nothing is left is drawn anew.
fn orthonormalize(basis: &Array2<f64>, block: &mut Array2<f64>, rng: &mut ChaCha8Rng) {
    for at in 0..block.nrows() {
        let (before, mut rest) = block.view_mut().split_at(ndarray::Axis(0), at);
        let mut row = rest.row_mut(0);
        for _ in 0..8 {
            let length = row.dot(&row).sqrt();
            if length > 0.0 {
                row /= length;
            }
            for _ in 0..2 {
                let along = basis.dot(&row);
                row -= &along.dot(basis);
                let along = before.dot(&row);
                row -= &along.dot(&before);
            }
            let left = row.dot(&row).sqrt();
            if left > 1e-10 {
                row /= left;
                break;
            }
            row.iter_mut().for_each(|value| *value = rng.random::<f64>() - 0.5);
        }
    }
}
