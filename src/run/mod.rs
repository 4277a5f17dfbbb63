//! Running a plan: the executor, the cache, the ledger, events and the record of the run.

mod accounts;
pub mod cache;
pub mod estimate;
pub mod events;
mod executor;
pub mod ledger;
pub mod manifest;
mod pins;
mod record;
pub mod recover;
pub mod store;
pub mod targets;
mod trials;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use crate::diagnostic::{Class, Diagnostic};
use crate::engine::Engine;
use crate::memory;
use crate::plan::{Plan, Selection};
use events::{Event, Listener};
use manifest::{RunRecord, RunStatus};
use store::{RunFolder, Store};

/// How a plan is run.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// Which stages.
    pub selection: Selection,
    /// Whether stages that do not depend on a failed one are still finished.
    pub keep_going: bool,
    /// Whether kept results are used; results are kept in either case.
    pub use_cache: bool,
    /// Bytes of memory that the run may use.
    pub memory: u64,
    /// Bytes that temporary files may take on the disk.
    pub disk: u64,
    /// Bytes that kept results may take on the disk when the run begins.
    pub kept: u64,
    /// Threads that the engine uses.
    pub threads: usize,
    /// The folder to which relative paths are relative.
    pub base: PathBuf,
    /// The pipeline file as it was given.
    pub file: String,
}

/// What a run needs beside the plan.
pub struct RunContext<'a> {
    /// The engine.
    pub engine: &'a dyn Engine,
    /// The state folder.
    pub store: &'a Store,
    /// Hears of everything.
    pub listener: &'a dyn Listener,
    /// Set from outside when the run is to stop.
    pub cancelled: Arc<AtomicBool>,
}

/// A run that has ended, and its folder, in which the report is still to be written.
#[derive(Debug)]
pub struct Ended {
    /// What became of it.
    pub record: RunRecord,
    /// Its folder; [`RunFolder::end`] closes it.
    pub folder: RunFolder,
}

/// Runs a plan to its end, or to the first failure, and records it.
///
/// What runs left that were killed is removed first, and, when no other run is there, the kept results that were used least
/// recently as far as they take more than the disk may hold. A failing stage is no error of this function: the record says so, with its exit code.
///
/// Errors: the plan has errors, the selection names unknown stages, or the state cannot be written.
pub fn run(plan: &Plan, options: &RunOptions, context: &RunContext<'_>) -> Result<Ended, Diagnostic> {
    if !plan.is_runnable() {
        return Err(Diagnostic::definition("the pipeline has errors"));
    }
    let chosen = options.selection.resolve(plan)?;
    let cache = cache::Cache::new(context.store.cache());
    if let Some(found) = targets::in_the_way(plan, &chosen, options.use_cache.then_some(&cache)).into_iter().next() {
        return Err(found);
    }
    let now = jiff::Timestamp::now();
    let started = Instant::now();
    memory::DiskBudget::process().set_limit(options.disk);
    recover::sweep_dead_runs(context.store);
    context.store.alone(|| cache.sweep(options.kept));
    let folder = context.store.new_run(&now)?;
    let notes = folder.notes();
    crate::staging::begin_notes(&notes)
        .map_err(|error| crate::staging::failure("cannot write the notes of the run", &notes, &error))?;
    let journal = events::Journal::begin(&folder.path, &plan.pipeline.secrets, context.listener)?;
    let context = &RunContext {
        engine: context.engine,
        store: context.store,
        listener: &journal,
        cancelled: context.cancelled.clone(),
    };
    let ids = chosen.iter().filter_map(|&at| plan.stages.get(at)).map(|stage| stage.id.clone()).collect();
    context.listener.hear(&Event::RunStarted {
        run: folder.id.clone(),
        pipeline: plan.pipeline.name.value.clone(),
        stages: ids,
    });

    let mut record = record::begin(plan, options, &folder.id, &now, &folder.path);
    let executor = executor::Executor::new(plan, options, context, chosen, started, &folder)?;
    // The stages stand in the record from the beginning, so that it tells of them should the process die.
    record.stages = executor.outline();
    record::mask(&mut record, &plan.pipeline.secrets);
    record::save(&record)?;
    executor.execute();
    record.stages = executor.finish();
    record.warnings.extend(executor.remarks.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner));
    record.seconds = started.elapsed().as_secs_f64();
    record.peak_memory = memory::peak();
    let errors = record.stages.iter().filter_map(|stage| stage.error.as_ref());
    let worst = errors.map(|error| error.class).next();
    let interrupted = context.cancelled.load(std::sync::atomic::Ordering::Relaxed)
        && record.stages.iter().any(|stage| stage.status == manifest::StageStatus::Skipped);
    let worst = worst.or(interrupted.then_some(Class::Interrupted));
    record.status = match worst {
        None => RunStatus::Done,
        Some(Class::Interrupted) => RunStatus::Interrupted,
        Some(_) => RunStatus::Failed,
    };
    record.exit_code = worst.map_or(0, Class::exit_code);
    record::mask(&mut record, &plan.pipeline.secrets);
    record::save(&record)?;
    Ok(Ended { record, folder })
}

/// The last run of the same pipeline that ended well before this one, to compare with; where a server has decided, the run that it
/// named, or none.
pub fn previous(store: &Store, record: &RunRecord) -> Option<RunRecord> {
    last_good(store, &record.pipeline, Some(&record.id))
}

/// The last run of the pipeline that ended well, and that began before the run of that id. A run that still goes on is none.
fn last_good(store: &Store, pipeline: &str, before: Option<&str>) -> Option<RunRecord> {
    if let Some(given) = store.decided() {
        return record::load(given.previous.as_deref()?);
    }
    let folders = store.run_folders();
    folders.into_iter().rev().take(50).filter_map(|folder| record::load(&folder)).find(|earlier| {
        earlier.pipeline == pipeline
            && earlier.status == RunStatus::Done
            && before.is_none_or(|id| earlier.id.as_str() < id)
    })
}

/// The records of all runs, the latest first. Runs that left no readable record are passed over.
pub fn records(store: &Store) -> impl Iterator<Item = RunRecord> + use<> {
    store.run_folders().into_iter().rev().filter_map(|folder| record::load(&folder))
}
