//! How conditions are written, and what is wrong with them, at its place.

use schemars::schema_for;
use serde_json::json;

use super::{conditions, gate, read};
use crate::schedule::gate::{Checks, Grade, Margin, Promote, Require, Share};

fn refused(text: &str) -> (String, String) {
    let findings = read::<super::Gate>(text).err().unwrap();
    let first = findings.first().unwrap();
    (first.message.clone(), first.place.as_ref().map(|place| place.text().to_owned()).unwrap_or_default())
}

#[test]
fn a_condition_is_a_mapping_with_one_key() {
    let Require::Checks(checks) = &conditions("checks: passed")[0] else { panic!() };
    assert_eq!(checks.value, Checks::default());
    let Require::Checks(checks) = &conditions("checks: {stage: a, warnings: none, health_at_least: 0.9}")[0] else {
        panic!()
    };
    assert_eq!((checks.stage.as_ref().unwrap().value.as_str(), checks.warnings), ("a", Grade::None));
    assert_eq!(checks.health_at_least.as_ref().unwrap().value, Share(0.9));
    let (message, place) = refused("require: [{checks: passed, rows: {stage: a}}]");
    assert_eq!((message.as_str(), place.as_str()), ("expected one key, found `checks` and `rows`", "rows"));
}

#[test]
fn shares_and_margins_are_numbers_or_percentages() {
    let margin = |text: &str| {
        let text = format!("metric: {{name: a, better_than: last, by: {text}}}");
        let Require::Metric(metric) = conditions(&text).remove(0) else { panic!() };
        metric.value.by.unwrap().value
    };
    assert_eq!(margin("0.01"), Margin::Absolute(0.01));
    assert_eq!(margin("1%"), Margin::Relative(0.01));
    assert_eq!(margin("-2"), Margin::Absolute(-2.0));
    assert_eq!(margin("\"-0.5 %\""), Margin::Relative(-0.005));
    let Require::Rows(rows) = conditions("rows: {stage: a, change_at_most: 20%}").remove(0) else { panic!() };
    assert_eq!(rows.value.change_at_most.unwrap().value, Share(0.2));
}

#[test]
fn wrong_words_and_numbers_are_refused_at_their_place() {
    for (text, message, place) in [
        ("require: [{checks: pased}]", "found `pased`", "pased"),
        ("require: [{check: passed}]", "unknown key `check`", "check"),
        ("require: [{checks: {stag: a}}]", "unknown option `stag`", "stag"),
        ("require: [{rows: {at_least: 3}}]", "`stage` is missing", "{at_least: 3}"),
        ("require: [{rows: {stage: a, at_least: -3}}]", "expected a whole number of at least 0", "-3"),
        (
            "require: [{rows: {stage: a, change_at_most: 20}}, {rows: {stage: a, change_at_most: -1%}}]",
            "found `-1%`",
            "-1%",
        ),
        ("require: [{rows: {stage: a, change_at_most: lots}}]", "expected a share such as `20%` or `0.2`", "lots"),
        ("require: [{metric: {name: a, better_than: best}}]", "unknown value `best`", "best"),
        ("require: [{metric: {name: a, better_than: last, by: 1 %%}}]", "expected a number such as `0.01`", "1 %%"),
        ("require: [{stage: {id: a}}]", "`seconds_at_most` is missing", "{id: a}"),
        ("promote: [a]", "expected a mapping", "[a]"),
        ("promote: {a: 3}", "expected a text", "3"),
    ] {
        let (found, at) = refused(text);
        assert!(found.contains(message), "{text}: {found}");
        assert_eq!(at, place, "{text}");
    }
}

#[test]
fn all_findings_come_at_once() {
    let text = "require: [{checks: pased}, {rows: {stage: a, at_least: x}}, {metric: {nam: a}}]";
    assert_eq!(read::<super::Gate>(text).err().unwrap().len(), 3);
}

#[test]
fn what_is_written_again_means_the_same() {
    let text = "require:
  - checks: {warnings: none}
  - rows: {stage: a, at_least: 1, change_at_most: 20%}
  - drift: {stage: m, at_most: 0.2, columns: [x]}
  - metric: {name: auc, better_than: champion, by: 1%}
  - stage: {id: a, seconds_at_most: 1.5}
promote: {m: out/model, a: out/a.csv}";
    let first = gate(text);
    let again: Vec<Require> = serde_json::from_value(serde_json::to_value(&first.require).unwrap()).unwrap();
    assert_eq!(first.require, again);
    let again: Promote = serde_json::from_value(serde_json::to_value(&first.promote).unwrap()).unwrap();
    assert_eq!(first.promote.iter().collect::<Vec<_>>(), [("m", "out/model"), ("a", "out/a.csv")]);
    assert_eq!(first.promote, again);
}

#[test]
fn the_schema_takes_what_is_taken_and_refuses_what_is_refused() {
    let schema = serde_json::to_value(schema_for!(Vec<Require>)).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    for good in [
        json!([{ "checks": "passed" }]),
        json!([{ "checks": { "warnings": "none", "health_at_least": "95%" } }]),
        json!([{ "rows": { "stage": "a", "change_at_most": "20%" } }, { "drift": { "at_most": 0.2, "columns": "x" } }]),
        json!([{ "metric": { "name": "auc", "better_than": "champion", "by": "-1.5%" } }]),
    ] {
        assert!(schema.is_valid(&good), "{good}");
    }
    for bad in [
        json!([{ "checks": "pased" }]),
        json!([{ "rows": { "at_least": 3 } }]),
        json!([{ "metric": { "name": "auc", "better_than": "best" } }]),
        json!([{ "checks": "passed", "rows": { "stage": "a" } }]),
        json!([{ "checks": { "stag": "a" } }]),
    ] {
        assert!(!schema.is_valid(&bad), "{bad}");
    }
}
