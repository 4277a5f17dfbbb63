//! Texts as sets of shingles, and the exact similarity of two sets.
//!
//! A shingle is a run of k words or characters (Broder 1997). A set is a sorted list of distinct 64-bit hashes: two different
//! shingles share one with probability 2^-64, which is what "exact" leaves open.

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// What a shingle is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shingle {
    /// This many words after each other; a word is a run of letters, digits and underscores.
    Words(usize),
    /// This many characters after each other; runs of other characters than letters, digits and underscores count as one space.
    Characters(usize),
}

/// Makes sets of texts; keeps its buffers from one text to the next.
#[derive(Debug)]
pub struct Shingler {
    shingle: Shingle,
    /// The text in lower case, one space between words.
    plain: String,
    /// Where each word ends in it.
    ends: Vec<usize>,
    hashes: Vec<u64>,
    set: Vec<u64>,
}

impl Shingler {
    /// A maker of such sets; a shingle has at least one part.
    pub fn new(shingle: Shingle) -> Self {
        let shingle = match shingle {
            Shingle::Words(k) => Shingle::Words(k.max(1)),
            Shingle::Characters(k) => Shingle::Characters(k.max(1)),
        };
        Self { shingle, plain: String::new(), ends: Vec::new(), hashes: Vec::new(), set: Vec::new() }
    }

    /// Begins a new set.
    pub fn clear(&mut self) {
        self.set.clear();
    }

    /// Adds the shingles of a text. Shingles of different fields are different; each counts `weight` times, so that the
    /// similarity is the weighted one. A text that is shorter than a shingle is one shingle; without a word it adds none.
    pub fn add(&mut self, text: &str, field: u64, weight: u32) {
        self.read(text);
        let from = self.set.len();
        match self.shingle {
            Shingle::Words(k) => self.words(k, field),
            Shingle::Characters(k) => self.characters(k, field),
        }
        if weight > 1 {
            let to = self.set.len();
            for copy in 1..weight {
                for at in from..to {
                    if let Some(&hash) = self.set.get(at) {
                        self.set.push(fold(hash ^ u64::from(copy), 0x9fb2_1c65_1e98_df25));
                    }
                }
            }
        }
    }

    /// The set so far: sorted, each hash once.
    pub fn finish(&mut self) -> &[u64] {
        self.set.sort_unstable();
        self.set.dedup();
        &self.set
    }

    /// Lower case, words apart by one space.
    fn read(&mut self, text: &str) {
        self.plain.clear();
        self.ends.clear();
        let mut inside = false;
        if text.is_ascii() {
            for byte in text.bytes() {
                let is_word = byte.is_ascii_alphanumeric() || byte == b'_';
                self.boundary(inside, is_word);
                inside = is_word;
                if is_word {
                    self.plain.push(char::from(byte.to_ascii_lowercase()));
                }
            }
        } else {
            for character in text.chars().flat_map(char::to_lowercase) {
                // Combining marks that lower case leaves behind belong to their letter.
                let is_word = character.is_alphanumeric() || character == '_' || (inside && is_mark(character));
                self.boundary(inside, is_word);
                inside = is_word;
                if is_word {
                    self.plain.push(character);
                }
            }
        }
        self.boundary(inside, false);
    }

    fn boundary(&mut self, was_inside: bool, is_inside: bool) {
        match (was_inside, is_inside) {
            (true, false) => self.ends.push(self.plain.len()),
            (false, true) if !self.plain.is_empty() => self.plain.push(' '),
            _ => {}
        }
    }

    fn words(&mut self, k: usize, field: u64) {
        self.hashes.clear();
        let mut from = 0;
        for &end in &self.ends {
            self.hashes.push(xxh3_64(self.plain.as_bytes().get(from..end).unwrap_or_default()));
            from = end + 1;
        }
        if self.hashes.is_empty() {
            return;
        }
        let seed = fold(field ^ 0x2d35_8dcc_aa6c_78a5, 0x8bb8_4b93_962e_acc9);
        let window = k.min(self.hashes.len());
        self.set.extend(self.hashes.windows(window).map(|words| {
            words.iter().fold(seed, |hash, word| fold(hash.rotate_left(23) ^ word, 0x4b33_a62e_d433_d4a3))
        }));
    }

    fn characters(&mut self, k: usize, field: u64) {
        if self.plain.is_empty() {
            return;
        }
        let bytes = self.plain.as_bytes();
        // Each window is a range of bytes between two character boundaries.
        let starts = self.plain.char_indices().map(|(at, _)| at);
        let ends = self.plain.char_indices().map(|(at, _)| at).skip(k).chain([bytes.len()]);
        let before = self.set.len();
        for (from, to) in starts.zip(ends) {
            self.set.push(xxh3_64_with_seed(bytes.get(from..to).unwrap_or_default(), field));
            if to == bytes.len() {
                break;
            }
        }
        debug_assert!(self.set.len() > before);
    }
}

fn is_mark(character: char) -> bool {
    unicode_normalization::char::is_combining_mark(character)
}

/// A product of 128 bits folded to 64: mixes every bit into every other.
#[expect(clippy::cast_possible_truncation, reason = "the two halves of a product")]
pub(super) fn fold(value: u64, factor: u64) -> u64 {
    let product = u128::from(value) * u128::from(factor);
    (product as u64) ^ ((product >> 64) as u64)
}

