//! Nothing leaks: whatever stands in the rows of the test part, everything that is learned stays as it is.
//!
//! The same small table is run twice, the second time with absurd values in every column of the test rows but the split's key.
//! All fitted parameters, the mined rules and the network's weights have to be the same to the last bit, while the judgement on
//! the poisoned rows changes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::support::{Workshop, stage};

const COLUMNS: &str = "id,day,carrier,origin,dep_delay,distance,hour,wind,late\n";

/// A row of the table, from its number alone.
fn row(id: usize) -> String {
    // A linear congruential generator gives numbers that look random and are the same on every run (Knuth, MMIX).
    let mut state = u64::try_from(id).unwrap().wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(1);
    let mut next = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let carrier = ["UA", "AA", "B6", "DL"][usize::try_from(next(4)).unwrap()];
    let origin = ["EWR", "JFK", "LGA"][usize::try_from(next(3)).unwrap()];
    let delay = i64::try_from(next(90)).unwrap() - 20;
    let distance = 100 + next(2500);
    let hour = 5 + next(18);
    let wind = next(30);
    let delay_text = if next(10) == 0 { String::new() } else { delay.to_string() };
    let distance_text = if next(10) == 0 { String::new() } else { distance.to_string() };
    let origin = if next(12) == 0 { "" } else { origin };
    let late = delay + i64::try_from(hour).unwrap() > 30;
    format!("{id},{},{carrier},{origin},{delay_text},{distance_text},{hour},{wind},{late}\n", id % 50)
}

/// Absurd values in all columns but the keys of the split, among them nulls where no training row has one.
fn poisoned(id: usize) -> String {
    match id % 3 {
        0 => format!("{id},{},QQ,QQQ,1000000000,-1000000000,99,,true\n", id % 50),
        1 => format!("{id},{},YY,YYY,-1000000000,1000000000,-99,-1000000,false\n", id % 50),
        _ => format!("{id},{},,,,,,,true\n", id % 50),
    }
}

fn table(rows: usize, poison: &BTreeSet<usize>) -> String {
    let rows = (0..rows).map(|id| if poison.contains(&id) { poisoned(id) } else { row(id) });
    COLUMNS.to_owned() + &rows.collect::<String>()
}

fn pipeline(split: &str) -> String {
    format!(
        "name: leakage
stages:
  - read:
      path: flights.csv
      types: {{id: bigint, day: bigint, carrier: string, origin: string, dep_delay: double, distance: double, hour: bigint, wind: double, late: boolean}}
  - id: ready
    split: {split}
  - write: {{path: ready.ndjson}}
  - id: filled
    impute: {{columns: {{dep_delay: mean, distance: median}}, by: carrier, indicator: _unknown}}
  - id: complete
    impute: {{columns: {{origin: mode, wind: mean}}}}
  - id: clipped
    outliers: {{columns: [dep_delay], lower: 0.05, upper: 0.95}}
  - id: fenced
    outliers: {{columns: [distance], method: iqr}}
  - id: flagged
    outliers: {{columns: [hour], method: zscore, action: flag}}
  - id: scored
    standardize: {{columns: [dep_delay]}}
  - id: ranged
    standardize: {{columns: [distance], method: minmax}}
  - id: sturdy
    standardize: {{columns: [hour], method: robust}}
  - id: largest
    standardize: {{columns: [wind], method: maxabs, suffix: _scaled}}
  - id: similar
    impute: {{columns: {{dep_delay: nearest, origin: nearest}}, nearest: {{from: [hour, carrier], donors: 50}}}}
  - id: regressed
    impute: {{columns: {{distance: regression}}, regression: {{from: [hour, dep_delay], rows: 100}}}}
  - id: isolated
    outliers: {{columns: [dep_delay, distance, hour], method: isolation_forest, score: how_far, sample: 64, trees: 20}}
  - id: sturdier
    outliers: {{columns: [hour], method: mad, by: carrier, action: clip}}
  - id: powered
    standardize: {{columns: [dep_delay], method: yeo_johnson, suffix: _power}}
  - id: ranked
    standardize: {{columns: [hour], method: quantile, suffix: _rank}}
  - id: grouped
    standardize: {{columns: [hour], by: carrier, suffix: _group}}
  - id: rules
    itemsets: {{items: [carrier, origin, dep_delay, late], min_support: 0.05, rules: {{min_confidence: 0.4}}}}
  - id: tensors
    from: grouped
    tensors:
      features: {{number: [dep_delay, distance, hour, wind_scaled, dep_delay_unknown, how_far, hour_rank], category: [carrier, origin]}}
      target: late
  - id: model
    train: {{network: [{{dense: 8}}], epochs: 3, batch_size: 32, seed: 5, early_stopping: {{patience: 2}}}}
  - id: judged
    evaluate: {{on: test}}
"
    )
}

