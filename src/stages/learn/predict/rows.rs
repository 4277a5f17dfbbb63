//! Rows through what was done in training and through the network, into a file.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use super::outcome::{self, Values};
use crate::diagnostic::{Class, Diagnostic};
use crate::engine::arrow_schema;
use crate::expression::{DataType, Schema};
use crate::nn::Network;
use crate::stages::TableProduct;
use crate::stages::learn::bundle::Bundle;
use crate::stages::work::{Progress, WorkContext};
use crate::staging::failure;
use crate::statistics::histogram::{Bins, Histogram, Scale};
use crate::statistics::quantiles::QuantileSketch;
use crate::tensor::{Encoder, Target};

/// Rows that pass through the network together.
const TOGETHER: usize = 8_192;
/// Rows of a row group of the file: what the writer holds in memory.
const ROW_GROUP: usize = 131_072;

/// What is to be done.
pub(super) struct Task<'a> {
    pub(super) table: &'a TableProduct,
    pub(super) folder: &'a Path,
    pub(super) bundle: &'a Bundle,
    /// The columns of the file: those of the table and what is added.
    pub(super) schema: &'a Schema,
    pub(super) threshold: f64,
    pub(super) path: &'a Path,
    pub(super) context: &'a WorkContext<'a>,
}

/// What was predicted.
pub(super) struct Predicted {
    pub(super) encoder: Encoder,
    pub(super) rows: u64,
    /// For each class the rows; empty for numbers.
    pub(super) classes: Vec<u64>,
    numbers: QuantileSketch,
    /// For each feature the rows without a value, and those whose value training did not have.
    pub(super) missing: Vec<u64>,
    pub(super) unknown: Vec<u64>,
}

impl Predicted {
    fn new(encoder: Encoder) -> Self {
        let (features, classes) = (encoder.features().len(), encoder.target().classes().map_or(0, |c| c.names.len()));
        Self {
            rows: 0,
            classes: vec![0; classes],
            numbers: QuantileSketch::default(),
            missing: vec![0; features],
            unknown: vec![0; features],
            encoder,
        }
    }

    /// How the predicted numbers are distributed.
    pub(super) fn histogram(&self) -> Histogram {
        Histogram::from_quantiles(&self.numbers.quantiles(), Bins::Auto, Scale::Real)
    }

    fn count(&mut self, values: &Values) {
        match values {
            Values::Numbers(numbers) => self.numbers.extend(numbers),
            Values::Classes(classes) => classes.iter().for_each(|class| {
                if let Some(count) = self.classes.get_mut(*class as usize) {
                    *count += 1;
                }
            }),
        }
    }
}

/// Predicts the rows batch by batch and writes them with their predictions. Memory: a batch and a row group.
///
/// Errors: a damaged model, rows that cannot be computed, a file that cannot be written.
pub(super) fn predict(task: &Task<'_>) -> Result<Predicted, Diagnostic> {
    let (encoder, network) = task.bundle.load(task.folder)?;
    let own = task.table.relation.schema();
    let replay = task.bundle.replay(task.folder)?;
    let applied = replay.over(&task.table.relation, &own, &encoder.columns()).map_err(|reason| {
        Diagnostic::error(Class::Data, format!("the model in `{}` is damaged: {reason}", task.folder.display()))
    })?;
    let mut output = Output::create(task)?;
    let mut predicted = Predicted::new(encoder);
    let mut wrong = None;
    task.context.stream(&applied.relation, &mut |batch| {
        for start in (0..batch.num_rows()).step_by(TOGETHER) {
            let slice = batch.slice(start, TOGETHER.min(batch.num_rows() - start));
            wrong = add(&slice, applied.own, &network, &mut predicted, &mut output).err();
            if wrong.is_some() {
                return Ok(false);
            }
        }
        (task.context.progress)(Progress {
            done: predicted.rows,
            total: None,
            unit: "rows".to_owned(),
            message: String::new(),
        });
        Ok(true)
    })?;
    if let Some(wrong) = wrong {
        return Err(wrong);
    }
    output.finish()?;
    Ok(predicted)
}

fn add(
    batch: &RecordBatch,
    own: usize,
    network: &Network,
    predicted: &mut Predicted,
    output: &mut Output<'_>,
) -> Result<(), Diagnostic> {
    let failed = |error: &dyn std::fmt::Display| Diagnostic::error(Class::Stage, error.to_string());
    let encoded = predicted.encoder.encode(batch).map_err(|error| failed(&error))?;
    let outputs = network
        .predict_all(&encoded.inputs.iter().map(|block| block.view()).collect::<Vec<_>>())
        .map_err(|error| failed(&error))?;
    let outputs = outputs.first().ok_or_else(|| failed(&"the network has no output"))?;
    let columns = outcome::columns(outputs, predicted.encoder.target(), output.threshold, &output.prediction);
    predicted.rows += batch.num_rows() as u64;
    predicted.missing.iter_mut().zip(encoded.missing).for_each(|(sum, rows)| *sum += rows);
    predicted.unknown.iter_mut().zip(encoded.unknown).for_each(|(sum, rows)| *sum += rows);
    predicted.count(&columns.values);
    output.write(batch.columns().iter().take(own).cloned().chain(columns.arrays).collect())
}

/// The file that is written.
struct Output<'a> {
    path: &'a Path,
    schema: SchemaRef,
    /// The type of the column `prediction`.
    prediction: DataType,
    threshold: f64,
    writer: ArrowWriter<File>,
}

impl<'a> Output<'a> {
    fn create(task: &Task<'a>) -> Result<Self, Diagnostic> {
        let file = File::create(task.path).map_err(|error| failure("cannot write", task.path, &error))?;
        let schema = arrow_schema(task.schema);
        let properties = WriterProperties::builder()
            .set_compression(Compression::LZ4_RAW)
            .set_max_row_group_row_count(Some(ROW_GROUP))
            .build();
        let writer = ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties))
            .map_err(|error| unwritable(task.path, &error))?;
        let prediction = outcome::data_type(task.bundle.kind, &task.bundle.target.data_type);
        Ok(Self { path: task.path, schema, prediction, threshold: task.threshold, writer })
    }

    fn write(&mut self, columns: Vec<ArrayRef>) -> Result<(), Diagnostic> {
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns)
            .map_err(|error| Diagnostic::error(Class::Stage, format!("the predictions make no table: {error}")))?;
        self.writer.write(&batch).map_err(|error| unwritable(self.path, &error))
    }

    fn finish(self) -> Result<(), Diagnostic> {
        self.writer.close().map(|_| ()).map_err(|error| unwritable(self.path, &error))
    }
}

fn unwritable(path: &Path, error: &dyn std::fmt::Display) -> Diagnostic {
    Diagnostic::error(Class::Output, format!("cannot write `{}`: {error}", path.display()))
}

/// Whether what is predicted is a number.
pub(super) fn is_number(predicted: &Predicted) -> bool {
    matches!(predicted.encoder.target(), Target::Number(_))
}
