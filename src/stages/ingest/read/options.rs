//! Values of the options of `read`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::definition::Ordered;

/// Formats of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Text with a delimiter.
    Csv,
    /// Text with tabs.
    Tsv,
    /// One JSON object a line.
    Ndjson,
    /// Apache Parquet.
    Parquet,
    /// Arrow IPC, also called Feather.
    Arrow,
    /// A workbook: xlsx, xlsb, xls or ods.
    Workbook,
}

/// What happens to a bad record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// The run ends.
    #[default]
    Fail,
    /// It is set aside.
    Reject,
}

/// A name, or a number from 1, as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameOrNumber(pub(super) String);

impl Serialize for NameOrNumber {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for NameOrNumber {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NameOrNumberVisitor)
    }
}

impl JsonSchema for NameOrNumber {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "NameOrNumber".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "anyOf": [{ "type": "string" }, { "type": "integer", "minimum": 1 }] })
    }
}

struct NameOrNumberVisitor;

impl serde::de::Visitor<'_> for NameOrNumberVisitor {
    type Value = NameOrNumber;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a name, or a number from 1")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<NameOrNumber, E> {
        Ok(NameOrNumber(text.to_owned()))
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<NameOrNumber, E> {
        if number >= 1 { Ok(NameOrNumber(number.to_string())) } else { Err(E::custom("numbers count from 1")) }
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<NameOrNumber, E> {
        i64::try_from(number).map_err(E::custom).and_then(|number| self.visit_i64(number))
    }
}

/// Where the columns of a fixed-width file stand.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FixedWidth {
    /// The columns in the order of the line.
    pub(super) columns: Ordered<FixedColumn>,
    /// Characters of every line; lines of another length are bad records.
    #[serde(default)]
    pub(super) length: Option<usize>,
    /// Whether white space around values is left out.
    #[serde(default = "yes")]
    pub(super) trim: bool,
}

/// Where a column stands.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FixedColumn {
    /// Its first character, counted from 1; behind the column before when absent.
    #[serde(default)]
    pub(super) start: Option<usize>,
    /// Its characters.
    pub(super) width: usize,
}

fn yes() -> bool {
    true
}
