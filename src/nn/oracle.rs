//! The numbers of `tests/oracle/nn_pytorch.py`, for the unit tests.

use serde_json::Value;

/// The file as JSON.
pub(crate) fn pytorch() -> Value {
    serde_json::from_str(include_str!("../../tests/data/oracle/nn_pytorch.json")).unwrap()
}

/// All numbers of a nested list, in row-major order.
pub(crate) fn numbers(value: &Value) -> Vec<f32> {
    match value {
        Value::Number(n) => vec![n.as_f64().unwrap() as f32],
        Value::Array(list) => list.iter().flat_map(numbers).collect(),
        other => panic!("not a list of numbers: {other}"),
    }
}

/// Each number agrees up to the tolerance, relative above 1 and absolute below.
pub(crate) fn assert_close(got: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(got.len(), expected.len());
    for (i, (g, e)) in got.iter().zip(expected).enumerate() {
        assert!((g - e).abs() <= tolerance * e.abs().max(1.0), "number {i}: {g}, expected {e}");
    }
}
