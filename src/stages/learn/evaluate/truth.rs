//! What is true of the judged rows.

use ndarray::{Array2, Axis};

use super::rows::failed;
use crate::diagnostic::Diagnostic;
use crate::tensor::{Target, Targets};

/// The truth of one target.
#[derive(Debug, Clone)]
pub(super) enum Truth {
    /// Whether yes is true.
    Binary(Vec<bool>),
    /// Classes, and how many there are.
    Classes(Vec<u32>, usize),
    /// `[n, labels]`.
    Labels(Array2<bool>),
    /// Numbers or counts.
    Numbers(Vec<f64>),
}

impl Truth {
    pub(super) fn of(target: &Target) -> Self {
        match target {
            Target::Binary(_) => Self::Binary(Vec::new()),
            Target::Category(classes) => Self::Classes(Vec::new(), classes.names.len()),
            Target::MultiLabel(labels) => Self::Labels(Array2::default((0, labels.names.len()))),
            Target::Number(_) | Target::Count(_) => Self::Numbers(Vec::new()),
        }
    }

    pub(super) fn extend(&mut self, targets: Targets) -> Result<(), Diagnostic> {
        match (self, targets) {
            (Self::Binary(truth), Targets::Classes(classes)) => {
                truth.extend(classes.into_iter().map(|class| class == 1))
            }
            (Self::Classes(truth, _), Targets::Classes(classes)) => truth.extend(classes),
            (Self::Labels(truth), Targets::Labels(labels)) => {
                truth.append(Axis(0), labels.mapv(|has| has > 0.5).view()).map_err(|error| failed(&error))?;
            }
            (Self::Numbers(truth), Targets::Numbers(numbers) | Targets::Counts(numbers)) => truth.extend(numbers),
            _ => return Err(failed(&"the targets are of another kind than the encoder says")),
        }
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Binary(truth) => truth.len(),
            Self::Classes(truth, _) => truth.len(),
            Self::Labels(truth) => truth.nrows(),
            Self::Numbers(truth) => truth.len(),
        }
    }

    /// How many numbers a model says of a row.
    pub(super) fn width(&self) -> usize {
        match self {
            Self::Binary(_) | Self::Numbers(_) => 1,
            Self::Classes(_, classes) => *classes,
            Self::Labels(labels) => labels.ncols(),
        }
    }

    /// The truth of some of the rows.
    pub(super) fn select(&self, rows: &[usize]) -> Self {
        fn of<T: Copy>(values: &[T], rows: &[usize]) -> Vec<T> {
            rows.iter().filter_map(|row| values.get(*row).copied()).collect()
        }
        match self {
            Self::Binary(truth) => Self::Binary(of(truth, rows)),
            Self::Classes(truth, classes) => Self::Classes(of(truth, rows), *classes),
            Self::Labels(truth) => Self::Labels(truth.select(Axis(0), rows)),
            Self::Numbers(truth) => Self::Numbers(of(truth, rows)),
        }
    }
}
