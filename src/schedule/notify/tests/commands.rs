//! Commands: what a program gets, what its end means, and that nothing of it stays.

use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, test_kill_process};
use serde_json::{Map, Value, json};

use super::{KEY, Surroundings, channel, delivery, payload};
use crate::schedule::notify::channel::Transport;
use crate::schedule::notify::{Channel, Outcome, send};

/// A shell as the program: it is one only because the test says so.
fn script(text: &str) -> Channel {
    let text = serde_json::to_string(text).unwrap();
    channel(&format!("- command: {{run: [/bin/sh, -c, {text}, name, \"an argument; with $signs\"]}}"))
}

fn hurried(mut channel: Channel, milliseconds: u64) -> Channel {
    if let Transport::Command(command) = &mut channel.transport {
        command.timeout = Duration::from_millis(milliseconds);
    }
    channel
}

fn surroundings() -> Surroundings {
    Surroundings::with(&[
        ("PATH", "/usr/bin:/bin"),
        ("HOOK_SECRET", "s3cret"),
        ("TOKEN", "t0ken"),
        ("HOME", "/home/mill"),
    ])
}

fn file(surroundings: &Surroundings, name: &str) -> String {
    std::fs::read_to_string(surroundings.folder.path().join(name)).unwrap_or_default()
}

#[test]
fn a_program_gets_the_message_on_its_input_and_the_facts_in_its_environment() {
    let surroundings = surroundings();
    let channel = script("cat > input; env > variables; printf '%s' \"$1\" > argument; pwd -P > folder");
    assert_eq!(send(&channel, &delivery(&payload()), &surroundings.lookup()), Outcome::Sent);
    assert_eq!(serde_json::from_str::<Value>(&file(&surroundings, "input")).unwrap(), Value::Object(payload()));
    assert_eq!(file(&surroundings, "argument"), "an argument; with $signs");
    let folder = surroundings.folder.path().canonicalize().unwrap();
    assert_eq!(Path::new(file(&surroundings, "folder").trim_end()), folder);
    let variables = file(&surroundings, "variables");
    for line in [
        "GRISTMILL_EVENT=failure",
        "GRISTMILL_TEXT=nightly failed, attempt 3",
        "GRISTMILL_JOB=nightly",
        "GRISTMILL_RUN=20261127-214400-00000042",
        "GRISTMILL_STATE=failed",
        "GRISTMILL_ATTEMPT=3",
        "GRISTMILL_PARTITION=",
        "GRISTMILL_MESSAGE=stage `load` failed: no such file",
        "GRISTMILL_TRY=2",
        "HOME=/home/mill",
    ] {
        assert!(variables.lines().any(|found| found == line), "{line}: {variables}");
    }
    assert!(variables.contains(&format!("GRISTMILL_DELIVERY={KEY}\n")));
}

#[test]
fn a_program_gets_no_variable_of_the_server_that_was_not_named() {
    let surroundings = surroundings();
    assert_eq!(send(&script("env > variables"), &delivery(&payload()), &surroundings.lookup()), Outcome::Sent);
    let variables = file(&surroundings, "variables");
    assert!(!variables.contains("s3cret") && !variables.contains("t0ken"), "{variables}");
    let named = channel("- command: {run: [/bin/sh, -c, env > variables], environment: [TOKEN, NOT_THERE]}");
    assert_eq!(send(&named, &delivery(&payload()), &surroundings.lookup()), Outcome::Sent);
    let variables = file(&surroundings, "variables");
    assert!(variables.contains("TOKEN=t0ken\n") && !variables.contains("s3cret") && !variables.contains("NOT_THERE"));
}

#[test]
fn the_exit_code_says_what_became_of_the_message() {
    let outcome = |text: &str| send(&script(text), &delivery(&payload()), &surroundings().lookup());
    assert_eq!(outcome("exit 0"), Outcome::Sent);
    assert_eq!(
        outcome("echo s3cret; echo s3cret >&2; exit 3"),
        Outcome::GiveUp("the program `/bin/sh` ended with 3".to_owned())
    );
    let again = "the program `/bin/sh` ended with 75: it asks to be tried again".to_owned();
    assert_eq!(outcome("exit 75"), Outcome::Again { reason: again, after: None });
    assert_eq!(outcome("kill -9 $$"), Outcome::GiveUp("the program `/bin/sh` was ended by signal 9".to_owned()));
}

