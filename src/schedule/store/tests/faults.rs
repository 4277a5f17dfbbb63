//! A whole life of a folder, in which the n-th operation fails, for every n.

use std::sync::Arc;

use jiff::SignedDuration;

use super::*;

/// What a server and its users do in a while, written so that it can be done again from the start after a failure anywhere: each
/// step finds out what there is already.
fn life(store: &Store) -> Result<()> {
    define(store)?;
    store.save_problem("broken", "jobs/broken.yaml", "line 1: no pipeline", at(0))?;
    recover(store)?;
    store.submit(&submission("one", "daily"), at(1))?;
    let cancelled = store.submit(&submission("two", "daily"), at(1))?.run;
    match store.stop(&cancelled, StopReason::Cancel, "ann", at(2)) {
        // Swept by a life that came as far as that.
        Err(StoreError::Missing { .. }) => {}
        answer => assert!(matches!(answer?, Stopped::Ended | Stopped::EndedBefore(RunState::Cancelled))),
    }
    let run = NewRun::of("daily", Origin::Schedule, "schedule");
    let planned = [
        Planned { scheduled: at(-60), decision: Decision::Drop("too many were missed".into()) },
        Planned { scheduled: at(0), decision: Decision::Start(run) },
        Planned { scheduled: at(60), decision: Decision::Wait },
    ];
    store.record("daily", &planned, Some(at(60)), at(2))?;
    work(store)?;
    let skip = Planned { scheduled: at(60), decision: Decision::Skip("paused".into()) };
    match store.settle("daily", &skip, at(3)) {
        Err(StoreError::Missing { what: "occurrence", .. }) => {}
        answer => _ = answer?,
    }
    let wanted = NewBackfill {
        key: "fill".into(),
        job: "daily".into(),
        first: "d1".into(),
        last: "d3".into(),
        partitions: ["d1", "d2", "d3"].map(str::to_owned).to_vec(),
        parallelism: 2,
        again: false,
        priority: 0,
        parameters: Object::new(),
        requested_by: "ann".into(),
    };
    let number = store.backfill(&wanted, at(4))?.number;
    while store.the_backfill(number)?.state == BackfillState::Running {
        store.advance_backfills(at(5))?;
        work(store)?;
    }
    for promotion in store.unpublished()? {
        store.published(promotion.number, at(8))?;
    }
    let first = store.promotions("churn", None, 100)?.items.into_iter().last().map(|promotion| promotion.number);
    if let Some(first) = first {
        store.restore(first, "ann", at(9))?;
    }
    loop {
        let taken = store.take_notifications(at(10_000), at(10_000), at(90_000), 10)?;
        for each in &taken {
            store.delivered(each.number, &Delivery::Sent, at(10_001))?;
        }
        if taken.is_empty() {
            break;
        }
    }
    let retention = Retention { runs: 2, age: SignedDuration::from_secs(10), ..Retention::default() };
    for job in ["daily", "report"] {
        while store.sweep_runs(job, &retention, at(1000))?.more {}
    }
    for folder in store.garbage(100)? {
        store.collected(&folder)?;
    }
    Ok(())
}

/// What a server does when it starts: the workers of the one before are dead.
fn recover(store: &Store) -> Result<()> {
    for run in store.at_work()? {
        if run.state == RunState::Starting {
            store.give_back(&Claim { run: run.id, number: run.claim }, at(1))?;
        } else {
            store.lose(&run, &Ending::lost("the worker died"), at(1), |_| Consequences {
                retry: Some(Retry { not_before: at(1), resumes: true }),
                ..Consequences::default()
            })?;
        }
    }
    Ok(())
}

/// Runs all that waits. Scheduled runs fail at their first attempt; what succeeds promotes a version and starts a report.
fn work(store: &Store) -> Result<()> {
    while let Some(claimed) = store.claim_next(at(5), |_| true)? {
        let run = &claimed.run;
        store.begin(&claimed.claim, WORKER, &format!("runs/{}", run.id), at(5))?;
        store.beat(&claimed.claim, at(6))?;
        let fails = run.scheduled.is_some() && run.attempt == 1;
        let state = if fails { RunState::Failed } else { RunState::Succeeded };
        store.finish(&claimed.claim, &ended(state), at(7), |finished| {
            let daily = finished.run.job == "daily";
            match finished.run.state {
                RunState::Succeeded if daily => Consequences {
                    promotions: vec![NewPromotion {
                        name: "churn".into(),
                        version: finished.run.root.to_string(),
                        verdict: Verdict::Promote,
                        metrics: Object::new(),
                        decided_by: "gate".into(),
                    }],
                    notifications: vec![notification("success")],
                    runs: vec![new_run("report")],
                    retry: None,
                },
                RunState::Failed => Consequences {
                    notifications: vec![notification("failure")],
                    retry: Some(Retry { not_before: at(5), resumes: false }),
                    ..Consequences::default()
                },
                _ => Consequences::default(),
            }
        })?;
    }
    Ok(())
}

