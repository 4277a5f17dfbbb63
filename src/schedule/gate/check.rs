//! What can be wrong with conditions before a run.

use super::evidence::{DRIFT, EVALUATE, VALIDATE, direction, words};
use super::promote;
use super::{Checks, Drift, Metric, Pace, Promote, Require, Rows, Than};
use crate::definition::Spanned;
use crate::diagnostic::{Diagnostic, Findings, Place, nearest};

/// Names that a help text lists at most.
const LISTED: usize = 16;

/// Holds conditions and promotions against the stages of the pipeline, given as (id, kind) in their order, and gives everything
/// that is wrong, each at its place: unknown stages, a stage that does not measure what is asked, bounds that contradict each
/// other, names that cannot be folders, paths outside the served folder.
///
/// With no stages at all (the pipeline cannot be read, which is a finding of its own) only what needs none is looked at.
pub fn check(require: &[Require], promote: &Promote, stages: &[(&str, &str)]) -> Findings {
    let mut findings = promote::check(promote);
    let stages = Stages(stages);
    for require in require {
        match require {
            Require::Checks(checks) => of_checks(checks, &stages, &mut findings),
            Require::Rows(rows) => of_rows(rows, &stages, &mut findings),
            Require::Drift(drift) => of_drift(drift, &stages, &mut findings),
            Require::Metric(metric) => of_metric(metric, promote, &stages, &mut findings),
            Require::Stage(pace) => of_pace(pace, &stages, &mut findings),
        }
    }
    findings
}

fn wrong(message: impl Into<String>, place: &Place) -> Diagnostic {
    Diagnostic::definition(message).at(place)
}

/// The stages of the pipeline as (id, kind).
struct Stages<'a>(&'a [(&'a str, &'a str)]);

impl Stages<'_> {
    /// The kind of a stage; an unknown one is reported, unless nothing is known of any.
    fn kind(&self, id: &Spanned<String>, findings: &mut Findings) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| *known == id.value).map(|(_, kind)| *kind);
        if found.is_none() && !self.0.is_empty() {
            let names: Vec<&str> = self.0.iter().map(|(known, _)| *known).filter(|name| !name.is_empty()).collect();
            let finding = wrong(format!("the pipeline has no stage `{}`", id.value), &id.place);
            let finding = match nearest(&id.value, names.iter().copied()) {
                Some(near) => finding.label(format!("did you mean `{near}`?")),
                None => finding,
            };
            findings.push(if names.len() <= LISTED {
                finding.help(format!("it has {}", names.join(", ")))
            } else {
                finding
            });
        }
        found
    }

    /// Reports a named stage of another kind than these.
    fn of_kind(&self, id: &Spanned<String>, kinds: &[&str], what: &str, findings: &mut Findings) {
        if let Some(kind) = self.kind(id, findings)
            && !kinds.contains(&kind)
        {
            let message = format!("stage `{}` is of kind `{kind}`, which {what}", id.value);
            findings.push(wrong(message, &id.place).help(format!("name a stage of kind {}", words(kinds))));
        }
    }

    /// Reports that no stage or several are of these kinds, where none is named.
    fn only(&self, kinds: &[&str], place: &Place, findings: &mut Findings) {
        let of_kind = self.0.iter().filter(|(_, kind)| kinds.contains(kind)).map(|(id, _)| *id);
        let found: Vec<&str> = of_kind.collect();
        match found.len() {
            _ if self.0.is_empty() => {}
            0 => {
                let message = format!("the pipeline has no stage of kind {}", words(kinds));
                findings.push(wrong(message, place).help("add one to the pipeline, or leave the condition out"));
            }
            1 => {}
            _ => {
                let message = format!("the pipeline has several stages of kind {}", words(kinds));
                findings.push(wrong(message, place).help(format!("say which with `stage:`: {}", words(&found))));
            }
        }
    }
}

fn of_checks(checks: &Spanned<Checks>, stages: &Stages<'_>, findings: &mut Findings) {
    match &checks.stage {
        Some(id) => stages.of_kind(id, &[VALIDATE], "checks no rows", findings),
        None if !stages.0.is_empty() && !stages.0.iter().any(|(_, kind)| *kind == VALIDATE) => {
            let finding = wrong("the pipeline has no stage of kind `validate`", &checks.place);
            findings.push(finding.help("add one to the pipeline, or leave the condition out"));
        }
        None => {}
    }
    if let Some(least) = checks.health_at_least.as_ref().filter(|least| least.value.0 > 1.0) {
        findings.push(wrong("a health score is at most 1", &least.place).help("write `95%` or `0.95`"));
    }
}

