//! Mappings: structs with known keys, and maps with free ones.

use serde::Deserializer;
use serde::de::value::StrDeserializer;
use serde::de::{DeserializeSeed, IntoDeserializer, MapAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::error::{Error, Kind, unknown_key};
use super::value::NodeDeserializer;
use super::{Skipped, address};
use crate::definition::node::Entry;
use crate::definition::spanned::{Origin, SPANNED, put_origin};
use crate::definition::text::Text;
use crate::diagnostic::{Place, nearest};

/// The entries of a mapping that are not left out.
pub(super) struct MappingAccess<'a> {
    entries: std::vec::IntoIter<&'a Entry>,
    value: Option<&'a Entry>,
    skipped: &'a Skipped,
    /// Keys that were left out, or that somebody most likely meant by an unknown one: that they are missing is no news.
    excused: Vec<&'a str>,
}

impl<'a> MappingAccess<'a> {
    pub(super) fn new(mut entries: Vec<&'a Entry>, skipped: &'a Skipped) -> Self {
        entries.retain(|entry| !skipped.contains(*entry));
        Self { entries: entries.into_iter(), value: None, skipped, excused: Vec::new() }
    }

    /// Reports all unknown keys and leaves them out.
    pub(super) fn of_struct(entries: &'a [Entry], fields: &'static [&'static str], skipped: &'a Skipped) -> Self {
        let mut excused = Vec::new();
        for entry in entries {
            let is_skipped = skipped.contains(entry);
            if fields.contains(&entry.key.as_str()) {
                if is_skipped {
                    excused.push(entry.key.as_str());
                }
                continue;
            }
            if !is_skipped {
                skipped.report(unknown_key(&entry.key, fields).at(&entry.key_place));
                skipped.skip(address(entry));
            }
            excused.extend(nearest(&entry.key, fields.iter().copied()));
        }
        Self { excused, ..Self::new(entries.iter().collect(), skipped) }
    }

    /// Fills a struct from the mapping at `place`.
    pub(super) fn visit<'de, V: Visitor<'de>>(self, place: &Place, visitor: V) -> Result<V::Value, Error> {
        let excused = self.excused.clone();
        visitor.visit_map(self).map_err(|error| {
            let error = error.within(place, None);
            match error.kind() {
                Kind::Missing(field) if excused.contains(&field) => error.with_kind(Kind::Consequence),
                // A missing key of this mapping must not pass for one of the mapping around it.
                Kind::Missing(_) => error.with_kind(Kind::Value),
                _ => error,
            }
        })
    }
}

impl<'de> MapAccess<'de> for MappingAccess<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        self.value = self.entries.next();
        let Some(entry) = self.value else { return Ok(None) };
        let read = seed.deserialize(KeyDeserializer(entry));
        read.map(Some).map_err(|error| error.within(&entry.key_place, Some(address(entry))))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        let Some(entry) = self.value.take() else {
            return Err(serde::de::Error::custom("a value was asked for before its key"));
        };
        let read = seed.deserialize(NodeDeserializer { node: &entry.value, skipped: self.skipped });
        read.map_err(|error| error.within(&entry.value.place, Some(address(entry))))
    }
}

/// A key: a text, a text with its place, or the name of a variant.
#[derive(Clone, Copy)]
struct KeyDeserializer<'a>(&'a Entry);

impl<'a> KeyDeserializer<'a> {
    fn text(self) -> StrDeserializer<'a, Error> {
        self.0.key.as_str().into_deserializer()
    }
}

impl<'de> Deserializer<'de> for KeyDeserializer<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_str(&self.0.key)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Error> {
        if name == SPANNED {
            let place = self.0.key_place.clone();
            put_origin(Origin { text: Some(Text::new(self.0.key.as_str(), place.clone())), place });
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.text().deserialize_enum(name, variants, visitor)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit seq tuple tuple_struct map struct
        identifier ignored_any
    }
}
