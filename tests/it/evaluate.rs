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
    // What the conditions of a job read: the metrics of the network as it foretells.
    let told = &stage(&manifest, "judged")["statistics"]["scores"][0];
    let area = told["metrics"].as_array().unwrap().iter().find(|metric| metric["name"] == "ROC AUC").unwrap();
    assert_eq!((&told["target"], &area["better"]), (&"late".into(), &"higher".into()));
    assert!((area["value"].as_f64().unwrap() - auc("network, calibrated")).abs() < 1e-12);
    assert!((area["baselines"]["forest"].as_f64().unwrap() - auc("forest")).abs() < 1e-12);
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

#[test]
fn all_metrics_of_a_group_have_intervals() {
    let workshop = pipeline("late", "{on: test, slices: group, baselines: none, bootstrap: {resamples: 100}}");
    let manifest = workshop.run();
    let rows = workshop.read_ndjson("metrics.ndjson");
    for metric in ["accuracy", "recall", "ROC AUC", "log loss"] {
        let row = rows.iter().find(|row| row["slice"] == "group = a" && row["metric"] == metric).unwrap();
        let number = |name: &str| row[name].as_f64().unwrap_or_else(|| panic!("{row}"));
        assert!(number("lower") <= number("value") && number("value") <= number("upper"), "{row}");
    }
    let exhibits = stage(&manifest, "judged")["exhibits"].as_array().unwrap();
    let table = exhibits.iter().find(|exhibit| exhibit["table"]["title"] == "By group").unwrap();
    assert_eq!(table["table"]["rows"].as_array().unwrap().len(), 4);
    let note = table["table"]["note"].as_str().unwrap();
    assert!(note.contains("Wilson's for shares of rows, from 100 resamples for the others"), "{note}");
}

#[test]
fn pictures_that_cannot_be_read_are_named_and_counted() {
    let workshop = Workshop::with_pipeline(
        "name: p
stages:
  - read: {path: list.csv}
  - split: {by: time, on: time, parts: {train: 0.5, test: 0.5}}
  - tensors: {features: {image: {file: {height: 2, width: 2, channels: 1}}}, folder: pictures, on_error: skip, target: kind}
  - train: {network: [flatten, {dense: 2}], epochs: 2}
  - id: judged
    evaluate: {bootstrap: none, baselines: [constant]}
",
    );
    workshop.write("pictures/readme.txt", "bright and dark");
    let mut list = "file,kind,time\n".to_owned();
    for row in 0..40_u8 {
        let name = format!("{row}.png");
        if row == 22 || row == 31 {
            workshop.write(&format!("pictures/{name}"), "no picture");
        } else {
            let shade = image::Luma([if row % 2 == 0 { 20 + row } else { 200 + row }]);
            image::GrayImage::from_pixel(2, 2, shade).save(workshop.path().join("pictures").join(&name)).unwrap();
        }
        list.push_str(&format!("{name},{},2024-01-01T00:{row:02}:00\n", ["dark", "bright"][usize::from(row % 2)]));
    }
    workshop.write("list.csv", list);
    let told = notes(&workshop.run());
    // The test part begins with row 20.
    assert!(told.contains("2 rows of which a part cannot be read: left out: row 3: file: "), "{told}");
    assert!(told.contains("; row 12: file: "), "{told}");
}

#[test]
fn windows_are_counted_and_are_no_sample() {
    let workshop = Workshop::with_pipeline(
        "name: p
stages:
  - read: {path: rows.csv, types: {id: bigint, late: boolean}}
  - split: {by: time, on: time, parts: {train: 0.6, test: 0.4}}
  - tensors: {features: {sequence: {columns: [x], order: time, window: 3, horizon: 1}}, target: y, target_kind: number}
  - train: {network: [flatten, {dense: 2}], epochs: 1}
  - id: judged
    evaluate: {bootstrap: none, baselines: [constant]}
",
    );
    workshop.write("rows.csv", table());
    let manifest = workshop.run();
    let told = notes(&manifest);
    let expected = "480 rows became 477 windows, which are judged (rows without one: 2 with too few rows before them, 1 without a row that far ahead).";
    assert!(told.contains(expected), "{told}");
    assert!(!told.contains("random part"), "{told}");
    let exhibits = stage(&manifest, "judged")["exhibits"].to_string();
    assert!(exhibits.contains("Residuals beside a normal distribution"), "{told}");
}

#[test]
fn a_check_warns_where_memory_does_not_hold_the_predictions() {
    let workshop = pipeline("kind", "{on: test}");
    let row = table().lines().nth(2).unwrap().to_owned() + "\n";
    workshop.write("rows.csv", table() + &row.repeat(200_000));
    let outcome = workshop.gristmill(["check", "p.yaml", "--memory", "64MiB"]).success();
    let told = outcome.stdout + &outcome.stderr;
    assert!(
        told.contains("evaluate holds its rows in memory: up to ") && told.contains("a random part is judged"),
        "{told}"
    );
    let outcome = workshop.gristmill(["check", "p.yaml", "--memory", "8GiB"]).success();
    assert!(!(outcome.stdout + &outcome.stderr).contains("evaluate holds"), "it all fits");
}
