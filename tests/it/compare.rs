//! Rows against those of another stage, and against the last good run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::{Workshop, stage, unexplained};

/// A table of two columns: a number and a text.
fn rows(values: impl IntoIterator<Item = (Option<i32>, &'static str)>) -> String {
    let shown = |value: Option<i32>| value.map(|value| value.to_string()).unwrap_or_default();
    let lines: String = values.into_iter().map(|(value, kind)| format!("{},{kind}\n", shown(value))).collect();
    format!("value,kind\n{lines}")
}

fn january() -> String {
    rows((0..1000).map(|i| (Some(i % 100), if i % 2 == 0 { "a" } else { "b" })))
}

/// Half of the numbers are larger, one text is new, and a tenth of the numbers is missing.
fn july() -> String {
    rows((0..1000).map(|i| {
        let value = if i % 2 == 0 { i % 100 + 100 } else { i % 100 };
        ((i % 10 != 9).then_some(value), if i % 4 == 0 { "c" } else { "b" })
    }))
}

fn against_stage(options: &str) -> Workshop {
    let workshop = Workshop::with_pipeline(&format!(
        "name: drift\nstages:\n  - id: before\n    read: {{path: january.csv}}\n  - id: now\n    read: {{path: july.csv}}\n  - id: drift\n    \
         compare: {options}\n  - write: {{path: drift.ndjson}}\n"
    ));
    workshop.write("january.csv", january());
    workshop.write("july.csv", july());
    workshop
}

fn by_column(workshop: &Workshop) -> BTreeMap<String, Value> {
    let rows = workshop.read_ndjson("drift.ndjson");
    rows.into_iter().map(|row| (row["column"].as_str().unwrap().to_owned(), row)).collect()
}

#[track_caller]
fn close(found: &Value, expected: f64) {
    let found = found.as_f64().unwrap_or_else(|| panic!("{found} is no number"));
    assert!((found - expected).abs() <= 1e-9 * expected.abs(), "{found} is not {expected}");
}

#[test]
fn columns_of_two_stages_are_compared_as_scipy_does() {
    let workshop = against_stage("{with: before}");
    let manifest = workshop.run();
    assert_eq!(unexplained(stage(&manifest, "drift")), Some(0));
    let found = by_column(&workshop);
    // tests/oracle/drift_scipy.py, section "stages".
    let stored: Value = serde_json::from_str(include_str!("../data/oracle/drift_scipy.json")).unwrap();
    let expected = &stored["stages"][0];
    for (column, measures) in
        [("value", &["ks", "wasserstein", "mean_before", "mean"][..]), ("kind", &["jensen_shannon", "chi_squared"])]
    {
        for measure in measures {
            close(&found[column][measure], expected[column][measure].as_f64().unwrap());
        }
        assert_eq!(found[column]["verdict"], "drifted", "{column}");
        close(&found[column]["psi"], expected[column]["psi"].as_f64().unwrap());
    }
    assert_eq!(found["value"]["nulls"], 0.1);
    assert!(found["value"]["reason"].as_str().unwrap().contains("10.0 percentage points more nulls"));
    let exhibits = stage(&manifest, "drift")["exhibits"].to_string();
    assert!(exhibits.contains("2 of 2 columns are not what they were in stage `before`"), "{exhibits}");
}

#[test]
fn thresholds_decide_what_has_drifted() {
    let far = "{with: before, columns: value, thresholds: {psi: 100, nulls: 0.5}}";
    let workshop = against_stage(far);
    workshop.run();
    assert_eq!(by_column(&workshop)["value"]["verdict"], "moved");
    for threshold in ["ks: 0.1", "wasserstein: 0.5", "jensen_shannon: 0.1", "p_value: 0.01"] {
        let near = far.replace("psi: 100", &format!("psi: 100, {threshold}"));
        let workshop = against_stage(&near);
        workshop.run();
        assert_eq!(by_column(&workshop)["value"]["verdict"], "drifted", "{threshold}");
    }
}

#[test]
fn drift_may_end_the_run() {
    let outcome = against_stage("{with: before, severity: fail}").gristmill(["run", "p.yaml"]);
    assert_eq!(outcome.code, Some(3), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("the rows have drifted"), "{}", outcome.stderr);
}

fn with_last_run() -> Workshop {
    let workshop = Workshop::with_pipeline(
        "name: drift\nstages:\n  - read: {path: rows.csv}\n  - id: drift\n    compare: {}\n  - write: {path: drift.ndjson}\n",
    );
    workshop.write("rows.csv", january());
    workshop
}

#[test]
fn the_last_good_run_is_what_a_run_is_compared_with() {
    let workshop = with_last_run();
    let first = workshop.run();
    assert!(stage(&first, "drift")["exhibits"].to_string().contains("no earlier good run"));
    assert!(workshop.read_ndjson("drift.ndjson").is_empty());
    // Nothing has changed.
    workshop.run();
    let found = by_column(&workshop);
    assert_eq!((&found["value"]["verdict"], &found["kind"]["verdict"]), (&"stable".into(), &"stable".into()));
    // Other rows.
    workshop.write("rows.csv", july());
    workshop.run();
    let found = by_column(&workshop);
    assert_eq!((&found["value"]["verdict"], &found["kind"]["verdict"]), (&"drifted".into(), &"drifted".into()));
    // What was kept has at most 500 points a column, which here are all.
    let stored: Value = serde_json::from_str(include_str!("../data/oracle/drift_scipy.json")).unwrap();
    close(&found["value"]["ks"], stored["stages"][0]["value"]["ks"].as_f64().unwrap());
}

#[test]
fn columns_that_come_and_go_and_change_their_type_are_named() {
    let workshop = with_last_run();
    workshop.run();
    workshop.write("rows.csv", "value,other\nx,1\ny,2\n");
    workshop.run();
    let found = by_column(&workshop);
    let verdict = |column: &str| found[column]["verdict"].as_str().unwrap().to_owned();
    assert_eq!([verdict("value"), verdict("kind"), verdict("other")], ["type changed", "gone", "new"]);
}

#[test]
fn degenerate_columns_have_a_stated_result() {
    let many: String =
        (0..10_100).map(|row| format!("1,,k{row},{}\n", if row == 0 { "inf" } else { "1e300" })).collect();
    let text = format!("constant,empty,id,huge\n{many}");
    let workshop = Workshop::with_pipeline(
        "name: drift\nstages:\n  - id: before\n    read: {path: a.csv, types: {huge: double, empty: double}}\n  - id: now\n    read: {path: b.csv, types: {huge: double, empty: double}}\n  - \
         compare: {with: before}\n  - write: {path: drift.ndjson}\n",
    );
    workshop.write("a.csv", &text);
    workshop.write("b.csv", text.replace("1,,", "2,,"));
    workshop.run();
    let found = by_column(&workshop);
    assert_eq!(found["constant"]["verdict"], "drifted");
    assert_eq!((&found["empty"]["verdict"], &found["empty"]["psi"]), (&"not compared".into(), &Value::Null));
    assert!(found["id"]["reason"].as_str().unwrap().contains("more than 10,000 different values"));
    assert_eq!(found["huge"]["verdict"], "stable");
}

#[test]
fn wrong_options_are_refused_at_their_place() {
    for (options, message) in [
        ("{with: nowhere}", "nowhere"),
        ("{with: before, columns: vaule}", "did you mean `value`?"),
        ("{with: before, bins: 1}", "`bins` is a number from 2 to 100, not 1"),
        ("{with: before, thresholds: {ks: 2}}", "`ks` is a number from 0 to 1, not 2"),
        ("{with: before, thresholds: {psi: -1}}", "`psi` is a number of at least 0, not -1"),
    ] {
        let outcome = against_stage(options).gristmill(["check", "p.yaml"]);
        assert_eq!(outcome.code, Some(2), "{options}: {}", outcome.stderr);
        assert!(outcome.stderr.contains(message), "{options}: {}", outcome.stderr);
    }
}
