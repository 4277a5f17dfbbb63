//! Stages whose results are there already: from an earlier run, or from the run that this one is a variant of.

use std::collections::BTreeSet;

use super::rows::Held;
use super::{Executor, Slot, absolute, lock};
use crate::engine::PointCounts;
use crate::plan::PlannedStage;
use crate::run::cache::CachedStage;
use crate::run::manifest::StageStatus;
use crate::run::pins;

impl Executor<'_> {
    /// Restores stages for which nothing changed, and those that mean the same as one that the parent has done; the others are to be done.
    pub(super) fn with_cached_stages(mut self, parent: Option<&Executor<'_>>) -> Self {
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
    pub(super) fn take_over(&self, at: usize, stage: &PlannedStage, parent: &Executor<'_>) -> bool {
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

    pub(super) fn restore(&self, at: usize, stage: &PlannedStage, cached: CachedStage) {
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
}
