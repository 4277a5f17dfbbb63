//! What was predicted, in numbers.

use serde::{Deserialize, Serialize};

use super::answer::{Answers, Decided};
use super::judged::Decisions;
use super::layout::Said;
use crate::statistics::histogram::{Bins, Histogram, Scale};
use crate::statistics::moments::Moments;
use crate::statistics::quantiles::QuantileSketch;
use crate::tensor::{Drift, Encoder, Target, Watch};

/// Bins of confidence from 0 to 1.
const BINS: usize = 20;
/// Reasons why rows could not be read that are told apart.
const REASONS: usize = 20;

/// What `predict` found, as it stands in the record of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Summary {
    /// The model.
    pub model: String,
    /// Rows in, and out.
    pub rows: u64,
    /// Rows that could not be read by the model, by reason.
    pub unreadable: Vec<(String, u64)>,
    /// Rows about which something is strange to the model.
    pub strange_rows: u64,
    /// Each target.
    pub targets: Vec<TargetSummary>,
    /// Each column that the features are made of.
    pub columns: Vec<ColumnSummary>,
}

/// What was predicted of one target.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TargetSummary {
    /// The column.
    pub column: String,
    /// Rows with a prediction.
    pub predicted: u64,
    /// Rows about which the model was not sure enough.
    pub abstained: u64,
    /// Classes or labels with their rows, in the order of the network; empty for numbers.
    pub classes: Vec<(String, u64)>,
    /// The mean probability of what was decided.
    pub mean_confidence: Option<f64>,
    /// The smallest number, the median and the largest.
    pub numbers: Option<(f64, f64, f64)>,
    /// From which probability on yes or a label is predicted; none where there is no such decision.
    pub threshold: Option<f64>,
    /// The stage that chose the threshold; none when it is the usual one, or was stated.
    pub threshold_chosen_by: Option<String>,
    /// By what the logits are divided; none where it was not calibrated.
    pub temperature: Option<f64>,
}

/// How a column stands to training.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ColumnSummary {
    /// The column.
    pub column: String,
    /// The share of training rows without a value.
    pub missing_in_training: f64,
    /// Rows without a value.
    pub missing: u64,
    /// Rows with a value below those of training.
    pub below: u64,
    /// Rows with a value above those of training.
    pub above: u64,
    /// Rows with a value that is not among those of training, as far as they are known.
    pub unseen: u64,
    /// The population stability index.
    pub stability_index: Option<f64>,
    /// Whether the index is above 0.25, beyond chance.
    pub is_shifted: bool,
}

/// Counts of one target.
#[derive(Debug)]
pub(super) struct TargetTally {
    predicted: u64,
    abstained: u64,
    counts: Vec<u64>,
    confidence: Moments,
    /// Rows by confidence, in [`BINS`] bins.
    pub(super) bins: Vec<u64>,
    numbers: QuantileSketch,
}

/// Counts of everything.
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) rows: u64,
    unreadable: Vec<(String, u64)>,
    pub(super) targets: Vec<TargetTally>,
}

impl Tally {
    pub(super) fn new(encoder: &Encoder) -> Self {
        let targets = encoder.targets().iter().map(|target| TargetTally {
            predicted: 0,
            abstained: 0,
            counts: vec![0; target.names().len()],
            confidence: Moments::new(),
            bins: vec![0; BINS],
            numbers: QuantileSketch::default(),
        });
        Self { rows: 0, unreadable: Vec::new(), targets: targets.collect() }
    }

    /// Counts a row that could not be read.
    pub(super) fn unreadable(&mut self, reason: &str) {
        let has_room = self.unreadable.len() < REASONS;
        match self.unreadable.iter_mut().find(|(known, _)| known == reason) {
            Some((_, rows)) => *rows += 1,
            None if has_room => self.unreadable.push((reason.to_owned(), 1)),
            None => {
                if let Some((other, rows)) = self.unreadable.last_mut() {
                    "for another reason".clone_into(other);
                    *rows += 1;
                }
            }
        }
    }

    pub(super) fn summary(&self, model: &str, encoder: &Encoder, watch: &Watch<'_>, decisions: &Decisions) -> Summary {
        let targets = encoder.targets().iter().zip(&self.targets);
        Summary {
            model: model.to_owned(),
            rows: self.rows,
            unreadable: self.unreadable.clone(),
            strange_rows: watch.strange_rows(),
            targets: targets.map(|(target, tally)| tally.summary(target, decisions)).collect(),
            columns: watch.drift().iter().map(|drift| column(drift, encoder.domain().rows)).collect(),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 rows do not occur")]
fn column(drift: &Drift<'_>, trained: u64) -> ColumnSummary {
    ColumnSummary {
        column: drift.column.column.clone(),
        missing_in_training: drift.column.missing as f64 / trained.max(1) as f64,
        missing: drift.missing,
        below: drift.below,
        above: drift.above,
        unseen: drift.other,
        stability_index: drift.index,
        is_shifted: drift.is_shifted,
    }
}

impl TargetTally {
    /// Counts the answers about some rows.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share makes a small whole number")]
    pub(super) fn add(&mut self, answers: &Answers, said: &Said<'_>) {
        for (row, (readable, decided)) in said.readable.iter().zip(said.decided).enumerate() {
            if !readable {
                continue;
            }
            if let Some(confidence) = answers.confidence.get(row) {
                self.confidence.push(*confidence);
                let bin = ((confidence * BINS as f64) as usize).min(BINS - 1);
                if let Some(count) = self.bins.get_mut(bin) {
                    *count += 1;
                }
            }
            if !decided {
                self.abstained += 1;
                continue;
            }
            self.predicted += 1;
            let mut count = |place: u32| {
                if let Some(count) = self.counts.get_mut(place as usize) {
                    *count += 1;
                }
            };
            match &answers.values {
                Decided::Classes(classes) => classes.get(row).into_iter().for_each(|class| count(*class)),
                Decided::Labels(labels) => labels.get(row).into_iter().flatten().for_each(|label| count(*label)),
                Decided::Numbers(numbers) => numbers.get(row).into_iter().for_each(|number| self.numbers.push(*number)),
            }
        }
    }

    /// How the predicted numbers are distributed.
    pub(super) fn histogram(&self) -> Histogram {
        Histogram::from_quantiles(&self.numbers.quantiles(), Bins::Auto, Scale::Real)
    }

    fn summary(&self, target: &Target, decisions: &Decisions) -> TargetSummary {
        let is_decided = matches!(target, Target::Binary(_) | Target::MultiLabel(_));
        let quantiles = self.numbers.quantiles();
        let numbers = quantiles.min().zip(quantiles.quantile(0.5)).zip(quantiles.max());
        TargetSummary {
            column: target.column().to_owned(),
            predicted: self.predicted,
            abstained: self.abstained,
            classes: target.names().iter().cloned().zip(self.counts.iter().copied()).collect(),
            mean_confidence: self.confidence.mean(),
            numbers: numbers.map(|((min, median), max)| (min, median, max)),
            threshold: is_decided.then(|| decisions.threshold(target.column())),
            threshold_chosen_by: decisions.chosen_by(target.column()).filter(|_| is_decided).map(str::to_owned),
            temperature: Some(decisions.temperature(target.column())).filter(|temperature| *temperature != 1.0),
        }
    }
}
