//! Runs at work: claimed, launched, listened to, made to end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::admission::wish;
use super::exit::Exit;
use super::judge::Opinion;
use super::launcher::Hand;
use super::turn::Loop;
use crate::run::manifest::RunRecord;
use crate::schedule::ending::Ending;
use crate::schedule::job::Definition;
use crate::schedule::service::{RUNS, Result, ServiceError};
use crate::schedule::store::{
    Begun, Claim, Claimed, NewPromotion, Origin, Run, RunId, RunState, StopReason, Stopped, StoreError, Worker,
};
use crate::schedule::termination::Cause;
use crate::schedule::worker::{self, Ended, Overdue};

/// A worker that says nothing for so long is dead.
const SILENT: Duration = Duration::from_secs(30);

/// A run at work.
pub(super) struct Work {
    pub(super) claim: Claim,
    pub(super) run: Run,
    pub(super) definition: Option<Arc<Definition>>,
    hand: Option<Box<dyn Hand>>,
    pub(super) sign: Arc<Sign>,
    /// Whether the database knows that the worker has begun.
    begun: bool,
    /// Why it is made to end, the first reason.
    pub(super) cause: Option<Cause>,
    /// When it was asked to end, by the clock that does not step.
    asked: Option<Duration>,
    /// The last sign that is written down.
    beaten: u64,
    pub(super) phase: Phase,
}

/// How far a run at work is.
pub(super) enum Phase {
    /// Its worker works.
    Works,
    /// Its worker has ended; gates have to judge it.
    Ended(Exit, Option<Box<RunRecord>>),
    /// Gates judge it.
    Judging(Exit),
    /// Its end is to be written down.
    Ends(Exit, Vec<NewPromotion>),
}

/// When a worker last gave a sign of life: milliseconds that have passed, by the clock that does not step.
#[derive(Debug, Default)]
pub(super) struct Sign(AtomicU64);

impl Sign {
    pub(super) fn give(&self, passed: Duration) {
        self.0.fetch_max(millis(passed), Ordering::Relaxed);
    }

