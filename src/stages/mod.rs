//! Stages: one file per kind, in the order in which data meets them.
//!
//! A kind is an options struct (its doc comment is the documentation page, its fields are the JSON Schema) that implements
//! [`Stage`]. Planning turns checked options into a [`Planned`]: the [`Shape`] of the product, known before a row is read,
//! and the [`Work`] to be done when the run comes to it.
//!
//! Adding a kind means adding its file and one line in [`kinds`].

pub mod fit;
pub mod inputs;
mod kinds;
pub mod product;
pub mod reference;
pub mod renames;
pub mod variant;
pub mod work;

pub mod ingest;
pub mod learn;
pub mod mine;
pub mod prepare;
pub mod render;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use kinds::{Kind, SIDE_TABLE, documentation, kind, kinds, root_schema, schema};
pub use product::{ModelShape, Product, Shape, Split, TableProduct, TableShape, TensorsProduct, TensorsShape};
pub use work::{Change, Outcome, RelationalWork, StageCounts, Work, WorkContext};

use crate::definition::Spanned;
use crate::diagnostic::{Diagnostic, Findings, Place};
use crate::engine::Engine;

/// The families of stages, in the order in which data meets them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Bytes become tables.
    Ingest,
    /// Tables become better tables.
    Prepare,
    /// Tables become knowledge.
    Mine,
    /// Tables become models.
    Learn,
    /// Results become files and pictures.
    Render,
}

/// The options of one stage as they were written.
pub trait Stage: Send + Sync {
    /// Stages that the options name beside `from` (`join: {with: planes}`); they follow the inputs of `from`.
    fn named_inputs(&self) -> Vec<Spanned<String>> {
        Vec::new()
    }

    /// How many inputs `from` may name: (at least, at most).
    fn arity(&self) -> (usize, usize) {
        (1, 1)
    }

    /// The stage that reads a table which this one makes beside its product: `from: <id>.<name>`.
    fn side_table(&self, name: &str) -> Option<Box<dyn Stage>> {
        let _ = name;
        None
    }

    /// Checks the options against the shapes of the inputs and says what will come out. Reads no rows.
    ///
    /// Errors: everything that is wrong, each with its place.
    fn plan(&self, inputs: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings>;
}

/// A stage that was checked.
#[derive(Clone)]
pub struct Planned {
    /// What comes out.
    pub product: Shape,
    /// What has to be done.
    pub work: Arc<dyn Work>,
    /// What the stage means beyond its product's relation, for the fingerprint: options with defaults, in a canonical form.
    pub meaning: serde_json::Value,
    /// Warnings.
    pub findings: Findings,
    /// Files and folders that it writes for the user, with the places that name them.
    pub targets: Vec<(PathBuf, Place)>,
}

impl Planned {
    /// A stage that only says what rows it means.
    pub fn relation(product: TableShape) -> Self {
        Self {
            product: Shape::Table(product),
            work: Arc::new(RelationalWork::default()),
            meaning: serde_json::Value::Null,
            findings: Vec::new(),
            targets: Vec::new(),
        }
    }

    /// Names a file that it writes.
    pub fn target(mut self, path: PathBuf, place: &Place) -> Self {
        self.targets.push((path, place.clone()));
        self
    }

    /// Replaces the work.
    pub fn work(mut self, work: impl Work + 'static) -> Self {
        self.work = Arc::new(work);
        self
    }

    /// Adds to the meaning.
    pub fn meaning(mut self, meaning: impl serde::Serialize) -> Self {
        self.meaning = serde_json::to_value(meaning).unwrap_or_default();
        self
    }

    /// Adds a warning.
    pub fn warn(mut self, finding: Diagnostic) -> Self {
        self.findings.push(finding);
        self
    }
}

/// What planning may look at.
pub struct PlanContext<'a> {
    /// The id of the stage that is planned; keys of learned values begin with it.
    pub id: &'a str,
    /// Where the stage stands in the pipeline file.
    pub place: &'a Place,
    /// The engine, for the schemas of files.
    pub engine: &'a dyn Engine,
    /// The folder to which relative paths are relative.
    pub base: &'a Path,
    /// Where a stage may keep files while the run lasts (converted inputs); exists while a run is planned to be run.
    pub scratch: &'a Path,
    /// The ids of the input stages, in the order of the inputs.
    pub input_ids: &'a [String],
    /// Checks other options of what stands above.
    pub variants: &'a dyn variant::Variants,
}

impl PlanContext<'_> {
    /// A path of the pipeline file as a path of this machine.
    pub fn path(&self, written: &str) -> PathBuf {
        self.base.join(written)
    }

    /// The key of something that this stage learns or makes.
    pub fn key(&self, what: &str) -> String {
        format!("{}.{what}", self.id)
    }
}
