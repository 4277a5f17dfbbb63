//! Workers whose server died.

use std::process::{Child, Command};

use super::*;

const GRACE: Duration = Duration::from_secs(10);

/// A worker that nobody listens to; the child has to be asked how it ended.
fn orphan(launch: &Launch) -> (Child, Identity) {
    let child = launch.command().stdout(std::process::Stdio::null()).spawn().unwrap();
    let identity = Identity::of(child.id()).unwrap();
    (child, identity)
}

fn members(worker: Identity) -> usize {
    identity::processes().filter(|found| found.group == worker.pid && found.lives()).count()
}

/// Waits until the script has said that it is ready.
fn wait_until_ready(base: &Path) {
    wait_for("sign that the script is ready", || base.join("ready").exists());
}

#[test]
fn an_orphan_ends_with_all_of_its_group_when_it_is_asked_to() {
    let base = tempfile::tempdir().unwrap();
    let launch = launch(base.path(), "sleep 1000 & (sleep 1000; :) & touch ready; wait");
    let (mut child, worker) = orphan(&launch);
    wait_until_ready(base.path());
    assert_eq!(orphans(&base.path().join(".gristmill/runs")), [(launch.folder.clone(), worker)]);
    assert_eq!(orphans(base.path()), [], "another folder of runs");
    assert_eq!(kill_orphan(Some(worker), &launch.folder, GRACE), Orphan::Ended);
    assert_eq!(members(worker), 0);
    // A second time there is nobody.
    assert_eq!(kill_orphan(Some(worker), &launch.folder, GRACE), Orphan::Gone);
    child.wait().unwrap();
    assert_eq!(kill_orphan(Some(worker), &launch.folder, GRACE), Orphan::Gone);
}

#[test]
fn an_orphan_that_does_not_end_is_killed() {
    let base = tempfile::tempdir().unwrap();
    let launch = launch(base.path(), "trap '' TERM; sleep 1000 & touch ready; while :; do sleep 0.01; done");
    let (mut child, worker) = orphan(&launch);
    wait_until_ready(base.path());
    let began = Instant::now();
    assert_eq!(kill_orphan(Some(worker), &launch.folder, Duration::from_millis(50)), Orphan::Killed);
    assert!(began.elapsed() >= Duration::from_millis(50));
    assert_eq!(members(worker), 0);
    child.wait().unwrap();
}

#[test]
fn what_an_orphan_left_in_its_group_or_out_of_it_ends_after_it_has_ended() {
    let base = tempfile::tempdir().unwrap();
    let script =
        "sleep 1000 & setsid sh -c 'touch ready; exec sleep 1000' & while [ ! -e ready ]; do sleep 0.005; done";
    let launch = launch(base.path(), script);
    let (mut child, worker) = orphan(&launch);
    child.wait().unwrap();
    assert_eq!(members(worker), 1);
    let found = orphans(&base.path().join(".gristmill/runs"));
    assert!(found.len() == 2 && found.contains(&(launch.folder.clone(), Identity { pid: worker.pid, started: 0 })));
    assert_eq!(kill_orphan(Some(worker), &launch.folder, GRACE), Orphan::Ended);
    assert_eq!((members(worker), orphans(&base.path().join(".gristmill/runs"))), (0, Vec::new()));
}

#[test]
fn a_worker_that_nobody_wrote_down_is_asked_first_and_killed_only_when_it_does_not_end() {
    let base = tempfile::tempdir().unwrap();
    let polite = "trap 'touch asked; exit 0' TERM; touch ready; while :; do sleep 0.01; done";
    let polite = launch(base.path(), polite);
    let (mut child, _) = orphan(&polite);
    wait_until_ready(base.path());
    assert_eq!(kill_orphan(None, &polite.folder, GRACE), Orphan::Ended);
    assert!(base.path().join("asked").exists());
    // It is a child of this process, and was asked how it ended already.
    let _ = child.wait();
    std::fs::remove_file(base.path().join("ready")).unwrap();
    let deaf = launch(base.path(), "trap '' TERM; touch ready; while :; do sleep 0.01; done");
    let (mut child, worker) = orphan(&deaf);
    wait_until_ready(base.path());
    let other = base.path().join(".gristmill/runs/another");
    assert_eq!(kill_orphan(None, &other, GRACE), Orphan::Gone, "it carries the folder of another run");
    assert!(worker.is_alive());
    let began = Instant::now();
    assert_eq!(kill_orphan(None, &deaf.folder, Duration::from_millis(50)), Orphan::Killed);
    assert!(began.elapsed() >= Duration::from_millis(50));
    let _ = child.wait();
}

#[test]
fn a_signal_goes_to_the_process_that_was_found_and_not_to_a_later_one_with_its_number() {
    let base = tempfile::tempdir().unwrap();
    let launch = launch(base.path(), "touch ready; exec sleep 1000");
    let (mut child, worker) = orphan(&launch);
    wait_until_ready(base.path());
    let found = identity::Found::look(worker.pid).unwrap();
    let mut earlier = found;
    earlier.started -= 1;
    earlier.send(rustix::process::Signal::KILL);
    std::thread::sleep(Duration::from_millis(20));
    assert!(worker.is_alive());
    found.send(rustix::process::Signal::KILL);
    assert!(!child.wait().unwrap().success());
    // Nobody has the number any more.
    found.send(rustix::process::Signal::KILL);
}

#[test]
fn another_process_with_the_number_is_left_alone() {
    let base = tempfile::tempdir().unwrap();
    let launch = launch(base.path(), "touch ready; exec sleep 1000");
    let other = base.path().join(".gristmill/runs/another");
    let (mut child, worker) = orphan(&launch);
    wait_until_ready(base.path());
    for started in [worker.started - 1, worker.started + 1, 0] {
        assert_eq!(kill_orphan(Some(Identity { started, ..worker }), &other, GRACE), Orphan::Gone);
    }
    assert!(worker.is_alive());
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_group_of_somebody_else_whose_leader_is_gone_is_left_alone() {
    let base = tempfile::tempdir().unwrap();
    let launch = launch(base.path(), "");
    let mut command = Command::new("/bin/sh");
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.args(["-c", "sleep 1000 & exit 0"]).env_remove(SERVE).spawn().unwrap();
    let identity = Identity::of(child.id()).unwrap();
    child.wait().unwrap();
    assert_eq!(kill_orphan(Some(identity), &launch.folder, GRACE), Orphan::Gone);
    assert_eq!(members(identity), 1);
    orphan::send(identity.pid, crate::schedule::termination::Signal::Kill);
    wait_for("end of the group", || members(identity) == 0);
}

#[test]
fn no_number_means_this_process_or_everybody() {
    let own = rustix::process::getpgrp().as_raw_nonzero().get().unsigned_abs();
    let folder = Path::new("/no/such/run");
    for pid in [0, 1, own, u32::MAX, u32::try_from(i32::MAX).unwrap()] {
        let worker = Identity::of(pid).unwrap_or(Identity { pid, started: 0 });
        assert_eq!(kill_orphan(Some(worker), folder, GRACE), Orphan::Gone, "{pid}");
    }
}
