//! `evaluate`: how good a model is on rows that it did not learn from, beside simple models.

mod chosen;
mod exhibits;
mod models;
mod options;
mod pictures;
mod product;
mod rows;
mod saved;
mod slices;
mod verdict;

use std::num::NonZeroUsize;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bundle::{self, Bundle, Save, Saving};
use super::needs;
use crate::baseline::Kind;
use crate::batch;
use crate::definition::{OneOrMany, Spanned};
use crate::diagnostic::{Class, Diagnostic, Findings, nearest};
use crate::digits;
use crate::exhibit::{Exhibit, Tone};
use crate::relation::{Relation, Scan, ScanSource};
use crate::stages::work::{Change, Outcome, StageCounts, Work, WorkContext};
use crate::stages::{PlanContext, Planned, Product, Shape, Split, Stage, TableShape, inputs};
use crate::statistics::evaluation::Binning;
use crate::statistics::evaluation::bootstrap::BootstrapOptions;
use crate::tensor::{Specification, Target, TargetKind};
use chosen::Chosen;
use models::Learned;
pub use options::{Baselines, ErrorCosts, Intervals, Resampling, Threshold};
use rows::{Judged, Truth};
use verdict::{Rules, Verdict};

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
///   Poisson deviance where it is defined, and residuals.
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
/// where that is beyond chance, whatever the number of groups. Numbers of many values are cut into quarters.
///
/// **`save`** copies the model with what was found about it to a folder of yours: the metrics stand on its card (`README.md`), and `predict`
/// divides by the temperature. `train: {save: ..}` saves the same model before anybody has judged it.
///
/// The product is a table with a row for each metric: `model`, `target`, `slice` (empty: all rows), `metric`, `value`, `lower`,
/// `upper`. Rows without a target are left out and counted.
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
        let key = context.key("metrics");
        let scan = Scan { source: ScanSource::Artifact(key.clone()), schema: product::schema() };
        let meaning = serde_json::json!({ "part": part, "choose_on": choose_on, "options": self });
        let work = EvaluateWork {
            key,
            part,
            choose_on,
            threshold: self.threshold.as_ref().map_or(Threshold::At(0.5), |threshold| threshold.value),
            baselines: match &self.baselines {
                Baselines::All => Kind::ALL.to_vec(),
                Baselines::None => Vec::new(),
                Baselines::These(kinds) => {
                    Kind::ALL.into_iter().filter(|kind| kinds.iter().any(|one| one.value == *kind)).collect()
                }
            },
            slices: slices.into_iter().map(|field| field.name).collect(),
            calibrate: self.calibrate.as_ref().is_some_and(|calibrate| calibrate.value),
            rules,
            save,
        };
        Ok(Planned::relation(TableShape::new(Relation::Scan(scan), None)).work(work).meaning(meaning))
    }
}

fn no_probability(value: f64) -> Diagnostic {
    Diagnostic::definition(format!("`threshold` is a probability from 0 to 1, not {value}"))
}

