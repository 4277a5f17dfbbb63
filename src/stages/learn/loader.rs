//! The rows of a training: encoded once, held in memory where they fit, in a file of the run where they do not.
//!
//! Both ways give the same rows in each epoch, each once; only their order differs. An order depends on the seed and the
//! epoch alone.

mod augment;
mod held;
mod layout;
mod spilled;

use std::sync::Arc;

use arrow::array::RecordBatch;
use rayon::prelude::*;

use crate::batch;
use crate::diagnostic::{Class, Diagnostic};
use crate::memory::{MemoryManager, Reservation};
use crate::nn::training::Batches;
use crate::relation::Relation;
use crate::stages::learn::tensors::{Want, examples, refusal};
use crate::stages::work::{Progress, WorkContext};
use crate::tensor::{Encoder, Labelled, Target, Targets, TensorError};
use augment::Augment;
use held::{Blocks, Held};
use layout::{Layout, TargetForm};
use spilled::{BUFFERS, Cut, Spill, Writer};

/// Numbers that are encoded together: enough to be fast, few enough that the copy beside the stored rows is small.
const ENCODED: usize = 1 << 20;
/// The most rows that are encoded together.
const MOST: usize = 16_384;
/// Fewer rows than this in a buffer are no shuffle worth the name.
const LEAST: u64 = 64;

/// What to read.
pub(super) struct Wanted<'a> {
    pub(super) relation: &'a Arc<Relation>,
    pub(super) encoder: &'a Encoder,
    /// A column that says how much each row counts.
    pub(super) weights: Option<&'a str>,
    /// Bytes that the rows may take in memory.
    pub(super) limit: u64,
    /// Whether a network learns from them: then they are the training rows, encoded as such, and read in a random order,
    /// for which some have to be at hand together.
    pub(super) shuffled: bool,
    /// For people: `training rows`.
    pub(super) name: &'a str,
    /// How many rows there are, where that is known.
    pub(super) expected: Option<u64>,
}

/// Rows that were not taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct LeftOut {
    /// Without a target.
    pub(super) missing: u64,
    /// Of a class that no training row has.
    pub(super) unknown: u64,
    /// Whose image, sound or other content could not be read.
    pub(super) failed: u64,
    /// Without a weight.
    pub(super) unweighted: u64,
}

/// Encoded rows with their targets.
pub(super) struct Rows {
    layout: Layout,
    store: Store,
    augment: Option<Augmented>,
    pub(super) left_out: LeftOut,
    /// The first three rows that cannot be read: `row 17: photo: neither PNG nor JPEG`.
    pub(super) unreadable: Vec<String>,
    _reservation: Reservation,
}

enum Store {
    Memory(Blocks),
    File(Spill, Cut),
}

impl Rows {
    /// Reads the rows that have a target.
    ///
    /// Errors: of class [`Class::Limit`] when not even some rows fit into memory or all of them on disk,
    /// of class [`Class::Data`] for weights that are none, and whatever keeps the rows from being computed.
    pub(super) fn read(wanted: &Wanted<'_>, context: &WorkContext<'_>) -> Result<Self, Diagnostic> {
        let mut filling = Filling::new(wanted, context)?;
        let beside: Vec<String> = wanted.weights.map(str::to_owned).into_iter().collect();
        let want = if wanted.shuffled { Want::Training(&beside) } else { Want::Labelled(&beside) };
        examples(wanted.relation, wanted.encoder, want, context, &mut |batch| {
            filling.take(&batch, wanted)?;
            (context.progress)(Progress {
                done: filling.seen,
                total: wanted.expected,
                unit: "rows".to_owned(),
                message: format!("reading {}", wanted.name),
            });
            Ok(true)
        })?;
        filling.finish()
    }

    pub(super) fn len(&self) -> usize {
        match &self.store {
            Store::Memory(blocks) => blocks.rows(),
            Store::File(spill, _) => spill.rows(),
        }
    }

    /// Bytes that they take up in memory.
    pub(super) fn bytes(&self) -> u64 {
        match &self.store {
            Store::Memory(blocks) => blocks.rows() as u64 * self.layout.row_bytes(),
            Store::File(_, cut) => cut.rows() as u64 * self.layout.row_bytes() * BUFFERS,
        }
    }

    /// Bytes of the file, and how many rows are shuffled together, where the rows are in a file.
    pub(super) fn spilled(&self) -> Option<(u64, usize)> {
        match &self.store {
            Store::Memory(_) => None,
            Store::File(spill, cut) => Some((spill.bytes(), cut.rows().min(spill.rows()))),
        }
    }

