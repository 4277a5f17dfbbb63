//! What is learned, from which rows.

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::Ordering;

use super::*;
use crate::diagnostic::Class;
use crate::exhibit::Exhibit;

fn metrics(exhibits: &[Exhibit]) -> BTreeMap<String, f64> {
    let Some(Exhibit::Metrics { metrics, .. }) = exhibits.first() else { panic!("{exhibits:?}") };
    metrics.iter().filter_map(|metric| Some((metric.name.clone(), metric.value?))).collect()
}

/// Absurd values in all rows of some parts.
fn poisoned(parts: &[&str]) -> Trips {
    let mut trips = Trips::new(TRIPS);
    for row in 0..TRIPS {
        if parts.contains(&trips.part[row]) {
            trips.distance[row] = Some(if row % 2 == 0 { 1e300 } else { f64::NAN });
            trips.carrier[row] = Some("poison");
            trips.late[row] = Some(row % 3 == 0);
            trips.delay[row] = Some(-1e12);
            trips.grade[row] = Some("far");
        }
    }
    trips
}

#[test]
fn poisoned_rows_outside_of_training_move_nothing_that_is_fitted() {
    let (clean, poisoned) = (World::new(), World::of(&poisoned(&["valid", "test"])));
    for target in ["late", "delay", "grade"] {
        let tensors = format!("tensors: {{features: {{number: [miles, seats], category: carrier}}, target: {target}}}");
        let encoders = [&clean, &poisoned].map(|world| world.tensors(&tensors).1.encoder);
        assert_eq!(encoders[0], encoders[1], "{target}");
        // Without early stopping no other part decides anything, so the weights agree to the last bit.
        let weights = [&clean, &poisoned].map(|world| {
            fs::read(
                world.model(&tensors, "train: {network: [{dense: 8}], epochs: 2}").folder.join("weights.safetensors"),
            )
            .unwrap()
        });
        assert_eq!(weights[0], weights[1], "{target}");
    }
}

#[test]
fn encoders_show_what_they_learned_and_from_how_many_rows() {
    let world = World::new();
    let planned = world.sound(TENSORS, &[Shape::Table(table_shape())]);
    assert_eq!(planned.work.passes(0), 2);
    let (outcome, _) = world.run(&planned, &[Product::Table(world.table())]).unwrap();
    let Exhibit::Table(parts) = &outcome.exhibits[2] else { panic!("{:?}", outcome.exhibits) };
    // Rows 0, 60, .. 840 have no target; 60 is a multiple of 5, so they all are training rows.
    use crate::exhibit::Cell;
    let row = |part: &str, rows: u64, without: u64| vec![Cell::text(part), Cell::count(rows), Cell::count(without)];
    assert_eq!(parts.rows, [row("train", 540, 15), row("valid", 180, 0), row("test", 180, 0)]);
    let Exhibit::Table(features) = &outcome.exhibits[0] else { panic!("{:?}", outcome.exhibits) };
    assert_eq!(features.rows.len(), 3);
    assert!(features.note.as_ref().unwrap().contains("learned from 525 training rows"));
}

#[test]
fn training_tells_how_it_goes_and_gets_better() {
    let world = World::new();
    let trained = world.model(
        TENSORS,
        "train: {network: [{dense: 16}, {dropout: 0.1}], epochs: 60, batch_size: 32, optimizer: {adamw: {learning_rate: 0.01}}, \
         early_stopping: {patience: 5}}",
    );
    let metrics = metrics(&trained.outcome.exhibits);
    assert!(metrics["validation accuracy"] > 0.9, "{metrics:?}");
    assert_eq!(metrics["training rows"], 525.0);
    assert!(metrics["kept epoch"] <= metrics["epochs"]);
    let told = world.told.lock().unwrap();
    let last = told.last().unwrap();
    assert_eq!((last.done as f64, last.total, last.unit.as_str()), (metrics["epochs"], Some(60), "epochs"));
    assert!(last.message.starts_with("loss 0.") && last.message.contains(", validation 0."), "{}", last.message);
    assert!(matches!(&trained.outcome.exhibits[1], Exhibit::Figure(figure) if figure.title == "Loss by epoch"));
    let mut names: Vec<_> = fs::read_dir(&trained.folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["bundle.json", "encoder.json", "network.json", "weights.safetensors"]);
}

#[test]
fn rows_that_do_not_fit_are_refused_with_advice() {
    let mut world = World::new();
    let (shape, product) = world.tensors(TENSORS);
    // Miles, seats, three carriers, and a mark for missing values of each: 8 inputs and a target of 4 bytes. 525
    // training rows take 525 * 36 = 18,900 bytes, with the 180 validation rows 25,380.
    for (memory, fits) in [(2 * 18_899, false), (2 * 25_379, false), (2 * 25_380, true)] {
        world.memory = memory;
        let planned = world.sound("train: {network: [], epochs: 1}", &[Shape::Tensors(shape.clone())]);
        match world.run(&planned, &[Product::Tensors(product.clone())]) {
            Ok(_) => assert!(fits, "{memory}: width {}", product.encoder.width()),
            Err(error) => {
                assert!(!fits, "{memory}: {error}");
                assert_eq!(error.class, Class::Limit);
                assert!(error.help.unwrap().starts_with("put a `sample` stage in front"));
            }
        }
    }
}

#[test]
fn a_training_that_diverges_or_is_stopped_leaves_no_model() {
    let world = World::new();
    let (shape, product) = world.tensors("tensors: {features: [distance], target: delay, number_scale: none}");
    let run = |yaml: &str| {
        let planned = world.sound(yaml, &[Shape::Tensors(shape.clone())]);
        world.run(&planned, &[Product::Tensors(product.clone())]).unwrap_err()
    };
    let save = world.path("out/model");
    let error = run("train: {network: [{dense: 4}], optimizer: {sgd: {learning_rate: 1e30}}, save: out/model}");
    assert_eq!(error.class, Class::Stage);
    assert!(error.message.contains("diverged in epoch 1") && error.message.contains("(dense)"), "{error}");
    world.cancelled.store(true, Ordering::Relaxed);
    assert_eq!(run("train: {save: out/model}").class, Class::Interrupted);
    assert!(!save.exists());
}

#[test]
fn the_same_seed_gives_the_same_model() {
    let world = World::new();
    let weights = |seed: u32| {
        let train = format!("train: {{network: [{{dense: 8}}, {{dropout: 0.2}}], epochs: 3, seed: {seed}}}");
        fs::read(world.model(TENSORS, &train).folder.join("weights.safetensors")).unwrap()
    };
    assert_eq!(weights(1), weights(1));
    assert_ne!(weights(1), weights(2));
}
