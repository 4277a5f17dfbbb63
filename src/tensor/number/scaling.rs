//! What is done with a number.

use serde::{Deserialize, Serialize};

use super::LARGEST;
use crate::statistics::distributions::normal;
use crate::tensor::exact;

/// What is done with a number, with everything that was learned for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Scaling {
    /// `(x - center) / scale`, one input.
    Linear {
        /// What is taken away.
        #[serde(with = "exact")]
        center: f64,
        /// By what is divided afterwards; never 0.
        #[serde(with = "exact")]
        scale: f64,
        /// What happens before and after.
        form: Form,
    },
    /// The place among the quantiles, one input. Source: scikit-learn's `QuantileTransformer`.
    Quantile {
        /// Quantiles at equally spaced shares from 0 to 1; they do not fall.
        #[serde(with = "exact::list")]
        references: Vec<f64>,
        /// Whether the share becomes a quantile of the normal distribution.
        normal: bool,
    },
    /// One of several intervals, an input for each.
    Bins {
        /// Their borders, rising. What lies beyond the first or last border belongs to the first or last interval.
        #[serde(with = "exact::list")]
        borders: Vec<f64>,
    },
    /// How far the number came through each interval, an input for each.
    Piecewise {
        /// Their borders, rising. Before the first border the first input is below 0, beyond the last one the last is
        /// above 1.
        #[serde(with = "exact::list")]
        borders: Vec<f64>,
    },
}

/// What happens before and after a linear scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// Nothing at all: the numbers are as they are, within the range of `f32`.
    Raw,
    /// Nothing.
    Plain,
    /// The signed logarithm before.
    Log1p,
    /// The smooth clip after.
    Smooth,
}

/// Where a share of 0 or 1 is cut off before it becomes a quantile of the normal distribution, as scikit-learn has it.
const CUT_OFF: f64 = 1e-7;

impl Scaling {
    /// How many inputs a number becomes.
    pub fn width(&self) -> usize {
        match self {
            Self::Linear { .. } | Self::Quantile { .. } => 1,
            Self::Bins { borders } | Self::Piecewise { borders } => borders.len().saturating_sub(1).max(1),
        }
    }

    /// Writes the inputs of a finite number to `cells`, which are `width` zeros.
    pub(super) fn apply(&self, value: f64, cells: &mut [f32]) {
        match self {
            Self::Linear { center, scale, form } => {
                let before = if *form == Form::Log1p { signed_log(value) } else { value };
                let scaled = (before - center) / scale;
                let input = match form {
                    Form::Raw => scaled.clamp(-f64::from(f32::MAX), f64::from(f32::MAX)),
                    Form::Plain | Form::Log1p => scaled.clamp(-LARGEST, LARGEST),
                    Form::Smooth => {
                        let limited = scaled.clamp(-LARGEST, LARGEST);
                        limited / (1.0 + (limited / 3.0).powi(2)).sqrt()
                    }
                };
                set(cells, 0, input);
            }
            Self::Quantile { references, normal } => {
                let share = place(references, value);
                let input = if *normal {
                    // One step of float64 less than scikit-learn's threshold makes no difference in f32.
                    normal::quantile(share.clamp(CUT_OFF, 1.0 - CUT_OFF))
                } else {
                    share
                };
                set(cells, 0, input);
            }
            Self::Bins { borders } => {
                let inner = borders.get(1..borders.len().saturating_sub(1)).unwrap_or_default();
                set(cells, inner.partition_point(|border| *border <= value), 1.0);
            }
            Self::Piecewise { borders } => {
                let last = borders.len().saturating_sub(2);
                for (at, (pair, cell)) in borders.windows(2).zip(cells.iter_mut()).enumerate() {
                    let [low, high] = *pair else { continue };
                    let part = (value - low) / (high - low);
                    let part = if at > 0 { part.max(0.0) } else { part };
                    let part = if at < last { part.min(1.0) } else { part };
                    *cell = part.clamp(-LARGEST, LARGEST) as f32;
                }
            }
        }
    }

    /// Whether all numbers are finite and the borders are those of intervals.
    pub(super) fn is_sound(&self) -> bool {
        match self {
            Self::Linear { scale, .. } => *scale != 0.0,
            Self::Quantile { references, .. } => !references.is_empty() && references.is_sorted_by(|a, b| a <= b),
            Self::Bins { borders } | Self::Piecewise { borders } => {
                borders.len() >= 2 && borders.is_sorted_by(|a, b| a < b)
            }
        }
    }
}

fn set(cells: &mut [f32], at: usize, value: f64) {
    if let Some(cell) = cells.get_mut(at) {
        *cell = value as f32;
    }
}

/// The logarithm of 1 + |x| with the sign of x.
pub(super) fn signed_log(value: f64) -> f64 {
    value.abs().ln_1p().copysign(value)
}

/// The share of the references that lie below a value, straight between them. Of a run of equal references it is the
/// middle: the mean of the place that is found from below and the one from above.
fn place(references: &[f64], value: f64) -> f64 {
    let steps = references.len().saturating_sub(1).max(1) as f64;
    let (Some(first), Some(last)) = (references.first(), references.last()) else { return 0.5 };
    if first == last {
        // scikit-learn puts a constant to 0; here it stands in the middle of nothing.
        return if value < *first {
            0.0
        } else if value > *first {
            1.0
        } else {
            0.5
        };
    }
    if value <= *first {
        return 0.0;
    }
    if value >= *last {
        return 1.0;
    }
    let below = references.partition_point(|reference| *reference < value);
    let not_above = references.partition_point(|reference| *reference <= value);
    if below < not_above {
        return (below as f64 + (not_above - 1) as f64) / 2.0 / steps;
    }
    match (below.checked_sub(1).and_then(|at| references.get(at)), references.get(below)) {
        (Some(low), Some(high)) => ((below - 1) as f64 + (value - low) / (high - low)) / steps,
        _ => 0.5,
    }
}
