//! Data that try to be more than data.

use axum::http::StatusCode;
use jiff::SignedDuration;
use serde_json::json;

use super::sample::{Past, Sample, promoted, refused, stage};
use super::{get, pages};
use crate::schedule::service::RunRequest;
use crate::schedule::store::{NewNotification, Object, RunState};

/// What is put wherever a page shows text.
fn hostile() -> Vec<String> {
    vec![
        "<script>alert(1)</script>".to_owned(),
        "\"><img src=x onerror=alert(1)>".to_owned(),
        "' onmouseover='alert(1)".to_owned(),
        "\u{202E}evil\u{202C} \u{2066}x\u{2069}".to_owned(),
        "a\0b\u{FFFF}</title></textarea>".to_owned(),
        "x".repeat(10_000),
    ]
}

/// Whether a text was brought in as markup, reorders the page, or is there in all its length.
fn harmless(page: &str, path: &str) {
    for sign in ["<script>alert", "<img src=x", "\u{202E}", "\u{2066}", "</textarea>", "\0", "style="] {
        assert!(!page.contains(sign), "{path}: {sign:?}");
    }
    assert_eq!(page.matches("<script").count(), 1, "{path}: only the page's own script");
    assert!(!page.contains(&"x".repeat(5_000)), "{path}: all of ten thousand letters");
}

#[tokio::test]
async fn nothing_that_data_bring_becomes_markup() {
    for text in hostile() {
        let sample = Sample::empty();
        let now = sample.service.now();
        sample.job("flights", &format!("description: {text}\npipeline: pipelines/flights.yaml\n"));
        sample.store().save_problem("flights", &text, &text, now).unwrap();
        let run = sample.past(Past {
            partition: Some(text.clone()),
            state: RunState::Failed,
            exit: 1,
            message: Some(&text),
            metrics: json!({text.clone(): 1.5, "note": text.clone()}),
            messages: vec![NewNotification { event: text.clone(), channel: text.clone(), payload: Object::new() }],
            ..Past::new("flights", now, 2.0)
        });
        let good = Past {
            metrics: json!({text.clone(): 1.5}),
            promotions: vec![
                promoted(&text, &text, json!({text.clone(): 0.5})),
                refused(&text, &text, &text, json!({})),
            ],
            ..Past::new("flights", now + SignedDuration::from_secs(5), 3.0)
        };
        sample.past(good);
        sample.past(Past {
            metrics: json!({text.clone(): 2.5}),
            ..Past::new("flights", now + SignedDuration::from_secs(9), 3.0)
        });
        let mut failed = stage(&text, &text, "ingest", &[], (5, 3), &text);
        failed["status"] = json!("failed");
        failed["error"] = json!({"class": "stage", "message": text, "place": text, "help": text});
        failed["exhibits"] = json!([{"metrics": {"title": text, "metrics": [{"name": text, "value": 1.0, "format": "number", "note": text}]}}]);
        sample.record(&run, json!([failed]), &[&text]);
        sample.log(
            &run,
            &[
                json!({"time": text, "stream": text, "line": text}),
                json!(text),
                json!({"time": "2026-11-27T00:00:00Z", "event": {"event": "warning", "stage": text, "message": text}}),
            ],
        );
        sample.store().audit(&text, &text, &text, &text, now).unwrap();
        for path in pages("flights", run.as_str()) {
            let (status, page) = get(&sample, &path).await;
            assert_eq!(status, StatusCode::OK, "{path}: {page}");
            if path.contains("/log?") {
                assert!(!page.contains("<script>") && !page.contains("<img"), "{page}");
            } else {
                harmless(&page, &path);
            }
        }
    }
}

#[tokio::test]
async fn whatever_a_query_says_a_page_comes() {
    let sample = Sample::empty();
    sample.job("flights", "pipeline: pipelines/flights.yaml\n");
    for query in [
        "q=%00%FF",
        "page=-1",
        "page=999999999999999999999",
        "hours=x",
        "hours=-5",
        "before=abc",
        "state=%3Cscript%3E",
        "year=99999",
        "partition=%27%3E",
        "q=%3Cscript%3Ealert(1)",
        "after=1e9",
    ] {
        for path in ["/", "/timeline", "/jobs/flights", "/models", "/audit"] {
            let (status, page) = get(&sample, &format!("{path}?{query}")).await;
            assert_eq!(status, StatusCode::OK, "{path}?{query}");
            assert!(!page.contains("<script>alert"), "{path}?{query}");
        }
    }
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_is_not_found() {
    let sample = Sample::empty();
    for path in [
        "/runs/..%2F..%2Fetc%2Fpasswd",
        "/runs/..%2F..%2F..%2Fetc/report",
        "/runs/%2e%2e/log.txt",
        "/jobs/..%2Fx",
        "/assets/..%2F..%2FCargo.toml",
        "/backfills/99",
        "/backfills/x",
        "/models/99/restore",
    ] {
        let (status, page) = get(&sample, path).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}: {page}");
        assert!(!page.contains("root:"), "{path}");
    }
}

#[tokio::test]
async fn a_report_is_sent_with_a_policy_that_forbids_all() {
    let sample = Sample::empty();
    sample.job("flights", "pipeline: pipelines/flights.yaml\n");
    let run = sample.service.run(
        RunRequest {
            job: "flights".to_owned(),
            key: None,
            parameters: Object::new(),
            partition: None,
            origin: crate::schedule::store::Origin::Manual,
        },
        &crate::schedule::service::Who::admin("ann"),
    );
    // Whether the definition can be read is not what this is about.
    let Ok(run) = run else { return };
    std::fs::create_dir_all(sample.service.folder(&run.run)).unwrap();
    sample.report(&run.run, "<script>alert(1)</script>");
    let router = super::super::router(sample.service.clone())
        .layer(axum::extract::Extension(crate::schedule::service::Who::admin("ann")));
    let request =
        axum::http::Request::get(format!("/runs/{}/report", run.run)).body(axum::body::Body::empty()).unwrap();
    let answer = tower::ServiceExt::oneshot(router, request).await.unwrap();
    let policy = answer.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("sandbox; default-src 'none'"), "{policy}");
    assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
}
