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
//! | `number` | numbers: scales, quantiles, intervals |
//! | `category` | vocabularies, one-hot, tokens, hashes |
//! | `date` | cycles of the calendar |
//! | [`text`], [`image`], [`audio`], `content` | one text, image or sound; columns of them |
//! | `sequence` | rows of a group as windows |
//! | `target` | classes, labels, numbers and counts to be foretold |
//! | `target_mean` | categories as means of the target, out of fold for training rows |
//! | `vector` | lists of numbers of one size |
//! | `draw` | numbers by chance that follow from where they stand |
//! | `feature`, `fit`, `encoder` | all columns together |
//! | `domain` | what training rows held, and what of new rows they did not |

pub mod audio;
mod block;
mod category;
mod content;
mod date;
mod domain;
mod draw;
mod encoder;
mod error;
mod exact;
mod feature;
mod fit;
pub mod image;
mod number;
mod part;
mod sequence;
mod specification;
mod target;
mod target_mean;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
mod tests;
pub mod text;
mod vector;

pub use block::{Block, BlockKind, TABLE};
pub use category::{Becomes, Category, CategoryEncoding, Embedding, Hash, LARGEST_VOCABULARY, OneHot};
pub use content::{Content, ContentSpec, OnError};
pub use date::{Cycle, Date, DateKind, DateOptions};
pub use domain::{
    ColumnDomain, Domain, DomainFit, Drift, Held, Range, SHIFTED, Strange, Unit, Values, Watch, Watched, What,
};
pub use encoder::{Encoded, Encoder, Labelled, ROW};
pub use error::TensorError;
pub use feature::Feature;
pub use fit::Fit;
pub use number::{
    Bin, Clip, Cut, Form, LARGEST, Number, NumberScale, PiecewiseLinear, Quantile, Robust, Scaling, Spread,
};
pub use sequence::{SEQUENCE, Sequence, SequenceSpec, WINDOW, WindowCounts, Windows};
pub use specification::{FeatureKind, FeatureSpec, Specification, TargetKind, TargetSpec};
pub use target::{Classes, CountTarget, Labels, MAX_CLASSES, NumberTarget, Target, Targets};
pub use target_mean::{MeanColumn, MeanOptions, MeanScale, Smoothing, TRAINING_ROW, TargetMean};
pub use vector::{LONGEST_VECTOR, Vector};
