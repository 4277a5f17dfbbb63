//! The options of `anomalies` as values that cannot be wrong.

use super::{Anomalies, Method};
use crate::definition::Spanned;
use crate::diagnostic::{Diagnostic, Findings, Place};
use crate::expression::Field;
use crate::statistics::isolation_forest::ForestOptions;

/// Rows of which a forest's trees draw theirs.
pub(super) const DRAWN: usize = 65_536;
/// Trees times rows of each: what a forest takes up, about 50 bytes for each.
const LARGEST: u64 = 250_000;
/// Rows that a local outlier factor keeps: they travel as text with what was learned.
pub(super) const MOST_NEIGHBOURHOOD: usize = 100_000;
/// Columns of a covariance.
const MOST_CORRELATED: usize = 200;

/// What is to be learned.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    pub(super) method: MethodSettings,
    pub(super) limit: Limit,
    /// Rows to learn from at most, and the seed.
    pub(super) sample: Option<usize>,
    pub(super) seed: u64,
}

/// The method with its numbers.
#[derive(Debug, Clone, Copy)]
pub(super) enum MethodSettings {
    Forest(ForestOptions),
    Factor { neighbours: usize, scale: bool },
    RobustZ,
    Mahalanobis { robust: bool },
}

/// From where on a row is an anomaly.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Limit {
    Contamination(f64),
    Threshold(f64),
    /// The distance that one of 1,000 normal rows exceeds.
    Normal,
}

impl Settings {
    /// Passes over the rows to learn, before they are scored.
    pub(super) fn passes(&self) -> usize {
        if matches!(self.method, MethodSettings::RobustZ) { 2 } else { 1 }
    }
}

impl Anomalies {
    pub(super) fn is_default(&self, name: &Spanned<String>) -> bool {
        ["anomaly", "anomaly_score", "anomaly_reason"].contains(&name.value.as_str())
    }

    pub(super) fn settings(&self, fields: &[Field]) -> Result<Settings, Findings> {
        let mut findings = Findings::new();
        if fields.is_empty() {
            findings.push(Diagnostic::definition("needs at least one column of numbers"));
        }
        self.check_meaning(&mut findings);
        let mut count =
            |written: Option<&Spanned<u32>>, name: &str, usual: u32, range: std::ops::RangeInclusive<u32>| {
                let Some(written) = written else { return usual };
                if !range.contains(&written.value) {
                    let message =
                        format!("`{name}` must lie from {} to {}, not {}", range.start(), range.end(), written.value);
                    findings.push(Diagnostic::definition(message).at(&written.place));
                }
                written.value
            };
        let trees = count(self.trees.as_ref(), "trees", 100, 1..=1_000);
        let tree_rows = count(self.tree_rows.as_ref(), "tree_rows", 256, 2..=DRAWN as u32);
        let neighbours = count(self.neighbours.as_ref(), "neighbours", 20, 1..=1_000);
        let sample = self.sample.as_ref().map(|sample| count(Some(sample), "sample", 0, 10..=100_000_000) as usize);
        count(Some(&self.top), "top", 10, 1..=100);
        let too_many = u64::from(trees) * u64::from(tree_rows) > LARGEST;
        if let (Some(written), true) = (self.tree_rows.as_ref().or(self.trees.as_ref()), too_many) {
            let message =
                format!("{trees} trees of {tree_rows} rows are too many: {LARGEST} rows in all trees are the most");
            findings.push(Diagnostic::definition(message).at(&written.place));
        }
        if self.method == Method::Mahalanobis && fields.len() > MOST_CORRELATED {
            let message = format!("`mahalanobis` over {} columns; {MOST_CORRELATED} are the most", fields.len());
            findings.push(Diagnostic::definition(message).help("name fewer columns, or put a `reduce` stage in front"));
        }
        if let (Method::LocalOutlierFactor, Some(written)) = (self.method, &self.sample)
            && written.value as usize > MOST_NEIGHBOURHOOD
        {
            let message = format!(
                "`sample` is at most {MOST_NEIGHBOURHOOD} for `local_outlier_factor`, which keeps the rows it learns from"
            );
            findings.push(Diagnostic::definition(message).at(&written.place));
        }
        let seed = u64::from(self.seed);
        let limit = self.limit(&mut findings);
        let method = match self.method {
            Method::IsolationForest => {
                MethodSettings::Forest(ForestOptions { trees: trees as usize, sample: tree_rows as usize, seed })
            }
            Method::LocalOutlierFactor => MethodSettings::Factor {
                neighbours: neighbours as usize,
                scale: self.scale.as_ref().is_none_or(|scale| scale.value),
            },
            Method::RobustZ => MethodSettings::RobustZ,
            Method::Mahalanobis => {
                MethodSettings::Mahalanobis { robust: self.robust.as_ref().is_some_and(|robust| robust.value) }
            }
        };
        if findings.is_empty() { Ok(Settings { method, limit, sample, seed }) } else { Err(findings) }
    }

