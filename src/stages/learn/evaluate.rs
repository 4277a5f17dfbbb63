//! `evaluate`: how good a model is on rows that it did not learn from.

mod classes;
mod judged;
mod numbers;
mod verdict;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bundle::Bundle;
use super::{figures, needs};
use crate::batch;
use crate::definition::Spanned;
use crate::diagnostic::{Class, Diagnostic, Findings, nearest};
use crate::digits;
use crate::exhibit::{Exhibit, Tone};
use crate::expression::{DataType, Field, Schema};
use crate::relation::{Relation, Scan, ScanSource};
use crate::stages::work::{Change, Outcome, StageCounts, Work, WorkContext};
use crate::stages::{PlanContext, Planned, Product, Shape, Split, Stage, TableShape};
use crate::tensor::{Target, TargetKind};
use judged::Judged;
pub(super) use judged::largest;
use verdict::Verdict;

const FILE: &str = "metrics.parquet";

/// Judges a model on rows that it did not learn from, beside the simplest model that there is.
///
/// The rows are those of the part `on`: by default the last part of the split. Judging on the rows that were learned
/// says how well they are known by heart, not how good the model is, so it has to be asked for with
/// `on_training_rows: true`.
///
/// - A binary target gets accuracy, balanced accuracy, precision, recall, F1 and the confusion matrix at `threshold`,
///   ROC AUC, the average precision, log loss, Brier score, the ROC curve and a calibration curve.
/// - A category gets accuracy, macro and micro F1, log loss, a table by class and the confusion matrix.
/// - A number gets the mean absolute error, the root of the mean squared error, R2, the residuals and predictions
///   against the truth.
///
/// The baseline always says the most frequent class of the training rows, with its share as the probability, or their
/// mean. Rows without a target are left out and counted. Definitions are those of scikit-learn.
///
/// The product is a table with a row for each metric: `metric`, `value`, `baseline`.
///
/// ```yaml
/// - evaluate: {on: test}
/// ```
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Evaluate {
    /// The part whose rows are judged; the last one when absent.
    #[serde(default)]
    on: Option<Spanned<String>>,
    /// Allows to judge on the rows that were learned.
    #[serde(default)]
    on_training_rows: bool,
    /// The probability from which yes is predicted, for binary targets; 0.5 when absent.
    #[serde(default)]
    threshold: Option<Spanned<f64>>,
}

impl Stage for Evaluate {
    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let model = needs::model(shapes, 0, context.input_ids)?;
        let mut findings = Findings::new();
        let part = self.part(model.tensors.table.split.as_ref());
        let part = part.map_err(|finding| findings.push(finding)).unwrap_or_default();
        let threshold = threshold(self.threshold.as_ref(), model.tensors.specification.kind());
        let threshold = threshold.map_err(|finding| findings.push(finding)).unwrap_or_default();
        if !findings.is_empty() {
            return Err(findings);
        }
        let key = context.key("metrics");
        let scan = Scan { source: ScanSource::Artifact(key.clone()), schema: product_schema() };
        let meaning = serde_json::json!({ "part": part, "threshold": threshold });
        let work = EvaluateWork { key, part, threshold };
        Ok(Planned::relation(TableShape::new(Relation::Scan(scan), None)).work(work).meaning(meaning))
    }
}

/// The threshold with its default.
///
/// Errors: it is no probability, or the target is not binary.
pub(super) fn threshold(written: Option<&Spanned<f64>>, kind: TargetKind) -> Result<f64, Diagnostic> {
    match written {
        None => Ok(0.5),
        Some(threshold) if kind != TargetKind::Binary => {
            Err(Diagnostic::definition("`threshold` belongs to binary targets").at(&threshold.place))
        }
        Some(threshold) if !(0.0..=1.0).contains(&threshold.value) => {
            let message = format!("`threshold` is a probability from 0 to 1, not {}", threshold.value);
            Err(Diagnostic::definition(message).at(&threshold.place))
        }
        Some(threshold) => Ok(threshold.value),
    }
}

