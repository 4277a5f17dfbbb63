//! What a person with a browser sees: the dashboard, the page for logging in, and problems as pages.

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;

use super::State;
use super::access::login::is_own_path;
use super::asked::Asked;
use super::problem::Problem;

/// The pages behind the door.
pub(super) fn pages(_state: &State) -> Router<State> {
    Router::new()
}

/// Style, script and pictures: for everybody, for the page for logging in needs them.
pub(super) fn assets() -> Router<State> {
    Router::new()
}

/// Where to go after logging in.
#[derive(Debug, Deserialize)]
pub(super) struct Then {
    next: Option<String>,
}

/// The page for logging in.
pub(super) async fn login(Asked(asked): Asked<Then>) -> Response {
    let next = asked.next.filter(|next| is_own_path(next)).unwrap_or_else(|| "/".to_owned());
    login_page(None, &next)
}

/// The page for logging in, with what went wrong before.
pub(super) fn login_page(problem: Option<&Problem>, next: &str) -> Response {
    let page = maud::html! {
        @if let Some(problem) = problem { p { (problem.message) } }
        form method="post" action="/login" {
            input type="password" name="token" autocomplete="current-password";
            input type="hidden" name="next" value=(next);
            button { "Log in" }
        }
    };
    let mut response = Html(page.into_string()).into_response();
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
    let mut response = (problem.code(), Html(maud::html! { p { (problem.message) } }.into_string())).into_response();
    for name in [header::RETRY_AFTER, header::ALLOW, header::CONNECTION] {
        if let Some(value) = headers.get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}
