//! The chain of nearest neighbours.
//!
//! It begins at any cluster and goes on to the nearest one, until two are nearest to each other; these are merged and the
//! chain goes on with what is left of it. Because merged clusters are never nearer to others than both were, the chain stays
//! right. Of equally near clusters the one before in the chain comes first, then the one of the smaller number.

use rayon::prelude::*;

use crate::similarity::neighbours::squared_distance;

/// Numbers of a search from which several threads share it.
const SHARED: usize = 32_768;
/// Clusters that one task looks at.
const TOGETHER: usize = 2_048;

/// The nearer of two candidates (distance, place).
fn nearer(a: (f64, usize), b: (f64, usize)) -> (f64, usize) {
    if b < a { b } else { a }
}

/// Ward's merges as (a point, a point, distance), from the centres of the clusters.
pub(super) fn ward(points: &[f64], width: usize) -> Vec<(u32, u32, f64)> {
    let count = points.len() / width;
    let mut centres = points.to_vec();
    let mut sizes = vec![1.0_f64; count];
    // Clusters that are left, ascending by their first place; `centres` and `sizes` stay where they were.
    let mut left: Vec<u32> = (0..count as u32).collect();
    let mut chain: Vec<u32> = Vec::new();
    let mut merges = Vec::with_capacity(count.saturating_sub(1));
    while merges.len() + 1 < count {
        let Some(&top) = chain.last().or(left.first()) else { break };
        if chain.is_empty() {
            chain.push(top);
        }
        let own = &centres[top as usize * width..(top as usize + 1) * width];
        let size = sizes[top as usize];
        // Half of the squared distance.
        let apart = |other: u32| {
            let at = other as usize;
            let weight = size * sizes[at] / (size + sizes[at]);
            weight * squared_distance(own, &centres[at * width..(at + 1) * width])
        };
        let look = |(chunk, clusters): (usize, &[u32])| {
            clusters
                .iter()
                .enumerate()
                .filter(|(_, other)| **other != top)
                .map(|(at, &other)| (apart(other), chunk * TOGETHER + at))
                .fold((f64::INFINITY, usize::MAX), nearer)
        };
        let none = (f64::INFINITY, usize::MAX);
        let found = if left.len() * width > SHARED {
            left.par_chunks(TOGETHER).enumerate().map(look).reduce(|| none, nearer)
        } else {
            left.chunks(TOGETHER).enumerate().map(look).fold(none, nearer)
        };
        let Some(&nearest) = left.get(found.1) else { break };
        let before = chain.len().checked_sub(2).map(|at| chain[at]);
        match before {
            Some(before) if apart(before) <= found.0 => {
                let squared = apart(before);
                chain.truncate(chain.len() - 2);
                let (kept, gone) = (top.max(before) as usize, top.min(before) as usize);
                merges.push((gone as u32, kept as u32, (2.0 * squared).sqrt()));
                let (a, b) = (sizes[kept], sizes[gone]);
                for column in 0..width {
                    let mean = (centres[kept * width + column] * a + centres[gone * width + column] * b) / (a + b);
                    centres[kept * width + column] = mean;
                }
                sizes[kept] = a + b;
                if let Ok(at) = left.binary_search(&(gone as u32)) {
                    left.remove(at);
                }
            }
            _ => chain.push(nearest),
        }
    }
    merges
}

/// The place of a pair in the matrix above the diagonal.
fn place(count: usize, i: usize, j: usize) -> usize {
    let (i, j) = (i.min(j), i.max(j));
    i * (2 * count - i - 1) / 2 + j - i - 1
}

/// Merges as (a point, a point, distance) over a matrix of distances. `join` gives the distance of a merged cluster to another
/// one from (size of the first, of the second, of the other, distance of the first, of the second).
pub(super) fn matrix(
    points: &[f64],
    width: usize,
    join: impl Fn(f64, f64, f64, f64, f64) -> f64,
) -> Vec<(u32, u32, f64)> {
    let count = points.len() / width;
    let at = |i: usize| &points[i * width..(i + 1) * width];
    let mut distances = vec![0.0; count * count.saturating_sub(1) / 2];
    let mut rows: Vec<(usize, &mut [f64])> = Vec::with_capacity(count);
    let mut rest = distances.as_mut_slice();
    for i in 0..count {
        let (row, more) = rest.split_at_mut(count - i - 1);
        rows.push((i, row));
        rest = more;
    }
    rows.into_par_iter().for_each(|(i, row)| {
        row.iter_mut().enumerate().for_each(|(j, value)| *value = squared_distance(at(i), at(i + 1 + j)).sqrt());
    });
    let mut sizes = vec![1.0_f64; count];
    let mut left: Vec<usize> = (0..count).collect();
    let mut chain: Vec<usize> = Vec::new();
    let mut merges = Vec::with_capacity(count.saturating_sub(1));
    while merges.len() + 1 < count {
        let Some(&top) = chain.last().or(left.first()) else { break };
        if chain.is_empty() {
            chain.push(top);
        }
        let before = chain.len().checked_sub(2).map(|at| chain[at]);
        let mut nearest = before.map_or((f64::INFINITY, usize::MAX), |at| (distances[place(count, top, at)], at));
        for &other in &left {
            if other != top {
                let distance = distances[place(count, top, other)];
                if distance < nearest.0 {
                    nearest = (distance, other);
                }
            }
        }
        if nearest.1 == usize::MAX {
            break;
        }
        if before != Some(nearest.1) {
            chain.push(nearest.1);
            continue;
        }
        chain.truncate(chain.len() - 2);
        let (kept, gone) = (top.max(nearest.1), top.min(nearest.1));
        merges.push((gone as u32, kept as u32, nearest.0));
        if let Ok(at) = left.binary_search(&gone) {
            left.remove(at);
        }
        let (a, b) = (sizes[gone], sizes[kept]);
        for &other in &left {
            if other != kept {
                let (first, second) = (distances[place(count, other, gone)], distances[place(count, other, kept)]);
                distances[place(count, other, kept)] = join(a, b, sizes[other], first, second);
            }
        }
        sizes[kept] = a + b;
    }
    merges
}
