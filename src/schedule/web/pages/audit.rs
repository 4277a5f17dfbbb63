//! Who did what.

use maud::{Markup, html};

use super::super::super::service::{Service, ServiceError};
use super::super::super::store::AuditEntry;
use super::jobs::encoded;
use super::moment;
use super::reply::Asked;
use super::shell::{Changes, Place};
use crate::report::text;

/// How many entries a page has.
const PAGE: usize = 50;
/// The longest subject to look for.
const LONGEST: usize = 200;

/// The entries, the latest first; of one subject where it is named.
pub(super) fn show(
    service: &Service,
    asked: &Asked<'_>,
    subject: Option<&str>,
    before: Option<i64>,
) -> Result<Markup, ServiceError> {
    let subject = subject
        .map(|subject| subject.trim().chars().take(LONGEST).collect::<String>())
        .filter(|subject| !subject.is_empty());
    let page = service.store().audit_log(subject.as_deref(), before, PAGE)?;
    let query = subject.as_deref().map(|subject| format!("subject={}&", encoded(subject))).unwrap_or_default();
    let body = html! {
        div.head { h1 { "Audit" } p.description { "Who did what, the latest first." } }
        form.filter method="get" action="/audit" role="search" {
            label for="subject" { "Of" }
            input id="subject" name="subject" type="search" value=[subject.as_deref()] maxlength=(LONGEST) placeholder="Job, run or model, as it is written" spellcheck="false" autocomplete="off";
            button type="submit" { "Find" }
            @if subject.is_some() { a href="/audit" { "Show all" } }
        }
        @if page.items.is_empty() { p.quiet { "There is no such entry." } }
        @else {
            div.scroll tabindex="0" role="region" aria-label="Entries" { table.audit {
                thead { tr { th scope="col" { "When" } th scope="col" { "Who" } th scope="col" { "What" } th scope="col" { "Of" } th scope="col" { "More" } } }
                tbody { @for entry in &page.items { (line(entry)) } }
            } }
        }
        nav.pages aria-label="Pages" {
            @if before.is_some() { a rel="prev" href={ "/audit?" (query) } { "← Latest" } }
            @if let Some(next) = page.next { a rel="next" href={ "/audit?" (query) "before=" (next) } { "Earlier →" } }
        }
    };
    Ok(asked.page("Audit", Place::Audit, Changes::Never, body))
}

fn line(entry: &AuditEntry) -> Markup {
    html! {
        tr {
            td { (moment::moment(entry.moment, None)) }
            td { (text::line(&entry.who, 80)) }
            td { b { (text::line(&entry.action, 60)) } }
            td { bdi { (text::line(&entry.subject, 120)) } }
            td.remarks { (text::line(&entry.detail, 300)) }
        }
    }
}
