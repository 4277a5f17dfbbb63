//! What a stage does when the run comes to it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use serde::{Deserialize, Serialize};

use super::Product;
use crate::diagnostic::Diagnostic;
use crate::engine::{Engine, EngineError, Execution, PointCounts, Target, Written};
use crate::exhibit::Exhibit;
use crate::relation::{Bindings, Relation};

/// The work of a planned stage.
pub trait Work: Send + Sync {
    /// Reads rows, learns, makes tables or writes files. Purely relational stages have nothing to do here.
    fn run(&self, inputs: &[Product], context: &WorkContext<'_>) -> Result<Outcome, Diagnostic> {
        let _ = (inputs, context);
        Ok(Outcome::default())
    }

    /// How often `run` reads the rows of the input at that position; the run keeps rows that are read more than once.
    fn passes(&self, input: usize) -> usize {
        let _ = input;
        0
    }

    /// What it holds in memory at once when that many rows come to it, so that `check` can say so before a row is read; none when
    /// rows stream by.
    fn holds(&self, rows: u64) -> Option<Holding> {
        let _ = rows;
        None
    }

    /// Whether the rows of the product are dear to compute again (joins, sorts, deduplication, parsing).
    fn is_costly(&self) -> bool {
        false
    }

    /// Whether it works in every run, because what it finds depends on more than its inputs: on the clock, or on an earlier run.
    fn always_works(&self) -> bool {
        false
    }

    /// Whether its product depends on more than its inputs too. What stands below it is then done again in every run.
    fn varies(&self) -> bool {
        false
    }

    /// How many of the inputs have their rows in the product; the others are only looked at.
    fn flowing(&self) -> usize {
        1
    }

    /// Whether the product is the input itself (a chart, a written file): its rows need not be counted again.
    fn hands_input_on(&self) -> bool {
        false
    }

    /// Why the number of rows changed. The run checks that inputs plus changes give the rows that came out.
    fn changes(&self, counts: &StageCounts) -> Vec<Change> {
        let difference = counts.difference();
        if difference == 0 { Vec::new() } else { vec![Change::new("dropped", difference)] }
    }

    /// What a person should see once the rows went by.
    fn show(&self, counts: &StageCounts) -> Vec<Exhibit> {
        let _ = counts;
        Vec::new()
    }

    /// What a person should hear of even without looking at the report, in a sentence each.
    fn remarks(&self, counts: &StageCounts) -> Vec<String> {
        let _ = counts;
        Vec::new()
    }

    /// Trouble that shows only in the counts (a `validate` with `severity: fail`): the finding stops what depends on it.
    fn judge(&self, counts: &StageCounts) -> Option<Diagnostic> {
        let _ = counts;
        None
    }

    /// A better account of an error that the engine met in the rows of this stage: which file, line and column.
    fn explain_failure(&self, error: &Diagnostic) -> Option<Diagnostic> {
        let _ = error;
        None
    }

    /// Whether the files that it writes must not be there when it begins.
    fn only_new(&self) -> bool {
        false
    }

    /// Whether the counts must be complete before a stage below may start, because [`Work::judge`] may refuse the rows.
    fn is_gate(&self) -> bool {
        false
    }
}

/// What a stage holds in memory at once, because its algorithm cannot work on rows that stream by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// Who holds it, as people call it: `hdbscan`.
    pub purpose: String,
    /// Bytes, with what the algorithm needs beside the rows.
    pub bytes: u64,
    /// The most rows that the algorithm takes; all that memory can hold when absent.
    pub most_rows: Option<u64>,
    /// What to do when it is too much, in a sentence without a full stop.
    pub help: String,
}

/// Work of a stage that is nothing but its relation.
#[derive(Debug, Default)]
pub struct RelationalWork {
    /// Whether its rows are dear to compute again.
    pub costly: bool,
}

impl Work for RelationalWork {
    fn is_costly(&self) -> bool {
        self.costly
    }
}

/// What a stage's work left behind. It is kept in the cache.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Outcome {
    /// Learned constants and made tables.
    pub bindings: Bindings,
    /// What was learned beyond constants: fitted encoders, metrics, parameters for the model bundle.
    pub document: serde_json::Value,
    /// What a person should see.
    pub exhibits: Vec<Exhibit>,
    /// Files written for the user.
    pub outputs: Vec<Written>,
    /// Rows that the stage itself read from outside or wrote, when no relation counts them.
    pub rows: Option<u64>,
    /// Changes that only the work knows (rejected rows).
    pub changes: Vec<Change>,
    /// The folder of a model, inside the stage's artifacts.
    pub model: Option<PathBuf>,
    /// What a person should hear of even without looking at the report, when the work itself found it.
    #[serde(default)]
    pub remarks: Vec<String>,
    /// Why nothing below may go on with the rows, though the work itself succeeded. Never kept.
    #[serde(skip)]
    pub refusal: Option<Diagnostic>,
    /// What the same stage of a later run may compare its rows with; stands in the record of the run.
    #[serde(default)]
    pub statistics: serde_json::Value,
}

/// A change of the number of rows with its reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// In a few words: `filtered`, `duplicates`, `no match`.
    pub reason: String,
    /// Rows added (positive) or taken away (negative).
    pub rows: i64,
}

impl Change {
    /// A change.
    pub fn new(reason: impl Into<String>, rows: i64) -> Self {
        Self { reason: reason.into(), rows }
    }

