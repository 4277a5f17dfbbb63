//! The page of a run.

mod exhibits;
mod graph;
mod ledger;
pub(super) mod log;
mod reason;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use maud::{Markup, html};

use super::super::super::service::{Service, ServiceError};
use super::super::super::store::{Promotion, Run, RunId, RunState};
use super::facts::{Facts, shown};
use super::reply::Asked;
use super::shell::{Changes, Place};
use super::{moment, words};
use crate::report::text;
use crate::run::manifest::RunRecord;

/// The most parameters that are shown.
const MOST_PARAMETERS: usize = 60;

/// The page of a run.
pub(super) fn show(service: &Service, asked: &Asked<'_>, id: &RunId) -> Result<Markup, ServiceError> {
    let run = service.store().run(id)?;
    let attempts = service.store().attempts(id)?;
    let facts =
        service.job(&run.job).map(|view| Facts::of(view.definition.as_deref())).unwrap_or_else(|_| Facts::none());
    let record = service.record(&run)?;
    let live = service.live(id);
    let report = service.report(&run).is_some();
    let log = log::tail(service, &run)?;
    let zone = &facts.zone;
    let stages = graph::stages(record.as_ref(), live.as_ref());
    let verdicts = service.store().promotions_of_run(id)?;
    let body = html! {
        div id="head" data-live { (head(&run, record.as_ref(), zone, asked)) }
        div id="verdicts" data-live { (gates(&verdicts)) }
        div id="attempts" data-live { (chain(&attempts, &run)) }
        // The place is there from the beginning: a page that is open when the run begins gets its stages.
        div id="graph" data-live {
            @if run.state != RunState::Queued { section.part { h2 { "Stages" } (graph::graph(&stages)) } }
        }
        section.part { h2 { "Log" } (log::log(&run, &log)) }
        div id="record" data-live {
            @if let Some(record) = &record {
                (exhibits::exhibits(record))
                (ledger::ledger(record))
            }
        }
        div id="report" data-live {
            @if report {
                section.part {
                    h2 { "Report" }
                    p { a href={ "/runs/" (run.id) "/report" } { "Open the report on a page of its own" } }
                    iframe.report src={ "/runs/" (run.id) "/report" } title="Report of the run" sandbox="" loading="lazy" {}
                }
            }
        }
    };
    let news = format!("run={}", run.id);
    let changes = if run.state.is_final() { Changes::AtTimes(news) } else { Changes::Now(news) };
    Ok(asked.page(&format!("{} {}", run.job, run.id), Place::Jobs, changes, body))
}

fn head(run: &Run, record: Option<&RunRecord>, zone: &TimeZone, asked: &Asked<'_>) -> Markup {
    let zone = Some(zone);
    let now = asked.now;
    let look = words::run(run.state);
    html! {
        div.head {
            p.eyebrow { a href="/" { "Jobs" } " / " a href={ "/jobs/" (run.job) } { (text::line(&run.job, 80)) } }
            div.title {
                h1.run-id { "Run " (run.id) }
                (look.badge())
            }
            div.why.(look.class) { (reason::reason(run, record, now)) }
            dl.meta {
                div { dt { "Asked for" } dd { (moment::moment(run.queued, zone)) span.note-line { "by " (words::origin(run.origin)) ", as " (text::line(&run.requested_by, 60)) } } }
                @if let Some(scheduled) = run.scheduled { div { dt { "Due" } dd { (moment::moment(scheduled, zone)) } } }
                @if let Some(started) = run.started { div { dt { "Started" } dd { (moment::moment(started, zone)) } } }
                @if let Some(ended) = run.ended { div { dt { "Ended" } dd { (moment::moment(ended, zone)) } } }
                @if let Some(took) = took(run, now) { div { dt { (if run.ended.is_some() { "Took" } else { "Works for" }) } dd { (moment::length(took)) } } }
                @if let Some(partition) = &run.partition { div { dt { "Partition" } dd { bdi { (text::line(partition, 200)) } } } }
                @if let Some(number) = run.backfill { div { dt { "Backfill" } dd { a href={ "/backfills/" (number) } { (number) } } } }
                @if let Some(cause) = &run.cause { div { dt { "After" } dd { a href={ "/runs/" (cause) } { (cause) } } } }
                @if let Some(code) = run.exit_code { div { dt { "Exit code" } dd { (code) } } }
                @if run.resumes { div { dt { "Begins" } dd { "where the attempt before had come to" } } }
            }
            @if !run.parameters.is_empty() { (parameters(run)) }
            @if asked.may_change() { (actions(run, now)) }
        }
    }
}

fn took(run: &Run, now: Timestamp) -> Option<f64> {
    Some(moment::seconds(run.started?, run.ended.unwrap_or(now)))
}

fn parameters(run: &Run) -> Markup {
    html! {
        details open[run.parameters.len() <= 6] {
            summary { (words::count(run.parameters.len() as u64, "parameter", "parameters")) }
            dl.facts {
                @for (name, value) in run.parameters.iter().take(MOST_PARAMETERS) {
                    div { dt { (text::line(name, 80)) } dd { code { (text::line(&shown(value), 400)) } } }
                }
            }
        }
    }
}

fn actions(run: &Run, now: Timestamp) -> Markup {
    html! {
        div.actions {
            @if run.state.is_final() {
                form method="post" action={ "/runs/" (run.id) "/again" } { (super::job::key(now)) button.main type="submit" { "Run again" } }
            } @else if run.stop.is_none() {
                form method="post" action={ "/runs/" (run.id) "/cancel" } { button.danger type="submit" { "Cancel" } }
            } @else {
                p.quiet { "It is asked to end; what does not end by itself is killed after 10 s." }
            }
        }
    }
}

/// What gates said of what the run made.
fn gates(verdicts: &[Promotion]) -> Markup {
    html! {
        @if !verdicts.is_empty() {
            section.part {
                h2 { "Models and outputs" }
                ul.chain {
                    @for each in verdicts {
                        li {
                            a href={ "/models?name=" (super::jobs::encoded(&each.name)) } { bdi { (text::line(&each.name, 100)) } } " "
                            (words::promotion(each.state).badge())
                            @if let Some(reason) = &each.reason { " " (text::prose(reason, 600)) }
                        }
                    }
                }
            }
        }
    }
}

/// The attempts of the run, where there are several.
fn chain(attempts: &[Run], this: &Run) -> Markup {
    html! {
        @if attempts.len() > 1 || attempts.first().is_some_and(|first| first.attempt > 1) {
            section.part {
                h2 { "Attempts" }
                ol.chain {
                    @for each in attempts {
                        li aria-current=[(each.id == this.id).then_some("true")] {
                            span.quiet { "Attempt " (each.attempt) } " "
                            @if each.id == this.id { span.id { (each.id) } } @else { a.id href={ "/runs/" (each.id) } { (each.id) } }
                            " " (words::run(each.state).badge())
                        }
                    }
                }
            }
        }
    }
}
