//! A worker at work.

use std::fmt;
use std::io::BufReader;
use std::path::PathBuf;
use std::process::{Child, ExitStatus};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use serde_json::Value;

use super::ended::{Ended, FailedStage, LastLines};
use super::heard::{Heard, Stream};
use super::identity::Identity;
use super::launch::Launch;
use super::lines::Line;
use super::log::{Entry, Log};
use super::memory;
use super::orphan::{due, kill_left_behind, send};
use super::timekeeper::{Overdue, Timekeeper};
use crate::definition::Secrets;
use crate::diagnostic::{Class, Diagnostic};
use crate::schedule::termination::Signal;

/// What has been heard and not yet been taken, when a channel is used.
const CHANNEL: usize = 1024;

/// How long an output may stay open without a line after all processes that were started for the run have ended.
const PATIENCE: Duration = Duration::from_secs(2);

/// A process that runs a pipeline. When this is dropped before it has ended, the process is killed with its group.
pub struct Working {
    shared: Arc<Shared>,
}

impl Working {
    /// Starts the process of a run. `hear` is told everything that comes of it, one thing at a time and in order, from threads of its
    /// own; when it blocks, the worker has to wait. The last is always [`Heard::Ended`].
    ///
    /// Errors: the program cannot be started; then nothing is left of it, and `hear` is never called.
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
        let log = Log::open(&launch.folder, launch.longest_log);
        let kills = memory::kills();
        let mut child = launch.command().spawn().map_err(|error| failed("", &error))?;
        let identity = Identity::of(child.id()).unwrap_or(Identity { pid: child.id(), started: 0 });
        let shared = Arc::new(Shared {
            run: launch.run(),
            folder: launch.folder.clone(),
            identity,
            began: Instant::now(),
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
        self.speaking.fetch_add(1, Ordering::SeqCst);
        if let Some(hear) = self.hear.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            hear(heard);
        }
        self.speaking.fetch_sub(1, Ordering::SeqCst);
    }

    fn note(&self, line: &str) {
        self.log.write(Stream::Server, &Entry::Line(&self.secrets.mask(line)));
    }

    fn read(&self, stream: Stream, output: impl std::io::Read) {
        let mut output = BufReader::new(output);
        let mut line = Line::default();
        while line.read(&mut output).unwrap_or(false) {
            self.lines.fetch_add(1, Ordering::SeqCst);
            match event(&line).filter(|_| stream == Stream::Out) {
                Some(event) if event.get("event").and_then(Value::as_str) == Some("alive") => self.tell(Heard::Alive),
                Some(event) => self.hear_event(masked(event, &self.secrets)),
                None => {
                    let text = line.text(&self.secrets);
                    if stream == Stream::Err {
                        self.lock().errors.push(&text);
                    }
                    self.log.write(stream, &Entry::Line(&text));
                    self.tell(Heard::Line { stream, text });
                }
            }
        }
    }

    fn hear_event(&self, event: Value) {
        let mut state = self.lock();
        if state.time.hear(&event, self.began.elapsed()) {
            self.changed.notify_all();
        }
        if state.failed.is_none() {
            state.failed = FailedStage::of(&event);
        }
        drop(state);
        self.log.write(Stream::Out, &Entry::Event(&event));
        self.tell(Heard::Event(event));
    }

