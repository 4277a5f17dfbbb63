//! Runs that a server starts: their folder, what they are compared with, and their end when nobody listens any more.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use serde_json::Value;

use super::stopping::long_training;
use super::{PIPELINE, workshop};
use crate::support::{Workshop, stage};

const FOLDER: &str = ".gristmill/runs/20260301-020000-00000042";

fn record(workshop: &Workshop, folder: &str) -> Value {
    serde_json::from_str(&workshop.read(&format!("{folder}/manifest.json"))).unwrap()
}

#[test]
fn a_server_decides_where_a_run_is_recorded() {
    let workshop = workshop(PIPELINE);
    workshop.write(&format!("{FOLDER}/log.jsonl"), "{}\n");
    workshop.gristmill(["run", "p.yaml", "--quiet", "--run-folder", FOLDER]).success();
    let record = record(&workshop, FOLDER);
    assert_eq!((&record["id"], &record["status"]), (&"20260301-020000-00000042".into(), &"done".into()));
    assert_eq!(workshop.read(&format!("{FOLDER}/log.jsonl")), "{}\n");
    assert!(workshop.exists(&format!("{FOLDER}/report.html")) && !workshop.exists(&format!("{FOLDER}/lock")));
    let again = workshop.gristmill(["run", "p.yaml", "--run-folder", FOLDER]);
    assert_eq!(again.code, Some(6), "{}", again.stderr);
    assert!(again.stderr.contains("is there already"), "{}", again.stderr);
    let elsewhere = workshop.gristmill(["run", "p.yaml", "--run-folder", "out/here"]);
    assert_eq!(elsewhere.code, Some(2), "{}", elsewhere.stderr);
    assert!(!workshop.exists("out/here"));
}

const COUNTED: &str = "\
name: counted
stages:
  - id: people
    read: {path: people.csv}
  - id: fit
    validate: {severity: warn, checks: [{steady_rows: {at_most: 10%}}]}
";

#[test]
fn a_run_is_compared_with_the_one_that_the_server_names() {
    let workshop = workshop(COUNTED);
    let run = |name: &str, previous: Option<&str>| {
        let folder = format!(".gristmill/runs/{name}");
        let mut arguments =
            vec!["run".to_owned(), "p.yaml".to_owned(), "--quiet".to_owned(), "--run-folder".to_owned()];
        arguments.push(folder.clone());
        arguments
            .extend(previous.into_iter().flat_map(|name| ["--previous".to_owned(), format!(".gristmill/runs/{name}")]));
        workshop.gristmill(arguments).success();
        stage(&record(&workshop, &folder), "fit")["exhibits"].to_string()
    };
    let first = "nothing to compare with yet";
    assert!(run("1", None).contains(first));
    assert!(run("2", None).contains(first), "no run was named");
    assert!(!run("3", Some("1")).contains(first));
}

/// A run of a server that takes its time, and the lines that it prints.
fn served(workshop: &Workshop) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut command = workshop.command(["run", "p.yaml", "--json", "--run-folder", FOLDER]);
    let folder = workshop.path().join(FOLDER);
    let mut child =
        command.env("GRISTMILL_SERVE", folder).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap());
    (child, lines)
}

#[test]
fn a_run_ends_with_its_server() {
    let workshop = long_training();
    let (mut child, mut lines) = served(&workshop);
    let mut line = String::new();
    while !(line.contains("stage_started") && line.contains("\"model\"")) {
        line.clear();
        assert!(lines.read_line(&mut line).unwrap() > 0, "it trains");
    }
    drop(lines);
    let began = Instant::now();
    let status = child.wait().unwrap();
    assert!(began.elapsed().as_secs() < 20);
    assert_eq!(status.code(), Some(130));
    assert_eq!(record(&workshop, FOLDER)["status"], "interrupted");
}

#[test]
fn a_run_tells_every_ten_seconds_that_it_lives() {
    let workshop = long_training();
    let (child, lines) = served(&workshop);
    let began = Instant::now();
    let alive = lines.lines().map_while(Result::ok).find(|line| line == "{\"event\":\"alive\"}");
    let took = began.elapsed();
    Command::new("bash").args(["-c", &format!("kill {}", child.id())]).status().unwrap();
    let _ = child.wait_with_output();
    assert!(alive.is_some(), "it ended after {took:?}");
    assert!((8..20).contains(&took.as_secs()), "{took:?}");
    let journal = workshop.read(&format!("{FOLDER}/events.jsonl"));
    assert!(!journal.contains("alive"), "{journal}");
}
