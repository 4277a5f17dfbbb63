//! Which columns become what.

use serde::{Deserialize, Serialize};

/// Which columns become tensors, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Specification {
    /// Columns of numbers or booleans.
    pub numbers: Vec<String>,
    /// Columns whose values are names of something.
    pub categories: Vec<String>,
    /// The column to be foretold.
    pub target: String,
    /// What is asked about it.
    pub kind: TargetKind,
    /// How numbers are scaled.
    pub number_scale: NumberScale,
    /// The largest vocabulary of a category column.
    pub max_categories: usize,
}

impl Specification {
    /// The columns from which the inputs are made, in the order of the inputs.
    pub fn features(&self) -> impl Iterator<Item = &String> {
        self.numbers.iter().chain(&self.categories)
    }

    /// The columns of the features and the target.
    pub fn columns(&self) -> Vec<String> {
        self.features().chain([&self.target]).cloned().collect()
    }
}

/// What is asked about a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TargetKind {
    /// One of two values.
    Binary,
    /// One of several values.
    Category,
    /// A number.
    Number,
}

/// How numbers are scaled: `(x - center) / scale`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NumberScale {
    /// As they are; a missing value becomes the mean.
    None,
    /// By mean and sample standard deviation; a missing value becomes the mean.
    #[default]
    Zscore,
    /// By minimum and range; a missing value becomes the mean.
    Minmax,
    /// By median and interquartile range; a missing value becomes the median.
    Robust,
}
