//! Scores, judged by the order in which they put the rows: the better model puts more of the true ones first.

use super::{Error, check_finite, check_lengths};
use serde::Serialize;

/// Rows ordered by falling score, with equal scores as one step.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranking {
    /// For each score that occurs, from the highest: the score, and how many true and false rows have it or a higher
    /// one.
    steps: Vec<(f64, u64, u64)>,
}

/// A point of the ROC curve: what happens when yes is predicted from `threshold` on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RocPoint {
    /// The lowest score that counts as yes; `None` at the start, where none does.
    pub threshold: Option<f64>,
    /// The share of false rows that are predicted as yes.
    pub false_positive_rate: f64,
    /// The share of true rows that are predicted as yes: the recall.
    pub true_positive_rate: f64,
}

impl Ranking {
    /// Orders the rows. `scores` may be probabilities, logits or any numbers that grow with the belief in yes. Time
    /// `O(n log n)`.
    ///
    /// Errors: different lengths, a score that is not finite.
    pub fn new(truth: &[bool], scores: &[f64]) -> Result<Self, Error> {
        check_lengths(truth.len(), scores.len())?;
        check_finite(scores)?;
        let mut rows: Vec<(f64, bool)> = scores.iter().copied().zip(truth.iter().copied()).collect();
        rows.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        let mut steps: Vec<(f64, u64, u64)> = Vec::new();
        let (mut trues, mut falses) = (0, 0);
        for (score, truth) in rows {
            trues += u64::from(truth);
            falses += u64::from(!truth);
            match steps.last_mut() {
                Some(step) if step.0 == score => *step = (score, trues, falses),
                _ => steps.push((score, trues, falses)),
            }
        }
        Ok(Self { steps })
    }

    /// For each score that occurs, from the highest: the score, and how many true and false rows have it or a higher one.
    pub(super) fn steps(&self) -> &[(f64, u64, u64)] {
        &self.steps
    }

    /// How many rows are true, and how many are not.
    pub(super) fn totals(&self) -> (u64, u64) {
        self.steps.last().map_or((0, 0), |&(_, trues, falses)| (trues, falses))
    }

    /// The area under the ROC curve: the probability that a true row has a higher score than a false one, equal scores
    /// counting one half (Hanley & McNeil 1982). `None` where one of both is missing.
    pub fn roc_auc(&self) -> Option<f64> {
        let (trues, falses) = self.totals();
        if trues == 0 || falses == 0 {
            return None;
        }
        // Twice the area in whole numbers, exact.
        let (mut doubled, mut last) = (0u128, (0u64, 0u64));
        for &(_, trues, falses) in &self.steps {
            doubled += u128::from(falses - last.1) * u128::from(trues + last.0);
            last = (trues, falses);
        }
        Some(doubled as f64 / 2.0 / (trues as f64 * falses as f64))
    }

    /// The average precision, which sums up the precision-recall curve without interpolation: `Σ (R_i - R_{i-1}) P_i`
    /// over the steps. `None` where no row is true.
    pub fn average_precision(&self) -> Option<f64> {
        let (all, _) = self.totals();
        let (mut sum, mut last) = (0.0, 0);
        for &(_, trues, falses) in &self.steps {
            sum += (trues - last) as f64 * (trues as f64 / (trues + falses) as f64);
            last = trues;
        }
        (all > 0).then(|| sum / all as f64)
    }

