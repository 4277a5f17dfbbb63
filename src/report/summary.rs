//! The head of the page: what ran, how it ended, and the numbers that matter most.

use maud::{Markup, html};

use super::document::Document;
use super::exhibit::tile;
use super::flow::gains;
use super::table::or_nothing;
use super::{comparison, exhibit, format, outputs, problems, text};
use crate::exhibit::{Exhibit, Format, Metric};
use crate::run::manifest::{RunRecord, RunStatus, StageRecord, StageStatus};
use crate::stages::work::signed;

/// The kind of stage whose numbers stand at the top.
const JUDGES: &str = "evaluate";
/// The most stages whose numbers stand at the top.
const MOST_JUDGES: usize = 3;
/// The most numbers of each of them.
const MOST_METRICS: usize = 6;

/// Title, status and the facts of the run.
pub(super) fn head(document: &Document<'_>) -> Markup {
    let record = document.record;
    let title = text::line(&record.title, 200);
    let (class, status) = match record.status {
        RunStatus::Done => ("good", "Done"),
        RunStatus::Failed => ("bad", "Failed"),
        RunStatus::Interrupted => ("warning", "Stopped"),
        RunStatus::Running => ("warning", "Not finished"),
    };
    html! {
        header.head {
            p.eyebrow { span.id { (text::line(&record.pipeline, 120)) } }
            div.title { h1 { (title) } span class={ "badge " (class) } { (status) } }
            @if let Some(description) = &record.description {
                p.description { (text::line(description, 2_000)) }
            }
            dl.meta {
                div { dt { "Started" } dd { time datetime=(text::line(&record.started, 60)) { (format::moment(&record.started)) } } }
                div { dt { "Took" } dd { (format::value(record.seconds, Format::Seconds)) } }
                div { dt { "Peak memory" } dd { (or_nothing(Some(record.peak_memory).filter(|bytes| *bytes > 0).map(format::size))) } }
                div { dt { "Pipeline" } dd { span.path { (text::line(&record.file, 120)) } } }
                div { dt { "Program" } dd { "gristmill " (text::line(&record.version, 60)) } }
                div { dt { "Machine" } dd { (text::line(&record.machine, 160)) } }
            }
        }
    }
}

/// The tiles, and with which run they are compared.
pub(super) fn tiles(document: &Document<'_>) -> Markup {
    let record = document.record;
    let before = document.previous.as_ref().map(|previous| previous.record);
    let compared = |count: fn(&RunRecord) -> u64| (count(record), before.map(count));
    let (read, read_before) = compared(rows_read);
    let written = rows_written(record);
    let same = if written.is_some() { rows_written } else { last_rows };
    let files = outputs::written(record).filter(|(_, output)| output.rows.is_some()).count();
    let count = |status: StageStatus| record.stages.iter().filter(|stage| stage.status == status).count();
    let (done, cached, failed, skipped) = (
        count(StageStatus::Done),
        count(StageStatus::Cached),
        count(StageStatus::Failed),
        count(StageStatus::Skipped) + count(StageStatus::Waiting),
    );
    let warned = problems::warnings(record).count();
    html! {
        dl.tiles.big {
            div.tile { dt { "Rows read" } dd {
                span.value { (format::rows(read)) } (comparison::rows(read, read_before))
                span.note-line { "from files" }
            } }
            @if let Some((rows, stage)) = written.or_else(|| last_rows(record)) {
                div.tile { dt { @if written.is_some() { "Rows written" } @else { "Rows out" } } dd {
                    span.value { (format::rows(rows)) }
                    (comparison::rows(rows, before.and_then(same).map(|(rows, _)| rows)))
                    span.note-line { @match (written, files) {
                        (None, _) => { "of " (text::line(stage, 60)) },
                        (Some(_), 1) => { "to " (only_file(record)) },
                        (Some(_), files) => { "to " (format::count(files)) " files" },
                    } }
                } }
            }
            div.tile { dt { "Stages" } dd {
                span.value { (format::count(done + cached)) span.of { " of " (format::count(record.stages.len())) } }
                span.note-line {
                    (format::count(cached)) " cached, "
                    @if failed > 0 { strong.bad-text { (format::count(failed)) " failed" } } @else { "0 failed" }
                    @if skipped > 0 { ", " (format::count(skipped)) " not started" }
                }
            } }
            div.tile { dt { "Warnings" } dd {
                span.value { @if warned > 0 { a href="#problems" { (format::count(warned)) } } @else { "0" } }
                span.note-line { @if warned > 0 { "see below" } @else { "nothing to look at" } }
            } }
        }
        @for (stage, title, metrics) in judged(record) {
            div.group {
                h3 { (document.link(&stage.id)) ": " (text::line(title, 120)) }
                dl.tiles.big {
                    @for metric in metrics.iter().take(MOST_METRICS) {
                        @let previous = document.previous.as_ref();
                        (tile(metric, previous.and_then(|previous| previous.metric(&stage.id, title, &metric.name))))
                    }
                }
            }
        }
        @if let Some(before) = before {
            p.remark {
                "▲ and ▼ compare with the run of " (format::moment(&before.started)) "; numbers without them are "
                "as they were, or new."
            }
        }
        @if record.status == RunStatus::Running {
            (exhibit::note(crate::exhibit::Tone::Warning, "This run has not ended: what follows is how far it came."))
        }
    }
}

/// The first numbers of each stage that judges a model.
fn judged(record: &RunRecord) -> impl Iterator<Item = (&StageRecord, &str, &[Metric])> {
    let judges = record.stages.iter().filter(|stage| stage.kind == JUDGES);
    let numbers = judges.filter_map(|stage| {
        stage.exhibits.iter().find_map(|exhibit| match exhibit {
            Exhibit::Metrics { title, metrics } => Some((stage, title.as_str(), metrics.as_slice())),
            _ => None,
        })
    });
    numbers.take(MOST_JUDGES)
}

/// Rows that came from files, rejected ones included.
fn rows_read(record: &RunRecord) -> u64 {
    let entries =
        record.stages.iter().filter(|stage| stage.inputs.is_empty()).filter_map(|stage| stage.ledger.as_ref());
    let rows = entries.map(|entry| match gains(entry) {
        0 => signed(entry.out),
        gains => gains,
    });
    rows.map(i64::unsigned_abs).fold(0, u64::saturating_add)
}

/// Rows in the files that were written, and the last stage that wrote some; none when no file has rows.
fn rows_written(record: &RunRecord) -> Option<(u64, &str)> {
    let rows = || outputs::written(record).filter_map(|(stage, output)| Some((stage, output.rows?)));
    let sum = rows().map(|(_, rows)| rows).fold(0, u64::saturating_add);
    rows().last().map(|(stage, _)| (sum, stage))
}

/// The name of the one file with rows.
fn only_file(record: &RunRecord) -> String {
    let file = outputs::written(record).find(|(_, output)| output.rows.is_some());
    file.map(|(_, output)| text::line(&output.path.to_string_lossy(), 80)).unwrap_or_default()
}

/// Rows of the last table.
fn last_rows(record: &RunRecord) -> Option<(u64, &str)> {
    let last = record.stages.iter().rev().find(|stage| stage.schema.is_some() && stage.ledger.is_some())?;
    Some((last.ledger.as_ref()?.out, last.id.as_str()))
}
