//! Judging predicted numbers.

use super::super::{Error, check_finite, check_lengths};
use super::{Judge, Metric, Unit, finite, weight};

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
    truth: Vec<f64>,
    predicted: Vec<f64>,
    quantiles: Vec<f64>,
    /// Rows by absolute error.
    order: Vec<u32>,
    /// By what all numbers are divided so that no square overflows.
    scale: f64,
    /// About the mean of the truth, so that sums of squares keep their digits.
    centre: f64,
    has_deviance: bool,
    zeros: u64,
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
        let mut order: Vec<(f64, u32)> = truth.iter().zip(&predicted).map(|(t, p)| (t - p).abs()).zip(0u32..).collect();
        order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
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
        Ok(Self {
            metrics,
            centre: truth.iter().map(|t| t / count).sum(),
            zeros: truth.iter().filter(|t| **t == 0.0).count() as u64,
            order: order.into_iter().map(|(_, row)| row).collect(),
            truth,
            predicted,
            quantiles: quantiles.to_vec(),
            scale,
            has_deviance,
        })
    }

    /// Rows whose true number is 0: MAPE leaves them out.
    pub fn zeros(&self) -> u64 {
        self.zeros
    }

    fn error(&self, row: u32) -> f64 {
        let row = row as usize;
        self.truth.get(row).zip(self.predicted.get(row)).map_or(0.0, |(t, p)| (t - p).abs())
    }

    /// The median of the absolute errors, the mean of the middle two of an even number; and the largest.
    fn ranks(&self, weights: &[u32]) -> Option<(f64, f64)> {
        let rows = || self.order.iter().filter_map(|row| Some((*row, *weights.get(*row as usize)?)));
        let all: u64 = rows().map(|(_, weight)| u64::from(weight)).sum();
        let (low, high) = (all.checked_sub(1)? / 2, all / 2);
        let (mut before, mut lower, mut median, mut largest) = (0, None, None, 0);
        for (row, weight) in rows().filter(|(_, weight)| *weight > 0) {
            before += u64::from(weight);
            largest = row;
            if lower.is_none() && before > low {
                lower = Some(self.error(row));
            }
            if median.is_none() && before > high {
                median = lower.map(|lower| lower + (self.error(row) - lower) / 2.0);
            }
        }
        Some((median?, self.error(largest)))
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
        self.truth.len()
    }

    fn scores(&self, weights: &[u32]) -> Vec<Option<f64>> {
        let (mut all, mut errors, mut absolute, mut squares) = (0.0, 0.0, 0.0, 0.0);
        let (mut sum, mut sum_squares) = (0.0, 0.0);
        let (mut shares, mut with_share, mut symmetric, mut deviance) = (0.0, 0.0, 0.0, 0.0);
        let mut pinball = vec![0.0; self.quantiles.len()];
        let (mut lowest, mut highest) = (f64::INFINITY, f64::NEG_INFINITY);
        for (row, (&t, &p)) in self.truth.iter().zip(&self.predicted).enumerate() {
            let weight = weight(weights, row);
            if weight == 0.0 {
                continue;
            }
            let (error, centred) = (t - p, t - self.centre);
            all += weight;
            errors += weight * error;
            absolute += weight * error.abs();
            squares += weight * error * error;
            sum += weight * centred;
            sum_squares += weight * centred * centred;
            lowest = t.min(lowest);
            highest = t.max(highest);
            if t != 0.0 {
                shares += weight * (error / t).abs();
                with_share += weight;
            }
            if error != 0.0 {
                symmetric += weight * 2.0 * error.abs() / (t.abs() + p.abs());
            }
            for (sum, q) in pinball.iter_mut().zip(&self.quantiles) {
                *sum += weight * (q * error).max((q - 1.0) * error);
            }
            if self.has_deviance {
                let ratio = if t > 0.0 { t * (t / p).ln() } else { 0.0 };
                deviance += weight * 2.0 * (ratio - t + p);
            }
        }
        let mean = |sum: f64| (all > 0.0).then(|| sum / all);
        let varies = lowest < highest;
        let spread = sum_squares - sum * sum / all;
        let bias = errors / all;
        let ranks = self.ranks(weights);
        let mut scores = vec![
            varies.then(|| 1.0 - squares / spread),
            mean(absolute).map(|value| value * self.scale),
            mean(squares).map(|value| value.sqrt() * self.scale),
            ranks.map(|(median, _)| median * self.scale),
            ranks.map(|(_, largest)| largest * self.scale),
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
