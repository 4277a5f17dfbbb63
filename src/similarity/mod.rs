//! Similarity on plain slices: no dataframe, no YAML, no I/O.
//!
//! - [`strings`] compares two texts.
//! - [`clusters`] makes groups of pairs that belong together.
//! - [`linkage`] says which records are the same thing in the world (Fellegi & Sunter 1969).
//! - [`fingerprint`], [`phonetic`] and [`value_clusters`] find spellings of one value.
//! - [`shingles`], [`minhash`] and [`lsh`] find similar texts among many.
//! - [`neighbours`] finds the nearest rows of numbers, exactly.

pub mod clusters;
pub mod fingerprint;
pub mod linkage;
pub mod lsh;
pub mod minhash;
pub mod neighbours;
pub mod phonetic;
pub mod shingles;
pub mod strings;
pub mod value_clusters;
