//! The fitted encoder: rows become inputs and targets.

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::UInt64Type;
use ndarray::{Array2, Axis};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::block::{Block, BlockKind};
use super::content::NAMED;
use super::domain::Domain;
use super::error::TensorError;
use super::feature::Feature;
use super::part::{Counts, Part};
use super::sequence::Sequence;
use super::specification::once;
use super::target::{Standing, Target, Targets};
use super::target_mean::TRAINING_ROW;

/// What was learned about the features and the targets.
///
/// It is stored as JSON; read back, it encodes to the same bits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Encoder {
    features: Vec<Feature>,
    targets: Vec<Target>,
    rows: u64,
    left_out: u64,
    domain: Domain,
    blocks: Vec<Block>,
    /// For each feature its block, and where in a row of it its numbers begin.
    places: Vec<(usize, usize)>,
}

/// The column with the numbers of rows, from 0, by which those that cannot be read are named.
pub const ROW: &str = "number of the row";

/// Rows that are encoded by one thread.
const TOGETHER: usize = 1024;

/// An encoder as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    features: Vec<Feature>,
    targets: Vec<Target>,
    rows: u64,
    left_out: u64,
    #[serde(default)]
    domain: Domain,
}

impl TryFrom<Stored> for Encoder {
    type Error = String;

    fn try_from(stored: Stored) -> Result<Self, String> {
        if stored.features.is_empty() || stored.targets.is_empty() {
            return Err("an encoder has at least one feature and one target".to_owned());
        }
        if let Some(feature) = stored.features.iter().find(|feature| !feature.is_sound()) {
            return Err(format!("what is known of `{}` is damaged", feature.name()));
        }
        Ok(Self::new(stored.features, stored.targets, stored.rows, stored.left_out, stored.domain))
    }
}

impl From<Encoder> for Stored {
    fn from(encoder: Encoder) -> Self {
        let Encoder { features, targets, rows, left_out, domain, .. } = encoder;
        Self { features, targets, rows, left_out, domain }
    }
}

/// Encoded rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Encoded {
    /// For each block `[n, size of the block]`, row-major; every number is finite.
    pub inputs: Vec<Array2<f32>>,
    /// For each feature the rows without a value.
    pub missing: Vec<u64>,
    /// For each feature the rows whose value is not in the vocabulary; 0 for numbers. Of a text, rows with such a token.
    pub unknown: Vec<u64>,
    /// The rows, in order, of which a part cannot be read, with the reason (`photo: not a PNG or JPEG`); their inputs
    /// are 0.
    pub failed: Vec<(usize, String)>,
}

/// Encoded rows with their targets.
#[derive(Debug, Clone, PartialEq)]
pub struct Labelled {
    /// The rows that have all targets and can be read.
    pub encoded: Encoded,
    /// For each target those of the rows.
    pub targets: Vec<Targets>,
    /// Rows left out because they lack a target.
    pub missing: u64,
    /// Rows left out because their class was not in the training rows.
    pub unknown: u64,
    /// Rows left out because a part of them cannot be read.
    pub failed: u64,
    /// The first three of them: `row 17: photo: neither PNG nor JPEG`.
    pub unreadable: Vec<String>,
    /// The rows of the batch that are left, by their number.
    pub rows: Vec<usize>,
}

impl Encoder {
    pub(super) fn new(features: Vec<Feature>, targets: Vec<Target>, rows: u64, left_out: u64, domain: Domain) -> Self {
        let own: Vec<Option<Block>> = features.iter().map(Feature::block).collect();
        let mut blocks = Vec::new();
        if own.iter().any(Option::is_none) {
            blocks.push(Block::table(0));
        }
        let mut table = 0;
        let mut places = Vec::with_capacity(features.len());
        for (feature, own) in features.iter().zip(own) {
            match own {
                Some(block) => {
                    places.push((blocks.len(), 0));
                    blocks.push(block);
                }
                None => {
                    places.push((0, table));
                    table += feature.width();
                }
            }
        }
        if let Some(block) = blocks.first_mut().filter(|block| block.kind == BlockKind::Table) {
            block.shape = vec![table];
        }
        Self { features, targets, rows, left_out, domain, blocks, places }
    }

    /// The same encoder, but rows that cannot be read are told in [`Encoded::failed`], even where they should end the run: so that a model can
    /// be applied to all rows.
    pub fn lenient(mut self) -> Self {
        self.features.iter_mut().for_each(Feature::lenient);
        self
    }

    /// The features as they were written.
    pub fn features(&self) -> &[Feature] {
        &self.features
    }

    /// The inputs of the network, in order: the table first, when there are flat features.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// The targets, one for each output of the network; at least one.
    pub fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// The first target.
    #[expect(clippy::indexing_slicing, reason = "there is one, whether it was learned or read back")]
    pub fn target(&self) -> &Target {
        &self.targets[0]
    }

    /// Training rows with all targets.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// What the training rows held in the columns of the features.
    pub fn domain(&self) -> &Domain {
        &self.domain
    }

