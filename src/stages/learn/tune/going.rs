//! A search under way: batch after batch of trials, each written down before the next one begins.

mod measuring;

use std::borrow::Cow;
use std::fs;
use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use self::measuring::Measured;
use super::search::{Ended, TuneWork, is_fatal};
use crate::diagnostic::{Class, Diagnostic};
use crate::stages::work::WorkContext;
use crate::tuning::{Attempt, History, Next, Observation, Sampler};

/// A search whose first trials all fail ends.
const HOPELESS: usize = 10;

/// A search that goes on.
pub(super) struct Going<'a> {
    work: &'a TuneWork,
    pub(super) context: &'a WorkContext<'a>,
    pub(super) history: History,
    /// Where attempts are written down.
    pub(super) file: Option<fs::File>,
    /// Attempts that an earlier run made.
    pub(super) resumed: usize,
    /// Attempts that went on from a smaller budget.
    pub(super) continued: usize,
    /// The values of the options as they are written; none when those failed.
    pub(super) written: Option<Vec<f64>>,
    /// What is kept of the best trial so far: what its stages mean, by their ids.
    kept: Vec<String>,
}

/// A trial that is to be made.
struct Todo {
    configuration: usize,
    rung: usize,
    point: Vec<f64>,
}

/// A trial that was made.
struct Made {
    attempt: Attempt,
    /// What the stages mean that belong to it alone, when they are left to be kept or forgotten.
    left: Vec<String>,
    went_on: bool,
}

impl<'a> Going<'a> {
    pub(super) fn new(work: &'a TuneWork, context: &'a WorkContext<'a>) -> Self {
        let history = History::default();
        Self { work, context, history, file: None, resumed: 0, continued: 0, written: None, kept: Vec::new() }
    }

    /// Judges the options as they are written: what trials are compared with.
    pub(super) fn judge_as_written(&mut self) -> Result<(), Diagnostic> {
        let variant = self.work.search.as_written()?;
        match self.measure(&variant, "as written", None) {
            Ok(Measured { values, left, .. }) => {
                (self.written, self.kept) = (Some(values), left);
                Ok(())
            }
            Err(error) if is_fatal(&error) || self.work.judge.is_joint() => Err(error),
            Err(_) => Ok(()),
        }
    }

    pub(super) fn search(&mut self) -> Result<Ended, Diagnostic> {
        let TuneWork { schedule, trials, parallel, time, .. } = self.work;
        let mut exhausted = false;
        // The last batch of an earlier run may not have been finished.
        let mut is_open = self.resumed > 0 && *parallel > 1;
        loop {
            if self.context.cancelled.load(Ordering::Relaxed) {
                return Err(Diagnostic::error(Class::Interrupted, "interrupted"));
            }
            let was_open = std::mem::take(&mut is_open);
            let known =
                if was_open { Cow::Owned(self.history.without_last_batch().0) } else { Cow::Borrowed(&self.history) };
            let count = known.attempts().len();
            let steps = schedule.batch(&known.rungs(), *trials, exhausted, *parallel);
            let is_end = steps.is_empty();
            let mut todo = self.chosen(&known, steps, &mut exhausted);
            drop(known);
            if is_end && !was_open {
                return Ok(if exhausted { Ended::Exhausted } else { Ended::Complete });
            }
            let begun = self.history.attempts().get(count..).unwrap_or_default();
            let is_same = |(made, todo): (&Attempt, &Todo)| {
                made.configuration == todo.configuration && made.rung == todo.rung && made.point == todo.point
            };
            if !begun.iter().zip(&todo).all(is_same) {
                // What is there was chosen in another way: it counts, and the next batch rests on it.
                continue;
            }
            todo.drain(..begun.len().min(todo.len()));
            if todo.is_empty() {
                continue;
            }
            // The first one is always made, so that there is a model.
            if time.is_some_and(|time| self.history.seconds() >= time) && self.history.best().is_some() {
                return Ok(Ended::Time);
            }
            self.refuse_hopeless()?;
            self.make(&todo, count)?;
        }
    }

