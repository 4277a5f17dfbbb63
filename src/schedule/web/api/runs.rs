//! Runs: the history, one run, and to cancel it.

use axum::Extension;
use axum::Json;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{limit, number, text};
use crate::schedule::store::{RunFilter, RunState};
use crate::schedule::web::State;
use crate::schedule::web::access::Caller;
use crate::schedule::web::asked::{Asked, JobName, Named, RunName};
use crate::schedule::web::problem::{Problem, Result};
use crate::schedule::web::views::{Page, Run, RunInFull, Stopped};

/// Which runs.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// Of that job only.
    #[param(value_type = Option<String>, pattern = "^[a-z0-9][a-z0-9_-]{0,63}$")]
    job: Option<JobName>,
    /// In that state only: `queued`, `starting`, `running`, `succeeded`, `failed`, `cancelled`, `timed_out`, `lost`.
    #[param(value_type = Option<String>, pattern = "^(queued|starting|running|succeeded|failed|cancelled|timed_out|lost)$")]
    state: Option<RunState>,
    /// Of that partition only; together with `job`.
    #[param(min_length = 1, max_length = 1000, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*$")]
    partition: Option<String>,
    /// Of that backfill only.
    #[param(minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    backfill: Option<i64>,
    /// Only what comes before that number: `next` of the page before.
    #[param(minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    before: Option<i64>,
    /// How many at most; 100, when nothing is said.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// Runs of all jobs, the latest first.
#[utoipa::path(get, path = "/api/runs", tag = "runs", operation_id = "list_runs", params(Which),
    responses((status = 200, description = "A page of runs.", body = Page<Run>)))]
pub(crate) async fn list(state: State, Asked(which): Asked<Which>) -> Result<Json<Page<Run>>> {
    let (before, limit) = (number("before", which.before)?, limit(which.limit)?);
    if let Some(partition) = &which.partition {
        text("partition", partition)?;
        if which.job.is_none() {
            return Err(Problem::bad("`partition` needs `job`: keys of partitions are those of a job"));
        }
    }
    let filter = RunFilter {
        job: which.job.map(|job| job.to_string()),
        state: which.state,
        partition: which.partition,
        backfill: number("backfill", which.backfill)?,
    };
    let page = state.ask(move |service| service.store().runs(&filter, before, limit)).await?;
    Ok(Json(page.into()))
}

/// One run, with its attempts and, while it works, its stages.
#[utoipa::path(get, path = "/api/runs/{id}", tag = "runs", operation_id = "show_run",
    params(RunName),
    responses((status = 200, description = "The run.", body = RunInFull)))]
pub(crate) async fn show(state: State, Named(id): Named<RunName>) -> Result<Json<RunInFull>> {
    Ok(Json(state.ask(move |service| RunInFull::of(service, &id.id())).await?))
}

/// Asks a run to end. May be asked any number of times.
#[utoipa::path(post, path = "/api/runs/{id}/cancel", tag = "runs", operation_id = "cancel_run",
    params(RunName),
    responses((status = 200, description = "What became of it.", body = Stopped)))]
pub(crate) async fn cancel(
    state: State,
    Extension(caller): Extension<Caller>,
    Named(id): Named<RunName>,
) -> Result<Json<Stopped>> {
    let stopped = state.ask(move |service| service.cancel(&id.id(), &caller.who)).await?;
    Ok(Json(stopped.into()))
}
