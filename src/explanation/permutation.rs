//! Permutation importance: how much worse a model gets when the values of a column are shuffled among the rows.
//!
//! Breiman 2001, *Random forests*; for any model Fisher, Rudin & Dominici 2019, *All models are wrong, but many are
//! useful*. The column keeps its distribution and loses what it has to do with the target and the other columns. All
//! numbers that were made of a column are shuffled together. A column that the others can replace has little
//! importance although the model reads it, and shuffling may make rows that cannot be.
//!
//! Time: `repeats` predictions of all rows for each column. Predictions are judged once; each of the `resamples` then only
//! counts rows otherwise, which takes `O(n)`. Memory: a byte for each row and resample, and the predictions of the repeats.

use ndarray::{Array2, ArrayView2, s};
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::error::Error;
use super::model::Predictor;
use super::rows::{Group, Rows, predict_made, predictions};

/// How good predictions are when each row counts as often as the argument says; none where the metric is not defined.
pub type Judged<'a> = Box<dyn Fn(&[u8]) -> Option<f64> + Send + Sync + 'a>;

/// Looks at predictions `[n, outputs]` once, so that they can be judged for many ways to count rows.
pub type Metric<'a> = dyn Fn(ArrayView2<'_, f64>) -> Judged<'a> + Sync + 'a;

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
    let all = vec![1_u8; n];
    let plain = metric(predictions(model, rows)?.view());
    let undefined = || Error::Option("the metric is not defined for these rows".to_owned());
    let baseline = plain(&all).ok_or_else(undefined)?;
    let drawn: Vec<Vec<u8>> =
        (0..options.resamples).into_par_iter().map(|resample| draw(options.seed, resample, n)).collect();
    let baselines: Vec<Option<f64>> = drawn.par_iter().map(|counts| plain(counts)).collect();
    let worse = |plain: f64, shuffled: f64| if options.higher_is_better { plain - shuffled } else { shuffled - plain };
    let mut columns = Vec::with_capacity(groups.len());
    for (number, group) in groups.iter().enumerate() {
        let orders: Vec<Vec<usize>> =
            (0..options.repeats).map(|repeat| order(options.seed, number, repeat, n)).collect();
        let shuffled = predict_shuffled(model, rows, group, &orders)?;
        let judged: Vec<Judged<'_>> =
            (0..options.repeats).into_par_iter().map(|repeat| metric(repeat_of(&shuffled, repeat, n))).collect();
        let repeats = judged
            .par_iter()
            .map(|judged| judged(&all).map(|value| worse(baseline, value)).ok_or_else(undefined))
            .collect::<Result<Vec<f64>, Error>>()?;
        let mut resampled: Vec<f64> = drawn
            .par_iter()
            .zip(&baselines)
            .enumerate()
            .filter_map(|(resample, (counts, baseline))| {
                let judged = judged.get(resample % judged.len())?;
                Some(worse((*baseline)?, judged(counts)?))
            })
            .collect();
        let value = repeats.iter().sum::<f64>() / repeats.len() as f64;
        columns.push(Importance { value, interval: interval(&mut resampled, options.level), repeats });
    }
    Ok(PermutationImportance { baseline, columns })
}

/// What the model says when a column has the values of other rows, for one order after the other: row `i` has those of
/// row `order[i]`.
fn predict_shuffled(
    model: &dyn Predictor,
    rows: &Rows,
    group: &Group,
    orders: &[Vec<usize>],
) -> Result<Array2<f64>, Error> {
    let n = rows.len();
    predict_made(model, rows, orders.len() * n, |made, at, i| {
        let row = i % n;
        made.copy_row(at, rows, row);
        made.copy_group(at, group, rows, orders.get(i / n).and_then(|order| order.get(row)).copied().unwrap_or(row));
    })
}

/// The predictions of one of the orders.
fn repeat_of(shuffled: &Array2<f64>, repeat: usize, n: usize) -> ArrayView2<'_, f64> {
    shuffled.slice(s![repeat * n..(repeat + 1) * n, ..])
}