/// The place of the largest value, the first of equals.
pub(in crate::stages::learn) fn largest(values: impl Iterator<Item = f32>) -> u32 {
    let start = (0, f32::NEG_INFINITY);
    (0..).zip(values).fold(start, |best, (place, value)| if value > best.1 { (place, value) } else { best }).0
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
        known_part(part, split)?;
        if split.parts.first() == Some(&part.value) && !self.on_training_rows {
            let help = "judge on another part, or say `on_training_rows: true`";
            let message = format!("the model learned from part `{}`", part.value);
            return Err(Diagnostic::definition(message).at(&part.place).help(help));
        }
        Ok(Some(part.value.clone()))
    }

    /// The part on which thresholds are chosen and temperatures fitted; none where nothing is.
    fn choice(&self, split: Option<&Split>, judged: Option<&str>) -> Result<Option<String>, Diagnostic> {
        let by_rule = self.threshold.as_ref().filter(|threshold| !matches!(threshold.value, Threshold::At(_)));
        let calibrate = self.calibrate.as_ref().filter(|calibrate| calibrate.value);
        let asked = by_rule.map(|by| (&by.place, "the threshold is chosen"));
        let Some((place, what)) = asked.or(calibrate.map(|by| (&by.place, "the temperature is fitted"))) else {
            return match &self.choose_on {
                Some(part) => {
                    let message =
                        "nothing is chosen on `choose_on`: the threshold is a number, and nothing is calibrated";
                    Err(Diagnostic::definition(message).at(&part.place))
                }
                None => Ok(None),
            };
        };
        let help = "divide the rows in three with `split`: one part to learn from, one to choose on, one to judge on";
        let Some(split) = split else {
            let message = format!("there is no validation part on which {what}");
            return Err(Diagnostic::definition(message).at(place).help(help));
        };
        let (part, place) = match &self.choose_on {
            Some(part) => {
                known_part(part, split)?;
                (part.value.clone(), &part.place)
            }
            None => match split.parts.as_slice() {
                [_, second, _, ..] => (second.clone(), place),
                _ => {
                    let message = format!("there is no validation part on which {what}");
                    return Err(Diagnostic::definition(message).at(place).help(help));
                }
            },
        };
        if judged == Some(part.as_str()) {
            let message = format!("{what} on `{part}`, so its rows cannot judge it");
            return Err(Diagnostic::definition(message)
                .at(place)
                .help("judge on another part, or name another one in `choose_on`"));
        }
        if split.parts.first() == Some(&part) {
            let message = format!("{what} on `{part}`, from which the model learned");
            return Err(Diagnostic::definition(message).at(place).help("name a part that it did not learn from"));
        }
        Ok(Some(part))
    }

    /// Options that do not fit the targets, or are out of range.
    fn misplaced(&self, specification: &Specification) -> Findings {
        let kinds: Vec<TargetKind> = specification.targets.iter().map(|target| target.kind).collect();
        let has = |wanted: &[TargetKind]| kinds.iter().any(|kind| wanted.contains(kind));
        let mut findings = Findings::new();
        if let Some(threshold) = &self.threshold {
            let finding = match threshold.value {
                Threshold::At(_) if !has(&[TargetKind::Binary, TargetKind::MultiLabel]) => {
                    Some(Diagnostic::definition("`threshold` belongs to binary targets"))
                }
                Threshold::Youden | Threshold::F1 | Threshold::Cost(_) if !has(&[TargetKind::Binary]) => {
                    Some(Diagnostic::definition("`threshold` belongs to binary targets"))
                }
                Threshold::At(value) if !(0.0..=1.0).contains(&value) => Some(no_probability(value)),
                Threshold::Cost(ErrorCosts { false_positive: a, false_negative: b }) => {
                    let wrong = !(a.is_finite() && b.is_finite() && a >= 0.0 && b >= 0.0 && a + b > 0.0);
                    wrong.then(|| Diagnostic::definition("costs are numbers from 0 on, and not both are 0"))
                }
                _ => None,
            };
            findings.extend(finding.map(|finding| finding.at(&threshold.place)));
        }
        if let Some(calibrate) = self.calibrate.as_ref().filter(|calibrate| calibrate.value)
            && !has(&[TargetKind::Binary, TargetKind::Category])
        {
            let message = "`calibrate` belongs to binary targets and categories";
            findings.push(Diagnostic::definition(message).at(&calibrate.place));
        }
        for quantile in &self.quantiles {
            if !(quantile.value > 0.0 && quantile.value < 1.0) {
                let message = format!("a quantile lies between 0 and 1, not at {}", quantile.value);
                findings.push(Diagnostic::definition(message).at(&quantile.place));
            } else if !has(&[TargetKind::Number, TargetKind::Count]) {
                findings.push(Diagnostic::definition("`quantiles` belong to numbers").at(&quantile.place));
            }
        }
        if let Baselines::These(these) = &self.baselines {
            for kind in these {
                let numbers = has(&[TargetKind::Number, TargetKind::Count]);
                let classes = has(&[TargetKind::Binary, TargetKind::Category, TargetKind::MultiLabel]);
                let (wrong, instead) = match kind.value {
                    Kind::Linear => (!numbers, "logistic"),
                    Kind::Logistic => (!classes, "linear"),
                    _ => (false, ""),
                };
                if wrong {
                    let message = format!("the baseline `{}` does not fit the target", kind.value.name());
                    let finding = Diagnostic::definition(message).at(&kind.place);
                    findings.push(finding.label(format!("did you mean `{instead}`?")));
                }
            }
        }
        findings
    }

    fn rules(&self) -> Result<Rules, Findings> {
        let mut findings = Findings::new();
        let bins = self.bins.as_ref().map_or(10, |bins| bins.value);
        if let Some(bins) = self.bins.as_ref().filter(|bins| !BINS.contains(&bins.value)) {
            let message = format!("`bins` is a number from {} to {}", BINS.start(), BINS.end());
            findings.push(Diagnostic::definition(message).at(&bins.place));
        }
        let bootstrap = match &self.bootstrap {
            Intervals::None => None,
            Intervals::Resampled(resampling) => {
                if !RESAMPLES.contains(&resampling.resamples.value) {
                    let message = format!("`resamples` is a number from {} to {}", RESAMPLES.start(), RESAMPLES.end());
                    findings.push(Diagnostic::definition(message).at(&resampling.resamples.place));
                }
                let Resampling { resamples, seed, method } = resampling;
                Some(BootstrapOptions { resamples: resamples.value, seed: *seed, method: *method, confidence: 0.95 })
            }
        };
        let quantiles = self.quantiles.iter().map(|quantile| quantile.value).collect();
        let bins = NonZeroUsize::new(bins).unwrap_or(NonZeroUsize::MIN);
        if findings.is_empty() {
            Ok(Rules { binning: self.binning, bins, quantiles, bootstrap })
        } else {
            Err(findings)
        }
    }
}

