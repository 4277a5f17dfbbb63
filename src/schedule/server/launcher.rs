//! Who starts workers: processes, or what tests have in their place.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::diagnostic::Diagnostic;
use crate::schedule::worker::{Heard, Identity, Launch, Orphan, Working, kill_orphan, orphans};

/// Is told everything that comes of a worker, in order, from any thread.
pub(super) type Ear = Box<dyn FnMut(Heard) + Send>;

/// Starts workers.
pub(super) trait Launcher: Send + Sync {
    /// Starts one.
    ///
    /// Errors: it cannot be started; then nothing is heard.
    fn start(&self, launch: &Launch, ear: Ear) -> Result<Box<dyn Hand>, Diagnostic>;

    /// Workers at work whose runs have their folder in `runs`, by that folder.
    fn orphans(&self, runs: &Path) -> Vec<(PathBuf, Identity)>;

    /// Ends what is left of the worker of the run with that folder. Blocks until it has ended, at most `grace` and some seconds.
    fn end_orphan(&self, worker: Option<Identity>, folder: &Path, grace: Duration) -> Orphan;
}

/// Holds on to a worker.
pub(super) trait Hand: Send {
    /// Who it is.
    fn identity(&self) -> Identity;
    /// Makes it end: asks it now, kills it after the grace. To ask twice is to ask once.
    fn stop(&self);
    /// Kills it now.
    fn kill(&self);
}

/// Starts processes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Processes;

impl Launcher for Processes {
    fn start(&self, launch: &Launch, ear: Ear) -> Result<Box<dyn Hand>, Diagnostic> {
        Ok(Box::new(Working::start(launch, ear)?))
    }

    fn orphans(&self, runs: &Path) -> Vec<(PathBuf, Identity)> {
        orphans(runs)
    }

    fn end_orphan(&self, worker: Option<Identity>, folder: &Path, grace: Duration) -> Orphan {
        kill_orphan(worker, folder, grace)
    }
}

impl Hand for Working {
    fn identity(&self) -> Identity {
        Working::identity(self)
    }

    fn stop(&self) {
        Working::stop(self);
    }

    fn kill(&self) {
        Working::kill(self);
    }
}
