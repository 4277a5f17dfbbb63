//! Learning an encoder: one pass over the rows.

use arrow::array::{ArrayRef, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use rayon::prelude::*;

use super::category::CategoryFit;
use super::encoder::{Encoder, Feature};
use super::error::TensorError;
use super::number::NumberFit;
use super::specification::{FeatureKind, FeatureSpec, Specification};
use super::target::TargetFit;

/// An encoder that is being learned. Rows without a target teach nothing and are counted.
///
/// Complexity: one visit of each value; memory for a vocabulary of at most 65,536 values and a sketch for each column.
#[derive(Debug)]
pub struct Fit {
    features: Vec<FeatureFit>,
    targets: Vec<TargetFit>,
    rows: u64,
    left_out: u64,
}

#[derive(Debug)]
enum FeatureFit {
    Number(NumberFit),
    Category(CategoryFit),
}

impl FeatureFit {
    fn new(feature: &FeatureSpec) -> Self {
        match &feature.kind {
            FeatureKind::Number(scale) => Self::Number(NumberFit::new(&feature.column, *scale)),
            FeatureKind::Category(largest) => Self::Category(CategoryFit::new(&feature.column, *largest)),
        }
    }

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
        Self {
            features: specification.features.iter().map(FeatureFit::new).collect(),
            targets: specification.targets.iter().map(TargetFit::new).collect(),
            rows: 0,
            left_out: 0,
        }
    }

    /// Learns from rows with the columns of the specification.
    ///
    /// Errors: a column is missing, or a target has too many classes or something that is none.
    pub fn add(&mut self, batch: &RecordBatch) -> Result<(), TensorError> {
        let column = |batch: &RecordBatch, name: &str| {
            batch.column_by_name(name).cloned().ok_or_else(|| TensorError::MissingColumn(name.to_owned()))
        };
        let mut known = vec![true; batch.num_rows()];
        for target in &self.targets {
            let has = target.known(&column(batch, &target.column)?);
            known.iter_mut().zip(has).for_each(|(known, has)| *known &= has);
        }
        let kept = known.iter().filter(|known| **known).count();
        self.rows += kept as u64;
        self.left_out += (known.len() - kept) as u64;
        let batch = filter_record_batch(batch, &BooleanArray::from(known))
            .map_err(|error| TensorError::Rows(error.to_string()))?;
        for target in &mut self.targets {
            let array = column(&batch, &target.column)?;
            target.add(&array)?;
        }
        self.features.par_iter_mut().try_for_each(|fit| {
            fit.add(&column(&batch, fit.name())?);
            Ok(())
        })
    }

    /// The encoder.
    ///
    /// Errors: no row had all targets, or what they are does not fit the kind of a target.
    pub fn finish(self) -> Result<Encoder, TensorError> {
        let targets = self.targets.into_iter().map(TargetFit::finish).collect::<Result<_, _>>()?;
        let features = self.features.into_iter().map(FeatureFit::finish).collect();
        Ok(Encoder::new(features, targets, self.rows, self.left_out))
    }
}
