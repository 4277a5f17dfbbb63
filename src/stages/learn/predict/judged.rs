//! What was chosen when the model was evaluated: by what its logits are divided, and from which probability on yes is said.

use std::collections::BTreeMap;

use super::known::Known;
use super::{KnownThreshold, Predict, Threshold};
use crate::batch;
use crate::diagnostic::{Class, Diagnostic, Findings};
use crate::expression::DataType;
use crate::stages::learn::bundle::{Bundle, Judgement};
use crate::stages::work::WorkContext;
use crate::stages::{Shape, TableProduct};
use crate::tensor::TargetKind;

/// What the network is called in the metrics of an evaluation, as it is and with calibrated probabilities.
const NETWORK: &str = "network";
const CALIBRATED: &str = "network, calibrated";
/// A threshold that no probability reaches.
const NEVER: f64 = 2.0;

/// What was chosen, by target.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Judged {
    /// The stage that evaluated.
    pub(super) by: String,
    /// By what the logits are divided.
    pub(super) temperatures: BTreeMap<String, f64>,
    /// From which probability on, as `predict` gives it, yes or a label is said.
    pub(super) thresholds: BTreeMap<String, f64>,
}

impl Judged {
    /// What a saved model brings with it.
    pub(super) fn saved(judgement: &Judgement) -> Self {
        let temperatures = judgement.temperatures.keys().map(|target| (target.clone(), judgement.temperature(target)));
        let thresholds =
            judgement.thresholds.iter().filter_map(|(target, value)| Some((target.clone(), sound(*value)?)));
        Self { by: judgement.stage.clone(), temperatures: temperatures.collect(), thresholds: thresholds.collect() }
    }

    /// What the metrics of the stage `by` tell about the network. Metrics of simple models and of groups of rows are not asked.
    ///
    /// Errors: the metrics cannot be read.
    pub(super) fn told(
        by: &str,
        bundle: &Bundle,
        metrics: &TableProduct,
        context: &WorkContext<'_>,
    ) -> Result<Self, Diagnostic> {
        let mut found = Self { by: by.to_owned(), ..Self::default() };
        let mut plain = BTreeMap::new();
        for rows in context.collect(&metrics.relation)? {
            let (Some(names), Some(values)) = (batch::column(&rows, "metric"), batch::column(&rows, "value")) else {
                continue;
            };
            let told = |column: &str| batch::column(&rows, column).map(batch::texts).unwrap_or_default();
            let (of, models, slices) = (told("target"), told("model"), told("slice"));
            let at = |texts: &[Option<String>], row: usize| texts.get(row).cloned().flatten();
            for (row, (name, value)) in batch::texts(names).iter().zip(batch::floats(values)).enumerate() {
                let model = at(&models, row);
                let model = model.as_deref().unwrap_or(NETWORK);
                if at(&slices, row).is_some() || !(model == NETWORK || model == CALIBRATED) {
                    continue;
                }
                let goes_to = match name.as_deref() {
                    Some("temperature") if value.is_finite() && value > 0.0 => &mut found.temperatures,
                    // What was chosen for calibrated probabilities is for those that come out here.
                    Some("threshold") if model == CALIBRATED => &mut found.thresholds,
                    Some("threshold") => &mut plain,
                    _ => continue,
                };
                // A table has no infinity: there the threshold that no probability reaches is null.
                let value = if name.as_deref() == Some("threshold") { sound(value).unwrap_or(NEVER) } else { value };
                match at(&of, row) {
                    Some(target) => drop(goes_to.insert(target, value)),
                    None => goes_to.extend(bundle.targets.iter().map(|target| (target.field.name.clone(), value))),
                }
            }
        }
        for (target, threshold) in plain {
            found.thresholds.entry(target).or_insert(threshold);
        }
        Ok(found)
    }
}

/// A threshold as it can be compared with; none for what is no number.
fn sound(threshold: f64) -> Option<f64> {
    // Infinite: on the rows where it was chosen it was best never to say yes.
    (!threshold.is_nan()).then(|| threshold.clamp(0.0, NEVER))
}

/// From which probability on yes or a label of a target is said, and by what its logits are divided.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Decisions {
    judged: Judged,
    /// A threshold that is written.
    stated: Option<f64>,
}

impl Decisions {
    /// The decisions for these targets.
    ///
    /// Errors: of class [`Class::Data`] when a threshold was to be chosen and none was.
    pub(super) fn new(written: Option<Threshold>, judged: Judged, bundle: &Bundle) -> Result<Self, Diagnostic> {
        let stated = match written {
            Some(Threshold::Number(value)) => Some(value),
            Some(Threshold::Word(KnownThreshold::Chosen)) => {
                let mut asked = bundle.targets.iter().filter(|target| target.kind == TargetKind::Binary);
                if let Some(target) = asked.find(|target| !judged.thresholds.contains_key(&target.field.name)) {
                    return Err(Diagnostic::error(Class::Data, none_chosen(&target.field.name)).help(CHOOSE));
                }
                None
            }
            None => None,
        };
        Ok(Self { judged, stated })
    }

    pub(super) fn temperature(&self, target: &str) -> f64 {
        self.judged.temperatures.get(target).copied().unwrap_or(1.0)
    }

    pub(super) fn threshold(&self, target: &str) -> f64 {
        self.stated.unwrap_or_else(|| self.judged.thresholds.get(target).copied().unwrap_or(0.5))
    }

    /// The stage that chose the threshold of a target, where that is another one than everybody expects.
    pub(super) fn chosen_by(&self, target: &str) -> Option<&str> {
        let is_chosen = self.stated.is_none() && self.judged.thresholds.get(target).is_some_and(|value| *value != 0.5);
        is_chosen.then_some(self.judged.by.as_str())
    }
}

const CHOOSE: &str = "let `evaluate` choose one: `threshold: youden`, `f1` or `{cost: ..}`; or state a number";

fn none_chosen(target: &str) -> String {
    format!("no threshold was chosen for `{target}` when the model was evaluated")
}

impl Predict {
    /// Whether there is something that `calibration` and `threshold: chosen` can take.
    pub(super) fn check_judged(&self, shapes: &[Shape], known: &Known) -> Findings {
        let mut findings = Findings::new();
        if let Some(stage) = &self.calibration {
            let position = usize::from(known.folder.is_none()) + 1;
            let is_judgement = match shapes.get(position) {
                Some(Shape::Table(table)) => {
                    table.schema.data_type("metric") == Some(&DataType::String)
                        && table.schema.data_type("value") == Some(&DataType::Float64)
                }
                _ => false,
            };
            if !is_judgement {
                let finding = Diagnostic::definition(format!("`{}` gives no metrics of a model", stage.value));
                findings.push(finding.at(&stage.place).help("name the stage that evaluates the model: `evaluate`"));
            }
        } else if let Some(threshold) =
            self.threshold.as_ref().filter(|written| matches!(written.value, Threshold::Word(KnownThreshold::Chosen)))
        {
            let mut asked = known.targets.iter().filter(|target| target.kind == TargetKind::Binary);
            let open = asked.find(|target| !known.judged.thresholds.contains_key(&target.column));
            if let Some(target) = open {
                let finding = Diagnostic::definition(none_chosen(&target.column)).at(&threshold.place);
                findings.push(match known.folder {
                    Some(_) => finding.help(CHOOSE),
                    None => finding.help("name the stage that evaluates the model in `calibration`"),
                });
            }
        }
        findings
    }
}
