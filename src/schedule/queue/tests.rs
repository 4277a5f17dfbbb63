use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// A waiting run, as the store has it.
#[derive(Debug, Clone)]
struct Waiting {
    run: String,
    job: String,
    priority: i64,
    needs: Needs,
    alone: bool,
}

/// The order in which the store asks, written down again: by priority, then runs at work, then the last start, then age.
#[derive(Debug, Default)]
struct Queue {
    permits: Permits,
    own: BTreeMap<String, Limits>,
    waiting: Vec<Waiting>,
    working: BTreeMap<String, u32>,
    last_start: BTreeMap<String, u32>,
    starts: u32,
}

impl Queue {
    fn new(limits: Limits) -> Self {
        Self { permits: Permits::new(limits), ..Self::default() }
    }

    fn submit(&mut self, run: &str, job: &str, priority: i64, needs: (u64, u32), alone: bool) {
        let needs = Needs { memory: needs.0, cores: needs.1 };
        self.waiting.push(Waiting { run: run.to_owned(), job: job.to_owned(), priority, needs, alone });
    }

    fn start(&mut self) -> Option<Waiting> {
        let mut heads: Vec<(usize, &Waiting)> = Vec::new();
        for (age, waiting) in self.waiting.iter().enumerate() {
            match heads.iter_mut().find(|(_, head)| head.job == waiting.job) {
                Some(head) if head.1.priority < waiting.priority => *head = (age, waiting),
                Some(_) => {}
                None => heads.push((age, waiting)),
            }
        }
        let number = |of: &BTreeMap<String, u32>, job: &str| of.get(job).copied().unwrap_or_default();
        heads.sort_by_key(|(age, head)| {
            (-head.priority, number(&self.working, &head.job), number(&self.last_start, &head.job), *age)
        });
        let mut round = self.permits.round();
        let chosen = heads.into_iter().find(|(_, head)| {
            let own = self.own.get(&head.job).copied().unwrap_or_default();
            round.permit(&Wish { run: &head.run, job: &head.job, needs: head.needs, own, alone: head.alone })
        });
        let age = chosen.map(|(age, _)| age);
        drop(round);
        let started = self.waiting.remove(age?);
        self.permits.works(&started.run, &started.job, started.needs, true);
        self.starts += 1;
        self.last_start.insert(started.job.clone(), self.starts);
        *self.working.entry(started.job.clone()).or_default() += 1;
        Some(started)
    }

    fn started(&mut self) -> Option<String> {
        self.start().map(|waiting| waiting.run)
    }

    fn finish(&mut self, run: &Waiting) {
        assert!(self.permits.ends(&run.run));
        *self.working.get_mut(&run.job).unwrap() -= 1;
    }
}

#[test]
fn limits_of_a_job_let_other_jobs_pass() {
    let mut queue = Queue::new(Limits::default());
    queue.own.insert("a".to_owned(), Limits { runs: Some(1), ..Limits::default() });
    queue.submit("a0", "a", 9, (1, 1), false);
    queue.submit("a1", "a", 9, (1, 1), false);
    queue.submit("b0", "b", 0, (1, 1), false);
    let first = queue.start().unwrap();
    assert_eq!(first.run, "a0");
    assert_eq!(queue.started().as_deref(), Some("b0"));
    assert_eq!(queue.started(), None);
    queue.finish(&first);
    assert_eq!(queue.started().as_deref(), Some("a1"));
}

#[test]
fn a_run_that_must_be_alone_waits_for_the_others_of_its_job() {
    let mut queue = Queue::new(Limits::default());
    queue.submit("a0", "a", 0, (1, 1), true);
    queue.submit("a1", "a", 0, (1, 1), true);
    let first = queue.start().unwrap();
    assert_eq!(queue.started(), None);
    queue.finish(&first);
    assert_eq!(queue.started().as_deref(), Some("a1"));
}

#[test]
fn memory_and_cores_are_shared_by_all() {
    let mut queue = Queue::new(Limits { runs: None, memory: Some(10), cores: Some(4) });
    for (run, memory, cores) in [("a", 6, 1), ("b", 5, 1), ("c", 4, 4), ("d", 4, 3)] {
        queue.submit(run, run, 0, (memory, cores), false);
    }
    let first = queue.start().unwrap();
    assert_eq!(first.run, "a");
    // b lacks memory, c lacks cores, d fits.
    assert_eq!(queue.started().as_deref(), Some("d"));
    assert_eq!(queue.started(), None);
    queue.finish(&first);
    assert_eq!(queue.started().as_deref(), Some("b"));
}

#[test]
fn a_large_run_is_passed_a_limited_number_of_times() {
    let mut queue = Queue::new(Limits { runs: None, memory: Some(10), cores: None });
    queue.submit("s0", "small", 0, (1, 1), false);
    let mut at_work = queue.start().unwrap();
    queue.submit("large", "large", 0, (10, 1), false);
    let mut passed = 0;
    for number in 1..100 {
        queue.submit(&format!("s{number}"), "small", 0, (1, 1), false);
        // The next small one starts before the last has ended, so there is never room for the large one.
        let Some(next) = queue.start() else { break };
        assert_ne!(next.run, "large");
        passed += 1;
        queue.finish(&at_work);
        at_work = next;
    }
    assert_eq!(passed, PASSED_AT_MOST);
    queue.finish(&at_work);
    assert_eq!(queue.started().as_deref(), Some("large"));
}

#[test]
fn runs_of_a_backfill_are_counted_by_the_whole_and_not_by_the_job() {
    let mut permits = Permits::new(Limits { runs: Some(3), ..Limits::default() });
    let own = Limits { runs: Some(1), ..Limits::default() };
    let wish = |alone| Wish { run: "n", job: "a", needs: Needs::default(), own, alone };
    permits.works("b0", "a", Needs::default(), false);
    permits.works("b1", "a", Needs::default(), false);
    assert!(permits.round().permit(&wish(true)));
    permits.works("n0", "a", Needs::default(), true);
    assert!(permits.ends("b0"));
    assert!(!permits.round().permit(&wish(false)), "the job has its one run");
    assert_eq!(permits.at_work(), 2);
    assert!(permits.ends("n0"));
    assert!(permits.round().permit(&wish(true)));
}

#[test]
fn what_could_never_start_is_told_with_what_is_missing() {
    let limits = Limits { runs: None, memory: Some(10), cores: Some(4) };
    let lack = |memory, cores| limits.lacking(Needs { memory, cores });
    assert_eq!(lack(11, 1).unwrap(), "it needs 11 bytes of memory, 10 are allowed");
    assert_eq!(lack(1, 5).unwrap(), "it needs 5 cores, 4 are allowed");
    assert_eq!(lack(10, 4), None);
    assert!(Limits { runs: Some(0), ..limits }.lacking(Needs::default()).unwrap().contains("`runs: 0`"));
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
        queue.own.insert("job0".to_owned(), Limits { runs: Some(2), memory: Some(6), cores: None });
        for (number, (job, priority, memory, cores, alone)) in runs.iter().enumerate() {
            queue.submit(&number.to_string(), &format!("job{job}"), *priority, (*memory, *cores), *alone);
        }
        let mut at_work: Vec<Waiting> = Vec::new();
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
            queue.finish(&at_work.remove(place));
        }
        prop_assert_eq!(started, runs.len());
        prop_assert!(queue.waiting.is_empty());
        prop_assert_eq!(queue.permits.at_work(), 0);
    }
}
