//! The partitions of a job as a calendar: a cell for each day or month with the state of its last run; files are a list.

use std::collections::BTreeMap;

use jiff::civil::{Date, date};
use jiff::{Timestamp, ToSpan};
use maud::{Markup, html};

use super::super::super::super::job::Partitions;
use super::super::super::super::service::JobView;
use super::super::super::super::store::{Partition, Result, Store};
use super::super::facts::Kind;
use super::super::jobs::encoded;
use super::super::{timeline, words};
use super::MOST_PARTITIONS;
use crate::report::{format, text};

const CELL: i64 = 13;
const SIDE: i64 = 11;
const LEFT: i64 = 34;
const TOP: i64 = 18;

/// What the calendar shows.
pub(super) struct Calendar {
    kind: Kind,
    year: i16,
    first_year: i16,
    last_year: i16,
    /// The first and last day that are partitions by now; none for files.
    span: Option<(Date, Date)>,
    states: BTreeMap<String, Partition>,
}

/// Looks the partitions of a year up; of files the first thousand.
pub(super) fn look(store: &Store, view: &JobView, kind: Kind, year: Option<i16>, now: Timestamp) -> Result<Calendar> {
    let span = view.definition.as_ref().and_then(|definition| match &definition.partitions {
        Some(Partitions::Spans(span)) => {
            let today = now.to_zoned(span.zone.clone()).date();
            // The last that has ended.
            let ended = match kind {
                Kind::Months => today.first_of_month().yesterday().map(Date::first_of_month),
                _ => today.yesterday(),
            };
            let last = ended.unwrap_or(today);
            Some((span.from, span.to.map_or(last, |to| to.min(last))))
        }
        _ => None,
    });
    let this_year = now.to_zoned(jiff::tz::TimeZone::UTC).year();
    let (first_year, last_year) =
        span.map_or((this_year, this_year), |(from, to)| (from.year(), to.year().max(from.year())));
    let year = year.unwrap_or(last_year).clamp(first_year, last_year);
    let found = match kind {
        // Months fit into one page all together: 80 years of them.
        Kind::Files | Kind::Months => store.partitions(&view.overview.job.name, None, MOST_PARTITIONS)?,
        Kind::Days => store.partitions(&view.overview.job.name, Some(&format!("{:04}-12-31~", year - 1)), 366)?,
    };
    let states = found.into_iter().map(|partition| (partition.key.clone(), partition)).collect();
    Ok(Calendar { kind, year, first_year, last_year, span, states })
}

/// The calendar, or the list of files.
pub(super) fn calendar(calendar: &Calendar, job: &str) -> Markup {
    match calendar.kind {
        Kind::Days => html! { (years(calendar, job)) (days(calendar, job)) (timeline::key()) (list(calendar, job)) },
        Kind::Months => html! { (months(calendar, job)) (timeline::key()) (list(calendar, job)) },
        Kind::Files => list(calendar, job),
    }
}

fn years(calendar: &Calendar, job: &str) -> Markup {
    html! {
        nav.choice aria-label="Year" {
            @if calendar.year > calendar.first_year { a rel="prev" href={ "/jobs/" (job) "?year=" (calendar.year - 1) "#partitions" } { "← " (calendar.year - 1) } }
            span.chosen { (calendar.year) }
            @if calendar.year < calendar.last_year { a rel="next" href={ "/jobs/" (job) "?year=" (calendar.year + 1) "#partitions" } { (calendar.year + 1) " →" } }
        }
    }
}

fn days(calendar: &Calendar, job: &str) -> Markup {
    let first = date(calendar.year, 1, 1);
    let days: Vec<Date> = first.series(1.day()).take_while(|day| day.year() == calendar.year).collect();
    let skipped = i64::from(first.weekday().to_monday_zero_offset());
    let place = |day: Date| {
        let at = skipped + i64::from(day.day_of_year()) - 1;
        (LEFT + at / 7 * CELL, TOP + at % 7 * CELL)
    };
    let key = |day: Date| day.strftime("%Y-%m-%d").to_string();
    let label = summary(calendar, days.iter().map(|day| (*day, key(*day))));
    html! {
        div.scroll tabindex="0" role="region" aria-label={ "Calendar of " (calendar.year) } {
            svg.calendar viewBox={ "0 0 " (LEFT + 54 * CELL) " " (TOP + 7 * CELL) } width=(LEFT + 54 * CELL) height=(TOP + 7 * CELL) role="img" aria-label=(label) {
                @for (row, name) in [(0, "Mon"), (2, "Wed"), (4, "Fri"), (6, "Sun")] {
                    text x="0" y=(TOP + row * CELL + 9) font-size="10" { (name) }
                }
                @for month in 1..=12_i8 {
                    @let day = date(calendar.year, month, 1);
                    text x=(place(day).0) y="10" font-size="10" { (day.strftime("%b")) }
                }
                @for day in &days { (cell(calendar, job, *day, &key(*day), place(*day), (SIDE, SIDE))) }
            }
        }
        p.remark { (label) }
    }
}

