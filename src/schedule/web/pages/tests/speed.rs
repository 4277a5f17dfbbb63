//! A page costs the same with any history.

use std::time::Instant;

use jiff::SignedDuration;
use serde_json::json;

use super::get;
use super::sample::{Past, Sample};

/// Twenty jobs with a hundred thousand runs. Takes a minute to fill.
#[tokio::test]
#[ignore = "fills a database with 100,000 runs"]
async fn with_a_hundred_thousand_runs_every_page_takes_less_than_a_tenth_of_a_second() {
    let sample = Sample::empty();
    let now = sample.service.now();
    let jobs: Vec<String> = (0..20).map(|job| format!("job-{job:02}")).collect();
    for job in &jobs {
        sample.job(job, "pipeline: pipelines/flights.yaml\n");
    }
    let mut last = None;
    for number in 0..5_000_i64 {
        for (place, job) in jobs.iter().enumerate() {
            let at = now - SignedDuration::from_secs((5_000 - number) * 60 - place as i64);
            let past = Past { metrics: json!({"rows": number, "accuracy": 0.9}), ..Past::new(job, at, 20.0) };
            last = Some(sample.past(if number % 50 == 7 { past.failed(1, "a stage failed") } else { past }));
        }
    }
    let run = last.unwrap();
    let paths = [
        "/".to_owned(),
        "/timeline".to_owned(),
        "/jobs/job-03".to_owned(),
        "/jobs/job-03?state=failed".to_owned(),
        format!("/runs/{run}"),
        "/models".to_owned(),
        "/audit".to_owned(),
    ];
    for path in &paths {
        get(&sample, path).await;
        let mut times: Vec<f64> = Vec::new();
        for _ in 0..20 {
            let begun = Instant::now();
            get(&sample, path).await;
            times.push(begun.elapsed().as_secs_f64());
        }
        times.sort_by(f64::total_cmp);
        assert!(times[10] < 0.1, "{path}: half of the requests took {:.0} ms and more", times[10] * 1e3);
        eprintln!("{path}: {:.1} ms, at most {:.1} ms", times[10] * 1e3, times[19] * 1e3);
    }
}
