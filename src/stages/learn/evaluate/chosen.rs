//! What is chosen on the validation part: thresholds and temperatures.

use ndarray::Array2;

use super::judged::{Evidence, Judged, Opinion};
use super::models::{CALIBRATED, NETWORK};
use super::options::{ErrorCosts, Threshold, ThresholdRule};
use super::rows::failed;
use super::truth::Truth;
use super::verdict::Verdict;
use crate::diagnostic::{Class, Diagnostic};
use crate::statistics::evaluation::{Costs, Ranking, Rule, Temperature};
use crate::tensor::Target;

/// For each target what was chosen.
pub(super) struct Chosen {
    targets: Vec<OfTarget>,
}

#[derive(Default)]
struct OfTarget {
    /// By model.
    thresholds: Vec<(String, f64)>,
    temperature: Option<Temperature>,
}

impl Chosen {
    pub(super) fn nothing() -> Self {
        Self { targets: Vec::new() }
    }

    /// Chooses on the rows of a part.
    ///
    /// Errors: the part has no rows, or only one class where a threshold is to be chosen.
    pub(super) fn on(
        judged: &Judged,
        threshold: Threshold,
        calibrate: bool,
        part: &str,
        targets: &[Target],
    ) -> Result<Self, Diagnostic> {
        let rule = rule(threshold);
        let mut chosen = Self::nothing();
        for (target, evidence) in targets.iter().zip(&judged.evidence) {
            if evidence.truth.len() == 0 {
                let message = format!("part `{part}` has no rows with a value of `{}` to choose on", target.column());
                return Err(Diagnostic::error(Class::Data, message));
            }
            let mut of_target = OfTarget::default();
            if let (Truth::Binary(truth), Some(rule)) = (&evidence.truth, rule) {
                for opinion in &evidence.opinions {
                    let scores: Vec<f64> = opinion.outputs.iter().copied().collect();
                    let ranking = Ranking::new(truth, &scores).map_err(|error| failed(&error))?;
                    let found = ranking.threshold(rule).ok_or_else(|| {
                        let message = format!(
                            "part `{part}` has one class of `{}` only, so no threshold can be chosen there",
                            target.column()
                        );
                        Diagnostic::error(Class::Data, message).help("say `threshold: 0.5`, or choose on a larger part")
                    })?;
                    of_target.thresholds.push((opinion.model.clone(), found.threshold));
                }
            }
            if let (true, Some(network)) = (calibrate, evidence.opinions.first()) {
                let fitted = match &evidence.truth {
                    Truth::Binary(truth) => {
                        let classes: Vec<u32> = truth.iter().map(|yes| u32::from(*yes)).collect();
                        Temperature::fit(&classes, both(&network.outputs).view())
                    }
                    Truth::Classes(truth, _) => Temperature::fit(truth, network.outputs.view()),
                    Truth::Labels(_) | Truth::Numbers(_) => Ok(None),
                };
                of_target.temperature = fitted.map_err(|error| failed(&error))?;
            }
            chosen.targets.push(of_target);
        }
        Ok(chosen)
    }

    pub(super) fn temperature(&self, target: usize) -> Option<Temperature> {
        self.targets.get(target)?.temperature
    }

    /// Adds the calibrated network right behind the network.
    pub(super) fn calibrate(&self, judged: &mut Judged) {
        for (at, evidence) in judged.evidence.iter_mut().enumerate() {
            let (Some(temperature), Some(network)) = (self.temperature(at), evidence.opinions.first()) else {
                continue;
            };
            let mut outputs = network.outputs.clone();
            match &evidence.truth {
                Truth::Binary(_) => outputs.mapv_inplace(|p| temperature.apply_binary(p)),
                _ => outputs.rows_mut().into_iter().for_each(|row| temperature.apply(row)),
            }
            evidence.opinions.insert(1, Opinion { model: CALIBRATED.to_owned(), outputs });
        }
    }

    /// The threshold of each model.
    pub(super) fn thresholds(&self, written: Threshold, target: usize, evidence: &Evidence) -> Vec<f64> {
        let plain = if let Threshold::Number(value) = written { value } else { 0.5 };
        let known = self.targets.get(target).map(|of| of.thresholds.as_slice()).unwrap_or_default();
        let of = |model: &str| known.iter().find(|(name, _)| name == model).map(|(_, threshold)| *threshold);
        let threshold = |opinion: &Opinion| {
            if opinion.model != CALIBRATED {
                return of(&opinion.model).unwrap_or(plain);
            }
            // What was chosen for the network, in the calibrated probabilities: the same rows are a yes.
            match (of(NETWORK), self.temperature(target)) {
                (Some(threshold), Some(temperature)) if threshold <= 1.0 => temperature.apply_binary(threshold),
                (threshold, _) => threshold.unwrap_or(plain),
            }
        };
        evidence.opinions.iter().map(threshold).collect()
    }
}

/// What errors cost at the threshold of the network, in a sentence; `None` where there are no costs.
pub(super) fn mean_costs(written: Threshold, truth: &Truth, verdict: &Verdict) -> Option<String> {
    let of = |other| mean_cost(written, truth, verdict, 0, other);
    let (network, at_half) = (of(None)?, of(Some(0.5))?);
    Some(format!(" Errors of the network then cost {network:.4} a row here; from 0.5 on they would cost {at_half:.4}."))
}

/// The mean cost of a row by a model, at its threshold or at another one; `None` where there are no costs.
pub(super) fn mean_cost(
    written: Threshold,
    truth: &Truth,
    verdict: &Verdict,
    model: usize,
    other: Option<f64>,
) -> Option<f64> {
    let (Threshold::Word(ThresholdRule::Cost(costs)), Truth::Binary(truth)) = (written, truth) else { return None };
    let threshold = other.or_else(|| verdict.thresholds.get(model).copied())?;
    let said = verdict.said.get(model)?;
    let (mut positives, mut negatives) = (0, 0);
    for (p, truth) in said.iter().zip(truth) {
        positives += u64::from(*p >= threshold && !truth);
        negatives += u64::from(*p < threshold && *truth);
    }
    costs_of(costs).mean(positives, negatives, truth.len() as u64)
}

fn costs_of(costs: ErrorCosts) -> Costs {
    Costs { false_positive: costs.false_positive, false_negative: costs.false_negative }
}

fn rule(threshold: Threshold) -> Option<Rule> {
    match threshold {
        Threshold::Number(_) => None,
        Threshold::Word(ThresholdRule::Youden) => Some(Rule::Youden),
        Threshold::Word(ThresholdRule::F1) => Some(Rule::F1),
        Threshold::Word(ThresholdRule::Cost(costs)) => Some(Rule::Cost(costs_of(costs))),
    }
}

/// The probabilities of no and of yes.
fn both(yes: &Array2<f64>) -> Array2<f64> {
    Array2::from_shape_fn((yes.nrows(), 2), |(row, class)| {
        let yes = yes.get((row, 0)).copied().unwrap_or(0.0);
        if class == 1 { yes } else { 1.0 - yes }
    })
}
