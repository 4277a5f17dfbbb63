//! Layers that can be written in short: as a number, a word or a list, or with all their options.

use std::fmt;
use std::marker::PhantomData;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, Error, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// Options of which the most important one can stand alone.
pub(in crate::stages::learn::train) trait Short: Sized {
    /// All options.
    type Options: DeserializeOwned + Serialize + JsonSchema;
    /// What is expected, as an error says it.
    const EXPECTED: &'static str;
    /// Whether it can be written with all options, as a map.
    const HAS_OPTIONS: bool = true;
    /// The short form as a JSON Schema.
    fn short_schema(generator: &mut schemars::SchemaGenerator) -> serde_json::Value;
    /// From all options.
    fn of_options(options: Self::Options) -> Self;
    /// All options.
    fn options(&self) -> &Self::Options;

    /// In short, where it has no other form.
    fn in_short(&self) -> Option<serde_json::Value> {
        None
    }

    /// From a number alone; none where it cannot be.
    fn of_number(number: f64) -> Option<Self> {
        let _ = number;
        None
    }

    /// From a word alone; none where it cannot be.
    fn of_word(word: &str) -> Option<Self> {
        let _ = word;
        None
    }

    /// From a list.
    fn of_list<'de, A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        let _ = list;
        Err(A::Error::invalid_type(Unexpected::Seq, &Self::EXPECTED))
    }
}

/// A whole number as a count.
pub(in crate::stages::learn::train) fn whole(number: f64) -> Option<usize> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number in range")]
    (number.fract() == 0.0 && (0.0..=1e15).contains(&number)).then_some(number as usize)
}

/// Reads either form.
pub(in crate::stages::learn::train) fn read<'de, T: Short, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    deserializer.deserialize_any(ShortVisitor(PhantomData))
}

struct ShortVisitor<T>(PhantomData<T>);

impl<'de, T: Short> Visitor<'de> for ShortVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    #[expect(clippy::cast_precision_loss, reason = "sizes beyond 2^53 are refused anyway")]
    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        self.visit_f64(number as f64)
    }

    #[expect(clippy::cast_precision_loss, reason = "sizes beyond 2^53 are refused anyway")]
    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        self.visit_f64(number as f64)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<T, E> {
        T::of_number(number).ok_or_else(|| E::custom(format_args!("expected {}, found `{number}`", T::EXPECTED)))
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<T, E> {
        T::of_word(word).ok_or_else(|| E::invalid_type(Unexpected::Str(word), &self))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<T, A::Error> {
        T::of_list(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        if !T::HAS_OPTIONS {
            return Err(A::Error::invalid_type(Unexpected::Map, &self));
        }
        T::Options::deserialize(MapAccessDeserializer::new(map)).map(T::of_options)
    }
}

/// Reads and writes a type in both forms, and says so in the schema. It is written with all options, where it has them, so
/// that both forms mean the same.
macro_rules! short {
    ($($kind:ident)*) => {$(
        impl<'de> serde::Deserialize<'de> for $kind {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::stages::learn::train::layers::short::read(deserializer)
            }
        }

        impl serde::Serialize for $kind {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use $crate::stages::learn::train::layers::short::Short;
                match self.in_short() {
                    Some(short) => short.serialize(serializer),
                    None => self.options().serialize(serializer),
                }
            }
        }

        impl schemars::JsonSchema for $kind {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($kind).into()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                use $crate::stages::learn::train::layers::short::Short;
                let short = <$kind as Short>::short_schema(generator);
                if !<$kind as Short>::HAS_OPTIONS {
                    return schemars::json_schema!({ "anyOf": [short] });
                }
                let options = generator.subschema_for::<<$kind as Short>::Options>();
                schemars::json_schema!({ "anyOf": [short, options] })
            }
        }
    )*};
}

/// A layer whose short form is a whole number: the field of that name.
macro_rules! short_number {
    ($($kind:ident($options:ident { $field:ident }) = $expected:literal;)*) => {$(
        impl $crate::stages::learn::train::layers::short::Short for $kind {
            type Options = $options;
            const EXPECTED: &'static str = $expected;

            fn short_schema(_: &mut schemars::SchemaGenerator) -> serde_json::Value {
                serde_json::json!({ "type": "integer", "minimum": 1 })
            }

            fn of_number(number: f64) -> Option<Self> {
                $crate::stages::learn::train::layers::short::whole(number).map(Self::of)
            }

            fn of_options(options: $options) -> Self {
                Self(options)
            }

            fn options(&self) -> &$options {
                &self.0
            }
        }
        $crate::stages::learn::train::layers::short::short! { $kind }
    )*};
}

pub(in crate::stages::learn::train) use {short, short_number};
