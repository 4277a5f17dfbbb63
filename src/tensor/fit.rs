//! Learning an encoder: one pass over the rows.

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::filter_record_batch;
use rayon::prelude::*;

use super::category::CategoryFit;
use super::encoder::{Encoder, Feature};
use super::error::TensorError;
use super::number::NumberFit;
use super::specification::Specification;
use super::target::TargetFit;

/// An encoder that is being learned. Rows without a target teach nothing and are counted.
///
/// Complexity: one visit of each value; memory for a vocabulary of at most 65,536 values and a sketch for each column.
#[derive(Debug)]
pub struct Fit {
    features: Vec<FeatureFit>,
    target: TargetFit,
    target_column: String,
}

#[derive(Debug)]
enum FeatureFit {
    Number(NumberFit),
    Category(CategoryFit),
}

impl FeatureFit {
    fn name(&self) -> &str {
        match self {
            Self::Number(fit) => &fit.name,
            Self::Category(fit) => &fit.name,
        }
    }

    fn add(&mut self, array: &ArrayRef) {
        match self {
            Self::Number(fit) => fit.add(array),
            Self::Category(fit) => fit.add(array),
        }
    }

    fn finish(self) -> Feature {
        match self {
            Self::Number(fit) => Feature::Number(fit.finish()),
            Self::Category(fit) => Feature::Category(fit.finish()),
        }
    }
}

impl Fit {
    /// Nothing learned yet.
    pub fn new(specification: &Specification) -> Self {
        let numbers = specification.numbers.iter().map(|name| NumberFit::new(name, specification.number_scale));
        let categories =
            specification.categories.iter().map(|name| CategoryFit::new(name, specification.max_categories));
        Self {
            features: numbers.map(FeatureFit::Number).chain(categories.map(FeatureFit::Category)).collect(),
            target: TargetFit::new(&specification.target, specification.kind),
            target_column: specification.target.clone(),
        }
    }

    /// Learns from rows with the columns of the specification.
    ///
    /// Errors: a column is missing, or the target has too many classes.
    pub fn add(&mut self, batch: &RecordBatch) -> Result<(), TensorError> {
        let column = |batch: &RecordBatch, name: &str| {
            batch.column_by_name(name).cloned().ok_or_else(|| TensorError::MissingColumn(name.to_owned()))
        };
        let rows = self.target.add(&column(batch, &self.target_column)?)?;
        let batch = filter_record_batch(batch, &rows).map_err(|error| TensorError::Rows(error.to_string()))?;
        self.features.par_iter_mut().try_for_each(|fit| {
            fit.add(&column(&batch, fit.name())?);
            Ok(())
        })
    }

    /// The encoder.
    ///
    /// Errors: no row had a target, or the classes do not fit the kind of the target.
    pub fn finish(self) -> Result<Encoder, TensorError> {
        let (target, rows, left_out) = self.target.finish()?;
        let features = self.features.into_iter().map(FeatureFit::finish).collect();
        Ok(Encoder::new(features, target, rows, left_out))
    }
}
