//! The loop: what one turn does, and when the next one is.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use jiff::Timestamp;

use super::jobs::{LOOK, Watched};
use super::judge::Opinion;
use super::launcher::Launcher;
use super::log::Journal;
use super::options::Options;
use super::recovery::Orphaned;
use super::tick::Jobs;
use super::work::Work;
use crate::run::manifest::RunRecord;
use crate::schedule::clock::Step;
use crate::schedule::job::files::Snapshot;
use crate::schedule::job::folder::Settle;
use crate::schedule::job::{self, Folder};
use crate::schedule::queue::Permits;
use crate::schedule::service::{News, Present, Result, STORE, Service, ServiceError};
use crate::schedule::store::{RunId, RunState, Silence};
use crate::schedule::worker::{Ended, Orphan, Overdue};

/// Files of jobs and the database are looked at so often: others may have changed them.
const POLL: Duration = Duration::from_secs(1);
/// Signs of life are written down so often.
const BEAT: Duration = Duration::from_secs(5);
/// What need not be kept is removed so often.
const SWEEP: Duration = Duration::from_secs(3600);
/// The room on the disk is looked at so often.
const ROOM: Duration = Duration::from_secs(60);

/// Work that the loop must not wait for: on a thread, or in tests at once.
pub(super) trait Aside: Send + Sync {
    /// Does it.
    fn run(&self, name: &'static str, work: Box<dyn FnOnce() + Send>);
}

/// What the loop is told by others.
#[derive(Debug)]
pub(super) enum Told {
    /// The run or a stage took too long; its worker is being ended.
    Overdue { run: RunId, claim: i64, what: Overdue },
    /// A worker has ended.
    Ended { run: RunId, claim: i64, ended: Box<Ended>, record: Option<Box<RunRecord>> },
    /// Gates have judged a run.
    Judged { run: RunId, claim: i64, opinion: Opinion },
    /// Somebody has looked at the files that a job watches.
    Files { job: String, found: std::result::Result<Snapshot, String> },
    /// What was left of a run's worker is gone, or not.
    Orphan { run: RunId, orphan: Orphan },
    /// A sweep is through.
    Swept,
}

/// Tells the loop, and wakes it.
#[derive(Clone)]
pub(super) struct Teller {
    to: Sender<Told>,
    service: Arc<Service>,
}

impl Teller {
    pub(super) fn tell(&self, told: Told) {
        // The loop may have ended.
        let _ = self.to.send(told);
        self.service.bell().ring();
    }
}

/// The loop's state. What matters of it is in the database; the rest is found again by the next server.
pub(super) struct Loop {
    pub(super) service: Arc<Service>,
    pub(super) options: Options,
    pub(super) log: Journal,
    pub(super) launcher: Arc<dyn Launcher>,
    pub(super) aside: Arc<dyn Aside>,
    pub(super) told: Teller,
    hears: Receiver<Told>,
    /// The time of day in this turn.
    pub(super) now: Timestamp,
    /// The time that has passed, in this turn.
    pub(super) passed: Duration,
    last: Option<(Timestamp, Duration)>,
    pub(super) folder: Folder,
    pub(super) present: Present,
    pub(super) polled: bool,
    /// What was found of job files and is not in the database yet.
    pub(super) unsaved: VecDeque<job::News>,
    pub(super) jobs: Jobs,
    pub(super) watched: BTreeMap<String, Watched>,
    pub(super) permits: Permits,
    pub(super) works: BTreeMap<RunId, Work>,
    /// Runs of an earlier server, and those whose claim got lost, whose workers are being ended.
    pub(super) orphans: HashMap<RunId, Orphaned>,
    pub(super) silence: Silence,
    /// The run that gates judge now: one at a time, so that each is compared with what the one before made current.
    pub(super) judging: Option<RunId>,
    pub(super) sweeping: bool,
    pub(super) stopping: bool,
    /// Whether something has ended, so that backfills may go on and promotions are to be published.
    pub(super) moved: bool,
    next: Times,
}

/// When each thing is due next, in time that has passed.
#[derive(Debug, Clone, Copy, Default)]
struct Times {
    poll: Duration,
    look: Duration,
    beat: Duration,
    sweep: Duration,
    room: Duration,
}

impl Loop {
    pub(super) fn new(
        service: Arc<Service>,
        options: Options,
        log: Journal,
        launcher: Arc<dyn Launcher>,
        aside: Arc<dyn Aside>,
    ) -> Self {
        let (to, hears) = channel();
        let (now, passed) = (service.now(), service.clock().passed());
        service.set_limits(options.limits);
        Self {
            told: Teller { to, service: Arc::clone(&service) },
            hears,
            now,
            passed,
            last: None,
            folder: Folder::new(service.base()),
            present: Present::default(),
            polled: false,
            unsaved: VecDeque::new(),
            jobs: Jobs::new(),
            watched: BTreeMap::new(),
            permits: Permits::new(options.limits),
            works: BTreeMap::new(),
            orphans: HashMap::new(),
            silence: Silence::default(),
            judging: None,
            sweeping: false,
            stopping: false,
            moved: true,
            next: Times { sweep: passed + Duration::from_secs(60), ..Times::default() },
            service,
            options,
            log,
            launcher,
            aside,
        }
    }

    /// One turn. Gives how long the loop may sleep when nobody wakes it.
    ///
    /// Whatever fails is noted, said in health, and tried again at the next turn: a server does not end because a disk is full.
    pub(super) fn turn(&mut self) -> Duration {
        self.look_at_clocks();
        self.service.pulse().turns(self.passed);
        let mut sleep = POLL;
        match self.steps() {
            Ok(next) => {
                if let Some(next) = next {
                    let until = next.duration_since(self.service.now());
                    sleep = sleep.min(Duration::try_from(until).unwrap_or_default());
                }
            }
            Err(error) => self.failed(&error),
        }
        sleep
    }

