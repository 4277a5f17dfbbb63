//! Spellings of one value: values whose keys collide, or that lie near a more frequent one.
//!
//! In each group the most frequent value is the canonical one; of equally frequent ones that with the smallest text, compared
//! by code points. Values come with their counts; results are positions of canonical values, and a value without company is
//! its own.

use std::collections::HashMap;

use rapidfuzz::distance::{jaro_winkler, levenshtein};
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHasher};
use std::hash::{Hash, Hasher};

use super::fingerprint::plain;

/// How near values are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Nearness {
    /// At most so many single characters inserted, left out or replaced (Levenshtein 1966).
    Levenshtein {
        /// Edits.
        at_most: usize,
    },
    /// At least that similarity of Jaro and Winkler (1990), prefix weight 0.1, among values that share some `block` characters
    /// after each other.
    JaroWinkler {
        /// From 0 to 1.
        at_least: f64,
        /// Characters that two values must have in common in a row to be compared.
        block: usize,
    },
}

/// More pairs would have to be compared than is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more than {0} pairs of values have to be compared")]
pub struct TooManyComparisons(pub u64);

/// Groups values with equal keys; an empty key collides with nothing.
///
/// Time O(n) keys and a hash table of them.
pub fn by_key(values: &[(&str, u64)], key: impl Fn(&str) -> String + Sync) -> Vec<usize> {
    let keys: Vec<String> = values.par_iter().map(|(text, _)| key(text)).collect();
    let mut winners: HashMap<&str, usize> = HashMap::new();
    for (at, key) in keys.iter().enumerate().filter(|(_, key)| !key.is_empty()) {
        let winner = winners.entry(key).or_insert(at);
        if rank(values, at) < rank(values, *winner) {
            *winner = at;
        }
    }
    keys.iter().enumerate().map(|(at, key)| winners.get(key.as_str()).copied().unwrap_or(at)).collect()
}

/// Gives each value to the most frequent value near it that is itself nobody's variant: a variant always lies near its
/// canonical value, groups are not chained.
///
/// Distances are measured on [`plain`] texts. Values shorter than `shortest` characters, and values that differ in their
/// digits, are never taken for spellings of each other, unless their plain texts are equal. Levenshtein candidates are complete
/// (Pass-Join: Li, Deng, Wang & Feng 2011): of `at_most + 1` segments of a text one survives `at_most` edits.
///
/// Errors: more than `comparisons` pairs have to be compared.
pub fn nearest(
    values: &[(&str, u64)],
    nearness: Nearness,
    shortest: usize,
    comparisons: u64,
) -> Result<Vec<usize>, TooManyComparisons> {
    let texts: Vec<Plain> = values.par_iter().map(|(text, _)| Plain::new(text)).collect();
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.par_sort_unstable_by(|&one, &other| rank(values, one).cmp(&rank(values, other)));
    let index = Index::new(&texts, nearness);
    let mut canonical: Vec<Option<usize>> = vec![None; values.len()];
    let mut stamps = vec![usize::MAX; values.len()];
    let mut candidates = Vec::new();
    let mut spent = 0_u64;
    for &center in &order {
        if canonical.get(center).is_some_and(Option::is_some) {
            continue;
        }
        candidates.clear();
        index.visit(&texts, center, &mut |other| {
            let free = canonical.get(other).is_some_and(Option::is_none);
            if let (true, Some(stamp)) = (free && other != center, stamps.get_mut(other))
                && *stamp != center
            {
                *stamp = center;
                candidates.push(other);
            }
        });
        spent += candidates.len() as u64;
        if spent > comparisons {
            return Err(TooManyComparisons(comparisons));
        }
        let Some(own) = texts.get(center) else { continue };
        let near = |other: &usize| texts.get(*other).is_some_and(|text| own.is_near(text, nearness, shortest));
        let found: Vec<usize> = if candidates.len() < 256 {
            candidates.iter().copied().filter(near).collect()
        } else {
            candidates.par_iter().copied().filter(near).collect()
        };
        for other in found.into_iter().chain([center]) {
            if let Some(slot) = canonical.get_mut(other) {
                *slot = Some(center);
            }
        }
    }
    Ok(canonical.into_iter().enumerate().map(|(at, center)| center.unwrap_or(at)).collect())
}

