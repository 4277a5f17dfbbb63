//! Probabilistic record linkage: which records are the same thing in the world.
//!
//! Source: Fellegi & Sunter, "A theory for record linkage", JASA 64 (1969); parameters by expectation and maximization after
//! Winkler, "Using the EM algorithm for weight computation in the Fellegi-Sunter model of record linkage" (1988); frequencies of
//! terms after Winkler (1989). The form of comparisons and levels is the one that Splink made common (Linacre et al. 2022).
//!
//! ```text
//! texts --records--> codes of distinct values --blocking--> candidate pairs --comparison--> patterns
//!                                                               |                   |
//!                                                               |            counts of patterns --estimate--> m, u, lambda
//!                                                               '--score--> weights --clusters, one_to_one--> entities
//! ```
//!
//! A pair of records gives a *pattern*: for each comparison the level that its two values reach. The probability of a level among
//! matches is `m`, among all other pairs `u`; `log2(m / u)` is the level's weight. The weight of a pair is the sum of its levels'
//! weights and of `log2(lambda / (1 - lambda))`, where `lambda` is the probability that two records taken at random match.
//!
//! - [`comparison`]: levels, and which one two values reach; everything that depends on one value alone is prepared once.
//! - [`records`]: the values of all records as codes of distinct values.
//! - [`blocking`]: which pairs are looked at, how many they are, and all of them one after the other without keeping them.
//! - [`estimate`]: counts of patterns become parameters. It sees patterns, not pairs, so its cost does not grow with the data.
//! - [`score`]: pairs become weights; most pairs are given up before a text is compared.
//! - [`usual`]: which levels serve a column when nobody says.
//! - [`entities`]: linked records become entities with names that stay.
//! - [`judge`]: precision and recall where the truth is known, and records that nothing could link.
//!
//! Records are numbered in an order that depends on their content alone, so that the same records give the same result in
//! whatever order they were read.

pub mod blocking;
pub mod comparison;
pub mod dictionary;
pub mod entities;
pub mod estimate;
pub mod judge;
pub mod records;
pub mod score;
pub mod usual;

/// The code of a missing value.
pub const MISSING: u32 = u32::MAX;

/// Comparisons at most: a pattern is one number with four bits for each.
pub const MOST_COMPARISONS: usize = 16;

/// Levels of a comparison at most, the last one (everything else) included.
pub const MOST_LEVELS: usize = 14;

/// For each comparison the level that a pair reaches: 0 for a missing value, 1 for the first level, ..
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Pattern(pub u64);

impl Pattern {
    /// The level of a comparison.
    pub fn level(self, comparison: usize) -> usize {
        ((self.0 >> (4 * comparison)) & 15) as usize
    }

    /// The pattern with the level of a comparison that had none.
    #[must_use]
    pub fn with(self, comparison: usize, level: u8) -> Self {
        Self(self.0 | u64::from(level & 15) << (4 * comparison))
    }
}