/// Shared and distinct hashes of two sets.
pub fn overlap(one: &[u64], other: &[u64]) -> (usize, usize) {
    let shared = shared_at_least(one, other, 0).unwrap_or(0);
    (shared, one.len() + other.len() - shared)
}

/// The Jaccard similarity of two sets when it is at least `threshold`; two empty sets have none.
///
/// Time O(n + m), less when the sets cannot reach it.
pub fn jaccard_at_least(one: &[u64], other: &[u64], threshold: f64) -> Option<f64> {
    let both = one.len() + other.len();
    let needed = least_shared(both, threshold);
    if both == 0 || one.len().min(other.len()) < needed {
        return None;
    }
    let shared = shared_at_least(one, other, needed)?;
    let similarity = share(shared, both - shared);
    (similarity >= threshold).then_some(similarity)
}

/// The fewest shared hashes with which two sets of `both` hashes together reach the threshold.
fn least_shared(both: usize, threshold: f64) -> usize {
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a size")]
    let near = (threshold / (1.0 + threshold) * both as f64) as usize;
    // The estimate may be off by one either way; what counts is the division that the caller makes.
    let from = near.saturating_sub(1);
    (from..=near + 2).find(|&shared| shared <= both && share(shared, both - shared) >= threshold).unwrap_or(near + 2)
}

#[expect(clippy::cast_precision_loss, reason = "sizes of sets")]
fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}

/// How many hashes two sets share, or none as soon as it cannot be `needed` any more.
fn shared_at_least(one: &[u64], other: &[u64], needed: usize) -> Option<usize> {
    let (mut i, mut j, mut shared) = (0, 0, 0);
    // How many hashes each side may still miss.
    let mut spare = one.len().checked_sub(needed)?;
    let mut other_spare = other.len().checked_sub(needed)?;
    while let (Some(&a), Some(&b)) = (one.get(i), other.get(j)) {
        match a.cmp(&b) {
            std::cmp::Ordering::Equal => {
                shared += 1;
                i += 1;
                j += 1;
            }
            std::cmp::Ordering::Less => {
                spare = spare.checked_sub(1)?;
                i += 1;
            }
            std::cmp::Ordering::Greater => {
                other_spare = other_spare.checked_sub(1)?;
                j += 1;
            }
        }
    }
    (shared >= needed).then_some(shared)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    use super::*;

    fn set(shingle: Shingle, text: &str) -> Vec<u64> {
        let mut shingler = Shingler::new(shingle);
        shingler.add(text, 0, 1);
        shingler.finish().to_vec()
    }

    #[test]
    fn a_text_has_a_shingle_for_each_run_of_words() {
        let rose = set(Shingle::Words(4), "a rose is a rose is a rose");
        // Broder's example: (a rose is a), (rose is a rose), (is a rose is).
        assert_eq!(rose.len(), 3);
        assert_eq!(set(Shingle::Words(3), "One, two!").len(), 1);
        assert_eq!(set(Shingle::Words(3), " .. ").len(), 0);
        assert_eq!(set(Shingle::Words(2), "Straße STRASSE"), set(Shingle::Words(2), "straße  strasse"));
        assert_ne!(set(Shingle::Words(2), "a b c"), set(Shingle::Words(2), "c b a"));
    }

    #[test]
    fn characters_slide_over_letters_and_single_spaces() {
        assert_eq!(set(Shingle::Characters(3), "abcd").len(), 2);
        assert_eq!(set(Shingle::Characters(3), "ab").len(), 1);
        assert_eq!(set(Shingle::Characters(3), "a -- B"), set(Shingle::Characters(3), "A b"));
        assert_eq!(set(Shingle::Characters(2), "äöü").len(), 2);
    }

    #[test]
    fn fields_and_weights_make_hashes_of_their_own() {
        let mut shingler = Shingler::new(Shingle::Words(1));
        shingler.add("paris", 0, 3);
        shingler.add("paris", 1, 1);
        assert_eq!(shingler.finish().len(), 4);
        shingler.clear();
        assert!(shingler.finish().is_empty());
    }

    proptest! {
        #[test]
        fn the_similarity_is_that_of_the_definition(
            one in prop::collection::btree_set(0_u64..40, 0..30),
            other in prop::collection::btree_set(0_u64..40, 0..30),
            threshold in prop::sample::select(vec![0.1, 0.25, 0.5, 0.6, 2.0 / 3.0, 0.75, 0.8, 0.9, 1.0]),
        ) {
            let (shared, all) = (one.intersection(&other).count(), one.union(&other).count());
            let (a, b): (Vec<u64>, Vec<u64>) = (one.into_iter().collect(), other.into_iter().collect());
            let truth = (all > 0).then(|| shared as f64 / all as f64).filter(|similarity| *similarity >= threshold);
            prop_assert_eq!(jaccard_at_least(&a, &b, threshold), truth);
            prop_assert_eq!(overlap(&a, &b), (shared, all));
        }

        #[test]
        fn words_are_those_of_a_plain_split(text in "[a-cA-C ,.]{0,40}", k in 1_usize..4) {
            let lower = text.to_lowercase();
            let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
            let expected: BTreeSet<&[&str]> =
                if words.is_empty() { BTreeSet::new() } else { words.windows(k.min(words.len())).collect() };
            prop_assert_eq!(set(Shingle::Words(k), &text).len(), expected.len());
        }
    }
}
