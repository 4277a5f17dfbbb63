//! A worker at work: its handle, and what its threads share.
//!
//! Four threads: one reads each output (`listening.rs`), one keeps the time (`timing.rs`), one waits for the end (`ending.rs`).

mod ending;
mod listening;
mod timing;

use std::fmt;
use std::path::PathBuf;
use std::process::Child;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::ended::{FailedStage, LastLines};
use super::heard::{Heard, Stream};
use super::identity::Identity;
use super::launch::Launch;
use super::log::{Entry, Log};
use super::memory;
use super::orphan::send;
use super::timekeeper::{Overdue, Timekeeper};
use crate::definition::Secrets;
use crate::diagnostic::{Class, Diagnostic};
use crate::schedule::termination::Signal;

/// What has been heard and not yet been taken, when a channel is used.
const CHANNEL: usize = 1024;

/// A process that runs a pipeline. When this is dropped before it has ended, the process is killed with its group.
pub struct Working {
    shared: Arc<Shared>,
}

impl Working {
    /// Starts the process of a run. `hear` is told everything that comes of it, one thing at a time and in order, from threads of its
    /// own; when it blocks, the worker has to wait. The last is always [`Heard::Ended`].
    ///
    /// What an earlier worker of the same run left in its folder is removed, but for the log.
    ///
    /// Errors: the folder cannot be made or another worker is at work in it ([`Class::Output`]); the program cannot be started
    /// ([`Class::Worker`]). Then nothing is left of it, and `hear` is never called.
    pub fn start(launch: &Launch, hear: impl FnMut(Heard) + Send + 'static) -> Result<Self, Diagnostic> {
        let failed = |what: &str, error: &std::io::Error| {
            let message = format!(
                "cannot start `{}` in `{}`: {what}{}",
                launch.program.display(),
                launch.base.display(),
                crate::staging::reason(error)
            );
            Diagnostic::error(Class::Worker, message).help(
                "check that the program and the served folder are there, and how many processes this user may have",
            )
        };
        launch
            .prepare()
            .map_err(|error| crate::staging::failure("cannot make the folder of the run", &launch.folder, &error))?;
        let log = Log::open(&launch.folder, launch.longest_log);
        let kills = memory::kills();
        let began = Instant::now();
        let mut child = launch.command().spawn().map_err(|error| failed("", &error))?;
        let identity = Identity::of(child.id()).unwrap_or(Identity { pid: child.id(), started: 0 });
        let shared = Arc::new(Shared {
            run: launch.run(),
            folder: launch.folder.clone(),
            identity,
            began,
            grace: launch.grace,
            kills,
            secrets: launch.secrets.clone(),
            log,
            hear: Mutex::new(Some(Box::new(hear))),
            speaking: AtomicUsize::new(0),
            lines: AtomicUsize::new(0),
            state: Mutex::new(State { time: Timekeeper::new(launch.timeouts), ..State::default() }),
            changed: Condvar::new(),
        });
        match shared.listen(&mut child) {
            Ok(threads) => {
                let waiting = Arc::clone(&shared);
                let spawned =
                    thread::Builder::new().name("worker".to_owned()).spawn(move || waiting.wait(child, threads));
                spawned.map_err(|error| {
                    // The child went with the thread that was never made, so its end can only be asked for by number.
                    shared.abandon();
                    failed("no thread to wait for it: ", &error)
                })?;
                Ok(Self { shared })
            }
            Err(error) => {
                shared.abandon();
                Err(failed("no thread to listen to it: ", &error))
            }
        }
    }

    /// As [`Working::start`], with a channel. When 1,024 things wait in it, the worker has to wait; when it is dropped, the worker
    /// goes on unheard.
    pub fn listen(launch: &Launch) -> Result<(Self, mpsc::Receiver<Heard>), Diagnostic> {
        let (sender, receiver) = mpsc::sync_channel(CHANNEL);
        // Nobody may listen any more; the log has it all.
        let working = Self::start(launch, move |heard| _ = sender.send(heard))?;
        Ok((working, receiver))
    }

    /// Who the process is; to be kept where a later server finds it.
    pub fn identity(&self) -> Identity {
        self.shared.identity
    }

    /// The name of its run.
    pub fn run(&self) -> &str {
        &self.shared.run
    }

    /// Makes it end: SIGTERM to its group now, SIGKILL when it has not ended after the grace. To ask twice is to ask once.
    pub fn stop(&self) {
        let mut state = self.shared.lock();
        if state.stop.is_none() {
            state.stop = Some(self.shared.began.elapsed());
            self.shared.changed.notify_all();
        }
    }

