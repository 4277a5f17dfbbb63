//! Who starts next.
//!
//! Of the runs that wait, the order is:
//!
//! 1. the higher priority, always;
//! 2. within a priority, jobs take turns: the job with fewer runs at work, then the one whose last start is longer ago;
//! 3. within a job (and priority), the run that was submitted earlier.
//!
//! A run that its own job's limits, or an earlier run of the same job, hold back lets others pass. One that lacks memory or
//! cores of the whole lets smaller ones pass too, but [`PASSED_AT_MOST`] times only: then nothing behind it starts until it fits, so
//! a large run is not kept from starting by many small ones. A run that could never fit is refused when it is submitted.
//!
//! Submitting takes O(log n), a decision O(jobs that wait).

mod limits;

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use limits::Load;
pub use limits::{Limits, Needs};

/// So often smaller runs start before one that comes first but does not fit.
pub const PASSED_AT_MOST: u32 = 16;

/// A run that wants to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Its id.
    pub run: String,
    /// Its job.
    pub job: String,
    /// Higher ones start first; 0 is usual.
    pub priority: i64,
    /// What it takes.
    pub needs: Needs,
    /// Whether it has to wait for other runs of its job to end, see [`Overlap`](super::Overlap).
    pub alone: bool,
}

/// A run cannot be taken into the queue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueueError {
    /// It could never start.
    #[error(
        "run {run} of {job} could never start under the limits of {whose}: {lack}; lower what the job asks for, or raise the limit"
    )]
    NeverFits {
        /// The run.
        run: String,
        /// Its job.
        job: String,
        /// `the server` or `the job`.
        whose: &'static str,
        /// What is missing.
        lack: String,
    },
    /// There is a run of this id.
    #[error("run {0} waits or runs already; each run needs an id of its own")]
    Known(String),
}

/// Waiting and working runs.
#[derive(Debug, Clone, Default)]
pub struct Queue {
    limits: Limits,
    jobs: BTreeMap<String, Job>,
    /// Where each run is.
    places: HashMap<String, Place>,
    load: Load,
    /// Grows with each submission and each start.
    turn: u64,
}

/// The order within a job: the higher priority, then the earlier submission.
type Order = (Reverse<i64>, u64);

#[derive(Debug, Clone, Default)]
struct Job {
    limits: Limits,
    waiting: BTreeMap<Order, Waiting>,
    load: Load,
    last_start: u64,
}

#[derive(Debug, Clone)]
struct Waiting {
    request: Request,
    passed: u32,
}

#[derive(Debug, Clone)]
enum Place {
    Waits { job: String, order: Order },
    Works { job: String, needs: Needs },
}

impl Queue {
    /// An empty queue under the limits of the server.
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Sets the limits of all jobs together; runs at work go on.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Sets the limits of a job; runs at work go on.
    pub fn set_job_limits(&mut self, job: &str, limits: Limits) {
        self.jobs.entry(job.to_owned()).or_default().limits = limits;
    }

    /// Takes a run into the queue.
    ///
    /// # Errors
    /// `NeverFits` where it could not start even alone, `Known` for an id that is there.
    pub fn submit(&mut self, request: Request) -> Result<(), QueueError> {
        if self.places.contains_key(&request.run) {
            return Err(QueueError::Known(request.run));
        }
        let own = self.jobs.get(&request.job).map(|job| job.limits).unwrap_or_default();
        for (whose, limits) in [("the server", self.limits), ("the job", own)] {
            if let Some(lack) = limits.lacking(request.needs) {
                return Err(QueueError::NeverFits { run: request.run, job: request.job, whose, lack });
            }
        }
        self.turn += 1;
        let order = (Reverse(request.priority), self.turn);
        self.places.insert(request.run.clone(), Place::Waits { job: request.job.clone(), order });
        let job = self.jobs.entry(request.job.clone()).or_default();
        job.waiting.insert(order, Waiting { request, passed: 0 });
        Ok(())
    }

