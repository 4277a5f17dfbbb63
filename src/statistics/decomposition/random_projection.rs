//! Random directions: distances between rows stay nearly the same in far fewer columns.
//!
//! Johnson & Lindenstrauss 1984: any n points can be mapped into k dimensions, where k depends on n alone, so that no distance
//! changes by more than a small share. Random directions do it with high probability. `Gaussian`: weights are normal with
//! variance 1/k (Indyk & Motwani 1998; Dasgupta & Gupta 2003). `Sparse`: two thirds of the weights are 0 and the others
//! plus or minus sqrt(3/k) (Achlioptas 2003, *Database-friendly random projections*), with the same guarantee.
//!
//! # Complexity
//! O(p k) to draw, O(p k) a row. No pass over the rows is needed.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::linear_map::LinearMap;

/// How weights are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weights {
    /// Normal.
    Gaussian,
    /// Two thirds are zero.
    Sparse,
}

/// Draws `components` directions for rows of as many columns as there are centers and scales. The map takes the centers away and
/// divides by the scales, then projects.
#[must_use]
pub fn draw(centers: Vec<f64>, scales: Vec<f64>, components: usize, weights: Weights, seed: u64) -> LinearMap {
    let width = centers.len();
    let count = components.max(1) as f64;
    let weights = (0..components)
        .map(|component| {
            // A stream of its own for each direction: it stays the same when more are asked for.
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(component as u64);
            (0..width).map(|_| weight(weights, count, &mut rng)).collect()
        })
        .collect();
    LinearMap { centers, scales, weights }
}

fn weight(weights: Weights, count: f64, rng: &mut ChaCha8Rng) -> f64 {
    match weights {
        Weights::Gaussian => {
            // Box and Muller 1958; 1 - u is never 0.
            let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
            radius * (std::f64::consts::TAU * rng.random::<f64>()).cos() / count.sqrt()
        }
        Weights::Sparse => match rng.random_range(0..6_u32) {
            0 => (3.0 / count).sqrt(),
            1 => -(3.0 / count).sqrt(),
            _ => 0.0,
        },
    }
}

/// The number of components with which, with positive probability, no squared distance between `rows` points changes by more
/// than the share `distortion`: `4 ln n / (e^2 / 2 - e^3 / 3)` (Dasgupta & Gupta 2003, theorem 2.1). None unless
/// `0 < distortion < 1`.
#[must_use]
pub fn sufficient_components(rows: u64, distortion: f64) -> Option<u64> {
    if !(distortion > 0.0 && distortion < 1.0) {
        return None;
    }
    let denominator = distortion * distortion / 2.0 - distortion.powi(3) / 3.0;
    let components = 4.0 * (rows.max(1) as f64).ln() / denominator;
    Some(components.floor() as u64)
}

/// The least distortion, in hundredths, that so many components guarantee for so many rows; none where nothing below 1 is.
#[must_use]
pub fn guaranteed_distortion(rows: u64, components: usize) -> Option<f64> {
    (1..100_u32).map(|hundredths| f64::from(hundredths) / 100.0).find(|distortion| {
        sufficient_components(rows, *distortion).is_some_and(|sufficient| sufficient <= components as u64)
    })
}
