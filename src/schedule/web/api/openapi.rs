//! The document of the API, made from its handlers; committed as `docs/openapi.json`.

use std::sync::LazyLock;

use axum::http::header;
use axum::response::{IntoResponse, Response};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi as Document, PathItem, Ref, RefOr, ResponseBuilder, path::Operation};
use utoipa::{Modify, OpenApi};

use crate::schedule::web::access::login;
use crate::schedule::web::problem::Problem;
use crate::schedule::web::{api, metrics, people};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "gristmill",
        description = "The scheduler of gristmill: jobs, runs, backfills, models. Moments are RFC 3339 in UTC.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    paths(
        api::jobs::list, api::jobs::show, api::jobs::runs, api::jobs::next, api::jobs::partitions, api::jobs::keys, api::jobs::occurrences,
        api::jobs::backfills, api::jobs::run, api::jobs::pause, api::jobs::resume, api::jobs::backfill,
        api::runs::list, api::runs::show, api::runs::cancel,
        api::output::log, api::output::record, api::output::report, api::events::of_run,
        api::backfills::list, api::backfills::show, api::backfills::stop, api::backfills::resume,
        api::models::list, api::models::show, api::models::restore, api::models::promotion,
        api::events::all, api::records::audit, api::records::notifications,
        document,
        api::health::health, api::health::alive, api::health::ready, metrics::metrics, people::login, login::login, login::logout,
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
            let named = path.contains('{') || path == "/api/events";
            let open = matches!(path.as_str(), "/healthz" | "/readyz");
            for (operation, changes) in operations(item) {
                let answers = &mut operation.responses.responses;
                for each in PROBLEMS.iter().filter(|each| each.fits(named, open, changes)) {
                    let problem = RefOr::Ref(Ref::from_response_name(each.name));
                    answers.entry(each.state.to_owned()).or_insert(problem);
                }
            }
        }
        if let Some(components) = document.components.as_mut() {
            for each in &PROBLEMS {
                components.responses.insert(each.name.to_owned(), each.response());
            }
        }
    }
}

/// Which operations a problem is one of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    /// All.
    All,
    /// Those that need to know who asks.
    Closed,
    /// Those that name something.
    Named,
    /// Those that change something.
    Changes,
}

/// A problem that any of several operations can answer with.
struct Answer {
    state: &'static str,
    name: &'static str,
    words: &'static str,
    of: Of,
}

const fn answer(state: &'static str, name: &'static str, of: Of, words: &'static str) -> Answer {
    Answer { state, name, words, of }
}

const PROBLEMS: [Answer; 13] = [
    answer("400", "BadRequest", Of::All, "The request is not as it should be."),
    answer("401", "Unauthorized", Of::Closed, "The token or session is missing or unknown."),
    answer("403", "Forbidden", Of::Closed, "The role does not allow it, or the request was forged."),
    answer("404", "NotFound", Of::Named, "There is no such thing."),
    answer("408", "Timeout", Of::All, "The request was not there whole in time."),
    answer("409", "Conflict", Of::Changes, "It does not go with what is there."),
    answer("413", "TooLarge", Of::All, "The request is too large."),
    answer("415", "UnsupportedMediaType", Of::Changes, "The body is of a kind that is not taken."),
    answer("421", "WrongHost", Of::Closed, "The request is for another host."),
    answer("422", "Refused", Of::Changes, "What is asked for is refused, and will be so however often it is asked."),
    answer("429", "TooManyRequests", Of::Closed, "Too many failed logins."),
    answer("500", "Internal", Of::Closed, "The server or its disk has a trouble."),
    answer("503", "Unavailable", Of::Closed, "The server has too much to do, or its disk has no room."),
];

impl Answer {
    fn fits(&self, named: bool, open: bool, changes: bool) -> bool {
        match self.of {
            Of::All => true,
            Of::Closed => !open,
            Of::Named => named,
            Of::Changes => changes,
        }
    }

    fn response(&self) -> RefOr<utoipa::openapi::Response> {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        RefOr::T(ResponseBuilder::new().description(self.words).content("application/json", content).build())
    }
}

/// The operations of a path, each with whether it changes something.
fn operations(item: &mut PathItem) -> impl Iterator<Item = (&mut Operation, bool)> {
    let get = item.get.as_mut().map(|operation| (operation, false));
    let post = item.post.as_mut().map(|operation| (operation, true));
    get.into_iter().chain(post)
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
