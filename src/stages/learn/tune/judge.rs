//! How a trial is judged: by metrics of `evaluate`, on rows that the model did not learn from.

use super::metric::Judged;
use crate::batch;
use crate::definition::{Entry, Node, Text, Value};
use crate::diagnostic::{Class, Diagnostic, Place};
use crate::stages::work::Outcome;

/// The kind of stage that judges.
pub(super) const EVALUATE: &str = "evaluate";
/// What it calls the model beside the simple ones.
const NETWORK: &str = "network";
/// A shortfall below which nothing is left to be gained.
const PERFECT: f64 = 1e-12;

/// Judges a model.
pub(super) struct Judge {
    /// The targets that count; at least one.
    pub(super) judged: Vec<Judged>,
    /// The part on which it is judged.
    pub(super) part: String,
    /// Where the search stands in the pipeline file.
    pub(super) place: Place,
}

impl Judge {
    /// Options of the stage that judges: one number is wanted of each target, so what else it can tell is left out.
    pub(super) fn options(&self) -> Node {
        let place = &self.place;
        let text = |text: &str| Value::Text(Text::new(text, place.clone()));
        let entry = |key: &str, value: Value| {
            let value = Node::new(value, place.clone());
            Entry { key: key.to_owned(), key_place: place.clone(), value }
        };
        let entries = [
            ("on", text(&self.part)),
            ("baselines", text("none")),
            ("bootstrap", text("none")),
            ("calibrate", Value::Boolean(false)),
        ]
        .into_iter();
        let entries = entries.map(|(option, value)| entry(option, value)).collect();
        Node::new(Value::Mapping(entries), place.clone())
    }

    /// Whether trials are judged by several targets together.
    pub(super) fn is_joint(&self) -> bool {
        self.judged.len() > 1
    }

    /// What the value of a trial is called.
    pub(super) fn name(&self) -> &'static str {
        match self.judged.as_slice() {
            [one] => one.metric.name(),
            _ => "loss beside as written",
        }
    }

    /// A loss as the value that is shown, and a value as a loss.
    pub(super) fn turned(&self, value: f64) -> f64 {
        match self.judged.as_slice() {
            [one] => one.metric.turned(value),
            _ => value,
        }
    }

    /// What is to be small, of the values of all targets. One target: its loss. Several: the mean over them of how much of the shortfall
    /// of the options as they are written is left, so that each target counts alike whatever its unit; below 1 is better than as written.
    ///
    /// Errors: what is compared with is not known.
    pub(super) fn loss(&self, values: &[f64], written: Option<&[f64]>) -> Result<f64, Diagnostic> {
        if let ([one], [value]) = (self.judged.as_slice(), values) {
            return Ok(one.metric.turned(*value));
        }
        let Some(written) = written.filter(|written| written.len() == values.len()) else {
            let message =
                "trials of several targets are compared with the options as they are written, but those failed";
            return Err(Diagnostic::error(Class::Stage, message));
        };
        let left = self.judged.iter().zip(values).zip(written).map(|((judged, value), written)| {
            let (now, before) = (judged.metric.shortfall(*value), judged.metric.shortfall(*written));
            // Where nothing was left to be gained, everything that is lost counts in full.
            if before > PERFECT { now / before } else { 1.0 + now.max(0.0) }
        });
        #[expect(clippy::cast_precision_loss, reason = "a few targets")]
        Ok(left.sum::<f64>() / self.judged.len().max(1) as f64)
    }

    /// The metric of each target in what the judging stage left.
    ///
    /// Errors: one of them is not defined.
    pub(super) fn read(&self, outcome: &Outcome) -> Result<Vec<f64>, Diagnostic> {
        let failed = |message: String| Diagnostic::error(Class::Stage, message);
        let metrics = outcome.bindings.artifacts.iter().find(|(key, _)| key.ends_with(".metrics"));
        let Some((_, path)) = metrics else {
            return Err(failed("the trial was not judged".to_owned()));
        };
        let mut found: Vec<Option<f64>> = vec![None; self.judged.len()];
        for batch in batch::read_parquet(path)? {
            let (Some(names), Some(values)) = (batch::column(&batch, "metric"), batch::column(&batch, "value")) else {
                continue;
            };
            let texts = |name: &str| batch::column(&batch, name).map(batch::texts).unwrap_or_default();
            let (models, slices, targets) = (texts("model"), texts("slice"), texts("target"));
            let text = |texts: &[Option<String>], row: usize| texts.get(row).cloned().flatten();
            for (row, (metric, value)) in batch::texts(names).into_iter().zip(batch::floats(values)).enumerate() {
                if text(&slices, row).is_some() || text(&models, row).as_deref() != Some(NETWORK) {
                    continue;
                }
                let target = text(&targets, row);
                for (judged, found) in self.judged.iter().zip(&mut found) {
                    let is_own = target.as_ref().is_none_or(|target| *target == judged.target);
                    if is_own && metric.as_deref() == Some(judged.metric.name()) {
                        found.get_or_insert(value);
                    }
                }
            }
        }
        let each = self.judged.iter().zip(found).map(|(judged, value)| {
            let (name, target) = (judged.metric.name(), &judged.target);
            match value {
                Some(value) if value.is_finite() => Ok(value),
                Some(_) => Err(failed(format!("{name} of `{target}` is not defined on part `{}`", self.part))),
                None => Err(failed(format!("the model is not judged by {name} of `{target}`"))),
            }
        });
        each.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::metric::Metric;
    use super::*;
    use crate::diagnostic::Source;

    fn judge(metrics: &[Metric]) -> Judge {
        let judged =
            metrics.iter().enumerate().map(|(at, metric)| Judged { target: format!("t{at}"), metric: *metric });
        Judge { judged: judged.collect(), part: "valid".to_owned(), place: Place::new(&Source::new("p", ""), 0..0) }
    }

    #[test]
    fn several_targets_count_alike_whatever_their_units() {
        let joint = judge(&[Metric::LogLoss, Metric::RootMeanSquaredError, Metric::R2]);
        let written = [0.5, 200.0, 0.6];
        let loss = |values: [f64; 3]| joint.loss(&values, Some(&written)).ok();
        assert_eq!(loss(written), Some(1.0));
        // By hand: half the log loss, three quarters of the error, half of the variance that was left.
        assert_eq!(loss([0.25, 150.0, 0.8]), Some((0.5 + 0.75 + (1.0 - 0.8) / (1.0 - 0.6)) / 3.0));
        assert!(joint.loss(&written, None).is_err());
        // What was perfect as written can only become worse.
        let perfect = judge(&[Metric::Accuracy, Metric::LogLoss]);
        assert_eq!(perfect.loss(&[0.75, 0.5], Some(&[1.0, 1.0])).ok(), Some((1.25 + 0.5) / 2.0));
    }

    #[test]
    fn one_target_has_the_loss_of_its_metric() {
        assert_eq!(judge(&[Metric::Accuracy]).loss(&[0.75], None).ok(), Some(-0.75));
        assert_eq!(judge(&[Metric::LogLoss]).loss(&[0.75], None).ok(), Some(0.75));
    }
}
