//! Judgements against counts by hand.

use arrow::array::AsArray;
use arrow::datatypes::Float64Type;

use super::engine::read_parquet;
use super::*;
use crate::batch;
use crate::exhibit::Exhibit;

/// A metric of the network and of the simplest baseline, from the table that `evaluate` makes.
fn score(table: &RecordBatch, metric: &str) -> (f64, f64) {
    (of(table, "network", None, metric), of(table, "constant", None, metric))
}

/// A metric of a model on the rows of a group.
fn of(table: &RecordBatch, model: &str, slice: Option<&str>, metric: &str) -> f64 {
    let column = |name: &str| batch::texts(batch::column(table, name).unwrap());
    let (models, slices, metrics) = (column("model"), column("slice"), column("metric"));
    let row = (0..table.num_rows()).find(|row| {
        models[*row].as_deref() == Some(model)
            && slices[*row].as_deref() == slice
            && metrics[*row].as_deref() == Some(metric)
    });
    let row = row.unwrap_or_else(|| panic!("{model} {slice:?} {metric} in {metrics:?}"));
    let values = batch::column(table, "value").unwrap().as_primitive::<Float64Type>().clone();
    values.iter().nth(row).flatten().unwrap_or(f64::NAN)
}

/// All notes in one text.
fn notes(exhibits: &[Exhibit]) -> String {
    let texts = exhibits.iter().filter_map(|exhibit| match exhibit {
        Exhibit::Note { text, .. } => Some(text.clone()),
        _ => None,
    });
    texts.collect::<Vec<_>>().join("\n")
}

fn judged(world: &World, model: &Trained, yaml: &str) -> (RecordBatch, Vec<Exhibit>) {
    let planned = world.sound(yaml, std::slice::from_ref(&model.shape));
    let (outcome, artifacts) = world.run(&planned, std::slice::from_ref(&model.product)).unwrap();
    let Shape::Table(table) = &planned.product else { panic!("no table") };
    let file = &outcome.bindings.artifacts["stage.metrics"];
    let rows = read_parquet(&artifacts.join(file));
    assert_eq!(rows.schema().fields().len(), table.schema.len());
    for exhibit in &outcome.exhibits {
        if let Exhibit::Figure(figure) = exhibit {
            figure.to_svg(crate::chart::SvgColours::Variables).unwrap();
        }
    }
    (rows, outcome.exhibits)
}

/// The rows of a part with their predictions, by way of `predict`.
fn predictions(world: &mut World, model: &Trained, part: &str) -> RecordBatch {
    let all = world.engine.rows(&scan(ALL, &trip_schema()));
    let parts = batch::texts(batch::column(&all, "part").unwrap());
    let kept: BooleanArray = parts.iter().map(|name| Some(name.as_deref() == Some(part))).collect();
    world.engine.tables.insert(NEW, arrow::compute::filter_record_batch(&all, &kept).unwrap());
    super::predicting::predict(world, model, &trip_schema()).0
}

