//! Tensors: columns of record batches become the numbers that a network reads.
//!
//! ```text
//! training rows --Fit, one pass--> Encoder --encode--> inputs [n, width], f32, row-major
//!                                          --labelled--> inputs and targets of the rows that have one
//! ```
//!
//! A [`Fit`] learns centers, scales and vocabularies from the rows that it is given, and nothing else ever does:
//! whoever hands it the training rows alone can be sure that no other row has a say. The [`Encoder`] that comes out is
//! stored as JSON and gives the same numbers to the last bit when it is read back.
//!
//! | where | what |
//! |---|---|
//! | `specification` | which columns become what |
//! | `number` | centers and scales |
//! | `category` | vocabularies, one-hot |
//! | `target` | classes and numbers to be foretold |
//! | `fit`, `encoder` | all columns together |

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

pub use category::Category;
pub use encoder::{Encoded, Encoder, Feature, Labelled};
pub use error::TensorError;
pub use fit::Fit;
pub use number::{LARGEST, Number};
pub use specification::{NumberScale, Specification, TargetKind};
pub use target::{Classes, MAX_CLASSES, NumberTarget, Target, Targets};
