//! Patterns, snapshots of real folders, and the rule of settling under a simulated clock.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;

fn pattern(text: &str) -> Pattern {
    Pattern::new(text).unwrap()
}

fn make(base: &Path, files: &[&str]) {
    for file in files {
        let path = base.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "x").unwrap();
    }
}

fn found(base: &Path, text: &str) -> Vec<String> {
    snapshot(base, &pattern(text)).unwrap().0.into_keys().collect()
}

#[test]
fn a_pattern_finds_its_files() {
    let base = tempfile::tempdir().unwrap();
    make(
        base.path(),
        &[
            "in/a.csv",
            "in/b.csv",
            "in/c.txt",
            "in/.hidden.csv",
            "in/sub/d.csv",
            "in/sub/deep/e.csv",
            "in/.git/f.csv",
            "one.csv",
        ],
    );
    for (text, files) in [
        ("in/*.csv", &["in/a.csv", "in/b.csv"][..]),
        ("in/?.txt", &["in/c.txt"]),
        ("in/[ab].csv", &["in/a.csv", "in/b.csv"]),
        ("in/[!a].csv", &["in/b.csv"]),
        ("in/**/*.csv", &["in/a.csv", "in/b.csv", "in/sub/d.csv", "in/sub/deep/e.csv"]),
        ("**/*.csv", &["in/a.csv", "in/b.csv", "in/sub/d.csv", "in/sub/deep/e.csv", "one.csv"]),
        ("in/**", &["in/a.csv", "in/b.csv", "in/c.txt", "in/sub/d.csv", "in/sub/deep/e.csv"]),
        ("*/*/*.csv", &["in/sub/d.csv"]),
        ("in/**/**/deep/*", &["in/sub/deep/e.csv"]),
        ("in/.*.csv", &["in/.hidden.csv"]),
        ("in/.hidden.csv", &["in/.hidden.csv"]),
        ("in/sub", &["in/sub/d.csv", "in/sub/deep/e.csv"]),
        ("in/sub/", &["in/sub/d.csv", "in/sub/deep/e.csv"]),
        ("./one.csv", &["one.csv"]),
        ("missing/*.csv", &[]),
        ("one.csv/*", &[]),
        ("*", &["one.csv"]),
    ] {
        assert_eq!(found(base.path(), text), files, "{text}");
        // One by one, the same.
        for file in found(base.path(), "**").iter().chain(&["in/.hidden.csv".to_owned(), "in/.git/f.csv".to_owned()]) {
            assert_eq!(holds(base.path(), &pattern(text), file), Ok(files.contains(&file.as_str())), "{text} {file}");
        }
        for other in
            ["", "in", "in/sub", "in/./a.csv", "in//a.csv", "in/sub/../a.csv", "in/a.csv/", "/in/a.csv", "in/a.csv/x"]
        {
            assert_eq!(holds(base.path(), &pattern(text), other), Ok(false), "{text} {other}");
        }
    }
}

#[test]
fn a_pattern_that_cannot_be_read_or_leads_out_is_refused() {
    for (text, why) in [
        ("in/[a.csv", "invalid range pattern"),
        ("in/***.csv", "wildcards are either regular `*` or recursive `**`"),
        ("in/a**.csv", "recursive wildcards must form a single path component"),
        ("../*.csv", "`..` leads upwards"),
        ("in/../../*.csv", "`..` leads upwards"),
        ("/tmp/*.csv", "it is absolute"),
        (".gristmill/**", "`.gristmill` holds the server's own files"),
        ("", "it is empty"),
    ] {
        let refused = Pattern::new(text).unwrap_err();
        assert!(refused.why.contains(why), "{text}: {}", refused.why);
    }
}

