//! New rows: the same is done to them as to the training rows, and none is lost.

use arrow::array::AsArray;
use arrow::compute::take_record_batch;
use arrow::datatypes::Int64Type;

use super::super::bundle::{Bundle, Judgement, Saving, save};
use super::super::predict::Summary;
use super::engine::read_parquet;
use super::*;
use crate::batch;
use crate::exhibit::Exhibit;

/// Predicts the rows of the table `NEW`; also gives the outcome.
pub(super) fn predict(world: &World, model: &Trained, schema: &Schema) -> (RecordBatch, Outcome) {
    predict_by(world, "predict: {model: model}", Some(model), schema)
}

fn predict_by(world: &World, yaml: &str, model: Option<&Trained>, schema: &Schema) -> (RecordBatch, Outcome) {
    let relation = scan(NEW, schema);
    let mut shapes = vec![Shape::Table(TableShape::new(Relation::clone(&relation), None))];
    let mut products =
        vec![Product::Table(TableProduct { relation: relation.clone(), meaning: relation, split: None })];
    shapes.extend(model.map(|model| model.shape.clone()));
    products.extend(model.map(|model| model.product.clone()));
    let planned = world.sound(yaml, &shapes);
    let (outcome, artifacts) = world.run(&planned, &products).unwrap();
    let rows = read_parquet(&artifacts.join(&outcome.bindings.artifacts["stage.rows"]));
    let Shape::Table(table) = &planned.product else { panic!("no table") };
    assert_eq!(rows.schema().fields(), crate::engine::arrow_schema(&table.schema).fields());
    (rows, outcome)
}

/// Raw rows in an order of their own, with columns named like those that are computed on the way.
fn new_rows(world: &World) -> (RecordBatch, Schema) {
    let all = world.engine.rows(&scan(ALL, &trip_schema()));
    let order =
        arrow::array::UInt64Array::from((0..TRIPS as u64).map(|row| row * 677 % TRIPS as u64).collect::<Vec<_>>());
    let all = take_record_batch(&all, &order).unwrap();
    let text = |prefix: &str| {
        Arc::new((0..TRIPS).map(|row| Some(format!("{prefix}{row}"))).collect::<StringViewArray>()) as ArrayRef
    };
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("miles", text("m")),
        ("distance", all.column(1).clone()),
        ("carrier", all.column(2).clone()),
        ("id", all.column(0).clone()),
        ("__row_id", text("r")),
        ("seats", text("s")),
    ];
    use DataType::{Float64, Int64, String};
    let schema = schema(&[
        ("miles", String),
        ("distance", Float64),
        ("carrier", String),
        ("id", Int64),
        ("__row_id", String),
        ("seats", String),
    ]);
    let rows =
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap();
    (rows, schema)
}

#[test]
fn each_row_gets_what_the_network_says_about_its_features() {
    let mut world = World::new();
    let model = world.binary_model();
    let (new, schema) = new_rows(&world);
    world.engine.tables.insert(NEW, new.clone());
    let (rows, _) = predict(&world, &model, &schema);
    assert_eq!(rows.num_columns(), 8);
    assert_eq!(rows.project(&[0, 1, 2, 3, 4, 5]).unwrap().columns(), new.columns());
    // By way of the prepared table: row `id` of the trips stands at place `id`.
    let (encoder, network) = Bundle::read(&model.folder).unwrap().load(&model.folder).unwrap();
    let encoded = encoder.encode(&world.engine.rows(&prepared())).unwrap();
    let expected = network.predict(encoded.inputs[0].view()).unwrap();
    let ids = batch::column(&rows, "id").unwrap().as_primitive::<Int64Type>();
    let probabilities = batch::floats(batch::column(&rows, "probability").unwrap());
    let predictions = batch::texts(batch::column(&rows, "prediction").unwrap());
    for ((id, probability), prediction) in ids.values().iter().zip(probabilities).zip(predictions) {
        let wanted = f64::from(expected[(*id as usize, 0)]);
        assert!((probability - wanted).abs() < 1e-6, "row {id}: {probability}, expected {wanted}");
        assert_eq!(prediction.unwrap(), (probability >= 0.5).to_string());
    }
}

