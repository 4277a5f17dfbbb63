//! The document of the API, made from its handlers; committed as `docs/openapi.json`.

use std::sync::LazyLock;

use axum::http::header;
use axum::response::{IntoResponse, Response};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi as Document, PathItem, Ref, RefOr, ResponseBuilder, path::Operation};
use utoipa::{Modify, OpenApi};

use crate::schedule::web::access::login;
use crate::schedule::web::problem::Problem;
use crate::schedule::web::{api, metrics};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "gristmill",
        description = "The scheduler of gristmill: jobs, runs, backfills, models. Moments are RFC 3339 in UTC.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    paths(
        api::jobs::list, api::jobs::show, api::jobs::runs, api::jobs::next, api::jobs::partitions, api::jobs::occurrences,
        api::jobs::backfills, api::jobs::run, api::jobs::pause, api::jobs::resume, api::jobs::backfill,
        api::runs::list, api::runs::show, api::runs::cancel,
        api::output::log, api::output::record, api::output::report, api::events::of_run,
        api::backfills::show, api::backfills::stop, api::backfills::resume,
        api::models::list, api::models::show, api::models::restore,
        api::events::all, api::records::audit, api::records::notifications,
        document,
        api::health::alive, api::health::ready, metrics::metrics, login::login, login::logout,
    ),
    components(schemas(Problem)),
    tags(
        (name = "jobs", description = "What is run, and when."),
        (name = "runs", description = "What was run, and what came of it."),
        (name = "backfills", description = "Ranges of partitions."),
        (name = "models", description = "Versions of models and outputs."),
        (name = "events", description = "What happens, as it happens."),
        (name = "records", description = "Who did what, and who was told of it."),
        (name = "health", description = "For those who watch the server."),
        (name = "access", description = "Sessions of browsers, and this document.")
    ),
    security(("token" = []), ("session" = [])),
    modifiers(&Common)
)]
struct Api;

/// What all operations have in common: who may ask, and the problems that any of them can answer with.
struct Common;

impl Modify for Common {
    fn modify(&self, document: &mut Document) {
        if let Some(components) = document.components.as_mut() {
            let token = HttpBuilder::new()
                .scheme(HttpAuthScheme::Bearer)
                .description(Some("The administrator's or the reader's token."));
            components.add_security_scheme("token", SecurityScheme::Http(token.build()));
            let session = ApiKeyValue::with_description(
                "gristmill-7878",
                "The session of a browser; the cookie's name ends in the port, and begins with `__Host-` over TLS.",
            );
            components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(session)));
        }
        for (path, item) in &mut document.paths.paths {
            let open = matches!(path.as_str(), "/healthz" | "/readyz");
            for (operation, changes) in operations(item) {
                let mut states = vec![("400", "The request is not as it should be.")];
                if !open {
                    states.push(("429", "Too many failed logins."));
                    states.push(("500", "The server or its disk has a trouble."));
                    states.push(("503", "The server has too much to do, or its disk has no room."));
                    states.push(("421", "The request is for another host."));
                    states.push(("401", "The token or session is missing or unknown."));
                    states.push(("403", "The role does not allow it, or the request was forged."));
                }
                if path.contains('{') || path == "/api/events" {
                    states.push(("404", "There is no such thing."));
                }
                states.push(("408", "The request was not there whole in time."));
                states.push(("413", "The request is too large."));
                if changes {
                    states.push(("409", "It does not go with what is there."));
                    states.push(("415", "The body is of a kind that is not taken."));
                    states.push(("422", "What is asked for is refused, and will be so however often it is asked."));
                }
                for (state, words) in states {
                    operation.responses.responses.entry(state.to_owned()).or_insert_with(|| problem(words));
                }
            }
        }
    }
}

/// The operations of a path, each with whether it changes something.
fn operations(item: &mut PathItem) -> impl Iterator<Item = (&mut Operation, bool)> {
    let get = item.get.as_mut().map(|operation| (operation, false));
    let post = item.post.as_mut().map(|operation| (operation, true));
    get.into_iter().chain(post)
}

fn problem(words: &str) -> RefOr<utoipa::openapi::Response> {
    let schema = Ref::from_schema_name("Problem");
    let content = ContentBuilder::new().schema(Some(schema)).build();
    RefOr::T(ResponseBuilder::new().description(words).content("application/json", content).build())
}

/// The document as text.
pub(crate) static TEXT: LazyLock<String> = LazyLock::new(|| {
    let mut document = Api::openapi();
    document.info.version = env!("CARGO_PKG_VERSION").to_owned();
    let mut text = document.to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
});

/// This document.
#[utoipa::path(get, path = "/api/openapi.json", tag = "access", operation_id = "openapi",
    responses((status = 200, description = "The document, OpenAPI 3.1.", body = serde_json::Value)))]
pub(crate) async fn document() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], TEXT.as_str()).into_response()
}
