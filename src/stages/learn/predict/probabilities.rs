//! The option `probabilities`: of every class, in columns or lists, or of classes that are named.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::layout::Asked;
use crate::definition::Spanned;
use crate::diagnostic::{Diagnostic, nearest};

/// Whose probabilities are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Probabilities {
    /// Those of all classes, or of none but the predicted one.
    All(bool),
    /// Those of these classes.
    Of(Vec<Class>),
    /// Those of all classes, in lists.
    List(List),
}

/// The word for lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum List {
    /// In lists, the most probable class first.
    List,
}

/// What is added for a target.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Classes that have a column of their own.
    pub(super) classes: Vec<String>,
    /// Whether all classes are listed with their probabilities.
    pub(super) lists: bool,
}

/// A class as it is written: a text, a whole number, true or false.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Class(String);

impl Probabilities {
    /// What is added for each target.
    ///
    /// Errors: there are no classes, or a name is none of them.
    pub(super) fn wanted(written: Option<&Spanned<Self>>, targets: &[Asked]) -> Result<Vec<Wanted>, Diagnostic> {
        let none = || vec![Wanted::default(); targets.len()];
        let Some(written) = written else { return Ok(none()) };
        let refuse = |message: String| Diagnostic::definition(message).at(&written.place);
        let with_classes = targets.iter().filter(|target| target.has_classes()).count();
        let lists = |target: &Asked| Wanted { lists: target.has_classes(), ..Wanted::default() };
        match &written.value {
            Self::All(false) => Ok(none()),
            _ if with_classes == 0 => Err(refuse("`probabilities` belongs to targets with classes".to_owned())),
            Self::List(_) => Ok(targets.iter().map(lists).collect()),
            Self::All(true) => {
                let of = |target: &Asked| match &target.names {
                    Some(names) if target.has_classes() => Wanted { classes: names.clone(), lists: false },
                    // Columns must be known before the model has learned its classes; lists can be as long as they will be.
                    _ => lists(target),
                };
                Ok(targets.iter().map(of).collect())
            }
            Self::Of(_) if with_classes > 1 => {
                Err(refuse("several targets have classes, and a name does not say of which".to_owned())
                    .help("say `probabilities: list`, or `true` with a saved model"))
            }
            Self::Of(classes) => {
                let known = targets.iter().find(|target| target.has_classes()).and_then(|target| target.names.as_ref());
                let names: Vec<String> = classes.iter().map(|class| class.0.clone()).collect();
                for (place, name) in names.iter().enumerate() {
                    if names.iter().take(place).any(|before| before == name) {
                        return Err(refuse(format!("class `{name}` is named twice")));
                    }
                    if let Some(known) = known.filter(|known| !known.contains(name)) {
                        let finding = refuse(format!("the model has no class `{name}`"));
                        return Err(match nearest(name, known.iter().map(String::as_str)) {
                            Some(near) => finding.label(format!("did you mean `{near}`?")),
                            None => finding,
                        });
                    }
                }
                let of = |target: &Asked| {
                    if target.has_classes() {
                        Wanted { classes: names.clone(), lists: false }
                    } else {
                        Wanted::default()
                    }
                };
                Ok(targets.iter().map(of).collect())
            }
        }
    }
}

impl<'de> Deserialize<'de> for Probabilities {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Probabilities;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("true, `list`, or a list of classes such as `[early, late]`")
            }

            fn visit_bool<E>(self, all: bool) -> Result<Probabilities, E> {
                Ok(Probabilities::All(all))
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<Probabilities, E> {
                match word {
                    "list" => Ok(Probabilities::List(List::List)),
                    _ => Err(E::invalid_value(Unexpected::Str(word), &self)),
                }
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Probabilities, A::Error> {
                let mut classes = Vec::new();
                while let Some(class) = items.next_element()? {
                    classes.push(class);
                }
                Ok(Probabilities::Of(classes))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl<'de> Deserialize<'de> for Class {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl Visitor<'_> for Name {
            type Value = Class;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a class: a text, a whole number, true or false")
            }

            fn visit_bool<E>(self, value: bool) -> Result<Class, E> {
                Ok(Class(value.to_string()))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Class, E> {
                Ok(Class(value.to_string()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Class, E> {
                Ok(Class(value.to_string()))
            }

            fn visit_str<E>(self, value: &str) -> Result<Class, E> {
                Ok(Class(value.to_owned()))
            }
        }
        deserializer.deserialize_any(Name)
    }
}

impl JsonSchema for Probabilities {
    fn schema_name() -> Cow<'static, str> {
        "Probabilities".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "boolean" },
            { "const": "list" },
            { "type": "array", "items": { "type": ["string", "integer", "boolean"] } },
        ] })
    }
}
