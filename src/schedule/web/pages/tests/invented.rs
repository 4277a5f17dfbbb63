//! A month of invented history: every page is looked at once.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::sample::{Past, Sample, object, promoted, refused, stage};
use crate::schedule::store::{
    Backfill, Decision, Ending, NewBackfill, NewNotification, NewRun, Object, Origin, Planned, RunId, RunState, Worker,
};

const NIGHTLY: &str = "# Late flights, each night.\ndescription: Late flights out of New York, each night\npipeline: pipelines/flights.yaml\nparameters: {day: \"${schedule.date}\", late_after: 15}\nschedule: {cron: \"0 2 * * *\", zone: Europe/Berlin}\nretries: 2\ntimeout: 2h\nkeep: {runs: 100, days: 30}\nnotify:\n  - webhook: {url: https://hooks.example.org/flights, secret: {env: HOOK}}   # the secret stays in the environment\n";
const LOAD: &str = "description: Loads what the stations have sent\npipeline: pipelines/flights.yaml\nschedule: {every: 1h}\nruns: 2\n";
const DAYS: &str = "description: Weather by day, filled back to January\npipeline: pipelines/flights.yaml\nparameters: {day: \"${partition.key}\"}\npartitions: {days: {from: 2026-01-01}}\nschedule: {cron: \"30 4 * * *\"}\n";
const MONTHS: &str = "description: Monthly figures for the board\npipeline: pipelines/flights.yaml\nparameters: {month: \"${partition.key}\"}\npartitions: {months: {from: 2024-03}}\nschedule: {cron: \"0 6 1 * *\", zone: America/New_York}\n";
const FILES: &str = "description: Checks each file that comes in\npipeline: pipelines/flights.yaml\nfiles: {path: \"incoming/*.csv\", settled: 30s}\n";

/// Whole numbers that look like chance and are always the same.
fn chance(seed: i64) -> f64 {
    let mixed = (seed.wrapping_mul(0x9E37_79B9_7F4A_7C15_u64 as i64) as u64) >> 40;
    mixed as f64 / f64::from(1 << 24)
}

/// Fills a folder with a month of invented history.
pub(super) fn filled() -> (Sample, RunId) {
    let sample = Sample::empty();
    let now = sample.service.now();
    let hours = SignedDuration::from_hours;
    for (name, text) in [
        ("nightly-flights", NIGHTLY),
        ("load", LOAD),
        ("weather-days", DAYS),
        ("board-months", MONTHS),
        ("incoming", FILES),
        (
            "export",
            "description: Hands the table to the warehouse\npipeline: pipelines/flights.yaml\nafter: [nightly-flights]\n",
        ),
        (
            "churn-model",
            "description: Who will leave? Trained each week\npipeline: pipelines/flights.yaml\nschedule: {cron: \"@weekly\"}\n",
        ),
        ("old-report", "description: Was replaced by board-months\npipeline: pipelines/flights.yaml\n"),
    ] {
        sample.job(name, text);
    }
    nights(&sample, now);
    for hour in (1..34).rev() {
        let past = Past {
            metrics: json!({"rows_out": 900 + (chance(hour) * 200.0) as i64}),
            ..Past::new("load", now - hours(hour), 300.0 + 1500.0 * chance(hour * 7))
        };
        sample.past(if hour == 9 {
            past.failed(3, "the data were refused: `stations.csv` has 3 columns, 5 were expected")
        } else {
            past
        });
    }
    partitions(&sample, now);
    models(&sample, now);
    let store = sample.store();
    store
        .save_problem(
            "incoming",
            "jobs/incoming.yaml",
            "unknown key `fields`\n  at jobs/incoming.yaml:3:1\n  did you mean `files`?",
            now,
        )
        .unwrap();
    store.save_problem("new-idea", "jobs/new-idea.yaml", "`pipeline` is missing\n  at jobs/new-idea.yaml:1:1\n  a job names the pipeline that it runs: `pipeline: pipelines/x.yaml`", now).unwrap();
    store.pause("export", "ann", now - hours(50)).unwrap();
    for day in [3, 2] {
        store
            .record(
                "load",
                &[Planned {
                    scheduled: now - hours(24 * day) - SignedDuration::from_mins(30),
                    decision: Decision::Skip("its earlier run was still at work (`overlap: skip`)".to_owned()),
                }],
                None,
                now - hours(24 * day),
            )
            .unwrap();
    }
    store
        .keep_only(
            &[
                "nightly-flights",
                "load",
                "weather-days",
                "board-months",
                "incoming",
                "export",
                "churn-model",
                "new-idea",
            ],
            now,
        )
        .unwrap();
    store.audit("admin session 3f2a", "login", "", "from 127.0.0.1", now - hours(1)).unwrap();
    let live = live(&sample, now);
    let waits = NewRun::of("load", Origin::Interval, "server");
    sample.queued(waits, now);
    (sample, live)
}

