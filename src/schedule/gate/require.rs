//! Conditions as they stand in a job file.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::number::{Margin, Share};
use crate::definition::{OneOrMany, Spanned};

/// A condition on a run that ended well. Only when all conditions of a job hold, what the run wrote is promoted.
///
/// A comparison with something that is not there yet (no version was promoted, no earlier success) holds. A number of the run
/// itself that is missing refuses.
///
/// ```yaml
/// require:
///   - checks: passed
///   - rows: {stage: clean, at_least: 1000, change_at_most: 20%}
///   - drift: {stage: moved, at_most: 0.2}
///   - metric: {stage: judged, name: ROC AUC, at_least: 0.7, better_than: champion, by: 0.01}
///   - stage: {id: model, seconds_at_most: 600}
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Require {
    /// What `validate` found: `passed`, or options.
    Checks(Box<Spanned<Checks>>),
    /// How many rows come out of a stage.
    Rows(Box<Spanned<Rows>>),
    /// How far rows have moved.
    Drift(Box<Spanned<Drift>>),
    /// A number that a stage measured, such as the accuracy of a model.
    Metric(Box<Spanned<Metric>>),
    /// How long a stage takes.
    Stage(Box<Spanned<Pace>>),
}

/// No check of `validate` fails, in one stage or in all.
///
/// `checks: passed` asks it of all `validate` stages of the pipeline.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Checks {
    /// The `validate` stage; all of them when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<Spanned<String>>,
    /// Whether checks may warn.
    pub warnings: Grade,
    /// The least health score.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_at_least: Option<Spanned<Share>>,
}

/// Whether checks may warn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// They may.
    #[default]
    Allowed,
    /// They may not.
    None,
}

/// How many rows come out of a stage: between bounds, or close to the last success.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rows {
    /// The stage.
    pub stage: Spanned<String>,
    /// The fewest rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<Spanned<u64>>,
    /// The most rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<Spanned<u64>>,
    /// The largest change, up or down, as a share of the rows of the last success: `20%`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change_at_most: Option<Spanned<Share>>,
}

/// No column has moved further than that: its population stability index (PSI) is at most `at_most`.
///
/// The stage measures it: `compare` without `with` against the last success of the job, `compare` and `profile` with `with`
/// against that table, `predict` against the rows from which the model learned. Below 0.1 counts as stable, above 0.25 as
/// shifted. A column that is gone or has another type does not hold. A column whose index may be chance, because there are few
/// rows, holds and is named.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Drift {
    /// The stage; the only one that measures drift when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<Spanned<String>>,
    /// The largest index that any column may have.
    pub at_most: Spanned<f64>,
    /// The columns to look at; all that the stage compares when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<OneOrMany<Spanned<String>>>,
}

/// A number that a stage measured: between bounds, or better than another.
///
/// Of an `evaluate` stage these are its metrics by name (`accuracy`, `ROC AUC`, `mean absolute error`, ..), those of the model as
/// it is saved; of other stages the numbers at the top of its part of the report. Which way is better is known of the metrics of `evaluate`
/// and of usual names; of others say `better: higher` or `better: lower`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// The stage; the only `evaluate` stage when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<Spanned<String>>,
    /// The metric's name, as in the report; large and small letters are the same, and so are `_` and a space.
    pub name: Spanned<String>,
    /// The target column, where a model has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Spanned<String>>,
    /// The least value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<Spanned<f64>>,
    /// The largest value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<Spanned<f64>>,
    /// What it must be better than.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub better_than: Option<Spanned<Than>>,
    /// By how much: `0.01`, or `1%` of the other value; without it, by anything. `0` also lets an equal one through, and a number
    /// below 0 one that is that much worse.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Spanned<Margin>>,
    /// The name under `promote` whose current version is the champion; the only one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<Spanned<String>>,
    /// Which way is better, where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub better: Option<Spanned<Better>>,
}

/// What a metric must be better than.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Than {
    /// The version that is current; its metrics are those that were kept when it was promoted.
    Champion,
    /// The best of the simple models beside which `evaluate` judges.
    Baseline,
    /// The last success of the job.
    Last,
}

/// Which way a number is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// More is better.
    Higher,
    /// Less is better.
    Lower,
}

/// How long a stage takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pace {
    /// The stage.
    pub id: Spanned<String>,
    /// The most seconds of its own work.
    pub seconds_at_most: Spanned<f64>,
}

/// The options of `checks` when they are written out.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ChecksOptions")]
struct Written {
    /// The `validate` stage; all of them when absent.
    #[serde(default)]
    stage: Option<Spanned<String>>,
    /// Whether checks may warn.
    #[serde(default)]
    warnings: Grade,
    /// The least health score: `95%`.
    #[serde(default)]
    health_at_least: Option<Spanned<Share>>,
}

impl<'de> Deserialize<'de> for Checks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Checks;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`passed`, or options such as `{stage: checked, warnings: none}`")
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<Checks, E> {
                match word {
                    "passed" => Ok(Checks::default()),
                    other => Err(E::custom(format!(
                        "expected `passed`, or options such as `{{stage: checked, warnings: none}}`, found `{other}`"
                    ))),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Checks, A::Error> {
                let Written { stage, warnings, health_at_least } =
                    Written::deserialize(MapAccessDeserializer::new(entries))?;
                Ok(Checks { stage, warnings, health_at_least })
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl JsonSchema for Checks {
    fn schema_name() -> Cow<'static, str> {
        "Checks".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let options = generator.subschema_for::<Written>();
        json_schema!({ "anyOf": [{ "const": "passed" }, options] })
    }
}
