//! Which messages follow from which facts, and what they say.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{at, checked, failed};
use crate::schedule::notify::payload::LONGEST;
use crate::schedule::notify::{Channel, Finished, Gate, Missed, State, messages, missed};

/// A channel for each list of events.
fn telling(events: &[&str]) -> Vec<Channel> {
    let lines: Vec<String> = events.iter().map(|on| format!("- command: {{run: [tell], on: [{on}]}}")).collect();
    checked(&lines.join("\n")).unwrap()
}

const ALL: &str = "failure, recovery, success, gate_refused, late, missed";

fn events(finished: &Finished<'_>, on: &str) -> Vec<&'static str> {
    messages(finished, &telling(&[on])).iter().map(|message| message.event.word()).collect()
}

const REFUSED: [Gate<'static>; 2] = [
    Gate { name: "accuracy", passed: false, reason: Some("0.81 is below 0.85") },
    Gate { name: "drift", passed: true, reason: None },
];

#[test]
fn each_end_of_a_run_has_its_events() {
    let metrics = Map::new();
    let retry = Some(at("2026-11-27T21:45:00Z"));
    use State::{Cancelled, Failed, Lost, Succeeded, TimedOut};
    for (state, before, retry, gates, expected) in [
        (Failed, Some(Succeeded), None, &[] as &[_], &["failure"] as &[_]),
        (Failed, None, None, &[], &["failure"]),
        (Failed, Some(Failed), None, &[], &["failure"]),
        (TimedOut, Some(Succeeded), None, &[], &["failure"]),
        (Lost, Some(Succeeded), None, &[], &["failure"]),
        (Failed, Some(Succeeded), retry, &[], &[]),
        (Lost, Some(Succeeded), retry, &[], &[]),
        (Cancelled, Some(Succeeded), None, &[], &[]),
        (Cancelled, Some(Failed), None, &[], &[]),
        (Succeeded, Some(Succeeded), None, &[], &["success"]),
        (Succeeded, None, None, &[], &["success"]),
        (Succeeded, Some(Failed), None, &[], &["recovery"]),
        (Succeeded, Some(TimedOut), None, &[], &["recovery"]),
        (Succeeded, Some(Lost), None, &[], &["recovery"]),
        (Succeeded, Some(Succeeded), None, &REFUSED, &["gate_refused"]),
        (Succeeded, Some(Failed), None, &REFUSED, &["recovery", "gate_refused"]),
        (Succeeded, Some(Succeeded), None, &REFUSED[1..], &["success"]),
        // Conditions are of no interest where there is nothing to promote.
        (Failed, Some(Succeeded), None, &REFUSED, &["failure"]),
    ] {
        let finished = Finished { state, before, retry, gates, ..failed(&metrics) };
        assert_eq!(events(&finished, ALL), expected, "{state:?} {before:?} {retry:?}");
    }
}

#[test]
fn a_success_is_told_as_such_by_channels_that_do_not_tell_it_better() {
    let metrics = Map::new();
    let recovered =
        Finished { state: State::Succeeded, before: Some(State::Failed), gates: &REFUSED, ..failed(&metrics) };
    for (on, expected) in [
        ("success", vec!["success"]),
        ("success, failure", vec!["success"]),
        ("success, recovery", vec!["recovery"]),
        ("success, gate_refused", vec!["gate_refused"]),
        ("recovery, gate_refused", vec!["recovery", "gate_refused"]),
        ("failure", vec![]),
    ] {
        assert_eq!(events(&recovered, on), expected, "{on}");
    }
}

#[test]
fn a_first_try_that_starts_more_than_sixty_seconds_late_is_late_however_it_ends() {
    let metrics = Map::new();
    for (started, attempt, expected) in [
        ("2026-11-27T21:45:00Z", 1, false),
        ("2026-11-27T21:45:00.000001Z", 1, true),
        ("2026-11-27T23:44:00Z", 1, true),
        ("2026-11-27T23:44:00Z", 2, false),
        ("2026-11-27T21:00:00Z", 1, false),
    ] {
        for state in [State::Failed, State::Succeeded, State::Cancelled] {
            let finished = Finished { state, attempt, started: Some(at(started)), ..failed(&metrics) };
            assert_eq!(events(&finished, "late") == ["late"], expected, "{started} {attempt}");
        }
    }
    let by_hand = Finished { scheduled: None, ..failed(&metrics) };
    assert!(events(&by_hand, "late").is_empty());
    let never = Finished { started: None, ..failed(&metrics) };
    assert!(events(&never, "late").is_empty());
}

#[test]
fn each_channel_gets_the_events_that_it_tells() {
    let metrics = Map::new();
    let channels = telling(&["failure", "success", "failure, late"]);
    let told: Vec<(String, &str)> = messages(&failed(&metrics), &channels)
        .into_iter()
        .map(|message| (message.channel, message.event.word()))
        .collect();
    assert_eq!(told, [("command".to_owned(), "failure"), ("command_3".to_owned(), "failure")]);
    assert!(messages(&failed(&metrics), &[]).is_empty());
}

/// The layout that `docs/notifications.md` describes: a change of it is a change of the version.
#[test]
fn a_payload_says_what_happened() {
    let metrics = json!({"rows": 336776, "judge": {"accuracy": 0.8125, "by": {"class": 1}}, "note": "fine", "list": [1], "none": null, "ok": true});
    let finished = Finished {
        attempt: 3,
        partition: Some("2026-11-27"),
        gates: &REFUSED,
        state: State::Succeeded,
        before: Some(State::Failed),
        message: Some("done\r\nwith 2 warnings"),
        base_url: Some("https://mill.example.org/"),
        ..failed(metrics.as_object().unwrap())
    };
    let found = messages(&finished, &telling(&["gate_refused"])).remove(0);
    let expected = json!({
        "version": 1,
        "event": "gate_refused",
        "text": "nightly was not promoted, because this does not hold: accuracy, partition 2026-11-27, attempt 3",
        "job": "nightly",
        "run": "20261127-214400-00000042",
        "attempt": 3,
        "origin": "schedule",
        "partition": "2026-11-27",
        "state": "succeeded",
        "before": "failed",
        "scheduled": "2026-11-27T21:44:00Z",
        "started": "2026-11-27T21:44:01Z",
        "ended": "2026-11-27T21:44:13Z",
        "seconds": 12.5,
        "message": "done\nwith 2 warnings",
        "gates": [{"name": "accuracy", "passed": false, "reason": "0.81 is below 0.85"}, {"name": "drift", "passed": true}],
        "metrics": {"rows": 336776, "judge.accuracy": 0.8125, "judge.by.class": 1, "note": "fine", "ok": true},
        "link": "https://mill.example.org/runs/20261127-214400-00000042",
    });
    assert_eq!(Value::Object(found.payload.clone()), expected);
    // In this order too: people read it.
    assert_eq!(Value::Object(found.payload).to_string(), expected.to_string());
}

#[test]
fn what_is_not_known_is_not_in_a_payload() {
    let metrics = Map::new();
    let bare = Finished { scheduled: None, started: None, before: None, message: None, ..failed(&metrics) };
    let payload = messages(&bare, &telling(&["failure"])).remove(0).payload;
    let keys: Vec<&str> = payload.keys().map(String::as_str).collect();
    assert_eq!(keys, ["version", "event", "text", "job", "run", "attempt", "origin", "state", "ended"]);
}

#[test]
fn the_text_says_it_in_a_sentence() {
    let metrics = Map::new();
    for (state, before, on, expected) in [
        (State::Failed, None, "failure", "nightly failed"),
        (State::TimedOut, None, "failure", "nightly took longer than its timeout"),
        (State::Lost, None, "failure", "nightly was lost: its worker died or fell silent"),
        (State::Succeeded, None, "success", "nightly succeeded"),
        (State::Succeeded, Some(State::Lost), "recovery", "nightly succeeds again"),
    ] {
        let finished = Finished { state, before, ..failed(&metrics) };
        assert_eq!(messages(&finished, &telling(&[on]))[0].payload["text"], expected);
    }
    let gates = [
        Gate { name: "rows of `load` is at least 10", passed: false, reason: None },
        Gate { name: "drift", passed: true, reason: None },
        Gate { name: "ROC AUC of `judged` is at least 0.7", passed: false, reason: None },
    ];
    let refused = Finished { state: State::Succeeded, gates: &gates, ..failed(&metrics) };
    assert_eq!(
        messages(&refused, &telling(&["gate_refused"]))[0].payload["text"],
        "nightly was not promoted, because 2 conditions do not hold: rows of `load` is at least 10; ROC AUC of `judged` is at least 0.7"
    );
    let late = Finished { started: Some(at("2026-11-27T23:14:05.9Z")), ..failed(&metrics) };
    assert_eq!(messages(&late, &telling(&["late"]))[0].payload["text"], "nightly started 1h30m5s late");
}

#[test]
fn dropped_runs_are_told_together() {
    let dropped = Missed {
        job: "nightly",
        count: 1_234,
        first: at("2026-11-20T02:00:00Z"),
        last: at("2026-11-27T02:00:00Z"),
        reason: "it is more than 24 h ago",
        base_url: Some("https://mill.example.org"),
    };
    let found = missed(&dropped, &telling(&["failure", "missed"]));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].channel, "command_2");
    let expected = json!({
        "version": 1,
        "event": "missed",
        "text": "nightly missed 1,234 scheduled runs",
        "job": "nightly",
        "count": 1234,
        "first": "2026-11-20T02:00:00Z",
        "last": "2026-11-27T02:00:00Z",
        "message": "it is more than 24 h ago",
        "link": "https://mill.example.org/jobs/nightly",
    });
    assert_eq!(Value::Object(found[0].payload.clone()), expected);
    let one = Missed { count: 1, ..dropped };
    assert_eq!(missed(&one, &telling(&["missed"]))[0].payload["text"], "nightly missed a scheduled run");
    assert!(missed(&Missed { count: 0, ..dropped }, &telling(&["missed"])).is_empty());
}

