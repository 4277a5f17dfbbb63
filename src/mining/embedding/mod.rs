//! Maps of rows in a plane that keep neighbours together: t-SNE.
//!
//! Van der Maaten & Hinton 2008, *Visualizing data using t-SNE*; van der Maaten 2014, *Accelerating t-SNE using tree-based
//! algorithms* (Barnes-Hut). Each row has affinities to its `3 * perplexity` nearest rows, with a width of its own such that
//! they are as many as the perplexity says; the places in the plane are moved until affinities there, by Student's t, resemble
//! them: the Kullback-Leibler divergence of the two is what is made small, by gradient descent with momentum and gains, begun
//! with affinities enlarged twelvefold. Start: the first two principal components, as scikit-learn does since 1.2 (Kobak &
//! Linderman 2021).
//!
//! What lies near in the map was near among the rows, most of the time. Distances between far groups, and how dense groups are,
//! mean little. The map holds for these rows only: there is no function to apply to new ones.
//!
//! # Complexity
//! Neighbours: see [`crate::similarity::neighbours::all_nearest`]. Each of the 1,000 rounds: O(n log n). Memory about `100 *
//! perplexity` bytes a row. The sums of a row are made by one task in one order: a seed gives one map whatever the number of
//! threads.

mod affinities;
mod quad_tree;
#[cfg(test)]
mod tests;
mod trustworthiness;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::statistics::decomposition::covariance::Covariance;
use crate::statistics::decomposition::pca::{Components, Pca};
use affinities::Affinities;
use quad_tree::QuadTree;

pub use trustworthiness::trustworthiness;

/// How the map is made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TsneOptions {
    /// Neighbours that a row is to have, in the mean; at least 1 and less than the number of rows.
    pub perplexity: f64,
    /// By how much affinities are enlarged in the first 250 rounds.
    pub early_exaggeration: f64,
    /// The step; `max(n / early_exaggeration / 4, 50)` when absent (Belkina et al. 2019).
    pub learning_rate: Option<f64>,
    /// Rounds in all.
    pub rounds: usize,
    /// How coarse far groups are seen: 0 is exact.
    pub angle: f64,
    /// Another seed breaks ties otherwise: rows without a second principal component, and equal rows.
    pub seed: u64,
}

impl Default for TsneOptions {
    fn default() -> Self {
        Self { perplexity: 30.0, early_exaggeration: 12.0, learning_rate: None, rounds: 1_000, angle: 0.5, seed: 0 }
    }
}

/// A map.
#[derive(Debug, Clone, PartialEq)]
pub struct Tsne {
    /// The place of each row.
    pub places: Vec<[f64; 2]>,
    /// The divergence that is left, in nats; none without neighbours.
    pub divergence: Option<f64>,
    /// Rounds that were made.
    pub rounds: usize,
}

/// Rounds with enlarged affinities.
const EARLY: usize = 250;
/// A gradient shorter than this has settled.
const SETTLED: f64 = 1e-7;
/// The least gain of a coordinate.
const LEAST_GAIN: f64 = 0.01;
/// Rows whose forces one task sums.
const TOGETHER: usize = 256;

/// Maps rows of `width` numbers whose squares are finite. `tick` is called with the number of each round and answers whether to
/// go on.
#[must_use]
pub fn tsne(rows: &[f64], width: usize, options: &TsneOptions, tick: &mut dyn FnMut(usize) -> bool) -> Tsne {
    let count = rows.len().checked_div(width).unwrap_or(0);
    let mut places = start(rows, width, count, options.seed);
    if count < 3 {
        return Tsne { places, divergence: None, rounds: 0 };
    }
    let affinities = Affinities::of_rows(rows, width, options.perplexity);
    let rate = options.learning_rate.unwrap_or_else(|| (count as f64 / options.early_exaggeration / 4.0).max(50.0));
    let mut moves = vec![[0.0; 2]; count];
    let mut gains = vec![[1.0_f64; 2]; count];
    let mut done = 0;
    for round in 0..options.rounds {
        if !tick(round) {
            break;
        }
        let early = round < EARLY.min(options.rounds);
        let (exaggeration, momentum) = if early { (options.early_exaggeration, 0.5) } else { (1.0, 0.8) };
        if round == EARLY {
            // The second part begins anew, as in scikit-learn.
            moves.fill([0.0; 2]);
            gains.fill([1.0; 2]);
        }
        let gradient = gradient(&affinities, &places, exaggeration, options.angle);
        let length = gradient.iter().map(|g| g[0] * g[0] + g[1] * g[1]).sum::<f64>().sqrt();
        for (((place, movement), gain), gradient) in places.iter_mut().zip(&mut moves).zip(&mut gains).zip(&gradient) {
            for axis in 0..2 {
                let same_way = movement[axis] * gradient[axis] >= 0.0;
                gain[axis] = if same_way { gain[axis] * 0.8 } else { gain[axis] + 0.2 }.max(LEAST_GAIN);
                movement[axis] = momentum * movement[axis] - rate * gain[axis] * gradient[axis];
                place[axis] += movement[axis];
            }
        }
        done = round + 1;
        if !early && length < SETTLED {
            break;
        }
    }
    let divergence = divergence(&affinities, &places, options.angle);
    Tsne { places, divergence: Some(divergence), rounds: done }
}

