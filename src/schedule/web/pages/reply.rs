//! From a question to an answer: looking things up off the server's threads, and putting the frame around what is found.

use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use maud::Markup;

use super::super::super::service::{Health, Service, ServiceError, Who};
use super::error;
use super::shell::{Changes, Page, Place};

/// Who asks, and how the server is.
pub(super) struct Asked<'a> {
    pub(super) who: &'a Who,
    pub(super) health: Health,
    pub(super) now: Timestamp,
}

impl Asked<'_> {
    /// A page with its frame.
    pub(super) fn page(&self, title: &str, place: Place, changes: Changes, body: Markup) -> Markup {
        Page {
            title: title.to_owned(),
            place,
            who: Some(self.who),
            health: Some(&self.health),
            changes,
            now: self.now,
            body,
        }
        .render()
    }

    /// Whether who asks may change something.
    pub(super) fn may_change(&self) -> bool {
        super::shell::may_change(self.who)
    }
}

/// A page, or what went wrong as one.
pub(super) async fn page<F>(service: Arc<Service>, who: Who, make: F) -> Response
where
    F: FnOnce(&Service, &Asked<'_>) -> Result<Markup, ServiceError> + Send + 'static,
{
    let made = tokio::task::spawn_blocking(move || {
        let asked = Asked { who: &who, health: service.health(), now: service.now() };
        match make(&service, &asked) {
            Ok(page) => html(StatusCode::OK, page),
            Err(refused) => error::of(&refused, Some(asked.who)),
        }
    });
    made.await
        .unwrap_or_else(|_| error::page(StatusCode::INTERNAL_SERVER_ERROR, "the page could not be made", None, None))
}

/// Does something and leads on to where it can be seen, or says why it was not done.
pub(super) async fn act<F>(service: Arc<Service>, who: Who, act: F) -> Response
where
    F: FnOnce(&Service, &Who) -> Result<String, ServiceError> + Send + 'static,
{
    let done = tokio::task::spawn_blocking(move || match act(&service, &who) {
        Ok(place) => see(&place),
        Err(refused) => error::of(&refused, Some(&who)),
    });
    done.await.unwrap_or_else(|_| error::page(StatusCode::INTERNAL_SERVER_ERROR, "nothing was done", None, None))
}

/// A page as an answer. Nothing keeps it: it holds what only its reader may see, and is old at once.
pub(super) fn html(status: StatusCode, page: Markup) -> Response {
    let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, page.into_string()).into_response()
}

/// Leads on by `GET`.
fn see(place: &str) -> Response {
    match HeaderValue::from_str(place) {
        Ok(place) => (StatusCode::SEE_OTHER, [(header::LOCATION, place)]).into_response(),
        Err(_) => (StatusCode::SEE_OTHER, [(header::LOCATION, HeaderValue::from_static("/"))]).into_response(),
    }
}