#[test]
fn unknown_and_missing_values_are_counted() {
    let mut world = World::new();
    let model = world.binary_model();
    let (new, schema) = new_rows(&world);
    let carriers = (0..TRIPS).map(|row| match row % 3 {
        0 => Some("Z"),
        1 => None,
        _ => Some("A"),
    });
    let mut columns = new.columns().to_vec();
    columns[2] = Arc::new(carriers.collect::<StringViewArray>());
    world.engine.tables.insert(NEW, RecordBatch::try_new(new.schema(), columns).unwrap());
    let (rows, outcome) = predict(&world, &model, &schema);
    assert_eq!(rows.num_rows(), TRIPS);
    let summary = summary(&outcome);
    let column = |name: &str| summary.columns.iter().find(|column| column.column == name).unwrap();
    let carrier = column("carrier");
    assert_eq!((carrier.unseen, carrier.missing, carrier.is_shifted), (300, 300, true));
    // Seats are looked up by the carrier: neither `Z` nor null has some.
    assert_eq!((column("seats").missing, column("seats").above), (600, 0));
    assert!(
        outcome.remarks.iter().any(|remark| remark.contains("unlike those of the training in")),
        "{:?}",
        outcome.remarks
    );
}

fn summary(outcome: &Outcome) -> Summary {
    serde_json::from_value(outcome.statistics.clone()).unwrap()
}

fn numbers(rows: &RecordBatch, name: &str) -> Vec<f64> {
    batch::floats(batch::column(rows, name).unwrap())
}

fn words(rows: &RecordBatch, name: &str) -> Vec<Option<String>> {
    batch::texts(batch::column(rows, name).unwrap())
}

#[test]
fn rows_about_which_the_model_is_not_sure_get_no_prediction_and_the_reason() {
    let mut world = World::new();
    let model = world.binary_model();
    let (new, schema) = new_rows(&world);
    world.engine.tables.insert(NEW, new);
    let (all, _) = predict(&world, &model, &schema);
    let yaml = "predict: {model: model, abstain_below: 0.9, columns: [id], names: {prediction: guess}}";
    let (sure, outcome) = predict_by(&world, yaml, Some(&model), &schema);
    let names: Vec<&str> = sure.schema_ref().fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names, ["id", "guess", "probability", "reason"]);
    assert_eq!(numbers(&all, "probability"), numbers(&sure, "probability"));
    let (before, guesses, reasons) = (words(&all, "prediction"), words(&sure, "guess"), words(&sure, "reason"));
    let mut held_back = 0;
    for (row, probability) in numbers(&all, "probability").into_iter().enumerate() {
        if probability.max(1.0 - probability) < 0.9 {
            held_back += 1;
            assert_eq!(guesses[row], None);
            assert!(reasons[row].as_ref().unwrap().ends_with(" is below 0.9"), "{:?}", reasons[row]);
        } else {
            assert_eq!((&guesses[row], &reasons[row]), (&before[row], &None));
        }
    }
    let found = summary(&outcome);
    assert!(held_back > 0 && held_back < TRIPS as u64, "{held_back}");
    assert_eq!((found.targets[0].abstained, found.targets[0].predicted), (held_back, TRIPS as u64 - held_back));
    assert!(outcome.remarks.iter().any(|remark| remark.contains("was not sure enough")), "{:?}", outcome.remarks);
    let shown = outcome.exhibits.iter().any(|exhibit| {
        matches!(exhibit, Exhibit::Table(table) if table.rows.iter().any(|row| row[0] == crate::exhibit::Cell::text("held back")))
    });
    assert!(shown, "{:?}", outcome.exhibits);
}

