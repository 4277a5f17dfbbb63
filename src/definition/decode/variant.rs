//! Enums: a name, or a mapping with one key.

use serde::Deserializer;
use serde::de::{DeserializeSeed, EnumAccess, IntoDeserializer, VariantAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::Skipped;
use super::error::{Error, Kind, enumerate, unknown_variant};
use super::mapping::MappingAccess;
use super::value::NodeDeserializer;
use crate::definition::node::{Entry, Node, Value};
use crate::definition::spanned::{Origin, SPANNED, put_origin};
use crate::diagnostic::{Diagnostic, Place};

/// The variant that was chosen.
#[derive(Clone, Copy)]
pub(super) struct Choice<'a> {
    name: &'a str,
    place: &'a Place,
    /// What stands under the name; `None`: the name stands alone.
    content: Option<&'a Node>,
    skipped: &'a Skipped,
}

impl<'a> Choice<'a> {
    pub(super) fn of(node: &'a Node, variants: &'static [&'static str], skipped: &'a Skipped) -> Result<Self, Error> {
        let (name, place, content, is_secret) = match &node.value {
            Value::Text(text) => (text.value(), &node.place, None, text.is_secret()),
            Value::Mapping(entries) => {
                let entry = only(entries, node, variants)?;
                (entry.key.as_str(), &entry.key_place, Some(&entry.value), false)
            }
            _ => {
                let error = Error::mismatch("a name", node);
                return Err(if variants.is_empty() { error } else { error.help(one_of(variants)) });
            }
        };
        if variants.contains(&name) {
            return Ok(Self { name, place, content, skipped });
        }
        let found = match (is_secret, content) {
            (true, _) => Diagnostic::definition("unknown value in a secret text").help(one_of(variants)),
            (false, None) => unknown_variant(name, variants),
            (false, Some(_)) => {
                let found = unknown_variant(name, variants);
                Diagnostic { message: format!("unknown key `{name}`"), ..found }
            }
        };
        Err(Error::new(found.at(place), Kind::Value))
    }

    /// The content, which is at fault when it is wrong.
    fn read<T>(self, read: impl FnOnce(&'a Node) -> Result<T, Error>) -> Result<T, Error> {
        match self.content {
            Some(node) => read(node).map_err(|error| error.within(&node.place, None)),
            None => Err(self.needs_value()),
        }
    }

    fn needs_value(self) -> Error {
        let found = Diagnostic::definition(format!("`{}` needs a value", self.name)).at(self.place);
        Error::new(found.label(format!("write `{}: ...`", self.name)), Kind::Value)
    }
}

fn one_of(variants: &[&str]) -> String {
    format!("it is one of {}", enumerate(variants))
}

/// The only entry that is not left out.
fn only<'a>(entries: &'a [Entry], node: &Node, variants: &[&str]) -> Result<&'a Entry, Error> {
    match entries {
        [entry] => Ok(entry),
        [] => Err(Error::mismatch("a name", node).label("the mapping is empty").help(one_of(variants))),
        [_, second, ..] => {
            let keys: Vec<&str> = entries.iter().map(|entry| entry.key.as_str()).collect();
            let found = Diagnostic::definition(format!("expected one key, found {}", enumerate(&keys)));
            Err(Error::new(found.at(&second.key_place).help(one_of(variants)), Kind::Value))
        }
    }
}

impl<'de, 'a> EnumAccess<'de> for Choice<'a> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Error> {
        let name: serde::de::value::StrDeserializer<'_, Error> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> VariantAccess<'de> for Choice<'_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        match self.content.map(|node| (node, &node.value)) {
            None | Some((_, Value::Null)) => Ok(()),
            Some((_, Value::Mapping(entries))) if entries.is_empty() => Ok(()),
            Some((node, _)) => {
                let found = Diagnostic::definition(format!("`{}` takes no options", self.name)).at(&node.place);
                Err(Error::new(found.label(format!("write `{}` alone", self.name)), Kind::Value))
            }
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Error> {
        match self.content {
            Some(_) => self.read(|node| seed.deserialize(NodeDeserializer { node, skipped: self.skipped })),
            None => seed.deserialize(Bare(self)),
        }
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Error> {
        self.read(|node| NodeDeserializer { node, skipped: self.skipped }.deserialize_tuple(length, visitor))
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        match self.content {
            Some(_) => self
                .read(|node| NodeDeserializer { node, skipped: self.skipped }.deserialize_struct("", fields, visitor)),
            None => Bare(self).deserialize_struct("", fields, visitor),
        }
    }
}

/// The content of a variant whose name stands alone: all defaults, where the content is a struct.
struct Bare<'a>(Choice<'a>);

impl<'de> Deserializer<'de> for Bare<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(self.0.needs_value())
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let Choice { name, place, skipped, .. } = self.0;
        let visited = MappingAccess::of_struct(&[], fields, skipped).visit(place, visitor);
        visited.map_err(|error| error.label(format!("write `{name}: {{...}}` with its options")))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_none()
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Error> {
        if name == SPANNED {
            put_origin(Origin { place: self.0.place.clone(), text: None });
        }
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit_struct seq tuple tuple_struct map
        enum identifier ignored_any
    }
}
