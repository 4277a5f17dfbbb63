//! Each operation on the disk fails in turn.

use std::collections::BTreeSet;
use std::fs;

use super::{PromoteError, Served, model, promote, shelf};

/// The text of the current version, which must be complete; none without one.
fn current(served: &Served) -> Option<String> {
    let version = served.shelf.current("m").unwrap()?;
    let model = fs::read_to_string(served.path("models/m/current/model.json")).unwrap();
    let weights = fs::read_to_string(served.path("models/m/current/weights/0.bin")).unwrap();
    assert_eq!(weights, format!("{model}{model}"), "version {version} is not complete");
    Some(model)
}

/// What each version holds, all of which must be complete.
fn versions(served: &Served) -> Vec<String> {
    let versions = served.shelf.versions("m").unwrap();
    for version in &versions {
        let file =
            |name: &str| fs::read_to_string(served.path(&format!("models/m/versions/{version}/{name}"))).unwrap();
        assert_eq!(file("weights/0.bin"), file("model.json").repeat(2), "version {version} is not complete");
    }
    versions
}

/// Lets each operation of `work` fail in turn, once alone and once with all after it (a crash), and looks after each with
/// `look`, before and after the next start. Gives the number of operations.
fn each_fault(
    prepare: impl Fn(&Served),
    work: impl Fn(&Served) -> Result<(), PromoteError>,
    look: impl Fn(&Served, &Result<(), PromoteError>),
) -> u64 {
    let mut operations = 0;
    for (lasting, full) in [(false, false), (true, false), (false, true)] {
        for at in 1.. {
            let mut served = Served::new();
            prepare(&served);
            served.shelf.disk.faults.fail_at(at, lasting, full);
            let result = work(&served);
            let happened = served.shelf.disk.faults.end();
            look(&served, &result);
            // The next start.
            served.shelf = shelf(served.folder.path());
            served.shelf.clear().unwrap();
            look(&served, &result);
            let left: Vec<String> = served.listing();
            let is_left = |name: &String| [".partial", ".trash", ".current."].iter().any(|part| name.contains(part));
            assert!(!left.iter().any(is_left), "fault {at}: {left:?}");
            // And everything can be done again.
            work(&served).unwrap();
            look(&served, &Ok(()));
            if !happened {
                assert!(result.is_ok(), "{result:?}");
                operations = at - 1;
                break;
            }
        }
    }
    operations
}

fn with_one(served: &Served) {
    served.write_model("one");
    served.stage("1", &model()).unwrap();
    served.shelf.publish("m", "1").unwrap();
    served.write_model("two");
}

#[test]
fn a_fault_while_a_version_is_made_leaves_a_whole_version_or_none() {
    let operations = each_fault(
        with_one,
        |served| served.stage("2", &model()).map(drop),
        |served, result| {
            assert_eq!(current(served).as_deref(), Some("one"));
            let there = versions(served);
            if result.is_ok() {
                assert_eq!(there, ["2", "1"]);
            }
        },
    );
    // Folders, two files with their syncs, syncs, the rename.
    assert!(operations >= 10, "{operations}");
}

#[test]
fn a_disk_that_fills_up_while_a_version_is_made_says_so_and_leaves_nothing() {
    for at in 1.. {
        let served = Served::new();
        with_one(&served);
        let before = served.listing();
        served.shelf.disk.faults.fail_at(at, false, true);
        let result = served.stage("2", &model());
        if !served.shelf.disk.faults.end() {
            break;
        }
        let Err(PromoteError::Full(reason)) = result else { panic!("fault {at}: {result:?}") };
        assert!(reason.contains("free some space"), "{reason}");
        served.shelf.clear().unwrap();
        let mut after = served.listing();
        // The very last syncs come when the version is complete already.
        after.retain(|name| !name.starts_with("versions/2/"));
        assert_eq!(after, before, "fault {at}");
    }
}

#[test]
fn a_fault_while_the_link_is_switched_leaves_the_old_or_the_new_one() {
    let operations = each_fault(
        |served| {
            with_one(served);
            served.stage("2", &model()).unwrap();
        },
        |served| served.shelf.publish("m", "2").map(drop),
        |served, result| {
            assert_eq!(versions(served), ["2", "1"]);
            let text = current(served);
            match result {
                Ok(()) => assert_eq!(text.as_deref(), Some("two")),
                Err(_) => assert!(matches!(text.as_deref(), Some("one" | "two"))),
            }
        },
    );
    // The link, the rename, the sync.
    assert_eq!(operations, 3);
}

#[test]
fn a_fault_while_versions_are_swept_leaves_none_by_half() {
    let operations = each_fault(
        |served| {
            with_one(served);
            for run in ["2", "3"] {
                served.stage(run, &model()).unwrap();
                served.write_model(run);
            }
        },
        |served| served.shelf.sweep(1, &BTreeSet::new()).map(drop),
        |served, result| {
            assert_eq!(current(served).as_deref(), Some("one"));
            let there = versions(served);
            assert!(there.starts_with(&["3".to_owned()]) && there.ends_with(&["1".to_owned()]), "{there:?}");
            if result.is_ok() {
                assert_eq!(there.len(), 2);
            }
        },
    );
    assert_eq!(operations, 4);
}

#[test]
fn a_fault_in_the_second_of_two_things_removes_the_first() {
    let both = || promote(&[("m", "out/model"), ("n", "out/model")]);
    for at in 1.. {
        let served = Served::new();
        with_one(&served);
        served.shelf.disk.faults.fail_at(at, false, false);
        let result = served.stage("2", &both());
        if !served.shelf.disk.faults.end() {
            assert!(result.is_ok());
            break;
        }
        assert!(result.is_err(), "fault {at}");
        let there = (versions(&served), served.shelf.versions("n").unwrap());
        // What is complete in spite of an error (the last sync of its folder failed) is a whole version that nobody names.
        assert!(there.0.ends_with(&["1".to_owned()]), "fault {at}: {there:?}");
        assert_eq!(current(&served).as_deref(), Some("one"));
    }
}
