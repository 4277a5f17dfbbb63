//! Models that were saved: predicted with from the command line, looked at, and refused when they are damaged.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use crate::support::{Workshop, stage, unexplained};

/// Parcels: heavy ones are dear, and so are those to `far`; a code with leading zeros, and a weight that is sometimes missing.
fn parcels(rows: std::ops::Range<u32>) -> String {
    let mut text = String::from("id,code,weight,zone,day,dear\n");
    for row in rows {
        let weight = row * 37 % 200;
        let zone = ["near", "far", "sea"][row as usize % 3];
        let dear = weight > 120 || zone == "far";
        let weight = if row % 40 == 7 { "NA".to_owned() } else { format!("{}.5", weight) };
        let _ = writeln!(
            text,
            "{row},{:04},{weight},{zone},2024-{:02}-{:02},{dear}",
            row % 50,
            row / 100 + 1,
            row % 28 + 1
        );
    }
    text
}

const TRAINING: &str = "name: train
stages:
  - read: {path: parcels.csv, null_values: [NA], types: {code: string}}
  - derive: {kilos: weight / 2.0}
  - split: {by: hash, on: id, parts: {train: 0.8, test: 0.2}}
  - tensors: {features: {number: [kilos], category: [zone, code]}, target: dear}
  - train: {network: [{dense: 16}], epochs: 30, batch_size: 32, optimizer: {adamw: {learning_rate: 0.02}}, save: out/model}
";

/// A folder with a trained model in `out/model`, and new rows.
fn trained() -> Workshop {
    let workshop = Workshop::with_pipeline(TRAINING);
    workshop.write("parcels.csv", parcels(0..600));
    workshop.run();
    workshop.write("new.csv", parcels(600..700).replace(",dear", ",was").replace("601,0001", "601,9999"));
    workshop
}

fn csv(text: &str) -> Vec<BTreeMap<String, String>> {
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    lines
        .map(|line| names.iter().map(|name| (*name).to_owned()).zip(line.split(',').map(str::to_owned)).collect())
        .collect()
}

#[test]
fn a_file_is_foretold_without_a_pipeline_and_no_row_is_lost() {
    let workshop = trained();
    let outcome = workshop.gristmill(["predict", "out/model", "new.csv"]).success();
    let rows = csv(&outcome.stdout);
    assert_eq!(rows.len(), 100);
    // Codes keep their zeros, because the model needs texts; what stands for a missing number is told from the rows.
    assert_eq!((rows[0]["id"].as_str(), rows[0]["code"].as_str()), ("600", "0000"));
    let right = rows.iter().filter(|row| row["was"] == row["prediction"]).count();
    assert!(right >= 90, "{right} of 100 are right");
    assert!(rows.iter().all(|row| row["probability"].parse::<f64>().is_ok_and(|p| (0.0..=1.0).contains(&p))));
    for words in
        ["dear: 100 rows foretold, ", "1 row with something that training did not have", "code: 1 row with a value"]
    {
        assert!(outcome.stderr.contains(words), "{words} in {}", outcome.stderr);
    }
    // The same by a stage, to the last digit.
    workshop.write(
        "p.yaml",
        "name: p\nstages:\n  - read: {path: new.csv, null_values: [NA], types: {code: string}}\n  - id: said\n    predict: {model: out/model}\n  - write: {path: out/said.csv}\n",
    );
    let record = workshop.run();
    assert_eq!(workshop.read("out/said.csv"), outcome.stdout);
    assert_eq!(unexplained(stage(&record, "said")), Some(0));
    assert_eq!(stage(&record, "said")["statistics"]["rows"], 100);
}

#[test]
fn options_of_the_command_are_those_of_the_stage() {
    let workshop = trained();
    let arguments = "predict out/model new.csv --out out/new.ndjson --probabilities --abstain-below 0.95 --warnings --columns id --suffix _x --threads 1";
    let outcome = workshop.gristmill(arguments.split(' ')).success();
    assert_eq!(outcome.stdout, "");
    assert!(outcome.stderr.contains("wrote out/new.ndjson in "), "{}", outcome.stderr);
    let rows = workshop.read_ndjson("out/new.ndjson");
    let names: Vec<&String> = rows[0].as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        ["id", "prediction_x", "probability_x", "probability_false_x", "probability_true_x", "reason_x", "warning_x"]
    );
    assert_eq!(rows.len(), 100);
    for row in &rows {
        let yes = row["probability_true_x"].as_f64().unwrap();
        assert_eq!(row["prediction_x"].is_null(), yes.max(1.0 - yes) < 0.95, "{row}");
        assert_eq!(row["prediction_x"].is_null(), row["reason_x"].is_string(), "{row}");
    }
    assert_eq!(rows[1]["warning_x"], "code '9999' was not in training");
    let quiet = workshop
        .gristmill(["predict", "out/model", "new.csv", "--quiet", "--format", "ndjson", "--threshold", "0"])
        .success();
    assert_eq!(quiet.stderr, "");
    let rows: Vec<Value> = quiet.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(rows.len() == 100 && rows.iter().all(|row| row["prediction"] == true));
}

