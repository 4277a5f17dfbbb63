//! The executor: does the work of each stage once its inputs are there, side by side where they do not depend on each other.

mod blame;
mod finish;
mod restored;
mod rows;
mod working;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use super::accounts::Accounts;
use super::cache::Cache;
use super::estimate::{self, Estimate};
use super::manifest::{RunRecord, StageStatus};
use super::store::{RunFolder, SCRATCH};
use super::{RunContext, RunOptions};
use crate::diagnostic::{Class, Diagnostic};
use crate::plan::Plan;
use crate::relation::Bindings;
use crate::stages::work::{Outcome, StageCounts};
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
}

/// Paths of artifacts as they are on disk.
fn absolute(mut outcome: Outcome, artifacts: &std::path::Path) -> Outcome {
    let prepared = outcome.bindings.files.values_mut().flat_map(|files| &mut files.paths);
    for path in outcome.bindings.artifacts.values_mut().chain(outcome.model.as_mut()).chain(prepared) {
        *path = artifacts.join(&*path);
    }
    outcome
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
