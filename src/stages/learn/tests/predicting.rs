//! New rows: the same is done to them as to the training rows, and none is lost.

use arrow::array::AsArray;
use arrow::compute::take_record_batch;
use arrow::datatypes::Int64Type;

use super::super::bundle::Bundle;
use super::engine::read_parquet;
use super::*;
use crate::batch;
use crate::exhibit::Exhibit;

/// Predicts the rows of the table `NEW`; also gives the exhibits.
pub(super) fn predict(world: &World, model: &Trained, schema: &Schema) -> (RecordBatch, Vec<Exhibit>) {
    predict_by(world, "predict: {model: model}", Some(model), schema)
}

fn predict_by(world: &World, yaml: &str, model: Option<&Trained>, schema: &Schema) -> (RecordBatch, Vec<Exhibit>) {
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
    (rows, outcome.exhibits)
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
    let (rows, exhibits) = predict(&world, &model, &schema);
    assert_eq!(rows.num_rows(), TRIPS);
    let Some(Exhibit::Table(strange)) = exhibits.last() else { panic!("{exhibits:?}") };
    use crate::exhibit::Cell;
    let carrier = strange.rows.iter().find(|row| row[0] == Cell::text("carrier")).unwrap();
    assert_eq!(carrier[1..], [Cell::count(300), Cell::count(300)]);
    // Seats are looked up by the carrier: neither `Z` nor null has some.
    let seats = strange.rows.iter().find(|row| row[0] == Cell::text("seats")).unwrap();
    assert_eq!(seats[1..], [Cell::count(600), Cell::count(0)]);
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
    assert_eq!(saved.len(), 4);
    assert!(saved.iter().all(|path| path.starts_with(world.path("out/model")) && path.is_file()));
    let (new, schema) = new_rows(&world);
    world.engine.tables.insert(NEW, new);
    let (by_stage, _) = predict(&world, &model, &schema);
    let (by_folder, _) = predict_by(&world, "predict: {model: out/model}", None, &schema);
    assert_eq!(by_stage, by_folder);
    let grades = batch::texts(batch::column(&by_folder, "prediction").unwrap());
    assert!(grades.iter().flatten().all(|grade| ["far", "middle", "near"].contains(&grade.as_str())));
}