#[test]
fn a_model_is_looked_at_and_what_is_wrong_ends_with_its_exit_code() {
    let workshop = trained();
    let card = workshop.gristmill(["model", "out/model"]).success().stdout;
    for words in [
        "# Model `train`: foretells `dear`",
        "| `weight` | float64 |",
        "| `zone` | string | ",
        "parcels.csv",
        "epochs: 30",
        "| part | rows | earliest `day` | latest `day` |",
        "| `train` | ",
        " | 2024-01-01 | 2024-06-28 |",
    ] {
        assert!(card.contains(words), "{words} in {card}");
    }
    assert_eq!(card, workshop.read("out/model/README.md"));
    let facts = workshop.gristmill(["model", "out/model", "--json"]).success().stdout;
    let facts: Value = serde_json::from_str(&facts).unwrap();
    assert_eq!((&facts["targets"][0]["kind"], &facts["judgement"]), (&Value::from("binary"), &Value::Null));

    let fails = |arguments: &[&str], code: i32, words: &str| {
        let outcome = workshop.gristmill(arguments);
        assert_eq!(outcome.code, Some(code), "{arguments:?}: {}", outcome.stderr);
        assert!(outcome.stderr.contains(words), "{words} in {}", outcome.stderr);
    };
    fails(&["predict", "out/nothing", "new.csv"], 3, "out/nothing");
    fails(&["predict", "out/model", "nothing.csv"], 3, "nothing.csv");
    fails(&["predict", "out/model", "new.csv", "--abstain-below", "2"], 2, "is a probability from 0 to 1");
    fails(&["predict", "out/model", "new.csv", "--out", "new.abc"], 2, "cannot be told from its name");
    workshop.write("short.csv", "id,zone,code\n1,far,0001\n");
    fails(&["predict", "out/model", "short.csv"], 2, "the model needs a column `weight` (float64)");
    workshop.write("words.csv", "id,zone,code,weight\n1,far,0001,heavy\n");
    fails(&["predict", "out/model", "words.csv"], 3, "heavy");
    let weights = std::fs::read(workshop.path().join("out/model/weights.safetensors")).unwrap();
    workshop.write("out/model/weights.safetensors", &weights[..weights.len() - 4]);
    fails(&["predict", "out/model", "new.csv"], 3, "weights.safetensors` is not what was saved with the model");
    fails(&["model", "out/model"], 3, "weights.safetensors` is not what was saved with the model");
    std::fs::remove_file(workshop.path().join("out/model/bundle.json")).unwrap();
    fails(&["model", "out/model"], 3, "is no model");
}

#[test]
fn a_judged_model_is_saved_with_its_metrics_and_its_temperature() {
    let workshop = Workshop::new();
    workshop.write("parcels.csv", parcels(0..900));
    workshop.write("new.csv", parcels(900..960));
    let training = TRAINING
        .replace("train: 0.8, test: 0.2", "train: 0.6, valid: 0.2, test: 0.2")
        .replace("save: out/model", "validate_on: valid");
    let judged = "  - id: judged
    evaluate: {on: test, calibrate: true, threshold: {cost: {false_positive: 1, false_negative: 9}}, baselines: [constant, tree], save: {path: out/judged, onnx: true}}
  - id: fresh
    read: {path: new.csv, null_values: [NA], types: {code: string}}
  - id: said
    predict: {model: train, calibration: judged}
  - write: {path: out/said.csv}
  - {id: raw, from: fresh, predict: {model: train}}
  - write: {path: out/raw.csv}
";
    workshop.write("p.yaml", format!("{training}{judged}"));
    workshop.run();
    let card = workshop.gristmill(["model", "out/judged"]).success().stdout;
    for words in [
        "Stage `judged` judged it on the part `test`: ",
        "| ROC AUC | ",
        "are calibrated: logits are divided",
        "Yes of `dear` is predicted from a probability of ",
        "Beside simple models, on the same rows:",
        "| tree | ",
        "| `valid` | ",
    ] {
        assert!(card.contains(words), "{words} in {card}");
    }
    let facts = workshop.gristmill(["model", "out/judged", "--json"]).success().stdout;
    let facts: Value = serde_json::from_str(&facts).unwrap();
    let temperature = facts["judgement"]["temperatures"]["dear"].as_f64().unwrap();
    let threshold = facts["judgement"]["thresholds"]["dear"].as_f64().unwrap();
    assert!(threshold > 0.0 && threshold != 0.5, "yes is said from {threshold} on");
    assert!(workshop.exists("out/judged/network.onnx"));
    let outcome = workshop.gristmill(["predict", "out/judged", "new.csv"]).success();
    assert!(outcome.stderr.contains("the threshold that judged chose"), "{}", outcome.stderr);
    assert_eq!(outcome.stdout, workshop.read("out/said.csv"));
    let warnings = workshop.manifest()["warnings"].to_string();
    assert!(warnings.contains("said: yes of `dear` is predicted from "), "{warnings}");
    for row in csv(&outcome.stdout) {
        let yes = row["probability"].parse::<f64>().unwrap() >= threshold;
        assert_eq!(row["prediction"], yes.to_string(), "{row:?} from {threshold} on");
    }
    let half = workshop.gristmill(["predict", "out/judged", "new.csv", "--quiet", "--threshold", "0.5"]).success();
    for row in csv(&half.stdout) {
        assert_eq!(row["prediction"], (row["probability"].parse::<f64>().unwrap() >= 0.5).to_string());
    }
    // The odds are the root of the temperature's degree of what they were.
    let probabilities =
        |text: &str| csv(text).iter().map(|row| row["probability"].parse::<f64>().unwrap()).collect::<Vec<_>>();
    for (raw, calibrated) in
        probabilities(&workshop.read("out/raw.csv")).into_iter().zip(probabilities(&outcome.stdout))
    {
        let wanted = 1.0 / (1.0 + ((1.0 - raw) / raw).powf(1.0 / temperature));
        assert!((calibrated - wanted).abs() < 1e-4, "{raw} became {calibrated}, expected {wanted}");
    }
}

