//! A folder, a clock that is moved, and workers that do what they are told to.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tempfile::TempDir;

use super::super::launcher::{Ear, Hand, Launcher};
use super::super::log::{Journal, Log};
use super::super::options::Options;
use super::super::turn::{Aside, Loop};
use crate::diagnostic::Diagnostic;
use crate::schedule::clock::{Clock, SimulatedClock};
use crate::schedule::queue::Limits;
use crate::schedule::service::{RunRequest, Service, Who};
use crate::schedule::store::{
    Depth, Faults, Lock, Object, Occurrence, Origin, Outcome, Run, RunFilter, RunId, RunState,
};
use crate::schedule::worker::log::Logged;
use crate::schedule::worker::{Ended, Heard, Identity, Launch, Orphan, Overdue};

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

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
}

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
        let pipeline = launch.pipeline.file_stem().unwrap().to_string_lossy().into_owned();
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
    fn work(&self, passed: Duration) {
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
                Script::Ends(..) | Script::Works if asked.stop => Some(Some(130)),
                _ => None,
            };
            let stopped = asked.stop;
            drop(asked);
            let Some(code) = end else { return true };
            let ended = Ended {
                code: code.filter(|code| *code >= 0),
                signal: code.is_none_or(|code| code < 0).then_some(9),
                out_of_memory: false,
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

    pub(super) fn at_work(&self) -> usize {
        self.workers.lock().unwrap().len()
    }
}

struct AtOnce;

impl Aside for AtOnce {
    fn run(&self, _: &'static str, work: Box<dyn FnOnce() + Send>) {
        work();
    }
}

/// Keeps the lines of a log.
#[derive(Default)]
pub(super) struct Lines(pub(super) Mutex<Vec<String>>);

impl Log for Lines {
    fn line(&self, line: &str) {
        self.0.lock().unwrap().push(line.to_owned());
    }
}

/// A served folder.
pub(super) struct World {
    pub(super) folder: Arc<TempDir>,
    pub(super) clock: Arc<SimulatedClock>,
    pub(super) fake: Arc<Fake>,
    pub(super) faults: Arc<Faults>,
    pub(super) lines: Arc<Lines>,
    pub(super) service: Arc<Service>,
    pub(super) turning: Loop,
    limits: Limits,
    _lock: Lock,
}

impl World {
    /// A folder with these job files, each with a pipeline of the job's name, served from that moment on.
    pub(super) fn new(now: &str, jobs: &[(&str, &str)]) -> Self {
        Self::limited(now, jobs, Limits::default())
    }

    pub(super) fn limited(now: &str, jobs: &[(&str, &str)], limits: Limits) -> Self {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        std::fs::create_dir_all(folder.path().join("jobs")).unwrap();
        std::fs::create_dir_all(folder.path().join("pipelines")).unwrap();
        for (name, text) in jobs {
            lay(folder.path(), name, text);
        }
        let clock = Arc::new(SimulatedClock::at(at(now)));
        Self::serve(Arc::new(folder), clock, limits, Arc::new(Faults::none()), Arc::default())
    }

    fn serve(
        folder: Arc<TempDir>,
        clock: Arc<SimulatedClock>,
        limits: Limits,
        faults: Arc<Faults>,
        fake: Arc<Fake>,
    ) -> Self {
        let state = folder.path().join(".gristmill");
        std::fs::create_dir_all(&state).unwrap();
        let lock = Lock::take(&state).unwrap();
        let shared: Arc<dyn Clock> = clock.clone();
        let service = Service::open_with(folder.path(), shared, faults.clone()).unwrap();
        let lines = Arc::new(Lines::default());
        let log: Arc<dyn Log> = lines.clone();
        let mut options = Options::new(PathBuf::from("/nowhere/gristmill"));
        options.limits = limits;
        let launcher: Arc<dyn Launcher> = fake.clone();
        let mut turning = Loop::new(Arc::clone(&service), options, Journal::new(log), launcher, Arc::new(AtOnce));
        turning.recover().unwrap();
        Self { folder, clock, fake, faults, lines, service, turning, limits, _lock: lock }
    }

