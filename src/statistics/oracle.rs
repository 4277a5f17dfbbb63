//! Reads the values that the scripts in `tests/oracle/` have stored, for the tests of algorithms.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use serde_json::Value;

/// One case: named inputs and expected values.
pub(crate) struct Case(Value);

/// All cases of a section of `statistics_scipy.json`.
pub(crate) fn oracle(section: &str) -> Vec<Case> {
    cases(include_str!("../../tests/data/oracle/statistics_scipy.json"), section)
}

/// All cases of a section of a stored text: `cases(include_str!(..), "section")`.
pub(crate) fn cases(text: &str, section: &str) -> Vec<Case> {
    let all: Value = serde_json::from_str(text).unwrap();
    let cases = all[section].as_array().unwrap_or_else(|| panic!("no section {section}"));
    assert!(!cases.is_empty(), "{section} has no cases");
    cases.iter().cloned().map(Case).collect()
}

impl Case {
    pub(crate) fn number(&self, name: &str) -> f64 {
        as_number(&self.0[name]).unwrap_or_else(|| panic!("no number {name} in {}", self.0))
    }

    pub(crate) fn integer(&self, name: &str) -> u64 {
        self.0[name].as_u64().unwrap_or_else(|| panic!("no integer {name} in {}", self.0))
    }

    pub(crate) fn list(&self, name: &str) -> Vec<f64> {
        self.0[name].as_array().unwrap().iter().map(|value| as_number(value).unwrap()).collect()
    }

    pub(crate) fn value(&self, name: &str) -> &Value {
        &self.0[name]
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.0[name].as_str().unwrap().to_owned()
    }
}

/// JSON has no NaN: the script writes null for it. Where the last digit matters it writes text, because `serde_json` may
/// miss it when it reads a number.
fn as_number(value: &Value) -> Option<f64> {
    match value {
        Value::Null => Some(f64::NAN),
        Value::String(text) => text.parse().ok(),
        number => number.as_f64(),
    }
}

/// Fails unless the values agree to a relative tolerance.
#[track_caller]
pub(crate) fn assert_close(found: f64, expected: f64, relative: f64, what: &str) {
    let close = (found - expected).abs() <= relative * expected.abs() || found == expected;
    assert!(close, "{what}: {found:e} is not {expected:e} (relative error {:e})", (found / expected - 1.0).abs());
}
