//! `evaluate`: how good a model is on rows that it did not learn from, beside simple models.

mod checks;
mod chosen;
mod column;
mod exhibits;
mod intervals;
mod judged;
mod models;
mod options;
mod pictures;
mod product;
mod rows;
mod saved;
mod slices;
mod truth;
mod verdict;
mod work;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bundle::Save;
use super::needs;
use crate::baseline::Kind;
use crate::definition::{OneOrMany, Spanned};
use crate::diagnostic::{Diagnostic, Findings};
use crate::relation::{Relation, Scan, ScanSource};
use crate::stages::{PlanContext, Planned, Shape, Stage, TableShape, inputs};
use crate::statistics::evaluation::Binning;
pub use options::{Baselines, ErrorCosts, Intervals, Resampling, Threshold, ThresholdRule};
use work::EvaluateWork;

const FILE: &str = "metrics.parquet";
/// Resamples and bins at most.
const RESAMPLES: std::ops::RangeInclusive<usize> = 100..=100_000;
const BINS: std::ops::RangeInclusive<usize> = 2..=1_000;

/// Judges a model on rows that it did not learn from, beside simple models that learned from the same features.
///
/// The rows are those of the part `on`: by default the last part of the split. Judging on the rows that were learned
/// says how well they are known by heart, not how good the model is, so it has to be asked for with
/// `on_training_rows: true`.
///
/// - A binary target gets accuracy, balanced accuracy, precision, recall, F1, Matthews correlation, kappa and the confusion
///   matrix at `threshold`; ROC AUC, average precision, log loss, Brier score, expected and maximum calibration error; curves of
///   ROC, precision and recall, reliability and cumulative gains.
/// - A category gets accuracy, macro, weighted and micro F1, precision and recall, balanced accuracy, log loss, Brier score,
///   areas of each class against the rest (up to 200 classes), Matthews correlation, kappa (weighted ones where all classes are
///   numbers), calibration of the predicted class, top-5 accuracy from ten classes on, a table by class and the confusion matrix.
/// - Labels get micro and macro F1, subset accuracy, Hamming loss, log loss and a table by label.
/// - A number or a count gets R2, the mean, median and largest absolute error, the root of the mean squared error, explained
///   variance, MAPE (without rows whose truth is 0; their number is said), SMAPE, the pinball loss of each of `quantiles`, the
///   Poisson deviance where it is defined, and residuals: by prediction, and beside those of a normal distribution.
///
/// Definitions are those of scikit-learn. Intervals of 95 % come from resampled rows (the bootstrap; all models on the same
/// resamples); of more than 20,000 rows a random part is resampled and the intervals shrink accordingly.
///
/// **Baselines** learn from the training rows alone (a random part of at most 50,000): `constant` (shares of the classes, or the
/// mean), `linear` or `logistic` regression, a `tree` and a `forest` of 100 trees. For texts they see words weighted by tf-idf
/// (linear models only), for images the pixels, for sequences all values of the window. The report says in a sentence whether
/// the network is better than the best of them, with the interval of the difference and a paired test (DeLong, McNemar or a
/// permutation). `baselines: none` leaves them out.
///
/// **`threshold`** is a probability, or chosen on the validation part (`choose_on`, by default the second of three parts): where
/// Youden's index or F1 is largest, or where errors cost the least: `{cost: {false_positive: 1, false_negative: 5}}`. Each model
/// gets a threshold of its own. **`calibrate`** fits a temperature on the same part, by which probabilities become less sure or
/// more; the row `temperature` of the product tells it.
///
/// **`slices`** are columns: the metrics are told for each group of rows, and the groups that are worse than elsewhere are named
/// where that is beyond chance, whatever the number of groups. Numbers of many values are cut into quarters. All metrics of a
/// group have intervals: Wilson's for shares of rows (accuracy, precision, recall), for others from 400 resamples of at most
/// 5,000 rows of the group.
///
/// **`save`** copies the model with what was found about it to a folder of yours: the metrics stand on its card (`README.md`), and `predict`
/// divides by the temperature. `train: {save: ..}` saves the same model before anybody has judged it.
///
/// The product is a table with a row for each metric: `model`, `target`, `slice` (empty: all rows), `metric`, `value`, `lower`,
/// `upper`. Rows without a target are left out and counted, and so are rows whose image or sound cannot be read; the first of
/// these are named.
///
/// ```yaml
/// - evaluate: {on: test}
/// - evaluate:
///     on: test
///     threshold: {cost: {false_positive: 1, false_negative: 5}}
///     slices: [carrier, origin]
///     calibrate: true
///     save: out/model
/// - evaluate: {baselines: [constant, forest], bootstrap: {resamples: 2000, seed: 7}, quantiles: [0.1, 0.9]}
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
    /// From which probability on yes is predicted: a number, `youden`, `f1` or `{cost: ..}`; 0.5 when absent. For binary targets;
    /// a number also for labels.
    #[serde(default)]
    threshold: Option<Spanned<Threshold>>,
    /// The part on which a threshold is chosen and a temperature is fitted; the second of three or more parts when absent.
    #[serde(default)]
    choose_on: Option<Spanned<String>>,
    /// The simple models beside the network: `all` that fit, `none`, or a list.
    #[serde(default)]
    baselines: Baselines,
    /// Columns by whose values the rows are divided.
    #[serde(default)]
    slices: OneOrMany<Spanned<String>>,
    /// How intervals are computed: `none`, or `{resamples: 1000, seed: 0, method: bca | percentile}`.
    #[serde(default)]
    bootstrap: Intervals,
    /// Whether to fit a temperature, so that probabilities can be taken at their word. For binary targets and categories.
    #[serde(default)]
    calibrate: Option<Spanned<bool>>,
    /// Bins of the reliability curve and of calibration errors; 10 when absent.
    #[serde(default)]
    bins: Option<Spanned<usize>>,
    /// How probabilities are cut into bins.
    #[serde(default)]
    binning: Binning,
    /// Quantiles of which the pinball loss of predicted numbers is computed.
    #[serde(default)]
    quantiles: Vec<Spanned<f64>>,
    /// A folder to which the model is copied with its judgement; a model that is there is replaced. With `{path: out/model, onnx: true}` the
    /// network is written as ONNX too.
    #[serde(default)]
    save: Option<Spanned<Save>>,
}