    fn limit(&self, findings: &mut Findings) -> Limit {
        match (&self.contamination, &self.threshold) {
            (Some(_), Some(threshold)) => {
                let message = "`contamination` and `threshold` exclude each other";
                findings.push(Diagnostic::definition(message).at(&threshold.place));
                Limit::Normal
            }
            (None, Some(threshold)) => {
                let highest = if self.method == Method::IsolationForest { 1.0 } else { f64::MAX };
                if !(threshold.value > 0.0 && threshold.value < highest) {
                    let range = if self.method == Method::IsolationForest {
                        "a score between 0 and 1"
                    } else {
                        "a score above 0"
                    };
                    let message = format!("`threshold` is {range}, not {}", threshold.value);
                    findings.push(Diagnostic::definition(message).at(&threshold.place));
                }
                Limit::Threshold(threshold.value)
            }
            (Some(share), None) => {
                if !(share.value > 0.0 && share.value <= 0.5) {
                    let message = format!("`contamination` is a share above 0 up to 0.5, not {}", share.value);
                    findings.push(Diagnostic::definition(message).at(&share.place));
                }
                Limit::Contamination(share.value)
            }
            (None, None) => match self.method {
                Method::RobustZ => Limit::Threshold(3.5),
                Method::Mahalanobis => Limit::Normal,
                Method::IsolationForest | Method::LocalOutlierFactor => Limit::Contamination(0.01),
            },
        }
    }

    /// Options that mean nothing to the method.
    fn check_meaning(&self, findings: &mut Findings) {
        let mut only = |name: &str, place: Option<&Place>, fits: bool, method: &str| {
            if let (Some(place), false) = (place, fits) {
                let message = format!("`{name}` has no meaning here: it belongs to {method}");
                findings.push(Diagnostic::definition(message).at(place));
            }
        };
        let forest = self.method == Method::IsolationForest;
        let factor = self.method == Method::LocalOutlierFactor;
        let distance = self.method == Method::Mahalanobis;
        let robust = self.robust.as_ref().is_some_and(|robust| robust.value);
        only("trees", self.trees.as_ref().map(|option| &option.place), forest, "`method: isolation_forest`");
        only("tree_rows", self.tree_rows.as_ref().map(|option| &option.place), forest, "`method: isolation_forest`");
        only(
            "neighbours",
            self.neighbours.as_ref().map(|option| &option.place),
            factor,
            "`method: local_outlier_factor`",
        );
        only("scale", self.scale.as_ref().map(|option| &option.place), factor, "`method: local_outlier_factor`");
        only("robust", self.robust.as_ref().map(|option| &option.place), distance, "`method: mahalanobis`");
        let samples = forest || factor || (distance && robust);
        only(
            "sample",
            self.sample.as_ref().map(|option| &option.place),
            samples,
            "methods that need rows in memory; this one streams over all of them",
        );
    }
}
