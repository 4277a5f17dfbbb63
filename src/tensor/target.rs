//! What is to be foretold: classes or numbers.

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, BooleanArray};
use serde::{Deserialize, Serialize};

use super::category::visit_texts;
use super::error::TensorError;
use super::exact;
use super::number::finite;
use super::specification::TargetKind;
use crate::statistics::evaluation;
use crate::statistics::moments::Moments;

/// The most classes of a target.
pub const MAX_CLASSES: usize = evaluation::MAX_CLASSES;

/// A target with what was learned about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// One of two classes; the second is the one whose probability is foretold.
    Binary(Classes),
    /// One of several classes.
    Category(Classes),
    /// A number.
    Number(NumberTarget),
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

/// Targets of some rows.
#[derive(Debug, Clone, PartialEq)]
pub enum Targets {
    /// `[n]`: classes by their number, for binary and category targets.
    Classes(Vec<u32>),
    /// `[n]`: numbers in the unit of the column.
    Numbers(Vec<f64>),
}

impl Targets {
    /// How many rows they are of.
    pub fn len(&self) -> usize {
        match self {
            Self::Classes(classes) => classes.len(),
            Self::Numbers(numbers) => numbers.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The targets of a batch, and which of its rows have one.
pub(super) struct Read {
    pub(super) targets: Targets,
    pub(super) rows: BooleanArray,
    pub(super) missing: u64,
    pub(super) unknown: u64,
}

impl Target {
    /// The column.
    pub fn column(&self) -> &str {
        match self {
            Self::Binary(classes) | Self::Category(classes) => &classes.column,
            Self::Number(number) => &number.column,
        }
    }

    /// The classes, where there are some.
    pub fn classes(&self) -> Option<&Classes> {
        match self {
            Self::Binary(classes) | Self::Category(classes) => Some(classes),
            Self::Number(_) => None,
        }
    }

    /// What is asked about the column.
    pub fn kind(&self) -> TargetKind {
        match self {
            Self::Binary(_) => TargetKind::Binary,
            Self::Category(_) => TargetKind::Category,
            Self::Number(_) => TargetKind::Number,
        }
    }

    pub(super) fn read(&self, array: &ArrayRef) -> Read {
        let (mut missing, mut unknown) = (0, 0);
        let mut rows = Vec::with_capacity(array.len());
        let targets = match self {
            Self::Number(_) => {
                let values = finite(array);
                rows.extend(values.iter().map(|value| !value.is_nan()));
                missing = rows.iter().filter(|has| !**has).count() as u64;
                Targets::Numbers(values.into_iter().filter(|value| !value.is_nan()).collect())
            }
            Self::Binary(classes) | Self::Category(classes) => {
                let places: BTreeMap<&str, u32> = classes.names.iter().map(String::as_str).zip(0..).collect();
                let mut found = Vec::with_capacity(array.len());
                visit_texts(array, |_, text| {
                    let class = text.and_then(|text| places.get(text).copied());
                    missing += u64::from(text.is_none());
                    unknown += u64::from(text.is_some() && class.is_none());
                    rows.push(class.is_some());
                    found.extend(class);
                });
                Targets::Classes(found)
            }
        };
        Read { targets, rows: BooleanArray::from(rows), missing, unknown }
    }
}

/// Learns about a target.
#[derive(Debug)]
pub(super) struct TargetFit {
    column: String,
    kind: TargetKind,
    /// Rows of each class.
    classes: BTreeMap<String, u64>,
    whole_numbers: bool,
    moments: Moments,
    missing: u64,
}

impl TargetFit {
    pub(super) fn new(column: &str, kind: TargetKind) -> Self {
        Self {
            column: column.to_owned(),
            kind,
            classes: BTreeMap::new(),
            whole_numbers: false,
            moments: Moments::new(),
            missing: 0,
        }
    }

    /// Learns from a column and says which rows have a target.
    ///
    /// Errors: too many classes.
    pub(super) fn add(&mut self, array: &ArrayRef) -> Result<BooleanArray, TensorError> {
        if self.kind == TargetKind::Number {
            let values = finite(array);
            self.moments.extend(&values);
            return Ok(BooleanArray::from(values.iter().map(|value| !value.is_nan()).collect::<Vec<_>>()));
        }
        self.whole_numbers |= array.data_type().is_integer();
        let mut rows = Vec::with_capacity(array.len());
        visit_texts(array, |_, text| {
            rows.push(text.is_some());
            match text {
                None => self.missing += 1,
                Some(text) => {
                    if let Some(count) = self.classes.get_mut(text) {
                        *count += 1;
                    } else if self.classes.len() <= MAX_CLASSES {
                        // One class too many is enough to know.
                        self.classes.insert(text.to_owned(), 1);
                    }
                }
            }
        });
        let too_many = self.classes.len() > MAX_CLASSES;
        if too_many { Err(TensorError::TooManyClasses(self.column.clone())) } else { Ok(BooleanArray::from(rows)) }
    }

    /// The target, and how many rows had a value and how many had none.
    ///
    /// Errors: no value, a single class, more than two classes of a binary target.
    pub(super) fn finish(self) -> Result<(Target, u64, u64), TensorError> {
        let column = self.column;
        if self.kind == TargetKind::Number {
            let Some(center) = self.moments.mean().filter(|mean| mean.is_finite()) else {
                return Err(TensorError::NoRows(column));
            };
            let scale = self.moments.standard_deviation().filter(|scale| *scale > 0.0).unwrap_or(1.0);
            let (rows, missing) = (self.moments.count(), self.moments.nan_count());
            return Ok((Target::Number(NumberTarget { column, center, scale }), rows, missing));
        }
        let mut classes: Vec<(String, u64)> = self.classes.into_iter().collect();
        if self.whole_numbers {
            classes.sort_by_key(|(name, _)| name.parse::<i128>().unwrap_or_default());
        }
        let rows = classes.iter().map(|(_, count)| count).sum();
        let binary = self.kind == TargetKind::Binary;
        match classes.as_slice() {
            [] => return Err(TensorError::NoRows(column)),
            [(only, _)] => return Err(TensorError::OneClass { column, only: only.clone() }),
            [first, second, third, ..] if binary => {
                let examples = [first, second, third].map(|(name, _)| format!("`{name}`")).join(", ");
                return Err(TensorError::NotBinary { column, examples });
            }
            _ => {}
        }
        let (names, counts) = classes.into_iter().unzip();
        let classes = Classes { column, names, counts };
        let target = if binary { Target::Binary(classes) } else { Target::Category(classes) };
        Ok((target, rows, self.missing))
    }
}
