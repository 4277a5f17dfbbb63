//! The rows of stages: what relation gives them, which are held, and who is to blame when they cannot be computed.

use std::sync::Arc;
use std::time::Instant;

use super::{Executor, lock};
use crate::diagnostic::{Class, Diagnostic};
use crate::engine::{Compression, Execution, Pinned, PointCounts, Target, TargetFormat};
use crate::plan::PlannedStage;
use crate::relation::{FileFormat, FileScan, Relation, Scan, ScanSource};
use crate::stages::{ModelShape, Product, Shape, TableProduct, TableShape, TensorsProduct};

/// Seconds from which a table is worth writing to the cache.
const WORTH_KEEPING: f64 = 2.0;
/// Bytes of a table for each second that computing it took, up to which it is written to the cache: writing then takes a small
/// part of that time.
const BYTES_A_SECOND: f64 = 100e6;

/// Rows that need not be computed again.
#[derive(Clone)]
pub(super) struct Held {
    pub(super) relation: Arc<Relation>,
    pub(super) pinned: Option<Pinned>,
}

/// A table that stands in a file in the place of the one that was planned.
fn kept_rows(path: &std::path::Path, table: &TableShape) -> TableProduct {
    let source = ScanSource::Files(FileScan {
        paths: vec![path.to_path_buf()],
        format: FileFormat::Parquet,
        file_schema: table.schema.clone(),
        filename: None,
        rows: None,
        fingerprint: String::new(),
    });
    let relation = Arc::new(Relation::Scan(Scan { source, schema: table.schema.clone() }));
    TableProduct { meaning: Arc::clone(&relation), relation, split: table.split.clone() }
}

