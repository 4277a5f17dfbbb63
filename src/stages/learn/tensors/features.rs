//! The columns of the inputs as they are written: a list, or lists by what the columns become.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::definition::{OneOrMany, Ordered, Spanned};
use crate::tensor::audio::AudioOptions;
use crate::tensor::image::ImageOptions;
use crate::tensor::text::TextOptions;
use crate::tensor::{CategoryEncoding, DateOptions, NumberScale};

/// The columns of the inputs.
#[derive(Debug, Clone, PartialEq)]
pub enum Features {
    /// Their types decide what they become.
    ByType(Vec<Spanned<String>>),
    /// What each becomes is said.
    ByKind(Box<ByKind>),
}

/// Columns by what they become.
///
/// Each kind takes a column, a list of columns, or a mapping from columns to their options:
/// `number: {distance: robust, hour: {bin: {bins: 8}}}`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ByKind {
    /// Columns of numbers or booleans, each with its scale; `number_scale` holds for those without one.
    pub number: Spanned<Columns<NumberScale>>,
    /// Columns whose values are names of something, each with its encoding; `category_encoding` holds for those
    /// without one.
    pub category: Spanned<Columns<CategoryEncoding>>,
    /// Columns of dates or times.
    pub date: Spanned<Columns<DateOptions>>,
    /// Columns of texts; each is an input of its own, of tokens.
    pub text: Spanned<Columns<TextOptions>>,
    /// Columns of images: lists of numbers, PNG or JPEG in binary columns, or texts with the paths of such files in
    /// `folder`. Each is an input of its own.
    pub image: Ordered<ImageOptions>,
    /// Columns of sounds: WAV in binary columns, or texts with the paths of such files in `folder`. Each is an input of
    /// its own.
    pub audio: Spanned<Columns<AudioOptions>>,
    /// The last rows of a group, in the order of time, as one input `sequence`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence: Option<SequenceOptions>,
}

/// The last rows of a group as an input.
///
/// The rows of a group are ordered by time; each row with `window` - 1 rows before it closes a window. The target is
/// that of the row `horizon` rows later in the same group. Rows without a full window, or without a later row, are
/// left out and counted. The parts of a `split` are cut by themselves: divide by time or by group, or windows have gaps.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SequenceOptions {
    /// The columns of numbers of each row. The target may be among them when `horizon` is at least 1.
    pub columns: Spanned<Columns<NumberScale>>,
    /// The columns that name a group; without any all rows are one.
    #[serde(default)]
    pub by: OneOrMany<Spanned<String>>,
    /// The column that orders the rows of a group.
    pub order: Spanned<String>,
    /// How many rows a window has.
    pub window: Spanned<usize>,
    /// How many rows after the last one of the window the target stands.
    #[serde(default = "one")]
    pub horizon: Spanned<usize>,
}

fn one() -> Spanned<usize> {
    Spanned::nowhere(1)
}

/// Columns, with options or without.
#[derive(Debug, Clone, PartialEq)]
pub enum Columns<T> {
    /// One column; it stands at the place of the whole.
    One(String),
    /// Several columns.
    Names(Vec<Spanned<String>>),
    /// Columns with their options.
    Options(Ordered<T>),
}

impl<T> Default for Columns<T> {
    fn default() -> Self {
        Self::Names(Vec::new())
    }
}

/// The columns in order with their options.
pub(super) fn named<T: Clone>(columns: &Spanned<Columns<T>>) -> Vec<(Spanned<String>, Option<T>)> {
    match &columns.value {
        Columns::One(name) => {
            let mut name = Spanned::nowhere(name.clone());
            name.place = columns.place.clone();
            vec![(name, None)]
        }
        Columns::Names(names) => names.iter().map(|name| (name.clone(), None)).collect(),
        Columns::Options(options) => {
            options.iter().map(|(name, options)| (name.clone(), Some(options.clone()))).collect()
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Columns<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ColumnsVisitor(PhantomData))
    }
}

struct ColumnsVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ColumnsVisitor<T> {
    type Value = Columns<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a column, a list of columns, or columns with their options")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Columns<T>, E> {
        Ok(Columns::One(name.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Columns<T>, A::Error> {
        let mut names = Vec::new();
        while let Some(name) = items.next_element()? {
            names.push(name);
        }
        Ok(Columns::Names(names))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Columns<T>, A::Error> {
        Ordered::deserialize(MapAccessDeserializer::new(map)).map(Columns::Options)
    }
}

impl<T: Serialize> Serialize for Columns<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::One(name) => name.serialize(serializer),
            Self::Names(names) => names.serialize(serializer),
            Self::Options(options) => options.serialize(serializer),
        }
    }
}

impl<T: JsonSchema> JsonSchema for Columns<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Columns_of_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let options = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [
            { "type": "string" },
            { "type": "array", "items": { "type": "string" } },
            { "type": "object", "additionalProperties": options },
        ] })
    }
}

impl<'de> Deserialize<'de> for Features {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FeaturesVisitor)
    }
}

struct FeaturesVisitor;

impl<'de> Visitor<'de> for FeaturesVisitor {
    type Value = Features;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of columns, or columns by kind: `{number: [..], category: [..]}`")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Features, A::Error> {
        let mut names = Vec::new();
        while let Some(name) = items.next_element()? {
            names.push(name);
        }
        Ok(Features::ByType(names))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Features, A::Error> {
        ByKind::deserialize(MapAccessDeserializer::new(map)).map(|kinds| Features::ByKind(kinds.into()))
    }
}

impl Serialize for Features {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::ByType(names) => names.serialize(serializer),
            Self::ByKind(kinds) => kinds.serialize(serializer),
        }
    }
}

impl JsonSchema for Features {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Features".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let kinds = generator.subschema_for::<ByKind>();
        json_schema!({ "anyOf": [{ "type": "array", "items": { "type": "string" } }, kinds] })
    }
}
