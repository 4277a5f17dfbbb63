//! Time and changed files into occurrences.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::admission::Active;
use super::turn::Loop;
use crate::schedule::catchup::{self, Due};
use crate::schedule::job::partitions::Meant;
use crate::schedule::job::{Definition, Partitions};
use crate::schedule::overlap::{Admission, Skipped};
use crate::schedule::service::Result;
use crate::schedule::store::{
    Decision, Job, JobState, NewNotification, NewRun, Origin, Outcome, Planned, Recorded, RunState,
};

/// So many occurrences are recorded in one transaction.
const AT_ONCE: usize = 5_000;

/// A job as the loop knows it.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) job: Job,
    pub(super) definition: Arc<Definition>,
    /// From `looked_at` until then nothing is due.
    next: Option<Timestamp>,
    looked_at: Option<Timestamp>,
}

impl Known {
    pub(super) fn new(job: Job, definition: Arc<Definition>, before: Option<&Self>) -> Self {
        let same = before.filter(|before| {
            before.job.definition == job.definition && before.job.looked_through == job.looked_through
        });
        let (next, looked_at) = same.map_or((None, None), |before| (before.next, before.looked_at));
        Self { job, definition, next, looked_at }
    }

    pub(super) fn paused(&self) -> Option<String> {
        match (self.job.paused, self.definition.paused) {
            (Some(since), _) => Some(format!("the job is paused since {}", since.strftime("%Y-%m-%dT%H:%M:%SZ"))),
            (None, true) => Some("the job's file pauses it".to_owned()),
            (None, false) => None,
        }
    }

    /// Whether nothing can be due. A clock that went back is looked at again.
    fn quiet(&self, now: Timestamp) -> bool {
        self.looked_at.is_some_and(|at| now >= at && self.next.is_none_or(|next| now < next))
    }
}

impl Loop {
    /// Records what is due by time, and puts its runs into the queue. Gives the next moment at which something is due.
    ///
    /// Errors: the database; what was recorded stays, the rest is found again.
    pub(super) fn tick(&mut self) -> Result<Option<Timestamp>> {
        let names: Vec<String> = self.jobs.keys().cloned().collect();
        for name in names {
            if self.jobs.get(&name).is_some_and(|known| known.job.state == JobState::Present && !known.quiet(self.now))
            {
                self.tick_job(&name)?;
            }
        }
        Ok(self.jobs.values().filter_map(|known| known.next).min())
    }

    fn tick_job(&mut self, name: &str) -> Result<()> {
        let Some(known) = self.jobs.get(name).cloned() else { return Ok(()) };
        let Some(trigger) = &known.definition.schedule else { return self.looked(name, None, None) };
        let Some(since) = known.job.looked_through else {
            // A job that is new counts from now on.
            self.service.store().record(name, &[], Some(self.now), self.now)?;
            return self.looked(name, Some(self.now), trigger.next_after(self.now));
        };
        let due = catchup::due(trigger, since, self.now, known.definition.catchup);
        if let Some(behind) = due.behind
            && known.looked_at.is_none_or(|at| self.now < at)
        {
            let by = behind.unsigned_abs().as_secs();
            self.log.warning(self.now, "clock_behind").with("job", name).count("seconds", by).write();
        }
        if due.fire.is_empty() && due.dropped.is_empty() {
            return self.looked(name, None, due.next);
        }
        let (planned, complete) = self.plan(&known, trigger, &due)?;
        let through = match complete {
            true => due.dealt_with(),
            false => planned.last().map(|last| last.scheduled),
        };
        let recorded = self.service.store().record(name, &planned, through, self.now)?;
        for (planned, recorded) in planned.iter().zip(&recorded) {
            self.after_record(name, planned.scheduled, recorded);
        }
        if complete {
            self.tell_missed(&known, &due)?;
        }
        // Where not all was recorded at once, the next turn goes on at once.
        self.looked(name, through, if complete { due.next } else { Some(self.now) })
    }

    fn looked(&mut self, name: &str, through: Option<Timestamp>, next: Option<Timestamp>) -> Result<()> {
        if let Some(known) = self.jobs.get_mut(name) {
            known.job.looked_through = known.job.looked_through.max(through);
            known.looked_at = Some(self.now);
            known.next = next;
        }
        Ok(())
    }

    /// Decides what is due, the oldest first, and says whether that is all of it.
    fn plan(&mut self, known: &Known, trigger: &crate::schedule::Trigger, due: &Due) -> Result<(Vec<Planned>, bool)> {
        let name = &known.definition.name;
        let dropped = due.dropped.iter().flat_map(|span| {
            let reason = span.reason.to_string();
            span.each(trigger).map(move |scheduled| Planned { scheduled, decision: Decision::Drop(reason.clone()) })
        });
        let mut planned: Vec<Planned> = dropped.take(AT_ONCE + 1).collect();
        if planned.len() > AT_ONCE {
            planned.truncate(AT_ONCE);
            return Ok((planned, false));
        }
        let origin = match known.definition.schedule_as_written.as_ref().and_then(|written| written.every) {
            Some(_) => Origin::Interval,
            None => Origin::Schedule,
        };
        let mut active = Active::of(self.service.store(), name)?;
        for scheduled in &due.fire {
            let decision = self.decide(known, *scheduled, origin, &mut active, None)?;
            planned.push(Planned { scheduled: *scheduled, decision });
        }
        planned.sort_by_key(|planned| planned.scheduled);
        Ok((planned, true))
    }

