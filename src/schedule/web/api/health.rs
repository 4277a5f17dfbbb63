//! Whether the server lives and is ready: for those who watch it, without a token.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::schedule::web::State;
use crate::schedule::web::problem::{Problem, Result};
use crate::schedule::web::views::Health;

/// In a word how the server stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Standing {
    /// `ok`, or `not ready`.
    #[schema(example = "ok")]
    status: &'static str,
}

/// Whether the server lives. When it does not answer so, it is to be started again.
#[utoipa::path(get, path = "/healthz", tag = "health", operation_id = "healthz",
    responses((status = 200, description = "It lives.", body = Standing), (status = 503, description = "It does not.", body = Standing)),
    security(()))]
pub(crate) async fn alive(state: State) -> Response {
    // Not through the store: a disk that hangs makes the server not ready, and starting it again does not help.
    match state.service().alive() {
        true => (StatusCode::OK, Json(Standing { status: "ok" })).into_response(),
        false => (StatusCode::SERVICE_UNAVAILABLE, Json(Standing { status: "not alive" })).into_response(),
    }
}

/// Whether the server takes requests and starts runs. Why not is told to those with a token, by `/api/health` and on the dashboard.
#[utoipa::path(get, path = "/readyz", tag = "health", operation_id = "readyz",
    responses((status = 200, description = "It is ready.", body = Standing), (status = 503, description = "It is not.", body = Standing)),
    security(()))]
pub(crate) async fn ready(state: State) -> Response {
    let ready = state.ask(|service| Ok::<_, Problem>(service.health().ready)).await;
    match ready {
        Ok(true) => (StatusCode::OK, Json(Standing { status: "ok" })).into_response(),
        _ => (StatusCode::SERVICE_UNAVAILABLE, Json(Standing { status: "not ready" })).into_response(),
    }
}

/// How the server is: whether it takes work and why not, how much there is, and which version it is of.
#[utoipa::path(get, path = "/api/health", tag = "health", operation_id = "health",
    responses((status = 200, description = "How it is, ready or not.", body = Health)))]
pub(crate) async fn health(state: State) -> Result<Json<Health>> {
    Ok(Json(state.ask(|service| Ok::<_, Problem>(service.health().into())).await?))
}
