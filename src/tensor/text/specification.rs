//! How a text becomes tokens.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Tokens are stored as `f32`, which holds all whole numbers up to here.
const MOST_TOKENS: usize = 1 << 24;
/// The longest row of tokens.
const LONGEST: usize = 1 << 16;
/// The longest n-gram.
const LONGEST_NGRAM: usize = 16;

/// How a text becomes tokens.
///
/// A text is brought to Unicode's composed form (NFC) first. A *word* is a run of letters, digits, combining marks and
/// underscores; an apostrophe between two of them belongs to it (`don't`). An ideograph is a word of its own, since
/// nothing stands between Chinese words. Of words longer than 64 characters the first 64 count. With `characters`, each
/// character is a unit and a run of white space is one space.
///
/// ```yaml
/// text: {vocabulary: 10000, length: 64}
/// text: {ngrams: {from: 1, to: 2}, buckets: 32768, length: 128}
/// text: {unit: characters, ngrams: {from: 3, to: 3}, length: 256}
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TextOptions {
    /// What a text is cut into.
    pub unit: TextUnit,
    /// Whether capital letters are made small.
    pub lowercase: bool,
    /// Whether each mark of punctuation and symbol is a word too.
    pub punctuation: bool,
    /// How many units in a row make a token, from and to. Default single units. Where single units are tokens too, a
    /// longer one that the vocabulary does not have is left out.
    pub ngrams: Ngrams,
    /// How many different tokens are known, the most frequent ones; with 0 all are hashed into `buckets`.
    pub vocabulary: usize,
    /// How often a token has to stand in the training rows to be known.
    pub min_count: u64,
    /// Into how many buckets n-grams of two units and more are hashed; with 0 they belong to the vocabulary.
    pub buckets: usize,
    /// How many tokens a text becomes: longer ones are cut, shorter ones are padded.
    pub length: usize,
    /// Where longer texts are cut.
    pub cut: Side,
    /// Where shorter texts are padded.
    pub pad: Side,
    /// Whether a token that stands in a text more than once is taken once, as in a set.
    pub distinct: bool,
}

impl Default for TextOptions {
    fn default() -> Self {
        Self {
            unit: TextUnit::default(),
            lowercase: true,
            punctuation: false,
            ngrams: Ngrams::default(),
            vocabulary: 20_000,
            min_count: 2,
            buckets: 0,
            length: 128,
            cut: Side::End,
            pad: Side::End,
            distinct: false,
        }
    }
}

/// What a text is cut into.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TextUnit {
    /// Words.
    #[default]
    Words,
    /// Characters, of which a space is one.
    Characters,
}

/// How many units in a row make a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ngrams {
    /// The fewest.
    pub from: usize,
    /// The most.
    pub to: usize,
}

impl Default for Ngrams {
    fn default() -> Self {
        Self { from: 1, to: 1 }
    }
}

/// An end of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// At its start.
    Start,
    /// At its end.
    End,
}

impl TextOptions {
    /// How many tokens a row has, and how many different tokens there are at most, padding and unknown among them; the
    /// vocabulary may turn out smaller.
    pub fn shape(&self) -> (usize, usize) {
        (self.length, self.vocabulary.saturating_add(self.buckets).saturating_add(2))
    }

    /// Whether the options go together.
    ///
    /// Errors: the option that is wrong, and why.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let wrong = |option, message: String| Err((option, message));
        let Ngrams { from, to } = self.ngrams;
        if !(1..=LONGEST_NGRAM).contains(&from) || !(from..=LONGEST_NGRAM).contains(&to) {
            return wrong("ngrams", format!("`from` is at least 1 and at most `to`, `to` at most {LONGEST_NGRAM}"));
        }
        if !(1..=LONGEST).contains(&self.length) {
            return wrong("length", format!("`length` is a number of tokens from 1 to {LONGEST}"));
        }
        if self.shape().1 > MOST_TOKENS {
            return wrong("vocabulary", format!("`vocabulary` and `buckets` are at most {} together", MOST_TOKENS - 2));
        }
        if self.vocabulary == 0 && self.buckets == 0 {
            return wrong("vocabulary", "without a vocabulary there have to be `buckets`".to_owned());
        }
        if self.min_count == 0 {
            return wrong("min_count", "`min_count` is at least 1".to_owned());
        }
        Ok(())
    }

    /// Whether n-grams of `n` units are hashed rather than known.
    pub(super) fn is_hashed(&self, n: usize) -> bool {
        self.buckets > 0 && (n > 1 || self.vocabulary == 0)
    }
}
