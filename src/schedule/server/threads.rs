//! The threads of a server: its start and its end.

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::launcher::{Launcher, Processes};
use super::log::{Journal, Log};
use super::messages::{Channels, Post, senders};
use super::options::Options;
use super::turn::{Aside, Loop};
use crate::schedule::clock::SystemClock;
use crate::schedule::service::{Bell, Result, STATE, Service, ServiceError};
use crate::schedule::store::{Faults, Lock, StoreError};
use crate::schedule::worker::Identity;

/// After the grace and the kill, so long workers may take to be gone.
const PATIENCE: Duration = Duration::from_secs(5);

/// So long a start waits for the first turn, so that who asks at once finds the jobs: with many new job files it takes longer.
const FIRST_TURN: Duration = Duration::from_millis(500);

/// A server at work. It stops when it is told to, or dropped.
pub struct Server {
    service: Arc<Service>,
    stop: Arc<AtomicBool>,
    turning: Option<JoinHandle<()>>,
    sending: Vec<JoinHandle<()>>,
    ended: Arc<AtomicBool>,
    bell: Arc<Bell>,
    /// Let go when all has ended.
    _lock: Lock,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("service", &self.service).finish_non_exhaustive()
    }
}

/// Does work on threads.
struct Threads;

impl Aside for Threads {
    fn run(&self, name: &'static str, work: Box<dyn FnOnce() + Send>) {
        let slot = Arc::new(Mutex::new(Some(work)));
        let theirs = Arc::clone(&slot);
        let take = |slot: &Mutex<Option<Box<dyn FnOnce() + Send>>>| {
            let work = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(work) = work {
                work();
            }
        };
        // Where the system gives no thread, the loop does it: somebody waits for the answer.
        if thread::Builder::new().name(name.to_owned()).spawn(move || take(&theirs)).is_err() {
            take(&slot);
        }
    }
}

impl Server {
    /// Serves a folder from now on: takes its lock, opens its database, finds out what an earlier server left, and lets the loop
    /// turn in a thread of its own. Job files are read as they are, however new. Takes well under a second, whatever the history.
    ///
    /// Errors: another server serves the folder ([`Kind::Served`](crate::schedule::service::Kind::Served)); the folder is not there
    /// or cannot be written; the database is damaged or newer.
    pub fn start(base: &Path, options: Options, log: Arc<dyn Log>) -> Result<Self> {
        Self::start_with(base, options, log, Arc::new(Processes))
    }

    pub(super) fn start_with(
        base: &Path,
        options: Options,
        log: Arc<dyn Log>,
        launcher: Arc<dyn Launcher>,
    ) -> Result<Self> {
        let io = |path: &Path, error: &std::io::Error| ServiceError::Io {
            path: path.to_path_buf(),
            detail: crate::staging::reason(error),
        };
        let base = base.canonicalize().map_err(|error| io(base, &error))?;
        let state = base.join(STATE);
        std::fs::create_dir_all(&state).map_err(|error| io(&state, &error))?;
        // The lock first: a second server must not even look through the database.
        let lock = take_lock(&state)?;
        let service = Service::open_with(&base, Arc::new(SystemClock), Arc::new(Faults::none()))?;
        let log = Journal::new(log);
        let mut turning = Loop::new(Arc::clone(&service), options, log.clone(), launcher, Arc::new(Threads));
        turning.recover()?;
        log.info(service.now(), "server_started").with("folder", base.display()).write();
        let (ended, bell) = (Arc::new(AtomicBool::new(false)), Arc::new(Bell::default()));
        let post: Arc<dyn Post> = Arc::new(Channels { base: base.clone() });
        let sending = senders(&service, &post, &log, &ended, &bell);
        let stop = Arc::new(AtomicBool::new(false));
        let told_to_stop = Arc::clone(&stop);
        let thread = thread::Builder::new().name("server".to_owned());
        let (turned, first_turn) = mpsc::channel();
        let spawned = thread.spawn(move || turn_until_stopped(turning, &told_to_stop, &turned));
        let turning = spawned.map_err(|error| io(&base, &error))?;
        // Whatever comes of it, the server has started.
        let _ = first_turn.recv_timeout(FIRST_TURN);
        Ok(Self { service, stop, turning: Some(turning), sending, ended, bell, _lock: lock })
    }

    /// What it serves, for its web pages.
    pub fn service(&self) -> &Arc<Service> {
        &self.service
    }

    /// Takes no more work, asks the workers to end, waits for them (as long as [`Options::grace`] says, then they are killed), and
    /// ends. Their runs are taken up again by the next server.
    ///
    /// Errors: the database cannot be closed in order; the next start finds all that was acknowledged.
    pub fn stop(mut self) -> Result<()> {
        self.end();
        Ok(self.service.store().checkpoint()?)
    }

    fn end(&mut self) {
        self.service.pulse().stops();
        self.stop.store(true, Ordering::Release);
        self.service.bell().ring();
        if let Some(turning) = self.turning.take() {
            // A loop that panicked has ended too.
            let _ = turning.join();
        }
        self.ended.store(true, Ordering::Release);
        self.bell.ring();
        for sender in self.sending.drain(..) {
            // One that waits for a slow receiver is not waited for: its message is sent again by the next server.
            if sender.is_finished() {
                let _ = sender.join();
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.turning.is_some() {
            self.end();
        }
    }
}

/// Takes the folder's lock. A command that asks whether it is taken may hold it for a moment; and when a server is killed while it
/// starts a worker, the worker's process holds what was open in the server until it has become its own program.
fn take_lock(state: &Path) -> Result<Lock> {
    /// As long as the server that is named is at work.
    const ASKED: Duration = Duration::from_millis(100);
    /// Once it is gone: a machine under load may let a new process wait.
    const GONE: Duration = Duration::from_secs(5);
    let began = Instant::now();
    loop {
        match Lock::take(state) {
            Err(StoreError::Served { holder, folder }) => {
                let is_gone = holder.is_some_and(|pid| !Identity::of(pid).is_some_and(Identity::is_alive));
                if began.elapsed() > if is_gone { GONE } else { ASKED } {
                    return Err(StoreError::Served { holder, folder }.into());
                }
                thread::sleep(Duration::from_millis(20));
            }
            answer => return Ok(answer?),
        }
    }
}

fn turn_until_stopped(mut turning: Loop, stop: &AtomicBool, turned: &mpsc::Sender<()>) {
    let service = Arc::clone(&turning.service);
    while !stop.load(Ordering::Acquire) {
        let sleep = turning.turn();
        // Only the start listens, to the first one.
        let _ = turned.send(());
        service.bell().wait(sleep);
    }
    // A stopping server may be killed after a while, so nothing here waits longer than it was told to.
    let grace = turning.options.grace;
    let began = Instant::now();
    let mut killed = false;
    turning.begin_stop();
    loop {
        turning.turn();
        if turning.works.is_empty() || began.elapsed() >= grace + PATIENCE {
            break;
        }
        if !killed && began.elapsed() >= grace {
            killed = true;
            turning.kill_all();
        }
        service.bell().wait(Duration::from_millis(100));
    }
    turning.end_log();
}
