//! All metrics of a kind of target at once, for rows that count as often as a weight says.
//!
//! A judge prepares what does not depend on the weights (the order of the rows, what each row costs), so that a resample of
//! the rows is judged in time proportional to them. With every weight 1 the numbers are those of the plain functions of this
//! room. Sums run over the rows in their order, so they do not depend on threads.

mod binary;
mod classes;
mod labels;
mod numbers;
mod steps;

pub use binary::BinaryJudge;
pub use classes::{ClassJudge, ClassOptions};
pub use labels::LabelJudge;
pub use numbers::NumberJudge;

use serde::{Deserialize, Serialize};

/// What a number says about predictions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metric {
    /// What it is called.
    pub name: String,
    /// Which way is better.
    pub better: Better,
    /// What it is measured in.
    pub unit: Unit,
}

/// Which way a metric is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Better {
    /// More is better.
    Higher,
    /// Less is better.
    Lower,
}

/// What a metric is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unit {
    /// A share of rows, from 0 to 1.
    Share,
    /// A plain number.
    Number,
    /// The unit of the predicted numbers.
    Target,
}

impl Metric {
    fn new(name: impl Into<String>, better: Better, unit: Unit) -> Self {
        Self { name: name.into(), better, unit }
    }

    /// A metric of which more is better.
    pub(super) fn higher(name: impl Into<String>, unit: Unit) -> Self {
        Self::new(name, Better::Higher, unit)
    }

    /// A metric of which less is better.
    pub(super) fn lower(name: impl Into<String>, unit: Unit) -> Self {
        Self::new(name, Better::Lower, unit)
    }

    /// How much better `a` is than `b`; below 0 where it is worse.
    pub fn gain(&self, a: f64, b: f64) -> f64 {
        if self.better == Better::Higher { a - b } else { b - a }
    }
}

/// Something that judges rows by their weights.
pub trait Judge: Sync {
    /// The metrics, in order of importance.
    fn metrics(&self) -> &[Metric];

    /// How many rows there are.
    fn rows(&self) -> usize;

    /// The value of each metric when row `i` counts `weights[i]` times; `None` where it is not defined. Weights beyond the
    /// rows are passed over, rows beyond the weights count 0 times.
    fn scores(&self, weights: &[u32]) -> Vec<Option<f64>>;
}

/// Values that are finite.
fn finite(values: impl IntoIterator<Item = Option<f64>>) -> Vec<Option<f64>> {
    values.into_iter().map(|value| value.filter(|value| value.is_finite())).collect()
}

/// The weight of a row as a number.
fn weight(weights: &[u32], row: usize) -> f64 {
    weights.get(row).copied().map_or(0.0, f64::from)
}