#[test]
fn links_are_followed_inside_only_and_never_in_circles() {
    let whole = tempfile::tempdir().unwrap();
    let base = whole.path().join("served");
    make(whole.path(), &["outside/secret.csv", "served/in/a.csv", "served/.gristmill/cache/b.csv"]);
    symlink("a.csv", base.join("in/alias.csv")).unwrap();
    symlink("../../outside/secret.csv", base.join("in/secret.csv")).unwrap();
    symlink("../../outside", base.join("in/outside")).unwrap();
    symlink("..", base.join("in/up")).unwrap();
    symlink("../.gristmill", base.join("in/state")).unwrap();
    symlink("nowhere", base.join("in/dangling.csv")).unwrap();
    assert_eq!(found(&base, "in/*.csv"), ["in/a.csv", "in/alias.csv"]);
    assert_eq!(found(&base, "**/*.csv"), ["in/a.csv", "in/alias.csv"]);
    assert_eq!(found(&base, "in/outside/*.csv"), Vec::<String>::new());
    assert_eq!(found(&base, "in/outside"), Vec::<String>::new());
    assert_eq!(found(&base, "in/*/secret.csv"), Vec::<String>::new());
    assert_eq!(found(&base, "in/state/cache/*.csv"), Vec::<String>::new());
    assert_eq!(found(&base, "*/cache/*.csv"), Vec::<String>::new());
    // Upwards, but inside.
    assert_eq!(found(&base, "in/up/in/a.csv"), ["in/up/in/a.csv"]);
    for (text, path, is_one) in [
        ("in/*.csv", "in/alias.csv", true),
        ("in/*.csv", "in/secret.csv", false),
        ("**/*.csv", "in/outside/secret.csv", false),
        ("in/*/*.csv", "in/outside/secret.csv", false),
        ("**/*.csv", "in/up/in/a.csv", false),
        ("in/*/in/*.csv", "in/up/in/a.csv", true),
        ("in/*/*/*.csv", "in/state/cache/b.csv", false),
        ("in/*.csv", "in/dangling.csv", false),
    ] {
        assert_eq!(holds(&base, &pattern(text), path), Ok(is_one), "{text} {path}");
        assert_eq!(found(&base, text).contains(&path.to_owned()), is_one, "{text} {path}");
    }
}

#[test]
fn more_files_than_can_be_watched_are_refused_with_what_to_do() {
    let base = tempfile::tempdir().unwrap();
    fs::create_dir(base.path().join("in")).unwrap();
    for number in 0..=MOST_FILES {
        fs::File::create(base.path().join(format!("in/{number}.csv"))).unwrap();
    }
    assert_eq!(
        snapshot(base.path(), &pattern("in/*.csv")),
        Err("`in/*.csv` names more than 10000 files; narrow it, or move those away that are done with".to_owned())
    );
    assert_eq!(found(base.path(), "in/99*9.csv").len(), 11);
}

#[test]
fn what_is_not_there_is_no_trouble_and_a_served_folder_that_is_not_is() {
    let base = tempfile::tempdir().unwrap();
    assert_eq!(snapshot(base.path(), &pattern("in/*.csv")), Ok(Snapshot::default()));
    let missing = base.path().join("gone");
    let error = snapshot(&missing, &pattern("in/*.csv")).unwrap_err();
    assert!(error.starts_with("cannot look into") && error.ends_with("no such file or directory"), "{error}");
}

#[test]
fn each_change_of_a_file_shows() {
    let base = tempfile::tempdir().unwrap();
    make(base.path(), &["a.csv"]);
    let look = || snapshot(base.path(), &pattern("*.csv")).unwrap();
    let first = look();
    assert_eq!(look(), first);
    // Longer.
    fs::write(base.path().join("a.csv"), "xy").unwrap();
    let longer = look();
    assert_ne!(longer, first);
    // The same content and time, but another file.
    let old = fs::metadata(base.path().join("a.csv")).unwrap().modified().unwrap();
    fs::write(base.path().join("new"), "xy").unwrap();
    fs::File::options().write(true).open(base.path().join("new")).unwrap().set_modified(old).unwrap();
    fs::rename(base.path().join("new"), base.path().join("a.csv")).unwrap();
    let other = look();
    assert_ne!(other, longer);
    // The same file, written to at another time.
    fs::File::options()
        .write(true)
        .open(base.path().join("a.csv"))
        .unwrap()
        .set_modified(old + Duration::from_nanos(1_000))
        .unwrap();
    let touched = look();
    assert_ne!(touched, other);
    let all = [&first, &longer, &other, &touched].map(Snapshot::fingerprint);
    assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), 4);
    // BLAKE3 of the stated text, by another program.
    let known = Snapshot(BTreeMap::from([("a.csv".to_owned(), Stamp { size: 1, modified: 2, inode: 3 })]));
    assert_eq!(known.fingerprint(), blake3::hash(b"a.csv\n1 2 3\n").to_hex().to_string());
}

