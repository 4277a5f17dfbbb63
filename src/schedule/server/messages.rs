//! Messages: what is told of an end, of what was missed; sending them on threads of their own.

use std::ffi::OsString;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::log::Journal;
use super::tick::Known;
use crate::schedule::catchup::Due;
use crate::schedule::gate::Judged;
use crate::schedule::job::Definition;
use crate::schedule::notify::{self, Gate, Lookup, Message, Missed, Outcome, State, backoff};
use crate::schedule::service::{Bell, Result, Service};
use crate::schedule::store::{Delivery, Finished, NewNotification, Notification, NotificationState};

/// So long nobody else takes a message that is being sent: longer than any channel may take.
const LEASE: SignedDuration = SignedDuration::from_mins(10);
/// A message whose next try lies further ahead was set by a clock that went back since.
const HORIZON: SignedDuration = SignedDuration::from_hours(2);
/// Messages are looked for so often.
const LOOK: Duration = Duration::from_secs(1);
/// So many threads send.
pub(super) const SENDERS: usize = 4;

fn recorded(messages: Vec<Message>) -> Vec<NewNotification> {
    let new = |message: Message| NewNotification {
        event: message.event.word().to_owned(),
        channel: message.channel,
        payload: message.payload,
    };
    messages.into_iter().map(new).collect()
}

fn gate(judged: &Judged) -> Gate<'_> {
    Gate { name: &judged.condition, passed: judged.held.passes(), reason: Some(&judged.why) }
}

/// The messages that follow from the end of a run. `retry` is when it is tried again, `conditions` what gates said of it, `url` where
/// the server's page is found.
pub(super) fn of_end(
    finished: &Finished,
    retry: Option<Timestamp>,
    conditions: &[Judged],
    definition: &Definition,
    url: Option<&str>,
) -> Vec<NewNotification> {
    let run = &finished.run;
    let Some(state) = State::of(run.state.word()) else { return Vec::new() };
    let mut gates: Vec<Gate<'_>> = conditions.iter().map(gate).collect();
    // A message has room for some of many: what did not hold comes first.
    gates.sort_by_key(|gate| gate.passed);
    let facts = notify::Finished {
        job: &run.job,
        run: run.id.as_str(),
        attempt: run.attempt,
        origin: run.origin.word(),
        partition: run.partition.as_deref(),
        state,
        before: finished.before.and_then(|before| State::of(before.word())),
        retry,
        gates: &gates,
        scheduled: run.scheduled,
        started: run.started,
        ended: run.ended,
        message: run.message.as_deref(),
        metrics: &run.metrics,
        base_url: url,
    };
    recorded(notify::messages(&facts, &definition.notify))
}

/// The messages that tell of occurrences that were dropped.
pub(super) fn missed(known: &Known, due: &Due, url: Option<&str>) -> Vec<NewNotification> {
    let first = due.dropped.iter().map(|span| span.first).min();
    let last = due.dropped.iter().map(|span| span.last).max();
    let (Some(first), Some(last)) = (first, last) else { return Vec::new() };
    let reason = due.dropped.iter().max_by_key(|span| span.count).map(|span| span.reason.to_string());
    let facts = Missed {
        job: &known.definition.name,
        count: due.dropped.iter().fold(0, |sum, span| sum.saturating_add(span.count)),
        first,
        last,
        reason: reason.as_deref().unwrap_or_default(),
        base_url: url,
    };
    recorded(notify::missed(&facts, &known.definition.notify))
}

/// Variables in which the job's channels have secrets; no worker gets them.
pub(super) fn withheld(definition: &Definition) -> Vec<OsString> {
    definition.notify.iter().flat_map(|channel| channel.variables()).map(OsString::from).collect()
}

/// Sends messages.
pub(super) trait Post: Send + Sync {
    /// Sends one and waits for what becomes of it.
    fn send(&self, definition: &Definition, notification: &Notification, now: Timestamp) -> Outcome;
}

/// Sends by the channels of the job.
#[derive(Debug)]
pub(super) struct Channels {
    pub(super) base: std::path::PathBuf,
}

impl Post for Channels {
    fn send(&self, definition: &Definition, notification: &Notification, now: Timestamp) -> Outcome {
        let Some(channel) = notify::find(&definition.notify, &notification.channel) else {
            return Outcome::GiveUp(format!("the job's file has no channel `{}` any more", notification.channel));
        };
        let delivery = notify::Delivery {
            key: &notification.key,
            payload: &notification.payload,
            attempt: notification.attempts,
            now,
        };
        notify::send(channel, &delivery, &Lookup::process(&self.base))
    }
}

/// Takes one message whose time has come, sends it and notes what became of it. Whether there was one.
///
/// Errors: the database. A message that was sent but not noted is sent again after the lease, with the same key.
pub(super) fn send_one(service: &Service, post: &dyn Post, log: &Journal) -> Result<bool> {
    let now = service.now();
    let later = |by: SignedDuration| now.checked_add(by).unwrap_or(Timestamp::MAX);
    let (lease, horizon) = (later(LEASE), later(HORIZON));
    let Some(notification) = service.store().take_notifications(now, lease, horizon, 1)?.pop() else {
        return Ok(false);
    };
    let job = service.store().job(&notification.job)?;
    let outcome = match service.in_force(&job)? {
        Some(definition) => post.send(&definition, &notification, now),
        None => Outcome::GiveUp("the job has no definition that can be read".to_owned()),
    };
    let now = service.now();
    let delivery = match outcome {
        Outcome::Sent => Delivery::Sent,
        Outcome::GiveUp(reason) => Delivery::GiveUp(reason),
        Outcome::Again { reason, after } => {
            match backoff::next(&notification.key, notification.attempts, notification.created, now, after) {
                backoff::Next::At(at) => Delivery::Again(reason, at),
                backoff::Next::GiveUp(end) => Delivery::GiveUp(format!("{end}; the last time: {reason}")),
            }
        }
    };
    let state = service.store().delivered(notification.number, &delivery, now)?;
    let entry = match state {
        NotificationState::GivenUp => log.warning(now, "message_given_up"),
        _ => log.info(now, "message"),
    };
    let entry = entry.with("job", &notification.job).with("told", &notification.event);
    entry.with("channel", &notification.channel).with("state", state).write();
    Ok(true)
}

/// Sends messages until it is told to end.
pub(super) fn send_all(service: &Service, post: &dyn Post, log: &Journal, ended: &AtomicBool, bell: &Bell) {
    while !ended.load(Ordering::Acquire) {
        match send_one(service, post, log) {
            Ok(true) => {}
            // What is wrong with the database the loop says.
            Ok(false) | Err(_) => _ = bell.wait(LOOK),
        }
    }
}

/// Several threads that send.
pub(super) fn senders(
    service: &Arc<Service>,
    post: &Arc<dyn Post>,
    log: &Journal,
    ended: &Arc<AtomicBool>,
    bell: &Arc<Bell>,
) -> Vec<std::thread::JoinHandle<()>> {
    (0..SENDERS)
        .filter_map(|_| {
            let (service, post, log) = (Arc::clone(service), Arc::clone(post), log.clone());
            let (ended, bell) = (Arc::clone(ended), Arc::clone(bell));
            let thread = std::thread::Builder::new().name("sender".to_owned());
            thread.spawn(move || send_all(&service, &*post, &log, &ended, &bell)).ok()
        })
        .collect()
}