#[test]
fn what_training_did_not_have_is_told_by_row_when_asked() {
    let mut world = World::new();
    let model = world.binary_model();
    let (new, schema) = new_rows(&world);
    let mut columns = new.columns().to_vec();
    let mut distance = batch::floats(&columns[1]);
    // 990 is the longest trip; in miles, 615.15729.
    (distance[0], distance[1]) = (2_000.0, 500.0);
    columns[1] = Arc::new(Float64Array::from(distance));
    let carriers: Vec<Option<String>> = batch::texts(&columns[2])
        .into_iter()
        .enumerate()
        .map(|(row, text)| if row == 0 { Some("Z".to_owned()) } else { text.or(Some("A".to_owned())) })
        .collect();
    columns[2] = Arc::new(carriers.iter().map(Option::as_deref).collect::<StringViewArray>());
    world.engine.tables.insert(NEW, RecordBatch::try_new(new.schema(), columns).unwrap());
    let (rows, outcome) = predict_by(&world, "predict: {model: model, warnings: true}", Some(&model), &schema);
    let warnings = words(&rows, "warning");
    let first = warnings[0].as_ref().unwrap();
    assert!(first.starts_with("miles 1242.742 is above 615.15729, the largest in training; "), "{first}");
    assert!(first.ends_with("carrier 'Z' was not in training"), "{first}");
    assert_eq!(warnings[1], None);
    assert_eq!(summary(&outcome).strange_rows, warnings.iter().flatten().count() as u64);
}

#[test]
fn probabilities_of_all_classes_are_given_when_they_are_known_or_named() {
    let mut world = World::new();
    let model = world.binary_model();
    let (new, schema) = new_rows(&world);
    world.engine.tables.insert(NEW, new);
    let (rows, _) = predict_by(&world, "predict: {model: model, probabilities: true}", Some(&model), &schema);
    let (no, yes) = (numbers(&rows, "probability_false"), numbers(&rows, "probability_true"));
    assert_eq!(yes, numbers(&rows, "probability"));
    assert!(no.iter().zip(&yes).all(|(no, yes)| (no + yes - 1.0).abs() < 1e-12));
    let graded = world.model(
        "tensors: {features: {number: [miles, seats], category: carrier}, target: grade}",
        "train: {network: [{dense: 8}], epochs: 2, save: out/model}",
    );
    let (named, _) = predict_by(&world, "predict: {model: model, probabilities: [near, far]}", Some(&graded), &schema);
    let (saved, _) = predict_by(&world, "predict: {model: out/model, probabilities: true}", None, &schema);
    for name in ["probability_near", "probability_far"] {
        assert_eq!(numbers(&named, name), numbers(&saved, name));
    }
    let classes = ["far", "middle", "near"].map(|class| numbers(&saved, &format!("probability_{class}")));
    let (predictions, probabilities) = (words(&saved, "prediction"), numbers(&saved, "probability"));
    for row in 0..TRIPS {
        let all: Vec<f64> = classes.iter().map(|class| class[row]).collect();
        assert!((all.iter().sum::<f64>() - 1.0).abs() < 1e-6);
        let best = (0..3).max_by(|a, b| all[*a].total_cmp(&all[*b])).unwrap();
        assert_eq!(predictions[row].as_deref(), Some(["far", "middle", "near"][best]));
        assert_eq!(probabilities[row], all[best]);
    }
    // Before the classes are known there are lists, the same by way of the folder.
    let (open, _) = predict_by(&world, "predict: {model: model, probabilities: true}", Some(&graded), &schema);
    let (listed, _) = predict_by(&world, "predict: {model: out/model, probabilities: list}", None, &schema);
    assert_eq!(open, listed);
    let lists = |name: &str| batch::column(&listed, name).unwrap().as_list::<i64>().clone();
    let (names, values) = (lists("classes"), lists("probabilities"));
    for row in 0..TRIPS {
        let mut wanted: Vec<(&str, f64)> =
            ["far", "middle", "near"].into_iter().zip(classes.iter().map(|class| class[row])).collect();
        wanted.sort_by(|a, b| b.1.total_cmp(&a.1));
        let names: Vec<Option<String>> = batch::texts(&names.value(row));
        assert_eq!(
            names.iter().flatten().map(String::as_str).collect::<Vec<_>>(),
            wanted.iter().map(|one| one.0).collect::<Vec<_>>()
        );
        assert_eq!(batch::floats(&values.value(row)), wanted.iter().map(|one| one.1).collect::<Vec<_>>());
    }
}

