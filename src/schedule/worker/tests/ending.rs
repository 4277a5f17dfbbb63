//! How workers end, and are made to.

use rustix::process::Signal as Sent;
use serde_json::json;

use super::*;

#[test]
fn each_exit_code_is_told() {
    for code in [1, 2, 3, 4, 5, 6, 130, 101, 255] {
        let (_, ended) = run(&format!("exit {code}"));
        assert_eq!((ended.code, ended.signal, ended.is_success(), ended.stopped), (Some(code), None, false, false));
        let message = ended.message().unwrap();
        assert!(message == "interrupted" || message.contains(&format!("exit code {code} ")), "{message}");
    }
}

#[test]
fn a_death_by_signal_is_told() {
    for signal in [Sent::KILL, Sent::TERM, Sent::ABORT, Sent::SEGV] {
        let (_, ended) = run(&format!("ulimit -c 0; kill -{} $$", signal.as_raw()));
        assert_eq!((ended.code, ended.signal), (None, Some(signal.as_raw())));
        assert!(ended.message().unwrap().contains(&format!("signal {} (SIG", signal.as_raw())));
    }
}

#[test]
fn the_stage_that_failed_is_the_message_and_stands_in_the_log() {
    let base = tempfile::tempdir().unwrap();
    let event = json!({
        "event": "stage_finished", "stage": "planes", "kind": "read", "status": "failed", "seconds": 0.1,
        "error": { "class": "data", "message": "no such file", "place": "p.yaml:3:5" },
    });
    let launch = launch(base.path(), &format!("echo '{event}'; echo 'error: other' >&2; exit 3"));
    let (_, ended) = run_in(&launch);
    assert_eq!(ended.message().as_deref(), Some("stage `planes`: no such file [p.yaml:3:5]"));
    let last = logged(&launch).pop().unwrap();
    assert_eq!(
        (&last["stream"], &last["line"]),
        (&json!("server"), &json!("stage `planes`: no such file [p.yaml:3:5]"))
    );
}

#[test]
fn an_output_that_is_closed_early_is_no_end() {
    let (heard, ended) = run("echo before; exec >&- 2>&-; sleep 0.05; exit 3");
    assert_eq!((heard, ended.code), (vec![line(Stream::Out, "before")], Some(3)));
    assert!(ended.lived >= Duration::from_millis(50));
}

#[test]
fn a_worker_that_obeys_ends_when_it_is_asked_to() {
    let base = tempfile::tempdir().unwrap();
    let launch = launch(
        base.path(),
        "exec 2> /dev/null; trap 'echo ending; exit 130' TERM; echo ready; while :; do sleep 0.01; done",
    );
    let (working, heard) = Working::listen(&launch).unwrap();
    assert_eq!(heard.recv().unwrap(), line(Stream::Out, "ready"));
    working.stop();
    working.stop();
    let (said, ended) = all(&heard);
    assert_eq!(said, [line(Stream::Out, "ending")]);
    assert_eq!((ended.code, ended.stopped, ended.overdue), (Some(130), true, None));
    assert!(ended.lived < launch.grace);
    // To ask one that has ended is nothing.
    working.stop();
    working.kill();
    assert_no_process(working.identity());
}

#[test]
fn a_worker_that_ignores_sigterm_is_killed_after_the_grace() {
    let base = tempfile::tempdir().unwrap();
    let mut launch = launch(base.path(), "trap '' TERM; sleep 1000 & echo ready; while :; do sleep 0.01; done");
    launch.grace = Duration::from_millis(60);
    let (working, heard) = Working::listen(&launch).unwrap();
    assert_eq!(heard.recv().unwrap(), line(Stream::Out, "ready"));
    let asked = Instant::now();
    working.signal(crate::schedule::termination::Signal::Terminate);
    let (_, ended) = all(&heard);
    assert!(asked.elapsed() >= launch.grace);
    assert_eq!((ended.signal, ended.stopped, ended.out_of_memory), (Some(9), true, false));
    assert_no_process(working.identity());
}

#[test]
fn a_late_success_after_a_stop_is_none() {
    let base = tempfile::tempdir().unwrap();
    let launch = launch(base.path(), "trap 'exit 0' TERM; echo ready; while :; do sleep 0.01; done");
    let (working, heard) = Working::listen(&launch).unwrap();
    assert_eq!(heard.recv().unwrap(), line(Stream::Out, "ready"));
    working.stop();
    let (_, ended) = all(&heard);
    assert_eq!((ended.code, ended.is_success()), (Some(0), false));
}

