//! `anomalies`: rows that are unlike the others, found by each method and explained.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::fmt::Write as _;

use serde_json::Value;

use crate::support::{Workshop, stage, unexplained};

/// 300 rows in which `b` is about twice `a`; one with a wild `c`, one that breaks the rule, and one that lacks `b`.
fn table() -> String {
    let mut text = "id,a,b,c,same\n".to_owned();
    for row in 0..300 {
        let a = f64::from(row * 37 % 101);
        let noise = f64::from(row * 53 % 17) / 10.0;
        let c = if row == 50 { 5_000.0 } else { f64::from(row * 71 % 29) };
        let b = if row == 120 {
            "190".to_owned()
        } else if row == 7 {
            String::new()
        } else {
            (2.0 * a + noise).to_string()
        };
        let a = if row == 120 { 10.0 } else { a };
        writeln!(text, "r{row},{a},{b},{c},3").unwrap();
    }
    text
}

fn found(options: &str) -> (Vec<Value>, Value) {
    let workshop = Workshop::with_pipeline(&format!(
        "name: t\nstages:\n  - read: {{path: t.csv}}\n    id: rows\n  - anomalies: {{columns: [a, b, c, same], {options}}}\n    id: odd\n  - write: {{path: out.ndjson}}\n"
    ));
    workshop.write("t.csv", table());
    let manifest = workshop.run();
    let odd = stage(&manifest, "odd");
    assert_eq!(unexplained(odd), Some(0));
    assert!(odd.to_string().contains("all values are equal"), "the constant column is named");
    (workshop.read_ndjson("out.ndjson"), manifest)
}

fn flagged(rows: &[Value]) -> Vec<&str> {
    rows.iter().filter(|row| row["anomaly"] == true).map(|row| row["id"].as_str().unwrap()).collect()
}

#[test]
fn a_wild_value_is_found_by_each_method_with_its_column() {
    for options in [
        "method: isolation_forest",
        "method: robust_z, threshold: 20",
        "method: mahalanobis, robust: true, threshold: 20",
        "method: local_outlier_factor",
    ] {
        let (rows, _) = found(options);
        assert_eq!(rows.len(), 300);
        let wild = &rows[50];
        assert_eq!(wild["anomaly"], true, "{options}");
        assert!(
            wild["anomaly_reason"].as_str().unwrap().starts_with("c 5000 ("),
            "{options}: {}",
            wild["anomaly_reason"]
        );
        assert!(rows.iter().all(|row| row["anomaly_score"].is_number()));
        assert!(rows.iter().all(|row| row["anomaly_reason"].is_null() == (row["anomaly"] == false)));
        assert!(options.contains("local") || rows[7]["anomaly"] == false, "{options}: a missing value is no reason");
    }
}

#[test]
fn a_broken_combination_is_found_where_columns_are_seen_together() {
    let (rows, _) = found("method: mahalanobis, robust: true");
    assert!(flagged(&rows).contains(&"r120"));
    let reason = rows[120]["anomaly_reason"].as_str().unwrap();
    assert!(reason.contains("b 190 (") && reason.contains("expected from the other columns"), "{reason}");
    let (rows, _) = found("method: robust_z");
    assert_eq!(flagged(&rows), ["r50"], "each value by itself is usual");
}

#[test]
fn a_share_is_taken_as_asked_and_names_can_be_chosen() {
    let (rows, manifest) = found("contamination: 0.02, flag: odd_one, score: s, reason: why, seed: 4");
    let odd = rows.iter().filter(|row| row["odd_one"] == true).count();
    assert!((5..=6).contains(&odd), "{odd}");
    assert!(rows[0].get("anomaly").is_none() && rows[0]["s"].is_number());
    let shown = stage(&manifest, "odd").to_string();
    assert!(shown.contains("threshold") && shown.contains("Which columns make rows anomalies"));
}

#[test]
fn later_rows_are_judged_by_what_the_training_rows_taught() {
    let mut rows = "id,n,c\n".to_owned();
    for row in 0..200 {
        // The later half lies far from the earlier one, and would be usual if it were learned from.
        let c = if row < 100 { f64::from(row % 10) } else { 1_000.0 + f64::from(row % 10) };
        writeln!(rows, "x{row},{row},{c}").unwrap();
    }
    let workshop = Workshop::with_pipeline(
        "name: t\nstages:\n  - read: {path: t.csv}\n  - split: {by: time, on: n, parts: {train: 0.5, test: 0.5}}\n  - anomalies: {columns: c, method: robust_z, threshold: 10}\n  - write: {path: out.ndjson}\n",
    );
    workshop.write("t.csv", rows);
    workshop.run();
    let rows = workshop.read_ndjson("out.ndjson");
    assert!(rows.iter().all(|row| (row["anomaly"] == true) == (row["n"].as_i64().unwrap() >= 100)));
}

