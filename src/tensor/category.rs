//! Columns of categories: a vocabulary and one input for each of its words.

use arrow::array::{ArrayRef, AsArray};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::batch;
use crate::statistics::frequencies::Frequencies;

/// Distinct values that are counted exactly; beyond, the most frequent ones are estimated.
const COUNTED: usize = 1 << 16;

/// A column of categories with its vocabulary. It becomes one input for each word, which is 1 where the row has it.
///
/// Values that were too rare in training for the vocabulary share the input `other`, and so do values that were never
/// seen. When training had no rare values there is no such input, and unseen values leave all inputs at 0: an input
/// that was always 0 in training has a weight that means nothing. The same holds for null and the input `missing`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Category {
    name: String,
    vocabulary: Vec<String>,
    /// Training rows whose value is not in the vocabulary.
    rare: u64,
    /// Training rows without a value.
    missing: u64,
}

impl Category {
    /// The column.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The most frequent values, by falling frequency and then by value.
    pub fn vocabulary(&self) -> &[String] {
        &self.vocabulary
    }

    /// Training rows whose value was too rare for the vocabulary.
    pub fn rare(&self) -> u64 {
        self.rare
    }

    /// Training rows without a value.
    pub fn missing(&self) -> u64 {
        self.missing
    }

    /// How many inputs the column becomes.
    pub fn width(&self) -> usize {
        self.vocabulary.len() + usize::from(self.rare > 0) + usize::from(self.missing > 0)
    }

    pub(super) fn input_names(&self) -> Vec<String> {
        let words = self.vocabulary.iter().map(|word| format!("{} = {word}", self.name));
        let other = (self.rare > 0).then(|| format!("{} is another", self.name));
        let missing = (self.missing > 0).then(|| format!("{} is missing", self.name));
        words.chain(other).chain(missing).collect()
    }

    /// Sets the column's part of each row of `inputs` (`[n, width]`, zeros) from `offset` on; returns how many values
    /// were missing and how many are not in the vocabulary.
    pub(super) fn encode(&self, array: &ArrayRef, inputs: &mut [f32], width: usize, offset: usize) -> (u64, u64) {
        let places: FxHashMap<&str, usize> =
            self.vocabulary.iter().enumerate().map(|(at, word)| (word.as_str(), at)).collect();
        let other = (self.rare > 0).then_some(self.vocabulary.len());
        let null = (self.missing > 0).then(|| self.width() - 1);
        let (mut missing, mut unknown) = (0, 0);
        visit_texts(array, |row, text| {
            let place = match text {
                None => {
                    missing += 1;
                    null
                }
                Some(text) => places.get(text).copied().or_else(|| {
                    unknown += 1;
                    other
                }),
            };
            if let Some(place) = place
                && let Some(cell) = inputs.get_mut(row * width + offset + place)
            {
                *cell = 1.0;
            }
        });
        (missing, unknown)
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

/// Learns a vocabulary.
#[derive(Debug)]
pub(super) struct CategoryFit {
    pub(super) name: String,
    largest: usize,
    values: Frequencies<String>,
    missing: u64,
}

impl CategoryFit {
    pub(super) fn new(name: &str, largest: usize) -> Self {
        Self { name: name.to_owned(), largest, values: Frequencies::new(COUNTED.max(largest)), missing: 0 }
    }

    pub(super) fn add(&mut self, array: &ArrayRef) {
        visit_texts(array, |_, text| match text {
            Some(text) => self.values.push(text),
            None => self.missing += 1,
        });
    }

    pub(super) fn finish(self) -> Category {
        let top = self.values.top(self.largest);
        let known: u64 = top.iter().map(|word| word.count).sum();
        let is_complete = self.values.is_exact() && self.values.distinct() == Some(top.len() as u64);
        // Estimated counts may add up to more than there are; that some values are left out is certain even then.
        let rare = if is_complete { 0 } else { self.values.total().saturating_sub(known).max(1) };
        let vocabulary = top.into_iter().map(|word| word.key).collect();
        Category { name: self.name, vocabulary, rare, missing: self.missing }
    }
}
