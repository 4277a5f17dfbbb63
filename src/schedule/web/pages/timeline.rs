//! The runs of the last hours in lanes by job, with the line of now.
//!
//! Each run is a link with a name, so that all of them are reached by keyboard; the script makes one stop of each lane, with arrow keys
//! from run to run.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};

use super::super::super::service::{Service, ServiceError};
use super::super::super::store::{Glimpse, LONGEST_PAGE, RunState};
use super::reply::Asked;
use super::shell::{Changes, Place};
use super::{moment, strip, words};
use crate::report::text;

/// The spans that can be chosen, in hours.
const SPANS: [i64; 4] = [1, 6, 24, 168];
/// The most lanes: jobs, and runs of a job side by side.
const MOST_LANES: usize = 200;
/// The most runs of a job side by side.
const MOST_BESIDE: usize = 6;
/// How much of the width lies behind now, for the eye.
const AFTER: f64 = 0.03;

/// A stretch of time on the width of the picture.
struct Span {
    from: Timestamp,
    now: Timestamp,
    hours: i64,
}

impl Span {
    /// Where a moment stands, in percent of the width.
    fn place(&self, at: Timestamp) -> f64 {
        let whole = moment::seconds(self.from, self.now).max(1.0);
        (moment::seconds(self.from, at) / whole * (1.0 - AFTER)).clamp(0.0, 1.0) * 100.0
    }
}

/// The page; `hours` is one of the spans, or the nearest below.
pub(super) fn show(service: &Service, asked: &Asked<'_>, hours: Option<i64>) -> Result<Markup, ServiceError> {
    let wanted = hours.unwrap_or(24);
    let hours = SPANS.into_iter().rev().find(|span| *span <= wanted).unwrap_or(1);
    let span = Span { from: asked.now - SignedDuration::from_hours(hours), now: asked.now, hours };
    let mut runs = service.store().runs_between(span.from, asked.now + SignedDuration::from_secs(1), LONGEST_PAGE)?;
    let full = runs.len() == LONGEST_PAGE;
    // What began before and is still at work belongs here too.
    for run in service.store().glimpses_at_work()? {
        if !runs.iter().any(|known| known.number == run.number) {
            runs.push(run);
        }
    }
    let body = html! {
        div.head { h1 { "Timeline" } (choice(hours)) }
        div id="timeline" data-live { (lanes(&runs, &span, full)) }
        (key())
        p.remark data-keys hidden { "By keyboard: Tab goes from job to job and to its latest run, the arrow keys from run to run, Enter opens it." }
    };
    Ok(asked.page("Timeline", Place::Timeline, Changes::AtTimes(String::new()), body))
}

fn choice(chosen: i64) -> Markup {
    html! {
        nav.choice aria-label="Span of time" {
            @for span in SPANS {
                a href={ "/timeline?hours=" (span) } aria-current=[(span == chosen).then_some("true")] { (words_of(span)) }
            }
        }
    }
}

fn words_of(hours: i64) -> String {
    match hours {
        1 => "1 hour".to_owned(),
        168 => "7 days".to_owned(),
        hours => format!("{hours} hours"),
    }
}

fn lanes(runs: &[Glimpse], span: &Span, full: bool) -> Markup {
    let mut jobs: BTreeMap<&str, Vec<&Glimpse>> = BTreeMap::new();
    for run in runs {
        jobs.entry(&run.job).or_default().push(run);
    }
    if jobs.is_empty() {
        return html! { p.quiet { "No run was asked for in the last " (words_of(span.hours)) "." } };
    }
    let more = jobs.len().saturating_sub(MOST_LANES);
    html! {
        div.lanes role="table" aria-label={ "Runs of the last " (words_of(span.hours)) } {
            (axis(span))
            @for (job, runs) in jobs.into_iter().take(MOST_LANES) { (lane(job, runs, span)) }
        }
        @if full { p.remark { "Only the last " (LONGEST_PAGE) " runs are drawn; choose a shorter span to see all of it." } }
        @if more > 0 { p.remark { (words::count(more as u64, "more job had runs", "more jobs had runs")) " and found no place here." } }
    }
}

