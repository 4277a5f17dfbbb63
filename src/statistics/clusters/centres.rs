//! The nearest of some centres.

use serde::{Deserialize, Serialize};

use crate::similarity::neighbours::squared_distance;

/// Points that stand for clusters, `[k, width]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Centres {
    /// Columns of a centre.
    pub width: usize,
    /// The centres, one after the other.
    pub values: Vec<f64>,
}

impl Centres {
    /// The centres.
    pub fn iter(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks_exact(self.width.max(1))
    }

    /// Number of centres.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len() / self.width.max(1)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Whether they can be applied.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.width > 0
            && self.values.len().is_multiple_of(self.width)
            && self.values.iter().all(|value| value.is_finite())
    }

    /// The nearest centre and the squared distance to it; the first of equally near ones. None without centres, and for a row
    /// that is not finite. O(k width).
    #[must_use]
    pub fn nearest(&self, row: &[f64]) -> Option<(usize, f64)> {
        let mut best: Option<(usize, f64)> = None;
        for (at, centre) in self.iter().enumerate() {
            let squared = squared_distance(row, centre);
            if squared.is_finite() && best.is_none_or(|(_, nearest)| squared < nearest) {
                best = Some((at, squared));
            }
        }
        best
    }
}
