//! Whether the server lives and is ready: for those who watch it, without a token.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::schedule::web::State;
use crate::schedule::web::problem::Problem;

/// How the server stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok`, or `not ready`.
    #[schema(example = "ok")]
    status: &'static str,
}

/// Whether the server lives. When it does not answer so, it is to be started again.
#[utoipa::path(get, path = "/healthz", tag = "health", operation_id = "healthz",
    responses((status = 200, description = "It lives.", body = Health), (status = 503, description = "It does not.", body = Health)),
    security(()))]
pub(crate) async fn alive(state: State) -> Response {
    // Not through the store: a disk that hangs makes the server not ready, and starting it again does not help.
    match state.service().alive() {
        true => (StatusCode::OK, Json(Health { status: "ok" })).into_response(),
        false => (StatusCode::SERVICE_UNAVAILABLE, Json(Health { status: "not alive" })).into_response(),
    }
}

/// Whether the server takes requests and starts runs. Why not is told to those with a token, in `/metrics` and on the dashboard.
#[utoipa::path(get, path = "/readyz", tag = "health", operation_id = "readyz",
    responses((status = 200, description = "It is ready.", body = Health), (status = 503, description = "It is not.", body = Health)),
    security(()))]
pub(crate) async fn ready(state: State) -> Response {
    let ready = state.ask(|service| Ok::<_, Problem>(service.health().ready)).await;
    match ready {
        Ok(true) => (StatusCode::OK, Json(Health { status: "ok" })).into_response(),
        _ => (StatusCode::SERVICE_UNAVAILABLE, Json(Health { status: "not ready" })).into_response(),
    }
}
