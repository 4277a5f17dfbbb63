//! `run` in two processes: a worker does the work, and a supervisor starts it and says what happened should it die.
//!
//! A library may abort, and the system may kill a process that takes too much memory; a process cannot report its own death.
//! The supervisor does nothing that could fail in such a way: it waits. The worker is the same program with the same arguments,
//! the same terminal and the same process group, so what it prints is what the user sees, and its exit code is passed on.
//!
//! - Ctrl-C reaches both from the terminal; a signal that is sent to the supervisor alone is passed on to the worker.
//! - When the supervisor dies, the system kills the worker.
//! - When a server started it and nobody reads its events any more, the server is dead, and the run is cancelled.
//! - When the worker dies, the run's record is finished from its journal, what it left half-written is removed, and the exit
//!   code is 5.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, getppid, kill_process, waitid};

use super::{Failure, interrupt, render};
use crate::definition::Secrets;
use crate::diagnostic::{Class, Diagnostic};
use crate::report;
use crate::run::events::Event;
use crate::run::manifest::{RunRecord, StageStatus};
use crate::run::store::{Given, Store};
use crate::run::{self, recover};
use crate::schedule::worker::SERVE;

/// Tells the program that it is a worker: the number of the process that started it.
const WORKER: &str = "GRISTMILL_WORKER";

/// How long a worker that was asked to stop may take, its own patience included.
const PATIENCE: Duration = Duration::from_secs(3);

/// What this process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// It does the work.
    Worker,
    /// It starts a worker.
    Supervisor,
}

/// What this process is, told by its environment. A worker does not outlive its supervisor from here on.
///
/// Errors: the supervisor is gone already.
pub(super) fn role() -> Result<Role, Failure> {
    let Some(supervisor) = std::env::var_os(WORKER) else { return Ok(Role::Supervisor) };
    // On systems without this signal a worker whose supervisor was killed ends its run by itself.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
    let parent = getppid().map(number);
    // It may have died before the signal was set.
    if parent.is_some_and(|parent| supervisor == parent.to_string().as_str()) {
        return Ok(Role::Worker);
    }
    Err(Diagnostic::error(Class::Worker, "the process that started this worker is gone")
        .help(format!("remove `{WORKER}` from the environment; gristmill sets it for itself"))
        .into())
}

/// What the supervisor has to know of the run.
pub(super) struct Settings {
    /// The folder of the run.
    pub(super) base: PathBuf,
    /// Whether events are printed as JSON.
    pub(super) json: bool,
    /// Whether errors only are printed.
    pub(super) quiet: bool,
    /// What a server has decided about the run.
    pub(super) given: Option<Given>,
    /// Variables for the worker.
    pub(super) environment: Vec<(&'static str, String)>,
}

/// Runs this command in a worker and passes on what becomes of it.
pub(super) fn supervise(settings: &Settings) -> Result<(), Failure> {
    let failed =
        |error: std::io::Error| Diagnostic::error(Class::Stage, format!("cannot start the worker process: {error}"));
    let relay = Relay::watch()?;
    let kills_before = kills_for_memory();
    let mut command = Command::new(std::env::current_exe().map_err(failed)?);
    command
        .args(std::env::args_os().skip(1))
        .env(WORKER, std::process::id().to_string())
        .envs(settings.environment.iter().map(|(name, value)| (name, value)));
    if settings.json {
        // A line that the worker cannot finish must not be seen.
        command.stdout(Stdio::piped());
    }
    let mut child = command.spawn().map_err(failed)?;
    let worker = child.id();
    relay.begin(worker);
    pass_lines(&mut child, &relay);
    let status = relay.wait(&mut child).map_err(failed)?;
    let out_of_memory = kills_for_memory() > kills_before;
    recover::sweep_spill(&settings.base, worker);
    let death = Death { status, stopped: relay.was_stopped(), out_of_memory };
    match death.reason() {
        None => Ok(()),
        Some(reason) => tell(settings, worker, &death, reason),
    }
}

/// Passes the lines of the worker on, whole ones only. What nobody reads any more is read all the same, so that it goes on; it is
/// stopped where a server was to read it.
fn pass_lines(child: &mut Child, relay: &Relay) {
    let is_served = std::env::var_os(SERVE).is_some();
    let Some(output) = child.stdout.take() else { return };
    let mut output = BufReader::new(output);
    let mut line = Vec::new();
    let mut heard = true;
    while output.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        if heard && line.ends_with(b"\n") {
            let mut out = std::io::stdout().lock();
            heard = out.write_all(&line).and_then(|()| out.flush()).is_ok();
            drop(out);
            if !heard && is_served {
                relay.stop();
            }
        }
        line.clear();
    }
}

