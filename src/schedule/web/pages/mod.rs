//! The dashboard: pages made on the server, a style sheet, and a script without which everything works too.
//!
//! | file | page |
//! |---|---|
//! | [`jobs`] | `/`: all jobs with their last and next runs |
//! | [`timeline`] | `/timeline`: runs of the last hours in lanes |
//! | [`job`] | `/jobs/NAME`: one job: history, partitions, numbers over time, definition |
//! | [`run`] | `/runs/ID`: one run: why it ended, stages, log, ledger, report |
//! | [`models`] | `/models`: versions, verdicts, the way back |
//! | [`backfill`] | `/backfills/N` |
//! | [`audit`] | `/audit`: who did what |
//! | [`login`], [`error`] | logging in; what went wrong |
//! | [`actions`] | what the buttons do: `POST`, then a redirect |
//!
//! # Rules
//!
//! - **Text from data is text**: `maud` escapes it, `report::text` bounds it and takes out what reorders text. Pages hold no script and
//!   no style of their own, so the policy of the server forbids both.
//! - **A page costs the same with any history**: lists are pages of a stated length, and every question to the database goes by an index.
//! - **The script adds, it does not make.** What changes while one looks stands in elements with an id and `data-live`; when the server
//!   tells of news the script asks for the same page again and puts these elements in place of the old ones. So there is one way in
//!   which a thing is drawn.
//! - Moments are UTC; the hint has the time in the job's zone.
//!
//! Who asks is in the request ([`Who`], put there by what checks the login); whether one may change something is the service's to say, a
//! page only leaves out buttons that would be refused.

mod actions;
mod assets;
mod audit;
mod backfill;
mod error;
mod facts;
mod job;
mod jobs;
mod login;
mod models;
mod moment;
mod reply;
mod report;
mod run;
mod shell;
mod strip;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;
mod timeline;
mod words;

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Extension, FromRequestParts, Path, Query, State};
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;

pub(super) use error::page as error;
pub(super) use login::{Login, login};

use super::super::service::{Service, ServiceError, Who};
use super::super::store::{RunId, RunState};
use reply::page;

/// The files that pages need. They hold no data: they are for everybody.
pub(super) fn assets() -> Router {
    assets::router()
}

/// All pages and what their buttons do. Each request has to have [`Who`] among its extensions.
pub(super) fn router(service: Arc<Service>) -> Router {
    Router::new()
        .route("/", get(jobs_page))
        .route("/timeline", get(timeline_page))
        .route("/jobs/{name}", get(job_page))
        .route("/jobs/{name}/run", actions::form(actions::run))
        .route("/jobs/{name}/pause", actions::form(actions::pause))
        .route("/jobs/{name}/resume", actions::form(actions::resume))
        .route("/jobs/{name}/backfill", actions::form(actions::backfill))
        .route("/runs/{id}", get(run_page))
        .route("/runs/{id}/log", get(log_part))
        .route("/runs/{id}/log.txt", get(report::whole_log))
        .route("/runs/{id}/report", get(report::report))
        .route("/runs/{id}/cancel", actions::form(actions::cancel))
        .route("/runs/{id}/again", actions::form(actions::again))
        .route("/models", get(models_page))
        .route("/models/{number}/restore", get(restore_page).merge(actions::form(actions::restore)))
        .route("/backfills/{number}", get(backfill_page))
        .route("/backfills/{number}/stop", actions::form(actions::stop_backfill))
        .route("/backfills/{number}/resume", actions::form(actions::resume_backfill))
        .route("/audit", get(audit_page))
        .with_state(service)
}

/// What the queries of pages may say. What cannot be read is left out: an old or mistyped link still leads somewhere.
#[derive(Debug, Default, Deserialize)]
struct Asks {
    q: Option<String>,
    page: Option<String>,
    hours: Option<String>,
    before: Option<String>,
    after: Option<String>,
    state: Option<String>,
    partition: Option<String>,
    year: Option<String>,
    name: Option<String>,
    subject: Option<String>,
    from: Option<String>,
}

impl<S: Sync> FromRequestParts<S> for Asks {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Query::try_from_uri(&parts.uri).map(|Query(asks)| asks).unwrap_or_default())
    }
}

/// A number in a path; one that is none names nothing.
fn named(what: &'static str, text: &str) -> Result<i64, ServiceError> {
    text.parse().map_err(|_| ServiceError::NotFound { what, name: crate::report::text::line(text, 40), nearest: None })
}

/// A number in a query.
fn number<T: std::str::FromStr>(text: Option<&String>) -> Option<T> {
    text?.trim().parse().ok()
}

type Shared = State<Arc<Service>>;
type Visitor = Extension<Who>;

async fn jobs_page(State(service): Shared, Extension(who): Visitor, asks: Asks) -> Response {
    let at = number(asks.page.as_ref()).unwrap_or(0);
    page(service, who, move |service, asked| jobs::show(service, asked, asks.q.as_deref(), at)).await
}

async fn timeline_page(State(service): Shared, Extension(who): Visitor, asks: Asks) -> Response {
    page(service, who, move |service, asked| timeline::show(service, asked, number(asks.hours.as_ref()))).await
}

async fn job_page(State(service): Shared, Extension(who): Visitor, Path(name): Path<String>, asks: Asks) -> Response {
    let state = RunState::ALL.iter().copied().find(|state| Some(state.word()) == asks.state.as_deref());
    let look = job::Look { before: number(asks.before.as_ref()), state, partition: asks.partition };
    let query = job::Query { look, year: number(asks.year.as_ref()) };
    page(service, who, move |service, asked| job::show(service, asked, &name, &query)).await
}

async fn run_page(State(service): Shared, Extension(who): Visitor, Path(id): Path<String>) -> Response {
    page(service, who, move |service, asked| run::show(service, asked, &RunId::from(id.as_str()))).await
}

async fn log_part(State(service): Shared, Extension(who): Visitor, Path(id): Path<String>, asks: Asks) -> Response {
    let from = number(asks.from.as_ref()).unwrap_or(0);
    page(service, who, move |service, _| run::log::part(service, &RunId::from(id.as_str()), from)).await
}

async fn models_page(State(service): Shared, Extension(who): Visitor, asks: Asks) -> Response {
    let (before, at) = (number(asks.before.as_ref()), number(asks.page.as_ref()).unwrap_or(0));
    page(service, who, move |service, asked| models::show(service, asked, asks.name.as_deref(), before, at)).await
}

async fn restore_page(State(service): Shared, Extension(who): Visitor, Path(number): Path<String>) -> Response {
    page(service, who, move |service, asked| models::confirm(service, asked, named("promotion", &number)?)).await
}

async fn backfill_page(
    State(service): Shared,
    Extension(who): Visitor,
    Path(at): Path<String>,
    asks: Asks,
) -> Response {
    page(service, who, move |service, asked| {
        backfill::show(service, asked, named("backfill", &at)?, number(asks.after.as_ref()))
    })
    .await
}

async fn audit_page(State(service): Shared, Extension(who): Visitor, asks: Asks) -> Response {
    let before = number(asks.before.as_ref());
    page(service, who, move |service, asked| audit::show(service, asked, asks.subject.as_deref(), before)).await
}