    /// The server is killed, its workers with it, and started again after a while.
    pub(super) fn crash(self, off: SignedDuration) -> Self {
        let Self { folder, clock, faults, limits, fake, turning, service, _lock, .. } = self;
        faults.end();
        // Scripts stay; the workers are gone.
        fake.workers.lock().unwrap().clear();
        drop((turning, service, _lock));
        clock.advance(off);
        let mut world = Self::serve(folder, clock, limits, faults, fake);
        world.turn();
        world
    }

    /// What the next workers of a job do, the last of them for good.
    pub(super) fn script(&self, job: &str, scripts: &[Script]) {
        self.fake.scripts.lock().unwrap().insert(job.to_owned(), scripts.to_vec());
    }

    pub(super) fn turn(&mut self) {
        self.turning.turn();
        // What the turn rang for.
        self.turning.turn();
    }

    /// Lets time pass, `step` at a time.
    pub(super) fn pass_by(&mut self, seconds: u64, step: u64) {
        for _ in 0..seconds.div_ceil(step) {
            self.clock.advance(SignedDuration::from_secs(step as i64));
            self.fake.work(self.clock.passed());
            self.turn();
            // Those that have just begun say so.
            self.fake.work(self.clock.passed());
            self.turn();
        }
    }

    pub(super) fn pass(&mut self, seconds: u64) {
        self.pass_by(seconds, 1);
    }

    /// Somebody asks for a run.
    pub(super) fn ask(&self, job: &str) -> RunId {
        self.ask_with(job, Object::new()).unwrap()
    }

    pub(super) fn ask_with(&self, job: &str, parameters: Object) -> crate::schedule::service::Result<RunId> {
        let request =
            RunRequest { job: job.to_owned(), key: None, parameters, partition: None, origin: Origin::Manual };
        Ok(self.service.run(request, &Who::admin("ann"))?.run)
    }

    pub(super) fn run(&self, id: &RunId) -> Run {
        self.service.store().run(id).unwrap()
    }

    /// All runs, the first first.
    pub(super) fn runs(&self) -> Vec<Run> {
        let mut runs = Vec::new();
        let mut before = None;
        loop {
            let page = self.service.store().runs(&RunFilter::default(), before, 1000).unwrap();
            runs.extend(page.items);
            before = page.next;
            if before.is_none() {
                runs.reverse();
                return runs;
            }
        }
    }

    pub(super) fn states(&self) -> Vec<RunState> {
        self.runs().into_iter().map(|run| run.state).collect()
    }

    /// The occurrences of a job, the first first.
    pub(super) fn occurrences(&self, job: &str) -> Vec<Occurrence> {
        let mut found = self.service.store().occurrences(job, None, 1000).unwrap();
        found.reverse();
        found
    }

    pub(super) fn outcomes(&self, job: &str) -> Vec<Outcome> {
        self.occurrences(job).into_iter().map(|each| each.outcome).collect()
    }

    pub(super) fn sound(&self) {
        assert_eq!(self.service.store().verify(Depth::All).unwrap(), Vec::<String>::new());
    }

    /// Whether a line of the log has these words.
    pub(super) fn said(&self, words: &str) -> bool {
        self.lines.0.lock().unwrap().iter().any(|line| line.contains(words))
    }
}

/// Writes a job file and its pipeline.
pub(super) fn lay(folder: &Path, name: &str, text: &str) {
    let pipeline = format!(
        "name: {name}\nparams: {{a: 1, run: x, day: x}}\nstages:\n  - id: rows\n    read: {{path: rows.csv}}\n"
    );
    std::fs::write(folder.join(format!("pipelines/{name}.yaml")), pipeline).unwrap();
    std::fs::write(folder.join(format!("jobs/{name}.yaml")), format!("pipeline: pipelines/{name}.yaml\n{text}\n"))
        .unwrap();
}
