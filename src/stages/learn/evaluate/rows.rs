//! Encoded rows with the truth: those that are judged, and those from which baselines learn.

use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use ndarray::{Array2, ArrayView2};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::truth::Truth;
use crate::baseline::Part;
use crate::diagnostic::{Class, Diagnostic};
use crate::expression::{BinaryOperator, DataType, Expr, Function};
use crate::memory::{MemoryManager, Reservation};
use crate::relation::Relation;
use crate::stages::learn::tensors::{Want, examples};
use crate::stages::work::WorkContext;
use crate::tensor::{BlockKind, Encoder, Feature, Labelled, WindowCounts};

/// Rows that are encoded together.
const TOGETHER: usize = 8_192;
/// The column of the numbers of rows, while some of them are drawn.
const NUMBER: &str = "number of the row";
/// What `hash` gives is below this.
const HASH_RANGE: f64 = (1_u64 << 60) as f64;
/// Rows whose reasons for being left out are named at most.
const NAMED: usize = 5;

/// A random part of rows whose number is known, in their order (Knuth, TAOCP 2, algorithm S).
pub(super) struct Selection {
    left: u64,
    wanted: u64,
    seed: u64,
    rng: ChaCha8Rng,
}

impl Selection {
    /// `wanted` of `all` rows.
    pub(super) fn new(all: u64, wanted: u64, seed: u64) -> Self {
        Self { left: all, wanted: wanted.min(all), seed, rng: ChaCha8Rng::seed_from_u64(seed) }
    }

    /// Draws before the rows are computed, where it is dear to have what is not drawn: images and sounds, whose files would be
    /// read. By a hash of the number of the row, so how many come is random too: with any likelihood not more than wanted. Rows
    /// of a sequence are needed for the windows of others. `None` where all rows are taken, or drawn as they come.
    fn ahead(&mut self, relation: &Arc<Relation>, encoder: &Encoder) -> Option<Arc<Relation>> {
        let is_dear = encoder.features().iter().any(|f| matches!(f, Feature::Image(_) | Feature::Audio(_)));
        if self.takes_all() || !is_dear || encoder.sequence().is_some() {
            return None;
        }
        let share = (self.wanted as f64 - 4.0 * (self.wanted as f64).sqrt()).max(0.0) / self.left as f64;
        self.wanted = self.left;
        let salt = Expr::string(format!("judged {}", self.seed));
        let number = Expr::column(NUMBER, DataType::Int64);
        let hash = Expr::call(Function::Hash, vec![salt, number], DataType::Int64).cast(DataType::Float64, true);
        let limit = Expr::float(share * HASH_RANGE);
        let predicate = Expr::binary(BinaryOperator::Less, hash, limit, DataType::Boolean);
        let numbered = Relation::RowIndex { input: Arc::clone(relation), name: NUMBER.to_owned() };
        Some(Arc::new(Relation::Filter { input: Arc::new(numbered), predicate }))
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

    /// The rows of a batch that are taken, and their places in it.
    fn of(&mut self, batch: RecordBatch) -> Result<(RecordBatch, Vec<usize>), Diagnostic> {
        let taken: Vec<bool> = (0..batch.num_rows()).map(|_| self.take()).collect();
        let places = (0..).zip(&taken).filter(|(_, taken)| **taken).map(|(place, _)| place).collect();
        let batch = filter_record_batch(&batch, &BooleanArray::from(taken)).map_err(|error| failed(&error))?;
        Ok((batch, places))
    }
}

/// Rows that were left out, by reason.
#[derive(Debug, Clone, Default)]
pub(super) struct LeftOut {
    /// Without a target.
    pub(super) missing: u64,
    /// Of a class that training did not have.
    pub(super) unknown: u64,
    /// Of which a part cannot be read.
    pub(super) failed: u64,
    /// Some of these, with the reason: `row 17: photo: neither PNG nor JPEG`.
    pub(super) unreadable: Vec<String>,
    /// What became of the rows of a sequence.
    pub(super) windows: Option<WindowCounts>,
}

impl LeftOut {
    /// Names rows of a batch that cannot be read, with their numbers, as long as few are named.
    fn name(
        &mut self,
        encoder: &Encoder,
        batch: &RecordBatch,
        failures: u64,
        number: impl Fn(usize) -> usize,
    ) -> Result<(), Diagnostic> {
        let room = NAMED.saturating_sub(self.unreadable.len()).min(usize::try_from(failures).unwrap_or(NAMED));
        if room > 0 {
            let encoded = encoder.encode(batch).map_err(|error| failed(&error))?;
            let named = encoded.failed.iter().take(room);
            self.unreadable.extend(named.map(|(row, reason)| format!("row {}: {reason}", number(*row))));
        }
        Ok(())
    }
}

/// What is done with the encoded rows of a batch, which stand in the batch at the places `Labelled::rows`.
type Take<'a> = dyn FnMut(Labelled, &RecordBatch) -> Result<(), Diagnostic> + 'a;

/// Encodes the chosen rows of a relation, some thousands at a time, with what is wanted beside them.
///
/// Errors: whatever keeps the rows from being computed or encoded, and what `take` refuses.
pub(super) fn each(
    relation: &Arc<Relation>,
    encoder: &Encoder,
    want: Want<'_>,
    selection: &mut Selection,
    context: &WorkContext<'_>,
    take: &mut Take<'_>,
) -> Result<LeftOut, Diagnostic> {
    let mut left_out = LeftOut::default();
    let mut before = 0;
    // The number of a training row decides what it is encoded from, so all of them have to come.
    let has_numbers = matches!(want, Want::Training(_)) && encoder.is_cross_fitted();
    let drawn = if has_numbers { None } else { selection.ahead(relation, encoder) };
    let windows = examples(drawn.as_ref().unwrap_or(relation), encoder, want, context, &mut |batch| {
        let count = batch.num_rows();
        let takes_all = selection.takes_all() && selection.left > 0;
        let (batch, places) = if takes_all { (batch, (0..count).collect()) } else { selection.of(batch)? };
        for start in (0..batch.num_rows()).step_by(TOGETHER) {
            let slice = batch.slice(start, TOGETHER.min(batch.num_rows() - start));
            let labelled = encoder.labelled(&slice).map_err(|error| failed(&error))?;
            left_out.missing += labelled.missing;
            left_out.unknown += labelled.unknown;
            left_out.failed += labelled.failed;
            if labelled.failed > 0 {
                let number = |row: usize| before + places.get(start + row).copied().unwrap_or(row) + 1;
                left_out.name(encoder, &slice, labelled.failed, number)?;
            }
            take(labelled, &slice)?;
        }
        before += count;
        Ok(true)
    })?;
    left_out.windows = windows;
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
        each(relation, encoder, Want::Training(&[]), selection, context, &mut |labelled, _| {
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

pub(super) fn failed(error: &dyn std::fmt::Display) -> Diagnostic {
    Diagnostic::error(Class::Stage, format!("the rows cannot be judged: {error}"))
}
