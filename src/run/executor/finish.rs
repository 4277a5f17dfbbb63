//! The end of a run: the ledger is balanced, exhibits are made, results are kept, and each stage gets its record.

use super::Executor;
use crate::diagnostic::{Class, Diagnostic};
use crate::engine::PointCounts;
use crate::exhibit::Exhibit;
use crate::plan::PlannedStage;
use crate::run::cache::CachedStage;
use crate::run::events::Event;
use crate::run::ledger::Entry;
use crate::run::manifest::{Output, StageError, StageRecord, StageStatus};
use crate::stages::Shape;
use crate::stages::work::{Outcome, StageCounts};

/// Columns of a table whose lineage is recorded.
const LINEAGE_COLUMNS: usize = 200;

impl Executor<'_> {
    /// What was counted at a stage.
    pub(super) fn counts(&self, at: usize, stage: &PlannedStage) -> StageCounts {
        let inputs = stage.inputs.iter().filter_map(|&input| {
            let input = self.plan.stages.get(input)?;
            Some((input.id.clone(), self.rows_of(input)?))
        });
        let known = self.slot(at).outcome.rows;
        let out = self.accounts.rows(&stage.id, "out").or(known).unwrap_or(0);
        StageCounts { inputs: inputs.collect(), out, points: self.accounts.points(&stage.id) }
    }

    /// Takes over what the work itself knows of the rows that it hands on, so that nobody has to count them again.
    pub(super) fn account_for_work(&self, at: usize, stage: &PlannedStage) {
        if !matches!(stage.shape(), Shape::Table(_)) || self.accounts.rows(&stage.id, "out").is_some() {
            return;
        }
        let input = stage.inputs.first().and_then(|&input| self.plan.stages.get(input));
        let handed_on = input.filter(|_| stage.planned.work.hands_input_on()).and_then(|input| self.rows_of(input));
        if let Some(rows) = self.slot(at).outcome.rows.or(handed_on) {
            self.accounts.set(&stage.id, "out", PointCounts { rows, ..PointCounts::default() });
        }
    }

    /// Rows of a table stage, or of the table from which tensors or a model were made.
    fn rows_of(&self, stage: &PlannedStage) -> Option<u64> {
        match stage.shape() {
            Shape::Table(_) => self.accounts.rows(&stage.id, "out"),
            _ => stage
                .inputs
                .first()
                .and_then(|&input| self.plan.stages.get(input))
                .and_then(|input| self.rows_of(input)),
        }
    }

    /// Ends every stage and gives the records in the order of the plan.
    pub(in crate::run) fn finish(&self) -> Vec<StageRecord> {
        let records = self.plan.stages.iter().enumerate().map(|(at, stage)| self.finish_stage(at, stage)).collect();
        for held in &self.held {
            if let Some(pinned) = super::lock(held).take().and_then(|held| held.pinned) {
                self.context.engine.unpin(pinned.id);
            }
        }
        // What lasts only as long as the run; a folder that stays behind costs space, not correctness.
        let _ = std::fs::remove_dir_all(&self.scratch);
        records
    }

    fn finish_stage(&self, at: usize, stage: &PlannedStage) -> StageRecord {
        let mut status = self.slot(at).status.unwrap_or(StageStatus::Skipped);
        let owes_counts = self.slot(at).owes_counts();
        let uncounted = matches!(stage.shape(), Shape::Table(_)) && self.accounts.rows(&stage.id, "out").is_none();
        if owes_counts && uncounted {
            // The run was stopped before its rows went by.
            status = StageStatus::Skipped;
        }
        let mut record = self.record(at, stage, status);
        let counts = match status {
            StageStatus::Done | StageStatus::Cached if owes_counts => self.counts(at, stage),
            StageStatus::Cached => self.slot(at).counts.clone().unwrap_or_default(),
            // A gate that refused its rows has counted them; the report shows which ones.
            StageStatus::Failed if self.accounts.rows(&stage.id, "out").is_some() => self.counts(at, stage),
            _ => {
                // A stage that refused its rows by what it knew of them shows why.
                record.exhibits = self.slot(at).outcome.exhibits.clone();
                return record;
            }
        };
        let outcome = self.slot(at).outcome.clone();
        let entry = self.entry(stage, &counts, &outcome);
        if let Some(entry) = &entry {
            self.context.listener.hear(&Event::StageCounted {
                stage: stage.id.clone(),
                inputs: entry.inputs.clone(),
                changes: entry.changes.clone(),
                out: entry.out,
            });
        }
        let unexplained = entry.as_ref().map_or(0, Entry::unexplained);
        record.ledger = entry;
        record.exhibits = match status {
            StageStatus::Cached if !owes_counts => outcome.exhibits.clone(),
            _ => exhibits(stage, &outcome, &counts),
        };
        if owes_counts || status == StageStatus::Cached {
            // What is wrong with the rows is so in each run, whether they were looked at again or not.
            for message in outcome.remarks.iter().cloned().chain(stage.planned.work.remarks(&counts)) {
                super::lock(&self.remarks).push(format!("{}: {message}", stage.id));
                self.context.listener.hear(&Event::Warning { stage: Some(stage.id.clone()), message });
            }
        }
        if owes_counts {
            match refusal(stage, &counts, unexplained) {
                Some(finding) => {
                    let finding = finding.or_at(&stage.definition.kind.place);
                    record.status = StageStatus::Failed;
                    record.error = Some(StageError::from(&finding));
                }
                None => self.keep(at, stage, outcome.clone(), counts),
            }
        }
        record.statistics = outcome.statistics.clone();
        record.outputs = outputs(&outcome);
        for output in &record.outputs {
            self.context.listener.hear(&Event::OutputWritten { stage: stage.id.clone(), output: output.clone() });
        }
        record
    }

    fn entry(&self, stage: &PlannedStage, counts: &StageCounts, outcome: &Outcome) -> Option<Entry> {
        let has_rows = matches!(stage.shape(), Shape::Table(_)) || outcome.rows.is_some();
        has_rows.then(|| {
            let mut changes = outcome.changes.clone();
            changes.extend(stage.planned.work.changes(counts));
            Entry::new(counts, stage.planned.work.flowing(), changes)
        })
    }

    /// Keeps the results of stages whose rows are accounted for, so that a run that is killed is taken up where it ended.
    pub(super) fn keep_what_is_counted(&self) {
        for (at, stage) in self.plan.stages.iter().enumerate() {
            let done = self.slot(at).owes_counts();
            let inputs = stage.inputs.iter().filter_map(|&input| self.plan.stages.get(input));
            let counted = inputs.chain([stage]).all(|stage| self.rows_of(stage).is_some());
            if !done || !counted {
                continue;
            }
            let (counts, outcome) = (self.counts(at, stage), self.slot(at).outcome.clone());
            let unexplained = self.entry(stage, &counts, &outcome).as_ref().map_or(0, Entry::unexplained);
            if refusal(stage, &counts, unexplained).is_none() {
                self.keep(at, stage, outcome, counts);
            }
        }
    }

    /// Keeps the work of a stage whose rows nobody has read yet, so that it is not done again should the run be killed.
    pub(super) fn keep_work(&self, at: usize, stage: &PlannedStage) {
        let outcome = self.slot(at).outcome.clone();
        let Outcome { bindings, document, exhibits, outputs, rows, changes, model, remarks, refusal: _, statistics } =
            &outcome;
        let learned = !(bindings.literals.is_empty() && bindings.artifacts.is_empty() && bindings.files.is_empty());
        let made = learned || !document.is_null() || !exhibits.is_empty() || !outputs.is_empty();
        let said = !remarks.is_empty() || !statistics.is_null();
        let worked = made || said || rows.is_some() || !changes.is_empty() || model.is_some();
        if !worked || super::lock(&self.kept).contains(&at) {
            return;
        }
        let cached = self.cached(at, stage, outcome, None);
        if let Err(failed) = self.cache.keep_work(&stage.fingerprint, &cached) {
            self.warn_of_unkept(stage, &failed);
        }
    }

    /// What the cache says of a stage: paths of artifacts are relative to their folder there.
    fn cached(
        &self,
        at: usize,
        stage: &PlannedStage,
        mut outcome: Outcome,
        counts: Option<StageCounts>,
    ) -> CachedStage {
        let run = self.made_by(at);
        let artifacts = self.cache.artifacts(&stage.fingerprint, &run);
        let prepared = outcome.bindings.files.values_mut().flat_map(|files| &mut files.paths);
        for path in outcome.bindings.artifacts.values_mut().chain(outcome.model.as_mut()).chain(prepared) {
            if let Ok(relative) = path.strip_prefix(&artifacts) {
                *path = relative.to_path_buf();
            }
        }
        let seconds = {
            let slot = self.slot(at);
            slot.seconds + slot.resumed.unwrap_or(0.0)
        };
        CachedStage::new(stage.kind.name, &run, outcome, counts, seconds)
    }

    pub(super) fn warn_of_unkept(&self, stage: &PlannedStage, failed: &Diagnostic) {
        let message = format!("{failed}; the stage will work again next time");
        self.context.listener.hear(&Event::Warning { stage: Some(stage.id.clone()), message });
    }

    /// Keeps the results of a stage, once, so that it does no work as long as nothing changes.
    fn keep(&self, at: usize, stage: &PlannedStage, mut outcome: Outcome, counts: StageCounts) {
        if !super::lock(&self.kept).insert(at) {
            return;
        }
        outcome.exhibits = exhibits(stage, &outcome, &counts);
        let cached = self.cached(at, stage, outcome, Some(counts));
        if let Err(failed) = self.cache.keep(&stage.fingerprint, &cached) {
            self.warn_of_unkept(stage, &failed);
        }
    }

    /// What the record says of the stages before any of them has begun.
    pub(in crate::run) fn outline(&self) -> Vec<StageRecord> {
        let stages = self.plan.stages.iter().enumerate();
        let status = |at| self.slot(at).status.unwrap_or(StageStatus::Waiting);
        let outline = stages.map(|(at, stage)| {
            // The lock is let go of before the record takes it.
            let status = status(at);
            self.record(at, stage, status)
        });
        outline.collect()
    }

    fn record(&self, at: usize, stage: &PlannedStage, status: StageStatus) -> StageRecord {
        let slot = self.slot(at);
        let table = match stage.shape() {
            Shape::Table(table) => Some(table),
            _ => None,
        };
        let lineage = table.map(|table| table.relation.first_lineages(LINEAGE_COLUMNS)).unwrap_or_default();
        StageRecord {
            id: stage.id.clone(),
            kind: stage.kind.name.to_owned(),
            family: stage.kind.family,
            description: stage.definition.description.clone(),
            line: stage.definition.place.line(),
            inputs: stage.inputs.iter().filter_map(|&at| self.plan.stages.get(at)).map(|s| s.id.clone()).collect(),
            status,
            error: slot.error.as_ref().map(StageError::from),
            fingerprint: stage.fingerprint.clone(),
            options: stage.options.clone(),
            files: stage.files.clone(),
            began: slot.began,
            seconds: slot.seconds,
            peak_memory: slot.peak,
            spilled: slot.spilled,
            estimate: self.estimates.get(at).copied(),
            schema: table.map(|table| table.schema.clone()),
            ledger: None,
            exhibits: Vec::new(),
            outputs: Vec::new(),
            statistics: serde_json::Value::Null,
            lineage,
        }
    }
}

/// What to look at: what the work made, and what the counts tell.
fn exhibits(stage: &PlannedStage, outcome: &Outcome, counts: &StageCounts) -> Vec<Exhibit> {
    outcome.exhibits.iter().cloned().chain(stage.planned.work.show(counts)).collect()
}

/// Why the counts of a stage make it fail, if they do.
fn refusal(stage: &PlannedStage, counts: &StageCounts, unexplained: i64) -> Option<Diagnostic> {
    stage.planned.work.judge(counts).or_else(|| (unexplained != 0).then(|| unbalanced(unexplained)))
}

fn outputs(outcome: &Outcome) -> Vec<Output> {
    let files = outcome.outputs.iter().flat_map(|written| {
        let rows = (written.files.len() == 1).then_some(written.rows);
        written.files.iter().map(move |(path, bytes)| Output { path: path.clone(), rows, bytes: *bytes })
    });
    files.collect()
}

fn unbalanced(rows: i64) -> Diagnostic {
    Diagnostic::error(Class::Stage, format!("the ledger does not add up: {rows} rows have no reason"))
        .help("the data changed while it was read, or this is a bug of gristmill; please report it with the pipeline")
}
