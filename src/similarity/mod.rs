//! Similarity on plain slices: no dataframe, no YAML, no I/O.
//!
//! - [`clusters`] makes groups of pairs that belong together.

pub mod clusters;