#[test]
fn a_program_that_is_not_there_is_given_up() {
    let surroundings = surroundings();
    super::secrets::write(&surroundings, "plain", "no program", 0o644);
    for (run, reason) in [
        ("/no/such/program", "the program `/no/such/program` cannot be started: no such file or directory"),
        ("./plain", "the program `./plain` cannot be started: permission denied"),
    ] {
        let channel = channel(&format!("- command: {{run: [{run}, s3cret]}}"));
        let outcome = send(&channel, &delivery(&payload()), &surroundings.lookup());
        assert_eq!(outcome, Outcome::GiveUp(reason.to_owned()));
    }
}

#[test]
fn a_relative_program_is_one_of_the_served_folder_and_a_bare_name_one_of_the_path() {
    let surroundings = surroundings();
    super::secrets::write(&surroundings, "tell", "#!/bin/sh\ncat > told\n", 0o755);
    let relative = channel("- command: {run: [./tell]}");
    assert_eq!(send(&relative, &delivery(&payload()), &surroundings.lookup()), Outcome::Sent);
    assert!(file(&surroundings, "told").starts_with('{'));
    let bare = channel("- command: {run: [sh, -c, exit 0]}");
    assert_eq!(send(&bare, &delivery(&payload()), &surroundings.lookup()), Outcome::Sent);
}

#[test]
fn a_program_need_not_read_a_long_message() {
    let long: Map<String, Value> =
        json!({"event": "failure", "message": "m".repeat(1 << 20)}).as_object().unwrap().clone();
    assert_eq!(send(&script("exit 0"), &delivery(&long), &surroundings().lookup()), Outcome::Sent);
}

/// Whether a process is there and is no zombie that only waits for its parent.
fn is_alive(pid: i32) -> bool {
    let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let is_dead =
        state.rsplit(')').next().is_some_and(|rest| matches!(rest.trim_start().chars().next(), Some('Z' | 'X')));
    test_kill_process(Pid::from_raw(pid).unwrap()).is_ok() && !is_dead
}

fn ends(surroundings: &Surroundings, name: &str) -> bool {
    let pid: i32 = file(surroundings, name).trim().parse().unwrap();
    let until = Instant::now() + Duration::from_secs(5);
    while is_alive(pid) && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(5));
    }
    !is_alive(pid)
}

#[test]
fn after_its_time_a_program_is_killed_with_all_that_it_started() {
    let surroundings = surroundings();
    let stubborn = "trap '' TERM; sleep 60 & echo $! > child; echo $$ > parent; wait; sleep 60";
    // On a busy machine a shell may take longer to get that far.
    for milliseconds in [300, 5_000] {
        let began = Instant::now();
        let outcome = send(&hurried(script(stubborn), milliseconds), &delivery(&payload()), &surroundings.lookup());
        assert!(began.elapsed() < Duration::from_secs(10));
        assert!(
            matches!(&outcome, Outcome::Again { reason, .. } if reason.contains("took longer than")),
            "{outcome:?}"
        );
        if !file(&surroundings, "parent").is_empty() {
            break;
        }
    }
    assert!(ends(&surroundings, "parent"));
    assert!(ends(&surroundings, "child"));
}

#[test]
fn what_a_program_leaves_running_is_killed() {
    let surroundings = surroundings();
    let outcome = send(&script("sleep 60 & echo $! > child"), &delivery(&payload()), &surroundings.lookup());
    assert_eq!(outcome, Outcome::Sent);
    assert!(ends(&surroundings, "child"));
}

#[test]
fn texts_of_data_are_one_line_in_the_environment() {
    let surroundings = surroundings();
    let facts = json!({"event": "failure", "text": "a\nGRISTMILL_JOB=evil\u{0}\u{1b}[31m", "job": "nightly"});
    let outcome = send(&script("env > variables"), &delivery(facts.as_object().unwrap()), &surroundings.lookup());
    assert_eq!(outcome, Outcome::Sent);
    let variables = file(&surroundings, "variables");
    assert!(variables.contains("GRISTMILL_TEXT=a GRISTMILL_JOB=evil  [31m\n"), "{variables}");
    assert!(variables.lines().any(|line| line == "GRISTMILL_JOB=nightly"));
}
