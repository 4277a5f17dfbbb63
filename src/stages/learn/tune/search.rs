//! The search: how it begins, what it keeps, and what it leaves.

use std::fs;
use std::path::Path;

use super::going::Going;
use super::judge::Judge;
use super::{Search, TRIALS, exhibits, table};
use crate::definition::{Entry, Node, Text, Value};
use crate::diagnostic::{Class, Diagnostic};
use crate::stages::variant::{Finished, Variant};
use crate::stages::work::{Change, Outcome, StageCounts, Work, WorkContext};
use crate::stages::{ModelShape, Product};
use crate::staging::failure;
use crate::tuning::{History, Sampler, Schedule, Space};

/// The folder of the model, the rows and the table of trials in the stage's artifacts.
const MODEL: &str = "model";
const ROWS: &str = "rows.parquet";
const TABLE: &str = "trials.parquet";

/// How rows are divided into folds.
pub(super) struct Folds {
    /// The stage that divides.
    pub(super) stage: String,
    pub(super) count: u32,
    pub(super) seed: u64,
    /// Whether they follow each other in time.
    pub(super) in_time: bool,
}

pub(super) struct TuneWork {
    pub(super) id: String,
    pub(super) search: Search,
    pub(super) space: Space,
    pub(super) sampler: Sampler,
    pub(super) schedule: Schedule,
    pub(super) judge: Judge,
    /// None: trials are judged on the validation part.
    pub(super) crossing: Option<Folds>,
    pub(super) trials: usize,
    /// How many configurations are chosen and trained together.
    pub(super) parallel: usize,
    pub(super) time: Option<f64>,
    pub(super) seed: u64,
    /// The name of what was tried in earlier runs.
    pub(super) history: String,
    /// The `tensors` stage of the model.
    pub(super) tensors: String,
    /// The stage whose rows the tensors are made of, when they differ from trial to trial.
    pub(super) table: Option<String>,
}

impl Work for TuneWork {
    /// At least so often that what stands above is held when it is dear.
    fn passes(&self, _: usize) -> usize {
        2
    }

    fn run(&self, _: &[Product], context: &WorkContext<'_>) -> Result<Outcome, Diagnostic> {
        let mut going = self.begin(context)?;
        going.judge_as_written()?;
        let ended = going.search()?;
        self.finish(going, ended)
    }

    fn changes(&self, _: &StageCounts) -> Vec<Change> {
        Vec::new()
    }
}

/// Errors that end a search; others only end a trial.
pub(super) fn is_fatal(error: &Diagnostic) -> bool {
    matches!(error.class, Class::Interrupted | Class::Output | Class::Worker)
}

impl TuneWork {
    /// Reads what earlier runs have tried.
    fn begin<'a>(&'a self, context: &'a WorkContext<'a>) -> Result<Going<'a>, Diagnostic> {
        let mut going = Going::new(self, context);
        let Some(path) = context.trials.history(&self.history) else { return Ok(going) };
        let failed = |error: std::io::Error| failure("cannot write down trials in", &path, &error);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let text = fs::read_to_string(&path).unwrap_or_default();
        let (history, good) = History::read(&text);
        let dimensions = self.space.domains().len();
        let fits = history.attempts().iter().all(|attempt| attempt.point.len() == dimensions);
        let good = if fits { good } else { 0 };
        let file = fs::File::options().create(true).append(true).open(&path).map_err(failed)?;
        // What was cut off goes, so that the next line stands on its own.
        file.set_len(good as u64).map_err(failed)?;
        going.history = if fits { history } else { History::default() };
        if self.schedule == Schedule::Full {
            going.history.truncate(self.trials);
        }
        going.resumed = going.history.attempts().len();
        going.file = Some(file);
        Ok(going)
    }

    /// The best model, learned from the training part, with everything to look at.
    fn finish(&self, going: Going<'_>, ended: Ended) -> Result<Outcome, Diagnostic> {
        let context = going.context;
        let Some(best) = going.history.best().cloned() else {
            let reason = going.history.attempts().iter().find_map(|attempt| attempt.failure.clone());
            let reason = reason.unwrap_or_else(|| "there was no time for any".to_owned());
            return Err(Diagnostic::error(Class::Stage, format!("no trial succeeded: {reason}")));
        };
        let mut variant = Variant { side_by_side: self.parallel, ..self.search.variant(&best.point, best.budget)? };
        if self.search.save.is_some() {
            variant.options = self.search.saving(Ok(variant.options))?;
        }
        let finished = going.run(&variant, "the best")?;
        let model = outcome_of(&finished, &self.search.model)?;
        let folder = model.model.as_ref().ok_or_else(|| bug("left no model"))?;
        copy(folder, &context.artifacts.join(MODEL))
            .map_err(|error| failure("cannot keep the model in", context.artifacts, &error))?;
        let mut outcome = Outcome {
            model: Some(MODEL.into()),
            document: outcome_of(&finished, &self.tensors)?.document.clone(),
            outputs: model.outputs.clone(),
            ..Outcome::default()
        };
        if let Some(table) = &self.table {
            let path = std::path::absolute(context.artifacts.join(ROWS))
                .map_err(|error| failure("cannot find", context.artifacts, &error))?;
            let then = Some(("write", write_to(&path, &self.judge)));
            going.run(&Variant { wanted: table.clone(), then, ..variant }, "the rows of the best")?;
            outcome.bindings.artifacts.insert(ModelShape::rows_key(&self.id), ROWS.into());
        }
        let attempts = going.history.attempts();
        table::write(&context.artifacts.join(TABLE), attempts, &self.search.dimensions, &self.judge)?;
        outcome.bindings.artifacts.insert(format!("{}.{TRIALS}", self.id), TABLE.into());
        let shown = exhibits::Shown {
            work: self,
            dimensions: &self.search.dimensions,
            history: &going.history,
            best: &best,
            written: going.written.as_deref(),
            resumed: going.resumed,
            continued: going.continued,
            ended,
        };
        outcome.exhibits = exhibits::all(&shown);
        outcome.exhibits.extend(model.exhibits.iter().cloned());
        outcome.remarks = exhibits::remarks(&shown);
        outcome.statistics = serde_json::json!({ "best": best.loss.map(|loss| self.judge.turned(loss)) });
        Ok(outcome)
    }
}

/// Why a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// Everything that was to be tried was.
    Complete,
    /// There is nothing else to try.
    Exhausted,
    /// Its time was over.
    Time,
}

pub(super) fn outcome_of<'f>(finished: &'f [Finished], id: &str) -> Result<&'f Outcome, Diagnostic> {
    finished.iter().find(|stage| stage.id == id).map(|stage| &stage.outcome).ok_or_else(|| bug("lost a stage"))
}

pub(super) fn bug(what: &str) -> Diagnostic {
    Diagnostic::error(Class::Stage, format!("the search {what}"))
        .help("this is a bug of gristmill; please report it with the pipeline")
}

/// Options of a `write` to that file.
fn write_to(path: &Path, judge: &Judge) -> Node {
    let place = &judge.place;
    let text = Value::Text(Text::new(path.display().to_string(), place.clone()));
    let entry = Entry { key: "path".to_owned(), key_place: place.clone(), value: Node::new(text, place.clone()) };
    Node::new(Value::Mapping(vec![entry]), place.clone())
}

/// Copies a folder.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
