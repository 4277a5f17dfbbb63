//! Planning: a pipeline becomes a graph of checked stages, before a row is read.

mod fingerprint;
mod graph;
mod leakage;
mod select;
mod vary;

use std::collections::BTreeMap;
use std::path::Path;

pub use graph::{Rehearsal, Replacement, ids, plan, rehearse};
pub use select::Selection;
pub use vary::vary;

use crate::definition::{Pipeline, StageDefinition};
use crate::diagnostic::{Findings, Severity};
use crate::stages::{Kind, Planned, Shape};

/// A checked pipeline.
pub struct Plan {
    /// What was written.
    pub pipeline: Pipeline,
    /// Its stages; each stands after its inputs.
    pub stages: Vec<PlannedStage>,
    /// Everything that was found; with an error among it the plan must not be run.
    pub findings: Findings,
}

/// A stage of a plan.
#[derive(Clone)]
pub struct PlannedStage {
    /// Its id.
    pub id: String,
    /// Its kind.
    pub kind: &'static Kind,
    /// What was written.
    pub definition: StageDefinition,
    /// Positions of its inputs in [`Plan::stages`].
    pub inputs: Vec<usize>,
    /// How many of the inputs, the first ones, come by `from` or stand above; its options name the others.
    pub from: usize,
    /// What it means and does.
    pub planned: Planned,
    /// What it means, as 32 hexadecimal digits.
    pub fingerprint: String,
    /// Its options with every default filled in.
    pub options: serde_json::Value,
    /// Files that it reads, with the state that they have.
    pub files: BTreeMap<String, String>,
}

/// What planning may use beside the pipeline.
pub struct Surroundings<'a> {
    /// The engine, for the schemas of files.
    pub engine: &'a dyn crate::engine::Engine,
    /// The folder to which relative paths are relative.
    pub base: &'a Path,
    /// A folder for what lasts only as long as the run.
    pub scratch: &'a Path,
}

impl Plan {
    /// Whether nothing stands in the way of a run.
    pub fn is_runnable(&self) -> bool {
        self.findings.iter().all(|finding| finding.severity < Severity::Error)
    }

    /// The stage of that id.
    pub fn stage(&self, id: &str) -> Option<&PlannedStage> {
        self.stages.iter().find(|stage| stage.id == id)
    }

    /// For each stage whether an earlier run of the same meaning may have done its work: not when it always works, nor below a
    /// stage whose product depends on more than its meaning.
    pub fn may_rest(&self) -> Vec<bool> {
        let mut varies: Vec<bool> = Vec::with_capacity(self.stages.len());
        let mut rests = Vec::with_capacity(self.stages.len());
        // Inputs stand before the stages that read them.
        for stage in &self.stages {
            let below = stage.inputs.iter().any(|input| varies.get(*input).copied().unwrap_or(false));
            varies.push(below || stage.planned.work.varies());
            rests.push(!below && !stage.planned.work.always_works());
        }
        rests
    }

    /// Positions of the stages that read the product of stage `index`.
    pub fn consumers(&self, index: usize) -> Vec<usize> {
        (0..self.stages.len()).filter(|&at| self.stages.get(at).is_some_and(|s| s.inputs.contains(&index))).collect()
    }
}

impl PlannedStage {
    /// The shape of the product.
    pub fn shape(&self) -> &Shape {
        &self.planned.product
    }
}
