//! The fitted encoder: rows become inputs and targets.

use arrow::array::{ArrayRef, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::block::{Block, BlockKind};
use super::category::Category;
use super::error::TensorError;
use super::number::Number;
use super::target::{Standing, Target, Targets};

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
    blocks: Vec<Block>,
    /// For each feature its block, and where in a row of it its numbers begin.
    places: Vec<(usize, usize)>,
}

/// An encoder as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    features: Vec<Feature>,
    targets: Vec<Target>,
    rows: u64,
    left_out: u64,
}

impl TryFrom<Stored> for Encoder {
    type Error = String;

    fn try_from(stored: Stored) -> Result<Self, String> {
        if stored.features.is_empty() || stored.targets.is_empty() {
            return Err("an encoder has at least one feature and one target".to_owned());
        }
        Ok(Self::new(stored.features, stored.targets, stored.rows, stored.left_out))
    }
}

impl From<Encoder> for Stored {
    fn from(encoder: Encoder) -> Self {
        let Encoder { features, targets, rows, left_out, .. } = encoder;
        Self { features, targets, rows, left_out }
    }
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

    /// Its own block; none for flat features, which share the table.
    fn block(&self) -> Option<Block> {
        match self {
            Self::Number(_) | Self::Category(_) => None,
        }
    }

    fn input_names(&self) -> Vec<String> {
        match self {
            Self::Number(number) => number.input_names(),
            Self::Category(category) => category.input_names(),
        }
    }
}

/// Encoded rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Encoded {
    /// For each block `[n, size of the block]`, row-major; every number is finite.
    pub inputs: Vec<Array2<f32>>,
    /// For each feature the rows without a value.
    pub missing: Vec<u64>,
    /// For each feature the rows whose value is not in the vocabulary; 0 for numbers.
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
    /// The rows of the batch that are left, by their number.
    pub rows: Vec<usize>,
}

impl Encoder {
    pub(super) fn new(features: Vec<Feature>, targets: Vec<Target>, rows: u64, left_out: u64) -> Self {
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
        Self { features, targets, rows, left_out, blocks, places }
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

    /// Training rows that lack a target.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// The columns that [`Encoder::encode`] reads.
    pub fn columns(&self) -> Vec<String> {
        self.features.iter().map(|feature| feature.name().to_owned()).collect()
    }

    /// The columns that [`Encoder::labelled`] reads.
    pub fn labelled_columns(&self) -> Vec<String> {
        let mut columns = self.columns();
        columns.extend(self.targets.iter().map(|target| target.column().to_owned()));
        columns
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
        let size = self.blocks.get(block).map_or(0, Block::size);
        let of = |feature: &Feature| match feature.block() {
            None => vec![feature.name().to_owned(); feature.width()],
            Some(_) => vec![feature.name().to_owned(); size],
        };
        self.of_block(block).flat_map(of).collect()
    }

    fn of_block(&self, block: usize) -> impl Iterator<Item = &Feature> {
        self.features.iter().zip(&self.places).filter(move |(_, place)| place.0 == block).map(|(feature, _)| feature)
    }

    /// The inputs of all rows; a target is not needed.
    ///
    /// Errors: a column is missing.
    pub fn encode(&self, batch: &RecordBatch) -> Result<Encoded, TensorError> {
        let rows = batch.num_rows();
        let mut inputs: Vec<Vec<f32>> = self.blocks.iter().map(|block| vec![0.0_f32; rows * block.size()]).collect();
        let (mut missing, mut unknown) = (Vec::new(), Vec::new());
        for (feature, (block, offset)) in self.features.iter().zip(&self.places) {
            let array = column(batch, feature.name())?;
            let width = self.blocks.get(*block).map_or(0, Block::size);
            let Some(inputs) = inputs.get_mut(*block) else { continue };
            let (without, other) = match feature {
                Feature::Number(number) => (number.encode(array, inputs, width, *offset), 0),
                Feature::Category(category) => category.encode(array, inputs, width, *offset),
            };
            missing.push(without);
            unknown.push(other);
        }
        let inputs = inputs
            .into_iter()
            .zip(&self.blocks)
            .map(|(values, block)| Array2::from_shape_vec((rows, block.size()), values))
            .collect::<Result<_, _>>()
            .map_err(|error| TensorError::Rows(error.to_string()))?;
        Ok(Encoded { inputs, missing, unknown, failed: Vec::new() })
    }

    /// Inputs and targets of the rows that have all targets and can be read.
    ///
    /// Errors: a column is missing, or a count is none.
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
        let encoded = self.encode(&with_targets)?;
        let targets = targets.into_iter().map(|targets| targets.select(&rows)).collect();
        Ok(Labelled { encoded, targets, missing, unknown, failed: 0, rows })
    }
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef, TensorError> {
    batch.column_by_name(name).ok_or_else(|| TensorError::MissingColumn(name.to_owned()))
}
