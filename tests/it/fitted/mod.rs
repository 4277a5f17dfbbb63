//! Stages that learn, from the file to the rows: against stored values of scikit-learn, hand computations and what must hold for any rows.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod impute;
mod models;
mod outliers;
mod sample;
mod split;
mod standardize;
mod time_folds;

use std::fmt::Write;

use serde_json::Value;

use crate::support::{Workshop, stage, unexplained};

/// A section of the values that scikit-learn gave.
fn oracle(section: &str) -> Vec<Value> {
    let text = include_str!("../../data/oracle/preparation_sklearn.json");
    let all: Value = serde_json::from_str(text).unwrap();
    all[section].as_array().unwrap().clone()
}

fn numbers(value: &Value) -> Vec<Option<f64>> {
    value.as_array().unwrap().iter().map(Value::as_f64).collect()
}

/// A CSV file of columns of numbers named `c0`, `c1`, ..
fn csv(columns: &[Vec<Option<f64>>]) -> String {
    let names: Vec<String> = (0..columns.len()).map(|at| format!("c{at}")).collect();
    let mut text = names.join(",") + "\n";
    for row in 0..columns[0].len() {
        let cells: Vec<String> =
            columns.iter().map(|values| values[row].map_or(String::new(), |value| value.to_string())).collect();
        writeln!(text, "{}", cells.join(",")).unwrap();
    }
    text
}

/// Runs the stages below a `read` of `rows.csv` with the given types; gives the rows that come out and the record.
fn run(csv: &str, types: &str, stages: &str) -> (Vec<Value>, Value) {
    let workshop = Workshop::with_pipeline(&format!(
        "name: fitted\nstages:\n  - id: rows\n    read: {{path: rows.csv, types: {types}}}\n{stages}  - id: written\n    write: {{path: out.ndjson}}\n"
    ));
    workshop.write("rows.csv", csv);
    let manifest = workshop.run();
    for stage in manifest["stages"].as_array().unwrap() {
        assert_eq!(unexplained(stage), Some(0), "`{}` does not add up: {}", stage["id"], stage["ledger"]);
    }
    (workshop.read_ndjson("out.ndjson"), manifest)
}

/// What `check` or `run` says of a pipeline that is wrong.
fn refusal(csv: &str, types: &str, stages: &str) -> String {
    let workshop = Workshop::with_pipeline(&format!(
        "name: fitted\nstages:\n  - id: rows\n    read: {{path: rows.csv, types: {types}}}\n{stages}"
    ));
    workshop.write("rows.csv", csv);
    let outcome = workshop.gristmill(["check", "p.yaml"]);
    assert_eq!(outcome.code, Some(2), "{}{}", outcome.stdout, outcome.stderr);
    // Long sentences are wrapped beside a rule.
    outcome.stderr.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ")
}

fn column(rows: &[Value], name: &str) -> Vec<Option<f64>> {
    rows.iter().map(|row| row[name].as_f64()).collect()
}

#[track_caller]
fn assert_close(found: &[Option<f64>], expected: &[Option<f64>], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (row, (found, expected)) in found.iter().zip(expected).enumerate() {
        match (found, expected) {
            (Some(a), Some(b)) if (a - b).abs() <= tolerance => {}
            (None, None) => {}
            _ => panic!("row {row}: {found:?} is not {expected:?}"),
        }
    }
}

/// Numbers that look random and are the same on every run (Knuth's MMIX generator).
fn generator(seed: u64) -> impl FnMut(u64) -> u64 {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(1);
    move |below| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    }
}

fn table<'a>(manifest: &'a Value, id: &str, title: &str) -> &'a Value {
    let exhibits = stage(manifest, id)["exhibits"].as_array().unwrap();
    let tables = exhibits.iter().filter_map(|exhibit| exhibit.get("table"));
    tables.into_iter().find(|table| table["title"].as_str().unwrap().starts_with(title)).unwrap()
}
