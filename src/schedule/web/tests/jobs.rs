//! Jobs, their times and partitions, and backfills of them.

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
    assert_eq!(
        (&jobs[2]["zone"], &jobs[2]["partitioned"], &jobs[3]["partitioned"]),
        (&"UTC".into(), &true.into(), &false.into())
    );
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
    for query in ["count=0", "count=1001", "count=-1", "count=x", "count=1&count=2", "cuont=1"] {
        site.read(&format!("/api/jobs/daily/next?{query}")).await.is(400);
    }
    site.read("/api/jobs/none/next").await.is(404);
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
    // Of 90 days in three months, 87 were never run.
    let keys = site.read("/api/jobs/daily/keys?limit=2&after=2026-03-29").await.is(200).json();
    assert_eq!(keys, serde_json::json!({"keys": ["2026-03-30", "2026-03-31"], "next": null}));
    let keys = site.read("/api/jobs/daily/keys?limit=2").await.is(200).json();
    assert_eq!(keys, serde_json::json!({"keys": ["2026-01-01", "2026-01-02"], "next": "2026-01-02"}));
    let none = serde_json::json!({"keys": [], "next": null});
    for path in ["daily/keys?after=2026-03-31", "daily/keys?after=z", "plain/keys", "broken/keys"] {
        assert_eq!(site.read(&format!("/api/jobs/{path}")).await.is(200).json(), none, "{path}");
    }
    site.read("/api/jobs/none/keys").await.is(404);
    site.read("/api/jobs/daily/keys?limit=0").await.is(400);
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
    assert_eq!(site.read("/api/backfills?limit=1").await.is(200).json()["items"][0]["job"], "daily");
    assert_eq!(site.read("/api/backfills?before=1").await.is(200).json()["items"], serde_json::json!([]));
    site.read("/api/backfills?limit=0").await.is(400);
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