fn of_rows(rows: &Spanned<Rows>, stages: &Stages<'_>, findings: &mut Findings) {
    stages.kind(&rows.stage, findings);
    if rows.at_least.is_none() && rows.at_most.is_none() && rows.change_at_most.is_none() {
        let finding = wrong("a condition on rows says nothing", &rows.place);
        findings.push(finding.help("say `at_least`, `at_most` or `change_at_most`"));
    }
    if let (Some(least), Some(most)) = (&rows.at_least, &rows.at_most)
        && least.value > most.value
    {
        findings.push(wrong("`at_least` is more than `at_most`, so no number of rows would do", &least.place));
    }
}

fn of_drift(drift: &Spanned<Drift>, stages: &Stages<'_>, findings: &mut Findings) {
    match &drift.stage {
        Some(id) => stages.of_kind(id, &DRIFT, "measures no drift", findings),
        None => stages.only(&DRIFT, &drift.place, findings),
    }
    let limit = &drift.at_most;
    if !(limit.value.is_finite() && limit.value >= 0.0) {
        let finding = wrong("a population stability index is a number of at least 0", &limit.place);
        findings.push(finding.help("below 0.1 counts as stable, above 0.25 as shifted"));
    }
    if drift.columns.as_ref().is_some_and(|columns| columns.is_empty()) {
        findings.push(wrong("`columns` is empty", &drift.place).help("leave it out to look at all columns"));
    }
}

fn of_metric(metric: &Spanned<Metric>, promote: &Promote, stages: &Stages<'_>, findings: &mut Findings) {
    let kind = match &metric.stage {
        Some(id) => stages.kind(id, findings),
        None => {
            stages.only(&[EVALUATE], &metric.place, findings);
            Some(EVALUATE)
        }
    };
    if metric.name.trim().is_empty() {
        findings.push(wrong("the metric has no name", &metric.name.place));
    }
    for bound in [&metric.at_least, &metric.at_most].into_iter().flatten().filter(|bound| !bound.value.is_finite()) {
        findings.push(wrong("a bound is a finite number", &bound.place));
    }
    if let (Some(least), Some(most)) = (&metric.at_least, &metric.at_most)
        && least.value > most.value
    {
        findings.push(wrong("`at_least` is more than `at_most`, so no value would do", &least.place));
    }
    let Some(than) = &metric.better_than else {
        if metric.at_least.is_none() && metric.at_most.is_none() {
            let finding = wrong("a condition on a metric says nothing", &metric.place);
            findings.push(finding.help("say `at_least`, `at_most` or `better_than`"));
        }
        if let Some(by) = &metric.by {
            findings.push(wrong("`by` belongs to `better_than`", &by.place).help("leave it out, or say than what"));
        }
        if let Some(of) = &metric.of {
            findings.push(wrong("`of` belongs to `better_than: champion`", &of.place).help("leave it out"));
        }
        return;
    };
    match than.value {
        Than::Champion => champion(metric, promote, &than.place, findings),
        Than::Baseline if kind.is_some_and(|kind| kind != EVALUATE) => {
            let finding = wrong("only a stage of kind `evaluate` judges baselines", &than.place);
            findings.push(finding.help("name one with `stage:`"));
        }
        Than::Baseline | Than::Last => {}
    }
    if than.value != Than::Champion
        && let Some(of) = &metric.of
    {
        findings.push(wrong("`of` belongs to `better_than: champion`", &of.place).help("leave it out"));
    }
    // `evaluate` tells which way each of its metrics is better.
    let is_told = kind.is_none_or(|kind| kind == EVALUATE) || metric.better.is_some();
    if !is_told && direction(&metric.name).is_none() {
        let message = format!("nobody knows which way `{}` is better", metric.name.value);
        findings.push(wrong(message, &metric.name.place).help("say `better: higher` or `better: lower`"));
    }
}

/// Which version is the champion.
fn champion(metric: &Metric, promote: &Promote, place: &Place, findings: &mut Findings) {
    let names: Vec<&str> = promote.iter().map(|(name, _)| name).collect();
    match (&metric.of, names.as_slice()) {
        (_, []) => {
            let finding = wrong("the job promotes nothing, so there is never a champion", place);
            findings.push(finding.help("say under `promote` what becomes current"));
        }
        (Some(of), names) if !names.contains(&of.value.as_str()) => {
            let finding = wrong(format!("the job does not promote `{}`", of.value), &of.place);
            findings.push(finding.help(format!("it is one of {}", names.join(", "))));
        }
        (None, [_, _, ..]) => {
            let finding = wrong("the job promotes several things, so it is open which of them is the champion", place);
            findings.push(finding.help(format!("say which with `of:`: {}", words(&names))));
        }
        _ => {}
    }
}

fn of_pace(pace: &Spanned<Pace>, stages: &Stages<'_>, findings: &mut Findings) {
    stages.kind(&pace.id, findings);
    let most = &pace.seconds_at_most;
    if !(most.value.is_finite() && most.value > 0.0) {
        findings.push(wrong("`seconds_at_most` is a number above 0", &most.place));
    }
}