/// The hours above the lanes.
fn axis(span: &Span) -> Markup {
    let step = match span.hours {
        1 => 10 * 60,
        6 => 3_600,
        24 => 4 * 3_600,
        _ => 86_400,
    };
    let first = span.from.as_second().div_euclid(step) + 1;
    let last = span.now.as_second().div_euclid(step);
    let ticks: Vec<Timestamp> = (first..=last).filter_map(|tick| Timestamp::from_second(tick * step).ok()).collect();
    let form = if span.hours > 24 { "%a %-d" } else { "%H:%M" };
    html! {
        div.lane.axis aria-hidden="true" {
            span.job { "UTC" }
            svg.track width="100%" height="20" {
                @for tick in ticks.iter().filter(|tick| span.place(**tick) > 2.0 && span.place(**tick) < 92.0) {
                    text.near[span.place(*tick) > 84.0] x=(percent(span.place(*tick))) y="14" text-anchor="middle" font-size="11.5" { (tick.strftime(form)) }
                }
                text.now x=(percent(span.place(span.now))) y="14" text-anchor="end" font-size="11.5" { "now" }
            }
        }
    }
}

fn lane(job: &str, mut runs: Vec<&Glimpse>, span: &Span) -> Markup {
    runs.sort_by_key(|run| (run.started.unwrap_or(run.queued), run.number));
    // Each run goes into the first row that is free by then.
    let mut ends: Vec<Timestamp> = Vec::new();
    let mut placed = Vec::new();
    for run in &runs {
        let begins = run.started.unwrap_or(run.queued);
        let free = ends.iter().position(|end| *end <= begins);
        let row = free.unwrap_or(if ends.len() < MOST_BESIDE { ends.len() } else { MOST_BESIDE - 1 });
        let until = run.ended.unwrap_or(span.now);
        match ends.get_mut(row) {
            Some(end) => *end = until.max(*end),
            None => ends.push(until),
        }
        placed.push((row, *run));
    }
    let height = 8 + 12 * ends.len();
    html! {
        div.lane role="row" {
            span.job role="rowheader" { a href={ "/jobs/" (job) } title=(text::line(job, 80)) { (text::line(job, 80)) } }
            svg.track width="100%" height=(height) role="cell" aria-label=(summary(&runs)) {
                rect.ground x="0" y="0" width="100%" height=(height) {}
                @for (row, run) in placed { (bar(run, row, span)) }
                line.now x1=(percent(span.place(span.now))) x2=(percent(span.place(span.now))) y1="0" y2=(height) {}
            }
        }
    }
}

fn bar(run: &Glimpse, row: usize, span: &Span) -> Markup {
    let look = words::run(run.state);
    let begin = span.place(run.started.unwrap_or(run.queued).max(span.from));
    let end = span.place(run.ended.unwrap_or(span.now));
    let width = (end - begin).max(0.35);
    let top = 5 + 12 * row;
    let waits = run.state == RunState::Queued;
    html! {
        // The title is the link's name. Heights are in the style sheet: there are a thousand bars.
        a href={ "/runs/" (run.id) } {
            title { (strip::tooltip(run, span.now)) }
            rect.(look.class).waits[waits] x=(percent(begin)) y=(top) width=(percent(width)) {}
            @if look.class == "bad" { rect.notch x=(percent(begin)) y=(top + 4) width=(percent(width)) {} }
        }
    }
}

fn summary(runs: &[&Glimpse]) -> String {
    let bad = runs.iter().filter(|run| words::run(run.state).class == "bad").count();
    format!("{}, {bad} not well", words::count(runs.len() as u64, "run", "runs"))
}

/// What the colours mean.
pub(super) fn key() -> Markup {
    let states = [RunState::Succeeded, RunState::Failed, RunState::Running, RunState::Queued, RunState::Cancelled]
        .map(words::run);
    html! {
        ul.key aria-label="Colours" {
            @for look in states {
                li { svg width="10" height="10" aria-hidden="true" { rect.(look.class) width="10" height="10" rx="2" {} } (look.word) }
            }
        }
    }
}

fn percent(value: f64) -> String {
    format!("{}%", (value * 100.0).round() / 100.0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn moments_stand_in_proportion() {
        let now: Timestamp = "2026-11-27T12:00:00Z".parse().unwrap();
        let span = Span { from: now - SignedDuration::from_hours(24), now, hours: 24 };
        assert!((span.place(now - SignedDuration::from_hours(12)) - 48.5).abs() < 0.01);
        assert!((span.place(now) - 97.0).abs() < 0.01);
        assert!(span.place(now - SignedDuration::from_hours(50)).abs() < 0.01);
    }
}
