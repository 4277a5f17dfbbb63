//! Where k-means begins: centres drawn far from each other.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::super::CHUNK;
use crate::similarity::neighbours::squared_distance;
use crate::statistics::clusters::centres::Centres;

/// Greedy k-means++: each further centre is the best of 2 + ln k points drawn by their squared distance to the nearest centre
/// so far. Ends early when every point is a centre.
pub(in super::super) fn start(points: &[f64], width: usize, k: usize, rng: &mut ChaCha8Rng) -> Centres {
    let count = points.len() / width;
    let at = |point: usize| points.get(point * width..(point + 1) * width).unwrap_or_default();
    let mut centres = Centres { width, values: at(rng.random_range(0..count.max(1))).to_vec() };
    let trials = 2 + (k.max(1) as f64).ln() as usize;
    let mut nearest = vec![f64::INFINITY; count];
    let mut sums = lower(points, width, &centres.values, &mut nearest);
    while centres.len() < k {
        let total: f64 = sums.iter().sum();
        if total <= 0.0 || total.is_nan() {
            break;
        }
        let drawn: Vec<usize> = (0..trials).map(|_| draw(rng.random::<f64>() * total, &sums, &nearest)).collect();
        let candidates: Vec<f64> = drawn.iter().flat_map(|&point| at(point)).copied().collect();
        let potentials = potentials(points, width, &candidates, &nearest);
        let best = potentials.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(best, _)| best);
        let Some(chosen) = candidates.get(best * width..(best + 1) * width) else { break };
        sums = lower(points, width, chosen, &mut nearest);
        centres.values.extend_from_slice(chosen);
    }
    centres
}

/// Lowers the squared distances to the nearest centre by a new centre; gives their sums by chunk.
fn lower(points: &[f64], width: usize, centre: &[f64], nearest: &mut [f64]) -> Vec<f64> {
    nearest
        .par_chunks_mut(CHUNK)
        .zip(points.par_chunks(CHUNK * width))
        .map(|(nearest, points)| {
            let mut sum = 0.0;
            for (nearest, point) in nearest.iter_mut().zip(points.chunks_exact(width)) {
                *nearest = nearest.min(squared_distance(point, centre));
                sum += *nearest;
            }
            sum
        })
        .collect()
}

/// What the sum of the squared distances would be with each of the candidates.
fn potentials(points: &[f64], width: usize, candidates: &[f64], nearest: &[f64]) -> Vec<f64> {
    let chunks: Vec<Vec<f64>> = nearest
        .par_chunks(CHUNK)
        .zip(points.par_chunks(CHUNK * width))
        .map(|(nearest, points)| {
            let mut sums = vec![0.0; candidates.len() / width];
            for (nearest, point) in nearest.iter().zip(points.chunks_exact(width)) {
                for (sum, candidate) in sums.iter_mut().zip(candidates.chunks_exact(width)) {
                    *sum += nearest.min(squared_distance(point, candidate));
                }
            }
            sums
        })
        .collect();
    let mut sums = vec![0.0; candidates.len() / width];
    for chunk in chunks {
        sums.iter_mut().zip(chunk).for_each(|(sum, part)| *sum += part);
    }
    sums
}

/// The point at which the running sum of `nearest` reaches `wanted`.
fn draw(wanted: f64, sums: &[f64], nearest: &[f64]) -> usize {
    let mut left = wanted;
    for (chunk, sum) in sums.iter().enumerate() {
        if left < *sum {
            for (at, squared) in nearest.iter().enumerate().skip(chunk * CHUNK).take(CHUNK) {
                if left < *squared {
                    return at;
                }
                left -= squared;
            }
            break;
        }
        left -= sum;
    }
    // Rounding has passed the end: the last point that can be drawn at all.
    nearest.iter().rposition(|squared| *squared > 0.0).unwrap_or(0)
}
