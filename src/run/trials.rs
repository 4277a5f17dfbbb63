//! Variants of what stands above a stage, run inside of its work.
//!
//! Each variant is run by an executor of its own, in a folder of the stage that lasts as long as its work: stages that mean the same as
//! one of the run are taken over with the rows that are held, and what one variant has learned or made is found by the next one by its
//! fingerprint. Nothing of it comes into the ledger, the record or the cache of the run.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::cache::Cache;
use super::events::{Event, Listener};
use super::executor::{Executor, Place};
use super::{RunContext, RunOptions};
use crate::diagnostic::{Class, Diagnostic, Severity};
use crate::plan::{self, Plan, Selection, Surroundings};
use crate::stages::variant::{Finished, Trials, Variant};
use crate::stages::work::Progress;

/// Where a stage of a run has variants tried.
pub(super) struct Laboratory<'a> {
    executor: &'a Executor<'a>,
    folder: PathBuf,
    /// Variants begun so far.
    count: AtomicUsize,
}

impl<'a> Laboratory<'a> {
    /// For the stage at that position.
    pub(super) fn new(executor: &'a Executor<'a>, at: usize) -> Self {
        let folder = executor.scratch.join(format!("trials-{at}"));
        Self { executor, folder, count: AtomicUsize::new(0) }
    }

    fn cache(&self) -> Cache {
        Cache::new(self.folder.join("cache"))
    }
}

/// Hears how far the stages of a variant are; what else happens there stays there.
struct Told<'a> {
    told: &'a (dyn Fn(&str, &Progress) + Sync),
}

impl Listener for Told<'_> {
    fn hear(&self, event: &Event) {
        if let Event::StageProgress { stage, progress } = event {
            (self.told)(stage, progress);
        }
    }
}

impl Trials for Laboratory<'_> {
    fn run(&self, variant: &Variant, told: &(dyn Fn(&str, &Progress) + Sync)) -> Result<Vec<Finished>, Diagnostic> {
        let parent = self.executor;
        let surroundings =
            Surroundings { engine: parent.context.engine, base: &parent.options.base, scratch: &parent.scratch };
        let stages = plan::vary(&parent.plan.stages, variant, &surroundings).map_err(|found| {
            let first = found.into_iter().find(|finding| finding.severity == Severity::Error);
            first.unwrap_or_else(|| Diagnostic::error(Class::Definition, "the variant cannot be planned"))
        })?;
        let plan = Plan { pipeline: parent.plan.pipeline.clone(), stages, findings: Vec::new() };
        let options = RunOptions {
            selection: Selection::default(),
            keep_going: false,
            // Its cache is that of this search alone.
            use_cache: true,
            threads: 1,
            // Whatever runs beside it at the moment: what fits into the memory must not depend on who is faster.
            memory: parent.options.memory / variant.side_by_side.max(1) as u64,
            ..parent.options.clone()
        };
        let listener = Told { told };
        let context = RunContext {
            engine: parent.context.engine,
            store: parent.context.store,
            listener: &listener,
            cancelled: parent.context.cancelled.clone(),
        };
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let place = Place {
            run: format!("variant-{number}"),
            scratch: self.folder.join(format!("variant-{number}")),
            cache: self.cache(),
        };
        let scratch = place.scratch.clone();
        let nested = Executor::within(parent, place, &plan, &options, &context)?;
        nested.work_here();
        let outcomes = nested.end_of_variant();
        // What stays behind goes with the folder of the run.
        let _ = std::fs::remove_dir_all(&scratch);
        let finished = plan.stages.iter().zip(outcomes?).map(|(stage, outcome)| Finished {
            id: stage.id.clone(),
            fingerprint: stage.fingerprint.clone(),
            outcome,
        });
        Ok(finished.collect())
    }

    fn forget(&self, fingerprint: &str) {
        self.cache().remove(fingerprint);
    }

    fn history(&self, name: &str) -> Option<PathBuf> {
        let path = self.executor.context.store.tuning().join(format!("{name}.jsonl"));
        if !self.executor.options.use_cache {
            // A search from the beginning was asked for; without a file there is nothing to remove.
            let _ = std::fs::remove_file(&path);
        }
        Some(path)
    }
}
