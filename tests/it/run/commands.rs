//! The other commands: runs, init, show, schema, explain and the references.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::{ALL_CACHED, FAILING, PIPELINE, rerun, workshop};
use crate::support::{Workshop, root, statuses};

#[test]
fn runs_lists_the_last_runs_first() {
    let workshop = workshop(PIPELINE);
    workshop.run();
    workshop.write("p.yaml", FAILING);
    workshop.gristmill(["run", "p.yaml", "--quiet"]);
    let text = workshop.gristmill(["runs"]).success().stdout;
    assert!(text.find("failing").unwrap() < text.find("play").unwrap(), "{text}");
    let runs: Vec<Value> = serde_json::from_str(&workshop.gristmill(["runs", "--json"]).success().stdout).unwrap();
    assert_eq!(runs.iter().map(|run| &run["pipeline"]).collect::<Vec<_>>(), ["failing", "play"]);
    let last: Vec<Value> =
        serde_json::from_str(&workshop.gristmill(["runs", "--json", "--last", "1"]).success().stdout).unwrap();
    assert_eq!(last.len(), 1);
    assert_eq!(last[0]["exit_code"], 3);
}

/// The folder with the files of the samples at the place where the pipelines look for them.
fn with_samples() -> Workshop {
    let workshop = Workshop::new();
    std::os::unix::fs::symlink(root().join("sample-data"), workshop.path().join("sample-data")).unwrap();
    std::os::unix::fs::symlink(root().join("pipelines"), workshop.path().join("pipelines")).unwrap();
    workshop
}

#[test]
fn init_writes_a_pipeline_that_runs_for_each_sample_file() {
    let files = [
        "sample-data/flights/airlines.csv",
        "sample-data/flights/airports.csv",
        "sample-data/flights/planes.csv",
        "sample-data/flights/weather.csv.gz",
        "sample-data/sales/sales_sample.csv",
    ];
    let workshop = with_samples();
    for file in files {
        let text = workshop.gristmill(["init", file]).success().stdout;
        workshop.write("p.yaml", text);
        workshop.gristmill(["check", "p.yaml"]).success();
        let manifest = workshop.run();
        assert!(!statuses(&manifest).contains("failed"), "{file}");
    }
    let all = workshop.gristmill(["init"].iter().chain(&files).chain(&["--output", "all.yaml"])).success();
    assert!(all.stdout.contains("all.yaml"), "{}", all.stdout);
    workshop.gristmill(["run", "all.yaml", "--quiet"]).success();
    assert_eq!(
        workshop.gristmill(["init", files[0], "--output", "all.yaml"]).code,
        Some(6),
        "a file is never replaced"
    );
    let missing = workshop.gristmill(["init", "sample-data/flights/airline.csv"]);
    assert_eq!(missing.code, Some(3));
    assert!(missing.stderr.contains("did you mean `sample-data/flights/airlines.csv`?"), "{}", missing.stderr);
}

#[test]
fn init_reads_the_damaged_sample_as_far_as_it_can() {
    let workshop = with_samples();
    let text = workshop.gristmill(["init", "sample-data/sales/sales_damaged.csv"]).success().stdout;
    workshop.write("p.yaml", text);
    let outcome = workshop.gristmill(["run", "p.yaml", "--quiet"]);
    assert!(matches!(outcome.code, Some(0 | 3)), "{}", outcome.stderr);
}

#[test]
fn every_pipeline_of_the_project_checks_and_is_shown_as_one_that_checks() {
    let workshop = with_samples();
    let mut seen = 0;
    for entry in std::fs::read_dir(root().join("pipelines")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "yaml") {
            continue;
        }
        seen += 1;
        let name = format!("pipelines/{}", path.file_name().unwrap().to_str().unwrap());
        workshop.gristmill(["check", &name]).success();
        let shown = workshop.gristmill(["show", &name]).success().stdout;
        workshop.write("shown.yaml", &shown);
        workshop.gristmill(["check", "shown.yaml"]).success();
        let again = workshop.gristmill(["show", "shown.yaml"]).success().stdout;
        assert_eq!(again, shown, "{name}: what is shown means the same");
        let json = workshop.gristmill(["show", &name, "--json"]).success().stdout;
        serde_json::from_str::<Value>(&json).unwrap();
    }
    assert!(seen >= 4, "{seen} pipelines");
}