/// Finishes what the worker left, and says what happened.
fn tell(settings: &Settings, worker: u32, death: &Death, reason: Diagnostic) -> Result<(), Failure> {
    let code = reason.class.exit_code();
    // Without a state folder no run was begun.
    let exists = settings.base.join(".gristmill").is_dir();
    let store = exists.then(|| Store::open(&settings.base)).transpose()?;
    let store = match (store, settings.given.clone()) {
        // In a folder that is none of a run no run was begun, and the worker has said so.
        (Some(store), Some(given)) => store.given(given).ok(),
        (store, _) => store,
    };
    let record = store.as_ref().and_then(|store| recover::recover(store, worker, &reason));
    let report = record.as_ref().zip(store.as_ref()).and_then(|(record, store)| write_report(record, store));
    if settings.json
        && let Some(record) = &record
    {
        print_events(record, code, report.as_deref());
    }
    if reason.class == Class::Interrupted {
        // A worker that ended in order has said so; one that had to end at once has not.
        if record.is_some() || death.status.code().is_none() {
            // Whoever was to read it may be gone.
            let _ = writeln!(std::io::stderr(), "interrupted");
        }
        return Err(Failure::Code(code));
    }
    if reason.class != Class::Worker {
        // It knew what was wrong, and said so.
        return Err(Failure::Code(code));
    }
    render::print(&[located(reason, record.as_ref())], None);
    if let (false, false, Some(report)) = (settings.quiet, settings.json, &report) {
        // Whoever reads the standard output has seen enough when it cannot be written.
        let _ = writeln!(std::io::stdout(), "report {}", report.display());
    }
    Err(Failure::Code(code))
}

/// The finding with the stages that were at work.
fn located(reason: Diagnostic, record: Option<&RunRecord>) -> Diagnostic {
    let Some(record) = record else {
        let message =
            format!("{}, before the run had begun, while the pipeline and its files were checked", reason.message);
        return Diagnostic { message, ..reason };
    };
    let at_work = recover::failed_at(record, reason.class);
    let names: Vec<String> = at_work
        .iter()
        .map(|stage| format!("stage `{}` ({}, line {} of {})", stage.id, stage.kind, stage.line, record.file))
        .collect();
    let message = match names.as_slice() {
        [] => format!("the run failed after its last stage: {}", reason.message),
        [one] => format!("{one} failed: {}", reason.message),
        many => format!("{} were at work: {}", many.join(" and "), reason.message),
    };
    Diagnostic { message, ..reason }
}

/// The page of a run that died, beside its record.
fn write_report(record: &RunRecord, store: &Store) -> Option<PathBuf> {
    let path = record.folder.join("report.html");
    let html = report::render(record, run::previous(store, record).as_ref());
    crate::staging::write_atomically(&path, html.as_bytes()).ok().map(|()| path)
}

/// The events that the worker could not tell any more.
fn print_events(record: &RunRecord, code: u8, report: Option<&Path>) {
    let failed = record.stages.iter().filter(|stage| stage.status == StageStatus::Failed);
    let mut events: Vec<Event> = failed
        .map(|stage| Event::StageFinished {
            stage: stage.id.clone(),
            kind: stage.kind.clone(),
            status: stage.status,
            seconds: stage.seconds,
            error: stage.error.clone(),
        })
        .collect();
    events.push(Event::run_finished(record, code, report));
    let mut out = std::io::stdout().lock();
    for event in events {
        // The record was masked when it was written.
        let _ = writeln!(out, "{}", event.to_json(&Secrets::default()));
    }
}

/// How a worker ended.
struct Death {
    status: ExitStatus,
    /// Somebody asked it to stop.
    stopped: bool,
    /// The system killed a process for want of memory meanwhile.
    out_of_memory: bool,
}

impl Death {
    /// Why the worker did not end well; `None` when it did.
    fn reason(&self) -> Option<Diagnostic> {
        if let Some(code) = self.status.code() {
            let class = class_of(code)?;
            let message = format!("the process that did the work ended with exit code {code}");
            return Some(Diagnostic::error(class, message).help(BUG));
        }
        if self.stopped {
            return Some(Diagnostic::error(Class::Interrupted, "interrupted"));
        }
        let signal = self.status.signal().unwrap_or(0);
        let message = format!("the process that did the work was ended by {}", signal_name(signal));
        let help = if self.out_of_memory {
            "the system ran out of memory and killed it; allow less with `--memory`, or end other programs, and run again: \
             stages that were finished are kept"
        } else if signal == Signal::KILL.as_raw() {
            "somebody killed it, or the system did for want of memory (`dmesg` tells); run again: stages that were finished \
             are kept"
        } else {
            BUG
        };
        Some(Diagnostic::error(Class::Worker, message).help(help))
    }
}

const BUG: &str = "this is a bug of gristmill or of a library in it; please report it with the pipeline. Run again: stages that \
                   were finished are kept";