/// Everything that a run learned, by name.
fn learned(workshop: &Workshop, manifest: &Value) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for stage in manifest["stages"].as_array().unwrap() {
        let id = stage["id"].as_str().unwrap();
        for exhibit in stage["exhibits"].as_array().unwrap() {
            let Some(table) = exhibit.get("table") else { continue };
            let title = table["title"].as_str().unwrap();
            if id == "rules"
                || title.starts_with("Learned")
                || title == "Allowed values"
                || (id == "tensors" && title != "Rows by part")
            {
                found.insert(format!("{id}: {title}"), table.to_string().into_bytes());
            }
        }
    }
    let files = workshop.everything();
    for (name, content) in &files {
        let Some(folder) = name.strip_suffix("/stage.json") else { continue };
        let kept: Value = serde_json::from_slice(content).unwrap();
        let artifacts = format!("{folder}/{}/", kept["run"].as_str().unwrap());
        // What each stage bound: constants, forests, donors, coefficients; and tables such as fills by group and mined sets.
        let bindings = &kept["outcome"]["bindings"];
        for (key, literal) in bindings["literals"].as_object().unwrap() {
            let stage = key.split('.').next().unwrap();
            found.entry(format!("{stage}: constants")).or_default().extend(format!("{key} {literal}\n").bytes());
        }
        for (key, file) in bindings["artifacts"].as_object().unwrap().iter().filter(|(key, _)| *key != "judged.metrics")
        {
            let table = &files[&format!("{artifacts}{}", file.as_str().unwrap())];
            found.insert(format!("{key}: table"), rows(table).into_bytes());
        }
        // The folder of the model: weights, encoders and what is replayed on new rows.
        let Some(model) = kept["outcome"]["model"].as_str() else { continue };
        let model = format!("{artifacts}{model}/");
        for (name, content) in files.range(model.clone()..).take_while(|(name, _)| name.starts_with(&model)) {
            match &name[model.len()..] {
                "bundle.json" => {
                    let bundle: Value = serde_json::from_slice(content).unwrap();
                    found.insert("what is replayed".into(), bundle["replay"].to_string().into_bytes());
                }
                // The card names the files that were read by their fingerprints; what else it says stands in the other files.
                "README.md" => {}
                // Tables that travel with the model were looked at where they were made.
                file if file.is_empty() || file.ends_with('/') || file.ends_with(".parquet") => {}
                file => drop(found.insert(format!("model/{file}"), content.clone())),
            }
        }
    }
    assert!(found.contains_key("model/weights.safetensors"), "the model is looked at");
    found
}

/// The rows of a Parquet file as sorted lines of JSON: groups have no order.
fn rows(parquet: &[u8]) -> String {
    let workshop = Workshop::with_pipeline(
        "name: kept\nstages:\n  - read: {path: kept.parquet}\n  - write: {path: kept.ndjson}\n",
    );
    workshop.write("kept.parquet", parquet);
    workshop.run();
    let text = workshop.read("kept.ndjson");
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines.join("\n")
}

