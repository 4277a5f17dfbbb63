//! Writing the folder of a model.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::folder::{self, Files};
use super::judgement::Judgement;
use super::survey::Survey;
use super::{
    BUNDLE, Bundle, CARD, ENCODER, FORMAT, JUDGEMENT, NETWORK, ONNX, ONNX_DESCRIPTION, Parts, Source, StoredReplay,
    TABLES, TargetField, WEIGHTS, card, fragments, onnx,
};
use crate::diagnostic::{Class, Diagnostic};
use crate::expression::{DataType, Field};
use crate::relation::{Relation, ScanSource};
use crate::staging::failure;

impl Bundle {
    /// Writes the folder.
    ///
    /// Errors: of class [`Class::Output`] when a file cannot be written.
    pub(in crate::stages::learn) fn write(folder: &Path, parts: Parts<'_>) -> Result<Self, Diagnostic> {
        let store = |error: crate::nn::Error| Diagnostic::error(Class::Stage, error.to_string());
        let json = unstorable;
        let mut files = Files::new();
        fs::create_dir_all(folder).map_err(|error| failure("cannot make", folder, &error))?;
        folder::keep(folder, WEIGHTS, &parts.network.weights().map_err(store)?, &mut files)?;
        folder::keep(folder, NETWORK, parts.network.description().map_err(store)?.as_bytes(), &mut files)?;
        folder::keep(folder, ENCODER, &serde_json::to_vec_pretty(parts.encoder).map_err(json)?, &mut files)?;
        let (replay, inputs) = match parts.replay {
            Ok(replay) => {
                let relation = own_tables(&replay.relation, folder, &mut files)?;
                let relation = serde_json::to_value(&relation).map_err(json)?;
                (StoredReplay::Relation(fragments::split(relation)), replay.inputs.fields().to_vec())
            }
            Err(reason) => (StoredReplay::Impossible(reason), Vec::new()),
        };
        let schema = parts.relation.schema();
        let field = |name: &str| {
            let data_type = schema.data_type(name).cloned().unwrap_or(DataType::Null);
            Field::new(name, data_type)
        };
        let targets = parts.encoder.targets().iter().map(|target| TargetField {
            field: field(target.column()),
            kind: target.kind(),
            names: target.names().to_vec(),
        });
        let bundle = Self {
            format: FORMAT,
            name: parts.name.to_owned(),
            created_by: concat!("gristmill ", env!("CARGO_PKG_VERSION")).to_owned(),
            targets: targets.collect(),
            blocks: parts.encoder.blocks().to_vec(),
            inputs,
            features: parts.encoder.columns().iter().map(|name| field(name)).collect(),
            sources: sources(parts.relation),
            training: parts.training,
            survey: None,
            replay,
            files,
        };
        bundle.write_list(folder)?;
        write(
            &folder.join(CARD),
            card::text(&bundle, &parts.network.summary(), parts.encoder.domain(), None).as_bytes(),
        )?;
        Ok(bundle)
    }

    fn write_list(&self, folder: &Path) -> Result<(), Diagnostic> {
        write(&folder.join(BUNDLE), &serde_json::to_vec(self).map_err(unstorable)?)
    }

    /// Puts into the folder what was found about the model and its rows.
    ///
    /// Errors: of class [`Class::Data`] when the model is damaged, of class [`Class::Output`] when a file cannot be written.
    pub(super) fn completed(
        mut self,
        folder: &Path,
        judgement: Option<&Judgement>,
        survey: Option<&Survey>,
    ) -> Result<(), Diagnostic> {
        let (encoder, network) = self.load(folder)?;
        if let Some(judgement) = judgement {
            let content = serde_json::to_vec_pretty(judgement).map_err(unstorable)?;
            folder::keep(folder, JUDGEMENT, &content, &mut self.files)?;
        }
        self.survey = survey.cloned().or(self.survey);
        self.write_list(folder)?;
        write(&folder.join(CARD), card::text(&self, &network.summary(), encoder.domain(), judgement).as_bytes())
    }

    /// Puts the network into the folder as ONNX, with a description of what goes in and what comes out.
    ///
    /// Errors: of class [`Class::Data`] when the model is damaged, of class [`Class::Stage`] when the network has a layer without a form in
    /// ONNX, of class [`Class::Output`] when a file cannot be written.
    pub(super) fn exported(mut self, folder: &Path) -> Result<(), Diagnostic> {
        let (encoder, network) = self.load(folder)?;
        let judgement = self.judgement(folder)?;
        let content = network.to_onnx().map_err(|error| Diagnostic::error(Class::Stage, error.to_string()))?;
        folder::keep(folder, ONNX, &content, &mut self.files)?;
        let described = onnx::description(&self, &encoder, &network, judgement.as_ref()).map_err(unstorable)?;
        let content = serde_json::to_vec_pretty(&described).map_err(unstorable)?;
        folder::keep(folder, ONNX_DESCRIPTION, &content, &mut self.files)?;
        self.write_list(folder)
    }
}

/// The relation with the tables that stages made copied into the folder, and other files by their absolute paths.
fn own_tables(relation: &Relation, folder: &Path, kept: &mut Files) -> Result<Relation, Diagnostic> {
    let mut failed = None;
    let mut number = 0;
    let owned = relation.replace_scans(&mut |scan| {
        let mut scan = scan.clone();
        if let ScanSource::Files(files) = &mut scan.source {
            for path in &mut files.paths {
                // Only tables that stages made have no fingerprint: see `Relation::bind`.
                let moved = if files.fingerprint.is_empty() {
                    let name = format!("{TABLES}/{number}.parquet");
                    number += 1;
                    fs::create_dir_all(folder.join(TABLES))
                        .and_then(|()| fs::read(&*path))
                        .map_err(|error| failure("cannot keep", path, &error))
                        .and_then(|content| folder::keep(folder, &name, &content, kept))
                        .map(|()| name.into())
                } else {
                    std::path::absolute(&*path).map_err(|error| failure("cannot find", path, &error))
                };
                match moved {
                    Ok(moved) => *path = moved,
                    Err(error) => failed = Some(error),
                }
            }
        }
        Some(Relation::Scan(scan).into())
    });
    match failed {
        Some(finding) => Err(finding),
        None => Ok(Relation::clone(&owned)),
    }
}

fn write(path: &Path, content: &[u8]) -> Result<(), Diagnostic> {
    fs::write(path, content).map_err(|error| failure("cannot write", path, &error))
}

/// The files that a relation reads, but for those that stages made.
fn sources(relation: &Relation) -> Vec<Source> {
    let mut found = BTreeSet::new();
    relation.visit(&mut |relation| {
        if let Relation::Scan(scan) = relation
            && let ScanSource::Files(files) = &scan.source
            && !files.fingerprint.is_empty()
        {
            let fingerprint = files.fingerprint.clone();
            found.extend(
                files.paths.iter().map(|path| Source { path: card::shown(path), fingerprint: fingerprint.clone() }),
            );
        }
    });
    found.into_iter().collect()
}

fn unstorable(error: serde_json::Error) -> Diagnostic {
    Diagnostic::error(Class::Stage, format!("cannot store the model: {error}"))
}
