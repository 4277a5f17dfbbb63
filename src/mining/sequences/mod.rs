//! Frequent sequential patterns: what comes after what in at least a minimum number of sequences.
//!
//! # What a pattern is
//! A sequence is a list of elements in order; an element is a set of events that happened at one time (mostly a single one).
//! A pattern is such a list too. It occurs in a sequence when its elements are subsets of elements of the sequence, in the same
//! order, and when the distances between them keep to [`Limits`]: from one element of the pattern to the next at least
//! `min_gap` and at most `max_gap`, from the first to the last at most `max_span`, counted in elements or in the time of the
//! elements. Its support is the number of sequences in which it occurs, however often.
//!
//! # Methods
//! Both grow patterns at their end, by a further element or by a further event of the last element.
//! - [`Method::PrefixSpan`] (Pei et al. 2004, *Mining sequential patterns by pattern-growth: the PrefixSpan approach*, IEEE
//!   TKDE 16) keeps for each pattern the places where it may end (pseudo-projection), and counts what follows them. Without
//!   `max_gap` and `max_span` the first such place of a sequence says all; with them all places are kept, each with the latest
//!   start that leads to it, because an earlier one reaches nothing further.
//! - [`Method::CmSpam`] (Fournier-Viger et al. 2014, *Fast vertical mining of sequential patterns using co-occurrence
//!   information*, PAKDD; Ayres et al. 2002) keeps a bit for each element and extends patterns by shifts and intersections. Pairs of
//!   events that are not frequent one after the other are known beforehand and never tried. Gaps are counted in elements, and
//!   there is no `max_span`.
//!
//! [`Method::Auto`] takes bitmaps where few different events fill long sequences; [`Mined::method`] says which it was and why.
//!
//! # Guarantees
//! The result is exact and complete, the same for both methods and for any number of threads. Its order is fixed: by falling
//! support, then by length, then by the events. Closed patterns and the most frequent ones: see [`Keep`] and
//! [`SequenceOptions::top`].
//!
//! [`supports`] counts given patterns in other sequences, [`next_event_rules`] makes rules of patterns.
//!
//! # Complexity
//! Time is at most the number of frequent patterns times the number of events after their ends. Memory is the coded events (8
//! bytes each, 16 with times), one projection for each level and thread, and the result, which
//! [`SequenceOptions::max_patterns`] bounds.
//!
//! # Example
//! ```
//! use gristmill::mining::sequences::{MinSupport, SequenceOptions, Sequences, frequent_sequences};
//!
//! let (home, search, cart, pay) = (0, 1, 2, 3);
//! let mut visits = Sequences::new();
//! for visit in [&[home, search, cart, pay][..], &[home, cart, pay], &[search, home]] {
//!     visits.push(visit);
//! }
//! let options = SequenceOptions { min_support: MinSupport::Count(2), min_length: 3, ..SequenceOptions::default() };
//! let mined = frequent_sequences(&visits, &options)?;
//! let found: Vec<_> = mined.patterns.iter().map(|pattern| (pattern.elements(), pattern.count)).collect();
//! assert_eq!(found, [(vec![vec![home], vec![cart], vec![pay]], 2)]);
//! # Ok::<(), gristmill::mining::sequences::SequenceError>(())
//! ```

mod cm_spam;
mod coded;
mod database;
mod needless;
mod options;
mod patterns;
mod prefixspan;
mod recount;
mod rules;
mod search;

#[cfg(test)]
mod tests;

pub use database::Sequences;
pub use options::{Keep, Limits, Method, MinSupport, SequenceError, SequenceOptions};
pub use patterns::{Pattern, Patterns};
pub use recount::supports;
pub use rules::{NextRule, next_event_rules};

use coded::Coded;
use search::Search;

/// What was found.
#[derive(Debug, Clone)]
pub struct Mined {
    /// The patterns in a fixed order (see the [module](self)).
    pub patterns: Patterns,
    /// Sequences in all, empty ones included.
    pub sequences: u64,
    /// The smallest support that was asked for, as a number of sequences.
    pub minimum: u64,
    /// Different events that are frequent by themselves.
    pub frequent_events: usize,
    /// The method that was taken, never [`Method::Auto`].
    pub method: Method,
    /// Why it was taken, in a sentence.
    pub reason: String,
}

/// Finds the patterns that are frequent in `sequences`.
///
/// # Errors
/// - [`SequenceError::Fraction`], [`SequenceError::Lengths`], [`SequenceError::Gaps`] and [`SequenceError::Bitmaps`] when options are
///   out of their range or do not go together.
/// - [`SequenceError::TooMany`] and [`SequenceError::TooLong`] when there are more patterns, or longer ones, than allowed.
/// - [`SequenceError::TooManyEvents`] when the events cannot be numbered with 32 bits.
pub fn frequent_sequences(sequences: &Sequences, options: &SequenceOptions) -> Result<Mined, SequenceError> {
    let minimum = options.check(sequences.len() as u64)?;
    let coded = Coded::new(sequences, minimum, &options.limits)?;
    let (method, reason) = cm_spam::choose(&coded, options)?;
    let mine = |search: &Search<'_>| {
        let found = match method {
            Method::CmSpam => cm_spam::mine(&coded, search),
            Method::PrefixSpan | Method::Auto => prefixspan::mine(&coded, search),
        };
        search.outcome(sequences.len() as u64).map(|()| found.into_patterns(&coded.names))
    };
    let mut patterns = match options.top {
        Some(top) if options.keep != Keep::Maximal => best(top, minimum, options, &mine)?,
        _ => needless::keep(mine(&Search::new(options, minimum))?, options),
    };
    patterns.retain_length(options.min_length);
    patterns.sort();
    patterns.truncate(options.top.unwrap_or(usize::MAX));
    let frequent_events = coded.names.len();
    Ok(Mined { patterns, sequences: sequences.len() as u64, minimum, frequent_events, method, reason })
}

/// The `top` patterns of highest support and those that share the support of the last one.
///
/// A first search raises the minimum while it finds better patterns and gives the support of the last of them; a second one
/// mines with that support, so that ties are complete. Of closed patterns there may be fewer than of all, so the search goes on
/// with more.
fn best(
    top: usize,
    minimum: u64,
    options: &SequenceOptions,
    mine: &dyn Fn(&Search<'_>) -> Result<Patterns, SequenceError>,
) -> Result<Patterns, SequenceError> {
    let mut wanted = top;
    loop {
        let racing = Search::racing(options, minimum, wanted);
        mine(&racing)?;
        let reached = racing.reached(minimum);
        let kept = needless::keep(mine(&Search::new(options, reached))?, options);
        if kept.count_of_length(options.min_length) >= top || reached <= minimum {
            return Ok(kept);
        }
        wanted = wanted.saturating_mul(4);
    }
}
