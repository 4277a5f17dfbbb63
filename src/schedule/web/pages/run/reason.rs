//! Why a run is where it is, in a sentence.

use jiff::Timestamp;
use maud::{Markup, html};

use super::super::super::super::ending::Ending;
use super::super::super::super::store::{Run, RunState, StopReason};
use super::super::{moment, words};
use crate::report::text;
use crate::run::manifest::{RunRecord, StageRecord, StageStatus};

/// The most characters of a message.
const LONGEST: usize = 2_000;

/// The sentence, with what to do where that is known.
pub(super) fn reason(run: &Run, record: Option<&RunRecord>, now: Timestamp) -> Markup {
    match run.state {
        RunState::Queued => waits(run, now),
        RunState::Starting => html! { p { "Its worker is being started." (stopping(run)) } },
        RunState::Running => {
            html! { p { "It is at work" @if let Some(pid) = run.pid { ", as process " (pid) } "." (stopping(run)) } }
        }
        RunState::Succeeded => html! { p { "It ended well" (length(run)) "." } },
        RunState::Cancelled => html! { p { (cancelled(run)) } },
        RunState::TimedOut => {
            html! { p { "It took longer than its time" (length(run)) " and was ended." } (told(run)) }
        }
        RunState::Lost => html! { p { "Its worker died or fell silent" (length(run)) "." } (told(run)) },
        RunState::Failed => failed(run, record),
    }
}

fn waits(run: &Run, now: Timestamp) -> Markup {
    html! {
        p {
            @match run.not_before.filter(|at| *at > now) {
                Some(at) => {
                    "It waits until " (moment::moment(at, None)) " (" (moment::age(at, now, None)) ")"
                    @if run.attempt > 1 { ", because the attempt before failed" } "."
                }
                None => "It waits for its turn: for a free place among the runs, or for its job’s pause to end.",
            }
        }
    }
}

fn stopping(run: &Run) -> Markup {
    html! {
        @if let Some(reason) = run.stop {
            " It is asked to end, because " (words::stop(reason))
            @if let (StopReason::Cancel, Some(who)) = (reason, &run.stop_by) { " (" (text::line(who, 60)) ")" }
            "."
        }
    }
}

fn cancelled(run: &Run) -> String {
    let before = if run.started.is_none() { " before it began" } else { "" };
    match (run.stop, &run.stop_by) {
        (Some(StopReason::Replaced), _) => format!("A newer run of its job took its place{before}."),
        (_, Some(who)) => format!("It was cancelled by {}{before}.", text::line(who, 60)),
        _ => format!("It was cancelled{before}."),
    }
}

/// The first stage that failed says most; else the message; else what the exit code means.
fn failed(run: &Run, record: Option<&RunRecord>) -> Markup {
    if let Some((stage, error)) = record.and_then(first_failure) {
        return html! {
            p { "Stage " b { (text::line(&stage.id, 80)) } " (" (text::line(&stage.kind, 40)) ") failed" (length(run)) ": " (text::prose(&error.message, LONGEST)) }
            @if let Some(place) = &error.place { p.place { span.path { (text::line(place, 300)) } } }
            @if let Some(help) = &error.help { p.help { (text::prose(help, LONGEST)) } }
        };
    }
    let meaning = Ending::of(run.exit_code, None);
    html! {
        p { "It failed" (length(run)) ": " (meaning) @if let Some(code) = run.exit_code { " (exit code " (code) ")" } "." }
        (told(run))
    }
}

fn first_failure(record: &RunRecord) -> Option<(&StageRecord, &crate::run::manifest::StageError)> {
    record
        .stages
        .iter()
        .filter(|stage| stage.status == StageStatus::Failed)
        .find_map(|stage| Some((stage, stage.error.as_ref()?)))
}

/// The message, as it was written.
fn told(run: &Run) -> Markup {
    html! { @if let Some(message) = &run.message { p.message { (text::block(message, LONGEST)) } } }
}

fn length(run: &Run) -> String {
    run.started
        .zip(run.ended)
        .map(|(from, to)| format!(" after {}", moment::length(moment::seconds(from, to))))
        .unwrap_or_default()
}
