//! A mixture of Gaussian distributions, fitted by expectation maximization (Dempster, Laird & Rubin 1977).
//!
//! The first responsibilities are the clusters of k-means. Each iteration computes the responsibilities of the components
//! for each point and from these new weights, means and covariances; it ends when the mean log-likelihood of a point changes
//! by less than `tolerance`. Steps, conventions and the regularization (added to the diagonals of the covariances) are those of
//! scikit-learn's `GaussianMixture`. Second moments are summed around the means of the iteration before, so that they keep
//! their digits far from the origin; no responsibilities are stored.
//!
//! # Complexity
//! O(n k width^2) an iteration for full and tied covariances, O(n k width) otherwise; memory k covariances for each chunk of
//! 4,096 points in work. In parallel.

mod covariance;

use rayon::prelude::*;

use super::kmeans::{KMeansOptions, kmeans};
use super::{CHUNK, ClusteringError, checked};
use crate::statistics::clusters::mixture::{Mixture, Room};
pub use covariance::Covariance;
use covariance::Moments;

/// How a mixture is fitted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MixtureOptions {
    /// Number of components.
    pub k: usize,
    /// The form of the covariances.
    pub covariance: Covariance,
    /// Iterations at most.
    pub iterations: usize,
    /// The change of the mean log-likelihood at which they end.
    pub tolerance: f64,
    /// Added to the diagonals of the covariances.
    pub regularization: f64,
    /// Starts of the k-means from which it begins.
    pub starts: usize,
    /// Another seed draws other starts of the k-means from which it begins.
    pub seed: u64,
}

impl Default for MixtureOptions {
    fn default() -> Self {
        Self {
            k: 8,
            covariance: Covariance::Full,
            iterations: 100,
            tolerance: 1e-3,
            regularization: 1e-6,
            starts: 10,
            seed: 0,
        }
    }
}

/// A mixture and how well it fits.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedMixture {
    /// The mixture.
    pub mixture: Mixture,
    /// The likeliest component of each point.
    pub labels: Vec<u32>,
    /// The log-likelihood of all points, in nats.
    pub log_likelihood: f64,
    /// Free parameters.
    pub parameters: usize,
    /// Iterations.
    pub iterations: usize,
    /// Whether they ended because nothing changed any more.
    pub converged: bool,
}

impl FittedMixture {
    /// The Bayesian information criterion (Schwarz 1978): lower is better.
    #[must_use]
    pub fn bic(&self) -> f64 {
        self.parameters as f64 * (self.labels.len() as f64).ln() - 2.0 * self.log_likelihood
    }

    /// Akaike's information criterion (1974): lower is better.
    #[must_use]
    pub fn aic(&self) -> f64 {
        2.0 * self.parameters as f64 - 2.0 * self.log_likelihood
    }
}

/// Fits a mixture, beginning with k-means.
///
/// Errors: those of k-means; a component that has collapsed.
pub fn mixture(points: &[f64], width: usize, options: &MixtureOptions) -> Result<FittedMixture, ClusteringError> {
    let begin = KMeansOptions { k: options.k, starts: options.starts, seed: options.seed, ..KMeansOptions::default() };
    let begin = kmeans(points, width, &begin)?;
    let k = begin.centres.len();
    mixture_from(points, width, &begin.labels, &MixtureOptions { k, ..*options })
}

/// Fits a mixture, beginning with given clusters: `labels` below `options.k`.
///
/// Errors: as [`mixture`].
pub fn mixture_from(
    points: &[f64],
    width: usize,
    labels: &[u32],
    options: &MixtureOptions,
) -> Result<FittedMixture, ClusteringError> {
    checked(points, width, options.k)?;
    let middle = vec![0.0; options.k * width];
    let moments = gather(points, labels, width, options, |_, labels, points, moments| {
        for (label, point) in labels.iter().zip(points.chunks_exact(width)) {
            moments.add(*label as usize, 1.0, point);
        }
        0.0
    });
    let mut mixture = moments.0.mixture(&middle, options)?;
    let (mut before, mut iterations, mut converged) = (f64::NEG_INFINITY, 0, false);
    while iterations < options.iterations && !converged {
        iterations += 1;
        let (moments, likelihood) = expect(&mixture, points, labels, options);
        let means = mixture.means;
        mixture = moments.mixture(&means, options)?;
        let mean = likelihood / labels.len() as f64;
        converged = (mean - before).abs() < options.tolerance;
        before = mean;
    }
    let (labels, log_likelihood) = assign(points, &mixture);
    let parameters = options.k * width + options.k - 1 + options.covariance.parameters(options.k, width);
    Ok(FittedMixture { mixture, labels, log_likelihood, parameters, iterations, converged })
}

/// The moments of all points by responsibility, and their log-likelihood.
fn expect(mixture: &Mixture, points: &[f64], labels: &[u32], options: &MixtureOptions) -> (Moments, f64) {
    let (width, k) = (mixture.width, mixture.len());
    let constants = mixture.constants();
    gather(points, labels, width, options, |_, _, points, moments| {
        let (mut differences, mut shares) = (vec![0.0; k * width], vec![0.0; k]);
        let mut likelihood = 0.0;
        for point in points.chunks_exact(width) {
            likelihood += mixture.responsibilities(point, &constants, &mut differences, &mut shares);
            for (at, (share, difference)) in shares.iter().zip(differences.chunks_exact(width)).enumerate() {
                moments.add(at, *share, difference);
            }
        }
        likelihood
    })
}

/// Sums over chunks, joined in their order. A few chunks at a time, so that their moments need not all be in memory.
fn gather(
    points: &[f64],
    labels: &[u32],
    width: usize,
    options: &MixtureOptions,
    work: impl Fn(usize, &[u32], &[f64], &mut Moments) -> f64 + Sync,
) -> (Moments, f64) {
    const CHUNKS: usize = 64;
    let mut all = Moments::new(options.k, width, options.covariance);
    let mut likelihood = 0.0;
    let batches = labels.chunks(CHUNKS * CHUNK).zip(points.chunks(CHUNKS * CHUNK * width));
    for (labels, points) in batches {
        let parts: Vec<(Moments, f64)> = labels
            .par_chunks(CHUNK)
            .zip(points.par_chunks(CHUNK * width))
            .enumerate()
            .map(|(chunk, (labels, points))| {
                let mut moments = Moments::new(options.k, width, options.covariance);
                let likelihood = work(chunk, labels, points, &mut moments);
                (moments, likelihood)
            })
            .collect();
        for (part, more) in parts {
            all.merge(&part);
            likelihood += more;
        }
    }
    (all, likelihood)
}

/// The likeliest component of each point, and the log-likelihood of all.
fn assign(points: &[f64], mixture: &Mixture) -> (Vec<u32>, f64) {
    let (width, constants) = (mixture.width, mixture.constants());
    let chunks: Vec<(Vec<u32>, f64)> = points
        .par_chunks(CHUNK * width)
        .map(|points| {
            let mut room = Room::default();
            let (mut differences, mut shares) = (vec![0.0; mixture.means.len()], vec![0.0; mixture.len()]);
            let mut sum = 0.0;
            let labels = points.chunks_exact(width).map(|point| {
                sum += mixture.responsibilities(point, &constants, &mut differences, &mut shares);
                mixture.likeliest(point, &constants, &mut room).map_or(0, |(at, _)| at as u32)
            });
            (labels.collect(), sum)
        })
        .collect();
    let sum = chunks.iter().map(|(_, sum)| sum).sum();
    (chunks.into_iter().flat_map(|(labels, _)| labels).collect(), sum)
}
