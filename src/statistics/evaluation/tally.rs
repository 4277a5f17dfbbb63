//! Everything about predicted classes that follows from three counts for each class: how often it is true, how often it is
//! predicted, and how often both.

use super::confusion_matrix::{Averages, ClassScores};
use super::{Error, check_classes, check_lengths};

/// How often each class is true, predicted, and rightly predicted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassTally {
    support: Vec<u64>,
    predicted: Vec<u64>,
    right: Vec<u64>,
}

impl ClassTally {
    /// No rows yet.
    pub fn new(classes: usize) -> Self {
        Self { support: vec![0; classes], predicted: vec![0; classes], right: vec![0; classes] }
    }

    /// Counts rows, each `weights[row]` times. Time `O(n)`.
    ///
    /// Errors: different lengths, a class of `classes` or above.
    pub fn of(truth: &[u32], predicted: &[u32], weights: &[u32], classes: usize) -> Result<Self, Error> {
        check_lengths(truth.len(), predicted.len())?;
        check_lengths(truth.len(), weights.len())?;
        check_classes(truth, classes)?;
        check_classes(predicted, classes)?;
        let mut tally = Self::new(classes);
        for ((&t, &p), &weight) in truth.iter().zip(predicted).zip(weights) {
            tally.add(t as usize, p as usize, u64::from(weight));
        }
        Ok(tally)
    }

    /// Counts `rows` rows; classes that there are not are passed over.
    pub fn add(&mut self, truth: usize, predicted: usize, rows: u64) {
        if let Some(count) = self.support.get_mut(truth) {
            *count += rows;
        }
        if let Some(count) = self.predicted.get_mut(predicted) {
            *count += rows;
        }
        if truth == predicted
            && let Some(count) = self.right.get_mut(truth)
        {
            *count += rows;
        }
    }

    /// How many rows were counted.
    pub fn total(&self) -> u64 {
        self.support.iter().sum()
    }

    fn right(&self) -> u64 {
        self.right.iter().sum()
    }

    /// The share of right predictions; `None` without rows.
    pub fn accuracy(&self) -> Option<f64> {
        ratio(self.right(), self.total())
    }

    /// The mean recall of the classes that occur (Brodersen et al. 2010); `None` without rows.
    pub fn balanced_accuracy(&self) -> Option<f64> {
        let recalls: Vec<f64> = self.by_class().filter_map(|scores| scores.recall).collect();
        mean(&recalls)
    }

    /// How well the class is found.
    pub fn scores(&self, class: usize) -> ClassScores {
        let of = |counts: &[u64]| counts.get(class).copied().unwrap_or(0);
        let (right, support, predicted) = (of(&self.right), of(&self.support), of(&self.predicted));
        ClassScores {
            precision: ratio(right, predicted),
            recall: ratio(right, support),
            f1: ratio(2 * right, support + predicted),
            support,
            predicted,
        }
    }

    /// [`ClassTally::scores`] of each class in order.
    pub fn by_class(&self) -> impl Iterator<Item = ClassScores> {
        (0..self.support.len()).map(|class| self.scores(class))
    }

    /// Means over the classes that occur or were predicted, each counting the same; a score that is not defined counts
    /// as 0, as by default in scikit-learn. `None` without rows.
    pub fn macro_average(&self) -> Option<Averages> {
        self.average(|scores| if scores.f1.is_some() { 1.0 } else { 0.0 })
    }

    /// Means over the classes, each counting as many times as it is true; a score that is not defined counts as 0. `None`
    /// without rows.
    pub fn weighted_average(&self) -> Option<Averages> {
        self.average(|scores| scores.support as f64)
    }

    /// Over all rows, each counting the same. Where each row has one class, all three are the accuracy. `None` without
    /// rows.
    pub fn micro_average(&self) -> Option<Averages> {
        self.accuracy().map(|share| Averages { precision: share, recall: share, f1: share })
    }

    fn average(&self, weight: impl Fn(&ClassScores) -> f64) -> Option<Averages> {
        let (mut all, mut precision, mut recall, mut f1) = (0.0, 0.0, 0.0, 0.0);
        for scores in self.by_class() {
            let weight = weight(&scores);
            all += weight;
            precision += weight * scores.precision.unwrap_or(0.0);
            recall += weight * scores.recall.unwrap_or(0.0);
            f1 += weight * scores.f1.unwrap_or(0.0);
        }
        (all > 0.0).then(|| Averages { precision: precision / all, recall: recall / all, f1: f1 / all })
    }