/// Errors: the split has no such part.
fn known_part(part: &Spanned<String>, split: &Split) -> Result<(), Diagnostic> {
    if split.parts.contains(&part.value) {
        return Ok(());
    }
    let finding = Diagnostic::definition(format!("there is no part `{}`", part.value)).at(&part.place);
    Err(match nearest(&part.value, split.parts.iter().map(String::as_str)) {
        Some(near) => finding.label(format!("did you mean `{near}`?")),
        None => finding.help(format!("the parts are {}", split.parts.join(", "))),
    })
}

struct EvaluateWork {
    key: String,
    /// None: all rows.
    part: Option<String>,
    choose_on: Option<String>,
    threshold: Threshold,
    baselines: Vec<Kind>,
    slices: Vec<String>,
    calibrate: bool,
    rules: Rules,
    /// Where the judged model goes.
    save: Option<Saving>,
}

impl EvaluateWork {
    fn title(&self, target: Option<&str>) -> String {
        let of = target.map(|target| format!(" of {target}")).unwrap_or_default();
        match &self.part {
            Some(part) => format!("Evaluation{of} on {part}"),
            None => format!("Evaluation{of} on all rows"),
        }
    }

    fn seed(&self) -> u64 {
        self.rules.bootstrap.map_or(0, |options| options.seed)
    }

    /// Remarks about rows and about how far the judgement can be trusted.
    fn notes(&self, judged: &Judged, bundle: &Bundle, is_training: bool, target: &str) -> Vec<Exhibit> {
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
        let left_out = &judged.left_out;
        if left_out.missing > 0 {
            note(Tone::Info, format!("{} without `{target}`: left out.", digits::rows(left_out.missing)));
        }
        if left_out.unknown > 0 {
            let text = format!("{} of a class that no training row has: left out.", digits::rows(left_out.unknown));
            note(Tone::Warning, text);
        }
        if left_out.failed > 0 {
            let text = format!("{} of which a part cannot be read: left out.", digits::rows(left_out.failed));
            note(Tone::Warning, text);
        }
        if let Some(all) = judged.drawn_from {
            let looked_at = judged.rows() as u64 + left_out.missing + left_out.unknown + left_out.failed;
            let text = format!(
                "Judged on a random part of {} of {} (seed {}), as many as memory holds.",
                digits::whole(looked_at),
                digits::rows(all),
                self.seed()
            );
            note(Tone::Info, text);
        }
        notes
    }

