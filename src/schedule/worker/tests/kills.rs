//! Workers that die at any moment, of anything.

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use rustix::process::{Pid, Signal as Sent, kill_process, kill_process_group};

use super::*;

/// Says much, has children and grandchildren, some of which do not want to end.
const SCRIPT: &str = "sleep 1000 & (trap '' TERM; sleep 1000; :) & (while :; do echo child $$; done) & \
                      i=0; while :; do echo \"{\\\"event\\\":\\\"stage_started\\\",\\\"stage\\\":\\\"s$i\\\"}\"; echo err $i >&2; i=$((i+1)); done";

/// Number of kills: `GRISTMILL_KILLS`, or 20.
fn rounds() -> u64 {
    std::env::var("GRISTMILL_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(20)
}

#[test]
fn killed_at_any_moment_a_worker_leaves_one_end_and_no_process() {
    let mut random = SmallRng::seed_from_u64(7);
    for round in 0..rounds() {
        let base = tempfile::tempdir().unwrap();
        let mut launch = launch(base.path(), SCRIPT);
        launch.grace = Duration::from_millis(random.random_range(0..20));
        launch.longest_log = 1 << 20;
        if round % 5 == 0 {
            launch.timeouts.stage = Some(Duration::from_millis(random.random_range(0..10)));
        }
        let (working, heard) = Working::listen(&launch).unwrap();
        let worker = working.identity();
        let leader = Pid::from_raw(i32::try_from(worker.pid).unwrap()).unwrap();
        std::thread::sleep(Duration::from_micros(random.random_range(0..8000)));
        let mut working = Some(working);
        match random.random_range(0..6) {
            // From outside: the leader alone, its group, or one of the group.
            0 => kill_process(leader, Sent::KILL).unwrap_or(()),
            1 => kill_process_group(leader, Sent::KILL).unwrap_or(()),
            2 => {
                let members: Vec<u32> =
                    identity::processes().filter(|found| found.group == worker.pid).map(|found| found.pid).collect();
                let victim = members.get(random.random_range(0..members.len().max(1))).copied();
                let victim = victim.and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
                victim.map_or(Ok(()), |victim| kill_process(victim, Sent::KILL)).unwrap_or(());
                working.as_ref().unwrap().stop();
            }
            3 => working.as_ref().unwrap().stop(),
            4 => working.as_ref().unwrap().kill(),
            _ => working = None,
        }
        let (_, ended) = all(&heard);
        assert!(!ended.is_success(), "{round}: {ended:?}");
        assert_no_process(worker);
        assert!(working.is_none_or(|working| working.wait(Duration::from_secs(30))));
        assert!(logged(&launch).len() as u64 >= ended.logged.written);
    }
}
