//! Occurrences, partitions, backfills, and what is forgotten.

use jiff::SignedDuration;

use super::*;

fn start(seconds: i64) -> Planned {
    let run = NewRun::of("daily", Origin::Schedule, "schedule");
    Planned { scheduled: at(seconds), decision: Decision::Start(run) }
}

#[test]
fn an_occurrence_is_recorded_once_whatever_the_clock_does() {
    let (_folder, store) = store();
    let planned = [
        Planned { scheduled: at(-100), decision: Decision::Drop("101 were missed".into()) },
        Planned { scheduled: at(-50), decision: Decision::Skip("the run before is at work".into()) },
        start(0),
        Planned { scheduled: at(50), decision: Decision::Wait },
    ];
    let first = store.record("daily", &planned, Some(at(50)), at(1)).unwrap();
    let Recorded::New(Outcome::Started, Some(run)) = &first[2] else { panic!("{first:?}") };
    assert_eq!(store.run(run).unwrap().scheduled, Some(at(0)));
    let again = store.record("daily", &planned, Some(at(20)), at(-7200)).unwrap();
    use Outcome::{Dropped, Due, Skipped, Started};
    assert_eq!(again, [Dropped, Skipped, Started, Due].map(|outcome| Recorded::Before(Some(outcome))));
    assert_eq!(store.job("daily").unwrap().looked_through, Some(at(50)), "it does not go back");
    assert_eq!(store.due().unwrap().len(), 1);
    let settled = store.settle("daily", &start(50), at(51)).unwrap();
    assert_eq!(store.settle("daily", &start(50), at(52)).unwrap(), settled);
    assert_eq!((settled.outcome, store.waiting().unwrap()), (Started, 2));
    assert!(store.settle("daily", &start(60), at(52)).is_err(), "it was never recorded");
    let kept = store.occurrences("daily", None, 10).unwrap();
    assert_eq!(kept[2].reason.as_deref(), Some("the run before is at work"));
    sound(&store);
}

#[test]
fn a_batch_of_occurrences_is_recorded_whole_or_not_at_all() {
    let (_folder, store) = store();
    let foreign = Planned { scheduled: at(10), decision: Decision::Start(new_run("report")) };
    assert!(store.record("daily", &[start(0), foreign], Some(at(10)), at(1)).is_err());
    assert!(store.occurrences("daily", None, 10).unwrap().is_empty() && store.waiting().unwrap() == 0);
    assert_eq!(store.job("daily").unwrap().looked_through, None);
}

fn backfill(key: &str, partitions: &[&str], again: bool) -> NewBackfill {
    NewBackfill {
        key: key.into(),
        job: "daily".into(),
        first: partitions[0].into(),
        last: partitions[partitions.len() - 1].into(),
        partitions: partitions.iter().map(|&key| key.to_owned()).collect(),
        parallelism: 2,
        again,
        priority: -1,
        parameters: Object::new(),
        requested_by: "ann".into(),
    }
}

/// Runs everything that waits; partitions named in `fail` fail.
fn work(store: &Store, fail: &[&str]) {
    while let Some(claimed) = store.claim_next(at(5), |_| true).unwrap() {
        store.begin(&claimed.claim, WORKER, "x", at(5)).unwrap();
        let failed = claimed.run.partition.as_deref().is_some_and(|key| fail.contains(&key));
        let state = if failed { RunState::Failed } else { RunState::Succeeded };
        store.finish(&claimed.claim, &ended(state), at(6), nothing).unwrap();
    }
}