/// The first two principal components, the first with a deviation of 0.0001; what is not there is random and as small.
fn start(rows: &[f64], width: usize, count: usize, seed: u64) -> Vec<[f64; 2]> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut places: Vec<[f64; 2]> =
        (0..count).map(|_| [(rng.random::<f64>() - 0.5) * 1e-6, (rng.random::<f64>() - 0.5) * 1e-6]).collect();
    let mut covariance = Covariance::new(width);
    covariance.extend(rows);
    covariance.finish();
    let Ok(pca) = Pca::fit(&covariance, Components::Count(2), false, seed) else { return places };
    let deviation = pca.variances().first().map_or(0.0, |variance| variance.sqrt());
    if deviation > 0.0 {
        for (place, row) in places.iter_mut().zip(rows.chunks_exact(width.max(1))) {
            for (place, score) in place.iter_mut().zip(pca.map().apply(row)) {
                // A trace of the random numbers stays: equal rows would never come apart.
                *place = score / deviation * 1e-4 + *place * 1e-4;
            }
        }
    }
    places
}

/// `sum_j q_ij^2 Z^2 (y_i - y_j)` for each row, and Z.
fn repulsion(places: &[[f64; 2]], angle: f64) -> (Vec<[f64; 2]>, f64) {
    let tree = QuadTree::new(places);
    let parts: Vec<Vec<([f64; 2], f64)>> = places
        .par_chunks(TOGETHER)
        .map(|places| places.iter().map(|place| tree.repulsion(*place, angle)).collect())
        .collect();
    let all = parts.concat();
    let normal = all.iter().map(|(_, normal)| normal).sum::<f64>().max(f64::MIN_POSITIVE);
    (all.into_iter().map(|(force, _)| force).collect(), normal)
}

fn gradient(affinities: &Affinities, places: &[[f64; 2]], exaggeration: f64, angle: f64) -> Vec<[f64; 2]> {
    let (away, normal) = repulsion(places, angle);
    let rows: Vec<usize> = (0..places.len()).collect();
    let parts: Vec<Vec<[f64; 2]>> = rows
        .par_chunks(TOGETHER)
        .map(|rows| {
            rows.iter()
                .map(|&row| {
                    let own = places[row];
                    let mut pull = [0.0; 2];
                    for (other, affinity) in affinities.of(row) {
                        let place = places[other];
                        let (x, y) = (own[0] - place[0], own[1] - place[1]);
                        let weight = affinity / (1.0 + x * x + y * y);
                        pull[0] += weight * x;
                        pull[1] += weight * y;
                    }
                    let push = away[row];
                    [0, 1].map(|axis| 4.0 * (exaggeration * pull[axis] - push[axis] / normal))
                })
                .collect()
        })
        .collect();
    parts.concat()
}

fn divergence(affinities: &Affinities, places: &[[f64; 2]], angle: f64) -> f64 {
    let (_, normal) = repulsion(places, angle);
    let mut sum = 0.0;
    for (row, own) in places.iter().enumerate() {
        for (other, affinity) in affinities.of(row) {
            let place = places[other];
            let (x, y) = (own[0] - place[0], own[1] - place[1]);
            let near = 1.0 / (1.0 + x * x + y * y) / normal;
            if affinity > 0.0 {
                sum += affinity * (affinity / near.max(f64::MIN_POSITIVE)).ln();
            }
        }
    }
    sum
}