#[test]
fn grandchildren_end_with_their_worker() {
    let began = Instant::now();
    // They hold the output open, ignore the request to end and would outlive it.
    let (heard, ended) = run("trap '' TERM; (sleep 1000; echo never) & sleep 1000 & echo ready; exit 0");
    assert_eq!((heard, ended.code), (vec![line(Stream::Out, "ready")], Some(0)));
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_process_that_left_the_group_ends_too_when_it_holds_the_output_open() {
    let base = tempfile::tempdir().unwrap();
    let mut launch =
        launch(base.path(), "setsid sh -c 'echo $$; exec sleep 1000' & while [ ! -e there ]; do sleep 0.005; done");
    launch.grace = Duration::from_millis(20);
    let (working, heard) = Working::listen(&launch).unwrap();
    let Heard::Line { text, .. } = heard.recv().unwrap() else { panic!("it says its number") };
    let left = Identity::of(text.parse().unwrap()).unwrap();
    assert!(left.is_alive());
    std::fs::write(base.path().join("there"), "").unwrap();
    let (_, ended) = all(&heard);
    assert_eq!(ended.code, Some(0));
    assert!(!left.is_alive());
    assert_no_process(working.identity());
}

#[test]
fn a_run_that_takes_too_long_is_ended_and_that_is_told_first() {
    let base = tempfile::tempdir().unwrap();
    let mut launch = launch(base.path(), "sleep 1000");
    launch.timeouts.run = Some(Duration::from_millis(30));
    let (heard, ended) = run_in(&launch);
    let overdue = Overdue::Run { allowed: Duration::from_millis(30) };
    assert_eq!(heard, [Heard::Overdue(overdue.clone())]);
    assert_eq!((ended.overdue, ended.stopped, ended.signal), (Some(overdue), true, Some(15)));
    assert!(ended.lived >= Duration::from_millis(30));
    assert!(logged(&launch)[0]["line"].as_str().unwrap().starts_with("the run took longer than its `timeout`"));
}

#[test]
fn a_stage_that_takes_too_long_is_ended_and_one_that_does_not_is_not() {
    let base = tempfile::tempdir().unwrap();
    let event = |name: &str, stage: &str| format!("echo '{}'", json!({ "event": name, "stage": stage }));
    let script = format!(
        "{}; {}; {}; trap '' TERM; exec sleep 1000",
        event("stage_started", "a"),
        event("stage_finished", "a"),
        event("stage_started", "b"),
    );
    let mut launch = launch(base.path(), &script);
    launch.timeouts.stage = Some(Duration::from_millis(50));
    launch.grace = Duration::from_millis(20);
    let (heard, ended) = run_in(&launch);
    let overdue = Overdue::Stage { stage: "b".to_owned(), allowed: Duration::from_millis(50) };
    assert_eq!((heard.len(), heard.last()), (4, Some(&Heard::Overdue(overdue.clone()))));
    assert_eq!((ended.overdue.as_ref(), ended.signal), (Some(&overdue), Some(9)));
    assert!(ended.message().unwrap().starts_with("stage `b` took longer than its `stage_timeout` of 50ms"));
}

#[test]
fn a_worker_is_killed_when_its_handle_is_dropped() {
    let base = tempfile::tempdir().unwrap();
    let (working, heard) = Working::listen(&launch(base.path(), "trap '' TERM; sleep 1000 & wait")).unwrap();
    let worker = working.identity();
    assert!(worker.is_alive());
    drop(working);
    let (_, ended) = all(&heard);
    assert_eq!(ended.signal, Some(9));
    assert_no_process(worker);
}

#[test]
fn what_cannot_be_started_is_said_and_leaves_nothing() {
    let base = tempfile::tempdir().unwrap();
    let mut launch = launch(base.path(), "");
    launch.program = "/no/such/program".into();
    let error = Working::listen(&launch).unwrap_err();
    assert!(error.message.starts_with("cannot start `/no/such/program` in `"), "{error}");
    assert!(error.message.ends_with("no such file or directory"), "{error}");
    launch.program = "/bin/sh".into();
    launch.base = "/no/such/folder".into();
    assert!(Working::listen(&launch).unwrap_err().message.contains("in `/no/such/folder`"));
}
