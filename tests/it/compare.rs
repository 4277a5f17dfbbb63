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
    // What the conditions of a job read.
    let told = &stage(&manifest, "drift")["statistics"]["drift"];
    assert_eq!((&told["rows_before"], &told["rows"]), (&1000.into(), &1000.into()));
    for column in told["columns"].as_array().unwrap() {
        let name = column["column"].as_str().unwrap();
        close(&column["psi"], expected[name]["psi"].as_f64().unwrap());
        assert_eq!((&column["verdict"], &column["by_chance"]), (&"drifted".into(), &false.into()), "{name}");
    }
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
    assert!(stage(&first, "drift")["statistics"]["drift"]["rows_before"].is_null());
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
    assert_eq!((&found["id"]["verdict"], &found["id"]["kind"]), (&"stable".into(), &"text length".into()));
    assert_eq!(found["huge"]["verdict"], "stable");
}

/// Two tables that are compared, with the types of their columns.
fn tables(before: &str, now: &str, types: &str, options: &str) -> Workshop {
    let read = |file| format!("read: {{path: {file}, types: {{{types}}}}}");
    let workshop = Workshop::with_pipeline(&format!(
        "name: drift\nstages:\n  - id: before\n    {}\n  - id: now\n    {}\n  - id: drift\n    compare: {{with: before{options}}}\n  \
         - write: {{path: drift.ndjson}}\n",
        read("a.csv"),
        read("b.csv")
    ));
    workshop.write("a.csv", before);
    workshop.write("b.csv", now);
    workshop
}

#[test]
fn a_side_without_rows_is_no_good_news() {
    let (some, none) = ("x,k\n1,a\n2,b\n", "x,k\n");
    for (before, now, told) in [
        (some, none, "there are no rows, and 2 in stage `before`"),
        (none, some, "there are no rows to compare with in stage `before`"),
        (none, none, "there are no rows to compare, neither now nor in stage `before`"),
    ] {
        let workshop = tables(before, now, "x: bigint", "");
        let manifest = workshop.run();
        assert!(manifest["warnings"].to_string().contains(&format!("drift: {told}")), "{}", manifest["warnings"]);
        let exhibits = stage(&manifest, "drift")["exhibits"].to_string();
        assert!(!exhibits.contains("None of"), "{exhibits}");
        assert_eq!(by_column(&workshop)["x"]["verdict"], "not compared");
        let gate = tables(before, now, "x: bigint", ", severity: fail").gristmill(["run", "p.yaml"]);
        assert_eq!(gate.code, Some(3), "{}", gate.stderr);
        assert!(gate.stderr.contains("the rows have drifted: there are no rows"), "{}", gate.stderr);
    }
}

#[test]
fn a_run_without_rows_does_not_bar_the_runs_after_it() {
    let workshop = Workshop::with_pipeline(
        "name: drift\nstages:\n  - read: {path: rows.csv, types: {value: bigint}}\n  - id: drift\n    compare: {severity: fail}\n",
    );
    workshop.write("rows.csv", "value,kind\n");
    workshop.run();
    workshop.write("rows.csv", january());
    let second = workshop.run();
    let told = second["warnings"].to_string();
    assert!(told.contains("drift: there are no rows to compare with in the last good run ("), "{told}");
    assert!(told.contains(" UTC)"), "{told}");
    // Now there is something to lose.
    workshop.write("rows.csv", "value,kind\n");
    let third = workshop.gristmill(["run", "p.yaml"]);
    assert_eq!(third.code, Some(3), "{}", third.stderr);
    assert!(third.stderr.contains("there are no rows, and 1,000 in the last good run"), "{}", third.stderr);
}

#[test]
fn a_column_without_values_has_lost_them_and_not_changed_its_type() {
    let workshop = tables("x,k,flag\n1,a,true\n2,b,false\n", "x,k,flag\n,a,yes\n,b,no\n", "", "");
    workshop.run();
    let found = by_column(&workshop);
    assert_eq!(found["x"]["verdict"], "drifted");
    assert_eq!(found["x"]["reason"], "100.0 percentage points more nulls");
    assert_eq!(found["flag"]["verdict"], "type changed");
}

#[test]
fn what_chance_gives_with_few_rows_is_not_called_drift() {
    // Thirty draws each from the same hundred numbers, so the index is far above its threshold.
    let drawn = |step: u32| (0..30).map(|i| format!("{},a\n", i * step % 101)).collect::<String>();
    let workshop =
        tables(&format!("x,k\n{}", drawn(37)), &format!("x,k\n{}", drawn(59)), "", ", thresholds: {psi: 0.05}");
    let manifest = workshop.run();
    let found = by_column(&workshop);
    assert!(found["x"]["psi"].as_f64().unwrap() > 0.05, "{}", found["x"]);
    assert_eq!(found["x"]["verdict"], "unclear", "{}", found["x"]);
    assert!(found["x"]["reason"].as_str().unwrap().contains("chance may give as much with so few rows"));
    assert!(!manifest["warnings"].to_string().contains("drift:"), "{}", manifest["warnings"]);
}

#[test]
fn lists_are_compared_by_their_nulls_and_are_neither_new_nor_gone() {
    let workshop = Workshop::with_pipeline(
        "name: drift\nstages:\n  - id: before\n    read: {path: a.csv}\n  - id: now\n    read: {path: a.csv}\n  \
         - id: split\n    derive: {k: \"string_split(k, ' ')\"}\n  - compare: {with: before}\n  - write: {path: drift.ndjson}\n",
    );
    workshop.write("a.csv", "x,k\n1,a b\n2,c\n");
    workshop.run();
    let found = by_column(&workshop);
    assert_eq!((&found["k"]["verdict"], &found["x"]["verdict"]), (&"type changed".into(), &"stable".into()));
    assert_eq!(found["k"]["reason"], "it was string and is list(string)");
}

#[test]
fn texts_of_too_many_values_are_compared_by_their_lengths() {
    let keys = |form: &dyn Fn(usize) -> String| {
        let rows: String = (0..10_100).map(|row| format!("1,{}\n", form(row))).collect();
        format!("x,id\n{rows}")
    };
    let (short, long) = (keys(&|row| format!("{row:05}a")), keys(&|row| format!("{row:08}a")));
    for (now, verdict) in [(&short, "stable"), (&long, "drifted")] {
        let workshop = tables(&short, now, "", "");
        let manifest = workshop.run();
        let found = &by_column(&workshop)["id"];
        assert_eq!((&found["kind"], &found["verdict"]), (&"text length".into(), &verdict.into()));
        // Each text has three characters more.
        close(&found["wasserstein"], if verdict == "stable" { 0.0 } else { 3.0 });
        let told = manifest["warnings"].to_string();
        assert_eq!(told.contains("of the lengths of its texts PSI"), verdict == "drifted", "{told}");
    }
}

#[test]
fn wrong_options_are_refused_at_their_place() {
    for (options, message) in [
        ("{with: nowhere}", "nowhere"),
        ("{with: now}", "the rows of `now` are compared with themselves"),
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
