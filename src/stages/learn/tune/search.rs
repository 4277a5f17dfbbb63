//! The search: trial after trial, each written down before the next one begins.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::judge::{EVALUATE, Judge};
use super::{Search, TRIALS, exhibits, table};
use crate::definition::{Entry, Node, Text, Value, decode};
use crate::diagnostic::{Class, Diagnostic};
use crate::stages::prepare::split::{Crossing, Split};
use crate::stages::variant::{Around, Finished, THEN, Variant};
use crate::stages::work::{Change, Outcome, Progress, StageCounts, Work, WorkContext};
use crate::stages::{ModelShape, Product, Stage};
use crate::staging::failure;
use crate::tuning::{Attempt, History, Next, Sampler, Schedule, Space};

/// The folder of the model, the rows and the table of trials in the stage's artifacts.
const MODEL: &str = "model";
const ROWS: &str = "rows.parquet";
const TABLE: &str = "trials.parquet";
/// A search whose first trials all fail ends.
const HOPELESS: usize = 10;
/// People are told at most this often how far a trial is.
const TELL: Duration = Duration::from_millis(200);

/// How rows are divided into folds.
pub(super) struct Folds {
    /// The stage that divides.
    pub(super) stage: String,
    pub(super) count: u32,
    pub(super) seed: u64,
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
    pub(super) time: Option<f64>,
    pub(super) seed: u64,
    /// The name of what was tried in earlier runs.
    pub(super) history: String,
    /// The `tensors` stage of the model.
    pub(super) tensors: String,
    /// The stage whose rows the tensors are made of, when they differ from trial to trial.
    pub(super) table: Option<String>,
}

/// A search that goes on.
struct Going<'a> {
    work: &'a TuneWork,
    context: &'a WorkContext<'a>,
    history: History,
    /// Where attempts are written down.
    file: Option<fs::File>,
    /// Attempts that an earlier run made.
    resumed: usize,
    /// What is kept of the best trial so far: what its stages mean, by their ids.
    kept: Vec<String>,
}

impl Work for TuneWork {
    /// At least so often that what stands above is held when it is dear.
    fn passes(&self, _: usize) -> usize {
        2
    }

    fn run(&self, _: &[Product], context: &WorkContext<'_>) -> Result<Outcome, Diagnostic> {
        let mut going = self.begin(context)?;
        let written = going.judge(&self.search.as_written()?, "as written");
        let written = match written {
            Ok((loss, _)) => Some(loss),
            Err(error) if is_fatal(&error) => return Err(error),
            Err(_) => None,
        };
        let ended = going.search()?;
        self.finish(going, written, ended)
    }

    fn changes(&self, _: &StageCounts) -> Vec<Change> {
        Vec::new()
    }
}

/// Errors that end a search; others only end a trial.
fn is_fatal(error: &Diagnostic) -> bool {
    matches!(error.class, Class::Interrupted | Class::Output | Class::Worker)
}

