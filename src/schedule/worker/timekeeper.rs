//! When a run or a stage has taken too long.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::Value;

/// How long a run and each of its stages may take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timeouts {
    /// The run, from the start of its process. For a later attempt, what the earlier ones have left of it.
    pub run: Option<Duration>,
    /// Each stage, from its `stage_started` event to its `stage_finished` event.
    pub stage: Option<Duration>,
}

/// What took too long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Overdue {
    /// The run.
    Run {
        /// What it was allowed.
        allowed: Duration,
    },
    /// A stage.
    Stage {
        /// Its id.
        stage: String,
        /// What each stage is allowed.
        allowed: Duration,
    },
}

impl fmt::Display for Overdue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |allowed: &Duration| SignedDuration::try_from(*allowed).unwrap_or(SignedDuration::MAX);
        match self {
            Self::Run { allowed } => {
                write!(f, "the run took longer than its `timeout`: it had {:#} left", shown(allowed))
            }
            Self::Stage { stage, allowed } => {
                write!(f, "stage `{stage}` took longer than its `stage_timeout` of {:#}", shown(allowed))
            }
        }
    }
}

/// Keeps the time of a run. Moments are durations since its process was started, by a clock that never steps.
///
/// ```
/// use std::time::Duration;
/// use gristmill::schedule::worker::{Overdue, Timekeeper, Timeouts};
///
/// let second = Duration::from_secs(1);
/// let mut time = Timekeeper::new(Timeouts { run: None, stage: Some(30 * second) });
/// time.hear(&serde_json::json!({ "event": "stage_started", "stage": "model" }), 10 * second);
/// assert_eq!(time.next(), Some(40 * second));
/// assert_eq!(time.overdue(40 * second), Some(Overdue::Stage { stage: "model".into(), allowed: 30 * second }));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Timekeeper {
    timeouts: Timeouts,
    /// Stages at work and when they began.
    stages: BTreeMap<String, Duration>,
}

impl Timekeeper {
    /// The time of a run that begins.
    pub fn new(timeouts: Timeouts) -> Self {
        Self { timeouts, stages: BTreeMap::new() }
    }

    /// An event of the run was heard at that moment. Says whether [`Timekeeper::next`] may have changed.
    pub fn hear(&mut self, event: &Value, at: Duration) -> bool {
        let text = |key: &str| event.get(key).and_then(Value::as_str);
        match (text("event"), text("stage")) {
            (Some("stage_started"), Some(stage)) => {
                self.stages.insert(stage.to_owned(), at);
                true
            }
            (Some("stage_finished"), Some(stage)) => self.stages.remove(stage).is_some(),
            (Some("run_finished"), _) => {
                let changed = !self.stages.is_empty();
                self.stages.clear();
                changed
            }
            _ => false,
        }
    }

    /// The moment at which something will be overdue, unless it ends before.
    pub fn next(&self) -> Option<Duration> {
        let stages = self.stages.values().filter_map(|began| began.checked_add(self.timeouts.stage?));
        stages.chain(self.timeouts.run).min()
    }

    /// What is overdue at that moment. Where both are, it is the run.
    pub fn overdue(&self, at: Duration) -> Option<Overdue> {
        if let Some(allowed) = self.timeouts.run.filter(|allowed| at >= *allowed) {
            return Some(Overdue::Run { allowed });
        }
        let allowed = self.timeouts.stage?;
        let late = |began: &Duration| began.checked_add(allowed).is_some_and(|end| at >= end);
        let (stage, _) = self.stages.iter().filter(|(_, began)| late(began)).min_by_key(|(_, began)| **began)?;
        Some(Overdue::Stage { stage: stage.clone(), allowed })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use serde_json::json;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn started(stage: &str) -> Value {
        json!({ "event": "stage_started", "stage": stage, "kind": "read" })
    }

    fn finished(stage: &str) -> Value {
        json!({ "event": "stage_finished", "stage": stage, "status": "done" })
    }

    #[test]
    fn without_timeouts_nothing_is_ever_overdue() {
        let mut time = Timekeeper::new(Timeouts::default());
        time.hear(&started("a"), SECOND);
        assert_eq!((time.next(), time.overdue(Duration::MAX)), (None, None));
    }

    #[test]
    fn a_stage_has_its_time_from_its_start_to_its_end() {
        let mut time = Timekeeper::new(Timeouts { run: None, stage: Some(10 * SECOND) });
        assert_eq!(time.next(), None, "no stage has begun");
        assert!(time.hear(&started("a"), 5 * SECOND));
        assert!(time.hear(&started("b"), 7 * SECOND));
        assert!(
            !time.hear(&json!({ "event": "stage_progress", "stage": "a" }), 14 * SECOND),
            "progress is no new start"
        );
        assert_eq!(time.next(), Some(15 * SECOND));
        assert_eq!(time.overdue(15 * SECOND - Duration::from_nanos(1)), None);
        let late = |stage: &str| Some(Overdue::Stage { stage: stage.to_owned(), allowed: 10 * SECOND });
        assert_eq!(time.overdue(20 * SECOND), late("a"));
        assert!(time.hear(&finished("a"), 16 * SECOND));
        assert_eq!((time.next(), time.overdue(20 * SECOND)), (Some(17 * SECOND), late("b")));
        assert!(time.hear(&json!({ "event": "run_finished" }), 16 * SECOND));
        assert_eq!(time.next(), None);
        assert!(!time.hear(&finished("never began"), 17 * SECOND));
    }

    #[test]
    fn the_time_of_the_run_comes_first() {
        let mut time = Timekeeper::new(Timeouts { run: Some(12 * SECOND), stage: Some(10 * SECOND) });
        time.hear(&started("a"), SECOND);
        assert_eq!(time.next(), Some(11 * SECOND));
        assert_eq!(time.overdue(12 * SECOND), Some(Overdue::Run { allowed: 12 * SECOND }));
        time.hear(&finished("a"), 2 * SECOND);
        assert_eq!((time.next(), time.overdue(11 * SECOND)), (Some(12 * SECOND), None));
    }

    #[test]
    fn what_was_too_long_is_said_with_what_was_allowed() {
        let stage = Overdue::Stage { stage: "model".to_owned(), allowed: 1800 * SECOND };
        assert_eq!(stage.to_string(), "stage `model` took longer than its `stage_timeout` of 30m");
        let run = Overdue::Run { allowed: 90 * SECOND };
        assert_eq!(run.to_string(), "the run took longer than its `timeout`: it had 1m 30s left");
    }
}
