//! Changing: runs that are asked for and cancelled, pauses, backfills.

use super::error::{Result, ServiceError};
use super::news::News;
use super::views::{BackfillRequest, RunRequest};
use super::{Service, Who};
use crate::schedule::job::{Definition, Partition, parameters};
use crate::schedule::store::{
    Backfill, JobState, NewBackfill, NewRun, Origin, RunId, RunState, StopReason, Stopped, Submission, Submitted,
};

impl Service {
    /// Puts a run into the queue. When this returns it is on disk, and survives everything but the loss of the disk.
    ///
    /// A run that a person or a program asks for runs although the job is paused. Errors: no such job; its file is gone or never was
    /// good; a partition or parameter that it has not; it may not be started by HTTP; it could never start under the limits; the
    /// partition is being run; the key was used for another request.
    pub fn run(&self, request: RunRequest, who: &Who) -> Result<Submitted> {
        who.may("to start a run")?;
        let definition = self.usable(&request.job)?;
        if request.origin == Origin::Api && !definition.http {
            let reason = format!("job `{}` may not be started by HTTP: its file says `http: false`", request.job);
            return Err(ServiceError::Refused { reason });
        }
        let given = &request.parameters;
        parameters::check(given, definition.partitions.as_ref()).map_err(ServiceError::refused)?;
        self.partition(&definition, request.partition.as_deref())?;
        self.fits(&definition)?;
        let now = self.now();
        let key = request.key.unwrap_or_else(|| format!("{}/{}", now, random()));
        let run = NewRun {
            job: request.job,
            origin: request.origin,
            partition: request.partition,
            cause: None,
            priority: definition.priority,
            parameters: request.parameters,
            requested_by: who.name.clone(),
        };
        let job = run.job.clone();
        let submitted = self.store.submit(&Submission { key, run }, now)?;
        if submitted.fresh {
            self.tells(&submitted.run, &job, RunState::Queued);
        }
        Ok(submitted)
    }

    /// Asks a run to end. One that waits ends at once; a worker is asked to, and killed after 10 s. May be asked any number of
    /// times.
    ///
    /// Errors: no such run.
    pub fn cancel(&self, run: &RunId, who: &Who) -> Result<Stopped> {
        who.may("to cancel a run")?;
        let answer = self.store.stop(run, StopReason::Cancel, &who.name, self.now())?;
        if answer == Stopped::Ended {
            let job = self.store.run(run)?.job;
            self.tells(run, &job, RunState::Cancelled);
        }
        self.bell.ring();
        Ok(answer)
    }

    /// Pauses a job: its schedule and its other triggers start nothing until it is resumed. Runs at work go on. Whether it was not
    /// paused before.
    ///
    /// Errors: no such job.
    pub fn pause(&self, job: &str, who: &Who) -> Result<bool> {
        who.may("to pause a job")?;
        let changed = self.known(job, |service| service.store.pause(job, &who.name, service.now()))?;
        self.changed(job);
        Ok(changed)
    }

    /// Ends the pause of a job. What was due meanwhile does not run. Whether there was a pause.
    ///
    /// Errors: no such job.
    pub fn resume(&self, job: &str, who: &Who) -> Result<bool> {
        who.may("to resume a job")?;
        let changed = self.known(job, |service| service.store.resume(job, &who.name, service.now()))?;
        self.changed(job);
        Ok(changed)
    }

    /// Runs the partitions of a range, those that have not ended well or all of them.
    ///
    /// Errors: no such job, or one without partitions; keys that are none; a parallelism of 0; the key was used for another one.
    pub fn backfill(&self, request: BackfillRequest, who: &Who) -> Result<Backfill> {
        who.may("to start a backfill")?;
        let definition = self.usable(&request.job)?;
        let Some(partitions) = &definition.partitions else {
            let reason = format!(
                "job `{}` has no partitions, so there is nothing to fill; say in its file which days, months or files it is for",
                request.job
            );
            return Err(ServiceError::Refused { reason });
        };
        parameters::check(&request.parameters, Some(partitions)).map_err(ServiceError::refused)?;
        self.fits(&definition)?;
        let now = self.now();
        let refused =
            |error: crate::schedule::job::partitions::PartitionError| ServiceError::refused(error.to_string());
        let all = match (&request.from, &request.to) {
            (Some(from), Some(to)) => partitions.range(from, to, now, &self.base).map_err(refused)?,
            (from, to) => {
                let all = partitions.all(now, &self.base).map_err(refused)?;
                let ends = (all.first().map(|one| one.key.clone()), all.last().map(|one| one.key.clone()));
                let (Some(first), Some(last)) = ends else {
                    return Err(ServiceError::refused(format!("job `{}` has no partition yet", request.job)));
                };
                let (from, to) = (from.as_ref().unwrap_or(&first), to.as_ref().unwrap_or(&last));
                partitions.range(from, to, now, &self.base).map_err(refused)?
            }
        };
        let keys: Vec<String> = all.into_iter().map(|one| one.key).collect();
        let (Some(first), Some(last)) = (keys.first().cloned(), keys.last().cloned()) else {
            return Err(ServiceError::refused("there is no partition between these two"));
        };
        let new = NewBackfill {
            key: request.key.unwrap_or_else(|| format!("{}/{}", now, random())),
            job: request.job,
            first,
            last,
            partitions: keys,
            parallelism: request.parallelism,
            again: request.again,
            priority: definition.priority,
            parameters: request.parameters,
            requested_by: who.name.clone(),
        };
        let backfill = self.store.backfill(&new, now)?;
        self.advance_backfills()?;
        Ok(self.store.the_backfill(backfill.number)?)
    }