    /// Ends what is overdue, and kills what does not end.
    fn keep_time(&self) {
        let mut state = self.lock();
        while !state.ended {
            let now = self.began.elapsed();
            if state.stop.is_none()
                && let Some(overdue) = state.time.overdue(now)
            {
                (state.stop, state.overdue) = (Some(now), Some(overdue.clone()));
                self.signal(&mut state, now);
                drop(state);
                self.note(&format!("{overdue}; it is made to end"));
                self.tell(Heard::Overdue(overdue));
                state = self.lock();
                continue;
            }
            self.signal(&mut state, now);
            let next = match (state.stop, state.sent) {
                (_, Some(Signal::Kill)) => None,
                (Some(since), _) => since.checked_add(self.grace),
                (None, _) => state.time.next(),
            };
            state = match next {
                Some(next) => {
                    let wait = next.saturating_sub(self.began.elapsed());
                    self.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Sends what is due to a process that was told to end.
    fn signal(&self, state: &mut State, now: Duration) {
        let Some(since) = state.stop else { return };
        if let Some(signal) = due(now.saturating_sub(since), self.grace, state.sent) {
            self.send(state, signal);
            state.sent = Some(signal);
        }
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

    /// Waits for the end of the process, ends what it left, and tells.
    fn wait(&self, mut child: Child, threads: Threads) {
        wait_for(child.id());
        let mut state = self.lock();
        state.ended = true;
        // What the leader left in its group ends with it.
        self.send(&state, Signal::Kill);
        drop(state);
        self.changed.notify_all();
        // A panic of what listens is not ours.
        let _ = threads.keeper.join();
        self.wait_for_outputs(&threads.outputs);
        let mut state = self.lock();
        let status = child.wait();
        state.reaped = true;
        drop(state);
        adopt(self.identity.pid);
        let ended = self.ended(status.ok());
        let hear = self.hear.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut hear) = hear {
            hear(Heard::Ended(Box::new(ended)));
        }
        self.lock().told = true;
        self.changed.notify_all();
    }

    /// Waits until both outputs have ended. A process that left the group may hold them open; it is killed.
    fn wait_for_outputs(&self, outputs: &mpsc::Receiver<()>) {
        let mut asked = false;
        let mut open = 2;
        let mut heard = 0;
        while open > 0 {
            // Soon looked for, and given up late.
            match outputs.recv_timeout(if asked { PATIENCE } else { PATIENCE.min(self.grace) }) {
                Ok(()) => open -= 1,
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
                // Whoever listens takes his time, or there was much to hear.
                Err(mpsc::RecvTimeoutError::Timeout)
                    if self.speaking.load(Ordering::SeqCst) > 0
                        || heard != std::mem::replace(&mut heard, self.lines.load(Ordering::SeqCst)) => {}
                Err(mpsc::RecvTimeoutError::Timeout) if asked => {
                    self.note("a process that this run left behind holds its output open; what it says from here on is not heard");
                    return;
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    asked = true;
                    kill_left_behind(&self.folder);
                }
            }
        }
    }

    fn ended(&self, status: Option<ExitStatus>) -> Ended {
        let code = status.and_then(|status| status.code());
        let signal = status.and_then(|status| std::os::unix::process::ExitStatusExt::signal(&status));
        let mut state = self.lock();
        let mut ended = Ended {
            code,
            signal,
            out_of_memory: state.sent != Some(Signal::Kill)
                && Ended::was_killed(code, signal)
                && memory::kills() > self.kills,
            stopped: state.stop.is_some(),
            overdue: state.overdue.clone(),
            failed: state.failed.take(),
            errors: state.errors.take(),
            lived: self.began.elapsed(),
            logged: super::log::Logged::default(),
        };
        drop(state);
        if let Some(message) = ended.message() {
            self.note(&message);
        }
        ended.logged = self.log.close();
        ended
    }

    /// Ends a process that nobody can listen to.
    fn abandon(&self) {
        self.kill();
        let _ = self.hear.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut state = self.lock();
        state.ended = true;
        self.changed.notify_all();
        wait_for(self.identity.pid);
        state.reaped = true;
        drop(state);
        adopt(self.identity.pid);
    }
}

/// Waits until a child has ended, and leaves it to be asked how.
fn wait_for(child: u32) {
    let Some(child) = pid(child) else { return };
    loop {
        match waitid(WaitId::Pid(child), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {
            Err(rustix::io::Errno::INTR) => {}
            _ => return,
        }
    }
}

/// Asks those of a group how they ended who became children of this process when their parents died: it is so where this is the first
/// process of a container. They were killed, so it takes a moment at most.
fn adopt(group: u32) {
    let Some(group) = pid(group) else { return };
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        match waitid(WaitId::Pgid(Some(group)), WaitIdOptions::EXITED | WaitIdOptions::NOHANG) {
            Ok(Some(_)) | Err(rustix::io::Errno::INTR) => {}
            // It is there and has not ended yet.
            Ok(None) => thread::sleep(Duration::from_millis(1)),
            Err(_) => return,
        }
    }
}

fn pid(number: u32) -> Option<Pid> {
    i32::try_from(number).ok().and_then(Pid::from_raw)
}

/// The event on a line: an object with its name under `event`.
fn event(line: &Line) -> Option<Value> {
    if !line.is_whole() || !line.bytes().starts_with(b"{") {
        return None;
    }
    let event: Value = serde_json::from_slice(line.bytes()).ok()?;
    event.get("event").is_some_and(Value::is_string).then_some(event)
}

fn masked(value: Value, secrets: &Secrets) -> Value {
    if secrets.is_empty() {
        return value;
    }
    match value {
        Value::String(text) => Value::String(secrets.mask(&text)),
        Value::Array(items) => items.into_iter().map(|item| masked(item, secrets)).collect(),
        Value::Object(entries) => Value::Object(
            entries.into_iter().map(|(key, value)| (secrets.mask(&key), masked(value, secrets))).collect(),
        ),
        other => other,
    }
}
