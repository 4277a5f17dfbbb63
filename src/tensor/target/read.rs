//! The targets of rows, by what was learned about them.

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::DataType;
use ndarray::Array2;

use super::{Target, Targets};
use crate::tensor::category::visit_texts;
use crate::tensor::error::TensorError;
use crate::tensor::number::finite;

/// Whether a row has a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::tensor) enum Standing {
    /// It has one.
    Known,
    /// There is no value.
    Missing,
    /// Its class was not in the training rows.
    Unknown,
}

/// The targets of a batch, one for each row, with something in the place of those that are not known.
pub(in crate::tensor) struct Read {
    pub(in crate::tensor) targets: Targets,
    pub(in crate::tensor) standing: Vec<Standing>,
}

impl Target {
    /// Errors: a count that is none.
    pub(in crate::tensor) fn read(&self, array: &ArrayRef) -> Result<Read, TensorError> {
        let mut standing = Vec::with_capacity(array.len());
        let number = |values: Vec<f64>| -> (Vec<f64>, Vec<Standing>) {
            let standing =
                values.iter().map(|value| if value.is_nan() { Standing::Missing } else { Standing::Known }).collect();
            (values, standing)
        };
        let targets = match self {
            Self::Number(_) => {
                let (values, known) = number(finite(array));
                standing = known;
                Targets::Numbers(values)
            }
            Self::Count(count) => {
                let (values, known) = number(finite(array));
                check_counts(&count.column, &values)?;
                standing = known;
                Targets::Counts(values)
            }
            Self::Binary(classes) | Self::Category(classes) => {
                let places: BTreeMap<&str, u32> = classes.names.iter().map(String::as_str).zip(0..).collect();
                let mut found = Vec::with_capacity(array.len());
                visit_texts(array, |_, text| {
                    let class = text.and_then(|text| places.get(text).copied());
                    standing.push(match (text, class) {
                        (None, _) => Standing::Missing,
                        (Some(_), None) => Standing::Unknown,
                        (Some(_), Some(_)) => Standing::Known,
                    });
                    found.push(class.unwrap_or(0));
                });
                Targets::Classes(found)
            }
            Self::MultiLabel(labels) => {
                let places: BTreeMap<&str, usize> =
                    labels.names.iter().enumerate().map(|(at, name)| (name.as_str(), at)).collect();
                let mut found = Array2::zeros((array.len(), labels.names.len()));
                visit_labels(array, labels.separator.as_deref(), |row, names| {
                    standing.push(if names.is_some() { Standing::Known } else { Standing::Missing });
                    for place in names.unwrap_or_default().iter().filter_map(|name| places.get(name.as_str())) {
                        if let Some(cell) = found.get_mut((row, *place)) {
                            *cell = 1.0;
                        }
                    }
                });
                Targets::Labels(found)
            }
        };
        Ok(Read { targets, standing })
    }
}

/// Errors: a number below 0, or one that is not whole.
pub(super) fn check_counts(column: &str, values: &[f64]) -> Result<(), TensorError> {
    match values.iter().find(|value| !value.is_nan() && (**value < 0.0 || value.fract() != 0.0)) {
        Some(value) => Err(TensorError::NoCount { column: column.to_owned(), value: value.to_string() }),
        None => Ok(()),
    }
}

/// Calls `visit` with the number of each row and its labels; none for null. An empty list or text has no labels; a null
/// in a list is no label.
pub(in crate::tensor) fn visit_labels(
    array: &ArrayRef,
    separator: Option<&str>,
    mut visit: impl FnMut(usize, Option<Vec<String>>),
) {
    let split = |text: &str| -> Vec<String> {
        let parts: Vec<&str> = match separator {
            Some(separator) if !separator.is_empty() => text.split(separator).collect(),
            _ => vec![text],
        };
        parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    };
    let item = |row: usize| -> Option<ArrayRef> {
        if array.is_null(row) {
            return None;
        }
        match array.data_type() {
            DataType::List(_) => Some(array.as_list::<i32>().value(row)),
            DataType::LargeList(_) => Some(array.as_list::<i64>().value(row)),
            DataType::FixedSizeList(..) => Some(array.as_fixed_size_list().value(row)),
            _ => None,
        }
    };
    if array.data_type().is_nested() {
        for row in 0..array.len() {
            let labels = item(row).map(|items| {
                let mut labels = Vec::with_capacity(items.len());
                visit_texts(&items, |_, text| labels.extend(text.map(str::to_owned)));
                labels
            });
            visit(row, labels);
        }
    } else {
        visit_texts(array, |row, text| visit(row, text.map(split)));
    }
}