    /// Training rows that lack a target.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// The columns that [`Encoder::encode`] reads; with a sequence those from which windows are cut first.
    pub fn columns(&self) -> Vec<String> {
        once(self.features.iter().flat_map(Feature::columns).collect())
    }

    /// The columns that [`Encoder::labelled`] reads.
    pub fn labelled_columns(&self) -> Vec<String> {
        let mut columns = self.columns();
        columns.extend(self.targets.iter().map(|target| target.column().to_owned()));
        once(columns)
    }

    /// The sequence, where rows have to be cut into windows before they are encoded.
    pub fn sequence(&self) -> Option<&Sequence> {
        self.features.iter().find_map(|feature| match feature {
            Feature::Sequence(sequence) => Some(sequence),
            _ => None,
        })
    }

    /// Whether training rows are encoded in another way than others, and need the column [`TRAINING_ROW`] for it.
    pub fn is_cross_fitted(&self) -> bool {
        self.features.iter().any(|feature| matches!(feature, Feature::TargetMean(_)))
    }

    /// Whether there are rows that cannot be read, which the column [`ROW`] names.
    pub fn can_fail(&self) -> bool {
        self.features.iter().any(|feature| matches!(feature, Feature::Image(_) | Feature::Audio(_)))
    }

    /// How many numbers a row becomes, over all blocks.
    pub fn width(&self) -> usize {
        self.blocks.iter().map(Block::size).sum()
    }

    /// For a table a name for each number: `distance`, `distance is missing`, `carrier = UA`. For other blocks the name
    /// of the column.
    pub fn feature_names(&self, block: usize) -> Vec<String> {
        self.of_block(block).flat_map(Feature::input_names).collect()
    }

    /// The column from which each number of a block comes.
    pub fn feature_columns(&self, block: usize) -> Vec<String> {
        self.of_block(block).flat_map(Feature::input_columns).collect()
    }

    /// For a block of tokens what each number of a row says; nothing for padding and for numbers that are no token.
    pub fn token_names(&self, block: usize, row: &[f32]) -> Vec<String> {
        let token = |value: &f32| (*value >= 0.0).then_some(*value as usize);
        let feature = self.of_block(block).next();
        let name = |value: &f32| -> Option<String> {
            match feature? {
                Feature::Category(category) => category.token(token(value)?).map(str::to_owned),
                Feature::Text(text) => {
                    let words = text.encoder().vocabulary().words();
                    match token(value)?.checked_sub(1)? {
                        0 => Some("unknown".to_owned()),
                        at if at <= words.len() => words.get(at - 1).map(|word| word.text.clone()),
                        at => Some(format!("bucket {}", at - words.len())),
                    }
                }
                _ => None,
            }
        };
        row.iter().map(|value| name(value).unwrap_or_default()).collect()
    }

    /// Whether the rows of a block are varied while a network learns from them.
    pub fn augments(&self, block: usize) -> bool {
        match self.of_block(block).next() {
            Some(Feature::Image(image)) => image.encoder().augments(),
            Some(Feature::Audio(audio)) => audio.encoder().augments(),
            _ => false,
        }
    }

    /// Varies a row of a block in place, as its options say; the same draw gives the same row. Blocks that are not
    /// varied stay as they are.
    pub fn augment(&self, block: usize, row: &mut [f32], draw: u64) {
        match self.of_block(block).next() {
            Some(Feature::Image(image)) => image.encoder().augment(row, draw),
            Some(Feature::Audio(audio)) => audio.encoder().augment(row, draw),
            _ => {}
        }
    }

    fn of_block(&self, block: usize) -> impl Iterator<Item = &Feature> {
        self.features.iter().zip(&self.places).filter(move |(_, place)| place.0 == block).map(|(feature, _)| feature)
    }

