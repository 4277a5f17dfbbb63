//! Gates in the loop: what a run made becomes current, or does not.

use std::fs;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::*;
use crate::schedule::store::{PromotionState, RunState};
use crate::schedule::worker::Launch;

const GATED: &str = "require: [{rows: {stage: rows, at_least: 10}}]\npromote: {table: out/table.csv}";

/// What a worker leaves that gives so many rows: a table with them, and a record that says so.
pub(super) fn leave(launch: &Launch, rows: u64) {
    let out = launch.base.join("out");
    fs::create_dir_all(&out).unwrap();
    fs::write(out.join("table.csv"), format!("{rows} rows\n")).unwrap();
    let record = json!({
        "format": 1, "id": launch.run(), "pipeline": "late", "description": null, "title": "late", "file": "late.yaml", "text": "",
        // Files are as old as the machine's clock says.
        "params": {}, "started": Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(), "seconds": 1.0, "status": "done",
        "peak_memory": 0, "threads": 1, "version": "0", "machine": "", "warnings": [], "exit_code": 0, "folder": "",
        "stages": [{
            "id": "rows", "kind": "read", "family": "prepare", "description": null, "line": 1, "inputs": [], "status": "done",
            "error": null, "fingerprint": "0", "options": {}, "files": {}, "began": 0.0, "seconds": 1.0, "peak_memory": 0,
            "schema": null, "ledger": {"inputs": [], "lookups": [], "changes": [], "out": rows}, "exhibits": [], "outputs": [],
            "lineage": {},
        }],
    });
    fs::write(launch.folder.join("manifest.json"), record.to_string()).unwrap();
}

fn current(folder: &Path) -> Option<String> {
    fs::read_to_string(folder.join("models/table/current/table.csv")).ok()
}

fn versions(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder.join("models/table/versions")).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn what_holds_becomes_current_and_a_refused_run_succeeds_and_changes_nothing() {
    let mut world = World::new("2026-03-01T10:00:00Z", &[("late", GATED), ("after", "after: [late]")]);
    let folder = world.folder.clone();
    world.turn();
    world.fake.leaves("late", |launch| leave(launch, 20));
    let first = world.ask("late");
    world.pass(5);
    assert_eq!((world.run(&first).state, current(folder.path())), (RunState::Succeeded, Some("20 rows\n".to_owned())));
    let link = fs::read_link(folder.path().join("models/table/current")).unwrap();
    assert_eq!(link, Path::new("versions").join(first.as_str()));
    assert_eq!(world.runs().len(), 2, "the job after it has run");

    world.fake.leaves("late", |launch| leave(launch, 5));
    let second = world.ask("late");
    world.pass(5);
    let refused = world.run(&second);
    let reason = "the number of rows of `rows` is 5, and at least 10 is wanted.";
    assert_eq!((refused.state, refused.message.as_deref()), (RunState::Succeeded, Some(reason)));
    assert_eq!(current(folder.path()), Some("20 rows\n".to_owned()));
    assert_eq!(versions(folder.path()), [first.as_str()], "nothing was copied");
    let verdicts = world.service.store().promotions_of_run(&second).unwrap();
    assert_eq!(verdicts.len(), 1);
    assert_eq!((verdicts[0].state, verdicts[0].reason.as_deref()), (PromotionState::Refused, Some(reason)));
    let judged = fs::read_to_string(world.service.folder(&second).join("gate.json")).unwrap();
    assert!(judged.contains("\"held\":\"no\""), "{judged}");
    assert_eq!(world.runs().len(), 3, "no job runs after a refused one");
    assert!(world.said("\"gate\":\"refused\""));

    world.fake.leaves("late", |launch| leave(launch, 30));
    let third = world.ask("late");
    world.pass(5);
    assert_eq!(current(folder.path()), Some("30 rows\n".to_owned()));
    let mut world = world.crash(SignedDuration::from_secs(60));
    world.pass(5);
    assert_eq!(current(folder.path()), Some("30 rows\n".to_owned()));
    assert_eq!(world.service.store().champion("table").unwrap().unwrap().run, third);
    world.sound();
}

#[test]
fn a_run_that_left_no_record_or_not_what_is_to_be_promoted_is_refused() {
    let mut world = World::new("2026-03-01T10:00:00Z", &[("late", GATED)]);
    let folder = world.folder.clone();
    world.turn();
    let bare = world.ask("late");
    world.pass(5);
    let told = world.run(&bare);
    assert_eq!(told.state, RunState::Succeeded);
    assert!(told.message.as_deref().unwrap().starts_with("the run left no record"), "{told:?}");
    world.fake.leaves("late", |launch| {
        leave(launch, 20);
        fs::remove_file(launch.base.join("out/table.csv")).unwrap();
    });
    let empty = world.ask("late");
    world.pass(5);
    let told = world.run(&empty);
    assert_eq!(told.state, RunState::Succeeded);
    assert!(told.message.as_deref().unwrap().contains("does the pipeline write it?"), "{told:?}");
    assert!(!folder.path().join("models/table/current").exists());
    world.sound();
}

#[test]
fn a_version_whose_link_was_not_switched_is_published_by_the_next_server() {
    let mut world = World::new("2026-03-01T10:00:00Z", &[("late", GATED)]);
    let folder = world.folder.clone();
    world.turn();
    world.fake.leaves("late", |launch| leave(launch, 20));
    world.ask("late");
    world.pass(5);
    // As a server leaves it that dies after the verdict and before the link.
    let champion = world.service.store().champion("table").unwrap().unwrap();
    let database = world.service.store().path().to_path_buf();
    fs::remove_file(folder.path().join("models/table/current")).unwrap();
    let connection = rusqlite::Connection::open(database).unwrap();
    connection.execute("UPDATE promotions SET published = NULL WHERE number = ?1", [champion.number]).unwrap();
    drop(connection);
    let world = world.crash(SignedDuration::from_secs(1));
    assert_eq!(current(folder.path()), Some("20 rows\n".to_owned()));
    assert!(world.said("\"event\":\"published\""));
}

#[test]
fn a_run_whose_gates_are_judged_when_it_is_cancelled_promotes_nothing() {
    let mut world = World::new("2026-03-01T10:00:00Z", &[("late", GATED)]);
    let folder = world.folder.clone();
    world.turn();
    world.script("late", &[Script::Late]);
    world.fake.leaves("late", |launch| leave(launch, 20));
    let run = world.ask("late");
    world.pass(3);
    world.service.cancel(&run, &crate::schedule::service::Who::admin("ann")).unwrap();
    world.pass(3);
    assert_eq!(world.run(&run).state, RunState::Cancelled);
    assert!(world.service.store().champion("table").unwrap().is_none());
    assert!(!folder.path().join("models/table/current").exists());
    world.sound();
}
