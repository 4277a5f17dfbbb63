//! `cluster`: groups of rows that are like each other.

mod exhibits;
mod learn;
mod memory;
mod merging;
mod options;
mod plan;
mod profile;
mod stream;

pub use options::Cluster;
