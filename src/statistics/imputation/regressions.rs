//! Missing values by chained regressions.
//!
//! Each column with gaps is regressed on all others; its missing values become what the regression says; after the last
//! column the first follows again, until the values settle: van Buuren & Groothuis-Oudshoorn 2011, *mice*, with the expected
//! value in the place of a draw, as scikit-learn's `IterativeImputer` does by default. Gaps are filled by the mean to begin
//! with, the columns come in the order of their number of gaps, and the regression is a Bayesian ridge regression. All columns are brought
//! to mean 0 and deviation 1 first, so that one tolerance and one prior fit all.
//!
//! Applying repeats the same rounds with the same coefficients on each row alone.
//!
//! # Complexity
//! Learning: O(r t n w^2) for r rounds, t targets and n rows of w columns. Applying: O(r m w) for a row with m gaps.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::bayesian_ridge::{Sums, regress};
use super::center_and_scale;

/// When the rounds end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChainOptions {
    /// Rounds at most.
    pub rounds: usize,
    /// The values have settled when none moves by more than this many deviations, times the largest value.
    pub tolerance: f64,
}

impl Default for ChainOptions {
    fn default() -> Self {
        Self { rounds: 10, tolerance: 1e-3 }
    }
}

/// Regressions in the order in which they are applied. See the [module](self).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Chain {
    /// Mean and deviation of each column.
    scales: Vec<(f64, f64)>,
    /// One after the other, all rounds.
    steps: Vec<Step>,
    rounds: usize,
    settled: bool,
}

/// One regression: the column becomes `intercept + sum(coefficients * columns)` where it is missing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Step {
    column: usize,
    intercept: f64,
    /// One for each column; that of the column itself is 0.
    coefficients: Vec<f64>,
}

impl Chain {
    /// Learns from rows: `columns` of one length, `targets` the numbers of those that are filled.
    #[must_use]
    pub fn learn(columns: &[Vec<Option<f64>>], targets: &[usize], options: &ChainOptions) -> Self {
        let known = |value: &Option<f64>| value.filter(|value| value.is_finite());
        let scales: Vec<(f64, f64)> =
            columns.iter().map(|values| center_and_scale(values.iter().filter_map(known))).collect();
        let missing: Vec<Vec<bool>> =
            columns.iter().map(|values| values.iter().map(|value| known(value).is_none()).collect()).collect();
        let mut filled: Vec<Vec<f64>> = columns
            .iter()
            .zip(&scales)
            .map(|(values, (center, scale))| {
                values.iter().map(|value| known(value).map_or(0.0, |value| (value - center) / scale)).collect()
            })
            .collect();
        let gaps = |column: &usize| missing.get(*column).map_or(0, |gaps| gaps.iter().filter(|gap| **gap).count());
        let mut order = targets.to_vec();
        order.sort_by_key(gaps);
        let largest = filled.iter().flatten().fold(0.0_f64, |largest, value| largest.max(value.abs()));
        let mut chain = Self { scales, steps: Vec::new(), rounds: 0, settled: false };
        for _ in 0..options.rounds {
            let mut moved = 0.0_f64;
            for &target in &order {
                let Some(gaps) = missing.get(target) else { continue };
                if gaps.iter().all(|gap| *gap) {
                    continue;
                }
                let step = regression(&filled, gaps, target);
                let said: Vec<(usize, f64)> = gaps
                    .par_iter()
                    .enumerate()
                    .filter(|(_, gap)| **gap)
                    .map(|(row, _)| (row, step.says(|column| filled[column][row])))
                    .collect();
                for (row, value) in said {
                    moved = moved.max((filled[target][row] - value).abs());
                    filled[target][row] = value;
                }
                chain.steps.push(step);
            }
            chain.rounds += 1;
            if moved < options.tolerance * largest || moved == 0.0 {
                chain.settled = true;
                break;
            }
        }
        chain
    }

    /// Rounds until the values settled, or the most that were allowed.
    #[must_use]
    pub fn rounds(&self) -> usize {
        self.rounds
    }

    /// Whether the values settled.
    #[must_use]
    pub fn has_settled(&self) -> bool {
        self.settled
    }

    /// Number of columns of a row.
    #[must_use]
    pub fn width(&self) -> usize {
        self.scales.len()
    }

    /// Whether the parts fit together, as those of a stored chain must before it is used.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.steps.iter().all(|step| step.column < self.width() && step.coefficients.len() == self.width())
    }

    /// The coefficients of a column in the last round, for columns of mean 0 and deviation 1; none for a column that no
    /// regression fills.
    #[must_use]
    pub fn coefficients(&self, column: usize) -> Option<&[f64]> {
        self.steps.iter().rfind(|step| step.column == column).map(|step| step.coefficients.as_slice())
    }

    /// The values of column `target`: their own where there is one, else what the chain says. `columns` of one length.
    #[must_use]
    pub fn fill(&self, target: usize, columns: &[Vec<Option<f64>>]) -> Vec<Option<f64>> {
        let Some(own) = columns.get(target) else { return Vec::new() };
        let Some((center, scale)) = self.scales.get(target) else { return own.clone() };
        let fill = |(row, value): (usize, &Option<f64>)| {
            value.or_else(|| Some(self.row(columns, row).get(target)? * scale + center))
        };
        own.par_iter().enumerate().with_min_len(256).map(fill).collect()
    }

    /// The row with its gaps filled, in deviations.
    fn row(&self, columns: &[Vec<Option<f64>>], row: usize) -> Vec<f64> {
        let own = columns.iter().map(|values| values.get(row).copied().flatten().filter(|value| value.is_finite()));
        let own: Vec<Option<f64>> = own.collect();
        let pairs = own.iter().zip(&self.scales);
        let mut filled: Vec<f64> =
            pairs.map(|(value, (center, scale))| value.map_or(0.0, |value| (value - center) / scale)).collect();
        for step in &self.steps {
            if own.get(step.column).is_some_and(Option::is_none) {
                filled[step.column] = step.says(|column| filled[column]);
            }
        }
        filled
    }
}