    fn last(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

fn millis(passed: Duration) -> u64 {
    u64::try_from(passed.as_millis()).unwrap_or(u64::MAX)
}

impl Loop {
    /// Starts what may start.
    ///
    /// Errors: the database.
    pub(super) fn start_works(&mut self) -> Result<()> {
        loop {
            let jobs = &self.jobs;
            let mut round = self.permits.round();
            let claimed = self.service.store().claim_next(self.now, |candidate| {
                let known = jobs.get(&candidate.job);
                // What a job's file pauses starts nothing by itself.
                let asked_for = matches!(candidate.origin, Origin::Manual | Origin::Api);
                let held = known.is_some_and(|known| known.definition.paused) && !asked_for;
                !held && round.permit(&wish(candidate, known.map(|known| &*known.definition)))
            });
            drop(round);
            match claimed? {
                Some(claimed) => self.start_work(claimed),
                None => return Ok(()),
            }
        }
    }

    fn start_work(&mut self, claimed: Claimed) {
        let Claimed { claim, run, definition } = claimed;
        let definition = self.service.definition_of(&run.job, &run.definition, &definition);
        let needs = definition.as_ref().map(|definition| definition.needs()).unwrap_or_default();
        self.permits.works(run.id.as_str(), &run.job, needs, run.origin != Origin::Backfill);
        self.tells(&run.id, &run.job, RunState::Starting);
        let sign = Arc::new(Sign::default());
        sign.give(self.passed);
        let mut work = Work {
            claim,
            definition,
            hand: None,
            sign,
            begun: false,
            cause: None,
            asked: None,
            beaten: millis(self.passed),
            phase: Phase::Works,
            run,
        };
        match self.launch(&work) {
            Ok(hand) => {
                let pid = u64::from(hand.identity().pid);
                let entry = self.log.info(self.now, "run_started").with("run", &work.run.id).with("job", &work.run.job);
                entry.count("pid", pid).count("attempt", u64::from(work.run.attempt)).write();
                work.hand = Some(hand);
                self.service.board().begins(&work.run.id, &work.run.job, self.now);
            }
            Err(finding) => {
                let folder = self.service.folder(&work.run.id);
                // The log is for people; that the run could not start is in the database too.
                let _ = worker::log::append(&folder, &finding.to_string());
                work.phase = Phase::Ends(Exit::never_started(&finding), Vec::new());
            }
        }
        let id = work.run.id.clone();
        self.works.insert(id.clone(), work);
        if let Err(error) = self.begin(&id) {
            // It is tried again with the next beat.
            self.log.warning(self.now, "begin_failed").with("run", &id).with("why", error).write();
        }
        // What could not start ends at once.
        self.told_ring();
    }

    fn told_ring(&self) {
        self.service.bell().ring();
    }

    /// Lets the database know that a worker has begun.
    fn begin(&mut self, id: &RunId) -> Result<()> {
        let Some(work) = self.works.get_mut(id) else { return Ok(()) };
        let Some(hand) = work.hand.as_ref().filter(|_| !work.begun) else { return Ok(()) };
        let identity = hand.identity();
        let worker = Worker { pid: identity.pid, started: identity.started };
        let folder = format!("{RUNS}/{id}");
        match self.service.store().begin(&work.claim, worker, &folder, self.now)? {
            Begun::Go => {
                work.begun = true;
                work.run.started.get_or_insert(self.now);
                let job = work.run.job.clone();
                self.tells(id, &job, RunState::Running);
            }
            Begun::Stop(reason) => self.make_end(id, cause_of(reason)),
        }
        Ok(())
    }

    /// What others have asked to end, by the database: another process may have asked.
    ///
    /// Errors: the database.
    pub(super) fn stop_asked(&mut self) -> Result<()> {
        if self.works.is_empty() {
            return Ok(());
        }
        for run in self.service.store().at_work()? {
            if let Some(reason) = run.stop {
                self.make_end(&run.id, cause_of(reason));
            }
        }
        Ok(())
    }

    /// Follows a stop that this loop asked the database for.
    ///
    /// Errors: the database.
    pub(super) fn after_stop(&mut self, run: &RunId, stopped: Stopped) -> Result<()> {
        match stopped {
            Stopped::Ended => {
                let found = self.service.store().run(run)?;
                self.tells(run, &found.job, found.state);
                self.log.info(self.now, "run_ended").with("run", run).with("state", found.state).write();
            }
            Stopped::Asked => self.make_end(run, Cause::Replaced),
            Stopped::AskedBefore(reason) => self.make_end(run, cause_of(reason)),
            Stopped::EndedBefore(_) => {}
        }
        Ok(())
    }

    /// Makes a worker end. To ask twice is to ask once.
    pub(super) fn make_end(&mut self, id: &RunId, cause: Cause) {
        let Some(work) = self.works.get_mut(id) else { return };
        if work.cause.is_some() || !matches!(work.phase, Phase::Works) {
            return;
        }
        work.cause = Some(cause);
        work.asked = Some(self.passed);
        if let Some(hand) = &work.hand {
            hand.stop();
        }
        self.log.info(self.now, "run_stopping").with("run", id).with("why", word(cause)).write();
    }

    /// Asks all workers to end because the server stops.
    pub(super) fn stop_all(&mut self) {
        for id in self.works.keys().cloned().collect::<Vec<_>>() {
            self.make_end(&id, Cause::ServerStops);
        }
    }

    /// Kills what has not ended.
    pub(super) fn kill_all(&self) {
        for work in self.works.values().filter(|work| matches!(work.phase, Phase::Works)) {
            if let Some(hand) = &work.hand {
                hand.kill();
            }
        }
    }

    pub(super) fn overdue(&mut self, id: &RunId, claim: i64, what: &Overdue) {
        let Some(work) = self.works.get_mut(id).filter(|work| work.claim.number == claim) else { return };
        if work.cause.is_none() {
            work.cause = Some(Cause::TimedOut);
            work.asked = Some(self.passed);
        }
        self.log.info(self.now, "run_overdue").with("run", id).with("why", what).write();
    }

    pub(super) fn ended(&mut self, id: &RunId, claim: i64, ended: Ended, record: Option<RunRecord>) {
        let Some(work) = self.works.get_mut(id).filter(|work| work.claim.number == claim) else { return };
        if !matches!(work.phase, Phase::Works) {
            return;
        }
        work.hand = None;
        if ended.overdue.is_some() {
            work.cause.get_or_insert(Cause::TimedOut);
        }
        let exit = Exit::of(&ended, work.cause, record.as_ref());
        let judged = exit.ending == Ending::Succeeded
            && work.definition.as_ref().is_some_and(|definition| super::judge::has_gates(definition));
        work.phase = match judged {
            true => Phase::Ended(exit, record.map(Box::new)),
            false => Phase::Ends(exit, Vec::new()),
        };
    }

    pub(super) fn judged(&mut self, id: &RunId, claim: i64, opinion: Opinion) {
        let Some(work) = self.works.get_mut(id).filter(|work| work.claim.number == claim) else { return };
        work.phase = match std::mem::replace(&mut work.phase, Phase::Works) {
            Phase::Judging(exit) => {
                let Opinion { promotions, conditions, refused } = opinion;
                Phase::Ends(Exit { conditions, refused, ..exit }, promotions)
            }
            other => other,
        };
    }

    /// Moves runs whose workers have ended on to their end.
    ///
    /// Errors: the database; then it is tried again.
    pub(super) fn end_works(&mut self) -> Result<()> {
        for id in self.works.keys().cloned().collect::<Vec<_>>() {
            if self.judging.is_none() && self.works.get(&id).is_some_and(|work| matches!(work.phase, Phase::Ended(..)))
            {
                self.judge(&id);
            }
            if self.works.get(&id).is_some_and(|work| matches!(work.phase, Phase::Ends(..))) {
                self.finish(&id)?;
            }
        }
        Ok(())
    }

    /// Writes down signs of life, and ends workers that gave none for 30 s.
    ///
    /// Errors: the database.
    pub(super) fn beat(&mut self) -> Result<()> {
        for id in self.works.keys().cloned().collect::<Vec<_>>() {
            match self.begin(&id) {
                // Another claim is in force, or the run has ended: this worker works for nobody.
                Err(ServiceError::Conflict { .. } | ServiceError::Store(StoreError::Stale { .. })) => {
                    self.make_end(&id, Cause::Cancelled);
                }
                answer => answer?,
            }
        }
        let alive: Vec<(RunId, Claim, u64)> = self
            .works
            .iter()
            .filter_map(|(id, work)| {
                // After its worker has ended, a run lives as long as this server works at its end.
                let last = match work.phase {
                    Phase::Works => work.sign.last(),
                    _ => millis(self.passed),
                };
                (last > work.beaten).then(|| (id.clone(), work.claim.clone(), last))
            })
            .collect();
        let claims: Vec<Claim> = alive.iter().map(|(_, claim, _)| claim.clone()).collect();
        if !claims.is_empty() {
            for (id, answer) in self.service.store().beat_all(&claims, self.now)? {
                match answer {
                    Ok(None) => {}
                    Ok(Some(reason)) => self.make_end(&id, cause_of(reason)),
                    Err(_) => self.make_end(&id, Cause::Cancelled),
                }
            }
            for (id, _, last) in alive {
                if let Some(work) = self.works.get_mut(&id) {
                    work.beaten = last;
                }
            }
        }
        self.kill_silent();
        Ok(())
    }

    fn kill_silent(&mut self) {
        let silent = millis(SILENT);
        for (id, work) in &mut self.works {
            let still = millis(self.passed).saturating_sub(work.sign.last());
            if !matches!(work.phase, Phase::Works) || still < silent {
                continue;
            }
            self.log.warning(self.now, "worker_silent").with("run", id).count("seconds", still / 1000).write();
            if let Some(hand) = &work.hand {
                hand.kill();
            }
            // Nobody may hear of its end any more; a worker that still ends is heard no longer.
            if still >= 2 * silent || work.hand.is_none() {
                work.phase = Phase::Ends(Exit::silent(), Vec::new());
            }
        }
    }
}

pub(super) fn cause_of(reason: StopReason) -> Cause {
    match reason {
        StopReason::Cancel => Cause::Cancelled,
        StopReason::Replaced => Cause::Replaced,
        StopReason::Timeout => Cause::TimedOut,
    }
}

fn word(cause: Cause) -> &'static str {
    match cause {
        Cause::Cancelled => "cancelled",
        Cause::Replaced => "replaced by a later run",
        Cause::TimedOut => "out of time",
        Cause::ServerStops => "the server stops",
    }
}
