//! What can be asked of the scheduler and what can be changed: for the web and the command line, with a server or without one.
//!
//! A [`Service`] is an open folder. The server has one and shares it with its web pages; a command that finds no server opens its
//! own, and what it changes in the database is found by the next server that starts, or by one that runs meanwhile.
//!
//! All calls block (the database syncs what it acknowledges) and may be made from any thread. Changes name who asks for them
//! ([`Who`]); readers are refused. Every change may be asked for again after an answer that did not come: submissions and backfills
//! under their key, the others because they are what they are.

mod bell;
mod changing;
mod definitions;
mod error;
mod health;
mod looking;
mod news;
mod publishing;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;
mod views;
mod who;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tokio::sync::broadcast;

pub use error::{Kind, Result, ServiceError};
pub use looking::{LONGEST_PART, MOST_NEXT};
pub use news::{Live, LiveStage, News, StageState};
pub use views::{BackfillRequest, Health, JobView, LogPart, RunRequest};
pub use who::{Role, Who};

pub(super) use bell::Bell;
pub(super) use definitions::{Definitions, Present, words};
pub(super) use health::Pulse;
pub(super) use news::{Board, STORE, Troubles};

use super::clock::{Clock, SystemClock};
use super::queue::Limits;
use super::store::{Faults, Lock, RunId, Store};

/// The folder of job files in the served folder.
pub const JOBS: &str = super::job::folder::FOLDER;
/// The folder of the scheduler's state in the served folder.
pub const STATE: &str = ".gristmill";
/// The folder of the runs' folders in the state.
pub const RUNS: &str = "runs";

/// An open folder with its jobs, runs and news.
pub struct Service {
    base: PathBuf,
    store: Store,
    clock: Arc<dyn Clock>,
    definitions: Definitions,
    board: Board,
    bell: Bell,
    troubles: Troubles,
    pulse: Pulse,
    /// What may be at work at the same time, once a server has said so.
    limits: Mutex<Limits>,
    /// Held while a link on disk is switched, so that two switches do not cross.
    publishing: Mutex<()>,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("base", &self.base).finish_non_exhaustive()
    }
}

impl Service {
    /// Opens a folder without a server: its database, which is made where there is none, and its job files. They are left to a server
    /// that serves the folder meanwhile.
    ///
    /// Errors: the folder is not there; the database is damaged, newer, or cannot be written.
    pub fn open(base: &Path) -> Result<Arc<Self>> {
        let service = Self::open_with(base, Arc::new(SystemClock), Arc::new(Faults::none()))?;
        // A server that is at work reads them itself, and turns what was due by the earlier version into occurrences before.
        if !Lock::is_held(&service.base.join(STATE)) {
            service.read_jobs()?;
        }
        Ok(service)
    }

    /// As [`Service::open`], by another clock, with faults that a test orders, and without reading the job files.
    pub(super) fn open_with(base: &Path, clock: Arc<dyn Clock>, faults: Arc<Faults>) -> Result<Arc<Self>> {
        let io = |path: &Path, error: &std::io::Error| ServiceError::Io {
            path: path.to_path_buf(),
            detail: crate::staging::reason(error),
        };
        let base = base.canonicalize().map_err(|error| io(base, &error))?;
        let state = base.join(STATE);
        std::fs::create_dir_all(state.join(RUNS)).map_err(|error| io(&state, &error))?;
        let store = Store::open_with(&state, faults)?;
        Ok(Arc::new(Self {
            definitions: Definitions::new(&base),
            base,
            store,
            clock,
            board: Board::new(),
            bell: Bell::default(),
            troubles: Troubles::default(),
            pulse: Pulse::default(),
            limits: Mutex::new(Limits::default()),
            publishing: Mutex::new(()),
        }))
    }

    /// The database.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The served folder.
    pub fn base(&self) -> &Path {
        &self.base
    }

    /// The moment that it is now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// What a run at work does; none for one that is not at work, and without a server.
    pub fn live(&self, run: &RunId) -> Option<Live> {
        self.board.live(run)
    }

    /// Hears of what happens from now on. A receiver that falls more than some thousand news behind misses the oldest.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<News>> {
        self.board.subscribe()
    }

    /// The folder of a run's files. It may not be there (yet, or any more).
    pub fn folder(&self, run: &RunId) -> PathBuf {
        self.base.join(STATE).join(RUNS).join(run.as_str())
    }

    /// What may be at work at the same time; nothing limits it without a server.
    pub fn limits(&self) -> Limits {
        *self.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_limits(&self, limits: Limits) {
        *self.limits.lock().unwrap_or_else(PoisonError::into_inner) = limits;
    }

    pub(super) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    pub(super) fn board(&self) -> &Board {
        &self.board
    }

    pub(super) fn bell(&self) -> &Bell {
        &self.bell
    }

    pub(super) fn troubles(&self) -> &Troubles {
        &self.troubles
    }

    pub(super) fn pulse(&self) -> &Pulse {
        &self.pulse
    }
}
