use proptest::prelude::*;

use super::*;

fn request(run: &str, job: &str) -> Request {
    Request {
        run: run.to_owned(),
        job: job.to_owned(),
        priority: 0,
        needs: Needs { memory: 1, cores: 1 },
        alone: false,
    }
}

fn one_at_a_time() -> Queue {
    Queue::new(Limits { runs: Some(1), ..Limits::default() })
}

/// Starts and ends one run after the other.
fn order(mut queue: Queue) -> Vec<String> {
    let mut order = Vec::new();
    while let Some(request) = queue.start() {
        assert!(queue.finish(&request.run));
        order.push(request.run);
    }
    order
}

#[test]
fn the_higher_priority_starts_first_and_then_the_earlier_submission() {
    let mut queue = one_at_a_time();
    for (run, priority) in [("low", -1), ("first", 0), ("second", 0), ("high", 5)] {
        queue.submit(Request { priority, ..request(run, "job") }).unwrap();
    }
    assert_eq!(order(queue), ["high", "first", "second", "low"]);
}

#[test]
fn jobs_take_turns() {
    let mut queue = one_at_a_time();
    for number in 0..4 {
        queue.submit(request(&format!("a{number}"), "a")).unwrap();
    }
    for run in ["b0", "b1"] {
        queue.submit(request(run, "b")).unwrap();
    }
    queue.submit(request("c0", "c")).unwrap();
    let shown: Vec<&str> = queue.waiting().iter().map(|request| request.run.as_str()).collect();
    assert_eq!(shown, ["a0", "b0", "c0", "a1", "b1", "a2", "a3"]);
    assert_eq!(order(queue), ["a0", "b0", "c0", "a1", "b1", "a2", "a3"]);
}

#[test]
fn a_job_with_fewer_runs_at_work_comes_first() {
    let mut queue = Queue::new(Limits { runs: Some(3), ..Limits::default() });
    for number in 0..4 {
        queue.submit(request(&format!("a{number}"), "a")).unwrap();
    }
    assert_eq!(queue.start().unwrap().run, "a0");
    assert_eq!(queue.start().unwrap().run, "a1");
    queue.submit(request("b0", "b")).unwrap();
    queue.submit(request("b1", "b")).unwrap();
    assert_eq!(queue.start().unwrap().run, "b0");
    assert_eq!(queue.start(), None);
    assert!(queue.finish("a0"));
    // One of each job is at work; the last start of a is longer ago.
    assert_eq!(queue.start().unwrap().run, "a2");
    assert_eq!(queue.at_work(), 3);
}

#[test]
fn limits_of_a_job_let_other_jobs_pass() {
    let mut queue = Queue::new(Limits::default());
    queue.set_job_limits("a", Limits { runs: Some(1), ..Limits::default() });
    for run in ["a0", "a1"] {
        queue.submit(Request { priority: 9, ..request(run, "a") }).unwrap();
    }
    queue.submit(request("b0", "b")).unwrap();
    assert_eq!(queue.start().unwrap().run, "a0");
    assert_eq!(queue.start().unwrap().run, "b0");
    assert_eq!(queue.start(), None);
    assert!(queue.finish("a0"));
    assert_eq!(queue.start().unwrap().run, "a1");
}

#[test]
fn a_run_that_must_be_alone_waits_for_the_others_of_its_job() {
    let mut queue = Queue::new(Limits::default());
    for run in ["a0", "a1"] {
        queue.submit(Request { alone: true, ..request(run, "a") }).unwrap();
    }
    assert_eq!(queue.start().unwrap().run, "a0");
    assert_eq!(queue.start(), None);
    assert!(queue.finish("a0"));
    assert_eq!(queue.start().unwrap().run, "a1");
}

#[test]
fn memory_and_cores_are_shared_by_all() {
    let mut queue = Queue::new(Limits { runs: None, memory: Some(10), cores: Some(4) });
    for (run, memory, cores) in [("a", 6, 1), ("b", 5, 1), ("c", 4, 4), ("d", 4, 3)] {
        queue.submit(Request { needs: Needs { memory, cores }, ..request(run, run) }).unwrap();
    }
    assert_eq!(queue.start().unwrap().run, "a");
    // b lacks memory, c lacks cores, d fits.
    assert_eq!(queue.start().unwrap().run, "d");
    assert_eq!(queue.start(), None);
    assert!(queue.finish("a"));
    assert_eq!(queue.start().unwrap().run, "b");
}

