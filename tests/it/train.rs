//! `train` through the program: networks of several targets, checkpoints, what is refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Workshop, stage};

/// Rows of two numbers and a colour; far away is late, and the red ones are later.
fn rows(count: usize) -> String {
    let mut text = "id,distance,colour,late,delay,calls,weight\n".to_owned();
    for id in 0..count {
        let distance = (id * 37) % 100;
        let colour = ["red", "green", "blue"][(id * 7 / 3) % 3];
        let red = usize::from(colour == "red");
        let delay = distance + 40 * red;
        text += &format!("{id},{distance},{colour},{},{delay}.5,{},{}\n", delay > 80, delay / 20, id % 3);
    }
    text
}

fn pipeline(features: &str, target: &str, train: &str) -> String {
    format!(
        "name: trains
stages:
  - read: {{path: rows.csv}}
  - split: {{by: hash, on: id, parts: {{train: 0.6, valid: 0.2, test: 0.2}}}}
  - id: tensors
    tensors: {{features: {features}, target: {target}}}
  - id: model
    train: {train}
"
    )
}

fn workshop(features: &str, target: &str, train: &str) -> Workshop {
    let workshop = Workshop::with_pipeline(&pipeline(features, target, train));
    workshop.write("rows.csv", rows(600));
    workshop
}

fn exhibit<'a>(manifest: &'a Value, kind: &str, title: &str) -> &'a Value {
    let exhibits = stage(manifest, "model")["exhibits"].as_array().unwrap();
    let found = exhibits.iter().map(|exhibit| &exhibit[kind]).find(|exhibit| exhibit["title"] == title);
    found.unwrap_or_else(|| panic!("no {kind} `{title}` among {exhibits:#?}"))
}

fn metric(manifest: &Value, name: &str) -> f64 {
    let metrics = exhibit(manifest, "metrics", "Training")["metrics"].as_array().unwrap();
    metrics.iter().find(|metric| metric["name"] == name).unwrap()["value"].as_f64().unwrap()
}

#[test]
fn a_network_learns_and_shows_its_layers_and_curves() {
    let workshop = workshop(
        "[distance, colour]",
        "late",
        "{network: [batch_norm, {dense: {units: 16, activation: mish}}, {residual: [{dense: 16}]}, {dropout: 0.05}], epochs: 40, \
         batch_size: 32, learning_rate: 0.01, schedule: {cosine: {warm_up: 1}}, loss: {binary_cross_entropy: {label_smoothing: 0.02}}, \
         weights: weight, on_divergence: {retries: 1}}",
    );
    let manifest = workshop.run();
    assert!(metric(&manifest, "validation accuracy") > 0.9, "{manifest:#}");
    let network = exhibit(&manifest, "table", "Network");
    let layers: Vec<&str> = network["rows"].as_array().unwrap().iter().map(|row| row[0].as_str().unwrap()).collect();
    assert_eq!(layers[..3], ["table (input)", "layer_1 (batch_norm)", "layer_2 (dense)"]);
    for title in ["Loss by epoch", "Accuracy of late by epoch", "Learning rate at the end of each epoch"] {
        exhibit(&manifest, "figure", title);
    }
}

#[test]
fn texts_and_numbers_meet_and_answer_several_questions() {
    let workshop = workshop(
        "{number: [distance], text: {colour: {vocabulary: 20, length: 4}}}",
        "{late: binary, delay: number, calls: count}",
        "{inputs: {table: [{dense: 8}], colour: [{embedding_bag: 8}]}, fusion: [{dense: 16}], outputs: {delay: {layers: \
         [{dense: 8}], loss: huber, weight: 0.5}, calls: {loss: poisson}}, epochs: 60, batch_size: 32, learning_rate: 0.01, \
         early_stopping: {patience: 60, metric: accuracy}, clip_norm: 5}",
    );
    let manifest = workshop.run();
    let targets = exhibit(&manifest, "table", "Targets in the kept epoch");
    let names: Vec<&str> = targets["rows"].as_array().unwrap().iter().map(|row| row[0].as_str().unwrap()).collect();
    assert_eq!(names, ["late", "delay", "calls"]);
    assert!(targets["rows"][0][3].as_f64().unwrap() > 0.85, "{targets:#}");
    let network = exhibit(&manifest, "table", "Network").to_string();
    for layer in [
        "colour_1 (embedding_bag)",
        "joined (concatenate)",
        "fusion_1 (dense)",
        "delay_1 (dense)",
        "head_calls (dense)",
    ] {
        assert!(network.contains(layer), "{layer}: {network}");
    }
}

