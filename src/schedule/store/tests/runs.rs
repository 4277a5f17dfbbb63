//! Runs from the queue to their end, one step at a time.

use std::time::Duration;

use super::*;

#[test]
fn a_submission_repeated_is_the_same_run_and_its_key_means_nothing_else() {
    let (_folder, store) = store();
    let first = store.submit(&submission("k", "daily"), at(0)).unwrap();
    let again = store.submit(&submission("k", "daily"), at(9)).unwrap();
    assert_eq!((again.run, again.fresh), (first.run.clone(), false));
    assert!(first.fresh && first.run.as_str() == "20270115-080000-00000001", "{}", first.run);
    let other = store.submit(&submission("k", "report"), at(9)).unwrap_err();
    assert!(matches!(other, StoreError::KeyReused { .. }) && other.kind() == ErrorKind::Conflict);
    let unknown = store.submit(&submission("l", "weekly"), at(9)).unwrap_err();
    assert_eq!(unknown.to_string(), "there is no job `weekly`");
    assert_eq!(store.waiting().unwrap(), 1);
}

#[test]
fn a_job_that_never_was_good_runs_nothing_and_a_bad_file_leaves_the_good_one_in_force() {
    let (_folder, store) = store();
    store.save_problem("weekly", "jobs/weekly.yaml", "line 3: no such pipeline", at(0)).unwrap();
    let refused = store.submit(&submission("k", "weekly"), at(1)).unwrap_err();
    assert_eq!(refused.to_string(), "job `weekly` has never had a definition without an error");
    store.save_problem("daily", "jobs/daily.yaml", "line 1: not a mapping", at(2)).unwrap();
    store.submit(&submission("l", "daily"), at(3)).unwrap();
    let claimed = store.claim_next(at(4), |_| true).unwrap().unwrap();
    assert_eq!(claimed.definition, "pipeline: daily.yaml");
    assert_eq!(store.job("daily").unwrap().problem.as_deref(), Some("line 1: not a mapping"));
    assert_eq!(store.save_definition("daily", "jobs/daily.yaml", "d1", "", at(5)).unwrap(), Change::Same);
    assert_eq!(store.save_definition("daily", "jobs/daily.yaml", "d2", "new", at(6)).unwrap(), Change::Changed);
    assert_eq!(store.job("daily").unwrap().problem, None);
    assert_eq!(store.keep_only(&["daily", "weekly"], at(7)).unwrap(), ["report"]);
    assert_eq!(store.job("report").unwrap().state, JobState::Gone);
    assert!(store.pause("daily", "ann", at(8)).unwrap() && !store.pause("daily", "ann", at(9)).unwrap());
    assert_eq!(store.job("daily").unwrap().paused, Some(at(8)));
    assert!(store.resume("daily", "ann", at(10)).unwrap() && store.pause("none", "ann", at(9)).is_err());
    sound(&store);
}

#[test]
fn a_late_success_does_not_override_a_cancellation_and_cancelling_twice_is_cancelling_once() {
    let (_folder, store) = store();
    let claim = running(&store, "k");
    let cancel = |second| store.stop(&claim.run, StopReason::Cancel, "ann", at(second)).unwrap();
    assert_eq!(cancel(3), Stopped::Asked);
    assert_eq!(cancel(4), Stopped::AskedBefore(StopReason::Cancel));
    assert_eq!(store.beat(&claim, at(5)).unwrap(), Some(StopReason::Cancel));
    let finished = store.finish(&claim, &ended(RunState::Succeeded), at(6), nothing).unwrap();
    assert_eq!((finished.run.state, finished.fresh), (RunState::Cancelled, true));
    assert_eq!(cancel(7), Stopped::EndedBefore(RunState::Cancelled));
    let again = store.finish(&claim, &ended(RunState::Succeeded), at(8), |_| panic!("it has ended")).unwrap();
    assert_eq!((again.run.state, again.fresh, again.run.ended), (RunState::Cancelled, false, Some(at(6))));
    assert!(store.beat(&claim, at(9)).is_err());
    let log = store.audit_log(Some(claim.run.as_str()), None, 10).unwrap().items;
    assert_eq!(log.iter().map(|entry| entry.action.as_str()).collect::<Vec<_>>(), ["cancel"]);
    sound(&store);
}

