//! Shares and margins as people write them: `20%`, `0.2`.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};

/// A share of something: `20%` or `0.2`. At least 0; above 1 where something may more than double.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Share(pub f64);

/// By how much one number must be better than another: `0.01` in the number's own unit, or `1%` of the other number.
///
/// Below 0 it allows the number to be that much worse.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Margin {
    /// In the unit of the number.
    Absolute(f64),
    /// As a share of the size of the other number.
    Relative(f64),
}

impl Margin {
    /// The margin in the unit of the number, beside this other number.
    pub fn beside(self, other: f64) -> f64 {
        match self {
            Self::Absolute(margin) => margin,
            Self::Relative(share) => share * other.abs(),
        }
    }
}

/// `20%` as 0.2; none for a text that is no percentage.
fn percentage(text: &str) -> Option<f64> {
    let number: f64 = text.trim().strip_suffix('%')?.trim_end().parse().ok()?;
    number.is_finite().then_some(number / 100.0)
}

/// A number without needless digits, at most four behind the point where it is not tiny.
pub(super) fn plain(value: f64) -> String {
    if value != 0.0 && !(1e-4..1e15).contains(&value.abs()) {
        return format!("{value:e}");
    }
    let text = format!("{value:.4}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A share in percent.
pub(super) fn percent(share: f64) -> String {
    format!("{}%", plain(share * 100.0))
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&percent(self.0))
    }
}

impl fmt::Display for Margin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absolute(margin) => f.write_str(&plain(*margin)),
            Self::Relative(share) => f.write_str(&percent(*share)),
        }
    }
}

/// What a number or a percentage becomes.
trait Readable: Sized {
    const EXPECTED: &'static str;

    fn number(value: f64) -> Option<Self>;
    fn percentage(share: f64) -> Option<Self>;
}

impl Readable for Share {
    const EXPECTED: &'static str = "a share such as `20%` or `0.2`";

    fn number(value: f64) -> Option<Self> {
        (value.is_finite() && value >= 0.0).then_some(Self(value))
    }

    fn percentage(share: f64) -> Option<Self> {
        Self::number(share)
    }
}

impl Readable for Margin {
    const EXPECTED: &'static str = "a number such as `0.01`, or a share such as `1%`";

    fn number(value: f64) -> Option<Self> {
        value.is_finite().then_some(Self::Absolute(value))
    }

    fn percentage(share: f64) -> Option<Self> {
        Some(Self::Relative(share))
    }
}

struct Either<T>(std::marker::PhantomData<T>);

impl<'de, T: Readable> Visitor<'de> for Either<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<T, E> {
        T::number(value).ok_or_else(|| E::custom(format!("expected {}, found {value}", T::EXPECTED)))
    }

    #[expect(clippy::cast_precision_loss, reason = "nobody writes a margin beyond 2^53")]
    fn visit_i64<E: Error>(self, value: i64) -> Result<T, E> {
        self.visit_f64(value as f64)
    }

    #[expect(clippy::cast_precision_loss, reason = "nobody writes a margin beyond 2^53")]
    fn visit_u64<E: Error>(self, value: u64) -> Result<T, E> {
        self.visit_f64(value as f64)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        let found = percentage(text).and_then(T::percentage);
        found.ok_or_else(|| E::custom(format!("expected {}, found `{text}`", T::EXPECTED)))
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Either(std::marker::PhantomData))
    }
}

impl<'de> Deserialize<'de> for Margin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Either(std::marker::PhantomData))
    }
}

impl Serialize for Share {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0)
    }
}

impl Serialize for Margin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Absolute(margin) => serializer.serialize_f64(*margin),
            // With all its digits, so that what is read back is the same.
            Self::Relative(share) => serializer.serialize_str(&format!("{}%", share * 100.0)),
        }
    }
}

impl JsonSchema for Share {
    fn schema_name() -> Cow<'static, str> {
        "Share".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A share: `20%` or `0.2`.",
            "anyOf": [{ "type": "number", "minimum": 0 }, { "type": "string", "pattern": "^[0-9.eE+]+ ?%$" }]
        })
    }
}

impl JsonSchema for Margin {
    fn schema_name() -> Cow<'static, str> {
        "Margin".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A margin: `0.01` in the unit of the number, or `1%` of the number that it is compared with. Below 0 it may be \
                            that much worse.",
            "anyOf": [{ "type": "number" }, { "type": "string", "pattern": "^-?[0-9.eE+]+ ?%$" }]
        })
    }
}
