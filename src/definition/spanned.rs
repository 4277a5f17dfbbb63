//! A value of a stage's options that knows its place.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, Range};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};

use super::text::Text;
use crate::diagnostic::{Place, Source};

/// The name under which [`super::decode`] knows that a place is wanted.
pub(super) const SPANNED: &str = "$gristmill::definition::Spanned";

/// A value and where it stands in the pipeline file.
///
/// [`super::decode`] fills in the place. Read from anything else (a stored state), the place is empty. Two values are equal when
/// they mean the same, wherever they stand. A secret is serialised as `${env:NAME}` or `***`, never as itself.
#[derive(Clone)]
pub struct Spanned<T> {
    /// What stands there.
    pub value: T,
    /// Where it stands.
    pub place: Place,
    /// The text that the value was read from.
    text: Option<Text>,
}

impl<T> Spanned<T> {
    /// A value at a place.
    pub fn new(value: T, place: Place) -> Self {
        Self { value, place, text: None }
    }

    /// A value that stands nowhere: a default, or what was read from a stored state.
    pub fn nowhere(value: T) -> Self {
        Self::new(value, Place::new(&Source::new("", ""), 0..0))
    }

    /// The same place with another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Spanned<U> {
        Spanned { value: change(self.value), place: self.place, text: self.text }
    }

    /// Whether some of it came from the environment, so that it must not be shown.
    pub fn is_secret(&self) -> bool {
        self.text.as_ref().is_some_and(Text::is_secret)
    }
}

impl Spanned<String> {
    /// Where a part of the text stands, in bytes of the value: the place of a column inside an SQL expression, for example.
    /// What cannot be told apart (see [`Text::within`]) stands at the whole text.
    pub fn within(&self, range: Range<usize>) -> Place {
        match &self.text {
            Some(text) if text.value() == self.value => text.within(range),
            _ => self.place.clone(),
        }
    }
}

impl From<&Text> for Spanned<String> {
    fn from(text: &Text) -> Self {
        Self { value: text.value().into(), place: text.place().clone(), text: Some(text.clone()) }
    }
}

impl<T: Default> Default for Spanned<T> {
    fn default() -> Self {
        Self::nowhere(T::default())
    }
}

impl<T> Deref for Spanned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: PartialEq> PartialEq for Spanned<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Eq> Eq for Spanned<T> {}

impl<T: fmt::Debug> fmt::Debug for Spanned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.text {
            Some(text) if text.is_secret() => text.fmt(f),
            _ => self.value.fmt(f),
        }
    }
}

impl<T: fmt::Display> fmt::Display for Spanned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.text {
            Some(text) if text.is_secret() => f.write_str(text.shown()),
            _ => self.value.fmt(f),
        }
    }
}

impl<T: Serialize> Serialize for Spanned<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.text {
            Some(text) if text.is_secret() => serializer.serialize_str(text.shown()),
            _ => self.value.serialize(serializer),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Spanned<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(SPANNED, SpannedVisitor(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Spanned<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

struct SpannedVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for SpannedVisitor<T> {
    type Value = Spanned<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        // The origin belongs to this value; it is taken before a value inside of it puts its own there.
        let origin = take_origin();
        let value = T::deserialize(deserializer)?;
        Ok(match origin {
            Some(Origin { place, text }) => Spanned { value, place, text },
            None => Spanned::nowhere(value),
        })
    }
}

/// Where the value stands that is read next. Serde has no way to hand this from a deserializer to a value, so it goes through
/// the thread: [`super::decode`] puts it right before it visits a value that wants it, and the value takes it at once.
pub(super) struct Origin {
    pub(super) place: Place,
    pub(super) text: Option<Text>,
}

thread_local! {
    static ORIGIN: RefCell<Option<Origin>> = const { RefCell::new(None) };
}

pub(super) fn put_origin(origin: Origin) {
    ORIGIN.with(|slot| slot.replace(Some(origin)));
}

fn take_origin() -> Option<Origin> {
    ORIGIN.with(RefCell::take)
}
