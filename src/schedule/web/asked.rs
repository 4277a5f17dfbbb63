//! What a request asks for, checked before anything is done with it: names in its path, its query, its body.
//!
//! Each kind of name is a type of its own that only a text of its pattern becomes, so no path of a file and no statement is ever
//! made of a text that was not checked.

use std::fmt;

use axum::body::Bytes;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use utoipa::IntoParams;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};

use super::State;
use super::problem::{Problem, Result};
use crate::schedule::store::RunId;

/// Declares a name of a kind: a text that fits a test, and for the document the place where it stands in paths and its pattern.
macro_rules! name {
    ($(#[$about:meta])* $name:ident, $kind:literal, $example:literal, $fits:path, $place:literal, $pattern:literal) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub(crate) struct $name(String);

        impl $name {
            /// As text.
            pub(crate) fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                match $fits(&text) {
                    true => Ok(Self(text)),
                    false => Err(serde::de::Error::custom(concat!("this is no name of a ", $kind, ", as `", $example, "` is one"))),
                }
            }
        }

        impl IntoParams for $name {
            fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
                vec![parameter($place, ParameterIn::Path, $pattern).required(Required::True).build()]
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }
    };
}

name!(
    /// The name of a job: `[a-z0-9][a-z0-9_-]{0,63}`.
    JobName, "job", "flights-nightly", is_job, "name", "^[a-z0-9][a-z0-9_-]{0,63}$"
);
name!(
    /// The name of a run: `20261127-173632-00000042`.
    RunName, "run", "20261127-173632-00000042", is_run, "id", "^[0-9]{8}-[0-9]{6}-[0-9]{8,19}$"
);
name!(
    /// The name of a model or an output: `[A-Za-z0-9][A-Za-z0-9._-]{0,127}`.
    ModelName, "model", "delays", is_model, "name", "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"
);

/// A text in a request, for the document.
fn parameter(name: &str, place: ParameterIn, pattern: &str) -> ParameterBuilder {
    let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern));
    ParameterBuilder::new().name(name).parameter_in(place).schema(Some(text))
}

impl RunName {
    /// As the store takes it.
    pub(crate) fn id(&self) -> RunId {
        RunId::from(self.as_str())
    }
}

fn is_job(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (1..=64).contains(&text.len())
        && text.bytes().next().is_some_and(plain)
        && text.bytes().all(|byte| plain(byte) || byte == b'_' || byte == b'-')
}

fn is_run(text: &str) -> bool {
    let mut parts = text.split('-');
    let mut digits = |least: usize, most: usize| {
        parts
            .next()
            .is_some_and(|part| (least..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    digits(8, 8) && digits(6, 6) && digits(8, 19) && parts.next().is_none()
}

fn is_model(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

/// Names in the path of a request.
#[derive(Debug)]
pub(crate) struct Named<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequestParts<State> for Named<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self> {
        let read = Path::<T>::from_request_parts(parts, state).await;
        read.map(|path| Self(path.0)).map_err(|rejection| match rejection {
            PathRejection::FailedToDeserializePathParams(error) => Problem::bad(error.body_text()),
            other => Problem::bad(other.body_text()),
        })
    }
}

/// The query of a request. An unknown name in it is refused.
#[derive(Debug)]
pub(crate) struct Asked<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequestParts<State> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self> {
        let read = Query::<T>::from_request_parts(parts, state).await;
        read.map(|query| Self(query.0)).map_err(|rejection: QueryRejection| Problem::bad(rejection.body_text()))
    }
}

/// The body of a request, as JSON. No body at all is an empty object.
#[derive(Debug)]
pub(crate) struct Sent<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<State> for Sent<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &State) -> Result<Self> {
        let headers = request.headers().clone();
        let bytes = Bytes::from_request(request, state).await;
        let bytes = bytes.map_err(|_| Problem::bad("the request's body broke off"))?;
        if bytes.is_empty() && !headers.contains_key(header::CONTENT_TYPE) {
            return json_of(b"{}").map(Self);
        }
        json(&headers, &bytes).map(Self)
    }
}

/// JSON in a body that says that it is JSON. A form of another page cannot say so.
pub(crate) fn json<T: DeserializeOwned>(headers: &HeaderMap, bytes: &[u8]) -> Result<T> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body is to be JSON")
            .help("send `Content-Type: application/json`"));
    }
    json_of(bytes)
}

fn json_of<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    // A list would be taken as the fields of an object in their order.
    if bytes.trim_ascii_start().starts_with(b"[") {
        return Err(Problem::bad("the body is to be an object, and it is a list"));
    }
    serde_json::from_slice(bytes).map_err(|error| Problem::bad(format!("the body is not as it should be: {error}")))
}

/// The key of a request that may be repeated: `Idempotency-Key`; one of chance, where there is none.
#[derive(Debug, Clone)]
pub(crate) struct Key(pub(crate) Option<String>);

impl IntoParams for Key {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let key = parameter("Idempotency-Key", ParameterIn::Header, "^[!-~]{1,128}$").required(Required::False);
        let words = "The same for a request that is repeated, another for each other one.";
        vec![key.description(Some(words)).build()]
    }
}

/// The longest key.
const LONGEST_KEY: usize = 128;

impl FromRequestParts<State> for Key {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &State) -> Result<Self> {
        let mut keys = parts.headers.get_all("idempotency-key").iter();
        let key = match (keys.next(), keys.next()) {
            (None, _) => return Ok(Self(None)),
            (Some(key), None) => key.as_bytes(),
            (Some(_), Some(_)) => return Err(Problem::bad("the request has two headers `Idempotency-Key`")),
        };
        let text = std::str::from_utf8(key)
            .ok()
            .filter(|key| (1..=LONGEST_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()));
        match text {
            Some(key) => Ok(Self(Some(key.to_owned()))),
            None => Err(Problem::bad(format!(
                "`Idempotency-Key` has 1 to {LONGEST_KEY} visible characters of ASCII, and no blank"
            ))
            .help("take a UUID, a new one for each request and the same one to repeat it")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_jobs_fit_their_pattern() {
        let longest = "a".repeat(64);
        for name in ["a", "0", "flights-nightly_2", longest.as_str()] {
            assert!(is_job(name), "{name}");
        }
        let long = "a".repeat(65);
        for name in ["", "-a", "_a", "A", "a b", "a/b", "..", "a.b", "a\0", "ä", "a%2f", long.as_str()] {
            assert!(!is_job(name), "{name}");
        }
    }

    #[test]
    fn names_of_runs_fit_their_pattern() {
        for name in ["20261127-173632-00000042", "20261127-173632-1234567890"] {
            assert!(is_run(name), "{name}");
        }
        for name in [
            "",
            "20261127-173632",
            "20261127-173632-42",
            "20261127-173632-00000042-1",
            "2026112x-173632-00000042",
            "../../etc",
        ] {
            assert!(!is_run(name), "{name}");
        }
    }

    #[test]
    fn names_of_models_never_lead_out_of_a_folder() {
        for name in ["delays", "Delays-2", "a.b_c", "0"] {
            assert!(is_model(name), "{name}");
        }
        for name in ["", ".", "..", ".a", "a/b", "a\\b", "-a", "a b", "a\n"] {
            assert!(!is_model(name), "{name}");
        }
    }
}