fn files(files: &[(&str, u64)]) -> Snapshot {
    let stamp = |size: u64| Stamp { size, modified: 0, inode: 1 };
    Snapshot(files.iter().map(|(path, size)| ((*path).to_owned(), stamp(*size))).collect())
}

/// A watch of 30 seconds under a clock that the test sets.
struct Watched {
    poller: Poller,
    seconds: u64,
}

impl Watched {
    fn new(known: Option<&str>) -> Self {
        let watch = Watch { path: pattern("in/*"), settled: "30s".parse().unwrap() };
        Self { poller: Poller::new(&watch, known), seconds: 0 }
    }

    fn start() -> Timestamp {
        "2026-11-27T10:00:00Z".parse().unwrap()
    }

    /// A look after some seconds; the files of an occurrence.
    fn after(&mut self, seconds: u64, snapshot: &Snapshot) -> Option<Vec<String>> {
        self.seconds += seconds;
        let now = Self::start() + SignedDuration::from_secs(i64::try_from(self.seconds).unwrap());
        let changed = self.poller.look(snapshot.clone(), now, Duration::from_secs(self.seconds))?;
        assert_eq!(changed.at, now);
        assert_eq!(changed.fingerprint, snapshot.fingerprint());
        Some(changed.files)
    }
}

fn some(files: &[&str]) -> Option<Vec<String>> {
    Some(files.iter().map(|file| (*file).to_owned()).collect())
}

#[test]
fn a_new_file_is_an_occurrence_when_it_has_not_changed_for_the_stated_time() {
    let mut watched = Watched::new(None);
    assert_eq!(watched.after(0, &files(&[("in/a", 1)])), None);
    let grown = files(&[("in/a", 1), ("in/b", 1)]);
    assert_eq!(watched.after(10, &grown), None);
    assert_eq!(watched.after(29, &grown), None);
    assert_eq!(watched.after(1, &grown), some(&["in/b"]));
    assert_eq!(watched.after(1, &grown), None);
    assert_eq!(watched.after(1000, &grown), None);
}

#[test]
fn a_file_that_grows_starts_the_wait_anew() {
    let mut watched = Watched::new(None);
    watched.after(0, &files(&[]));
    for size in 1..10 {
        assert_eq!(watched.after(20, &files(&[("in/a", size)])), None);
    }
    assert_eq!(watched.after(29, &files(&[("in/a", 9)])), None);
    assert_eq!(watched.after(1, &files(&[("in/a", 9)])), some(&["in/a"]));
    // Written again later: another occurrence.
    assert_eq!(watched.after(5, &files(&[("in/a", 10)])), None);
    assert_eq!(watched.after(30, &files(&[("in/a", 10)])), some(&["in/a"]));
}

#[test]
fn what_is_there_at_the_first_look_is_known() {
    let mut watched = Watched::new(None);
    assert_eq!(watched.after(0, &files(&[("in/a", 1)])), None);
    assert_eq!(watched.after(100, &files(&[("in/a", 1)])), None);
}

#[test]
fn files_that_only_went_away_start_nothing_and_are_new_when_they_come_back() {
    let mut watched = Watched::new(None);
    watched.after(0, &files(&[("in/a", 1), ("in/b", 1)]));
    for _ in 0..5 {
        assert_eq!(watched.after(20, &files(&[("in/b", 1)])), None);
    }
    watched.after(20, &files(&[("in/a", 1), ("in/b", 1)]));
    assert_eq!(watched.after(30, &files(&[("in/a", 1), ("in/b", 1)])), some(&["in/a"]));
}

#[test]
fn a_file_that_came_and_went_before_it_settled_is_nothing() {
    let mut watched = Watched::new(None);
    watched.after(0, &files(&[("in/a", 1)]));
    watched.after(5, &files(&[("in/a", 1), ("in/b", 1)]));
    for _ in 0..5 {
        assert_eq!(watched.after(20, &files(&[("in/a", 1)])), None);
    }
}

