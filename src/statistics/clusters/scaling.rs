//! Columns on one scale: `(x - centre) / scale`, each column with its own numbers.

use serde::{Deserialize, Serialize};

/// The centre and the scale of each column. A scale is never 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scaling {
    /// What is subtracted.
    pub centres: Vec<f64>,
    /// What is divided by.
    pub scales: Vec<f64>,
}

impl Scaling {
    /// Number of columns.
    #[must_use]
    pub fn width(&self) -> usize {
        self.centres.len()
    }

    /// Whether it can be applied.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.centres.len() == self.scales.len()
            && self.centres.iter().all(|value| value.is_finite())
            && self.scales.iter().all(|value| value.is_finite() && *value > 0.0)
    }

    /// Brings a row to the scale.
    pub fn apply(&self, row: &mut [f64]) {
        for ((value, centre), scale) in row.iter_mut().zip(&self.centres).zip(&self.scales) {
            *value = (*value - centre) / scale;
        }
    }

    /// Takes a row back to its own units.
    pub fn invert(&self, row: &mut [f64]) {
        for ((value, centre), scale) in row.iter_mut().zip(&self.centres).zip(&self.scales) {
            *value = *value * scale + centre;
        }
    }
}