    /// Rows taken away.
    pub fn minus(reason: impl Into<String>, rows: u64) -> Self {
        Self::new(reason, -i64::try_from(rows).unwrap_or(i64::MAX))
    }

    /// Rows added.
    pub fn plus(reason: impl Into<String>, rows: u64) -> Self {
        Self::new(reason, i64::try_from(rows).unwrap_or(i64::MAX))
    }
}

/// What was counted at a stage.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StageCounts {
    /// Rows of each input stage.
    pub inputs: Vec<(String, u64)>,
    /// Rows that came out.
    pub out: u64,
    /// The stage's taps by their point.
    pub points: BTreeMap<String, PointCounts>,
}

impl StageCounts {
    /// A counter of one of the stage's taps; 0 when it never counted.
    pub fn counter(&self, point: &str, name: &str) -> u64 {
        self.points.get(point).and_then(|point| point.counters.get(name)).copied().unwrap_or(0)
    }

    /// Example rows of one of the stage's taps.
    pub fn sample(&self, point: &str, name: &str) -> &[Vec<Option<String>>] {
        self.points.get(point).and_then(|point| point.samples.get(name)).map_or(&[], Vec::as_slice)
    }

    /// Rows of the first input.
    pub fn first_input(&self) -> u64 {
        self.inputs.first().map_or(0, |(_, rows)| *rows)
    }

    /// Rows out minus rows in of the first input.
    pub fn difference(&self) -> i64 {
        signed(self.out) - signed(self.first_input())
    }
}

/// Counts of rows as signed numbers; there are fewer than 2^63 rows.
pub fn signed(rows: u64) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

/// What the work may use. Executions through it fill the ledger.
pub struct WorkContext<'a> {
    /// The id of the stage.
    pub id: &'a str,
    /// What the stage means, with its inputs and the state of their files, as 32 hexadecimal digits.
    pub fingerprint: &'a str,
    /// The engine; use the methods below to execute, so that rows are accounted for.
    pub engine: &'a dyn Engine,
    /// A new folder for what the stage makes and the cache keeps.
    pub artifacts: &'a Path,
    /// A folder for what lasts only as long as the run.
    pub scratch: &'a Path,
    /// The folder to which relative paths are relative.
    pub base: &'a Path,
    /// Bytes of memory that the run may use.
    pub memory: u64,
    /// Set when the run is to stop.
    pub cancelled: Arc<std::sync::atomic::AtomicBool>,
    /// Takes the counts of complete executions.
    pub adopt: &'a (dyn Fn(&Relation, &Execution) + Sync),
    /// Leaves out taps that were counted already.
    pub untapped: &'a (dyn Fn(&Relation) -> Relation + Sync),
    /// What the stage of this id left in the last good run of the pipeline.
    pub previous: &'a (dyn Fn() -> Option<Previous> + Sync),
    /// Tells people how far the stage is.
    pub progress: &'a (dyn Fn(Progress) + Sync),
    /// Runs what stands above with other options.
    pub trials: &'a dyn super::variant::Trials,
}

/// What a stage left in an earlier run.
#[derive(Debug, Clone, PartialEq)]
pub struct Previous {
    /// Its statistics.
    pub statistics: serde_json::Value,
    /// When the run began, as RFC 3339 has it.
    pub begun: String,
}

/// How far a stage is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Units done so far.
    pub done: u64,
    /// Units in all, where known.
    pub total: Option<u64>,
    /// What the units are: `rows`, `epochs`.
    pub unit: String,
    /// A remark, such as the loss.
    pub message: String,
}

impl WorkContext<'_> {
    fn execute<T>(
        &self,
        relation: &Relation,
        run: impl FnOnce(&Relation, &Execution) -> Result<(T, bool), EngineError>,
    ) -> Result<T, Diagnostic> {
        let relation = (self.untapped)(relation);
        let execution = Execution { cancelled: Arc::clone(&self.cancelled), ..Execution::default() };
        let (result, complete) = run(&relation, &execution)?;
        if complete {
            (self.adopt)(&relation, &execution);
        }
        Ok(result)
    }

    /// All rows in memory: for results that are small by construction.
    pub fn collect(&self, relation: &Relation) -> Result<Vec<RecordBatch>, Diagnostic> {
        self.execute(relation, |relation, execution| Ok((self.engine.collect(relation, execution)?, true)))
    }

    /// The rows batch by batch; `sink` answers whether it wants more.
    pub fn stream(
        &self,
        relation: &Relation,
        sink: &mut dyn FnMut(RecordBatch) -> Result<bool, EngineError>,
    ) -> Result<(), Diagnostic> {
        let mut complete = true;
        self.execute(relation, |relation, execution| {
            self.engine.stream(relation, execution, &mut |batch| {
                let more = sink(batch)?;
                complete &= more;
                Ok(more)
            })?;
            Ok(((), complete))
        })
    }

    /// Number of rows.
    pub fn count(&self, relation: &Relation) -> Result<u64, Diagnostic> {
        self.execute(relation, |relation, execution| Ok((self.engine.count(relation, execution)?, true)))
    }

    /// Writes the rows to files.
    pub fn write(&self, relation: &Relation, target: &Target) -> Result<Written, Diagnostic> {
        self.execute(relation, |relation, execution| Ok((self.engine.write(relation, execution, target)?, true)))
    }
}
