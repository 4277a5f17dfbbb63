//! Random walks: whatever is asked in whatever order, the rules hold, and what has ended stays as it ended.

use std::collections::HashMap;

use super::*;

#[test]
fn whatever_is_asked_in_whatever_order_the_rules_hold() {
    for seed in 0..12 {
        walk(seed, 220);
    }
}

/// SplitMix64 (Steele, Lea and Flood 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    /// The end of a lost run.
    fn lost(&mut self) -> Ending {
        let by_server = self.percent(50);
        Ending { cut_off: by_server.then_some(CutOff::ServerDied), ..Ending::lost("silent") }
    }
}

/// Something that was given out before, or nothing yet.
fn pick<'a, T>(random: &mut Random, from: &'a [T]) -> Option<&'a T> {
    if from.is_empty() { None } else { from.get(random.below(from.len() as u64) as usize) }
}

fn walk(seed: u64, steps: i64) {
    let mut random = Random(seed);
    let (_folder, store) = store();
    let (mut claims, mut runs, mut backfills) = (Vec::<Claim>::new(), Vec::<RunId>::new(), Vec::<i64>::new());
    let mut finals: HashMap<RunId, Run> = HashMap::new();
    for step in 0..steps {
        // The clock goes on, and steps back now and then.
        let now = at(step * 10 - if random.percent(10) { 500 } else { 0 });
        match random.below(14) {
            0..=2 => {
                let mut new = submission(&format!("k{}", random.below(steps as u64)), "daily");
                if random.percent(40) {
                    new.run.partition = Some(format!("p{}", random.below(4)));
                }
                if let Ok(submitted) = store.submit(&new, now) {
                    runs.push(submitted.run);
                }
            }
            3 | 4 => {
                let claimed = store.claim_next(now, |each| each.working < 3).unwrap();
                claims.extend(claimed.map(|claimed| claimed.claim));
            }
            5 => {
                if let Some(claim) = pick(&mut random, &claims) {
                    _ = store.begin(claim, WORKER, "x", now);
                }
            }
            6 | 7 => {
                let states = [RunState::Succeeded, RunState::Succeeded, RunState::Failed, RunState::TimedOut];
                let ending = ended(states[random.below(4) as usize]);
                let retry = random.percent(50);
                if let Some(claim) = pick(&mut random, &claims) {
                    _ = store.finish(claim, &ending, now, |finished| consequences(finished, retry, now));
                }
            }
            8 => {
                let reason = StopReason::ALL[random.below(3) as usize];
                if let Some(run) = pick(&mut random, &runs) {
                    _ = store.stop(run, reason, "ann", now);
                }
            }
            9 => {
                if let Some(claim) = pick(&mut random, &claims) {
                    _ = store.give_back(claim, now);
                }
            }
            10 => {
                let at_work = store.at_work().unwrap();
                if let Some(run) = pick(&mut random, &at_work) {
                    _ = store.lose(run, &random.lost(), now, |finished| consequences(finished, true, now));
                }
            }
            11 => {
                let keys = (0..4).map(|number| format!("p{number}")).collect();
                let new = NewBackfill {
                    key: format!("b{}", random.below(5)),
                    job: "daily".into(),
                    first: "p0".into(),
                    last: "p3".into(),
                    partitions: keys,
                    parallelism: 2,
                    again: true,
                    priority: 0,
                    parameters: Object::new(),
                    requested_by: "ann".into(),
                };
                backfills.push(store.backfill(&new, now).unwrap().number);
            }
            12 => {
                runs.extend(store.advance_backfills(now).unwrap());
                if let Some(&number) = pick(&mut random, &backfills) {
                    match random.below(4) {
                        0 => _ = store.stop_backfill(number, "ann", now),
                        1 => _ = store.resume_backfill(number, "ann", now),
                        _ => {}
                    }
                }
            }
            _ => {
                let run = NewRun::of("daily", Origin::Schedule, "schedule");
                let planned = Planned { scheduled: at(random.below(40) as i64), decision: Decision::Start(run) };
                store.record("daily", &[planned], Some(now), now).unwrap();
                if random.percent(20) {
                    let retention =
                        Retention { runs: 15, age: jiff::SignedDuration::from_secs(300), ..Retention::default() };
                    store.sweep_runs("daily", &retention, now).unwrap();
                }
            }
        }
        let found = store.verify(Depth::All).unwrap();
        assert!(found.is_empty(), "seed {seed}, step {step}: {found:?}");
        for run in store.runs(&RunFilter::default(), None, 1000).unwrap().items {
            if let Some(before) = finals.get(&run.id) {
                assert_eq!(before, &run, "seed {seed}, step {step}: it had ended");
            } else if run.state.is_final() {
                finals.insert(run.id.clone(), run);
            }
        }
    }
    assert!(finals.len() > 10, "seed {seed}: {} runs ended", finals.len());
}

fn consequences(finished: &Finished, retry: bool, now: Timestamp) -> Consequences {
    let mut follows = Consequences { notifications: vec![notification("end")], ..Consequences::default() };
    match finished.run.state {
        RunState::Succeeded => {
            follows.promotions = vec![NewPromotion {
                name: "churn".into(),
                version: finished.run.id.to_string(),
                verdict: Verdict::Promote,
                metrics: Object::new(),
                decided_by: "gate".into(),
            }];
            follows.runs = vec![new_run("report")];
        }
        RunState::Failed | RunState::Lost | RunState::TimedOut if retry => {
            follows.retry = Some(Retry { not_before: now, resumes: false });
        }
        _ => {}
    }
    follows
}
