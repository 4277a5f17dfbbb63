//! What a monitoring system asks for, in the text format of OpenMetrics.
//!
//! Numbers of runs come from the database with each answer, so they are right after a restart too; counters never fall when the
//! history is swept. The number of series is bounded: beyond some jobs, the others are counted together.

use std::collections::HashMap;

use axum::extract::{MatchedPath, Request};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use std::sync::atomic::{AtomicI64, AtomicU64};

use super::State;
use super::problem::{Problem, Result};
use crate::schedule::service::{Health, JobView, Service};
use crate::schedule::store::Total;

/// The most jobs that have series of their own; those after them, by name, are counted together.
const MOST_JOBS: usize = 500;
/// The name of all others. No job can have it.
const OTHERS: &str = "(others)";

const KIND: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfJob {
    job: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfState {
    job: String,
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRoute {
    method: &'static str,
    route: String,
    status: String,
}

/// Requests that were answered: counted by pattern of the route, of which there are few, not by path.
#[derive(Debug, Clone, Default)]
pub(super) struct Traffic(Family<OfRoute, Counter>);

/// Middleware: counts requests.
pub(super) async fn count(state: State, request: Request, next: Next) -> Response {
    let method = match request.method().as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        _ => "other",
    };
    let route = request.extensions().get::<MatchedPath>().map_or("(none)", MatchedPath::as_str).to_owned();
    let response = next.run(request).await;
    let status = response.status().as_u16().to_string();
    state.traffic().0.get_or_create(&OfRoute { method, route, status }).inc();
    response
}

/// Numbers for a monitoring system.
#[utoipa::path(get, path = "/metrics", tag = "health", operation_id = "metrics",
    responses((status = 200, description = "Numbers in the text format of OpenMetrics.", body = String,
        content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8")))]
pub(super) async fn metrics(state: State) -> Result<Response> {
    let traffic = state.traffic().clone();
    let text = state
        .ask(move |service| {
            let seen = Seen::of(service)?;
            text(&seen, &traffic).map_err(|_| Problem::internal("the numbers cannot be written"))
        })
        .await?;
    Ok(([(header::CONTENT_TYPE, KIND)], text).into_response())
}

/// What the numbers are made of.
struct Seen {
    totals: Vec<Total>,
    jobs: Vec<JobView>,
    health: Health,
}

impl Seen {
    fn of(service: &Service) -> Result<Self> {
        Ok(Self { totals: service.store().totals()?, jobs: service.jobs()?, health: service.health() })
    }
}

fn text(seen: &Seen, traffic: &Traffic) -> std::result::Result<String, std::fmt::Error> {
    let mut registry = Registry::with_prefix("gristmill");
    // Names in order: which jobs are counted together does not change from one answer to the next.
    let named: HashMap<&str, ()> =
        seen.jobs.iter().take(MOST_JOBS).map(|job| (job.overview.job.name.as_str(), ())).collect();
    let name = |job: &str| if named.contains_key(job) { job.to_owned() } else { OTHERS.to_owned() };

    let runs = Family::<OfState, Counter>::default();
    let seconds = Family::<OfState, Counter<f64, AtomicU64>>::default();
    for total in &seen.totals {
        let of = OfState { job: name(&total.job), state: total.state.word() };
        runs.get_or_create(&of).inc_by(u64::from(total.runs));
        seconds.get_or_create(&of).inc_by(total.seconds.max(0.0));
    }
    registry.register("runs", "Runs that ended, by job and state", runs);
    registry.register_with_unit(
        "run_duration",
        "Time that ended runs worked, by job and state",
        Unit::Seconds,
        seconds,
    );

    let waiting = Family::<OfJob, Gauge>::default();
    let working = Family::<OfJob, Gauge>::default();
    let paused = Family::<OfJob, Gauge>::default();
    let broken = Family::<OfJob, Gauge>::default();
    let success = Family::<OfJob, Gauge<f64, AtomicU64>>::default();
    let next = Family::<OfJob, Gauge<f64, AtomicU64>>::default();
    let rows_in = Family::<OfJob, Gauge<i64, AtomicI64>>::default();
    let rows_out = Family::<OfJob, Gauge<i64, AtomicI64>>::default();
    for job in &seen.jobs {
        let of = OfJob { job: name(&job.overview.job.name) };
        waiting.get_or_create(&of).inc_by(i64::from(job.overview.waiting));
        working.get_or_create(&of).inc_by(i64::from(job.overview.working));
        paused.get_or_create(&of).inc_by(i64::from(job.overview.job.paused.is_some()));
        broken.get_or_create(&of).inc_by(i64::from(job.overview.job.problem.is_some()));
        if of.job == OTHERS {
            // A time or a number of rows of several jobs together says nothing.
            continue;
        }
        if let Some(run) = &job.overview.last_success {
            if let Some(ended) = run.ended {
                success.get_or_create(&of).set(ended.as_duration().as_secs_f64());
            }
            for (name, rows) in [("rows_in", &rows_in), ("rows_out", &rows_out)] {
                if let Some(count) = run.metrics.get(name).and_then(serde_json::Value::as_i64) {
                    rows.get_or_create(&of).set(count);
                }
            }
        }
        if let Some(at) = job.next {
            next.get_or_create(&of).set(at.as_duration().as_secs_f64());
        }
    }
    registry.register("runs_waiting", "Runs that wait, by job", waiting);
    registry.register("runs_working", "Runs that start or run, by job", working);
    registry.register("job_paused", "1 for a paused job", paused);
    registry.register("job_broken", "1 for a job whose file has an error", broken);
    registry.register_with_unit(
        "last_success_timestamp",
        "When the last good run ended, since 1970",
        Unit::Seconds,
        success,
    );
    registry.register_with_unit("next_run_timestamp", "When the job is due next, since 1970", Unit::Seconds, next);
    registry.register("rows_in", "Rows that the last good run read", rows_in);
    registry.register("rows_out", "Rows that the last good run wrote", rows_out);

    let queue = Gauge::<i64, AtomicI64>::default();
    queue.set(i64::try_from(seen.health.queue).unwrap_or(i64::MAX));
    registry.register("queue", "Runs that wait", queue);
    let at_work = Gauge::<i64, AtomicI64>::default();
    at_work.set(i64::try_from(seen.health.working).unwrap_or(i64::MAX));
    registry.register("working", "Runs that start or run", at_work);
    let ready = Gauge::<i64, AtomicI64>::default();
    ready.set(i64::from(seen.health.ready));
    registry.register("ready", "1 when the server starts runs", ready);
    registry.register("http_requests", "Requests that were answered, by route and status", traffic.0.clone());

    let mut out = String::new();
    encode(&mut out, &registry)?;
    Ok(out)
}