fn nights(sample: &Sample, now: Timestamp) {
    let midnight = |night: i64| now - SignedDuration::from_hours(24 * night) - SignedDuration::from_hours(5);
    for night in (0..45).rev() {
        let drift = chance(night * 3 + 1);
        let metrics = json!({"rows_in": 336_776 - night * 310 + (drift * 900.0) as i64, "rows_out": 327_346 - night * 300 + (drift * 700.0) as i64, "quality": 0.972 + drift * 0.02, "accuracy": 0.88 + 0.012 * chance(night * 5) - if night < 6 { 0.03 } else { 0.0 }, "peak_memory": 880e6 + drift * 9e7});
        let past =
            Past { metrics, ..Past::new("nightly-flights", midnight(night), 240.0 + 90.0 * drift + night as f64) };
        let run = match night {
            17 | 4 => sample.past(Past {
                messages: vec![NewNotification {
                    event: "failure".to_owned(),
                    channel: "webhook 1".to_owned(),
                    payload: Object::new(),
                }],
                ..past.failed(1, "stage `expected` failed: the disk is full")
            }),
            11 => {
                sample.past(Past { state: RunState::TimedOut, ..Past::new("nightly-flights", midnight(night), 7200.0) })
            }
            _ => sample.past(past),
        };
        if night == 0 || night == 4 {
            leave(sample, &run, night == 4);
        }
    }
}

/// The folder of a run: record, log, report.
fn leave(sample: &Sample, run: &RunId, bad: bool) {
    let mut stages = graph();
    if bad {
        stages[6]["status"] = json!("failed");
        stages[6]["error"] = json!({"class": "stage", "message": "column `wind_speed` has 2,512 values outside of 0 to 150", "place": "pipelines/flights.yaml:41:9", "help": "look at the rejected rows in `out/rejected.csv`, or widen the bounds"});
        for at in 7..stages.as_array().unwrap().len() {
            stages[at]["status"] = json!("skipped");
            stages[at]["ledger"] = json!(null);
            stages[at]["exhibits"] = json!([]);
        }
    }
    sample.record(
        run,
        stages,
        &[
            "believable: 1 of 26115 rows fails `wind_speed is from 0 to 150`",
            "expected: 2512 of 336776 rows fail `tailnum is not null`",
        ],
    );
    sample.log(run, &lines(bad));
    sample.report(run, "<!DOCTYPE html><title>Report</title><style>body{font:16px system-ui;margin:2rem;color:#1a212b}h1{letter-spacing:-.02em}</style><h1>Late flights out of New York</h1><p>Which flights leave New York late, and what foretells it?</p>");
}

