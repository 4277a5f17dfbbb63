//! Models and outputs with their versions: which one is current, which were refused and why, and the way back to an earlier one.

use std::collections::BTreeSet;

use jiff::Timestamp;
use maud::{Markup, html};
use serde_json::Value;

use super::super::super::service::{Service, ServiceError};
use super::super::super::store::{Promotion, PromotionState};
use super::reply::Asked;
use super::shell::{Changes, Place};
use super::{job, moment, words};
use crate::report::{format, text};

/// How many names one page has.
const NAMES: usize = 20;
/// How many versions are shown of each, and how many of one that is looked at alone.
const VERSIONS: usize = 8;
const MORE_VERSIONS: usize = 50;
/// The most numbers beside a version.
const MOST_METRICS: usize = 5;

/// All names, or one of them with more of its history.
pub(super) fn show(
    service: &Service,
    asked: &Asked<'_>,
    name: Option<&str>,
    before: Option<i64>,
    page: usize,
) -> Result<Markup, ServiceError> {
    let store = service.store();
    let all = match name {
        Some(name) => vec![name.to_owned()],
        None => store.promoted_names()?,
    };
    let length = if name.is_some() { MORE_VERSIONS } else { VERSIONS };
    let last = all.len().saturating_sub(1) / NAMES;
    let page = page.min(last);
    let mut parts = Vec::new();
    for each in all.iter().skip(page * NAMES).take(NAMES) {
        let versions = store.promotions(each, before, length)?;
        parts.push(html! {
            section.part {
                h2 { bdi { (text::line(each, 100)) } }
                @if versions.items.is_empty() { p.quiet { "There is no version of that name." } }
                @else { (table(&versions.items, asked)) }
                nav.pages aria-label={ "Versions of " (text::line(each, 100)) } {
                    @if name.is_some() { a href="/models" { "All models" } }
                    @if let Some(next) = versions.next {
                        a rel="next" href={ "/models?name=" (super::jobs::encoded(each)) "&before=" (next) } { "Earlier versions →" }
                    }
                }
            }
        });
    }
    let body = html! {
        div.head { h1 { "Models and outputs" } }
        @if all.is_empty() { (nothing()) }
        div id="models" data-live { @for part in &parts { (part) } }
        @if last > 0 {
            nav.pages aria-label="Pages" {
                @if page > 0 { a rel="prev" href={ "/models?page=" (page - 1) } { "← Before" } }
                span.quiet { "Page " (page + 1) " of " (last + 1) }
                @if page < last { a rel="next" href={ "/models?page=" (page + 1) } { "After →" } }
            }
        }
    };
    Ok(asked.page("Models", Place::Models, Changes::AtTimes(String::new()), body))
}

fn nothing() -> Markup {
    html! {
        div.empty {
            h2 { "Nothing was promoted yet" }
            p {
                "A job with " code { "promote" } " keeps each version of a model or output that its gates let pass, and "
                code { "models/NAME/current" } " leads to the one in use. They appear here with what the gates said."
            }
        }
    }
}

fn table(versions: &[Promotion], asked: &Asked<'_>) -> Markup {
    let names: BTreeSet<&str> = versions
        .iter()
        .flat_map(|version| {
            version.metrics.iter().filter(|(_, value)| value.is_number()).map(|(name, _)| name.as_str())
        })
        .collect();
    let names: Vec<&str> = names.into_iter().take(MOST_METRICS).collect();
    html! {
        div.scroll tabindex="0" role="region" aria-label="Versions" { table.versions {
            thead { tr {
                th scope="col" { "Version" } th scope="col" { "State" }
                @for name in &names { th.n scope="col" { (text::line(&name.replace('_', " "), 40)) } }
                th scope="col" { "Decided" } th scope="col" { "Remark" } th scope="col" { span.unseen { "What can be done" } }
            } }
            tbody { @for version in versions { (line(version, &names, asked)) } }
        } }
    }
}

fn line(version: &Promotion, names: &[&str], asked: &Asked<'_>) -> Markup {
    html! {
        tr.(if version.state == PromotionState::Current { "current" } else { "other" }) {
            th scope="row" { a.id href={ "/runs/" (version.run) } { bdi { (text::line(&version.version, 60)) } } }
            td { (words::promotion(version.state).badge()) }
            @for name in names { td.n { (metric(version, name, versions_format(name, version))) } }
            td { (moment::short(version.decided, None)) span.note-line { (text::line(&version.decided_by, 60)) } }
            td.remarks {
                @if let Some(reason) = &version.reason { (text::prose(reason, 400)) }
                @else if version.restores.is_some() { "put back" }
                @if version.state == PromotionState::Current && version.published.is_none() { " not switched on disk yet" }
            }
            td {
                @if asked.may_change() && version.state == PromotionState::Former {
                    a.button href={ "/models/" (version.number) "/restore" } { "Roll back …" }
                }
            }
        }
    }
}

fn versions_format(name: &str, version: &Promotion) -> crate::exhibit::Format {
    job::format_of(name, &[(0, version.metrics.get(name).and_then(Value::as_f64))])
}

fn metric(version: &Promotion, name: &str, form: crate::exhibit::Format) -> String {
    let value = version.metrics.get(name).and_then(Value::as_f64);
    value.map_or_else(|| format::NOTHING.to_owned(), |value| format::value(value, form))
}

/// The question before an earlier version is put back.
pub(super) fn confirm(service: &Service, asked: &Asked<'_>, number: i64) -> Result<Markup, ServiceError> {
    let wanted = service.store().the_promotion(number)?;
    let current = service.store().champion(&wanted.name)?;
    let body = html! {
        div.gate.wide {
            p.eyebrow { a href="/models" { "Models" } " / " bdi { (text::line(&wanted.name, 100)) } }
            h1 { "Roll back?" }
            p.lead {
                code { "models/" (text::line(&wanted.name, 100)) "/current" } " will lead to version "
                b { bdi { (text::line(&wanted.version, 60)) } } " of " (moment::short(wanted.decided, None)) "."
            }
            dl.tiles.compare {
                (side("In use now", current.as_ref(), asked.now))
                (side("Put back", Some(&wanted), asked.now))
            }
            @match (wanted.state, asked.may_change()) {
                (PromotionState::Refused, _) => p.note.bad { strong { "Not possible." } " A gate refused this version." },
                (_, false) => p.note.warning { strong { "You may only look." } " A reader’s token changes nothing." },
                _ => {
                    p { "The present version is kept: you can go back to it in the same way. Who reads the link sees one version or the other, never half of one." }
                    form.actions method="post" action={ "/models/" (number) "/restore" } {
                        button.danger type="submit" { "Roll back" }
                        a href="/models" { "Leave it as it is" }
                    }
                }
            }
        }
    };
    Ok(asked.page("Roll back?", Place::Models, Changes::Never, body))
}

fn side(heading: &str, version: Option<&Promotion>, now: Timestamp) -> Markup {
    html! {
        div.tile {
            dt { (heading) }
            @match version {
                None => dd { span.value.nothing { "none" } },
                Some(version) => dd {
                    span.value { bdi { (text::line(&version.version, 40)) } }
                    span.note-line { "decided " (moment::age(version.decided, now, None)) " by " (text::line(&version.decided_by, 60)) }
                    @for (name, value) in version.metrics.iter().filter(|(_, value)| value.is_number()).take(MOST_METRICS) {
                        @let value = value.as_f64();
                        span.note-line { (text::line(&name.replace('_', " "), 40)) " " b { (metric(version, name, job::format_of(name, &[(0, value)]))) } }
                    }
                },
            }
        }
    }
}
