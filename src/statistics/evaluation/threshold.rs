//! From which probability on yes is worth saying.

use super::Ranking;
use serde::{Deserialize, Serialize};

/// What a threshold is chosen for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The largest sum of the shares of true and of false rows that are told (Youden 1950).
    Youden,
    /// The largest F1.
    F1,
    /// The lowest cost.
    Cost(Costs),
}

/// What wrong predictions cost; right ones cost nothing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Costs {
    /// A false row that is predicted as yes.
    pub false_positive: f64,
    /// A true row that is predicted as no.
    pub false_negative: f64,
}

impl Costs {
    /// The mean cost of a row; `None` without rows.
    pub fn mean(&self, false_positives: u64, false_negatives: u64, rows: u64) -> Option<f64> {
        let sum = self.false_positive * false_positives as f64 + self.false_negative * false_negatives as f64;
        (rows > 0).then(|| sum / rows as f64)
    }
}

/// A threshold with what it reaches on the rows on which it was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ChosenThreshold {
    /// Yes is predicted from this score on: half way between two scores that occur.
    pub threshold: f64,
    /// Youden's index, F1, or the mean cost of a row.
    pub reached: f64,
}

impl Ranking {
    /// The best threshold, the highest of equally good ones; to say no always is a choice too. Time `O(n)`. `None` where true
    /// or false rows are missing.
    pub fn threshold(&self, rule: Rule) -> Option<ChosenThreshold> {
        let (trues, falses) = self.totals();
        let (highest, _, _) = *self.steps().first()?;
        let goodness = |t: u64, f: u64| match rule {
            Rule::Youden => t as f64 / trues as f64 - f as f64 / falses as f64,
            Rule::F1 => 2.0 * t as f64 / (t + f + trues) as f64,
            Rule::Cost(costs) => -costs.mean(f, trues - t, trues + falses).unwrap_or(0.0),
        };
        // Above the highest score there is nothing: no row is a yes.
        let mut best = (goodness(0, 0), highest.next_up());
        let mut steps = self.steps().iter().peekable();
        while let Some(&(score, t, f)) = steps.next() {
            let good = goodness(t, f);
            if good > best.0 {
                let between = steps.peek().map_or(score, |(next, _, _)| next + (score - next) / 2.0);
                best = (good, between);
            }
        }
        let reached = if matches!(rule, Rule::Cost(_)) { -best.0 } else { best.0 };
        (trues > 0 && falses > 0).then_some(ChosenThreshold { threshold: best.1, reached })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn thresholds_are_those_counted_by_hand() {
        let ranking = Ranking::new(&[true, false, true, false, false], &[0.9, 0.6, 0.5, 0.3, 0.1]).unwrap();
        // From 0.5 on: both true rows, one of three false ones.
        let chosen = ranking.threshold(Rule::Youden).unwrap();
        assert!((chosen.threshold - 0.4).abs() < 1e-15 && (chosen.reached - 2.0 / 3.0).abs() < 1e-15);
        let chosen = ranking.threshold(Rule::F1).unwrap();
        assert!((chosen.threshold - 0.4).abs() < 1e-15 && (chosen.reached - 0.8).abs() < 1e-15);
        // A false alarm is so dear that only the first row is a yes.
        let dear = Costs { false_positive: 10.0, false_negative: 1.0 };
        let chosen = ranking.threshold(Rule::Cost(dear)).unwrap();
        assert!((chosen.threshold - 0.75).abs() < 1e-15 && (chosen.reached - 0.2).abs() < 1e-15);
    }

    #[test]
    fn to_say_no_always_can_be_the_best() {
        let ranking = Ranking::new(&[false, true], &[0.8, 0.2]).unwrap();
        let costs = Costs { false_positive: 3.0, false_negative: 1.0 };
        let chosen = ranking.threshold(Rule::Cost(costs)).unwrap();
        assert!(chosen.threshold > 0.8 && chosen.reached == 0.5);
        assert_eq!(Ranking::new(&[true], &[0.5]).unwrap().threshold(Rule::F1), None);
    }

    proptest! {
        #[test]
        fn no_other_threshold_costs_less(
            rows in prop::collection::vec((any::<bool>(), 0u8..20), 2..60), positive in 0.0f64..9.0, negative in 0.0f64..9.0,
        ) {
            let (truth, scores): (Vec<bool>, Vec<f64>) = rows.iter().map(|&(t, s)| (t, f64::from(s))).unzip();
            let costs = Costs { false_positive: positive, false_negative: negative };
            let Some(chosen) = Ranking::new(&truth, &scores).unwrap().threshold(Rule::Cost(costs)) else { return Ok(()) };
            let cost = |threshold: f64| {
                let sum: f64 = truth.iter().zip(&scores).map(|(t, s)| match (*t, *s >= threshold) {
                    (true, false) => negative,
                    (false, true) => positive,
                    _ => 0.0,
                }).sum();
                sum / truth.len() as f64
            };
            prop_assert!((cost(chosen.threshold) - chosen.reached).abs() < 1e-9);
            for threshold in 0..=20 {
                prop_assert!(cost(f64::from(threshold)) >= chosen.reached - 1e-9);
            }
        }
    }
}
