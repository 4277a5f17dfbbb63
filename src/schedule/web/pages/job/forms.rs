//! What can be done with a job: run it, pause it, work through its partitions.

use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use maud::{Markup, html};

use super::super::super::super::service::JobView;
use super::super::facts::{Facts, Kind};
use super::field;
use crate::report::text;

/// The most parameters that the form has fields for.
const MOST_PARAMETERS: usize = 40;

/// The buttons and the form of a run. Who may only look gets a sentence instead.
pub(super) fn actions(view: &JobView, facts: &Facts, change: bool, now: Timestamp) -> Markup {
    let job = &view.overview.job;
    if !change {
        return html! {};
    }
    let plain = facts.parameters.is_empty() && facts.partitions.is_none();
    let good = job.definition.is_some();
    html! {
        div.actions {
            @if !good { p.quiet { "It can be run once its file is good." } }
            @else if plain { form method="post" action={ "/jobs/" (job.name) "/run" } { (key(now)) button.main type="submit" { "Run now" } } }
            @else {
                details.sheet {
                    summary.button.main { "Run …" }
                    (run(&job.name, facts, now))
                }
            }
            @if job.paused.is_some() {
                form method="post" action={ "/jobs/" (job.name) "/resume" } { button type="submit" { "Resume" } }
            } @else {
                form method="post" action={ "/jobs/" (job.name) "/pause" } { button type="submit" { "Pause" } }
            }
        }
    }
}

fn run(job: &str, facts: &Facts, now: Timestamp) -> Markup {
    html! {
        form.stack method="post" action={ "/jobs/" (job) "/run" } {
            (key(now))
            @if let Some(kind) = facts.partitions {
                @let (input, word) = field(kind);
                label for="run-partition" { (word) }
                input id="run-partition" name="partition" type=(input) required maxlength="500" placeholder=[hint(kind)];
            }
            @for (name, value) in facts.parameters.iter().take(MOST_PARAMETERS) {
                @let id = format!("p-{}", text::line(name, 80));
                label for=(id) { (text::line(name, 80)) }
                input id=(id) name={ "p." (name) } type="text" value=(value) maxlength="4000" autocomplete="off" spellcheck="false";
            }
            @if !facts.parameters.is_empty() {
                p.remark { "A number, " code { "true" } ", or a list in brackets is taken as such; everything else is text. What you leave as it is keeps its references." }
            }
            button.main type="submit" { "Run" }
        }
    }
}

/// The form of a backfill.
pub(super) fn backfill(job: &str, facts: &Facts, now: Timestamp) -> Markup {
    let Some(kind) = facts.partitions else { return html! {} };
    let (input, _) = field(kind);
    html! {
        details.sheet {
            summary.button { "Backfill …" }
            form.stack method="post" action={ "/jobs/" (job) "/backfill" } {
                (key(now))
                div.pair {
                    div { label for="from" { "From" } input id="from" name="from" type=(input) required maxlength="500" placeholder=[hint(kind)]; }
                    div { label for="to" { "To, included" } input id="to" name="to" type=(input) required maxlength="500" placeholder=[hint(kind)]; }
                }
                label for="parallelism" { "Runs at a time" }
                input.number id="parallelism" name="parallelism" type="number" min="1" max="64" value="1" required;
                label.check { input type="checkbox" name="again" value="yes"; " Also those that have succeeded before" }
                button.main type="submit" { "Start the backfill" }
            }
        }
    }
}

/// Browsers without a field for months show a field for text.
fn hint(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Days => Some("2026-01-31"),
        Kind::Months => Some("2026-01"),
        Kind::Files => Some("incoming/a.csv"),
    }
}

/// A key of its own for each form: sent twice, it is one request.
pub(in super::super) fn key(now: Timestamp) -> Markup {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let seed = format!("{}-{count}-{}", now.as_nanosecond(), std::process::id());
    let key = blake3::hash(seed.as_bytes()).to_hex();
    html! { input type="hidden" name="key" value={ "page-" (key.get(..32).unwrap_or_default()) }; }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_forms_have_one_key() {
        let now = Timestamp::UNIX_EPOCH;
        assert_ne!(key(now).into_string(), key(now).into_string());
    }
}