impl Stage for Evaluate {
    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let model = needs::model(shapes, 0, context.input_ids)?;
        let mut findings = Findings::new();
        let split = model.tensors.table.split.as_ref();
        let part = self.part(split).map_err(|finding| findings.push(finding)).unwrap_or_default();
        let choose_on =
            self.choice(split, part.as_deref()).map_err(|finding| findings.push(finding)).unwrap_or_default();
        findings.extend(self.misplaced(&model.tensors.specification));
        let slices = inputs::columns(&model.tensors.table.schema, &self.slices, &model.stage);
        let slices = slices.map_err(|wrong| findings.extend(wrong)).unwrap_or_default();
        for (field, name) in slices.iter().zip(self.slices.iter()) {
            if field.data_type.is_nested() {
                let message =
                    format!("column `{}` holds {}, by which rows cannot be divided", field.name, field.data_type);
                findings.push(Diagnostic::definition(message).at(&name.place));
            }
        }
        let save = self.save.as_ref().map(|save| Save::resolve(save, context)).transpose();
        let save = save.map_err(|finding| findings.push(finding)).unwrap_or_default();
        let rules = self.rules().map_err(|wrong| findings.extend(wrong)).ok();
        let Some(rules) = rules.filter(|_| findings.is_empty()) else { return Err(findings) };
        let targets = &model.tensors.specification.targets;
        let key = context.key("metrics");
        let scan = Scan { source: ScanSource::Artifact(key.clone()), schema: product::schema() };
        let meaning = serde_json::json!({ "part": part, "choose_on": choose_on, "options": self });
        let work = EvaluateWork {
            key,
            part,
            choose_on,
            threshold: self.threshold.as_ref().map_or(Threshold::Number(0.5), |threshold| threshold.value),
            baselines: match &self.baselines {
                Baselines::All => Kind::ALL.to_vec(),
                Baselines::None => Vec::new(),
                Baselines::These(kinds) => {
                    Kind::ALL.into_iter().filter(|kind| kinds.iter().any(|one| one.value == *kind)).collect()
                }
            },
            slices: slices.into_iter().map(|field| field.name).collect(),
            targets: targets.iter().map(|target| target.kind).collect(),
            calibrate: self.calibrate.as_ref().is_some_and(|calibrate| calibrate.value),
            rules,
            save,
        };
        Ok(Planned::relation(TableShape::new(Relation::Scan(scan), None)).work(work).meaning(meaning))
    }
}

/// The place of the largest value, the first of equals.
pub(in crate::stages::learn) fn largest(values: impl Iterator<Item = f32>) -> u32 {
    let start = (0, f32::NEG_INFINITY);
    (0..).zip(values).fold(start, |best, (place, value)| if value > best.1 { (place, value) } else { best }).0
}
