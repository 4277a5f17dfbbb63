//! Variants of the part of a pipeline above a stage.
//!
//! A stage may have other options tried above it: `tune` does. It knows neither planning nor running, so it is given both: at planning
//! a [`Variants`], which checks a variant before a row is read, and at its work a [`Trials`], which runs one. The planner and the
//! executor stand behind them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::work::{Outcome, Progress};
use super::{Shape, Stage};
use crate::definition::Node;
use crate::diagnostic::{Class, Diagnostic, Findings};

/// What a stage is replaced by, given the stage itself.
pub type Around = dyn Fn(Box<dyn Stage>) -> Box<dyn Stage> + Send + Sync;

/// A stage and everything above it, with some things changed.
#[derive(Clone, Default)]
pub struct Variant {
    /// The stage that is wanted.
    pub wanted: String,
    /// Other options for stages, by their ids.
    pub options: BTreeMap<String, Node>,
    /// Stages, by their ids, and what stands in their places.
    pub around: BTreeMap<String, Arc<Around>>,
    /// A further stage that reads the wanted one: its kind and its options.
    pub then: Option<(&'static str, Node)>,
    /// How many variants share the memory, because they run side by side; 0 is 1.
    pub side_by_side: usize,
}

/// The id of the further stage of a variant.
pub const THEN: &str = "__then";

impl fmt::Debug for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Variant").field("wanted", &self.wanted).field("options", &self.options).finish_non_exhaustive()
    }
}

/// A stage of a variant.
#[derive(Debug, Clone)]
pub struct VariantStage {
    /// Its id.
    pub id: String,
    /// The name of its kind.
    pub kind: &'static str,
    /// Its options as they are written.
    pub written: Node,
    /// Its options with every default filled in.
    pub options: serde_json::Value,
    /// The ids of its inputs.
    pub inputs: Vec<String>,
    /// What comes out.
    pub product: Shape,
    /// What it means, as 32 hexadecimal digits.
    pub fingerprint: String,
}

/// Checks variants of the part of a pipeline that is planned already.
pub trait Variants {
    /// The stages of the variant, each after its inputs.
    ///
    /// Errors: everything that is wrong with what was changed, each at its place.
    fn plan(&self, variant: &Variant) -> Result<Vec<VariantStage>, Findings>;
}

/// Runs variants.
pub trait Trials: Sync {
    /// Runs a variant to its end, or to its first failure. Stages that mean the same as one of the run, or of an earlier variant, are not
    /// done again.
    fn run(&self, variant: &Variant, told: &(dyn Fn(&str, &Progress) + Sync)) -> Result<Vec<Finished>, Diagnostic>;

    /// Lets go of what a stage of a variant left behind.
    fn forget(&self, fingerprint: &str);

    /// A file of the state folder for what was tried, which a later run finds again. None: nothing of earlier runs is to be used.
    fn history(&self, name: &str) -> Option<PathBuf>;
}

/// What a stage of a variant left behind.
#[derive(Debug, Clone)]
pub struct Finished {
    /// Its id.
    pub id: String,
    /// What it means.
    pub fingerprint: String,
    /// What its work left; paths are absolute.
    pub outcome: Outcome,
}

/// Where variants cannot be tried: inside of one.
#[derive(Debug, Clone, Copy)]
pub struct Nowhere;

impl Variants for Nowhere {
    fn plan(&self, _: &Variant) -> Result<Vec<VariantStage>, Findings> {
        Err(vec![Diagnostic::definition("a search cannot stand inside of another one")])
    }
}

impl Trials for Nowhere {
    fn run(&self, _: &Variant, _: &(dyn Fn(&str, &Progress) + Sync)) -> Result<Vec<Finished>, Diagnostic> {
        Err(Diagnostic::error(Class::Stage, "a search cannot stand inside of another one"))
    }

    fn forget(&self, _: &str) {}

    fn history(&self, _: &str) -> Option<PathBuf> {
        None
    }
}
