//! The first page: all jobs with their last and next runs.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use maud::{Markup, html};

use super::super::super::service::{Health, JobView, Service, ServiceError};
use super::super::super::store::{Glimpse, Job, JobState, Overview};
use super::facts::Facts;
use super::reply::Asked;
use super::shell::{Changes, Place};
use super::{moment, strip, words};
use crate::report::{format, text};

/// The most jobs on one page.
const PAGE: usize = 100;
/// The longest text to filter by.
const LONGEST_FILTER: usize = 100;

/// A job as it is listed.
pub(super) struct Row {
    pub(super) overview: Overview,
    pub(super) facts: Facts,
    pub(super) next: Option<Timestamp>,
    /// The latest first.
    pub(super) runs: Vec<Glimpse>,
}

/// What the page shows.
pub(super) struct Jobs<'a> {
    pub(super) rows: Vec<Row>,
    /// Jobs that the filter leaves, on all pages.
    pub(super) found: usize,
    /// All jobs.
    pub(super) all: usize,
    pub(super) paused: usize,
    pub(super) broken: usize,
    pub(super) failed: u64,
    pub(super) health: &'a Health,
    pub(super) filter: String,
    pub(super) page: usize,
    pub(super) now: Timestamp,
}

/// Looks everything up and renders it. Time grows with the number of jobs, not with that of runs.
pub(super) fn show(
    service: &Service,
    asked: &Asked<'_>,
    filter: Option<&str>,
    page: usize,
) -> Result<Markup, ServiceError> {
    let filter: String = filter.unwrap_or_default().trim().chars().take(LONGEST_FILTER).collect();
    let views = service.jobs()?;
    let all = views.len();
    let paused = views.iter().filter(|view| view.overview.job.paused.is_some()).count();
    let broken = views.iter().filter(|view| view.overview.job.problem.is_some()).count();
    let words = filter.to_lowercase();
    let mut kept: Vec<_> = views
        .into_iter()
        .map(|view| (Facts::of(view.definition.as_deref()), view))
        .filter(|(facts, view)| {
            words.is_empty()
                || view.overview.job.name.contains(&words)
                || facts.description.to_lowercase().contains(&words)
        })
        .collect();
    // Jobs whose file is gone come last; the others by name.
    kept.sort_by_key(|(_, view)| view.overview.job.state == JobState::Gone);
    let found = kept.len();
    let page = page.min(found.saturating_sub(1) / PAGE);
    let shown: Vec<_> = kept.into_iter().skip(page * PAGE).take(PAGE).collect();
    let names: Vec<&str> = shown.iter().map(|(_, view)| view.overview.job.name.as_str()).collect();
    let mut last = service.store().last_runs(&names, strip::LENGTH)?;
    let row = |(facts, view): (Facts, JobView)| {
        let runs = last.remove(&view.overview.job.name).unwrap_or_default();
        Row { overview: view.overview, facts, next: view.next, runs }
    };
    let rows = shown.into_iter().map(row).collect();
    let failed = service.store().failures_since(asked.now - jiff::SignedDuration::from_hours(24))?;
    let shown = Jobs { rows, found, all, paused, broken, failed, health: &asked.health, filter, page, now: asked.now };
    Ok(asked.page("Jobs", Place::Jobs, Changes::AtTimes(String::new()), body(&shown)))
}

fn body(jobs: &Jobs<'_>) -> Markup {
    html! {
        div.head { h1 { "Jobs" } }
        div id="totals" data-live { (totals(jobs)) }
        @if jobs.all == 0 { (nothing()) } @else {
            (search(jobs))
            div id="jobs" data-live { (table(jobs)) }
            (pages(jobs))
        }
    }
}

fn totals(jobs: &Jobs<'_>) -> Markup {
    let (working, waiting) = (jobs.health.working, jobs.health.queue);
    html! {
        dl.tiles.big.totals {
            div.tile { dt { "At work" } dd { span.value { (format::rows(working)) } } }
            div.tile { dt { "Waiting" } dd { span.value { (format::rows(waiting)) } } }
            div.tile {
                dt { "Failed in 24 h" }
                dd { span.value.bad-text[jobs.failed > 0] { (format::rows(jobs.failed)) } }
            }
            div.tile {
                dt { "Jobs" }
                dd {
                    span.value { (format::count(jobs.all)) }
                    @if jobs.paused > 0 { span.note-line { (format::count(jobs.paused)) " paused" } }
                    @if jobs.broken > 0 {
                        span.note-line.bad-text { (words::count(jobs.broken as u64, "bad file", "bad files")) }
                    }
                }
            }
        }
    }
}

