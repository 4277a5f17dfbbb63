//! The store in one process, in several, with faults and with damage.

mod damage;
mod faults;
mod kill;
mod migrations;
mod runs;
mod times;
mod walk;

use jiff::Timestamp;
use tempfile::TempDir;

use super::*;

/// A moment that many seconds after a fixed one.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

/// A folder in memory, where the machine has such: syncing costs nothing there. Speed is not what these tests are about.
fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// A store of its own with the jobs `daily` and `report`.
fn store() -> (TempDir, Store) {
    let folder = folder();
    let store = Store::open(folder.path()).unwrap();
    define(&store).unwrap();
    (folder, store)
}

fn define(store: &Store) -> Result<()> {
    store.save_definition("daily", "jobs/daily.yaml", "d1", "pipeline: daily.yaml", at(0))?;
    store.save_definition("report", "jobs/report.yaml", "r1", "pipeline: report.yaml", at(0))?;
    Ok(())
}

fn sound(store: &Store) {
    assert_eq!(store.verify(Depth::All).unwrap(), Vec::<String>::new());
}

fn new_run(job: &str) -> NewRun {
    NewRun::of(job, Origin::Api, "ann")
}

fn submission(key: &str, job: &str) -> Submission {
    Submission { key: key.to_owned(), run: new_run(job) }
}

/// Submits and claims a run and lets its worker begin.
fn running(store: &Store, key: &str) -> Claim {
    let run = store.submit(&submission(key, "daily"), at(0)).unwrap().run;
    let claimed = store.claim_next(at(1), |each| each.run == run).unwrap().unwrap();
    assert_eq!(store.begin(&claimed.claim, WORKER, "runs/x", at(2)).unwrap(), Begun::Go);
    claimed.claim
}

const WORKER: Worker = Worker { pid: 4711, started: 99 };

fn nothing(_: &Finished) -> Consequences {
    Consequences::default()
}

fn ended(state: RunState) -> Ending {
    Ending::of(state)
}

fn notification(event: &str) -> NewNotification {
    NewNotification { event: event.to_owned(), channel: "hook".to_owned(), payload: Object::new() }
}

#[test]
fn a_store_is_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Store>();
    shared::<StoreError>();
}
