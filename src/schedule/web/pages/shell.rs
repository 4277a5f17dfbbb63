//! What every page has around its content: head, bar with the ways to go, the banner of the server's health, foot.

use jiff::Timestamp;
use maud::{DOCTYPE, Markup, html};

use super::super::super::service::{Health, Role, Who};
use super::assets;
use crate::report::text;

/// The most reasons in the banner.
const MOST_REASONS: usize = 5;

/// The places in the bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The list of jobs and what belongs to one.
    Jobs,
    /// The timeline.
    Timeline,
    /// Models and outputs.
    Models,
    /// Who did what.
    Audit,
    /// Somewhere else.
    None,
}

const PLACES: [(Place, &str, &str); 4] = [
    (Place::Jobs, "/", "Jobs"),
    (Place::Timeline, "/timeline", "Timeline"),
    (Place::Models, "/models", "Models"),
    (Place::Audit, "/audit", "Audit"),
];

/// Whether what a page shows changes while one looks, and which news tell of it: a query of `/api/events`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Changes {
    /// It stays as it is.
    Never,
    /// It may.
    AtTimes(String),
    /// Something is at work: without script the page is loaded again by itself.
    Now(String),
}

impl Changes {
    fn query(&self) -> Option<&str> {
        match self {
            Self::Never => None,
            Self::AtTimes(query) | Self::Now(query) => Some(query),
        }
    }
}

/// A page before its frame is put around it.
pub(super) struct Page<'a> {
    /// For the window.
    pub(super) title: String,
    /// What is marked in the bar.
    pub(super) place: Place,
    /// Who looks; none before a login.
    pub(super) who: Option<&'a Who>,
    /// How the server is; none where nothing is said of it.
    pub(super) health: Option<&'a Health>,
    /// What the script listens to for live updates.
    pub(super) changes: Changes,
    /// When it was made.
    pub(super) now: Timestamp,
    /// The content.
    pub(super) body: Markup,
}

impl Page<'_> {
    /// The whole page.
    pub(super) fn render(self) -> Markup {
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="referrer" content="same-origin";
                    title { (text::line(&self.title, 120)) " · gristmill" }
                    link rel="icon" href=(assets::icon()) type="image/svg+xml";
                    link rel="stylesheet" href=(assets::style());
                    script src=(assets::script()) defer {}
                    @if matches!(self.changes, Changes::Now(_)) { noscript { meta http-equiv="refresh" content="5"; } }
                }
                body data-events=[self.changes.query()] data-now=(self.now.as_second()) {
                    a.skip href="#main" { "Skip to the content" }
                    (bar(self.place, self.who))
                    @if let Some(health) = self.health { (banner(health)) }
                    main.board id="main" tabindex="-1" { (self.body) }
                    footer.foot {
                        p {
                            "gristmill " (env!("CARGO_PKG_VERSION")) " · times are UTC, the hint has others · made "
                            time datetime=(self.now.strftime("%Y-%m-%dT%H:%M:%SZ")) { (self.now.strftime("%H:%M:%S")) }
                            " " span.connection id="connection" role="status" {}
                        }
                    }
                }
            }
        }
    }
}

/// Whether somebody may change something.
pub(super) fn may_change(who: &Who) -> bool {
    who.role == Role::Admin
}

fn bar(place: Place, who: Option<&Who>) -> Markup {
    html! {
        header.bar-top {
            div.bar-inner {
                a.brand href="/" { (wheel()) "gristmill" }
                @if let Some(who) = who {
                    nav.places aria-label="Main" {
                        @for (each, path, word) in PLACES {
                            a href=(path) aria-current=[(each == place).then_some("page")] { (word) }
                        }
                    }
                    form.visitor method="post" action="/logout" {
                        span.quiet { (text::line(&who.name, 40)) @if !may_change(who) { " (may only look)" } }
                        button.plain type="submit" { "Log out" }
                    }
                }
            }
        }
    }
}

fn wheel() -> Markup {
    html! {
        svg.wheel viewBox="0 0 16 16" width="18" height="18" aria-hidden="true" {
            circle cx="8" cy="8" r="6" fill="none" stroke="currentColor" stroke-width="2.5" {}
            path d="M8 2v12M2 8h12" stroke="currentColor" stroke-width="1.5" {}
        }
    }
}

/// What is wrong with the server, for everybody to see; an empty place where nothing is, so that it can appear later.
fn banner(health: &Health) -> Markup {
    let bad = !health.alive || !health.ready;
    html! {
        div.banner id="health" data-live role="status" {
            @if bad || !health.reasons.is_empty() {
                div.problem.(if bad { "bad" } else { "warning" }) {
                    strong {
                        @if !health.alive { "The server’s loop does not answer: no job starts" }
                        @else if bad { "The server is not ready" }
                        @else { "The server works, with a remark" }
                    }
                    @if !health.reasons.is_empty() {
                        ul { @for reason in health.reasons.iter().take(MOST_REASONS) { li { (text::prose(reason, 300)) } } }
                    }
                }
            }
        }
    }
}