    /// The ROC curve from (0, 0) to (1, 1), of at most `points` points, at least 2. A longer curve is thinned evenly
    /// along its way; each point that stays is one of the curve. `None` where true or false rows are missing.
    pub fn roc_curve(&self, points: usize) -> Option<Vec<RocPoint>> {
        let (trues, falses) = self.totals();
        if trues == 0 || falses == 0 {
            return None;
        }
        let point = |&(score, t, f): &(f64, u64, u64)| RocPoint {
            threshold: Some(score),
            false_positive_rate: f as f64 / falses as f64,
            true_positive_rate: t as f64 / trues as f64,
        };
        let start = RocPoint { threshold: None, false_positive_rate: 0.0, true_positive_rate: 0.0 };
        let mut curve = vec![start];
        let gaps = points.max(2) - 1;
        if self.steps.len() <= gaps {
            curve.extend(self.steps.iter().map(point));
            return Some(curve);
        }
        // Both rates only grow, so their sum measures the way from 0 to 2. One point is kept for each of `gaps` equal
        // parts of it that the curve enters, the last one it has there; the part of the end holds (1, 1).
        let part = |p: &RocPoint| {
            let way = (p.false_positive_rate + p.true_positive_rate) / 2.0;
            ((way * gaps as f64) as usize).min(gaps - 1)
        };
        let mut rest = self.steps.iter().map(point).peekable();
        while let Some(here) = rest.next() {
            if rest.peek().is_none_or(|next| part(next) != part(&here)) {
                curve.push(here);
            }
        }
        Some(curve)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::super::oracle::{assert_metric, booleans, numbers, sklearn};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn areas_and_curves_are_those_of_scikit_learn() {
        for case in sklearn()["ranking"].as_array().unwrap() {
            let ranking = Ranking::new(&booleans(&case["truth"]), &numbers(&case["score"])).unwrap();
            assert_metric(ranking.roc_auc(), &case["roc_auc"]);
            assert_metric(ranking.average_precision(), &case["average_precision"]);
            let curve = ranking.roc_curve(200).unwrap();
            let expected = numbers(&case["fpr"]).into_iter().zip(numbers(&case["tpr"]));
            assert_eq!(curve.len(), expected.len());
            for (point, (fpr, tpr)) in curve.iter().zip(expected) {
                let distance = (point.false_positive_rate - fpr).abs() + (point.true_positive_rate - tpr).abs();
                assert!(distance < 1e-12, "{point:?}");
            }
            let thresholds: Vec<f64> = curve.iter().filter_map(|p| p.threshold).collect();
            assert_eq!(thresholds, numbers(&case["thresholds"]));
        }
    }

    #[test]
    fn with_one_kind_of_row_there_is_no_curve() {
        for truth in [[true, true], [false, false]] {
            let ranking = Ranking::new(&truth, &[0.5, 0.7]).unwrap();
            assert_eq!((ranking.roc_auc(), ranking.roc_curve(200)), (None, None));
        }
        assert_eq!(Ranking::new(&[false], &[0.5]).unwrap().average_precision(), None);
        assert_eq!(Ranking::new(&[true], &[0.5]).unwrap().average_precision(), Some(1.0));
        assert_eq!(Ranking::new(&[], &[]).unwrap().roc_auc(), None);
    }

    #[test]
    fn negative_zero_is_zero() {
        assert_eq!(Ranking::new(&[true, false], &[0.0, -0.0]).unwrap().roc_auc(), Some(0.5));
    }

    #[test]
    fn what_cannot_be_ordered_is_refused() {
        let error = Ranking::new(&[true, false], &[0.5, f64::NAN]).unwrap_err();
        assert_eq!(error.to_string(), "row 2 is NaN, it must be a finite number");
    }

    proptest! {
        #[test]
        fn the_area_is_the_share_of_pairs_in_order(rows in prop::collection::vec((any::<bool>(), 0u8..12), 0..60)) {
            let (truth, scores): (Vec<bool>, Vec<f64>) = rows.iter().map(|&(t, s)| (t, f64::from(s))).unzip();
            let (mut sum, mut pairs) = (0.0, 0.0);
            for a in rows.iter().filter(|r| r.0) {
                for b in rows.iter().filter(|r| !r.0) {
                    pairs += 1.0;
                    sum += if a.1 > b.1 { 1.0 } else if a.1 == b.1 { 0.5 } else { 0.0 };
                }
            }
            let area = Ranking::new(&truth, &scores).unwrap().roc_auc();
            prop_assert_eq!(area.is_some(), pairs > 0.0);
            prop_assert!(area.is_none_or(|area| (area - sum / pairs).abs() < 1e-12));
        }

        #[test]
        fn a_thinned_curve_is_short_and_keeps_its_ends_and_its_area(
            rows in prop::collection::vec((any::<bool>(), -1.0f64..1.0), 200..1500), points in 2usize..220,
        ) {
            let (truth, scores): (Vec<bool>, Vec<f64>) = rows.iter().copied().unzip();
            let ranking = Ranking::new(&truth, &scores).unwrap();
            let (Some(curve), Some(whole)) = (ranking.roc_curve(points), ranking.roc_curve(usize::MAX)) else { return Ok(()) };
            prop_assert!(curve.len() <= points);
            prop_assert_eq!(&curve[0], &whole[0]);
            prop_assert_eq!(curve.last(), whole.last());
            prop_assert!(curve.iter().all(|point| whole.contains(point)));
            let area = |curve: &[RocPoint]| -> f64 {
                let trapezoid = |w: &[RocPoint]| {
                    (w[1].false_positive_rate - w[0].false_positive_rate) * (w[1].true_positive_rate + w[0].true_positive_rate) / 2.0
                };
                curve.windows(2).map(trapezoid).sum()
            };
            prop_assert!((area(&curve) - area(&whole)).abs() <= 1.0 / (points - 1) as f64 + 0.01);
        }
    }
}
