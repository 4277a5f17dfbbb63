//! Blocks: what a network reads of a row, one array for each of its inputs.

use serde::{Deserialize, Serialize};

/// An input of the network.
///
/// All flat features (numbers, one-hot, dates, hashes) share the block `table`; each embedded category, text, image or
/// sound, and the sequence, is a block of its own under the name of its column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// What layers call it.
    pub name: String,
    /// The shape of a row: `[features]`, `[1]`, `[length]`, `[height, width, channels]`, `[frames, features]`,
    /// `[window, features]`.
    pub shape: Vec<usize>,
    /// Where it consists of tokens: whole numbers below this. Token 0 is padding, or a value of which nothing is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<usize>,
    /// What it was made of.
    pub kind: BlockKind,
    /// For an embedded category how many numbers a value becomes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dimension: Option<usize>,
}

/// What a block was made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockKind {
    /// Flat features side by side.
    Table,
    /// The value of a category as a token.
    Category,
    /// The tokens of a text.
    Text,
    /// An image, its channels last.
    Image,
    /// A sound as frames.
    Audio,
    /// The rows of a window.
    Sequence,
}

/// The name of the block of all flat features.
pub const TABLE: &str = "table";

impl Block {
    /// Flat features.
    pub fn table(width: usize) -> Self {
        Self { name: TABLE.to_owned(), shape: vec![width], tokens: None, kind: BlockKind::Table, dimension: None }
    }

    /// How many numbers a row of it has.
    pub fn size(&self) -> usize {
        self.shape.iter().product()
    }

    /// The shape as people read it: `28 x 28 x 1`.
    pub fn shape_text(&self) -> String {
        self.shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" x ")
    }
}
