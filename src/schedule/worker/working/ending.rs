//! The end of a worker: it is waited for, what it left is ended, and the end is told.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};
use std::sync::atomic::Ordering;
use std::sync::{PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use super::{Shared, Threads};
use crate::schedule::termination::Signal;
use crate::schedule::worker::ended::Ended;
use crate::schedule::worker::heard::Heard;
use crate::schedule::worker::log::Logged;
use crate::schedule::worker::memory;
use crate::schedule::worker::orphan::kill_left_behind;

/// How long an output may stay open without a line after all processes that were started for the run have ended.
const PATIENCE: Duration = Duration::from_secs(2);

/// Marks that the end was told; also when what heard it panicked.
struct Told<'a>(&'a Shared);

impl Drop for Told<'_> {
    fn drop(&mut self) {
        self.0.lock().told = true;
        self.0.changed.notify_all();
    }
}

impl Shared {
    /// Waits for the end of the process, ends what it left, and tells.
    pub(super) fn wait(&self, mut child: Child, threads: Threads) {
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
        let _told = Told(self);
        if let Some(mut hear) = hear {
            hear(Heard::Ended(Box::new(ended)));
        }
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
        let signal = status.and_then(|status| status.signal());
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
            logged: Logged::default(),
        };
        drop(state);
        if let Some(message) = ended.message() {
            self.note(&message);
        }
        ended.logged = self.log.close();
        ended
    }

    /// Ends a process that nobody can listen to.
    pub(super) fn abandon(&self) {
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