/// The class of an exit code of the worker; `None` for success. A panic ends it with a code that nothing else has.
fn class_of(code: i32) -> Option<Class> {
    let known = [Class::Stage, Class::Definition, Class::Data, Class::Limit, Class::Output, Class::Interrupted];
    let found = known.into_iter().find(|class| i32::from(class.exit_code()) == code);
    (code != 0).then(|| found.unwrap_or(Class::Worker))
}

fn signal_name(signal: i32) -> String {
    let known = [
        (Signal::KILL, "SIGKILL"),
        (Signal::ABORT, "SIGABRT, an abort"),
        (Signal::SEGV, "SIGSEGV, a crash"),
        (Signal::BUS, "SIGBUS, a file that was cut off while it was read, or a broken disk"),
        (Signal::ILL, "SIGILL, an instruction that this processor does not know"),
        (Signal::FPE, "SIGFPE, a crash"),
        (Signal::TERM, "SIGTERM"),
        (Signal::XCPU, "SIGXCPU, the limit of processor time"),
        (Signal::XFSZ, "SIGXFSZ, the limit of the size of files"),
    ];
    match known.iter().find(|(known, _)| known.as_raw() == signal) {
        Some((_, name)) => format!("signal {signal} ({name})"),
        None => format!("signal {signal}"),
    }
}

/// Processes that the system killed for want of memory since it started; 0 where it does not tell.
fn kills_for_memory() -> u64 {
    let text = std::fs::read_to_string("/proc/vmstat").unwrap_or_default();
    let number = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
    number.and_then(|number| number.trim().parse().ok()).unwrap_or(0)
}

fn number(process: Pid) -> u32 {
    process.as_raw_nonzero().get().unsigned_abs()
}

/// Passes signals on to the worker as long as there is one.
#[derive(Clone, Default)]
struct Relay(Arc<Mutex<Relayed>>);

#[derive(Default)]
struct Relayed {
    worker: Option<Pid>,
    stopped: bool,
}

impl Relay {
    /// Watches for signals from now on.
    fn watch() -> Result<Self, Failure> {
        let relay = Self::default();
        let watched = relay.clone();
        ctrlc::set_handler(move || watched.stop())
            .map_err(|error| Diagnostic::error(Class::Stage, format!("cannot watch for Ctrl-C: {error}")))?;
        Ok(relay)
    }

    fn lock(&self) -> MutexGuard<'_, Relayed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The worker is there.
    fn begin(&self, worker: u32) {
        let mut state = self.lock();
        state.worker = i32::try_from(worker).ok().and_then(Pid::from_raw);
        let stopped = state.stopped;
        drop(state);
        if stopped {
            self.send(Signal::TERM);
        }
    }

    /// Asks the worker to stop, and kills it when it does not.
    fn stop(&self) {
        let first = !std::mem::replace(&mut self.lock().stopped, true);
        self.send(Signal::TERM);
        if first {
            let relay = self.clone();
            std::thread::spawn(move || {
                std::thread::sleep(PATIENCE.max(interrupt::PATIENCE * 2));
                relay.send(Signal::KILL);
            });
        }
    }

    fn send(&self, signal: Signal) {
        // The number stays that of the worker while it is not waited for, and that happens under this lock.
        if let Some(worker) = self.lock().worker {
            // A worker that is dead already needs no signal.
            let _ = kill_process(worker, signal);
        }
    }

    /// Waits for the end of the worker.
    fn wait(&self, child: &mut Child) -> std::io::Result<ExitStatus> {
        let worker = self.lock().worker;
        while let Some(worker) = worker {
            match waitid(WaitId::Pid(worker), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {
                Err(rustix::io::Errno::INTR) => {}
                _ => break,
            }
        }
        let mut state = self.lock();
        state.worker = None;
        child.wait()
    }

    fn was_stopped(&self) -> bool {
        self.lock().stopped
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn death(raw: i32, stopped: bool, out_of_memory: bool) -> Option<Diagnostic> {
        Death { status: ExitStatus::from_raw(raw), stopped, out_of_memory }.reason()
    }

    #[test]
    fn exit_codes_are_passed_on_and_signals_are_deaths() {
        assert_eq!(death(0, false, false), None);
        for code in [1, 2, 3, 4, 6, 130] {
            assert_eq!(i32::from(death(code << 8, false, false).unwrap().class.exit_code()), code);
        }
        let killed = death(9, false, false).unwrap();
        assert_eq!((killed.class, killed.class.exit_code()), (Class::Worker, 5));
        assert!(killed.message.ends_with("signal 9 (SIGKILL)"), "{killed}");
        assert!(death(9, false, true).unwrap().help.unwrap().contains("ran out of memory"));
        assert!(death(6, false, false).unwrap().help.unwrap().contains("bug"));
        assert_eq!(death(15, true, false).unwrap().class, Class::Interrupted);
        assert_eq!(death(101 << 8, false, false).unwrap().class, Class::Worker, "a panic");
    }
}