#[test]
fn a_binary_target_is_judged_as_by_counting_predictions() {
    let mut world = World::new();
    let model = world.binary_model();
    let (table, exhibits) = judged(&world, &model, "evaluate: {}");
    let rows = predictions(&mut world, &model, "test");
    let (truth, predicted) = (
        batch::texts(batch::column(&rows, "late").unwrap()),
        batch::texts(batch::column(&rows, "prediction").unwrap()),
    );
    let count = |t: &str, p: &str| {
        truth.iter().zip(&predicted).filter(|(a, b)| a.as_deref() == Some(t) && b.as_deref() == Some(p)).count() as f64
    };
    let (tp, tn, fp, fneg) =
        (count("true", "true"), count("false", "false"), count("false", "true"), count("true", "false"));
    assert_eq!(tp + tn + fp + fneg, 180.0);
    let close = |metric: &str, expected: f64| {
        let (value, _) = score(&table, metric);
        assert!((value - expected).abs() < 1e-12, "{metric}: {value}, expected {expected}");
    };
    close("accuracy", (tp + tn) / 180.0);
    close("precision", tp / (tp + fp));
    close("recall", tp / (tp + fneg));
    close("F1", 2.0 * tp / (2.0 * tp + fp + fneg));
    close("balanced accuracy", (tp / (tp + fneg) + tn / (tn + fp)) / 2.0);
    let probability = batch::floats(batch::column(&rows, "probability").unwrap());
    let pairs = probability.iter().zip(&truth).map(|(p, t)| (*p, t.as_deref() == Some("true")));
    close("Brier score", pairs.clone().map(|(p, t)| (p - f64::from(u8::from(t))).powi(2)).sum::<f64>() / 180.0);
    let (mut higher, mut all) = (0.0, 0.0);
    for (yes, _) in pairs.clone().filter(|(_, t)| *t) {
        for (no, _) in pairs.clone().filter(|(_, t)| !*t) {
            all += 1.0;
            higher += if yes > no {
                1.0
            } else if yes == no {
                0.5
            } else {
                0.0
            };
        }
    }
    close("ROC AUC", higher / all);
    assert!(score(&table, "accuracy").0 > 0.9, "{}", score(&table, "accuracy").0);
    // The most frequent class of the training rows is `false`.
    assert_eq!(score(&table, "accuracy").1, (tn + fp) / 180.0);
    assert_eq!(score(&table, "ROC AUC").1, 0.5);
    let Exhibit::Metrics { title, metrics } = &exhibits[0] else { panic!("{exhibits:?}") };
    assert_eq!((title.as_str(), metrics[0].name.as_str()), ("Evaluation on test", "accuracy"));
    let note = metrics[0].note.as_ref().unwrap();
    assert!(note.contains(" to ") && note.contains("; "), "{note}");
    assert!(notes(&exhibits).contains("baseline"));
}

#[test]
fn a_threshold_moves_what_counts_as_yes() {
    let world = World::new();
    let model = world.binary_model();
    let recall = |threshold: &str| {
        score(&judged(&world, &model, &format!("evaluate: {{threshold: {threshold}}}")).0, "recall").0
    };
    assert_eq!(recall("0"), 1.0);
    assert!(recall("1") < recall("0.5") && recall("0.5") <= recall("0.01"));
}

#[test]
fn a_category_is_judged_by_class() {
    let world = World::new();
    let model = world.model(
        "tensors: {features: [miles], target: grade}",
        "train: {network: [{dense: 32}, {dense: 32}], epochs: 200, batch_size: 32, optimizer: {adamw: {learning_rate: 0.01}}}",
    );
    let (table, exhibits) = judged(&world, &model, "evaluate: {on: valid}");
    let (accuracy, baseline) = score(&table, "accuracy");
    assert!(accuracy > 0.9, "{accuracy}");
    // Distances are 0, 10, .. 990: 39 of them are above 600, 30 above 300, and 31 are not; a missing one still has its
    // grade.
    assert!((baseline - 0.39).abs() < 0.04, "{baseline}");
    assert_eq!(score(&table, "micro F1").0, accuracy);
    let (loss, of_shares) = score(&table, "log loss");
    // The entropy of shares of about a third.
    assert!(loss < 0.5 && (of_shares - 1.09).abs() < 0.02, "{loss} {of_shares}");
    let by_class = exhibits.iter().find_map(|exhibit| match exhibit {
        Exhibit::Table(table) if table.title == "By class" => Some(table.rows.len()),
        _ => None,
    });
    assert_eq!(by_class, Some(3));
    let recalls = ["far", "middle", "near"].map(|class| of(&table, "network", None, &format!("recall of {class}")));
    assert!((recalls.iter().sum::<f64>() / 3.0 - score(&table, "balanced accuracy").0).abs() < 1e-12);
}

#[test]
fn a_number_is_judged_in_its_own_unit() {
    let mut world = World::new();
    let model = world.model(
        "tensors: {features: {number: miles, category: carrier}, target: delay}",
        "train: {network: [{dense: 32}], epochs: 100, batch_size: 32, optimizer: {adamw: {learning_rate: 0.01}}}",
    );
    let (table, _) = judged(&world, &model, "evaluate: {}");
    let rows = predictions(&mut world, &model, "test");
    let truth = batch::floats(batch::column(&rows, "delay").unwrap());
    let predicted = batch::floats(batch::column(&rows, "prediction").unwrap());
    let error = truth.iter().zip(&predicted).map(|(t, p)| (t - p).abs()).sum::<f64>() / 180.0;
    let (found, baseline) = score(&table, "mean absolute error");
    assert!((found - error).abs() < 1e-9 && found < 4.0 && baseline > 20.0, "{found} {error} {baseline}");
    assert!(score(&table, "R2").0 > 0.95 && score(&table, "R2").1.abs() < 0.05);
}