fn metrics(manifest: &Value) -> String {
    let exhibits = stage(manifest, "judged")["exhibits"].as_array().unwrap();
    exhibits.iter().find_map(|exhibit| exhibit.get("metrics")).unwrap().to_string()
}

fn assert_that_nothing_leaks(split: &str) {
    const ROWS: usize = 900;
    let clean = Workshop::with_pipeline(&pipeline(split));
    clean.write("flights.csv", table(ROWS, &BTreeSet::new()));
    let before = clean.run();
    let parts: BTreeMap<usize, String> = clean
        .read_ndjson("ready.ndjson")
        .iter()
        .map(|row| (usize::try_from(row["id"].as_u64().unwrap()).unwrap(), row["part"].as_str().unwrap().to_owned()))
        .collect();
    let test: BTreeSet<usize> = parts.iter().filter(|(_, part)| *part == "test").map(|(id, _)| *id).collect();
    assert!(test.len() > 80, "the test part has {} rows", test.len());

    let poisoned = Workshop::with_pipeline(&pipeline(split));
    poisoned.write("flights.csv", table(ROWS, &test));
    let after = poisoned.run();
    let parts_after = poisoned
        .read_ndjson("ready.ndjson")
        .iter()
        .map(|row| row["part"].as_str().unwrap().to_owned())
        .collect::<Vec<_>>();
    assert_eq!(parts_after, parts.into_values().collect::<Vec<_>>(), "the parts are the same");

    let (expected, found) = (learned(&clean, &before), learned(&poisoned, &after));
    let names: Vec<&String> = expected.keys().collect();
    assert!(expected.len() >= 30, "what is learned is looked at: {names:?}");
    for (name, content) in &expected {
        let same = found.get(name) == Some(content);
        assert!(same, "`{name}` moved\nbefore: {}\nafter: {}", text(Some(content)), text(found.get(name)));
    }
    assert_eq!(expected.len(), found.len());
    assert_ne!(metrics(&before), metrics(&after), "the poison reached the test rows");
}

#[test]
fn what_is_learned_follows_the_training_rows() {
    let split = "{by: hash, on: id, parts: {train: 0.7, valid: 0.15, test: 0.15}}";
    let clean = Workshop::with_pipeline(&pipeline(split));
    clean.write("flights.csv", table(900, &BTreeSet::new()));
    let before = clean.run();
    let rows = clean.read_ndjson("ready.ndjson");
    let train = rows
        .iter()
        .filter(|row| row["part"] == "train")
        .map(|row| usize::try_from(row["id"].as_u64().unwrap()).unwrap());
    let poisoned = Workshop::with_pipeline(&pipeline(split));
    poisoned.write("flights.csv", table(900, &train.take(200).collect()));
    let after = poisoned.run();
    let (expected, found) = (learned(&clean, &before), learned(&poisoned, &after));
    // The network's shape is the pipeline's.
    for (name, content) in expected.iter().filter(|(name, _)| *name != "model/network.json") {
        assert!(found.get(name) != Some(content), "`{name}` is looked at, but shows nothing of what was learned");
    }
}

fn text(content: Option<&Vec<u8>>) -> String {
    content.map(|content| String::from_utf8_lossy(content).chars().take(2000).collect()).unwrap_or_default()
}

#[test]
fn nothing_leaks_from_a_split_by_hash() {
    assert_that_nothing_leaks("{by: hash, on: id, parts: {train: 0.7, valid: 0.15, test: 0.15}}");
}

#[test]
fn nothing_leaks_from_a_split_by_time() {
    assert_that_nothing_leaks("{by: time, on: day, parts: {train: 0.7, valid: 0.15, test: 0.15}}");
}

#[test]
fn nothing_leaks_from_a_split_by_chance() {
    assert_that_nothing_leaks("{by: random, seed: 3}");
}
