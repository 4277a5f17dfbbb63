//! Learning about a target.

use std::collections::BTreeMap;

use arrow::array::ArrayRef;

use super::read::{check_counts, visit_labels};
use super::{Classes, CountTarget, Labels, MAX_CLASSES, NumberTarget, Target};
use crate::statistics::moments::Moments;
use crate::tensor::category::visit_texts;
use crate::tensor::error::TensorError;
use crate::tensor::number::finite;
use crate::tensor::specification::{TargetKind, TargetSpec};

/// Learns about a target.
#[derive(Debug)]
pub(in crate::tensor) struct TargetFit {
    pub(in crate::tensor) column: String,
    kind: TargetKind,
    separator: Option<String>,
    /// Rows of each class or label.
    classes: BTreeMap<String, u64>,
    whole_numbers: bool,
    moments: Moments,
    rows: u64,
}

impl TargetFit {
    pub(in crate::tensor) fn new(target: &TargetSpec) -> Self {
        Self {
            column: target.column.clone(),
            kind: target.kind,
            separator: target.separator.clone(),
            classes: BTreeMap::new(),
            whole_numbers: false,
            moments: Moments::new(),
            rows: 0,
        }
    }

    /// Which rows have a target.
    pub(in crate::tensor) fn known(&self, array: &ArrayRef) -> Vec<bool> {
        match self.kind {
            TargetKind::Number | TargetKind::Count => finite(array).iter().map(|value| !value.is_nan()).collect(),
            _ => (0..array.len()).map(|row| arrow::array::Array::is_valid(array, row)).collect(),
        }
    }

    /// Learns from a column of which every row has a target.
    ///
    /// Errors: too many classes or labels, a count that is none.
    pub(in crate::tensor) fn add(&mut self, array: &ArrayRef) -> Result<(), TensorError> {
        self.rows += array.len() as u64;
        match self.kind {
            TargetKind::Number => self.moments.extend(&finite(array)),
            TargetKind::Count => {
                let values = finite(array);
                check_counts(&self.column, &values)?;
                self.moments.extend(&values);
            }
            TargetKind::Binary | TargetKind::Category => {
                self.whole_numbers |= array.data_type().is_integer();
                let classes = &mut self.classes;
                visit_texts(array, |_, text| text.into_iter().for_each(|text| count(classes, text)));
            }
            TargetKind::MultiLabel => {
                let classes = &mut self.classes;
                visit_labels(array, self.separator.as_deref(), |_, labels| {
                    let mut labels = labels.unwrap_or_default();
                    labels.sort_unstable();
                    labels.dedup();
                    labels.iter().for_each(|label| count(classes, label));
                });
            }
        }
        let too_many = self.classes.len() > MAX_CLASSES;
        if too_many { Err(TensorError::TooManyClasses(self.column.clone())) } else { Ok(()) }
    }

    /// The target.
    ///
    /// Errors: no value, a single class or row, more than two classes of a binary target, no label, no event.
    pub(in crate::tensor) fn finish(self) -> Result<Target, TensorError> {
        let column = self.column;
        if self.rows == 0 {
            return Err(TensorError::NoRows(column));
        }
        let mut classes: Vec<(String, u64)> = self.classes.into_iter().collect();
        let binary = self.kind == TargetKind::Binary;
        match self.kind {
            TargetKind::Number if self.rows == 1 => Err(TensorError::OneRow(column)),
            TargetKind::Number => {
                let center = self.moments.mean().filter(|mean| mean.is_finite());
                let scale = self.moments.standard_deviation().filter(|scale| *scale > 0.0 && scale.is_finite());
                // Sums of numbers near the end of float64 overflow; such a column has to be scaled by its owner.
                let center = center.ok_or_else(|| TensorError::TooLarge(column.clone()))?;
                Ok(Target::Number(NumberTarget { column, center, scale: scale.unwrap_or(1.0) }))
            }
            TargetKind::Count => {
                let (mean, largest) = (self.moments.mean(), self.moments.max());
                match mean.zip(largest) {
                    Some((mean, largest)) if mean > 0.0 && mean.is_finite() => {
                        Ok(Target::Count(CountTarget { column, mean, largest }))
                    }
                    _ => Err(TensorError::NoEvent(column)),
                }
            }
            TargetKind::MultiLabel => {
                let rows = self.rows;
                if !classes.iter().any(|(_, count)| *count < rows) {
                    return Err(TensorError::NoLabels(column));
                }
                let (names, counts) = classes.into_iter().unzip();
                Ok(Target::MultiLabel(Labels { column, names, counts, rows, separator: self.separator }))
            }
            TargetKind::Binary | TargetKind::Category => {
                if self.whole_numbers {
                    classes.sort_by_key(|(name, _)| name.parse::<i128>().unwrap_or_default());
                }
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
                Ok(if binary { Target::Binary(classes) } else { Target::Category(classes) })
            }
        }
    }
}

/// Counts a class; one class too many is enough to know.
fn count(classes: &mut BTreeMap<String, u64>, name: &str) {
    if let Some(count) = classes.get_mut(name) {
        *count += 1;
    } else if classes.len() <= MAX_CLASSES {
        classes.insert(name.to_owned(), 1);
    }
}
