//! Judging predicted numbers.

use super::super::{Error, check_finite, check_lengths};
use super::{Judge, Metric, Unit, finite};

/// Judges predicted numbers against true ones.
///
/// - R2 is the share of the variance that the predictions explain, `1 - Σ (t - p)² / Σ (t - mean)²`; explained variance is the
///   same without the mean error. Neither is defined where the true numbers are all the same.
/// - MAPE is the mean of `|t - p| / |t|`. A true 0 has no such share: those rows are left out and counted
///   ([`NumberJudge::zeros`]). SMAPE is the mean of `|t - p| / ((|t| + |p|) / 2)`, from 0 to 2, where 0 for 0 costs nothing.
/// - The Poisson deviance, `2 mean(t ln(t / p) - t + p)`, is defined where no true number is below 0 and every prediction is
///   above 0.
/// - The pinball loss of a quantile `q` (Koenker & Bassett 1978) is the mean of `max(q (t - p), (q - 1) (t - p))`.
#[derive(Debug, Clone)]
pub struct NumberJudge {
    metrics: Vec<Metric>,
    quantiles: Vec<f64>,
    /// By absolute error, so that the median and the largest one follow from a walk along them.
    rows: Vec<Row>,
    /// By what all numbers are divided so that no square overflows.
    scale: f64,
    has_deviance: bool,
    zeros: u64,
}

/// What a row adds to the sums.
#[derive(Debug, Clone, Copy)]
struct Row {
    /// Its number.
    number: u32,
    /// Whether the true number is not 0, so that the error has a share of it.
    has_share: bool,
    /// True minus predicted.
    error: f64,
    /// The true number minus about the mean of them, so that sums of squares keep their digits.
    centred: f64,
    share: f64,
    symmetric: f64,
    deviance: f64,
}

impl NumberJudge {
    /// `truth` and `predicted` are `[n]`; `quantiles` are those of which the pinball loss is asked. Time `O(n log n)`.
    ///
    /// Errors: different lengths, a number that is not finite.
    pub fn new(truth: &[f64], predicted: &[f64], quantiles: &[f64]) -> Result<Self, Error> {
        check_lengths(truth.len(), predicted.len())?;
        check_finite(truth)?;
        check_finite(predicted)?;
        let largest = truth.iter().chain(predicted).fold(0.0_f64, |largest, value| largest.max(value.abs()));
        let scale = if largest > 1e100 || (largest < 1e-100 && largest > 0.0) { largest } else { 1.0 };
        let (truth, predicted): (Vec<f64>, Vec<f64>) =
            truth.iter().zip(predicted).map(|(t, p)| (t / scale, p / scale)).unzip();
        let has_deviance = truth.iter().zip(&predicted).all(|(t, p)| *t >= 0.0 && *p > 0.0);
        let mut metrics = vec![
            Metric::higher("R2", Unit::Number),
            Metric::lower("mean absolute error", Unit::Target),
            Metric::lower("root mean squared error", Unit::Target),
            Metric::lower("median absolute error", Unit::Target),
            Metric::lower("maximum error", Unit::Target),
            Metric::higher("explained variance", Unit::Number),
            Metric::lower("MAPE", Unit::Share),
            Metric::lower("SMAPE", Unit::Share),
        ];
        metrics.extend(quantiles.iter().map(|q| Metric::lower(format!("pinball loss {q}"), Unit::Target)));
        if has_deviance {
            metrics.push(Metric::lower("Poisson deviance", Unit::Number));
        }
        let count = truth.len().max(1) as f64;
        let centre: f64 = truth.iter().map(|t| t / count).sum();
        let row = |(number, (&t, &p)): (u32, (&f64, &f64))| {
            let error = t - p;
            let ratio = if t > 0.0 { t * (t / p).ln() } else { 0.0 };
            Row {
                number,
                has_share: t != 0.0,
                error,
                centred: t - centre,
                share: if t != 0.0 { (error / t).abs() } else { 0.0 },
                symmetric: if error != 0.0 { 2.0 * error.abs() / (t.abs() + p.abs()) } else { 0.0 },
                deviance: if has_deviance { 2.0 * (ratio - t + p) } else { 0.0 },
            }
        };
        let mut rows: Vec<Row> = (0u32..).zip(truth.iter().zip(&predicted)).map(row).collect();
        rows.sort_unstable_by(|a, b| a.error.abs().total_cmp(&b.error.abs()).then(a.number.cmp(&b.number)));
        Ok(Self {
            metrics,
            zeros: truth.iter().filter(|t| **t == 0.0).count() as u64,
            rows,
            quantiles: quantiles.to_vec(),
            scale,
            has_deviance,
        })
    }