    /// Remarks about one target.
    fn remarks(&self, target: &Target, truth: &Truth, verdict: &Verdict, chosen: &Chosen, at: usize) -> Vec<Exhibit> {
        let mut notes = Vec::new();
        let part = self.choose_on.as_deref().unwrap_or_default();
        if let Truth::Binary(truth) = truth
            && let Some(first) = truth.first()
            && truth.iter().all(|yes| yes == first)
        {
            let class = target.names().get(usize::from(*first)).map_or("one class", String::as_str);
            let text =
                format!("All judged rows are `{class}`: what needs both classes, such as ROC AUC, is not defined.");
            notes.push(Exhibit::note(Tone::Warning, text));
        }
        if matches!(target, Target::Binary(_)) && !matches!(self.threshold, Threshold::At(_)) {
            let why = match self.threshold {
                Threshold::Youden => "Youden's index is largest",
                Threshold::F1 => "F1 is largest",
                _ => "errors cost the least",
            };
            let threshold = verdict.thresholds.first().copied().unwrap_or(0.5);
            let mut text = format!("Yes is predicted from {threshold:.3} on: where {why} on `{part}`.");
            if let Some(costs) = chosen::mean_costs(self.threshold, truth, verdict) {
                text.push_str(&costs);
            }
            notes.push(Exhibit::note(Tone::Info, text));
        }
        if let Some(temperature) = chosen.temperature(at) {
            let both = |metric: &str| {
                let of = |model: &str| verdict.scored.iter().find(|scored| scored.model == model)?.value(metric);
                Some((of(models::NETWORK)?, of(models::CALIBRATED)?))
            };
            let told = both("log loss").map(|(before, after)| format!(" log loss {before:.4} becomes {after:.4}"));
            let errors = both("expected calibration error").map(|(before, after)| {
                format!(", expected calibration error {:.2} % becomes {:.2} %", before * 100.0, after * 100.0)
            });
            let text = format!(
                "Temperature {:.3}, fitted on `{part}`:{}{}.",
                temperature.value(),
                told.unwrap_or_default(),
                errors.unwrap_or_default()
            );
            notes.push(Exhibit::note(Tone::Info, text));
        }
        if let Truth::Numbers(truth) = truth {
            let zeros = truth.iter().filter(|value| **value == 0.0).count();
            if zeros > 0 {
                let text = format!("MAPE leaves out {} whose true value is 0.", digits::rows(zeros as u64));
                notes.push(Exhibit::note(Tone::Info, text));
            }
        }
        if self.rules.bootstrap.is_some() && verdict.resampled < truth.len() {
            let text = format!(
                "Intervals come from resamples of a random {} of {} rows, narrowed to the number of all rows.",
                digits::whole(verdict.resampled as u64),
                digits::whole(truth.len() as u64)
            );
            notes.push(Exhibit::note(Tone::Info, text));
        }
        notes
    }
}

impl Work for EvaluateWork {
    fn passes(&self, _: usize) -> usize {
        2 + usize::from(!self.baselines.is_empty()) + 2 * usize::from(self.choose_on.is_some())
    }

