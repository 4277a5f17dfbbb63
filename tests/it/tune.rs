//! The search for options, through the program.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::fmt::Write;

use serde_json::Value;

use crate::support::{Outcome, Workshop};

/// Rows of which the class follows from two numbers; there are forty groups, and some rows lack a number.
fn rows(count: u64) -> String {
    let mut text = "id,a,b,noise,group,yes\n".to_owned();
    let mut state = 12_345_u64;
    let mut draw = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / f64::from(1 << 24)
    };
    for id in 0..count {
        let (a, b, noise) = (draw() * 2.0 - 1.0, draw() * 2.0 - 1.0, draw());
        let yes = a * b + 0.1 * (draw() - 0.5) > 0.0;
        let written = if id % 11 == 0 { String::new() } else { format!("{a:.4}") };
        writeln!(text, "{id},{written},{b:.4},{noise:.4},g{},{yes}", id % 40).unwrap();
    }
    text
}

/// A pipeline that splits as it is told and searches as it is told.
fn pipeline(split: &str, tune: &str, below: &str) -> String {
    format!(
        "name: p
stages:
  - read: {{path: t.csv}}
  - id: parts
    split: {split}
  - id: filled
    impute: {{columns: {{a: median}}}}
  - id: tensors
    tensors: {{features: [a, b, noise], target: yes}}
  - id: model
    train:
      network: [{{dense: 8}}]
      epochs: 4
      batch_size: 32
      optimizer: {{adamw: {{learning_rate: 0.001}}}}
  - id: search
    tune:
      model: model
{tune}
{below}
"
    )
}

const PARTS: &str = "{parts: {train: 0.6, valid: 0.2, test: 0.2}}";

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("      {line}\n")).collect()
}

fn workshop(split: &str, tune: &str, below: &str) -> Workshop {
    let workshop = Workshop::with_pipeline(&pipeline(split, &indented(tune), below));
    workshop.write("t.csv", rows(240));
    workshop
}

fn stage<'a>(manifest: &'a Value, id: &str) -> &'a Value {
    manifest["stages"].as_array().unwrap().iter().find(|stage| stage["id"] == id).unwrap()
}

