//! Pattern mining on plain slices: no dataframe, no YAML, no I/O.
//!
//! - [`clustering`] finds groups among rows of numbers.
//! - [`itemsets`] finds every set of items that is frequent in a collection of transactions. The result is exact.
//! - [`embedding`] maps rows into a plane so that neighbours stay together.
//! - [`rules`] turns frequent itemsets into association rules with their measures of interest. The measures are exact
//!   functions of the counts.
//! - [`sequences`] finds every list of events that is frequent in a collection of sequences, in order, and what comes next. The
//!   result is exact.
//!
//! All are deterministic: the same input gives the same output in the same order, whatever the number of threads.

pub mod clustering;
pub mod embedding;
pub mod itemsets;
pub mod rules;
pub mod sequences;
