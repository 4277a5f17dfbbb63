//! Numbers for monitoring.

use super::*;

#[tokio::test]
async fn runs_are_counted_by_job_and_state() {
    let site = site();
    let (first, second) = (site.queued().await, site.queued().await);
    site.succeed(&first);
    site.queued().await;
    site.post(&format!("/api/runs/{second}/cancel"), "").await.is(200);
    let answer = site.read("/metrics").await;
    answer.is(200);
    assert_eq!(answer.header("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
    let lines: Vec<&str> = answer.text.lines().collect();
    for line in [
        "gristmill_runs_total{job=\"plain\",state=\"succeeded\"} 1",
        "gristmill_runs_total{job=\"plain\",state=\"cancelled\"} 1",
        "gristmill_runs_waiting{job=\"plain\"} 1",
        "gristmill_rows_out{job=\"plain\"} 42",
        "gristmill_job_broken{job=\"broken\"} 1",
        "gristmill_queue 1",
        "gristmill_ready 0",
        "# EOF",
    ] {
        assert!(lines.contains(&line), "{line} is not in\n{}", answer.text);
    }
    assert!(answer.text.contains("gristmill_last_success_timestamp_seconds{job=\"plain\"} "), "{}", answer.text);
    assert!(
        answer.text.contains("gristmill_run_duration_seconds_total{job=\"plain\",state=\"succeeded\"} "),
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn requests_are_counted_by_route_and_not_by_path() {
    let site = site();
    for path in ["/api/jobs/plain", "/api/jobs/daily", "/api/jobs/none", "/what/ever/1", "/what/ever/2"] {
        site.get(path).await;
    }
    let text = site.read("/metrics").await.text;
    assert!(
        text.contains("gristmill_http_requests_total{method=\"GET\",route=\"/api/jobs/{name}\",status=\"200\"} 2"),
        "{text}"
    );
    assert!(text.contains("route=\"/api/jobs/{name}\",status=\"404\"} 1"), "{text}");
    assert!(text.contains("gristmill_http_requests_total{method=\"GET\",route=\"(none)\",status=\"404\"} 2"), "{text}");
    assert!(!text.contains("ever"), "{text}");
}

#[tokio::test]
async fn the_number_of_series_is_bounded_however_many_jobs_there_are() {
    let site = site();
    let (store, now) = (site.service.store(), site.service.now());
    for number in 0..600 {
        store.save_problem(&format!("x{number:04}"), "jobs/x.yaml", "bad", now).unwrap();
    }
    let text = site.read("/metrics").await.text;
    let series = text.lines().filter(|line| line.starts_with("gristmill_runs_waiting{")).count();
    assert_eq!(series, 501);
    assert!(text.contains("gristmill_job_broken{job=\"(others)\"} 104"), "{text}");
}
