use proptest::prelude::*;

use super::*;
use crate::schedule::clock::{Clock, SimulatedClock};
use crate::schedule::trigger::Schedule;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn trigger(json: &str) -> Trigger {
    serde_json::from_str::<Schedule>(json).unwrap().check().unwrap()
}

fn nightly() -> Trigger {
    trigger(r#"{"cron": "30 2 * * *"}"#)
}

#[test]
fn up_to_sixty_seconds_late_is_on_time_whatever_the_catchup() {
    let since = at("2026-03-01T12:00:00Z");
    for catchup in [Catchup::None, Catchup::Latest, Catchup::All] {
        for now in ["2026-03-02T02:30:00Z", "2026-03-02T02:30:59.5Z", "2026-03-02T02:31:00Z"] {
            let due = due(&nightly(), since, at(now), catchup);
            assert_eq!((due.fire.as_slice(), due.dropped.len()), ([at("2026-03-02T02:30:00Z")].as_slice(), 0), "{now}");
            assert_eq!(due.next, Some(at("2026-03-03T02:30:00Z")));
        }
        assert_eq!(due(&nightly(), since, at("2026-03-02T02:29:59.999Z"), catchup).fire, []);
    }
    let late = due(&nightly(), since, at("2026-03-02T02:31:00.001Z"), Catchup::None);
    assert_eq!(late.fire, []);
    assert_eq!(late.dropped.len(), 1);
    assert_eq!(late.dealt_with(), Some(at("2026-03-02T02:30:00Z")));
}

#[test]
fn after_seven_days_off_each_policy_does_what_it_says() {
    let (since, now) = (at("2026-03-01T02:30:00Z"), at("2026-03-08T10:00:00Z"));
    let moment = |day: u8| at(&format!("2026-03-0{day}T02:30:00Z"));
    let span = |first, last, count, reason| Dropped { first: moment(first), last: moment(last), count, reason };

    let none = due(&nightly(), since, now, Catchup::None);
    assert_eq!((none.fire, none.dropped), (vec![], vec![span(2, 8, 7, Reason::Late)]));

    let latest = due(&nightly(), since, now, Catchup::Latest);
    assert_eq!((latest.fire, latest.dropped), (vec![moment(8)], vec![span(2, 7, 6, Reason::Superseded)]));

    let all = due(&nightly(), since, now, Catchup::All);
    assert_eq!((all.fire, all.dropped), (vec![moment(8)], vec![span(2, 7, 6, Reason::OutsideWindow)]));
}

#[test]
fn all_makes_up_for_the_latest_hundred_of_a_day_and_names_each_that_is_dropped() {
    let minutely = trigger(r#"{"cron": "* * * * *"}"#);
    let (since, now) = (at("2026-03-01T10:00:00Z"), at("2026-03-08T10:00:30Z"));
    let due = due(&minutely, since, now, Catchup::All);
    // 10:00 is on time, 09:59 is 90 s late.
    assert_eq!(due.fire.len(), 101);
    assert_eq!(due.fire.first(), Some(&at("2026-03-08T08:20:00Z")));
    assert_eq!(due.fire.last(), Some(&at("2026-03-08T10:00:00Z")));
    assert_eq!(
        due.dropped,
        [
            Dropped {
                first: at("2026-03-01T10:01:00Z"),
                last: at("2026-03-07T10:00:00Z"),
                count: 6 * 1440,
                reason: Reason::OutsideWindow
            },
            Dropped {
                first: at("2026-03-07T10:01:00Z"),
                last: at("2026-03-08T08:19:00Z"),
                count: 1440 - 101,
                reason: Reason::OverLimit
            },
        ]
    );
    for span in &due.dropped {
        assert_eq!(span.each(&minutely).count() as u64, span.count);
        assert_eq!(span.each(&minutely).last(), Some(span.last));
    }
    assert_eq!(due.dealt_with(), Some(at("2026-03-08T10:00:00Z")));
}

#[test]
fn exactly_a_day_ago_is_within_the_window() {
    let now = at("2026-03-08T02:30:00Z");
    let due = due(&nightly(), at("2026-03-05T12:00:00Z"), now, Catchup::All);
    assert_eq!(due.fire, [at("2026-03-07T02:30:00Z"), now]);
    assert_eq!(due.dropped.iter().map(|span| span.count).sum::<u64>(), 1);
}

#[test]
fn latest_does_not_run_a_missed_one_beside_one_that_is_on_time() {
    let due = due(&nightly(), at("2026-03-05T12:00:00Z"), at("2026-03-08T02:30:20Z"), Catchup::Latest);
    assert_eq!(due.fire, [at("2026-03-08T02:30:00Z")]);
    assert_eq!(due.dropped[0].count, 2);
}

/// A server that looks every 20 s at a simulated clock, and remembers what it has recorded.
struct Server {
    clock: SimulatedClock,
    since: Timestamp,
    fired: Vec<Timestamp>,
    dropped: u64,
}

impl Server {
    fn at(now: &str) -> Self {
        Self { clock: SimulatedClock::at(at(now)), since: at(now), fired: Vec::new(), dropped: 0 }
    }

    fn look(&mut self, trigger: &Trigger, catchup: Catchup) -> Due {
        let due = due(trigger, self.since, self.clock.now(), catchup);
        self.fired.extend(&due.fire);
        self.dropped += due.dropped.iter().map(|span| span.count).sum::<u64>();
        self.since = self.since.max(due.dealt_with().unwrap_or(self.since));
        due
    }

    fn work(&mut self, trigger: &Trigger, catchup: Catchup, minutes: i64) {
        for _ in 0..minutes * 3 {
            self.clock.advance(SignedDuration::from_secs(20));
            self.look(trigger, catchup);
        }
    }
}

#[test]
fn the_clock_stepping_back_two_hours_fires_nothing_again() {
    let quarterly = trigger(r#"{"cron": "*/15 * * * *"}"#);
    let mut server = Server::at("2026-03-01T10:00:00Z");
    server.work(&quarterly, Catchup::Latest, 150);
    assert_eq!(server.fired.len(), 10);
    server.clock.advance(SignedDuration::from_hours(-2));
    let due = server.look(&quarterly, Catchup::Latest);
    assert_eq!(due.behind, Some(SignedDuration::from_hours(2)));
    assert_eq!(due.next, Some(at("2026-03-01T12:45:00Z")));
    server.work(&quarterly, Catchup::Latest, 150);
    // 10:15 to 12:30 in the first pass, 12:45 and 13:00 in the second; each once.
    assert_eq!(server.fired.len(), 12);
    assert!(server.fired.is_sorted_by(|a, b| a < b));
    assert_eq!(server.dropped, 0);
}

#[test]
fn the_clock_stepping_forward_two_hours_is_caught_up_as_the_job_says() {
    let quarterly = trigger(r#"{"cron": "*/15 * * * *"}"#);
    for (catchup, fired, dropped) in [(Catchup::None, 5, 7), (Catchup::Latest, 5, 7), (Catchup::All, 12, 0)] {
        let mut server = Server::at("2026-03-01T10:00:00Z");
        server.work(&quarterly, catchup, 31);
        // From 10:31 to 12:31: 10:45 to 12:15 are missed, 12:30 is on its 60th second.
        server.clock.advance(SignedDuration::from_hours(2));
        server.look(&quarterly, catchup);
        server.work(&quarterly, catchup, 30);
        assert_eq!((server.fired.len(), server.dropped), (fired, dropped), "{catchup:?}");
    }
}

#[test]
fn a_year_without_a_server_takes_no_memory_and_little_time() {
    let secondly = trigger(r#"{"every": "1s"}"#);
    let due = due(&secondly, at("2025-03-01T00:00:00Z"), at("2026-03-01T00:00:00Z"), Catchup::All);
    assert_eq!(due.fire.len(), 100 + 61);
    let dropped: u64 = due.dropped.iter().map(|span| span.count).sum();
    assert_eq!(dropped, 365 * 86_400 - 161);
}

#[test]
fn each_reason_says_which_rule_it_is() {
    for reason in [Reason::Late, Reason::Superseded, Reason::OutsideWindow, Reason::OverLimit] {
        assert!(reason.to_string().contains("`catchup: "), "{reason}");
    }
    assert_eq!(serde_json::to_string(&Catchup::Latest).unwrap(), r#""latest""#);
    assert_eq!(serde_json::to_string(&Reason::OutsideWindow).unwrap(), r#""outside_window""#);
}

proptest! {
    #[test]
    fn every_occurrence_fires_or_is_dropped_once(
        pattern in prop::sample::select(vec!["*/15 * * * *", "30 2 * * *", "0 */6 * * MON-FRI", "*/30 * * * * *"]),
        since in 0_i64..5_000_000,
        passed in 0_i64..400_000,
        catchup in prop::sample::select(vec![Catchup::None, Catchup::Latest, Catchup::All]),
    ) {
        let trigger = trigger(&format!(r#"{{"cron": "{pattern}", "zone": "Europe/Berlin"}}"#));
        let since = at("2026-03-01T00:00:00Z") + SignedDuration::from_secs(since);
        let now = since + SignedDuration::from_secs(passed);
        let due = due(&trigger, since, now, catchup);
        prop_assert!(due.fire.is_sorted_by(|a, b| a < b));
        let mut found: Vec<Timestamp> = due.dropped.iter().flat_map(|span| span.each(&trigger)).collect();
        prop_assert_eq!(found.len() as u64, due.dropped.iter().map(|span| span.count).sum::<u64>());
        found.extend(&due.fire);
        found.sort();
        let all: Vec<Timestamp> = trigger.between(since, now).collect();
        prop_assert_eq!(found, all);
    }
}
