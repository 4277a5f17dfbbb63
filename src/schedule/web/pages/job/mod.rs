//! The page of a job.

mod calendar;
mod definition;
mod forms;
mod history;
mod metrics;

use jiff::tz::TimeZone;
use maud::{Markup, html};

use super::super::super::service::{JobView, Service, ServiceError};
use super::super::super::store::{Backfill, Job, JobState, LONGEST_PAGE, Notification, Outcome, Overview};
use super::facts::{Facts, Kind};
use super::reply::Asked;
use super::shell::{Changes, Place};
use super::{moment, words};
use crate::report::text;

pub(super) use forms::key;
pub(super) use history::Look;
pub(super) use metrics::format_of;

/// How many next times are shown.
const NEXT: usize = 5;
/// How many occurrences are looked at for those that did not run.
const OCCURRENCES: usize = 100;
/// How many of those that did not run are shown.
const MISSED: usize = 10;
/// How many messages and backfills are shown.
const FEW: usize = 8;
/// The most characters of what is wrong with a file: some forty findings.
const LONGEST_PROBLEM: usize = 4_000;

/// What of the page is asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Query {
    /// The part of the history.
    pub(super) look: Look,
    /// The year of the calendar.
    pub(super) year: Option<i16>,
}

/// The page of a job. Time does not grow with its history.
pub(super) fn show(service: &Service, asked: &Asked<'_>, name: &str, query: &Query) -> Result<Markup, ServiceError> {
    let view = service.job(name)?;
    let facts = Facts::of(view.definition.as_deref());
    let store = service.store();
    let next = service.next(name, NEXT)?;
    let text = match &view.overview.job.definition {
        Some(hash) => Some(store.definition(hash)?),
        None => None,
    };
    let runs = store.runs(&query.look.filter(name), query.look.before, history::PAGE)?;
    let followed = metrics::look(store, name)?;
    let missed: Vec<_> = store
        .occurrences(name, None, OCCURRENCES)?
        .into_iter()
        .filter(|occurrence| matches!(occurrence.outcome, Outcome::Skipped | Outcome::Dropped))
        .take(MISSED)
        .collect();
    let messages = store.notifications(Some(name), None, FEW)?.items;
    let backfills = store.backfills(Some(name), None, FEW)?.items;
    let partitions = match facts.partitions {
        Some(kind) => Some(calendar::look(store, &view, kind, query.year, asked.now)?),
        None => None,
    };
    let change = asked.may_change() && view.overview.job.state == JobState::Present;
    let zone = &facts.zone;
    let body = html! {
        (head(&view, &facts, asked))
        (forms::actions(&view, &facts, change, asked.now))
        @if !next.is_empty() {
            section.part { h2 { "Next runs" } ul.times {
                @for at in &next { li { (moment::in_zone(*at, zone)) " " span.quiet { (moment::age(*at, asked.now, Some(&TimeZone::UTC))) } } }
            } }
        }
        @if let Some(partitions) = &partitions {
            section.part {
                h2 id="partitions" { "Partitions" }
                div id="calendar" data-live { (calendar::calendar(partitions, name)) }
                @if change { (forms::backfill(name, &facts, asked.now)) }
                div id="backfills" data-live { (listed(&backfills, asked)) }
            }
        }
        section.part { h2 id="history" { "History" } div id="runs" data-live { (history::table(&runs, name, &query.look, zone, asked.now)) } }
        section.part { h2 { "Numbers over time" } div id="metrics" data-live { (metrics::charts(&followed)) } }
        @if !missed.is_empty() { section.part { h2 { "Times that did not run" } (history::missed(&missed, zone)) } }
        @if !messages.is_empty() { section.part { h2 { "Messages" } (sent(&messages, zone)) } }
        @if let Some(text) = &text { section.part { h2 { "Definition" } (definition::listing(&view.overview.job, text)) } }
    };
    Ok(asked.page(name, Place::Jobs, Changes::AtTimes(format!("job={name}")), body))
}

