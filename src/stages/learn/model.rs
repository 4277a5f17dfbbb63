//! A saved model, for commands that look at one.

use std::path::Path;

use serde_json::Value;

use super::bundle::{Bundle, Replay};
use crate::diagnostic::Diagnostic;
use crate::expression::{Field, Schema};
use crate::tensor::TargetKind;

/// What a saved model needs and gives.
#[derive(Debug, Clone, PartialEq)]
pub struct SavedModel {
    /// The columns that rows must have.
    pub inputs: Vec<Field>,
    /// What it foretells, with whether a prediction is a list of labels.
    pub targets: Vec<(String, bool)>,
    replay: Replay,
}

impl SavedModel {
    /// Reads what is needed to apply it, not the weights.
    ///
    /// Errors: of class [`Class::Data`](crate::diagnostic::Class::Data) when there is no model in the folder, or a damaged one.
    pub fn read(folder: &Path) -> Result<Self, Diagnostic> {
        let bundle = Bundle::read(folder)?;
        let targets = bundle
            .targets
            .iter()
            .map(|target| (target.field.name.clone(), target.kind == TargetKind::MultiLabel))
            .collect();
        Ok(Self { inputs: bundle.inputs.clone(), targets, replay: bundle.replay(folder)? })
    }

    /// The columns that rows of that schema have, but of a type that the model cannot take, with the type that it needs.
    pub fn misfits(&self, schema: &Schema) -> Vec<Field> {
        self.replay.misfits(schema)
    }
}

/// The model card, made anew from the folder, all of which is read and checked.
///
/// Errors: of class [`Class::Data`](crate::diagnostic::Class::Data) when there is no model in the folder, or a damaged one.
pub fn card(folder: &Path) -> Result<String, Diagnostic> {
    Bundle::read(folder)?.card(folder)
}

/// What is known of the model, for programs: targets, inputs, training, judgement, files.
///
/// Errors: as [`card`].
pub fn facts(folder: &Path) -> Result<Value, Diagnostic> {
    let bundle = Bundle::read(folder)?;
    bundle.load(folder)?;
    let judgement = bundle.judgement(folder)?;
    let mut facts = serde_json::to_value(&bundle).unwrap_or_default();
    if let Some(facts) = facts.as_object_mut() {
        // The relation is long, and means nothing to people.
        facts.remove("replay");
        facts.insert("judgement".to_owned(), serde_json::to_value(judgement).unwrap_or_default());
    }
    Ok(facts)
}