#[test]
fn a_threshold_that_was_chosen_travels_with_the_model() {
    let mut world = World::new();
    let model = world.binary_model();
    let (new, schema) = new_rows(&world);
    world.engine.tables.insert(NEW, new);
    let save_with = |name: &str, threshold: f64| {
        let thresholds = [("late".to_owned(), threshold)].into();
        let judgement = Judgement { stage: "judged".to_owned(), thresholds, ..Judgement::default() };
        save(&model.folder, &Saving::at(&world.path(name)).unwrap(), 1, Some(&judgement), None).unwrap();
    };
    save_with("out/eager", 0.2);
    save_with("out/never", 2.0);
    let (plain, _) = predict(&world, &model, &schema);
    let probabilities = numbers(&plain, "probability");
    for (yaml, threshold, said) in [
        (
            "predict: {model: out/eager}",
            0.2,
            Some("yes of `late` is predicted from 0.200 on, the threshold that `judged` chose"),
        ),
        ("predict: {model: out/eager, threshold: chosen}", 0.2, Some("the threshold that `judged` chose")),
        ("predict: {model: out/eager, threshold: 0.5}", 0.5, None),
        ("predict: {model: out/never}", 2.0, Some("yes is never predicted of `late`")),
    ] {
        let (rows, outcome) = predict_by(&world, yaml, None, &schema);
        let expected: Vec<Option<String>> = probabilities.iter().map(|p| Some((*p >= threshold).to_string())).collect();
        assert_eq!(words(&rows, "prediction"), expected, "{yaml}");
        let is_said = outcome.remarks.iter().any(|remark| said.is_some_and(|said| remark.contains(said)));
        assert_eq!(is_said, said.is_some(), "{yaml}: {:?}", outcome.remarks);
        assert_eq!(summary(&outcome).targets[0].threshold, Some(threshold));
    }
}

#[test]
fn a_model_that_was_calibrated_brings_its_temperature() {
    let mut world = World::new();
    let model = world.binary_model();
    let (new, schema) = new_rows(&world);
    world.engine.tables.insert(NEW, new);
    let judgement = Judgement { temperatures: [("late".to_owned(), 2.0)].into(), ..Judgement::default() };
    save(&model.folder, &Saving::at(&world.path("out/judged")).unwrap(), 1, Some(&judgement), None).unwrap();
    let (plain, _) = predict(&world, &model, &schema);
    let (calibrated, _) = predict_by(&world, "predict: {model: out/judged}", None, &schema);
    let mut compared = 0;
    for (p, q) in numbers(&plain, "probability").into_iter().zip(numbers(&calibrated, "probability")) {
        // Nearer to certainty the odds are lost in the rounding of a probability.
        if p.min(1.0 - p) < 1e-4 {
            continue;
        }
        compared += 1;
        // Half the log odds: the odds are the root of what they were.
        let odds = (p / (1.0 - p)).sqrt();
        let wanted = odds / (1.0 + odds);
        assert!((q - wanted).abs() < 1e-3, "{p} became {q}, expected {wanted}");
    }
    assert!(compared > 50, "{compared} rows are compared");
}

