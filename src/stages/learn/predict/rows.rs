//! Rows through what was done in training and through the network, into a file.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringViewArray};
use arrow::datatypes::{Float64Type, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use super::answer::{Answers, answers};
use super::judged::Decisions;
use super::layout::{Layout, Said};
use super::tally::{Summary, Tally};
use crate::batch;
use crate::diagnostic::{Class, Diagnostic};
use crate::engine::arrow_schema;
use crate::expression::Schema;
use crate::nn::Network;
use crate::stages::TableProduct;
use crate::stages::learn::bundle::Bundle;
use crate::stages::learn::tensors::{Want, examples};
use crate::stages::work::{Progress, WorkContext};
use crate::staging::failure;
use crate::tensor::{Domain, Encoder, Strange, Watch};

/// Rows that pass through the network together.
const TOGETHER: usize = 8_192;
/// Rows of a row group of the file: what the writer holds in memory.
const ROW_GROUP: usize = 131_072;
/// Example rows of each sort, and columns of them.
const EXAMPLES: usize = 5;
const COLUMNS: usize = 8;

/// What is to be done.
pub(super) struct Task<'a> {
    pub(super) table: &'a TableProduct,
    pub(super) folder: &'a Path,
    pub(super) bundle: &'a Bundle,
    /// The columns of the rows that are kept.
    pub(super) kept: &'a [String],
    pub(super) layout: &'a Layout,
    /// The columns of the file: those of the rows that are kept and what is added.
    pub(super) schema: &'a Schema,
    /// How answers become decisions.
    pub(super) decisions: &'a Decisions,
    pub(super) abstain_below: Option<f64>,
    pub(super) path: &'a Path,
    pub(super) context: &'a WorkContext<'a>,
}

/// What was predicted.
pub(super) struct Predicted {
    pub(super) encoder: Encoder,
    pub(super) summary: Summary,
    pub(super) tally: Tally,
    /// The first rows, and the first of which something is to be said, as people read them.
    pub(super) examples: Examples,
}

/// Example rows with the names of their columns.
#[derive(Debug, Default)]
pub(super) struct Examples {
    pub(super) columns: Vec<String>,
    pub(super) first: Vec<Vec<Option<String>>>,
    /// With what is to be said.
    pub(super) strange: Vec<(Vec<Option<String>>, String)>,
}

/// Predicts the rows batch by batch and writes them with their predictions. Memory: a batch and a row group.
///
/// Errors: a damaged model, rows that cannot be computed, a class that the model does not have, a file that cannot be written.
pub(super) fn predict(task: &Task<'_>) -> Result<Predicted, Diagnostic> {
    let (encoder, network) = task.bundle.load(task.folder)?;
    // What cannot be read keeps its row, whatever was said of the training.
    let encoder = encoder.lenient();
    let replay = task.bundle.replay(task.folder)?;
    let applied = replay
        .over(&task.table.relation, &task.table.relation.schema(), task.kept, &encoder.columns())
        .map_err(|reason| {
            Diagnostic::error(Class::Data, format!("the model in `{}` is damaged: {reason}", task.folder.display()))
        })?;
    let wanted = wanted(task.layout, &encoder)?;
    let domain: Domain = encoder.domain().clone();
    let mut work = Rows {
        task,
        encoder: &encoder,
        network: &network,
        own: applied.own,
        wanted,
        watch: Watch::new(&domain),
        domain: &domain,
        tally: Tally::new(&encoder),
        examples: Examples::default(),
        output: Output::create(task)?,
    };
    let relation = Arc::new(applied.relation);
    examples(&relation, &encoder, Want::Inputs, task.context, &mut |batch| {
        for start in (0..batch.num_rows()).step_by(TOGETHER) {
            let slice = batch.slice(start, TOGETHER.min(batch.num_rows() - start));
            work.add(&slice)?;
        }
        (task.context.progress)(Progress {
            done: work.tally.rows,
            total: None,
            unit: "rows".to_owned(),
            message: String::new(),
        });
        Ok(true)
    })?;
    let Rows { watch, tally, examples, output, .. } = work;
    output.finish()?;
    let summary = tally.summary(&task.bundle.name, &encoder, &watch, task.decisions);
    Ok(Predicted { summary, tally, examples, encoder })
}

