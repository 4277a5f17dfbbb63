//! The fitted encoder: rows become inputs and targets.

use arrow::array::RecordBatch;
use arrow::compute::filter_record_batch;
use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::category::Category;
use super::error::TensorError;
use super::number::Number;
use super::target::{Target, Targets};

/// What was learned about the features and the target.
///
/// It is stored as JSON; read back, it encodes to the same bits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Encoder {
    features: Vec<Feature>,
    target: Target,
    rows: u64,
    left_out: u64,
}

/// A feature with what was learned about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Feature {
    /// A column of numbers.
    Number(Number),
    /// A column of categories.
    Category(Category),
}

impl Feature {
    /// The column.
    pub fn name(&self) -> &str {
        match self {
            Self::Number(number) => number.name(),
            Self::Category(category) => category.name(),
        }
    }

    /// How many inputs the column becomes.
    pub fn width(&self) -> usize {
        match self {
            Self::Number(number) => number.width(),
            Self::Category(category) => category.width(),
        }
    }
}

/// Encoded rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Encoded {
    /// `[n, width]`, row-major; every number is finite.
    pub inputs: Array2<f32>,
    /// For each feature the rows without a value.
    pub missing: Vec<u64>,
    /// For each feature the rows whose value is not in the vocabulary; 0 for numbers.
    pub unknown: Vec<u64>,
}

/// Encoded rows with their targets.
#[derive(Debug, Clone, PartialEq)]
pub struct Labelled {
    /// The rows that have a target.
    pub encoded: Encoded,
    /// Their targets.
    pub targets: Targets,
    /// Rows left out because they have no target.
    pub missing: u64,
    /// Rows left out because their class was not in the training rows.
    pub unknown: u64,
}

impl Encoder {
    pub(super) fn new(features: Vec<Feature>, target: Target, rows: u64, left_out: u64) -> Self {
        Self { features, target, rows, left_out }
    }

    /// The features in the order of their inputs.
    pub fn features(&self) -> &[Feature] {
        &self.features
    }

    /// The target.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Training rows with a target.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Training rows without a target.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// The columns that [`Encoder::encode`] reads.
    pub fn columns(&self) -> Vec<String> {
        self.features.iter().map(|feature| feature.name().to_owned()).collect()
    }

    /// How many inputs a row becomes.
    pub fn width(&self) -> usize {
        self.features.iter().map(Feature::width).sum()
    }

    /// A name for each input: `distance`, `distance is missing`, `carrier = UA`.
    pub fn feature_names(&self) -> Vec<String> {
        let names = self.features.iter().flat_map(|feature| match feature {
            Feature::Number(number) => number.input_names(),
            Feature::Category(category) => category.input_names(),
        });
        names.collect()
    }

    /// The inputs of all rows; a target is not needed.
    ///
    /// Errors: a column is missing.
    pub fn encode(&self, batch: &RecordBatch) -> Result<Encoded, TensorError> {
        let (rows, width) = (batch.num_rows(), self.width());
        let mut inputs = vec![0.0_f32; rows * width];
        let (mut missing, mut unknown) = (Vec::new(), Vec::new());
        let mut offset = 0;
        for feature in &self.features {
            let name = feature.name();
            let array = batch.column_by_name(name).ok_or_else(|| TensorError::MissingColumn(name.to_owned()))?;
            let (without, other) = match feature {
                Feature::Number(number) => (number.encode(array, &mut inputs, width, offset), 0),
                Feature::Category(category) => category.encode(array, &mut inputs, width, offset),
            };
            missing.push(without);
            unknown.push(other);
            offset += feature.width();
        }
        let inputs =
            Array2::from_shape_vec((rows, width), inputs).map_err(|error| TensorError::Rows(error.to_string()))?;
        Ok(Encoded { inputs, missing, unknown })
    }

    /// Inputs and targets of the rows that have a target.
    ///
    /// Errors: a column is missing.
    pub fn labelled(&self, batch: &RecordBatch) -> Result<Labelled, TensorError> {
        let column = self.target.column();
        let array = batch.column_by_name(column).ok_or_else(|| TensorError::MissingColumn(column.to_owned()))?;
        let read = self.target.read(array);
        let with_target =
            filter_record_batch(batch, &read.rows).map_err(|error| TensorError::Rows(error.to_string()))?;
        let encoded = self.encode(&with_target)?;
        Ok(Labelled { encoded, targets: read.targets, missing: read.missing, unknown: read.unknown })
    }
}
