//! Predicted classes against true ones.

use super::{Error, check_classes, check_lengths};
use serde::Serialize;

/// The most classes of a matrix: its size is their square, and these take up 128 MiB.
pub const MAX_CLASSES: usize = 4096;

/// How often each true class was predicted as each class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfusionMatrix {
    classes: usize,
    /// `[classes, classes]`, row-major: true class, predicted class.
    counts: Vec<u64>,
}

/// How well one class is found.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ClassScores {
    /// The share of right ones among the predictions of this class; `None` where it was never predicted.
    pub precision: Option<f64>,
    /// The share of right predictions among the rows of this class; `None` where it never occurs.
    pub recall: Option<f64>,
    /// The harmonic mean of both, `2 TP / (2 TP + FP + FN)`; `None` where the class neither occurs nor was predicted.
    pub f1: Option<f64>,
    /// How many rows have this class.
    pub support: u64,
    /// How many rows were predicted to have it.
    pub predicted: u64,
}

/// Precision, recall and F1 over several classes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Averages {
    /// The average precision of the classes (not the area of that name).
    pub precision: f64,
    /// The average recall.
    pub recall: f64,
    /// The average F1.
    pub f1: f64,
}

impl ConfusionMatrix {
    /// Counts pairs of true and predicted class, numbered from 0. Time `O(n)`, memory `O(classes²)`.
    ///
    /// Errors: different lengths, a class of `classes` or above, more than [`MAX_CLASSES`] classes.
    pub fn new(truth: &[u32], predicted: &[u32], classes: usize) -> Result<Self, Error> {
        check_lengths(truth.len(), predicted.len())?;
        if classes > MAX_CLASSES {
            return Err(Error::TooManyClasses(classes));
        }
        check_classes(truth, classes)?;
        check_classes(predicted, classes)?;
        let mut counts = vec![0; classes * classes];
        for (&t, &p) in truth.iter().zip(predicted) {
            if let Some(count) = counts.get_mut(t as usize * classes + p as usize) {
                *count += 1;
            }
        }
        Ok(Self { classes, counts })
    }

    /// How many classes there are.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// How many rows have the class `truth` and were predicted as `predicted`; 0 for classes that there are not.
    pub fn count(&self, truth: usize, predicted: usize) -> u64 {
        if truth >= self.classes || predicted >= self.classes {
            return 0;
        }
        self.counts.get(truth * self.classes + predicted).copied().unwrap_or(0)
    }

    /// How many rows were counted.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
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
        let right = self.count(class, class);
        let support = (0..self.classes).map(|other| self.count(class, other)).sum();
        let predicted = (0..self.classes).map(|other| self.count(other, class)).sum();
        ClassScores {
            precision: ratio(right, predicted),
            recall: ratio(right, support),
            f1: ratio(2 * right, support + predicted),
            support,
            predicted,
        }
    }

    /// [`ConfusionMatrix::scores`] of each class in order.
    pub fn by_class(&self) -> impl Iterator<Item = ClassScores> {
        (0..self.classes).map(|class| self.scores(class))
    }

    /// Means over the classes that occur or were predicted, each counting the same; a score that is not defined counts
    /// as 0, as by default in scikit-learn. `None` without rows.
    pub fn macro_average(&self) -> Option<Averages> {
        let present: Vec<ClassScores> = self.by_class().filter(|scores| scores.f1.is_some()).collect();
        let over = |score: fn(&ClassScores) -> Option<f64>| {
            let values: Vec<f64> = present.iter().map(|scores| score(scores).unwrap_or(0.0)).collect();
            mean(&values)
        };
        Some(Averages { precision: over(|s| s.precision)?, recall: over(|s| s.recall)?, f1: over(|s| s.f1)? })
    }

    /// Over all rows, each counting the same. Where each row has one class, all three are the accuracy. `None` without
    /// rows.
    pub fn micro_average(&self) -> Option<Averages> {
        self.accuracy().map(|share| Averages { precision: share, recall: share, f1: share })
    }

    fn right(&self) -> u64 {
        (0..self.classes).map(|class| self.count(class, class)).sum()
    }
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The simplest classifier: always the class that was most frequent in training.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct MajorityBaseline {
    /// The class; the lowest of equally frequent ones.
    pub class: u32,
    /// Its share of the rows that it is judged on; `None` where there are none.
    pub accuracy: Option<f64>,
}

