//! A process that submits and works is killed at random moments.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::*;

const FOLDER: &str = "GRISTMILL_TEST_STORE";

/// The life of the process that is killed: the test below starts this program again with a variable set, and without that this does
/// nothing. It says on its output what was acknowledged to it, and writes into a file which run it will work at, and which has
/// succeeded.
#[test]
fn worker_process() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let folder = Path::new(&folder);
    let _lock = Lock::take(folder).unwrap();
    let store = Store::open(folder).unwrap();
    define(&store).unwrap();
    let say = |line: String| {
        let mut out = std::io::stdout().lock();
        out.write_all(format!("{line}\n").as_bytes()).unwrap();
        out.flush().unwrap();
    };
    recover(&store);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0.. {
                let key = format!("{}-{number}", std::process::id());
                let submitted = store.submit(&submission(&key, "daily"), Timestamp::now()).unwrap();
                say(format!("submitted {key} {}", submitted.run));
            }
        });
        scope.spawn(|| work(&store, folder));
    });
}

fn recover(store: &Store) {
    let retry = |_: &Finished| Consequences {
        retry: Some(Retry { not_before: Timestamp::now(), resumes: true }),
        ..Consequences::default()
    };
    for run in store.at_work().unwrap() {
        match run.state {
            RunState::Starting => {
                _ = store.give_back(&Claim { run: run.id, number: run.claim }, Timestamp::now()).unwrap()
            }
            _ => _ = store.lose(&run, &Ending::lost("the server was killed"), Timestamp::now(), retry).unwrap(),
        }
    }
}

fn work(store: &Store, folder: &Path) {
    let mut log = OpenOptions::new().create(true).append(true).open(folder.join("worked")).unwrap();
    loop {
        let Some(claimed) = store.claim_next(Timestamp::now(), |_| true).unwrap() else {
            if std::env::var(FOLDER).is_err() {
                return;
            }
            std::thread::sleep(Duration::from_micros(300));
            continue;
        };
        store.begin(&claimed.claim, WORKER, &format!("runs/{}", claimed.run.id), Timestamp::now()).unwrap();
        log.write_all(format!("work {}\n", claimed.run.root).as_bytes()).unwrap();
        let follow =
            |_: &Finished| Consequences { notifications: vec![notification("success")], ..Consequences::default() };
        store.finish(&claimed.claim, &ended(RunState::Succeeded), Timestamp::now(), follow).unwrap();
        log.write_all(format!("success {}\n", claimed.run.root).as_bytes()).unwrap();
    }
}

/// The name by which the test binary knows the test above.
fn name() -> String {
    let path = module_path!();
    let inner = path.split_once("::").map_or(path, |(_, inner)| inner);
    format!("{inner}::worker_process")
}

#[test]
fn killed_at_any_moment_no_acknowledged_submission_is_lost_and_none_is_run_after_success() {
    let rounds: u64 = std::env::var("GRISTMILL_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(20);
    let folder = folder();
    let mut submitted = BTreeMap::new();
    for round in 0..rounds {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args([&name(), "--exact", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(std::result::Result::ok);
        let mut heard: Vec<String> = lines.by_ref().take_while(|line| !line.starts_with("submitted")).collect();
        // At any moment of what it does: the waits are spread over the time of a few transactions, some over more.
        let micros = (round * 7919) % 4000 + if round % 5 == 0 { 20_000 } else { 0 };
        std::thread::sleep(Duration::from_micros(micros));
        process.kill().unwrap();
        process.wait().unwrap();
        heard.extend(lines);
        for line in heard {
            if let ["submitted", key, run] = line.split(' ').collect::<Vec<_>>()[..] {
                submitted.insert(key.to_owned(), RunId::from(run));
            }
        }
    }
    let _lock = Lock::take(folder.path()).unwrap();
    let store = Store::open(folder.path()).unwrap();
    sound(&store);
    recover(&store);
    work(&store, folder.path());
    sound(&store);
    let worked = std::fs::read_to_string(folder.path().join("worked")).unwrap();
    let mut succeeded = BTreeSet::new();
    for line in worked.lines() {
        match line.split_once(' ') {
            Some(("success", root)) => assert!(succeeded.insert(root), "{root} succeeded twice"),
            Some((_, root)) => assert!(!succeeded.contains(root), "{root} was worked at after its success"),
            None => panic!("{line}"),
        }
    }
    for (key, run) in &submitted {
        let again = store.submit(&submission(key, "daily"), Timestamp::now()).unwrap();
        assert_eq!((&again.run, again.fresh), (run, false), "{key} was lost");
        let attempts = store.attempts(run).unwrap();
        let successes = attempts.iter().filter(|run| run.state == RunState::Succeeded).count();
        assert_eq!(successes, 1, "{key}: {attempts:?}");
    }
    eprintln!("{rounds} kills: {} submissions acknowledged, {} successes", submitted.len(), succeeded.len());
    assert!(submitted.len() as u64 >= rounds && !succeeded.is_empty());
}
