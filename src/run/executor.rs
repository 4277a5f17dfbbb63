//! The executor: does the work of each stage once its inputs are there, side by side where they do not depend on each other.

mod blame;
mod finish;
mod rows;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use super::accounts::Accounts;
use super::cache::{Cache, CachedStage};
use super::estimate::{self, Estimate};
use super::events::Event;
use super::manifest::{RunRecord, StageError, StageStatus};
use super::store::{RunFolder, SCRATCH};
use super::trials::Laboratory;
use super::{RunContext, RunOptions, pins};
use crate::diagnostic::{Class, Diagnostic};
use crate::engine::PointCounts;
use crate::memory;
use crate::plan::{Plan, PlannedStage};
use crate::relation::Bindings;
use crate::stages::work::{Outcome, Previous, StageCounts, WorkContext};
use rows::Held;

/// Stages that work at the same time at most; each of them already uses all threads for its rows.
const SIDE_BY_SIDE: usize = 2;
/// Memory from which they do so: what streams through each of them takes some hundred MiB.
const ENOUGH_FOR_TWO: u64 = 4 << 30;

pub(super) struct Executor<'a> {
    pub(super) plan: &'a Plan,
    pub(super) options: &'a RunOptions,
    pub(super) context: &'a RunContext<'a>,
    cache: Cache,
    /// The name of the run, under which it keeps what it makes.
    pub(super) run: String,
    pub(super) scratch: PathBuf,
    /// What lasts only as long as the run goes even when the process has to end at once.
    _scratch: crate::staging::Unfinished,
    started: Instant,
    chosen: BTreeSet<usize>,
    /// For each stage whether its rows are kept once computed.
    keep: Vec<bool>,
    accounts: Accounts,
    /// What was told of each stage before a row is read.
    estimates: Vec<Estimate>,
    bindings: Mutex<Bindings>,
    slots: Vec<Mutex<Slot>>,
    /// Rows held for each stage; the lock is held while they are computed, so that they are computed once.
    held: Vec<Mutex<Option<Held>>>,
    /// Stages that no worker has taken yet.
    waiting: Mutex<BTreeSet<usize>>,
    changed: Condvar,
    /// Stages whose results are in the cache already.
    kept: Mutex<BTreeSet<usize>>,
    /// What a person should hear of, in the order of the stages.
    pub(super) remarks: Mutex<Vec<String>>,
    /// Set at the first failure, unless the run is to keep going: no further stage is started.
    stop: AtomicBool,
    /// The last good run of the pipeline, once a stage has asked for it.
    previous: OnceLock<Option<RunRecord>>,
}

/// Where an executor works.
pub(super) struct Place {
    /// The name under which it keeps what it makes.
    pub(super) run: String,
    /// A folder for what lasts only as long as itself.
    pub(super) scratch: PathBuf,
    /// Where results are kept.
    pub(super) cache: Cache,
}

/// What is known of a stage while the run lasts.
#[derive(Default)]
struct Slot {
    status: Option<StageStatus>,
    error: Option<Diagnostic>,
    outcome: Outcome,
    counts: Option<StageCounts>,
    began: f64,
    seconds: f64,
    peak: u64,
    spilled: u64,
    /// The run in whose name its artifacts are kept; this one when absent.
    kept_by: Option<String>,
    /// Set when an earlier run that was killed did its work, but had not accounted for its rows: the seconds that it took.
    resumed: Option<f64>,
}

impl Slot {
    /// Whether its rows are still to be accounted for in this run.
    fn owes_counts(&self) -> bool {
        self.status == Some(StageStatus::Done) || (self.status == Some(StageStatus::Cached) && self.resumed.is_some())
    }
}