fn lines(bad: bool) -> Vec<serde_json::Value> {
    let mut lines = vec![
        json!({"time": "2026-11-27T02:00:00Z", "stream": "server", "line": "the worker is started as process 4711"}),
        json!({"time": "2026-11-27T02:00:01Z", "event": {"event": "run_started", "run": "x", "pipeline": "flights", "stages": ["a", "b", "c"]}}),
    ];
    for (second, stage) in
        ["planes", "airports", "weather", "flights", "with_aircraft", "single", "expected"].iter().enumerate()
    {
        lines.push(json!({"time": format!("2026-11-27T02:00:{:02}Z", second + 2), "event": {"event": "stage_started", "stage": stage, "kind": "read"}}));
        let (status, error) = if bad && *stage == "expected" {
            (
                "failed",
                json!({"message": "column `wind_speed` has 2,512 values outside of 0 to 150", "place": "pipelines/flights.yaml:41:9"}),
            )
        } else {
            ("done", json!(null))
        };
        lines.push(json!({"time": format!("2026-11-27T02:00:{:02}Z", second + 2), "event": {"event": "stage_finished", "stage": stage, "kind": "read", "status": status, "seconds": 0.31, "error": error}}));
        lines.push(json!({"time": format!("2026-11-27T02:00:{:02}Z", second + 2), "event": {"event": "stage_counted", "stage": stage, "out": 336_776}}));
    }
    lines.push(json!({"time": "2026-11-27T02:00:10Z", "event": {"event": "warning", "stage": "expected", "message": "2512 of 336776 rows fail `tailnum is not null`"}}));
    lines.push(
        json!({"time": "2026-11-27T02:00:10Z", "stream": "err", "line": "a line that the worker wrote by itself"}),
    );
    lines.push(json!({"time": "2026-11-27T02:00:12Z", "event": {"event": "run_finished", "exit_code": i32::from(bad), "seconds": 4.3}}));
    lines
}

pub(super) fn graph() -> serde_json::Value {
    let mut stages = vec![
        stage("planes", "read", "ingest", &[], (0, 3_322), ""),
        stage("airports", "read", "ingest", &[], (0, 1_458), ""),
        stage("weather", "read", "ingest", &[], (0, 26_115), ""),
        stage("flights", "read", "ingest", &[], (0, 336_776), ""),
        stage("with_aircraft", "join", "prepare", &["flights", "planes"], (336_776, 336_776), ""),
        stage("single", "dedupe", "prepare", &["with_aircraft"], (336_776, 336_774), "duplicates"),
        stage("expected", "validate", "prepare", &["single"], (336_774, 336_774), ""),
        stage("arrived", "filter", "prepare", &["expected"], (336_774, 327_344), "condition false"),
        stage("with_weather", "join", "prepare", &["arrived", "weather"], (327_344, 327_344), ""),
        stage("rules", "itemsets", "mine", &["arrived"], (327_344, 214), ""),
        stage("tensors", "tensors", "learn", &["with_weather"], (327_344, 327_344), ""),
        stage("model", "train", "learn", &["tensors"], (327_344, 0), ""),
        stage("judged", "evaluate", "learn", &["model"], (0, 0), ""),
        stage("late_by_hour", "chart", "render", &["with_weather", "airports"], (24, 24), ""),
    ];
    let last = stages.len() - 2;
    stages[last]["exhibits"] = json!([{"metrics": {"title": "Evaluation on test", "metrics": [
        {"name": "accuracy", "value": 0.894, "format": "percent", "note": "baseline 74.6 %"},
        {"name": "ROC AUC", "value": 0.9064, "format": "number", "note": "baseline 0.5"},
        {"name": "precision", "value": 0.877, "format": "percent", "note": null},
        {"name": "recall", "value": 0.678, "format": "percent", "note": "baseline 0.0 %"}]}}]);
    stages.into()
}

