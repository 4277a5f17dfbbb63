//! The numbers of `tests/oracle/metrics_sklearn.py`, for the unit tests.

use serde_json::Value;

/// The file as JSON.
pub(super) fn sklearn() -> Value {
    serde_json::from_str(include_str!("../../../tests/data/oracle/metrics_sklearn.json")).unwrap()
}

/// The numbers of `tests/oracle/evaluation.py`.
pub(super) fn evaluation() -> Value {
    serde_json::from_str(include_str!("../../../tests/data/oracle/evaluation.json")).unwrap()
}

/// A list, or a single value as a list of one.
fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice)
}

/// A list of numbers.
pub(super) fn numbers(value: &Value) -> Vec<f64> {
    list(value).iter().map(|v| v.as_f64().unwrap()).collect()
}

/// A list of classes.
pub(super) fn classes(value: &Value) -> Vec<u32> {
    list(value).iter().map(|v| v.as_u64().unwrap() as u32).collect()
}

/// A list of yes and no.
pub(super) fn booleans(value: &Value) -> Vec<bool> {
    list(value).iter().map(|v| v.as_bool().unwrap()).collect()
}

/// Agrees up to rounding; null means that the metric is not defined.
pub(super) fn assert_metric(got: Option<f64>, expected: &Value) {
    let close = match (got, expected.as_f64()) {
        (Some(got), Some(expected)) => (got - expected).abs() <= 1e-11 * expected.abs().max(1.0),
        (got, expected) => got.is_none() && expected.is_none(),
    };
    assert!(close, "{got:?}, expected {expected}");
}
