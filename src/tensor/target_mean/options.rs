//! How a column of categories becomes means of the target, as it is written.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::tensor::category::LARGEST_VOCABULARY;

/// Options of `target`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MeanOptions {
    /// How far the mean of a value is drawn towards the mean of all rows: `auto`, as far as the target varies more among
    /// rows of the value than it should (empirical Bayes), or a number of rows with the mean of all rows that are added
    /// to each value.
    pub smoothing: Smoothing,
    /// Into how many folds the training rows are dealt out. A training row takes the means of the other folds, so that
    /// its own target does not speak in its own input.
    pub folds: u16,
    /// Another seed deals the rows out in another way.
    pub seed: u64,
    /// Training rows that a value needs; rarer ones have the mean of all rows.
    pub min_count: u64,
    /// The most values that have a mean of their own, by falling frequency.
    pub max_categories: usize,
    /// How the means are scaled.
    pub scale: MeanScale,
}

impl Default for MeanOptions {
    fn default() -> Self {
        Self {
            smoothing: Smoothing::Auto,
            folds: 5,
            seed: 0,
            min_count: 1,
            max_categories: LARGEST_VOCABULARY,
            scale: MeanScale::Standard,
        }
    }
}

/// How the means of a target are scaled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MeanScale {
    /// The mean of all rows is taken off, and what is left divided by the deviation of the means over the training
    /// rows: a value of which nothing is known is 0.
    #[default]
    Standard,
    /// In the unit of the target.
    None,
}

/// How far means are drawn towards that of all rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Smoothing {
    /// As the variances say.
    Auto,
    /// As if so many rows with the mean of all rows were added.
    Rows(f64),
}

impl MeanOptions {
    /// Errors: what is wrong with an option, in a sentence.
    pub(in crate::tensor) fn check(&self) -> Result<(), String> {
        if let Smoothing::Rows(rows) = self.smoothing
            && !(rows.is_finite() && rows >= 0.0)
        {
            return Err(format!("`smoothing` is `auto` or a number of rows from 0, not {rows}"));
        }
        if !(2..=100).contains(&self.folds) {
            return Err(format!("`folds` is a number from 2 to 100, not {}", self.folds));
        }
        if !(1..=LARGEST_VOCABULARY).contains(&self.max_categories) {
            return Err(format!(
                "`max_categories` is a number from 1 to {LARGEST_VOCABULARY}, not {}",
                self.max_categories
            ));
        }
        Ok(())
    }
}

impl Serialize for Smoothing {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str("auto"),
            Self::Rows(rows) => serializer.serialize_f64(*rows),
        }
    }
}

impl<'de> Deserialize<'de> for Smoothing {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SmoothingVisitor)
    }
}

struct SmoothingVisitor;

impl Visitor<'_> for SmoothingVisitor {
    type Value = Smoothing;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`auto` or a number of rows")
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Smoothing, E> {
        if word == "auto" {
            Ok(Smoothing::Auto)
        } else {
            Err(E::invalid_value(serde::de::Unexpected::Str(word), &self))
        }
    }

    fn visit_f64<E: Error>(self, rows: f64) -> Result<Smoothing, E> {
        Ok(Smoothing::Rows(rows))
    }

    #[expect(clippy::cast_precision_loss, reason = "so many rows are as good as any other so many")]
    fn visit_u64<E: Error>(self, rows: u64) -> Result<Smoothing, E> {
        Ok(Smoothing::Rows(rows as f64))
    }

    #[expect(clippy::cast_precision_loss, reason = "so many rows are as good as any other so many")]
    fn visit_i64<E: Error>(self, rows: i64) -> Result<Smoothing, E> {
        Ok(Smoothing::Rows(rows as f64))
    }
}

impl JsonSchema for Smoothing {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Smoothing".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "const": "auto" }, { "type": "number", "minimum": 0 }] })
    }
}
