//! Mahalanobis distances: how far a row lies from the center, in deviations of the rows in its direction.
//!
//! Mahalanobis 1936. For normal rows the squared distance is chi-squared with as many degrees of freedom as there are columns.
//! The covariance is the classical one, or that of the half of the rows that lies closest together (see [`super::mcd`]).
//!
//! Columns that do not vary are left out. Where columns depend on each other linearly there are directions without variance;
//! they are left out too (the pseudo-inverse), and the degrees of freedom are those that remain.
//!
//! What a column adds to a distance is told by the symmetric square root of the inverse correlation matrix, the decomposition
//! that stays closest to the columns (Garthwaite & Koch 2016, *Evaluating the contributions of individual variables to a
//! quadratic form*): contributions are not negative and add up to the squared distance.
//!
//! O(p^3) once, O(p^2) a row.

use serde::{Deserialize, Serialize};

use super::{Compared, Reason};
use crate::statistics::decomposition::symmetric_eigen;

/// Eigenvalues of the correlation matrix below this share of the largest count as 0.
const RANK: f64 = 1e-10;

/// Rounds in which missing values settle at most.
const SWEEPS: usize = 500;

/// Center and inverse covariance. See the [module](self).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mahalanobis {
    centers: Vec<f64>,
    /// Deviations; 0 for a column that is left out.
    scales: Vec<f64>,
    /// The inverse of the correlation matrix of the columns with a scale, row-major.
    inverse: Vec<f64>,
    /// Its symmetric square root.
    root: Vec<f64>,
    rank: usize,
}

impl Mahalanobis {
    /// From centers and a covariance matrix `[p, p]`; none when the matrix is not finite or no column varies.
    #[must_use]
    pub fn new(centers: Vec<f64>, covariance: &[f64]) -> Option<Self> {
        let width = centers.len();
        if covariance.len() != width * width || !centers.iter().chain(covariance).all(|value| value.is_finite()) {
            return None;
        }
        let scales: Vec<f64> = centers
            .iter()
            .enumerate()
            .map(|(at, center)| {
                let deviation = covariance.get(at * width + at).copied().unwrap_or(0.0).max(0.0).sqrt();
                // What rounding leaves of equal values is no deviation.
                if deviation > 8.0 * f64::EPSILON * center.abs() { deviation } else { 0.0 }
            })
            .collect();
        let kept: Vec<usize> = (0..width).filter(|at| scales.get(*at).is_some_and(|scale| *scale > 0.0)).collect();
        let size = kept.len();
        let scale = |at: usize| scales.get(at).copied().unwrap_or(1.0);
        let correlation: Vec<f64> = kept
            .iter()
            .flat_map(|a| kept.iter().map(move |b| (*a, *b)))
            .map(|(a, b)| covariance.get(a * width + b).copied().unwrap_or(0.0) / scale(a) / scale(b))
            .collect();
        let (values, vectors) = symmetric_eigen(&correlation, size, size, 0)?;
        let largest = values.first().copied().filter(|value| *value > 0.0)?;
        let mut inverse = vec![0.0; size * size];
        let mut root = vec![0.0; size * size];
        let mut rank = 0;
        for (value, vector) in values.iter().zip(&vectors).filter(|(value, _)| **value > RANK * largest) {
            rank += 1;
            for (a, left) in vector.iter().enumerate() {
                for (b, right) in vector.iter().enumerate() {
                    if let (Some(inverse), Some(root)) = (inverse.get_mut(a * size + b), root.get_mut(a * size + b)) {
                        *inverse += left * right / value;
                        *root += left * right / value.sqrt();
                    }
                }
            }
        }
        Some(Self { centers, scales, inverse, root, rank })
    }

    /// Columns of a row.
    #[must_use]
    pub fn width(&self) -> usize {
        self.centers.len()
    }

    /// Directions in which the rows vary.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// The center.
    #[must_use]
    pub fn centers(&self) -> &[f64] {
        &self.centers
    }

    /// The columns that are left out because they do not vary.
    pub fn constant(&self) -> impl Iterator<Item = usize> {
        self.scales.iter().enumerate().filter(|(_, scale)| **scale <= 0.0).map(|(at, _)| at)
    }

    /// Whether the parts fit together.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let kept = self.kept().count();
        self.scales.len() == self.centers.len() && self.inverse.len() == kept * kept && self.root.len() == kept * kept
    }

    fn kept(&self) -> impl Iterator<Item = (usize, f64)> {
        self.scales.iter().copied().enumerate().filter(|(_, scale)| *scale > 0.0)
    }

    /// The row in deviations from the center. A NaN becomes the value at which the distance is smallest, which is what the other
    /// columns let expect: the distance is then that of the columns that are there.
    fn standard(&self, row: &[f64]) -> Vec<f64> {
        let columns = row.iter().zip(&self.centers).zip(&self.scales).filter(|(_, scale)| **scale > 0.0);
        let mut standard: Vec<f64> = columns.map(|((value, center), scale)| (value - center) / scale).collect();
        let missing: Vec<usize> =
            standard.iter().enumerate().filter(|(_, value)| value.is_nan()).map(|(at, _)| at).collect();
        if missing.is_empty() {
            return standard;
        }
        let size = standard.len();
        for at in &missing {
            standard[*at] = 0.0;
        }
        // One value after the other (Gauss and Seidel), which ends at once where one is missing.
        for _ in 0..SWEEPS {
            let mut moved = 0.0_f64;
            for &at in &missing {
                let Some(inverse) = self.inverse.get(at * size..(at + 1) * size) else { continue };
                let own = inverse[at];
                if own > 0.0 {
                    let step = product(inverse, &standard) / own;
                    standard[at] -= step;
                    moved = moved.max(step.abs());
                }
            }
            if missing.len() == 1 || moved < 1e-12 {
                break;
            }
        }
        standard
    }

    /// The distance of a row; a NaN is a value that is missing.
    #[must_use]
    pub fn score(&self, row: &[f64]) -> f64 {
        let row = self.standard(row);
        let squared: f64 = self
            .inverse
            .chunks_exact(row.len().max(1))
            .zip(&row)
            .map(|(inverse, value)| value * product(inverse, &row))
            .sum();
        if squared.is_nan() { f64::MAX } else { squared.max(0.0).sqrt().min(f64::MAX) }
    }

    /// Each column with what it adds to the squared distance, and the value that the other columns let expect (the conditional
    /// mean of a normal distribution).
    #[must_use]
    pub fn reasons(&self, row: &[f64]) -> Vec<Reason> {
        let standard = self.standard(row);
        let size = standard.len();
        let rows = self.root.chunks_exact(size.max(1)).zip(self.inverse.chunks_exact(size.max(1)));
        self.kept()
            .zip(rows)
            .enumerate()
            .map(|(place, ((column, scale), (root, inverse)))| {
                let weight = product(root, &standard).powi(2);
                let own = inverse.get(place).copied().filter(|own| *own > 0.0).unwrap_or(1.0);
                let value = row.get(column).copied().filter(|value| !value.is_nan()).unwrap_or(0.0);
                let expected = value - scale * product(inverse, &standard) / own;
                Reason { column, weight, compared: Compared::Expected(expected) }
            })
            .collect()
    }
}

fn product(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(left, right)| left * right).sum()
}
