//! What a run left behind: its log, its record, its report.

use std::path::Path;
use std::sync::Arc;

use axum::Json;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::schedule::web::State;
use crate::schedule::web::asked::{Asked, Named, RunName};
use crate::schedule::web::files;
use crate::schedule::web::problem::{Problem, Result};
use crate::schedule::web::views::LogPart;

/// The most bytes of a log in one answer.
const LONGEST_PART: usize = 1 << 20;

/// The largest report that is sent, in bytes. Reports are bounded far below.
const LARGEST_REPORT: u64 = 256 << 20;

/// What the report may do: show its own styles and pictures. Its origin is none, so nothing in it can speak to this server in the
/// name of who looks at it, and no script runs.
const REPORT_POLICY: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; \
    form-action 'none'; base-uri 'none'; frame-ancestors 'self'";

/// Which part of a log.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Part {
    /// From that byte on: 0, or `next` of the part before.
    #[param(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    from: Option<u64>,
    /// How many bytes at most; 65536, when nothing is said.
    #[param(minimum = 1, maximum = 1_048_576)]
    most: Option<usize>,
}

/// A part of the log of a run, in whole lines.
#[utoipa::path(get, path = "/api/runs/{id}/log", tag = "runs", operation_id = "log_of_run",
    params(RunName, Part),
    responses((status = 200, description = "The part.", body = LogPart)))]
pub(crate) async fn log(state: State, Named(id): Named<RunName>, Asked(part): Asked<Part>) -> Result<Json<LogPart>> {
    let from = part.from.unwrap_or(0);
    let most = part.most.unwrap_or(64 << 10);
    if from > super::LARGEST.unsigned_abs() || !(1..=LONGEST_PART).contains(&most) {
        return Err(Problem::bad(format!(
            "`from` is to be a place in the log, and `most` a number from 1 to {LONGEST_PART}"
        )));
    }
    let part = state
        .ask(move |service| {
            let run = service.store().run(&id.id())?;
            Ok::<_, Problem>(service.log(&run, from, most)?)
        })
        .await?;
    Ok(Json(part.into()))
}

/// The record of a run that has ended: stages, ledger, metrics.
#[utoipa::path(get, path = "/api/runs/{id}/record", tag = "runs", operation_id = "record_of_run",
    params(RunName),
    responses((status = 200, description = "The record, as in `manifest.json`.", body = serde_json::Value)))]
pub(crate) async fn record(state: State, Named(id): Named<RunName>) -> Result<Response> {
    let found = state
        .ask(move |service| {
            let run = service.store().run(&id.id())?;
            let record = service.record(&run)?;
            let record = record.ok_or_else(|| Problem::missing(format!("run `{}` has no record", run.id)))?;
            serde_json::to_string(&record).map_err(|error| Problem::internal(error.to_string()))
        })
        .await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], found).into_response())
}

/// The report of a run, for a sandboxed frame.
#[utoipa::path(get, path = "/api/runs/{id}/report", tag = "runs", operation_id = "report_of_run",
    params(RunName),
    responses((status = 200, description = "The page.", body = String, content_type = "text/html")))]
pub(crate) async fn report(state: State, Named(id): Named<RunName>) -> Result<Response> {
    let place = Arc::clone(state.downloads()).try_acquire_owned();
    let place = place.map_err(|_| Problem::busy("as many files are on their way as the server bears"))?;
    let (file, bytes) = state
        .ask(move |service| {
            let run = service.store().run(&id.id())?;
            let none = || Problem::missing(format!("run `{}` has no report", run.id));
            let path = service.report(&run).ok_or_else(none)?;
            // Opened once more by a way that follows no link: the worker may write in its folder what it likes.
            let below = path.strip_prefix(service.base()).map_err(|_| none())?.to_path_buf();
            let file = files::open_below(service.base(), Path::new(&below)).map_err(|_| none())?;
            let bytes = file.metadata().map_err(|_| none())?.len();
            Ok::<_, Problem>((file, bytes))
        })
        .await?;
    if bytes > LARGEST_REPORT {
        return Err(Problem::missing(format!("the report has {bytes} bytes, which is more than a browser bears")));
    }
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, REPORT_POLICY),
        (header::X_FRAME_OPTIONS, "SAMEORIGIN"),
    ];
    Ok((headers, files::body(file, bytes, place)).into_response())
}
