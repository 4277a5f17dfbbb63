//! Tensors: columns of record batches become the numbers that a network reads.
//!
//! ```text
//! training rows --Fit, one pass--> Encoder --encode--> for each block inputs [n, size], f32, row-major
//!                                          --labelled--> inputs and targets of the rows that have all of them
//! ```
//!
//! A [`Fit`] learns centers, scales and vocabularies from the rows that it is given, and nothing else ever does:
//! whoever hands it the training rows alone can be sure that no other row has a say. The [`Encoder`] that comes out is
//! stored as JSON and gives the same numbers to the last bit when it is read back.
//!
//! | where | what |
//! |---|---|
//! | `specification` | which columns become what |
//! | `block` | the inputs of a network and their shapes |
//! | `number` | centers and scales |
//! | `category` | vocabularies, one-hot |
//! | `target` | classes, labels, numbers and counts to be foretold |
//! | `fit`, `encoder` | all columns together |

mod block;
mod category;
mod encoder;
mod error;
mod exact;
mod fit;
mod number;
mod specification;
mod target;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
mod tests;

pub use block::{Block, BlockKind, TABLE};
pub use category::Category;
pub use encoder::{Encoded, Encoder, Feature, Labelled};
pub use error::TensorError;
pub use fit::Fit;
pub use number::{LARGEST, Number};
pub use specification::{FeatureKind, FeatureSpec, NumberScale, Specification, TargetKind, TargetSpec};
pub use target::{Classes, CountTarget, Labels, MAX_CLASSES, NumberTarget, Target, Targets};
