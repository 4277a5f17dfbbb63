//! What is to be foretold: classes, labels, numbers or counts.

mod fit;
mod read;

use ndarray::{Array2, Axis};
use serde::{Deserialize, Serialize};

use super::exact;
use super::specification::TargetKind;
use crate::statistics::evaluation;

pub(super) use fit::TargetFit;
pub(super) use read::{Standing, visit_labels};

/// The most classes or labels of a target.
pub const MAX_CLASSES: usize = evaluation::MAX_CLASSES;

/// A target with what was learned about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// One of two classes; the second is the one whose probability is foretold.
    Binary(Classes),
    /// One of several classes.
    Category(Classes),
    /// Any of several labels.
    MultiLabel(Labels),
    /// A number.
    Number(NumberTarget),
    /// How often something happens.
    Count(CountTarget),
}

/// The classes of a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Classes {
    /// The column.
    pub column: String,
    /// The classes as texts; sorted, whole numbers by value. `false` comes before `true`.
    pub names: Vec<String>,
    /// Training rows of each class.
    pub counts: Vec<u64>,
}

impl Classes {
    /// The class with the most training rows, the first of equals.
    pub fn majority(&self) -> u32 {
        let largest = self.counts.iter().max();
        let place = self.counts.iter().position(|count| Some(count) == largest).unwrap_or(0);
        u32::try_from(place).unwrap_or(0)
    }

    /// The share of a class in the training rows.
    #[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 rows do not occur")]
    pub fn share(&self, class: usize) -> f64 {
        let all: u64 = self.counts.iter().sum();
        self.counts.get(class).copied().unwrap_or(0) as f64 / all.max(1) as f64
    }
}

/// The labels of a target of which a row may have any number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Labels {
    /// The column.
    pub column: String,
    /// The labels, sorted.
    pub names: Vec<String>,
    /// Training rows with each label.
    pub counts: Vec<u64>,
    /// Training rows, those without a label among them.
    pub rows: u64,
    /// What stands between the labels of a text; none for a column of lists.
    pub separator: Option<String>,
}

impl Labels {
    /// The share of the training rows that have a label.
    #[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 rows do not occur")]
    pub fn share(&self, label: usize) -> f64 {
        self.counts.get(label).copied().unwrap_or(0) as f64 / self.rows.max(1) as f64
    }
}

/// A number to be foretold. A network learns it centered and scaled; predictions are taken back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NumberTarget {
    /// The column.
    pub column: String,
    /// The mean of the training rows.
    #[serde(with = "exact")]
    pub center: f64,
    /// Their sample standard deviation; 1 where they are all equal.
    #[serde(with = "exact")]
    pub scale: f64,
}

impl NumberTarget {
    /// As the network learns it.
    pub fn standardize(&self, value: f64) -> f32 {
        ((value - self.center) / self.scale).clamp(-super::LARGEST, super::LARGEST) as f32
    }

    /// What the network says, in the unit of the column.
    pub fn restore(&self, value: f32) -> f64 {
        f64::from(value) * self.scale + self.center
    }
}

/// A count to be foretold. A network learns the logarithm of its expectation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountTarget {
    /// The column.
    pub column: String,
    /// The mean of the training rows; above 0.
    #[serde(with = "exact")]
    pub mean: f64,
    /// The largest of them.
    #[serde(with = "exact")]
    pub largest: f64,
}

/// Targets of some rows.
#[derive(Debug, Clone, PartialEq)]
pub enum Targets {
    /// `[n]`: classes by their number, for binary and category targets.
    Classes(Vec<u32>),
    /// `[n, labels]`: 1 where a row has a label, else 0.
    Labels(Array2<f32>),
    /// `[n]`: numbers in the unit of the column.
    Numbers(Vec<f64>),
    /// `[n]`: whole numbers, 0 or above.
    Counts(Vec<f64>),
}

impl Targets {
    /// How many rows they are of.
    pub fn len(&self) -> usize {
        match self {
            Self::Classes(classes) => classes.len(),
            Self::Labels(labels) => labels.nrows(),
            Self::Numbers(numbers) | Self::Counts(numbers) => numbers.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Those of the rows that `rows` names.
    pub(super) fn select(self, rows: &[usize]) -> Self {
        fn of<T: Copy>(values: &[T], rows: &[usize]) -> Vec<T> {
            rows.iter().filter_map(|row| values.get(*row).copied()).collect()
        }
        match self {
            Self::Classes(classes) => Self::Classes(of(&classes, rows)),
            Self::Labels(labels) => Self::Labels(labels.select(Axis(0), rows)),
            Self::Numbers(numbers) => Self::Numbers(of(&numbers, rows)),
            Self::Counts(counts) => Self::Counts(of(&counts, rows)),
        }
    }
}

impl Target {
    /// The column.
    pub fn column(&self) -> &str {
        match self {
            Self::Binary(classes) | Self::Category(classes) => &classes.column,
            Self::MultiLabel(labels) => &labels.column,
            Self::Number(number) => &number.column,
            Self::Count(count) => &count.column,
        }
    }

    /// The classes, where each row has one.
    pub fn classes(&self) -> Option<&Classes> {
        match self {
            Self::Binary(classes) | Self::Category(classes) => Some(classes),
            Self::MultiLabel(_) | Self::Number(_) | Self::Count(_) => None,
        }
    }

    /// The names of classes or labels, in the order of the outputs.
    pub fn names(&self) -> &[String] {
        match self {
            Self::Binary(classes) | Self::Category(classes) => &classes.names,
            Self::MultiLabel(labels) => &labels.names,
            Self::Number(_) | Self::Count(_) => &[],
        }
    }

    /// What is asked about the column.
    pub fn kind(&self) -> TargetKind {
        match self {
            Self::Binary(_) => TargetKind::Binary,
            Self::Category(_) => TargetKind::Category,
            Self::MultiLabel(_) => TargetKind::MultiLabel,
            Self::Number(_) => TargetKind::Number,
            Self::Count(_) => TargetKind::Count,
        }
    }
}
