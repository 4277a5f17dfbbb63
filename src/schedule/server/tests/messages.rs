//! Messages that the loop records, and what becomes of them.

use std::sync::Mutex;

use jiff::SignedDuration;
use serde_json::Value;

use super::super::log::Journal;
use super::super::messages::{Post, send_one};
use super::*;
use crate::schedule::job::Definition;
use crate::schedule::notify;
use crate::schedule::store::{Notification, NotificationState, RunState};

/// Somebody who takes messages, or not.
#[derive(Default)]
struct Receiver {
    /// Whether each try fails.
    deaf: bool,
    heard: Mutex<Vec<Notification>>,
}

impl Post for Receiver {
    fn send(&self, _: &Definition, notification: &Notification, _: jiff::Timestamp) -> notify::Outcome {
        self.heard.lock().unwrap().push(notification.clone());
        match self.deaf {
            true => notify::Outcome::Again { reason: "nobody answers".to_owned(), after: None },
            false => notify::Outcome::Sent,
        }
    }
}

impl Receiver {
    /// Sends all whose time has come, as the threads of a server do.
    fn takes_all(&self, world: &World) -> usize {
        let log = Journal::new(world.lines.clone());
        (0..).take_while(|_| send_one(&world.service, self, &log).unwrap()).count()
    }

    fn events(&self) -> Vec<String> {
        self.heard.lock().unwrap().iter().map(|heard| heard.event.clone()).collect()
    }
}

const TELLING: &str = "notify: [{command: {run: [tell], on: [failure, recovery, gate_refused, missed]}}]";

#[test]
fn a_failure_is_told_when_no_retry_is_left_and_a_recovery_once() {
    let mut world = World::new("2026-03-01T10:00:00Z", &[("flaky", &format!("retries: 1\n{TELLING}"))]);
    world.script("flaky", &[Script::Ends(1, 1), Script::Ends(1, 1), Script::Ends(1, 0)]);
    world.turn();
    world.ask("flaky");
    let receiver = Receiver::default();
    world.pass(4);
    assert_eq!(receiver.takes_all(&world), 0, "it is tried again");
    world.pass(20);
    assert_eq!(receiver.takes_all(&world), 1);
    world.ask("flaky");
    world.pass(5);
    world.ask("flaky");
    world.pass(5);
    assert_eq!(receiver.takes_all(&world), 1);
    assert_eq!(receiver.events(), ["failure", "recovery"]);
    let failure = &receiver.heard.lock().unwrap()[0].payload;
    assert_eq!(failure["text"], "flaky failed, attempt 2");
    assert_eq!(failure["state"], "failed");
    world.sound();
}

#[test]
fn a_refused_gate_is_told_with_each_condition_in_words() {
    let text = format!(
        "require: [{{rows: {{stage: rows, at_least: 10, at_most: 100}}}}, {{stage: {{id: rows, seconds_at_most: 0.5}}}}]\n{TELLING}"
    );
    let mut world = World::new("2026-03-01T10:00:00Z", &[("late", &text)]);
    world.fake.leaves("late", |launch| super::gates::leave(launch, 5));
    world.turn();
    let run = world.ask("late");
    world.pass(5);
    assert_eq!(world.run(&run).state, RunState::Succeeded);
    let receiver = Receiver::default();
    receiver.takes_all(&world);
    assert_eq!(receiver.events(), ["gate_refused"]);
    let told = &receiver.heard.lock().unwrap()[0].payload;
    let gates: Vec<(&str, bool)> = told["gates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|gate| (gate["name"].as_str().unwrap(), gate["passed"] == Value::Bool(true)))
        .collect();
    assert_eq!(
        gates,
        [
            ("the number of rows of `rows` is at least 10", false),
            ("the time of `rows` is at most 0.5 s", false),
            ("the number of rows of `rows` is at most 100", true),
        ],
        "what does not hold comes first"
    );
    assert_eq!(told["gates"][0]["reason"], "the number of rows of `rows` is 5, and at least 10 is wanted");
    let sentence = told["text"].as_str().unwrap();
    assert!(sentence.starts_with("late was not promoted, because 2 conditions do not hold: the number"), "{sentence}");
}

#[test]
fn a_message_that_did_not_arrive_is_sent_again_after_a_restart_with_the_same_key() {
    let mut world = World::new("2026-03-01T10:00:00Z", &[("flaky", TELLING)]);
    world.script("flaky", &[Script::Ends(1, 1)]);
    world.turn();
    world.ask("flaky");
    world.pass(5);
    let deaf = Receiver { deaf: true, ..Receiver::default() };
    assert_eq!(deaf.takes_all(&world), 1);
    let waiting = world.service.store().notifications(None, None, 9).unwrap().items.remove(0);
    assert_eq!((waiting.state, waiting.problem.as_deref()), (NotificationState::Waiting, Some("nobody answers")));
    let world = world.crash(SignedDuration::from_secs(3));
    let receiver = Receiver::default();
    assert_eq!(receiver.takes_all(&world), 0, "not before its time");
    world.clock.advance(SignedDuration::from_secs(8));
    assert_eq!(receiver.takes_all(&world), 1);
    let (first, second) = (deaf.heard.lock().unwrap()[0].clone(), receiver.heard.lock().unwrap()[0].clone());
    assert_eq!((first.key, first.payload, 1), (second.key, second.payload, first.attempts));
    assert_eq!(second.attempts, 2);
    let sent = world.service.store().notifications(None, None, 9).unwrap().items.remove(0);
    assert_eq!((sent.state, sent.next_try), (NotificationState::Sent, None));
    assert_eq!(receiver.takes_all(&world), 0);
}

#[test]
fn a_server_that_dies_while_it_sends_leaves_the_message_to_the_next_one() {
    let mut world = World::new("2026-03-01T10:00:00Z", &[("flaky", TELLING)]);
    world.script("flaky", &[Script::Ends(1, 1)]);
    world.turn();
    world.ask("flaky");
    world.pass(5);
    let (now, store) = (world.service.now(), world.service.store());
    let taken = store.take_notifications(now, now + SignedDuration::from_mins(10), now, 1).unwrap();
    assert_eq!(taken.len(), 1);
    let world = world.crash(SignedDuration::from_secs(60));
    let receiver = Receiver::default();
    assert_eq!(receiver.takes_all(&world), 0, "the one that died may have sent it just now");
    world.clock.advance(SignedDuration::from_mins(10));
    assert_eq!(receiver.takes_all(&world), 1);
    assert_eq!(receiver.heard.lock().unwrap()[0].key, taken[0].key);
}

#[test]
fn a_week_without_a_server_is_told_in_one_message() {
    let mut world = World::new("2026-03-01T00:10:00Z", &[("hourly", &format!("schedule: {{every: 1h}}\n{TELLING}"))]);
    world.turn();
    let mut world = world.crash(SignedDuration::from_hours(7 * 24));
    world.pass(5);
    let receiver = Receiver::default();
    receiver.takes_all(&world);
    assert_eq!(receiver.events(), ["missed"]);
    let told = &receiver.heard.lock().unwrap()[0].payload;
    assert_eq!(told["count"], 167);
    assert_eq!(told["text"], "hourly missed 167 scheduled runs");
    world.pass(60);
    assert_eq!(receiver.takes_all(&world), 0);
}
