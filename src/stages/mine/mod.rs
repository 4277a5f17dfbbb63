//! Tables become knowledge.

pub mod anomalies;
pub mod cluster;
pub mod compare;
pub mod correlate;
pub mod describe;
pub mod itemsets;
pub mod profile;
pub mod reduce;
pub mod regress;
mod rows;
pub mod sequences;
pub mod test;
pub mod trends;
