use super::super::loss::Targets;
use super::super::network::Network;
use super::super::oracle::{assert_close, numbers};
use super::super::shape::Shape;
use super::super::training::{InMemory, Progress, train};
use super::*;
use ndarray::ArrayView2;
use serde_json::Value;
use std::ops::ControlFlow;

fn asked(head: Head) -> Vec<(String, Head)> {
    vec![("target".to_owned(), head)]
}

#[test]
fn every_preset_can_be_built() {
    let presets = [
        tabular(&[InputSpec::numbers("table", Shape::features(5))], &asked(Head::Binary), 1000).unwrap(),
        tabular(
            &[InputSpec::tokens("carrier", 1, 20), InputSpec::numbers("table", Shape::features(2))],
            &[("a".to_owned(), Head::Regression { outputs: 1 }), ("b".to_owned(), Head::Multiclass { classes: 3 })],
            1000,
        )
        .unwrap(),
        image(
            &[InputSpec::numbers("photo", Shape::image(28, 28, 1))],
            &asked(Head::Multiclass { classes: 10 }),
            60_000,
        )
        .unwrap(),
        image(&[InputSpec::numbers("photo", Shape::image(1, 9, 3))], &asked(Head::Binary), 10).unwrap(),
        text(&[InputSpec::text("words", 30, 5000)], &asked(Head::Binary), 3000).unwrap(),
        audio(&[InputSpec::numbers("sound", Shape::sequence(98, 40))], &asked(Head::Multiclass { classes: 10 }), 3000)
            .unwrap(),
        audio(&[InputSpec::numbers("sound", Shape::sequence(1, 40))], &asked(Head::Binary), 3).unwrap(),
        audio(&[InputSpec::numbers("sound", Shape::image(64, 40, 1))], &asked(Head::Binary), 3000).unwrap(),
    ];
    for Preset { network, options } in presets {
        options.check().unwrap();
        let network = Network::new(network, 1).unwrap();
        assert!(network.parameter_count() < 3_000_000, "{}", network.summary());
    }
}

#[test]
fn inputs_of_another_kind_are_refused_by_name() {
    let words = [InputSpec::text("words", 30, 5000)];
    let error = tabular(&words, &asked(Head::Binary), 9).unwrap_err().to_string();
    assert_eq!(error, "words: the preset tabular reads numbers and categories");
    let error = image(&words, &asked(Head::Binary), 9).unwrap_err().to_string();
    assert_eq!(error, "words: the preset image reads images [height, width, channels]");
    let numbers = [InputSpec::numbers("x", Shape::features(3)), InputSpec::numbers("y", Shape::features(3))];
    assert_eq!(
        text(&numbers[..1], &asked(Head::Binary), 9).unwrap_err().to_string(),
        "x: the preset text reads tokens"
    );
    let wave = [InputSpec::numbers("sound", Shape::sequence(5120, 1))];
    let error = audio(&wave, &asked(Head::Binary), 9).unwrap_err().to_string();
    assert_eq!(error, "sound: the preset audio reads spectrograms [frames, bands] or [frames, bands, 1]");
    let error = audio(&numbers, &asked(Head::Binary), 9).unwrap_err().to_string();
    assert_eq!(error, "input: the preset audio reads one input, there are 2");
}

/// Writes a network's parameters by name.
fn fill(network: &mut Network, values: &Value) {
    for place in network.plan.clone().parameters.iter() {
        network.parameters[place.range.clone()].copy_from_slice(&numbers(&values[&place.name]));
    }
}

#[test]
fn the_tabular_preset_is_realmlp_td_s() {
    let oracle: Value = serde_json::from_str(include_str!("../../../tests/data/oracle/nn_realmlp.json")).unwrap();
    let size = |name: &str| oracle[name].as_u64().unwrap() as usize;
    let rows = size("rows");
    for case in oracle["cases"].as_array().unwrap() {
        let target = numbers(&case["target"]);
        let classes: Vec<u32> = target.iter().map(|&t| t as u32).collect();
        let (head, targets) = match case["kind"].as_str().unwrap() {
            "binary" => (Head::Binary, Targets::Values(&target)),
            "multiclass" => (Head::Multiclass { classes: 3 }, Targets::Classes(&classes)),
            _ => (Head::Regression { outputs: 1 }, Targets::Values(&target)),
        };
        let input = InputSpec::numbers("table", Shape::features(size("features")));
        let Preset { network: mut spec, options } = tabular(&[input], &asked(head), rows).unwrap();
        assert_eq!((options.epochs, options.batch_size), (256, 256));
        // Narrow layers and few epochs, as in the stored training.
        for node in &mut spec.nodes {
            if let LayerSpec::Dense(dense) = &mut node.layer
                && node.name != "head"
            {
                assert_eq!(dense.units, 256);
                dense.units = size("units");
            }
        }
        let options = TrainingOptions {
            epochs: size("epochs"),
            batch_size: size("batch"),
            shuffle: false,
            early_stopping: None,
            ..options
        };
        let mut network = Network::new(spec, 1).unwrap();
        fill(&mut network, &case["start"]);
        let x = numbers(&case["x"]);
        let x = ArrayView2::from_shape((rows, size("features")), &x).unwrap();
        let mut rates = Vec::new();
        let mut listen = |progress: &Progress<'_>| {
            if progress.finished.is_none() {
                rates.push(progress.learning_rate as f32);
            }
            ControlFlow::Continue(())
        };
        let mut source = InMemory::new(x, targets, None).unwrap();
        let trained = train(network.clone(), &mut source, None, &options, &mut listen).unwrap().network;
        assert_close(&rates, &numbers(&case["rates"]), 1e-6);
        let mut end = network;
        fill(&mut end, &case["end"]);
        for ((name, _, got), (_, _, expected)) in trained.named_parameters().zip(end.named_parameters()) {
            assert!(got.iter().zip(expected).all(|(g, e)| (g - e).abs() < 1e-3), "{name}: {got:?}, {expected:?}");
        }
        let predictions = trained.predict(x).unwrap();
        assert_close(predictions.as_slice().unwrap(), &numbers(&case["predictions"]), 1e-3);
    }
}

#[test]
fn the_tabular_preset_starts_as_its_paper_says() {
    let input = InputSpec::numbers("table", Shape::features(100));
    let preset = tabular(&[input], &asked(Head::Multiclass { classes: 3 }), 1000).unwrap();
    let network = Network::new(preset.network, 1).unwrap();
    let deviation = |values: &[f32]| (values.iter().map(|v| v * v).sum::<f32>() / values.len() as f32).sqrt();
    for (name, _, values) in network.named_parameters() {
        let expected = match name {
            "scale.factor" => 1.0,
            "layer_1.weight" => 0.1,
            "layer_2.weight" | "layer_3.weight" => 1.0 / 16.0,
            "head.weight" | "head.bias" => 0.0,
            _ => 1.0,
        };
        assert!((deviation(values) - expected).abs() <= 0.15 * expected, "{name} {}", deviation(values));
    }
}
