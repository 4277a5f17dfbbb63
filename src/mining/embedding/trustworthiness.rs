//! How far neighbours in a map are neighbours among the rows.

use rayon::prelude::*;

use crate::similarity::neighbours::{all_nearest, squared_distance};

/// Trustworthiness (Venna & Kaski 2001): 1 when the `k` nearest rows in the map are the k nearest among the rows, less for each
/// that is not, by how far down it stands among them. `rows` have `width` columns; `k` is less than half of the number of rows.
/// O(n^2).
///
/// None when k is 0 or not less than half of the number of rows.
#[must_use]
pub fn trustworthiness(rows: &[f64], width: usize, places: &[[f64; 2]], k: usize) -> Option<f64> {
    let count = places.len();
    if k == 0 || 2 * k >= count {
        return None;
    }
    let row = |at: usize| rows.get(at * width..(at + 1) * width).unwrap_or_default();
    let flat: Vec<f64> = places.iter().flatten().copied().collect();
    let near = all_nearest(&flat, 2, k);
    let losses: Vec<u64> = near
        .par_iter()
        .enumerate()
        .map(|(own, near)| {
            let to: Vec<f64> = (0..count).map(|other| squared_distance(row(own), row(other))).collect();
            near.iter()
                .map(|near| {
                    let other = near.point as usize;
                    // The rank of the neighbour among the rows, from 1; equal distances by number.
                    let nearer = |at: usize| to[at] < to[other] || (to[at] == to[other] && at < other);
                    let rank = 1 + (0..count).filter(|at| *at != own && nearer(*at)).count();
                    rank.saturating_sub(k) as u64
                })
                .sum()
        })
        .collect();
    let (n, k) = (count as f64, k as f64);
    Some(1.0 - 2.0 / (n * k * (2.0 * n - 3.0 * k - 1.0)) * losses.iter().sum::<u64>() as f64)
}
