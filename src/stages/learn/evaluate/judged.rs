//! Predictions beside the truth.

use std::sync::Arc;

use arrow::array::RecordBatch;

use crate::diagnostic::{Class, Diagnostic};
use crate::nn::Network;
use crate::relation::{Relation, keep_columns};
use crate::stages::work::WorkContext;
use crate::statistics::evaluation::multiclass_log_loss;
use crate::tensor::{Encoder, Target, Targets};

/// Rows that pass through the network together.
const TOGETHER: usize = 8_192;

/// Predictions of all rows with a target.
#[derive(Debug, Default)]
pub(super) struct Judged {
    /// `[n]`: the true classes, for class targets.
    pub(super) classes: Vec<u32>,
    /// `[n]`: the most probable classes, for category targets.
    pub(super) predicted: Vec<u32>,
    /// `[n]`: the true numbers, for number targets.
    pub(super) numbers: Vec<f64>,
    /// `[n]`: the probability of yes, or the predicted number.
    pub(super) outputs: Vec<f64>,
    /// The sum of the log losses of category targets.
    pub(super) log_loss: f64,
    /// The same for the shares of the training rows as probabilities.
    pub(super) baseline_log_loss: f64,
    /// Rows without a target.
    pub(super) missing: u64,
    /// Rows whose class training did not have.
    pub(super) unknown: u64,
}

impl Judged {
    /// Predicts the rows batch by batch; what is kept of a row is 16 bytes.
    ///
    /// Errors: of class [`Class::Limit`] when even that does not fit into half of the memory.
    pub(super) fn read(
        rows: &Arc<Relation>,
        encoder: &Encoder,
        network: &Network,
        context: &WorkContext<'_>,
    ) -> Result<Self, Diagnostic> {
        let relation = keep_columns(rows, &encoder.labelled_columns());
        let mut judged = Self::default();
        let mut wrong = None;
        context.stream(&relation, &mut |batch| {
            for start in (0..batch.num_rows()).step_by(TOGETHER) {
                let slice = batch.slice(start, TOGETHER.min(batch.num_rows() - start));
                wrong = judged.add(&slice, encoder, network).err();
                if wrong.is_some() {
                    return Ok(false);
                }
            }
            if (judged.len() as u64).saturating_mul(16) > context.memory / 2 {
                let message = "the predictions do not fit into half of the memory";
                wrong = Some(
                    Diagnostic::error(Class::Limit, message).help("judge on a smaller part, or give more `--memory`"),
                );
            }
            Ok(wrong.is_none())
        })?;
        wrong.map_or(Ok(judged), Err)
    }

    fn add(&mut self, batch: &RecordBatch, encoder: &Encoder, network: &Network) -> Result<(), Diagnostic> {
        let failed = |error: &dyn std::fmt::Display| Diagnostic::error(Class::Stage, error.to_string());
        let labelled = encoder.labelled(batch).map_err(|error| failed(&error))?;
        let inputs: Vec<_> = labelled.encoded.inputs.iter().map(|block| block.view()).collect();
        let predictions = network.predict_all(&inputs).map_err(|error| failed(&error))?;
        let predictions = predictions.first().ok_or_else(|| failed(&"the network has no output"))?;
        let targets = labelled.targets.into_iter().next().ok_or_else(|| failed(&"there is no target"))?;
        self.missing += labelled.missing;
        self.unknown += labelled.unknown;
        match (targets, encoder.target()) {
            (Targets::Classes(truth), Target::Category(classes)) => {
                let probabilities = predictions.mapv(f64::from);
                let loss = multiclass_log_loss(&truth, probabilities.view()).map_err(|error| failed(&error))?;
                let rows = truth.len() as f64;
                self.log_loss += loss.unwrap_or(0.0) * rows;
                let shares: Vec<f64> = (0..classes.names.len()).map(|class| classes.share(class)).collect();
                let constant = ndarray::Array2::from_shape_fn(probabilities.dim(), |(_, class)| {
                    shares.get(class).copied().unwrap_or(0.0)
                });
                let loss = multiclass_log_loss(&truth, constant.view()).map_err(|error| failed(&error))?;
                self.baseline_log_loss += loss.unwrap_or(0.0) * rows;
                self.predicted.extend(predictions.rows().into_iter().map(|row| largest(row.iter().copied())));
                self.classes.extend(truth);
            }
            (Targets::Classes(truth), _) => {
                self.outputs.extend(predictions.iter().map(|probability| f64::from(*probability)));
                self.classes.extend(truth);
            }
            (Targets::Numbers(truth), Target::Number(number)) => {
                self.outputs.extend(predictions.iter().map(|value| number.restore(*value)));
                self.numbers.extend(truth);
            }
            _ => return Err(failed(&"labels and counts cannot be judged yet")),
        }
        Ok(())
    }

    /// How many rows were judged.
    pub(super) fn len(&self) -> usize {
        self.classes.len().max(self.numbers.len())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The place of the largest value, the first of equals.
pub(in crate::stages::learn) fn largest(values: impl Iterator<Item = f32>) -> u32 {
    let start = (0, f32::NEG_INFINITY);
    (0..).zip(values).fold(start, |best, (place, value)| if value > best.1 { (place, value) } else { best }).0
}
