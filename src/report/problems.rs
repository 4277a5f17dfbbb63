//! What went wrong and what to look at, before anything else.

use maud::{Markup, html};

use super::document::Document;
use super::table::cut;
use super::{format, text};
use crate::exhibit::{Exhibit, Tone};
use crate::run::manifest::{RunRecord, StageStatus};

/// The most failures, and the most warnings.
const MOST: usize = 50;
/// The most stages that were not started.
const MOST_SKIPPED: usize = 20;

/// Warnings of the check and of the stages: plain text and the stage that says it.
pub(super) fn warnings(record: &RunRecord) -> impl Iterator<Item = (Option<&str>, &str)> {
    let of_check = record.warnings.iter().map(|warning| (None, warning.as_str()));
    let of_stages = record.stages.iter().flat_map(|stage| {
        stage.exhibits.iter().filter_map(move |exhibit| match exhibit {
            Exhibit::Note { tone: Tone::Warning | Tone::Bad, text } => Some((Some(stage.id.as_str()), text.as_str())),
            _ => None,
        })
    });
    of_check.chain(of_stages)
}

/// What the part is called.
pub(super) fn heading(record: &RunRecord) -> &'static str {
    let failed = record.stages.iter().any(|stage| stage.error.is_some() || stage.status == StageStatus::Failed);
    if failed { "What went wrong" } else { "To look at" }
}

/// Failures and warnings; nothing when there are none.
pub(super) fn problems(document: &Document<'_>) -> Option<Markup> {
    let record = document.record;
    let failed = || record.stages.iter().filter(|stage| stage.error.is_some() || stage.status == StageStatus::Failed);
    let (failures, warned) = (failed().count(), warnings(record).count());
    (failures + warned > 0).then(|| {
        html! {
            @for stage in failed().take(MOST) {
                @let failed = stage.status == StageStatus::Failed;
                div.problem.bad[failed].warning[!failed] {
                    h3 {
                        (text::line(&stage.kind, 60)) " " (document.link(&stage.id))
                        @if failed { " failed" } @else { " was not started" }
                    }
                    @match &stage.error {
                        Some(error) => (self::error(error)),
                        None => p { "The record does not say why." },
                    }
                }
            }
            (cut(MOST, failures, "failures"))
            (skipped(document))
            @if warned > 0 {
                div.problem.warning {
                    h3 { @if warned == 1 { "1 warning" } @else { (format::count(warned)) " warnings" } }
                    ul {
                        @for (stage, words) in warnings(record).take(MOST) {
                            li { @if let Some(stage) = stage { (document.link(stage)) ": " } (text::prose(words, 600)) }
                        }
                    }
                    (cut(MOST, warned, "warnings"))
                }
            }
        }
    })
}

/// What went wrong, where, and what to do about it.
pub(super) fn error(error: &crate::run::manifest::StageError) -> Markup {
    html! {
        p.message { (text::prose(&error.message, 2_000)) }
        @if let Some(place) = &error.place { p.place { "at " span.path { (text::line(place, 300)) } } }
        @if let Some(help) = &error.help { p.help { strong { "What to do: " } (text::prose(help, 2_000)) } }
    }
}

/// Stages that were not started because another failed; those with a reason of their own are told above.
fn skipped(document: &Document<'_>) -> Markup {
    let record = document.record;
    let because = record.stages.iter().any(|stage| stage.status == StageStatus::Failed);
    let skipped = || record.stages.iter().filter(|stage| stage.status == StageStatus::Skipped && stage.error.is_none());
    let count = skipped().count();
    html! {
        @if because && count > 0 {
            p.remark {
                @if count == 1 { "1 stage was" } @else { (format::count(count)) " stages were" } " not started: "
                @for (at, stage) in skipped().take(MOST_SKIPPED).enumerate() { @if at > 0 { ", " } (document.link(&stage.id)) }
                @if count > MOST_SKIPPED { " and " (format::count(count - MOST_SKIPPED)) " more" } "."
            }
        }
    }
}
