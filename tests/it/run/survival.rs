//! Runs whose process dies: what the user is told, what is left, and what the next run has to do again.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::stopping::{assert_nothing_half_written, long_training};
use super::{ALL_CACHED, PIPELINE, rerun, workshop};
use crate::support::{Outcome, Workshop, stage, statuses};

/// Waits until something is there.
#[track_caller]
fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "there was no {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The process that does the work of a run.
fn worker(run: &Child) -> Option<u32> {
    let children = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", run.id())).ok()?;
    children.split_whitespace().next()?.parse().ok()
}

fn signal(process: u32, signal: &str) {
    // A process that has just ended needs no signal.
    Command::new("bash").args(["-c", &format!("kill -{signal} {process} 2> /dev/null")]).status().unwrap();
}

fn has_ended(process: u32) -> bool {
    // A zombie that nobody waits for has ended, too.
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    text.is_empty() || text.contains("State:\tZ")
}

/// Whether a stage of the last run has begun its work and not ended it.
fn works_on(workshop: &Workshop, id: &str) -> bool {
    let journal = workshop.runs().last().map(|run| run.join("events.jsonl"));
    let text = journal.and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
    text.contains(&format!("\"stage_started\",\"stage\":\"{id}\""))
        && !text.contains(&format!("\"stage_finished\",\"stage\":\"{id}\""))
}

/// Starts a run, kills its worker while it trains, and gives what the run said.
fn crash(workshop: &Workshop, name: &str, arguments: &[&str]) -> Outcome {
    let mut command = workshop.command(["run", "p.yaml"].iter().chain(arguments));
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let process = wait_for("worker at work", || worker(&child).filter(|_| works_on(workshop, "model")));
    // The early file is written beside the training.
    wait_for("early file", || workshop.exists("out/early.csv").then_some(()));
    std::thread::sleep(Duration::from_millis(50));
    // The first SIGSEGV only takes the handler away that looks whether a stack ran over, and one that comes before that is done is
    // one with it.
    wait_for("end of the worker", || {
        signal(process, name);
        has_ended(process).then_some(())
    });
    child.wait_with_output().unwrap().into()
}

#[test]
fn a_worker_that_dies_is_one_clear_error_with_the_stage_and_exit_code_5() {
    for (name, says) in [("KILL", "signal 9 (SIGKILL)"), ("ABRT", "an abort"), ("SEGV", "a crash")] {
        let workshop = long_training();
        let outcome = crash(&workshop, name, &[]);
        let said: String = outcome.stderr.split_whitespace().collect::<Vec<_>>().join(" ").replace("│ ", "");
        assert_eq!(outcome.code, Some(5), "{said}");
        assert_eq!(said.matches("error: ").count(), 1, "{said}");
        for part in ["stage `model` (train, line 9 of p.yaml) failed", says, "stages that were finished are kept"] {
            assert!(said.contains(part), "{name}: no `{part}` in {said}");
        }
        let manifest = workshop.manifest();
        assert_eq!((&manifest["status"], &manifest["exit_code"]), (&"failed".into(), &5.into()));
        assert_eq!(stage(&manifest, "model")["status"], "failed");
        assert_eq!(stage(&manifest, "model")["error"]["class"], "worker");
        assert_eq!(stage(&manifest, "ready")["status"], "done");
        assert_nothing_half_written(&workshop, &["out/early.csv"]);
        let run = workshop.runs().pop().unwrap();
        assert!(run.join("report.html").exists() && !run.join("scratch").exists() && !run.join("lock").exists());
    }
}

#[test]
fn events_stay_json_when_the_worker_dies() {
    let workshop = long_training();
    let outcome = crash(&workshop, "KILL", &["--json"]);
    assert_eq!(outcome.code, Some(5), "{}", outcome.stderr);
    let events: Vec<Value> = outcome.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let last = events.last().unwrap();
    assert_eq!((&last["event"], &last["exit_code"], &last["failed"]), (&"run_finished".into(), &5.into(), &1.into()));
    let failed = events.iter().find(|event| event["status"] == "failed").unwrap();
    assert_eq!((&failed["stage"], &failed["error"]["class"]), (&"model".into(), &"worker".into()));
}

#[test]
fn the_worker_does_not_outlive_its_supervisor() {
    let workshop = long_training();
    let mut child = workshop.command(["run", "p.yaml", "--quiet"]).spawn().unwrap();
    let process = wait_for("worker at work", || worker(&child).filter(|_| works_on(&workshop, "model")));
    child.kill().unwrap();
    child.wait().unwrap();
    wait_for("end of the worker", || has_ended(process).then_some(()));
}