#[test]
fn a_backfill_runs_what_is_missing_a_stated_number_at_a_time() {
    let (_folder, store) = store();
    let mut single = submission("k", "daily");
    single.run.partition = Some("d2".into());
    store.submit(&single, at(0)).unwrap();
    work(&store, &[]);
    let wanted = backfill("b", &["d1", "d2", "d3", "d4"], false);
    let made = store.backfill(&wanted, at(1)).unwrap();
    assert_eq!(store.backfill(&wanted, at(2)).unwrap().number, made.number);
    assert!(store.backfill(&backfill("b", &["d1"], true), at(2)).is_err(), "one key, two backfills");
    let mut twice = backfill("c", &["d1", "d1"], true);
    assert!(store.backfill(&twice, at(2)).is_err());
    twice.partitions.clear();
    assert!(store.backfill(&twice, at(2)).is_err());
    assert_eq!(store.missing("daily", &wanted.partitions).unwrap(), ["d1", "d3", "d4"]);
    assert_eq!(store.advance_backfills(at(3)).unwrap().len(), 2);
    assert_eq!(store.advance_backfills(at(3)).unwrap().len(), 0, "two at a time");
    work(&store, &["d3"]);
    assert_eq!(store.advance_backfills(at(7)).unwrap().len(), 1);
    work(&store, &[]);
    store.advance_backfills(at(8)).unwrap();
    let failed = store.the_backfill(made.number).unwrap();
    assert_eq!((failed.state, failed.succeeded, failed.failed), (BackfillState::Failed, 3, 1));
    assert!(store.resume_backfill(made.number, "ann", at(9)).unwrap());
    assert_eq!(store.advance_backfills(at(10)).unwrap().len(), 1);
    work(&store, &[]);
    store.advance_backfills(at(11)).unwrap();
    assert_eq!(store.the_backfill(made.number).unwrap().state, BackfillState::Succeeded);
    let runs = RunFilter { backfill: Some(made.number), ..RunFilter::default() };
    assert_eq!(store.runs(&runs, None, 10).unwrap().items.len(), 4, "d2 was there, d3 twice");
    assert!(store.resume_backfill(made.number, "ann", at(12)).is_err());
    let states: Vec<_> = store.partitions("daily", None, 10).unwrap().into_iter().map(|each| each.state).collect();
    assert_eq!(states, [RunState::Succeeded; 4]);
    let all = backfill("again", &["d1", "d2"], true);
    store.backfill(&all, at(20)).unwrap();
    assert_eq!(store.advance_backfills(at(20)).unwrap().len(), 2, "again");
    sound(&store);
}

#[test]
fn a_stopped_backfill_takes_back_what_waits_and_goes_on_later() {
    let (_folder, store) = store();
    let made = store.backfill(&backfill("b", &["d1", "d2", "d3"], false), at(0)).unwrap();
    store.advance_backfills(at(1)).unwrap();
    let working = store.claim_next(at(2), |_| true).unwrap().unwrap();
    store.begin(&working.claim, WORKER, "x", at(2)).unwrap();
    assert!(store.stop_backfill(made.number, "ann", at(3)).unwrap());
    assert!(!store.stop_backfill(made.number, "ann", at(3)).unwrap());
    assert!(store.advance_backfills(at(4)).unwrap().is_empty());
    assert!(store.claim_next(at(4), |_| true).unwrap().is_none());
    let stopped = store.the_backfill(made.number).unwrap();
    assert_eq!((stopped.pending, stopped.active, stopped.failed), (2, 1, 0));
    store.finish(&working.claim, &ended(RunState::Succeeded), at(5), nothing).unwrap();
    sound(&store);
    assert!(store.resume_backfill(made.number, "ann", at(6)).unwrap());
    store.advance_backfills(at(7)).unwrap();
    work(&store, &[]);
    store.advance_backfills(at(8)).unwrap();
    let done = store.the_backfill(made.number).unwrap();
    assert_eq!((done.state, done.succeeded), (BackfillState::Succeeded, 3));
    let items = store.backfill_items(made.number, Some(0), 10).unwrap();
    assert_eq!(items.iter().map(|item| item.partition.as_str()).collect::<Vec<_>>(), ["d2", "d3"]);
    sound(&store);
}

