//! A life of a server in which the n-th operation of the database fails, and the server is killed there.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::*;
use crate::schedule::service::{RunRequest, Who};
use crate::schedule::store::{Object, Origin, RunState};

const JOBS: [(&str, &str); 3] = [
    ("hourly", "schedule: {cron: \"0 * * * *\"}\nretries: 1\nafter_crash: resume"),
    ("after", "after: [asked]\nafter_crash: resume"),
    ("asked", "after_crash: again"),
];

fn request(key: &str) -> RunRequest {
    RunRequest {
        job: "asked".to_owned(),
        key: Some(key.to_owned()),
        parameters: Object::new(),
        partition: None,
        origin: Origin::Api,
    }
}

/// Lives through some minutes, with a fault at the n-th operation from `since` on; then the server is killed, and another one
/// ends what was begun. Whether the fault happened.
fn live(n: u64, lasting: bool) -> bool {
    let mut world = World::new("2026-03-01T10:59:50Z", &JOBS);
    world.script("hourly", &[Script::Ends(2, 1), Script::Ends(2, 0)]);
    world.turn();
    world.faults.fail_at(n, lasting);
    let mut acknowledged = BTreeMap::new();
    let ann = Who::admin("ann");
    for second in 0..25_u32 {
        if second % 10 == 0 {
            let key = format!("k{second}");
            if let Ok(submitted) = world.service.run(request(&key), &ann) {
                acknowledged.insert(key, submitted.run);
            }
        }
        world.pass(1);
    }
    let happened = world.faults.end();
    let mut world = world.crash(SignedDuration::from_secs(5));
    world.pass(45);
    for (key, run) in &acknowledged {
        let again = world.service.run(request(key), &ann).unwrap();
        assert_eq!((&again.run, again.fresh), (run, false), "operation {n}: {key} was lost");
    }
    let mut successes = BTreeMap::new();
    for run in world.runs() {
        assert!(run.state.is_final(), "operation {n}: {run:?}");
        *successes.entry((run.job.clone(), run.root.clone())).or_insert(0) +=
            i32::from(run.state == RunState::Succeeded);
    }
    let of =
        |job: &str| successes.iter().filter(|((name, _), _)| name == job).map(|(_, count)| *count).collect::<Vec<_>>();
    let told: Vec<_> = world.runs().into_iter().map(|run| (run.id, run.job, run.state, run.message)).collect();
    assert_eq!(of("asked"), vec![1; acknowledged.len().max(of("asked").len())], "operation {n}: {told:?}");
    assert_eq!(of("after"), vec![1; of("after").len()], "operation {n}");
    assert_eq!(world.occurrences("hourly").len(), 1, "operation {n}");
    assert_eq!(of("hourly").len(), 1, "operation {n}: one run of one occurrence");
    world.sound();
    happened
}

fn each(from: u64, step: usize, lasting: bool) -> u64 {
    for n in (from..).step_by(step) {
        if !live(n, lasting) {
            return n;
        }
    }
    0
}

/// Every 97th operation; each with `GRISTMILL_FAULTS=all`.
#[test]
fn whichever_operation_fails_no_acknowledged_run_is_lost_and_none_is_run_twice() {
    let step = if std::env::var_os("GRISTMILL_FAULTS").is_some() { 1 } else { 97 };
    let operations = each(1, step, false);
    assert!(operations > 300, "{operations}");
}

#[test]
fn whenever_the_disk_goes_the_next_server_ends_what_was_begun() {
    each(7, 211, true);
}
