//! Partial dependence and individual conditional expectation: what the model says when a column is set to each of
//! several values and all others stay as they are.
//!
//! Friedman 2001, *Greedy function approximation*, section 8.2 (the mean over the rows); Goldstein et al. 2015,
//! *Peeking inside the black box* (a line for each row, and lines centred at their first value, which show interactions:
//! lines that are not parallel). Both go through rows that may not exist where columns hang together.
//!
//! Time: a prediction for each row and value.

use ndarray::Array2;

use super::error::{Error, expect};
use super::model::Predictor;
use super::rows::{Group, Rows, predict_made};

/// What the model says along the values of a column.
#[derive(Debug, Clone, PartialEq)]
pub struct Dependence {
    /// `[rows, values]`: each row with the column at each value.
    pub lines: Array2<f64>,
}

impl Dependence {
    /// The partial dependence: the mean over the rows at each value.
    pub fn mean(&self) -> Vec<f64> {
        let rows = self.lines.nrows().max(1) as f64;
        self.lines.columns().into_iter().map(|column| column.sum() / rows).collect()
    }

    /// The lines of the rows, each 0 at the first value.
    pub fn centred(&self) -> Array2<f64> {
        let mut lines = self.lines.clone();
        for mut line in lines.rows_mut() {
            let first = line.first().copied().unwrap_or(0.0);
            line.mapv_inplace(|value| value - first);
        }
        lines
    }

    /// The standard deviation of the partial dependence over the values, each counting by its weight: how far the
    /// column moves the mean prediction (Greenwell, Boehmke & McCarthy 2018).
    pub fn effect(&self, weights: &[f64]) -> f64 {
        deviation(&self.mean(), weights)
    }

    /// The share of what the column does that differs between rows: 0 when all lines are parallel, 1 when their effects
    /// cancel in the mean. 0 too where the column does nothing.
    ///
    /// It is the mean square of the centred lines around their mean, as part of their mean square around each line's
    /// own mean.
    pub fn heterogeneity(&self, weights: &[f64]) -> f64 {
        let effects = self.lines.rows().into_iter().map(|line| deviation(&line.to_vec(), weights).powi(2));
        let all = effects.sum::<f64>() / self.lines.nrows().max(1) as f64;
        let common = self.effect(weights).powi(2);
        if all > 0.0 { ((all - common) / all).clamp(0.0, 1.0) } else { 0.0 }
    }
}

/// The weighted standard deviation.
fn deviation(values: &[f64], weights: &[f64]) -> f64 {
    let sum: f64 = weights.iter().sum();
    if sum <= 0.0 {
        return 0.0;
    }
    let mean = values.iter().zip(weights).map(|(v, w)| v * w).sum::<f64>() / sum;
    (values.iter().zip(weights).map(|(v, w)| w * (v - mean).powi(2)).sum::<f64>() / sum).sqrt()
}

/// What the model says about each row with a column at each value. `values` has a row for each value, whose numbers of
/// the column are taken.
///
/// Errors: no row or no value, no such output, and those of the model.
pub fn dependence(
    model: &dyn Predictor,
    rows: &Rows,
    group: &Group,
    values: &Rows,
    output: usize,
) -> Result<Dependence, Error> {
    let (n, grid) = (rows.len(), values.len());
    if n == 0 || grid == 0 {
        return Err(Error::NoRows);
    }
    expect("the values' inputs", values.blocks().len(), rows.blocks().len())?;
    let said = predict_made(model, rows, n * grid, |made, at, i| {
        made.copy_row(at, rows, i / grid);
        made.copy_group(at, group, values, i % grid);
    })?;
    if output >= said.ncols() {
        return Err(Error::Option(format!("the model has no output {output}")));
    }
    let said = said.column(output).to_vec();
    let lines = Array2::from_shape_vec((n, grid), said).map_err(|error| Error::Option(error.to_string()))?;
    Ok(Dependence { lines })
}

