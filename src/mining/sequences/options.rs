use serde::{Deserialize, Serialize};

/// How many sequences must hold a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum MinSupport {
    /// That many; 0 counts as 1.
    Count(u64),
    /// A share of all sequences, above 0 and at most 1; rounded up.
    Fraction(f64),
}

/// Distances that an occurrence keeps to, in elements or, where the sequences have times, in their unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Limits {
    /// From an element to the next one at least this far; elements are always different ones. 1 means the next element at once.
    pub min_gap: Option<i64>,
    /// From an element to the next one at most this far.
    pub max_gap: Option<i64>,
    /// From the first element to the last at most this far.
    pub max_span: Option<i64>,
}

/// How patterns are searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Method {
    /// By what is faster, as far as that can be told from the sizes.
    #[default]
    Auto,
    /// Pseudo-projections.
    PrefixSpan,
    /// Bitmaps and co-occurrence.
    CmSpam,
}

/// Which of the frequent patterns are kept.
///
/// A longer pattern *contains* a shorter one when each of its occurrences holds one of the shorter: elements of the shorter are
/// subsets of elements of the longer, in order. With `max_gap` they must be neighbours, because leaving out an element in the middle
/// makes a gap wider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Keep {
    /// All.
    #[default]
    All,
    /// Those that no longer pattern of the same support contains: the others follow from them.
    Closed,
    /// Those that no longer frequent pattern contains.
    Maximal,
}

/// What to look for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SequenceOptions {
    /// How many sequences must hold a pattern. Default: a tenth.
    pub min_support: MinSupport,
    /// The fewest events of a reported pattern, at least 1. Default: 1.
    pub min_length: usize,
    /// The most events of a pattern; what is longer is not looked at, so that closed and maximal are meant among the shorter.
    /// Default: none, but more than [`SequenceOptions::LONGEST`] is an error.
    pub max_length: Option<usize>,
    /// Distances. Default: none.
    pub limits: Limits,
    /// Which patterns are kept. Default: all.
    pub keep: Keep,
    /// Only so many, those of highest support. Default: all.
    pub top: Option<usize>,
    /// How to search. Default: auto.
    pub method: Method,
    /// The search stops with an error when more patterns than this are frequent (whatever `min_length` and `keep` are). Default:
    /// one million.
    pub max_patterns: u64,
}

impl Default for SequenceOptions {
    fn default() -> Self {
        Self {
            min_support: MinSupport::Fraction(0.1),
            min_length: 1,
            max_length: None,
            limits: Limits::default(),
            keep: Keep::All,
            top: None,
            method: Method::Auto,
            max_patterns: 1_000_000,
        }
    }
}

impl SequenceOptions {
    /// The most events that a pattern may have.
    pub const LONGEST: usize = 1000;

    /// Checks all options and gives the minimum count out of `total` sequences.
    pub(super) fn check(&self, total: u64) -> Result<u64, SequenceError> {
        let max_length = self.max_length.unwrap_or(Self::LONGEST);
        if self.min_length == 0 || max_length < self.min_length || max_length > Self::LONGEST || self.top == Some(0) {
            return Err(SequenceError::Lengths { min_length: self.min_length, max_length });
        }
        let Limits { min_gap, max_gap, max_span } = self.limits;
        let least = min_gap.unwrap_or(0);
        if least < 0 || max_gap.is_some_and(|most| most < least.max(0)) || max_span.is_some_and(|span| span < 0) {
            return Err(SequenceError::Gaps);
        }
        match self.min_support {
            MinSupport::Count(count) => Ok(count.max(1)),
            MinSupport::Fraction(fraction) if fraction > 0.0 && fraction <= 1.0 => {
                // 0.07 * 100 is a little above 7 in floating point; the slack keeps the count at 7.
                let exact = fraction * total as f64;
                Ok(((exact - exact * 4.0 * f64::EPSILON).ceil() as u64).max(1))
            }
            MinSupport::Fraction(fraction) => Err(SequenceError::Fraction { fraction }),
        }
    }
}

/// Why no patterns were found.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SequenceError {
    /// The minimum support is a fraction outside its range.
    #[error("the minimum support as a fraction must be above 0 and at most 1, not {fraction}")]
    Fraction {
        /// What was given.
        fraction: f64,
    },
    /// The lengths exclude every pattern.
    #[error(
        "the lengths of patterns must be from 1 to {}, in order, and at least one pattern must be asked for; {min_length} to {max_length} is not",
        SequenceOptions::LONGEST
    )]
    Lengths {
        /// Smallest length that was asked for.
        min_length: usize,
        /// Largest length that was asked for.
        max_length: usize,
    },
    /// The gaps exclude every pattern.
    #[error("gaps and span must not be negative, and the largest gap not below the smallest")]
    Gaps,
    /// Bitmaps cannot do what was asked.
    #[error("{reason}; take prefixspan, or leave the choice to auto")]
    Bitmaps {
        /// Why not.
        reason: String,
    },
    /// More patterns are frequent than the limit allows.
    #[error(
        "more than {limit} patterns occur in at least {minimum} of the {sequences} sequences; raise the minimum support, lower the maximum length, or limit gaps and span"
    )]
    TooMany {
        /// The limit that was passed.
        limit: u64,
        /// The minimum count in force.
        minimum: u64,
        /// Number of sequences.
        sequences: u64,
    },
    /// A pattern is longer than any may be.
    #[error(
        "a pattern of more than {} events is frequent; lower the maximum length or raise the minimum support",
        SequenceOptions::LONGEST
    )]
    TooLong,
    /// The events cannot be numbered with 32 bits.
    #[error("{events} events are more than patterns can be mined from (4294967295); take a sample of the sequences")]
    TooManyEvents {
        /// Number of events.
        events: usize,
    },
}