#[test]
fn a_state_is_read_by_its_word_in_the_history() {
    for state in [State::Succeeded, State::Failed, State::TimedOut, State::Lost, State::Cancelled] {
        assert_eq!(State::of(state.word()), Some(state));
    }
    assert_eq!(State::of("running"), None);
}

#[test]
fn the_largest_payload_is_as_large_as_the_documentation_says() {
    // The character with the most bytes that is shown, in everything that has a bound.
    let long = "\u{10ffff}".repeat(5000);
    let gates = vec![Gate { name: &long, passed: false, reason: Some(&long) }; 30];
    let names: Vec<String> = (0..150).map(|number| format!("{number}{long}")).collect();
    let metrics: Map<String, Value> = names.iter().map(|name| (name.clone(), Value::from(long.as_str()))).collect();
    let finished = Finished {
        job: &long,
        run: &long,
        origin: &long,
        partition: Some(&long),
        message: Some(&long),
        gates: &gates,
        state: State::Succeeded,
        before: Some(State::Failed),
        base_url: Some(&long),
        ..failed(&metrics)
    };
    for message in messages(&finished, &telling(&[ALL])) {
        let bytes = Value::Object(message.payload.clone()).to_string().len();
        assert!((200 << 10..=LONGEST).contains(&bytes), "{bytes}");
    }
    let docs = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/notifications.md"));
    assert!(docs.contains(&format!("A payload has at most {} KiB", LONGEST >> 10)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn a_payload_is_bounded_whatever_the_data_say(
        text in "(.|[\r\n\u{0}\u{2028}\u{10ffff}]){0,30}",
        times in 1usize..60,
        count in 0usize..120,
    ) {
        let long = text.repeat(times);
        let gates = vec![Gate { name: &long, passed: false, reason: Some(&long) }; count];
        let metrics: Map<String, Value> =
            (0..count).map(|number| (format!("{long}{number}"), json!({"deep": {"deeper": {"deepest": {"gone": long}}, "text": long}}))).collect();
        let finished = Finished {
            partition: Some(&long),
            message: Some(&long),
            origin: &long,
            gates: &gates,
            state: State::Succeeded,
            before: Some(State::Failed),
            base_url: Some(&long),
            ..failed(&metrics)
        };
        for message in messages(&finished, &telling(&[ALL])) {
            let written = Value::Object(message.payload.clone()).to_string();
            prop_assert!(written.len() <= LONGEST, "{}", written.len());
            let sentence = message.payload["text"].as_str().unwrap();
            prop_assert!(sentence.chars().count() <= 400 && !sentence.contains(char::is_control));
        }
    }
}
