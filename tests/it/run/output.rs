//! What a run prints, for people and for programs.

use std::process::Stdio;

use serde_json::Value;

use super::{FAILING, PIPELINE, workshop};
use crate::support::{Outcome, Workshop};

#[test]
fn json_prints_an_event_a_line() {
    let workshop = workshop(PIPELINE);
    let outcome = workshop.gristmill(["run", "p.yaml", "--json"]).success();
    let events: Vec<Value> = outcome.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let named = |name: &str| events.iter().filter(|event| event["event"] == name).collect::<Vec<_>>();
    assert_eq!(events[0]["event"], "run_started");
    assert_eq!(events[0]["stages"].as_array().unwrap().len(), 6);
    assert_eq!(events.last().unwrap()["event"], "run_finished");
    assert_eq!(events.last().unwrap()["exit_code"], 0);
    assert_eq!(named("stage_finished").len(), 6);
    assert_eq!(named("stage_counted").len(), 6);
    assert_eq!(named("output_written").len(), 2);
    let filtered = named("stage_counted").into_iter().find(|event| event["stage"] == "few").unwrap();
    assert_eq!((&filtered["inputs"][0][1], &filtered["out"]), (&4.into(), &3.into()));
}

#[test]
fn json_tells_of_failures_too() {
    let workshop = workshop(FAILING);
    let outcome = workshop.gristmill(["run", "p.yaml", "--json"]);
    assert_eq!(outcome.code, Some(3));
    let events: Vec<Value> = outcome.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.last().unwrap()["exit_code"], 3);
    let failed: Vec<&Value> = events.iter().filter(|event| event["status"] == "failed").collect();
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_eq!(failed[0]["stage"], "bad");
    assert!(failed[0]["error"]["message"].as_str().unwrap().contains("ann"), "{}", failed[0]);
}

#[test]
fn quiet_prints_nothing_and_no_output_has_colours_in_a_pipe() {
    let workshop = workshop(PIPELINE);
    let quiet = workshop.gristmill(["run", "p.yaml", "--quiet"]).success();
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""));
    for arguments in
        [["run", "p.yaml", "--verbose"], ["explain", "p.yaml", "--mermaid"], ["check", "p.yaml", "--set=x=1"]]
    {
        let outcome: Outcome = workshop.command(arguments).env_remove("NO_COLOR").output().unwrap().into();
        assert!(!outcome.stdout.contains('\u{1b}') && !outcome.stderr.contains('\u{1b}'), "{arguments:?}");
    }
}

#[test]
fn the_command_line_has_exit_code_2_for_what_it_does_not_understand() {
    let workshop = workshop(PIPELINE);
    let cases: [&[&str]; 6] = [
        &["run"],
        &["rn", "p.yaml"],
        &["run", "p.yaml", "--untill", "few"],
        &["run", "p.yaml", "--threads", "none"],
        &["run", "p.yaml", "--memory", "lots"],
        &["run", "p.yaml", "--set", "least"],
    ];
    for arguments in cases {
        let outcome = workshop.gristmill(arguments);
        assert_eq!(outcome.code, Some(2), "{arguments:?}: {}", outcome.stderr);
        assert!(outcome.stderr.contains("error"), "{arguments:?}");
    }
    let outcome = workshop.gristmill(["run", "q.yaml"]);
    assert_eq!(outcome.code, Some(2), "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("q.yaml") && outcome.stderr.contains("did you mean `p.yaml`?"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let workshop = workshop(PIPELINE);
    for arguments in [&["functions"][..], &["schema"], &["stages"], &["run", "p.yaml", "--json"], &["show", "p.yaml"]] {
        let mut child = workshop.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let outcome: Outcome = child.wait_with_output().unwrap().into();
        assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

#[test]
fn an_expression_that_fails_is_named_with_its_place() {
    let text = "name: p
stages:
  - read: {path: t.csv}
  - derive:
      upper: \"upper(b)\"
      twice: \"cast(a as int) * 2\"
      length: \"length(b)\"
  - filter: \"length > 0\"
  - write: {path: out.csv}
";
    let workshop = Workshop::with_pipeline(text);
    workshop.write("t.csv", "a,b\n1,x\nthree,y\n");
    let outcome = workshop.gristmill(["run", "p.yaml"]);
    assert_eq!(outcome.code, Some(3), "{}", outcome.stderr);
    for words in ["stage `derive` failed", "column `twice`", "'three'", "p.yaml:6:14"] {
        assert!(outcome.stderr.contains(words), "no {words} in\n{}", outcome.stderr);
    }
    assert!(!workshop.exists("out.csv"));
}