/// The lines of the only history of a workshop.
fn history(workshop: &Workshop) -> Vec<Value> {
    let folder = workshop.path().join(".gristmill/tuning");
    let files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    let text = std::fs::read_to_string(&files[0]).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn check(workshop: &Workshop) -> Outcome {
    workshop.gristmill(["check", "p.yaml"])
}

const SMALL: &str = "over:
  stages.model.optimizer.adamw.learning_rate: {loguniform: [1.0e-4, 1.0e-1]}
  stages.model.network: [[{dense: 4}], [{dense: 16}]]
  stages.filled.columns.a: [median, mean]
metric: log_loss
trials: 6
seed: 7";

#[test]
fn the_best_options_become_a_model_that_is_judged_and_applied() {
    let below = "  - id: judged
    evaluate: {on: test}
  - from: search.trials
    write: {path: trials.csv}
  - id: fresh
    read: {path: t.csv}
  - predict: {model: search}
  - write: {path: predicted.csv}";
    let workshop = workshop(PARTS, SMALL, below);
    let manifest = workshop.run();
    let found = history(&workshop);
    assert_eq!(found.len(), 6);
    let least = found.iter().filter_map(|attempt| attempt["loss"].as_f64()).fold(f64::INFINITY, f64::min);
    let search = stage(&manifest, "search");
    assert_eq!(search["statistics"]["best"].as_f64(), Some(least));
    let table = workshop.read("trials.csv");
    let mut lines = table.lines();
    assert_eq!(
        lines.next(),
        Some(
            "trial,epochs,value,seconds,failure,stages.model.optimizer.adamw.learning_rate,stages.model.network,stages.filled.columns.a"
        )
    );
    assert_eq!(lines.count(), 6);
    assert_eq!(workshop.read("predicted.csv").lines().count(), 241);
    // Every row of the test part is judged, prepared as the best trial did it.
    let parts = stage(&manifest, "parts");
    let counts = serde_json::to_string(&parts["exhibits"]).unwrap();
    assert!(counts.contains("test"), "{counts}");
    assert_eq!(stage(&manifest, "judged")["status"], "done");
    let shown = serde_json::to_string(&search["exhibits"]).unwrap();
    for title in ["Best options", "Log loss by trial", "Best trials", "as written"] {
        assert!(shown.contains(title), "{title}");
    }
}

#[test]
fn a_search_is_the_same_again_and_rests_when_nothing_changed() {
    let tune = SMALL.replace("  stages.filled.columns.a: [median, mean]\n", "");
    let one = workshop(PARTS, &tune, "");
    one.run();
    let again = one.run();
    assert_eq!(stage(&again, "search")["status"], "cached");
    let other = workshop(PARTS, &tune, "");
    other.gristmill(["run", "p.yaml", "--quiet", "--threads", "1"]).success();
    let what = |workshop: &Workshop| {
        history(workshop).into_iter().map(|line| (line["point"].clone(), line["loss"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(what(&one), what(&other));
}

#[test]
fn a_search_goes_on_where_it_was_and_with_more_trials_where_it_ended() {
    let tune = SMALL.replace("  stages.filled.columns.a: [median, mean]\n", "");
    let whole = workshop(PARTS, &tune, "");
    whole.run();
    let part = workshop(PARTS, &tune.replace("trials: 6", "trials: 4"), "");
    part.run();
    assert_eq!(history(&part).len(), 4);
    // A line that was cut off while it was written is done again.
    let file = std::fs::read_dir(part.path().join(".gristmill/tuning")).unwrap().next().unwrap().unwrap().path();
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, &text[..text.len() - 20]).unwrap();
    part.write("p.yaml", pipeline(PARTS, &indented(&tune), ""));
    part.run();
    let points =
        |workshop: &Workshop| history(workshop).into_iter().map(|line| line["point"].clone()).collect::<Vec<_>>();
    assert_eq!(points(&part), points(&whole));
}

#[test]
fn folds_never_see_the_test_part_and_keep_groups_together() {
    let tune = "over: {stages.model.batch_size: [16, 64]}\nmetric: accuracy\nfolds: 3\nstrategy: grid";
    let split = "{by: hash, on: group, parts: {train: 0.6, valid: 0.2, test: 0.2}}";
    let one = workshop(split, tune, "");
    one.run();
    let found = history(&one);
    assert_eq!(found.len(), 2);
    assert_eq!(found[0]["folds"].as_array().unwrap().len(), 3);
    // Other targets and features in the rows of the test part change no trial.
    let labelled = workshop(
        split,
        "over: {stages.model.batch_size: [16, 64]}\nfolds: 3\nstrategy: grid",
        "  - from: parts\n    write: {path: parts.csv}",
    );
    labelled.run();
    let parts = labelled.read("parts.csv");
    let held: Vec<&str> =
        parts.lines().filter(|line| line.ends_with(",test")).map(|line| line.split(',').next().unwrap()).collect();
    assert!(!held.is_empty() && held.len() < 200);
    let poisoned: String = rows(240)
        .lines()
        .map(|line| match line.split_once(',') {
            Some((id, rest)) if held.contains(&id) => {
                let group = rest.split(',').nth(3).unwrap();
                format!("{id},999,-999,5,{group},true\n")
            }
            _ => format!("{line}\n"),
        })
        .collect();
    let other = Workshop::with_pipeline(&pipeline(split, &indented(tune), ""));
    other.write("t.csv", poisoned);
    other.run();
    let losses = |found: Vec<Value>| found.into_iter().map(|line| line["folds"].clone()).collect::<Vec<_>>();
    assert_eq!(losses(history(&other)), losses(found));
}

#[test]
fn halving_gives_more_epochs_to_the_best() {
    let tune = "over: {stages.model.optimizer.adamw.learning_rate: {loguniform: [1.0e-4, 1.0e-1]}}
strategy: {halving: {least: 1, factor: 2}}
trials: 4";
    let workshop = workshop(PARTS, tune, "");
    workshop.run();
    let budgets: Vec<u64> = history(&workshop).iter().map(|line| line["budget"].as_u64().unwrap()).collect();
    assert_eq!(budgets, [1, 1, 1, 1, 2, 2, 4]);
}

/// The loss of each point at the largest budget.
fn losses_at(found: &[Value], budget: Option<u64>) -> Vec<(Value, f64)> {
    let at = found.iter().filter(|line| line["budget"].as_u64() == budget);
    let mut losses: Vec<(Value, f64)> =
        at.map(|line| (line["point"].clone(), line["loss"].as_f64().unwrap())).collect();
    losses.sort_by(|a, b| a.0[0].as_f64().partial_cmp(&b.0[0].as_f64()).unwrap());
    losses
}

#[test]
fn a_training_goes_on_from_the_rung_below_to_the_last_bit() {
    let over = "over: {stages.model.optimizer.adamw.learning_rate: [0.001, 0.003, 0.01, 0.03]}";
    let one =
        workshop(PARTS, &format!("{over}\nstrategy: {{halving: {{least: 1, factor: 2}}}}\ntrials: 4\nfolds: 3"), "");
    let shown = serde_json::to_string(&stage(&one.run(), "search")["exhibits"]).unwrap();
    assert!(shown.contains("3 trainings went on from where the rung below had left them."), "{shown}");
    let (halved, whole) = (history(&one), workshop(PARTS, &format!("{over}\nstrategy: grid\nfolds: 3"), ""));
    whole.run();
    let (halved, whole) = (losses_at(&halved, Some(4)), losses_at(&history(&whole), None));
    assert_eq!((halved.len(), whole.len()), (1, 4));
    assert!(whole.contains(&halved[0]), "{halved:?} is not among {whole:?}");
    // A rate that knows the last epoch makes fewer epochs another training.
    let text =
        pipeline(PARTS, &indented(&format!("{over}\nstrategy: {{halving: {{least: 2, factor: 2}}}}\ntrials: 2")), "");
    let cosine = Workshop::with_pipeline(&text.replace("epochs: 4", "epochs: 4\n      schedule: cosine"));
    cosine.write("t.csv", rows(240));
    let shown = serde_json::to_string(&stage(&cosine.run(), "search")["exhibits"]).unwrap();
    assert!(shown.contains("Each rung trained from the beginning"), "{shown}");
}

#[test]
fn trials_side_by_side_are_the_same_whatever_the_timing_and_go_on_where_they_were() {
    let tune = "over:
  stages.model.optimizer.adamw.learning_rate: {loguniform: [1.0e-4, 1.0e-1]}
  stages.model.network: [[{dense: 4}], [{dense: 16}]]
strategy: {tpe: {startup: 3}}
parallel: 3
trials: 7
seed: 7";
    let whole = workshop(PARTS, tune, "");
    let shown = serde_json::to_string(&stage(&whole.run(), "search")["exhibits"]).unwrap();
    for words in ["3 were chosen together and trained side by side", "From options to log loss"] {
        assert!(shown.contains(words), "{words}");
    }
    let what = |workshop: &Workshop| {
        let told = history(workshop).into_iter();
        told.map(|line| (line["point"].clone(), line["loss"].clone(), line["known"].clone())).collect::<Vec<_>>()
    };
    let all = what(&whole);
    assert_eq!(all.iter().map(|(.., known)| known.as_u64().unwrap()).collect::<Vec<_>>(), [0, 0, 0, 3, 3, 3, 6]);
    let alone = workshop(PARTS, tune, "");
    alone.gristmill(["run", "p.yaml", "--quiet", "--threads", "1"]).success();
    assert_eq!(what(&alone), all);
    // Interrupted within the second batch.
    let file = std::fs::read_dir(alone.path().join(".gristmill/tuning")).unwrap().next().unwrap().unwrap().path();
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.lines().take(4).map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    alone.write("p.yaml", pipeline(PARTS, &indented(&format!("{tune}\ntime: 1h")), ""));
    alone.run();
    assert_eq!(what(&alone), all);
}

#[test]
fn several_targets_are_judged_together_beside_the_options_as_they_are_written() {
    let tune = "over: {stages.model.optimizer.adamw.learning_rate: [0.0001, 0.02]}
metric: {yes: accuracy, b: root_mean_squared_error}
strategy: grid";
    let below = "  - from: search.trials\n    write: {path: trials.ndjson}";
    let text = pipeline(PARTS, &indented(tune), below)
        .replace("features: [a, b, noise], target: yes", "features: [a, noise], target: {yes: binary, b: number}");
    let several = Workshop::with_pipeline(&text);
    several.write("t.csv", rows(240));
    let manifest = several.run();
    let found = history(&several);
    // The table of trials has the metric of each target behind the value.
    let table = several.read_ndjson("trials.ndjson");
    let names: Vec<&String> = table[0].as_object().unwrap().keys().take(5).collect();
    assert_eq!(names, ["trial", "epochs", "value", "value_yes", "value_b"]);
    for (row, line) in table.iter().zip(&found) {
        assert_eq!(row["value_yes"].as_f64(), line["values"][0].as_f64());
        assert_eq!(row["value_b"].as_f64(), line["values"][1].as_f64());
    }
    assert!(found.iter().all(|line| line["values"].as_array().unwrap().len() == 2), "{found:?}");
    // The first value is that of a share of right answers, the second of an error: the table says what they were as written.
    let shown = stage(&manifest, "search")["exhibits"].as_array().unwrap();
    let listed = shown.iter().filter_map(|exhibit| exhibit.get("table")).find(|table| table["title"] == "Best trials");
    let headers = listed.unwrap()["columns"].to_string();
    for words in ["accuracy of yes", "root mean squared error of b"] {
        assert!(headers.contains(words), "{words} in {headers}");
    }
    let tables = shown.iter().filter_map(|exhibit| exhibit.get("table"));
    let table = tables.into_iter().find(|table| table["title"] == "The best trial by target").unwrap();
    let cell = |row: usize, column: usize| table["rows"][row][column].as_f64().unwrap();
    for line in &found {
        let value = |at: usize| line["values"][at].as_f64().unwrap();
        let wanted = ((1.0 - value(0)) / (1.0 - cell(0, 2)) + value(1) / cell(1, 2)) / 2.0;
        assert!((line["loss"].as_f64().unwrap() - wanted).abs() < 1e-9, "{line}: {wanted}");
    }
}

#[test]
fn folds_in_time_never_learn_from_the_future() {
    let split = "{by: time, on: id, parts: {train: 0.6, valid: 0.2, test: 0.2}}";
    let tune = "over: {stages.model.batch_size: [16, 64]}\nfolds: 2\nstrategy: grid";
    let folds = |rows: String| {
        let workshop = workshop(split, tune, "");
        workshop.write("t.csv", rows);
        let shown = serde_json::to_string(&stage(&workshop.run(), "search")["exhibits"]).unwrap();
        assert!(shown.contains("2 folds that follow each other in time"), "{shown}");
        let found = history(&workshop).into_iter();
        found.map(|line| line["folds"].as_array().unwrap().clone()).collect::<Vec<_>>()
    };
    // Of 240 rows 192 may be seen, in four blocks of 48: the second fold is judged on rows 144 to 191, the first one before.
    let poisoned = |from: usize| {
        let text = rows(240);
        let line = |(at, line): (usize, &str)| match line.split_once(',') {
            Some((id, rest)) if at > from => format!("{id},9,-9,5,{}\n", rest.splitn(4, ',').nth(3).unwrap()),
            _ => format!("{line}\n"),
        };
        text.lines().enumerate().map(line).collect::<String>()
    };
    let (plain, later, last) = (folds(rows(240)), folds(poisoned(192)), folds(poisoned(144)));
    assert_eq!(plain, later);
    for (plain, last) in plain.iter().zip(&last) {
        assert_eq!(plain[0], last[0]);
        assert_ne!(plain[1], last[1]);
    }
}

#[test]
fn a_trial_that_fails_is_no_end() {
    // Least squares at a rate of a million: each step is a million times longer than the one before.
    let tune = "over: {stages.model.optimizer.sgd.learning_rate: [1000000.0, 0.01]}\nstrategy: grid";
    let text = pipeline(PARTS, &indented(tune), "")
        .replace("adamw: {learning_rate: 0.001}", "sgd: {learning_rate: 0.001}")
        .replace("features: [a, b, noise], target: yes", "features: [a, b], target: noise")
        .replace("[{dense: 8}]", "[]");
    let workshop = Workshop::with_pipeline(&text);
    workshop.write("t.csv", rows(240));
    workshop.run();
    let found = history(&workshop);
    assert_eq!(found.len(), 2);
    assert!(found[0]["loss"].is_null() && found[0]["failure"].is_string(), "{found:?}");
    assert!(found[1]["loss"].as_f64().is_some_and(|loss| loss < 1.0));
}

#[test]
fn what_is_wrong_is_found_before_a_row_is_read() {
    let cases = [
        ("stages.modle.epochs: [1, 2]", "there is no stage `modle` above the model", "did you mean `model`?"),
        ("stages.model.epoch: [1, 2]", "unknown", "epochs"),
        ("stages.model.optimizer.adamw.learning_rat: [1.0, 2.0]", "unknown", "learning_rate"),
        ("stages.model.epochs: [1, many]", "many", ""),
        ("stages.model.batch_size: {int: [0, 5]}", "batch_size", ""),
        ("stages.model.epochs: {loguniform: [0, 1]}", "a logarithmic range begins above zero", ""),
        ("stages.model.epochs: {norml: [0, 1]}", "norml", ""),
        ("stages.model.epochs: [1]", "a choice needs at least two values", ""),
        ("stages.model.epochs: [1, 1]", "this value stands in the list already", ""),
        ("model.epochs: [1, 2]", "`model.epochs` is no path of an option", ""),
        ("stages.tensors.target: [yes, a]", "what is foretold cannot be varied", ""),
        ("stages.parts.parts: [{train: 0.5, test: 0.5}, {a: 0.5, b: 0.5}]", "changes the parts of the rows", ""),
    ];
    for (over, message, help) in cases {
        let workshop = workshop(
            PARTS,
            &format!("over: {{\"{}\": {}}}", over.split_once(": ").unwrap().0, over.split_once(": ").unwrap().1),
            "",
        );
        let outcome = check(&workshop);
        assert_eq!(outcome.code, Some(2), "{over}: {}", outcome.stderr);
        assert!(outcome.stderr.contains(message) && outcome.stderr.contains(help), "{over}: {}", outcome.stderr);
    }
}

#[test]
fn options_of_the_search_are_checked() {
    let over = "over: {stages.model.epochs: [1, 2]}";
    let real = "over: {stages.model.optimizer.adamw.learning_rate: {uniform: [0.1, 0.2]}}";
    let two = "{parts: {train: 0.6, test: 0.4}}";
    let cases = [
        (
            PARTS,
            format!("{over}\nmetric: root_mean_squared_error"),
            "root mean squared error is no metric of a binary target",
        ),
        (PARTS, format!("{over}\nmetric: log_los"), "log_loss"),
        (PARTS, format!("{over}\nfolds: 2"), "`folds` is a number from 3 to 100, not 2"),
        (two, over.to_owned(), "makes two parts, and the last one must not be seen"),
        ("{by: time, on: id}", format!("{over}\nfolds: 1"), "`folds` is a number from 2 to 100, not 1"),
        (PARTS, format!("{over}\nparallel: 0"), "`parallel` is a number from 1 to 64, not 0"),
        (PARTS, format!("{over}\nmetric: {{yess: log_loss}}"), "did you mean `yes`?"),
        (PARTS, format!("{over}\nmetric: {{yes: r2}}"), "R2 is no metric of a binary target"),
        (PARTS, format!("{over}\nmetric: {{}}"), "`metric` names no target"),
        (PARTS, format!("{over}\ntime: 10"), "10"),
        (PARTS, format!("{over}\ntime: 10 minutes"), "`10 minutes` is no time"),
        (PARTS, format!("{over}\ntrials: 0"), "`trials` is a number from 1"),
        (PARTS, format!("{real}\nstrategy: grid"), "a grid cannot try every number"),
        (
            PARTS,
            format!("{over}\nstrategy: grid\ntrials: 1"),
            "the grid has 2 combinations, more than the 1 of `trials`",
        ),
        (PARTS, format!("{over}\nstrategy: {{halving: {{least: 3}}}}"), "there is no room for two rungs"),
    ];
    for (split, tune, message) in cases {
        let outcome = check(&workshop(split, &tune, ""));
        assert_eq!(outcome.code, Some(2), "{tune}: {}", outcome.stderr);
        assert!(outcome.stderr.contains(message), "{tune}: {}", outcome.stderr);
    }
}
