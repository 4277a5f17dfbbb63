//! Which path leads where, and what stands before it.

use axum::Router;
use axum::http::{Method, StatusCode};
use axum::middleware::{from_fn, from_fn_with_state as layer};
use axum::routing::{MethodRouter, get, post};

use super::access::login;
use super::problem::Problem;
use super::{State, api, guard, metrics, people};

/// Routes of the API, noted as they are added: a test holds them against the document.
pub(super) struct Routes {
    router: Router<State>,
    pub(super) noted: Vec<(Method, &'static str)>,
}

impl Routes {
    fn new() -> Self {
        Self { router: Router::new(), noted: Vec::new() }
    }

    fn get<H: axum::handler::Handler<T, State>, T: 'static>(self, path: &'static str, handler: H) -> Self {
        self.add(Method::GET, path, get(handler))
    }

    fn post<H: axum::handler::Handler<T, State>, T: 'static>(self, path: &'static str, handler: H) -> Self {
        self.add(Method::POST, path, post(handler))
    }

    fn add(mut self, method: Method, path: &'static str, route: MethodRouter<State>) -> Self {
        self.noted.push((method, path));
        self.router = self.router.route(path, route);
        self
    }
}

/// Routes that need to know who asks.
pub(super) fn closed() -> Routes {
    Routes::new()
        .get("/api/jobs", api::jobs::list)
        .get("/api/jobs/{name}", api::jobs::show)
        .get("/api/jobs/{name}/runs", api::jobs::runs)
        .get("/api/jobs/{name}/next", api::jobs::next)
        .get("/api/jobs/{name}/partitions", api::jobs::partitions)
        .get("/api/jobs/{name}/keys", api::jobs::keys)
        .get("/api/jobs/{name}/occurrences", api::jobs::occurrences)
        .get("/api/jobs/{name}/backfills", api::jobs::backfills)
        .post("/api/jobs/{name}/run", api::jobs::run)
        .post("/api/jobs/{name}/pause", api::jobs::pause)
        .post("/api/jobs/{name}/resume", api::jobs::resume)
        .post("/api/jobs/{name}/backfill", api::jobs::backfill)
        .get("/api/runs", api::runs::list)
        .get("/api/runs/{id}", api::runs::show)
        .get("/api/runs/{id}/log", api::output::log)
        .get("/api/runs/{id}/record", api::output::record)
        .get("/api/runs/{id}/report", api::output::report)
        .get("/api/runs/{id}/events", api::events::of_run)
        .post("/api/runs/{id}/cancel", api::runs::cancel)
        .get("/api/backfills", api::backfills::list)
        .get("/api/backfills/{number}", api::backfills::show)
        .post("/api/backfills/{number}/stop", api::backfills::stop)
        .post("/api/backfills/{number}/resume", api::backfills::resume)
        .get("/api/models", api::models::list)
        .get("/api/models/{name}", api::models::show)
        .post("/api/models/{name}/restore", api::models::restore)
        .get("/api/promotions/{number}", api::models::promotion)
        .get("/api/health", api::health::health)
        .get("/api/events", api::events::all)
        .get("/api/audit", api::records::audit)
        .get("/api/notifications", api::records::notifications)
        .get("/api/openapi.json", api::openapi::document)
        .get("/metrics", metrics::metrics)
}

/// Routes for everybody.
pub(super) fn open() -> Routes {
    Routes::new()
        .get("/healthz", api::health::alive)
        .get("/readyz", api::health::ready)
        .get("/login", people::login)
        .post("/login", login::login)
        .post("/logout", login::logout)
}

/// All of it: routes, and what stands before them, from the inside out.
pub(super) fn router(state: State) -> Router {
    let closed = closed().router.merge(people::dashboard(&state)).layer(layer(state.clone(), guard::refuse_strangers));
    Router::new()
        .merge(closed)
        .merge(open().router)
        .merge(people::assets())
        .method_not_allowed_fallback(wrong_method)
        .fallback(nothing)
        .layer(layer(state.clone(), guard::body))
        .layer(layer(state.clone(), guard::host))
        .layer(layer(state.clone(), metrics::count))
        .layer(from_fn(people::problems))
        .layer(from_fn(guard::headers))
        .with_state(state)
}

async fn nothing() -> Problem {
    Problem::missing("there is nothing at this address")
}

async fn wrong_method(method: Method) -> Problem {
    let shown: String = method.as_str().chars().take(20).collect();
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, format!("`{shown}` is not possible at this address"))
        .help("the header `Allow` names what is")
}
