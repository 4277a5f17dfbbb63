//! One trial: its trainings, and what they are worth.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::super::judge::EVALUATE;
use super::super::search::{Folds, TuneWork, bug, is_fatal, outcome_of};
use super::{Going, Made, Todo};
use crate::definition::{Node, decode};
use crate::diagnostic::Diagnostic;
use crate::stages::Stage;
use crate::stages::learn::train::{Continued, Train};
use crate::stages::prepare::split::{Crossing, Split};
use crate::stages::variant::{Around, Finished, THEN, Variant};
use crate::stages::work::Progress;
use crate::tuning::{Attempt, Schedule};

/// People are told at most this often how far a trial is.
const TELL: Duration = Duration::from_millis(200);

/// What judging a variant gave.
struct Verdict {
    loss: f64,
    values: Vec<f64>,
    folds: Vec<f64>,
    left: Vec<String>,
}

/// The values of a variant.
pub(super) struct Measured {
    /// Of each target, the mean over folds.
    pub(super) values: Vec<f64>,
    /// Of each fold, of each target.
    each: Vec<Vec<f64>>,
    /// What the variant left.
    pub(super) left: Vec<String>,
}

impl Going<'_> {
    /// One trial. Errors: those that end the search.
    pub(super) fn attempt(&self, todo: &Todo) -> Result<Made, Diagnostic> {
        let Todo { configuration, rung, point } = todo;
        let budget = self.work.schedule.budget(*rung);
        let began = Instant::now();
        let name = match budget {
            Some(epochs) => format!("trial {}, {epochs} epochs", configuration + 1),
            None => format!("trial {}", configuration + 1),
        };
        let goes_on = budget.map(|_| *configuration);
        let went_on = goes_on.is_some_and(|configuration| self.state(configuration, 1).exists());
        let judged = self.work.search.variant(point, budget).and_then(|variant| {
            let variant = Variant { side_by_side: self.work.parallel, ..variant };
            let Measured { values, each, left } = self.measure(&variant, &name, goes_on)?;
            let written = self.written.as_deref();
            let loss = self.work.judge.loss(&values, written)?;
            let folds = each.iter().map(|values| self.work.judge.loss(values, written)).collect::<Result<_, _>>()?;
            Ok(Verdict { loss, values, folds, left })
        });
        let (verdict, failure) = match judged {
            Ok(verdict) => (Some(verdict), None),
            Err(error) if is_fatal(&error) => return Err(error),
            Err(error) => (None, Some(error.message)),
        };
        let loss = verdict.as_ref().map(|verdict| verdict.loss);
        let (values, folds, left) =
            verdict.map(|verdict| (verdict.values, verdict.folds, verdict.left)).unwrap_or_default();
        let values = if self.work.judge.is_joint() { values } else { Vec::new() };
        let (configuration, rung, point) = (*configuration, *rung, point.clone());
        let seconds = began.elapsed().as_secs_f64();
        let attempt =
            Attempt { configuration, rung, budget, point, loss, folds, values, known: None, failure, seconds };
        Ok(Made { attempt, left, went_on })
    }

    /// Judges a variant; with `goes_on` the trainings of a configuration go on from the rung below.
    pub(super) fn measure(
        &self,
        variant: &Variant,
        name: &str,
        goes_on: Option<usize>,
    ) -> Result<Measured, Diagnostic> {
        let then = Some((EVALUATE, self.work.judge.options()));
        let variant = Variant { then, ..variant.clone() };
        let read = |finished: &[Finished]| self.work.judge.read(outcome_of(finished, THEN)?);
        let Some(folds) = &self.work.crossing else {
            let finished = self.run(&self.going_on(&variant, goes_on, 1)?, name)?;
            return Ok(Measured { values: read(&finished)?, each: Vec::new(), left: self.passing(&finished) });
        };
        let mut each = Vec::new();
        for fold in 1..=folds.count {
            let crossed = crossing(folds, fold, self.work, variant.options.get(&folds.stage))?;
            let around = BTreeMap::from([(folds.stage.clone(), crossed)]);
            let held = self.going_on(&Variant { around, ..variant.clone() }, goes_on, fold)?;
            let finished = self.run(&held, &format!("{name}, fold {fold} of {}", folds.count))?;
            each.push(read(&finished)?);
            self.passing(&finished).iter().for_each(|fingerprint| self.context.trials.forget(fingerprint));
        }
        #[expect(clippy::cast_precision_loss, reason = "a few folds")]
        let mean = |at: usize| each.iter().filter_map(|values| values.get(at)).sum::<f64>() / each.len().max(1) as f64;
        let values = (0..self.work.judge.judged.len()).map(mean).collect();
        Ok(Measured { values, each, left: Vec::new() })
    }

    /// The variant with a training that goes on from the rung below.
    fn going_on(&self, variant: &Variant, goes_on: Option<usize>, fold: u32) -> Result<Variant, Diagnostic> {
        let mut variant = variant.clone();
        let model = &self.work.search.model;
        if let (Some(configuration), Some(options)) = (goes_on, variant.options.get(model)) {
            let train = decode::<Train>(options).map_err(|_| bug("cannot read the options of a trial"))?;
            let continued = Continued { train, state: self.state(configuration, fold) };
            let around: Arc<Around> = Arc::new(move |_| Box::new(continued.clone()) as Box<dyn Stage>);
            variant.around.insert(model.clone(), around);
        }
        Ok(variant)
    }

    /// Where a training leaves how far it came.
    fn state(&self, configuration: usize, fold: u32) -> PathBuf {
        self.context.scratch.join("continued").join(format!("{}-{configuration}-{fold}.state", self.work.id))
    }

    pub(in crate::stages::learn::tune) fn run(
        &self,
        variant: &Variant,
        name: &str,
    ) -> Result<Vec<Finished>, Diagnostic> {
        let told = Mutex::new(None::<Instant>);
        let (done, total) = (self.history.attempts().len() as u64, self.work.trials as u64);
        let total = (self.work.schedule == Schedule::Full).then_some(total);
        let tell = |message: String| {
            (self.context.progress)(Progress { done, total, unit: "trials".to_owned(), message });
        };
        tell(name.to_owned());
        let work = &self.work.search.model;
        self.context.trials.run(variant, &|stage: &str, progress: &Progress| {
            let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
            if stage == work && told.is_none_or(|told| told.elapsed() >= TELL) {
                *told = Some(Instant::now());
                tell(format!("{name}: {}", progress.message));
            }
        })
    }

    /// What belongs to one trial alone: the model, and its judgement.
    fn passing(&self, finished: &[Finished]) -> Vec<String> {
        let model = &self.work.search.model;
        let own = finished.iter().filter(|stage| stage.id == *model || stage.id == THEN);
        own.map(|stage| stage.fingerprint.clone()).collect()
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
