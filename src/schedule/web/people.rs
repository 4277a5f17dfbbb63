//! What a person with a browser sees: the dashboard, the page for logging in, and problems as pages.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;

use super::access::login::is_own_path;
use super::asked::Asked;
use super::problem::Problem;
use super::{State, pages};

/// The pages behind the door.
pub(super) fn dashboard(state: &State) -> Router<State> {
    pages::router(Arc::clone(state.service())).with_state(())
}

/// Style, script and pictures: for everybody, for the page for logging in needs them.
pub(super) fn assets() -> Router<State> {
    pages::assets().with_state(())
}

/// Where to go after logging in.
#[derive(Debug, Deserialize)]
pub(super) struct Then {
    next: Option<String>,
}

/// The page for logging in.
#[utoipa::path(get, path = "/login", tag = "access", operation_id = "login_page",
    params(("next" = Option<String>, Query, description = "The page to go to then; a path of this server.", example = "/")),
    responses((status = 200, description = "The page.", body = String, content_type = "text/html")),
    security(()))]
pub(super) async fn login(Asked(asked): Asked<Then>) -> Response {
    let next = asked.next.filter(|next| is_own_path(next)).unwrap_or_else(|| "/".to_owned());
    login_page(None, &next)
}

/// The page for logging in, with what went wrong before.
pub(super) fn login_page(problem: Option<&Problem>, next: &str) -> Response {
    let help = problem.and_then(|problem| problem.help.as_deref());
    let page = pages::login(&pages::Login { problem: problem.map(|problem| problem.message.as_str()), help, next });
    let mut response = Html(page).into_response();
    if let Some(problem) = problem {
        *response.status_mut() = problem.code();
        if let Some(seconds) = problem.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
    }
    response
}

/// Middleware: shows a problem as a page to a browser that asked for a page.
pub(super) async fn problems(request: Request, next: Next) -> Response {
    let people = is_page(&request);
    let response = next.run(request).await;
    match response.extensions().get::<Problem>() {
        Some(problem) if people => page(problem, response.headers()),
        _ => response,
    }
}

/// Whether a browser asks for a page.
pub(super) fn is_page(request: &Request) -> bool {
    let accept = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    !request.uri().path().starts_with("/api/") && accept.is_some_and(|accept| accept.contains("text/html"))
}

fn page(problem: &Problem, headers: &HeaderMap) -> Response {
    let mut response = pages::error(problem.code(), &problem.message, problem.help.as_deref(), None);
    for name in [header::RETRY_AFTER, header::ALLOW, header::CONNECTION] {
        if let Some(value) = headers.get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}
