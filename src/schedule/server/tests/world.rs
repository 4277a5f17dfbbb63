//! A folder, and a clock that is moved.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;

use super::super::launcher::Launcher;
use super::super::log::{Journal, Log};
use super::super::options::Options;
use super::super::turn::{Aside, Loop};
use super::fake::{Fake, Script};
use crate::schedule::clock::{Clock, SimulatedClock};
use crate::schedule::queue::Limits;
use crate::schedule::service::{RunRequest, Service, Who};
use crate::schedule::store::{
    Depth, Faults, Lock, Object, Occurrence, Origin, Outcome, Run, RunFilter, RunId, RunState,
};

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
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
        fake.die();
        drop((turning, service, _lock));
        clock.advance(off);
        let mut world = Self::serve(folder, clock, limits, faults, fake);
        world.turn();
        world
    }

    /// What the next workers of a job do, the last of them for good.
    pub(super) fn script(&self, job: &str, scripts: &[Script]) {
        self.fake.script(job, scripts);
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
