//! Which columns become what.

use serde::{Deserialize, Serialize};

use super::audio::AudioOptions;
use super::block::{Block, BlockKind};
use super::category::CategoryEncoding;
use super::content::ContentSpec;
use super::date::{DateKind, DateOptions};
use super::image::ImageOptions;
use super::number::NumberScale;
use super::sequence::{SEQUENCE, SequenceSpec};
use super::text::TextOptions;

/// Which columns become tensors, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Specification {
    /// The columns of the inputs.
    pub features: Vec<FeatureSpec>,
    /// The last rows of a group as an input.
    pub sequence: Option<SequenceSpec>,
    /// What is to be foretold; at least one.
    pub targets: Vec<TargetSpec>,
}

/// A column of the inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureSpec {
    /// The column.
    pub column: String,
    /// What it becomes.
    pub kind: FeatureKind,
}

/// What a column becomes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeatureKind {
    /// Numbers or booleans.
    Number(NumberScale),
    /// Lists of so many numbers.
    Vector(NumberScale, usize),
    /// Names of something.
    Category(CategoryEncoding),
    /// Dates or times.
    Date(DateKind, DateOptions),
    /// Texts.
    Text(TextOptions),
    /// Images.
    Image(ContentSpec<ImageOptions>),
    /// Sounds.
    Audio(ContentSpec<AudioOptions>),
}

/// A column to be foretold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetSpec {
    /// The column.
    pub column: String,
    /// What is asked about it.
    pub kind: TargetKind,
    /// What stands between the labels of a text; none for a column of lists.
    pub separator: Option<String>,
}

impl Specification {
    /// The columns from which the inputs are made.
    pub fn feature_columns(&self) -> Vec<String> {
        let mut columns: Vec<String> = self.features.iter().map(|feature| feature.column.clone()).collect();
        let of_sequence = self.sequence.iter().flat_map(SequenceSpec::reads);
        columns.extend(of_sequence);
        once(columns)
    }

    /// The columns of the features and the targets.
    pub fn columns(&self) -> Vec<String> {
        let mut columns = self.feature_columns();
        columns.extend(self.targets.iter().map(|target| target.column.clone()));
        once(columns)
    }

    /// What is asked about the first target.
    pub fn kind(&self) -> TargetKind {
        self.targets.first().map_or(TargetKind::Number, |target| target.kind)
    }

    /// The blocks as far as they are known before a row is read, in their order. What follows from the rows is at its
    /// least: a table and the rows of a sequence may have more numbers, categories and texts more tokens.
    pub fn blocks(&self) -> Vec<Block> {
        let mut flat = 0;
        let mut blocks = Vec::new();
        for FeatureSpec { column, kind } in &self.features {
            let block = |shape: Vec<usize>, tokens, kind, dimension| {
                Some(Block { name: column.clone(), shape, tokens, kind, dimension })
            };
            let own = match kind {
                FeatureKind::Number(_) => {
                    flat += 1;
                    None
                }
                FeatureKind::Vector(_, length) => {
                    flat += length;
                    None
                }
                FeatureKind::Category(CategoryEncoding::Target(_)) => {
                    flat += self.targets.len();
                    None
                }
                FeatureKind::Category(CategoryEncoding::Embedding(embedding)) => {
                    block(vec![1], Some(2), BlockKind::Category, Some(embedding.dimension.unwrap_or(1)))
                }
                FeatureKind::Category(CategoryEncoding::Hash(hash)) => {
                    flat += hash.buckets;
                    None
                }
                FeatureKind::Category(_) => {
                    flat += 1;
                    None
                }
                FeatureKind::Date(kind, options) => {
                    let cycles = options.cycles.as_ref().map_or(kind.cycles().len(), Vec::len);
                    flat += 2 * cycles + usize::from(options.position && *kind != DateKind::Time);
                    None
                }
                FeatureKind::Text(options) => {
                    block(vec![options.shape().0], Some(options.buckets + 2), BlockKind::Text, None)
                }
                FeatureKind::Image(spec) => block(spec.options.shape().to_vec(), None, BlockKind::Image, None),
                FeatureKind::Audio(spec) => block(spec.options.shape(), None, BlockKind::Audio, None),
            };
            blocks.extend(own);
        }
        if flat > 0 {
            blocks.insert(0, Block::table(flat));
        }
        if let Some(sequence) = &self.sequence {
            let shape = vec![sequence.window, sequence.columns.len()];
            let (name, kind) = (SEQUENCE.to_owned(), BlockKind::Sequence);
            blocks.push(Block { name, shape, tokens: None, kind, dimension: None });
        }
        blocks
    }
}

/// Each name once, where it stands first.
pub(super) fn once(names: Vec<String>) -> Vec<String> {
    let mut found: Vec<String> = Vec::with_capacity(names.len());
    for name in names {
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

/// What is asked about a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TargetKind {
    /// One of two values; of texts and whole numbers the second in order is the one that counts as yes.
    Binary,
    /// One of several values.
    Category,
    /// Any of several labels: a column of lists, or of texts with something between the labels.
    MultiLabel,
    /// A number.
    Number,
    /// How often something happens: a whole number from 0.
    Count,
}
