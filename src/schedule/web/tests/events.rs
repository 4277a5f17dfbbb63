//! Streams of events.

use super::*;
use std::time::Duration;
use tokio_stream::StreamExt;

/// Reads a stream until a text has come.
async fn until(
    stream: &mut (impl tokio_stream::Stream<Item = Result<axum::body::Bytes, axum::Error>> + Unpin),
    wanted: &str,
) -> String {
    let mut text = String::new();
    while !text.contains(wanted) {
        let next = tokio::time::timeout(Duration::from_secs(10), stream.next()).await;
        let chunk = next.unwrap_or_else(|_| panic!("`{wanted}` did not come after: {text}"));
        text.push_str(
            std::str::from_utf8(&chunk.unwrap_or_else(|| panic!("the stream ended: {text}")).unwrap()).unwrap(),
        );
    }
    text
}

async fn open(site: &Site, path: &str) -> axum::body::BodyDataStream {
    let mut asked = request("GET", path, READER).body(Body::empty()).unwrap();
    asked.extensions_mut().insert(ConnectInfo::<SocketAddr>("127.0.0.1:1".parse().unwrap()));
    let response = site.router.clone().oneshot(asked).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    response.into_body().into_data_stream()
}

#[tokio::test]
async fn a_run_is_followed_from_its_state_to_its_end() {
    let site = site();
    let run = site.queued().await;
    let mut stream = open(&site, &format!("/api/runs/{run}/events")).await;
    let first = until(&mut stream, "\n\n").await;
    assert!(first.starts_with("event: state\n"), "{first}");
    assert!(first.contains("\"state\":\"queued\""), "{first}");
    site.post(&format!("/api/runs/{run}/cancel"), "").await.is(200);
    let rest = until(&mut stream, "event: end").await;
    assert!(
        rest.contains("event: run\n") && rest.contains("event: state\n") && rest.contains("\"state\":\"cancelled\""),
        "{rest}"
    );
    while let Some(chunk) = tokio::time::timeout(Duration::from_secs(10), stream.next()).await.unwrap() {
        chunk.unwrap();
    }
}

#[tokio::test]
async fn a_run_that_has_ended_is_shown_and_the_stream_ends() {
    let site = site();
    let run = site.queued().await;
    site.post(&format!("/api/runs/{run}/cancel"), "").await.is(200);
    let answer = site.read(&format!("/api/runs/{run}/events")).await;
    answer.is(200);
    assert!(answer.text.contains("event: state\n") && answer.text.contains("event: end\n"), "{}", answer.text);
}

#[tokio::test]
async fn everything_is_told_to_who_follows_everything_and_only_what_is_asked_for_to_others() {
    let site = site();
    let mut all = open(&site, "/api/events").await;
    let mut daily = open(&site, "/api/events?job=daily").await;
    let run = site.queued().await;
    site.post("/api/jobs/daily/pause", "").await.is(200);
    let told = until(&mut all, "event: job").await;
    assert!(told.contains("event: run\n") && told.contains(&run), "{told}");
    let told = until(&mut daily, "\n\n").await;
    assert!(told.contains("event: job") && told.contains("\"name\":\"daily\"") && !told.contains(&run), "{told}");
}

#[tokio::test]
async fn a_stream_gives_a_sign_of_life() {
    let limits = Limits { heartbeat: Duration::from_millis(20), ..Limits::default() };
    let site = site_with(&Settings { limits, ..settings() });
    let mut stream = open(&site, "/api/events").await;
    until(&mut stream, ": still here").await;
}

#[tokio::test]
async fn streams_are_bounded_and_a_place_is_free_again_when_a_client_goes() {
    let site = site_with(&Settings { limits: Limits { streams: 1, ..Limits::default() }, ..settings() });
    let first = open(&site, "/api/events").await;
    site.read("/api/events").await.is(503);
    drop(first);
    for _ in 0..100 {
        if site.state.streams().available_permits() == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(open(&site, "/api/events").await);
}

#[tokio::test]
async fn a_stream_ends_when_its_time_is_over_and_when_the_server_ends() {
    let limits = Limits { stream_time: Duration::from_millis(30), ..Limits::default() };
    let site = site_with(&Settings { limits, ..settings() });
    let answer = site.read("/api/events").await;
    assert!(answer.text.contains("event: end"), "{}", answer.text);
    let site = super::site();
    let mut stream = open(&site, "/api/events").await;
    site.state.close();
    while let Some(chunk) = tokio::time::timeout(Duration::from_secs(10), stream.next()).await.unwrap() {
        chunk.unwrap();
    }
}

#[tokio::test]
async fn what_is_not_there_cannot_be_followed() {
    let site = site();
    site.read("/api/events?run=20261127-173632-00009999").await.is(404);
    site.read("/api/events?job=none").await.is(404);
    for query in ["run=x", "job=A", "runs=1"] {
        site.read(&format!("/api/events?{query}")).await.is(400);
    }
}