#[test]
fn the_deadline_ends_a_run_as_timed_out_and_a_waiting_run_is_cancelled_at_once() {
    let (_folder, store) = store();
    let claim = running(&store, "k");
    store.stop(&claim.run, StopReason::Timeout, "server", at(3)).unwrap();
    let finished = store.finish(&claim, &ended(RunState::Failed), at(6), nothing).unwrap();
    assert_eq!(finished.run.state, RunState::TimedOut);
    let waiting = store.submit(&submission("l", "daily"), at(7)).unwrap().run;
    assert_eq!(store.stop(&waiting, StopReason::Cancel, "ann", at(8)).unwrap(), Stopped::Ended);
    assert_eq!(store.run(&waiting).unwrap().state, RunState::Cancelled);
    assert!(store.claim_next(at(9), |_| true).unwrap().is_none());
    sound(&store);
}

#[test]
fn a_worker_of_an_earlier_claim_is_not_listened_to() {
    let (_folder, store) = store();
    store.submit(&submission("k", "daily"), at(0)).unwrap();
    let first = store.claim_next(at(1), |_| true).unwrap().unwrap().claim;
    assert!(store.give_back(&first, at(2)).unwrap() && !store.give_back(&first, at(2)).unwrap());
    let stale = |error: StoreError| matches!(error, StoreError::Stale { .. });
    assert!(stale(store.begin(&first, WORKER, "x", at(3)).unwrap_err()), "it waits");
    let second = store.claim_next(at(4), |_| true).unwrap().unwrap().claim;
    assert_eq!((&second.run, second.number), (&first.run, 2));
    assert!(stale(store.begin(&first, WORKER, "x", at(5)).unwrap_err()));
    assert!(stale(store.finish(&first, &ended(RunState::Succeeded), at(5), nothing).unwrap_err()));
    store.begin(&second, WORKER, "x", at(6)).unwrap();
    assert_eq!(store.begin(&second, WORKER, "x", at(7)).unwrap(), Begun::Go, "the same worker says it twice");
    let other = Worker { pid: WORKER.pid, started: 100 };
    assert!(matches!(store.begin(&second, other, "x", at(8)), Err(StoreError::Conflict { .. })));
    assert!(!store.give_back(&second, at(9)).unwrap(), "it has begun");
    let answers = store.beat_all(&[first, second], at(9)).unwrap();
    assert!(answers[0].1.is_err() && matches!(answers[1].1, Ok(None)));
    sound(&store);
}

#[test]
fn what_follows_from_an_end_is_written_with_it_or_not_at_all() {
    let (_folder, store) = store();
    let claim = running(&store, "k");
    let promotion = |verdict| NewPromotion {
        name: "churn".into(),
        version: "v1".into(),
        verdict,
        metrics: Object::new(),
        decided_by: "gate".into(),
    };
    let wrong = Consequences { promotions: vec![promotion(Verdict::Promote)], ..Consequences::default() };
    let refused = store.finish(&claim, &ended(RunState::Failed), at(5), |_| wrong).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    assert_eq!(store.run(&claim.run).unwrap().state, RunState::Running, "nothing has changed");
    let follows = Consequences {
        promotions: vec![promotion(Verdict::Promote)],
        notifications: vec![notification("success"), notification("success")],
        runs: vec![new_run("report")],
        retry: None,
    };
    let mut ending = ended(RunState::Succeeded);
    ending.metrics.insert("rows".into(), 12.into());
    let finished = store.finish(&claim, &ending, at(6), |_| follows).unwrap();
    assert_eq!(finished.run.metrics["rows"], 12);
    let report = store.run(&finished.started[0]).unwrap();
    assert_eq!((report.cause, report.job.as_str()), (Some(claim.run.clone()), "report"));
    assert_eq!(store.notifications(None, None, 9).unwrap().items.len(), 1, "recorded once");
    let champion = store.champion("churn").unwrap().unwrap();
    assert_eq!((champion.version.as_str(), champion.published), ("v1", None));
    assert_eq!(store.unpublished().unwrap().len(), 1);
    assert!(store.published(champion.number, at(7)).unwrap());
    assert_eq!(store.unpublished().unwrap().len(), 0);
    sound(&store);
}

