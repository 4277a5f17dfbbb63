//! How long things take with 100,000 runs. Printed, not asserted:
//! `cargo test --release speed_with_a_long_history -- --ignored --nocapture`.

use std::time::{Duration, Instant};

use super::*;

const RUNS: i64 = 100_000;
const JOBS: i64 = 200;

/// Writes a history as years of work leave it, past the rules of the queue but not past those of the tables.
fn history(store: &Store) {
    for number in 0..JOBS {
        store.save_definition(&format!("job{number:03}"), "jobs/x.yaml", &format!("h{number}"), "text", at(0)).unwrap();
    }
    let writer = store.writer.lock().unwrap();
    let sql = format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {RUNS}) \
         INSERT INTO runs (number, id, job, origin, scheduled, partition, attempt, root, resumes, priority, definition, parameters, \
           requested_by, state, claim, queued, claimed, started, ended, pid, pid_started, heartbeat, exit_code, message, folder, metrics) \
         SELECT i, printf('20270115-080000-%08d', i), printf('job%03d', i % {JOBS}), 'schedule', 1800000000000000 + i, \
           printf('2027-%05d', i / {JOBS}), 1, printf('20270115-080000-%08d', i), 0, 0, 'h' || (i % {JOBS}), \
           '{{\"day\":\"2027-01-15\",\"limit\":100}}', 'schedule', iif(i % 17 = 0, 'failed', 'succeeded'), 1, \
           1800000000000000 + i * 1000000, 1800000000000000 + i * 1000000, 1800000000000000 + i * 1000000, \
           1800000060000000 + i * 1000000, i % 30000 + 2, i, 1800000000000000 + i * 1000000, 0, \
           iif(i % 17 = 0, 'stage `train`: a column is not there', NULL), printf('runs/20270115-080000-%08d', i), \
           '{{\"rows\":1234567,\"quality\":0.987,\"accuracy\":0.8123,\"duration\":58.1}}' FROM n; \
         INSERT INTO occurrences (job, scheduled, outcome, run, recorded, settled) \
           SELECT job, scheduled, 'started', id, queued, queued FROM runs; \
         INSERT INTO partitions (job, key, state, run, succeeded, changed) SELECT job, partition, state, id, ended, ended FROM runs; \
         INSERT INTO totals (job, state, runs, seconds) SELECT job, state, count(*), 60 FROM runs GROUP BY job, state; \
         INSERT INTO notifications (key, job, run, event, channel, payload, state, attempts, created, ended) \
           SELECT id, job, id, 'failure', 'hook', '{{}}', 'sent', 1, queued, ended FROM runs WHERE state = 'failed';"
    );
    writer.execute_batch(&format!("BEGIN; {sql} COMMIT;")).unwrap();
}

/// Median, 99th percentile and longest of many calls.
fn time(what: &str, calls: usize, mut call: impl FnMut(usize)) {
    let mut times: Vec<Duration> = (0..calls)
        .map(|number| {
            let start = Instant::now();
            call(number);
            start.elapsed()
        })
        .collect();
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    println!("{what:<44} {:>9.3?} median {:>9.3?} p99 {:>9.3?} longest", at(0.5), at(0.99), at(1.0));
}

#[test]
#[ignore = "it measures"]
fn speed_with_a_long_history() {
    // On the disk: here syncing counts.
    let folder = tempfile::tempdir_in(std::env::var("GRISTMILL_TEST_DISK").unwrap_or_else(|_| ".".into())).unwrap();
    let store = Store::open(folder.path()).unwrap();
    history(&store);
    store.checkpoint().unwrap();
    sound(&store);
    drop(store);
    let size = std::fs::metadata(folder.path().join(DATABASE)).unwrap().len();
    println!("{RUNS} runs of {JOBS} jobs: {} MiB", size >> 20);
    time("open", 9, |_| drop(Store::open(folder.path()).unwrap()));
    let store = Store::open(folder.path()).unwrap();
    time("open, what is at work, what is due", 5, |_| {
        let store = Store::open(folder.path()).unwrap();
        store.at_work().unwrap();
        store.due().unwrap();
        store.unpublished().unwrap();
    });
    let all = RunFilter::default();
    let of =
        |number: usize| RunFilter { job: Some(format!("job{:03}", number % JOBS as usize)), ..RunFilter::default() };
    time("runs, first page of 50", 1000, |_| _ = store.runs(&all, None, 50).unwrap());
    time("runs, any page of 50", 1000, |n| _ = store.runs(&all, Some((n as i64 * 7919) % RUNS), 50).unwrap());
    time("runs of a job, first page of 100", 1000, |n| _ = store.runs(&of(n), None, 100).unwrap());
    time("runs of a job that failed, 50", 1000, |n| {
        let filter = RunFilter { state: Some(RunState::Failed), ..of(n) };
        store.runs(&filter, None, 50).unwrap();
    });
    time("runs in a state that is not there", 1000, |_| {
        let filter = RunFilter { state: Some(RunState::Lost), ..RunFilter::default() };
        store.runs(&filter, None, 50).unwrap();
    });
    time("a run", 2000, |n| {
        let id = format!("20270115-080000-{:08}", (n as i64 * 7919) % RUNS + 1);
        store.run(&RunId::from(id.as_str())).unwrap();
    });
    time("timeline of a day, up to 1000", 200, |_| _ = store.runs_between(at(50_000), at(136_400), 1000).unwrap());
    time("overview of 200 jobs", 200, |_| _ = store.overview().unwrap());
    time("partitions of a job, 366", 500, |n| _ = store.partitions(&format!("job{:03}", n % 200), None, 366).unwrap());
    time("totals", 500, |_| _ = store.totals().unwrap());
    time("notifications, 50", 500, |_| _ = store.notifications(None, None, 50).unwrap());
    let day = 86_400 * 365;
    time("submit", 1000, |n| {
        store.submit(&submission(&format!("k{n}"), &format!("job{:03}", n % 200)), at(day)).unwrap();
    });
    let mut claims = Vec::new();
    time("claim, 1000 of 200 jobs wait", 300, |_| {
        claims.push(store.claim_next(at(day + 1), |_| true).unwrap().unwrap().claim);
    });
    time("begin", 300, |n| _ = store.begin(&claims[n], WORKER, "x", at(day + 2)).unwrap());
    time("heartbeats of 50 runs", 100, |n| _ = store.beat_all(&claims[..50], at(day + 3 + n as i64)).unwrap());
    time("finish, with a message", 300, |n| {
        let follows = Consequences { notifications: vec![notification("success")], ..Consequences::default() };
        store.finish(&claims[n], &ended(RunState::Succeeded), at(day + 200), |_| follows).unwrap();
    });
    let retention = Retention { runs: 100, ..Retention::default() };
    time("sweep of a job", 200, |n| _ = store.sweep_runs(&format!("job{n:03}"), &retention, at(day)).unwrap());
    time("all checks", 1, |_| sound(&store));
}
