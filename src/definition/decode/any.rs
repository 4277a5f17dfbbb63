//! Options that take any value as it stands.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::definition::canonical;
use crate::definition::node::Node;

/// The name under which [`super::decode`] knows that the node itself is wanted.
pub(super) const NODE: &str = "$gristmill::definition::Node";

thread_local! {
    static NEXT: RefCell<Option<Node>> = const { RefCell::new(None) };
}

/// Hands the node over that is visited next; see [`crate::definition::spanned::Origin`] for the way it takes.
pub(super) fn put_node(node: Node) {
    NEXT.with(|slot| slot.replace(Some(node)));
}

/// A node as an option takes any value; it can only be read by [`super::decode`].
impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(NODE, NodeVisitor)
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        canonical::json(self).serialize(serializer)
    }
}

impl JsonSchema for Node {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "AnyValue".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        Schema::from(true)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of a pipeline file")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        IgnoredAny::deserialize(deserializer)?;
        NEXT.with(RefCell::take).ok_or_else(|| D::Error::custom("a node can only be read from a pipeline file"))
    }
}