impl MajorityBaseline {
    /// Learns from the classes `fit` and is judged on `truth`. `None` where there is nothing to learn from. Time `O(n
    /// log n)`.
    pub fn new(fit: &[u32], truth: &[u32]) -> Option<Self> {
        let mut sorted = fit.to_vec();
        sorted.sort_unstable();
        let mut best: Option<(usize, u32)> = None;
        for run in sorted.chunk_by(|a, b| a == b) {
            if let Some(&class) = run.first()
                && best.is_none_or(|(count, _)| run.len() > count)
            {
                best = Some((run.len(), class));
            }
        }
        let (_, class) = best?;
        let right = truth.iter().filter(|&&t| t == class).count();
        Some(Self { class, accuracy: ratio(right as u64, truth.len() as u64) })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::super::oracle::{assert_metric, classes, sklearn};
    use super::*;
    use serde_json::Value;

    #[test]
    fn scores_are_those_of_scikit_learn() {
        for case in sklearn()["confusion"].as_array().unwrap() {
            let k = case["classes"].as_u64().unwrap() as usize;
            let matrix = ConfusionMatrix::new(&classes(&case["truth"]), &classes(&case["predicted"]), k).unwrap();
            let rows: Vec<Vec<u64>> = (0..k).map(|t| (0..k).map(|p| matrix.count(t, p)).collect()).collect();
            assert_eq!(serde_json::to_value(&rows).unwrap(), case["matrix"]);
            assert_metric(matrix.accuracy(), &case["accuracy"]);
            assert_metric(matrix.balanced_accuracy(), &case["balanced_accuracy"]);
            for (class, scores) in matrix.by_class().enumerate() {
                assert_metric(scores.precision, &case["precision"][class]);
                assert_metric(scores.recall, &case["recall"][class]);
                assert_metric(scores.f1, &case["f1"][class]);
                assert_eq!(Value::from(scores.support), case["support"][class]);
            }
            for (averages, expected) in [(matrix.macro_average(), "macro"), (matrix.micro_average(), "micro")] {
                assert_metric(averages.map(|a| a.precision), &case[expected][0]);
                assert_metric(averages.map(|a| a.recall), &case[expected][1]);
                assert_metric(averages.map(|a| a.f1), &case[expected][2]);
            }
        }
    }

    #[test]
    fn the_majority_is_that_of_scikit_learn() {
        let case = &sklearn()["baselines"]["classes"];
        let baseline = MajorityBaseline::new(&classes(&case["fit"]), &classes(&case["truth"])).unwrap();
        assert_eq!(Value::from(baseline.class), case["class_"]);
        assert_metric(baseline.accuracy, &case["accuracy"]);
    }

    #[test]
    fn equally_frequent_classes_give_the_lowest() {
        let baseline = MajorityBaseline::new(&[7, 3, 3, 7], &[]).unwrap();
        assert_eq!(baseline, MajorityBaseline { class: 3, accuracy: None });
        assert_eq!(MajorityBaseline::new(&[], &[1]), None);
    }

    #[test]
    fn without_rows_nothing_is_defined() {
        let matrix = ConfusionMatrix::new(&[], &[], 3).unwrap();
        assert_eq!((matrix.total(), matrix.accuracy(), matrix.balanced_accuracy()), (0, None, None));
        assert_eq!((matrix.macro_average(), matrix.micro_average()), (None, None));
    }

    #[test]
    fn what_cannot_be_counted_is_refused() {
        let refusal = |truth: &[u32], predicted: &[u32], classes| {
            ConfusionMatrix::new(truth, predicted, classes).unwrap_err().to_string()
        };
        assert_eq!(refusal(&[0], &[0, 1], 2), "there are 1 true values and 2 predictions");
        assert_eq!(refusal(&[0, 1], &[0, 2], 2), "row 2 has class 2, but there are 2 classes, counted from 0");
        assert_eq!(refusal(&[], &[], 5000), "there are 5000 classes, a confusion matrix is made for at most 4096");
    }
}