/// The order of a repeat, which depends on nothing but its numbers.
fn order(seed: u64, column: usize, repeat: usize, n: usize) -> Vec<usize> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(((column as u64 + 1) << 24) | repeat as u64);
    let mut order: Vec<usize> = (0..n).collect();
    order.shuffle(&mut rng);
    order
}

/// How often each row comes when as many rows are drawn with replacement; more than 255 times does not happen.
fn draw(seed: u64, resample: usize, n: usize) -> Vec<u8> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(resample as u64);
    let mut counts = vec![0_u8; n];
    for _ in 0..n {
        if let Some(count) = counts.get_mut(rng.random_range(0..n)) {
            *count = count.saturating_add(1);
        }
    }
    counts
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
    fn r2<'a>(truth: &'a [f64]) -> impl Fn(ArrayView2<'_, f64>) -> Judged<'a> + Sync + 'a {
        move |predicted| {
            let predicted = predicted.column(0).to_vec();
            Box::new(move |counts| {
                let n: f64 = counts.iter().map(|count| f64::from(*count)).sum();
                let sum = |of: &dyn Fn(usize) -> f64| -> f64 {
                    counts.iter().enumerate().map(|(row, count)| f64::from(*count) * of(row)).sum()
                };
                let mean = sum(&|row| truth[row]) / n;
                let rest = sum(&|row| (truth[row] - predicted[row]).powi(2));
                let all = sum(&|row| (truth[row] - mean).powi(2));
                (all > 0.0).then(|| 1.0 - rest / all)
            })
        }
    }

    #[test]
    fn the_drop_for_a_given_order_is_that_of_scikit_learn() {
        for case in cases("permutation") {
            let (model, rows) = (Function::of(&case), case.rows("x"));
            let truth = case.list("truth");
            let plain = predictions(&model, &rows).unwrap();
            let all = vec![1_u8; rows.len()];
            let baseline = r2(&truth)(plain.view())(&all).unwrap();
            for (column, orders) in case.orders().iter().enumerate() {
                let group = Group::range("x", 0, column..column + 1);
                let (orders, drops): (Vec<Vec<usize>>, Vec<f64>) = orders.iter().cloned().unzip();
                let shuffled = predict_shuffled(&model, &rows, &group, &orders).unwrap();
                for (repeat, expected) in drops.iter().enumerate() {
                    let drop = baseline - r2(&truth)(repeat_of(&shuffled, repeat, rows.len()))(&all).unwrap();
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
        let right = |_: ArrayView2<'_, f64>| -> Judged<'static> { Box::new(|_| Some(1.0)) };
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
        let loss = |p: ArrayView2<'_, f64>| -> Judged<'static> {
            let losses: Vec<f64> = p.iter().zip([2.0, 4.0, 10.0, 14.0]).map(|(p, y)| (p - y).powi(2)).collect();
            Box::new(move |counts| Some(losses.iter().zip(counts).map(|(loss, n)| loss * f64::from(*n)).sum()))
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

    #[test]
    fn answers_do_not_hang_on_the_number_of_threads() {
        let model = Function::new(|row| f64::from(row[0]).sin() + f64::from(row[1] * row[2]));
        let x = Array2::from_shape_fn((3_000, 3), |(i, j)| ((i * (2 * j + 3)) % 19) as f32 / 7.0);
        let truth: Vec<f64> = x.rows().into_iter().map(|row| f64::from(row[0] - row[2])).collect();
        let rows = Rows::new(vec![x]).unwrap();
        let groups: Vec<Group> = (0..3).map(|at| Group::range(format!("x{at}"), 0, at..at + 1)).collect();
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let options = PermutationOptions { seed: 8, ..PermutationOptions::default() };
            pool.install(|| permutation_importance(&model, &rows, &groups, &r2(&truth), &options).unwrap())
        };
        assert_eq!(with(1), with(3));
    }

    #[test]
    fn rows_drawn_again_are_as_many_as_there_are() {
        for resample in 0..20 {
            let counts = draw(4, resample, 300);
            assert_eq!(counts.iter().map(|count| usize::from(*count)).sum::<usize>(), 300);
            assert!(counts.contains(&0) && counts.iter().any(|count| *count > 2));
        }
    }
}
