//! Encoded rows with the truth: those that are judged, and those from which baselines learn.

use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use ndarray::{Array2, ArrayView2};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::baseline::Part;
use crate::batch;
use crate::diagnostic::{Class, Diagnostic};
use crate::memory::{MemoryManager, Reservation};
use crate::relation::Relation;
use crate::stages::learn::tensors::{Want, examples};
use crate::stages::work::WorkContext;
use crate::tensor::{BlockKind, Encoder, Labelled, Target, Targets};

/// Rows that are encoded together.
const TOGETHER: usize = 8_192;

/// A random part of rows whose number is known, in their order (Knuth, TAOCP 2, algorithm S).
pub(super) struct Selection {
    left: u64,
    wanted: u64,
    rng: ChaCha8Rng,
}

impl Selection {
    /// `wanted` of `all` rows.
    pub(super) fn new(all: u64, wanted: u64, seed: u64) -> Self {
        Self { left: all, wanted: wanted.min(all), rng: ChaCha8Rng::seed_from_u64(seed) }
    }

    fn takes_all(&self) -> bool {
        self.wanted == self.left
    }

    fn take(&mut self) -> bool {
        if self.left == 0 {
            return false;
        }
        let taken = self.takes_all() || self.rng.random_range(0..self.left) < self.wanted;
        self.left -= 1;
        self.wanted -= u64::from(taken);
        taken
    }

    /// The rows of a batch that are taken.
    fn of(&mut self, batch: RecordBatch) -> Result<RecordBatch, Diagnostic> {
        let taken: BooleanArray = (0..batch.num_rows()).map(|_| Some(self.take())).collect();
        filter_record_batch(&batch, &taken).map_err(|error| failed(&error))
    }
}

/// The truth of one target.
#[derive(Debug, Clone)]
pub(super) enum Truth {
    /// Whether yes is true.
    Binary(Vec<bool>),
    /// Classes, and how many there are.
    Classes(Vec<u32>, usize),
    /// `[n, labels]`.
    Labels(Array2<bool>),
    /// Numbers or counts.
    Numbers(Vec<f64>),
}

impl Truth {
    fn of(target: &Target) -> Self {
        match target {
            Target::Binary(_) => Self::Binary(Vec::new()),
            Target::Category(classes) => Self::Classes(Vec::new(), classes.names.len()),
            Target::MultiLabel(labels) => Self::Labels(Array2::default((0, labels.names.len()))),
            Target::Number(_) | Target::Count(_) => Self::Numbers(Vec::new()),
        }
    }

    fn extend(&mut self, targets: Targets) -> Result<(), Diagnostic> {
        match (self, targets) {
            (Self::Binary(truth), Targets::Classes(classes)) => {
                truth.extend(classes.into_iter().map(|class| class == 1))
            }
            (Self::Classes(truth, _), Targets::Classes(classes)) => truth.extend(classes),
            (Self::Labels(truth), Targets::Labels(labels)) => {
                truth.append(ndarray::Axis(0), labels.mapv(|has| has > 0.5).view()).map_err(|error| failed(&error))?;
            }
            (Self::Numbers(truth), Targets::Numbers(numbers) | Targets::Counts(numbers)) => truth.extend(numbers),
            _ => return Err(failed(&"the targets are of another kind than the encoder says")),
        }
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Binary(truth) => truth.len(),
            Self::Classes(truth, _) => truth.len(),
            Self::Labels(truth) => truth.nrows(),
            Self::Numbers(truth) => truth.len(),
        }
    }

    /// How many numbers a model says of a row.
    pub(super) fn width(&self) -> usize {
        match self {
            Self::Binary(_) | Self::Numbers(_) => 1,
            Self::Classes(_, classes) => *classes,
            Self::Labels(labels) => labels.ncols(),
        }
    }

    /// The truth of some of the rows.
    pub(super) fn select(&self, rows: &[usize]) -> Self {
        fn of<T: Copy>(values: &[T], rows: &[usize]) -> Vec<T> {
            rows.iter().filter_map(|row| values.get(*row).copied()).collect()
        }
        match self {
            Self::Binary(truth) => Self::Binary(of(truth, rows)),
            Self::Classes(truth, classes) => Self::Classes(of(truth, rows), *classes),
            Self::Labels(truth) => Self::Labels(truth.select(ndarray::Axis(0), rows)),
            Self::Numbers(truth) => Self::Numbers(of(truth, rows)),
        }
    }
}

/// Rows that were left out, by reason.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct LeftOut {
    /// Without a target.
    pub(super) missing: u64,
    /// Of a class that training did not have.
    pub(super) unknown: u64,
    /// Of which a part cannot be read.
    pub(super) failed: u64,
}

/// What is done with the encoded rows of a batch, which stand in the batch at the places `Labelled::rows`.
type Take<'a> = dyn FnMut(Labelled, &RecordBatch) -> Result<(), Diagnostic> + 'a;