    /// Kills it with its group, without grace.
    pub fn kill(&self) {
        self.shared.kill();
    }

    /// [`Working::stop`] or [`Working::kill`].
    pub fn signal(&self, signal: Signal) {
        match signal {
            Signal::Terminate => self.stop(),
            Signal::Kill => self.kill(),
        }
    }

    /// Adds a line of the server to the log of the run, secrets masked.
    pub fn note(&self, line: &str) {
        self.shared.note(line);
    }

    /// Whether it has ended and [`Heard::Ended`] was told.
    pub fn has_ended(&self) -> bool {
        self.shared.lock().told
    }

    /// Waits until it has ended and [`Heard::Ended`] was told, at most that long. Says whether it has.
    pub fn wait(&self, most: Duration) -> bool {
        let state = self.shared.lock();
        let waited = self.shared.changed.wait_timeout_while(state, most, |state| !state.told);
        waited.unwrap_or_else(PoisonError::into_inner).0.told
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        if !self.has_ended() {
            self.shared.kill();
        }
    }
}

impl fmt::Debug for Working {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Working").field("run", &self.shared.run).field("identity", &self.shared.identity).finish()
    }
}

type Hear = Box<dyn FnMut(Heard) + Send>;

/// What the threads of a worker share.
struct Shared {
    run: String,
    folder: PathBuf,
    identity: Identity,
    began: Instant,
    grace: Duration,
    /// Kills for want of memory before it began.
    kills: u64,
    secrets: Secrets,
    log: Log,
    /// Gone when the end was told.
    hear: Mutex<Option<Hear>>,
    /// Threads that are telling something.
    speaking: AtomicUsize,
    /// Lines that were read.
    lines: AtomicUsize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    time: Timekeeper,
    /// When it was told to end.
    stop: Option<Duration>,
    sent: Option<Signal>,
    overdue: Option<Overdue>,
    failed: Option<FailedStage>,
    errors: LastLines,
    /// The leader of the group has ended; its number is kept for it until it was asked how.
    ended: bool,
    /// It was asked: the number may be given to another process.
    reaped: bool,
    /// The end was told.
    told: bool,
}

/// A thread is telling something; also when what hears it panics, that ends.
struct Speaking<'a>(&'a AtomicUsize);

impl<'a> Speaking<'a> {
    fn begin(speaking: &'a AtomicUsize) -> Self {
        speaking.fetch_add(1, Ordering::SeqCst);
        Self(speaking)
    }
}

impl Drop for Speaking<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The threads that have to end before the end is told.
struct Threads {
    /// Hears when an output has ended.
    outputs: mpsc::Receiver<()>,
    keeper: JoinHandle<()>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to listen, and to keep the time.
    fn listen(self: &Arc<Self>, child: &mut Child) -> std::io::Result<Threads> {
        let (done, outputs) = mpsc::channel();
        let begin =
            |name: &str, work: Box<dyn FnOnce() + Send>| thread::Builder::new().name(name.to_owned()).spawn(work);
        if let Some(output) = child.stdout.take() {
            let (shared, done) = (Arc::clone(self), done.clone());
            begin(
                "worker-out",
                Box::new(move || {
                    shared.read(Stream::Out, output);
                    // Whoever waited may have given up.
                    let _ = done.send(());
                }),
            )?;
        }
        if let Some(output) = child.stderr.take() {
            let shared = Arc::clone(self);
            begin(
                "worker-err",
                Box::new(move || {
                    shared.read(Stream::Err, output);
                    let _ = done.send(());
                }),
            )?;
        }
        let shared = Arc::clone(self);
        let keeper = begin("worker-time", Box::new(move || shared.keep_time()))?;
        Ok(Threads { outputs, keeper })
    }

    fn tell(&self, heard: Heard) {
        let _speaking = Speaking::begin(&self.speaking);
        if let Some(hear) = self.hear.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            hear(heard);
        }
    }

    fn note(&self, line: &str) {
        self.log.write(Stream::Server, &Entry::Line(&self.secrets.mask(line)));
    }

    /// The number stays that of the group as long as its leader was not asked how it ended, and that happens under this lock.
    fn send(&self, state: &State, signal: Signal) {
        if !state.reaped {
            send(self.identity.pid, signal);
        }
    }

    fn kill(&self) {
        let mut state = self.lock();
        state.stop = state.stop.or_else(|| Some(self.began.elapsed()));
        if state.sent != Some(Signal::Kill) {
            self.send(&state, Signal::Kill);
            state.sent = Some(Signal::Kill);
        }
        self.changed.notify_all();
    }
}