#[test]
fn what_cannot_be_asked_is_refused_at_its_place() {
    let world = World::new();
    let model = world.binary_model();
    let number = world.model(
        "tensors: {features: {number: [miles, seats]}, target: delay}",
        "train: {network: [], epochs: 1, save: out/number}",
    );
    let graded = world.model(
        "tensors: {features: {number: [miles, seats]}, target: grade}",
        "train: {network: [], epochs: 1, save: out/grade}",
    );
    let (_, schema) = new_rows(&world);
    let relation = Relation::clone(&scan(NEW, &schema));
    let table = Shape::Table(TableShape::new(relation, None));
    let shapes = |model: &Trained| vec![table.clone(), model.shape.clone()];
    for (model, options, expected) in [
        (Some(&number), "model: model, threshold: 0.4", "`threshold` belongs to binary targets and labels"),
        (Some(&number), "model: model, abstain_below: 0.4", "`abstain_below` belongs to targets with classes"),
        (Some(&number), "model: model, probabilities: true", "`probabilities` belongs to targets with classes"),
        (Some(&model), "model: model, abstain_below: 80", "`abstain_below` is a probability from 0 to 1, not 80"),
        (Some(&model), "model: model, probabilities: [true, no]", "the model has no class `no`"),
        (Some(&number), "model: model, probabilities: list", "`probabilities` belongs to targets with classes"),
        (Some(&graded), "model: model, probabilities: lists", "`list`"),
        (Some(&model), "model: model, threshold: chosen", "no threshold was chosen for `late`"),
        (Some(&model), "model: model, threshold: best", "`chosen`"),
        (None, "model: out/grade, threshold: chosen", "`threshold` belongs to binary targets and labels"),
        (None, "model: out/grade, probabilities: [fa]", "the model has no class `fa`: did you mean `far`?"),
        (None, "model: out/grade, probabilities: [far, far]", "class `far` is named twice"),
        (None, "model: out/grade, columns: [idd]", "`idd`"),
        (None, "model: out/grade, names: {prediction: id}", "column `id` exists already"),
        (None, "model: out/grade, names: {prognosis: id}", "prognosis"),
    ] {
        let shapes = model.map_or_else(|| vec![table.clone()], &shapes);
        let wrong = world.refused(&format!("predict: {{{options}}}"), &shapes);
        assert!(
            wrong.len() == 1 && wrong[0].contains(expected) && wrong[0].contains("p.yaml:3:"),
            "{options}: {wrong:?}"
        );
    }
}

#[test]
fn a_row_stays_one_row_when_a_side_table_has_several_matches() {
    let mut world = World::new();
    let model = world.binary_model();
    let carriers = world.engine.tables[&CARRIERS].clone();
    let twice = arrow::compute::concat_batches(&carriers.schema(), [&carriers, &carriers]).unwrap();
    world.engine.tables.insert(CARRIERS, twice);
    let (new, schema) = new_rows(&world);
    world.engine.tables.insert(NEW, new);
    assert_eq!(predict(&world, &model, &schema).0.num_rows(), TRIPS);
}

#[test]
fn no_rows_give_no_predictions() {
    let mut world = World::new();
    let model = world.binary_model();
    let (new, schema) = new_rows(&world);
    world.engine.tables.insert(NEW, new.slice(0, 0));
    assert_eq!(predict(&world, &model, &schema).0.num_rows(), 0);
}

#[test]
fn a_saved_model_says_the_same_as_the_stage_that_trained_it() {
    let mut world = World::new();
    let model = world.model(
        "tensors: {features: {number: [miles, seats], category: carrier}, target: grade}",
        "train: {network: [{dense: 8}], epochs: 2, save: out/model}",
    );
    let saved: Vec<&PathBuf> = model.outcome.outputs[0].files.iter().map(|(path, _)| path).collect();
    assert_eq!(saved.len(), 5);
    assert!(saved.iter().all(|path| path.starts_with(world.path("out/model")) && path.is_file()));
    let (new, schema) = new_rows(&world);
    world.engine.tables.insert(NEW, new);
    let (by_stage, _) = predict(&world, &model, &schema);
    let (by_folder, _) = predict_by(&world, "predict: {model: out/model}", None, &schema);
    assert_eq!(by_stage, by_folder);
    let grades = batch::texts(batch::column(&by_folder, "prediction").unwrap());
    assert!(grades.iter().flatten().all(|grade| ["far", "middle", "near"].contains(&grade.as_str())));
}
