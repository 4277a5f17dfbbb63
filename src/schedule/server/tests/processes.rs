//! Real processes under a server: small shell scripts in the place of this program.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::log::Silent;
use super::super::options::Options;
use super::super::threads::Server;
use crate::schedule::service::{RunRequest, Who};
use crate::schedule::store::{CutOff, Object, Origin, Run, RunId, RunState};
use crate::schedule::worker::Identity;

/// A folder whose program does what the pipeline of a job says; `$1` to `$9` are options, the last one is the pipeline.
fn folder(jobs: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("jobs")).unwrap();
    fs::create_dir_all(folder.path().join("pipelines")).unwrap();
    let mut cases = String::new();
    for (name, script) in jobs {
        super::world::lay(folder.path(), name, "");
        cases.push_str(&format!("*/{name}.yaml) {script} ;;\n"));
    }
    let program = folder.path().join("program");
    let text = format!("#!/bin/sh\nfor last; do :; done\ncase $last in\n{cases}esac\n");
    fs::write(&program, text).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

fn start(folder: &Path, grace: Duration) -> Server {
    let mut options = Options::new(folder.join("program"));
    options.grace = grace;
    options.limits.runs = Some(4);
    Server::start(folder, options, Arc::new(Silent)).unwrap()
}

fn ask(server: &Server, job: &str) -> RunId {
    let request = RunRequest {
        job: job.to_owned(),
        key: None,
        parameters: Object::new(),
        partition: None,
        origin: Origin::Manual,
    };
    server.service().run(request, &Who::admin("ann")).unwrap().run
}

fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "{what} never comes");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn ended(server: &Server, run: &RunId) -> Run {
    wait_for("the end", || Some(server.service().store().run(run).unwrap()).filter(|run| run.state.is_final()))
}

fn worker(server: &Server, run: &RunId) -> Identity {
    wait_for("the worker", || {
        let run = server.service().store().run(run).unwrap();
        run.pid.zip(run.pid_started).map(|(pid, started)| Identity { pid, started })
    })
}

#[test]
fn a_worker_that_is_killed_for_want_of_memory_takes_no_other_with_it() {
    let folder = folder(&[
        ("greedy", "while [ ! -e go ]; do sleep 0.01; done; kill -9 $$"),
        ("sibling", "while [ ! -e end ]; do sleep 0.01; done; exit 0"),
    ]);
    let server = start(folder.path(), Duration::from_secs(1));
    let (greedy, sibling) = (ask(&server, "greedy"), ask(&server, "sibling"));
    let (_, beside) = (worker(&server, &greedy), worker(&server, &sibling));
    fs::write(folder.path().join("go"), "").unwrap();
    let died = ended(&server, &greedy);
    assert_eq!((died.state, died.exit_code, died.cut_off), (RunState::Lost, None, None));
    assert!(died.message.as_deref().unwrap().contains("(SIGKILL)"), "{died:?}");
    assert!(beside.is_alive());
    fs::write(folder.path().join("end"), "").unwrap();
    assert_eq!(ended(&server, &sibling).state, RunState::Succeeded);
    server.stop().unwrap();
}

#[test]
fn a_stopping_server_waits_for_its_grace_and_kills_a_worker_that_is_deaf_to_sigterm() {
    let folder = folder(&[
        ("deaf", "trap '' TERM; touch deaf; while :; do sleep 0.01; done"),
        ("polite", "trap 'exit 130' TERM; touch polite; while :; do sleep 0.01; done"),
    ]);
    let server = start(folder.path(), Duration::from_millis(300));
    let runs = [ask(&server, "deaf"), ask(&server, "polite")];
    let workers = runs.each_ref().map(|run| worker(&server, run));
    wait_for("both at work", || {
        (folder.path().join("deaf").exists() && folder.path().join("polite").exists()).then_some(())
    });
    let service = Arc::clone(server.service());
    let began = Instant::now();
    server.stop().unwrap();
    assert!(began.elapsed() >= Duration::from_millis(300), "{:?}", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    for (run, worker) in runs.iter().zip(workers) {
        assert!(!worker.is_alive());
        let run = service.store().run(run).unwrap();
        assert_eq!((run.state, run.cut_off), (RunState::Lost, Some(CutOff::ServerStopped)), "{run:?}");
    }
    assert_eq!(service.store().waiting().unwrap(), 2, "they are taken up again by the next server");
}
