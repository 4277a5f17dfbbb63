//! Permutation importance: how much worse a model gets when the values of a column are shuffled among the rows.
//!
//! Breiman 2001, *Random forests*; for any model Fisher, Rudin & Dominici 2019, *All models are wrong, but many are
//! useful*. The column keeps its distribution and loses what it has to do with the target and the other columns. All
//! numbers that were made of a column are shuffled together. A column that the others can replace has little
//! importance although the model reads it, and shuffling may make rows that cannot be.
//!
//! Time: `repeats` predictions of all rows for each column, and `resamples` metrics.

use ndarray::{Array2, ArrayView2};
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::error::Error;
use super::model::Predictor;
use super::rows::{Group, Rows, predict_made, predictions};

/// How good predictions `[n, outputs]` of the rows with these numbers are; none where the metric is not defined for
/// them. Rows may be named several times.
pub type Metric<'a> = dyn Fn(&[usize], ArrayView2<'_, f64>) -> Option<f64> + Sync + 'a;

/// How importance is measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PermutationOptions {
    /// How often each column is shuffled.
    pub repeats: usize,
    /// How often rows are drawn again for the intervals.
    pub resamples: usize,
    /// The share of resamples inside of an interval.
    pub level: f64,
    /// Whether a larger metric is better.
    pub higher_is_better: bool,
    /// Decides how values are shuffled and rows are drawn.
    pub seed: u64,
}

impl Default for PermutationOptions {
    fn default() -> Self {
        Self { repeats: 5, resamples: 200, level: 0.95, higher_is_better: true, seed: 0 }
    }
}

/// The importance of all columns.
#[derive(Debug, Clone, PartialEq)]
pub struct PermutationImportance {
    /// The metric of the rows as they are.
    pub baseline: f64,
    /// The importances in the order of the columns.
    pub columns: Vec<Importance>,
}

/// The importance of one column: by how much the metric gets worse.
#[derive(Debug, Clone, PartialEq)]
pub struct Importance {
    /// The mean over the repeats.
    pub value: f64,
    /// The interval over rows drawn again with replacement and over the repeats; none where too few of them have a
    /// metric.
    pub interval: Option<(f64, f64)>,
    /// Each repeat.
    pub repeats: Vec<f64>,
}

/// Measures how important each column is.
///
/// Errors: no row, no repeat, a metric that is not defined for all rows, and those of the model.
pub fn permutation_importance(
    model: &dyn Predictor,
    rows: &Rows,
    groups: &[Group],
    metric: &Metric<'_>,
    options: &PermutationOptions,
) -> Result<PermutationImportance, Error> {
    let n = rows.len();
    if n == 0 {
        return Err(Error::NoRows);
    }
    if options.repeats == 0 {
        return Err(Error::Option("columns have to be shuffled at least once".to_owned()));
    }
    let all: Vec<usize> = (0..n).collect();
    let plain = predictions(model, rows)?;
    let undefined = || Error::Option("the metric is not defined for these rows".to_owned());
    let baseline = metric(&all, plain.view()).ok_or_else(undefined)?;
    let drawn: Vec<Vec<usize>> = (0..options.resamples).map(|resample| draw(options.seed, resample, n)).collect();
    let baselines: Vec<Option<f64>> = drawn.par_iter().map(|rows| metric(rows, plain.view())).collect();
    let worse = |plain: f64, shuffled: f64| if options.higher_is_better { plain - shuffled } else { shuffled - plain };
    let mut columns = Vec::with_capacity(groups.len());
    for (number, group) in groups.iter().enumerate() {
        let shuffled = (0..options.repeats)
            .map(|repeat| {
                let order = order(options.seed, number, repeat, n);
                predict_shuffled(model, rows, group, &order)
            })
            .collect::<Result<Vec<_>, Error>>()?;
        let repeats = shuffled
            .iter()
            .map(|shuffled| metric(&all, shuffled.view()).map(|value| worse(baseline, value)).ok_or_else(undefined))
            .collect::<Result<Vec<f64>, Error>>()?;
        let mut resampled: Vec<f64> = drawn
            .par_iter()
            .zip(&baselines)
            .enumerate()
            .filter_map(|(resample, (rows, baseline))| {
                let shuffled = shuffled.get(resample % shuffled.len())?;
                Some(worse((*baseline)?, metric(rows, shuffled.view())?))
            })
            .collect();
        let value = repeats.iter().sum::<f64>() / repeats.len() as f64;
        columns.push(Importance { value, interval: interval(&mut resampled, options.level), repeats });
    }
    Ok(PermutationImportance { baseline, columns })
}

/// What the model says when a column has the values of other rows: row `i` those of row `order[i]`.
fn predict_shuffled(model: &dyn Predictor, rows: &Rows, group: &Group, order: &[usize]) -> Result<Array2<f64>, Error> {
    predict_made(model, rows, order.len(), |made, at, i| {
        made.copy_row(at, rows, i);
        made.copy_group(at, group, rows, order.get(i).copied().unwrap_or(i));
    })
}

/// The order of a repeat, which depends on nothing but its numbers.
fn order(seed: u64, column: usize, repeat: usize, n: usize) -> Vec<usize> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(((column as u64 + 1) << 24) | repeat as u64);
    let mut order: Vec<usize> = (0..n).collect();
    order.shuffle(&mut rng);
    order
}

