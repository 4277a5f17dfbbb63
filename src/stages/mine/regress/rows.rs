//! The columns that a model reads, and their values in the rows that lack none.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch};

use super::Family;
use crate::batch;
use crate::diagnostic::{Class, Diagnostic};
use crate::expression::{DataType, Expr, Field};
use crate::relation::{NamedExpr, Relation};
use crate::stages::inputs;
use crate::statistics::regression::{Beside, Errors};

/// Options that were checked.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) target: Field,
    /// The features, and whether each is a category.
    pub(super) terms: Vec<(Field, bool)>,
    pub(super) family: Family,
    pub(super) positive: Option<String>,
    pub(super) base: Vec<Option<String>>,
    pub(super) most_levels: usize,
    pub(super) intercept: bool,
    pub(super) exposure: Option<Field>,
    pub(super) offset: Option<Field>,
    pub(super) weights: Option<Field>,
    pub(super) errors: Errors,
    pub(super) cluster: Option<Field>,
    pub(super) confidence: f64,
    pub(super) seed: u64,
}

impl Plan {
    /// The columns that are read: target, features, exposure, offset, weights, cluster.
    pub(super) fn relation(&self, table: &Arc<Relation>) -> Relation {
        let value = |field: &Field| Expr::column(&field.name, field.data_type.clone());
        let number = |field: &Field| value(field).cast(DataType::Float64, true);
        let text = |field: &Field| match field.data_type {
            DataType::String => value(field),
            _ => inputs::shown(field).unwrap_or_else(|| value(field)),
        };
        let target = if self.target.data_type == DataType::String { text(&self.target) } else { number(&self.target) };
        let features =
            self.terms.iter().map(|(field, is_category)| if *is_category { text(field) } else { number(field) });
        let beside = [&self.exposure, &self.offset, &self.weights].into_iter().flatten();
        let further = beside.map(number).chain(self.cluster.iter().map(text));
        let expressions = std::iter::once(target).chain(features).chain(further);
        let columns = expressions.enumerate().map(|(at, expr)| NamedExpr { name: format!("c{at}"), expr });
        Relation::Project { input: table.clone(), columns: columns.collect() }
    }
}

/// The values of a batch in the rows that lack none.
pub(super) struct Complete {
    /// The number of each row in the input.
    pub(super) numbers: Vec<u64>,
    pub(super) target: Vec<f64>,
    pub(super) features: Vec<Column>,
    /// The offset with the logarithm of the exposure, and weights.
    pub(super) beside: Beside,
    pub(super) clusters: Vec<String>,
}

/// The values of a feature.
pub(super) enum Column {
    Numbers(Vec<f64>),
    Texts(Vec<String>),
}

fn texts(array: &ArrayRef) -> Vec<Option<String>> {
    match array.as_string_view_opt() {
        Some(strings) => strings.iter().map(|text| text.map(str::to_owned)).collect(),
        None => batch::texts(array),
    }
}

impl Plan {
    /// The complete rows of a batch. `before` is the number of rows that came before it.
    pub(super) fn complete(&self, batch: &RecordBatch, before: u64) -> Result<Complete, Diagnostic> {
        let arrays = batch.columns();
        let array = |at: usize| arrays.get(at).ok_or_else(|| Diagnostic::error(Class::Stage, "a column is missing"));
        let target: Vec<f64> = match &self.positive {
            Some(positive) => {
                let yes = |text: &Option<String>| {
                    text.as_ref().map_or(f64::NAN, |text| f64::from(u8::from(text == positive)))
                };
                texts(array(0)?).iter().map(yes).collect()
            }
            None => batch::floats(array(0)?),
        };
        let mut keep: Vec<bool> = target.iter().map(|value| value.is_finite()).collect();
        let mut numbers: Vec<Vec<f64>> = Vec::new();
        let mut words: Vec<Vec<Option<String>>> = Vec::new();
        for (at, (_, is_category)) in self.terms.iter().enumerate() {
            if *is_category {
                words.push(texts(array(at + 1)?));
                mark(&mut keep, words.last().into_iter().flatten().map(Option::is_some));
            } else {
                numbers.push(batch::floats(array(at + 1)?));
                mark(&mut keep, numbers.last().into_iter().flatten().map(|value| value.is_finite()));
            }
        }
        let mut next = self.terms.len() + 1;
        let above_zero = |value: &f64| value.is_finite() && *value > 0.0;
        let mut offsets: Vec<f64> = Vec::new();
        if self.exposure.is_some() {
            let exposure = batch::floats(array(next)?);
            next += 1;
            mark(&mut keep, exposure.iter().map(above_zero));
            offsets = exposure.iter().map(|value| value.ln()).collect();
        }
        if self.offset.is_some() {
            let offset = batch::floats(array(next)?);
            next += 1;
            mark(&mut keep, offset.iter().map(|value| value.is_finite()));
            offsets.resize(offset.len(), 0.0);
            offsets.iter_mut().zip(&offset).for_each(|(sum, more)| *sum += more);
        }
        let mut weights = Vec::new();
        if self.weights.is_some() {
            weights = batch::floats(array(next)?);
            next += 1;
            mark(&mut keep, weights.iter().map(above_zero));
        }
        let mut clusters = Vec::new();
        if self.cluster.is_some() {
            clusters = texts(array(next)?);
            mark(&mut keep, clusters.iter().map(Option::is_some));
        }
        let chosen = |values: Vec<f64>| {
            values.into_iter().zip(&keep).filter(|(_, keep)| **keep).map(|(value, _)| value).collect::<Vec<f64>>()
        };
        let chosen_texts = |values: Vec<Option<String>>| {
            values
                .into_iter()
                .zip(&keep)
                .filter(|(_, keep)| **keep)
                .filter_map(|(value, _)| value)
                .collect::<Vec<String>>()
        };
        let (mut numbers, mut words) = (numbers.into_iter(), words.into_iter());
        let features = self.terms.iter().map(|(_, is_category)| {
            if *is_category {
                Column::Texts(chosen_texts(words.next().unwrap_or_default()))
            } else {
                Column::Numbers(chosen(numbers.next().unwrap_or_default()))
            }
        });
        let features = features.collect();
        let rows = (before..).zip(&keep).filter(|(_, keep)| **keep).map(|(number, _)| number);
        Ok(Complete {
            numbers: rows.collect(),
            target: chosen(target),
            features,
            beside: Beside { offsets: chosen(offsets), weights: chosen(weights) },
            clusters: chosen_texts(clusters),
        })
    }
}

/// Rows stay marked that are usable.
pub(super) fn mark(keep: &mut [bool], usable: impl Iterator<Item = bool>) {
    keep.iter_mut().zip(usable).for_each(|(keep, usable)| *keep &= usable);
}
