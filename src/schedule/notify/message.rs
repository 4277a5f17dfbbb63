//! Which messages follow from what happened: a function of plain facts.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::channel::Channel;
use super::event::Event;
use super::payload;
use crate::schedule::catchup;

/// How a run ended. The words are those of the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Well.
    Succeeded,
    /// With an error.
    Failed,
    /// Because its time was over.
    TimedOut,
    /// Its worker died or fell silent.
    Lost,
    /// Because somebody asked for it.
    Cancelled,
}

impl State {
    const ALL: [Self; 5] = [Self::Succeeded, Self::Failed, Self::TimedOut, Self::Lost, Self::Cancelled];

    /// The word in the history and in payloads.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Lost => "lost",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of a word; `None` where that is no end of a run.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// Whether it is a failure: neither a success nor what somebody asked for.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::TimedOut | Self::Lost)
    }
}

/// The verdict of one condition on a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gate<'a> {
    /// The condition in words, or its name.
    pub name: &'a str,
    /// Whether it holds.
    pub passed: bool,
    /// Why not.
    pub reason: Option<&'a str>,
}

/// A run that has ended.
#[derive(Debug, Clone)]
pub struct Finished<'a> {
    /// The job.
    pub job: &'a str,
    /// The run.
    pub run: &'a str,
    /// 1 for the first try, 2 for its first retry.
    pub attempt: u32,
    /// What asked for it: `schedule`, `manual`, ..
    pub origin: &'a str,
    /// Its partition, where the job has some.
    pub partition: Option<&'a str>,
    /// How it ended.
    pub state: State,
    /// How the job's last run before it ended **for good**: neither an earlier try of this run, nor a try after which
    /// another came, nor a cancelled run. Otherwise a run that succeeds at its second try would tell of a recovery from a
    /// failure that nobody was told of.
    pub before: Option<State>,
    /// When it is tried again, if it is.
    pub retry: Option<Timestamp>,
    /// The conditions on it.
    pub gates: &'a [Gate<'a>],
    /// The time for which it was scheduled.
    pub scheduled: Option<Timestamp>,
    /// When its worker began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// What a person should know of its end; secrets masked.
    pub message: Option<&'a str>,
    /// Rows, quality, accuracy and what else is followed over runs.
    pub metrics: &'a Map<String, Value>,
    /// The address of the dashboard (`https://gristmill.example.org`), if it is known.
    pub base_url: Option<&'a str>,
}

/// Scheduled runs that were dropped: one message tells of all that were dropped at once.
#[derive(Debug, Clone, Copy)]
pub struct Missed<'a> {
    /// The job.
    pub job: &'a str,
    /// How many.
    pub count: u64,
    /// The time of the first.
    pub first: Timestamp,
    /// The time of the last.
    pub last: Timestamp,
    /// Why they were.
    pub reason: &'a str,
    /// The address of the dashboard, if it is known.
    pub base_url: Option<&'a str>,
}

/// A message to record and to send.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// What it tells of.
    pub event: Event,
    /// The name of the channel by which it goes.
    pub channel: String,
    /// What it says: see `docs/notifications.md`. At most 256 KiB as JSON, without parameters and secrets.
    pub payload: Map<String, Value>,
}

/// The messages that follow from the end of a run, in the order of the channels.
///
/// - *failure*: it failed and is not tried again.
/// - *recovery*: it succeeded, and the one before had failed for good.
/// - *gate refused*: it succeeded, and a condition does not hold.
/// - *success*: it succeeded; by channels that tell neither of the two before about the same run.
/// - *late*: it is a first try that started more than 60 s after its scheduled time, however it ended.
///
/// A cancelled run is no event: whoever cancelled it knows. Time: channels times the size of a payload, which is bounded.
pub fn messages(finished: &Finished<'_>, channels: &[Channel]) -> Vec<Message> {
    let happened = events(finished);
    let mut messages = Vec::new();
    for channel in channels {
        let told: Vec<Event> = happened.iter().copied().filter(|event| channel.events().contains(event)).collect();
        let is_told_better = told.iter().any(|event| matches!(event, Event::Recovery | Event::GateRefused));
        for event in told {
            if event == Event::Success && is_told_better {
                continue;
            }
            let payload = payload::finished(event, finished);
            messages.push(Message { event, channel: channel.name().to_owned(), payload });
        }
    }
    messages
}

/// The messages that tell of dropped occurrences, in the order of the channels; none where none was dropped.
pub fn missed(missed: &Missed<'_>, channels: &[Channel]) -> Vec<Message> {
    if missed.count == 0 {
        return Vec::new();
    }
    let telling = channels.iter().filter(|channel| channel.events().contains(&Event::Missed));
    let message = |channel: &Channel| Message {
        event: Event::Missed,
        channel: channel.name().to_owned(),
        payload: payload::missed(missed),
    };
    telling.map(message).collect()
}

/// What the end of a run means, whoever is told.
fn events(finished: &Finished<'_>) -> Vec<Event> {
    let mut events = Vec::new();
    if finished.state.is_failure() && finished.retry.is_none() {
        events.push(Event::Failure);
    }
    if finished.state == State::Succeeded {
        if finished.before.is_some_and(State::is_failure) {
            events.push(Event::Recovery);
        }
        if finished.gates.iter().any(|gate| !gate.passed) {
            events.push(Event::GateRefused);
        }
        events.push(Event::Success);
    }
    if late_by(finished).is_some() {
        events.push(Event::Late);
    }
    events
}

/// How late a first try started, where that is not on time any more.
pub(super) fn late_by(finished: &Finished<'_>) -> Option<SignedDuration> {
    let late = finished.started?.duration_since(finished.scheduled?);
    // A retry is late because the first try was not good, which is another message.
    (finished.attempt <= 1 && late > catchup::ON_TIME).then_some(late)
}
