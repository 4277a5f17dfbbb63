//! Workers that outlived their server.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, getpgrp, kill_process_group, waitid};

use super::identity::{Found, Identity, of_run, processes};
use crate::schedule::termination::{self, GRACE, Termination};

/// What became of an orphan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Orphan {
    /// There was none: the process had ended with all its group, or its number belongs to another one, which was left alone.
    Gone,
    /// It ended when it was asked to.
    Ended,
    /// It was killed.
    Killed,
    /// It is still there, because the system does not let it be killed or does not let it end yet.
    Stays {
        /// The numbers of its processes.
        processes: Vec<u32>,
    },
}

/// From the kill to giving up, when the system does not let a process end (it waits for a disk that does not answer).
const PATIENCE: Duration = Duration::from_secs(5);

/// Ends the worker of a server that died, with all processes of its group, and those that were started for the run with this `folder`
/// and left the group: SIGTERM, and SIGKILL to what has not ended after `grace` (10 s by the rules: [`GRACE`]). Where nobody knows
/// which process the worker is, those that carry the folder are all that is looked for.
///
/// No other process is hit: the leader has to have begun when the worker did, and a group whose leader is gone has to hold a
/// process that was started for the run. To end it twice is to end it once. Blocks until everything has ended, at most `grace` and 5 s.
pub fn kill_orphan(worker: Option<Identity>, folder: &Path, grace: Duration) -> Orphan {
    let look = (grace / 50).clamp(Duration::from_millis(1), Duration::from_millis(100));
    let began = Instant::now();
    let (mut sent, mut killed_at) = (None, None);
    let mut asked = BTreeSet::new();
    loop {
        let members = worker.map(|worker| group(worker, folder)).unwrap_or_default();
        let strays = strays(folder, &members);
        asked.extend(strays.iter().map(|stray| stray.pid));
        reap(&asked);
        if members.is_empty() && strays.is_empty() {
            break;
        }
        let signal = due(began.elapsed(), grace, sent);
        if let (Some(signal), Some(worker)) = (signal, worker.filter(|_| !members.is_empty())) {
            send(worker.pid, signal);
        }
        // After the kill also those that began meanwhile.
        let to_strays = signal.or(killed_at.map(|_| termination::Signal::Kill));
        if let Some(signal) = to_strays {
            strays.iter().for_each(|stray| stray.send(of(signal)));
        }
        if let Some(signal) = signal {
            sent = Some(signal);
            killed_at = (signal == termination::Signal::Kill).then(Instant::now);
        } else if killed_at.is_some_and(|at: Instant| at.elapsed() > PATIENCE) {
            return Orphan::Stays { processes: members.iter().chain(&strays).map(|found| found.pid).collect() };
        }
        thread::sleep(look);
    }
    match sent {
        None => Orphan::Gone,
        Some(termination::Signal::Terminate) => Orphan::Ended,
        Some(termination::Signal::Kill) => Orphan::Killed,
    }
}

/// The workers at work whose runs have their folder in `runs`: the folder of each, and the leader of its group, to be given to
/// [`kill_orphan`]. For a server that died after it had started one and before it could write down which. Where the leader of a
/// group has ended, `started` is 0. Time: two small files a process.
pub fn orphans(runs: &Path) -> Vec<(PathBuf, Identity)> {
    let mut found = BTreeMap::new();
    for process in processes().filter(|process| process.lives()) {
        if let Some(folder) = process.run().filter(|folder| folder.parent() == Some(runs)) {
            let leader = Identity::of(process.group).map_or(0, |leader| leader.started);
            found.insert((folder, process.group), leader);
        }
    }
    found.into_iter().map(|((folder, pid), started)| (folder, Identity { pid, started })).collect()
}

/// The processes at work in the group that the worker began; none where the number belongs to somebody else.
fn group(worker: Identity, folder: &Path) -> Vec<Found> {
    // Nobody's worker: the first process, everybody, and the group of this process.
    if worker.pid <= 1 || i32::try_from(worker.pid).is_err() || worker.pid == raw(getpgrp()) {
        return Vec::new();
    }
    let leader = Found::look(worker.pid);
    if leader.is_some_and(|leader| leader.started != worker.started) {
        return Vec::new();
    }
    let members: Vec<Found> = processes().filter(|found| found.group == worker.pid && found.lives()).collect();
    let is_ours =
        leader.is_some() || members.iter().any(|member| member.started >= worker.started && member.is_of_run(folder));
    if is_ours { members } else { Vec::new() }
}

/// Processes at work that were started for a run, but for the members of its group and this process itself.
fn strays(folder: &Path, members: &[Found]) -> Vec<Found> {
    let own = std::process::id();
    let is_member = |found: &Found| members.iter().any(|member| member.pid == found.pid);
    of_run(folder).into_iter().filter(|found| found.pid != own && !is_member(found)).collect()
}

/// Asks processes that have ended how they did: in a container without another first process they are children of this one.
fn reap(asked: &BTreeSet<u32>) {
    for pid in asked.iter().filter_map(|pid| i32::try_from(*pid).ok().and_then(Pid::from_raw)) {
        let _ = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
    }
}

/// Kills what a worker that has ended left behind outside of its group; it had its time to end.
pub(super) fn kill_left_behind(folder: &Path) {
    let began = Instant::now();
    let mut asked = BTreeSet::new();
    loop {
        reap(&asked);
        let left = strays(folder, &[]);
        if left.is_empty() || began.elapsed() > PATIENCE {
            return;
        }
        for found in left {
            if asked.insert(found.pid) {
                found.send(Signal::KILL);
            }
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// What is to be sent, by the rules, when the grace is that long.
pub(super) fn due(passed: Duration, grace: Duration, sent: Option<termination::Signal>) -> Option<termination::Signal> {
    Termination::signal(if passed < grace { SignedDuration::ZERO } else { GRACE }, sent)
}

/// Sends a signal to a group. One that has ended needs none.
pub(super) fn send(group: u32, signal: termination::Signal) {
    if let Some(group) = i32::try_from(group).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(group, of(signal));
    }
}

fn of(signal: termination::Signal) -> Signal {
    match signal {
        termination::Signal::Terminate => Signal::TERM,
        termination::Signal::Kill => Signal::KILL,
    }
}

fn raw(process: Pid) -> u32 {
    process.as_raw_nonzero().get().unsigned_abs()
}
