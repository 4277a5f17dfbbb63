//! Several runs at once, and runs that are stopped: nothing half-written is left, and what was finished is kept.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{ALL_CACHED, PIPELINE, rerun, workshop};
use crate::support::{Outcome, Workshop, statuses};

#[test]
fn two_runs_at_once_in_one_folder_both_succeed() {
    let workshop = workshop(PIPELINE);
    let children: Vec<_> = (0..3)
        .map(|_| workshop.command(["run", "p.yaml", "--quiet"]).stderr(Stdio::piped()).spawn().unwrap())
        .collect();
    for child in children {
        Outcome::from(child.wait_with_output().unwrap()).success();
    }
    assert_eq!(workshop.runs().len(), 3);
    assert_eq!(workshop.read("out/people.csv").lines().count(), 4);
    assert_eq!(statuses(&workshop.run()), ALL_CACHED);
}

/// A table that is read in an instant, and a training that takes minutes.
pub(super) fn long_training() -> Workshop {
    let workshop = Workshop::with_pipeline(
        "\
name: long
stages:
  - read: {path: table.csv}
  - id: ready
    split: {by: hash, on: id}
  - write: {path: out/early.csv}
  - from: ready
    tensors: {features: [x, y], target: z}
  - id: model
    train: {network: [{dense: 256}, {dense: 256}], epochs: 100000, save: out/model}
report: {path: out/report.html}
",
    );
    let rows: String = (0..4000).map(|id| format!("{id},{},{},{}\n", id % 17, id % 5, id % 3)).collect();
    workshop.write("table.csv", format!("id,x,y,z\n{rows}"));
    workshop
}

/// Sends a signal some time after `sign` stands in the folder, and tells how the process ended and how long that took.
fn stop(workshop: &Workshop, signal: &str, sign: &str) -> (Outcome, Duration) {
    let child = workshop.command(["run", "p.yaml"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let began = Instant::now();
    while !workshop.exists(sign) && began.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::sleep(Duration::from_millis(500));
    let began = Instant::now();
    let kill = format!("kill {signal} {}", child.id());
    assert!(Command::new("bash").args(["-c", &kill]).status().unwrap().success());
    let outcome = child.wait_with_output().unwrap().into();
    (outcome, began.elapsed())
}

#[track_caller]
pub(super) fn assert_nothing_half_written(workshop: &Workshop, finished: &[&str]) {
    let names: Vec<String> = workshop.everything().into_keys().collect();
    let temporary: Vec<&String> =
        names.iter().filter(|name| name.contains(".tmp") || name.contains("gristmill-")).collect();
    assert!(temporary.is_empty(), "{temporary:?}");
    for name in names.iter().filter(|name| name.starts_with("out/") && !name.ends_with('/')) {
        assert!(finished.contains(&name.as_str()), "{name} was left behind");
    }
}

#[test]
fn control_c_ends_a_training_at_once_and_leaves_nothing_half_written() {
    for signal in ["-INT", "-TERM"] {
        let workshop = long_training();
        let (outcome, time) = stop(&workshop, signal, "out/early.csv");
        assert_eq!(outcome.code, Some(130), "{}{}", outcome.stdout, outcome.stderr);
        assert!(time < Duration::from_millis(1500), "{time:?}");
        assert_nothing_half_written(&workshop, &["out/early.csv", "out/report.html"]);
        assert!(!workshop.exists("out/model"));
        assert_eq!(workshop.read("out/early.csv").lines().count(), 4001);
        let manifest = workshop.manifest();
        assert_eq!((&manifest["status"], &manifest["exit_code"]), (&"interrupted".into(), &130.into()));
        let text = workshop.read("p.yaml").replace("epochs: 100000", "epochs: 1");
        let again = rerun(&workshop, &text);
        assert!(again.contains("write cached") && again.contains("model done"), "what was finished is kept: {again}");
    }
}

#[test]
fn control_c_ends_reading_and_writing_at_once_and_leaves_nothing_half_written() {
    let workshop = Workshop::with_pipeline(
        "\
name: long
stages:
  - id: table
    read: {path: [a.csv, b.csv, c.csv, d.csv], filename: file}
  - id: many
    join: {with: table, on: key, take: {id: other}}
  - write: {path: out/many.csv}
",
    );
    let rows: String = (0..40_000).map(|id| format!("{id},{}\n", id % 20)).collect();
    for name in ["a.csv", "b.csv", "c.csv", "d.csv"] {
        workshop.write(name, format!("id,key\n{rows}"));
    }
    let (outcome, time) = stop(&workshop, "-INT", ".gristmill/runs");
    assert_eq!(outcome.code, Some(130), "{}{}", outcome.stdout, outcome.stderr);
    assert!(time < Duration::from_millis(1500), "{time:?}");
    assert_nothing_half_written(&workshop, &[]);
}

#[test]
fn a_killed_run_is_taken_up_where_it_ended() {
    let workshop = long_training();
    let (outcome, _) = stop(&workshop, "-KILL", "out/early.csv");
    assert_eq!(outcome.code, None);
    let text = workshop.read("p.yaml").replace("epochs: 100000", "epochs: 1");
    let again = rerun(&workshop, &text);
    assert!(again.contains("write cached") && again.contains("model done"), "{again}");
    assert_nothing_half_written(
        &workshop,
        &[
            "out/early.csv",
            "out/report.html",
            "out/model/weights.safetensors",
            "out/model/network.json",
            "out/model/encoder.json",
            "out/model/bundle.json",
            "out/model/README.md",
        ],
    );
}
