//! Files that are damaged, torn, foreign, newer, held or not to be written.

use std::fs;
use std::path::Path;

use rusqlite::Connection;

use super::*;

/// A folder with some history, closed.
fn history() -> TempDir {
    let (folder, store) = store();
    fill(&store, 120);
    store.checkpoint().unwrap();
    folder
}

fn fill(store: &Store, runs: i64) {
    for number in 0..runs {
        let mut wide = submission(&format!("k{number}"), "daily");
        wide.run.parameters.insert("text".into(), "x".repeat(300).into());
        store.submit(&wide, at(number)).unwrap();
    }
}

/// Opening must be refused as `kind`, and must leave every byte as it was.
fn refused(folder: &Path, kind: ErrorKind) -> StoreError {
    let path = folder.join(DATABASE);
    let before = fs::read(&path).unwrap();
    let error = Store::open(folder).unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(DATABASE) && error.help().is_some(), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before, "the file was touched");
    error
}

#[test]
fn a_damaged_database_is_refused_and_kept() {
    for damage in ["garbage", "short", "page", "middle"] {
        let folder = history();
        let path = folder.path().join(DATABASE);
        let mut bytes = fs::read(&path).unwrap();
        let page = 4096;
        match damage {
            "garbage" => bytes = b"this is no database at all".to_vec(),
            "short" => bytes.truncate(bytes.len() / 2),
            // The page of a table, and all after the tenth.
            "page" => bytes[page * 5..page * 6].fill(0),
            _ => bytes[page * 10..].iter_mut().for_each(|byte| *byte = byte.wrapping_mul(31).wrapping_add(7)),
        }
        fs::write(&path, &bytes).unwrap();
        let error = refused(folder.path(), ErrorKind::Corrupt);
        assert!(error.help().unwrap().contains("backup"), "{damage}");
    }
}

#[test]
fn a_newer_or_foreign_database_is_refused_and_kept() {
    let folder = history();
    let path = folder.path().join(DATABASE);
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let error = refused(folder.path(), ErrorKind::Newer);
    assert!(error.to_string().ends_with("has version 99 of its layout, and this gristmill knows up to 3"), "{error}");
    let other = super::folder();
    let path = other.path().join(DATABASE);
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE bookmarks (url TEXT)").unwrap();
    refused(other.path(), ErrorKind::Foreign);
}

#[test]
fn an_empty_file_becomes_a_database() {
    let folder = super::folder();
    fs::write(folder.path().join(DATABASE), "").unwrap();
    sound(&Store::open(folder.path()).unwrap());
}

/// The machine loses power while the log is written: any beginning of the log may be what is left of it, the last part
/// perhaps as other bytes.
#[test]
fn a_torn_log_leaves_a_sound_earlier_state() {
    let (folder, store) = store();
    store.checkpoint().unwrap();
    fill(&store, 30);
    let claim = store.claim_next(at(100), |_| true).unwrap().unwrap().claim;
    store.begin(&claim, WORKER, "x", at(101)).unwrap();
    store.finish(&claim, &ended(RunState::Succeeded), at(102), nothing).unwrap();
    let path = folder.path().join(DATABASE);
    let database = fs::read(&path).unwrap();
    let log = fs::read(path.with_extension("db-wal")).unwrap();
    assert!(log.len() > 100_000, "{}", log.len());
    let frame = 4096 + 24;
    let mut seen = Vec::new();
    for cut in
        (0..60).map(|part| log.len() * part / 60).chain((0..20).map(|frames| 32 + frames * frame)).chain([log.len()])
    {
        for torn in [false, true] {
            let copy = super::folder();
            fs::write(copy.path().join(DATABASE), &database).unwrap();
            let mut left = log[..cut].to_vec();
            if torn {
                let from = left.len().saturating_sub(700);
                left[from..].iter_mut().for_each(|byte| *byte ^= 0x5a);
            }
            fs::write(copy.path().join(format!("{DATABASE}-wal")), &left).unwrap();
            let reopened = Store::open(copy.path()).unwrap();
            sound(&reopened);
            seen.push((cut, torn, reopened.runs(&RunFilter::default(), None, 100).unwrap().items.len()));
        }
    }
    let whole: Vec<_> = seen.iter().filter(|(_, torn, _)| !torn).map(|(.., runs)| *runs).collect();
    assert_eq!(whole.last(), Some(&30), "nothing is torn: all is there");
    assert!(seen.iter().any(|(.., runs)| *runs > 0 && *runs < 30), "{seen:?}");
}

#[test]
fn a_folder_that_cannot_be_written_is_named_with_what_to_do() {
    let none = super::folder().path().join("none");
    let error = Store::open(&none).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io, "{error}");
    // Where not even the administrator makes files.
    let system = Path::new("/sys/kernel");
    if system.is_dir() {
        let error = Store::open(system).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ReadOnly, "{error}");
        assert_eq!(Lock::take(system).unwrap_err().kind(), ErrorKind::ReadOnly);
    }
    let (_folder, store) = store();
    store.writer.lock().unwrap().pragma_update(None, "query_only", true).unwrap();
    let error = store.submit(&submission("k", "daily"), at(0)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ReadOnly, "{error}");
    assert!(error.help().unwrap().contains("write the folder"));
}

#[test]
fn a_database_that_another_program_holds_is_waited_for_and_then_called_busy() {
    let (folder, store) = store();
    store.writer.lock().unwrap().busy_timeout(std::time::Duration::from_millis(30)).unwrap();
    let other = Connection::open(folder.path().join(DATABASE)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = store.submit(&submission("k", "daily"), at(0)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
    assert_eq!(store.jobs().unwrap().len(), 2, "who reads does not wait");
    other.execute_batch("ROLLBACK").unwrap();
    assert!(store.submit(&submission("k", "daily"), at(0)).unwrap().fresh);
}

#[test]
fn a_word_that_nobody_knows_is_damage_and_no_panic() {
    let (folder, store) = store();
    store.submit(&submission("k", "daily"), at(0)).unwrap();
    let other = Connection::open(folder.path().join(DATABASE)).unwrap();
    other.execute_batch("PRAGMA ignore_check_constraints = 1; UPDATE runs SET state = 'asleep'").unwrap();
    let error = store.runs(&RunFilter::default(), None, 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert!(!store.verify(Depth::All).unwrap().is_empty());
}
