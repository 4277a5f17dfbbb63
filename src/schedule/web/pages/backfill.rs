//! A backfill: how far it is, and each of its partitions.

use maud::{Markup, html};

use super::super::super::service::{Service, ServiceError};
use super::super::super::store::{Backfill, BackfillItem, BackfillState};
use super::reply::Asked;
use super::shell::{Changes, Place};
use super::{moment, words};
use crate::report::{format, text};

/// How many partitions a page has.
const PAGE: usize = 100;

/// The page of a backfill; `after` is the place in its order behind which the list begins.
pub(super) fn show(
    service: &Service,
    asked: &Asked<'_>,
    number: i64,
    after: Option<i64>,
) -> Result<Markup, ServiceError> {
    let backfill = service.store().the_backfill(number)?;
    let items = service.store().backfill_items(number, after, PAGE + 1)?;
    let body = html! {
        div id="head" data-live { (head(&backfill, asked)) }
        section.part { h2 { "Partitions" } div id="items" data-live { (list(&backfill, &items, after)) } }
    };
    let news = format!("job={}", backfill.job);
    let changes = if backfill.state == BackfillState::Running { Changes::Now(news) } else { Changes::AtTimes(news) };
    Ok(asked.page(&format!("Backfill {number}"), Place::Jobs, changes, body))
}

fn head(backfill: &Backfill, asked: &Asked<'_>) -> Markup {
    let all = u64::from(backfill.pending)
        + u64::from(backfill.active)
        + u64::from(backfill.succeeded)
        + u64::from(backfill.failed);
    html! {
        div.head {
            p.eyebrow { a href="/" { "Jobs" } " / " a href={ "/jobs/" (backfill.job) } { (text::line(&backfill.job, 80)) } }
            div.title { h1 { "Backfill " (backfill.number) } (words::backfill(backfill.state).badge()) }
            p.description { bdi { (text::line(&backfill.first, 100)) } " to " bdi { (text::line(&backfill.last, 100)) } }
            div.progress { (bar(backfill)) span { b { (format::rows(backfill.succeeded.into())) } " of " (format::rows(all)) " done" } }
            dl.meta {
                div { dt { "To come" } dd { (format::rows(backfill.pending.into())) } }
                div { dt { "At work or waiting" } dd { (format::rows(backfill.active.into())) " of at most " (format::rows(backfill.parallelism.into())) } }
                div { dt { "Failed" } dd.bad-text[backfill.failed > 0] { (format::rows(backfill.failed.into())) } }
                div { dt { "Asked for" } dd { (moment::moment(backfill.created, None)) span.note-line { "by " (text::line(&backfill.requested_by, 60)) } } }
                @if let Some(ended) = backfill.ended { div { dt { "Ended" } dd { (moment::moment(ended, None)) } } }
            }
            @if asked.may_change() { (actions(backfill)) }
        }
    }
}

fn actions(backfill: &Backfill) -> Markup {
    let path = |what: &str| format!("/backfills/{}/{what}", backfill.number);
    html! {
        div.actions {
            @match backfill.state {
                BackfillState::Running => {
                    form method="post" action=(path("stop")) { button.danger type="submit" { "Stop" } }
                    p.quiet { "What is at work goes on; nothing more is started." }
                }
                BackfillState::Stopped => form method="post" action=(path("resume")) { button.main type="submit" { "Resume" } },
                BackfillState::Failed => {
                    form method="post" action=(path("resume")) { button.main type="submit" { "Try the failed ones again" } }
                }
                BackfillState::Succeeded => {}
            }
        }
    }
}

/// How far it is: done, failed, at work.
pub(super) fn bar(backfill: &Backfill) -> Markup {
    let parts = [(backfill.succeeded, "good"), (backfill.failed, "bad"), (backfill.active, "working")];
    let all = f64::from(backfill.pending) + parts.iter().map(|(number, _)| f64::from(*number)).sum::<f64>();
    let share = |number: u32| if all > 0.0 { f64::from(number) / all * 100.0 } else { 0.0 };
    let mut left = 0.0;
    let mut placed = Vec::new();
    for (number, class) in parts {
        placed.push((left, share(number), class));
        left += share(number);
    }
    let said = format!(
        "{} done, {} failed, {} at work, {} to come",
        backfill.succeeded, backfill.failed, backfill.active, backfill.pending
    );
    html! {
        svg.meter width="160" height="8" role="img" aria-label=(said) {
            title { (said) }
            rect.ground width="100%" height="8" rx="4" {}
            @for (left, width, class) in placed {
                @if width > 0.0 { rect.(class) x=(format!("{left:.2}%")) width=(format!("{width:.2}%")) height="8" {} }
            }
        }
    }
}

fn list(backfill: &Backfill, items: &[BackfillItem], after: Option<i64>) -> Markup {
    let next = items.get(PAGE).and(items.get(PAGE - 1)).map(|item| item.position);
    html! {
        div.scroll tabindex="0" role="region" aria-label="Partitions" { table {
            thead { tr { th scope="col" { "Partition" } th scope="col" { "State" } th scope="col" { "Run" } } }
            tbody {
                @for item in items.iter().take(PAGE) {
                    tr {
                        th scope="row" { bdi { (text::line(&item.partition, 160)) } }
                        td { (words::item(item.state).badge()) }
                        td { @if let Some(run) = &item.run { a.id href={ "/runs/" (run) } { (run) } } }
                    }
                }
            }
        } }
        nav.pages aria-label="Pages" {
            @if after.is_some() { a rel="prev" href={ "/backfills/" (backfill.number) } { "← First" } }
            @if let Some(next) = next { a rel="next" href={ "/backfills/" (backfill.number) "?after=" (next) } { "Next →" } }
        }
    }
}