/// For each target the places of the classes whose probabilities are wanted.
fn wanted(layout: &Layout, encoder: &Encoder) -> Result<Vec<Vec<usize>>, Diagnostic> {
    let of = |(columns, target): (&super::layout::TargetColumns, &crate::tensor::Target)| {
        let place = |(class, _): &(String, crate::expression::Field)| {
            target.names().iter().position(|name| name == class).ok_or_else(|| {
                let known: Vec<&str> = target.names().iter().take(20).map(String::as_str).collect();
                let message = format!("no training row has the class `{class}` of `{}`", target.column());
                Diagnostic::error(Class::Data, message).help(format!("the classes are {}", known.join(", ")))
            })
        };
        columns.classes.iter().map(place).collect()
    };
    layout.targets.iter().zip(encoder.targets()).map(of).collect()
}

/// The work on the rows.
struct Rows<'a> {
    task: &'a Task<'a>,
    encoder: &'a Encoder,
    network: &'a Network,
    /// How many of the columns are the rows' own.
    own: usize,
    wanted: Vec<Vec<usize>>,
    watch: Watch<'a>,
    domain: &'a Domain,
    tally: Tally,
    examples: Examples,
    output: Output<'a>,
}

impl Rows<'_> {
    fn add(&mut self, batch: &RecordBatch) -> Result<(), Diagnostic> {
        let failed = |error: &dyn std::fmt::Display| Diagnostic::error(Class::Stage, error.to_string());
        let rows = batch.num_rows();
        let encoded = self.encoder.encode(batch).map_err(|error| failed(&error))?;
        if encoded.inputs.iter().any(|block| block.nrows() != rows) {
            return Err(failed(&"the model reads several rows at once, and `predict` cannot give each row its own"));
        }
        let blocks: Vec<_> = encoded.inputs.iter().map(|block| block.view()).collect();
        let logits = self.network.all_logits(&blocks).map_err(|error| failed(&error))?;
        let mut notes = Notes::new(rows);
        for (row, reason) in &encoded.failed {
            notes.unreadable(*row, reason);
            self.tally.unreadable(reason);
        }
        let strange = self.watch.look(batch).map_err(|error| failed(&error))?;
        let mut added = Vec::new();
        let outputs = &self.network.spec().outputs;
        for (place, ((target, logits), output)) in self.encoder.targets().iter().zip(logits).zip(outputs).enumerate() {
            let decisions = self.task.decisions;
            let (temperature, threshold) =
                (decisions.temperature(target.column()), decisions.threshold(target.column()));
            let answers = answers(logits, output.head, target, temperature, threshold);
            let several = self.encoder.targets().len() > 1;
            let decided = notes.decide(&answers, self.task.abstain_below, several.then(|| target.column()));
            let said = Said { readable: &notes.readable, decided: &decided };
            if let Some(tally) = self.tally.targets.get_mut(place) {
                tally.add(&answers, &said);
            }
            if let (Some(columns), Some(wanted)) = (self.task.layout.targets.get(place), self.wanted.get(place)) {
                added.extend(columns.arrays(&answers, target.names(), wanted, &said));
            }
        }
        let warnings = warnings(&strange, self.domain, rows);
        if self.task.layout.reason.is_some() {
            added.push(Arc::new(notes.reasons.iter().map(Option::as_deref).collect::<StringViewArray>()));
        }
        if self.task.layout.warning.is_some() {
            added.push(Arc::new(warnings.iter().map(Option::as_deref).collect::<StringViewArray>()));
        }
        self.tally.rows += rows as u64;
        let columns: Vec<ArrayRef> = batch.columns().iter().take(self.own).cloned().chain(added).collect();
        self.examples.add(self.task, self.own, &columns, &notes, &warnings);
        self.output.write(columns)
    }
}

