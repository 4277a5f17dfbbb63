//! Predicted classes against true ones.

use super::{ClassTally, Error, check_classes, check_lengths};
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

    /// How often each class is true, predicted and rightly predicted: what accuracy, F1, kappa and others follow from.
    pub fn tally(&self) -> ClassTally {
        let mut tally = ClassTally::new(self.classes);
        for (place, rows) in self.counts.iter().enumerate().filter(|(_, rows)| **rows > 0) {
            tally.add(place / self.classes, place % self.classes, *rows);
        }
        tally
    }

    /// The share of the rows of class `truth` that were predicted as `predicted`; `None` where the class never occurs.
    pub fn share(&self, truth: usize, predicted: usize) -> Option<f64> {
        let support: u64 = (0..self.classes).map(|other| self.count(truth, other)).sum();
        (support > 0).then(|| self.count(truth, predicted) as f64 / support as f64)
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
            let tally = matrix.tally();
            assert_metric(tally.accuracy(), &case["accuracy"]);
            assert_metric(tally.balanced_accuracy(), &case["balanced_accuracy"]);
            for (class, scores) in tally.by_class().enumerate() {
                assert_metric(scores.precision, &case["precision"][class]);
                assert_metric(scores.recall, &case["recall"][class]);
                assert_metric(scores.f1, &case["f1"][class]);
                assert_eq!(Value::from(scores.support), case["support"][class]);
            }
            for (averages, expected) in [(tally.macro_average(), "macro"), (tally.micro_average(), "micro")] {
                assert_metric(averages.map(|a| a.precision), &case[expected][0]);
                assert_metric(averages.map(|a| a.recall), &case[expected][1]);
                assert_metric(averages.map(|a| a.f1), &case[expected][2]);
            }
        }
    }

    #[test]
    fn without_rows_nothing_is_defined() {
        let matrix = ConfusionMatrix::new(&[], &[], 3).unwrap();
        assert_eq!((matrix.total(), matrix.share(0, 1), matrix.tally()), (0, None, ClassTally::new(3)));
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