#[test]
fn what_makes_no_sense_is_refused_where_it_stands() {
    for (options, message, line) in [
        ("columns: a, contamination: 0.7", "`contamination` is a share above 0 up to 0.5, not 0.7", "4"),
        ("columns: a, contamination: 0.1, threshold: 2", "exclude each other", "4"),
        ("columns: a, neighbours: 5", "belongs to `method: local_outlier_factor`", "4"),
        ("columns: aa", "did you mean `a`?", "4"),
        ("columns: a, score: b", "column `b` exists already", "4"),
        ("columns: a, method: local_outlier_factor, sample: 200000", "`sample` is at most 100000", "4"),
    ] {
        let workshop = Workshop::with_pipeline(&format!(
            "name: t\nstages:\n  - read: {{path: t.csv}}\n  - anomalies: {{{options}}}\n"
        ));
        workshop.write("t.csv", table());
        let outcome = workshop.gristmill(["check", "p.yaml"]);
        assert_eq!(outcome.code, Some(2), "{options}");
        assert!(
            flat(&outcome.stderr).contains(message) && flat(&outcome.stderr).contains(&format!("p.yaml:{line}")),
            "{options}: {}",
            outcome.stderr
        );
    }
}

#[test]
fn odd_tables_give_a_stated_result() {
    let run = |rows: &str, options: &str| {
        let workshop = Workshop::with_pipeline(&format!(
            "name: t\nstages:\n  - read: {{path: t.csv, types: {{x: double, y: double}}}}\n  - anomalies: {{columns: [x, y], {options}}}\n  - write: {{path: out.ndjson}}\n"
        ));
        workshop.write("t.csv", format!("x,y\n{rows}"));
        let outcome = workshop.gristmill(["run", "p.yaml", "--quiet"]);
        let rows = if outcome.code == Some(0) { workshop.read_ndjson("out.ndjson") } else { Vec::new() };
        (outcome, rows)
    };
    for method in ["isolation_forest", "robust_z"] {
        for rows in ["1,2\n", "1,1\n1,1\n1,1\n", ",\n,\n", "1,1e300\n2,-1e300\n3,0\n"] {
            let (outcome, found) = run(rows, &format!("method: {method}"));
            assert_eq!(outcome.code, Some(0), "{method} {rows}: {}", outcome.stderr);
            assert!(found.iter().all(|row| row["anomaly_score"].is_number()), "{method} {rows}");
        }
    }
    for (rows, method, message) in [
        ("1,2\n", "mahalanobis", "at least two rows"),
        ("1,1\n1,1\n1,1\n", "mahalanobis", "no column varies"),
        ("1,1e300\n2,-1e300\n3,0\n", "mahalanobis", "column `y` are too large"),
        ("1,2\n", "local_outlier_factor", "at least two rows"),
    ] {
        let (outcome, _) = run(rows, &format!("method: {method}"));
        assert_eq!(outcome.code, Some(1), "{method} {rows}");
        assert!(flat(&outcome.stderr).contains(message), "{method} {rows}: {}", outcome.stderr);
    }
}

/// A message without the line breaks and bars of its frame.
#[test]
fn more_rows_than_a_local_outlier_factor_keeps_end_the_run_with_advice() {
    let workshop = Workshop::with_pipeline(
        "name: t\nstages:\n  - read: {path: t.csv}\n  - anomalies: {method: local_outlier_factor}\n  - write: {path: out.ndjson}\n",
    );
    let rows: String = (0..100_001_u32).map(|row| format!("{},{}\n", row % 97, row % 89)).collect();
    workshop.write("t.csv", format!("a,b\n{rows}"));
    let outcome = workshop.gristmill(["run", "p.yaml", "--quiet"]);
    assert_eq!(outcome.code, Some(4), "{}", outcome.stderr);
    let said = flat(&outcome.stderr);
    assert!(said.contains("local outlier factor takes 100,000 rows at most, and there are more"), "{said}");
    assert!(said.contains("say `sample: 10000`"), "{said}");
}

fn flat(text: &str) -> String {
    text.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ")
}
