//! From each version to the present one.

use std::sync::Arc;

use super::super::migrations::{STEPS, latest, migrate};
use super::*;

/// A database as version 1 left it, with rows in every table: what the shell of SQLite printed of it, before version 2 was there.
const VERSION_1: &str = include_str!("version_1.sql");

#[test]
fn a_database_of_version_1_is_brought_to_the_present_one_with_all_that_is_in_it() {
    let folder = folder();
    let path = folder.path().join(DATABASE);
    rusqlite::Connection::open(&path).unwrap().execute_batch(VERSION_1).unwrap();
    let store = Store::open(folder.path()).unwrap();
    sound(&store);
    assert_eq!(version(&store), latest());
    let jobs: Vec<_> = store.jobs().unwrap().into_iter().map(|job| job.name).collect();
    assert_eq!(jobs, ["broken", "daily", "report"]);
    let runs = store.runs(&RunFilter::default(), None, 100).unwrap().items;
    let states: Vec<_> = runs.iter().map(|run| run.state.word()).collect();
    assert_eq!(states, ["queued", "lost", "queued", "cancelled", "queued", "succeeded"]);
    assert_eq!(runs[5].metrics["rows"], 12);
    assert_eq!(store.definition(&runs[5].definition).unwrap(), "pipeline: daily.yaml");
    assert_eq!(store.champion("churn").unwrap().unwrap().version, "v1");
    assert_eq!(store.notifications(None, None, 9).unwrap().items.len(), 1);
    assert_eq!(store.occurrences("daily", None, 9).unwrap().len(), 3);
    assert_eq!(store.backfills(None, None, 9).unwrap().items[0].pending, 1);
    assert!(!store.submit(&submission("one", "daily"), at(50)).unwrap().fresh, "keys are still known");
}

/// A database as version 2 left it, with lost runs that differ by their messages only.
const VERSION_2: &str = include_str!("version_2.sql");

#[test]
fn what_a_database_of_version_2_told_by_messages_alone_gets_a_place_of_its_own() {
    let folder = folder();
    let path = folder.path().join(DATABASE);
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute_batch(VERSION_2).unwrap();
    drop(connection);
    for n in 1.. {
        // Whichever operation fails, it is version 2 or the present one.
        let faults = Arc::new(Faults::none());
        faults.fail_at(n, false);
        if Store::open_with(folder.path(), faults).is_ok() {
            break;
        }
    }
    let store = Store::open(folder.path()).unwrap();
    sound(&store);
    assert_eq!(version(&store), latest());
    let runs = store.runs(&RunFilter::default(), None, 100).unwrap().items;
    let told: Vec<_> = runs.iter().map(|run| (run.number, run.state, run.cut_off)).collect();
    use RunState::{Cancelled, Failed, Lost, Queued, Succeeded};
    assert_eq!(
        told,
        [
            (10, Failed, None),
            (9, Lost, None),
            (8, Lost, Some(CutOff::ServerStopped)),
            (7, Lost, Some(CutOff::ServerDied)),
            (6, Queued, None),
            (5, Lost, None),
            (4, Queued, None),
            (3, Cancelled, None),
            (2, Queued, None),
            (1, Succeeded, None),
        ]
    );
    assert_eq!(runs[3].message.as_deref(), Some("the server died while the run was at work"));
    assert_eq!(store.job("report").unwrap().watched.as_deref(), Some("{}"));
}

fn version(store: &Store) -> i64 {
    store.writer.lock().unwrap().pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

/// A released step is never edited. When this fails, put back what was changed and write a next step.
#[test]
fn released_steps_are_as_they_were() {
    // FNV-1a, 64 bits.
    let hash = |text: &str| {
        text.bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
    };
    let released: Vec<u64> = STEPS.iter().map(|step| hash(step)).collect();
    assert_eq!(released, [RELEASED_1, RELEASED_2, RELEASED_3]);
}

const RELEASED_1: u64 = 0x356a_268f_0add_db8f;
const RELEASED_2: u64 = 0x4cba_c9dc_a3b1_4ebc;
const RELEASED_3: u64 = 0x792f_c50e_e002_1c82;

#[test]
fn a_step_is_done_whole_or_not_at_all_and_only_once() {
    let folder = folder();
    drop(Store::open(folder.path()).unwrap());
    let path = folder.path().join(DATABASE);
    let mut connection = rusqlite::Connection::open(&path).unwrap();
    let bad = [STEPS[0], STEPS[1], STEPS[2], "ALTER TABLE jobs ADD COLUMN colour TEXT; CREATE TABLE jobs (name TEXT);"];
    assert!(migrate(&mut connection, &bad, &Faults::none()).is_err());
    let columns = |connection: &rusqlite::Connection| -> i64 {
        connection
            .query_row("SELECT count(*) FROM pragma_table_info('jobs') WHERE name = 'colour'", [], |row| row.get(0))
            .unwrap()
    };
    assert_eq!(columns(&connection), 0, "the first half was taken back");
    let good = [STEPS[0], STEPS[1], STEPS[2], "ALTER TABLE jobs ADD COLUMN colour TEXT;"];
    for n in 1.. {
        let faults = Faults::none();
        faults.fail_at(n, false);
        let end = migrate(&mut connection, &good, &faults);
        if end.is_ok() {
            break;
        }
        assert_eq!(columns(&connection), 0, "operation {n}");
    }
    assert_eq!(columns(&connection), 1);
    migrate(&mut connection, &good, &Faults::none()).unwrap();
    drop(connection);
    assert_eq!(Store::open(folder.path()).unwrap_err().kind(), ErrorKind::Newer);
}

#[test]
fn several_that_open_a_new_folder_at_once_make_one_database() {
    for _ in 0..5 {
        let folder = folder();
        std::thread::scope(|scope| {
            for number in 0..6 {
                let folder = folder.path();
                scope.spawn(move || {
                    let store = Store::open(folder).unwrap();
                    store.save_definition(&format!("job{number}"), "f", "h", "t", at(0)).unwrap();
                });
            }
        });
        let store = Store::open(folder.path()).unwrap();
        assert_eq!(store.jobs().unwrap().len(), 6);
        sound(&store);
    }
}