impl Executor<'_> {
    /// Whether a stage that may refuse its rows stands at or above `at`.
    pub(super) fn has_gate_above(&self, at: usize) -> bool {
        self.plan.stages.get(at).is_some_and(|stage| {
            stage.planned.work.is_gate() || stage.inputs.iter().any(|&input| self.has_gate_above(input))
        })
    }

    /// Computes the rows of stage `at` and of the stages above it that are to be held, once.
    pub(super) fn prepare(&self, at: usize) -> Result<(), Diagnostic> {
        let (Some(stage), Some(held)) = (self.plan.stages.get(at), self.held.get(at)) else { return Ok(()) };
        let Shape::Table(table) = stage.shape() else {
            // Tensors and models are read together with the table that they were made of.
            return stage.inputs.iter().try_for_each(|&input| self.prepare(input));
        };
        let mut held = lock(held);
        if held.is_some() {
            return Ok(());
        }
        if let Some(found) = self.cached_table(stage, table) {
            *held = Some(found);
            return Ok(());
        }
        for &input in &stage.inputs {
            self.prepare(input)?;
        }
        if self.keep.get(at).copied().unwrap_or(false) {
            let computed = self.hold(stage, table);
            *held = Some(computed.map_err(|error| error.or_at(&stage.definition.kind.place))?);
            drop(held);
            self.judge(at, stage)?;
            self.keep_what_is_counted();
        }
        Ok(())
    }

    fn cached_table(&self, stage: &PlannedStage, table: &TableShape) -> Option<Held> {
        let known = self.options.use_cache && self.accounts.rows(&stage.id, "out").is_some();
        known.then(|| self.cache.table(&stage.fingerprint)).flatten().map(|path| {
            let source = ScanSource::Files(FileScan {
                paths: vec![path],
                format: FileFormat::Parquet,
                file_schema: table.schema.clone(),
                filename: None,
                rows: None,
                fingerprint: stage.fingerprint.clone(),
            });
            let relation = Arc::new(Relation::Scan(Scan { source, schema: table.schema.clone() }));
            Held { relation, pinned: None }
        })
    }

    fn hold(&self, stage: &PlannedStage, table: &TableShape) -> Result<Held, Diagnostic> {
        let began = Instant::now();
        let relation = self.accounts.untapped(&*self.relation(table)?);
        let execution = self.execution();
        let pinned = self.context.engine.pin(&relation, &execution, &self.scratch)?;
        self.accounts.adopt(&relation, &execution);
        if self.accounts.rows(&stage.id, "out").is_none() {
            self.accounts.set(&stage.id, "out", PointCounts { rows: pinned.rows, ..PointCounts::default() });
        }
        let source = ScanSource::Pinned(pinned.id);
        let scan = Relation::Scan(Scan { source, schema: table.schema.clone() });
        self.keep_table(stage, &scan, &pinned, began.elapsed().as_secs_f64())?;
        Ok(Held { relation: Arc::new(scan), pinned: Some(pinned) })
    }

    /// Keeps the rows of a held table in the cache, when they stand on the disk anyway or were dear for their size.
    fn keep_table(
        &self,
        stage: &PlannedStage,
        scan: &Relation,
        pinned: &Pinned,
        seconds: f64,
    ) -> Result<(), Diagnostic> {
        #[expect(clippy::cast_precision_loss, reason = "sizes are compared roughly")]
        let dear = seconds >= WORTH_KEEPING && pinned.bytes as f64 <= seconds * BYTES_A_SECOND;
        let on_disk = pinned.file.as_ref();
        if !(dear || on_disk.is_some()) || self.cache.bytes().saturating_add(pinned.bytes) > self.options.disk {
            return Ok(());
        }
        let kept = match on_disk {
            Some(file) => self
                .cache
                .keep_table(&stage.fingerprint, &self.run, file)
                .map_err(|error| crate::staging::failure("cannot keep rows in the cache beside", file, &error)),
            None => {
                let target = Target {
                    path: self.cache.new_table(&stage.fingerprint, &self.run),
                    format: TargetFormat::Parquet { compression: Compression::Lz4, row_group_size: None },
                    partition_by: Vec::new(),
                };
                self.context.engine.write(scan, &self.execution(), &target).map(drop).map_err(Diagnostic::from)
            }
        };
        match kept {
            Err(error) if error.class == Class::Interrupted => Err(error),
            // The rows are held, so the run goes on; they will be computed again next time.
            Err(error) => {
                self.warn_of_unkept(stage, &error);
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    fn execution(&self) -> Execution {
        Execution { cancelled: self.context.cancelled.clone(), ..Execution::default() }
    }

    /// A gate looks at its counts and may refuse the rows.
    fn judge(&self, at: usize, stage: &PlannedStage) -> Result<(), Diagnostic> {
        match stage.planned.work.judge(&self.counts(at, stage)) {
            Some(finding) => Err(finding.or_at(&stage.definition.kind.place)),
            None => Ok(()),
        }
    }

    /// What to execute for the rows of a table: everything learned filled in, held rows in the place of what computed them.
    pub(super) fn relation(&self, table: &TableShape) -> Result<Arc<Relation>, Diagnostic> {
        let relation = table.relation.replace_taps(&|tap| {
            let at = self.plan.stages.iter().position(|stage| stage.id == tap.stage && tap.point == "out")?;
            // A lock that is taken belongs to a table that is being computed from this one's inputs, so it is not held yet.
            let held = self.held.get(at)?.try_lock().ok()?;
            held.as_ref().map(|held| Arc::clone(&held.relation))
        });
        self.bind(&relation)
    }

    fn bind(&self, relation: &Relation) -> Result<Arc<Relation>, Diagnostic> {
        relation.bind(&lock(&self.bindings)).map_err(|key| {
            Diagnostic::error(Class::Stage, format!("nothing was learned under `{key}`"))
                .help("this is a bug of gristmill; please report it with the pipeline")
        })
    }

    fn table(&self, table: &TableShape) -> Result<TableProduct, Diagnostic> {
        let meaning = self.bind(&table.relation)?;
        Ok(TableProduct { relation: self.relation(table)?, meaning, split: table.split.clone() })
    }

    /// The product of a stage that has ended.
    pub(super) fn product(&self, at: usize) -> Result<Product, Diagnostic> {
        let Some(stage) = self.plan.stages.get(at) else { return Ok(Product::Nothing) };
        match stage.shape() {
            Shape::Nothing => Ok(Product::Nothing),
            Shape::Table(table) => Ok(Product::Table(self.table(table)?)),
            Shape::Tensors(tensors) => {
                let document = self.slot(at).outcome.document.clone();
                Ok(Product::Tensors(self.tensors(&tensors.table, document)?))
            }
            Shape::Model(model) => {
                let tensors = stage.inputs.first().map(|&input| self.product(input)).transpose()?;
                let outcome = self.slot(at).outcome.clone();
                match (tensors, outcome.model) {
                    (Some(Product::Tensors(tensors)), Some(folder)) => Ok(Product::Model { folder, tensors }),
                    // A model that was found among variants of another one: with its own encoders, and its own rows if they differ.
                    (Some(Product::Model { .. }), Some(folder)) => {
                        let mut tensors = self.tensors(&model.tensors.table, outcome.document)?;
                        if let Some(rows) = outcome.bindings.artifacts.get(&ModelShape::rows_key(&stage.id)) {
                            tensors.table = kept_rows(rows, &model.tensors.table);
                        }
                        Ok(Product::Model { folder, tensors })
                    }
                    _ => Err(Diagnostic::error(Class::Stage, format!("`{}` left no model", model.stage))),
                }
            }
        }
    }

    fn tensors(&self, table: &TableShape, document: serde_json::Value) -> Result<TensorsProduct, Diagnostic> {
        let encoder = serde_json::from_value(document)
            .map_err(|error| Diagnostic::error(Class::Stage, format!("the kept encoders cannot be read: {error}")))?;
        Ok(TensorsProduct { table: self.table(table)?, encoder: Arc::new(encoder) })
    }

    /// The stage that is to blame when the work of `at` failed with `error`, if it is not `at` itself.
    ///
    /// Rows of relational stages are computed when somebody reads them, so an error in their data shows there. The tables
    /// above are computed one by one, nearest to the files first, until one fails.
    pub(super) fn culprit(&self, at: usize, error: &Diagnostic) -> Option<(usize, Diagnostic)> {
        if !matches!(error.class, Class::Data | Class::Stage) {
            return None;
        }
        let mut above = Vec::new();
        self.tables_above(at, &mut above);
        above.sort_unstable();
        above.dedup();
        above.into_iter().find_map(|at| {
            let stage = self.plan.stages.get(at)?;
            let Shape::Table(table) = stage.shape() else { return None };
            if lock(self.held.get(at)?).is_some() {
                // Its rows are there, but a gate may have refused them.
                return stage.planned.work.judge(&self.counts(at, stage)).map(|found| (at, found));
            }
            let relation = self.relation(table).ok()?.without_taps();
            let result = self.context.engine.stream(&relation, &self.execution(), &mut |_| Ok(true));
            let found = match result {
                Err(failed) => {
                    let failed = Diagnostic::from(failed);
                    let explained = stage.planned.work.explain_failure(&failed);
                    explained.unwrap_or_else(|| self.blame(stage, &relation.into(), failed))
                }
                Ok(()) => stage.planned.work.judge(&self.counts(at, stage))?,
            };
            Some((at, found))
        })
    }

    fn tables_above(&self, at: usize, found: &mut Vec<usize>) {
        for &input in self.plan.stages.get(at).map_or(&[][..], |stage| &stage.inputs) {
            found.push(input);
            self.tables_above(input, found);
        }
    }

    /// Counts tables whose rows nothing has read, so that every row is accounted for.
    pub(super) fn count_the_rest(&self) {
        for (at, stage) in self.plan.stages.iter().enumerate().rev() {
            if self.context.cancelled.load(std::sync::atomic::Ordering::Relaxed) {
                return;
            }
            let Shape::Table(table) = stage.shape() else { continue };
            let owed = self.slot(at).owes_counts();
            if !owed || self.accounts.rows(&stage.id, "out").is_some() {
                continue;
            }
            let began = Instant::now();
            let counted = stage.inputs.iter().try_for_each(|&input| self.prepare(input)).and_then(|()| {
                let relation = self.accounts.untapped(&*self.relation(table)?);
                let execution = self.execution();
                self.context.engine.count(&relation, &execution)?;
                self.accounts.adopt(&relation, &execution);
                Ok(())
            });
            self.slot(at).seconds += began.elapsed().as_secs_f64();
            if let Err(error) = counted {
                if error.class == Class::Limit && self.has_failed() {
                    // The rows that were too many for one stage are too many for those below it too.
                    return;
                }
                let (culprit, error) = self.culprit(at, &error).unwrap_or_else(|| {
                    let relation = self.relation(table).map(|relation| Arc::new(relation.without_taps()));
                    let error = match relation {
                        Ok(relation) => self.blame(stage, &relation, error.clone()),
                        Err(_) => error.clone(),
                    };
                    (at, error)
                });
                self.fail(culprit, error);
            }
        }
    }

    fn has_failed(&self) -> bool {
        (0..self.plan.stages.len()).any(|at| self.slot(at).status == Some(crate::run::manifest::StageStatus::Failed))
    }

    /// Lets go of held rows that nobody will read any more.
    pub(super) fn release(&self) {
        for at in 0..self.plan.stages.len() {
            let needed = self.descendants(at).into_iter().any(|below| {
                let Some(stage) = self.plan.stages.get(below) else { return false };
                let uncounted =
                    matches!(stage.shape(), Shape::Table(_)) && self.accounts.rows(&stage.id, "out").is_none();
                let slot = self.slot(below);
                slot.status.is_none() || (slot.owes_counts() && uncounted)
            });
            if needed {
                continue;
            }
            if let Some(held) = self.held.get(at)
                && let Some(pinned) = held.try_lock().ok().and_then(|mut held| held.take()).and_then(|held| held.pinned)
            {
                self.context.engine.unpin(pinned.id);
            }
        }
    }

    fn descendants(&self, root: usize) -> Vec<usize> {
        let mut found = vec![root];
        for (at, stage) in self.plan.stages.iter().enumerate().skip(root + 1) {
            if stage.inputs.iter().any(|input| found.contains(input)) {
                found.push(at);
            }
        }
        found.remove(0);
        found
    }
}