#[test]
fn a_signal_to_the_supervisor_alone_ends_the_run_in_order() {
    for name in ["INT", "TERM", "HUP"] {
        let workshop = long_training();
        let child = workshop.command(["run", "p.yaml"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        wait_for("training", || works_on(&workshop, "model").then_some(()));
        signal(child.id(), name);
        let outcome: Outcome = child.wait_with_output().unwrap().into();
        assert_eq!(outcome.code, Some(130), "{}", outcome.stderr);
        assert_eq!(outcome.stderr.matches("interrupted").count(), 1, "{}", outcome.stderr);
        assert_eq!(workshop.manifest()["status"], "interrupted");
    }
}

#[test]
fn the_next_run_sweeps_what_a_dead_one_left_and_finishes_its_record() {
    let workshop = long_training();
    let mut child = workshop.command(["run", "p.yaml", "--quiet"]).spawn().unwrap();
    wait_for("training", || works_on(&workshop, "model").then_some(()));
    child.kill().unwrap();
    child.wait().unwrap();
    std::thread::sleep(Duration::from_millis(100));
    let dead = workshop.runs().pop().unwrap();
    assert!(dead.join("scratch").exists() && dead.join("lock").exists());
    // What it would have left had it been killed in the middle of writing.
    let notes = std::fs::read_to_string(dead.join("places")).unwrap();
    let mark = notes.lines().find_map(|line| {
        let note: Value = serde_json::from_str(line).unwrap();
        Some(note["writes"]["mark"].as_str()?.to_owned())
    });
    workshop.write(&format!("out/.half.csv.{}.xyz.tmp", mark.unwrap()), "half");
    workshop.write("out/.half.csv.1-1.xyz.tmp", "of somebody else");
    let text = workshop.read("p.yaml").replace("epochs: 100000", "epochs: 1");
    rerun(&workshop, &text);
    assert!(!dead.join("scratch").exists() && !dead.join("lock").exists() && !dead.join("places").exists());
    let record: Value = serde_json::from_slice(&std::fs::read(dead.join("manifest.json")).unwrap()).unwrap();
    assert_eq!((&record["status"], &record["exit_code"]), (&"failed".into(), &5.into()));
    std::fs::remove_file(workshop.path().join("out/.half.csv.1-1.xyz.tmp")).expect("it is not ours to remove");
    let left: Vec<String> = workshop.everything().into_keys().filter(|name| name.contains(".tmp")).collect();
    assert!(left.is_empty(), "{left:?}");
}

/// A pipeline with stages of every sort: work on bytes, learned constants, tables that are made, sorts, groups and outputs.
const VARIED: &str = "\
name: varied
stages:
  - id: rows
    read: {path: rows.csv, on_error: reject}
  - id: scaled
    standardize: {columns: [x, y], method: minmax}
  - id: filled
    impute: {columns: {z: median}}
  - id: once
    dedupe: {on: [key, day]}
  - id: table
    write: {path: out/table.parquet}
  - id: described
    from: once
    describe: {}
  - id: groups
    from: once
    aggregate: {by: [day], compute: {n: count(*), x: max(x), z: max(z)}}
  - id: sorted
    sort: {by: [day]}
  - id: groups_file
    write: {path: out/groups.csv}
  - id: by_day
    from: once
    write: {path: out/by_day, format: ndjson, partition_by: part}
  - id: picture
    from: groups
    chart: {mark: line, x: day, y: sum(n), save: out/picture.svg}
";

fn varied() -> Workshop {
    let workshop = Workshop::with_pipeline(VARIED);
    let rows: String = (0..60_000_u64)
        .map(|row| {
            let x = row * 7919 % 10_007;
            let z = if row % 11 == 0 { String::new() } else { (row % 97).to_string() };
            let broken = if row % 5000 == 4999 { ",too many" } else { "" };
            format!("{},{},{}.5,{},{},p{}{broken}\n", row * 31 % 50_000, row % 365, x, row % 1013, z, row % 5)
        })
        .collect();
    workshop.write("rows.csv", format!("key,day,x,y,z,part\n{rows}"));
    workshop
}

/// The stages of which the journal of a run says so.
fn told(run: &std::path::Path, event: &str, status: Option<&str>) -> BTreeSet<String> {
    let text = std::fs::read_to_string(run.join("events.jsonl")).unwrap_or_default();
    let events = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let wanted =
        events.filter(|found| found["event"] == event && status.is_none_or(|status| found["status"] == status));
    // Rows of relational stages are not kept: they are computed again by the stage that reads them.
    let stages = wanted.map(|found| found["stage"].as_str().unwrap().to_owned());
    stages.filter(|stage| !["once", "groups", "sorted"].contains(&stage.as_str())).collect()
}

#[test]
fn a_run_that_is_killed_again_and_again_ends_with_the_same_files_and_does_no_finished_stage_twice() {
    let reference = varied();
    let began = Instant::now();
    reference.run();
    let whole = began.elapsed();
    let workshop = varied();
    let mut finished = BTreeSet::new();
    let mut seen = 0;
    // Moments spread over the run, each kill a little later than what a fixed stride would meet.
    for kill in 1..=12_u32 {
        let delay = whole.mul_f64(f64::from(kill * 7 % 13) / 13.0) + Duration::from_millis(u64::from(kill));
        let mut child = workshop.command(["run", "p.yaml", "--quiet"]).spawn().unwrap();
        std::thread::sleep(delay);
        child.kill().unwrap();
        child.wait().unwrap();
        let runs = workshop.runs();
        if runs.len() == seen {
            continue;
        }
        seen = runs.len();
        let run = runs.last().unwrap();
        let again: Vec<String> = told(run, "stage_started", None).intersection(&finished).cloned().collect();
        assert!(again.is_empty(), "{again:?} had been finished before");
        finished.extend(told(run, "stage_finished", Some("done")));
    }
    workshop.gristmill(["run", "p.yaml", "--quiet"]).success();
    let again: Vec<String> =
        told(workshop.runs().last().unwrap(), "stage_started", None).intersection(&finished).cloned().collect();
    assert!(again.is_empty(), "{again:?} had been finished before");
    assert_eq!(workshop.snapshot(), reference.snapshot(), "outputs differ, or something half-written was left");
    let ledgers = |workshop: &Workshop| -> Vec<Value> {
        workshop.manifest()["stages"].as_array().unwrap().iter().map(|stage| stage["ledger"].clone()).collect()
    };
    assert_eq!(ledgers(&workshop), ledgers(&reference));
    let text = workshop.read("p.yaml");
    assert!(!rerun(&workshop, &text).contains("done"), "the last run kept everything");
}

#[test]
fn runs_side_by_side_in_one_folder_do_not_harm_each_other() {
    let reference = varied();
    reference.run();
    let workshop = varied();
    for round in 0..2 {
        let runs: Vec<Child> = (0..4)
            .map(|run| {
                // Those without the cache replace what the others are reading.
                let arguments: &[&str] = if run % 2 == round { &["--no-cache"] } else { &[] };
                let mut command = workshop.command(["run", "p.yaml", "--quiet"].iter().chain(arguments));
                command.stderr(Stdio::piped()).spawn().unwrap()
            })
            .collect();
        // One of them is killed, which the others must not feel.
        let mut killed = workshop.command(["run", "p.yaml", "--quiet", "--no-cache"]).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(150));
        killed.kill().unwrap();
        killed.wait().unwrap();
        for run in runs {
            Outcome::from(run.wait_with_output().unwrap()).success();
        }
    }
    workshop.gristmill(["run", "p.yaml", "--quiet"]).success();
    assert_eq!(workshop.snapshot(), reference.snapshot());
}

#[test]
fn kept_results_beyond_the_limit_of_the_disk_are_removed() {
    let workshop = workshop(PIPELINE);
    workshop.run();
    assert_eq!(statuses(&workshop.run()), ALL_CACHED);
    workshop.gristmill(["run", "p.yaml", "--quiet", "--disk", "100"]).success();
    let found = statuses(&workshop.manifest());
    assert!(found.contains("done"), "{found}");
}

#[test]
fn the_check_finds_a_target_that_must_not_be_there() {
    let text = PIPELINE.replace("path: out/people.csv", "path: out/people.csv, if_exists: fail");
    let workshop = workshop(&text);
    workshop.write("out/people.csv", "mine\n");
    for command in ["check", "run"] {
        let outcome = workshop.gristmill([command, "p.yaml"]);
        assert_eq!(outcome.code, Some(6), "{}", outcome.stderr);
        assert!(
            outcome.stderr.contains("is there already") && outcome.stderr.contains("[p.yaml:"),
            "{}",
            outcome.stderr
        );
    }
    assert!(workshop.runs().is_empty(), "nothing was computed for it");
    std::fs::remove_file(workshop.path().join("out/people.csv")).unwrap();
    workshop.run();
    workshop.gristmill(["check", "p.yaml"]).success();
    assert_eq!(statuses(&workshop.run()), ALL_CACHED, "what a stage wrote itself is not in its way");
}

#[test]
fn a_worker_prints_as_it_works() {
    let workshop = long_training();
    let mut child = workshop.command(["run", "p.yaml", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(first["event"], "run_started");
    assert!(lines.any(|line| line.unwrap().contains("\"stage_progress\"")), "while the training goes on");
    signal(child.id(), "INT");
    for line in lines {
        serde_json::from_str::<Value>(&line.unwrap()).unwrap();
    }
    assert_eq!(child.wait().unwrap().code(), Some(130));
}
