//! The minimum covariance determinant: center and covariance of the half of the rows that lies closest together.
//!
//! Rousseeuw 1985; found by FAST-MCD (Rousseeuw & Van Driessen 1999, Technometrics 41). A concentration step takes the h rows
//! with the smallest distances to the present center and covariance, which never enlarges the determinant. Many random starts
//! take two steps, the ten best go on until nothing changes. With more than 600 rows the starts are made in up to five disjoint
//! random groups of 300, the best of each go on in all groups together, and the ten best of those in all rows.
//!
//! `h = (n + p + 1) / 2`, rounded down. The covariance of the h rows is multiplied by what makes it right for normal rows
//! (Croux & Haesbroeck 1999); then center and covariance are taken anew over the rows within the 97.5 % quantile, again
//! corrected (the reweighted estimate).
//!
//! # Complexity
//! O(n p^2) for each step over all rows, of which there are about a hundred. Starts run side by side; each has random numbers of
//! its own, so that the result does not depend on the number of threads.

use nalgebra::{Cholesky, DMatrix};
use rand::SeedableRng;
use rand::seq::{SliceRandom, index};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::statistics::decomposition::covariance::Covariance;
use crate::statistics::distributions::chi_squared;

/// Random starts in all.
const STARTS: usize = 500;
/// Those that go on.
const BEST: usize = 10;
/// Rows of a group, and groups at most.
const GROUP: usize = 300;
const GROUPS: usize = 5;
/// Steps at most; about ten are usual.
const STEPS: usize = 200;

/// Center and covariance. See the [module](self).
#[derive(Debug, Clone, PartialEq)]
pub struct MinimumCovarianceDeterminant {
    /// The center of the rows within the quantile.
    pub center: Vec<f64>,
    /// Their covariance, corrected, `[p, p]`.
    pub covariance: Vec<f64>,
    /// The rows of the smallest determinant, ascending.
    pub subset: Vec<usize>,
    /// Their center.
    pub raw_center: Vec<f64>,
    /// The logarithm of the determinant of their covariance (divided by h).
    pub raw_determinant: f64,
    /// Rows within the quantile.
    pub support: usize,
}

/// Why there is no robust covariance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum McdError {
    /// Too few rows.
    #[error("a robust covariance of {columns} columns needs more than {} rows without missing values, and there are {rows}", 2 * .columns)]
    Rows {
        /// Rows.
        rows: usize,
        /// Columns.
        columns: usize,
    },
    /// More than half of the rows lie in a plane.
    #[error(
        "half of the rows or more lie in a plane (a column is constant there, or columns depend on each other), so that they have no robust covariance"
    )]
    Singular,
}

/// A center with the triangle of a covariance.
#[derive(Clone)]
struct Estimate {
    center: Vec<f64>,
    covariance: Vec<f64>,
    determinant: f64,
}

/// Finds it for rows of `width` finite numbers, stored one after the other. The columns should be of similar scale.
///
/// Errors: see [`McdError`].
pub fn minimum_covariance_determinant(
    rows: &[f64],
    width: usize,
    seed: u64,
) -> Result<MinimumCovarianceDeterminant, McdError> {
    let count = rows.len().checked_div(width).unwrap_or(0);
    if count <= 2 * width || width == 0 {
        return Err(McdError::Rows { rows: count, columns: width });
    }
    let starts = first_candidates(rows, width, count, seed)?;
    let half = half(count, width);
    let found: Vec<Estimate> =
        starts.into_par_iter().map(|start| concentrate(rows, width, half, start, STEPS)).collect::<Result<_, _>>()?;
    let best = found.into_iter().min_by(|a, b| a.determinant.total_cmp(&b.determinant)).ok_or(McdError::Singular)?;
    let subset = nearest(rows, width, half, &best)?;
    let raw = estimate(rows, width, subset.iter().copied()).ok_or(McdError::Singular)?;
    let degrees = width as f64;
    let correction = consistency(degrees, half as f64 / count as f64);
    let limit = chi_squared::quantile(0.975, degrees);
    let within: Vec<usize> = distances(rows, width, &raw)?
        .into_iter()
        .enumerate()
        .filter(|(_, squared)| squared / correction < limit)
        .map(|(at, _)| at)
        .collect();
    let weighted = estimate(rows, width, within.iter().copied()).ok_or(McdError::Singular)?;
    let correction = consistency(degrees, 0.975);
    Ok(MinimumCovarianceDeterminant {
        center: weighted.center,
        covariance: weighted.covariance.iter().map(|value| value * correction).collect(),
        subset,
        raw_center: raw.center,
        raw_determinant: raw.determinant,
        support: within.len(),
    })
}

fn half(count: usize, width: usize) -> usize {
    (count + width).div_ceil(2).min(count)
}

/// What makes the covariance of the innermost share of normal rows that of all.
fn consistency(degrees: f64, share: f64) -> f64 {
    if share >= 1.0 {
        return 1.0;
    }
    share / chi_squared::cdf(chi_squared::quantile(share, degrees), degrees + 2.0)
}

