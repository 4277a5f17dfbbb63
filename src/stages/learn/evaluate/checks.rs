//! What can be found wrong with the options before a row is read.

use std::num::NonZeroUsize;

use super::options::{Baselines, ErrorCosts, Intervals, Resampling, Threshold, ThresholdRule};
use super::verdict::Rules;
use super::{BINS, Evaluate, RESAMPLES};
use crate::baseline::Kind;
use crate::definition::Spanned;
use crate::diagnostic::{Diagnostic, Findings, nearest};
use crate::stages::Split;
use crate::statistics::evaluation::bootstrap::BootstrapOptions;
use crate::tensor::{Specification, TargetKind};

impl Evaluate {
    /// The part to judge on; none: all rows.
    pub(super) fn part(&self, split: Option<&Split>) -> Result<Option<String>, Diagnostic> {
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
    pub(super) fn choice(&self, split: Option<&Split>, judged: Option<&str>) -> Result<Option<String>, Diagnostic> {
        let by_rule = self.threshold.as_ref().filter(|threshold| matches!(threshold.value, Threshold::Word(_)));
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
    pub(super) fn misplaced(&self, specification: &Specification) -> Findings {
        let kinds: Vec<TargetKind> = specification.targets.iter().map(|target| target.kind).collect();
        let has = |wanted: &[TargetKind]| kinds.iter().any(|kind| wanted.contains(kind));
        let mut findings = Findings::new();
        if let Some(threshold) = &self.threshold {
            let finding = match threshold.value {
                Threshold::Number(_) if !has(&[TargetKind::Binary, TargetKind::MultiLabel]) => {
                    Some(Diagnostic::definition("`threshold` belongs to binary targets"))
                }
                Threshold::Word(_) if !has(&[TargetKind::Binary]) => {
                    Some(Diagnostic::definition("`threshold` belongs to binary targets"))
                }
                Threshold::Number(value) if !(0.0..=1.0).contains(&value) => Some(no_probability(value)),
                Threshold::Word(ThresholdRule::Cost(ErrorCosts { false_positive: a, false_negative: b })) => {
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

    /// What is judged, and how.
    pub(super) fn rules(&self) -> Result<Rules, Findings> {
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

fn no_probability(value: f64) -> Diagnostic {
    Diagnostic::definition(format!("`threshold` is a probability from 0 to 1, not {value}"))
}
