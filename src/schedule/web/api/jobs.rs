//! Jobs: what there is, when it is due, and to start, pause and resume it.

use axum::Extension;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Place, limit, text};
use crate::schedule::service::{BackfillRequest, MOST_NEXT, RunRequest};
use crate::schedule::store::{Origin, RunFilter};
use crate::schedule::web::State;
use crate::schedule::web::access::{By, Caller, chance};
use crate::schedule::web::asked::{Asked, JobName, Key, Named, Sent};
use crate::schedule::web::problem::{Problem, Result};
use crate::schedule::web::views::{
    Accepted, Backfill, Changed, Job, JobInFull, Keys, Moment, Occurrence, Occurrences, Page, Partition, Partitions,
    Run, Times, WantedBackfill, WantedRun,
};

/// All jobs, by name.
#[utoipa::path(get, path = "/api/jobs", tag = "jobs", operation_id = "list_jobs",
    responses((status = 200, description = "All jobs.", body = Vec<Job>)))]
pub(crate) async fn list(state: State) -> Result<Json<Vec<Job>>> {
    let jobs = state.ask(|service| service.jobs()).await?;
    Ok(Json(jobs.into_iter().map(Job::from).collect()))
}

/// One job, with the text of its definition.
#[utoipa::path(get, path = "/api/jobs/{name}", tag = "jobs", operation_id = "show_job",
    params(JobName),
    responses((status = 200, description = "The job.", body = JobInFull)))]
pub(crate) async fn show(state: State, Named(name): Named<JobName>) -> Result<Json<JobInFull>> {
    Ok(Json(state.ask(move |service| JobInFull::of(service, name.as_str())).await?))
}

/// Runs of a job, the latest first.
#[utoipa::path(get, path = "/api/jobs/{name}/runs", tag = "jobs", operation_id = "list_runs_of_job",
    params(JobName, Place),
    responses((status = 200, description = "A page of runs.", body = Page<Run>)))]
pub(crate) async fn runs(
    state: State,
    Named(name): Named<JobName>,
    Asked(place): Asked<Place>,
) -> Result<Json<Page<Run>>> {
    let (before, limit) = place.check()?;
    let page = state
        .ask(move |service| {
            let filter = RunFilter { job: Some(name.to_string()), ..RunFilter::default() };
            service.store().job(name.as_str())?;
            service.store().runs(&filter, before, limit)
        })
        .await?;
    Ok(Json(page.into()))
}

/// How many times are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Count {
    /// How many at most; 10, when nothing is said.
    #[param(minimum = 1, maximum = 1000)]
    count: Option<usize>,
}

/// When a job is due next by its schedule.
#[utoipa::path(get, path = "/api/jobs/{name}/next", tag = "jobs", operation_id = "next_times_of_job",
    params(JobName, Count),
    responses((status = 200, description = "The times.", body = Times)))]
pub(crate) async fn next(state: State, Named(name): Named<JobName>, Asked(asked): Asked<Count>) -> Result<Json<Times>> {
    let count = asked.count.unwrap_or(10);
    if !(1..=MOST_NEXT).contains(&count) {
        return Err(Problem::bad(format!("`count` is to be a number from 1 to {MOST_NEXT}")));
    }
    let next = state.ask(move |service| service.next(name.as_str(), count)).await?;
    Ok(Json(next.into()))
}

/// Which page of partitions.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct After {
    /// Only keys after that one: `next` of the page before.
    #[param(min_length = 1, max_length = 1000, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*$")]
    after: Option<String>,
    /// How many at most; 100, when nothing is said.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// Partitions of a job that were run, by key.
#[utoipa::path(get, path = "/api/jobs/{name}/partitions", tag = "jobs", operation_id = "list_partitions",
    params(JobName, After),
    responses((status = 200, description = "A page of partitions.", body = Partitions)))]
