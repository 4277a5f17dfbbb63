//! Judging a binary target.

use super::super::calibration::{BinSums, errors};
use super::super::probabilities::{check, cost};
use super::super::{Borders, Error};
use super::steps::{Counter, Steps};
use super::{Judge, Metric, Unit, finite};

/// Judges probabilities of yes: by what is predicted from a threshold on, by their order, and as probabilities.
///
/// Rows are ranked once. Bins of probabilities, and what is predicted as yes, are stretches of that order, so that a resample is
/// judged in one walk along it.
#[derive(Debug, Clone)]
pub struct BinaryJudge {
    metrics: Vec<Metric>,
    steps: Steps,
    /// Of the rows by their rank.
    costs: Vec<Costs>,
    stretches: Vec<Stretch>,
}

/// What a row costs.
#[derive(Debug, Clone, Copy)]
struct Costs {
    probability: f64,
    loss: f64,
}

/// Rows that follow each other in rank, of one bin, all predicted as yes or none.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Stretch {
    /// Where it ends.
    end: usize,
    bin: usize,
    yes: bool,
}

impl BinaryJudge {
    /// `truth` and `probabilities` are `[n]`; yes is predicted from `threshold` on. Time `O(n log n)`.
    ///
    /// Errors: different lengths, a value outside `[0, 1]`.
    pub fn new(truth: &[bool], probabilities: &[f64], threshold: f64, borders: &Borders) -> Result<Self, Error> {
        check(truth, probabilities)?;
        let metrics = vec![
            Metric::higher("accuracy", Unit::Share),
            Metric::higher("ROC AUC", Unit::Number),
            Metric::higher("precision", Unit::Share),
            Metric::higher("recall", Unit::Share),
            Metric::higher("F1", Unit::Number),
            Metric::higher("balanced accuracy", Unit::Share),
            Metric::higher("average precision", Unit::Number),
            Metric::lower("log loss", Unit::Number),
            Metric::lower("Brier score", Unit::Number),
            Metric::higher("Matthews correlation", Unit::Number),
            Metric::higher("kappa", Unit::Number),
            Metric::lower("expected calibration error", Unit::Share),
            Metric::lower("maximum calibration error", Unit::Share),
        ];
        let probability = |row: usize| probabilities.get(row).copied().unwrap_or(0.0);
        let steps = Steps::new(probability, |row| truth.get(row).copied().unwrap_or(false), probabilities.len());
        let costs = steps.ranked().iter().map(|ranked| {
            let p = probability(ranked.row());
            Costs { probability: p, loss: cost(if ranked.is_true() { p } else { 1.0 - p }) }
        });
        let mut stretches: Vec<Stretch> = Vec::new();
        for (place, ranked) in steps.ranked().iter().enumerate() {
            let p = probability(ranked.row());
            let next = Stretch { end: place + 1, bin: borders.place(p), yes: p >= threshold };
            match stretches.last_mut() {
                Some(last) if (last.bin, last.yes) == (next.bin, next.yes) => last.end = place + 1,
                _ => stretches.push(next),
            }
        }
        Ok(Self { metrics, costs: costs.collect(), stretches, steps })
    }
}

impl Judge for BinaryJudge {
    fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    fn rows(&self) -> usize {
        self.costs.len()
    }

