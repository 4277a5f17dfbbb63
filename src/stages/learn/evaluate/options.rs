//! Options that are a word, a number or more.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::baseline::Kind;
use crate::definition::{NumberOr, Spanned, Word};
use crate::statistics::evaluation::bootstrap::Method;

/// From which probability on yes is predicted.
pub type Threshold = NumberOr<ThresholdRule>;

/// How the probability is chosen from which on yes is predicted.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ThresholdRule {
    /// Where the shares of yes and of no that are told have the largest sum.
    Youden,
    /// Where F1 is largest.
    F1,
    /// Where wrong predictions cost the least.
    Cost(ErrorCosts),
}

impl Word for ThresholdRule {
    const EXPECTED: &'static str = "a probability, `youden`, `f1` or `{cost: {false_positive: 1, false_negative: 5}}`";
}

/// What wrong predictions cost.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ErrorCosts {
    /// To say yes where no is true.
    pub false_positive: f64,
    /// To say no where yes is true.
    pub false_negative: f64,
}

/// Which simple models stand beside the network.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Baselines {
    /// All that fit the target and the features.
    #[default]
    All,
    /// None.
    None,
    /// These.
    These(Vec<Spanned<Kind>>),
}

impl<'de> Deserialize<'de> for Baselines {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BaselinesVisitor)
    }
}

struct BaselinesVisitor;

impl<'de> Visitor<'de> for BaselinesVisitor {
    type Value = Baselines;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`all`, `none` or a list of `constant`, `linear`, `logistic`, `tree` and `forest`")
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Baselines, E> {
        match value {
            "all" => Ok(Baselines::All),
            "none" => Ok(Baselines::None),
            _ => Err(E::invalid_value(serde::de::Unexpected::Str(value), &self)),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Baselines, A::Error> {
        let mut kinds = Vec::new();
        while let Some(kind) = items.next_element()? {
            kinds.push(kind);
        }
        Ok(Baselines::These(kinds))
    }
}

impl Serialize for Baselines {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::All => "all".serialize(serializer),
            Self::None => "none".serialize(serializer),
            Self::These(kinds) => kinds.serialize(serializer),
        }
    }
}

impl JsonSchema for Baselines {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Baselines".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let kind = generator.subschema_for::<Kind>();
        json_schema!({ "anyOf": [{ "enum": ["all", "none"] }, { "type": "array", "items": kind }] })
    }
}

/// Whether and how intervals are computed.
#[derive(Debug, Clone, PartialEq)]
pub enum Intervals {
    /// There are none.
    None,
    /// By resampling.
    Resampled(Resampling),
}

/// How rows are resampled.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Resampling {
    /// How many resamples; 1,000 when absent.
    #[serde(default = "resamples")]
    pub resamples: Spanned<usize>,
    /// Another seed draws other rows; 0 when absent.
    #[serde(default)]
    pub seed: u64,
    /// How intervals are told from the resamples.
    #[serde(default)]
    pub method: Method,
}

fn resamples() -> Spanned<usize> {
    Spanned::nowhere(1_000)
}

impl Default for Intervals {
    fn default() -> Self {
        Self::Resampled(Resampling { resamples: resamples(), seed: 0, method: Method::default() })
    }
}

impl<'de> Deserialize<'de> for Intervals {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IntervalsVisitor)
    }
}

struct IntervalsVisitor;

impl<'de> Visitor<'de> for IntervalsVisitor {
    type Value = Intervals;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`none`, or `{resamples: 1000, seed: 0}`")
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Intervals, E> {
        match value {
            "none" => Ok(Intervals::None),
            _ => Err(E::invalid_value(serde::de::Unexpected::Str(value), &self)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Intervals, A::Error> {
        Resampling::deserialize(MapAccessDeserializer::new(map)).map(Intervals::Resampled)
    }
}

impl Serialize for Intervals {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::None => "none".serialize(serializer),
            Self::Resampled(resampling) => resampling.serialize(serializer),
        }
    }
}

impl JsonSchema for Intervals {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Intervals".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let resampling = generator.subschema_for::<Resampling>();
        json_schema!({ "anyOf": [{ "const": "none" }, resampling] })
    }
}