/// Rows whose values stand for a column of numbers: of at most `points` quantiles, equally far in rank, from the `tail` to
/// one minus the `tail`, a row that has the value, ascending by value, each value once. Where there are few different
/// values, a row for each. Values that are not finite do not count.
pub fn quantile_rows(values: &[f64], points: usize, tail: f64) -> Vec<usize> {
    let mut sorted: Vec<(f64, usize)> =
        values.iter().copied().zip(0..).filter(|(value, _)| value.is_finite()).collect();
    sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut different = sorted.clone();
    different.dedup_by(|later, earlier| later.0 == earlier.0);
    if different.len() > points {
        let last = points.saturating_sub(1).max(1) as f64;
        different = (0..points)
            .filter_map(|point| {
                let share = tail + (1.0 - 2.0 * tail) * point as f64 / last;
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank")]
                let rank = (share.clamp(0.0, 1.0) * (sorted.len() - 1) as f64).round() as usize;
                sorted.get(rank).copied()
            })
            .collect();
        different.dedup_by(|later, earlier| later.0 == earlier.0);
    }
    different.into_iter().map(|(_, row)| row).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::explanation::oracle::{Function, cases};

    #[test]
    fn means_and_lines_are_those_of_scikit_learn() {
        for case in cases("dependence") {
            let (model, rows) = (Function::of(&case), case.rows("x"));
            for (column, grid, average, individual) in case.dependences() {
                let mut values = rows.zeros(grid.len());
                for (at, value) in grid.iter().enumerate() {
                    values.blocks_mut()[0][[at, column]] = *value as f32;
                }
                let group = Group::range("x", 0, column..column + 1);
                let found = dependence(&model, &rows, &group, &values, 0).unwrap();
                for (found, expected) in found.mean().iter().zip(&average) {
                    assert!((found - expected).abs() < 1e-6, "{found} is not {expected}");
                }
                for (found, expected) in found.lines.iter().zip(&individual) {
                    assert!((found - expected).abs() < 1e-6, "{found} is not {expected}");
                }
            }
        }
    }

    #[test]
    fn effects_that_cancel_show_in_the_lines_alone() {
        // x0 counts up where x1 is 1 and down where it is -1.
        let model = Function::new(|row| f64::from(row[0] * row[1]));
        let x = Array2::from_shape_fn((10, 2), |(i, j)| if j == 1 && i % 2 == 0 { -1.0 } else { 1.0 });
        let rows = Rows::new(vec![x]).unwrap();
        let mut values = rows.zeros(3);
        (0..3).for_each(|at| values.blocks_mut()[0][[at, 0]] = at as f32);
        let found = dependence(&model, &rows, &Group::range("x0", 0, 0..1), &values, 0).unwrap();
        assert_eq!(found.mean(), [0.0, 0.0, 0.0]);
        assert_eq!(found.centred().row(1).to_vec(), [0.0, 1.0, 2.0]);
        let weights = [1.0; 3];
        assert_eq!((found.effect(&weights), found.heterogeneity(&weights)), (0.0, 1.0));
        let straight = Function::new(|row| f64::from(row[0] + row[1]));
        let found = dependence(&straight, &rows, &Group::range("x0", 0, 0..1), &values, 0).unwrap();
        assert!(found.heterogeneity(&weights) < 1e-12);
        assert!((found.effect(&weights) - (2.0_f64 / 3.0).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn a_grid_is_of_quantiles_or_of_all_values() {
        let values: Vec<f64> = (0..=1000).map(f64::from).collect();
        assert_eq!(quantile_rows(&values, 5, 0.1), [100, 300, 500, 700, 900]);
        assert_eq!(quantile_rows(&[3.0, f64::NAN, 1.0, 3.0, f64::INFINITY], 5, 0.1), [2, 0]);
        assert!(quantile_rows(&[f64::NAN], 5, 0.1).is_empty());
        // Nine of ten values are equal: the grid has them once.
        let mostly: Vec<f64> = (0..100).map(|i| if i < 90 { 0.0 } else { f64::from(i) }).collect();
        let grid = quantile_rows(&mostly, 8, 0.02);
        assert!(grid.windows(2).all(|pair| mostly[pair[0]] < mostly[pair[1]]), "{grid:?}");
    }
}