impl TuneWork {
    /// Reads what earlier runs have tried.
    fn begin<'a>(&'a self, context: &'a WorkContext<'a>) -> Result<Going<'a>, Diagnostic> {
        let mut going =
            Going { work: self, context, history: History::default(), file: None, resumed: 0, kept: Vec::new() };
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
    fn finish(&self, going: Going<'_>, written: Option<f64>, ended: Ended) -> Result<Outcome, Diagnostic> {
        let context = going.context;
        let Some(best) = going.history.best().cloned() else {
            let reason = going.history.attempts().iter().find_map(|attempt| attempt.failure.clone());
            let reason = reason.unwrap_or_else(|| "there was no time for any".to_owned());
            return Err(Diagnostic::error(Class::Stage, format!("no trial succeeded: {reason}")));
        };
        let mut variant = self.search.variant(&best.point, best.budget)?;
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
        table::write(&context.artifacts.join(TABLE), attempts, &self.search.dimensions, self.judge.metric)?;
        outcome.bindings.artifacts.insert(format!("{}.{TRIALS}", self.id), TABLE.into());
        let shown = exhibits::Shown {
            work: self,
            dimensions: &self.search.dimensions,
            history: &going.history,
            best: &best,
            written: written.map(|loss| self.judge.metric.turned(loss)),
            resumed: going.resumed,
            ended,
        };
        outcome.exhibits = exhibits::all(&shown);
        outcome.exhibits.extend(model.exhibits.iter().cloned());
        outcome.remarks = exhibits::remarks(&shown);
        outcome.statistics = serde_json::json!({ "best": best.loss.map(|loss| self.judge.metric.turned(loss)) });
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

impl Going<'_> {
    fn search(&mut self) -> Result<Ended, Diagnostic> {
        let TuneWork { sampler, schedule, space, trials, time, seed, .. } = self.work;
        let startup = match sampler {
            Sampler::Tpe(tpe) => tpe.startup,
            _ => 1,
        };
        let mut exhausted = false;
        loop {
            if self.context.cancelled.load(Ordering::Relaxed) {
                return Err(Diagnostic::error(Class::Interrupted, "interrupted"));
            }
            let next = schedule.next(&self.history.rungs(), *trials, exhausted);
            if next == Next::End {
                return Ok(if exhausted { Ended::Exhausted } else { Ended::Complete });
            }
            let spent: f64 = self.history.attempts().iter().map(|attempt| attempt.seconds).sum();
            // The first one is always made, so that there is a model.
            if time.is_some_and(|time| spent >= time) && self.history.best().is_some() {
                return Ok(Ended::Time);
            }
            self.refuse_hopeless()?;
            let begun = self.history.configurations();
            let (configuration, rung, point) = match next {
                Next::Promote { configuration, rung } => {
                    let mut attempts = self.history.attempts().iter();
                    let first = attempts.find(|attempt| attempt.configuration == configuration && attempt.rung == 0);
                    let Some(first) = first else { return Ok(Ended::Complete) };
                    (configuration, rung, first.point.clone())
                }
                _ => match sampler.propose(space, &self.history.observations(startup), begun as u64, *seed) {
                    Some(point) => (begun, 0, point),
                    None => {
                        exhausted = true;
                        continue;
                    }
                },
            };
            self.attempt(configuration, rung, point)?;
        }
    }

    /// When the first trials all fail, so will the others.
    fn refuse_hopeless(&self) -> Result<(), Diagnostic> {
        let attempts = self.history.attempts();
        if attempts.len() < HOPELESS || attempts.iter().any(|attempt| attempt.loss.is_some()) {
            return Ok(());
        }
        let reason = attempts.iter().find_map(|attempt| attempt.failure.clone()).unwrap_or_default();
        let message = format!("the first {} trials failed: {reason}", attempts.len());
        Err(Diagnostic::error(Class::Stage, message).help("run the `train` stage alone first, and vary less"))
    }

    fn attempt(&mut self, configuration: usize, rung: usize, point: Vec<f64>) -> Result<(), Diagnostic> {
        let budget = self.work.schedule.budget(rung);
        let began = Instant::now();
        let name = match budget {
            Some(epochs) => format!("trial {}, {epochs} epochs", configuration + 1),
            None => format!("trial {}", configuration + 1),
        };
        let judged = self.work.search.variant(&point, budget).and_then(|variant| self.judge(&variant, &name));
        let (loss, folds, failure) = match judged {
            Ok((loss, folds)) => (Some(loss), folds, None),
            Err(error) if is_fatal(&error) => return Err(error),
            Err(error) => (None, Vec::new(), Some(error.message)),
        };
        let seconds = began.elapsed().as_secs_f64();
        let attempt = Attempt { configuration, rung, budget, point, loss, folds, failure, seconds };
        let line = self.history.add(attempt);
        if let Some(file) = &mut self.file {
            file.write_all(line.as_bytes())
                .and_then(|()| file.sync_data())
                .map_err(|error| Diagnostic::error(Class::Output, format!("cannot write a trial down: {error}")))?;
        }
        Ok(())
    }

    /// The loss of a variant, and that of each fold.
    fn judge(&mut self, variant: &Variant, name: &str) -> Result<(f64, Vec<f64>), Diagnostic> {
        let then = Some((EVALUATE, self.work.judge.options()));
        let variant = Variant { then, ..variant.clone() };
        let Some(folds) = &self.work.crossing else {
            let finished = self.run(&variant, name)?;
            let value = self.value(&finished)?;
            self.keep_if_best(&finished, value);
            return Ok((value, Vec::new()));
        };
        let mut losses = Vec::new();
        for fold in 1..=folds.count {
            let around: Arc<Around> = crossing(folds, fold, self.work, variant.options.get(&folds.stage))?;
            let held = Variant { around: Some((folds.stage.clone(), around)), ..variant.clone() };
            let finished = self.run(&held, &format!("{name}, fold {fold} of {}", folds.count))?;
            losses.push(self.value(&finished)?);
            self.forget(&finished);
        }
        #[expect(clippy::cast_precision_loss, reason = "a few folds")]
        let mean = losses.iter().sum::<f64>() / losses.len().max(1) as f64;
        Ok((mean, losses))
    }

    fn value(&self, finished: &[Finished]) -> Result<f64, Diagnostic> {
        let judge = &self.work.judge;
        judge.read(outcome_of(finished, THEN)?).map(|value| judge.metric.turned(value))
    }

    fn run(&self, variant: &Variant, name: &str) -> Result<Vec<Finished>, Diagnostic> {
        let told = std::sync::Mutex::new(None::<Instant>);
        let (done, total) = (self.history.attempts().len() as u64, self.work.trials as u64);
        let total = (self.work.schedule == Schedule::Full).then_some(total);
        let tell = |message: String| {
            (self.context.progress)(Progress { done, total, unit: "trials".to_owned(), message });
        };
        tell(name.to_owned());
        let work = &self.work.search.model;
        self.context.trials.run(variant, &|stage: &str, progress: &Progress| {
            let mut told = told.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if stage == work && told.is_none_or(|told| told.elapsed() >= TELL) {
                *told = Some(Instant::now());
                tell(format!("{name}: {}", progress.message));
            }
        })
    }

    /// Keeps what the best trial made, and lets go of everything else: the best model need not be trained again.
    fn keep_if_best(&mut self, finished: &[Finished], loss: f64) {
        let best = self.history.best().and_then(|best| best.loss);
        if best.is_some_and(|best| best <= loss) {
            self.forget(finished);
            return;
        }
        for old in std::mem::take(&mut self.kept) {
            self.context.trials.forget(&old);
        }
        self.kept = self.passing(finished).collect();
    }

    fn forget(&self, finished: &[Finished]) {
        for fingerprint in self.passing(finished).filter(|fingerprint| !self.kept.contains(fingerprint)) {
            self.context.trials.forget(&fingerprint);
        }
    }

    /// What belongs to one trial alone: the model, and its judgement.
    fn passing(&self, finished: &[Finished]) -> impl Iterator<Item = String> + use<> {
        let model = self.work.search.model.clone();
        let own = finished.iter().filter(move |stage| stage.id == model || stage.id == THEN);
        own.map(|stage| stage.fingerprint.clone()).collect::<Vec<_>>().into_iter()
    }
}

/// What stands in the place of the split for a fold.
fn crossing(folds: &Folds, fold: u32, work: &TuneWork, varied: Option<&Node>) -> Result<Arc<Around>, Diagnostic> {
    let written = varied.or_else(|| work.search.written.get(&folds.stage));
    let split = written.map(decode::<Split>);
    let split = split.and_then(Result::ok).ok_or_else(|| bug("has no split to make folds of"))?;
    let crossing = Crossing { split, folds: folds.count, fold, seed: folds.seed };
    Ok(Arc::new(move |_| Box::new(crossing.clone()) as Box<dyn Stage>))
}

fn outcome_of<'f>(finished: &'f [Finished], id: &str) -> Result<&'f Outcome, Diagnostic> {
    finished.iter().find(|stage| stage.id == id).map(|stage| &stage.outcome).ok_or_else(|| bug("lost a stage"))
}

fn bug(what: &str) -> Diagnostic {
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
