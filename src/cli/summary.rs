//! What a run did, in a few lines: one for each stage with its rows and the reasons of every difference.

use std::io::Write;
use std::path::Path;

use super::{Failure, render};
use crate::diagnostic::{Class, Diagnostic, Place};
use crate::digits;
use crate::plan::Plan;
use crate::run::RunOptions;
use crate::run::cache::Cache;
use crate::run::manifest::{RunRecord, StageRecord, StageStatus};
use crate::run::store::Store;

/// Prints the ledger, what was written, and errors with their places.
pub(super) fn print(record: &RunRecord, report: Option<&Path>, quiet: bool, plan: &Plan) -> Result<(), Failure> {
    if !quiet {
        let mut out = std::io::stdout().lock();
        let width = record.stages.iter().map(|stage| stage.id.len() + stage.kind.len() + 1).max().unwrap_or(0);
        for stage in &record.stages {
            writeln!(out, "{}", plan.pipeline.secrets.mask(&line(stage, width)))?;
        }
        for stage in record.stages.iter().filter(|stage| stage.status == StageStatus::Done) {
            for output in &stage.outputs {
                writeln!(out, "wrote {} ({})", output.path.display(), digits::bytes(output.bytes))?;
            }
        }
        if let Some(report) = report {
            writeln!(out, "report {}", report.display())?;
        }
        let number = |status| record.stages.iter().filter(|stage| stage.status == status).count();
        let (cached, failed) = (number(StageStatus::Cached), number(StageStatus::Failed));
        let mut words = vec![format!("{} stages in {}", record.stages.len(), seconds(record.seconds))];
        words.extend((cached > 0).then(|| format!("{cached} unchanged")));
        words.extend((failed > 0).then(|| format!("{failed} failed")));
        let skipped = number(StageStatus::Skipped);
        words.extend((skipped > 0).then(|| format!("{skipped} not done")));
        words.push(format!("{} at most", digits::bytes(record.peak_memory)));
        writeln!(out, "{}", words.join(", "))?;
    }
    print_errors(record, plan);
    Ok(())
}

/// Errors of stages with the line of the pipeline that they belong to.
fn print_errors(record: &RunRecord, plan: &Plan) {
    let findings: Vec<Diagnostic> = record
        .stages
        .iter()
        .filter_map(|stage| {
            let error = stage.error.as_ref()?;
            let message = format!("stage `{}` failed: {}", stage.id, error.message);
            let mut finding = Diagnostic::error(error.class, message);
            finding.help.clone_from(&error.help);
            finding.place = plan.stage(&stage.id).map(|stage| {
                let kind = &stage.definition.kind.place;
                // What stands below a kind stands in the same file.
                error.bytes.clone().map_or_else(|| kind.clone(), |bytes| Place::new(kind.source(), bytes))
            });
            (error.class != Class::Interrupted).then_some(finding)
        })
        .collect();
    render::print(&findings, Some(&plan.pipeline.secrets));
    if record.exit_code == Class::Interrupted.exit_code() {
        eprintln!("interrupted");
    }
}

fn line(stage: &StageRecord, width: usize) -> String {
    let mark = match stage.status {
        StageStatus::Done => "✓",
        StageStatus::Cached => "=",
        StageStatus::Failed => "✗",
        StageStatus::Skipped | StageStatus::Waiting => "·",
    };
    let name = format!("{} {}", stage.id, stage.kind);
    let mut text = format!("{mark} {name:width$}");
    if let Some(entry) = &stage.ledger {
        text.push_str(&format!("  {:>11} rows", digits::whole(entry.out)));
        let reasons: Vec<String> = entry
            .changes
            .iter()
            .filter(|change| !entry.inputs.is_empty() || change.rows < 0)
            .map(|change| {
                format!(
                    "{}{} {}",
                    if change.rows < 0 { "−" } else { "+" },
                    digits::whole(change.rows.unsigned_abs()),
                    change.reason
                )
            })
            .collect();
        if !reasons.is_empty() {
            text.push_str(&format!("  ({})", reasons.join(", ")));
        }
    }
    if stage.status == StageStatus::Done && stage.seconds >= 0.05 {
        text.push_str(&format!("  {}", seconds(stage.seconds)));
    }
    text.trim_end().to_owned()
}

/// Says what a run would do.
pub(super) fn print_dry_run(plan: &Plan, options: &RunOptions, store: &Store) -> Result<(), Failure> {
    let chosen = options.selection.resolve(plan)?;
    let cache = Cache::new(store.cache());
    let mut out = std::io::stdout().lock();
    for ((at, stage), may_rest) in plan.stages.iter().enumerate().zip(plan.may_rest()) {
        let what = if !chosen.contains(&at) {
            "left out"
        } else if options.use_cache && may_rest && cache.load(&stage.fingerprint).is_some() {
            "unchanged"
        } else {
            "to do"
        };
        writeln!(out, "{what:10} {} {}", stage.id, stage.kind.name)?;
    }
    Ok(())
}

/// `0.42 s`, `3 min 5 s`
pub(super) fn seconds(seconds: f64) -> String {
    if seconds < 60.0 {
        return format!("{seconds:.2} s");
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a duration is not negative")]
    let whole = seconds.round() as u64;
    format!("{} min {} s", whole / 60, whole % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_for_people() {
        assert_eq!((seconds(0.5), seconds(185.0)), ("0.50 s".into(), "3 min 5 s".into()));
    }
}