fn head(view: &JobView, facts: &Facts, asked: &Asked<'_>) -> Markup {
    let Overview { job, last, last_success, waiting, working } = &view.overview;
    let zone = Some(&facts.zone);
    html! {
        div.head id="head" data-live {
            p.eyebrow { a href="/" { "Jobs" } }
            div.title {
                h1 { bdi { (text::line(&job.name, 80)) } }
                span.states { (super::jobs::state(job, *waiting, *working)) }
            }
            @if !facts.description.is_empty() { p.description { (text::line(&facts.description, 400)) } }
            @if let Some(problem) = &job.problem { (broken(job, problem)) }
            @else if job.definition.is_some() && view.definition.is_none() {
                div.problem.warning {
                    strong { "The definition that is in force cannot be read" }
                    p { "An earlier version of the program took it. Correct the file: what is wrong with it is told when it is read again." }
                }
            }
            dl.meta {
                div { dt { "Starts" } dd {
                    @if view.definition.is_none() { "not known" } @else if facts.starts.is_empty() { "when asked for" }
                    @for (at, start) in facts.starts.iter().enumerate() { @if at > 0 { ", " } (text::prose(start, 200)) }
                } }
                div { dt { "Last run" } dd {
                    @match last {
                        Some(run) => {
                            a href={ "/runs/" (run.id) } { (words::run(run.state).word) } " "
                            (moment::age(run.ended.or(run.started).unwrap_or(run.queued), asked.now, zone))
                        }
                        None => "never",
                    }
                } }
                div { dt { "Last success" } dd {
                    @match last_success {
                        Some(run) => { a href={ "/runs/" (run.id) } { (moment::age(run.ended.unwrap_or(run.queued), asked.now, zone)) } }
                        None => "never",
                    }
                } }
                @if let Some(definition) = &view.definition {
                    div { dt { "Pipeline" } dd { (path(&definition.pipeline.display().to_string())) } }
                }
                div { dt { "File" } dd { (path(&job.file)) } }
                @if let Some(since) = job.paused {
                    div { dt { "Paused" } dd { "since " (moment::short(since, zone)) } }
                }
            }
        }
    }
}

/// A path that is broken behind its folders first.
fn path(path: &str) -> Markup {
    let path = text::line(path, 200);
    html! { span.path { @for (at, part) in path.split('/').enumerate() { @if at > 0 { "/" wbr; } (part) } } }
}

fn broken(job: &Job, problem: &str) -> Markup {
    html! {
        div.problem.bad {
            strong { "The file has errors" }
            p {
                @if job.definition.is_some() { "Its last good version stays in force until the file is corrected." }
                @else { "It never had a good version: the job cannot run until the file is corrected." }
            }
            pre tabindex="0" { code { (text::block(problem, LONGEST_PROBLEM)) } }
        }
    }
}

fn listed(backfills: &[Backfill], asked: &Asked<'_>) -> Markup {
    html! {
        @if !backfills.is_empty() {
            h3 { "Backfills" }
            ul.backfills {
                @for backfill in backfills {
                    li {
                        a href={ "/backfills/" (backfill.number) } {
                            "Backfill " (backfill.number) ": " (text::line(&backfill.first, 60)) " to " (text::line(&backfill.last, 60))
                        }
                        " " (words::backfill(backfill.state).badge()) " "
                        (super::backfill::bar(backfill)) " "
                        span.quiet { (moment::age(backfill.created, asked.now, None)) }
                    }
                }
            }
        }
    }
}

fn sent(messages: &[Notification], zone: &TimeZone) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Messages" { table {
            thead { tr { th scope="col" { "When" } th scope="col" { "About" } th scope="col" { "By" } th scope="col" { "State" } th scope="col" { "Remark" } } }
            tbody {
                @for message in messages {
                    tr {
                        td { (moment::short(message.created, Some(zone))) }
                        td {
                            (text::line(&message.event.replace('_', " "), 60))
                            @if let Some(run) = &message.run { " " a href={ "/runs/" (run) } { "run" } }
                        }
                        td { (text::line(&message.channel, 80)) }
                        td { (words::notification(message.state).badge()) }
                        td.quiet { @if let Some(problem) = &message.problem { (text::prose(problem, 300)) } }
                    }
                }
            }
        } }
    }
}

/// The kinds that the forms ask for.
fn field(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Days => ("date", "Partition (a day)"),
        Kind::Months => ("month", "Partition (a month)"),
        Kind::Files => ("text", "Partition (a file)"),
    }
}

/// The most partitions that are looked at.
const MOST_PARTITIONS: usize = LONGEST_PAGE;