    /// As a source of batches. With `augmented` images look different in each epoch, where the tensors say so.
    ///
    /// Errors: the file cannot be opened once more.
    pub(super) fn source(&self, augmented: bool) -> Result<Box<dyn Batches + '_>, Diagnostic> {
        let augment = self.augment.as_ref().filter(|_| augmented).map(|augment| augment as &dyn Augment);
        Ok(match &self.store {
            Store::Memory(blocks) => Box::new(Held::new(blocks, &self.layout, augment)),
            Store::File(spill, cut) => Box::new(spill.source(*cut, augment).map_err(|error| {
                Diagnostic::error(Class::Stage, format!("cannot read the file of encoded rows: {error}"))
            })?),
        })
    }
}

/// What an encoder does to rows anew in each epoch.
struct Augmented(Encoder);

impl Augment for Augmented {
    fn augments(&self, input: usize) -> bool {
        self.0.augments(input)
    }

    fn augment(&self, input: usize, row: &mut [f32], draw: u64) {
        self.0.augment(input, row, draw);
    }
}

/// Encoded rows with the weights of those that were kept.
struct Part {
    labelled: Labelled,
    weights: Option<Vec<f64>>,
    rows: usize,
}

fn encode(batch: &RecordBatch, wanted: &Wanted<'_>) -> Result<Part, Diagnostic> {
    let labelled = wanted.encoder.labelled(batch).map_err(|error| match error {
        TensorError::Unreadable { place, reason } => {
            let place = format!("{place} of the {}", wanted.name);
            refusal(&TensorError::Unreadable { place, reason })
        }
        error => Diagnostic::error(Class::Stage, error.to_string()),
    })?;
    let weights = wanted.weights.and_then(|name| {
        let all = batch::floats(batch::column(batch, name)?);
        Some(labelled.rows.iter().map(|&row| all.get(row).copied().unwrap_or(f64::NAN)).collect())
    });
    Ok(Part { labelled, weights, rows: batch.num_rows() })
}

/// Rows on their way.
struct Filling<'a> {
    layout: Layout,
    encoder: &'a Encoder,
    name: &'a str,
    weights: Option<&'a str>,
    limit: u64,
    /// The rows that have to be at hand together at least.
    least: u64,
    scratch: &'a std::path::Path,
    reservation: Reservation,
    blocks: Blocks,
    writer: Option<Writer>,
    rows: usize,
    seen: u64,
    left_out: LeftOut,
    unreadable: Vec<String>,
    row: Vec<f32>,
}

/// Rows that cannot be read and are named.
const NAMED: usize = 3;

impl<'a> Filling<'a> {
    fn new(wanted: &Wanted<'a>, context: &WorkContext<'a>) -> Result<Self, Diagnostic> {
        let encoder = wanted.encoder;
        let form = |target: &Target| match target {
            Target::Category(_) => TargetForm::Class,
            Target::MultiLabel(labels) => TargetForm::Values(labels.names.len()),
            Target::Binary(_) | Target::Number(_) | Target::Count(_) => TargetForm::Values(1),
        };
        let layout = Layout {
            inputs: encoder.blocks().iter().map(crate::tensor::Block::size).collect(),
            targets: encoder.targets().iter().map(form).collect(),
            weighted: wanted.weights.is_some(),
        };
        let mut filling = Self {
            blocks: Blocks::new(&layout),
            encoder,
            name: wanted.name,
            weights: wanted.weights,
            limit: wanted.limit,
            least: if wanted.shuffled { LEAST } else { 1 },
            scratch: context.scratch,
            reservation: MemoryManager::process().reserve(wanted.name),
            writer: None,
            rows: 0,
            seen: 0,
            left_out: LeftOut::default(),
            unreadable: Vec::new(),
            row: Vec::with_capacity(layout.stride()),
            layout,
        };
        // What was counted while the encoders were learned tells at once whether the rows fit.
        if wanted.expected.is_some_and(|rows| rows.saturating_mul(filling.layout.row_bytes()) > wanted.limit) {
            filling.writer = Some(Writer::new(context.scratch)?);
        }
        Ok(filling)
    }