/// Encodes the chosen rows of a relation, some thousands at a time, with further columns beside them.
///
/// Errors: whatever keeps the rows from being computed or encoded, and what `take` refuses.
pub(super) fn each(
    relation: &Arc<Relation>,
    encoder: &Encoder,
    further: &[String],
    selection: &mut Selection,
    context: &WorkContext<'_>,
    take: &mut Take<'_>,
) -> Result<LeftOut, Diagnostic> {
    let mut left_out = LeftOut::default();
    examples(relation, encoder, Want::Labelled(further), context, &mut |batch| {
        let batch = if selection.takes_all() && selection.left > 0 { batch } else { selection.of(batch)? };
        for start in (0..batch.num_rows()).step_by(TOGETHER) {
            let slice = batch.slice(start, TOGETHER.min(batch.num_rows() - start));
            let labelled = encoder.labelled(&slice).map_err(|error| failed(&error))?;
            left_out.missing += labelled.missing;
            left_out.unknown += labelled.unknown;
            left_out.failed += labelled.failed;
            take(labelled, &slice)?;
        }
        Ok(true)
    })?;
    Ok(left_out)
}

/// Training rows in memory.
pub(super) struct Examples {
    /// For each block `[n, size]`.
    blocks: Vec<Array2<f32>>,
    pub(super) truths: Vec<Truth>,
    /// Held as long as the rows are.
    _reservation: Reservation,
}

impl Examples {
    /// Reads a random part of the training rows.
    ///
    /// Errors: of class [`Class::Limit`] when even these do not fit.
    pub(super) fn read(
        relation: &Arc<Relation>,
        encoder: &Encoder,
        selection: &mut Selection,
        context: &WorkContext<'_>,
    ) -> Result<Self, Diagnostic> {
        let mut reservation = MemoryManager::process().reserve("the rows from which baselines learn");
        let mut blocks: Vec<Vec<f32>> = vec![Vec::new(); encoder.blocks().len()];
        let mut truths: Vec<Truth> = encoder.targets().iter().map(Truth::of).collect();
        each(relation, encoder, &[], selection, context, &mut |labelled, _| {
            let bytes: usize = labelled.encoded.inputs.iter().map(|block| block.len() * 4).sum();
            reservation.try_grow(bytes as u64)?;
            for (all, block) in blocks.iter_mut().zip(&labelled.encoded.inputs) {
                all.extend(block.iter());
            }
            truths.iter_mut().zip(labelled.targets).try_for_each(|(truth, targets)| truth.extend(targets))
        })?;
        let rows = truths.first().map_or(0, Truth::len);
        let blocks = blocks.into_iter().zip(encoder.blocks()).map(|(values, block)| {
            Array2::from_shape_vec((rows, block.size()), values).map_err(|error| failed(&error))
        });
        Ok(Self { blocks: blocks.collect::<Result<_, _>>()?, truths, _reservation: reservation })
    }

    pub(super) fn rows(&self) -> usize {
        self.truths.first().map_or(0, Truth::len)
    }

    /// As features of simple models.
    pub(super) fn parts(&self, encoder: &Encoder) -> Vec<Part<'_>> {
        parts(encoder, self.blocks.iter().map(|block| block.view()))
    }
}

/// Blocks as features of simple models.
pub(super) fn parts<'a>(encoder: &Encoder, blocks: impl IntoIterator<Item = ArrayView2<'a, f32>>) -> Vec<Part<'a>> {
    let part = |(block, values): (&crate::tensor::Block, ArrayView2<'a, f32>)| match (block.kind, block.tokens) {
        (BlockKind::Category, Some(codes)) => Part::Category { values, codes },
        (BlockKind::Text, Some(tokens)) => Part::Text { values, tokens },
        _ => Part::Numbers(values),
    };
    encoder.blocks().iter().zip(blocks).map(part).collect()
}

/// What a model says of each row, for one target: `[n, width]`.
#[derive(Debug, Clone)]
pub(super) struct Opinion {
    pub(super) model: String,
    pub(super) outputs: Array2<f64>,
}

/// The truth of a target and what models say.
#[derive(Debug, Clone)]
pub(super) struct Evidence {
    pub(super) truth: Truth,
    pub(super) opinions: Vec<Opinion>,
}

/// What models say of the rows of a part.
pub(super) struct Judged {
    /// For each target.
    pub(super) evidence: Vec<Evidence>,
    /// For each column by which rows are divided its values.
    pub(super) slices: Vec<batch_values::Column>,
    /// The rows of the part, when they are so many that only a random part of them was judged.
    pub(super) drawn_from: Option<u64>,
    pub(super) left_out: LeftOut,
}

impl Judged {
    pub(super) fn rows(&self) -> usize {
        self.evidence.first().map_or(0, |evidence| evidence.truth.len())
    }
}

