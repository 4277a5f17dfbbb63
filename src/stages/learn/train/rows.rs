//! Rows in memory, as a training reads them.

use std::sync::Arc;

use ndarray::ArrayView2;

use crate::diagnostic::{Class, Diagnostic};
use crate::nn;
use crate::relation::{Relation, keep_columns};
use crate::stages::work::WorkContext;
use crate::tensor::{Encoder, Target, Targets};

/// Rows that are encoded together: enough to be fast, few enough that the copy beside the stored rows is small.
const ENCODED: usize = 16_384;

/// Encoded rows with their targets.
pub(super) struct Rows {
    /// For each block `[n, size]`, row-major, and the size.
    inputs: Vec<(Vec<f32>, usize)>,
    /// For each target.
    targets: Vec<nn::training::TargetBuffer>,
    width: usize,
    count: usize,
    /// Rows without a target, and rows of a class that training does not have.
    pub(super) left_out: (u64, u64),
}

impl Rows {
    /// Reads the rows of a relation that have a target; at most `limit` bytes.
    ///
    /// Errors: of class [`Class::Limit`] when they do not fit, and whatever keeps the rows from being computed.
    pub(super) fn read(
        relation: &Arc<Relation>,
        encoder: &Encoder,
        limit: u64,
        context: &WorkContext<'_>,
    ) -> Result<Self, Diagnostic> {
        let relation = keep_columns(relation, &encoder.labelled_columns());
        let width = encoder.width();
        let mut rows = Self {
            inputs: encoder.blocks().iter().map(|block| (Vec::new(), block.size())).collect(),
            targets: vec![nn::training::TargetBuffer::default(); encoder.targets().len()],
            width,
            count: 0,
            left_out: (0, 0),
        };
        let mut wrong = None;
        context.stream(&relation, &mut |batch| {
            for start in (0..batch.num_rows()).step_by(ENCODED) {
                let slice = batch.slice(start, ENCODED.min(batch.num_rows() - start));
                wrong = rows.add(&slice, encoder, limit).err();
                if wrong.is_some() {
                    return Ok(false);
                }
            }
            Ok(true)
        })?;
        wrong.map_or(Ok(rows), Err)
    }

    fn add(&mut self, batch: &arrow::array::RecordBatch, encoder: &Encoder, limit: u64) -> Result<(), Diagnostic> {
        let labelled = encoder.labelled(batch).map_err(|error| Diagnostic::error(Class::Stage, error.to_string()))?;
        let count = labelled.rows.len();
        if bytes(self.count + count, self.width) > limit {
            return Err(too_large(self.count + count, self.width, limit));
        }
        for ((inputs, size), encoded) in self.inputs.iter_mut().zip(&labelled.encoded.inputs) {
            reserve(inputs, count * *size);
            inputs.extend(encoded.iter());
        }
        for ((buffer, targets), target) in self.targets.iter_mut().zip(labelled.targets).zip(encoder.targets()) {
            match (targets, target) {
                (Targets::Classes(classes), Target::Binary(_)) => {
                    buffer.values.extend(classes.iter().map(|class| *class as f32));
                }
                (Targets::Classes(classes), _) => buffer.classes.extend(classes),
                (Targets::Labels(labels), _) => buffer.values.extend(labels.iter()),
                (Targets::Numbers(numbers), Target::Number(target)) => {
                    buffer.values.extend(numbers.iter().map(|number| target.standardize(*number)));
                }
                (Targets::Numbers(numbers) | Targets::Counts(numbers), _) => {
                    buffer.values.extend(numbers.iter().map(|number| *number as f32));
                }
            }
        }
        self.count += count;
        self.left_out.0 += labelled.missing;
        self.left_out.1 += labelled.unknown;
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Bytes that they take up.
    pub(super) fn bytes(&self) -> u64 {
        bytes(self.count, self.width)
    }

    /// As a source of batches.
    ///
    /// Errors: never for rows that were read.
    pub(super) fn source(&self) -> Result<nn::InMemory<'_>, nn::Error> {
        let inputs = self.inputs.iter().map(|(inputs, size)| {
            ArrayView2::from_shape((self.count, *size), inputs)
                .map_err(|error| nn::Error::Targets { what: "the data", reason: error.to_string() })
        });
        let targets = self.targets.iter().map(|targets| {
            if targets.classes.is_empty() {
                nn::Targets::Values(&targets.values)
            } else {
                nn::Targets::Classes(&targets.classes)
            }
        });
        nn::InMemory::of(inputs.collect::<Result<_, _>>()?, targets.collect(), None)
    }
}

/// Grows by a quarter at a time: doubling would take up three times the memory while it copies.
fn reserve(values: &mut Vec<f32>, more: usize) {
    if values.capacity() - values.len() < more {
        values.reserve_exact(more.max(values.len() / 4));
    }
}

fn bytes(rows: usize, width: usize) -> u64 {
    (rows as u64).saturating_mul(width as u64 + 1).saturating_mul(4)
}

/// The error for rows that do not fit.
pub(super) fn too_large(rows: usize, width: usize, limit: u64) -> Diagnostic {
    let needed = bytes(rows, width) >> 20;
    let message = format!(
        "{rows} rows of {width} inputs need {needed} MiB or more, but {} MiB are left of half of the memory",
        limit >> 20
    );
    let help = "put a `sample` stage in front, lower `max_categories`, choose fewer columns, or give more `--memory`";
    Diagnostic::error(Class::Limit, message).help(help)
}