    /// Encodes the rows of a batch on all threads and keeps them in their order.
    fn take(&mut self, batch: &RecordBatch, wanted: &Wanted<'_>) -> Result<(), Diagnostic> {
        let slice = (ENCODED / self.layout.stride()).clamp(1, MOST);
        let starts: Vec<usize> = (0..batch.num_rows()).step_by(slice).collect();
        for starts in starts.chunks(rayon::current_num_threads().max(1)) {
            let encoded: Vec<_> = starts
                .par_iter()
                .map(|&start| encode(&batch.slice(start, slice.min(batch.num_rows() - start)), wanted))
                .collect();
            for part in encoded {
                self.add(&part?)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, part: &Part) -> Result<(), Diagnostic> {
        let labelled = &part.labelled;
        self.seen += part.rows as u64;
        self.left_out.missing += labelled.missing;
        self.left_out.unknown += labelled.unknown;
        self.left_out.failed += labelled.failed;
        let room = NAMED.saturating_sub(self.unreadable.len());
        self.unreadable.extend(labelled.unreadable.iter().take(room).cloned());
        for row in 0..labelled.rows.len() {
            let weight = part.weights.as_ref().and_then(|weights| weights.get(row)).copied();
            match weight {
                Some(weight) if weight.is_nan() => {
                    self.left_out.unweighted += 1;
                    continue;
                }
                Some(weight) if !(weight >= 0.0 && weight <= f64::from(f32::MAX)) => {
                    let name = self.weights.unwrap_or_default();
                    let message =
                        format!("`{name}` is {weight} in one of the {}, and a weight is a number from 0", self.name);
                    return Err(Diagnostic::error(Class::Data, message));
                }
                _ => {}
            }
            self.row.clear();
            for input in &labelled.encoded.inputs {
                self.row.extend(input.row(row));
            }
            for (target, values) in self.encoder.targets().iter().zip(&labelled.targets) {
                target_of(target, values, row, &mut self.row);
            }
            self.row.extend(weight.map(|weight| weight as f32));
            self.keep()?;
        }
        Ok(())
    }

    /// Keeps the row, in memory or in the file.
    fn keep(&mut self) -> Result<(), Diagnostic> {
        debug_assert_eq!(self.row.len(), self.layout.stride());
        self.rows += 1;
        if let Some(writer) = &mut self.writer {
            return writer.write(&self.row);
        }
        let growth = self.blocks.growth();
        let fits = self.rows as u64 * self.layout.row_bytes() <= self.limit && u32::try_from(self.rows).is_ok();
        if fits && (growth == 0 || self.reservation.try_grow(growth).is_ok()) {
            self.blocks.push(&self.row);
            return Ok(());
        }
        let mut writer = Writer::new(self.scratch)?;
        for part in self.blocks.parts() {
            writer.write(part)?;
        }
        self.blocks = Blocks::new(&self.layout);
        self.reservation.free();
        writer.write(&self.row)?;
        self.writer = Some(writer);
        Ok(())
    }

    fn finish(mut self) -> Result<Rows, Diagnostic> {
        let augments = (0..self.layout.inputs.len()).any(|input| self.encoder.augments(input));
        let augment = augments.then(|| Augmented(self.encoder.clone()));
        let store = match self.writer.take() {
            None => Store::Memory(self.blocks),
            Some(writer) => {
                let spill = writer.finish(&self.layout, self.rows)?;
                let cut = buffers(&mut self.reservation, &self.layout, self.limit, (self.least, self.name))?;
                Store::File(spill, cut)
            }
        };
        let Self { layout, left_out, unreadable, reservation, .. } = self;
        Ok(Rows { layout, store, augment, left_out, unreadable, _reservation: reservation })
    }
}

/// Reserves what the buffers of a file take: as much as there is, less where it is refused.
fn buffers(
    reservation: &mut Reservation,
    layout: &Layout,
    limit: u64,
    (rows, name): (u64, &str),
) -> Result<Cut, Diagnostic> {
    let least = rows * layout.row_bytes();
    let mut buffer = limit / BUFFERS;
    loop {
        if buffer < least {
            let message =
                format!("{rows} of the {name} have {least} bytes, and memory has no room for {BUFFERS} times as many");
            let help = "choose fewer columns or smaller images, or give more `--memory`";
            return Err(Diagnostic::error(Class::Limit, message).help(help));
        }
        if reservation.try_grow(buffer * BUFFERS).is_ok() {
            return Ok(Cut::new(layout, buffer));
        }
        buffer /= 2;
    }
}

/// The target of a row as the network learns it.
fn target_of(target: &Target, values: &Targets, row: usize, to: &mut Vec<f32>) {
    match (values, target) {
        (Targets::Classes(classes), _) => to.extend(classes.get(row).map(|class| *class as f32)),
        (Targets::Labels(labels), _) => to.extend(labels.row(row)),
        (Targets::Numbers(numbers), Target::Number(target)) => {
            to.extend(numbers.get(row).map(|number| target.standardize(*number)));
        }
        (Targets::Numbers(numbers) | Targets::Counts(numbers), _) => {
            to.extend(numbers.get(row).map(|number| *number as f32));
        }
    }
}
