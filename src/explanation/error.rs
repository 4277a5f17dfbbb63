//! What can go wrong when a model is explained.

/// Why there is no explanation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nothing to look at.
    #[error("there are no rows to explain the model with")]
    NoRows,
    /// Rows that do not belong together.
    #[error("{what} has {got}, expected {expected}")]
    Size {
        /// What has the wrong size.
        what: &'static str,
        /// Its size.
        got: usize,
        /// The size that it should have.
        expected: usize,
    },
    /// An option that makes no sense.
    #[error("{0}")]
    Option(String),
    /// More columns than all subsets can be looked at.
    #[error("{columns} columns have too many subsets; at most {most} are enumerated")]
    TooManyColumns {
        /// The columns.
        columns: usize,
        /// The most that are enumerated.
        most: usize,
    },
    /// The model gave something that is not a number.
    #[error("the model gives no finite number for some rows")]
    NotFinite,
    /// The model refused the rows.
    #[error("{0}")]
    Model(String),
    /// The run is to stop.
    #[error("stopped")]
    Stopped,
}

/// Refuses sizes that do not fit.
pub(super) fn expect(what: &'static str, got: usize, expected: usize) -> Result<(), Error> {
    if got == expected { Ok(()) } else { Err(Error::Size { what, got, expected }) }
}
