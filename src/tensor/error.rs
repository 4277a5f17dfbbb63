//! What can go wrong between columns and tensors.

use super::target::MAX_CLASSES;

/// Why columns cannot become tensors.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TensorError {
    /// A batch lacks a column.
    #[error("the rows have no column `{0}`")]
    MissingColumn(String),
    /// There is nothing to learn from.
    #[error("there is no training row with a value of the target `{0}`")]
    NoRows(String),
    /// A class target with a single class.
    #[error("the target `{column}` has the value `{only}` in all training rows; there is nothing to tell apart")]
    OneClass {
        /// The target.
        column: String,
        /// Its only value.
        only: String,
    },
    /// A binary target with more than two values.
    #[error("the binary target `{column}` has more than two values in the training rows: {examples}, ..")]
    NotBinary {
        /// The target.
        column: String,
        /// The first three values.
        examples: String,
    },
    /// A class target with a value for nearly each row.
    #[error("the target `{0}` has more than {MAX_CLASSES} values in the training rows")]
    TooManyClasses(String),
    /// A number target of a single row.
    #[error("only one training row has a value of the target `{0}`; nothing can be learned from it")]
    OneRow(String),
    /// A number target so large that its mean is not finite.
    #[error("the numbers of the target `{0}` are too large for their mean to be computed")]
    TooLarge(String),
    /// A count target without an event.
    #[error("the count target `{0}` is 0 in all training rows; there is nothing to learn")]
    NoEvent(String),
    /// A count target with a number that is none.
    #[error("the target `{column}` holds {value}, which is no count: counts are whole numbers from 0")]
    NoCount {
        /// The target.
        column: String,
        /// The number.
        value: String,
    },
    /// A target of labels that all rows have, or none.
    #[error("no label of the target `{0}` tells training rows apart: each is in all of them, or there is none")]
    NoLabels(String),
    /// A category column whose means of the target do not fit.
    #[error("the sums of the target by the values of `{0}`, by class and fold, are more than 8,388,608 numbers")]
    TooManyMeans(String),
    /// An image or a sound that cannot be decoded.
    #[error("{place} cannot be read: {reason}")]
    Unreadable {
        /// Which row it is.
        place: String,
        /// The column and why.
        reason: String,
    },
    /// The rows cannot be filtered by their target; a bug.
    #[error("the rows cannot be read: {0}")]
    Rows(String),
}
