//! Regression: how a target depends on columns, with errors, tests and what is wrong with the model.
//!
//! Rows come as [`Block`]s of a model's matrix and need not be in memory: all that is kept are sums.
//!
//! 1. Linear (ordinary least squares, Gauss 1809): all blocks go to a [`Gram`], from which [`LinearFit`] follows. The sums carry 32 digits, so
//!    the normal equations lose nothing that the data have.
//! 2. Logistic and Poisson: [`Generalized`] asks for passes until it has converged, and gives a [`GeneralizedFit`].
//! 3. [`Diagnostics`] takes the residuals in one more pass: robust errors, leverage, Cook's distance, Durbin-Watson, Breusch-Pagan.
//!
//! # Example
//! ```
//! use gristmill::statistics::regression::{Block, Gram, LinearFit, Values};
//!
//! let block = Block {
//!     terms: vec![(0, Values::One), (1, Values::Numbers(vec![1.0, 2.0, 3.0, 4.0]))],
//!     target: vec![2.0, 4.5, 5.5, 8.0],
//! };
//! let mut gram = Gram::new(2);
//! gram.extend(&[block]);
//! let fit = LinearFit::new(&gram, true)?;
//! assert!((fit.solution.coefficients[1] - 1.9).abs() < 1e-14);
//! # Ok::<(), gristmill::statistics::regression::RegressionError>(())
//! ```

mod block;
mod centre;
mod diagnostics;
mod generalized;
mod gram;
mod linear;
mod solve;
mod two_float;

#[cfg(test)]
mod tests;

pub use block::{BASE, BLOCK_ROWS, Beside, Block, Values};
pub use centre::{centre_of, move_back};
pub use diagnostics::{Diagnostics, Errors, Influence};
pub use generalized::{Family, Generalized, GeneralizedFit, Next, Pass, Weighted, weigh};
pub use gram::Gram;
pub use linear::LinearFit;
pub use solve::Solution;

/// Why there is no fit.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RegressionError {
    /// As many coefficients as rows, or more.
    #[error("the rows ({rows}) are too few for the coefficients ({columns})")]
    TooFewRows {
        /// Rows.
        rows: u64,
        /// Coefficients.
        columns: u64,
    },
    /// Numbers so large that their squares are infinite, or no column that varies.
    #[error("the sums of squares are not finite, or no column has anything to tell")]
    NotFinite,
    /// Some columns tell the classes apart without an error: their coefficients would be infinite.
    #[error("the columns {columns:?} tell the classes apart without an error")]
    Separated {
        /// The columns with the largest part in it.
        columns: Vec<usize>,
    },
    /// Newton's method found no end.
    #[error("no convergence after {steps} steps")]
    NotConverged {
        /// Steps.
        steps: usize,
    },
}