    /// Takes no more work, and asks the workers to end.
    pub(super) fn begin_stop(&mut self) {
        self.stopping = true;
        self.log.info(self.now, "server_stopping").count("at_work", self.works.len() as u64).write();
        self.stop_all();
    }

    pub(super) fn end_log(&self) {
        self.log.info(self.service.now(), "server_stopped").count("left", self.works.len() as u64).write();
    }

    fn look_at_clocks(&mut self) {
        self.now = self.service.now();
        self.passed = self.service.clock().passed();
        if let Some((now, passed)) = self.last
            && let Some(step) = Step::between(now, self.now, self.passed.saturating_sub(passed))
        {
            self.log.warning(self.now, "clock_step").with("what", step).write();
        }
        self.last = Some((self.now, self.passed));
    }

    /// All that a turn does. The first error of the database ends it, but what workers told is heard in any case.
    fn steps(&mut self) -> Result<Option<Timestamp>> {
        while let Ok(told) = self.hears.try_recv() {
            self.hear(told);
        }
        self.tell_troubles();
        let poll = self.due(|next| &mut next.poll, POLL);
        if self.service.troubles().hold() {
            if !poll {
                return Ok(None);
            }
            self.service.store().probe()?;
            self.recovered();
        }
        self.end_works()?;
        if self.due(|next| &mut next.beat, BEAT) {
            self.beat()?;
        }
        if poll {
            self.stop_asked()?;
            self.look_for_lost()?;
        }
        self.settle_orphans()?;
        if self.stopping {
            return Ok(None);
        }
        if poll {
            self.refresh()?;
        }
        // First what is in force until now, then what has changed: a new schedule counts from its change on.
        let mut next = self.tick()?;
        if poll {
            self.poll_folder(if self.polled { Settle::Wait } else { Settle::Now })?;
            next = self.tick()?;
        }
        if self.due(|next| &mut next.look, LOOK) {
            self.look_at_files();
        }
        self.run_changed()?;
        if poll || std::mem::take(&mut self.moved) {
            self.advance_backfills()?;
            self.publish();
        }
        self.start_works()?;
        if self.due(|next| &mut next.room, ROOM) {
            self.look_at_room();
        }
        if !self.sweeping && self.due(|next| &mut next.sweep, SWEEP) {
            self.sweep_aside();
        }
        let wake = self.service.store().next_wake(self.now)?;
        Ok(next.into_iter().chain(wake).min())
    }

    /// Whether it is time for something; if so, it is set to its next time.
    fn due(&mut self, which: impl Fn(&mut Times) -> &mut Duration, every: Duration) -> bool {
        let next = which(&mut self.next);
        let due = self.passed >= *next;
        if due {
            *next = self.passed + every;
        }
        due
    }

    fn hear(&mut self, told: Told) {
        match told {
            Told::Overdue { run, claim, what } => self.overdue(&run, claim, &what),
            Told::Ended { run, claim, ended, record } => self.ended(&run, claim, *ended, record.map(|record| *record)),
            Told::Judged { run, claim, opinion } => self.judged(&run, claim, opinion),
            Told::Files { job, found } => self.files_seen(&job, found),
            Told::Orphan { run, orphan } => self.orphan_gone(&run, orphan),
            Told::Swept => self.sweeping = false,
        }
    }

    fn failed(&mut self, error: &ServiceError) {
        let help = error.help().map(|help| format!("; {help}")).unwrap_or_default();
        if self.service.troubles().note(STORE, format!("{error}{help}")) {
            self.log
                .error(self.now, "database_trouble")
                .with("why", error)
                .with("help", help.trim_start_matches("; "))
                .write();
        }
    }

    /// Writes down what others have met who have no log.
    fn tell_troubles(&self) {
        for (name, what) in self.service.troubles().untold() {
            match what {
                Some(why) => self.log.warning(self.now, "trouble").with("with", name).with("why", why).write(),
                None => self.log.info(self.now, "trouble_over").with("with", name).write(),
            }
        }
    }

    fn recovered(&mut self) {
        if self.service.troubles().over(STORE) {
            self.log.info(self.now, "database_trouble_over").write();
        }
    }

    /// Tells of a run's new state.
    pub(super) fn tells(&self, run: &RunId, job: &str, state: RunState) {
        self.service.board().tell(News::Run { run: run.clone(), job: job.to_owned(), state });
    }

    fn publish(&mut self) {
        match self.service.publish_all() {
            Ok(count) => {
                self.service.troubles().over("promotion");
                if count > 0 {
                    self.log.info(self.now, "published").count("versions", count as u64).write();
                }
            }
            Err(error) => {
                if self
                    .service
                    .troubles()
                    .note("promotion", format!("a promoted version cannot be made current: {error}"))
                {
                    self.log.error(self.now, "publishing_failed").with("why", &error).write();
                }
            }
        }
    }

    fn look_at_room(&mut self) {
        /// Less than this is too little for the results of a run.
        const LITTLE: u64 = 64 << 20;
        let free = crate::disk::space(self.service.store().path()).map(|(_, free)| free);
        match free {
            Some(free) if free < LITTLE => {
                let text = format!(
                    "the disk of `{}` has {} MiB free: runs and the database may find no room; free some",
                    self.service.base().display(),
                    free >> 20
                );
                if self.service.troubles().note("room", text) {
                    self.log.warning(self.now, "little_room").count("free", free).write();
                }
            }
            _ => _ = self.service.troubles().over("room"),
        }
    }
}