    fn scores(&self, weights: &[u32]) -> Vec<Option<f64>> {
        let (mut tp, mut fp, mut missed, mut tn) = (0.0, 0.0, 0.0, 0.0);
        let (mut loss, mut brier) = (0.0, 0.0);
        let mut bins: Vec<BinSums> = Vec::with_capacity(self.stretches.len());
        let (mut counter, mut start, mut last) = (Counter::default(), 0, None);
        for stretch in &self.stretches {
            let ranked = self.steps.ranked().get(start..stretch.end).unwrap_or_default();
            let costs = self.costs.get(start..stretch.end).unwrap_or_default();
            start = stretch.end;
            let (mut sums, mut counted) = (BinSums::default(), (0u64, 0u64));
            for (ranked, costs) in ranked.iter().zip(costs) {
                let count = weights.get(ranked.row()).copied().unwrap_or(0);
                counter.add(*ranked, count);
                let weight = f64::from(count);
                let (p, is) = (costs.probability, ranked.is_true());
                counted.0 += u64::from(count);
                counted.1 += if is { u64::from(count) } else { 0 };
                sums.probability += weight * p;
                loss += weight * costs.loss;
                let distance = if is { 1.0 - p } else { p };
                brier += weight * distance * distance;
            }
            (sums.rows, sums.trues) = (counted.0 as f64, counted.1 as f64);
            if stretch.yes {
                tp += sums.trues;
                fp += sums.rows - sums.trues;
            } else {
                missed += sums.trues;
                tn += sums.rows - sums.trues;
            }
            // The threshold may lie within a bin.
            match bins.last_mut().filter(|_| last == Some(stretch.bin)) {
                Some(bin) => {
                    bin.rows += sums.rows;
                    bin.probability += sums.probability;
                    bin.trues += sums.trues;
                }
                None => bins.push(sums),
            }
            last = Some(stretch.bin);
        }
        let all = tp + fp + missed + tn;
        let share = |part: f64, whole: f64| (whole > 0.0).then(|| part / whole);
        let (recall, other) = (share(tp, tp + missed), share(tn, tn + fp));
        let balanced = match (recall, other) {
            (Some(a), Some(b)) => Some((a + b) / 2.0),
            (a, b) => a.or(b),
        };
        let products = [tp + fp, tp + missed, tn + fp, tn + missed].map(f64::sqrt);
        let product: f64 = products.iter().product();
        let matthews = (all > 0.0).then(|| if product > 0.0 { (tp * tn - fp * missed) / product } else { 0.0 });
        let chance = ((tp + fp) * (tp + missed) + (tn + fp) * (tn + missed)) / all / all;
        let kappa = (all > 0.0 && chance < 1.0).then(|| ((tp + tn) / all - chance) / (1.0 - chance));
        let calibration = errors(&bins);
        let areas = counter.areas();
        finite([
            share(tp + tn, all),
            areas.roc,
            share(tp, tp + fp),
            recall,
            share(2.0 * tp, 2.0 * tp + fp + missed),
            balanced,
            areas.average_precision,
            share(loss, all),
            share(brier, all),
            matthews,
            kappa,
            calibration.map(|(expected, _)| expected),
            calibration.map(|(_, maximum)| maximum),
        ])
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::super::super::oracle::{assert_metric, booleans, classes, evaluation, numbers};
    use super::super::super::{Binning, Borders};
    use super::*;
    use std::num::NonZeroUsize;

    const TEN: NonZeroUsize = NonZeroUsize::new(10).unwrap();

    fn judge(truth: &[bool], p: &[f64], threshold: f64) -> BinaryJudge {
        BinaryJudge::new(truth, p, threshold, &Borders::new(p, Binning::EqualWidth, TEN)).unwrap()
    }

    #[test]
    fn weighted_rows_are_judged_as_by_scikit_learn() {
        for case in evaluation()["binary"].as_array().unwrap() {
            let (truth, p) = (booleans(&case["truth"]), numbers(&case["probability"]));
            let judge = judge(&truth, &p, case["threshold"].as_f64().unwrap());
            let found = judge.scores(&classes(&case["weights"]));
            assert_eq!(judge.metrics().len(), found.len());
            for (metric, value) in judge.metrics().iter().zip(found) {
                assert!(case["expected"].get(&metric.name).is_some(), "{}", metric.name);
                assert_metric(value, &case["expected"][&metric.name]);
            }
        }
    }

    #[test]
    fn a_row_that_counts_twice_is_two_rows() {
        let (truth, p) = ([true, false, true, false], [0.9, 0.4, 0.4, 0.6]);
        let weights = [2, 1, 0, 3];
        let longer: Vec<(bool, f64)> =
            truth.iter().zip(p).zip(weights).flat_map(|((t, p), w)| vec![(*t, p); w as usize]).collect();
        let (t, q): (Vec<bool>, Vec<f64>) = longer.into_iter().unzip();
        let (few, many) = (judge(&truth, &p, 0.5).scores(&weights), judge(&t, &q, 0.5).scores(&[1; 6]));
        assert_eq!(few.len(), many.len());
        for (a, b) in few.into_iter().zip(many) {
            assert!((a.unwrap() - b.unwrap()).abs() < 1e-14);
        }
    }

    #[test]
    fn one_class_and_no_row_leave_metrics_undefined() {
        let judge = judge(&[true, true], &[0.9, 0.2], 0.5);
        let names: Vec<&str> = judge.metrics().iter().map(|metric| metric.name.as_str()).collect();
        let value = |weights: &[u32], name: &str| judge.scores(weights)[names.iter().position(|n| *n == name).unwrap()];
        assert_eq!((value(&[1, 1], "ROC AUC"), value(&[1, 1], "accuracy")), (None, Some(0.5)));
        assert!(judge.scores(&[0, 0]).iter().all(Option::is_none));
        assert!(BinaryJudge::new(&[true], &[f64::NAN], 0.5, &Borders::new(&[], Binning::EqualWidth, TEN)).is_err());
    }
}
