//! The stages as a table: how each ended, what came out, when it worked, how much memory there was.

use maud::{Markup, html};

use super::document::{Document, family};
use super::table::{cut, or_nothing};
use super::{comparison, format, text};
use crate::run::manifest::{StageRecord, StageStatus};

/// The most stages in the table.
const MOST_STAGES: usize = 500;

/// The table of stages in the order in which they ran.
pub(super) fn timeline(document: &Document<'_>) -> Markup {
    let stages = &document.record.stages;
    let before = document.previous.as_ref();
    html! {
        div.scroll tabindex="0" role="region" aria-label="Stages" { table.timeline {
            thead { tr {
                th scope="col" { "Stage" }
                th scope="col" { "Kind" }
                th scope="col" { "Status" }
                th.n scope="col" { "Rows out" }
                th.n scope="col" { "Time" }
                th scope="col" { span.unseen { "When" } }
                th.n scope="col" { "Memory" }
            } }
            tbody {
                @for stage in stages.iter().take(MOST_STAGES) {
                    tr {
                        th scope="row" { span class={ "dot " (family(stage.family)) } {} (document.link(&stage.id)) }
                        td.quiet { (text::line(&stage.kind, 60)) }
                        td { (badge(stage.status)) }
                        td.n {
                            @let out = stage.ledger.as_ref().map(|entry| entry.out);
                            (or_nothing(out.map(format::rows)))
                            @if let (Some(out), Some(before)) = (out, before) { " " (comparison::rows(out, before.rows(&stage.id))) }
                        }
                        td.n { (or_nothing(time(stage))) }
                        td.when { (bar(stage, document.record.seconds)) }
                        td.n { (or_nothing(Some(stage.peak_memory).filter(|bytes| *bytes > 0).map(format::size))) }
                    }
                }
            }
        } }
        (cut(MOST_STAGES, stages.len(), "stages"))
        (estimates(stages))
        p.remark {
            "Time is a stage’s own work: rows of simple stages flow through in the work of the stage that reads them. "
            "Memory is the peak of the process by the end of the stage."
        }
    }
}

/// What was told before the run beside what was found; nothing when no stage worked or nothing was told.
fn estimates(stages: &[StageRecord]) -> Markup {
    let told: Vec<_> = stages
        .iter()
        .take(MOST_STAGES)
        .filter(|stage| worked(stage))
        .filter_map(|stage| Some((stage, stage.estimate?)))
        .filter(|(stage, told)| told.memory > 0 || told.disk > 0 || stage.spilled > 0)
        .collect();
    html! {
        @if !told.is_empty() {
            details {
                summary { "Estimates and what was found" }
                div.scroll tabindex="0" role="region" aria-label="Estimates" { table {
                    thead { tr {
                        th scope="col" { "Stage" }
                        th.n scope="col" { "Rows at most" }
                        th.n scope="col" { "Rows" }
                        th.n scope="col" { "Memory at most" }
                        th.n scope="col" { "Peak of the process" }
                        th.n scope="col" { "Disk at most" }
                        th.n scope="col" { "Disk, most of the run" }
                    } }
                    tbody {
                        @for (stage, told) in &told {
                            tr {
                                th scope="row" { (text::line(&stage.id, 60)) }
                                td.n { (or_nothing(told.rows.map(format::rows))) }
                                td.n { (or_nothing(stage.ledger.as_ref().map(|entry| format::rows(entry.out)))) }
                                td.n { (format::size(told.memory)) }
                                td.n { (or_nothing(Some(stage.peak_memory).filter(|bytes| *bytes > 0).map(format::size))) }
                                td.n { (format::size(told.disk)) }
                                td.n { (format::size(stage.spilled)) }
                            }
                        }
                    }
                } }
                p.remark {
                    "What a stage holds at most was told from the sizes of the files and the types of the columns, as if every "
                    "filter kept every row and every group had one row. The process also holds what streams through."
                }
            }
        }
    }
}

/// The time of a stage; none when it did not work itself.
pub(super) fn time(stage: &StageRecord) -> Option<String> {
    (worked(stage) && stage.seconds > 0.0).then(|| format::seconds(stage.seconds))
}

fn worked(stage: &StageRecord) -> bool {
    matches!(stage.status, StageStatus::Done | StageStatus::Failed)
}

/// The status as a word; how it ended well is quiet.
pub(super) fn badge(status: StageStatus) -> Markup {
    let (class, word) = match status {
        StageStatus::Done => ("done", "done"),
        StageStatus::Cached => ("cached", "cached"),
        StageStatus::Failed => ("failed", "failed"),
        StageStatus::Skipped => ("skipped", "skipped"),
        StageStatus::Waiting => ("skipped", "waiting"),
    };
    html! { span class={ "status " (class) } { (word) } }
}

/// When a stage worked, on the time of the whole run.
fn bar(stage: &StageRecord, whole: f64) -> Markup {
    let share =
        |seconds: f64| if whole > 0.0 && seconds.is_finite() { (seconds / whole).clamp(0.0, 1.0) * 100.0 } else { 0.0 };
    let width = share(stage.seconds).max(0.6);
    let start = share(stage.began).min(100.0 - width);
    html! {
        @if worked(stage) && stage.seconds > 0.0 {
            svg.bar viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" {
                rect.rail x="0" y="3.5" width="100" height="1" {}
                rect class=(family(stage.family)) x=(format!("{start:.2}")) y="0" width=(format!("{width:.2}")) height="8" {}
            }
        }
    }
}