    /// Stops a backfill: nothing more of it starts, what is at work goes on. Whether it was running.
    ///
    /// Errors: no such backfill.
    pub fn stop_backfill(&self, number: i64, who: &Who) -> Result<bool> {
        who.may("to stop a backfill")?;
        let changed = self.store.stop_backfill(number, &who.name, self.now())?;
        self.changed(&self.store.the_backfill(number)?.job);
        Ok(changed)
    }

    /// Goes on with a backfill that was stopped or failed: what has not ended well is run again. Whether it was not running.
    ///
    /// Errors: no such backfill; it has succeeded.
    pub fn resume_backfill(&self, number: i64, who: &Who) -> Result<bool> {
        who.may("to resume a backfill")?;
        let changed = self.store.resume_backfill(number, &who.name, self.now())?;
        self.advance_backfills()?;
        self.changed(&self.store.the_backfill(number)?.job);
        Ok(changed)
    }

    /// The definition of a job that may run.
    fn usable(&self, name: &str) -> Result<std::sync::Arc<Definition>> {
        let view = self.job(name)?;
        if view.overview.job.state == JobState::Gone {
            let reason = format!("the file of job `{name}` is gone; put it back to run the job");
            return Err(ServiceError::Conflict { reason });
        }
        view.definition.ok_or_else(|| {
            let problem = view.overview.job.problem.unwrap_or_default();
            ServiceError::Conflict {
                reason: format!("the file of job `{name}` has never been without an error: {problem}"),
            }
        })
    }

    /// The partition that is asked for, if the job has it.
    fn partition(&self, definition: &Definition, key: Option<&str>) -> Result<Option<Partition>> {
        match (&definition.partitions, key) {
            (None, None) => Ok(None),
            (None, Some(key)) => {
                Err(ServiceError::refused(format!("job `{}` has no partitions, and none `{key}`", definition.name)))
            }
            (Some(_), None) => Err(ServiceError::refused(format!(
                "job `{}` is run for one of its partitions: say which, or run all that are missing with a backfill",
                definition.name
            ))),
            (Some(partitions), Some(key)) => {
                let found = partitions.one(key, self.now(), &self.base);
                found.map(Some).map_err(|error| ServiceError::refused(error.to_string()))
            }
        }
    }

    /// Refuses what could never start.
    fn fits(&self, definition: &Definition) -> Result<()> {
        let lack = [("the server", self.limits()), ("the job", definition.limits())]
            .into_iter()
            .find_map(|(whose, limits)| Some((whose, limits.lacking(definition.needs())?)));
        match lack {
            None => Ok(()),
            Some((whose, lack)) => Err(ServiceError::refused(format!(
                "a run of job `{}` could never start under the limits of {whose}: {lack}; lower what the job asks for, or raise the \
                 limit",
                definition.name
            ))),
        }
    }

    fn known<T>(&self, job: &str, work: impl FnOnce(&Self) -> crate::schedule::store::Result<T>) -> Result<T> {
        work(self).map_err(|error| match error {
            crate::schedule::store::StoreError::Missing { what: "job", .. } => self.no_job(job),
            error => error.into(),
        })
    }

    fn advance_backfills(&self) -> Result<()> {
        for run in self.store.advance_backfills(self.now())? {
            let job = self.store.run(&run)?.job;
            self.tells(&run, &job, RunState::Queued);
        }
        Ok(())
    }

    pub(super) fn changed(&self, job: &str) {
        self.board.tell(News::Job { name: job.to_owned() });
        self.bell.ring();
    }

    fn tells(&self, run: &RunId, job: &str, state: RunState) {
        self.board.tell(News::Run { run: run.clone(), job: job.to_owned(), state });
        self.bell.ring();
    }
}

/// What makes a key that nobody gave different from every other.
fn random() -> String {
    use std::hash::{BuildHasher, Hasher};
    // The keys of a map's hasher come from the system's random numbers.
    let number = || std::collections::hash_map::RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", number(), number())
}
