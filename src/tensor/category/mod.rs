//! Columns of categories: a vocabulary, or buckets, and one input for each, or one token.

mod fit;
mod hash;
mod options;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
mod tests;

use arrow::array::{ArrayRef, AsArray};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::block::{Block, BlockKind};
use super::part::{Counts, Part};
use crate::batch;

pub(super) use fit::CategoryFit;
pub use options::{CategoryEncoding, Embedding, Hash, LARGEST_VOCABULARY, OneHot};

/// A column of categories with what was learned about it.
///
/// - One-hot: one input for each word of the vocabulary, which is 1 where the row has it. Values that were too rare in
///   training share the input `other`, and so do values that were never seen. When training had no rare values there is
///   no such input, and unseen values leave all inputs at 0: an input that was always 0 in training has a weight that
///   means nothing. The same holds for null and the input `missing`.
/// - Embedding: one token, from 1 on in the order of the words; after them that of other values, and that of missing
///   ones, where training had some. Token 0, which has the vector 0, stands for what training had not.
/// - Hash: an input for each bucket, which is 1, or 1 or -1, where the value falls into it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Category {
    known: Stored,
    places: FxHashMap<String, usize>,
}

/// A column of categories as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    name: String,
    becomes: Becomes,
    vocabulary: Vec<String>,
    /// Training rows whose value is not in the vocabulary.
    rare: u64,
    /// Training rows without a value.
    missing: u64,
    /// Training rows.
    rows: u64,
}

/// What a value becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Becomes {
    /// An input for each word.
    OneHot,
    /// A token, which becomes a vector.
    Embedding {
        /// Of so many numbers.
        dimension: usize,
    },
    /// An input for each bucket.
    Hash {
        /// How many there are.
        buckets: usize,
        /// Whether some values count as -1.
        signed: bool,
    },
}

impl TryFrom<Stored> for Category {
    type Error = String;

    fn try_from(known: Stored) -> Result<Self, String> {
        match known.becomes {
            Becomes::Hash { buckets, .. } if buckets == 0 || buckets > 1 << 20 => Err("no such buckets".to_owned()),
            Becomes::Embedding { dimension } if dimension == 0 || dimension > 4096 => Err("no such vector".to_owned()),
            _ => Ok(Self::new(known)),
        }
    }
}

impl From<Category> for Stored {
    fn from(category: Category) -> Self {
        category.known
    }
}

impl Category {
    fn new(known: Stored) -> Self {
        let places = known.vocabulary.iter().enumerate().map(|(at, word)| (word.clone(), at)).collect();
        Self { known, places }
    }

    /// The column.
    pub fn name(&self) -> &str {
        &self.known.name
    }

    /// What a value becomes.
    pub fn becomes(&self) -> Becomes {
        self.known.becomes
    }

    /// The most frequent values, by falling frequency and then by value; empty for buckets.
    pub fn vocabulary(&self) -> &[String] {
        &self.known.vocabulary
    }

    /// Training rows whose value was too rare for the vocabulary.
    pub fn rare(&self) -> u64 {
        self.known.rare
    }

    /// Training rows without a value.
    pub fn missing(&self) -> u64 {
        self.known.missing
    }

    /// Training rows.
    pub fn rows(&self) -> u64 {
        self.known.rows
    }

    /// What is told apart: the words or buckets, with `other` and `missing` where training had them.
    fn values(&self) -> usize {
        let own = match self.known.becomes {
            Becomes::Hash { buckets, .. } => buckets,
            Becomes::OneHot | Becomes::Embedding { .. } => self.known.vocabulary.len() + self.has_other(),
        };
        own + usize::from(self.known.missing > 0)
    }

    fn has_other(&self) -> usize {
        usize::from(self.known.rare > 0)
    }

    /// How many inputs the column becomes.
    pub fn width(&self) -> usize {
        match self.known.becomes {
            Becomes::Embedding { .. } => 1,
            Becomes::OneHot | Becomes::Hash { .. } => self.values(),
        }
    }

    pub(super) fn block(&self) -> Option<Block> {
        let Becomes::Embedding { dimension } = self.known.becomes else { return None };
        Some(Block {
            name: self.known.name.clone(),
            shape: vec![1],
            // Two at least: a network refuses a table of padding alone.
            tokens: Some((self.values() + 1).max(2)),
            kind: BlockKind::Category,
            dimension: Some(dimension),
        })
    }

    /// What a token says; none for the one of which nothing is known.
    pub(super) fn token(&self, token: usize) -> Option<&str> {
        let words = self.known.vocabulary.len();
        match token.checked_sub(1)? {
            at if at < words => self.known.vocabulary.get(at).map(String::as_str),
            at if at == words && self.known.rare > 0 => Some("another"),
            at if at < self.values() => Some("missing"),
            _ => None,
        }
    }

    pub(super) fn input_names(&self) -> Vec<String> {
        let name = self.name();
        let mut names: Vec<String> = match self.known.becomes {
            Becomes::Embedding { .. } => return vec![name.to_owned()],
            Becomes::Hash { buckets, .. } => (1..=buckets).map(|bucket| format!("{name} in bucket {bucket}")).collect(),
            Becomes::OneHot => {
                let words = self.known.vocabulary.iter().map(|word| format!("{name} = {word}"));
                words.chain((self.known.rare > 0).then(|| format!("{name} is another"))).collect()
            }
        };
        names.extend((self.known.missing > 0).then(|| format!("{name} is missing")));
        names
    }

    /// Fills the column's part of each row.
    pub(super) fn encode(&self, array: &ArrayRef, part: &mut Part<'_>) -> Counts {
        let mut counts = Counts::default();
        let own = self.width();
        let other = (self.known.rare > 0).then_some(self.known.vocabulary.len());
        let null = (self.known.missing > 0).then(|| self.values() - 1);
        visit_texts(array, |row, text| {
            let Some(cells) = part.row(row, own) else { return };
            let place = match (text, self.known.becomes) {
                (None, _) => {
                    counts.missing += 1;
                    null.map(|place| (place, 1.0))
                }
                (Some(text), Becomes::Hash { buckets, signed }) => {
                    let (place, sign) = hash::bucket(self.name(), text, buckets);
                    Some((place, if signed { sign } else { 1.0 }))
                }
                (Some(text), _) => {
                    let known = self.places.get(text).copied();
                    counts.unknown += u64::from(known.is_none());
                    known.or(other).map(|place| (place, 1.0))
                }
            };
            match (place, self.known.becomes) {
                (None, _) => {}
                (Some((place, _)), Becomes::Embedding { .. }) => {
                    cells.iter_mut().for_each(|cell| *cell = (place + 1) as f32);
                }
                (Some((place, value)), _) => {
                    if let Some(cell) = cells.get_mut(place) {
                        *cell = value;
                    }
                }
            }
        });
        counts
    }
}

/// Calls `visit` with the number of each row and its value as a person reads it; none for null.
pub(super) fn visit_texts(array: &ArrayRef, mut visit: impl FnMut(usize, Option<&str>)) {
    if let Some(strings) = array.as_string_view_opt() {
        strings.iter().enumerate().for_each(|(row, text)| visit(row, text));
    } else if let Some(booleans) = array.as_boolean_opt() {
        let text = |value: bool| if value { "true" } else { "false" };
        booleans.iter().enumerate().for_each(|(row, value)| visit(row, value.map(text)));
    } else {
        batch::texts(array).iter().enumerate().for_each(|(row, text)| visit(row, text.as_deref()));
    }
}
