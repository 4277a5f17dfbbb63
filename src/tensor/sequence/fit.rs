//! Learning about the columns of a sequence: from each row once, however many windows it is in.

use arrow::array::RecordBatch;

use super::{Sequence, SequenceSpec};
use crate::tensor::error::TensorError;
use crate::tensor::number::NumberFit;

/// Learns about the columns of a sequence.
#[derive(Debug)]
pub(in crate::tensor) struct SequenceFit {
    spec: SequenceSpec,
    numbers: Vec<NumberFit>,
}

impl SequenceFit {
    pub(in crate::tensor) fn new(spec: &SequenceSpec) -> Self {
        let numbers = spec.columns.iter().map(|(name, scale)| NumberFit::new(name, scale)).collect();
        Self { spec: spec.clone(), numbers }
    }

    /// Errors: a column is missing.
    pub(in crate::tensor) fn add(&mut self, batch: &RecordBatch) -> Result<(), TensorError> {
        for fit in &mut self.numbers {
            let array = batch.column_by_name(&fit.name).ok_or_else(|| TensorError::MissingColumn(fit.name.clone()))?;
            fit.add(array);
        }
        Ok(())
    }

    pub(in crate::tensor) fn finish(self) -> Sequence {
        Sequence { spec: self.spec, numbers: self.numbers.into_iter().map(NumberFit::finish).collect() }
    }
}