/// What is to be said about the rows of a batch.
struct Notes {
    readable: Vec<bool>,
    /// Why there is no prediction.
    reasons: Vec<Option<String>>,
}

impl Notes {
    fn new(rows: usize) -> Self {
        Self { readable: vec![true; rows], reasons: vec![None; rows] }
    }

    fn unreadable(&mut self, row: usize, reason: &str) {
        if let (Some(readable), Some(said)) = (self.readable.get_mut(row), self.reasons.get_mut(row)) {
            *readable = false;
            said.get_or_insert_with(|| reason.to_owned());
        }
    }

    /// Which rows the model is sure enough about; why not goes to the reasons, with the target where there are several.
    fn decide(&mut self, answers: &Answers, least: Option<f64>, target: Option<&str>) -> Vec<bool> {
        let mut decided = vec![true; self.readable.len()];
        let Some(least) = least else { return decided };
        let rows = answers.confidence.iter().zip(&self.readable).zip(&mut decided).zip(&mut self.reasons);
        for (((confidence, readable), decided), reason) in rows {
            if *readable && *confidence < least {
                *decided = false;
                let text = format!("confidence {confidence:.3} is below {least}");
                let text = target.map_or(text.clone(), |target| format!("{target}: {text}"));
                match reason {
                    Some(before) => {
                        before.push_str("; ");
                        before.push_str(&text);
                    }
                    None => *reason = Some(text),
                }
            }
        }
        decided
    }
}

/// For each row what training did not have, in words.
fn warnings(strange: &[Strange], domain: &Domain, rows: usize) -> Vec<Option<String>> {
    let mut warnings: Vec<Option<String>> = vec![None; rows];
    for found in strange {
        let (Some(warning), Some(column)) = (warnings.get_mut(found.row), domain.columns.get(found.column)) else {
            continue;
        };
        let text = found.what.text(column);
        match warning {
            Some(before) => {
                before.push_str("; ");
                before.push_str(&text);
            }
            None => *warning = Some(text),
        }
    }
    warnings
}

impl Examples {
    fn add(&mut self, task: &Task<'_>, own: usize, columns: &[ArrayRef], notes: &Notes, warnings: &[Option<String>]) {
        if self.first.len() >= EXAMPLES && self.strange.len() >= EXAMPLES {
            return;
        }
        // Reasons and warnings stand in a column of their own.
        let said = usize::from(task.layout.reason.is_some()) + usize::from(task.layout.warning.is_some());
        let places: Vec<usize> = (0..own.min(COLUMNS)).chain(own..columns.len().saturating_sub(said)).collect();
        if self.columns.is_empty() {
            let fields = task.schema.fields();
            self.columns =
                places.iter().filter_map(|place| fields.get(*place)).map(|field| field.name.clone()).collect();
        }
        // Numbers that were added are estimates: their last digits say nothing.
        let shown = |place: usize, array: &ArrayRef, row: usize| match array.as_primitive_opt::<Float64Type>() {
            Some(numbers) if place >= own => numbers.is_valid(row).then(|| format!("{:.4}", numbers.value(row))),
            _ => batch::display(array, row),
        };
        let show = |row: usize| -> Vec<Option<String>> {
            places.iter().filter_map(|place| Some(shown(*place, columns.get(*place)?, row))).collect()
        };
        for (row, (reason, warning)) in notes.reasons.iter().zip(warnings).enumerate() {
            if self.first.len() >= EXAMPLES && self.strange.len() >= EXAMPLES {
                return;
            }
            let text: Vec<&str> = [reason, warning].into_iter().flatten().map(String::as_str).collect();
            if text.is_empty() && self.first.len() < EXAMPLES {
                self.first.push(show(row));
            } else if !text.is_empty() && self.strange.len() < EXAMPLES {
                self.strange.push((show(row), text.join("; ")));
            }
        }
    }
}

/// The file that is written.
struct Output<'a> {
    path: &'a Path,
    schema: SchemaRef,
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
        Ok(Self { path: task.path, schema, writer })
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
