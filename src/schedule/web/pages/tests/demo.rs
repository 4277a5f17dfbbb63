//! Invented jobs and runs on a port of this machine, to look at the pages.
//!
//! ```text
//! DEMO=7979 cargo test --lib pages::tests::demo -- --ignored --nocapture
//! ```
//!
//! It serves until it is stopped. Nothing is checked who asks: it is no server, and listens on the loopback only.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Extension, Query, State};
use axum::http::header;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use serde_json::json;
use tokio_stream::wrappers::BroadcastStream;
use tokio_stream::{Stream, StreamExt};

use super::invented::{filled, graph};
use super::sample::Sample;
use crate::schedule::service::{News, Service, Who};
use crate::schedule::store::RunId;

/// Tells of a worker that goes through its stages, again and again.
fn work(sample: &Sample, run: &RunId) {
    let names: Vec<(String, String)> = graph()
        .as_array()
        .unwrap()
        .iter()
        .map(|stage| (stage["id"].as_str().unwrap().to_owned(), stage["kind"].as_str().unwrap().to_owned()))
        .collect();
    let tell = |event: serde_json::Value| {
        sample.service.board().hears(run, &event, sample.service.now());
        let line = json!({"time": sample.service.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(), "event": event});
        if line["event"]["event"] != "stage_progress" {
            sample.log(run, &[line.clone()]);
            sample.service.board().tell(News::Log { run: run.clone(), line: line.to_string() });
        }
    };
    let ids: Vec<&str> = names.iter().map(|(id, _)| id.as_str()).collect();
    loop {
        tell(json!({"event": "run_started", "run": run, "pipeline": "flights", "stages": ids}));
        for (id, kind) in &names {
            // As the loop of a server does, so that the pages say nothing of one that is missing.
            sample.service.pulse().started();
            sample.service.pulse().turns(sample.service.clock().passed());
            tell(json!({"event": "stage_started", "stage": id, "kind": kind}));
            for step in 1..=10 {
                std::thread::sleep(Duration::from_millis(300));
                tell(
                    json!({"event": "stage_progress", "stage": id, "done": step, "total": 10, "unit": "rows", "message": "at work"}),
                );
            }
            tell(json!({"event": "stage_counted", "stage": id, "inputs": [], "changes": [], "out": 327_346}));
            tell(
                json!({"event": "stage_finished", "stage": id, "kind": kind, "status": "done", "seconds": 3.1, "error": null}),
            );
        }
    }
}

async fn events(State(service): State<Arc<Service>>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let stream = BroadcastStream::new(service.subscribe()).filter_map(|news| {
        let news = news.ok()?;
        let kind = match &*news {
            News::Job { .. } => "job",
            News::Run { .. } => "run",
            News::Worker { .. } => "worker",
            News::Log { .. } => "log",
        };
        Some(Ok(Event::default().event(kind).data(serde_json::to_string(&*news).unwrap_or_default())))
    });
    Sse::new(stream).keep_alive(KeepAlive::default())
}

/// The policy that the server sets, so that nothing is used here that it forbids.
async fn with_policy(answer: Response) -> Response {
    let mut answer = answer;
    let policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    answer.headers_mut().entry(header::CONTENT_SECURITY_POLICY).or_insert(policy.parse().unwrap());
    answer
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "serves until it is stopped; to look at the pages"]
async fn demo() {
    let port: u16 = std::env::var("DEMO").ok().and_then(|port| port.parse().ok()).unwrap_or(7979);
    let (sample, run) = filled();
    let service = sample.service.clone();
    let (base, id) = (Arc::new(sample), run.clone());
    let worker = base.clone();
    std::thread::spawn(move || work(&worker, &id));
    let login = |Query(asks): Query<std::collections::HashMap<String, String>>| async move {
        Html(super::super::login(&super::super::Login { problem: asks.get("problem").map(String::as_str), next: "/" }))
            .into_response()
    };
    let status = |axum::extract::Path(code): axum::extract::Path<u16>| async move {
        super::super::error(
            axum::http::StatusCode::from_u16(code).unwrap(),
            "there is no run `20261127-000000-00000001`",
            Some(&Who::admin("ann")),
        )
    };
    let router: Router = super::super::router(service.clone())
        .merge(Router::new().route("/api/events", get(events)).with_state(service))
        .route("/login", get(login))
        .route("/error/{code}", get(status))
        .merge(super::super::assets())
        .layer(Extension(Who::admin("admin session 3f2a")))
        .layer(axum::middleware::map_response(with_policy));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    eprintln!("http://127.0.0.1:{port}/ and the run at work /runs/{run}");
    axum::serve(listener, router).await.unwrap();
}
