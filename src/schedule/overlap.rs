//! An occurrence whose job has not ended an earlier run.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// So many runs of a job with `overlap: queue` wait at most; further occurrences are skipped.
pub const WAITING_AT_MOST: usize = 100;

/// What happens when a job is due while an earlier run of it has not ended.
///
/// A run that waits for its turn or for its next try has not ended either. Occurrences that are skipped are recorded.
///
/// ```yaml
/// overlap: queue
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Overlap {
    /// The occurrence does not run.
    #[default]
    Skip,
    /// It runs when the earlier ones have ended, one after the other; at most 100 wait, further ones are skipped.
    Queue,
    /// The earlier runs are cancelled, and it runs when they have ended.
    Replace,
    /// It runs beside them, as far as the limits allow.
    Allow,
}

/// What to do with an occurrence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// It goes into the queue; it may start beside other runs of the job.
    Enter,
    /// It goes into the queue; it starts when no other run of the job is at work.
    EnterAlone,
    /// As `EnterAlone`, after these runs have been cancelled: those at work and those that wait.
    Replace {
        /// The runs, in the order in which they were given.
        cancel: Vec<String>,
    },
    /// It does not run.
    Skip(Skipped),
}

/// Why an occurrence was skipped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "reason")]
pub enum Skipped {
    /// `overlap: skip`.
    EarlierRun {
        /// The run that has not ended.
        run: String,
    },
    /// `overlap: queue`, and the queue is full.
    QueueFull,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EarlierRun { run } => {
                write!(f, "run {run} of the job had not ended, and `overlap: skip` starts no second one beside it")
            }
            Self::QueueFull => write!(
                f,
                "{WAITING_AT_MOST} runs of the job wait already; it takes longer than the time between its occurrences"
            ),
        }
    }
}

/// Decides about an occurrence, given the runs of its job that are at work and those that wait (also for their next try).
pub fn admit(overlap: Overlap, at_work: &[String], waiting: &[String]) -> Admission {
    let earlier = at_work.first().or(waiting.first());
    match (overlap, earlier) {
        (Overlap::Allow, _) => Admission::Enter,
        (_, None) => Admission::EnterAlone,
        (Overlap::Skip, Some(run)) => Admission::Skip(Skipped::EarlierRun { run: run.clone() }),
        (Overlap::Queue, Some(_)) if waiting.len() >= WAITING_AT_MOST => Admission::Skip(Skipped::QueueFull),
        (Overlap::Queue, Some(_)) => Admission::EnterAlone,
        (Overlap::Replace, Some(_)) => Admission::Replace { cancel: at_work.iter().chain(waiting).cloned().collect() },
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn runs(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn without_an_earlier_run_every_policy_lets_it_in() {
        for overlap in [Overlap::Skip, Overlap::Queue, Overlap::Replace] {
            assert_eq!(admit(overlap, &[], &[]), Admission::EnterAlone);
        }
        assert_eq!(admit(Overlap::Allow, &[], &[]), Admission::Enter);
    }

    #[test]
    fn beside_an_earlier_run_each_policy_does_what_it_says() {
        let (at_work, waiting) = (runs(&["a"]), runs(&["b", "c"]));
        assert_eq!(
            admit(Overlap::default(), &at_work, &[]),
            Admission::Skip(Skipped::EarlierRun { run: "a".to_owned() })
        );
        assert_eq!(admit(Overlap::Queue, &at_work, &waiting), Admission::EnterAlone);
        assert_eq!(admit(Overlap::Replace, &at_work, &waiting), Admission::Replace { cancel: runs(&["a", "b", "c"]) });
        assert_eq!(admit(Overlap::Allow, &at_work, &waiting), Admission::Enter);
    }

    #[test]
    fn a_run_that_only_waits_has_not_ended() {
        let waiting = runs(&["b"]);
        assert_eq!(admit(Overlap::Skip, &[], &waiting), Admission::Skip(Skipped::EarlierRun { run: "b".to_owned() }));
        assert_eq!(admit(Overlap::Replace, &[], &waiting), Admission::Replace { cancel: waiting.clone() });
    }

    #[test]
    fn a_queue_does_not_grow_without_end() {
        let waiting: Vec<String> = (0..WAITING_AT_MOST).map(|number| number.to_string()).collect();
        assert_eq!(admit(Overlap::Queue, &runs(&["a"]), &waiting[1..]), Admission::EnterAlone);
        assert_eq!(admit(Overlap::Queue, &runs(&["a"]), &waiting), Admission::Skip(Skipped::QueueFull));
    }
}
