//! States as people read them: a word, and a class for the colour. The word is always there, so nothing hangs on the colour alone.

use maud::{Markup, html};

use super::super::super::store::{
    BackfillState, ItemState, NotificationState, Origin, Outcome, PromotionState, RunState, StopReason,
};

/// A word with the class that colours it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    /// What a person reads.
    pub(super) word: &'static str,
    /// `good`, `bad`, `warning`, `working`, `waiting` or `quiet`.
    pub(super) class: &'static str,
}

impl Look {
    const fn new(word: &'static str, class: &'static str) -> Self {
        Self { word, class }
    }

    /// The word on a coloured ground.
    pub(super) fn badge(self) -> Markup {
        html! { span class={ "badge " (self.class) } { (self.word) } }
    }
}

/// A run's state.
pub(super) fn run(state: RunState) -> Look {
    match state {
        RunState::Queued => Look::new("Waiting", "waiting"),
        RunState::Starting => Look::new("Starting", "working"),
        RunState::Running => Look::new("At work", "working"),
        RunState::Succeeded => Look::new("Succeeded", "good"),
        RunState::Failed => Look::new("Failed", "bad"),
        RunState::Cancelled => Look::new("Cancelled", "quiet"),
        RunState::TimedOut => Look::new("Timed out", "bad"),
        RunState::Lost => Look::new("Lost", "bad"),
    }
}

/// The state of a partition in a backfill.
pub(super) fn item(state: ItemState) -> Look {
    match state {
        ItemState::Pending => Look::new("To come", "quiet"),
        ItemState::Queued => run(RunState::Queued),
        ItemState::Starting => run(RunState::Starting),
        ItemState::Running => run(RunState::Running),
        ItemState::Succeeded => run(RunState::Succeeded),
        ItemState::Failed => run(RunState::Failed),
        ItemState::Cancelled => run(RunState::Cancelled),
        ItemState::TimedOut => run(RunState::TimedOut),
        ItemState::Lost => run(RunState::Lost),
    }
}

/// The state of a backfill.
pub(super) fn backfill(state: BackfillState) -> Look {
    match state {
        BackfillState::Running => Look::new("At work", "working"),
        BackfillState::Stopped => Look::new("Stopped", "warning"),
        BackfillState::Succeeded => Look::new("Done", "good"),
        BackfillState::Failed => Look::new("Ended with failures", "bad"),
    }
}

/// The state of a version of a model or output.
pub(super) fn promotion(state: PromotionState) -> Look {
    match state {
        PromotionState::Current => Look::new("Current", "good"),
        PromotionState::Former => Look::new("Former", "quiet"),
        PromotionState::Refused => Look::new("Refused", "bad"),
    }
}

/// What became of an occurrence.
pub(super) fn outcome(outcome: Outcome) -> Look {
    match outcome {
        Outcome::Due => Look::new("Due", "waiting"),
        Outcome::Started => Look::new("Started", "good"),
        Outcome::Skipped => Look::new("Skipped", "warning"),
        Outcome::Dropped => Look::new("Dropped", "warning"),
    }
}

/// The state of a message.
pub(super) fn notification(state: NotificationState) -> Look {
    match state {
        NotificationState::Waiting => Look::new("To be sent", "waiting"),
        NotificationState::Sent => Look::new("Sent", "good"),
        NotificationState::GivenUp => Look::new("Given up", "bad"),
    }
}

/// What asked for a run.
pub(super) fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::Schedule => "its schedule",
        Origin::Interval => "its interval",
        Origin::File => "a change of files",
        Origin::Job => "another job’s success",
        Origin::Manual => "a person",
        Origin::Api => "a call over HTTP",
        Origin::Backfill => "a backfill",
    }
}

/// Why a run is to end early.
pub(super) fn stop(reason: StopReason) -> &'static str {
    match reason {
        StopReason::Cancel => "somebody cancelled it",
        StopReason::Replaced => "a newer run takes its place",
        StopReason::Timeout => "its time is over",
    }
}

/// `1 run`, `2 runs`; the number with separators of thousands.
pub(super) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", crate::report::format::rows(number), if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_a_word_of_its_own() {
        let mut words: Vec<&str> = RunState::ALL.iter().map(|state| run(*state).word).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), RunState::ALL.len());
    }

    #[test]
    fn one_thing_is_not_many() {
        assert_eq!(
            [count(0, "run", "runs"), count(1, "run", "runs"), count(1200, "run", "runs")],
            ["0 runs", "1 run", "1,200 runs"]
        );
    }
}
