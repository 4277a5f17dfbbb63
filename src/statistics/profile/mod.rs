//! What a table holds, in one pass: accumulators of columns and of rows that do not need to know beforehand what will come.
//!
//! ```text
//! column --hashes--> Tally ------ values with counts, exact while the distinct ones fit
//!              |        '-------- what does not fit any more: moments, quantiles, lengths, classes (numbers, texts)
//!              '---------------> Uniqueness (rows), NullPatterns, Dependencies
//! ```
//!
//! The tables of [`Tally`] do most of the work: a value that is known costs one look. As long as all distinct values are kept,
//! everything else (moments, quantiles, lengths) is computed from the values and their counts at the end, once for each
//! distinct value. When they no longer fit, their counts are handed on to sketches, which take every further value.
//!
//! All accumulators can be merged; the order of merging is the order in which rows count as having come.

mod dependencies;
mod nulls;
mod numbers;
mod tally;
mod texts;
mod uniqueness;

pub use dependencies::{Dependencies, Dependency, MOST_COLUMNS, PairKey};
pub use nulls::NullPatterns;
pub use numbers::{Numbers, Order};
pub use tally::{Slot, Tally};
pub use texts::{Classes, TextValue, Texts, text_hash};
pub use uniqueness::Uniqueness;

/// A hash of a number: one to one, and all bits of it depend on all bits of the number (the finalizer of SplitMix64, Stafford
/// 2011, variant 13).
#[inline]
#[must_use]
pub fn mix(number: u64) -> u64 {
    // The step of the generator, so that 0 has no hash of zeros.
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