impl Evaluate {
    /// The part to judge on; none: all rows.
    fn part(&self, split: Option<&Split>) -> Result<Option<String>, Diagnostic> {
        let divide = "divide the rows with `split` above `tensors`, or say `on_training_rows: true`";
        let Some(split) = split else {
            return match &self.on {
                Some(part) => {
                    let message = format!("there is no part `{}`: the rows are not divided", part.value);
                    Err(Diagnostic::definition(message).at(&part.place).help(divide))
                }
                None if self.on_training_rows => Ok(None),
                None => {
                    let message = "there are no rows to judge on that the model did not learn from";
                    Err(Diagnostic::definition(message).help(divide))
                }
            };
        };
        let Some(part) = &self.on else {
            // Asked for the training rows without a name, the last part would be a surprise.
            return Ok(if self.on_training_rows { split.parts.first() } else { split.parts.last() }.cloned());
        };
        if !split.parts.contains(&part.value) {
            let finding = Diagnostic::definition(format!("there is no part `{}`", part.value)).at(&part.place);
            return Err(match nearest(&part.value, split.parts.iter().map(String::as_str)) {
                Some(near) => finding.label(format!("did you mean `{near}`?")),
                None => finding.help(format!("the parts are {}", split.parts.join(", "))),
            });
        }
        if split.parts.first() == Some(&part.value) && !self.on_training_rows {
            let help = "judge on another part, or say `on_training_rows: true`";
            let message = format!("the model learned from part `{}`", part.value);
            return Err(Diagnostic::definition(message).at(&part.place).help(help));
        }
        Ok(Some(part.value.clone()))
    }
}

fn product_schema() -> Schema {
    let fields = vec![
        Field::new("metric", DataType::String),
        Field::new("value", DataType::Float64),
        Field::new("baseline", DataType::Float64),
    ];
    Schema::new(fields).unwrap_or_default()
}

struct EvaluateWork {
    key: String,
    /// None: all rows.
    part: Option<String>,
    threshold: f64,
}

impl EvaluateWork {
    fn title(&self) -> String {
        match &self.part {
            Some(part) => format!("Evaluation on {part}"),
            None => "Evaluation on all rows".to_owned(),
        }
    }

    /// Remarks about rows and about how far the judgement can be trusted.
    fn notes(&self, judged: &Judged, bundle: &Bundle, is_training: bool) -> Vec<Exhibit> {
        let mut notes = Vec::new();
        let mut note = |tone, text: String| notes.push(Exhibit::note(tone, text));
        if is_training {
            note(Tone::Warning, "The model learned from these rows: expect it to do worse on others.".to_owned());
        }
        if bundle.training.epoch_chosen_on_validation
            && bundle.training.validated_on == self.part
            && self.part.is_some()
        {
            let text =
                "These rows chose the epoch that was kept (early stopping), so the judgement is a little too kind.";
            note(Tone::Warning, text.to_owned());
        }
        if judged.missing > 0 {
            note(Tone::Info, format!("{} without `{}`: left out.", digits::rows(judged.missing), bundle.target.name));
        }
        if judged.unknown > 0 {
            let text = format!("{} of a class that no training row has: left out.", digits::rows(judged.unknown));
            note(Tone::Warning, text);
        }
        notes
    }
}

impl Work for EvaluateWork {
    fn passes(&self, _: usize) -> usize {
        1
    }

    fn run(&self, products: &[Product], context: &WorkContext<'_>) -> Result<Outcome, Diagnostic> {
        let Some(Product::Model { folder, tensors }) = products.first() else { return Ok(Outcome::default()) };
        let bundle = Bundle::read(folder)?;
        let (encoder, network) = bundle.load(folder)?;
        let table = &tensors.table;
        let rows = self.part.as_ref().map_or_else(|| table.relation.clone(), |part| table.part(part));
        let judged = Judged::read(&rows, &encoder, &network, context)?;
        if judged.is_empty() {
            let place = self.part.as_ref().map_or_else(|| "the table".to_owned(), |part| format!("part `{part}`"));
            let message = format!("{place} has no rows with a value of `{}` to judge on", bundle.target.name);
            return Err(Diagnostic::error(Class::Data, message));
        }
        let verdict = match encoder.target() {
            Target::Binary(classes) => classes::binary(classes, &judged, self.threshold),
            Target::Category(classes) => classes::several(classes, &judged),
            Target::Number(number) => numbers::number(number, &judged),
            Target::MultiLabel(_) | Target::Count(_) => {
                let message = "labels and counts cannot be judged yet";
                return Err(Diagnostic::error(Class::Stage, message));
            }
        };
        let Verdict { scores, exhibits } = verdict
            .map_err(|error| Diagnostic::error(Class::Stage, format!("the predictions cannot be judged: {error}")))?;
        batch::write_parquet(&context.artifacts.join(FILE), &verdict::table(&scores)?)?;
        let is_training = match &table.split {
            Some(split) => split.parts.first() == self.part.as_ref() || self.part.is_none(),
            None => true,
        };
        let mut outcome = Outcome::default();
        outcome.bindings.artifacts.insert(self.key.clone(), FILE.into());
        outcome.exhibits.push(verdict::headline(self.title(), &scores, judged.len()));
        outcome.exhibits.extend(self.notes(&judged, &bundle, is_training));
        outcome.exhibits.extend(exhibits);
        Ok(outcome)
    }

    fn changes(&self, counts: &StageCounts) -> Vec<Change> {
        vec![Change::minus("summarized", counts.first_input()), Change::plus("one row for each metric", counts.out)]
    }
}
