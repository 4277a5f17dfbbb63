//! The end of a run, and what follows from it.

use std::sync::Arc;

use jiff::Timestamp;

use super::admission::Active;
use super::exit::Exit;
use super::messages;
use super::turn::Loop;
use super::work::Phase;
use crate::schedule::ending::Ending;
use crate::schedule::job::partitions::Meant;
use crate::schedule::job::{AfterCrash, Definition};
use crate::schedule::overlap::Admission;
use crate::schedule::retry::{self, Next, Retries, Try};
use crate::schedule::service::{Result, ServiceError};
use crate::schedule::store::{
    Consequences, CutOff, Finished, JobState, NewPromotion, NewRun, Origin, Retry, Run, RunId, RunState, StopReason,
    StoreError,
};
use crate::schedule::termination::{self, Cause};

/// So often in a row a run is taken up again whose worker died; deaths of the server do not count.
const DEATHS: usize = 3;
/// No run has more attempts, whatever they end of.
const ATTEMPTS: u32 = 1000;

/// All that is needed to say what follows from an end, found out before the transaction that ends the run.
pub(super) struct Follow {
    now: Timestamp,
    exit: Exit,
    promotions: Vec<NewPromotion>,
    definition: Option<Arc<Definition>>,
    url: Option<String>,
    runs: Vec<NewRun>,
    /// How many attempts there were whose end was their own.
    tries: u32,
    /// How many in a row, with this one, whose worker died.
    deaths: usize,
    first_start: Option<Timestamp>,
}

impl Follow {
    /// What follows, given how the run really ended.
    pub(super) fn consequences(&self, finished: &Finished) -> Consequences {
        let run = &finished.run;
        let succeeded = run.state == RunState::Succeeded;
        let retry = match run.state {
            RunState::Failed | RunState::Lost => self.retry(run),
            _ => None,
        };
        let notifications = self.definition.as_ref().map(|definition| {
            let retry = retry.map(|retry| retry.not_before);
            let conditions = if succeeded { self.exit.conditions.as_slice() } else { &[] };
            messages::of_end(finished, retry, conditions, definition, self.url.as_deref())
        });
        Consequences {
            retry,
            promotions: if succeeded { self.promotions.clone() } else { Vec::new() },
            notifications: notifications.unwrap_or_default(),
            runs: if succeeded && self.exit.refused.is_none() { self.runs.clone() } else { Vec::new() },
        }
    }

    fn retry(&self, run: &Run) -> Option<Retry> {
        let definition = self.definition.as_ref()?;
        if run.attempt >= ATTEMPTS {
            return None;
        }
        let from_start = definition.after_crash == AfterCrash::Again;
        if self.exit.ending == Ending::ServerStopped {
            // A server that was told to stop goes on later; one that died does what the job says.
            let again = run.cut_off == Some(CutOff::ServerStopped) || definition.after_crash != AfterCrash::Leave;
            return again.then_some(Retry { not_before: self.now, resumes: !from_start });
        }
        let deadline = self.first_start.and_then(|first| termination::deadline(first, definition.timeout));
        let next = |retries, number| {
            let ended = Try { run: run.root.as_str(), number, ending: self.exit.ending, ended: self.now, deadline };
            match retry::next(retries, 0, &ended) {
                Next::Retry { at } => Some(at),
                Next::End(_) => None,
            }
        };
        if let Some(not_before) = next(definition.retries, self.tries) {
            return Some(Retry { not_before, resumes: true });
        }
        let died = run.state == RunState::Lost && definition.after_crash != AfterCrash::Leave && self.deaths <= DEATHS;
        let deaths = u32::try_from(self.deaths).unwrap_or(u32::MAX);
        let most = Retries::new(retry::MOST).unwrap_or_default();
        let not_before = next(most, deaths).filter(|_| died)?;
        Some(Retry { not_before, resumes: !from_start })
    }
}

/// Whether the server, rather than the worker, is why an attempt was lost.
fn by_server(run: &Run) -> bool {
    run.cut_off.is_some()
}

impl Loop {
    /// When the first of a run's attempts began that no dead server cut off; none where none has begun.
    pub(super) fn first_start(&self, run: &Run) -> Option<Timestamp> {
        let attempts = self.service.store().attempts(&run.id).ok()?;
        first_start(&attempts)
    }

    /// Finds out what is needed to say what follows from an end.
    ///
    /// Errors: the database.
    pub(super) fn prepare(
        &mut self,
        run: &Run,
        exit: Exit,
        promotions: Vec<NewPromotion>,
        own: Option<Arc<Definition>>,
    ) -> Result<Follow> {
        let attempts = self.service.store().attempts(&run.id)?;
        let before = attempts.iter().filter(|other| other.number < run.number);
        let tries = 1 + before.clone().filter(|other| !by_server(other)).count();
        let deaths = 1 + before.rev().take_while(|other| other.state == RunState::Lost && !by_server(other)).count();
        let first_start = first_start(&attempts);
        // A corrected file counts: what follows is what the job says now.
        let definition = self.jobs.get(&run.job).map(|known| Arc::clone(&known.definition)).or(own);
        let runs = match exit.ending == Ending::Succeeded && exit.refused.is_none() && run.stop.is_none() {
            true => self.runs_after(run)?,
            false => Vec::new(),
        };
        let tries = u32::try_from(tries).unwrap_or(u32::MAX);
        let url = self.options.url.clone();
        Ok(Follow { now: self.now, exit, promotions, definition, url, runs, tries, deaths, first_start })
    }