    /// Rows whose true number is 0: MAPE leaves them out.
    pub fn zeros(&self) -> u64 {
        self.zeros
    }

    /// The rows that count, by absolute error, with their weights.
    fn weighted<'a>(&'a self, weights: &'a [u32]) -> impl Iterator<Item = (&'a Row, u32)> {
        let weight = |row: &Row| weights.get(row.number as usize).copied().unwrap_or(0);
        self.rows.iter().map(move |row| (row, weight(row))).filter(|(_, weight)| *weight > 0)
    }

    /// The median of the absolute errors of `all` rows, the mean of the middle two of an even number.
    fn median(&self, weights: &[u32], all: u64) -> Option<f64> {
        let (low, high) = (all.checked_sub(1)? / 2, all / 2);
        let (mut before, mut lower) = (0, None);
        for (row, weight) in self.weighted(weights) {
            before += u64::from(weight);
            let error = row.error.abs();
            let lower = if before > low { *lower.get_or_insert(error) } else { continue };
            if before > high {
                return Some(lower + (error - lower) / 2.0);
            }
        }
        None
    }
}

/// A share of a variance; what rounding leaves of 0 is 0.
fn settled(share: f64) -> f64 {
    if share.abs() < 1e-12 { 0.0 } else { share }
}

impl Judge for NumberJudge {
    fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    fn rows(&self) -> usize {
        self.rows.len()
    }

