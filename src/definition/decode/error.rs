//! What can be wrong with a value, in plain English.

use std::fmt;

use serde::de;

use crate::definition::node::Node;
use crate::diagnostic::{Diagnostic, Place, nearest};

/// The longest list of names that a help text enumerates.
const LONGEST_LIST: usize = 16;

/// Why a value could not be read.
#[derive(Debug)]
pub(super) struct Error(Box<Problem>);

#[derive(Debug)]
pub(super) struct Problem {
    pub(super) diagnostic: Diagnostic,
    pub(super) kind: Kind,
    /// The entry or item without which the reading could go on, see [`super::Skipped`].
    pub(super) culprit: Option<usize>,
}

/// What kind of trouble it is, as far as it decides how the search goes on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    /// The value itself is wrong.
    Value,
    /// A key is missing.
    Missing(&'static str),
    /// The type that is read complained; what was left out before may be the reason.
    Custom,
    /// It follows from what was found before.
    Consequence,
}

impl Error {
    pub(super) fn new(diagnostic: Diagnostic, kind: Kind) -> Self {
        Self(Box::new(Problem { diagnostic, kind, culprit: None }))
    }

    /// `expected` is a noun phrase: "a whole number".
    pub(super) fn mismatch(expected: &str, node: &Node) -> Self {
        let found = Diagnostic::definition(format!("expected {expected}, found {}", node.describe()));
        Self::new(found.at(&node.place), Kind::Value)
    }

    pub(super) fn into_problem(self) -> Problem {
        *self.0
    }

    pub(super) fn kind(&self) -> Kind {
        self.0.kind
    }

    pub(super) fn with_kind(mut self, kind: Kind) -> Self {
        self.0.kind = kind;
        self
    }

    /// Says where, and which part could be left out, unless a more precise answer is known already.
    pub(super) fn within(mut self, place: &Place, culprit: Option<usize>) -> Self {
        self.0.diagnostic = self.0.diagnostic.or_at(place);
        self.0.culprit = self.0.culprit.or(culprit);
        self
    }

    pub(super) fn label(mut self, label: impl Into<String>) -> Self {
        self.0.diagnostic = self.0.diagnostic.label(label);
        self
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.0.diagnostic = self.0.diagnostic.help(help);
        self
    }
}

/// A key that a mapping does not have.
pub(super) fn unknown_key(key: &str, known: &[&str]) -> Diagnostic {
    let found = Diagnostic::definition(format!("unknown option `{key}`"));
    match known {
        [] => found.help("there are no options here"),
        _ => suggest(found, key, known, "the options are"),
    }
}

/// A name that is none of those that can stand here.
pub(super) fn unknown_variant(name: &str, known: &[&str]) -> Diagnostic {
    suggest(Diagnostic::definition(format!("unknown value `{name}`")), name, known, "it is one of")
}

/// Adds the nearest name and, when they are few, all of them.
pub(super) fn suggest(found: Diagnostic, name: &str, known: &[&str], lead: &str) -> Diagnostic {
    let found = match nearest(name, known.iter().copied()) {
        Some(near) => found.label(format!("did you mean `{near}`?")),
        None => found,
    };
    match known {
        [only] => found.help(format!("there is only `{only}`")),
        _ if known.len() <= LONGEST_LIST => found.help(format!("{lead} {}", enumerate(known))),
        _ => found,
    }
}

/// `a`, `b` and `c`.
pub(in crate::definition) fn enumerate(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.diagnostic.fmt(f)
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(Diagnostic::definition(message.to_string()), Kind::Custom)
    }

    fn invalid_type(unexpected: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::custom(format_args!("expected {expected}, found {unexpected}"))
    }

    fn invalid_value(unexpected: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::custom(format_args!("expected {expected}, found {unexpected}"))
    }

    fn invalid_length(length: usize, expected: &dyn de::Expected) -> Self {
        Self::custom(format_args!("expected {expected}, found {length} values"))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(Diagnostic::definition(format!("`{field}` is missing")), Kind::Missing(field))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::new(unknown_key(field, expected), Kind::Custom)
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::new(unknown_variant(variant, expected), Kind::Value)
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::custom(format_args!("`{field}` is given twice, once under another name"))
    }
}
