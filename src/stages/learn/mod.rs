//! Tables become models.

mod bundle;
mod figures;
mod loader;
mod needs;

pub mod evaluate;
pub mod explain;
pub mod model;
pub mod predict;
pub mod tensors;
pub mod train;
pub mod tune;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
mod tests;
