//! Exact nearest neighbours among rows of numbers.
//!
//! Points are rows of a row-major `[n, width]` slice of finite f64; distances are Euclidean and squared where a name says so.
//! The distance of two points is always the same sum in the same order, so that every way of searching gives the same
//! neighbours to the bit. Equal distances are ordered by the number of the point: results do not depend on the number of
//! threads, nor on the way of searching.
//!
//! - [`KdTree`] (Bentley 1975; sliding medians after Friedman, Bentley & Finkel 1977) looks at few points while the width is
//!   small: O(log n) a query below about ten columns, O(n) for many.
//! - [`brute`] compares blocks of points by matrix products and is better for many columns.
//! - [`all_nearest`] takes what fits.
//!
//! # Example
//! ```
//! use gristmill::similarity::neighbours::{KdTree, Near};
//!
//! let points = [0.0, 0.0, 3.0, 4.0, 6.0, 8.0];
//! let tree = KdTree::new(&points, 2);
//! let near = tree.nearest(&[0.0, 1.0], 2, None);
//! assert_eq!(near.iter().map(|near| near.point).collect::<Vec<_>>(), [0, 1]);
//! assert_eq!(tree.within(&[0.0, 0.0], 5.0).len(), 2, "a point on the rim is inside");
//! ```

pub mod brute;
mod heap;
mod kd_tree;
#[cfg(test)]
mod tests;

use rayon::prelude::*;

pub use heap::{Near, Nearest};
pub use kd_tree::{KdTree, Node};

/// Columns up to which a tree is searched faster than blocks of all points (measured on normal and on digit data).
const TREE_WIDTH: usize = 12;
/// Queries that one task answers.
const TOGETHER: usize = 256;

/// The squared Euclidean distance. Both slices have the same length.
#[must_use]
pub fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    const LANES: usize = 4;
    // Four sums, so that the processor need not wait for each addition; always the same ones, so that the result is too.
    let mut sums = [0.0; LANES];
    let (a_blocks, a_rest) = a.as_chunks::<LANES>();
    let (b_blocks, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a_blocks.iter().zip(b_blocks) {
        for lane in 0..LANES {
            let difference = a[lane] - b[lane];
            sums[lane] += difference * difference;
        }
    }
    let mut sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    for (a, b) in a_rest.iter().zip(b_rest) {
        sum += (a - b) * (a - b);
    }
    sum
}

/// Whether a tree is searched faster than all points are compared, for points of that width.
#[must_use]
pub fn suits_tree(width: usize) -> bool {
    width <= TREE_WIDTH
}

/// For each point its `k` nearest other points, nearest first: rows of `min(k, n - 1)`. O(n log n) for few columns, O(n^2 width)
/// for many; memory 16 n k bytes. In parallel.
#[must_use]
pub fn all_nearest(points: &[f64], width: usize, k: usize) -> Vec<Vec<Near>> {
    if !suits_tree(width) {
        return brute::all_nearest(points, width, k);
    }
    KdTree::new(points, width).all_nearest(k)
}

/// For each query (a row of `queries`) its `k` nearest points, nearest first. In parallel.
#[must_use]
pub fn nearest(points: &[f64], queries: &[f64], width: usize, k: usize) -> Vec<Vec<Near>> {
    if !suits_tree(width) {
        return brute::nearest(points, queries, width, k);
    }
    let tree = KdTree::new(points, width);
    queries.par_chunks_exact(width.max(1)).with_min_len(TOGETHER).map(|query| tree.nearest(query, k, None)).collect()
}
