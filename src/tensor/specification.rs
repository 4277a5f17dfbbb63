//! Which columns become what.

use serde::{Deserialize, Serialize};

use super::block::{Block, TABLE};

/// Which columns become tensors, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Specification {
    /// The columns of the inputs.
    pub features: Vec<FeatureSpec>,
    /// What is to be foretold; at least one.
    pub targets: Vec<TargetSpec>,
}

/// A column of the inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureSpec {
    /// The column.
    pub column: String,
    /// What it becomes.
    pub kind: FeatureKind,
}

/// What a column becomes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeatureKind {
    /// Numbers or booleans.
    Number(NumberScale),
    /// Names of something, with the largest vocabulary.
    Category(usize),
}

/// A column to be foretold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetSpec {
    /// The column.
    pub column: String,
    /// What is asked about it.
    pub kind: TargetKind,
    /// What stands between the labels of a text; none for a column of lists.
    pub separator: Option<String>,
}

impl Specification {
    /// The columns from which the inputs are made.
    pub fn feature_columns(&self) -> Vec<String> {
        self.features.iter().map(|feature| feature.column.clone()).collect()
    }

    /// The columns of the features and the targets.
    pub fn columns(&self) -> Vec<String> {
        let mut columns = self.feature_columns();
        columns.extend(self.targets.iter().map(|target| target.column.clone()));
        columns
    }

    /// The first target.
    pub fn kind(&self) -> TargetKind {
        self.targets.first().map_or(TargetKind::Number, |target| target.kind)
    }

    /// The blocks as far as they are known before a row is read: a table has at least that many numbers.
    pub fn blocks(&self) -> Vec<Block> {
        let flat = self.features.len();
        if flat == 0 { Vec::new() } else { vec![Block { name: TABLE.to_owned(), ..Block::table(flat) }] }
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
    /// Any of several labels: a column of lists, or of texts with something between the labels.
    MultiLabel,
    /// A number.
    Number,
    /// How often something happens: a whole number from 0.
    Count,
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
