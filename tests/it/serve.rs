//! The server as a user meets it: the program, a folder of jobs, commands, HTTP, and processes that are killed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Outcome, Workshop};

mod trouble;

/// Longer than anything here takes, also on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(60);

const PIPELINE: &str = "\
name: counted
params: {place: north}
stages:
  - id: rows
    read: {path: rows.csv}
  - id: some
    filter: \"n % 2 = 0\"
  - id: table
    write: {path: \"out/${place}.ndjson\"}
";

/// One that works for a second or more: 200 rows with each other, twice.
const LONG: &str = "\
name: long
stages:
  - id: rows
    read: {path: many.csv}
  - join: {with: rows, how: cross, take: {n: b}}
  - join: {with: rows, how: cross, take: {n: c}}
  - aggregate: {compute: {total: \"sum((n * b + c) % 7)\"}}
";

/// A folder with a pipeline and the job `plain`, of which `more` are further lines.
fn folder(more: &str) -> Workshop {
    let workshop = Workshop::new();
    let numbers = |most: u32| (0..most).map(|n| format!("{n}\n")).collect::<String>();
    workshop.write("rows.csv", format!("n\n{}", numbers(100)));
    workshop.write("many.csv", format!("n\n{}", numbers(200)));
    workshop.write("pipelines/counted.yaml", PIPELINE);
    workshop.write("pipelines/long.yaml", LONG);
    workshop.write("jobs/plain.yaml", format!("pipeline: pipelines/counted.yaml\n{more}"));
    workshop.write("token", "a-token-of-the-tests-that-is-long-enough-0123456789");
    restrict(&workshop, "token");
    workshop
}

fn restrict(workshop: &Workshop, name: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(workshop.path().join(name), PermissionsExt::from_mode(0o600)).unwrap();
}

/// A server of a folder; it is killed with the value.
struct Server {
    child: Child,
    url: String,
    errors: Option<ChildStderr>,
}

impl Server {
    fn start(workshop: &Workshop) -> Self {
        let mut command = workshop.command(["serve", "--port", "0", "--token-file", "token", "--grace", "5"]);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let errors = child.stderr.take();
        let Some(url) = line.trim().strip_prefix("serving at ") else {
            let mut text = String::new();
            errors.unwrap().read_to_string(&mut text).unwrap();
            panic!("the server says `{line}` and {text}");
        };
        Self { url: url.to_owned(), child, errors }
    }

    /// Asks the API; gives the state and the body.
    fn ask(&self, method: &str, path: &str, token: Option<&str>, body: Option<Value>) -> (u16, Value) {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.url));
        let request = match token {
            Some(token) => request.header("Authorization", format!("Bearer {token}")),
            None => request,
        };
        let request = request.header("Content-Type", "application/json");
        let mut answer = match body {
            Some(body) => agent.run(request.body(body.to_string()).unwrap()).unwrap(),
            None => agent.run(request.body(()).unwrap()).unwrap(),
        };
        let text = answer.body_mut().read_to_string().unwrap();
        (answer.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// Asks it to end, and gives its exit code and what it wrote to the error stream.
    fn end(mut self) -> (Option<i32>, String) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let mut text = String::new();
        self.errors.take().unwrap().read_to_string(&mut text).unwrap();
        (self.child.wait().unwrap().code(), text)
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn jobs(workshop: &Workshop, arguments: &[&str]) -> Outcome {
    workshop.gristmill(["jobs"].iter().chain(arguments))
}

/// The runs, the latest first.
fn history(workshop: &Workshop) -> Vec<Value> {
    let told = jobs(workshop, &["history", "--json"]).success();
    serde_json::from_str::<Vec<Value>>(&told.stdout).unwrap()
}

/// Waits until something holds of the runs, the latest first.
#[track_caller]
fn until(workshop: &Workshop, what: &str, holds: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let begun = Instant::now();
    loop {
        let runs = history(workshop);
        if holds(&runs) {
            return runs;
        }
        assert!(begun.elapsed() < PATIENCE, "{what} never comes: {runs:#?}");
        sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_run_that_is_asked_for_is_done_and_leaves_a_record_and_a_report() {
    let workshop = folder("parameters: {place: south}\n");
    let server = Server::start(&workshop);
    let told = jobs(&workshop, &["run", "plain", "--set", "place=west", "--wait"]).success();
    let run = told.stdout.lines().next().unwrap().to_owned();
    assert!(told.stdout.contains("some 50 rows"), "{}", told.stdout);
    assert_eq!(workshop.read_ndjson("out/west.ndjson").len(), 50);
    let record: Value = serde_json::from_str(&workshop.read(&format!(".gristmill/runs/{run}/manifest.json"))).unwrap();
    assert_eq!((record["id"].as_str(), record["status"].as_str()), (Some(run.as_str()), Some("done")));
    assert!(workshop.exists(&format!(".gristmill/runs/{run}/report.html")));
    let logs = jobs(&workshop, &["logs", &run]).success();
    assert!(logs.stdout.contains("run of `counted` begins"), "{}", logs.stdout);
    let (code, errors) = server.end();
    assert_eq!(code, Some(0), "{errors}");
}

#[test]
fn a_schedule_fires_and_each_of_its_times_is_recorded_once() {
    let workshop = folder("schedule: {cron: \"* * * * * *\"}\noverlap: queue\n");
    let server = Server::start(&workshop);
    let runs = until(&workshop, "three scheduled runs", |runs| {
        runs.iter().filter(|run| run["state"] == "succeeded").count() >= 3
    });
    let mut times: Vec<&str> = runs.iter().map(|run| run["scheduled"].as_str().unwrap()).collect();
    let all = times.len();
    times.dedup();
    assert_eq!(times.len(), all);
    assert!(times.iter().all(|time| time.ends_with(":00Z") || time.len() == "2026-11-27T21:00:00Z".len()), "{times:?}");
    drop(server);
}

#[test]
fn a_second_server_says_so_and_ends_with_2() {
    let workshop = folder("");
    let server = Server::start(&workshop);
    let second = workshop.gristmill(["serve", "--port", "0", "--token-file", "token"]);
    assert_eq!(second.code, Some(2), "{}", second.stderr);
    assert!(second.stderr.contains(&server.child.id().to_string()), "{}", second.stderr);
    let cleaned = workshop.gristmill(["clean", "--runs"]);
    assert_eq!(cleaned.code, Some(2), "{}", cleaned.stderr);
    assert_eq!(jobs(&workshop, &["health"]).code, Some(0));
    assert_eq!(server.end().0, Some(0));
    assert_eq!(jobs(&workshop, &["health"]).code, Some(1));
}

#[test]
fn the_api_wants_the_token_and_answers_a_repeated_request_with_the_same_run() {
    let workshop = folder("");
    let server = Server::start(&workshop);
    let token = workshop.read("token");
    assert_eq!(server.ask("GET", "/healthz", None, None).0, 200);
    assert_eq!(server.ask("GET", "/api/jobs", None, None).0, 401);
    assert_eq!(server.ask("GET", "/api/jobs", Some("another"), None).0, 401);
    let (state, listed) = server.ask("GET", "/api/jobs", Some(&token), None);
    assert_eq!(state, 200, "{listed}");
    assert!(listed.to_string().contains("\"plain\""), "{listed}");
    let (state, answer) = server.ask("POST", "/api/jobs/plain/run", Some(&token), Some(json!({})));
    assert!((200..300).contains(&state), "{state} {answer}");
    let run = answer["run"].as_str().unwrap().to_owned();
    until(&workshop, "the run's success", |runs| {
        runs.iter().any(|each| each["id"] == run.as_str() && each["state"] == "succeeded")
    });
    let (state, seen) = server.ask("GET", &format!("/api/runs/{run}"), Some(&token), None);
    assert_eq!((state, &seen["state"]), (200, &json!("succeeded")), "{seen}");
    let (state, metrics) = server.ask("GET", "/metrics", Some(&token), None);
    assert_eq!(state, 200);
    assert!(metrics.as_str().unwrap().contains("gristmill_"), "{metrics}");
    let (_, errors) = server.end();
    assert!(!errors.contains(&token), "the token is in the log");
}

#[test]
fn a_bad_file_is_told_and_the_last_good_version_stays_in_force() {
    let workshop = folder("");
    let server = Server::start(&workshop);
    jobs(&workshop, &["run", "plain", "--wait"]).success();
    workshop.write("jobs/plain.yaml", "pipeline: pipelines/counted.yaml\nretrys: 3\n");
    let checked = jobs(&workshop, &["check"]);
    assert_eq!(checked.code, Some(2));
    assert!(checked.stderr.contains("retries"), "the nearest name: {}", checked.stderr);
    let begun = Instant::now();
    while !jobs(&workshop, &["list"]).success().stdout.contains("bad file") {
        assert!(begun.elapsed() < PATIENCE);
        sleep(Duration::from_millis(50));
    }
    jobs(&workshop, &["run", "plain", "--wait"]).success();
    drop(server);
}

#[test]
fn a_job_names_no_pipeline_outside_of_the_folder() {
    let workshop = folder("");
    for outside in ["../p.yaml", "/etc/passwd", "pipelines/../../p.yaml"] {
        workshop.write("jobs/plain.yaml", format!("pipeline: {outside}\n"));
        let checked = jobs(&workshop, &["check"]);
        assert_eq!(checked.code, Some(2), "{outside}");
        assert!(checked.stderr.contains("served folder"), "{outside}: {}", checked.stderr);
    }
}

#[test]
fn a_run_whose_server_was_killed_is_lost_and_taken_up_again() {
    let workshop = folder("");
    workshop.write("jobs/plain.yaml", "pipeline: pipelines/long.yaml\nafter_crash: again\n");
    let server = Server::start(&workshop);
    jobs(&workshop, &["run", "plain"]).success();
    until(&workshop, "the run at work", |runs| runs[0]["state"] == "running");
    server.kill();
    let server = Server::start(&workshop);
    let runs =
        until(&workshop, "the end of the second attempt", |runs| runs.len() == 2 && runs[0]["state"] == "succeeded");
    assert_eq!((&runs[1]["state"], &runs[0]["attempt"]), (&json!("lost"), &json!(2)));
    assert_eq!(server.end().0, Some(0));
}

#[test]
fn a_run_that_is_cancelled_ends_and_is_not_tried_again() {
    let workshop = folder("");
    workshop.write("jobs/plain.yaml", "pipeline: pipelines/long.yaml\nretries: 3\n");
    let server = Server::start(&workshop);
    let run = jobs(&workshop, &["run", "plain"]).success().stdout.trim().to_owned();
    until(&workshop, "the run at work", |runs| runs[0]["state"] == "running");
    jobs(&workshop, &["cancel", &run]).success();
    let runs = until(&workshop, "its end", |runs| runs[0]["ended"].is_string());
    assert_eq!((runs.len(), &runs[0]["state"]), (1, &json!("cancelled")));
    // Once more changes nothing.
    jobs(&workshop, &["cancel", &run]).success();
    drop(server);
}

#[test]
fn a_server_that_is_asked_to_end_leaves_its_runs_to_the_next_one() {
    let workshop = folder("");
    workshop.write("jobs/plain.yaml", "pipeline: pipelines/long.yaml\n");
    let server = Server::start(&workshop);
    jobs(&workshop, &["run", "plain"]).success();
    until(&workshop, "the run at work", |runs| runs[0]["state"] == "running");
    let (code, errors) = server.end();
    assert_eq!(code, Some(0), "{errors}");
    let server = Server::start(&workshop);
    until(&workshop, "a success after the restart", |runs| runs[0]["state"] == "succeeded");
    drop(server);
}

#[test]
fn partitions_that_are_missing_are_filled() {
    let workshop =
        folder("partitions: {days: {from: 2026-01-01, to: 2026-01-04}}\nparameters: {place: \"${partition.key}\"}\n");
    let server = Server::start(&workshop);
    jobs(&workshop, &["run", "plain", "--partition", "2026-01-02", "--wait"]).success();
    let filled = ["backfill", "plain", "--from", "2026-01-01", "--to", "2026-01-03", "--parallelism", "2"];
    jobs(&workshop, &filled).success();
    until(&workshop, "three days", |runs| runs.iter().filter(|run| run["state"] == "succeeded").count() == 3);
    assert!(["01", "02", "03"].iter().all(|day| workshop.exists(&format!("out/2026-01-{day}.ndjson"))));
    assert_eq!(history(&workshop).len(), 3, "the day that was there is not run again");
    let missing = jobs(&workshop, &["partitions", "plain", "--missing"]).success();
    assert!(missing.stdout.contains("2026-01-04") && !missing.stdout.contains("2026-01-02"), "{}", missing.stdout);
    drop(server);
}

#[test]
fn commands_work_without_a_server_and_what_was_asked_for_waits() {
    let workshop = folder("");
    let told = jobs(&workshop, &["run", "plain"]).success();
    assert!(told.stderr.contains("no server runs here"), "{}", told.stderr);
    assert_eq!(history(&workshop)[0]["state"], "queued");
    let server = Server::start(&workshop);
    until(&workshop, "its success", |runs| runs[0]["state"] == "succeeded");
    drop(server);
}

#[test]
fn commands_ask_a_server_by_its_address_and_print_what_its_folder_would_say() {
    let workshop = folder("partitions: {days: {from: 2026-01-01, to: 2026-01-04}}\n");
    let server = Server::start(&workshop);
    let remote = |arguments: &[&str]| {
        let server = ["--server", &server.url, "--token-file", "token"];
        jobs(&workshop, &[arguments, &server[..]].concat())
    };
    let told = remote(&["run", "plain", "--partition", "2026-01-02", "--wait"]).success();
    let run = told.stdout.lines().next().unwrap().to_owned();
    assert!(told.stdout.contains("some 50 rows") && told.stderr.contains("succeeded"), "{told:?}");
    let commands: [&[&str]; 8] = [
        &["list", "--json"],
        &["show", "plain", "--json"],
        &["history", "plain", "--json"],
        &["logs", &run, "--json"],
        &["partitions", "plain"],
        &["next"],
        &["models"],
        &["health"],
    ];
    for command in commands {
        assert_eq!(remote(command).success().stdout, jobs(&workshop, command).success().stdout, "{command:?}");
    }
    assert_eq!(remote(&["run", "plian"]).code, Some(2));
    assert_eq!(remote(&["cancel", &run]).success().stdout, format!("{run} had ended before: succeeded\n"));
    let strange = jobs(&workshop, &["list", "--server", &server.url]);
    assert!(strange.code == Some(2) && strange.stderr.contains("GRISTMILL_TOKEN"), "{strange:?}");
    let url = server.url.clone();
    server.kill();
    let gone = jobs(&workshop, &["list", "--server", &url, "--token-file", "token"]);
    assert!(gone.code == Some(6) && gone.stderr.contains(&url), "{gone:?}");
}

#[test]
fn a_job_that_is_misspelt_is_told_with_the_nearest_name() {
    let workshop = folder("");
    let told = jobs(&workshop, &["show", "plains"]);
    assert_eq!(told.code, Some(2));
    assert!(told.stderr.contains("did you mean `plain`?"), "{}", told.stderr);
    let told = workshop.gristmill(["jobs", "list", "--dir", "nowhere"]);
    assert_eq!(told.code, Some(2));
    assert!(told.stderr.contains("--dir"), "{}", told.stderr);
}