#[test]
fn what_makes_a_judgement_too_kind_is_said() {
    let world = World::new();
    let model = world.model(TENSORS, "train: {network: [], epochs: 2, early_stopping: {}}");
    let warned = |yaml: &str| {
        let (_, exhibits) = judged(&world, &model, yaml);
        let notes = notes(&exhibits);
        notes.contains("learned from these rows") || notes.contains("a little too kind")
    };
    assert!(warned("evaluate: {on: train, on_training_rows: true, baselines: none, bootstrap: none}"));
    assert!(warned("evaluate: {on: valid, baselines: none, bootstrap: none}"));
    assert!(!warned("evaluate: {baselines: none, bootstrap: none}"));
}

#[test]
fn a_forest_that_beats_the_network_is_named() {
    let world = World::new();
    // One epoch is not enough to learn anything.
    let model = world.model(TENSORS, "train: {network: [], epochs: 1}");
    let (table, exhibits) = judged(&world, &model, "evaluate: {}");
    let (network, forest) = (score(&table, "ROC AUC").0, of(&table, "forest", None, "ROC AUC"));
    assert!(forest > 0.95 && forest > network, "{forest} {network}");
    assert!(notes(&exhibits).contains("is better than the network: ROC AUC"), "{}", notes(&exhibits));
    for kind in ["constant", "logistic", "tree"] {
        assert!(of(&table, kind, None, "accuracy") > 0.3);
    }
}

#[test]
fn intervals_hold_their_values_and_a_seed_gives_them_again() {
    let world = World::new();
    let model = world.binary_model();
    let once = |yaml: &str| judged(&world, &model, yaml).0;
    let table = once("evaluate: {baselines: none, bootstrap: {resamples: 200, seed: 4}}");
    let floats = |name: &str| batch::floats(batch::column(&table, name).unwrap());
    let rows: Vec<_> = floats("value").into_iter().zip(floats("lower")).zip(floats("upper")).collect();
    let with = rows.iter().filter(|((value, lower), upper)| lower <= value && value <= upper).count();
    assert!(with >= 9, "{rows:?}");
    assert_eq!(table, once("evaluate: {baselines: none, bootstrap: {resamples: 200, seed: 4}}"));
    assert_ne!(table, once("evaluate: {baselines: none, bootstrap: {resamples: 200, seed: 5}}"));
}

#[test]
fn a_threshold_is_chosen_on_the_validation_part() {
    let world = World::new();
    let model = world.model(TENSORS, "train: {network: [], epochs: 3, batch_size: 32}");
    let at = |threshold: &str| {
        let yaml = format!("evaluate: {{baselines: none, bootstrap: none, threshold: {threshold}}}");
        judged(&world, &model, &yaml)
    };
    let (dear, exhibits) = at("{cost: {false_positive: 1, false_negative: 20}}");
    let (cheap, _) = at("{cost: {false_positive: 20, false_negative: 1}}");
    let threshold = |table: &RecordBatch| of(table, "network", None, "threshold");
    assert!(threshold(&dear) < threshold(&cheap), "{} {}", threshold(&dear), threshold(&cheap));
    assert!(score_of(&dear, "recall") > score_of(&cheap, "recall"));
    assert!(notes(&exhibits).contains("where errors cost the least on `valid`"), "{}", notes(&exhibits));
    assert!(of(&dear, "network", None, "mean cost") < of(&dear, "network", None, "rows"));
    assert!(threshold(&at("youden").0) > 0.0 && threshold(&at("f1").0) > 0.0);
}

fn score_of(table: &RecordBatch, metric: &str) -> f64 {
    of(table, "network", None, metric)
}