#[test]
fn an_earlier_version_can_be_restored_and_a_refused_one_cannot() {
    let (_folder, store) = store();
    let verdict = |key: &str, version: &str, verdict: Verdict| {
        let claim = running(&store, key);
        let promotion = NewPromotion {
            name: "churn".into(),
            version: version.into(),
            verdict,
            metrics: Object::new(),
            decided_by: "gate".into(),
        };
        let follows = Consequences { promotions: vec![promotion], ..Consequences::default() };
        store.finish(&claim, &ended(RunState::Succeeded), at(6), |_| follows).unwrap();
    };
    verdict("a", "v1", Verdict::Promote);
    verdict("b", "v2", Verdict::Promote);
    verdict("c", "v3", Verdict::Refuse("accuracy fell by 3 %".into()));
    assert_eq!(store.champion("churn").unwrap().unwrap().version, "v2");
    let history = store.promotions("churn", None, 10).unwrap().items;
    let states: Vec<_> = history.iter().map(|each| (each.version.as_str(), each.state)).collect();
    use PromotionState::{Current, Former, Refused};
    assert_eq!(states, [("v3", Refused), ("v2", Current), ("v1", Former)]);
    assert!(store.restore(history[0].number, "ann", at(9)).is_err());
    let restored = store.restore(history[2].number, "ann", at(9)).unwrap();
    assert_eq!((restored.version.as_str(), restored.restores), ("v1", Some(history[2].number)));
    assert_eq!(store.restore(history[2].number, "ann", at(10)).unwrap(), restored, "it is the current one already");
    assert!(!store.published(history[1].number, at(11)).unwrap(), "another one took its place");
    assert_eq!(store.champions().unwrap().len(), 1);
    sound(&store);
}

#[test]
fn a_retry_is_the_next_attempt_and_waits_for_its_time() {
    let (_folder, store) = store();
    let claim = running(&store, "k");
    let retry = |_: &Finished| Consequences {
        retry: Some(Retry { not_before: at(20), resumes: true }),
        ..Consequences::default()
    };
    let finished = store.finish(&claim, &ended(RunState::Failed), at(10), retry).unwrap();
    let second = store.run(&finished.retry.unwrap()).unwrap();
    assert_eq!((second.attempt, &second.root, second.resumes), (2, &claim.run, true));
    assert!(store.claim_next(at(19), |_| true).unwrap().is_none());
    assert_eq!(store.next_wake(at(19)).unwrap(), Some(at(20)));
    let claimed = store.claim_next(at(20), |_| true).unwrap().unwrap();
    store.begin(&claimed.claim, WORKER, "x", at(21)).unwrap();
    let success = store.finish(&claimed.claim, &ended(RunState::Succeeded), at(22), |finished| {
        assert_eq!(finished.before, None, "another attempt of the same run is no run before it");
        Consequences::default()
    });
    assert_eq!(success.unwrap().run.state, RunState::Succeeded);
    assert_eq!(store.attempts(&claim.run).unwrap().len(), 2);
    let third = running(&store, "l");
    assert!(store.finish(&third, &ended(RunState::Succeeded), at(30), retry).is_err(), "a success is not tried again");
    sound(&store);
}

