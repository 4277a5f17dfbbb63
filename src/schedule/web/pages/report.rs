//! What a run left for people: its report, for the frame in its page, and its whole log as text.

use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use axum::extract::{Extension, Path, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::super::super::service::{Service, ServiceError, Who};
use super::super::super::store::RunId;
use super::error;

/// Reports are at most 5 MB; what is larger is none of ours.
const LARGEST_REPORT: u64 = 16 << 20;
/// The most of a log that is sent at once.
const LARGEST_LOG: u64 = 64 << 20;
/// A report has no script and asks for nothing, and if data ever brought some, this forbids it: the page is of no origin.
const POLICY: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; base-uri 'none'; form-action 'none'";

/// The report of a run.
pub(super) async fn report(
    State(service): State<Arc<Service>>,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
) -> Response {
    answer(service, who, move |service| {
        let run = service.store().run(&RunId::from(id.as_str()))?;
        let path = service.report(&run).ok_or_else(|| no("report of run", &id))?;
        Ok((path, LARGEST_REPORT, "text/html; charset=utf-8"))
    })
    .await
}

/// The log of a run as it is kept.
pub(super) async fn whole_log(
    State(service): State<Arc<Service>>,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
) -> Response {
    answer(service, who, move |service| {
        let run = service.store().run(&RunId::from(id.as_str()))?;
        let path = service.folder(&run.id).join("log.jsonl");
        // A link could lead out of the folder.
        if !path.symlink_metadata().is_ok_and(|found| found.is_file()) {
            return Err(no("log of run", &id));
        }
        Ok((path, LARGEST_LOG, "text/plain; charset=utf-8"))
    })
    .await
}

fn no(what: &'static str, name: &str) -> ServiceError {
    ServiceError::NotFound { what, name: name.to_owned(), nearest: None }
}

/// Sends a file, not more of it than stated.
async fn answer<F>(service: Arc<Service>, who: Who, find: F) -> Response
where
    F: FnOnce(&Service) -> Result<(PathBuf, u64, &'static str), ServiceError> + Send + 'static,
{
    let sent = tokio::task::spawn_blocking(move || match find(&service).and_then(read) {
        Ok((bytes, kind)) => send(bytes, kind),
        Err(refused) => error::of(&refused, Some(&who)),
    });
    sent.await
        .unwrap_or_else(|_| error::page(StatusCode::INTERNAL_SERVER_ERROR, "the file could not be read", None, None))
}

fn read((path, most, kind): (PathBuf, u64, &'static str)) -> Result<(Vec<u8>, &'static str), ServiceError> {
    let mut bytes = Vec::new();
    let read = std::fs::File::open(&path).and_then(|file| file.take(most).read_to_end(&mut bytes));
    read.map_err(|error| ServiceError::Io { path, detail: crate::staging::reason(&error) })?;
    Ok((bytes, kind))
}

fn send(bytes: Vec<u8>, kind: &'static str) -> Response {
    let headers: [(HeaderName, HeaderValue); 6] = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (header::X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    (headers, bytes).into_response()
}