    /// Matthews' correlation of true and predicted classes (Matthews 1975; several classes: Gorodkin 2004), from -1 to 1.
    /// 0 where only one class is true or only one is predicted, as in scikit-learn: such predictions tell nothing. `None`
    /// without rows.
    pub fn matthews_correlation(&self) -> Option<f64> {
        let all = self.total() as f64;
        let sum = |a: &[u64], b: &[u64]| a.iter().zip(b).map(|(a, b)| *a as f64 * *b as f64).sum::<f64>();
        let together = self.right() as f64 * all - sum(&self.support, &self.predicted);
        let truth = all * all - sum(&self.support, &self.support);
        let predicted = all * all - sum(&self.predicted, &self.predicted);
        let defined = truth > 0.0 && predicted > 0.0;
        (all > 0.0).then(|| if defined { together / truth.sqrt() / predicted.sqrt() } else { 0.0 })
    }

    /// Cohen's kappa (1960): how much of the agreement that chance does not give was reached. `None` without rows, and
    /// where chance alone would agree everywhere.
    pub fn kappa(&self) -> Option<f64> {
        let all = self.total() as f64;
        let chance: f64 =
            self.support.iter().zip(&self.predicted).map(|(t, p)| (*t as f64 / all) * (*p as f64 / all)).sum();
        (all > 0.0 && chance < 1.0).then(|| (self.right() as f64 / all - chance) / (1.0 - chance))
    }

    /// Cohen's weighted kappa (1968) of classes that have an order, with weights that grow with the square of the distance
    /// between true and predicted class (`distance_squares`: their sum over the rows). `None` as [`ClassTally::kappa`].
    pub fn quadratic_kappa(&self, distance_squares: f64) -> Option<f64> {
        let all = self.total() as f64;
        // The sum over all pairs of (i - j)^2 t_i p_j is told from the moments of both.
        let moments = |counts: &[u64]| {
            counts.iter().enumerate().fold((0.0, 0.0), |(one, two), (class, count)| {
                let (class, count) = (class as f64, *count as f64);
                (one + class * count, two + class * class * count)
            })
        };
        let ((t1, t2), (p1, p2)) = (moments(&self.support), moments(&self.predicted));
        let expected = t2 + p2 - 2.0 * t1 * p1 / all;
        (all > 0.0 && expected > 0.0).then(|| 1.0 - distance_squares / expected)
    }

    /// The same with weights that grow with the distance itself (`distances`: their sum over the rows).
    pub fn linear_kappa(&self, distances: f64) -> Option<f64> {
        let all = self.total() as f64;
        // The sum over all pairs of |i - j| t_i p_j is the sum over the borders between classes of what is below of one
        // and above of the other.
        let (mut below_t, mut below_p, mut expected) = (0.0, 0.0, 0.0);
        for (t, p) in self.support.iter().zip(&self.predicted) {
            below_t += *t as f64;
            below_p += *p as f64;
            expected += below_t * (all - below_p) + below_p * (all - below_t);
        }
        (all > 0.0 && expected > 0.0).then(|| 1.0 - distances * all / expected)
    }
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::super::oracle::{assert_metric, classes, evaluation};
    use super::*;

    #[test]
    fn agreement_is_that_of_scikit_learn() {
        for case in evaluation()["agreement"].as_array().unwrap() {
            let (truth, predicted) = (classes(&case["truth"]), classes(&case["predicted"]));
            let weights = classes(&case["weights"]);
            let k = case["classes"].as_u64().unwrap() as usize;
            let tally = ClassTally::of(&truth, &predicted, &weights, k).unwrap();
            assert_metric(tally.accuracy(), &case["accuracy"]);
            assert_metric(tally.balanced_accuracy(), &case["balanced_accuracy"]);
            assert_metric(tally.matthews_correlation(), &case["mcc"]);
            assert_metric(tally.kappa(), &case["kappa"]);
            let apart = |power: i32| {
                let rows = truth.iter().zip(&predicted).zip(&weights);
                rows.map(|((t, p), w)| f64::from(t.abs_diff(*p)).powi(power) * f64::from(*w)).sum::<f64>()
            };
            assert_metric(tally.linear_kappa(apart(1)), &case["linear_kappa"]);
            assert_metric(tally.quadratic_kappa(apart(2)), &case["quadratic_kappa"]);
            for (averages, expected) in [(tally.macro_average(), "macro"), (tally.weighted_average(), "weighted")] {
                assert_metric(averages.map(|a| a.precision), &case[expected][0]);
                assert_metric(averages.map(|a| a.recall), &case[expected][1]);
                assert_metric(averages.map(|a| a.f1), &case[expected][2]);
            }
        }
    }

    #[test]
    fn without_rows_nothing_is_defined() {
        let tally = ClassTally::new(3);
        assert_eq!((tally.accuracy(), tally.matthews_correlation(), tally.kappa()), (None, None, None));
        assert_eq!((tally.quadratic_kappa(0.0), tally.linear_kappa(0.0)), (None, None));
        assert_eq!((tally.macro_average(), tally.weighted_average()), (None, None));
    }
}
