//! What references stand for, and which are refused.

use serde_json::json;

use super::*;
use crate::schedule::job::files::Pattern;
use crate::schedule::job::partitions::{Span, Unit};
use crate::schedule::zone;

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is no object"),
    }
}

fn occasion(partition: Option<&Partition>) -> Occasion<'_> {
    Occasion {
        scheduled: "2026-11-27T23:30:00.75Z".parse().unwrap(),
        zone: zone::named("Europe/Berlin").unwrap(),
        partition,
        run: "20261127-233000-00000042",
    }
}

fn day() -> Partition {
    let dates = ["2026-11-26", "2026-11-27"].map(|date| date.parse().unwrap());
    Partition { key: "2026-11-26".to_owned(), start: Some(dates[0]), end: Some(dates[1]) }
}

fn days() -> Partitions {
    Partitions::Spans(Span { unit: Unit::Day, from: "2026-01-01".parse().unwrap(), to: None, zone: TimeZone::UTC })
}

fn of_files() -> Partitions {
    Partitions::Files(Pattern::new("in/*.csv").unwrap())
}

#[test]
fn references_are_replaced_within_texts_at_any_depth() {
    let written = object(json!({
        "at": "${schedule.time}",
        "date": "${schedule.date}",
        "out": "out/${partition.key}/${run.id}.csv",
        "span": ["${partition.start}", "${partition.end}"],
        "deep": {"list": [1, true, null, 0.5, {"x": "$${partition.key} costs $5"}]},
        "number": 12,
    }));
    assert_eq!(
        Value::Object(fill(&written, &occasion(Some(&day()))).unwrap()),
        json!({
            // UTC, and the date in Berlin, where the next day has begun.
            "at": "2026-11-27T23:30:00Z",
            "date": "2026-11-28",
            "out": "out/2026-11-26/20261127-233000-00000042.csv",
            "span": ["2026-11-26", "2026-11-27"],
            "deep": {"list": [1, true, null, 0.5, {"x": "${partition.key} costs $5"}]},
            "number": 12,
        })
    );
}

#[test]
fn a_file_has_a_path_and_what_is_put_in_is_not_read_again() {
    let file = Partition { key: "in/${run.id}.csv".to_owned(), start: None, end: None };
    let written = object(json!({"path": "${partition.path}"}));
    assert_eq!(fill(&written, &occasion(Some(&file))).unwrap(), object(json!({"path": "in/${run.id}.csv"})));
}

#[test]
fn a_reference_without_a_value_is_told_with_the_parameter() {
    for (text, said) in [
        ("${partition.key}", "the parameter `a`: `${partition.key}` has no value for this run"),
        ("${partition.path}", "the parameter `a`: `${partition.path}` has no value for this run"),
        ("${env:HOME}", "the parameter `a`: `${env:HOME}` has no value for this run"),
        ("${run.id", "the parameter `a`: `${` is not closed; write `$${` for `${` itself"),
    ] {
        let written = object(json!({"a": [text]}));
        assert_eq!(fill(&written, &occasion(None)), Err(said.to_owned()));
    }
}

#[test]
fn what_a_person_gives_is_held_to_the_same_rules() {
    let check = |value: Value, partitions: Option<&Partitions>| check(&object(value), partitions);
    assert_eq!(check(json!({"a": "${schedule.date}", "b-c_1": [1, {"x": "$${a}"}]}), None), Ok(()));
    assert_eq!(check(json!({"a": "${partition.path}"}), Some(&of_files())), Ok(()));
    assert_eq!(check(json!({"a": "${partition.end}"}), Some(&days())), Ok(()));
    for (given, partitions, said) in [
        (
            json!({"a b": 1}),
            None,
            "`a b` cannot name a parameter; a name has letters, digits, `_` and `-`, and starts with a letter or `_`",
        ),
        (json!({"": 1}), None, "`` cannot name a parameter"),
        (json!({"a=b": 1}), None, "`a=b` cannot name a parameter"),
        (
            json!({"a": {"b": ["${env:TOKEN}"]}}),
            None,
            "the parameter `a`: `${env:TOKEN}` is a secret, which a job file cannot hold",
        ),
        (json!({"a": "${ENV:TOKEN}"}), None, "is a secret"),
        (json!({"a": "${ env:TOKEN}"}), None, "is a secret"),
        (
            json!({"a": "${schedule.dat}"}),
            None,
            "unknown reference `${schedule.dat}`; did you mean `${schedule.date}`?",
        ),
        (json!({"a": "${}"}), None, "unknown reference `${}`"),
        (json!({"a": "x ${run.id"}), None, "`${` is not closed"),
        (json!({"a": "${partition.key}"}), None, "the job has no partitions"),
        (json!({"a": "${partition.path}"}), Some(days()), "a partition of this job is a day"),
        (json!({"a": "${partition.start}"}), Some(of_files()), "a partition of this job is a file"),
    ] {
        let error = check(given.clone(), partitions.as_ref()).unwrap_err();
        assert!(error.contains(said), "{given}: {error}");
    }
}

#[test]
fn settings_are_texts_as_they_are_and_all_else_as_json() {
    let filled = object(json!({"text": "a b", "number": 1.5, "list": ["a", 1], "yes": true, "nothing": null}));
    let settings = settings(&filled);
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(
        settings,
        [("text", "a b"), ("number", "1.5"), ("list", r#"["a",1]"#), ("yes", "true"), ("nothing", "null")]
    );
}
