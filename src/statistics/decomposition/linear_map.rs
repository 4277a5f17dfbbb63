//! A linear function of a row: `((x - center) / scale) * weights`.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::covariance::dot;

/// Rows that are mapped together.
const TOGETHER: usize = 512;

/// The function. O(p k) a row for p columns and k results.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LinearMap {
    /// What is taken away from each column.
    pub centers: Vec<f64>,
    /// By what it is divided.
    pub scales: Vec<f64>,
    /// For each result a weight for each column.
    pub weights: Vec<Vec<f64>>,
}

impl LinearMap {
    /// Columns of a row.
    #[must_use]
    pub fn width(&self) -> usize {
        self.centers.len()
    }

    /// Whether the parts fit together.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let width = self.centers.len();
        self.scales.len() == width && self.weights.iter().all(|weights| weights.len() == width)
    }

    /// The results for one row of finite numbers.
    #[must_use]
    pub fn apply(&self, row: &[f64]) -> Vec<f64> {
        let moved: Vec<f64> = row
            .iter()
            .zip(&self.centers)
            .zip(&self.scales)
            .map(|((value, center), scale)| (value - center) / scale)
            .collect();
        self.weights.iter().map(|weights| dot(weights, &moved)).collect()
    }

    /// The results for rows in columns of equal length; none for a row in which a value is missing or infinite, or whose result
    /// is too large for a number. In parallel.
    #[must_use]
    pub fn apply_columns(&self, columns: &[Vec<Option<f64>>]) -> Vec<Option<Vec<f64>>> {
        let rows = columns.first().map_or(0, Vec::len);
        let mut results: Vec<Option<Vec<f64>>> = vec![None; rows];
        results.par_chunks_mut(TOGETHER).enumerate().for_each(|(chunk, results)| {
            let mut row = Vec::with_capacity(columns.len());
            for (offset, result) in results.iter_mut().enumerate() {
                let at = chunk * TOGETHER + offset;
                row.clear();
                row.extend(
                    columns
                        .iter()
                        .filter_map(|column| column.get(at).copied().flatten())
                        .filter(|value| value.is_finite()),
                );
                if row.len() == columns.len() {
                    *result = Some(self.apply(&row)).filter(|values| values.iter().all(|value| value.is_finite()));
                }
            }
        });
        results
    }
}
