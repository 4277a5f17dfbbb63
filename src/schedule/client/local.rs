//! Asking a folder on this machine, with a server beside the command or without one.

use std::sync::Arc;

use jiff::Timestamp;

use super::{
    Accepted, Backfill, Client, Health, Job, JobInFull, LogPart, Page, Partition, Promotion, Result, Run, RunInFull,
    Stopped,
};
use crate::schedule::service::{BackfillRequest, RunRequest, STATE, Service, ServiceError, Who};
use crate::schedule::store::{LONGEST_PAGE, Lock, RunFilter, RunId};

/// An open folder, and who asks.
#[derive(Debug)]
pub(crate) struct Local {
    service: Arc<Service>,
    who: Who,
}

impl Local {
    /// Asks an open folder in somebody's name.
    pub(crate) fn new(service: Arc<Service>, who: Who) -> Self {
        Self { service, who }
    }
}

impl Client for Local {
    fn now(&self) -> Timestamp {
        self.service.now()
    }

    fn is_served(&self) -> bool {
        Lock::is_held(&self.service.base().join(STATE))
    }

    fn health(&self) -> Result<Health> {
        // The service of a command serves nothing: what it says of its own loop is not what is asked.
        let is_served = self.is_served();
        let own = Health::from(self.service.health());
        Ok(Health { alive: is_served, ready: is_served, reasons: Vec::new(), ..own })
    }

    fn jobs(&self) -> Result<Vec<Job>> {
        Ok(self.service.jobs()?.into_iter().map(Job::from).collect())
    }

    fn job(&self, name: &str) -> Result<JobInFull> {
        Ok(JobInFull::of(&self.service, name)?)
    }

    fn next(&self, job: &str, count: usize) -> Result<Vec<Timestamp>> {
        Ok(self.service.next(job, count)?)
    }

    fn keys(&self, job: &str) -> Result<Vec<String>> {
        Ok(self.service.keys(job)?)
    }

    fn partitions(&self, job: &str) -> Result<Vec<Partition>> {
        self.service.job(job)?;
        super::all_pages(|after| {
            let page = self.service.store().partitions(job, after, LONGEST_PAGE).map_err(ServiceError::from)?;
            let next = page.last().filter(|_| page.len() == LONGEST_PAGE).map(|last| last.key.clone());
            Ok((page.into_iter().map(Partition::from).collect(), next))
        })
    }

    fn pause(&self, job: &str) -> Result<bool> {
        Ok(self.service.pause(job, &self.who)?)
    }

    fn resume(&self, job: &str) -> Result<bool> {
        Ok(self.service.resume(job, &self.who)?)
    }

    fn submit(&self, request: RunRequest) -> Result<Accepted> {
        Ok(self.service.run(request, &self.who)?.into())
    }

    fn runs(&self, filter: &RunFilter, before: Option<i64>, limit: usize) -> Result<Page<Run>> {
        Ok(self.service.store().runs(filter, before, limit).map_err(ServiceError::from)?.into())
    }

    fn run(&self, id: &str) -> Result<RunInFull> {
        Ok(RunInFull::of(&self.service, &RunId::from(id))?)
    }

    fn log(&self, id: &str, from: u64, most: usize) -> Result<LogPart> {
        let run = self.service.store().run(&RunId::from(id)).map_err(ServiceError::from)?;
        Ok(self.service.log(&run, from, most)?.into())
    }

    fn cancel(&self, id: &str) -> Result<Stopped> {
        Ok(self.service.cancel(&RunId::from(id), &self.who)?.into())
    }

    fn backfill(&self, request: BackfillRequest) -> Result<Backfill> {
        Ok(self.service.backfill(request, &self.who)?.into())
    }

    fn backfills(&self, limit: usize) -> Result<Vec<Backfill>> {
        let page = self.service.store().backfills(None, None, limit).map_err(ServiceError::from)?;
        Ok(page.items.into_iter().map(Backfill::from).collect())
    }

    fn stop_backfill(&self, number: i64) -> Result<bool> {
        Ok(self.service.stop_backfill(number, &self.who)?)
    }

    fn resume_backfill(&self, number: i64) -> Result<bool> {
        Ok(self.service.resume_backfill(number, &self.who)?)
    }

    fn models(&self) -> Result<Vec<Promotion>> {
        let champions = self.service.store().champions().map_err(ServiceError::from)?;
        Ok(champions.into_iter().map(Promotion::from).collect())
    }

    fn model(&self, name: &str, limit: usize) -> Result<Vec<Promotion>> {
        let page = self.service.store().promotions(name, None, limit).map_err(ServiceError::from)?;
        Ok(page.items.into_iter().map(Promotion::from).collect())
    }

    fn restore(&self, number: i64) -> Result<Promotion> {
        Ok(self.service.restore(number, &self.who)?.into())
    }
}
