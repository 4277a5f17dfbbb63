//! What is learned of the texts of the training rows, and how a text becomes tokens.

use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::specification::{Side, TextOptions};

use super::units::Units;
use super::vocabulary::{Vocabulary, VocabularyFit};
use crate::digits::whole;

/// Lengths of texts are counted exactly up to here.
const COUNTED_LENGTH: usize = 8192;

/// Learns a vocabulary from texts, in one pass.
#[derive(Debug)]
pub struct TextFit {
    spec: TextOptions,
    units: Units,
    words: VocabularyFit,
    /// How many texts have so many tokens; the last number holds all longer ones.
    lengths: Vec<u64>,
    rows: u64,
    tokens: u64,
    longest: u64,
}

impl TextFit {
    /// Nothing learned yet.
    pub fn new(options: &TextOptions) -> Self {
        let spec = options.clone();
        let lengths = vec![0; COUNTED_LENGTH + 1];
        Self { spec, units: Units::default(), words: VocabularyFit::default(), lengths, rows: 0, tokens: 0, longest: 0 }
    }

    /// Learns from a text.
    pub fn add(&mut self, text: &str) {
        self.units.read(text, &self.spec);
        let mut tokens = 0;
        visit(&mut self.units, &self.spec, |text, n| {
            tokens += 1;
            if !self.spec.is_hashed(n) {
                self.words.add(text);
            }
        });
        self.rows += 1;
        self.tokens += tokens;
        self.longest = self.longest.max(tokens);
        let place = usize::try_from(tokens).unwrap_or(COUNTED_LENGTH).min(COUNTED_LENGTH);
        if let Some(count) = self.lengths.get_mut(place) {
            *count += 1;
        }
    }

    /// The encoder.
    pub fn finish(self) -> Text {
        let quantile = |share: f64| {
            let mut left = (share * self.rows as f64).ceil().max(1.0);
            let reached = self.lengths.iter().position(|count| {
                left -= *count as f64;
                left <= 0.0
            });
            reached.map_or(0, |length| if length < COUNTED_LENGTH { length as u64 } else { self.longest })
        };
        let counted = self.lengths.iter().skip(self.spec.length.saturating_add(1)).sum();
        let facts = TextFacts {
            rows: self.rows,
            empty: self.lengths.first().copied().unwrap_or(0),
            longer: counted,
            tokens: self.tokens,
            median_length: quantile(0.5),
            length_95: quantile(0.95),
            longest: self.longest,
            different: self.words.len() as u64,
            lost: self.words.lost(),
        };
        let vocabulary = self.words.finish(self.spec.vocabulary, self.spec.min_count);
        Text { spec: self.spec, vocabulary, facts }
    }
}

/// What the training rows were like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextFacts {
    /// Texts.
    pub rows: u64,
    /// Texts without a token.
    pub empty: u64,
    /// Texts with more tokens than a row has (counted up to a length of 8192).
    pub longer: u64,
    /// Tokens of all texts.
    pub tokens: u64,
    /// Half of the texts have at most so many tokens.
    pub median_length: u64,
    /// 95 of 100 texts have at most so many tokens.
    pub length_95: u64,
    /// The most tokens of a text.
    pub longest: u64,
    /// Different tokens that were counted, those too rare for the vocabulary among them.
    pub different: u64,
    /// By how much the counts of the vocabulary may be too small, because rare tokens were forgotten meanwhile.
    pub lost: u64,
}

/// A fitted encoder of texts.
///
/// It is stored as JSON; read back, it gives the same tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    spec: TextOptions,
    vocabulary: Vocabulary,
    facts: TextFacts,
}

/// What became of a text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TextCounts {
    /// Tokens before it was cut.
    pub words: usize,
    /// Tokens of the row that the vocabulary does not have.
    pub unknown: usize,
    /// Tokens that were cut off.
    pub cut: usize,
}

/// A token with its text, for explanations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Its place in the row.
    pub place: usize,
    /// Its text.
    pub text: String,
    /// Its number.
    pub token: u32,
}

impl Text {
    /// How it was told to encode.
    pub fn spec(&self) -> &TextOptions {
        &self.spec
    }

    /// The tokens that are known.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// What the training rows were like.
    pub fn facts(&self) -> &TextFacts {
        &self.facts
    }

    /// How many tokens a row has.
    pub fn length(&self) -> usize {
        self.spec.length
    }

