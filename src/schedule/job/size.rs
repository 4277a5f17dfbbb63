//! Sizes in bytes as people write them: `4GiB`, `500MB`, `1000000`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// The units with their bytes.
const UNITS: [(&str, u64); 14] = [
    ("", 1),
    ("b", 1),
    ("kb", 1_000),
    ("k", 1 << 10),
    ("kib", 1 << 10),
    ("mb", 1_000_000),
    ("m", 1 << 20),
    ("mib", 1 << 20),
    ("gb", 1_000_000_000),
    ("g", 1 << 30),
    ("gib", 1 << 30),
    ("tb", 1_000_000_000_000),
    ("t", 1 << 40),
    ("tib", 1 << 40),
];

/// A number of bytes: digits, perhaps with a decimal point, and one of the units `kB`, `MB`, `GB`, `TB` (powers of 1000), `KiB`,
/// `MiB`, `GiB`, `TiB` or `K`, `M`, `G`, `T` (powers of 1024); without a unit, bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Size(pub(super) u64);

/// A text is no size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no size; write one such as `4GiB`, `500MB` or `1000000` (bytes)")]
pub(super) struct SizeError(String);

impl FromStr for Size {
    type Err = SizeError;

    fn from_str(text: &str) -> Result<Self, SizeError> {
        let wrong = || SizeError(text.to_owned());
        let written = text.trim();
        let split = written.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(written.len());
        let (number, unit) = written.split_at(split);
        let unit = unit.trim().to_ascii_lowercase();
        let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
        // Whole numbers all the way: the fraction in parts of its last decimal.
        let scale =
            u32::try_from(fraction.len()).ok().and_then(|digits| 10_u128.checked_pow(digits)).ok_or_else(wrong)?;
        let (whole, fraction): (u128, u128) =
            (whole.parse().map_err(|_| wrong())?, fraction.parse().map_err(|_| wrong())?);
        let bytes = whole.checked_mul(u128::from(*factor)).ok_or_else(wrong)?;
        let part = fraction.checked_mul(u128::from(*factor)).ok_or_else(wrong)? / scale;
        bytes.checked_add(part).and_then(|bytes| u64::try_from(bytes).ok()).map(Self).ok_or_else(wrong)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [("TiB", 1_u64 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
        match units.iter().find(|(_, bytes)| self.0 > 0 && self.0.is_multiple_of(*bytes)) {
            Some((name, bytes)) => write!(f, "{}{name}", self.0 / bytes),
            None => write!(f, "{}", self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SizeVisitor)
    }
}

struct SizeVisitor;

impl Visitor<'_> for SizeVisitor {
    type Value = Size;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a size such as `4GiB`")
    }

    fn visit_i64<E: Error>(self, bytes: i64) -> Result<Size, E> {
        u64::try_from(bytes).map(Size).map_err(|_| E::custom(SizeError(bytes.to_string())))
    }

    fn visit_u64<E: Error>(self, bytes: u64) -> Result<Size, E> {
        Ok(Size(bytes))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Size, E> {
        text.parse().map_err(E::custom)
    }
}

impl JsonSchema for Size {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "string", "pattern": "^\\s*[0-9]+(\\.[0-9]+)?\\s*([bB]|[kKmMgGtT]([iI]?[bB])?)?\\s*$" },
                { "type": "integer", "minimum": 0 },
            ],
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_bytes() {
        for (text, bytes) in [
            ("4GiB", 4_294_967_296),
            ("4g", 4_294_967_296),
            ("1.5 GB", 1_500_000_000),
            ("500MB", 500_000_000),
            ("64M", 67_108_864),
            ("0.5KiB", 512),
            ("1000000", 1_000_000),
            ("12b", 12),
            ("1TiB", 1_099_511_627_776),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(text.parse(), Ok(Size(bytes)), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_refused_with_what_would_be_one() {
        for text in [
            "",
            "GiB",
            "lots",
            "4 apples",
            "-1",
            "1.2.3",
            ".5G",
            "5.",
            "1e9",
            "18446744073709551616",
            "99999999999TiB",
            "٤GiB",
        ] {
            let error = text.parse::<Size>().unwrap_err().to_string();
            assert_eq!(error, format!("`{text}` is no size; write one such as `4GiB`, `500MB` or `1000000` (bytes)"));
        }
    }

    #[test]
    fn a_size_is_written_in_the_largest_unit_that_divides_it() {
        for (bytes, text) in [(0, "0"), (1000, "1000"), (1024, "1KiB"), (3 << 29, "1536MiB"), (4 << 30, "4GiB")] {
            assert_eq!(Size(bytes).to_string(), text);
        }
    }
}
