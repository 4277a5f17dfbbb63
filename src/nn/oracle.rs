//! The numbers of `tests/oracle/nn_*.py`, for the unit tests.

use super::layers::{Describe, numeric_gradient::Trial};
use super::randomness::Draws;
use super::shape::Shape;
use serde_json::Value;

/// The cases of a kind of layer.
pub(crate) fn layers_of(section: &str) -> Vec<Value> {
    section_of(include_str!("../../tests/data/oracle/nn_layers.json"), section)
}

/// The cases of losses, optimizers, schedules and whole trainings.
pub(crate) fn training_of(section: &str) -> Vec<Value> {
    section_of(include_str!("../../tests/data/oracle/nn_training.json"), section)
}

fn section_of(text: &str, section: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(text).unwrap();
    let cases = all[section].as_array().unwrap_or_else(|| panic!("no section {section}")).clone();
    assert!(!cases.is_empty(), "{section} has no cases");
    cases
}

/// All numbers of a nested list, in row-major order. JSON has no infinities: they are written as text.
pub(crate) fn numbers(value: &Value) -> Vec<f32> {
    match value {
        Value::Number(n) => vec![n.as_f64().unwrap() as f32],
        Value::Array(list) => list.iter().flat_map(numbers).collect(),
        other => panic!("not a list of numbers: {other}"),
    }
}

/// Each number agrees up to the tolerance, relative above 1 and absolute below.
#[track_caller]
pub(crate) fn assert_close(got: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(got.len(), expected.len());
    for (i, (g, e)) in got.iter().zip(expected).enumerate() {
        assert!((g - e).abs() <= tolerance * e.abs().max(1.0), "number {i}: {g}, expected {e}");
    }
}

/// Runs a layer on each case of a section and compares outputs and gradients with the stored ones.
#[track_caller]
pub(crate) fn assert_layer(section: &str, tolerance: f32, describe: impl Fn(&Value) -> Box<dyn Describe>) {
    for case in layers_of(section) {
        let lists = |name: &str| case[name].as_array().unwrap().iter().map(numbers).collect::<Vec<_>>();
        let shapes: Vec<Shape> = serde_json::from_value(case["shapes"].clone()).unwrap();
        let layer = describe(&case).build(&shapes.iter().collect::<Vec<_>>()).unwrap();
        let trial = Trial {
            layer: &*layer,
            rows: case["rows"].as_u64().unwrap() as usize,
            inputs: lists("inputs"),
            parameters: lists("parameters").concat(),
            upstream: numbers(&case["upstream"]),
            mask: if case["mask"].is_null() { Vec::new() } else { numbers(&case["mask"]) },
            training: (case["training"] == true).then(|| Draws::new(1, 1)),
        };
        let sizes: Vec<usize> = layer.parameters().iter().map(|p| p.size().unwrap()).collect();
        assert_eq!(sizes.iter().sum::<usize>(), trial.parameters.len(), "{section} {}", case["options"]);
        assert_close(&trial.forward(), &numbers(&case["y"]), tolerance);
        let (by_inputs, by_parameters) = trial.gradients();
        if !case["dinputs"].is_null() {
            for (got, expected) in by_inputs.iter().zip(lists("dinputs")) {
                assert_close(got, &expected, tolerance);
            }
        }
        let expected = lists("dparameters").concat();
        assert_close(&by_parameters[..expected.len()], &expected, tolerance);
    }
}
