//! Pages of folders as they are, and what the buttons do.

use axum::http::StatusCode;
use jiff::SignedDuration;
use serde_json::json;

use super::sample::{Past, Sample, promoted, stage};
use super::{get, pages, post};
use crate::schedule::service::Who;
use crate::schedule::store::{NewRun, Origin, RunState};

const JOB: &str = "description: Late flights\npipeline: pipelines/flights.yaml\nschedule: {cron: \"0 2 * * *\", zone: Europe/Berlin}\n";

#[tokio::test]
async fn a_folder_without_jobs_says_how_to_make_one() {
    let sample = Sample::empty();
    let (status, page) = get(&sample, "/").await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("No job yet") && page.contains("jobs/nightly.yaml"), "{page}");
    for path in ["/timeline", "/models", "/audit"] {
        assert_eq!(get(&sample, path).await.0, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn a_bad_file_is_shown_with_its_error_in_the_list_and_on_its_page() {
    let sample = Sample::empty();
    sample
        .store()
        .save_problem(
            "broken",
            "jobs/broken.yaml",
            "unknown key `shedule`\nat jobs/broken.yaml:3:1",
            sample.service.now(),
        )
        .unwrap();
    let (_, list) = get(&sample, "/").await;
    assert!(
        list.contains("Bad file: ") && list.contains("<code>shedule</code>") && list.contains("1 bad file"),
        "{list}"
    );
    let (status, page) = get(&sample, "/jobs/broken").await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("It never had a good version") && page.contains("at jobs/broken.yaml:3:1"), "{page}");
}

#[tokio::test]
async fn each_page_is_whole_and_marks_where_one_is() {
    let sample = Sample::empty();
    sample.job("flights", JOB);
    let run = sample.past(Past::new("flights", sample.service.now(), 2.0));
    for path in pages("flights", run.as_str()) {
        let (status, page) = get(&sample, &path).await;
        assert_eq!(status, StatusCode::OK, "{path}: {page}");
        if !path.contains("/log?") {
            assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>"), "{path}");
            assert_eq!(page.matches("<h1").count(), 1, "{path}: one heading of the first order");
            assert_eq!(page.matches("<main").count(), 1, "{path}");
            assert!(page.contains("href=\"#main\""), "{path}: a way past the bar");
        }
    }
}

#[tokio::test]
async fn a_failed_run_says_which_stage_failed_where_and_what_to_do() {
    let sample = Sample::empty();
    sample.job("flights", JOB);
    let run = sample.past(Past::new("flights", sample.service.now(), 2.0).failed(1, "exit 1"));
    let mut failed = stage("scaled", "standardize", "prepare", &[], (5, 5), "");
    failed["status"] = json!("failed");
    failed["error"] = json!({"class": "stage", "message": "column `x` is no number", "place": "flights.yaml:3:5", "help": "name another column"});
    sample.record(&run, json!([failed]), &[]);
    let (_, page) = get(&sample, &format!("/runs/{run}")).await;
    for said in [
        "Stage <b>scaled</b> (standardize) failed after 2.00 s",
        "column <code>x</code> is no number",
        "flights.yaml:3:5",
        "name another column",
        "Run again",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
}

#[tokio::test]
async fn every_state_has_its_sentence() {
    let sample = Sample::empty();
    sample.job("flights", JOB);
    let now = sample.service.now();
    let second = |number: i64| now + SignedDuration::from_secs(number);
    let (working, _) = sample.working(NewRun::of("flights", Origin::Schedule, "server"), second(2));
    let lost = sample.past(Past { state: RunState::Lost, ..Past::new("flights", second(3), 1.0) });
    let late = sample.past(Past { state: RunState::TimedOut, ..Past::new("flights", second(4), 1.0) });
    let refused = sample.past(Past::new("flights", second(5), 1.0).failed(3, ""));
    let good = sample.past(Past::new("flights", second(6), 1.0));
    // Last: of each job only the first that waits can be claimed.
    let waiting = sample.queued(NewRun::of("flights", Origin::Schedule, "server"), second(7));
    for (run, said) in [
        (&waiting, "It waits for its turn"),
        (&working, "It is at work, as process 4711"),
        (&lost, "Its worker died or fell silent after 1.00 s"),
        (&late, "It took longer than its time"),
        (&refused, "the data were refused (exit code 3)"),
        (&good, "It ended well after 1.00 s"),
    ] {
        let (_, page) = get(&sample, &format!("/runs/{run}")).await;
        assert!(page.contains(said), "{said}: {page}");
    }
    let (status, place) = post(&sample, Who::admin("ann"), &format!("/runs/{waiting}/cancel"), "").await;
    assert_eq!((status, place), (StatusCode::SEE_OTHER, format!("/runs/{waiting}")));
    assert!(get(&sample, &format!("/runs/{waiting}")).await.1.contains("It was cancelled by ann before it began."));
}

#[tokio::test]
async fn a_job_is_paused_and_resumed_by_its_buttons() {
    let sample = Sample::empty();
    sample.job("flights", JOB);
    let (status, place) = post(&sample, Who::admin("ann"), "/jobs/flights/pause", "").await;
    assert_eq!((status, place.as_str()), (StatusCode::SEE_OTHER, "/jobs/flights"));
    assert!(get(&sample, "/jobs/flights").await.1.contains("action=\"/jobs/flights/resume\""));
    assert_eq!(post(&sample, Who::admin("ann"), "/jobs/flights/resume", "").await.0, StatusCode::SEE_OTHER);
    assert!(get(&sample, "/jobs/flights").await.1.contains("action=\"/jobs/flights/pause\""));
    // What is no form changes nothing and is answered with a page.
    let request = axum::http::Request::post("/jobs/flights/pause").body(axum::body::Body::from("{}")).unwrap();
    let (status, page) = super::ask(&sample, Who::admin("ann"), request).await;
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert!(page.contains("The request is not understood"), "{page}");
    assert!(get(&sample, "/jobs/flights").await.1.contains("action=\"/jobs/flights/pause\""));
}

#[tokio::test]
async fn who_may_only_look_sees_no_buttons_and_is_refused_with_a_page() {
    let sample = Sample::empty();
    sample.job("flights", JOB);
    let request = axum::http::Request::get("/jobs/flights").body(axum::body::Body::empty()).unwrap();
    let (_, page) = super::ask(&sample, Who::reader("bob"), request).await;
    assert!(!page.contains("action=\"/jobs/") && page.contains("(may only look)"), "{page}");
    let (status, page) = post(&sample, Who::reader("bob"), "/jobs/flights/pause", "").await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(page.contains("You may not do this") && page.contains("administrator’s token"), "{page}");
}

#[tokio::test]
async fn an_earlier_version_is_put_back_after_a_question() {
    let sample = Sample::empty();
    sample.job("flights", JOB);
    let now = sample.service.now();
    for (number, version) in ["one", "two"].into_iter().enumerate() {
        let at = now + SignedDuration::from_secs(number as i64 * 10);
        sample.past(Past {
            promotions: vec![promoted("delays", version, json!({"accuracy": 0.9}))],
            ..Past::new("flights", at, 1.0)
        });
    }
    let (_, page) = get(&sample, "/models").await;
    assert!(
        page.contains("/models/1/restore") && !page.contains("/models/2/restore") && page.contains("90.0%"),
        "{page}"
    );
    let (status, page) = get(&sample, "/models/1/restore").await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("method=\"post\" action=\"/models/1/restore\"") && page.contains("one"), "{page}");
}

#[tokio::test]
async fn files_of_the_dashboard_are_kept_by_browsers() {
    let sample = Sample::empty();
    for path in [super::super::assets::style(), super::super::assets::script(), super::super::assets::icon()] {
        let (status, content) = get(&sample, path).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        assert!(content.len() > 100);
    }
    assert_eq!(get(&sample, "/assets/style-0000000000000000.css").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_first_page_stays_small_with_many_runs() {
    let sample = Sample::empty();
    let now = sample.service.now();
    for job in 0..10 {
        let name = format!("flights-{job}");
        sample.job(&name, JOB);
        for run in (0..30).rev() {
            let past = Past::new(&name, now - SignedDuration::from_hours(run), (run * 7 % 11) as f64);
            sample.past(if run % 10 == 3 { past.failed(1, "the disk is full") } else { past });
        }
    }
    let (_, page) = get(&sample, "/").await;
    assert_eq!(page.matches("The last 30 runs, 3 of them not well").count(), 20, "once to be heard, once as a hint");
    assert_eq!(page.matches("<path class=\"bad\"").count(), 30);
    // With 50 jobs it has 140 KiB at most.
    assert!(page.len() < 30 * 1024, "{} bytes", page.len());
    let (_, timeline) = get(&sample, "/timeline?hours=168").await;
    assert_eq!(timeline.matches("<a href=\"/runs/").count(), 300, "each run is a link");
    assert!(timeline.len() < 60 * 1024, "{} bytes", timeline.len());
}
