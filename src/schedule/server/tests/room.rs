//! Folders that cannot be written, disks that are full, databases that are damaged.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::super::launcher::Launcher;
use super::super::log::Silent;
use super::super::options::Options;
use super::super::threads::Server;
use super::*;
use crate::schedule::service::{Kind, ServiceError};
use crate::schedule::store::{ErrorKind, Object, RunState};

fn start(folder: &Path) -> Result<Server, ServiceError> {
    let fake: Arc<dyn Launcher> = Arc::new(Fake::default());
    Server::start_with(folder, Options::new("gristmill".into()), Arc::new(Silent), fake)
}

/// All files and folders with their texts.
fn all(folder: &Path) -> Vec<(String, Option<Vec<u8>>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        found.push((path.display().to_string(), fs::read(&path).ok()));
        if path.is_dir() {
            found.extend(all(&path));
        }
    }
    found.sort();
    found
}

#[test]
fn where_no_state_can_be_written_the_start_says_what_stands_in_the_way_and_leaves_all_as_it_is() {
    for (way, kind) in [(".gristmill", Kind::Broken), (".gristmill/gristmill.db", Kind::Broken)] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(way);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        match way {
            ".gristmill" => fs::write(&path, "a file").unwrap(),
            _ => fs::create_dir(&path).unwrap(),
        }
        let before = all(folder.path());
        let error = start(folder.path()).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(way), "{error}");
        assert!(error.help().is_some(), "{error}");
        let kept: Vec<_> = all(folder.path()).into_iter().filter(|(name, _)| !name.ends_with(".lock")).collect();
        let made: Vec<_> = kept.iter().filter(|one| !before.contains(one)).collect();
        assert!(made.iter().all(|(name, _)| name.ends_with("runs")), "{way}: {made:?}");
    }
    // Where not even the administrator makes files.
    let system = Path::new("/sys/kernel");
    if system.is_dir() {
        let error = start(system).unwrap_err();
        assert_eq!(error.kind(), Kind::Broken);
        assert!(error.to_string().starts_with("`/sys/kernel/.gristmill` cannot be read or written"), "{error}");
        assert!(!system.join(".gristmill").exists());
    }
}

#[test]
fn a_folder_of_runs_that_cannot_be_written_ends_runs_with_the_reason_and_the_server_goes_on() {
    let mut world = World::new("2026-03-01T10:00:00Z", &[("job", "")]);
    let runs = world.folder.path().join(".gristmill/runs");
    world.turn();
    fs::remove_dir(&runs).unwrap();
    fs::write(&runs, "in the way").unwrap();
    let run = world.ask("job");
    world.pass(5);
    let ended = world.run(&run);
    assert_eq!(ended.state, RunState::Failed);
    let message = ended.message.as_deref().unwrap();
    assert!(message.contains("cannot make the folder of the run") && message.contains(".gristmill/runs/"), "{message}");
    assert_eq!(world.fake.at_work(), 0);
    assert!(world.service.health().alive);
    fs::remove_file(&runs).unwrap();
    fs::create_dir(&runs).unwrap();
    let run = world.ask("job");
    world.pass(5);
    assert_eq!(world.run(&run).state, RunState::Succeeded);
    world.sound();
}

#[test]
fn a_database_that_finds_no_room_is_said_with_what_to_do_and_loses_nothing() {
    let mut world = World::new("2026-03-01T10:00:00Z", &[("job", "schedule: {every: 1m}")]);
    world.script("job", &[Script::Ends(10, 0)]);
    world.turn();
    let before = world.ask("job");
    world.pass(65);
    world.faults.fill_at(1);
    world.pass(60);
    let health = world.service.health();
    assert!(health.alive && !health.ready, "{health:?}");
    let said = "gristmill.db` cannot grow: there is no room on the disk; free some space";
    assert!(health.reasons.iter().any(|reason| reason.contains(said)), "{health:?}");
    assert!(world.said("there is no room on the disk"));
    let refused = world.ask_with("job", Object::new()).unwrap_err();
    assert_eq!(refused.kind(), Kind::Unavailable, "{refused}");
    let ServiceError::Store(error) = &refused else { panic!("{refused}") };
    assert_eq!(error.kind(), ErrorKind::Full);
    world.faults.end();
    world.pass(120);
    assert_eq!(world.run(&before).state, RunState::Succeeded);
    assert!(world.service.health().ready);
    assert!(world.states().iter().filter(|state| **state == RunState::Succeeded).count() >= 3, "{:?}", world.states());
    world.sound();
}

#[test]
fn a_damaged_database_is_not_served_and_not_touched_and_the_message_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    start(folder.path()).unwrap().stop().unwrap();
    let database = folder.path().join(".gristmill/gristmill.db");
    let good = fs::read(&database).unwrap();
    let mut bad = good.clone();
    // The pages after the first, in which the schema begins.
    bad[4096..].iter_mut().for_each(|byte| *byte = byte.wrapping_mul(31).wrapping_add(7));
    fs::write(&database, &bad).unwrap();
    let error = start(folder.path()).unwrap_err();
    assert_eq!(error.kind(), Kind::Broken, "{error}");
    assert!(error.to_string().contains("gristmill.db` is damaged"), "{error}");
    let help = error.help().unwrap();
    assert!(help.contains("nothing was changed") && help.contains("backup") && help.contains(".recover"), "{help}");
    assert_eq!(fs::read(&database).unwrap(), bad);
    fs::write(&database, &good).unwrap();
    start(folder.path()).unwrap().stop().unwrap();
}
