//! Versions on a real disk, with faults at every step.

mod faults;
mod walk;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use serde_json::json;
use tempfile::TempDir;

use super::{PromoteError, Shelf, Version};
use crate::definition::{Ordered, Spanned};
use crate::run::manifest::RunRecord;
use crate::schedule::gate::Promote;

const RUN: &str = "20261127-020000-00000001";

/// A served folder.
struct Served {
    folder: TempDir,
    shelf: Shelf,
}

/// A shelf that sweeps versions at once.
fn shelf(base: &Path) -> Shelf {
    Shelf { resting: Duration::ZERO, ..Shelf::new(base) }
}

impl Served {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let shelf = shelf(folder.path());
        Self { folder, shelf }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Writes a model of two files, one of them in a folder.
    fn write_model(&self, text: &str) {
        self.write("out/model/model.json", text);
        self.write("out/model/weights/0.bin", &format!("{text}{text}"));
    }

    /// The record of a run that just ended and wrote everything in `out`.
    fn record(&self) -> RunRecord {
        let mut outputs = Vec::new();
        fn gather(base: &Path, folder: &Path, outputs: &mut Vec<serde_json::Value>) {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                match entry.file_type().unwrap() {
                    kind if kind.is_dir() => gather(base, &path, outputs),
                    kind if kind.is_file() => {
                        let bytes = entry.metadata().unwrap().len();
                        outputs.push(json!({ "path": path.strip_prefix(base).unwrap(), "rows": null, "bytes": bytes }));
                    }
                    _ => {}
                }
            }
        }
        gather(self.folder.path(), &self.path("out"), &mut outputs);
        self.record_of(&outputs, Timestamp::now(), 1.0)
    }

    fn record_of(&self, outputs: &[serde_json::Value], started: Timestamp, seconds: f64) -> RunRecord {
        let stage = super::super::tests::stage("w", "write", &json!({ "outputs": outputs }));
        let mut record = super::super::tests::record(&[stage]);
        record.started = started.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        record.seconds = seconds;
        record
    }

    fn stage(&self, run: &str, promote: &Promote) -> Result<Vec<Version>, PromoteError> {
        self.shelf.stage(run, promote, &self.record())
    }

    /// Everything below `models/m`, sorted; a link as `name -> target`.
    fn listing(&self) -> Vec<String> {
        fn list(base: &Path, folder: &Path, found: &mut Vec<String>) {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                let name = path.strip_prefix(base).unwrap().display().to_string();
                let kind = entry.file_type().unwrap();
                if kind.is_symlink() {
                    found.push(format!("{name} -> {}", fs::read_link(&path).unwrap().display()));
                } else if kind.is_dir() {
                    list(base, &path, found);
                } else {
                    found.push(name);
                }
            }
        }
        let mut found = Vec::new();
        list(&self.path("models/m"), &self.path("models/m"), &mut found);
        found.sort();
        found
    }
}

fn promote(pairs: &[(&str, &str)]) -> Promote {
    let spanned = |text: &str| Spanned::nowhere(text.to_owned());
    Promote(Ordered(pairs.iter().map(|(name, path)| (spanned(name), spanned(path))).collect()))
}

fn model() -> Promote {
    promote(&[("m", "out/model")])
}

