//! Who may start next.
//!
//! Of the runs that wait, the order is:
//!
//! 1. the higher priority, always;
//! 2. within a priority, jobs take turns: the job with fewer runs at work, then the one whose last start is longer ago;
//! 3. within a job, the run with the higher priority, then the one that was asked for earlier.
//!
//! The store keeps the queue and asks in this order ([`Store::claim_next`](super::store::Store::claim_next)); [`Permits`] say who may go.
//! A run that its own job's limits, or an earlier run of the same job, hold back lets others pass. One that lacks memory or
//! cores of the whole lets smaller ones pass too, but [`PASSED_AT_MOST`] times only: then nothing behind it starts until it fits, so
//! a large run is not kept from starting by many small ones. A run that could never fit is refused when it is asked for
//! ([`Limits::lacking`]).
//!
//! A decision takes O(1) for each job that waits. Nothing here is kept over a restart: what is at work is counted anew, and a run that
//! was passed is passed again at most as often.

mod limits;

use std::collections::HashMap;

use limits::Load;
pub use limits::{Limits, Needs};

/// So often smaller runs start before one that comes first but does not fit.
pub const PASSED_AT_MOST: u32 = 16;

/// A run that wants to start.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// Its id.
    pub run: &'a str,
    /// Its job.
    pub job: &'a str,
    /// What it takes.
    pub needs: Needs,
    /// What the runs of its job may take together. A run of a backfill counts as no run there: how many are at work at a time
    /// is what the backfill says.
    pub own: Limits,
    /// Whether it has to wait for other runs of its job to end, see [`Overlap`](super::Overlap).
    pub alone: bool,
}

/// What is at work, and who may start beside it.
#[derive(Debug, Clone, Default)]
pub struct Permits {
    limits: Limits,
    load: Load,
    jobs: HashMap<String, Load>,
    works: HashMap<String, Place>,
    passed: HashMap<String, u32>,
}

#[derive(Debug, Clone)]
struct Place {
    job: String,
    needs: Needs,
    counts: bool,
}

/// One search for a run that may start: the waiting ones are asked about in their order until one may.
#[derive(Debug)]
pub struct Round<'p> {
    permits: &'p mut Permits,
    passed: Vec<String>,
    held: bool,
    chosen: bool,
}

impl Permits {
    /// Nothing is at work yet, under the limits of the server.
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Counts a run as at work, until [`Permits::ends`]; no limit holds it back. `counts`: whether it is one of the `runs` of its job.
    pub fn works(&mut self, run: &str, job: &str, needs: Needs, counts: bool) {
        self.ends(run);
        self.passed.remove(run);
        self.load.add(needs, true);
        self.jobs.entry(job.to_owned()).or_default().add(needs, counts);
        self.works.insert(run.to_owned(), Place { job: job.to_owned(), needs, counts });
    }

    /// A run is at work no more. Says whether it was.
    pub fn ends(&mut self, run: &str) -> bool {
        let Some(Place { job, needs, counts }) = self.works.remove(run) else { return false };
        self.load.remove(needs, true);
        if let Some(load) = self.jobs.get_mut(&job) {
            load.remove(needs, counts);
            if *load == Load::default() {
                self.jobs.remove(&job);
            }
        }
        true
    }

    /// How many runs are at work.
    pub fn at_work(&self) -> u32 {
        self.load.runs
    }

    /// Begins a search.
    pub fn round(&mut self) -> Round<'_> {
        Round { permits: self, passed: Vec::new(), held: false, chosen: false }
    }
}

impl Round<'_> {
    /// Whether a run may start. To be asked about the first waiting run of each job, in the order of their turns; the first that may
    /// is the one that starts.
    pub fn permit(&mut self, wish: &Wish<'_>) -> bool {
        if self.held || self.chosen {
            return false;
        }
        let own = self.permits.jobs.get(wish.job).copied().unwrap_or_default();
        if (wish.alone && own.runs > 0) || !wish.own.allow(&own, wish.needs) {
            return false;
        }
        if self.permits.limits.allow(&self.permits.load, wish.needs) {
            self.chosen = true;
            return true;
        }
        match self.permits.passed.get(wish.run) {
            Some(passed) if *passed >= PASSED_AT_MOST => self.held = true,
            _ => self.passed.push(wish.run.to_owned()),
        }
        false
    }
}

impl Drop for Round<'_> {
    fn drop(&mut self) {
        if self.chosen {
            for run in self.passed.drain(..) {
                *self.permits.passed.entry(run).or_default() += 1;
            }
        } else if !self.held {
            // All were asked about: who is not among them waits no more.
            self.permits.passed.retain(|run, _| self.passed.contains(run));
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;
