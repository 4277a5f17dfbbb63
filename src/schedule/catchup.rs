//! What is due now, and what becomes of occurrences that were missed.
//!
//! The server looks at each job now and then and asks [`due`] with the last moment it has dealt with. Whether it was off for a
//! week, slept with the machine or the clock was set forward makes no difference. Where the clock was set back, the last
//! moment dealt with lies ahead, and nothing is due until the clock has passed it: a recorded occurrence does not fire again.

use std::collections::VecDeque;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::trigger::Trigger;

/// So late an occurrence still counts as on time.
pub const ON_TIME: SignedDuration = SignedDuration::from_secs(60);
/// `catchup: all` looks back so far.
pub const WINDOW: SignedDuration = SignedDuration::from_hours(24);
/// `catchup: all` runs at most so many missed occurrences, the latest.
pub const MOST: usize = 100;

/// Which missed occurrences still run, when the server was off or the clock was set forward.
///
/// An occurrence is missed when it could not start within 60 seconds of its time; until then it counts as on time and runs.
/// Each one that is dropped is recorded with the reason.
///
/// ```yaml
/// catchup: all
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Catchup {
    /// None of them.
    None,
    /// The latest one, unless a later occurrence is on time.
    #[default]
    Latest,
    /// Those of the last 24 hours, the latest 100 of them at most, the oldest first.
    All,
}

/// Why a missed occurrence does not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// `catchup: none`.
    Late,
    /// `catchup: latest`, and a later one runs.
    Superseded,
    /// `catchup: all`, and it is older than 24 hours.
    OutsideWindow,
    /// `catchup: all`, and 100 later ones run.
    OverLimit,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Late => "it could not start within 60 s of its time, and `catchup: none` runs nothing later",
            Self::Superseded => {
                "it could not start within 60 s of its time, and `catchup: latest` runs only the latest"
            }
            Self::OutsideWindow => "it was missed more than 24 hours ago, which `catchup: all` does not make up for",
            Self::OverLimit => "100 later occurrences were missed too, and `catchup: all` makes up for no more",
        })
    }
}

/// Occurrences one after the other that do not run, for one reason.
///
/// Those of a week's outage may be hundreds of thousands, so they are told as a span; [`Dropped::each`] names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    /// The first of them.
    #[serde(with = "super::occurrence::moment")]
    pub first: Timestamp,
    /// The last of them.
    #[serde(with = "super::occurrence::moment")]
    pub last: Timestamp,
    /// How many, at least 1.
    pub count: u64,
    /// Why.
    pub reason: Reason,
}

impl Dropped {
    /// Each of the occurrences of `trigger` in the span.
    pub fn each<'t>(&self, trigger: &'t Trigger) -> impl Iterator<Item = Timestamp> + 't {
        std::iter::once(self.first).chain(trigger.between(self.first, self.last))
    }

    fn add(span: &mut Option<Self>, moment: Timestamp, reason: Reason) {
        match span {
            Some(span) => (span.last, span.count) = (moment, span.count.saturating_add(1)),
            None => *span = Some(Self { first: moment, last: moment, count: 1, reason }),
        }
    }
}

/// What is to be done about a job now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Due {
    /// The occurrences that run, the oldest first.
    pub fire: Vec<Timestamp>,
    /// Those that do not.
    pub dropped: Vec<Dropped>,
    /// The next occurrence after now; `None` where there is none before the year 9999.
    pub next: Option<Timestamp>,
    /// How far the clock is behind the last moment that was dealt with; nothing is due before it has passed that.
    pub behind: Option<SignedDuration>,
}

impl Due {
    /// The latest occurrence that fires or is dropped: once all are recorded, the next look begins behind it.
    pub fn dealt_with(&self) -> Option<Timestamp> {
        self.fire.last().copied().max(self.dropped.iter().map(|span| span.last).max())
    }
}

/// What is due at `now`, of the occurrences after `since`.
///
/// `since` is the latest of: the last occurrence that is recorded, whatever became of it; the moment from which this schedule
/// is in force; the moment at which a pause ended. `since` itself is not due.
///
/// Time grows with the number of occurrences since then (those of intervals outside of the window are counted, not gone
/// through); memory does not.
pub fn due(trigger: &Trigger, since: Timestamp, now: Timestamp, catchup: Catchup) -> Due {
    let mut due = Due { next: trigger.next_after(now.max(since)), ..Due::default() };
    if now < since {
        due.behind = Some(since.duration_since(now));
        return due;
    }
    let on_time = now.checked_sub(ON_TIME).unwrap_or(Timestamp::MIN);
    // The occurrences that are on time begin behind this moment; one that is 60 s late to the nanosecond is on time.
    let late_until = on_time.checked_sub(SignedDuration::from_nanos(1)).unwrap_or(Timestamp::MIN);
    due.fire = trigger.between(since.max(late_until), now).collect();
    if since < late_until {
        match catchup {
            Catchup::None => due.dropped.extend(all_of(trigger, since, late_until, Reason::Late)),
            Catchup::Latest => latest(trigger, since, late_until, &mut due),
            Catchup::All => window(trigger, since, late_until, now, &mut due),
        }
    }
    due
}

/// Drops every occurrence after `since` and not after `until`.
fn all_of(trigger: &Trigger, since: Timestamp, until: Timestamp, reason: Reason) -> Option<Dropped> {
    let first = trigger.next_after(since).filter(|first| *first <= until)?;
    let last = last_of(trigger, first, until);
    Some(Dropped { first, last, count: trigger.count(since, until), reason })
}

/// The last occurrence from `first`, which is one, to `until`: looked for backwards, in steps that double.
fn last_of(trigger: &Trigger, first: Timestamp, until: Timestamp) -> Timestamp {
    let mut back = SignedDuration::from_secs(1);
    loop {
        let from = until.checked_sub(back).unwrap_or(first).max(first);
        match trigger.next_after(from).filter(|found| *found <= until) {
            Some(found) => return trigger.between(found, until).last().unwrap_or(found),
            None if from == first => return first,
            None => back = back.saturating_add(back),
        }
    }
}

fn latest(trigger: &Trigger, since: Timestamp, until: Timestamp, due: &mut Due) {
    let Some(mut missed) = all_of(trigger, since, until, Reason::Superseded) else { return };
    if due.fire.is_empty() {
        due.fire.push(missed.last);
        if missed.count == 1 {
            return;
        }
        let before = missed.last.checked_sub(SignedDuration::from_nanos(1)).unwrap_or(missed.first);
        missed.last = last_of(trigger, missed.first, before);
        missed.count -= 1;
    }
    due.dropped.push(missed);
}

fn window(trigger: &Trigger, since: Timestamp, until: Timestamp, now: Timestamp, due: &mut Due) {
    // An occurrence of exactly 24 hours ago is within the window.
    let edge = now.checked_sub(WINDOW).and_then(|edge| edge.checked_sub(SignedDuration::from_nanos(1)));
    let edge = edge.unwrap_or(Timestamp::MIN).max(since);
    due.dropped.extend(all_of(trigger, since, edge, Reason::OutsideWindow));
    let mut kept: VecDeque<Timestamp> = VecDeque::with_capacity(MOST + 1);
    let mut over = None;
    for moment in trigger.between(edge, until) {
        kept.push_back(moment);
        if kept.len() > MOST
            && let Some(oldest) = kept.pop_front()
        {
            Dropped::add(&mut over, oldest, Reason::OverLimit);
        }
    }
    due.dropped.extend(over);
    kept.extend(due.fire.drain(..));
    due.fire = kept.into();
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;
