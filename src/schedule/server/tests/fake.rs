//! Workers that do what they are told to, without processes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;

use super::super::launcher::{Ear, Hand, Launcher};
use crate::diagnostic::Diagnostic;
use crate::schedule::worker::log::Logged;
use crate::schedule::worker::{Ended, Heard, Identity, Launch, Orphan, Overdue};

/// What a worker does.
#[derive(Debug, Clone, Copy)]
pub(super) enum Script {
    /// Works so many seconds and ends with that code.
    Ends(u64, i32),
    /// Works until it is told to end.
    Works,
    /// Works until it is told to end, and then ends as if all were well.
    Late,
    /// Does not end before it is killed.
    Stubborn,
    /// Works so many seconds and is killed by the system for want of memory.
    Exhausts(u64),
    /// Gives no sign of life, and its end is never heard.
    Silent,
}

struct Worker {
    launch: Launch,
    ear: Ear,
    began: Duration,
    script: Script,
    state: Arc<Mutex<Asked>>,
}

#[derive(Debug, Default)]
struct Asked {
    stop: bool,
    killed: bool,
    since: Option<Duration>,
}

/// Starts no processes.
#[derive(Default)]
pub(super) struct Fake {
    scripts: Mutex<BTreeMap<String, Vec<Script>>>,
    workers: Mutex<Vec<Worker>>,
    /// All that were ever started: run, parameters, whether without the cache.
    pub(super) started: Mutex<Vec<Launch>>,
    pub(super) orphans: Mutex<Vec<PathBuf>>,
    leaves: Mutex<BTreeMap<String, Leaves>>,
}

/// Writes what a worker leaves when it ends well.
type Leaves = Box<dyn Fn(&Launch) + Send>;

struct Grip {
    pid: u32,
    state: Arc<Mutex<Asked>>,
}

impl Hand for Grip {
    fn identity(&self) -> Identity {
        Identity { pid: self.pid, started: 7 }
    }

    fn stop(&self) {
        self.state.lock().unwrap().stop = true;
    }

    fn kill(&self) {
        let mut state = self.state.lock().unwrap();
        (state.stop, state.killed) = (true, true);
    }
}

impl Launcher for Fake {
    fn start(&self, launch: &Launch, ear: Ear) -> Result<Box<dyn Hand>, Diagnostic> {
        let pipeline = job_of(launch);
        let mut scripts = self.scripts.lock().unwrap();
        let script = match scripts.get_mut(&pipeline) {
            Some(left) if left.len() > 1 => left.remove(0),
            Some(left) => left[0],
            None => Script::Ends(1, 0),
        };
        let mut started = self.started.lock().unwrap();
        started.push(launch.clone());
        let state = Arc::new(Mutex::new(Asked::default()));
        let worker = Worker { launch: launch.clone(), ear, began: Duration::MAX, script, state: Arc::clone(&state) };
        self.workers.lock().unwrap().push(worker);
        Ok(Box::new(Grip { pid: 1000 + started.len() as u32, state }))
    }

    fn orphans(&self, _: &Path) -> Vec<(PathBuf, Identity)> {
        Vec::new()
    }

    fn end_orphan(&self, _: Option<Identity>, folder: &Path, _: Duration) -> Orphan {
        self.orphans.lock().unwrap().push(folder.to_path_buf());
        Orphan::Killed
    }
}

impl Fake {
    /// What happens to workers until now.
    pub(super) fn work(&self, passed: Duration) {
        let mut workers = std::mem::take(&mut *self.workers.lock().unwrap());
        workers.retain_mut(|worker| {
            if worker.began == Duration::MAX {
                worker.began = passed;
                (worker.ear)(Heard::Event(json!({"event": "run_started", "stages": ["only"]})));
            }
            if !matches!(worker.script, Script::Silent) {
                (worker.ear)(Heard::Alive);
            }
            let lived = passed - worker.began;
            let mut overdue = None;
            if let Some(allowed) = worker.launch.timeouts.run.filter(|allowed| lived >= *allowed) {
                overdue = Some(Overdue::Run { allowed });
                let mut asked = worker.state.lock().unwrap();
                if !asked.stop {
                    asked.stop = true;
                    drop(asked);
                    (worker.ear)(Heard::Overdue(Overdue::Run { allowed }));
                }
            }
            let mut asked = worker.state.lock().unwrap();
            if asked.stop {
                asked.since.get_or_insert(passed);
            }
            let waited = asked.since.map(|since| passed - since);
            let end = match worker.script {
                Script::Silent => return true,
                Script::Ends(seconds, code) if !asked.stop && lived >= Duration::from_secs(seconds) => Some(Some(code)),
                Script::Late if asked.stop => Some(Some(0)),
                Script::Stubborn if asked.killed || waited.is_some_and(|waited| waited >= Duration::from_secs(10)) => {
                    Some(None)
                }
                Script::Exhausts(seconds) if !asked.stop && lived >= Duration::from_secs(seconds) => Some(None),
                Script::Ends(..) | Script::Works | Script::Exhausts(_) if asked.stop => Some(Some(130)),
                _ => None,
            };
            let stopped = asked.stop;
            drop(asked);
            let Some(code) = end else { return true };
            if code == Some(0)
                && let Some(leaves) = self.leaves.lock().unwrap().get(&job_of(&worker.launch))
            {
                leaves(&worker.launch);
            }
            let ended = Ended {
                code: code.filter(|code| *code >= 0),
                signal: code.is_none_or(|code| code < 0).then_some(9),
                out_of_memory: matches!(worker.script, Script::Exhausts(_)) && !stopped,
                stopped,
                overdue,
                failed: None,
                errors: Vec::new(),
                lived,
                logged: Logged::default(),
            };
            (worker.ear)(Heard::Ended(Box::new(ended)));
            false
        });
        self.workers.lock().unwrap().append(&mut workers);
    }

    /// What the next workers of a job do, the last of them for good.
    pub(super) fn script(&self, job: &str, scripts: &[Script]) {
        self.scripts.lock().unwrap().insert(job.to_owned(), scripts.to_vec());
    }

    /// What the workers of a job leave when they end well.
    pub(super) fn leaves(&self, job: &str, leaves: impl Fn(&Launch) + Send + 'static) {
        self.leaves.lock().unwrap().insert(job.to_owned(), Box::new(leaves));
    }

    /// The workers die with their server.
    pub(super) fn die(&self) {
        self.workers.lock().unwrap().clear();
    }

    pub(super) fn at_work(&self) -> usize {
        self.workers.lock().unwrap().len()
    }
}

/// In the folders of these tests a pipeline has the name of its job.
fn job_of(launch: &Launch) -> String {
    launch.pipeline.file_stem().unwrap().to_string_lossy().into_owned()
}