/// What comes first is more canonical.
fn rank<'v>(values: &[(&'v str, u64)], at: usize) -> (std::cmp::Reverse<u64>, &'v str) {
    let (text, count) = values.get(at).copied().unwrap_or_default();
    (std::cmp::Reverse(count), text)
}

/// A value as distances see it.
struct Plain {
    letters: Vec<char>,
    digits: String,
}

impl Plain {
    fn new(text: &str) -> Self {
        let plain = plain(text);
        let digits = plain.chars().filter(|letter| letter.is_numeric()).collect();
        Self { letters: plain.chars().collect(), digits }
    }

    fn is_near(&self, other: &Self, nearness: Nearness, shortest: usize) -> bool {
        if self.letters == other.letters {
            return !self.letters.is_empty();
        }
        if self.letters.len().min(other.letters.len()) < shortest || self.digits != other.digits {
            return false;
        }
        let (one, two) = (self.letters.iter().copied(), other.letters.iter().copied());
        match nearness {
            Nearness::Levenshtein { at_most } => {
                let arguments = levenshtein::Args::default().score_cutoff(at_most);
                levenshtein::distance_with_args(one, two, &arguments).is_some()
            }
            Nearness::JaroWinkler { at_least, .. } => {
                let arguments = jaro_winkler::Args::default().score_cutoff(at_least);
                jaro_winkler::similarity_with_args(one, two, &arguments).is_some()
            }
        }
    }
}

/// Which values may lie near each other.
struct Index {
    nearness: Nearness,
    /// Values by the hash of a piece of their text.
    pieces: FxHashMap<u64, Vec<u32>>,
}

impl Index {
    fn new(texts: &[Plain], nearness: Nearness) -> Self {
        let mut pieces: FxHashMap<u64, Vec<u32>> = FxHashMap::default();
        for (at, text) in texts.iter().enumerate() {
            let at = u32::try_from(at).unwrap_or(u32::MAX);
            let mut add = |piece| {
                let list: &mut Vec<u32> = pieces.entry(piece).or_default();
                if list.last() != Some(&at) {
                    list.push(at);
                }
            };
            match nearness {
                Nearness::Levenshtein { at_most } => {
                    let length = text.letters.len();
                    for (number, (from, to)) in segments(length, at_most + 1).enumerate() {
                        add(piece(length, number, text.letters.get(from..to).unwrap_or_default()));
                    }
                }
                Nearness::JaroWinkler { block, .. } => blocks(&text.letters, block).for_each(&mut add),
            }
        }
        Self { nearness, pieces }
    }

    /// Visits every value that may lie near that one, some more than once.
    fn visit(&self, texts: &[Plain], center: usize, visit: &mut dyn FnMut(usize)) {
        let Some(text) = texts.get(center) else { return };
        let mut found = |piece: u64| {
            for &other in self.pieces.get(&piece).into_iter().flatten() {
                visit(other as usize);
            }
        };
        match self.nearness {
            Nearness::Levenshtein { at_most } => {
                let own = text.letters.len();
                for length in own.saturating_sub(at_most)..=own + at_most {
                    for (number, (from, to)) in segments(length, at_most + 1).enumerate() {
                        // A segment that survives is moved by at most so many places.
                        for start in from.saturating_sub(at_most)..=from + at_most {
                            if let Some(letters) = text.letters.get(start..start + (to - from)) {
                                found(piece(length, number, letters));
                            }
                        }
                    }
                }
            }
            Nearness::JaroWinkler { block, .. } => blocks(&text.letters, block).for_each(found),
        }
    }
}

/// `length` places cut into `count` segments of about equal size.
fn segments(length: usize, count: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..count).map(move |number| (number * length / count, (number + 1) * length / count))
}

