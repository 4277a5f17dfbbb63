//! Each route with what it answers.

use super::*;

#[tokio::test]
async fn jobs_are_listed_with_what_is_wrong_with_them() {
    let site = site();
    let jobs = site.read("/api/jobs").await.is(200).json();
    let names: Vec<&str> = jobs.as_array().unwrap().iter().map(|job| job["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["broken", "closed", "daily", "plain"]);
    assert!(jobs[0]["problem"].as_str().unwrap().contains("pipelin"), "{}", jobs[0]);
    assert_eq!(jobs[0]["definition"], Value::Null);
    assert_eq!(jobs[2]["description"], "Late flights");
    assert_eq!(jobs[2]["pipeline"], "pipelines/flights.yaml");
    assert!(jobs[2]["next"].as_str().unwrap().ends_with("T02:00:00Z"), "{}", jobs[2]);
}

#[tokio::test]
async fn a_job_is_shown_with_the_text_of_its_definition() {
    let site = site();
    let job = site.read("/api/jobs/daily").await.is(200).json();
    assert_eq!(job["state"], "present");
    assert!(job["text"].as_str().unwrap().starts_with("description: Late flights\n"));
    assert_eq!(site.read("/api/jobs/broken").await.is(200).json()["text"], Value::Null);
    let missing = site.read("/api/jobs/dayly").await.is(404).json();
    assert!(missing["message"].as_str().unwrap().contains("`daily`"), "the nearest name is told: {missing}");
}

#[tokio::test]
async fn the_next_times_of_a_job_are_as_many_as_asked_for() {
    let site = site();
    let next = site.read("/api/jobs/daily/next?count=3").await.is(200).json();
    assert_eq!(next["next"].as_array().unwrap().len(), 3);
    assert_eq!(site.read("/api/jobs/plain/next").await.is(200).json()["next"], serde_json::json!([]));
    for query in ["count=0", "count=101", "count=-1", "count=x", "count=1&count=2", "cuont=1"] {
        site.read(&format!("/api/jobs/daily/next?{query}")).await.is(400);
    }
    site.read("/api/jobs/none/next").await.is(404);
}

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
async fn a_job_is_paused_and_resumed_and_both_are_noted() {
    let site = site();
    for (path, changed) in [("pause", true), ("pause", false), ("resume", true), ("resume", false)] {
        assert_eq!(
            site.post(&format!("/api/jobs/plain/{path}"), "").await.is(200).json()["changed"],
            changed,
            "{path}"
        );
    }
    site.post("/api/jobs/none/pause", "").await.is(404);
    site.post("/api/jobs/none/resume", "").await.is(404);
    let log = site.get("/api/audit?subject=plain").await.is(200).json();
    let entries: Vec<_> =
        log["items"].as_array().unwrap().iter().map(|entry| (&entry["who"], &entry["action"])).collect();
    assert_eq!(
        entries,
        [(&Value::from("admin token"), &Value::from("resume")), (&"admin token".into(), &"pause".into())]
    );
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

#[tokio::test]
async fn partitions_and_occurrences_of_a_job_are_listed() {
    let site = site();
    for day in ["2026-01-02", "2026-01-01", "2026-01-03"] {
        site.post("/api/jobs/daily/run", &format!(r#"{{"partition": "{day}"}}"#)).await.is(202);
    }
    let first = site.read("/api/jobs/daily/partitions?limit=2").await.is(200).json();
    assert_eq!(first["items"][0]["key"], "2026-01-01");
    assert_eq!(first["next"], "2026-01-02");
    let rest = site.read("/api/jobs/daily/partitions?limit=2&after=2026-01-02").await.is(200).json();
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next"]), (1, &Value::Null));
    site.read("/api/jobs/none/partitions").await.is(404);
    site.read("/api/jobs/daily/partitions?after=").await.is(400);
    let occurrences = site.read("/api/jobs/daily/occurrences?before=2026-01-01T00:00:00Z").await.is(200).json();
    assert_eq!(occurrences, serde_json::json!({"items": [], "next": null}));
    site.read("/api/jobs/daily/occurrences?before=yesterday").await.is(400);
    site.read("/api/jobs/none/occurrences").await.is(404);
}

#[tokio::test]
async fn a_backfill_is_begun_looked_at_stopped_and_resumed() {
    let site = site();
    let body = r#"{"from": "2026-01-01", "to": "2026-01-05", "parallelism": 2}"#;
    let answer = site.post("/api/jobs/daily/backfill", body).await;
    let backfill = answer.is(202).json();
    let place = answer.header("location").to_owned();
    assert_eq!(place, format!("/api/backfills/{}", backfill["number"]));
    let shown = site.read(&format!("{place}?limit=3")).await.is(200).json();
    assert_eq!(shown["items"].as_array().unwrap().len(), 3);
    assert_eq!(
        (&shown["from"], &shown["to"], &shown["parallelism"]),
        (&"2026-01-01".into(), &"2026-01-05".into(), &2.into())
    );
    assert_eq!(site.read("/api/jobs/daily/backfills").await.is(200).json()["items"][0]["number"], backfill["number"]);
    for (what, changed) in [("stop", true), ("stop", false), ("resume", true), ("resume", false)] {
        assert_eq!(site.post(&format!("{place}/{what}"), "").await.is(200).json()["changed"], changed, "{what}");
    }
    for (what, body) in [("stop", ""), ("resume", "")] {
        site.post(&format!("/api/backfills/999/{what}"), body).await.is(404);
        site.post(&format!("/api/backfills/0/{what}"), body).await.is(400);
    }
    site.read("/api/backfills/999").await.is(404);
    site.read("/api/backfills/x").await.is(400);
    site.read(&format!("{place}?after=-1")).await.is(400);
    site.read("/api/jobs/none/backfills").await.is(404);
}

#[tokio::test]
async fn a_backfill_that_cannot_be_is_refused() {
    let site = site();
    for body in
        [r#"{"from": "2026-01-01", "parallelism": 0}"#, r#"{"from": ""}"#, r#"{"from": 1}"#, r#"{"until": "x"}"#]
    {
        site.post("/api/jobs/daily/backfill", body).await.is(400);
    }
    site.post("/api/jobs/none/backfill", "{}").await.is(404);
    for (job, body) in [
        ("plain", "{}"),
        ("daily", r#"{"from": "yesterday"}"#),
        ("daily", r#"{"from": "2026-02-01", "to": "2026-01-01"}"#),
    ] {
        let answer = site.post(&format!("/api/jobs/{job}/backfill"), body).await;
        assert!(matches!(answer.status.as_u16(), 409 | 422), "{job} {body}: {}", answer.text);
    }
}

#[tokio::test]
async fn models_are_listed_shown_and_restored() {
    let site = site();
    assert_eq!(site.read("/api/models").await.is(200).json(), serde_json::json!([]));
    site.read("/api/models/delays").await.is(404);
    let (first, second) = (site.queued().await, site.queued().await);
    for run in [&first, &second] {
        let version = site.service.base().join("models/delays/versions").join(run);
        std::fs::create_dir_all(&version).unwrap();
        site.succeed(run);
    }
    let models = site.read("/api/models").await.is(200).json();
    assert_eq!((&models[0]["name"], &models[0]["version"]), (&"delays".into(), &Value::from(second.as_str())));
    let versions = site.read("/api/models/delays").await.is(200).json();
    assert_eq!(versions["items"][1]["state"], "former");
    let former = &versions["items"][1]["number"];
    let restored =
        site.post("/api/models/delays/restore", &format!(r#"{{"promotion": {former}}}"#)).await.is(200).json();
    assert_eq!(restored["version"], first.as_str());
    site.post("/api/models/other/restore", &format!(r#"{{"promotion": {former}}}"#)).await.is(404);
    site.post("/api/models/delays/restore", r#"{"promotion": 999}"#).await.is(404);
    for body in ["{}", r#"{"promotion": 0}"#, r#"{"promotion": "1"}"#] {
        site.post("/api/models/delays/restore", body).await.is(400);
    }
}

#[tokio::test]
async fn what_was_done_is_shown_to_the_administrator_only_and_messages_to_all() {
    let site = site();
    site.read("/api/audit").await.is(403);
    site.get("/api/audit?limit=1").await.is(200);
    site.get("/api/audit?subject=").await.is(400);
    let messages = site.read("/api/notifications?job=plain").await.is(200).json();
    assert_eq!(messages["items"], serde_json::json!([]));
    site.read("/api/notifications?job=A").await.is(400);
}

#[tokio::test]
async fn health_is_told_to_everybody_and_says_no_more_than_that() {
    let site = site();
    let ask = async |path: &str| site.send(Request::get(path).header("host", HOST).body(Body::empty()).unwrap()).await;
    let alive = ask("/healthz").await;
    alive.is(200);
    assert_eq!(alive.json(), serde_json::json!({"status": "ok"}));
    // Without a server that starts runs it is not ready; why is not for strangers.
    let ready = ask("/readyz").await;
    assert_eq!((ready.status.as_u16(), ready.json()), (503, serde_json::json!({"status": "not ready"})));
}

#[tokio::test]
async fn an_address_where_nothing_is_and_a_method_that_is_not_possible_are_told() {
    let site = site();
    site.get("/api/none").await.is(404);
    site.get("/api").await.is(404);
    for method in ["PUT", "DELETE", "PATCH", "TRACE", "OPTIONS", "PROPFIND"] {
        let answer = site.send(request(method, "/api/jobs", ADMIN).body(Body::empty()).unwrap()).await;
        answer.is(405);
        assert!(answer.header("allow").contains("GET"), "{method}: {:?}", answer.headers);
    }
    site.send(request("GET", "/api/jobs/plain/run", ADMIN).body(Body::empty()).unwrap()).await.is(405);
    let head = site.send(request("HEAD", "/api/jobs", ADMIN).body(Body::empty()).unwrap()).await;
    assert_eq!((head.status.as_u16(), head.text.as_str()), (200, ""));
}
