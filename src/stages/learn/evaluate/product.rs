//! The product: a tidy table with a row for each metric.

use arrow::array::RecordBatch;

use super::chosen::{self, Chosen};
use super::judged::Evidence;
use super::models::NETWORK;
use super::options::Threshold;
use super::slices::{self, Group};
use super::truth::Truth;
use super::verdict::Verdict;
use crate::batch::{self, Values};
use crate::diagnostic::Diagnostic;
use crate::expression::{DataType, Field, Schema};
use crate::statistics::evaluation::ClassTally;
use crate::tensor::Target;

/// Classes of which precision, recall and F1 are told at most.
const CLASSES: usize = 100;

pub(super) fn schema() -> Schema {
    let texts = ["model", "target", "slice", "metric"].map(|name| Field::new(name, DataType::String));
    let numbers = ["value", "lower", "upper"].map(|name| Field::new(name, DataType::Float64));
    Schema::new(texts.into_iter().chain(numbers).collect()).unwrap_or_default()
}

/// Rows of the product.
#[derive(Default)]
pub(super) struct Rows {
    texts: [Vec<Option<String>>; 4],
    numbers: [Vec<Option<f64>>; 3],
}

impl Rows {
    fn push(&mut self, texts: [Option<&str>; 4], value: Option<f64>, interval: Option<(f64, f64)>) {
        for (column, text) in self.texts.iter_mut().zip(texts) {
            column.push(text.map(str::to_owned));
        }
        let (lower, upper) = interval.unzip();
        for (column, number) in self.numbers.iter_mut().zip([value, lower, upper]) {
            column.push(number);
        }
    }

    /// The metrics of all models on all rows, and those of the network by class and by group.
    pub(super) fn add(&mut self, target: &Target, evidence: &Evidence, verdict: &Verdict, groups: &[Group]) {
        let column = target.column();
        let rows = evidence.truth.len() as f64;
        for scored in &verdict.scored {
            let model = Some(scored.model.as_str());
            for ((metric, value), interval) in scored.metrics.iter().zip(&scored.values).zip(&scored.intervals) {
                self.push([model, Some(column), None, Some(&metric.name)], *value, *interval);
            }
        }
        self.push([Some(NETWORK), Some(column), None, Some("rows")], Some(rows), None);
        self.by_class(target, evidence);
        let (measure, _) = slices::measure(&evidence.truth);
        let Some(network) = verdict.scored.first() else { return };
        for group in groups {
            let name = group.name();
            let mut push = |metric: &str, value, interval| {
                self.push([Some(NETWORK), Some(column), Some(&name), Some(metric)], value, interval);
            };
            push("rows", Some(group.rows as f64), None);
            push(measure, group.score, group.interval);
            push("p-value against elsewhere", group.p_value, None);
            for measured in &group.metrics {
                let metric = measured.metric.name.as_str();
                if metric != measure && network.place(metric).is_some() {
                    push(metric, measured.value, measured.interval);
                }
            }
        }
    }

    fn by_class(&mut self, target: &Target, evidence: &Evidence) {
        let (Truth::Classes(truth, classes), Some(network)) = (&evidence.truth, evidence.opinions.first()) else {
            return;
        };
        if *classes > CLASSES {
            return;
        }
        let mut tally = ClassTally::new(*classes);
        for (row, truth) in network.outputs.rows().into_iter().zip(truth) {
            tally.add(*truth as usize, super::largest(row.iter().map(|p| *p as f32)) as usize, 1);
        }
        for (name, scores) in target.names().iter().zip(tally.by_class()) {
            for (metric, value) in [("precision", scores.precision), ("recall", scores.recall), ("F1", scores.f1)] {
                let metric = format!("{metric} of {name}");
                self.push([Some(NETWORK), Some(target.column()), None, Some(&metric)], value, None);
            }
        }
    }

    /// What was chosen on the validation part or stated: from which probability on yes or a label is said, and by what the logits
    /// are divided. `predict` takes it from here.
    pub(super) fn chosen(
        &mut self,
        target: &Target,
        verdict: &Verdict,
        chosen: &Chosen,
        at: usize,
        written: Threshold,
        truth: &Truth,
    ) {
        let column = Some(target.column());
        if matches!(truth, Truth::Binary(_) | Truth::Labels(_)) {
            for (place, scored) in verdict.scored.iter().enumerate() {
                let model = Some(scored.model.as_str());
                self.push([model, column, None, Some("threshold")], verdict.thresholds.get(place).copied(), None);
                if let Some(cost) = chosen::mean_cost(written, truth, verdict, place, None) {
                    self.push([model, column, None, Some("mean cost")], Some(cost), None);
                }
            }
        }
        if let Some(temperature) = chosen.temperature(at) {
            self.push([Some(NETWORK), column, None, Some("temperature")], Some(temperature.value()), None);
        }
    }

    pub(super) fn table(self) -> Result<RecordBatch, Diagnostic> {
        let [model, target, slice, metric] = self.texts;
        let [value, lower, upper] = self.numbers;
        batch::table(vec![
            ("model", Values::Texts(model)),
            ("target", Values::Texts(target)),
            ("slice", Values::Texts(slice)),
            ("metric", Values::Texts(metric)),
            ("value", Values::Floats(value)),
            ("lower", Values::Floats(lower)),
            ("upper", Values::Floats(upper)),
        ])
    }
}
