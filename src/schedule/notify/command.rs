//! Starts a program with a message on its standard input.

use std::io::{ErrorKind, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command as Process, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::bounded::line;
use super::channel::Command;
use super::delivery::{Delivery, Outcome};
use super::secret::Lookup;

/// What a program gets of the environment of the server without being asked for.
const PASSED_ON: [&str; 8] = ["PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR"];
/// The facts that are variables in the program's environment, with their keys in the payload.
const FACTS: [(&str, &str); 9] = [
    ("GRISTMILL_EVENT", "event"),
    ("GRISTMILL_TEXT", "text"),
    ("GRISTMILL_JOB", "job"),
    ("GRISTMILL_RUN", "run"),
    ("GRISTMILL_STATE", "state"),
    ("GRISTMILL_ATTEMPT", "attempt"),
    ("GRISTMILL_PARTITION", "partition"),
    ("GRISTMILL_MESSAGE", "message"),
    ("GRISTMILL_LINK", "link"),
];
/// "Temporary failure, try again later" (`EX_TEMPFAIL` of sysexits.h, 4.3BSD).
const TRY_AGAIN: i32 = 75;

/// One try.
pub(super) fn send(command: &Command, delivery: &Delivery<'_>, lookup: &Lookup<'_>) -> Outcome {
    let mut process = Process::new(program(command, lookup));
    process
        .args(&command.arguments)
        .current_dir(lookup.base)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // A group of its own, so that it can be ended with all that it started.
        .process_group(0);
    let passed_on = PASSED_ON.iter().copied().chain(command.environment.iter().map(String::as_str));
    for name in passed_on {
        if let Some(value) = (lookup.environment)(name).filter(|value| !value.contains('\0')) {
            process.env(name, value);
        }
    }
    for (name, key) in FACTS {
        process.env(name, delivery.text(key, 1_000));
    }
    process.env("GRISTMILL_DELIVERY", delivery.header_key()).env("GRISTMILL_TRY", delivery.attempt.to_string());
    match process.spawn() {
        Ok(child) => attend(child, command, delivery.body()),
        Err(error) => {
            let reason =
                format!("the program `{}` cannot be started: {}", shown(command), crate::staging::reason(&error));
            match error.kind() {
                ErrorKind::NotFound | ErrorKind::PermissionDenied | ErrorKind::InvalidInput => Outcome::GiveUp(reason),
                _ => Outcome::again(reason),
            }
        }
    }
}

/// A relative path begins in the served folder, whatever the folder of this process is.
fn program(command: &Command, lookup: &Lookup<'_>) -> std::path::PathBuf {
    if command.program.contains('/') { lookup.base.join(&command.program) } else { command.program.clone().into() }
}

/// The program in the words of a message; its arguments may be secrets.
fn shown(command: &Command) -> String {
    line(&command.program, 200)
}

/// Gives the program its input and waits for its end.
fn attend(mut child: Child, command: &Command, body: String) -> Outcome {
    if let Some(mut input) = child.stdin.take() {
        // On a thread, because a program need not read. It is not waited for: it ends when the program's group does.
        let writer = thread::Builder::new().name("notify-input".to_owned());
        let started = writer.spawn(move || {
            let _ = input.write_all(body.as_bytes());
        });
        if started.is_err() {
            end(&mut child);
            return Outcome::again("there is no thread left to give a program its input");
        }
    }
    let in_time = has_ended_before(&child, Instant::now() + command.timeout);
    let status = end(&mut child);
    let program = shown(command);
    match status {
        _ if !in_time => Outcome::again(format!(
            "the program `{program}` took longer than {} s and was killed",
            command.timeout.as_secs()
        )),
        Some(status) => judge(&program, status),
        None => Outcome::again(format!("the end of the program `{program}` was not seen")),
    }
}

/// Waits until the program has ended or the moment has come. The program is not reaped: while it is there, its number and its
/// group's belong to no other.
fn has_ended_before(child: &Child, until: Instant) -> bool {
    let Some(pid) = pid(child) else { return false };
    let mut pause = Duration::from_millis(1);
    loop {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        if matches!(waitid(WaitId::Pid(pid), options), Ok(Some(_))) {
            return true;
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        thread::sleep(pause.min(left));
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

/// Kills what is left of the program's group, and reaps the program.
fn end(child: &mut Child) -> Option<ExitStatus> {
    if let Some(pid) = pid(child) {
        // There may be nobody left to kill.
        let _ = kill_process_group(pid, Signal::KILL);
    }
    child.wait().ok()
}

fn pid(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}

fn judge(program: &str, status: ExitStatus) -> Outcome {
    match (status.code(), status.signal()) {
        (Some(0), _) => Outcome::Sent,
        (Some(TRY_AGAIN), _) => {
            Outcome::again(format!("the program `{program}` ended with {TRY_AGAIN}: it asks to be tried again"))
        }
        (Some(code), _) => Outcome::GiveUp(format!("the program `{program}` ended with {code}")),
        (None, Some(signal)) => Outcome::GiveUp(format!("the program `{program}` was ended by signal {signal}")),
        (None, None) => Outcome::GiveUp(format!("the program `{program}` ended in an unknown way")),
    }
}
