//! Options with other values: the variants that are tried.

use std::collections::BTreeMap;

use super::budget;
use super::space::Dimension;
use crate::definition::{Node, put, without};
use crate::diagnostic::{Diagnostic, Findings, Place};
use crate::stages::variant::{Variant, VariantStage};
use crate::stages::{ModelShape, PlanContext, Shape};

/// Options of a stage without what a trial must not do.
pub(super) fn without_traces(stage: &VariantStage, train: &VariantStage) -> Node {
    if stage.id == train.id { without(&without(&stage.written, "save"), "checkpoint") } else { stage.written.clone() }
}

/// What is varied, and into which options.
pub(super) struct Search {
    /// The stage that trains.
    pub(super) model: String,
    /// The options of each stage as they are written, but for where the model is saved.
    pub(super) written: BTreeMap<String, Node>,
    pub(super) dimensions: Vec<Dimension>,
    pub(super) save: Option<Node>,
}

impl Search {
    /// The options of the stages that are varied, with these values; `epochs`: with another number of them.
    fn options(
        &self,
        values: impl Iterator<Item = (usize, Node)>,
        epochs: Option<u64>,
    ) -> Result<BTreeMap<String, Node>, Diagnostic> {
        let mut options: BTreeMap<String, Node> = BTreeMap::new();
        let written = |id: &str| self.written.get(id).cloned();
        options.extend(written(&self.model).map(|node| (self.model.clone(), node)));
        for (at, value) in values {
            let Some(dimension) = self.dimensions.get(at) else { continue };
            let Some(node) = options.get(&dimension.stage).cloned().or_else(|| written(&dimension.stage)) else {
                continue;
            };
            options.insert(dimension.stage.clone(), put(&node, &dimension.steps, &value)?);
        }
        if let (Some(epochs), Some(node)) = (epochs, options.get(&self.model)) {
            let changed = budget::with_epochs(node, epochs)?;
            options.insert(self.model.clone(), changed);
        }
        Ok(options)
    }

    /// The model with the values of a point.
    pub(super) fn variant(&self, point: &[f64], epochs: Option<u64>) -> Result<Variant, Diagnostic> {
        let values = self.dimensions.iter().zip(point).map(|(dimension, value)| dimension.node(*value)).enumerate();
        Ok(Variant { wanted: self.model.clone(), options: self.options(values, epochs)?, ..Variant::default() })
    }

    /// The model as it is written.
    pub(super) fn as_written(&self) -> Result<Variant, Diagnostic> {
        let options = self.options(std::iter::empty(), None)?;
        Ok(Variant { wanted: self.model.clone(), options, ..Variant::default() })
    }

    /// Plans every value of every list and both ends of every range; the fingerprints of all.
    ///
    /// Errors: everything that is wrong, at the value or the path.
    pub(super) fn check(
        &self,
        context: &PlanContext<'_>,
        model: &ModelShape,
        epochs: Option<u64>,
    ) -> Result<Vec<String>, Findings> {
        let mut findings = Findings::new();
        let mut fingerprints = Vec::new();
        let mut look = |options: Result<BTreeMap<String, Node>, Diagnostic>, place: &Place, path: &str| {
            let planned = options.map_err(|finding| vec![finding]).and_then(|options| {
                let variant = Variant { wanted: self.model.clone(), options, ..Variant::default() };
                context.variants.plan(&variant)
            });
            match planned {
                Ok(stages) => {
                    findings.extend(keeps_rows(&stages, model, path).map(|finding| finding.at(place)));
                    fingerprints.extend(stages.last().map(|stage| stage.fingerprint.clone()));
                }
                Err(wrong) => {
                    for finding in wrong.into_iter().map(|finding| finding.or_at(place)) {
                        if !findings.contains(&finding) {
                            findings.push(finding);
                        }
                    }
                }
            }
        };
        for (at, dimension) in self.dimensions.iter().enumerate() {
            for value in dimension.ends() {
                let node = dimension.node(value);
                let place = node.place.clone();
                look(self.options(std::iter::once((at, node)), None), &place, &dimension.path);
            }
        }
        if let Some(epochs) = epochs {
            look(self.options(std::iter::empty(), Some(epochs)), context.place, "epochs");
        }
        if let Some(save) = &self.save {
            look(self.saving(self.options(std::iter::empty(), None)), &save.place, "save");
        }
        if findings.is_empty() { Ok(fingerprints) } else { Err(findings) }
    }

    /// The options with the model saved.
    pub(super) fn saving(
        &self,
        options: Result<BTreeMap<String, Node>, Diagnostic>,
    ) -> Result<BTreeMap<String, Node>, Diagnostic> {
        let mut options = options?;
        if let (Some(save), Some(node)) = (&self.save, options.get(&self.model)) {
            let step = crate::definition::Step { name: "save".to_owned(), place: save.place.clone() };
            let changed = put(node, &[step], save)?;
            options.insert(self.model.clone(), changed);
        }
        Ok(options)
    }
}

/// Refuses a variant whose rows are other ones than those of the model as it is written: what stands below could not read them.
fn keeps_rows(stages: &[VariantStage], model: &ModelShape, path: &str) -> Option<Diagnostic> {
    let Some(Shape::Model(varied)) = stages.last().map(|stage| &stage.product) else {
        return Some(Diagnostic::definition("there is no model with this value"));
    };
    let (new, old) = (&varied.tensors.table, &model.tensors.table);
    if new.split != old.split {
        return Some(Diagnostic::definition(format!("`{path}` changes the parts of the rows, which cannot be varied")));
    }
    if new.schema != old.schema {
        let message = format!("`{path}` changes the columns from which the tensors are made, which cannot be varied");
        return Some(Diagnostic::definition(message));
    }
    None
}
