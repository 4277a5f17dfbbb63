//! What an explanation asks of a model.

use ndarray::{Array2, ArrayView2};

use super::error::Error;

/// Something that predicts.
pub trait Predictor: Sync {
    /// What it says about rows `[n, size]` of all its inputs: `[n, outputs]`.
    ///
    /// Errors: it cannot read the rows, or is to stop.
    fn predict(&self, rows: &[ArrayView2<'_, f32>]) -> Result<Array2<f64>, Error>;
}

/// Something whose predictions have derivatives by its inputs.
pub trait Differentiable: Predictor {
    /// For each input the derivatives `[n, size]` of one output by its numbers, at these rows.
    ///
    /// Errors: as [`Predictor::predict`]; there is no such output.
    fn gradients(&self, rows: &[ArrayView2<'_, f32>], output: usize) -> Result<Vec<Array2<f32>>, Error>;
}
