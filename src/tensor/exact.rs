//! Floats in JSON that come back to the last bit: as the shortest text that means the same number.

use serde::{Deserialize, Deserializer, Serializer};

pub(super) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&value.to_string())
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let text = String::deserialize(deserializer)?;
    let value: f64 = text.parse().map_err(serde::de::Error::custom)?;
    if value.is_finite() { Ok(value) } else { Err(serde::de::Error::custom("expected a finite number")) }
}