#[test]
fn claims_go_by_priority_then_to_the_job_that_waited_longest() {
    let (_folder, store) = store();
    for (key, job) in [("a", "daily"), ("b", "daily"), ("c", "daily"), ("d", "report"), ("e", "report")] {
        store.submit(&submission(key, job), at(0)).unwrap();
    }
    let mut urgent = submission("f", "daily");
    urgent.run.priority = 5;
    store.submit(&urgent, at(1)).unwrap();
    let mut order = Vec::new();
    while let Some(claimed) = store.claim_next(at(2), |_| true).unwrap() {
        store.finish(&claimed.claim, &ended(RunState::Succeeded), at(3), nothing).unwrap();
        order.push((claimed.run.job, claimed.run.number));
    }
    let order: Vec<_> = order.iter().map(|(job, number)| (job.as_str(), *number)).collect();
    assert_eq!(order, [("daily", 6), ("report", 4), ("daily", 1), ("report", 5), ("daily", 2), ("daily", 3)]);
    for (key, job) in [("g", "daily"), ("h", "daily"), ("i", "report")] {
        store.submit(&submission(key, job), at(4)).unwrap();
    }
    let limit = |each: &Candidate| each.working == 0;
    assert_eq!(store.claim_next(at(5), limit).unwrap().unwrap().run.job, "report");
    assert_eq!(store.claim_next(at(5), limit).unwrap().unwrap().run.job, "daily");
    assert!(store.claim_next(at(5), limit).unwrap().is_none(), "one of each job");
}