#[test]
fn several_files_within_the_time_are_one_occurrence() {
    let mut watched = Watched::new(None);
    watched.after(0, &files(&[]));
    watched.after(10, &files(&[("in/a", 1)]));
    watched.after(10, &files(&[("in/a", 1), ("in/b", 1)]));
    watched.after(10, &files(&[("in/a", 1), ("in/b", 1), ("in/c", 1)]));
    assert_eq!(watched.after(30, &files(&[("in/a", 1), ("in/b", 1), ("in/c", 1)])), some(&["in/a", "in/b", "in/c"]));
}

#[test]
fn a_change_while_the_server_was_off_is_an_occurrence_after_its_start() {
    let mut before = Watched::new(None);
    before.after(0, &files(&[("in/a", 1)]));
    let known = before.poller.known().unwrap();
    assert_eq!(known, r#"{"in/a":[1,0,1]}"#);
    let mut after = Watched::new(Some(&known));
    assert_eq!(after.after(0, &files(&[("in/a", 2), ("in/b", 1)])), None);
    assert_eq!(after.after(30, &files(&[("in/a", 2), ("in/b", 1)])), some(&["in/a", "in/b"]));
    // What cannot be read is as if nothing were known.
    let mut damaged = Watched::new(Some("{\"in/a\":"));
    assert_eq!(damaged.after(0, &files(&[("in/a", 2)])), None);
    assert_eq!(damaged.after(100, &files(&[("in/a", 2)])), None);
}

#[test]
fn an_occurrence_that_was_not_recorded_comes_again_after_a_restart() {
    let mut first = Watched::new(None);
    first.after(0, &files(&[]));
    let kept = first.poller.known().unwrap();
    first.after(1, &files(&[("in/a", 1)]));
    assert_eq!(first.after(30, &files(&[("in/a", 1)])), some(&["in/a"]));
    // The server died before it kept what it knew.
    let mut second = Watched::new(Some(&kept));
    second.after(0, &files(&[("in/a", 1)]));
    assert_eq!(second.after(30, &files(&[("in/a", 1)])), some(&["in/a"]));
}

#[test]
fn a_clock_that_steps_settles_nothing_early() {
    let watch = Watch { path: pattern("in/*"), settled: "30s".parse().unwrap() };
    let mut poller = Poller::new(&watch, None);
    let start = Watched::start();
    poller.look(files(&[]), start, Duration::ZERO);
    let new = files(&[("in/a", 1)]);
    assert_eq!(poller.look(new.clone(), start, Duration::from_secs(1)), None);
    // Two hours forward, and back.
    assert_eq!(poller.look(new.clone(), start + SignedDuration::from_hours(2), Duration::from_secs(2)), None);
    assert_eq!(poller.look(new.clone(), start - SignedDuration::from_hours(2), Duration::from_secs(3)), None);
    assert!(poller.look(new, start, Duration::from_secs(31)).is_some());
}

proptest! {
    /// Against the rule, said slowly: at a look, the occurrence is there if the last looks of at least 30 s were all alike and
    /// hold a file that the last occurrence (or the baseline) did not have so.
    #[test]
    fn each_occurrence_is_what_the_rule_says(
        steps in prop::collection::vec((1_u64..40, prop::collection::btree_map("[a-c]", 1_u64..3, 0..3)), 1..40)
    ) {
        let mut watched = Watched::new(None);
        let mut looks: Vec<(u64, BTreeMap<String, u64>)> = Vec::new();
        let mut known: Option<BTreeMap<String, u64>> = None;
        let mut now = 0;
        for (seconds, state) in steps {
            now += seconds;
            looks.push((now, state.clone()));
            let alike = looks.iter().rev().take_while(|(_, other)| *other == state).map(|(at, _)| *at).min().unwrap();
            let expected = match &mut known {
                None => { known = Some(state.clone()); None }
                Some(before) if now - alike >= 30 => {
                    let new: Vec<String> = state.iter().filter(|(name, size)| before.get(*name) != Some(*size)).map(|(name, _)| name.clone()).collect();
                    *before = state.clone();
                    Some(new).filter(|new| !new.is_empty())
                }
                Some(_) => None,
            };
            let listed: Vec<(&str, u64)> = state.iter().map(|(name, size)| (name.as_str(), *size)).collect();
            prop_assert_eq!(watched.after(seconds, &files(&listed)), expected);
        }
    }
}