#[test]
fn a_chosen_threshold_is_insisted_on_and_classes_of_the_same_pipeline_come_in_lists() {
    let workshop = trained();
    workshop.write(
        "p.yaml",
        "name: p\nstages:\n  - read: {path: new.csv, null_values: [NA], types: {code: string}}\n  - predict: {model: out/model, threshold: chosen}\n",
    );
    let refused = workshop.gristmill(["check", "p.yaml"]);
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert!(refused.stderr.contains("no threshold was chosen for `dear`"), "{}", refused.stderr);
    let training =
        TRAINING.replace("zone, code]}, target: dear", "code]}, target: zone").replace(", save: out/model", "");
    let below = "  - id: fresh
    read: {path: new.csv, null_values: [NA], types: {code: string}}
  - predict: {model: train, probabilities: true}
  - derive: {far: \"probabilities[list_position(classes, 'far')]\", second: \"classes[2]\"}
  - write: {path: out/said.ndjson}
";
    workshop.write("p.yaml", format!("{training}{below}"));
    workshop.run();
    let rows = workshop.read_ndjson("out/said.ndjson");
    assert_eq!(rows.len(), 100);
    for row in &rows {
        let classes: Vec<&str> =
            row["classes"].as_array().unwrap().iter().map(|class| class.as_str().unwrap()).collect();
        let all: Vec<f64> = row["probabilities"].as_array().unwrap().iter().map(|p| p.as_f64().unwrap()).collect();
        assert_eq!((row["prediction"].as_str(), row["second"].as_str()), (Some(classes[0]), Some(classes[1])));
        assert_eq!(row["probability"].as_f64(), Some(all[0]));
        assert!(all.windows(2).all(|pair| pair[0] >= pair[1]) && (all.iter().sum::<f64>() - 1.0).abs() < 1e-6, "{row}");
        let far = classes.iter().position(|class| *class == "far").unwrap();
        assert_eq!(row["far"].as_f64(), Some(all[far]));
    }
}

#[test]
fn the_threshold_of_labels_travels_through_calibration() {
    let workshop = Workshop::new();
    let rows: String = (0..400_u32)
        .map(|row| {
            let (weight, far) = (row * 37 % 200, row % 3 == 1);
            let marks: Vec<&str> = [("heavy", weight > 120), ("far", far)]
                .into_iter()
                .filter_map(|(mark, holds)| holds.then_some(mark))
                .collect();
            format!("{}\n", serde_json::json!({ "id": row, "weight": weight, "far": f64::from(far), "marks": marks }))
        })
        .collect();
    workshop.write("parcels.ndjson", rows);
    workshop.write(
        "p.yaml",
        "name: p
stages:
  - read: {path: parcels.ndjson}
  - split: {by: hash, on: id, parts: {train: 0.8, test: 0.2}}
  - tensors: {features: {number: [weight, far]}, target: marks}
  - train: {network: [], epochs: 3, batch_size: 32}
  - id: judged
    evaluate: {threshold: 0.3, baselines: none, bootstrap: none}
  - write: {path: out/metrics.ndjson}
  - id: fresh
    read: {path: parcels.ndjson}
  - id: said
    predict: {model: train, calibration: judged, probabilities: [far, heavy]}
  - write: {path: out/said.ndjson}
",
    );
    let record = workshop.run();
    let metrics = workshop.read_ndjson("out/metrics.ndjson");
    let told: Vec<&Value> = metrics.iter().filter(|row| row["metric"] == "threshold").collect();
    assert_eq!(told.len(), 1, "{metrics:?}");
    assert_eq!((told[0]["target"].as_str(), told[0]["value"].as_f64()), (Some("marks"), Some(0.3)));
    assert_eq!(stage(&record, "said")["statistics"]["targets"][0]["threshold"], 0.3);
    let said = workshop.read_ndjson("out/said.ndjson");
    assert_eq!(said.len(), 400);
    for row in &said {
        for mark in ["far", "heavy"] {
            let is_said = row["prediction"].as_array().unwrap().iter().any(|one| one == mark);
            let probability = row[format!("probability_{mark}")].as_f64().unwrap();
            assert_eq!(is_said, probability >= 0.3, "{mark}: {row}");
        }
    }
}
