//! Reading the folder of a model: nothing is believed that does not fit together.

use std::path::Path;

use serde::Deserialize;

use super::folder;
use super::judgement::Judgement;
use super::replay::Replay;
use super::{
    BUNDLE, Bundle, ENCODER, FORMAT, JUDGEMENT, NETWORK, OLDEST, StoredReplay, TABLES, WEIGHTS, card, damaged,
    fragments, head, impossible,
};
use crate::diagnostic::{Class, Diagnostic};
use crate::expression::Schema;
use crate::nn::Network;
use crate::relation::{Relation, ScanSource};
use crate::tensor::Encoder;

impl Bundle {
    /// The model card, made anew from the folder, all of which is read and checked.
    ///
    /// Errors: of class [`Class::Data`] when the model is damaged.
    pub(in crate::stages::learn) fn card(&self, folder: &Path) -> Result<String, Diagnostic> {
        let (encoder, network) = self.load(folder)?;
        let judgement = self.judgement(folder)?;
        for name in self.files.keys() {
            folder::verify(folder, name, &self.files)?;
        }
        Ok(card::text(self, &network.summary(), encoder.domain(), judgement.as_ref()))
    }

    /// What `evaluate` found about it, where that is known.
    ///
    /// Errors: of class [`Class::Data`] when the file is gone, or is not what was saved.
    pub(in crate::stages::learn) fn judgement(&self, folder: &Path) -> Result<Option<Judgement>, Diagnostic> {
        if !self.files.contains_key(JUDGEMENT) {
            return Ok(None);
        }
        let content = folder::read(folder, JUDGEMENT, &self.files)?;
        serde_json::from_slice(&content).map(Some).map_err(|error| damaged(folder, &error.to_string()))
    }

    /// Reads `bundle.json`; the other files are read when they are used.
    ///
    /// Errors: of class [`Class::Data`] when there is no model in the folder, or a damaged or newer one.
    pub(in crate::stages::learn) fn read(folder: &Path) -> Result<Self, Diagnostic> {
        let path = folder.join(BUNDLE);
        let text = folder::list(&path).map_err(|error| {
            let message = match error.kind() {
                std::io::ErrorKind::NotFound if !folder.exists() => {
                    format!("there is no folder `{}`", folder.display())
                }
                std::io::ErrorKind::NotFound => format!("`{}` is no model: it has no `{BUNDLE}`", folder.display()),
                _ => format!("cannot read `{}`: {error}", path.display()),
            };
            Diagnostic::error(Class::Data, message).help("`train: {save: out/model}` saves a model")
        })?;
        let damaged = |error: serde_json::Error| {
            Diagnostic::error(Class::Data, format!("`{}` is damaged: {error}", path.display()))
                .help("save the model again")
        };
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let Version { format } = serde_json::from_slice(&text).map_err(damaged)?;
        if !(OLDEST..=FORMAT).contains(&format) {
            let message =
                format!("the model in `{}` has format {format}, this gristmill reads {FORMAT}", folder.display());
            return Err(Diagnostic::error(Class::Data, message).help("train it again with this gristmill"));
        }
        serde_json::from_slice(&text).map_err(damaged)
    }

    /// A short name for the whole content, for fingerprints: the checksums of all files are in it.
    pub(in crate::stages::learn) fn fingerprint(&self) -> String {
        folder::checksum(&serde_json::to_vec(self).unwrap_or_default())
    }

    /// The columns that rows must have.
    pub(in crate::stages::learn) fn input_schema(&self) -> Schema {
        Schema::new(self.inputs.clone()).unwrap_or_default()
    }

    /// The relation from a raw row to the features, with the tables of the folder.
    ///
    /// Errors: of class [`Class::Data`] when it is damaged, a table is gone or changed, or rows cannot be replayed at
    /// all.
    pub(in crate::stages::learn) fn replay(&self, folder: &Path) -> Result<Replay, Diagnostic> {
        let damaged = |reason: String| damaged(folder, &reason);
        let pieces = match &self.replay {
            StoredReplay::Relation(pieces) => pieces.clone(),
            StoredReplay::Impossible(reason) => return Err(impossible(&self.name, reason)),
        };
        let relation = fragments::join(pieces).map_err(damaged)?;
        let relation: Relation = serde_json::from_value(relation).map_err(|error| damaged(error.to_string()))?;
        for name in self.files.keys().filter(|name| name.starts_with(TABLES)) {
            folder::verify(folder, name, &self.files)?;
        }
        let (mut gone, mut stray) = (None, None);
        let relation = relation.replace_scans(&mut |scan| {
            let mut scan = scan.clone();
            if let ScanSource::Files(files) = &mut scan.source {
                for path in &mut files.paths {
                    if path.is_relative() {
                        // A table that nobody has stated could lie anywhere.
                        let known = path.to_str().is_some_and(|name| self.files.contains_key(name));
                        if !known {
                            stray.get_or_insert_with(|| path.clone());
                        }
                        *path = folder.join(&*path);
                    }
                    if !path.exists() {
                        gone.get_or_insert_with(|| path.clone());
                    }
                }
            }
            Some(Relation::Scan(scan).into())
        });
        if let Some(path) = stray {
            return Err(damaged(format!("it reads a table `{}` that it does not hold", path.display())));
        }
        if let Some(path) = gone {
            let message = format!("the model in `{}` joins `{}`, which is gone", folder.display(), path.display());
            return Err(Diagnostic::error(Class::Data, message).help("put the file back, or train the model again"));
        }
        Ok(Replay { relation: Relation::clone(&relation), inputs: self.input_schema() })
    }

    /// The encoder and the network.
    ///
    /// Errors: of class [`Class::Data`] when a file is gone, is not what was saved, or they do not fit together.
    pub(in crate::stages::learn) fn load(&self, folder: &Path) -> Result<(Encoder, Network), Diagnostic> {
        let damaged = |reason: String| damaged(folder, &reason);
        let encoder: Encoder = serde_json::from_slice(&folder::read(folder, ENCODER, &self.files)?)
            .map_err(|error| damaged(error.to_string()))?;
        let description = String::from_utf8(folder::read(folder, NETWORK, &self.files)?)
            .map_err(|error| damaged(error.to_string()))?;
        let network = Network::load(&description, &folder::read(folder, WEIGHTS, &self.files)?)
            .map_err(|error| damaged(error.to_string()))?;
        let spec = network.spec();
        let blocks = encoder.blocks();
        let targets = encoder.targets();
        let fits = spec.inputs.len() == blocks.len()
            && spec
                .inputs
                .iter()
                .zip(blocks)
                .all(|(input, block)| input.shape.size() == Some(block.size()) && input.tokens == block.tokens)
            && spec.outputs.len() == targets.len()
            && spec.outputs.iter().zip(targets).all(|(output, target)| output.head == head(target))
            && self.targets.len() == targets.len()
            && self.targets.iter().zip(targets).all(|(stated, target)| stated.kind == target.kind())
            && self.blocks == blocks;
        if fits {
            Ok((encoder, network))
        } else {
            Err(damaged("its encoder and its network do not fit together".to_owned()))
        }
    }
}
