//! Scalars, lists and the dispatch to mappings and variants.

use serde::Deserializer;
use serde::de::{DeserializeSeed, SeqAccess, Visitor};

use super::any::{NODE, put_node};
use super::error::Error;
use super::mapping::MappingAccess;
use super::variant::Choice;
use super::{Skipped, address};
use crate::definition::list_or::LIST_OR;
use crate::definition::node::{Node, Value};
use crate::definition::one_or_many::{ONE_OR_MANY, put_single};
use crate::definition::scalar::{self, Scalar};
use crate::definition::spanned::{Origin, SPANNED, put_origin};

/// Reads one node.
#[derive(Clone, Copy)]
pub(super) struct NodeDeserializer<'a> {
    pub(super) node: &'a Node,
    pub(super) skipped: &'a Skipped,
}

impl<'a> NodeDeserializer<'a> {
    fn integer(self, expected: &str) -> Result<i64, Error> {
        match &self.node.value {
            Value::Integer(value) => Ok(*value),
            _ => Err(self.mismatch(expected)),
        }
    }

    fn number<T: TryFrom<i64>>(self, smallest: i128, largest: i128) -> Result<T, Error> {
        let value = self.integer("a whole number")?;
        T::try_from(value).map_err(|_| {
            let expected = match (smallest, largest) {
                (0, largest) if largest > i128::from(i64::MAX) => "a whole number of at least 0".to_owned(),
                _ => format!("a whole number from {smallest} to {largest}"),
            };
            Error::mismatch(&expected, self.node)
        })
    }

    /// A wrong type, with what to do when that is easily told.
    fn mismatch(self, expected: &str) -> Error {
        let error = Error::mismatch(expected, self.node);
        let is_parameter = self.node.place.text().contains("${");
        match &self.node.value {
            _ if is_parameter => error,
            Value::Text(text) => {
                let meaning = scalar::resolve(text.value());
                let is_number = matches!(meaning, Scalar::Integer(_) | Scalar::Float(_));
                match (expected, text.value().to_ascii_lowercase().as_str()) {
                    ("a whole number" | "a number", _) if is_number => error.label("write it without quotes"),
                    ("`true` or `false`", "true" | "false") => error.label("write it without quotes"),
                    ("`true` or `false`", "yes" | "on" | "y") => error.label("write `true`"),
                    ("`true` or `false`", "no" | "off" | "n") => error.label("write `false`"),
                    ("a list", _) => error.label("a list is written `[a, b]`"),
                    _ => error,
                }
            }
            Value::Boolean(_) | Value::Integer(_) | Value::Float(_) if expected == "a text" => {
                error.label("put it in quotes")
            }
            Value::Boolean(_) | Value::Integer(_) | Value::Float(_) if expected == "a list" => {
                error.label("a list is written `[a, b]`")
            }
            _ => error,
        }
    }

    fn items(self, expected: &str) -> Result<&'a [Node], Error> {
        match &self.node.value {
            Value::Sequence(items) => Ok(items),
            _ => Err(self.mismatch(expected)),
        }
    }

    fn sequence<'de, V: Visitor<'de>>(self, items: &'a [Node], visitor: V) -> Result<V::Value, Error> {
        let visited = visitor.visit_seq(Items { items: items.iter(), skipped: self.skipped });
        visited.map_err(|error| error.within(&self.node.place, None))
    }
}

macro_rules! integers {
    ($($method:ident $visit:ident $type:ty,)*) => {
        $(
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
                let value: $type = self.number(<$type>::MIN.into(), <$type>::MAX.into())?;
                visitor.$visit(value).map_err(|error: Error| error.within(&self.node.place, None))
            }
        )*
    };
}