    /// The inputs of all rows; a target is not needed. With a sequence the rows are those that
    /// [`Windows`](super::Windows) gives.
    ///
    /// Errors: a column is missing; an image or a sound cannot be decoded, unless such rows are skipped.
    pub fn encode(&self, batch: &RecordBatch) -> Result<Encoded, TensorError> {
        let rows = batch.num_rows();
        let mut inputs: Vec<Vec<f32>> = self.blocks.iter().map(|block| vec![0.0_f32; rows * block.size()]).collect();
        let mut encoded = Encoded {
            inputs: Vec::new(),
            missing: vec![0; self.features.len()],
            unknown: vec![0; self.features.len()],
            failed: Vec::new(),
        };
        // Pieces of rows side by side; what is counted does not depend on who does which.
        let mut pieces: Vec<(usize, Vec<&mut [f32]>)> =
            (0..rows).step_by(TOGETHER).map(|from| (from, Vec::with_capacity(self.blocks.len()))).collect();
        for (values, block) in inputs.iter_mut().zip(&self.blocks) {
            let parts = values.chunks_mut((TOGETHER * block.size()).max(1));
            pieces.iter_mut().zip(parts).for_each(|((_, piece), part)| piece.push(part));
        }
        let found: Vec<Vec<Counts>> = pieces
            .into_par_iter()
            .map(|(from, mut piece)| self.piece(&batch.slice(from, TOGETHER.min(rows - from)), &mut piece))
            .collect::<Result<_, _>>()?;
        for (piece, counts) in found.into_iter().enumerate() {
            for (feature, counts) in counts.into_iter().enumerate() {
                let sums = encoded.missing.get_mut(feature).zip(encoded.unknown.get_mut(feature));
                if let Some((missing, unknown)) = sums {
                    *missing += counts.missing;
                    *unknown += counts.unknown;
                }
                let failed = counts.failed.into_iter().map(|(row, reason)| (piece * TOGETHER + row, reason));
                let strict = self.features.get(feature).is_some_and(Feature::is_strict);
                let mut failed = failed.peekable();
                if let (true, Some((row, reason))) = (strict, failed.peek()) {
                    return Err(TensorError::Unreadable { place: place(batch, *row), reason: reason.clone() });
                }
                encoded.failed.extend(failed);
            }
        }
        encoded.failed.sort();
        encoded.failed.dedup_by_key(|(row, _)| *row);
        for (row, _) in &encoded.failed {
            for (values, block) in inputs.iter_mut().zip(&self.blocks) {
                if let Some(cells) = values.get_mut(row * block.size()..(row + 1) * block.size()) {
                    cells.fill(0.0);
                }
            }
        }
        encoded.inputs = inputs
            .into_iter()
            .zip(&self.blocks)
            .map(|(values, block)| Array2::from_shape_vec((rows, block.size()), values))
            .collect::<Result<_, _>>()
            .map_err(|error| TensorError::Rows(error.to_string()))?;
        Ok(encoded)
    }

    fn piece(&self, batch: &RecordBatch, inputs: &mut [&mut [f32]]) -> Result<Vec<Counts>, TensorError> {
        let mut found = Vec::with_capacity(self.features.len());
        for (feature, (block, offset)) in self.features.iter().zip(&self.places) {
            let width = self.blocks.get(*block).map_or(0, Block::size);
            let Some(inputs) = inputs.get_mut(*block) else { continue };
            found.push(feature.encode(batch, &mut Part { inputs, width, offset: *offset })?);
        }
        Ok(found)
    }

    /// Inputs and targets of the rows that have all targets and can be read.
    ///
    /// Errors: a column is missing, a count is none; an image or a sound cannot be decoded, unless such rows are skipped.
    pub fn labelled(&self, batch: &RecordBatch) -> Result<Labelled, TensorError> {
        let mut standing = vec![Standing::Known; batch.num_rows()];
        let mut targets = Vec::with_capacity(self.targets.len());
        for target in &self.targets {
            let read = target.read(column(batch, target.column())?)?;
            for (all, one) in standing.iter_mut().zip(read.standing) {
                // A row that lacks a target and has an unknown class as another one lacks a target.
                if one == Standing::Missing || *all == Standing::Known {
                    *all = one;
                }
            }
            targets.push(read.targets);
        }
        let count = |of: Standing| standing.iter().filter(|one| **one == of).count() as u64;
        let (missing, unknown) = (count(Standing::Missing), count(Standing::Unknown));
        let known: Vec<bool> = standing.iter().map(|one| *one == Standing::Known).collect();
        let rows: Vec<usize> = (0..).zip(&known).filter(|(_, known)| **known).map(|(row, _)| row).collect();
        let with_targets = filter_record_batch(batch, &BooleanArray::from(known))
            .map_err(|error| TensorError::Rows(error.to_string()))?;
        let mut encoded = self.encode(&with_targets)?;
        let mut rows = rows;
        let failed = encoded.failed.len() as u64;
        let named = encoded.failed.iter().take(NAMED);
        let unreadable = named.map(|(row, reason)| format!("{}: {reason}", place(&with_targets, *row))).collect();
        if failed > 0 {
            let lost: Vec<usize> = encoded.failed.drain(..).map(|(row, _)| row).collect();
            let kept: Vec<usize> = (0..rows.len()).filter(|row| lost.binary_search(row).is_err()).collect();
            for inputs in &mut encoded.inputs {
                *inputs = inputs.select(Axis(0), &kept);
            }
            rows = kept.iter().filter_map(|row| rows.get(*row).copied()).collect();
        }
        let targets = targets.into_iter().map(|targets| targets.select(&rows)).collect();
        Ok(Labelled { encoded, targets, missing, unknown, failed, unreadable, rows })
    }
}

/// Which row that is, by the numbers beside the rows.
fn place(batch: &RecordBatch, row: usize) -> String {
    let number = |column: &str| {
        let numbers = batch.column_by_name(column)?.as_primitive_opt::<UInt64Type>()?;
        (row < numbers.len()).then(|| numbers.value(row) + 1)
    };
    match number(TRAINING_ROW).or_else(|| number(ROW)) {
        Some(number) => format!("row {number}"),
        None => format!("row {} of a batch", row + 1),
    }
}

/// Errors: the column is missing.
pub(super) fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef, TensorError> {
    batch.column_by_name(name).ok_or_else(|| TensorError::MissingColumn(name.to_owned()))
}