/// Rows drawn with replacement.
fn draw(seed: u64, resample: usize, n: usize) -> Vec<usize> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(resample as u64);
    (0..n).map(|_| rng.random_range(0..n)).collect()
}

/// The middle `level` of the values; none of fewer than 20.
fn interval(values: &mut [f64], level: f64) -> Option<(f64, f64)> {
    if values.len() < 20 {
        return None;
    }
    values.sort_unstable_by(f64::total_cmp);
    let tail = (1.0 - level) / 2.0;
    Some((super::quantile(values, tail)?, super::quantile(values, 1.0 - tail)?))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::explanation::oracle::{Function, cases};
    use ndarray::array;

    /// R2 of the first output.
    fn r2(truth: &[f64]) -> impl Fn(&[usize], ArrayView2<'_, f64>) -> Option<f64> + Sync + '_ {
        move |rows, predicted| {
            let mean = rows.iter().map(|row| truth[*row]).sum::<f64>() / rows.len() as f64;
            let rest: f64 = rows.iter().map(|row| (truth[*row] - predicted[[*row, 0]]).powi(2)).sum();
            let all: f64 = rows.iter().map(|row| (truth[*row] - mean).powi(2)).sum();
            (all > 0.0).then(|| 1.0 - rest / all)
        }
    }

    #[test]
    fn the_drop_for_a_given_order_is_that_of_scikit_learn() {
        for case in cases("permutation") {
            let (model, rows) = (Function::of(&case), case.rows("x"));
            let truth = case.list("truth");
            let plain = predictions(&model, &rows).unwrap();
            let all: Vec<usize> = (0..rows.len()).collect();
            let baseline = r2(&truth)(&all, plain.view()).unwrap();
            for (column, orders) in case.orders().iter().enumerate() {
                let group = Group::range("x", 0, column..column + 1);
                for (order, expected) in orders {
                    let shuffled = predict_shuffled(&model, &rows, &group, order).unwrap();
                    let drop = baseline - r2(&truth)(&all, shuffled.view()).unwrap();
                    assert!((drop - expected).abs() < 1e-5, "{drop} is not {expected}");
                }
            }
        }
    }

    #[test]
    fn a_column_that_the_model_does_not_read_has_no_importance() {
        let model = Function::new(|row| f64::from(row[0]));
        let x = Array2::from_shape_fn((200, 2), |(i, j)| ((i * (j + 3)) % 17) as f32);
        let truth: Vec<f64> = x.column(0).iter().map(|v| f64::from(*v)).collect();
        let rows = Rows::new(vec![x]).unwrap();
        let groups = [Group::range("a", 0, 0..1), Group::range("b", 0, 1..2)];
        let found =
            permutation_importance(&model, &rows, &groups, &r2(&truth), &PermutationOptions::default()).unwrap();
        assert_eq!(found.baseline, 1.0);
        // Shuffled values have nothing to do with the truth: R2 falls by 2.
        assert!((found.columns[0].value - 2.0).abs() < 0.15, "{found:?}");
        let (low, high) = found.columns[0].interval.unwrap();
        assert!(low < found.columns[0].value && found.columns[0].value < high);
        assert_eq!((found.columns[1].value, found.columns[1].interval), (0.0, Some((0.0, 0.0))));
    }

    #[test]
    fn numbers_of_one_column_are_shuffled_together() {
        // The model is wrong as soon as a row has two categories or none.
        let model = Function::new(|row| if row.iter().sum::<f32>() == 1.0 { 1.0 } else { f64::NAN });
        let x = Array2::from_shape_fn((60, 3), |(i, j)| f32::from(u8::from(i % 3 == j)));
        let rows = Rows::new(vec![x]).unwrap();
        let right = |_: &[usize], _: ArrayView2<'_, f64>| Some(1.0);
        let together = [Group::range("carrier", 0, 0..3)];
        let options = PermutationOptions::default();
        assert!(permutation_importance(&model, &rows, &together, &right, &options).is_ok());
        let apart = [Group::range("carrier = A", 0, 0..1)];
        assert_eq!(permutation_importance(&model, &rows, &apart, &right, &options), Err(Error::NotFinite));
    }

    #[test]
    fn the_seed_alone_decides_and_a_loss_that_grows_is_importance() {
        let model = Function::new(|row| f64::from(row[0]) * 2.0);
        let rows = Rows::new(vec![array![[1.0], [2.0], [5.0], [7.0]]]).unwrap();
        let loss = |rows: &[usize], p: ArrayView2<'_, f64>| {
            Some(rows.iter().map(|r| (p[[*r, 0]] - [2.0, 4.0, 10.0, 14.0][*r]).powi(2)).sum::<f64>())
        };
        let options = PermutationOptions { higher_is_better: false, seed: 3, ..PermutationOptions::default() };
        let groups = [Group::range("a", 0, 0..1)];
        let found = permutation_importance(&model, &rows, &groups, &loss, &options).unwrap();
        assert_eq!(found, permutation_importance(&model, &rows, &groups, &loss, &options).unwrap());
        assert_eq!(found.baseline, 0.0);
        assert!(found.columns[0].value > 0.0);
        let none = Rows::new(vec![Array2::zeros((0, 1))]).unwrap();
        assert_eq!(permutation_importance(&model, &none, &groups, &loss, &options), Err(Error::NoRows));
    }
}
