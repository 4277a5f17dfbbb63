//! [`Node`] -> the options of a stage, with every finding at its place.
//!
//! An own `Deserializer` of serde, so that options are plain structs:
//!
//! - [`Spanned`](super::Spanned), [`OneOrMany`](super::OneOrMany), [`ListOr`](super::ListOr), [`NumberOr`](super::NumberOr),
//!   [`Ordered`](super::Ordered) and [`Node`] work anywhere;
//! - unknown keys of structs are always refused; `flatten` and untagged enums would lose the places and are not for options;
//! - an enum is a name (`optimizer: adamw`) or a mapping with one key (`optimizer: {adamw: {learning_rate: 0.01}}`); a name is
//!   enough when all options of the variant have defaults;
//! - nothing is converted but a whole number to a float: `"12"` is no number and `12` no text;
//! - nothing (`evaluate:`) is an empty mapping where a struct is wanted.

mod any;
mod error;
mod mapping;
mod value;
mod variant;

use std::cell::RefCell;
use std::collections::HashSet;

use serde::de::DeserializeOwned;

pub(super) use self::error::enumerate;
use self::error::{Kind, Problem};
use self::value::NodeDeserializer;
use super::node::Node;
use crate::diagnostic::{Diagnostic, Findings};

/// The most findings in one value; whoever has that many will look again.
const MAX_FINDINGS: usize = 32;

/// Reads a value of type `T`.
///
/// Errors: everything that is wrong with it, in the order of the file. Serde stops at the first trouble; so after each the reading
/// starts again without the entry or item that was wrong, until nothing else is found. Time: size of the node times findings.
pub fn decode<T: DeserializeOwned>(node: &Node) -> Result<T, Findings> {
    let skipped = Skipped::default();
    loop {
        let problem = match T::deserialize(NodeDeserializer { node, skipped: &skipped }) {
            Ok(value) if skipped.is_empty() => return Ok(value),
            Ok(_) => break,
            Err(error) => error.within(&node.place, None).into_problem(),
        };
        let Problem { diagnostic, kind, culprit } = problem;
        let is_new = match kind {
            Kind::Value | Kind::Missing(_) => true,
            Kind::Custom => skipped.is_empty(),
            Kind::Consequence => false,
        };
        if is_new {
            skipped.report(diagnostic);
        }
        match culprit {
            Some(culprit) if skipped.count() < MAX_FINDINGS => skipped.skip(culprit),
            _ => break,
        }
    }
    Err(skipped.into_findings())
}

/// What was found to be wrong, and the entries and items that are left out because of it (by their address in the node).
#[derive(Default)]
struct Skipped {
    findings: RefCell<Findings>,
    parts: RefCell<HashSet<usize>>,
}

impl Skipped {
    fn is_empty(&self) -> bool {
        self.parts.borrow().is_empty() && self.findings.borrow().is_empty()
    }

    fn count(&self) -> usize {
        self.parts.borrow().len()
    }

    fn contains<T>(&self, part: &T) -> bool {
        self.parts.borrow().contains(&address(part))
    }

    /// Leaves a part out from now on.
    fn skip(&self, address: usize) {
        self.parts.borrow_mut().insert(address);
    }

    fn report(&self, finding: Diagnostic) {
        self.findings.borrow_mut().push(finding);
    }

    fn into_findings(self) -> Findings {
        let mut findings = self.findings.into_inner();
        findings.sort_by_key(|finding| finding.place.as_ref().map(|place| place.range().start));
        findings.truncate(MAX_FINDINGS);
        findings
    }
}

/// Tells parts of one node apart.
fn address<T>(part: &T) -> usize {
    std::ptr::from_ref(part).addr()
}
