//! Correlation of numeric columns: Pearson, Spearman, Kendall and distance correlation, with p-values, confidence intervals and whole matrices.
//!
//! # What is exact
//! Everything, up to rounding. Rows in which either column is NaN are left out of that pair alone (pairwise complete).
//!
//! - [`CoMoments`] is one pair as a mergeable accumulator (Pébay 2008, SAND2008-6212), [`PearsonMatrix`] all pairs of many
//!   columns: batches are centred block by block and the blocks' products are merged, in parallel over the pairs.
//! - [`spearman`] and [`spearman_matrix`] correlate average ranks (Spearman 1904). They need whole columns in memory; of more
//!   rows than fit, take a sample.
//! - [`kendall`] counts pairs in the same order (Kendall 1938, Knight 1966), [`distance_correlation`] finds dependence of any form
//!   (Székely, Rizzo and Bakirov 2007; Huo and Székely 2016). Both in n log n time, in memory.
//! - [`Correlation`] gives the p-value of no correlation by Student's t and the confidence interval by Fisher's z (Fisher
//!   1915, 1921), as SciPy's `pearsonr` does.
//!
//! # Example
//! ```
//! use gristmill::statistics::correlation::PearsonMatrix;
//!
//! let height = [1.6, 1.7, 1.8, 1.9, f64::NAN];
//! let weight = [55.0, 72.0, 70.0, 90.0, 60.0];
//! let mut matrix = PearsonMatrix::new(2);
//! matrix.extend(&[&height, &weight])?;
//! let table = matrix.table();
//! let found = table.get(0, 1).ok_or("constant")?;
//! assert_eq!(found.count, 4);
//! assert!((found.coefficient - 0.9274).abs() < 1e-4);
//! assert!(found.p_value().is_some_and(|p| p > 0.05));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod distance;
mod kendall;
mod matrix;
mod pearson;
mod spearman;

#[cfg(test)]
mod tests;

pub use distance::{DistanceCorrelation, distance_correlation};
pub use kendall::{Kendall, kendall};
pub use matrix::PearsonMatrix;
pub use pearson::CoMoments;
pub use spearman::{average_ranks, spearman, spearman_matrix};

use serde::{Deserialize, Serialize};

use super::special::{normal_quantile, student_t_two_sided};

/// A correlation coefficient and the number of pairs that it rests on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Correlation {
    /// From -1 to 1.
    pub coefficient: f64,
    /// Number of pairs in which both values are there.
    pub count: u64,
}

impl Correlation {
    /// The two-sided p-value of no correlation: Student's t with count - 2 degrees of freedom; `None` of fewer than three
    /// pairs. For Spearman's coefficient it is an approximation, good from about ten pairs on.
    #[must_use]
    pub fn p_value(&self) -> Option<f64> {
        let degrees = self.count.checked_sub(2).filter(|&degrees| degrees > 0)? as f64;
        let r = self.coefficient;
        let t = r * (degrees / ((1.0 - r) * (1.0 + r))).sqrt();
        Some(student_t_two_sided(t, degrees))
    }

    /// The confidence interval of Pearson's coefficient at a level such as 0.95, by Fisher's z; `None` of fewer than four pairs,
    /// or unless the level is above 0 and below 1.
    #[must_use]
    pub fn interval(&self, level: f64) -> Option<(f64, f64)> {
        self.interval_with(level, 1.0)
    }

    /// The confidence interval of Spearman's coefficient: Fisher's z with the variance (1 + r² / 2) / (n - 3) of Bonett and Wright
    /// (2000, *Psychometrika* 65), because ranks vary more than numbers do.
    #[must_use]
    pub fn rank_interval(&self, level: f64) -> Option<(f64, f64)> {
        self.interval_with(level, 1.0 + self.coefficient * self.coefficient / 2.0)
    }

    fn interval_with(&self, level: f64, variance: f64) -> Option<(f64, f64)> {
        if self.count < 4 || !(level > 0.0 && level < 1.0) {
            return None;
        }
        let half = normal_quantile(0.5 + level / 2.0) * (variance / (self.count - 3) as f64).sqrt();
        let z = self.coefficient.atanh();
        Some(((z - half).tanh(), (z + half).tanh()))
    }
}

/// The correlations of every two of a number of columns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CorrelationTable {
    columns: usize,
    /// The pairs (i, j) with j <= i, row by row.
    cells: Vec<Option<Correlation>>,
}

impl CorrelationTable {
    /// Number of columns.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The correlation of two columns; `None` where one of them is constant, has fewer than two values beside the other, or
    /// does not exist.
    #[must_use]
    pub fn get(&self, i: usize, j: usize) -> Option<Correlation> {
        let (low, high) = (i.min(j), i.max(j));
        if high < self.columns { self.cells.get(cell(high, low)).copied().flatten() } else { None }
    }
}

/// Where the pair (i, j) with j <= i stands in a triangle that is stored row by row.
fn cell(i: usize, j: usize) -> usize {
    i * (i + 1) / 2 + j
}

/// Why columns cannot be correlated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CorrelationError {
    /// The number of columns differs from that of the matrix.
    #[error("a correlation matrix of {expected} columns was given {found}")]
    Columns {
        /// Columns of the matrix.
        expected: usize,
        /// Columns that were given.
        found: usize,
    },
    /// Columns of one batch have different lengths.
    #[error("column {column} has {found} rows, but the first has {expected}")]
    Rows {
        /// Index of the column.
        column: usize,
        /// Rows of the first column.
        expected: usize,
        /// Rows of this one.
        found: usize,
    },
}

/// The common length of columns.
fn common_length(columns: &[&[f64]]) -> Result<usize, CorrelationError> {
    let expected = columns.first().map_or(0, |column| column.len());
    match columns.iter().position(|column| column.len() != expected) {
        Some(column) => Err(CorrelationError::Rows { column, expected, found: columns[column].len() }),
        None => Ok(expected),
    }
}
