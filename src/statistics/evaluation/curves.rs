//! Curves along a ranking: precision by recall, and what is gained by taking the first rows.

use super::Ranking;
use serde::Serialize;

/// A point of the curve of precision and recall: what happens when yes is predicted from a score on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RecallPoint {
    /// The lowest score that counts as yes.
    pub threshold: f64,
    /// The share of true rows that are predicted as yes.
    pub recall: f64,
    /// The share of true rows among those that are predicted as yes.
    pub precision: f64,
}

/// A point of the curve of cumulative gains.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct GainsPoint {
    /// The share of all rows that is taken, those with the highest scores.
    pub taken: f64,
    /// The share of the true rows among them: the gain.
    pub found: f64,
    /// How many times as many true rows as among rows that are taken blindly.
    pub lift: f64,
}

impl Ranking {
    /// Precision by recall, from the highest score on, of at most about `points` points: a longer curve is thinned evenly along
    /// the recall, and each point that stays is one of the curve. `None` where no row is true.
    pub fn recall_curve(&self, points: usize) -> Option<Vec<RecallPoint>> {
        let (trues, _) = self.totals();
        let all = self.steps().iter().map(|&(threshold, t, f)| RecallPoint {
            threshold,
            recall: t as f64 / trues as f64,
            precision: t as f64 / (t + f) as f64,
        });
        (trues > 0).then(|| thinned(all.collect(), points, |point| point.recall))
    }

    /// The curve of cumulative gains and of lift, thinned evenly along the rows. `None` where no row is true.
    pub fn gains_curve(&self, points: usize) -> Option<Vec<GainsPoint>> {
        let (trues, falses) = self.totals();
        let all = (trues + falses) as f64;
        let steps = self.steps().iter().map(|&(_, t, f)| {
            let (taken, found) = ((t + f) as f64 / all, t as f64 / trues as f64);
            GainsPoint { taken, found, lift: found / taken }
        });
        (trues > 0).then(|| thinned(steps.collect(), points, |point| point.taken))
    }

    /// The share of the true rows among the first `share` of the rows. Of rows with equal scores the needed part is taken, with
    /// as many true ones as chance gives. `None` where no row is true.
    pub fn gain_at(&self, share: f64) -> Option<f64> {
        let (trues, falses) = self.totals();
        let wanted = share.clamp(0.0, 1.0) * (trues + falses) as f64;
        let (mut last_rows, mut last_found) = (0.0, 0.0);
        for &(_, t, f) in self.steps() {
            let (rows, found) = ((t + f) as f64, t as f64);
            if rows >= wanted {
                let part = if rows > last_rows { (wanted - last_rows) / (rows - last_rows) } else { 1.0 };
                return (trues > 0).then(|| (last_found + part * (found - last_found)) / trues as f64);
            }
            (last_rows, last_found) = (rows, found);
        }
        (trues > 0).then_some(1.0)
    }
}

/// One point for each of `parts` equal parts of the way, the last that lies in it; the first and last point stay.
fn thinned<T: Copy>(curve: Vec<T>, parts: usize, way: impl Fn(&T) -> f64) -> Vec<T> {
    if curve.len() <= parts {
        return curve;
    }
    let part = |point: &T| (way(point) * parts as f64) as usize;
    let mut kept: Vec<T> = curve.first().copied().into_iter().collect();
    let mut rest = curve.iter().skip(1).peekable();
    while let Some(here) = rest.next() {
        if rest.peek().is_none_or(|next| part(next) != part(here)) {
            kept.push(*here);
        }
    }
    kept
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::super::oracle::{booleans, evaluation, numbers};
    use super::*;

    #[test]
    fn precision_and_recall_are_those_of_scikit_learn() {
        for case in evaluation()["curves"].as_array().unwrap() {
            let ranking = Ranking::new(&booleans(&case["truth"]), &numbers(&case["score"])).unwrap();
            let curve = ranking.recall_curve(1_000).unwrap();
            let expected: Vec<(f64, f64)> =
                numbers(&case["recall"]).into_iter().zip(numbers(&case["precision"])).collect();
            assert_eq!(curve.len(), expected.len());
            for (point, (recall, precision)) in curve.iter().zip(expected) {
                assert!((point.recall - recall).abs() + (point.precision - precision).abs() < 1e-12, "{point:?}");
            }
        }
    }

    #[test]
    fn gains_are_counted_from_the_highest_score() {
        // Scores 4 (true), 3 (true and false), 2 (false), 1 (true): counted by hand.
        let ranking = Ranking::new(&[true, true, false, false, true], &[4.0, 3.0, 3.0, 2.0, 1.0]).unwrap();
        let curve = ranking.gains_curve(10).unwrap();
        let found: Vec<(f64, f64)> = curve.iter().map(|point| (point.taken, point.found)).collect();
        assert_eq!(found, [(0.2, 1.0 / 3.0), (0.6, 2.0 / 3.0), (0.8, 2.0 / 3.0), (1.0, 1.0)]);
        assert!((curve[0].lift - 5.0 / 3.0).abs() < 1e-15 && curve[3].lift == 1.0);
        assert_eq!(ranking.gain_at(0.2), Some(1.0 / 3.0));
        assert!((ranking.gain_at(0.4).unwrap() - 0.5).abs() < 1e-15);
        assert_eq!((ranking.gain_at(0.0), ranking.gain_at(1.0)), (Some(0.0), Some(1.0)));
        assert_eq!(Ranking::new(&[false], &[1.0]).unwrap().gains_curve(5), None);
    }

    #[test]
    fn a_thinned_curve_keeps_its_ends() {
        let truth: Vec<bool> = (0..5_000).map(|i| i % 7 < 3).collect();
        let scores: Vec<f64> = (0..5_000).map(|i| f64::from((i * 37) % 4_999)).collect();
        let ranking = Ranking::new(&truth, &scores).unwrap();
        let (curve, whole) = (ranking.gains_curve(100).unwrap(), ranking.gains_curve(usize::MAX).unwrap());
        assert!(curve.len() <= 103);
        assert_eq!((curve.first(), curve.last()), (whole.first(), whole.last()));
        assert!(curve.iter().all(|point| whole.contains(point)));
    }
}
