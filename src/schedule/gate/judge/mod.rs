//! Conditions against a run.

mod checks;
mod drift;
mod metric;
mod rows;

use serde::{Deserialize, Serialize};

use super::evidence::worked;
use super::number::plain;
use super::{Evidence, Pace, Require};
use crate::run::manifest::{RunStatus, StageStatus};
use crate::schedule::store::Verdict;

/// Reasons that a refusal names.
const NAMED: usize = 4;

/// What became of a condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// The condition, in words: "ROC AUC of `judged` is at least 0.7".
    pub condition: String,
    /// Whether it holds.
    pub held: Held,
    /// What was found, in a few words.
    pub found: String,
    /// What was wanted, in a few words.
    pub wanted: String,
    /// For people, a sentence without a full stop: what was found and what that means.
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

    fn of(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

impl Judged {
    /// A number beside what was wanted of it.
    fn measured(condition: &Condition, holds: bool, found: String) -> Self {
        let Condition { subject, wanted } = condition;
        let why = match holds {
            true => format!("{subject} {found}, as wanted ({wanted})"),
            false => format!("{subject} {found}, and {wanted} is wanted"),
        };
        Self { condition: condition.to_string(), held: Held::of(holds), found, wanted: wanted.clone(), why }
    }

    /// Something that there is nothing to compare with.
    fn first(condition: &Condition, found: &str, why: &str) -> Self {
        let Condition { subject, wanted } = condition;
        Self {
            condition: condition.to_string(),
            held: Held::First,
            found: found.to_owned(),
            wanted: wanted.clone(),
            why: format!("{subject} {found}; it is the first to be compared, because {why}"),
        }
    }

    /// Something that the run does not tell.
    fn unknown(condition: &Condition, why: &str) -> Self {
        Self {
            condition: condition.to_string(),
            held: Held::Unknown,
            found: String::new(),
            wanted: condition.wanted.clone(),
            why: format!("nobody can tell whether {condition}: {why}"),
        }
    }
}

/// A condition in words.
struct Condition {
    /// "ROC AUC of `judged`"
    subject: String,
    /// "at least 0.7"
    wanted: String,
}

impl Condition {
    fn new(subject: impl Into<String>, wanted: impl Into<String>) -> Self {
        Self { subject: subject.into(), wanted: wanted.into() }
    }
}

impl std::fmt::Display for Condition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} is {}", self.subject, self.wanted)
    }
}

/// Judges all conditions, in their order; one with several bounds gives several answers. Reads nothing but what it is given.
///
/// A run that did not end well fails whatever the conditions.
pub fn judge(require: &[Require], evidence: &Evidence<'_>) -> Vec<Judged> {
    let mut judged = Vec::new();
    if evidence.record.status != RunStatus::Done {
        let condition = Condition::new("the end of the run", "a good one");
        judged.push(Judged::measured(&condition, false, "is not a good one".to_owned()));
    }
    for require in require {
        match require {
            Require::Checks(checks) => judged.extend(checks::judge(checks, evidence)),
            Require::Rows(rows) => judged.extend(rows::judge(rows, evidence)),
            Require::Drift(drift) => judged.push(drift::judge(drift, evidence)),
            Require::Metric(metric) => judged.extend(metric::judge(metric, evidence)),
            Require::Stage(pace) => judged.push(of_pace(pace, evidence)),
        }
    }
    judged
}

/// A stage whose kept work was used took no time.
fn of_pace(pace: &Pace, evidence: &Evidence<'_>) -> Judged {
    let most = pace.seconds_at_most.value;
    let condition = Condition::new(format!("the time of `{}`", pace.id.value), format!("at most {} s", plain(most)));
    match worked(evidence.record, &pace.id) {
        Ok(stage) => {
            let seconds = if stage.status == StageStatus::Cached { 0.0 } else { stage.seconds };
            Judged::measured(&condition, seconds <= most, format!("is {} s", plain(seconds)))
        }
        Err(why) => Judged::unknown(&condition, &why),
    }
}

/// The verdict that follows: promote when all conditions hold, else refuse with the reasons in a sentence.
pub fn follow(judged: &[Judged]) -> Verdict {
    let reasons: Vec<&str> =
        judged.iter().filter(|judged| !judged.held.passes()).map(|judged| judged.why.as_str()).collect();
    if reasons.is_empty() {
        return Verdict::Promote;
    }
    let more = reasons.len().saturating_sub(NAMED);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    let named = reasons.iter().take(NAMED).copied().collect::<Vec<_>>().join("; ");
    Verdict::Refuse(format!("{named}{more}."))
}
