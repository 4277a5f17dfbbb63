//! Judgements against counts by hand.

use arrow::array::AsArray;
use arrow::datatypes::Float64Type;

use super::engine::read_parquet;
use super::*;
use crate::batch;
use crate::exhibit::{Exhibit, Tone};

/// A metric and its baseline from the table that `evaluate` makes.
fn score(table: &RecordBatch, metric: &str) -> (f64, f64) {
    let names = batch::texts(batch::column(table, "metric").unwrap());
    let row = names
        .iter()
        .position(|name| name.as_deref() == Some(metric))
        .unwrap_or_else(|| panic!("{metric} in {names:?}"));
    let value = |name: &str| {
        let column = batch::column(table, name).unwrap().as_primitive::<Float64Type>().clone();
        column.iter().nth(row).flatten().unwrap_or(f64::NAN)
    };
    (value("value"), value("baseline"))
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
    assert!(metrics[0].note.as_ref().unwrap().starts_with("baseline "));
    assert!(!exhibits.iter().any(|exhibit| matches!(exhibit, Exhibit::Note { .. })));
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
    let Exhibit::Table(by_class) = &exhibits[1] else { panic!("{exhibits:?}") };
    assert_eq!((by_class.title.as_str(), by_class.rows.len()), ("By class", 3));
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
        exhibits.iter().any(|exhibit| matches!(exhibit, Exhibit::Note { tone: Tone::Warning, .. }))
    };
    assert!(warned("evaluate: {on: train, on_training_rows: true}"));
    assert!(warned("evaluate: {on: valid}"));
    assert!(!warned("evaluate: {}"));
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