    /// The runs of jobs that run after the success of this one.
    fn runs_after(&mut self, run: &Run) -> Result<Vec<NewRun>> {
        let waiting: Vec<_> = self
            .jobs
            .values()
            .filter(|known| known.job.state == JobState::Present)
            .filter(|known| known.definition.after.iter().any(|after| after.value == run.job))
            .cloned()
            .collect();
        let mut runs = Vec::new();
        for known in waiting {
            let name = known.definition.name.clone();
            let skipped = match known.paused() {
                Some(paused) => Some(paused),
                None => match Active::of(self.service.store(), &name)?.admit(known.definition.overlap) {
                    Admission::Enter | Admission::EnterAlone => None,
                    Admission::Replace { cancel } => {
                        self.replace(&cancel)?;
                        None
                    }
                    Admission::Skip(skipped) => Some(skipped.to_string()),
                },
            };
            if let Some(why) = skipped {
                let entry = self.log.info(self.now, "after_skipped").with("job", &name).with("after", &run.id);
                entry.with("why", why).write();
                continue;
            }
            let new = NewRun {
                priority: known.definition.priority,
                cause: Some(run.id.clone()),
                ..NewRun::of(&name, Origin::Job, &run.job)
            };
            let keys = match &known.definition.partitions {
                None => vec![None],
                Some(partitions) => {
                    let base = self.service.base();
                    // The same day, month or file, where both jobs have it.
                    let same = run.partition.as_ref().filter(|key| partitions.one(key, self.now, base).is_ok());
                    match same {
                        Some(key) => vec![Some(key.clone())],
                        None => match partitions.meant(run.scheduled.unwrap_or(self.now), base) {
                            Ok(Meant::One(partition)) => vec![Some(partition.key)],
                            Ok(Meant::EachMissing(each)) => {
                                let keys: Vec<String> = each.into_iter().map(|partition| partition.key).collect();
                                self.service.store().missing(&name, &keys)?.into_iter().map(Some).collect()
                            }
                            Ok(Meant::Nothing) | Err(_) => Vec::new(),
                        },
                    }
                }
            };
            runs.extend(keys.into_iter().map(|partition| NewRun { partition, ..new.clone() }));
        }
        Ok(runs)
    }

    /// Ends a run whose worker has ended.
    ///
    /// Errors: the database; then it is tried again.
    pub(super) fn finish(&mut self, id: &RunId) -> Result<()> {
        let Some(work) = self.works.get(id) else { return Ok(()) };
        let Phase::Ends(exit, promotions) = &work.phase else { return Ok(()) };
        let (exit, promotions, claim) = (exit.clone(), promotions.clone(), work.claim.clone());
        let (cause, definition) = (work.cause, work.definition.clone());
        if cause == Some(Cause::TimedOut) {
            self.service.store().stop(id, StopReason::Timeout, "timeout", self.now)?;
        }
        let run = self.service.store().run(id)?;
        let follow = self.prepare(&run, exit.clone(), promotions, definition)?;
        let ending = exit.recorded();
        let service = Arc::clone(&self.service);
        let mut finished = service.store().finish(&claim, &ending, self.now, |finished| follow.consequences(finished));
        if let Err(StoreError::Conflict { reason } | StoreError::Missing { name: reason, .. }) = &finished {
            // A run has to end, even when something that should follow from it cannot.
            self.log.error(self.now, "consequence_refused").with("run", id).with("why", reason).write();
            finished = service.store().finish(&claim, &ending, self.now, |_| Consequences::default());
        }
        match finished {
            Ok(finished) => {
                self.after_finish(&finished, exit.refused.as_deref());
                if matches!(exit.ending, Ending::WorkerDied) {
                    self.sweep_left_behind(id);
                }
            }
            Err(StoreError::Stale { .. } | StoreError::Conflict { .. } | StoreError::Missing { .. }) => {
                self.log.warning(self.now, "run_taken_away").with("run", id).write();
                self.forget(id);
            }
            Err(error) => return Err(ServiceError::from(error)),
        }
        Ok(())
    }

    /// A run has ended in the database.
    pub(super) fn after_finish(&mut self, finished: &Finished, refused: Option<&str>) {
        let run = &finished.run;
        self.forget(&run.id);
        self.tells(&run.id, &run.job, run.state);
        let mut entry = match run.state {
            RunState::Succeeded | RunState::Cancelled => self.log.info(self.now, "run_ended"),
            _ => self.log.warning(self.now, "run_ended"),
        };
        entry = entry.with("run", &run.id).with("job", &run.job).with("state", run.state);
        if let Some(code) = run.exit_code {
            entry = entry.with("exit_code", code);
        }
        if refused.is_some() {
            entry = entry.with("gate", "refused");
        }
        if let Some(retry) = &finished.retry {
            entry = entry.with("retry", retry);
        }
        entry.write();
        if let Some(retry) = &finished.retry {
            self.tells(retry, &run.job, RunState::Queued);
        }
        for started in &finished.started {
            if let Ok(found) = self.service.store().run(started) {
                self.tells(started, &found.job, RunState::Queued);
                self.log
                    .info(self.now, "run_queued")
                    .with("run", started)
                    .with("job", &found.job)
                    .with("after", &run.id)
                    .write();
            }
        }
        self.moved = true;
        self.service.bell().ring();
    }

    /// A run is at work no more.
    pub(super) fn forget(&mut self, id: &RunId) {
        self.permits.ends(id.as_str());
        self.works.remove(id);
        self.service.board().ends(id);
        if self.judging.as_ref() == Some(id) {
            self.judging = None;
        }
    }
}

fn first_start(attempts: &[Run]) -> Option<Timestamp> {
    let cut = attempts.iter().rposition(by_server).map_or(0, |last| last + 1);
    attempts.iter().skip(cut).find_map(|attempt| attempt.started)
}