#[test]
fn a_temperature_is_told_and_lowers_the_loss_where_it_was_fitted() {
    let world = World::new();
    let model = world.model(TENSORS, "train: {network: [{dense: 16}], epochs: 4, batch_size: 32}");
    let (table, exhibits) =
        judged(&world, &model, "evaluate: {calibrate: true, baselines: [constant], bootstrap: none}");
    assert!(of(&table, "network", None, "temperature") > 0.0);
    let calibrated = |metric: &str| of(&table, "network, calibrated", None, metric);
    // The order of the rows stays, and so does what is a yes.
    assert_eq!(
        (calibrated("ROC AUC"), calibrated("accuracy")),
        (score_of(&table, "ROC AUC"), score_of(&table, "accuracy"))
    );
    assert!(calibrated("log loss") < score_of(&table, "log loss") + 0.05);
    assert!(notes(&exhibits).contains("fitted on `valid`"));
}

#[test]
fn groups_are_judged_and_their_rows_add_up() {
    let world = World::new();
    let model = world.model(TENSORS, "train: {network: [], epochs: 3, batch_size: 32}");
    let (table, exhibits) =
        judged(&world, &model, "evaluate: {slices: [carrier, distance], baselines: none, bootstrap: none}");
    let rows = |slice: &str| of(&table, "network", Some(slice), "rows");
    let carriers: f64 = ["carrier = A", "carrier = B", "carrier = C"].map(rows).iter().sum();
    assert_eq!(carriers, score_of(&table, "rows"));
    let right: f64 = ["carrier = A", "carrier = B", "carrier = C"]
        .map(|slice| rows(slice) * of(&table, "network", Some(slice), "accuracy"))
        .iter()
        .sum();
    assert!((right / carriers - score_of(&table, "accuracy")).abs() < 1e-12);
    assert!(notes(&exhibits).contains("than elsewhere, beyond chance"));
}

#[test]
fn what_cannot_be_judged_is_refused_at_its_place() {
    let world = World::new();
    let model = world.binary_model();
    let refused = |yaml: &str| world.refused(yaml, std::slice::from_ref(&model.shape)).join("\n");
    let cases = [
        ("evaluate: {slices: [carier]}", "did you mean `carrier`?"),
        ("evaluate: {bins: 1}", "`bins` is a number from 2 to 1000"),
        ("evaluate: {bootstrap: {resamples: 5}}", "`resamples` is a number from 100 to 100000"),
        ("evaluate: {quantiles: [0.5]}", "`quantiles` belong to numbers"),
        ("evaluate: {baselines: [linear]}", "did you mean `logistic`?"),
        ("evaluate: {threshold: 1.5}", "`threshold` is a probability from 0 to 1, not 1.5"),
        ("evaluate: {threshold: {cost: {false_positive: 0, false_negative: 0}}}", "not both are 0"),
        ("evaluate: {threshold: youden, on: valid}", "the threshold is chosen on `valid`, so its rows cannot judge it"),
        ("evaluate: {threshold: f1, choose_on: train}", "from which the model learned"),
        ("evaluate: {choose_on: valid}", "nothing is chosen on `choose_on`"),
        ("evaluate: {calibrate: true, choose_on: vlid}", "did you mean `valid`?"),
    ];
    for (yaml, message) in cases {
        assert!(refused(yaml).contains(message), "{yaml}: {}", refused(yaml));
    }
}

#[test]
fn one_class_in_the_judged_part_is_said() {
    let mut trips = Trips::new(TRIPS);
    for (late, part) in trips.late.iter_mut().zip(&trips.part) {
        if *part == "test" {
            *late = Some(false);
        }
    }
    let world = World::of(&trips);
    let model = world.binary_model();
    let (table, exhibits) = judged(&world, &model, "evaluate: {bootstrap: {resamples: 100}}");
    assert!(score_of(&table, "ROC AUC").is_nan() && score_of(&table, "accuracy") > 0.5);
    assert!(notes(&exhibits).contains("All judged rows are `false`"), "{}", notes(&exhibits));
}

#[test]
fn a_part_without_rows_cannot_be_judged_on() {
    let mut trips = Trips::new(TRIPS);
    trips.part.iter_mut().filter(|part| **part == "test").for_each(|part| *part = "valid");
    let world = World::of(&trips);
    let model = world.binary_model();
    let planned = world.sound("evaluate: {}", std::slice::from_ref(&model.shape));
    let error = world.run(&planned, std::slice::from_ref(&model.product)).unwrap_err();
    assert_eq!(error.message, "part `test` has no rows with a value of `late` to judge on");
}
