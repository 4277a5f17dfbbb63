//! The runs of a job in pages, and the times at which it did not run.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use maud::{Markup, html};

use super::super::super::super::store::{Occurrence, Page, Run, RunFilter, RunState};
use super::super::jobs::encoded;
use super::super::{moment, words};
use crate::report::text;

/// How many runs a page has.
pub(super) const PAGE: usize = 25;

/// Which part of the history is looked at.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Look {
    /// Runs asked for before that one.
    pub(in super::super) before: Option<i64>,
    /// In that state only.
    pub(in super::super) state: Option<RunState>,
    /// Of that partition only.
    pub(in super::super) partition: Option<String>,
}

impl Look {
    /// As the store takes it.
    pub(super) fn filter(&self, job: &str) -> RunFilter {
        RunFilter { job: Some(job.to_owned()), state: self.state, partition: self.partition.clone(), backfill: None }
    }

    fn query(&self, before: Option<i64>) -> String {
        let mut parts = Vec::new();
        if let Some(state) = self.state {
            parts.push(format!("state={}", state.word()));
        }
        if let Some(partition) = &self.partition {
            parts.push(format!("partition={}", encoded(partition)));
        }
        if let Some(before) = before {
            parts.push(format!("before={before}"));
        }
        parts.join("&")
    }
}

/// The table with its choices.
pub(super) fn table(runs: &Page<Run>, job: &str, look: &Look, zone: &TimeZone, now: Timestamp) -> Markup {
    html! {
        @let nothing = runs.items.is_empty() && look.query(look.before).is_empty();
        @if !nothing { (choice(job, look)) }
        @if runs.items.is_empty() { p.quiet { (if nothing { "No run yet." } else { "No such run." }) } }
        @else {
            div.scroll tabindex="0" role="region" aria-label="Runs" { table.runs {
                thead { tr {
                    th scope="col" { "Run" } th scope="col" { "State" } th scope="col" { "Started" } th.n scope="col" { "Took" }
                    th scope="col" { "Asked for by" } th scope="col" { "Remark" }
                } }
                tbody { @for run in &runs.items { (line(run, zone, now)) } }
            } }
        }
        nav.pages aria-label="Pages of the history" {
            @if look.before.is_some() { a rel="prev" href={ "/jobs/" (job) "?" (look.query(None)) "#history" } { "← Latest" } }
            @if let Some(next) = runs.next { a rel="next" href={ "/jobs/" (job) "?" (look.query(Some(next))) "#history" } { "Earlier →" } }
        }
    }
}

fn choice(job: &str, look: &Look) -> Markup {
    let states = [
        None,
        Some(RunState::Succeeded),
        Some(RunState::Failed),
        Some(RunState::TimedOut),
        Some(RunState::Cancelled),
        Some(RunState::Lost),
    ];
    html! {
        nav.choice aria-label="Which runs" {
            @for state in states {
                @let each = Look { before: None, state, partition: look.partition.clone() };
                a href={ "/jobs/" (job) "?" (each.query(None)) "#history" } aria-current=[(state == look.state).then_some("true")] {
                    (state.map_or("All", |state| words::run(state).word))
                }
            }
            @if let Some(partition) = &look.partition {
                span.chosen { "of " bdi { (text::line(partition, 60)) } " " a href={ "/jobs/" (job) "#history" } { "show all" } }
            }
        }
    }
}

fn line(run: &Run, zone: &TimeZone, now: Timestamp) -> Markup {
    let until = run.ended.or((!run.state.is_final()).then_some(now));
    let took = run.started.zip(until).map(|(from, to)| moment::length(moment::seconds(from, to)));
    html! {
        tr {
            th scope="row" {
                a.id href={ "/runs/" (run.id) } { (run.id) }
                @if let Some(partition) = &run.partition { " " span.quiet { bdi { (text::line(partition, 60)) } } }
            }
            td { (words::run(run.state).badge()) @if run.attempt > 1 { " " span.quiet { "attempt " (run.attempt) } } }
            td { (moment::short(run.started.unwrap_or(run.queued), Some(zone))) }
            td.n { (took.unwrap_or_else(|| crate::report::format::NOTHING.to_owned())) }
            td { (words::origin(run.origin)) }
            td.remarks { @if let Some(message) = &run.message { (text::prose(message.lines().next().unwrap_or_default(), 160)) } }
        }
    }
}

/// Occurrences that were recorded and not run, with the reason.
pub(super) fn missed(occurrences: &[Occurrence], zone: &TimeZone) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Times that did not run" { table {
            thead { tr { th scope="col" { "Time" } th scope="col" { "What became of it" } th scope="col" { "Why" } } }
            tbody {
                @for each in occurrences {
                    tr {
                        td { (moment::short(each.scheduled, Some(zone))) }
                        td { (words::outcome(each.outcome).badge()) }
                        td { @if let Some(reason) = &each.reason { (text::prose(reason, 300)) } }
                    }
                }
            }
        } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_is_written_as_a_query() {
        let look = Look { before: None, state: Some(RunState::TimedOut), partition: Some("in/a&b.csv".to_owned()) };
        assert_eq!(look.query(Some(7)), "state=timed_out&partition=in%2Fa%26b.csv&before=7");
        assert_eq!(Look::default().query(None), "");
    }
}
