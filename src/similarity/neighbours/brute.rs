//! Nearest neighbours among many columns: every pair is looked at, in blocks.
//!
//! The squared distances of a block of queries to a block of points are `|q|^2 + |p|^2 - 2 q.p`, a matrix product. It loses
//! digits, so it only chooses: what may be among the nearest, within a bound on the rounding (Higham 2002, 3.5), is measured
//! again as in [`squared_distance`]. The result is exact.
//!
//! O(n m width) time, with m queries; memory the answer and a block of 256 x 1,024 distances for each thread.

use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2};
use rayon::prelude::*;

use super::{Near, Nearest, squared_distance};

/// Queries of a block.
const QUERIES: usize = 256;
/// Points of a block.
const POINTS: usize = 1_024;

/// The `k` nearest other points of each point: rows of `min(k, n - 1)`.
#[must_use]
pub fn all_nearest(points: &[f64], width: usize, k: usize) -> Vec<Vec<Near>> {
    let count = points.len().checked_div(width).unwrap_or(0);
    search(points, points, width, k.min(count.saturating_sub(1)), true)
}

/// The `k` nearest points of each query: rows of `min(k, n)`.
#[must_use]
pub fn nearest(points: &[f64], queries: &[f64], width: usize, k: usize) -> Vec<Vec<Near>> {
    let count = points.len().checked_div(width).unwrap_or(0);
    search(points, queries, width, k.min(count), false)
}

fn search(points: &[f64], queries: &[f64], width: usize, k: usize, except_self: bool) -> Vec<Vec<Near>> {
    if width == 0 {
        return Vec::new();
    }
    // Measured from the middle of the points, numbers are as small as can be, and so is what rounding takes.
    let middle = middle(points, width);
    let points_at = moved(points, &middle);
    let point_norms = norms(&points_at, width);
    let largest = point_norms.iter().copied().fold(0.0, f64::max);
    let blocks: Vec<Vec<Vec<Near>>> = queries
        .par_chunks(QUERIES * width)
        .enumerate()
        .map(|(block, queries)| {
            let queries_at = moved(queries, &middle);
            let query_norms = norms(&queries_at, width);
            let mut found: Vec<Nearest> = query_norms.iter().map(|_| Nearest::new(k)).collect();
            let mut products = vec![0.0; query_norms.len() * POINTS];
            for (points_block, chunk) in points_at.chunks(POINTS * width).enumerate() {
                let count = chunk.len() / width;
                let first = points_block * POINTS;
                multiply(&queries_at, chunk, width, &mut products);
                for (row, nearest) in found.iter_mut().enumerate() {
                    let norm = query_norms.get(row).copied().unwrap_or(0.0);
                    let slack = (width as f64 + 8.0) * 4.0 * f64::EPSILON * (norm + largest);
                    let own = except_self.then_some(block * QUERIES + row);
                    let query = queries.get(row * width..(row + 1) * width).unwrap_or_default();
                    let products = products.get(row * count..(row + 1) * count).unwrap_or_default();
                    let norms = point_norms.get(first..first + count).unwrap_or_default();
                    let mut limit = nearest.bound() + slack;
                    for (at, (product, other)) in products.iter().zip(norms).enumerate() {
                        // Numbers too large for the product give NaN, and are measured.
                        let surely_far = norm + other - 2.0 * product > limit;
                        let point = first + at;
                        if surely_far || own == Some(point) {
                            continue;
                        }
                        let squared =
                            squared_distance(query, points.get(point * width..(point + 1) * width).unwrap_or_default());
                        nearest.offer(Near { squared, point: point as u32 });
                        limit = nearest.bound() + slack;
                    }
                }
            }
            found.into_iter().map(Nearest::into_sorted).collect()
        })
        .collect();
    blocks.into_iter().flatten().collect()
}

/// `products[q, p] = queries[q] . points[p]`; as many columns as there are points.
fn multiply(queries: &[f64], points: &[f64], width: usize, products: &mut [f64]) {
    let (rows, columns) = (queries.len() / width, points.len() / width);
    let Some(products) = products.get_mut(..rows * columns) else { return };
    let shapes = (
        ArrayView2::from_shape((rows, width), queries),
        ArrayView2::from_shape((columns, width), points),
        ArrayViewMut2::from_shape((rows, columns), products),
    );
    if let (Ok(queries), Ok(points), Ok(mut products)) = shapes {
        general_mat_mul(1.0, &queries, &points.t(), 0.0, &mut products);
    }
}

fn middle(points: &[f64], width: usize) -> Vec<f64> {
    let count = (points.len() / width).max(1) as f64;
    let mut middle = vec![0.0; width];
    for point in points.chunks_exact(width) {
        middle.iter_mut().zip(point).for_each(|(sum, value)| *sum += value / count);
    }
    middle
}

fn moved(points: &[f64], middle: &[f64]) -> Vec<f64> {
    points.chunks_exact(middle.len()).flat_map(|point| point.iter().zip(middle).map(|(a, b)| a - b)).collect()
}

fn norms(points: &[f64], width: usize) -> Vec<f64> {
    points.chunks_exact(width).map(|point| point.iter().map(|value| value * value).sum()).collect()
}
