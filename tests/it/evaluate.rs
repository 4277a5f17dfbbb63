//! `evaluate` through the program: the network beside simple models, thresholds, groups, and what cannot be judged.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use serde_json::Value;

use crate::support::{Workshop, stage};

/// Whether a row is late is an exclusive or of two columns: no line tells it, a tree does. Group `b` is noise.
fn table() -> String {
    let mut text = "id,time,x,y,group,late,minutes,kind\n".to_owned();
    for id in 0..1_200_u32 {
        let (x, y) = (f64::from(id * 37 % 101) / 101.0, f64::from(id * 61 % 97) / 97.0);
        let group = ["a", "b", "c", "d"][id as usize % 4];
        let noisy = group == "b" && id * 7 % 13 < 6;
        let late = ((x > 0.5) != (y > 0.5)) != noisy;
        let minutes = 30.0 * x + 10.0 * y * y + f64::from(id * 17 % 11) / 5.0;
        // Only the last rows, those of the test part, have this kind.
        let kind = if id >= 960 && id % 20 == 19 { "rare" } else { ["p", "q", "r"][id as usize % 3] };
        let late = if id % 50 == 0 { String::new() } else { late.to_string() };
        let time = format!("2024-03-01T{:02}:{:02}:00", id / 60, id % 60);
        text.push_str(&format!("{id},{time},{x:.4},{y:.4},{group},{late},{minutes:.3},{kind}\n"));
    }
    text
}

fn pipeline(target: &str, evaluate: &str) -> Workshop {
    let workshop = Workshop::with_pipeline(&format!(
        "name: p
stages:
  - read: {{path: rows.csv, types: {{id: bigint, late: boolean}}}}
  - split: {{by: time, on: time, parts: {{train: 0.6, valid: 0.2, test: 0.2}}}}
  - tensors: {{features: [x, y, group], target: {target}}}
  - id: model
    train: {{network: [{{dense: 4}}], epochs: 2, seed: 3}}
  - id: judged
    evaluate: {evaluate}
  - write: {{path: metrics.ndjson}}
"
    ));
    workshop.write("rows.csv", table());
    workshop
}

fn value(rows: &[Value], model: &str, slice: Option<&str>, metric: &str) -> f64 {
    let row =
        rows.iter().find(|row| row["model"] == model && row["slice"].as_str() == slice && row["metric"] == metric);
    row.unwrap_or_else(|| panic!("no {model} {slice:?} {metric}"))["value"].as_f64().unwrap()
}

fn notes(manifest: &Value) -> String {
    let exhibits = stage(manifest, "judged")["exhibits"].as_array().unwrap().clone();
    exhibits
        .iter()
        .filter_map(|exhibit| exhibit["note"]["text"].as_str().map(str::to_owned))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn a_tree_that_beats_the_network_is_said_and_the_worst_group_is_named() {
    let workshop =
        pipeline("late", "{on: test, slices: group, threshold: youden, calibrate: true, bootstrap: {resamples: 200}}");
    let manifest = workshop.run();
    let rows = workshop.read_ndjson("metrics.ndjson");
    let auc = |model: &str| value(&rows, model, None, "ROC AUC");
    assert!(auc("forest") > 0.8 && auc("tree") > 0.8, "{} {}", auc("forest"), auc("tree"));
    assert!(auc("logistic") < 0.65 && (auc("constant") - 0.5).abs() < 1e-12);
    let notes = notes(&manifest);
    assert!(notes.contains("is better than the network: ROC AUC"), "{notes}");
    assert!(notes.contains("4 rows without `late`: left out") && notes.contains("fitted on `valid`"), "{notes}");
    // 240 rows of the test part; four of them, the multiples of 50, have no value.
    let of_groups: f64 =
        ["a", "b", "c", "d"].map(|g| value(&rows, "network", Some(&format!("group = {g}")), "rows")).iter().sum();
    assert_eq!((value(&rows, "network", None, "rows"), of_groups), (236.0, 236.0));
    let forest = rows.iter().find(|row| row["model"] == "forest" && row["metric"] == "accuracy").unwrap();
    let number = |name: &str| forest[name].as_f64().unwrap();
    assert!(number("lower") < number("value") && number("value") < number("upper"), "{forest}");
    // The ledger: everything that came in is summarized, and one row for each metric comes out.
    let judged = &stage(&manifest, "judged")["ledger"];
    let changes: i64 =
        judged["changes"].as_array().unwrap().iter().map(|change| change["rows"].as_i64().unwrap()).sum();
    let rows_in: i64 = judged["inputs"].as_array().unwrap().iter().map(|input| input[1].as_i64().unwrap()).sum();
    assert_eq!(rows_in + changes, rows.len() as i64);
}

#[test]
fn a_number_is_judged_beside_a_line_and_a_forest() {
    let workshop = pipeline("minutes", "{quantiles: [0.9], bootstrap: {resamples: 100}, slices: x}");
    let manifest = workshop.run();
    let rows = workshop.read_ndjson("metrics.ndjson");
    let error = |model: &str| value(&rows, model, None, "root mean squared error");
    assert!(
        error("linear") < 2.0 && error("forest") < 3.0 && error("constant") > 5.0,
        "{} {}",
        error("linear"),
        error("forest")
    );
    assert!(value(&rows, "network", None, "pinball loss 0.9") > 0.0);
    assert!(rows.iter().any(|row| row["slice"].as_str().is_some_and(|slice| slice.starts_with("x = 0"))));
    assert!(notes(&manifest).contains("root mean squared error"));
    assert!(!rows.iter().any(|row| row["model"] == "logistic"));
}

#[test]
fn classes_that_training_did_not_have_are_counted() {
    let workshop = pipeline("kind", "{baselines: [constant, logistic], bootstrap: none}");
    let manifest = workshop.run();
    let rows = workshop.read_ndjson("metrics.ndjson");
    assert!(notes(&manifest).contains("12 rows of a class that no training row has: left out"), "{}", notes(&manifest));
    assert_eq!(value(&rows, "network", None, "rows"), 228.0);
    assert!(value(&rows, "logistic", None, "log loss") > 0.0);
    assert!(rows.iter().all(|row| row["lower"].is_null()));
}

#[test]
fn a_part_without_rows_ends_with_the_exit_code_of_data() {
    let workshop = pipeline("late", "{on: test, baselines: none}");
    let text = workshop.read("p.yaml").replace("  - tensors:", "  - filter: \"part <> 'test'\"\n  - tensors:");
    workshop.write("p.yaml", text);
    let outcome = workshop.gristmill(["run", "p.yaml", "--quiet"]);
    assert!(
        outcome.stderr.contains("part `test` has no rows with a value of `late` to judge on"),
        "{}",
        outcome.stderr
    );
    assert_eq!(outcome.code, Some(3));
}
