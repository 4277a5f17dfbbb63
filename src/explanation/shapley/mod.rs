//! By how much each column moves the prediction of a row away from the mean prediction.
//!
//! Shapley 1953, *A value for n-person games*; Lundberg & Lee 2017, *A unified approach to interpreting model
//! predictions*. The players are the columns; a column that does not play has the value of a row of a background
//! sample, one after the other, whatever the other columns say (the marginal or interventional way: Janzing, Minorics
//! & Blöbaum 2020). The values of a row add up to its prediction minus the mean prediction of the background.
//!
//! | | for | error |
//! |---|---|---|
//! | [`linear`] | models without a hidden layer | none but rounding |
//! | [`exact`] | few columns: all subsets are asked | none but rounding |
//! | [`sampled`] | any model: random orders of the columns | standard errors; adds up exactly |
//! | [`expected_gradients`] | models with derivatives | standard errors, and how far the values miss the sum |

mod exact;
mod expected_gradients;
mod linear;
mod sampled;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

use std::ops::Range;

use ndarray::{Array2, s};

use super::error::Error;
use super::model::Predictor;
use super::rows::{Rows, predictions};

pub use exact::{MOST_COLUMNS, exact};
pub use expected_gradients::{GradientOptions, expected_gradients};
pub use linear::linear;
pub use sampled::{SampledOptions, sampled};

/// What moved the predictions of some rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Attributions {
    /// `[rows, columns]`: by how much a column moved the prediction.
    pub values: Array2<f64>,
    /// `[rows, columns]`: standard errors of the values; 0 where nothing was drawn.
    pub errors: Array2<f64>,
    /// The mean prediction of the background, from which the values lead to the predictions.
    pub base: f64,
    /// `[rows]`: the predictions.
    pub outputs: Vec<f64>,
}

impl Attributions {
    /// For each row how far base and values together miss the prediction: 0 but for rounding where a method is exact.
    pub fn gaps(&self) -> Vec<f64> {
        let sums = self.values.rows().into_iter().map(|row| row.sum());
        self.outputs.iter().zip(sums).map(|(output, sum)| output - self.base - sum).collect()
    }

    /// The mean size of the values of each column over the rows: how much it moves predictions at all.
    pub fn mean_sizes(&self) -> Vec<f64> {
        let rows = self.values.nrows().max(1) as f64;
        self.values.columns().into_iter().map(|column| column.iter().map(|v| v.abs()).sum::<f64>() / rows).collect()
    }

    /// Some of the columns.
    pub fn of_columns(&self, columns: Range<usize>) -> Self {
        let part = |table: &Array2<f64>| {
            let end = columns.end.min(table.ncols());
            table.slice(s![.., columns.start.min(end)..end]).to_owned()
        };
        Self { values: part(&self.values), errors: part(&self.errors), base: self.base, outputs: self.outputs.clone() }
    }

    fn new(rows: usize, columns: usize, plain: Plain) -> Self {
        let values = Array2::zeros((rows, columns));
        Self { errors: values.clone(), values, base: plain.base, outputs: plain.outputs }
    }
}

/// The predictions of the rows and the mean prediction of the background.
struct Plain {
    outputs: Vec<f64>,
    base: f64,
}

impl Plain {
    /// Errors: no row, no background, no such output, and those of the model.
    fn of(model: &dyn Predictor, rows: &Rows, background: &Rows, output: usize) -> Result<Self, Error> {
        if rows.is_empty() || background.is_empty() {
            return Err(Error::NoRows);
        }
        let column = |rows: &Rows| {
            let said = predictions(model, rows)?;
            let missing = || Error::Option(format!("the model has no output {output}"));
            if output < said.ncols() { Ok(said.column(output).to_vec()) } else { Err(missing()) }
        };
        let known = column(background)?;
        Ok(Self { outputs: column(rows)?, base: known.iter().sum::<f64>() / known.len() as f64 })
    }
}

/// The standard error of a mean, from the sum and the sum of squares of `n` draws; 0 for a single one.
fn standard_error(sum: f64, squares: f64, n: f64) -> f64 {
    if n < 2.0 { 0.0 } else { (((squares - sum * sum / n) / (n - 1.0)).max(0.0) / n).sqrt() }
}
