//! What the buttons do. Each leads on to the page where it can be seen.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Extension, Path, State};
use axum::response::Response;

use super::super::super::service::{BackfillRequest, RunRequest, Service, ServiceError, Who};
use super::super::super::store::{Object, Origin, RunId};
use super::facts::{Facts, shown};
use super::jobs::encoded;
use super::named;
use super::reply::act;

type Shared = State<Arc<Service>>;
/// The fields of a form in their order.
type Fields = Form<Vec<(String, String)>>;

/// The value of a field; none where it is empty.
fn field<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
}

fn owned(fields: &[(String, String)], name: &str) -> Option<String> {
    field(fields, name).map(str::to_owned)
}

pub(super) async fn run(
    State(service): Shared,
    Extension(who): Extension<Who>,
    Path(job): Path<String>,
    Form(fields): Fields,
) -> Response {
    act(service, who, move |service, who| {
        let facts = Facts::of(service.job(&job)?.definition.as_deref());
        let request = RunRequest {
            key: owned(&fields, "key"),
            parameters: parameters(&fields, &facts),
            partition: owned(&fields, "partition"),
            origin: Origin::Manual,
            job,
        };
        Ok(format!("/runs/{}", service.run(request, who)?.run))
    })
    .await
}

/// The parameters that differ from those of the job. A field that was left as it is says nothing, so that a reference in the job's
/// parameters stays one.
fn parameters(fields: &[(String, String)], facts: &Facts) -> Object {
    let given = fields.iter().filter_map(|(key, value)| Some((key.strip_prefix("p.")?, value)));
    let changed = given
        .filter(|(name, value)| facts.parameters.iter().all(|(known, written)| known != name || written != *value));
    changed.map(|(name, value)| (name.to_owned(), typed(value))).collect()
}

/// A number, a word of JSON, a list or mapping as what it is; all else is text.
fn typed(value: &str) -> serde_json::Value {
    serde_json::from_str(value.trim())
        .ok()
        .filter(|parsed| shown(parsed) == value.trim() || !parsed.is_number())
        .unwrap_or_else(|| value.into())
}

pub(super) async fn pause(State(service): Shared, Extension(who): Extension<Who>, Path(job): Path<String>) -> Response {
    act(service, who, move |service, who| {
        service.pause(&job, who)?;
        Ok(format!("/jobs/{}", encoded(&job)))
    })
    .await
}

pub(super) async fn resume(
    State(service): Shared,
    Extension(who): Extension<Who>,
    Path(job): Path<String>,
) -> Response {
    act(service, who, move |service, who| {
        service.resume(&job, who)?;
        Ok(format!("/jobs/{}", encoded(&job)))
    })
    .await
}

pub(super) async fn backfill(
    State(service): Shared,
    Extension(who): Extension<Who>,
    Path(job): Path<String>,
    Form(fields): Fields,
) -> Response {
    act(service, who, move |service, who| {
        let parallelism = field(&fields, "parallelism").unwrap_or("1");
        let parallelism = parallelism.parse().map_err(|_| ServiceError::Refused {
            reason: format!(
                "`{}` is no number of runs at a time; write a whole number from 1 on",
                crate::report::text::line(parallelism, 40)
            ),
        })?;
        let request = BackfillRequest {
            job,
            key: owned(&fields, "key"),
            from: owned(&fields, "from"),
            to: owned(&fields, "to"),
            parallelism,
            again: field(&fields, "again").is_some(),
            parameters: Object::new(),
        };
        Ok(format!("/backfills/{}", service.backfill(request, who)?.number))
    })
    .await
}

pub(super) async fn cancel(State(service): Shared, Extension(who): Extension<Who>, Path(id): Path<String>) -> Response {
    act(service, who, move |service, who| {
        let id = RunId::from(id.as_str());
        service.cancel(&id, who)?;
        Ok(format!("/runs/{id}"))
    })
    .await
}

/// The same job with the same parameters and partition.
pub(super) async fn again(
    State(service): Shared,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
    Form(fields): Fields,
) -> Response {
    act(service, who, move |service, who| {
        let run = service.store().run(&RunId::from(id.as_str()))?;
        let request = RunRequest {
            job: run.job,
            key: owned(&fields, "key"),
            parameters: run.parameters,
            partition: run.partition,
            origin: Origin::Manual,
        };
        Ok(format!("/runs/{}", service.run(request, who)?.run))
    })
    .await
}

pub(super) async fn restore(
    State(service): Shared,
    Extension(who): Extension<Who>,
    Path(number): Path<String>,
) -> Response {
    act(service, who, move |service, who| {
        let restored = service.restore(named("promotion", &number)?, who)?;
        Ok(format!("/models?name={}", encoded(&restored.name)))
    })
    .await
}

pub(super) async fn stop_backfill(
    State(service): Shared,
    Extension(who): Extension<Who>,
    Path(number): Path<String>,
) -> Response {
    act(service, who, move |service, who| {
        let number = named("backfill", &number)?;
        service.stop_backfill(number, who)?;
        Ok(format!("/backfills/{number}"))
    })
    .await
}

pub(super) async fn resume_backfill(
    State(service): Shared,
    Extension(who): Extension<Who>,
    Path(number): Path<String>,
) -> Response {
    act(service, who, move |service, who| {
        let number = named("backfill", &number)?;
        service.resume_backfill(number, who)?;
        Ok(format!("/backfills/{number}"))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_a_number_a_word_a_list_or_text() {
        for (written, json) in [
            ("12", serde_json::json!(12)),
            ("0.5", serde_json::json!(0.5)),
            ("true", serde_json::json!(true)),
            ("[1, 2]", serde_json::json!([1, 2])),
            ("2026-01-31", serde_json::json!("2026-01-31")),
            ("007", serde_json::json!("007")),
            ("1e3", serde_json::json!("1e3")),
            ("${schedule.date}", serde_json::json!("${schedule.date}")),
            ("", serde_json::json!("")),
        ] {
            assert_eq!(typed(written), json, "{written}");
        }
    }

    #[test]
    fn a_field_that_was_left_as_it_is_says_nothing() {
        let facts = Facts {
            parameters: vec![("day".to_owned(), "${schedule.date}".to_owned()), ("late".to_owned(), "15".to_owned())],
            ..Facts::none()
        };
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let fields = [field("p.day", "${schedule.date}"), field("p.late", "30"), field("key", "x")];
        let given = parameters(&fields, &facts);
        assert_eq!(serde_json::Value::Object(given), serde_json::json!({"late": 30}));
    }
}