pub(crate) async fn partitions(
    state: State,
    Named(name): Named<JobName>,
    Asked(asked): Asked<After>,
) -> Result<Json<Partitions>> {
    let most = limit(asked.limit)?;
    if let Some(after) = &asked.after {
        text("after", after)?;
    }
    let found = state
        .ask(move |service| {
            service.store().job(name.as_str())?;
            service.store().partitions(name.as_str(), asked.after.as_deref(), most)
        })
        .await?;
    let next = found.last().filter(|_| found.len() == most).map(|last| last.key.clone());
    Ok(Json(Partitions { items: found.into_iter().map(Partition::from).collect(), next }))
}

/// Keys of all partitions that a job has now, whether or not they were run.
#[utoipa::path(get, path = "/api/jobs/{name}/keys", tag = "jobs", operation_id = "list_keys",
    params(JobName, After),
    responses((status = 200, description = "A page of keys.", body = Keys)))]
pub(crate) async fn keys(state: State, Named(name): Named<JobName>, Asked(asked): Asked<After>) -> Result<Json<Keys>> {
    let most = limit(asked.limit)?;
    if let Some(after) = &asked.after {
        text("after", after)?;
    }
    let mut keys = state.ask(move |service| service.keys(name.as_str())).await?;
    // They are in an order of their own, so what comes after a key is what stands behind it. Files come and go: one that is gone
    // stands where its path would.
    if let Some(after) = &asked.after {
        let place = keys
            .iter()
            .position(|key| key == after)
            .map_or_else(|| keys.partition_point(|key| key <= after), |at| at + 1);
        keys.drain(..place);
    }
    let more = keys.len() > most;
    keys.truncate(most);
    let next = keys.last().filter(|_| more).cloned();
    Ok(Json(Keys { keys, next }))
}

/// Which page of occurrences.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Before {
    /// Only times before that one: `next` of the page before.
    #[param(value_type = Option<String>, format = DateTime)]
    before: Option<Moment>,
    /// How many at most; 100, when nothing is said.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// Times at which a job was to run and what became of them, the latest first.
#[utoipa::path(get, path = "/api/jobs/{name}/occurrences", tag = "jobs", operation_id = "list_occurrences",
    params(JobName, Before),
    responses((status = 200, description = "A page of occurrences.", body = Occurrences)))]
pub(crate) async fn occurrences(
    state: State,
    Named(name): Named<JobName>,
    Asked(asked): Asked<Before>,
) -> Result<Json<Occurrences>> {
    let most = limit(asked.limit)?;
    let found = state
        .ask(move |service| {
            service.store().job(name.as_str())?;
            service.store().occurrences(name.as_str(), asked.before.map(|before| before.0), most)
        })
        .await?;
    let next = found.last().filter(|_| found.len() == most).map(|last| Moment(last.scheduled));
    Ok(Json(Occurrences { items: found.into_iter().map(Occurrence::from).collect(), next }))
}

/// Backfills of a job, the latest first.
#[utoipa::path(get, path = "/api/jobs/{name}/backfills", tag = "jobs", operation_id = "list_backfills_of_job",
    params(JobName, Place),
    responses((status = 200, description = "A page of backfills.", body = Page<Backfill>)))]
pub(crate) async fn backfills(
    state: State,
    Named(name): Named<JobName>,
    Asked(place): Asked<Place>,
) -> Result<Json<Page<Backfill>>> {
    let (before, limit) = place.check()?;
    let page = state
        .ask(move |service| {
            service.store().job(name.as_str())?;
            service.store().backfills(Some(name.as_str()), before, limit)
        })
        .await?;
    Ok(Json(page.into()))
}

/// Asks for a run of a job.
///
/// The run is in the queue and on disk when the answer comes. A request that is repeated with its `Idempotency-Key` gets the same
/// run.
#[utoipa::path(post, path = "/api/jobs/{name}/run", tag = "jobs", operation_id = "run_job",
    params(JobName, Key),
    request_body(content = Option<WantedRun>, content_type = "application/json"),
    responses((status = 202, description = "The run is in the queue.", body = Accepted),
              (status = 200, description = "An earlier request with the same key asked for it.", body = Accepted)))]
