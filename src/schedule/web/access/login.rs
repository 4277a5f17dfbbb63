//! Logging in and out, for browsers.

use std::time::Instant;

use axum::body::Bytes;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Json, RequestExt};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Denied, SESSION};
use crate::schedule::web::guard::{address, denied, own_site};
use crate::schedule::web::problem::Problem;
use crate::schedule::web::{State, asked, people};

/// What a login is asked for with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Login {
    /// The administrator's or the reader's token.
    #[schema(format = Password, min_length = 1, max_length = 1024)]
    pub(crate) token: String,
    /// The page to go to then; a path of this server. Only for a form.
    #[serde(default)]
    #[schema(example = "/")]
    pub(crate) next: Option<String>,
}

/// A session that has begun; its name is in the cookie.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LoggedIn {
    /// `admin` or `reader`.
    #[schema(example = "admin")]
    role: &'static str,
    /// After how many seconds the session ends.
    seconds: u64,
}

/// Begins a session for a browser.
///
/// A form is answered with a redirection to the page asked for, JSON with JSON. The session's name is set as a cookie.
#[utoipa::path(post, path = "/login", tag = "access", operation_id = "login",
    request_body(content((Login = "application/json"), (Login = "application/x-www-form-urlencoded"))),
    responses((status = 200, description = "The session has begun.", body = LoggedIn),
              (status = 303, description = "The session has begun; to the page asked for."),
              (status = 401, description = "The token is unknown; a form is answered with the page for logging in.",
               content((Problem = "application/json"), (String = "text/html"))),
              (status = 429, description = "Too many failed logins; a form is answered with the page for logging in.",
               content((Problem = "application/json"), (String = "text/html")))),
    security(()))]
pub(crate) async fn login(state: State, request: Request) -> Response {
    let headers = request.headers().clone();
    let from = address(&request);
    let form = is_form(&headers);
    // A page elsewhere could log a browser in as somebody else. Programs state no origin, and browsers always do.
    if (headers.contains_key(header::ORIGIN) || headers.contains_key("sec-fetch-site"))
        && let Err(problem) = own_site(&headers, state.hosts())
    {
        return problem.into_response();
    }
    let asked = match read(request, form).await {
        Ok(asked) => asked,
        Err(problem) => return problem.into_response(),
    };
    let next = asked.next.as_deref().filter(|next| is_own_path(next)).unwrap_or("/").to_owned();
    match state.access().log_in(asked.token.trim(), from, Instant::now()) {
        Ok((caller, cookie)) => {
            let name = caller.who.name.clone();
            let noted = note(&state, name, "login", from.to_string()).await;
            if let Err(problem) = noted {
                return problem.into_response();
            }
            let mut response = match form {
                true => Redirect::to(&next).into_response(),
                false => {
                    Json(LoggedIn { role: super::word(caller.who.role), seconds: SESSION.as_secs() }).into_response()
                }
            };
            if let Ok(cookie) = HeaderValue::from_str(&cookie) {
                response.headers_mut().insert(header::SET_COOKIE, cookie);
            }
            response
        }
        Err(reason) => {
            if reason == Denied::Unknown && !state.access().overrun(Instant::now()) {
                // Of the token nothing is noted.
                _ = note(&state, "stranger".to_owned(), "login failed", from.to_string()).await;
            }
            let problem = denied(reason);
            match form {
                true => people::login_page(Some(&problem), &next),
                false => problem.into_response(),
            }
        }
    }
}

/// Ends the session of a browser.
#[utoipa::path(post, path = "/logout", tag = "access", operation_id = "logout",
    responses((status = 303, description = "The session is over; to the page for logging in.")), security(()))]
pub(crate) async fn logout(state: State, headers: HeaderMap) -> Response {
    if let Err(problem) = own_site(&headers, state.hosts()) {
        return problem.into_response();
    }
    let mut response = Redirect::to("/login").into_response();
    if let Ok(cookie) = HeaderValue::from_str(&state.access().log_out(&headers)) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

async fn note(state: &State, who: String, action: &'static str, from: String) -> Result<(), Problem> {
    state.ask(move |service| service.store().audit(&who, action, "", &format!("from {from}"), service.now())).await
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"))
}

async fn read(request: Request, form: bool) -> Result<Login, Problem> {
    if form {
        let read = request.extract::<axum::Form<Login>, _>().await;
        return read.map(|form| form.0).map_err(|_| Problem::bad("the form needs a `token`"));
    }
    let headers = request.headers().clone();
    let bytes = request.extract::<Bytes, _>().await.map_err(|_| Problem::bad("the request's body broke off"))?;
    asked::json(&headers, &bytes)
}

/// Whether that is a path of this server, and nothing that a browser takes for another's: `//evil`, `/\evil`, `/<tab>/evil`.
pub(crate) fn is_own_path(path: &str) -> bool {
    let mut bytes = path.bytes();
    bytes.next() == Some(b'/')
        && !matches!(bytes.next(), Some(b'/' | b'\\'))
        && path.len() <= 1000
        && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

#[cfg(test)]
mod tests {
    use super::is_own_path;

    #[test]
    fn only_a_path_of_this_server_is_gone_to_after_a_login() {
        for path in ["/", "/jobs/a", "/jobs/a?x=1", "/login?next=%2F"] {
            assert!(is_own_path(path), "{path}");
        }
        for path in [
            "",
            "jobs",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/\t/evil.example",
            "/a\\b",
            "javascript:1",
        ] {
            assert!(!is_own_path(path), "{path}");
        }
    }
}
