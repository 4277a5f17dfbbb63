//! Runs: asked for, listed, cancelled, and what they leave behind.

use super::*;

#[tokio::test]
async fn a_run_is_asked_for_and_found() {
    let site = site();
    let answer = site.post("/api/jobs/plain/run", r#"{"parameters": {}}"#).await;
    let run = answer.is(202).json();
    assert_eq!(run["fresh"], true);
    let id = run["run"].as_str().unwrap();
    assert_eq!(answer.header("location"), format!("/api/runs/{id}"));
    let shown = site.read(answer.header("location")).await.is(200).json();
    assert_eq!(shown["state"], "queued");
    assert_eq!(shown["origin"], "api");
    assert_eq!(shown["requested_by"], "admin token");
    assert_eq!(shown["attempts"], serde_json::json!([id]));
    assert_eq!(shown["live"], Value::Null);
}

#[tokio::test]
async fn a_request_that_is_repeated_with_its_key_gets_the_same_run() {
    let site = site();
    let send = |job: &'static str| {
        let request = request("POST", &format!("/api/jobs/{job}/run"), ADMIN).header("idempotency-key", "7c9e6679");
        site.send(json(request, ""))
    };
    let first = send("plain").await.is(202).json();
    let second = send("plain").await.is(200).json();
    assert_eq!(first["run"], second["run"]);
    assert_eq!(second["fresh"], false);
    let other = request("POST", "/api/jobs/daily/run", ADMIN).header("idempotency-key", "7c9e6679");
    site.send(json(other, r#"{"partition": "2026-01-01"}"#)).await.is(409);
    for key in ["", "a b", "\u{e4}", &"k".repeat(129)] {
        let request = request("POST", "/api/jobs/plain/run", ADMIN).header("idempotency-key", key);
        site.send(json(request, "")).await.is(400);
    }
    let twice =
        request("POST", "/api/jobs/plain/run", ADMIN).header("idempotency-key", "a").header("idempotency-key", "b");
    site.send(json(twice, "")).await.is(400);
}

#[tokio::test]
async fn a_run_that_cannot_be_is_refused_with_the_reason() {
    let site = site();
    site.post("/api/jobs/none/run", "").await.is(404);
    site.post("/api/jobs/daily/run", r#"{"partition": "2025-01-01"}"#).await.is(422);
    site.post("/api/jobs/plain/run", r#"{"partition": "2026-01-01"}"#).await.is(422);
    let closed = site.post("/api/jobs/closed/run", "").await.is(422).json();
    assert!(closed["message"].as_str().unwrap().contains("http: false"), "{closed}");
    let broken = site.post("/api/jobs/broken/run", "").await;
    assert!(matches!(broken.status.as_u16(), 409 | 422), "{}", broken.text);
    site.post("/api/jobs/daily/run", r#"{"partition": "2026-01-01"}"#).await.is(202);
    site.post("/api/jobs/daily/run", r#"{"partition": "2026-01-01"}"#).await.is(409);
}

#[tokio::test]
async fn a_body_that_is_not_as_it_should_be_is_refused() {
    let site = site();
    let bad = [
        "{",
        "[]",
        "1",
        r#"{"parameters": 1}"#,
        r#"{"parametres": {}}"#,
        r#"{"partition": ""}"#,
        r#"{"partition": "a\u0000"}"#,
    ];
    for body in bad {
        site.post("/api/jobs/plain/run", body).await.is(400);
    }
    site.post("/api/jobs/plain/run", "null").await.is(202);
    for kind in
        ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonx", ""]
    {
        let request = request("POST", "/api/jobs/plain/run", ADMIN).header("content-type", kind);
        site.send(request.body(Body::from("{}")).unwrap()).await.is(415);
    }
    let request = request("POST", "/api/jobs/plain/run", ADMIN);
    site.send(request.body(Body::from("{}")).unwrap()).await.is(415);
}

#[tokio::test]
async fn runs_are_listed_in_pages_and_by_what_is_asked_for() {
    let site = site();
    let mut runs = Vec::new();
    for _ in 0..3 {
        runs.push(site.queued().await);
    }
    site.post(&format!("/api/runs/{}/cancel", runs[0]), "").await.is(200);
    let first = site.read("/api/runs?limit=2").await.is(200).json();
    assert_eq!(first["items"][0]["id"], *runs[2]);
    assert_eq!(first["items"].as_array().unwrap().len(), 2);
    let second = site.read(&format!("/api/runs?limit=2&before={}", first["next"])).await.is(200).json();
    assert_eq!(second["items"][0]["id"], *runs[0]);
    assert_eq!(second["next"], Value::Null);
    let count = async |query: &str| {
        site.read(&format!("/api/runs?{query}")).await.is(200).json()["items"].as_array().unwrap().len()
    };
    assert_eq!(count("state=queued").await, 2);
    assert_eq!(count("state=cancelled&job=plain").await, 1);
    assert_eq!(count("job=daily").await, 0);
    assert_eq!(count("job=daily&partition=2026-01-01").await, 0);
    assert_eq!(count("backfill=1").await, 0);
    let of_job = site.read("/api/jobs/plain/runs?limit=1").await.is(200).json();
    assert_eq!(of_job["items"][0]["id"], *runs[2]);
    site.read("/api/jobs/none/runs").await.is(404);
    let bad = [
        "limit=0",
        "limit=1001",
        "before=0",
        "before=x",
        "state=done",
        "job=../x",
        "partition=a",
        "backfill=0",
        "order=asc",
        "before=9999999999999999",
    ];
    for query in bad {
        site.read(&format!("/api/runs?{query}")).await.is(400);
    }
}

#[tokio::test]
async fn a_run_is_cancelled_once_and_may_be_asked_to_again() {
    let site = site();
    let run = site.queued().await;
    let path = format!("/api/runs/{run}/cancel");
    assert_eq!(site.post(&path, "").await.is(200).json()["outcome"], "ended");
    let again = site.post(&path, "").await.is(200).json();
    assert_eq!(again["outcome"], "ended_before");
    assert_eq!(again["was"], "cancelled");
    site.post("/api/runs/20261127-173632-00009999/cancel", "").await.is(404);
    site.post("/api/runs/1/cancel", "").await.is(400);
}

#[tokio::test]
async fn the_output_of_a_run_is_shown_when_there_is_some() {
    let site = site();
    let run = site.queued().await;
    let path = |what: &str| format!("/api/runs/{run}/{what}");
    let none = site.read(&path("log")).await.is(200).json();
    assert_eq!(none, serde_json::json!({"lines": [], "next": 0, "ended": false}));
    site.read(&path("record")).await.is(404);
    site.read(&path("report")).await.is(404);
    site.succeed(&run);
    let folder = site.service.folder(&RunId::from(run.as_str()));
    let log = "{\"time\":\"2026-11-27T17:36:32Z\",\"stream\":\"out\",\"line\":\"one\"}\nbare\n";
    std::fs::write(folder.join("log.jsonl"), log).unwrap();
    std::fs::write(folder.join("report.html"), "<!doctype html><p>report").unwrap();
    let part = site.read(&path("log")).await.is(200).json();
    assert_eq!(part["lines"][0]["line"], "one");
    assert_eq!(part["lines"][1], "bare");
    assert_eq!((&part["next"], &part["ended"]), (&Value::from(log.len()), &Value::from(true)));
    let rest = site.read(&format!("{}?from={}", path("log"), log.len())).await.is(200).json();
    assert_eq!(rest["lines"], serde_json::json!([]));
    for query in ["from=-1", "most=0", "most=1048577", "from=x", "to=1"] {
        site.read(&format!("{}?{query}", path("log"))).await.is(400);
    }
    let report = site.read(&path("report")).await;
    report.is(200);
    assert_eq!(report.text, "<!doctype html><p>report");
    assert_eq!(report.header("content-type"), "text/html; charset=utf-8");
    for what in ["log", "record", "report", "events"] {
        site.read(&format!("/api/runs/20261127-173632-00009999/{what}")).await.is(404);
    }
}