#[test]
fn what_show_prints_means_the_same() {
    let workshop = workshop(PIPELINE);
    workshop.run();
    let shown = workshop.gristmill(["show", "p.yaml"]).success().stdout;
    assert!(shown.contains("if_exists: replace") && shown.contains("on_error: fail"), "{shown}");
    assert_eq!(rerun(&workshop, &shown), ALL_CACHED);
}

#[test]
fn inputs_that_options_name_are_shown_where_they_were_written() {
    let workshop = Workshop::with_pipeline(
        "name: named\nstages:\n  - id: a\n    read: {path: a.csv}\n  - id: b\n    read: {path: b.csv}\n  \
         - join: {with: a, on: x, how: semi}\n  - union: {with: a}\n  - compare: {with: a}\n  \
         - from: b\n    profile: {compare: a}\n  - from: b\n    link: {with: a, compare: {x: exact}}\n",
    );
    workshop.write("a.csv", "x\n1\n");
    workshop.write("b.csv", "x\n2\n");
    let shown = workshop.gristmill(["show", "p.yaml"]).success().stdout;
    workshop.write("shown.yaml", &shown);
    assert_eq!(workshop.gristmill(["show", "shown.yaml"]).success().stdout, shown);
}

#[test]
fn the_committed_schema_is_that_of_the_program() {
    let workshop = Workshop::new();
    let printed = workshop.gristmill(["schema"]).success().stdout;
    let committed = std::fs::read_to_string(root().join("schema/pipeline.schema.json")).unwrap();
    assert!(printed == committed, "run `gristmill schema > schema/pipeline.schema.json`");
    let schema: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
}

#[test]
fn the_references_print() {
    let workshop = Workshop::new();
    let lines = |arguments: &[&str]| workshop.gristmill(arguments).success().stdout;
    assert!(lines(&["functions"]).lines().count() >= 120);
    let function = lines(&["functions", "date_trunc"]);
    assert!(function.contains("date_trunc('month'"), "{function}");
    let stages = lines(&["stages"]);
    for line in stages.lines() {
        let kind = line.split_whitespace().next().unwrap();
        assert!(lines(&["stages", kind]).contains("```yaml"), "{kind} has an example");
    }
    assert!(stages.lines().count() >= 25);
    for shell in ["bash", "zsh", "fish"] {
        assert!(lines(&["completions", shell]).contains("gristmill"));
    }
    let unknown = workshop.gristmill(["functions", "date_trun"]);
    assert_eq!(unknown.code, Some(2));
    assert!(unknown.stderr.contains("did you mean `date_trunc`?"), "{}", unknown.stderr);
    let unknown = workshop.gristmill(["stages", "filer"]);
    assert_eq!(unknown.code, Some(2));
    assert!(unknown.stderr.contains("did you mean `filter`?"), "{}", unknown.stderr);
}

#[test]
fn explain_tells_of_the_graph_the_relation_and_the_columns() {
    let workshop = workshop(PIPELINE);
    let explain =
        |arguments: &[&str]| workshop.gristmill(["explain", "p.yaml"].iter().chain(arguments)).success().stdout;
    assert!(explain(&[]).contains("towns_file"));
    let graph = explain(&["--mermaid"]);
    assert!(graph.starts_with("flowchart ") && graph.matches(" --> ").count() == 5, "{graph}");
    assert!(explain(&["few", "--sql"]).to_lowercase().contains("select"));
    let origin = explain(&["filled", "--column", "price"]);
    assert!(origin.contains("people.csv") && origin.contains("filled"), "{origin}");
    let wrong = workshop.gristmill(["explain", "p.yaml", "filled", "--column", "prise"]);
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.stderr.contains("did you mean `price`?"), "{}", wrong.stderr);
}

#[test]
fn the_program_starts_and_checks_in_no_time() {
    let workshop = workshop(PIPELINE);
    let fastest = |arguments: &[&str]| {
        let times = (0..5).map(|_| {
            let began = Instant::now();
            workshop.gristmill(arguments).success();
            began.elapsed()
        });
        times.min().unwrap()
    };
    let start = fastest(&["--version"]);
    assert!(start < Duration::from_millis(60), "{start:?}");
    let check = fastest(&["check", "p.yaml"]);
    assert!(check < Duration::from_millis(150), "{check:?}");
}
