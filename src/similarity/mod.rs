//! Similarity on plain slices: no dataframe, no YAML, no I/O.
//!
//! - [`strings`] compares two texts.
//! - [`clusters`] makes groups of pairs that belong together.
//! - [`linkage`] says which records are the same thing in the world (Fellegi & Sunter 1969).

pub mod clusters;
pub mod linkage;
pub mod strings;