#[test]
fn a_large_run_is_passed_a_limited_number_of_times() {
    let mut queue = Queue::new(Limits { runs: None, memory: Some(10), cores: None });
    queue.submit(request("s0", "small")).unwrap();
    let small = queue.start().unwrap();
    queue.submit(Request { needs: Needs { memory: 10, cores: 1 }, ..request("large", "large") }).unwrap();
    let mut at_work = small.run;
    let mut passed = 0;
    for number in 1..100 {
        queue.submit(request(&format!("s{number}"), "small")).unwrap();
        // The next small one starts before the last has ended, so there is never room for the large one.
        let Some(next) = queue.start() else { break };
        assert_ne!(next.run, "large");
        passed += 1;
        assert!(queue.finish(&at_work));
        at_work = next.run;
    }
    assert_eq!(passed, PASSED_AT_MOST);
    assert!(queue.finish(&at_work));
    assert_eq!(queue.start().unwrap().run, "large");
}

#[test]
fn what_could_never_start_is_refused_with_what_is_missing() {
    let mut queue = Queue::new(Limits { runs: None, memory: Some(10), cores: Some(4) });
    let error = queue.submit(Request { needs: Needs { memory: 11, cores: 1 }, ..request("r", "a") }).unwrap_err();
    assert_eq!(
        error.to_string(),
        "run r of a could never start under the limits of the server: it needs 11 bytes of memory, 10 are allowed; lower what \
         the job asks for, or raise the limit"
    );
    queue.set_job_limits("a", Limits { cores: Some(2), ..Limits::default() });
    let error = queue.submit(Request { needs: Needs { memory: 1, cores: 3 }, ..request("r", "a") }).unwrap_err();
    assert!(error.to_string().contains("the limits of the job: it needs 3 cores, 2 are allowed"), "{error}");
    queue.set_job_limits("a", Limits { runs: Some(0), ..Limits::default() });
    assert!(queue.submit(request("r", "a")).is_err());
    queue.set_job_limits("a", Limits::default());
    assert!(queue.submit(request("r", "a")).is_ok());
    assert_eq!(queue.submit(request("r", "b")), Err(QueueError::Known("r".to_owned())));
}

#[test]
fn a_run_that_shall_not_start_any_more_is_taken_out() {
    let mut queue = one_at_a_time();
    queue.submit(request("a", "a")).unwrap();
    queue.submit(request("b", "b")).unwrap();
    assert!(queue.finish("a"));
    assert!(!queue.finish("a"));
    assert_eq!(order(queue), ["b"]);
}

#[test]
fn runs_at_work_before_a_restart_count() {
    let mut queue = one_at_a_time();
    queue.restore(&request("old", "a")).unwrap();
    queue.submit(request("new", "a")).unwrap();
    assert!(queue.restore(&request("old", "a")).is_err());
    assert_eq!(queue.start(), None);
    assert!(queue.finish("old"));
    assert_eq!(queue.start().unwrap().run, "new");
}

#[test]
fn limits_are_read_as_they_are_written() {
    let limits: Limits = serde_json::from_str(r#"{"runs": 4, "memory": 17179869184}"#).unwrap();
    assert_eq!(limits, Limits { runs: Some(4), memory: Some(17_179_869_184), cores: None });
    assert!(serde_json::from_str::<Limits>(r#"{"core": 4}"#).is_err());
}

proptest! {
    #[test]
    fn limits_hold_nothing_is_lost_and_everything_starts(
        runs in prop::collection::vec((0_usize..4, -1_i64..2, 0_u64..6, 0_u32..3, any::<bool>()), 1..60),
        ends in prop::collection::vec(any::<prop::sample::Index>(), 200),
    ) {
        let limits = Limits { runs: Some(3), memory: Some(8), cores: Some(4) };
        let mut queue = Queue::new(limits);
        queue.set_job_limits("job0", Limits { runs: Some(2), memory: Some(6), cores: None });
        for (number, (job, priority, memory, cores, alone)) in runs.iter().enumerate() {
            let needs = Needs { memory: *memory, cores: *cores };
            let request = Request { run: number.to_string(), job: format!("job{job}"), priority: *priority, needs, alone: *alone };
            prop_assert_eq!(queue.submit(request), Ok(()));
        }
        let mut at_work: Vec<Request> = Vec::new();
        let mut started = 0;
        let mut ends = ends.into_iter();
        loop {
            while let Some(next) = queue.start() {
                prop_assert!(!next.alone || at_work.iter().all(|other| other.job != next.job));
                at_work.push(next);
                started += 1;
                let sum = |job: Option<&str>| at_work.iter().filter(|run| job.is_none_or(|job| run.job == job))
                    .fold((0, 0, 0), |(n, memory, cores), run| (n + 1, memory + run.needs.memory, cores + run.needs.cores));
                let all = sum(None);
                prop_assert!(all.0 <= 3 && all.1 <= 8 && all.2 <= 4);
                let own = sum(Some("job0"));
                prop_assert!(own.0 <= 2 && own.1 <= 6);
            }
            if at_work.is_empty() {
                break;
            }
            let place = ends.next().unwrap().index(at_work.len());
            prop_assert!(queue.finish(&at_work.remove(place).run));
        }
        prop_assert_eq!(started, runs.len());
        prop_assert!(queue.waiting().is_empty());
        prop_assert_eq!(queue.at_work(), 0);
    }
}