fn piece(length: usize, number: usize, letters: &[char]) -> u64 {
    let mut hasher = FxHasher::default();
    (length, number, letters).hash(&mut hasher);
    hasher.finish()
}

/// The runs of so many letters; a shorter text is one run.
fn blocks(letters: &[char], size: usize) -> impl Iterator<Item = u64> + '_ {
    letters.windows(size.clamp(1, letters.len().max(1))).map(|letters| {
        let mut hasher = FxHasher::default();
        letters.hash(&mut hasher);
        hasher.finish()
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::super::fingerprint::fingerprint;
    use super::*;

    fn names(values: &[(&str, u64)], canonical: &[usize]) -> Vec<String> {
        canonical.iter().map(|&at| values[at].0.to_owned()).collect()
    }

    #[test]
    fn the_most_frequent_spelling_wins_and_ties_go_to_the_smaller_text() {
        let values = [("new york", 3), ("New York", 5), ("York, New", 5), ("Boston", 1), ("...", 2), ("!", 2)];
        let canonical = by_key(&values, fingerprint);
        assert_eq!(names(&values, &canonical), ["New York", "New York", "New York", "Boston", "...", "!"]);
    }

    #[test]
    fn a_variant_lies_near_its_canonical_value_and_chains_break() {
        let values = [("Hamburg", 9), ("Hamburgh", 4), ("Hamburghe", 3), ("Bremen", 7), ("Brehmen", 1)];
        let canonical = nearest(&values, Nearness::Levenshtein { at_most: 1 }, 5, 1000).unwrap();
        assert_eq!(names(&values, &canonical), ["Hamburg", "Hamburg", "Hamburghe", "Bremen", "Bremen"]);
    }

    #[test]
    fn short_values_and_other_numbers_are_never_near() {
        let values =
            [("Area 51", 9), ("Area 52", 4), ("Ohio", 9), ("Ohia", 1), ("area-51", 1), ("Müller 7", 3), ("Muler 7", 1)];
        let canonical = nearest(&values, Nearness::Levenshtein { at_most: 1 }, 5, 1000).unwrap();
        assert_eq!(
            names(&values, &canonical),
            ["Area 51", "Area 52", "Ohio", "Ohia", "Area 51", "Müller 7", "Müller 7"]
        );
    }

    #[test]
    fn winkler_finds_transposed_letters_in_a_block() {
        let values = [("Massachusetts", 9), ("Masachussets", 2), ("Mississippi", 5), ("Minnesota", 5)];
        let near = Nearness::JaroWinkler { at_least: 0.93, block: 3 };
        assert_eq!(names(&values, &nearest(&values, near, 5, 1000).unwrap())[1], "Massachusetts");
        assert_eq!(names(&values, &nearest(&values, near, 5, 1000).unwrap())[2], "Mississippi");
        assert_eq!(nearest(&values, near, 5, 0), Err(TooManyComparisons(0)));
    }

    proptest! {
        #[test]
        fn segments_miss_no_value_within_the_distance(
            texts in prop::collection::btree_set("[ab]{0,9}", 2..30),
            at_most in 1_usize..4,
        ) {
            let values: Vec<(&str, u64)> = texts.iter().zip(0..).map(|(text, at)| (text.as_str(), at % 5)).collect();
            let canonical = nearest(&values, Nearness::Levenshtein { at_most }, 0, u64::MAX).unwrap();
            // The same by definition: in order of rank, each free value takes every free value near it.
            let mut order: Vec<usize> = (0..values.len()).collect();
            order.sort_by_key(|&at| rank(&values, at));
            let mut expected = vec![usize::MAX; values.len()];
            for &center in &order {
                if expected[center] == usize::MAX {
                    expected[center] = center;
                    for other in 0..values.len() {
                        let distance = strsim::levenshtein(values[center].0, values[other].0);
                        if expected[other] == usize::MAX && distance <= at_most {
                            expected[other] = center;
                        }
                    }
                }
            }
            prop_assert_eq!(canonical, expected);
        }
    }
}
