//! k-means: k centres such that the squared distances of the points to the nearest one are small in sum.
//!
//! Several starts, each with centres drawn by greedy k-means++ (Arthur & Vassilvitskii 2007, with 2 + ln k trials a centre as
//! in their experiments), each improved by Lloyd's iterations (1982) until no point changes its cluster or the centres move
//! by less than `tolerance`; the best one wins. Most distances are never computed, because bounds tell that they cannot
//! matter (Hamerly 2010, *Making k-means even faster*). A centre that loses all its points moves to the point that is
//! farthest from its own centre, as in scikit-learn.
//!
//! # Complexity
//! O(n k width) for the start and the first iteration, much less for later ones; memory 28 n bytes. In parallel.
//!
//! # Example
//! ```
//! use gristmill::mining::clustering::kmeans::{KMeansOptions, kmeans};
//!
//! let points = [0.0, 0.1, 0.2, 9.0, 9.1, 9.2];
//! let found = kmeans(&points, 1, &KMeansOptions { k: 2, ..KMeansOptions::default() }).unwrap();
//! assert_eq!(found.labels[0], found.labels[2]);
//! assert_ne!(found.labels[0], found.labels[5]);
//! assert!((found.inertia - 0.04).abs() < 1e-12);
//! ```

mod bounds;
mod plus_plus;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::{CHUNK, ClusteringError, checked};
use crate::statistics::clusters::centres::Centres;
pub(super) use plus_plus::start;

/// How k-means is run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KMeansOptions {
    /// Number of clusters.
    pub k: usize,
    /// Starts, of which the best one is kept.
    pub starts: usize,
    /// Iterations of a start at most.
    pub iterations: usize,
    /// The centres stand still when the squares of their movements sum to less than this share of the mean variance of the columns.
    pub tolerance: f64,
    /// Another seed draws other starts.
    pub seed: u64,
}

impl Default for KMeansOptions {
    fn default() -> Self {
        Self { k: 8, starts: 10, iterations: 300, tolerance: 1e-4, seed: 0 }
    }
}

/// Clusters around centres.
#[derive(Debug, Clone, PartialEq)]
pub struct KMeans {
    /// The centres; fewer than asked for when fewer points differ.
    pub centres: Centres,
    /// The nearest centre of each point.
    pub labels: Vec<u32>,
    /// The sum of the squared distances to the nearest centre.
    pub inertia: f64,
    /// Iterations of the best start.
    pub iterations: usize,
    /// Whether they ended because nothing moved any more.
    pub converged: bool,
}

/// Finds clusters from several random starts.
///
/// Errors: no points, fewer points than clusters, numbers whose distances overflow.
pub fn kmeans(points: &[f64], width: usize, options: &KMeansOptions) -> Result<KMeans, ClusteringError> {
    checked(points, width, options.k.max(1))?;
    let mut best: Option<KMeans> = None;
    for at in 0..options.starts.max(1) {
        let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
        rng.set_stream(at as u64);
        let centres = start(points, width, options.k, &mut rng);
        let found = improve(points, centres, options);
        if best.as_ref().is_none_or(|best| found.inertia < best.inertia) {
            best = Some(found);
        }
    }
    best.ok_or(ClusteringError::NoRows)
}

/// Improves given centres by Lloyd's iterations.
///
/// Errors: as [`kmeans`].
pub fn kmeans_from(points: &[f64], centres: Centres, options: &KMeansOptions) -> Result<KMeans, ClusteringError> {
    checked(points, centres.width, centres.len())?;
    Ok(improve(points, centres, options))
}

fn improve(points: &[f64], centres: Centres, options: &KMeansOptions) -> KMeans {
    let tolerance = options.tolerance * mean_variance(points, centres.width);
    let mut state = bounds::State::new(points, centres);
    let (mut iterations, mut converged) = (0, false);
    while iterations < options.iterations && !converged {
        iterations += 1;
        let changed = state.assign();
        if changed == 0 && iterations > 1 {
            converged = true;
            break;
        }
        let moved = state.update();
        converged = moved <= tolerance;
    }
    let (labels, inertia) = assign(points, &state.centres);
    KMeans { centres: state.centres, labels, inertia, iterations, converged }
}

/// The nearest centre of each point, and the sum of the squared distances to it.
#[must_use]
pub fn assign(points: &[f64], centres: &Centres) -> (Vec<u32>, f64) {
    let width = centres.width.max(1);
    let mut labels = vec![0_u32; points.len() / width];
    let sums: Vec<f64> = labels
        .par_chunks_mut(CHUNK)
        .zip(points.par_chunks(CHUNK * width))
        .map(|(labels, points)| {
            let mut sum = 0.0;
            for (label, point) in labels.iter_mut().zip(points.chunks_exact(width)) {
                if let Some((nearest, squared)) = centres.nearest(point) {
                    *label = nearest as u32;
                    sum += squared;
                }
            }
            sum
        })
        .collect();
    (labels, sums.iter().sum())
}

/// The mean over the columns of their variances.
fn mean_variance(points: &[f64], width: usize) -> f64 {
    let count = (points.len() / width) as f64;
    let mut means = vec![0.0; width];
    let mut squares = vec![0.0; width];
    points.chunks_exact(width).for_each(|point| means.iter_mut().zip(point).for_each(|(sum, value)| *sum += value));
    means.iter_mut().for_each(|sum| *sum /= count);
    for point in points.chunks_exact(width) {
        for ((sum, value), mean) in squares.iter_mut().zip(point).zip(&means) {
            *sum += (value - mean) * (value - mean);
        }
    }
    squares.iter().sum::<f64>() / count / width as f64
}