    /// The points of a batch. What is not done yet counts as bad, so that the others lie elsewhere (the constant liar with the worst value,
    /// Ginsbourger, Le Riche & Carraro 2010, *Kriging is well-suited to parallelize optimization*).
    fn chosen(&self, known: &History, steps: Vec<Next>, exhausted: &mut bool) -> Vec<Todo> {
        let TuneWork { sampler, space, seed, .. } = self.work;
        let startup = match sampler {
            Sampler::Tpe(tpe) => tpe.startup,
            _ => 1,
        };
        let mut observed = None;
        let mut begun = known.configurations();
        let mut todo = Vec::with_capacity(steps.len());
        for step in steps {
            match step {
                Next::Promote { configuration, rung } => {
                    let mut attempts = known.attempts().iter();
                    let first = attempts.find(|attempt| attempt.configuration == configuration && attempt.rung == 0);
                    todo.extend(first.map(|first| Todo { configuration, rung, point: first.point.clone() }));
                }
                Next::New if !*exhausted => {
                    let observed = observed.get_or_insert_with(|| known.observations(startup));
                    match sampler.propose(space, observed, begun as u64, *seed) {
                        Some(point) => {
                            observed.push(Observation { point: point.clone(), loss: None });
                            todo.push(Todo { configuration: begun, rung: 0, point });
                            begun += 1;
                        }
                        None => *exhausted = true,
                    }
                }
                Next::New | Next::End | Next::Wait => {}
            }
        }
        todo
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

    /// Makes the trials of a batch and writes them down in their order, whoever was done first.
    fn make(&mut self, todo: &[Todo], known: usize) -> Result<(), Diagnostic> {
        for made in self.side_by_side(todo)? {
            let Made { mut attempt, left, went_on } = made?;
            attempt.known = (self.work.parallel > 1).then_some(known);
            self.continued += usize::from(went_on);
            self.keep_if_best(left, &attempt);
            let line = self.history.add(attempt);
            if let Some(file) = &mut self.file {
                file.write_all(line.as_bytes())
                    .and_then(|()| file.sync_data())
                    .map_err(|error| Diagnostic::error(Class::Output, format!("cannot write a trial down: {error}")))?;
            }
        }
        Ok(())
    }

    /// What came of each trial, up to the first one that ends the search. As many at once as there are threads; each has a pool of its own,
    /// because a thread that waits in a shared one would begin with another trial in the midst of its own.
    fn side_by_side(&self, todo: &[Todo]) -> Result<Vec<Result<Made, Diagnostic>>, Diagnostic> {
        let threads = rayon::current_num_threads();
        let lanes = todo.len().min(threads).max(1);
        if lanes == 1 {
            let mut made = Vec::with_capacity(todo.len());
            for todo in todo {
                made.push(self.attempt(todo));
                if made.last().is_some_and(Result::is_err) {
                    break;
                }
            }
            return Ok(made);
        }
        let pool = || rayon::ThreadPoolBuilder::new().num_threads((threads / lanes).max(1)).build();
        let pools = (0..lanes).map(|_| pool()).collect::<Result<Vec<_>, _>>().map_err(|error| {
            Diagnostic::error(Class::Stage, format!("cannot start threads for trials side by side: {error}"))
        })?;
        let made: Vec<Mutex<Option<Result<Made, Diagnostic>>>> = todo.iter().map(|_| Mutex::new(None)).collect();
        let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
        std::thread::scope(|scope| {
            for pool in &pools {
                let (made, next, stop) = (&made, &next, &stop);
                scope.spawn(move || {
                    while !stop.load(Ordering::Relaxed) {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        let (Some(todo), Some(place)) = (todo.get(at), made.get(at)) else { return };
                        let result = pool.install(|| self.attempt(todo));
                        stop.fetch_or(result.is_err(), Ordering::Relaxed);
                        *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
                    }
                });
            }
        });
        let made = made.into_iter().map(|made| made.into_inner().unwrap_or_else(PoisonError::into_inner));
        // Those that were not begun stand behind the one that ended the search.
        Ok(made.map(|made| made.unwrap_or_else(|| Err(Diagnostic::error(Class::Interrupted, "interrupted")))).collect())
    }

    /// Keeps what the best trial made, and lets go of everything else: the best model need not be trained again.
    fn keep_if_best(&mut self, left: Vec<String>, attempt: &Attempt) {
        let is_better = |best: &Attempt| {
            attempt.rung > best.rung
                || (attempt.rung == best.rung
                    && attempt.loss.is_some_and(|loss| best.loss.is_none_or(|best| loss < best)))
        };
        let is_best = attempt.loss.is_some() && self.history.best().is_none_or(is_better);
        let gone = if is_best { std::mem::replace(&mut self.kept, left) } else { left };
        for fingerprint in gone.iter().filter(|fingerprint| !self.kept.contains(fingerprint)) {
            self.context.trials.forget(fingerprint);
        }
    }
}