/// The best estimates of starts in a part of the rows.
fn first_candidates(rows: &[f64], width: usize, count: usize, seed: u64) -> Result<Vec<Estimate>, McdError> {
    if count <= 2 * GROUP {
        // A plane that holds half of all rows has the smallest determinant there is.
        return candidates(rows, width, STARTS, seed, 0).into_iter().collect();
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let groups = (count / GROUP).min(GROUPS);
    let mut drawn = index::sample(&mut rng, count, groups * GROUP).into_vec();
    drawn.shuffle(&mut rng);
    let gathered = |chosen: &[usize]| -> Vec<f64> {
        chosen.iter().flat_map(|at| rows.get(at * width..(at + 1) * width).unwrap_or_default()).copied().collect()
    };
    let starts: Vec<Estimate> = drawn
        .chunks(GROUP)
        .enumerate()
        .flat_map(|(group, chosen)| candidates(&gathered(chosen), width, STARTS / groups, seed, 1 + group as u64))
        // Half of a group may lie in a plane where half of all rows do not.
        .flatten()
        .collect();
    let merged = gathered(&drawn);
    let half = half(groups * GROUP, width);
    let mut better: Vec<Estimate> =
        starts.into_par_iter().filter_map(|start| concentrate(&merged, width, half, start, 2).ok()).collect();
    better.sort_by(|a, b| a.determinant.total_cmp(&b.determinant));
    better.truncate(BEST);
    Ok(better)
}

/// The best of so many starts after two steps each; those that end in a plane come first.
fn candidates(rows: &[f64], width: usize, starts: usize, seed: u64, group: u64) -> Vec<Result<Estimate, McdError>> {
    let count = rows.len() / width;
    let half = half(count, width);
    let mut found: Vec<Result<Estimate, McdError>> = (0..starts)
        .into_par_iter()
        .filter_map(|start| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(1 + group * STARTS as u64 + start as u64);
            // p + 1 rows; more until they do not lie in a plane.
            let order = index::sample(&mut rng, count, count.min(4 * width + 8)).into_vec();
            let first =
                (width + 1..=order.len()).find_map(|taken| estimate(rows, width, order.iter().take(taken).copied()))?;
            Some(concentrate(rows, width, half, first, 2))
        })
        .collect();
    let determinant =
        |found: &Result<Estimate, McdError>| found.as_ref().map_or(f64::NEG_INFINITY, |found| found.determinant);
    found.sort_by(|a, b| determinant(a).total_cmp(&determinant(b)));
    found.truncate(BEST);
    found
}

/// Concentration steps until the determinant stays, or so many.
fn concentrate(rows: &[f64], width: usize, half: usize, mut now: Estimate, steps: usize) -> Result<Estimate, McdError> {
    for step in 0..steps {
        let chosen = nearest(rows, width, half, &now)?;
        let next = estimate(rows, width, chosen.into_iter()).ok_or(McdError::Singular)?;
        let settled = step > 0 && next.determinant >= now.determinant - 1e-12 * now.determinant.abs().max(1.0);
        now = next;
        if settled {
            break;
        }
    }
    Ok(now)
}

/// The rows with the smallest distances, of equal ones the first.
fn nearest(rows: &[f64], width: usize, half: usize, estimate: &Estimate) -> Result<Vec<usize>, McdError> {
    let distances = distances(rows, width, estimate)?;
    let mut order: Vec<usize> = (0..distances.len()).collect();
    let by = |a: &usize, b: &usize| {
        distances
            .get(*a)
            .copied()
            .unwrap_or(f64::MAX)
            .total_cmp(&distances.get(*b).copied().unwrap_or(f64::MAX))
            .then(a.cmp(b))
    };
    if half < order.len() {
        order.select_nth_unstable_by(half, by);
        order.truncate(half);
    }
    // Sums are made in the order of the rows, whatever way they were selected.
    order.sort_unstable();
    Ok(order)
}

/// Squared Mahalanobis distances of all rows.
fn distances(rows: &[f64], width: usize, estimate: &Estimate) -> Result<Vec<f64>, McdError> {
    let factor =
        Cholesky::new(DMatrix::from_row_slice(width, width, &estimate.covariance)).ok_or(McdError::Singular)?.l();
    // Row by row of the triangle.
    let triangle: Vec<Vec<f64>> =
        (0..width).map(|row| (0..=row).map(|column| factor[(row, column)]).collect()).collect();
    let mut solved = vec![0.0; width];
    let measured = rows.chunks_exact(width).map(|row| {
        let mut squared = 0.0;
        for (at, weights) in triangle.iter().enumerate() {
            let (own, before) = match weights.split_last() {
                Some((own, before)) => (*own, before),
                None => (1.0, &[][..]),
            };
            let known: f64 = before.iter().zip(&solved).map(|(weight, value)| weight * value).sum();
            let value = (row[at] - estimate.center[at] - known) / own;
            solved[at] = value;
            squared += value * value;
        }
        if squared.is_nan() { f64::MAX } else { squared }
    });
    Ok(measured.collect())
}

/// Center and covariance (divided by the number of rows) of chosen rows; none when they lie in a plane.
fn estimate(rows: &[f64], width: usize, chosen: impl Iterator<Item = usize>) -> Option<Estimate> {
    let mut sums = Covariance::new(width);
    for at in chosen {
        sums.push(rows.get(at * width..(at + 1) * width)?);
    }
    sums.finish();
    let covariance = sums.matrix(sums.count() as f64);
    let factor = Cholesky::new(DMatrix::from_row_slice(width, width, &covariance))?;
    let diagonal = factor.l_dirty().diagonal();
    let largest = covariance.iter().step_by(width + 1).fold(0.0_f64, |largest, value| largest.max(*value));
    // A triangle that is only just there is a plane with rounding.
    if diagonal.iter().any(|value| !value.is_finite() || value * value <= 1e-13 * largest) {
        return None;
    }
    let determinant = diagonal.iter().map(|value| 2.0 * value.ln()).sum();
    Some(Estimate { center: sums.mean().to_vec(), covariance, determinant })
}
