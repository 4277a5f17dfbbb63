//! Workers that are small shell scripts.

mod ending;
mod kills;
mod orphans;
mod speaking;

use std::path::Path;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::*;

/// A worker that is this script of `/bin/sh`. Its options follow as the script's own.
fn launch(base: &Path, script: &str) -> Launch {
    let mut launch = Launch::new(
        "/bin/sh".into(),
        "p.yaml".into(),
        base.into(),
        base.join(".gristmill/runs/20260301-020000-00000042"),
    );
    launch.arguments = vec!["-c".into(), script.into()];
    // Processes whose parents die become children of this one, as they do of the first process of a container, so that none is
    // overlooked.
    rustix::process::set_child_subreaper(rustix::process::Pid::from_raw(1)).unwrap();
    launch
}

/// Everything that is heard of a worker until its end.
fn all(heard: &Receiver<Heard>) -> (Vec<Heard>, Ended) {
    let mut before = Vec::new();
    loop {
        match heard.recv_timeout(Duration::from_secs(30)).expect("the end is told") {
            Heard::Ended(ended) => {
                assert!(heard.try_recv().is_err(), "the end is the last");
                return (before, *ended);
            }
            other => before.push(other),
        }
    }
}

/// What a script says and how it ends.
fn run(script: &str) -> (Vec<Heard>, Ended) {
    let base = tempfile::tempdir().unwrap();
    run_in(&launch(base.path(), script))
}

fn run_in(launch: &Launch) -> (Vec<Heard>, Ended) {
    let (working, heard) = Working::listen(launch).unwrap();
    let (before, ended) = all(&heard);
    assert!(working.wait(Duration::from_secs(30)) && working.has_ended());
    assert_no_process(working.identity());
    (before, ended)
}

/// Neither a process nor what is left of one.
#[track_caller]
fn assert_no_process(worker: Identity) {
    let left: Vec<_> = identity::processes().filter(|found| found.group == worker.pid).collect();
    assert!(left.is_empty(), "{left:?}");
}

fn line(stream: Stream, text: &str) -> Heard {
    Heard::Line { stream, text: text.to_owned() }
}

/// The lines of a run's log.
fn logged(launch: &Launch) -> Vec<Value> {
    let text = std::fs::read_to_string(launch.folder.join(log::FILE)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn wait_for(what: &str, mut is_there: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_there() {
        assert!(began.elapsed() < Duration::from_secs(30), "there was no {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}
