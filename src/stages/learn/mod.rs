//! Tables become models.

mod bundle;
mod figures;
mod needs;

pub mod evaluate;
pub mod predict;
pub mod tensors;
pub mod train;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
mod tests;