    fn scores(&self, weights: &[u32]) -> Vec<Option<f64>> {
        let (mut count, mut errors, mut absolute, mut squares) = (0u64, 0.0, 0.0, 0.0);
        let (mut sum, mut sum_squares) = (0.0, 0.0);
        let (mut shares, mut with_share, mut symmetric, mut deviance) = (0.0, 0u64, 0.0, 0.0);
        let mut pinball = vec![0.0; self.quantiles.len()];
        let (mut lowest, mut highest) = (f64::INFINITY, f64::NEG_INFINITY);
        let mut largest = None;
        for (row, weight) in self.weighted(weights) {
            count += u64::from(weight);
            with_share += if row.has_share { u64::from(weight) } else { 0 };
            let weight = f64::from(weight);
            errors += weight * row.error;
            absolute += weight * row.error.abs();
            squares += weight * row.error * row.error;
            sum += weight * row.centred;
            sum_squares += weight * row.centred * row.centred;
            lowest = row.centred.min(lowest);
            highest = row.centred.max(highest);
            shares += weight * row.share;
            symmetric += weight * row.symmetric;
            deviance += weight * row.deviance;
            for (sum, q) in pinball.iter_mut().zip(&self.quantiles) {
                *sum += weight * (q * row.error).max((q - 1.0) * row.error);
            }
            largest = Some(row.error.abs());
        }
        let (all, with_share) = (count as f64, with_share as f64);
        let mean = |sum: f64| (all > 0.0).then(|| sum / all);
        let varies = lowest < highest;
        let spread = sum_squares - sum * sum / all;
        let bias = errors / all;
        let median = self.median(weights, count);
        let mut scores = vec![
            varies.then(|| 1.0 - squares / spread),
            mean(absolute).map(|value| value * self.scale),
            mean(squares).map(|value| value.sqrt() * self.scale),
            median.map(|median| median * self.scale),
            largest.map(|largest| largest * self.scale),
            varies.then(|| settled(1.0 - (squares - all * bias * bias).max(0.0) / spread)),
            (with_share > 0.0).then(|| shares / with_share),
            mean(symmetric),
        ];
        scores.extend(pinball.into_iter().map(|sum| mean(sum).map(|value| value * self.scale)));
        if self.has_deviance {
            scores.push(mean(deviance).map(|value| value * self.scale));
        }
        finite(scores)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::super::super::oracle::{assert_metric, classes, evaluation, numbers, sklearn};
    use super::*;

    fn value(judge: &NumberJudge, weights: &[u32], name: &str) -> Option<f64> {
        let place = judge.metrics().iter().position(|metric| metric.name == name).unwrap();
        judge.scores(weights)[place]
    }

    #[test]
    fn errors_are_those_of_scikit_learn() {
        for case in sklearn()["regression"].as_array().unwrap() {
            let truth = numbers(&case["truth"]);
            let judge = NumberJudge::new(&truth, &numbers(&case["predicted"]), &[]).unwrap();
            let ones = vec![1; truth.len()];
            assert_metric(value(&judge, &ones, "mean absolute error"), &case["mae"]);
            assert_metric(value(&judge, &ones, "root mean squared error"), &case["rmse"]);
            assert_metric(value(&judge, &ones, "R2"), &case["r2"]);
        }
    }

    #[test]
    fn weighted_rows_are_judged_as_by_scikit_learn() {
        for case in evaluation()["regression"].as_array().unwrap() {
            let judge =
                NumberJudge::new(&numbers(&case["truth"]), &numbers(&case["predicted"]), &numbers(&case["quantiles"]));
            let judge = judge.unwrap();
            let found = judge.scores(&classes(&case["weights"]));
            assert_eq!(judge.metrics().len(), case["expected"].as_object().unwrap().len());
            for (metric, value) in judge.metrics().iter().zip(found) {
                assert!(case["expected"].get(&metric.name).is_some(), "{}", metric.name);
                assert_metric(value, &case["expected"][&metric.name]);
            }
            assert_eq!(serde_json::Value::from(judge.zeros()), case["zeros"]);
        }
    }

    #[test]
    fn equal_numbers_have_no_variance_to_explain() {
        let judge = NumberJudge::new(&[0.1; 10], &[0.3; 10], &[]).unwrap();
        assert_eq!((value(&judge, &[1; 10], "R2"), value(&judge, &[1; 10], "explained variance")), (None, None));
        assert!((value(&judge, &[1; 10], "median absolute error").unwrap() - 0.2).abs() < 1e-15);
    }

    #[test]
    fn very_large_and_very_small_numbers_keep_their_digits() {
        for scale in [1e300, 1e-300] {
            let judge = NumberJudge::new(&[0.0, scale], &[scale, scale], &[]).unwrap();
            let rmse = value(&judge, &[1, 1], "root mean squared error").unwrap();
            assert!((rmse / scale - 0.5f64.sqrt()).abs() < 1e-12);
            assert!((value(&judge, &[1, 1], "R2").unwrap() + 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn without_rows_nothing_is_defined() {
        let judge = NumberJudge::new(&[1.0, 2.0], &[1.0, 3.0], &[0.1]).unwrap();
        assert!(judge.scores(&[0, 0]).iter().all(Option::is_none));
        let refusal = |t: &[f64], p: &[f64]| NumberJudge::new(t, p, &[]).unwrap_err().to_string();
        assert_eq!(refusal(&[1.0], &[]), "there are 1 true values and 0 predictions");
        assert_eq!(refusal(&[1.0, f64::NAN], &[1.0, 1.0]), "row 2 is NaN, it must be a finite number");
        assert_eq!(refusal(&[1.0], &[f64::INFINITY]), "row 1 is inf, it must be a finite number");
    }
}