#[test]
fn many_threads_claim_each_run_once() {
    let (folder, store) = store();
    for number in 0..60 {
        store.submit(&submission(&format!("k{number}"), "daily"), at(0)).unwrap();
    }
    let other = Store::open(folder.path()).unwrap();
    let claimed: Vec<RunId> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..6)
            .map(|number| {
                let store = if number % 2 == 0 { &store } else { &other };
                scope.spawn(move || {
                    let mut mine = Vec::new();
                    while let Some(claimed) = store.claim_next(at(1), |_| true).unwrap() {
                        mine.push(claimed.run.id);
                    }
                    mine
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    let distinct: std::collections::HashSet<_> = claimed.iter().collect();
    assert_eq!((claimed.len(), distinct.len()), (60, 60));
}

#[test]
fn a_silent_worker_is_found_by_a_clock_that_does_not_step() {
    let (_folder, store) = store();
    let (silent, alive) = (running(&store, "k"), running(&store, "l"));
    let mut silence = Silence::default();
    let mut lost = Vec::new();
    for second in (0..=40_u64).step_by(5) {
        // The wall clock steps back by two hours in the middle.
        let now = at(if second < 20 { 10 } else { 10 - 7200 } + second as i64);
        store.beat(&alive, now).unwrap();
        let at_work = store.at_work().unwrap();
        for (run, _) in silence.look(&at_work, Duration::from_secs(second)) {
            lost.push((second, run.id.clone()));
            store.lose(run, &Ending::lost("no heartbeat for 30 s"), now, nothing).unwrap().unwrap();
        }
    }
    assert_eq!(lost, [(30, silent.run.clone())]);
    let run = store.run(&silent.run).unwrap();
    assert_eq!((run.state, run.message.as_deref()), (RunState::Lost, Some("no heartbeat for 30 s")));
    let late = store.finish(&silent, &ended(RunState::Succeeded), at(60), nothing).unwrap();
    assert_eq!((late.run.state, late.fresh), (RunState::Lost, false));
    let seen = store.run(&alive.run).unwrap();
    store.beat(&alive, at(61)).unwrap();
    assert!(
        store.lose(&seen, &Ending::lost("too early"), at(62), nothing).unwrap().is_none(),
        "it gave a sign of life meanwhile"
    );
    sound(&store);
}

#[test]
fn lists_are_paged_by_place_without_gaps_or_repeats_while_runs_come_in() {
    let (_folder, store) = store();
    for number in 0..25 {
        store
            .submit(&submission(&format!("k{number}"), if number % 3 == 0 { "report" } else { "daily" }), at(number))
            .unwrap();
    }
    let daily = RunFilter { job: Some("daily".into()), ..RunFilter::default() };
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let page = store.runs(&daily, before, 5).unwrap();
        seen.extend(page.items.iter().map(|run| run.number));
        store.submit(&submission(&format!("late{}", seen.len()), "daily"), at(99)).unwrap();
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    let expected: Vec<i64> = (1..=25).rev().filter(|number| (number - 1) % 3 != 0).collect();
    assert_eq!(seen, expected);
    let queued = RunFilter { state: Some(RunState::Queued), ..RunFilter::default() };
    assert_eq!(store.runs(&queued, None, 1000).unwrap().items.len(), store.waiting().unwrap() as usize);
    assert_eq!(store.runs_between(at(3), at(6), 10).unwrap().len(), 3);
    let last = store.last_runs(&["report", "daily", "nothing"], 3).unwrap();
    let numbers = |job: &str| last[job].iter().map(|run| run.number).collect::<Vec<_>>();
    assert_eq!((last.len(), numbers("report")), (2, vec![25, 22, 19]));
    let latest = store.runs(&daily, None, 3).unwrap().items;
    assert_eq!(numbers("daily"), latest.iter().map(|run| run.number).collect::<Vec<_>>());
    let overview = store.overview().unwrap();
    assert_eq!((overview.len(), overview[1].waiting, overview[1].working), (2, 9, 0));
    for each in overview {
        assert_eq!(store.overview_of(&each.job.name).unwrap(), each, "together they are as each alone");
    }
}

#[test]
fn all_jobs_at_once_are_seen_as_each_by_itself() {
    let (_folder, store) = store();
    let end = |claim: &Claim, state| store.finish(claim, &ended(state), at(3), nothing).map(drop).unwrap();
    let seen = |states: [Option<RunState>; 2], counts: (u32, u32)| {
        let all = store.overview().unwrap();
        let daily = &all[0];
        let found = [&daily.last, &daily.last_success].map(|run| run.as_ref().map(|run| run.state));
        assert_eq!((found, (daily.waiting, daily.working)), (states, counts));
        for each in &all {
            assert_eq!(*each, store.overview_of(&each.job.name).unwrap());
        }
        assert_eq!(store.working().unwrap(), u64::from(counts.1));
        assert_eq!(store.at_work().unwrap().len(), counts.1 as usize);
    };
    seen([None, None], (0, 0));
    let first = running(&store, "first");
    seen([Some(RunState::Running), None], (0, 1));
    end(&first, RunState::Succeeded);
    seen([Some(RunState::Succeeded); 2], (0, 0));
    let second = running(&store, "second");
    end(&second, RunState::Failed);
    seen([Some(RunState::Failed), Some(RunState::Succeeded)], (0, 0));
    store.submit(&submission("third", "daily"), at(4)).unwrap();
    seen([Some(RunState::Queued), Some(RunState::Succeeded)], (1, 0));
}

#[test]
fn messages_are_taken_one_at_a_time_and_tried_again() {
    let (_folder, store) = store();
    assert!(store.notify("daily", "disk", &notification("disk_low"), at(0)).unwrap());
    assert!(!store.notify("daily", "disk", &notification("disk_low"), at(1)).unwrap());
    let take = |second| store.take_notifications(at(second), at(second + 60), at(second + 3600), 10).unwrap();
    let first = take(2);
    assert_eq!((first.len(), first[0].attempts), (1, 1));
    assert!(take(30).is_empty(), "somebody sends it");
    assert_eq!(take(62)[0].attempts, 2, "nobody said that it was sent");
    let again = Delivery::Again("503".into(), at(90));
    assert_eq!(store.delivered(first[0].number, &again, at(63)).unwrap(), NotificationState::Waiting);
    assert_eq!(store.next_notification().unwrap(), Some(at(90)));
    assert!(take(80).is_empty());
    assert_eq!(take(-7200).len(), 1, "the clock stepped back by two hours");
    assert_eq!(store.delivered(first[0].number, &Delivery::Sent, at(91)).unwrap(), NotificationState::Sent);
    let late = store.delivered(first[0].number, &Delivery::GiveUp("?".into()), at(92)).unwrap();
    assert_eq!(late, NotificationState::Sent);
    assert!(take(9999).is_empty());
}

#[test]
fn one_server_serves_a_folder_and_the_second_hears_who() {
    let folder = folder();
    let lock = Lock::take(folder.path()).unwrap();
    let refused = Lock::take(folder.path()).unwrap_err();
    assert!(
        refused.to_string().ends_with(&format!("is served already, by process {}", std::process::id())),
        "{refused}"
    );
    assert_eq!(refused.kind(), ErrorKind::Served);
    drop(lock);
    assert!(Lock::take(folder.path()).unwrap().path().exists());
    assert_eq!(Lock::take(&folder.path().join("none")).unwrap_err().kind(), ErrorKind::Io);
}