pub(crate) async fn run(
    state: State,
    Extension(caller): Extension<Caller>,
    Named(name): Named<JobName>,
    key: Key,
    Sent(wanted): Sent<Option<WantedRun>>,
) -> Result<Response> {
    let wanted = wanted.unwrap_or_default();
    if let Some(partition) = &wanted.partition {
        text("partition", partition)?;
    }
    // A program that calls is another cause than a person who clicks: a job may refuse the one.
    let origin = match caller.by {
        By::Token => Origin::Api,
        By::Session => Origin::Manual,
    };
    let request = RunRequest {
        job: name.to_string(),
        key: Some(key_or_chance(key)?),
        parameters: wanted.parameters,
        partition: wanted.partition,
        origin,
    };
    let submitted = state.ask(move |service| service.run(request, &caller.who)).await?;
    let status = if submitted.fresh { StatusCode::ACCEPTED } else { StatusCode::OK };
    let place = format!("/api/runs/{}", submitted.run);
    Ok(with_place((status, Json(Accepted::from(submitted))).into_response(), &place))
}

/// Pauses a job: its schedule starts nothing until it is resumed.
#[utoipa::path(post, path = "/api/jobs/{name}/pause", tag = "jobs", operation_id = "pause_job",
    params(JobName),
    responses((status = 200, description = "The job is paused.", body = Changed)))]
pub(crate) async fn pause(
    state: State,
    Extension(caller): Extension<Caller>,
    Named(name): Named<JobName>,
) -> Result<Json<Changed>> {
    let changed = state.ask(move |service| service.pause(name.as_str(), &caller.who)).await?;
    Ok(Json(Changed { changed }))
}

/// Ends the pause of a job.
#[utoipa::path(post, path = "/api/jobs/{name}/resume", tag = "jobs", operation_id = "resume_job",
    params(JobName),
    responses((status = 200, description = "The job is not paused.", body = Changed)))]
pub(crate) async fn resume(
    state: State,
    Extension(caller): Extension<Caller>,
    Named(name): Named<JobName>,
) -> Result<Json<Changed>> {
    let changed = state.ask(move |service| service.resume(name.as_str(), &caller.who)).await?;
    Ok(Json(Changed { changed }))
}

/// Asks for a backfill: the partitions of a range, some at a time.
#[utoipa::path(post, path = "/api/jobs/{name}/backfill", tag = "jobs", operation_id = "backfill_job",
    params(JobName, Key),
    request_body(content = Option<WantedBackfill>, content_type = "application/json"),
    responses((status = 202, description = "The backfill has begun.", body = Backfill)))]
pub(crate) async fn backfill(
    state: State,
    Extension(caller): Extension<Caller>,
    Named(name): Named<JobName>,
    key: Key,
    Sent(wanted): Sent<WantedBackfill>,
) -> Result<Response> {
    for (name, value) in [("from", &wanted.from), ("to", &wanted.to)] {
        value.as_ref().map_or(Ok(()), |value| text(name, value))?;
    }
    if !(1..=1000).contains(&wanted.parallelism) {
        return Err(Problem::bad("`parallelism` is to be a number from 1 to 1000"));
    }
    let request = BackfillRequest {
        job: name.to_string(),
        key: Some(key_or_chance(key)?),
        from: wanted.from,
        to: wanted.to,
        parallelism: wanted.parallelism,
        again: wanted.again,
        parameters: wanted.parameters,
    };
    let backfill = state.ask(move |service| service.backfill(request, &caller.who)).await?;
    let place = format!("/api/backfills/{}", backfill.number);
    Ok(with_place((StatusCode::ACCEPTED, Json(Backfill::from(backfill))).into_response(), &place))
}

fn key_or_chance(key: Key) -> Result<String> {
    match key.0 {
        Some(key) => Ok(key),
        None => chance().map_err(|error| Problem::internal(error.to_string())),
    }
}

/// The answer, with where to look for what was asked for.
fn with_place(mut response: Response, place: &str) -> Response {
    if let Ok(place) = HeaderValue::from_str(place) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    response
}
