//! Principal components: the directions in which rows vary most, each at a right angle to those before it.
//!
//! Pearson 1901, Hotelling 1933; Jolliffe 2002, *Principal Component Analysis*. The components are the eigenvectors of the
//! covariance matrix, or of the correlation matrix when columns are scaled; their eigenvalues are the variances of the scores.
//!
//! A component and its opposite say the same. The sign is chosen so that the loading of largest size is positive, the first of
//! equal ones (within 1e-9).
//!
//! # Complexity
//! O(n p^2) for the covariances, then O(p^3), or O(p^2 m) for a few components of more than 250 columns: see [`symmetric_eigen`].
//!
//! # Example
//! ```
//! use gristmill::statistics::decomposition::covariance::Covariance;
//! use gristmill::statistics::decomposition::pca::{Components, Pca};
//!
//! let mut covariance = Covariance::new(2);
//! covariance.extend(&[0.0, 0.0, 1.0, 2.0, 2.0, 4.0, 3.0, 6.0]);
//! covariance.finish();
//! let pca = Pca::fit(&covariance, Components::Count(1), false, 0).unwrap();
//! assert!((pca.shares()[0] - 1.0).abs() < 1e-12, "the points lie on a line");
//! let scores = pca.map().apply(&[3.0, 6.0]);
//! assert!((scores[0] - 1.5 * 5.0_f64.sqrt()).abs() < 1e-12);
//! ```

use super::covariance::Covariance;
use super::linear_map::LinearMap;
use super::symmetric_eigen;

/// Columns up to which all components are found.
const ALL: usize = 250;

/// How many components.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Components {
    /// So many, or as many as there are columns.
    Count(usize),
    /// As few as keep this share of the variance, above 0 up to 1.
    Share(f64),
}

/// Why there are no components.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PcaError {
    /// Fewer than two rows.
    #[error("principal components need at least two rows without missing values, and there {}", if *.0 == 1 { "is 1".to_owned() } else { format!("are {}", .0) })]
    Rows(u64),
    /// All columns are constant.
    #[error("no column varies, so there is no direction in which the rows vary")]
    Constant,
    /// Numbers that are too large to be squared.
    #[error("the numbers of column {0} are too large for a variance")]
    Overflow(usize),
    /// The iteration did not end.
    #[error("the eigenvectors of the covariance matrix did not converge")]
    Convergence,
}

/// Principal components. See the [module](self).
#[derive(Debug, Clone, PartialEq)]
pub struct Pca {
    map: LinearMap,
    variances: Vec<f64>,
    total: f64,
    /// Columns that do not vary.
    constant: Vec<usize>,
}

impl Pca {
    /// Finds the components of rows that were summed. With `scale` each column is divided by its standard deviation first; one
    /// that does not vary stays 0. `seed` is that of the search in many columns.
    ///
    /// Errors: see [`PcaError`].
    pub fn fit(covariance: &Covariance, components: Components, scale: bool, seed: u64) -> Result<Self, PcaError> {
        let width = covariance.width();
        if covariance.count() < 2 {
            return Err(PcaError::Rows(covariance.count()));
        }
        if let Some(column) = covariance.overflowed() {
            return Err(PcaError::Overflow(column));
        }
        let variances = covariance.variances();
        // What rounding leaves of equal values is no variance.
        let still = |(variance, mean): (&f64, &f64)| *variance <= (8.0 * f64::EPSILON * mean).powi(2);
        let constant: Vec<usize> = variances
            .iter()
            .zip(covariance.mean())
            .enumerate()
            .filter(|(_, pair)| still(*pair))
            .map(|(at, _)| at)
            .collect();
        if constant.len() == width {
            return Err(PcaError::Constant);
        }
        let scales: Vec<f64> = (0..width)
            .map(|at| {
                if scale && !constant.contains(&at) {
                    variances.get(at).map_or(1.0, |variance| variance.sqrt())
                } else {
                    1.0
                }
            })
            .collect();
        let mut matrix = covariance.matrix((covariance.count() - 1) as f64);
        for (row, a) in matrix.chunks_exact_mut(width).zip(&scales) {
            row.iter_mut().zip(&scales).for_each(|(value, b)| *value /= a * b);
        }
        let total: f64 = (0..width).filter_map(|at| matrix.get(at * width + at)).sum();
        // Numbers of very different size: the matrix is brought near 1, so that nothing is lost on the way.
        let largest = matrix.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
        matrix.iter_mut().for_each(|value| *value /= largest);
        // Where all of them cost little, the variances of those that are not kept are told too.
        let wanted = match components {
            Components::Count(count) if width > ALL => count.clamp(1, width),
            Components::Count(_) | Components::Share(_) => width,
        };
        let (values, mut vectors) = symmetric_eigen(&matrix, width, wanted, seed).ok_or(PcaError::Convergence)?;
        let variances: Vec<f64> = values.iter().map(|value| (value * largest).max(0.0)).collect();
        match components {
            Components::Count(count) => vectors.truncate(count.max(1)),
            Components::Share(share) => {
                let mut kept = 0.0;
                let enough = variances.iter().position(|variance| {
                    kept += variance;
                    kept >= share * total * (1.0 - 1e-12)
                });
                vectors.truncate(enough.map_or(width, |at| at + 1));
            }
        }
        vectors.iter_mut().for_each(|vector| turn(vector));
        let map = LinearMap { centers: covariance.mean().to_vec(), scales, weights: vectors };
        Ok(Self { map, variances, total, constant })
    }

    /// Scores of a row: what its place is along each component.
    #[must_use]
    pub fn map(&self) -> &LinearMap {
        &self.map
    }

    /// The components: for each a vector of length 1, with a number for each column.
    #[must_use]
    pub fn components(&self) -> &[Vec<f64>] {
        &self.map.weights
    }

    /// The variances along the components that are known, descending: of all of them up to 250 columns or with a share of
    /// variance, else of those that were asked for.
    #[must_use]
    pub fn variances(&self) -> &[f64] {
        &self.variances
    }

    /// The same as shares of the variance of all columns together.
    #[must_use]
    pub fn shares(&self) -> Vec<f64> {
        self.variances.iter().map(|variance| variance / self.total).collect()
    }

    /// The variance of all columns together, scaled when they are.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.total
    }

    /// The columns that do not vary.
    #[must_use]
    pub fn constant(&self) -> &[usize] {
        &self.constant
    }

    /// The correlation of a column with the scores of a component; none where one of them does not vary.
    #[must_use]
    pub fn correlation(&self, component: usize, column: usize, covariance: &Covariance) -> Option<f64> {
        let variance = covariance.between(column, column).filter(|_| !self.constant.contains(&column))?;
        let deviation = variance.sqrt() / self.map.scales.get(column)?;
        let along = self.variances.get(component)?.sqrt();
        Some((self.map.weights.get(component)?.get(column)? * along / deviation).clamp(-1.0, 1.0))
    }
}

/// Turns a vector so that its largest number is positive.
fn turn(vector: &mut [f64]) {
    let largest = vector.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
    let first = vector.iter().find(|value| value.abs() >= largest * (1.0 - 1e-9));
    if first.is_some_and(|value| *value < 0.0) {
        vector.iter_mut().for_each(|value| *value = -*value);
    }
}
