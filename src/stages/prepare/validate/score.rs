//! The health score: how much of the expectations holds, by dimension of quality.

use std::collections::BTreeMap;

use super::Dimension;
use super::measure::Judged;
use super::verdict::Verdict;

/// What the score means, for people.
pub(super) const FORMULA: &str = "An expectation counts the share of rows (or groups) that pass, 0 or 1 when it looks at the table as a whole. A dimension is the mean of its expectations by weight, the health the plain mean of the dimensions.";

/// The scores of the dimensions that have expectations, and of all together.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Score {
    /// By dimension, from 0 to 1.
    pub(super) dimensions: BTreeMap<Dimension, f64>,
    /// The mean of the dimensions; none without expectations.
    pub(super) health: Option<f64>,
}

impl Score {
    /// Per dimension `1 - sum(w f) / sum(w)` over weights w and failing shares f; the health is the mean over the dimensions.
    pub(super) fn of<'a>(judged: impl Iterator<Item = (&'a Verdict, &'a Judged)>) -> Self {
        let mut sums: BTreeMap<Dimension, (f64, f64)> = BTreeMap::new();
        for (verdict, judged) in judged {
            let Some(share) = judged.failing_share() else { continue };
            let (failing, weight) = sums.entry(verdict.dimension).or_default();
            *failing += verdict.weight * share;
            *weight += verdict.weight;
        }
        Self::from_sums(sums)
    }

    #[expect(clippy::cast_precision_loss, reason = "there are five dimensions")]
    fn from_sums(sums: BTreeMap<Dimension, (f64, f64)>) -> Self {
        let dimensions: BTreeMap<Dimension, f64> =
            sums.into_iter().map(|(dimension, (failing, weight))| (dimension, 1.0 - failing / weight)).collect();
        let number = dimensions.len();
        let health = (number > 0).then(|| dimensions.values().sum::<f64>() / number as f64);
        Self { dimensions, health }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dimension_is_a_weighted_mean_and_the_health_the_mean_of_dimensions() {
        // Completeness: weights 1 and 3 with failing shares 0.5 and 0.1; validity: one expectation that fails as a whole.
        let sums = [(Dimension::Completeness, (0.5 + 0.3, 4.0)), (Dimension::Validity, (1.0, 1.0))];
        let score = Score::from_sums(sums.into());
        assert!((score.dimensions[&Dimension::Completeness] - 0.8).abs() < 1e-12);
        assert!((score.health.unwrap_or_default() - 0.4).abs() < 1e-12);
    }

    #[test]
    fn without_expectations_there_is_no_health() {
        assert_eq!(Score::from_sums(BTreeMap::new()), Score::default());
    }
}