impl<'a> Executor<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        options: &'a RunOptions,
        context: &'a RunContext<'a>,
        chosen: BTreeSet<usize>,
        started: Instant,
        folder: &RunFolder,
    ) -> Result<Self, Diagnostic> {
        let place = Place {
            run: folder.id.clone(),
            scratch: folder.path.join(SCRATCH),
            cache: Cache::new(context.store.cache()),
        };
        let mut executor = Self::at(place, plan, options, context, chosen, started)?;
        executor.estimates = estimate::estimate(plan, options.memory);
        Ok(executor.with_cached_stages(None))
    }

    /// An executor that works in the place of another one, for variants of its plan.
    pub(super) fn within(
        parent: &Executor<'_>,
        place: Place,
        plan: &'a Plan,
        options: &'a RunOptions,
        context: &'a RunContext<'a>,
    ) -> Result<Self, Diagnostic> {
        let all = (0..plan.stages.len()).collect();
        let executor = Self::at(place, plan, options, context, all, Instant::now())?;
        Ok(executor.with_cached_stages(Some(parent)))
    }

    fn at(
        place: Place,
        plan: &'a Plan,
        options: &'a RunOptions,
        context: &'a RunContext<'a>,
        chosen: BTreeSet<usize>,
        started: Instant,
    ) -> Result<Self, Diagnostic> {
        let Place { run, scratch, cache } = place;
        fs::create_dir_all(&scratch)
            .map_err(|error| crate::staging::failure("cannot make the run's folder", &scratch, &error))?;
        Ok(Self {
            plan,
            options,
            context,
            cache,
            run,
            _scratch: crate::staging::Unfinished::new(&scratch),
            scratch,
            started,
            keep: Vec::new(),
            accounts: Accounts::default(),
            estimates: Vec::new(),
            bindings: Mutex::default(),
            slots: plan.stages.iter().map(|_| Mutex::default()).collect(),
            held: plan.stages.iter().map(|_| Mutex::default()).collect(),
            waiting: Mutex::new(BTreeSet::new()),
            changed: Condvar::new(),
            kept: Mutex::default(),
            remarks: Mutex::default(),
            stop: AtomicBool::new(false),
            previous: OnceLock::new(),
            chosen,
        })
    }

    /// Restores stages for which nothing changed, and those that mean the same as one that the parent has done; the others are to be done.
    fn with_cached_stages(mut self, parent: Option<&Executor<'_>>) -> Self {
        let mut to_do = BTreeSet::new();
        for ((at, stage), may_rest) in self.plan.stages.iter().enumerate().zip(self.plan.may_rest()) {
            if !self.chosen.contains(&at) {
                self.slot(at).status = Some(StageStatus::Skipped);
                continue;
            }
            if parent.is_some_and(|parent| self.take_over(at, stage, parent)) {
                continue;
            }
            let may_rest = self.options.use_cache && may_rest;
            let cached = may_rest.then(|| self.cache.load(&stage.fingerprint)).flatten();
            match cached {
                Some(cached) => self.restore(at, stage, cached),
                None => {
                    to_do.insert(at);
                }
            }
        }
        self.keep = pins::choose(self.plan, &to_do);
        *lock(&self.waiting) = to_do;
        self
    }

    /// Takes over what the parent has of a stage that means the same, if it has done it: what it left, and rows that are held.
    fn take_over(&self, at: usize, stage: &PlannedStage, parent: &Executor<'_>) -> bool {
        let mut known = parent.plan.stages.iter().enumerate();
        let Some((theirs, _)) = known.find(|(_, other)| other.fingerprint == stage.fingerprint && other.id == stage.id)
        else {
            return false;
        };
        let outcome = {
            let slot = parent.slot(theirs);
            match slot.status {
                Some(StageStatus::Done | StageStatus::Cached) => slot.outcome.clone(),
                _ => return false,
            }
        };
        if let (Some(own), Some(held)) = (self.held.get(at), parent.held.get(theirs)) {
            let held = held.try_lock().ok().and_then(|held| held.clone());
            // The rows stay the parent's, who lets go of them.
            *lock(own) = held.map(|held| Held { pinned: None, ..held });
        }
        if let Some(rows) = parent.accounts.rows(&stage.id, "out") {
            self.accounts.set(&stage.id, "out", PointCounts { rows, ..PointCounts::default() });
        }
        self.learn(&outcome.bindings);
        let mut slot = self.slot(at);
        slot.outcome = outcome;
        slot.status = Some(StageStatus::Cached);
        true
    }

    fn restore(&self, at: usize, stage: &PlannedStage, cached: CachedStage) {
        let mut cached = cached;
        if let Some(counts) = &mut cached.counts {
            // Stages may have been renamed since.
            let inputs = stage.inputs.iter().filter_map(|&input| self.plan.stages.get(input));
            for ((name, _), input) in counts.inputs.iter_mut().zip(inputs) {
                name.clone_from(&input.id);
            }
        }
        self.cache.touch(&stage.fingerprint);
        let outcome = absolute(cached.outcome, &self.cache.artifacts(&stage.fingerprint, &cached.run));
        if let Some(counts) = &cached.counts {
            for (point, counts) in &counts.points {
                self.accounts.set(&stage.id, point, counts.clone());
            }
            let out = PointCounts { rows: counts.out, ..PointCounts::default() };
            if !counts.points.contains_key("out") {
                self.accounts.set(&stage.id, "out", out);
            }
        }
        self.learn(&outcome.bindings);
        let mut slot = self.slot(at);
        *slot = Slot {
            status: Some(StageStatus::Cached),
            outcome,
            counts: cached.counts,
            kept_by: Some(cached.run),
            resumed: (!cached.accounted).then_some(cached.seconds),
            ..Slot::default()
        };
        drop(slot);
        if !cached.accounted {
            self.account_for_work(at, stage);
        }
        self.announce_end(at, stage);
    }

    fn slot(&self, at: usize) -> MutexGuard<'_, Slot> {
        // Positions come from the plan, and there is a slot for each of its stages.
        #[expect(clippy::indexing_slicing, reason = "one slot for each stage of the plan")]
        lock(&self.slots[at])
    }

    /// The name under which the cache keeps what the stage makes: that of the run which did its work, and its number there.
    fn made_by(&self, at: usize) -> String {
        self.slot(at).kept_by.clone().unwrap_or_else(|| format!("{}.{at}", self.run))
    }

    fn learn(&self, learned: &Bindings) {
        let mut bindings = lock(&self.bindings);
        bindings.literals.extend(learned.literals.clone());
        bindings.artifacts.extend(learned.artifacts.clone());
        bindings.files.extend(learned.files.clone());
    }

    /// Does everything that is to be done, then counts the rows that nothing has read so far.
    pub(super) fn execute(&self) {
        self.work_through();
        self.count_the_rest();
    }

    /// Does everything that is to be done on the thread that asks, and in the pool of threads that this one belongs to.
    pub(super) fn work_here(&self) {
        while let Some(at) = self.take() {
            self.work(at);
        }
    }

    /// Does everything that is to be done.
    pub(super) fn work_through(&self) {
        let side_by_side = if self.options.memory < ENOUGH_FOR_TWO { 1 } else { SIDE_BY_SIDE };
        let workers = side_by_side.min(self.options.threads).max(1);
        std::thread::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(|| self.work_here());
            }
        });
    }

    /// What each stage left, and the first failure, once everything has ended. Rows that are held are let go of.
    pub(super) fn end_of_variant(&self) -> Result<Vec<Outcome>, Diagnostic> {
        for held in &self.held {
            if let Some(pinned) = lock(held).take().and_then(|held| held.pinned) {
                self.context.engine.unpin(pinned.id);
            }
        }
        let mut outcomes = Vec::with_capacity(self.slots.len());
        let mut skipped = false;
        for at in 0..self.slots.len() {
            let slot = self.slot(at);
            if let Some(error) = &slot.error {
                return Err(error.clone());
            }
            skipped |= !matches!(slot.status, Some(StageStatus::Done | StageStatus::Cached));
            outcomes.push(slot.outcome.clone());
        }
        if skipped { Err(Diagnostic::error(Class::Interrupted, "interrupted")) } else { Ok(outcomes) }
    }

    /// Takes the next stage whose inputs have ended; waits while others may still make one ready. None: there is none left.
    fn take(&self) -> Option<usize> {
        let mut waiting = lock(&self.waiting);
        loop {
            let ready = waiting.iter().copied().find(|&at| {
                self.plan.stages.get(at).is_some_and(|stage| stage.inputs.iter().all(|&input| self.has_ended(input)))
            });
            match ready {
                Some(at) => {
                    waiting.remove(&at);
                    return Some(at);
                }
                None if waiting.is_empty() => return None,
                None => waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    fn has_ended(&self, at: usize) -> bool {
        self.slot(at).status.is_some()
    }

    /// Does the work of a stage, unless something stands in its way.
    fn work(&self, at: usize) {
        let Some(stage) = self.plan.stages.get(at) else { return };
        let began = self.started.elapsed().as_secs_f64();
        let ready = stage
            .inputs
            .iter()
            .all(|&input| matches!(self.slot(input).status, Some(StageStatus::Done | StageStatus::Cached)));
        let stopped = self.context.cancelled.load(Ordering::Relaxed) || self.stop.load(Ordering::Relaxed);
        if !ready || stopped {
            self.end_with(at, stage, StageStatus::Skipped, None);
        } else {
            let started = Event::StageStarted { stage: stage.id.clone(), kind: stage.kind.name.to_owned() };
            self.context.listener.hear(&started);
            // A panic is a bug of ours, but the run must still end with its record written.
            let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.do_work(at, stage)));
            let result = result.unwrap_or_else(|panic| Err(bug(panic.as_ref())));
            self.end(at, stage, began, result);
        }
    }

    fn do_work(&self, at: usize, stage: &PlannedStage) -> Result<Outcome, Diagnostic> {
        for (position, &input) in stage.inputs.iter().enumerate() {
            // Purely relational stages read nothing yet; their rows flow when somebody reads them.
            if stage.planned.work.passes(position) > 0 || self.has_gate_above(input) {
                self.prepare(input)?;
            }
        }
        let inputs = stage.inputs.iter().map(|&input| self.product(input)).collect::<Result<Vec<_>, _>>()?;
        let artifacts = self.scratch.join(format!("artifacts-{at}"));
        fs::create_dir_all(&artifacts)
            .map_err(|error| crate::staging::failure("cannot make the stage's folder", &artifacts, &error))?;
        let progress = |progress| {
            self.context.listener.hear(&Event::StageProgress { stage: stage.id.clone(), progress });
        };
        let previous = || self.previous(&stage.id);
        let context = WorkContext {
            id: &stage.id,
            fingerprint: &stage.fingerprint,
            engine: self.context.engine,
            artifacts: &artifacts,
            scratch: &self.scratch,
            base: &self.options.base,
            memory: self.options.memory,
            cancelled: self.context.cancelled.clone(),
            adopt: &|relation, execution| self.accounts.adopt(relation, execution),
            untapped: &|relation| self.accounts.untapped(relation),
            previous: &previous,
            progress: &progress,
            trials: &Laboratory::new(self, at),
        };
        let outcome = stage.planned.work.run(&inputs, &context)?;
        let name = self.made_by(at);
        self.cache.keep_artifacts(&stage.fingerprint, &name, &artifacts)?;
        Ok(absolute(outcome, &self.cache.artifacts(&stage.fingerprint, &name)))
    }

    /// What the stage of that id left in the last good run.
    fn previous(&self, id: &str) -> Option<Previous> {
        let run =
            self.previous.get_or_init(|| super::last_good(self.context.store, &self.plan.pipeline.name.value, None));
        let run = run.as_ref()?;
        run.stage(id).map(|stage| Previous { statistics: stage.statistics.clone(), begun: run.started.clone() })
    }

    fn end(&self, at: usize, stage: &PlannedStage, began: f64, result: Result<Outcome, Diagnostic>) {
        let seconds = self.started.elapsed().as_secs_f64() - began;
        match result {
            Ok(outcome) => {
                self.learn(&outcome.bindings);
                let refusal = outcome.refusal.clone();
                let mut slot = self.slot(at);
                slot.outcome = outcome;
                slot.began = began;
                slot.seconds += seconds;
                slot.peak = memory::peak();
                slot.spilled = memory::DiskBudget::process().peak();
                if refusal.is_none() {
                    slot.status = Some(StageStatus::Done);
                }
                drop(slot);
                self.account_for_work(at, stage);
                match refusal {
                    Some(refusal) => {
                        self.end_with(at, stage, StageStatus::Failed, Some(refusal));
                        self.stop_unless_going_on();
                    }
                    None => {
                        // What is told to have ended is on the disk: a run that is killed never does it again.
                        self.keep_what_is_counted();
                        self.keep_work(at, stage);
                        self.end_with(at, stage, StageStatus::Done, None);
                    }
                }
            }
            Err(error) if error.class == Class::Interrupted => self.end_with(at, stage, StageStatus::Skipped, None),
            Err(error) => {
                {
                    let mut slot = self.slot(at);
                    slot.began = began;
                    slot.seconds += seconds;
                }
                match self.culprit(at, &error) {
                    Some((culprit, error)) => {
                        self.fail(culprit, error);
                        self.end_with(at, stage, StageStatus::Skipped, None);
                    }
                    None => self.end_with(at, stage, StageStatus::Failed, Some(error)),
                }
                self.stop_unless_going_on();
            }
        }
        self.release();
    }

    fn stop_unless_going_on(&self) {
        if !self.options.keep_going {
            self.stop.store(true, Ordering::Relaxed);
        }
    }

    /// Marks a stage that seemed done as failed: its rows could not be computed when somebody read them.
    fn fail(&self, at: usize, error: Diagnostic) {
        if let Some(stage) = self.plan.stages.get(at) {
            self.end_with(at, stage, StageStatus::Failed, Some(error));
        }
    }

    fn end_with(&self, at: usize, stage: &PlannedStage, status: StageStatus, error: Option<Diagnostic>) {
        {
            let mut slot = self.slot(at);
            slot.status = Some(status);
            slot.error = error.map(|error| error.or_at(&stage.definition.kind.place));
        }
        self.announce_end(at, stage);
        // The waiting set is locked so that no worker misses the change between looking and waiting.
        let _waiting = lock(&self.waiting);
        self.changed.notify_all();
    }

    fn announce_end(&self, at: usize, stage: &PlannedStage) {
        let slot = self.slot(at);
        self.context.listener.hear(&Event::StageFinished {
            stage: stage.id.clone(),
            kind: stage.kind.name.to_owned(),
            status: slot.status.unwrap_or(StageStatus::Waiting),
            seconds: slot.seconds,
            error: slot.error.as_ref().map(StageError::from),
        });
    }
}

/// Paths of artifacts as they are on disk.
fn absolute(mut outcome: Outcome, artifacts: &std::path::Path) -> Outcome {
    let prepared = outcome.bindings.files.values_mut().flat_map(|files| &mut files.paths);
    for path in outcome.bindings.artifacts.values_mut().chain(outcome.model.as_mut()).chain(prepared) {
        *path = artifacts.join(&*path);
    }
    outcome
}

fn bug(panic: &(dyn std::any::Any + Send)) -> Diagnostic {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    Diagnostic::error(Class::Stage, format!("an internal error: {}", text.unwrap_or("no message")))
        .help("this is a bug of gristmill; please report it with the pipeline")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
