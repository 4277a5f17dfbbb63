//! What the buttons do. Each leads on to the page where it can be seen.

use std::sync::Arc;

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Extension, Path, State};
use axum::routing::{MethodRouter, post};

use super::super::super::service::{BackfillRequest, RunRequest, Service, ServiceError, Who};
use super::super::super::store::{Object, Origin, RunId};
use super::facts::{Facts, shown};
use super::jobs::encoded;
use super::reply::act;
use super::{error, named};
use crate::report::text;

/// The fields of a form in their order.
type Fields = [(String, String)];
/// Where what was done can be seen, or why it was not done.
type Done = Result<String, ServiceError>;

/// The route of a form: `does` is given what the path names and the fields.
pub(super) fn form<F>(does: F) -> MethodRouter<Arc<Service>>
where
    F: Fn(&Service, &Who, &str, &Fields) -> Done + Copy + Send + Sync + 'static,
{
    post(
        move |State(service): State<Arc<Service>>,
              Extension(who): Extension<Who>,
              Path(name): Path<String>,
              fields: Result<Form<Vec<(String, String)>>, FormRejection>| async move {
            match fields {
                Ok(Form(fields)) => act(service, who, move |service, who| does(service, who, &name, &fields)).await,
                Err(rejection) => error::page(rejection.status(), &rejection.body_text(), None, Some(&who)),
            }
        },
    )
}

/// The value of a field; none where it is empty.
fn field<'a>(fields: &'a Fields, name: &str) -> Option<&'a str> {
    fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
}

fn owned(fields: &Fields, name: &str) -> Option<String> {
    field(fields, name).map(str::to_owned)
}

pub(super) fn run(service: &Service, who: &Who, job: &str, fields: &Fields) -> Done {
    let facts = Facts::of(service.job(job)?.definition.as_deref());
    let request = RunRequest {
        job: job.to_owned(),
        key: owned(fields, "key"),
        parameters: parameters(fields, &facts),
        partition: owned(fields, "partition"),
        origin: Origin::Manual,
    };
    Ok(format!("/runs/{}", service.run(request, who)?.run))
}

/// The parameters that differ from those of the job. A field that was left as it is says nothing, so that a reference in the job's
/// parameters stays one.
fn parameters(fields: &Fields, facts: &Facts) -> Object {
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

pub(super) fn pause(service: &Service, who: &Who, job: &str, _: &Fields) -> Done {
    service.pause(job, who)?;
    Ok(format!("/jobs/{}", encoded(job)))
}

pub(super) fn resume(service: &Service, who: &Who, job: &str, _: &Fields) -> Done {
    service.resume(job, who)?;
    Ok(format!("/jobs/{}", encoded(job)))
}

pub(super) fn backfill(service: &Service, who: &Who, job: &str, fields: &Fields) -> Done {
    let parallelism = field(fields, "parallelism").unwrap_or("1");
    let parallelism = parallelism.parse().map_err(|_| {
        let written = text::line(parallelism, 40);
        let reason = format!("`{written}` is no number of runs at a time; write a whole number from 1 on");
        ServiceError::Refused { reason }
    })?;
    let request = BackfillRequest {
        job: job.to_owned(),
        key: owned(fields, "key"),
        from: owned(fields, "from"),
        to: owned(fields, "to"),
        parallelism,
        again: field(fields, "again").is_some(),
        parameters: Object::new(),
    };
    Ok(format!("/backfills/{}", service.backfill(request, who)?.number))
}

pub(super) fn cancel(service: &Service, who: &Who, id: &str, _: &Fields) -> Done {
    let id = RunId::from(id);
    service.cancel(&id, who)?;
    Ok(format!("/runs/{id}"))
}

/// The same job with the same parameters and partition.
pub(super) fn again(service: &Service, who: &Who, id: &str, fields: &Fields) -> Done {
    let run = service.store().run(&RunId::from(id))?;
    let request = RunRequest {
        job: run.job,
        key: owned(fields, "key"),
        parameters: run.parameters,
        partition: run.partition,
        origin: Origin::Manual,
    };
    Ok(format!("/runs/{}", service.run(request, who)?.run))
}

pub(super) fn restore(service: &Service, who: &Who, number: &str, _: &Fields) -> Done {
    let restored = service.restore(named("promotion", number)?, who)?;
    Ok(format!("/models?name={}", encoded(&restored.name)))
}

pub(super) fn stop_backfill(service: &Service, who: &Who, number: &str, _: &Fields) -> Done {
    let number = named("backfill", number)?;
    service.stop_backfill(number, who)?;
    Ok(format!("/backfills/{number}"))
}

pub(super) fn resume_backfill(service: &Service, who: &Who, number: &str, _: &Fields) -> Done {
    let number = named("backfill", number)?;
    service.resume_backfill(number, who)?;
    Ok(format!("/backfills/{number}"))
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