    fn run(&self, products: &[Product], context: &WorkContext<'_>) -> Result<Outcome, Diagnostic> {
        let Some(Product::Model { folder, tensors }) = products.first() else { return Ok(Outcome::default()) };
        let bundle = Bundle::read(folder)?;
        let (encoder, network) = bundle.load(folder)?;
        let table = &tensors.table;
        let columns: Vec<&str> = encoder.targets().iter().map(Target::column).collect();
        let learned = Learned::learn(&self.baselines, table, &encoder, self.seed(), context)?;
        let speakers = learned.speakers(&encoder, &network);
        let chosen = match &self.choose_on {
            Some(part) => {
                let judged = rows::judge(&table.part(part), &encoder, &speakers, &[], self.seed(), context)?;
                Chosen::on(&judged, self.threshold, self.calibrate, part, encoder.targets())?
            }
            None => Chosen::nothing(),
        };
        let rows = self.part.as_ref().map_or_else(|| table.relation.clone(), |part| table.part(part));
        let mut judged = rows::judge(&rows, &encoder, &speakers, &self.slices, self.seed(), context)?;
        if judged.rows() == 0 {
            let place = self.part.as_ref().map_or_else(|| "the table".to_owned(), |part| format!("part `{part}`"));
            let message = format!("{place} has no rows with a value of `{}` to judge on", columns.join("`, `"));
            return Err(Diagnostic::error(Class::Data, message));
        }
        let is_training = match &table.split {
            Some(split) => split.parts.first() == self.part.as_ref() || self.part.is_none(),
            None => true,
        };
        let mut outcome = Outcome::default();
        let mut metrics = product::Rows::default();
        let mut document = serde_json::Map::new();
        let notes = self.notes(&judged, &bundle, is_training, &columns.join("`, `"));
        let mut judgement = saved::judgement(context.id, self.part.as_deref(), judged.rows(), is_training, &notes);
        chosen.calibrate(&mut judged);
        for (at, (target, evidence)) in encoder.targets().iter().zip(&judged.evidence).enumerate() {
            let thresholds = chosen.thresholds(self.threshold, at, evidence);
            let verdict = verdict::reach(target, evidence, &thresholds, &self.rules)?;
            let threshold = thresholds.first().copied().unwrap_or(0.5);
            let groups = match evidence.opinions.first().filter(|_| !judged.slices.is_empty()) {
                Some(network) => {
                    let judge = verdict::judge(target, &evidence.truth, network, threshold, &self.rules, false)?;
                    slices::groups(&judged.slices, evidence, threshold, judge.as_ref())
                }
                None => Vec::new(),
            };
            let name = (columns.len() > 1).then(|| target.column());
            outcome.exhibits.extend(exhibits::headline(self.title(name), &verdict, judged.rows()));
            outcome.exhibits.extend(verdict.comparison.as_ref().map(exhibits::sentence));
            if at == 0 {
                outcome.exhibits.extend(notes.iter().cloned());
            }
            outcome.exhibits.extend(self.remarks(target, &evidence.truth, &verdict, &chosen, at));
            if verdict.scored.len() > 1 {
                outcome.exhibits.extend(exhibits::models(&verdict, &learned, matches!(target, Target::Binary(_))));
                outcome.exhibits.extend(exhibits::intervals(&verdict));
            }
            outcome.exhibits.extend(pictures::all(target, evidence, &verdict, &self.rules)?);
            let (measure, _) = slices::measure(&evidence.truth);
            let overall = verdict.scored.first().and_then(|network| network.value(measure));
            outcome.exhibits.extend(exhibits::groups(&groups, &evidence.truth, overall));
            metrics.add(target, evidence, &verdict, &groups);
            metrics.chosen(target, &verdict, &chosen, at, self.threshold, &evidence.truth);
            saved::add(&mut judgement, name, &verdict);
            judgement
                .temperatures
                .extend(chosen.temperature(at).map(|temperature| (target.column().to_owned(), temperature.value())));
            let told = serde_json::json!({
                "threshold": matches!(target, Target::Binary(_)).then_some(threshold),
                "temperature": chosen.temperature(at).map(|temperature| temperature.value()),
            });
            document.insert(target.column().to_owned(), told);
        }
        batch::write_parquet(&context.artifacts.join(FILE), &metrics.table()?)?;
        if let Some(saving) = &self.save {
            outcome.outputs.push(bundle::save(folder, saving, bundle.training.rows, Some(&judgement))?);
        }
        outcome.document = document.into();
        outcome.bindings.artifacts.insert(self.key.clone(), FILE.into());
        Ok(outcome)
    }

    fn changes(&self, counts: &StageCounts) -> Vec<Change> {
        vec![Change::minus("summarized", counts.first_input()), Change::plus("one row for each metric", counts.out)]
    }
}