fn partitions(sample: &Sample, now: Timestamp) {
    let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
    let first = jiff::civil::date(today.year(), 1, 1);
    for (at, day) in first.series(jiff::ToSpan::days(1)).take_while(|day| *day < today).enumerate() {
        let number = at as i64;
        if (40..60).contains(&number) || number % 37 == 5 {
            continue;
        }
        let key = day.strftime("%Y-%m-%d").to_string();
        let moment = now - SignedDuration::from_hours(24 * 40) + SignedDuration::from_mins(number);
        let past = Past { partition: Some(key), ..Past::new("weather-days", moment, 30.0) };
        sample.past(if number % 29 == 3 {
            past.failed(1, "stage `weather` failed: no file for this day")
        } else {
            past
        });
    }
    for (at, month) in jiff::civil::date(2024, 3, 1)
        .series(jiff::ToSpan::months(1))
        .take_while(|month| month.first_of_month() < today.first_of_month())
        .enumerate()
    {
        let key = month.strftime("%Y-%m").to_string();
        let past = Past {
            partition: Some(key),
            ..Past::new("board-months", now - SignedDuration::from_hours(24 * 30 - at as i64), 90.0)
        };
        if at != 9 {
            sample.past(if at == 20 { past.failed(4, "a limit was reached: memory") } else { past });
        }
    }
    let keys: Vec<String> = (0..20)
        .map(|at| (jiff::civil::date(today.year(), 2, 10) + jiff::ToSpan::days(at)).strftime("%Y-%m-%d").to_string())
        .collect();
    let new = NewBackfill {
        key: "demo".to_owned(),
        job: "weather-days".to_owned(),
        first: keys[0].clone(),
        last: keys[19].clone(),
        partitions: keys,
        parallelism: 3,
        again: false,
        priority: 0,
        parameters: Object::new(),
        requested_by: "ann".to_owned(),
    };
    let begun: Backfill = sample.store().backfill(&new, now - SignedDuration::from_mins(20)).unwrap();
    for (round, _) in (0..4).enumerate() {
        for run in sample.store().advance_backfills(now - SignedDuration::from_mins(19)).unwrap() {
            let at = now - SignedDuration::from_mins(18 - round as i64);
            let Some(claimed) = sample.store().claim_next(at, |each| each.run == run).unwrap() else { continue };
            let worker = Worker { pid: 99, started: 1 };
            sample.store().begin(&claimed.claim, worker, "x", at).unwrap();
            if round < 3 {
                let state = if round == 1 { RunState::Failed } else { RunState::Succeeded };
                let ending = Ending { exit_code: Some(i32::from(round == 1)), ..Ending::of(state) };
                sample
                    .store()
                    .finish(&claimed.claim, &ending, at + SignedDuration::from_secs(40), |_| Default::default())
                    .unwrap();
            }
        }
    }
    assert!(begun.number > 0);
}

fn models(sample: &Sample, now: Timestamp) {
    for week in (0..6_i64).rev() {
        let at = now - SignedDuration::from_hours(24 * 7 * week + 3);
        let version = at.strftime("%Y%m%d-%H%M%S-0000").to_string() + &format!("{:04}", 400 - week);
        let metrics = json!({"accuracy": 0.871 + 0.004 * chance(week), "roc_auc": 0.9 + 0.01 * chance(week + 9), "rows_in": 71_000 + week});
        let promotion = match week {
            2 => refused(
                "churn",
                &version,
                "accuracy of `judged` is 0.842, below that of the current version (0.874) by more than 0.01",
                json!({"accuracy": 0.842, "roc_auc": 0.88, "rows_in": 71_002}),
            ),
            _ => promoted("churn", &version, metrics.clone()),
        };
        let mut promotions = vec![promotion];
        if week == 1 {
            promotions.push(promoted("segments", &version, json!({"silhouette": 0.41})));
        }
        sample.past(Past { metrics, promotions, ..Past::new("churn-model", at, 1900.0 + 300.0 * chance(week)) });
    }
}

/// A run at work, whose stages go on while one looks.
fn live(sample: &Sample, now: Timestamp) -> RunId {
    let mut new = NewRun::of("nightly-flights", Origin::Manual, "admin session 3f2a");
    new.parameters = object(json!({"day": "2026-11-26", "late_after": 30}));
    let (run, _) = sample.working(new, now - SignedDuration::from_secs(42));
    let mut stages = graph();
    for stage in stages.as_array_mut().unwrap() {
        stage["status"] = json!("waiting");
        stage["ledger"] = json!(null);
        stage["exhibits"] = json!([]);
    }
    sample.record(&run, stages, &[]);
    sample.log(&run, &lines(true)[..6]);
    sample.service.board().begins(&run, "nightly-flights", now);
    run
}

#[tokio::test]
async fn pages_of_invented_data_are_whole() {
    let (sample, run) = filled();
    for path in [
        "/",
        "/timeline",
        "/jobs/nightly-flights",
        "/jobs/weather-days",
        "/jobs/board-months",
        "/jobs/incoming",
        "/jobs/new-idea",
        "/jobs/old-report",
        "/models",
        "/models/1/restore",
        "/backfills/1",
        "/audit",
        &format!("/runs/{run}"),
    ] {
        let (status, page) = super::get(&sample, path).await;
        assert_eq!(status, axum::http::StatusCode::OK, "{path}: {page}");
    }
}