/// For each target what a model says, `[n, width]`; none for targets of which it says nothing.
type Said = Vec<Option<Array2<f64>>>;

/// How a model says something of the blocks of some rows.
type Say<'a> = dyn Fn(&[Array2<f32>]) -> Result<Said, Diagnostic> + 'a;

/// A model that says something of encoded rows.
pub(super) struct Speaker<'a> {
    pub(super) name: String,
    pub(super) say: Box<Say<'a>>,
}

/// The most rows that are judged.
const MOST: u64 = 1_000_000;

/// Lets the models speak on the rows of a part: on all of them, or on a random part of those that memory holds.
///
/// Errors: of class [`Class::Limit`] when not even a thousand rows fit.
pub(super) fn judge(
    relation: &Arc<Relation>,
    encoder: &Encoder,
    speakers: &[Speaker<'_>],
    slices: &[String],
    seed: u64,
    context: &WorkContext<'_>,
) -> Result<Judged, Diagnostic> {
    let mut truths: Vec<Truth> = encoder.targets().iter().map(Truth::of).collect();
    let widths: usize = truths.iter().map(Truth::width).sum();
    let bytes = (speakers.len() * widths * 8 + truths.len() * 8 + slices.len() * 40) as u64;
    let rows_of_part = context.count(relation)?;
    let most = (context.memory / 8 / bytes.max(1)).min(MOST);
    if most < rows_of_part.min(1_000) {
        let message = "the predictions of a thousand rows do not fit into an eighth of the memory";
        return Err(Diagnostic::error(Class::Limit, message).help("give more `--memory`, or say `baselines: none`"));
    }
    let mut reservation = MemoryManager::process().reserve("predictions that are judged");
    reservation.try_grow(bytes * most.min(rows_of_part))?;
    let mut selection = Selection::new(rows_of_part, most, seed);
    let mut outputs: Vec<Vec<Option<Vec<f64>>>> = vec![vec![Some(Vec::new()); truths.len()]; speakers.len()];
    let mut columns: Vec<batch_values::Column> = slices.iter().map(|name| batch_values::Column::new(name)).collect();
    let left_out = each(relation, encoder, slices, &mut selection, context, &mut |labelled, batch| {
        for (outputs, speaker) in outputs.iter_mut().zip(speakers) {
            let said = (speaker.say)(&labelled.encoded.inputs)?;
            for (all, said) in outputs.iter_mut().zip(said) {
                match (all.as_mut(), said) {
                    (Some(all), Some(said)) => all.extend(said.iter()),
                    (Some(_), None) => *all = None,
                    (None, _) => {}
                }
            }
        }
        for column in &mut columns {
            column.extend(batch::column(batch, &column.name), &labelled.rows);
        }
        truths.iter_mut().zip(labelled.targets).try_for_each(|(truth, targets)| truth.extend(targets))
    })?;
    let mut evidence: Vec<Evidence> =
        truths.into_iter().map(|truth| Evidence { truth, opinions: Vec::new() }).collect();
    for (outputs, speaker) in outputs.into_iter().zip(speakers) {
        for (outputs, evidence) in outputs.into_iter().zip(&mut evidence) {
            let Some(outputs) = outputs else { continue };
            let shape = (evidence.truth.len(), evidence.truth.width());
            let outputs = Array2::from_shape_vec(shape, outputs).map_err(|error| failed(&error))?;
            evidence.opinions.push(Opinion { model: speaker.name.clone(), outputs });
        }
    }
    let drawn_from = (most < rows_of_part).then_some(rows_of_part);
    Ok(Judged { evidence, slices: columns, drawn_from, left_out })
}

pub(super) fn failed(error: &dyn std::fmt::Display) -> Diagnostic {
    Diagnostic::error(Class::Stage, format!("the rows cannot be judged: {error}"))
}

/// Values of columns by which rows are divided.
pub(super) mod batch_values {
    use arrow::array::{Array, ArrayRef};

    use crate::batch;

    /// A column: numbers where it holds numbers, else texts.
    #[derive(Debug, Clone)]
    pub(in super::super) struct Column {
        pub(in super::super) name: String,
        pub(in super::super) texts: Vec<Option<String>>,
        pub(in super::super) is_number: bool,
    }

    impl Column {
        pub(super) fn new(name: &str) -> Self {
            Self { name: name.to_owned(), texts: Vec::new(), is_number: false }
        }

        /// Takes the values of some rows.
        pub(super) fn extend(&mut self, array: Option<&ArrayRef>, rows: &[usize]) {
            let Some(array) = array else { return };
            self.is_number |= array.data_type().is_numeric();
            let texts = batch::texts(array);
            self.texts.extend(rows.iter().map(|row| texts.get(*row).cloned().flatten()));
        }
    }
}
