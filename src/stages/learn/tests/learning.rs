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
    assert_eq!(names, ["README.md", "bundle.json", "encoder.json", "network.json", "weights.safetensors"]);
}

#[test]
fn rows_that_do_not_fit_into_memory_are_learned_from_a_file() {
    let mut world = World::new();
    let (shape, product) = world.tensors(TENSORS);
    // Miles, seats, three carriers, and a mark for missing values of each: 8 inputs and a target of 4 bytes. 525
    // training rows take 525 * 36 = 18,900 bytes; three buffers of at least 64 rows take 6,912. A quarter of half of
    // the memory is for the validation rows.
    for (memory, spilled) in [(2 * 40_000, Some(false)), (2 * 12_000, Some(true)), (2 * 6_000, None)] {
        world.memory = memory;
        let train =
            "train: {network: [{dense: 16}], epochs: 60, batch_size: 32, optimizer: {adamw: {learning_rate: 0.01}}}";
        let planned = world.sound(train, &[Shape::Tensors(shape.clone())]);
        match (world.run(&planned, &[Product::Tensors(product.clone())]), spilled) {
            (Ok((outcome, _)), Some(spilled)) => {
                let metrics = metrics(&outcome.exhibits);
                assert!(metrics["validation accuracy"] > 0.9, "{memory}: {metrics:?}");
                assert_eq!(metrics["training rows"], 525.0);
                let said = outcome.exhibits.iter().any(
                    |exhibit| matches!(exhibit, Exhibit::Note { text, .. } if text.contains("did not fit into memory")),
                );
                assert_eq!(said, spilled, "{memory}");
            }
            (Err(error), None) => {
                assert_eq!(error.class, Class::Limit, "{error}");
                assert!(error.help.unwrap().contains("give more `--memory`"));
            }
            (result, _) => panic!("{memory}: {:?}", result.map(|_| ())),
        }
    }
}

#[test]
fn an_interrupted_training_goes_on_from_its_checkpoint_to_the_same_network() {
    let world = World::new();
    let (shape, product) = world.tensors(TENSORS);
    let run = |world: &World, checkpoint: &str| {
        let train = format!(
            "train: {{network: [{{dense: 8}}, {{dropout: 0.2}}], epochs: 300, batch_size: [{{epochs: 100, size: 16}}, {{epochs: \
             1, size: 64}}], schedule: cosine{checkpoint}}}"
        );
        let planned = world.sound(&train, &[Shape::Tensors(shape.clone())]);
        world.run(&planned, &[Product::Tensors(product.clone())])
    };
    let weights = |(outcome, artifacts): (Outcome, PathBuf)| {
        (fs::read(artifacts.join(outcome.model.unwrap()).join("weights.safetensors")).unwrap(), outcome.remarks)
    };
    let (whole, _) = weights(run(&world, "").unwrap());
    let kept = world.path("kept/stage.checkpoint");
    // As soon as there is a checkpoint, somebody interrupts.
    std::thread::scope(|scope| {
        let interrupts = scope.spawn(|| {
            while !kept.exists() {
                std::thread::yield_now();
            }
            world.cancelled.store(true, Ordering::Relaxed);
        });
        let error = run(&world, ", checkpoint: {every: 2, folder: kept}").unwrap_err();
        assert_eq!(error.class, Class::Interrupted);
        interrupts.join().unwrap();
    });
    world.cancelled.store(false, Ordering::Relaxed);
    assert!(kept.exists());
    let (again, remarks) = weights(run(&world, ", checkpoint: {every: 2, folder: kept}").unwrap());
    assert!(remarks.iter().any(|remark| remark.starts_with("Went on from the checkpoint after epoch ")), "{remarks:?}");
    assert_eq!(whole, again);
    assert!(!kept.exists(), "a finished training needs no checkpoint");
    // A checkpoint of another training is left alone where its user named the place, and one that is damaged too.
    fs::write(&kept, b"something else").unwrap();
    let error = run(&world, ", checkpoint: {folder: kept}").unwrap_err();
    assert_eq!(error.class, Class::Data);
    assert!(error.message.contains("cannot be read: it does not begin as a checkpoint does"), "{error}");
}

#[test]
fn weights_of_rows_and_of_classes_count() {
    let world = World::new();
    let weights = |train: &str| {
        fs::read(
            world
                .model(TENSORS, &format!("train: {{network: [{{dense: 8}}], epochs: 3, {train}}}"))
                .folder
                .join("weights.safetensors"),
        )
        .unwrap()
    };
    let plain = weights("seed: 0");
    assert_ne!(plain, weights("weights: seats"));
    let weighted = world.model(TENSORS, "train: {network: [], epochs: 1, weights: seats}").outcome;
    // Trips without a carrier have no seats: of the rows 0, 45, .. those of the training part that have a target.
    let told = weighted.exhibits.iter().any(|exhibit| {
        matches!(exhibit, Exhibit::Note { text, .. } if text.contains("training rows without a weight, left out: "))
    });
    assert!(told, "{:?}", weighted.exhibits);
    assert_eq!(plain, weights("loss: cross_entropy"));
    assert_ne!(plain, weights("loss: {cross_entropy: {class_weights: balanced}}"));
    assert_eq!(plain, weights("loss: {cross_entropy: {class_weights: {\"false\": 1, \"true\": 1}}}"));
    let (shape, product) = world.tensors(TENSORS);
    let refused = |train: &str| {
        let planned = world.sound(train, &[Shape::Tensors(shape.clone())]);
        world.run(&planned, &[Product::Tensors(product.clone())]).unwrap_err().to_string()
    };
    assert_eq!(
        refused("train: {loss: {cross_entropy: {class_weights: {tru: 2}}}}"),
        "p.yaml:3:52: no training row has the class `tru` of `late`: did you mean `true`?"
    );
}

#[test]
fn a_preset_learns_without_a_word_more() {
    let world = World::new();
    let tensors = TENSORS.replace("target: late", "target: late, number_scale: robust");
    let trained = world.model(&tensors, "train: {preset: tabular, epochs: 30, batch_size: auto}");
    let metrics = metrics(&trained.outcome.exhibits);
    assert!(metrics["validation accuracy"] > 0.95, "{metrics:?}");
    assert!(metrics["parameters"] > 130_000.0, "three layers of 256 units: {metrics:?}");
}

#[test]
fn a_rate_is_found_and_a_batch_that_is_too_large_is_told() {
    let world = World::new();
    let trained = world.model(
        TENSORS,
        "train: {network: [{dense: 16}], epochs: 40, batch_size: 600, learning_rate: find, schedule: one_cycle}",
    );
    let found = |title: &str| {
        trained
            .outcome
            .exhibits
            .iter()
            .any(|exhibit| matches!(exhibit, Exhibit::Figure(figure) if figure.title.contains(title)))
    };
    assert!(
        found("was found") && found("Learning rate at the end of each epoch") && found("Accuracy of late by epoch")
    );
    assert_eq!(
        trained.outcome.remarks,
        ["A batch of 600 rows is more than the 525 training rows: each epoch is one step."]
    );
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
    assert!(error.help.as_ref().unwrap().contains("on_divergence"));
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
