//! Learning the means of a target by the values of a column.

use arrow::array::ArrayRef;
use rustc_hash::FxHashMap;

use super::answers::{Answers, Question};
use super::folds::Folds;
use super::options::{MeanOptions, MeanScale, Smoothing};
use super::sums::{Moments, Sums};
use super::{MeanColumn, Stored, TargetMean};
use crate::tensor::category::visit_texts;
use crate::tensor::error::TensorError;
use crate::tensor::target::Target;

/// Different values that are summed up; of more the first ones are.
const SUMMED: usize = 1 << 17;
/// Sums that are held at most: those of a value by fold, and by class where the target has classes.
const MOST_SUMS: usize = 1 << 23;
/// Numbers that are kept at most: the means of a value for all rows and without each fold.
const MOST_NUMBERS: usize = 1 << 22;

/// Learns the means of the targets by the values of a column, for all rows and without each fold, in one pass.
///
/// Time: a hash for each value, and for each class the logarithm of how many a value has. Memory: some sums for each of
/// at most 131,072 values; of later values nothing is known, they count as rare.
#[derive(Debug)]
pub(in crate::tensor) struct TargetMeanFit {
    pub(in crate::tensor) name: String,
    options: MeanOptions,
    folds: Folds,
    are_numbers: Vec<bool>,
    values: FxHashMap<String, Sums>,
    missing: Sums,
    all: Sums,
    /// Values and their sums that may still be added.
    room: usize,
    sums: usize,
    /// Whether there are values of which nothing is known.
    has_more: bool,
}

impl TargetMeanFit {
    pub(in crate::tensor) fn new(name: &str, options: &MeanOptions, questions: &[Question]) -> Self {
        let are_numbers: Vec<bool> = questions.iter().map(Question::is_number).collect();
        let empty = Sums::new(options.folds, &are_numbers);
        Self {
            name: name.to_owned(),
            options: options.clone(),
            folds: Folds::new(options.seed, options.folds),
            values: FxHashMap::default(),
            missing: empty.clone(),
            all: empty,
            room: SUMMED.min(MOST_SUMS / (usize::from(options.folds) * are_numbers.len().max(1))),
            sums: 0,
            has_more: false,
            are_numbers,
        }
    }

    /// Learns from rows that have all targets; `numbers` are those of the rows among all training rows.
    ///
    /// Errors: a target with so many classes that its sums by the values of the column do not fit.
    pub(in crate::tensor) fn add(
        &mut self,
        array: &ArrayRef,
        answers: &[Answers],
        numbers: &[u64],
    ) -> Result<(), TensorError> {
        let folds: Vec<u16> = numbers.iter().map(|row| self.folds.of(*row)).collect();
        let Self { options, are_numbers, values, missing, all, room, sums, has_more, .. } = self;
        visit_texts(array, |row, text| {
            let Some(fold) = folds.get(row).copied() else { return };
            all.add(fold, answers, row);
            *sums += match text {
                None => missing.add(fold, answers, row),
                Some(text) => match values.get_mut(text) {
                    Some(own) => own.add(fold, answers, row),
                    None if *room > 0 => {
                        *room -= 1;
                        let mut own = Sums::new(options.folds, are_numbers);
                        let grown = own.add(fold, answers, row);
                        values.insert(text.to_owned(), own);
                        grown
                    }
                    None => {
                        *has_more = true;
                        0
                    }
                },
            };
        });
        if self.sums > MOST_SUMS { Err(TensorError::TooManyMeans(self.name.clone())) } else { Ok(()) }
    }

