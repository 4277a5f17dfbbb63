//! Who sends a request, whether they may, and whether it is forged.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Instant;

use axum::extract::{ConnectInfo, Request};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use super::hosts::own_site;
use crate::schedule::service::Role;
use crate::schedule::web::State;
use crate::schedule::web::access::{By, Caller, Denied};
use crate::schedule::web::people::is_page;
use crate::schedule::web::problem::Problem;

/// Middleware of all routes that need to know who asks: lets a request through with its [`Caller`] and `Who` among its extensions.
pub(crate) async fn refuse_strangers(state: State, mut request: Request, next: Next) -> Response {
    match entrance(&state, &request) {
        Ok(caller) => {
            request.extensions_mut().insert(caller.who.clone());
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        // A person is shown where to log in.
        Err(problem)
            if problem.code() == StatusCode::UNAUTHORIZED && is_page(&request) && is_safe(request.method()) =>
        {
            let asked = request.uri().path_and_query().map_or("/", |asked| asked.as_str());
            Redirect::to(&format!("/login?next={}", escaped(asked))).into_response()
        }
        Err(problem) => problem.into_response(),
    }
}

/// Who sends a request, when they may send it.
fn entrance(state: &State, request: &Request) -> Result<Caller, Problem> {
    let caller = state.access().caller(request.headers(), address(request), Instant::now()).map_err(denied)?;
    if !is_safe(request.method()) {
        if caller.by == By::Session {
            own_site(request.headers(), state.hosts())?;
        }
        // A reader may end its own session; that route is not behind this door.
        if caller.who.role != Role::Admin {
            return Err(
                Problem::forbidden("a reader may look, not change").help("use the administrator's token for this")
            );
        }
    }
    Ok(caller)
}

/// Whether a request of that method changes nothing.
fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// What a stranger is told.
pub(crate) fn denied(denied: Denied) -> Problem {
    match denied {
        Denied::Nothing => Problem::new(StatusCode::UNAUTHORIZED, "who asks? The request has no token")
            .help("send the token with each request: `Authorization: Bearer ..`, or log in at /login"),
        Denied::Unknown => Problem::new(StatusCode::UNAUTHORIZED, "the token or session is not known here")
            .help("the token is the one that was printed when the server first started, or that stands in its file"),
        Denied::TooMany(seconds) => Problem::new(StatusCode::TOO_MANY_REQUESTS, "too many failed logins")
            .after(seconds)
            .help(format!("wait {seconds} s")),
    }
}

/// Where a request comes from. Behind a proxy that is the proxy: what it says of others cannot be believed.
pub(crate) fn address(request: &Request) -> IpAddr {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip())
}

/// A path with query as a value within a query.
fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
        out
    })
}