impl Step {
    fn says(&self, value: impl Fn(usize) -> f64) -> f64 {
        let sum: f64 = self.coefficients.iter().enumerate().map(|(column, c)| c * value(column)).sum();
        self.intercept + sum
    }
}

/// The regression of column `target` on the others, of the rows that have it.
fn regression(filled: &[Vec<f64>], gaps: &[bool], target: usize) -> Step {
    let others: Vec<usize> = (0..filled.len()).filter(|column| *column != target).collect();
    let rows: Vec<usize> = gaps.iter().enumerate().filter(|(_, gap)| !**gap).map(|(row, _)| row).collect();
    let count = rows.len();
    let mean = |column: usize| rows.iter().map(|row| filled[column][*row]).sum::<f64>() / count.max(1) as f64;
    let means: Vec<f64> = others.iter().map(|column| mean(*column)).collect();
    let target_mean = mean(target);
    // Centered copies, so that a product of columns is one pass over memory.
    let centered = |column: usize, mean: f64| rows.iter().map(|row| filled[column][*row] - mean).collect::<Vec<f64>>();
    let x: Vec<Vec<f64>> = others.iter().zip(&means).map(|(column, mean)| centered(*column, *mean)).collect();
    let y = centered(target, target_mean);
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let width = others.len();
    let mut xx = vec![0.0; width * width];
    let half: Vec<Vec<f64>> =
        (0..width).into_par_iter().map(|i| (0..=i).map(|j| dot(&x[i], &x[j])).collect()).collect();
    for (i, row) in half.iter().enumerate() {
        for (j, value) in row.iter().enumerate() {
            xx[i * width + j] = *value;
            xx[j * width + i] = *value;
        }
    }
    let sums =
        Sums { count, means, mean: target_mean, xx, xy: x.iter().map(|x| dot(x, &y)).collect(), yy: dot(&y, &y) };
    let found = regress(&sums);
    let mut coefficients = vec![0.0; filled.len()];
    for (column, coefficient) in others.iter().zip(found.coefficients) {
        coefficients[*column] = coefficient;
    }
    Step { column: target, intercept: found.intercept, coefficients }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn gaps_are_filled_as_scikit_learn_fills_them() {
        let oracle: serde_json::Value =
            serde_json::from_str(include_str!("../../../tests/data/oracle/preparation_sklearn.json")).unwrap();
        for case in oracle["regressions"].as_array().unwrap() {
            let name = case["name"].as_str().unwrap();
            let columns = |key: &str| -> Vec<Vec<Option<f64>>> {
                let column = |value: &serde_json::Value| {
                    value.as_array().unwrap().iter().map(serde_json::Value::as_f64).collect::<Vec<_>>()
                };
                case[key].as_array().unwrap().iter().map(column).collect()
            };
            let (given, new) = (columns("columns"), columns("new"));
            let targets: Vec<usize> = (0..given.len()).collect();
            let chain = Chain::learn(&given, &targets, &ChainOptions::default());
            assert!(chain.is_sound());
            assert_eq!(chain.rounds() as u64, case["rounds"].as_u64().unwrap(), "{name}");
            for (rows, expected) in [(&given, columns("filled")), (&new, columns("new_filled"))] {
                for target in 0..rows.len() {
                    for (row, found) in chain.fill(target, rows).into_iter().enumerate() {
                        let (found, expected) = (found.unwrap(), expected[target][row].unwrap());
                        assert!((found - expected).abs() < 1e-6, "{name}: {target} {row}: {found} {expected}");
                    }
                }
            }
        }
    }

    #[test]
    fn an_exact_relation_is_found() {
        // y = 3 x + 1, and z is no relation of the two.
        let x: Vec<Option<f64>> = (0..60).map(|i| Some(f64::from(i * 7 % 31))).collect();
        let mut y: Vec<Option<f64>> = x.iter().map(|x| x.map(|x| 3.0 * x + 1.0)).collect();
        let z: Vec<Option<f64>> = (0..60).map(|i| Some(f64::from(i * 11 % 17))).collect();
        y[5] = None;
        y[40] = None;
        let columns = vec![x.clone(), y, z];
        let chain = Chain::learn(&columns, &[1], &ChainOptions::default());
        let filled = chain.fill(1, &columns);
        for row in [5, 40] {
            assert!((filled[row].unwrap() - (3.0 * x[row].unwrap() + 1.0)).abs() < 1e-3);
        }
        assert!(chain.has_settled() && chain.coefficients(0).is_none());
    }

    #[test]
    fn a_column_without_values_becomes_nothing_that_breaks_others() {
        let columns = vec![vec![None; 4], vec![Some(1.0), None, Some(3.0), Some(2.0)]];
        let chain = Chain::learn(&columns, &[0, 1], &ChainOptions::default());
        assert!(chain.fill(1, &columns).iter().all(|value| value.is_some_and(f64::is_finite)));
        assert_eq!(chain.fill(0, &columns), vec![Some(0.0); 4]);
    }
}
