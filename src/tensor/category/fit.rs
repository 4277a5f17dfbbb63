//! Learning a vocabulary.

use arrow::array::{Array, ArrayRef};

use super::options::{CategoryEncoding, OneHot, dimension};
use super::{Becomes, Category, Stored, visit_texts};
use crate::statistics::frequencies::Frequencies;

/// Distinct values that are counted exactly; beyond, the most frequent ones are estimated.
const COUNTED: usize = 1 << 16;
/// Inputs of a one-hot column when nobody says it.
const ONE_HOT: usize = 64;

/// Learns a vocabulary.
///
/// Memory: a counter for each of at most 65,536 values.
#[derive(Debug)]
pub(in crate::tensor) struct CategoryFit {
    pub(in crate::tensor) name: String,
    encoding: CategoryEncoding,
    values: Frequencies<String>,
    missing: u64,
    rows: u64,
}

impl CategoryFit {
    pub(in crate::tensor) fn new(name: &str, encoding: &CategoryEncoding) -> Self {
        Self {
            name: name.to_owned(),
            encoding: encoding.clone(),
            values: Frequencies::new(COUNTED),
            missing: 0,
            rows: 0,
        }
    }

    pub(in crate::tensor) fn add(&mut self, array: &ArrayRef) {
        self.rows += array.len() as u64;
        if let CategoryEncoding::Hash(_) = self.encoding {
            self.missing += array.null_count() as u64;
            return;
        }
        visit_texts(array, |_, text| match text {
            Some(text) => self.values.push(text),
            None => self.missing += 1,
        });
    }

    pub(in crate::tensor) fn finish(self) -> Category {
        let (most, least) = match &self.encoding {
            CategoryEncoding::OneHot(OneHot { max_categories, min_count }) => {
                (max_categories.unwrap_or(ONE_HOT), *min_count)
            }
            CategoryEncoding::Embedding(embedding) => (embedding.max_categories, embedding.min_count),
            CategoryEncoding::Hash(_) | CategoryEncoding::Target(_) => (0, 0),
        };
        let top: Vec<_> = self.values.top(most).into_iter().filter(|word| word.count >= least).collect();
        let known: u64 = top.iter().map(|word| word.count).sum();
        let is_complete = self.values.is_exact() && self.values.distinct() == Some(top.len() as u64);
        // Estimated counts may add up to more than there are; that some values are left out is certain even then.
        let rare = if is_complete { 0 } else { self.values.total().saturating_sub(known).max(1) };
        let vocabulary: Vec<String> = top.into_iter().map(|word| word.key).collect();
        let becomes = match &self.encoding {
            // Means are learned by a fit of their own.
            CategoryEncoding::OneHot(_) | CategoryEncoding::Target(_) => Becomes::OneHot,
            CategoryEncoding::Embedding(embedding) => Becomes::Embedding {
                dimension: embedding.dimension.unwrap_or_else(|| dimension(vocabulary.len().max(1))),
            },
            CategoryEncoding::Hash(hash) => Becomes::Hash { buckets: hash.buckets, signed: hash.signed },
        };
        Category::new(Stored { name: self.name, becomes, vocabulary, rare, missing: self.missing, rows: self.rows })
    }
}