    /// The encoder; `questions` and `targets` are those that the rows answered.
    pub(in crate::tensor) fn finish(self, questions: &[Question], targets: &[Target]) -> TargetMean {
        let asked: Vec<(usize, Option<(String, u32)>)> = questions
            .iter()
            .zip(targets)
            .enumerate()
            .flat_map(|(at, (question, target))| question.columns(target).into_iter().map(move |class| (at, class)))
            .collect();
        let (folds, rows) = (self.options.folds, self.all.all_rows());
        let per_value = (usize::from(folds) + 1) * asked.len().max(1);
        let most = self.options.max_categories.min(MOST_NUMBERS / per_value);
        let mut kept: Vec<(String, Sums)> = self.values.into_iter().collect();
        kept.retain(|(_, sums)| sums.all_rows() >= self.options.min_count);
        kept.sort_by(|(a, x), (b, y)| y.all_rows().cmp(&x.all_rows()).then_with(|| a.cmp(b)));
        kept.truncate(most);
        let missing = self.missing.all_rows();
        let known: u64 = kept.iter().map(|(_, sums)| sums.all_rows()).sum();
        let columns: Vec<MeanColumn> = asked
            .iter()
            .map(|(target, class)| {
                let number = class.as_ref().map(|(_, number)| *number);
                let mean = |sums: &Sums| code(sums, &self.all, *target, number, None, self.options.smoothing);
                let all = self.all.moments(*target, number, None);
                let deviation = match self.options.scale {
                    MeanScale::None => 1.0,
                    MeanScale::Standard => {
                        let values = kept.iter().map(|(_, sums)| sums).chain([&self.missing]);
                        deviation(values.map(|sums| (mean(sums), sums.all_rows())), all.mean, rows)
                    }
                };
                MeanColumn {
                    target: questions.get(*target).map(|question| question.column.clone()).unwrap_or_default(),
                    class: class.as_ref().map(|(name, _)| name.clone()),
                    mean: if all.mean.is_finite() { all.mean } else { 0.0 },
                    deviation,
                }
            })
            .collect();
        let has_mean = missing > 0 && missing >= self.options.min_count;
        let table = |without: Option<u16>| {
            let values = kept.iter().map(|(_, sums)| Some(sums)).chain([has_mean.then_some(&self.missing), None]);
            let number = |sums: Option<&Sums>, at: usize| -> f32 {
                let Some(((target, class), column)) = asked.get(at).zip(columns.get(at)) else { return 0.0 };
                let class = class.as_ref().map(|(_, number)| *number);
                let mean = match sums {
                    Some(sums) => code(sums, &self.all, *target, class, without, self.options.smoothing),
                    None => prior(&self.all, *target, class, without).mean,
                };
                column.scaled(mean, self.options.scale)
            };
            values.flat_map(|sums| (0..asked.len()).map(move |at| number(sums, at))).collect::<Vec<f32>>()
        };
        let tables = std::iter::once(None).chain((0..folds).map(Some)).map(table).collect();
        let is_complete = !self.has_more && known + missing == rows;
        let stored = Stored {
            name: self.name,
            counts: kept.iter().map(|(_, sums)| sums.all_rows()).collect(),
            words: kept.into_iter().map(|(word, _)| word).collect(),
            columns,
            tables,
            rare: if is_complete { 0 } else { rows - known - missing },
            beyond: self.has_more,
            missing,
            rows,
            options: self.options,
        };
        TargetMean::new(stored)
    }
}

/// The moments of all rows without a fold; those of all rows where no others are left.
fn prior(all: &Sums, target: usize, class: Option<u32>, without: Option<u16>) -> Moments {
    let others = all.moments(target, class, without);
    if others.count > 0.0 { others } else { all.moments(target, class, None) }
}

/// The smoothed mean of a value, without a fold.
///
/// With `n` rows of the value of mean `m` and sum of squared deviations `d`, and all rows of mean `p` and variance `v`:
/// `auto` gives `l m + (1 - l) p` with `l = v n / (v n + d / n)`, the empirical Bayes estimate of Micci-Barreca 2001, *A
/// preprocessing scheme for high-cardinality categorical attributes*, equation 5, in the form of scikit-learn's
/// `TargetEncoder(smooth="auto")`; a number `s` gives `(n m + s p) / (n + s)`. Without rows both give `p`.
fn code(sums: &Sums, all: &Sums, target: usize, class: Option<u32>, without: Option<u16>, smoothing: Smoothing) -> f64 {
    let (own, prior) = (sums.moments(target, class, without), prior(all, target, class, without));
    if own.count == 0.0 {
        return prior.mean;
    }
    let share = match smoothing {
        Smoothing::Rows(rows) => own.count / (own.count + rows),
        Smoothing::Auto => {
            let certain = prior.variance() * own.count;
            certain / (certain + own.squares / own.count)
        }
    };
    // No row of the value differs from another, and none of all does.
    if share.is_nan() { prior.mean } else { share * own.mean + (1.0 - share) * prior.mean }
}

/// How far the means of rows lie from the mean of all; 1 where they do not, so that what differs later is left as it is.
#[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 rows do not occur")]
fn deviation(means: impl Iterator<Item = (f64, u64)>, center: f64, rows: u64) -> f64 {
    let squares: f64 = means.map(|(mean, rows)| rows as f64 * (mean - center) * (mean - center)).sum();
    let deviation = (squares / rows.max(1) as f64).sqrt();
    // Rounding alone leaves some last digits.
    let least = center.abs() * 1e-12;
    if deviation.is_finite() && deviation > least { deviation } else { 1.0 }
}