    /// What was learned, as pairs of a name and a value, for people.
    pub fn describe(&self) -> Vec<(String, String)> {
        let facts = &self.facts;
        let words = self.vocabulary.words();
        let mut pairs = vec![
            ("texts in training", whole(facts.rows)),
            ("without a word", whole(facts.empty)),
            ("tokens of half of the texts, at most", whole(facts.median_length)),
            ("tokens of 95 % of the texts, at most", whole(facts.length_95)),
            ("texts longer than a row, cut", whole(facts.longer)),
            ("different tokens", whole(facts.different)),
            ("vocabulary", whole(words.len() as u64)),
        ];
        if let (Some(first), Some(last)) = (words.first(), words.last()) {
            pairs.push(("most frequent", format!("{} ({})", first.text, whole(first.count))));
            pairs.push(("rarest that is known", format!("{} ({})", last.text, whole(last.count))));
        }
        if self.spec.buckets > 0 {
            pairs.push(("buckets of hashed n-grams", whole(self.spec.buckets as u64)));
        }
        if facts.lost > 0 {
            pairs.push(("counts may be too small by", whole(facts.lost)));
        }
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// How many tokens there are: all numbers of a row are below it.
    pub fn tokens(&self) -> usize {
        Vocabulary::RESERVED + self.vocabulary.words().len() + self.spec.buckets
    }

    /// Writes the tokens of a text to `row`, which has [`TextOptions::length`] numbers. A missing text is an empty one:
    /// nothing but padding.
    pub fn encode(&self, text: &str, row: &mut [f32]) -> TextCounts {
        let mut tokens = Vec::new();
        self.each_token(text, |token, _| tokens.push(token));
        let (kept, cut, offset) = self.placed(tokens.len(), row.len());
        row.fill(0.0);
        let kept = tokens.get(kept).unwrap_or_default();
        for (place, token) in row.iter_mut().skip(offset).zip(kept) {
            // Below 2^24, which the specification guarantees.
            *place = *token as f32;
        }
        let unknown = kept.iter().filter(|token| **token == Vocabulary::UNKNOWN).count();
        TextCounts { words: tokens.len(), unknown, cut }
    }

    /// The texts of the tokens of a row, by their place in it.
    pub fn pieces(&self, text: &str) -> Vec<Piece> {
        let mut found = Vec::new();
        self.each_token(text, |token, text| found.push((token, text.to_owned())));
        let (kept, _, offset) = self.placed(found.len(), self.spec.length);
        let kept = found.into_iter().skip(kept.start).take(kept.len()).enumerate();
        kept.map(|(at, (token, text))| Piece { place: offset + at, text, token }).collect()
    }

    /// Which of the tokens are kept, how many are not, and where the first one stands in the row.
    fn placed(&self, tokens: usize, length: usize) -> (std::ops::Range<usize>, usize, usize) {
        let cut = tokens.saturating_sub(length);
        let kept = match self.spec.cut {
            Side::End => 0..tokens - cut,
            Side::Start => cut..tokens,
        };
        let offset = match self.spec.pad {
            Side::End => 0,
            Side::Start => length.saturating_sub(kept.len()),
        };
        (kept, cut, offset)
    }

    fn each_token(&self, text: &str, mut found: impl FnMut(u32, &str)) {
        let mut units = Units::default();
        units.read(text, &self.spec);
        let first_bucket = Vocabulary::RESERVED + self.vocabulary.words().len();
        let units_too = self.spec.ngrams.from == 1;
        let mut seen = FxHashSet::default();
        visit(&mut units, &self.spec, |text, n| {
            let token = if self.spec.is_hashed(n) {
                // Checked options: all tokens are below 2^24.
                (first_bucket as u64 + xxh3_64(text.as_bytes()) % self.spec.buckets.max(1) as u64) as u32
            } else {
                match self.vocabulary.token(text) {
                    Some(token) => token,
                    // Its units are there already.
                    None if units_too && n > 1 => return,
                    None => Vocabulary::UNKNOWN,
                }
            };
            if !self.spec.distinct || seen.insert(token) {
                found(token, text);
            }
        });
    }
}

/// Calls `found` with the text of each n-gram and the number of its units: by where it begins, and then by its length, so
/// that a cut text keeps all tokens of its first part.
fn visit(units: &mut Units, spec: &TextOptions, mut found: impl FnMut(&str, usize)) {
    for first in 0..units.len() {
        for n in spec.ngrams.from..=spec.ngrams.to.min(units.len() - first) {
            found(units.ngram(first, n, spec.unit), n);
        }
    }
}