/// What must have come of a whole life, whatever happened in between: each thing once.
fn once(store: &Store, context: &str) {
    sound(store);
    let totals = store.totals().unwrap();
    let total =
        |job: &str, state| totals.iter().find(|each| each.job == job && each.state == state).map(|each| each.runs);
    // A submission, an occurrence and three partitions; each asked for a report.
    assert_eq!(total("daily", RunState::Succeeded), Some(5), "{context}");
    assert_eq!(total("report", RunState::Succeeded), Some(5), "{context}");
    assert_eq!(total("daily", RunState::Cancelled), Some(1), "{context}");
    let outcomes: Vec<_> = store.occurrences("daily", None, 100).unwrap().iter().map(|each| each.outcome).collect();
    assert!(outcomes.iter().all(|outcome| *outcome != Outcome::Due), "{context}: {outcomes:?}");
    assert_eq!(store.promotions("churn", None, 100).unwrap().items.len(), 6, "{context}: five, and one restored");
    let sent = store.notifications(None, None, 100).unwrap().items;
    assert_eq!(sent.iter().filter(|each| each.event == "success").count(), 5, "{context}");
    assert!(sent.iter().all(|each| each.state == NotificationState::Sent), "{context}");
    assert!(store.at_work().unwrap().is_empty() && store.waiting().unwrap() == 0, "{context}");
    assert!(store.garbage(100).unwrap().is_empty() && store.unpublished().unwrap().len() <= 1, "{context}");
}

/// Lets operation n fail, for n from `first` on by `step`, until a life passes without a fault. How many there were.
fn fail_each(first: u64, step: usize, lasting: bool) -> u64 {
    for n in (first..).step_by(step) {
        let context = format!("operation {n} failed");
        let folder = folder();
        let faults = Arc::new(Faults::none());
        faults.fail_at(n, lasting);
        let end = Store::open_with(folder.path(), faults.clone()).and_then(|store| life(&store));
        if !faults.end() {
            end.unwrap();
            return n;
        }
        assert_eq!(end.unwrap_err().kind(), ErrorKind::Io, "{context}");
        // The process is gone; the next one finds a sound state and brings everything to its end.
        let store = Store::open(folder.path()).unwrap();
        sound(&store);
        life(&store).unwrap_or_else(|error| panic!("{context}, then {error}"));
        once(&store, &context);
    }
    unreachable!("n only rises")
}

#[test]
fn a_life_without_faults_does_each_thing_once_and_a_second_one_nothing_more() {
    let folder = folder();
    let store = Store::open(folder.path()).unwrap();
    life(&store).unwrap();
    once(&store, "no fault");
    life(&store).unwrap();
    once(&store, "twice");
}

/// Every fourth operation, because each fault waits for the disk some twenty times; all with `GRISTMILL_FAULTS=all`.
#[test]
fn whichever_operation_fails_nothing_is_half_done() {
    let step = if std::env::var_os("GRISTMILL_FAULTS").is_some() { 1 } else { 4 };
    let operations = fail_each(1, step, false);
    assert!(operations > 300, "a life has {operations} operations");
}

#[test]
fn whenever_the_disk_goes_nothing_is_half_done() {
    fail_each(1, 17, true);
}

/// The same process goes on after the fault, with the same connections.
#[test]
fn a_store_that_has_failed_goes_on() {
    for n in (10..).step_by(23) {
        let folder = folder();
        let faults = Arc::new(Faults::none());
        let store = Store::open_with(folder.path(), faults.clone()).unwrap();
        faults.fail_at(n, false);
        let end = life(&store);
        if !faults.end() {
            break;
        }
        assert!(end.is_err());
        life(&store).unwrap();
        once(&store, &format!("operation {n} failed"));
    }
}

/// SQLite itself refuses to grow, at each size in turn.
#[test]
fn a_full_disk_says_so_leaves_nothing_half_done_and_work_goes_on_when_there_is_room() {
    let folder = folder();
    let store = Store::open(folder.path()).unwrap();
    let pages = |limit: i64| {
        let writer = store.writer.lock().unwrap();
        let now: i64 = writer.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
        let limit = now + limit;
        writer.query_row(&format!("PRAGMA max_page_count = {limit}"), [], |row| row.get::<_, i64>(0)).unwrap()
    };
    define(&store).unwrap();
    let mut refused = 0;
    for number in 0.. {
        pages(0);
        let mut wide = submission(&format!("k{number}"), "daily");
        wide.run.parameters.insert("text".into(), "x".repeat(700).into());
        match store.submit(&wide, at(0)) {
            Ok(_) if number > 40 => break,
            Ok(_) => {}
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Full, "{error}");
                let told = error.to_string();
                assert!(told.ends_with("gristmill.db` cannot grow: there is no room on the disk"), "{told}");
                refused += 1;
                sound(&store);
                pages(8);
                assert!(store.submit(&wide, at(0)).unwrap().fresh, "it was not half submitted");
            }
        }
    }
    assert!(refused > 5, "refused {refused} times");
    sound(&store);
}
