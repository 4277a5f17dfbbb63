//! Options, or a list of the one that matters most.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};

/// The name under which [`super::decode`] knows that a list may stand in the place of options.
pub(super) const LIST_OR: &str = "$gristmill::definition::ListOr";

/// Options, or in short the list, or the single name, of the one that matters most: `select: [a, b]` for
/// `select: {keep: [a, b]}`. Whoever reads it turns the short form into options, so that both mean the same from there on.
#[derive(Debug, Clone, PartialEq)]
pub enum ListOr<T, O> {
    /// A list, or a text alone.
    List(Vec<T>),
    /// All options.
    Options(O),
}

impl<'de, T: Deserialize<'de>, O: Deserialize<'de>> Deserialize<'de> for ListOr<T, O> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(LIST_OR, ListOrVisitor(PhantomData))
    }
}

struct ListOrVisitor<T, O>(PhantomData<(T, O)>);

impl<'de, T: Deserialize<'de>, O: Deserialize<'de>> Visitor<'de> for ListOrVisitor<T, O> {
    type Value = ListOr<T, O>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list or a mapping")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = items.next_element()? {
            values.push(value);
        }
        Ok(ListOr::List(values))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        // `decode` comes here for everything but lists and texts; other formats hold options in full.
        O::deserialize(deserializer).map(ListOr::Options)
    }
}