fn nothing() -> Markup {
    html! {
        div.empty {
            h2 { "No job yet" }
            p {
                "A job is a YAML file in the folder " code { "jobs" } ". Put one there and it appears here within seconds, for example "
                code { "jobs/nightly.yaml" } ":"
            }
            pre { code { "description: Late flights, each night\npipeline: pipelines/flights.yaml\nschedule: {cron: \"0 2 * * *\", zone: Europe/Berlin}\n" } }
        }
    }
}

fn search(jobs: &Jobs<'_>) -> Markup {
    html! {
        form.filter method="get" action="/" role="search" {
            label for="q" { "Find jobs" }
            input id="q" name="q" type="search" value=(jobs.filter) maxlength=(LONGEST_FILTER) placeholder="Name or description"
                autocomplete="off" spellcheck="false" data-filter="#jobs tbody tr";
            button type="submit" { "Find" }
            @if !jobs.filter.is_empty() { a href="/" { "Show all" } }
        }
    }
}

fn table(jobs: &Jobs<'_>) -> Markup {
    if jobs.rows.is_empty() {
        return html! { p.quiet { "No job has “" (text::line(&jobs.filter, 60)) "” in its name or description." } };
    }
    html! {
        table.jobs {
            thead { tr {
                th scope="col" { "Job" }
                th scope="col" { "Last run" }
                th scope="col" { "Last " (strip::LENGTH) " runs" }
                th scope="col" { "Next run" }
            } }
            tbody { @for row in &jobs.rows { (line(row, jobs.now)) } }
        }
    }
}

fn line(row: &Row, now: Timestamp) -> Markup {
    let Overview { job, last, waiting, working, .. } = &row.overview;
    let zone = Some(&row.facts.zone);
    let name = text::line(&job.name, 80);
    html! {
        tr {
            th scope="row" {
                a.name href={ "/jobs/" (job.name) } { (name) }
                " " (state(job, *waiting, *working))
                @if !row.facts.description.is_empty() { span.description { (text::line(&row.facts.description, 160)) } }
                @if let Some(problem) = &job.problem {
                    span.broken { strong { "Bad file: " } (text::prose(problem.lines().next().unwrap_or_default(), 200)) }
                }
            }
            td data-label="Last run" { div {
                @match last {
                    Some(run) => {
                        a.outcome href={ "/runs/" (run.id) } { (words::run(run.state).badge()) }
                        " " span.quiet { (moment::age(run.ended.or(run.started).unwrap_or(run.queued), now, zone)) }
                    }
                    None => span.quiet { "never" },
                }
            } }
            td.strip-cell data-label={ "Last " (strip::LENGTH) } { div { (strip::strip(&job.name, &row.runs, now)) } }
            td data-label="Next run" { div { (next(job, row, now)) } }
        }
    }
}

fn next(job: &Job, row: &Row, now: Timestamp) -> Markup {
    html! {
        @match (row.next, job.paused, job.state) {
            (_, _, JobState::Gone) => span.quiet { "none: the file is gone" },
            (_, Some(_), _) => span.quiet { "none while paused" },
            (Some(at), None, _) => {
                (moment::in_zone(at, &row.facts.zone)) " "
                span.quiet { (moment::age(at, now, Some(&TimeZone::UTC))) }
            }
            (None, None, _) => span.quiet { (row.facts.waits_for()) },
        }
    }
}

/// What a job does now: nothing is said of one that only waits for its time.
pub(super) fn state(job: &Job, waiting: u32, working: u32) -> Markup {
    html! {
        @if job.state == JobState::Gone { span.badge.quiet title="Its file was removed; the history stays" { "Gone" } " " }
        @if job.paused.is_some() { span.badge.warning { "Paused" } " " }
        @if working > 0 { span.badge.working { (format::rows(working.into())) " at work" } " " }
        @if waiting > 0 { span.badge.waiting { (format::rows(waiting.into())) " waiting" } }
    }
}

fn pages(jobs: &Jobs<'_>) -> Markup {
    let last = jobs.found.saturating_sub(1) / PAGE;
    let query = encoded(&jobs.filter);
    html! {
        @if last > 0 {
            nav.pages aria-label="Pages" {
                @if jobs.page > 0 { a rel="prev" href={ "/?q=" (query) "&page=" (jobs.page - 1) } { "← Before" } }
                span.quiet { "Page " (jobs.page + 1) " of " (last + 1) }
                @if jobs.page < last { a rel="next" href={ "/?q=" (query) "&page=" (jobs.page + 1) } { "After →" } }
            }
        }
    }
}

/// A text as a value in a query.
pub(super) fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_holds_any_text() {
        assert_eq!(encoded("a b&c=ü\""), "a%20b%26c%3D%C3%BC%22");
    }
}
