//! How a column of categories becomes inputs, as it is written.

use serde::{Deserialize, Serialize};

use crate::tensor::target_mean::MeanOptions;

/// How a column of categories becomes inputs. What is learned is learned from the training rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum CategoryEncoding {
    /// An input of 0 or 1 for each frequent value.
    OneHot(OneHot),
    /// A vector for each frequent value, which the network learns (Guo & Berkhahn 2016). The column is an input of its
    /// own.
    Embedding(Embedding),
    /// An input for each of some buckets, into which values fall by their hash: nothing is learned, and a million
    /// values take no more room than two (Weinberger et al. 2009).
    Hash(Hash),
    /// The mean of the target over the rows with the value, smoothed towards the mean of all rows; of a target with
    /// classes the share of each class (of two classes of the second), of labels that of each label, and of several
    /// targets the means of all. Training rows take the means of the other folds (Micci-Barreca 2001; cross-fitting as
    /// in scikit-learn's `TargetEncoder`). Rare and unseen values have the mean of all rows, missing ones their own.
    Target(MeanOptions),
}

impl Default for CategoryEncoding {
    fn default() -> Self {
        Self::OneHot(OneHot::default())
    }
}

/// Options of `one_hot`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OneHot {
    /// The most inputs that the values become; `max_categories` of the stage when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_categories: Option<usize>,
    /// Training rows that a value needs; rarer ones count as another value.
    pub min_count: u64,
}

impl Default for OneHot {
    fn default() -> Self {
        Self { max_categories: None, min_count: 1 }
    }
}

/// Options of `embedding`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Embedding {
    /// How many numbers a value becomes: min(600, 1.6 n^0.56) for n values when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dimension: Option<usize>,
    /// The most values that have a vector of their own.
    pub max_categories: usize,
    /// Training rows that a value needs; rarer ones count as another value.
    pub min_count: u64,
}

impl Default for Embedding {
    fn default() -> Self {
        Self { dimension: None, max_categories: LARGEST_VOCABULARY, min_count: 1 }
    }
}

/// Options of `hash`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Hash {
    /// How many inputs there are.
    pub buckets: usize,
    /// Whether half of the values count as -1, so that values that meet in a bucket cancel out on average.
    pub signed: bool,
}

impl Default for Hash {
    fn default() -> Self {
        Self { buckets: 64, signed: false }
    }
}

/// The most values of a column that are told apart.
pub const LARGEST_VOCABULARY: usize = 65_536;
/// The longest vector of a value.
const LONGEST: usize = 600;

impl CategoryEncoding {
    /// The name in the definition.
    pub fn name(&self) -> &'static str {
        match self {
            Self::OneHot(_) => "one_hot",
            Self::Embedding(_) => "embedding",
            Self::Hash(_) => "hash",
            Self::Target(_) => "target",
        }
    }

    /// Errors: what is wrong with an option, in a sentence.
    pub fn check(&self) -> Result<(), String> {
        let within = |option: &str, number: usize, least: usize, most: usize| match number {
            number if (least..=most).contains(&number) => Ok(()),
            _ => Err(format!("`{option}` is a number from {least} to {most}, not {number}")),
        };
        match self {
            Self::OneHot(one_hot) => {
                within("max_categories", one_hot.max_categories.unwrap_or(1), 1, LARGEST_VOCABULARY)
            }
            Self::Embedding(embedding) => {
                within("dimension", embedding.dimension.unwrap_or(1), 1, 4096)?;
                within("max_categories", embedding.max_categories, 1, LARGEST_VOCABULARY)
            }
            Self::Hash(hash) => within("buckets", hash.buckets, 2, 1 << 20),
            Self::Target(means) => means.check(),
        }
    }
}

/// How many numbers a value becomes when nobody says it: 1.6 n^0.56, at most 600, for n values. Source: the rule of
/// thumb of the library fastai, fitted to what worked.
pub(super) fn dimension(values: usize) -> usize {
    ((1.6 * (values as f64).powf(0.56)).round() as usize).clamp(1, LONGEST)
}
