//! What may start: overlap of a job's runs, and the limits under which the queue lets runs go.

use super::turn::Loop;
use crate::schedule::overlap::{self, Admission, Overlap};
use crate::schedule::queue::{Limits, Wish};
use crate::schedule::service::Result;
use crate::schedule::store::{Candidate, Origin, RunId, StopReason, Store};

/// The runs of a job that have not ended, as they are while several occurrences are decided one after the other.
#[derive(Debug, Default)]
pub(super) struct Active {
    at_work: Vec<String>,
    waiting: Vec<String>,
}

impl Active {
    /// Errors: the database.
    pub(super) fn of(store: &Store, job: &str) -> Result<Self> {
        let mut found = Self::default();
        for (run, at_work) in store.active(job)? {
            let to = if at_work { &mut found.at_work } else { &mut found.waiting };
            to.push(run.as_str().to_owned());
        }
        Ok(found)
    }

    /// Whether a further run would be skipped.
    pub(super) fn would_skip(&self, overlap: Overlap) -> bool {
        matches!(overlap::admit(overlap, &self.at_work, &self.waiting), Admission::Skip(_))
    }

    /// What becomes of a further run. One that is let in counts as waiting from now on, those that it replaces as gone.
    pub(super) fn admit(&mut self, overlap: Overlap) -> Admission {
        let admission = overlap::admit(overlap, &self.at_work, &self.waiting);
        if let Admission::Replace { .. } = admission {
            self.at_work.clear();
            self.waiting.clear();
        }
        if !matches!(admission, Admission::Skip(_)) {
            self.waiting.push("the one before".to_owned());
        }
        admission
    }
}

impl Loop {
    /// Stops the runs that a later one replaces.
    ///
    /// Errors: the database.
    pub(super) fn replace(&mut self, runs: &[String]) -> Result<()> {
        for run in runs {
            let run = RunId::from(run.as_str());
            let stopped = self.service.store().stop(&run, StopReason::Replaced, "schedule", self.now)?;
            self.after_stop(&run, stopped)?;
        }
        Ok(())
    }
}

/// How a candidate of the queue stands to the limits, given what its job says now; a job that is not known any more limits nothing.
pub(super) fn wish<'a>(candidate: &'a Candidate, definition: Option<&crate::schedule::job::Definition>) -> Wish<'a> {
    // How many runs of a backfill are at work at a time is what the backfill says, and they stand beside all others.
    let of_backfill = candidate.origin == Origin::Backfill;
    let own = definition.map(|definition| definition.limits()).unwrap_or_default();
    let asked_for = matches!(candidate.origin, Origin::Manual | Origin::Api);
    Wish {
        run: candidate.run.as_str(),
        job: &candidate.job,
        needs: definition.map(|definition| definition.needs()).unwrap_or_default(),
        own: if of_backfill { Limits { runs: None, ..own } } else { own },
        alone: !of_backfill && !asked_for && definition.is_some_and(|definition| definition.overlap != Overlap::Allow),
    }
}
