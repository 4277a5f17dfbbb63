//! Robust z-scores: how far a value lies from the median, in deviations that outliers cannot stretch.
//!
//! Iglewicz & Hoaglin 1993, *How to Detect and Handle Outliers*: the deviation is 1.4826 times the median absolute deviation,
//! which is the standard deviation of normal numbers. Where more than half of the values are equal that is 0, and the mean
//! absolute deviation from the median times sqrt(pi / 2) takes its place. A row is as far out as its farthest column.
//!
//! O(p) a row.

use serde::{Deserialize, Serialize};

use super::{Compared, Reason};

/// 1 / the normal quantile of 0.75.
const BY_MEDIAN: f64 = 1.482_602_218_505_602;
/// sqrt(pi / 2).
const BY_MEAN: f64 = 1.253_314_137_315_500_3;

/// Median and deviation of each column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RobustZ {
    /// The medians.
    pub centers: Vec<f64>,
    /// The deviations; 0 for a column that is not looked at.
    pub deviations: Vec<f64>,
}

/// The deviation of a column from the median and the mean of the absolute differences from its median; 0 when all values are
/// equal or there are none.
#[must_use]
pub fn deviation(median: Option<f64>, mean: Option<f64>) -> f64 {
    let usable = |value: Option<f64>, factor: f64| {
        value.map(|value| value * factor).filter(|value| value.is_finite() && *value > 0.0)
    };
    usable(median, BY_MEDIAN).or_else(|| usable(mean, BY_MEAN)).unwrap_or(0.0)
}

impl RobustZ {
    /// Columns of a row.
    #[must_use]
    pub fn width(&self) -> usize {
        self.centers.len()
    }

    /// The signed number of deviations from the median; 0 for a column that is not looked at.
    #[must_use]
    pub fn deviations_of(&self, row: &[f64]) -> Vec<f64> {
        let columns = row.iter().zip(&self.centers).zip(&self.deviations);
        columns
            .map(|((value, center), deviation)| if *deviation > 0.0 { (value - center) / deviation } else { 0.0 })
            .collect()
    }

    /// The largest number of deviations of any column.
    #[must_use]
    pub fn score(&self, row: &[f64]) -> f64 {
        let columns = row.iter().zip(&self.centers).zip(&self.deviations);
        let far = columns.map(
            |((value, center), deviation)| if *deviation > 0.0 { ((value - center) / deviation).abs() } else { 0.0 },
        );
        far.fold(0.0, f64::max).min(f64::MAX)
    }

    /// Each column with its number of deviations, and the median to compare with.
    #[must_use]
    pub fn reasons(&self, row: &[f64]) -> Vec<Reason> {
        let far = self.deviations_of(row).into_iter().zip(&self.centers).enumerate();
        far.map(|(column, (far, center))| Reason { column, weight: far.abs(), compared: Compared::Usual(*center) })
            .collect()
    }
}