#[test]
fn a_partition_is_run_by_one_at_a_time() {
    let (_folder, store) = store();
    let mut single = submission("k", "daily");
    single.run.partition = Some("d1".into());
    store.submit(&single, at(0)).unwrap();
    single.key = "l".into();
    let refused = store.submit(&single, at(1)).unwrap_err();
    assert!(refused.to_string().starts_with("partition `d1` of job `daily` is run by `2027"), "{refused}");
    let mut planned = start(0);
    if let Decision::Start(run) = &mut planned.decision {
        run.partition = Some("d1".into());
    }
    let recorded = store.record("daily", &[planned], None, at(2)).unwrap();
    assert_eq!(recorded, [Recorded::New(Outcome::Skipped, None)]);
    store.backfill(&backfill("b", &["d1"], true), at(3)).unwrap();
    assert!(store.advance_backfills(at(3)).unwrap().is_empty(), "it waits for the other run");
    work(&store, &[]);
    store.advance_backfills(at(7)).unwrap();
    assert_eq!(store.backfills(Some("daily"), None, 5).unwrap().items[0].state, BackfillState::Succeeded);
    sound(&store);
}

#[test]
fn what_is_old_goes_but_never_what_works_nor_the_last_success_nor_a_current_version() {
    let (_folder, store) = store();
    let promotion = NewPromotion {
        name: "churn".into(),
        version: "v1".into(),
        verdict: Verdict::Promote,
        metrics: Object::new(),
        decided_by: "gate".into(),
    };
    let version = running(&store, "version");
    let follows = Consequences { promotions: vec![promotion], ..Consequences::default() };
    store.finish(&version, &ended(RunState::Succeeded), at(5), |_| follows).unwrap();
    let success = running(&store, "success");
    store.finish(&success, &ended(RunState::Succeeded), at(5), nothing).unwrap();
    let working = running(&store, "working");
    let times: Vec<Planned> = (0..20).map(|number| start(10 * number)).collect();
    store.record("daily", &times, Some(at(200)), at(200)).unwrap();
    while let Some(claimed) = store.claim_next(at(201), |_| true).unwrap() {
        store.begin(&claimed.claim, WORKER, &format!("runs/{}", claimed.run.id), at(201)).unwrap();
        store.finish(&claimed.claim, &ended(RunState::Failed), at(202), nothing).unwrap();
    }
    let retention = Retention { runs: 5, ..Retention::default() };
    let days = |days: i64| at(0) + SignedDuration::from_hours(24 * days);
    assert_eq!(store.sweep_runs("daily", &retention, days(29)).unwrap(), Swept::default(), "younger than 30 days");
    let swept = store.sweep_runs("daily", &retention, days(31)).unwrap();
    assert_eq!((swept.runs.len(), swept.others, swept.more), (15, 15, false));
    let left = store.runs(&RunFilter::default(), None, 100).unwrap().items;
    assert_eq!(left.len(), 8);
    for kept in [&version, &success, &working] {
        assert!(left.iter().any(|run| run.id == kept.run));
    }
    sound(&store);
    let garbage = store.garbage(100).unwrap();
    assert_eq!(garbage.len(), 15);
    store.collected(&garbage[0]).unwrap();
    assert_eq!(store.garbage(100).unwrap().len(), 14);
    let again = store.record("daily", &times, None, days(31)).unwrap();
    assert!(again.iter().all(|each| matches!(each, Recorded::Before(_))), "swept is not forgotten");
    assert_eq!(store.totals().unwrap().iter().map(|total| total.runs).sum::<u32>(), 22, "totals do not fall");
    assert!(store.finish(&working, &ended(RunState::Succeeded), days(32), nothing).unwrap().fresh);
    store.sweep_records(&retention, days(400)).unwrap();
    assert_eq!(store.audit_log(None, None, 10).unwrap().items.len(), 0);
    let key = store.submit(&submission("success", "daily"), days(400)).unwrap();
    assert_eq!((key.run, key.fresh), (success.run, false), "a key lives as long as its run");
    sound(&store);
}
