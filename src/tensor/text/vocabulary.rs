//! Which tokens are known: counted within bounded memory.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

/// Different tokens that are counted at once; with short words about 50 MB.
const COUNTED: usize = 1 << 19;

/// Counts tokens and finds the most frequent ones.
///
/// When more different tokens than it may hold have been seen, those with a count of 1 are forgotten, then those with 2,
/// and so on until at most half as many are left. A token that comes again starts anew, so its count may be too small,
/// by at most [`VocabularyFit::lost`]: the rule of lossy counting (Manku & Motwani 2002, *Approximate frequency counts
/// over data streams*). Below the limit all counts are exact.
///
/// Time is constant for each token on average.
#[derive(Debug, Clone)]
pub struct VocabularyFit {
    counts: FxHashMap<Box<str>, u64>,
    most: usize,
    lost: u64,
}

impl Default for VocabularyFit {
    fn default() -> Self {
        Self::with_limit(COUNTED)
    }
}

impl VocabularyFit {
    /// Counts of at most so many different tokens, and one at least.
    pub fn with_limit(most: usize) -> Self {
        Self { counts: FxHashMap::default(), most: most.max(1), lost: 0 }
    }

    /// Counts a token.
    pub fn add(&mut self, token: &str) {
        self.add_times(token, 1);
    }

    /// Counts what another one has counted; both may have forgotten.
    pub fn merge(&mut self, other: Self) {
        self.lost += other.lost;
        let mut words: Vec<_> = other.counts.into_iter().collect();
        words.sort_unstable();
        for (token, times) in words {
            self.add_times(&token, times);
        }
    }

    /// By how much a count may be too small.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// How many different tokens are counted.
    pub fn len(&self) -> usize {
        self.counts.len()
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// The `most` most frequent tokens among those that were counted at least `min_count` times; of equally frequent
    /// ones the first by text.
    pub fn finish(self, most: usize, min_count: u64) -> Vocabulary {
        let frequent = self.counts.into_iter().filter(|(_, count)| *count >= min_count);
        let mut words: Vec<Word> = frequent.map(|(text, count)| Word { text: text.into(), count }).collect();
        words.sort_unstable_by(|a, b| b.count.cmp(&a.count).then_with(|| a.text.cmp(&b.text)));
        words.truncate(most);
        words.shrink_to_fit();
        Vocabulary::of(words)
    }

    fn add_times(&mut self, token: &str, times: u64) {
        if let Some(count) = self.counts.get_mut(token) {
            *count += times;
            return;
        }
        if self.counts.len() >= self.most {
            self.forget();
        }
        self.counts.insert(token.into(), times);
    }

    fn forget(&mut self) {
        let mut rarest = 0;
        while self.counts.len() > self.most / 2 {
            // The next count that occurs, so that equally frequent tokens do not cost a round for each count below.
            rarest = self.counts.values().copied().min().unwrap_or(rarest);
            self.counts.retain(|_, count| *count > rarest);
        }
        self.lost += rarest;
    }
}

/// A token that is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Word {
    /// Its text; of an n-gram the units, words with a space between them.
    pub text: String,
    /// How often it stood in the training rows.
    pub count: u64,
}

/// The tokens that are known, the most frequent first. The first of them is token 2.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<Word>", into = "Vec<Word>")]
pub struct Vocabulary {
    words: Vec<Word>,
    tokens: FxHashMap<Box<str>, u32>,
}

impl Vocabulary {
    /// The token for what is not known.
    pub const UNKNOWN: u32 = 1;
    /// The tokens before the first word.
    pub const RESERVED: usize = 2;

    fn of(words: Vec<Word>) -> Self {
        let numbered = (2_u32..).zip(&words);
        let tokens = numbered.map(|(token, word)| (word.text.as_str().into(), token)).collect();
        Self { words, tokens }
    }

    /// The words from token 2 on.
    pub fn words(&self) -> &[Word] {
        &self.words
    }

    /// The token of a text.
    pub fn token(&self, text: &str) -> Option<u32> {
        self.tokens.get(text).copied()
    }
}

impl TryFrom<Vec<Word>> for Vocabulary {
    type Error = String;

    fn try_from(words: Vec<Word>) -> Result<Self, String> {
        let vocabulary = Self::of(words);
        if vocabulary.tokens.len() == vocabulary.words.len() {
            Ok(vocabulary)
        } else {
            Err("a word stands in the vocabulary twice".to_owned())
        }
    }
}

impl From<Vocabulary> for Vec<Word> {
    fn from(vocabulary: Vocabulary) -> Self {
        vocabulary.words
    }
}