    /// Counts a run that is at work already, as after a restart of the server; no limit holds it back.
    ///
    /// # Errors
    /// `Known` for an id that is there.
    pub fn restore(&mut self, request: &Request) -> Result<(), QueueError> {
        if self.places.contains_key(&request.run) {
            return Err(QueueError::Known(request.run.clone()));
        }
        self.works(request);
        Ok(())
    }

    /// Starts the run whose turn it is: it counts as at work until [`Queue::finish`]. `None` where none may start.
    pub fn start(&mut self) -> Option<Request> {
        let mut passed = Vec::new();
        let mut chosen = None;
        for (job_name, order) in self.heads() {
            let Some((job, waiting)) = self.jobs.get(&job_name).and_then(|job| Some((job, job.waiting.get(&order)?)))
            else {
                continue;
            };
            let held_by_own =
                (waiting.request.alone && job.load.runs > 0) || !job.limits.allow(&job.load, waiting.request.needs);
            if held_by_own {
                continue;
            }
            if self.limits.allow(&self.load, waiting.request.needs) {
                chosen = Some((job_name, order));
                break;
            }
            if waiting.passed >= PASSED_AT_MOST {
                return None;
            }
            passed.push((job_name, order));
        }
        let (job_name, order) = chosen?;
        for (job, order) in passed {
            if let Some(waiting) = self.jobs.get_mut(&job).and_then(|job| job.waiting.get_mut(&order)) {
                waiting.passed += 1;
            }
        }
        let Waiting { request, .. } = self.jobs.get_mut(&job_name)?.waiting.remove(&order)?;
        self.works(&request);
        Some(request)
    }

    /// Takes a run out, whether it has ended its work or shall not start any more. Says whether it was there.
    pub fn finish(&mut self, run: &str) -> bool {
        match self.places.remove(run) {
            None => false,
            Some(Place::Waits { job, order }) => {
                if let Some(job) = self.jobs.get_mut(&job) {
                    job.waiting.remove(&order);
                }
                true
            }
            Some(Place::Works { job, needs }) => {
                self.load.remove(needs);
                if let Some(job) = self.jobs.get_mut(&job) {
                    job.load.remove(needs);
                }
                true
            }
        }
    }

    /// The runs that wait, in the order in which they would start if one ended after the other.
    pub fn waiting(&self) -> Vec<&Request> {
        // Jobs take turns within a priority: the n-th run of a job comes after the n-1-st of every other.
        let mut order = Vec::new();
        for job in self.jobs.values() {
            let mut at_work = u64::from(job.load.runs);
            let mut before = None;
            for ((priority, turn), waiting) in &job.waiting {
                if before != Some(priority) {
                    at_work = u64::from(job.load.runs);
                }
                before = Some(priority);
                order.push(((*priority, at_work, job.last_start, *turn), &waiting.request));
                at_work += 1;
            }
        }
        order.sort_by_key(|(key, _)| *key);
        order.into_iter().map(|(_, request)| request).collect()
    }

    /// How many runs are at work.
    pub fn at_work(&self) -> u32 {
        self.load.runs
    }

    /// The first waiting run of each job, in the order of their turns.
    fn heads(&self) -> Vec<(String, Order)> {
        let mut heads: Vec<_> = self
            .jobs
            .iter()
            .filter_map(|(name, job)| {
                let (order, _) = job.waiting.first_key_value()?;
                Some(((order.0, job.load.runs, job.last_start, order.1), name, *order))
            })
            .collect();
        heads.sort_by_key(|(key, _, _)| *key);
        heads.into_iter().map(|(_, name, order)| (name.clone(), order)).collect()
    }

    fn works(&mut self, request: &Request) {
        self.turn += 1;
        self.load.add(request.needs);
        let job = self.jobs.entry(request.job.clone()).or_default();
        job.load.add(request.needs);
        job.last_start = self.turn;
        let place = Place::Works { job: request.job.clone(), needs: request.needs };
        self.places.insert(request.run.clone(), place);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;
