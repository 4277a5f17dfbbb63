//! How good a model is: its predictions against the truth.
//!
//! ```
//! use gristmill::statistics::evaluation::{ConfusionMatrix, Ranking};
//!
//! let truth = [0, 0, 1, 1];
//! let matrix = ConfusionMatrix::new(&truth, &[0, 1, 1, 1], 2)?;
//! assert_eq!(matrix.tally().accuracy(), Some(0.75));
//! assert_eq!(matrix.tally().scores(1).recall, Some(1.0));
//!
//! let ranking = Ranking::new(&[false, false, true, true], &[0.1, 0.4, 0.35, 0.8])?;
//! assert_eq!(ranking.roc_auc(), Some(0.75));
//! # Ok::<(), gristmill::statistics::evaluation::Error>(())
//! ```
//!
//! | where | what it judges |
//! |---|---|
//! | [`judge`] | all metrics of a kind of target at once, for rows with weights |
//! | [`bootstrap`] | how far a metric may be off: intervals from resampled rows |
//! | [`paired`] | whether one of two models is better on the same rows: McNemar, DeLong, permutation |
//! | [`ConfusionMatrix`], [`ClassTally`] | predicted classes: accuracy, precision, recall, F1, Matthews correlation, kappa |
//! | [`Ranking`] | scores, by the order in which they put the rows: ROC, precision and recall, gains, thresholds |
//! | [`log_loss`], [`brier_score`], [`Calibration`] | probabilities |
//! | [`NormalPlot`] | residuals, beside those of a normal distribution |
//! | [`Temperature`] | probabilities made less sure, or more |
//!
//! A metric that is not defined for the data at hand, such as the recall of a class that never occurs, is `None`, never
//! NaN or a made-up number. Where scikit-learn defines a metric, the definition is the same.

pub mod bootstrap;
mod calibration;
mod confusion_matrix;
mod curves;
pub mod judge;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod oracle;
pub mod paired;
mod probabilities;
mod ranking;
mod residuals;
mod tally;
mod temperature;
mod threshold;

pub use calibration::{Binning, Borders, Calibration, CalibrationBin};
pub use confusion_matrix::{Averages, ClassScores, ConfusionMatrix, MAX_CLASSES};
pub use curves::{GainsPoint, RecallPoint};
pub use probabilities::{brier_score, log_loss, multiclass_brier_score, multiclass_log_loss};
pub use ranking::{Ranking, RocPoint};
pub use residuals::{NormalPlot, NormalPoint, Tail};
pub use tally::ClassTally;
pub use temperature::Temperature;
pub use threshold::{ChosenThreshold, Costs, Rule};

use ndarray::ArrayView2;
use thiserror::Error;

/// Predictions that cannot be judged. Rows are counted from 1 in the messages.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum Error {
    /// Truth and prediction have different numbers of rows.
    #[error("there are {truth} true values and {predicted} predictions")]
    Lengths {
        /// How many true values.
        truth: usize,
        /// How many predictions.
        predicted: usize,
    },
    /// A class outside the classes of the model.
    #[error("row {row} has class {class}, but there are {classes} classes, counted from 0")]
    Class {
        /// The row, from 1.
        row: usize,
        /// The class that was found.
        class: u32,
        /// How many classes there are.
        classes: usize,
    },
    /// More classes than a confusion matrix is made for.
    #[error("there are {0} classes, a confusion matrix is made for at most {MAX_CLASSES}")]
    TooManyClasses(usize),
    /// A value that is NaN or infinite.
    #[error("row {row} is {value}, it must be a finite number")]
    NotFinite {
        /// The row, from 1.
        row: usize,
        /// The value that was found.
        value: f64,
    },
    /// A probability outside `[0, 1]`.
    #[error("row {row} is {value}, a probability lies in [0, 1]")]
    Probability {
        /// The row, from 1.
        row: usize,
        /// The value that was found.
        value: f64,
    },
}

fn check_lengths(truth: usize, predicted: usize) -> Result<(), Error> {
    if truth == predicted { Ok(()) } else { Err(Error::Lengths { truth, predicted }) }
}

fn check_classes(ids: &[u32], classes: usize) -> Result<(), Error> {
    match ids.iter().enumerate().find(|(_, id)| **id as usize >= classes) {
        Some((i, &class)) => Err(Error::Class { row: i + 1, class, classes }),
        None => Ok(()),
    }
}

fn check_finite(values: &[f64]) -> Result<(), Error> {
    match values.iter().enumerate().find(|(_, v)| !v.is_finite()) {
        Some((i, &value)) => Err(Error::NotFinite { row: i + 1, value }),
        None => Ok(()),
    }
}

/// Checks `[n, classes]` probabilities and the classes that were true.
fn check_probabilities(truth: &[u32], probabilities: ArrayView2<'_, f64>) -> Result<(), Error> {
    check_lengths(truth.len(), probabilities.nrows())?;
    check_classes(truth, probabilities.ncols())?;
    match probabilities.indexed_iter().find(|(_, p)| !(0.0..=1.0).contains(*p)) {
        Some(((row, _), &value)) => Err(Error::Probability { row: row + 1, value }),
        None => Ok(()),
    }
}
