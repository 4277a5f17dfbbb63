//! Tables become better tables.

pub mod aggregate;
pub mod clean;
pub mod dedupe;
pub mod derive;
pub mod encode;
pub mod filter;
pub mod impute;
pub mod limit;
pub mod link;
pub mod outliers;
pub mod reshape;
pub mod sample;
pub mod select;
pub mod sort;
pub mod split;
pub mod standardize;
pub mod validate;