fn refusal<T: std::fmt::Debug>(result: Result<T, PromoteError>) -> String {
    match result {
        Err(PromoteError::Refused(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_folder_becomes_a_version_and_a_file_stands_in_one() {
    let served = Served::new();
    served.write_model("one");
    served.write("out/table.csv", "a\n1\n");
    let versions = served.stage(RUN, &promote(&[("m", "out/model"), ("t", "out/table.csv")])).unwrap();
    let version = |name: &str, files, bytes| Version { name: name.to_owned(), version: RUN.to_owned(), files, bytes };
    assert_eq!(versions, [version("m", 2, 9), version("t", 1, 4)]);
    assert_eq!(served.shelf.current("m"), Ok(None));
    assert_eq!(served.shelf.publish("m", RUN), Ok(true));
    assert_eq!(served.shelf.publish("t", RUN), Ok(true));
    assert_eq!(served.shelf.current("m"), Ok(Some(RUN.to_owned())));
    assert_eq!(fs::read_to_string(served.path("models/m/current/weights/0.bin")).unwrap(), "oneone");
    assert_eq!(fs::read_to_string(served.path("models/t/current/table.csv")).unwrap(), "a\n1\n");
    // What the next run writes changes nothing.
    served.write_model("two");
    assert_eq!(fs::read_to_string(served.path("models/m/current/model.json")).unwrap(), "one");
}

#[test]
fn staging_and_publishing_may_be_asked_for_again() {
    let served = Served::new();
    served.write_model("one");
    let first = served.stage(RUN, &model()).unwrap();
    served.write_model("other");
    assert_eq!(served.stage(RUN, &model()).unwrap(), first);
    assert_eq!((served.shelf.publish("m", RUN), served.shelf.publish("m", RUN)), (Ok(true), Ok(false)));
    assert_eq!(
        served.listing(),
        [
            format!("current -> versions/{RUN}"),
            format!("versions/{RUN}/model.json"),
            format!("versions/{RUN}/weights/0.bin")
        ]
    );
}

#[test]
fn an_earlier_version_can_be_restored_as_long_as_it_is_there() {
    let served = Served::new();
    for run in ["1", "2", "3"] {
        served.write_model(run);
        served.stage(run, &model()).unwrap();
        served.shelf.publish("m", run).unwrap();
    }
    assert_eq!(served.shelf.publish("m", "1"), Ok(true));
    assert_eq!(fs::read_to_string(served.path("models/m/current/model.json")).unwrap(), "1");
    let gone = served.shelf.publish("m", "0").unwrap_err();
    assert_eq!(
        gone,
        PromoteError::Missing("version `0` of `m` is not there, or was swept; there are 3, 2, 1".to_owned())
    );
    assert_eq!(served.shelf.current("m"), Ok(Some("1".to_owned())));
}

#[test]
fn a_sweep_keeps_the_last_versions_the_current_and_those_that_are_needed() {
    let served = Served::new();
    for run in 1..=9 {
        served.write_model(&run.to_string());
        served.stage(&run.to_string(), &model()).unwrap();
    }
    served.shelf.publish("m", "2").unwrap();
    let needed = BTreeSet::from([("m".to_owned(), "3".to_owned()), ("other".to_owned(), "1".to_owned())]);
    let swept = served.shelf.sweep(5, &needed).unwrap();
    assert_eq!(swept.versions, [("m".to_owned(), "4".to_owned()), ("m".to_owned(), "1".to_owned())]);
    assert_eq!(swept.bytes, 6);
    assert_eq!(served.shelf.versions("m").unwrap(), ["9", "8", "7", "6", "5", "3", "2"]);
    // One stays even of none.
    served.shelf.sweep(0, &BTreeSet::new()).unwrap();
    assert_eq!(served.shelf.versions("m").unwrap(), ["9", "2"]);
    assert_eq!(served.shelf.current("m"), Ok(Some("2".to_owned())));
}

#[test]
fn a_version_that_was_just_made_is_not_swept_although_later_runs_were_faster() {
    let served = Served::new();
    for run in ["2", "3", "1"] {
        served.write_model(run);
        served.stage(run, &model()).unwrap();
    }
    let swept = Shelf::new(served.folder.path()).sweep(1, &BTreeSet::new()).unwrap();
    assert_eq!(swept.versions, []);
    let hours_ago = SystemTime::now() - Duration::from_secs(2 * 3_600);
    fs::File::open(served.path("models/m/versions/2")).unwrap().set_modified(hours_ago).unwrap();
    let swept = Shelf::new(served.folder.path()).sweep(1, &BTreeSet::new()).unwrap();
    assert_eq!(swept.versions, [("m".to_owned(), "2".to_owned())]);
}

#[test]
fn links_that_are_switched_at_the_same_time_always_lead_to_a_whole_version() {
    let served = Served::new();
    for run in ["1", "2", "3"] {
        served.write_model(run);
        served.stage(run, &model()).unwrap();
    }
    served.shelf.publish("m", "1").unwrap();
    std::thread::scope(|scope| {
        for runs in [["1", "2"], ["3", "2"]] {
            // Each with a shelf of its own, as two processes have.
            let shelf = shelf(served.folder.path());
            scope.spawn(move || {
                for run in runs.into_iter().cycle().take(60) {
                    shelf.publish("m", run).unwrap();
                    let text = fs::read_to_string(shelf.base.join("models/m/current/model.json")).unwrap();
                    assert!(["1", "2", "3"].contains(&text.as_str()));
                }
            });
        }
    });
    assert!(served.listing().iter().filter(|name| name.contains("current")).count() == 1);
}

#[test]
fn what_a_dead_server_left_goes_at_the_start_and_nothing_else() {
    let served = Served::new();
    served.write_model("one");
    served.stage(RUN, &model()).unwrap();
    served.shelf.publish("m", RUN).unwrap();
    let before = served.listing();
    served.write("models/m/versions/2.partial/half", "h");
    served.write("models/m/.trash/1.x.0/half", "h");
    served.write("keep/x", "x");
    symlink("versions/2", served.path("models/m/.current.x.0")).unwrap();
    symlink(served.path("keep"), served.path("models/m/versions/3.partial")).unwrap();
    assert_eq!(served.shelf.clear(), Ok(4));
    assert_eq!(served.listing(), before);
    assert!(served.path("keep/x").exists(), "a link is removed, not followed");
    assert_eq!(served.shelf.clear(), Ok(0));
}

#[test]
fn a_folder_without_models_has_nothing() {
    let served = Served::new();
    assert_eq!((served.shelf.clear(), served.shelf.current("m")), (Ok(0), Ok(None)));
    assert_eq!(served.shelf.versions("m"), Ok(Vec::new()));
    assert_eq!(served.shelf.sweep(5, &BTreeSet::new()).unwrap().versions, []);
    assert!(matches!(served.shelf.publish("m", RUN), Err(PromoteError::Missing(_))));
    assert!(!served.path("models").exists());
}

#[test]
fn links_are_neither_followed_nor_copied() {
    let served = Served::new();
    let secret = tempfile::tempdir().unwrap();
    fs::write(secret.path().join("key"), "secret").unwrap();
    served.write_model("one");
    let record = served.record();
    let stage = |path: &str| served.shelf.stage(RUN, &promote(&[("m", path)]), &record);
    // The source is a link.
    symlink(secret.path(), served.path("out/away")).unwrap();
    assert!(refusal(stage("out/away")).contains("is a link"));
    symlink(served.path("out/model"), served.path("out/alias")).unwrap();
    assert!(refusal(stage("out/alias")).contains("is a link"));
    // The way to it leads over one.
    assert!(refusal(stage("out/away/key")).contains("is a link"));
    // It holds one.
    symlink(secret.path().join("key"), served.path("out/model/key")).unwrap();
    assert!(refusal(stage("out/model")).contains("key` cannot be promoted: it is a link"));
    fs::remove_file(served.path("out/model/key")).unwrap();
    symlink("model.json", served.path("out/model/same")).unwrap();
    assert!(refusal(stage("out/model")).contains("it is a link"));
    assert_eq!(served.listing(), Vec::<String>::new());
}

#[test]
fn what_the_run_did_not_write_is_refused() {
    let served = Served::new();
    served.write_model("one");
    let old = SystemTime::now() - Duration::from_secs(3_600);
    served.write("out/model/old.txt", "old");
    let all = served.record();
    let set = |path: &str, time: SystemTime| {
        fs::File::options().write(true).open(served.path(path)).unwrap().set_modified(time).unwrap()
    };
    set("out/model/old.txt", old);
    let stage = |record: &RunRecord| served.shelf.stage(RUN, &model(), record);
    // Older than the run and none of its outputs.
    let none = served.record_of(&[], Timestamp::now(), 1.0);
    assert!(refusal(stage(&none)).contains("old.txt` was not written by this run"));
    // Kept work: older, but an output of the run.
    assert!(stage(&all).is_ok());
    fs::remove_dir_all(served.path("models")).unwrap();
    // Written over.
    served.write("out/model/model.json", "longer");
    assert!(refusal(stage(&all)).contains("has 6 bytes, and the run wrote 3"));
    served.write("out/model/model.json", "two");
    set("out/model/model.json", SystemTime::now() + Duration::from_secs(3_600));
    assert!(refusal(stage(&all)).contains("was written to after the run ended"));
    // Gone.
    fs::remove_file(served.path("out/model/model.json")).unwrap();
    assert!(refusal(stage(&all)).contains("model.json` is missing"));
    fs::remove_dir_all(served.path("out/model/weights")).unwrap();
    served.write("out/model/model.json", "one");
    assert!(refusal(stage(&all)).contains("weights/0.bin` is missing"));
    // A younger file that is no output is one of the run.
    fs::remove_dir_all(served.path("out/model")).unwrap();
    served.write_model("new");
    assert!(stage(&served.record_of(&[], Timestamp::now(), 1.0)).is_ok());
}

#[test]
fn outputs_are_known_by_absolute_paths_too() {
    let served = Served::new();
    served.write_model("one");
    let outputs = ["out/model/model.json", "out/model/weights/0.bin"].map(|path| {
        let path = served.path(path);
        json!({ "path": path, "rows": null, "bytes": fs::metadata(&path).unwrap().len() })
    });
    let later = Timestamp::now() + Duration::from_secs(3_600);
    assert_eq!(served.shelf.stage(RUN, &model(), &served.record_of(&outputs, later, 1.0)).unwrap().len(), 1);
}

#[test]
fn sources_that_are_no_files_are_refused() {
    let served = Served::new();
    served.write_model("one");
    let stage = |path: &str| served.stage(RUN, &promote(&[("m", path)]));
    assert!(refusal(stage("out/other")).contains("it is not there; does the pipeline write it?"));
    fs::create_dir(served.path("out/empty")).unwrap();
    assert!(refusal(stage("out/empty")).contains("there are no files in it"));
    let socket = std::os::unix::net::UnixListener::bind(served.path("out/model/socket")).unwrap();
    assert!(refusal(stage("out/model")).contains("it is no file"));
    assert!(refusal(stage("out/model/socket")).contains("neither a file nor a folder"));
    drop(socket);
    for path in ["../x", "/etc/passwd", ".gristmill/gristmill.db", "models/m", "."] {
        assert!(refusal(stage(path)).contains("cannot be promoted"), "{path}");
    }
}

#[test]
fn names_and_versions_cannot_leave_their_place() {
    let served = Served::new();
    served.write_model("one");
    served.stage(RUN, &model()).unwrap();
    for name in ["..", "a/b", "", ".", "M", ".trash", "/etc"] {
        assert!(refusal(served.shelf.publish(name, RUN)).contains("cannot be the name"), "{name}");
        assert!(refusal(served.shelf.current(name)).contains("cannot be the name"), "{name}");
        assert!(refusal(served.shelf.versions(name)).contains("cannot be the name"), "{name}");
    }
    for version in ["..", "../../x", "", ".", "a/b", &format!("{RUN}.partial"), "/etc"] {
        assert!(refusal(served.shelf.publish("m", version)).contains("cannot be the name of a version"), "{version}");
        assert!(refusal(served.stage(version, &model())).contains("cannot be the name of a version"), "{version}");
    }
}

#[test]
fn folders_of_others_in_the_place_of_versions_are_left_alone() {
    let served = Served::new();
    served.write_model("one");
    let elsewhere = tempfile::tempdir().unwrap();
    fs::create_dir_all(elsewhere.path().join("versions/1")).unwrap();
    fs::create_dir_all(served.path("models")).unwrap();
    symlink(elsewhere.path(), served.path("models/m")).unwrap();
    assert!(refusal(served.stage(RUN, &model())).contains("is a link, and has to be a folder"));
    assert!(refusal(served.shelf.publish("m", "1")).contains("is a link, and has to be a folder"));
    assert_eq!((served.shelf.clear(), served.shelf.sweep(1, &BTreeSet::new()).unwrap().versions.len()), (Ok(0), 0));
    fs::remove_file(served.path("models/m")).unwrap();
    served.stage(RUN, &model()).unwrap();
    // `current` is a folder that somebody made.
    served.write("models/m/current/model.json", "mine");
    assert!(refusal(served.shelf.publish("m", RUN)).contains("is no link"));
    assert!(refusal(served.shelf.current("m")).contains("is no link"));
    assert_eq!(fs::read_to_string(served.path("models/m/current/model.json")).unwrap(), "mine");
    fs::remove_dir_all(served.path("models/m/current")).unwrap();
    // A link that leads elsewhere is told, and replaced by the next version.
    for target in ["/etc", "../n/versions/1", "versions", "versions/../..", "versions/a.partial"] {
        symlink(target, served.path("models/m/current")).unwrap();
        assert!(refusal(served.shelf.current("m")).contains("leads to no version of its own"), "{target}");
        assert_eq!(served.shelf.sweep(1, &BTreeSet::new()).unwrap().versions.len(), 0);
        assert_eq!(served.shelf.publish("m", RUN), Ok(true));
        fs::remove_file(served.path("models/m/current")).unwrap();
    }
    symlink("versions/9", served.path("models/m/current")).unwrap();
    assert!(matches!(served.shelf.current("m"), Err(PromoteError::Missing(_))));
}

#[test]
fn when_one_thing_of_a_run_is_refused_no_version_of_it_stays() {
    let served = Served::new();
    served.write_model("one");
    let both = promote(&[("m", "out/model"), ("t", "out/nothing")]);
    assert!(refusal(served.stage(RUN, &both)).contains("out/nothing"));
    assert_eq!(served.shelf.versions("m").unwrap(), Vec::<String>::new());
    served.shelf.clear().unwrap();
    assert_eq!(served.listing(), Vec::<String>::new());
}

#[test]
fn a_version_that_there_is_no_room_for_is_refused_before_a_byte_is_copied() {
    let served = Served::new();
    served.write_model("one");
    let file = fs::File::options().write(true).open(served.path("out/model/model.json")).unwrap();
    // A file with a hole takes no room itself; its copy could not be made.
    file.set_len(1 << 43).unwrap();
    let Err(PromoteError::Full(reason)) = served.stage(RUN, &model()) else { panic!() };
    assert!(reason.contains("there is no room in") && reason.contains("8.0 TiB"), "{reason}");
    assert_eq!(served.listing(), Vec::<String>::new());
}

#[test]
fn files_of_a_version_are_as_readable_as_any_other() {
    let served = Served::new();
    served.write_model("one");
    fs::set_permissions(served.path("out/model/model.json"), fs::Permissions::from_mode(0o600)).unwrap();
    served.stage(RUN, &model()).unwrap();
    let mode = fs::metadata(served.path(&format!("models/m/versions/{RUN}/model.json"))).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o644);
}
