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
    /// The rows cannot be filtered by their target; a bug.
    #[error("the rows cannot be read: {0}")]
    Rows(String),
}
