//! The work of the stages: who takes which when, and how each ends.

use std::fs;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use super::{ENOUGH_FOR_TWO, Executor, SIDE_BY_SIDE, absolute, lock};
use crate::diagnostic::{Class, Diagnostic};
use crate::memory;
use crate::plan::PlannedStage;
use crate::run::events::Event;
use crate::run::manifest::{StageError, StageStatus};
use crate::run::trials::Laboratory;
use crate::stages::work::{Outcome, Previous, WorkContext};

impl Executor<'_> {
    /// Does everything that is to be done.
    pub(in crate::run) fn work_through(&self) {
        let side_by_side = if self.options.memory < ENOUGH_FOR_TWO { 1 } else { SIDE_BY_SIDE };
        let workers = side_by_side.min(self.options.threads).max(1);
        std::thread::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(|| self.work_here());
            }
        });
    }

    /// Does everything that is to be done on the thread that asks, and in the pool of threads that this one belongs to.
    pub(in crate::run) fn work_here(&self) {
        while let Some(at) = self.take() {
            self.work(at);
        }
    }

    /// Takes the next stage whose inputs have ended; waits while others may still make one ready. None: there is none left.
    pub(super) fn take(&self) -> Option<usize> {
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

    pub(super) fn has_ended(&self, at: usize) -> bool {
        self.slot(at).status.is_some()
    }

    /// Does the work of a stage, unless something stands in its way.
    pub(super) fn work(&self, at: usize) {
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

    pub(super) fn do_work(&self, at: usize, stage: &PlannedStage) -> Result<Outcome, Diagnostic> {
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
    pub(super) fn previous(&self, id: &str) -> Option<Previous> {
        let run = self
            .previous
            .get_or_init(|| crate::run::last_good(self.context.store, &self.plan.pipeline.name.value, None));
        let run = run.as_ref()?;
        run.stage(id).map(|stage| Previous { statistics: stage.statistics.clone(), begun: run.started.clone() })
    }

    pub(super) fn end(&self, at: usize, stage: &PlannedStage, began: f64, result: Result<Outcome, Diagnostic>) {
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

    pub(super) fn stop_unless_going_on(&self) {
        if !self.options.keep_going {
            self.stop.store(true, Ordering::Relaxed);
        }
    }

    /// Marks a stage that seemed done as failed: its rows could not be computed when somebody read them.
    pub(super) fn fail(&self, at: usize, error: Diagnostic) {
        if let Some(stage) = self.plan.stages.get(at) {
            self.end_with(at, stage, StageStatus::Failed, Some(error));
        }
    }

    pub(super) fn end_with(&self, at: usize, stage: &PlannedStage, status: StageStatus, error: Option<Diagnostic>) {
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

    pub(super) fn announce_end(&self, at: usize, stage: &PlannedStage) {
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

fn bug(panic: &(dyn std::any::Any + Send)) -> Diagnostic {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    Diagnostic::error(Class::Stage, format!("an internal error: {}", text.unwrap_or("no message")))
        .help("this is a bug of gristmill; please report it with the pipeline")
}