#[test]
fn what_does_not_fit_is_shown_at_its_line() {
    let workshop = workshop(
        "[distance, colour]",
        "late",
        "\n      network:\n        - {dense: 8}\n        - {conv2d: 4}\n        - flatten",
    );
    let refused = workshop.gristmill(["check", "p.yaml"]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    let text = refused.stderr + &refused.stdout;
    assert!(text.contains("layer_2 (conv2d)") && text.contains("p.yaml:11"), "{text}");
}

#[test]
fn a_rate_that_is_far_too_high_is_an_error_or_tried_again() {
    let features = "[distance, colour]";
    let workshop = workshop(
        features,
        "delay",
        "{network: [{dense: 16}], epochs: 5, batch_size: 8, optimizer: {sgd: {learning_rate: 1e6}}}",
    );
    let failed = workshop.gristmill(["run", "p.yaml", "--quiet"]);
    assert_ne!(failed.code, Some(0));
    assert!(
        failed.stderr.contains("training diverged in epoch ") && failed.stderr.contains("on_divergence"),
        "{failed:?}"
    );
    let train = "{network: [{dense: 16}], epochs: 5, batch_size: 8, optimizer: {sgd: {learning_rate: 1e6}}, on_divergence: {retries: 4, factor: 0.01}}";
    workshop.write("p.yaml", pipeline(features, "delay", train));
    let manifest = workshop.run();
    assert!(manifest["warnings"].to_string().contains("and went on at a learning rate divided by"), "{manifest:#}");
}

#[test]
fn one_row_and_weights_below_zero_are_refused() {
    let workshop = workshop("[distance]", "delay", "{network: []}");
    workshop.write("rows.csv", rows(1));
    workshop.write("p.yaml", "name: p\nstages:\n  - read: {path: rows.csv}\n  - tensors: {features: [distance], target: delay}\n  - train: {}\n");
    let failed = workshop.gristmill(["run", "p.yaml", "--quiet"]);
    assert_eq!(failed.code, Some(3), "{failed:?}");
    assert!(failed.stderr.contains("only one training row"), "{failed:?}");
    workshop.write("rows.csv", rows(60).replace(",2\n", ",-2\n"));
    workshop.write("p.yaml", "name: p\nstages:\n  - read: {path: rows.csv}\n  - tensors: {features: [distance], target: delay}\n  - train: {weights: weight}\n");
    let failed = workshop.gristmill(["run", "p.yaml", "--quiet"]);
    assert_eq!(failed.code, Some(3), "{failed:?}");
    assert!(failed.stderr.contains("`weight` is -2 in one"), "{failed:?}");
}

#[cfg(unix)]
#[test]
fn a_run_that_was_interrupted_ends_with_the_same_network() {
    let train = |save: &str| {
        format!(
            "{{network: [{{dense: 32}}, {{dropout: 0.1}}, {{dense: 32}}], epochs: 60, batch_size: 4, save: {save}, checkpoint: \
             {{every: 1}}}}"
        )
    };
    let workshop = workshop("[distance, colour]", "late", &train("model"));
    let mut child = workshop.command(["run", "p.yaml", "--quiet"]).spawn().unwrap();
    let kept = workshop.path().join(".gristmill/checkpoints");
    let begun = Instant::now();
    while !std::fs::read_dir(&kept).is_ok_and(|mut entries| entries.next().is_some()) {
        assert!(begun.elapsed() < Duration::from_secs(60), "there is no checkpoint");
        std::thread::sleep(Duration::from_millis(2));
    }
    let interrupt = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupt.success());
    assert_ne!(child.wait().unwrap().code(), Some(0));
    let manifest = workshop.run();
    let remarks = manifest["warnings"].to_string();
    assert!(remarks.contains("Went on from the checkpoint after epoch "), "{remarks}");
    assert_eq!(std::fs::read_dir(&kept).unwrap().count(), 0, "a finished training needs no checkpoint");
    let interrupted = std::fs::read(workshop.path().join("model/weights.safetensors")).unwrap();
    workshop.write("p.yaml", pipeline("[distance, colour]", "late", &train("whole")));
    workshop.run();
    assert_eq!(interrupted, std::fs::read(workshop.path().join("whole/weights.safetensors")).unwrap());
}