    /// Decides one occurrence. `files` are those that have changed, for a job that watches some.
    pub(super) fn decide(
        &mut self,
        known: &Known,
        scheduled: Timestamp,
        origin: Origin,
        active: &mut Active,
        files: Option<&[String]>,
    ) -> Result<Decision> {
        let definition = &known.definition;
        if let Some(paused) = known.paused() {
            return Ok(Decision::Skip(paused));
        }
        if let Some(lack) = self.options.limits.lacking(definition.needs()) {
            return Ok(Decision::Skip(format!("it could never start under the limits of the server: {lack}")));
        }
        let new = NewRun {
            priority: definition.priority,
            ..NewRun::of(&definition.name, origin, if files.is_some() { "files" } else { "schedule" })
        };
        let runs = match self.meant(known, &new, scheduled, files)? {
            Ok(runs) => runs,
            Err(reason) => return Ok(Decision::Skip(reason)),
        };
        match active.admit(definition.overlap) {
            Admission::Enter | Admission::EnterAlone => {}
            Admission::Replace { cancel } => self.replace(&cancel)?,
            Admission::Skip(skipped @ (Skipped::EarlierRun { .. } | Skipped::QueueFull)) => {
                return Ok(Decision::Skip(skipped.to_string()));
            }
        }
        Ok(match <[NewRun; 1]>::try_from(runs) {
            Ok([run]) => Decision::Start(run),
            Err(runs) => Decision::StartEach(runs),
        })
    }

    /// The runs of an occurrence: one, or one for each partition that it is meant for. Or why there are none.
    fn meant(
        &self,
        known: &Known,
        new: &NewRun,
        scheduled: Timestamp,
        files: Option<&[String]>,
    ) -> Result<std::result::Result<Vec<NewRun>, String>> {
        let of = |key: String| NewRun { partition: Some(key), ..new.clone() };
        let Some(partitions) = &known.definition.partitions else { return Ok(Ok(vec![new.clone()])) };
        if let (Some(files), Partitions::Files(_)) = (files, partitions) {
            // A file that changed is run again, whether or not it has ended well before.
            let base = self.service.base();
            let own = files.iter().filter(|file| partitions.one(file, self.now, base).is_ok());
            let runs: Vec<NewRun> = own.map(|file| of(file.clone())).collect();
            return Ok(if runs.is_empty() { Err("no file that changed is a partition".to_owned()) } else { Ok(runs) });
        }
        Ok(match partitions.meant(scheduled, self.service.base()) {
            Err(error) => Err(error.to_string()),
            Ok(Meant::One(partition)) => Ok(vec![of(partition.key)]),
            Ok(Meant::Nothing) => Err("no partition has ended by then that this would be for".to_owned()),
            Ok(Meant::EachMissing(each)) => {
                let keys: Vec<String> = each.into_iter().map(|partition| partition.key).collect();
                let missing = self.service.store().missing(&known.definition.name, &keys)?;
                match missing.is_empty() {
                    true => Err("all its files have been run".to_owned()),
                    false => Ok(missing.into_iter().map(of).collect()),
                }
            }
        })
    }

    fn after_record(&mut self, job: &str, scheduled: Timestamp, recorded: &Recorded) {
        match recorded {
            Recorded::New(Outcome::Started, Some(run)) => {
                self.tells(run, job, RunState::Queued);
                self.log.info(self.now, "run_queued").with("run", run).with("job", job).with("due", scheduled).write();
            }
            Recorded::New(outcome, _) => {
                let entry = self.log.info(self.now, "occurrence").with("job", job).with("due", scheduled);
                entry.with("outcome", outcome).write();
            }
            Recorded::Before(_) => {}
        }
    }

    /// Tells the job's channels of occurrences that were dropped.
    fn tell_missed(&mut self, known: &Known, due: &Due) -> Result<()> {
        let Some(last) = due.dropped.iter().map(|span| span.last).max() else { return Ok(()) };
        for new in super::messages::missed(known, due, self.options.url.as_deref()) {
            let new: NewNotification = new;
            self.service.store().notify(&known.definition.name, &format!("missed/{last}"), &new, self.now)?;
        }
        Ok(())
    }

    /// Queues what backfills have next.
    ///
    /// Errors: the database.
    pub(super) fn advance_backfills(&mut self) -> Result<()> {
        for run in self.service.store().advance_backfills(self.now)? {
            let job = self.service.store().run(&run)?.job;
            self.tells(&run, &job, RunState::Queued);
        }
        Ok(())
    }
}

/// The jobs that may run, by name, from what the database says; those whose definition cannot be read are left out.
pub(super) type Jobs = BTreeMap<String, Known>;