fn months(calendar: &Calendar, job: &str) -> Markup {
    let years: Vec<i16> = (calendar.first_year..=calendar.last_year).rev().take(30).collect();
    let key = |day: Date| day.strftime("%Y-%m").to_string();
    let all =
        || years.iter().flat_map(|year| (1..=12_i8).map(|month| date(*year, month, 1))).map(|day| (day, key(day)));
    let label = summary(calendar, all());
    let (width, height) = (40, 20);
    let left = |month: i8| 44 + (i64::from(month) - 1) * (width + 2);
    let top = |row: usize| TOP + i64::try_from(row).unwrap_or_default() * (height + 2);
    html! {
        div.scroll tabindex="0" role="region" aria-label="Calendar of months" {
            svg.calendar viewBox={ "0 0 " (left(13)) " " (top(years.len())) } width=(left(13)) height=(top(years.len())) role="img" aria-label=(label) {
                @for month in 1..=12_i8 { text x=(left(month)) y="11" font-size="10" { (date(2026, month, 1).strftime("%b")) } }
                @for (row, year) in years.iter().enumerate() {
                    text x="0" y=(top(row) + 14) font-size="11" { (year) }
                    @for month in 1..=12_i8 {
                        @let day = date(*year, month, 1);
                        (cell(calendar, job, day, &key(day), (left(month), top(row)), (width, height)))
                    }
                }
            }
        }
        p.remark { (label) }
    }
}

fn cell(
    calendar: &Calendar,
    job: &str,
    day: Date,
    key: &str,
    (x, y): (i64, i64),
    (width, height): (i64, i64),
) -> Markup {
    let outside = calendar.span.is_none_or(|(from, to)| day < from || day > to);
    match calendar.states.get(key) {
        Some(partition) => {
            let look = words::run(partition.state);
            html! {
                a href={ "/jobs/" (job) "?partition=" (encoded(key)) "#history" } tabindex="-1" {
                    title { (said(partition)) }
                    rect.(look.class) x=(x) y=(y) width=(width) height=(height) rx="2" {}
                    @if look.class == "bad" { path.cross d={ "M" (x + width / 2 - 3) " " (y + height / 2 - 2) "l6 6m0 -6l-6 6" } {} }
                }
            }
        }
        None if outside => html! { rect.outside x=(x) y=(y) width=(width) height=(height) rx="2" {} },
        None => {
            html! { rect.missing x=(x) y=(y) width=(width) height=(height) rx="2" { title { (key) ": never run" } } }
        }
    }
}

fn said(partition: &Partition) -> String {
    let state = words::run(partition.state).word;
    let key = text::line(&partition.key, 80);
    match partition.succeeded {
        Some(at) if words::run(partition.state).class == "bad" => {
            format!("{key}: {state}, but succeeded before on {}", at.strftime("%-d %b %Y, %H:%M UTC"))
        }
        _ => format!("{key}: {state}"),
    }
}

/// How many there are, how many are done.
fn summary(calendar: &Calendar, all: impl Iterator<Item = (Date, String)>) -> String {
    let due = all.filter(|(day, _)| calendar.span.is_some_and(|(from, to)| *day >= from && *day <= to));
    let (mut number, mut done, mut bad) = (0_usize, 0_usize, 0_usize);
    for (_, key) in due {
        number += 1;
        let found = calendar.states.get(&key);
        done += usize::from(found.is_some_and(|partition| partition.succeeded.is_some()));
        bad += usize::from(found.is_some_and(|partition| words::run(partition.state).class == "bad"));
    }
    let word = if calendar.kind == Kind::Months { "months" } else { "days" };
    format!(
        "{} of {} {word} done, {} failed, {} never ended well",
        format::count(done),
        format::count(number),
        format::count(bad),
        format::count(number - done)
    )
}

/// The same as a table: for those who do not see the picture, and for files.
fn list(calendar: &Calendar, job: &str) -> Markup {
    let files = calendar.kind == Kind::Files;
    html! {
        @if calendar.states.is_empty() && files { p.quiet { "No file has been run yet." } }
        @else if !calendar.states.is_empty() {
            details open[files] {
                summary { (words::count(calendar.states.len() as u64, "partition", "partitions")) " as a list" }
                div.scroll.tall tabindex="0" role="region" aria-label="Partitions" { table {
                    thead { tr { th scope="col" { "Partition" } th scope="col" { "State" } th scope="col" { "Last succeeded" } } }
                    tbody {
                        @for (key, partition) in calendar.states.iter().rev() {
                            tr {
                                th scope="row" { a href={ "/jobs/" (job) "?partition=" (encoded(key)) "#history" } { bdi { (text::line(key, 120)) } } }
                                td { (words::run(partition.state).badge()) }
                                td { @match partition.succeeded { Some(at) => (super::moment::short(at, None)), None => span.quiet { "never" } } }
                            }
                        }
                    }
                } }
            }
        }
    }
}