impl<'de> Deserializer<'de> for NodeDeserializer<'_> {
    type Error = Error;

    integers! {
        deserialize_i8 visit_i8 i8,
        deserialize_i16 visit_i16 i16,
        deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64,
        deserialize_u8 visit_u8 u8,
        deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32,
        deserialize_u64 visit_u64 u64,
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let visited = match &self.node.value {
            Value::Null => visitor.visit_unit(),
            Value::Boolean(value) => visitor.visit_bool(*value),
            Value::Integer(value) => visitor.visit_i64(*value),
            Value::Float(value) => visitor.visit_f64(*value),
            Value::Text(text) => visitor.visit_str(text.value()),
            Value::Sequence(items) => self.sequence(items, visitor),
            Value::Mapping(entries) => visitor.visit_map(MappingAccess::new(entries.iter().collect(), self.skipped)),
        };
        visited.map_err(|error| error.within(&self.node.place, None))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.value {
            Value::Boolean(value) => visitor.visit_bool(*value),
            _ => Err(self.mismatch("`true` or `false`")),
        }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let visited = match &self.node.value {
            Value::Float(value) => visitor.visit_f64(*value),
            Value::Integer(value) => visitor.visit_f64(*value as f64),
            _ => return Err(self.mismatch("a number")),
        };
        visited.map_err(|error: Error| error.within(&self.node.place, None))
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let characters = self.node.as_text().map(|text| text.value().chars());
        match characters.map(|mut characters| (characters.next(), characters.next())) {
            Some((Some(only), None)) => visitor.visit_char(only),
            _ => Err(self.mismatch("a single character")),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.value {
            Value::Text(text) => visitor.visit_str(text.value()).map_err(|e: Error| e.within(&self.node.place, None)),
            _ => Err(self.mismatch("a text")),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.value {
            Value::Null => visitor.visit_unit(),
            _ => Err(self.mismatch("nothing")),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Error> {
        match name {
            SPANNED => put_origin(Origin { place: self.node.place.clone(), text: self.node.as_text().cloned() }),
            NODE => put_node(self.node.clone()),
            ONE_OR_MANY => match &self.node.value {
                Value::Sequence(items) => return self.sequence(items, visitor),
                _ => put_single(),
            },
            LIST_OR => match &self.node.value {
                Value::Sequence(items) => return self.sequence(items, visitor),
                Value::Text(_) => return self.sequence(std::slice::from_ref(self.node), visitor),
                _ => {}
            },
            _ => {}
        }
        visitor.visit_newtype_struct(self).map_err(|error: Error| error.within(&self.node.place, None))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let items = self.items("a list")?;
        self.sequence(items, visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Error> {
        let expected = format!("a list of {length} values");
        let items = self.items(&expected)?;
        if items.len() != length {
            let values = if items.len() == 1 { "value" } else { "values" };
            return Err(Error::mismatch(&expected, self.node).label(format!("it has {} {values}", items.len())));
        }
        self.sequence(items, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.value {
            Value::Mapping(entries) => {
                let visited = visitor.visit_map(MappingAccess::new(entries.iter().collect(), self.skipped));
                visited.map_err(|error| error.within(&self.node.place, None))
            }
            _ => Err(self.mismatch("a mapping")),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match &self.node.value {
            Value::Mapping(entries) => {
                MappingAccess::of_struct(entries, fields, self.skipped).visit(&self.node.place, visitor)
            }
            Value::Null => MappingAccess::of_struct(&[], fields, self.skipped).visit(&self.node.place, visitor),
            _ => Err(self.mismatch("a mapping")),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let choice = Choice::of(self.node, variants, self.skipped)?;
        visitor.visit_enum(choice).map_err(|error| error.within(&self.node.place, None))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }
}

/// The items of a list that are not left out.
struct Items<'a> {
    items: std::slice::Iter<'a, Node>,
    skipped: &'a Skipped,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        let Some(node) = self.items.by_ref().find(|node| !self.skipped.contains(*node)) else { return Ok(None) };
        let read = seed.deserialize(NodeDeserializer { node, skipped: self.skipped });
        read.map(Some).map_err(|error| error.within(&node.place, Some(address(node))))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}
