//! The fitted bundle: a trained network with everything that was done to a row before it reached the network.
//!
//! A folder that stands alone:
//!
//! | file | what |
//! |---|---|
//! | `bundle.json` | what it is, which columns it needs, and the relation from a raw row to the features |
//! | `encoder.json` | centers, scales, vocabularies, classes |
//! | `network.json`, `weights.safetensors` | the network |
//! | `tables/` | tables that stages learned, such as the fills of each group |
//! | `judgement.json` | what `evaluate` found about it, in a model that it saved |
//! | `network.onnx`, `network.onnx.json` | the network for other programs, with what its inputs and outputs are, when asked for |
//! | `README.md` | the model card, for people; no program reads it |
//!
//! `bundle.json` states the size and the checksum of every other file but the card, and nothing is read beyond them. Side tables of
//! joins stay where they are; the relation names their files.

mod card;
mod folder;
mod fragments;
mod judgement;
mod onnx;
mod replay;
mod save;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::diagnostic::{Class, Diagnostic};
use crate::expression::{DataType, Field, Schema};
use crate::nn::training::{EpochRecord, Validation};
use crate::nn::{Head, Network};
use crate::relation::{Relation, ScanSource};
use crate::staging::failure;
use crate::tensor::{Block, Encoder, Target, TargetKind};

use folder::Files;
pub(super) use judgement::{Judgement, Score};
pub(super) use replay::Replay;
pub(super) use save::{Save, Saving, save};

/// The layout of the folder; raised when it changes.
const FORMAT: u32 = 3;
const BUNDLE: &str = "bundle.json";
const ENCODER: &str = "encoder.json";
const NETWORK: &str = "network.json";
const WEIGHTS: &str = "weights.safetensors";
const TABLES: &str = "tables";
const JUDGEMENT: &str = "judgement.json";
const ONNX: &str = "network.onnx";
const ONNX_DESCRIPTION: &str = "network.onnx.json";
const CARD: &str = "README.md";

/// What `bundle.json` says.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Bundle {
    format: u32,
    /// The stage that trained it.
    pub(super) name: String,
    created_by: String,
    /// What it foretells, in the order of the network's outputs; at least one.
    pub(super) targets: Vec<TargetField>,
    /// What the network reads, in the order of its inputs.
    pub(super) blocks: Vec<Block>,
    /// The columns that rows must have, with their types.
    pub(super) inputs: Vec<Field>,
    /// The columns that the encoder reads.
    pub(super) features: Vec<Field>,
    /// The files whose rows it learned from, or looked something up in.
    sources: Vec<Source>,
    pub(super) training: Training,
    replay: StoredReplay,
    /// The other files but the card.
    files: Files,
}

/// A column that is foretold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TargetField {
    /// The column with its type.
    pub(super) field: Field,
    /// What is asked about it.
    pub(super) kind: TargetKind,
    /// Its classes or labels in the order of the output; empty for numbers.
    pub(super) names: Vec<String>,
}

/// A file that was read for the training.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Source {
    path: String,
    /// Of what it held when it was looked at; one for all files of a `read`.
    fingerprint: String,
}

/// What it was trained on, and how well that went.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Training {
    /// Rows that were learned.
    pub(super) rows: u64,
    /// The part that was watched while it learned.
    pub(super) validated_on: Option<String>,
    /// Whether the watched part chose the epoch that was kept.
    pub(super) epoch_chosen_on_validation: bool,
    /// The epoch that was kept.
    pub(super) kept_epoch: usize,
    /// The fingerprint of the stage: of the rows with everything that was done to them, and of its options.
    pub(super) fingerprint: String,
    /// The options of the stage, as they are written when every default is spelled out.
    pub(super) options: serde_json::Value,
    /// Each epoch.
    pub(super) epochs: Vec<LearnedEpoch>,
}

/// What an epoch came to, without the time that it took: the same training gives the same bundle to the byte.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LearnedEpoch {
    /// The epoch, from 1.
    pub(super) epoch: usize,
    /// The mean training loss.
    pub(super) loss: f64,
    /// How the network did on the validation rows.
    pub(super) validation: Option<Validation>,
}

impl LearnedEpoch {
    pub(super) fn of(record: &EpochRecord) -> Self {
        Self { epoch: record.epoch, loss: record.loss, validation: record.validation.clone() }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredReplay {
    /// The relation in pieces of limited depth.
    Relation(Vec<serde_json::Value>),
    /// Why what was done to the rows cannot be done to one row alone.
    Impossible(String),
}

/// What goes into a bundle.
pub(super) struct Parts<'a> {
    pub(super) name: &'a str,
    pub(super) network: &'a Network,
    pub(super) encoder: &'a Encoder,
    /// The rows with everything that was done to them.
    pub(super) relation: &'a Relation,
    pub(super) replay: Result<Replay, String>,
    pub(super) training: Training,
}

impl Bundle {
    /// Writes the folder.
    ///
    /// Errors: of class [`Class::Output`] when a file cannot be written.
    pub(super) fn write(folder: &Path, parts: Parts<'_>) -> Result<Self, Diagnostic> {
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

    /// Puts into the folder what was found about the model.
    ///
    /// Errors: of class [`Class::Data`] when the model is damaged, of class [`Class::Output`] when a file cannot be written.
    fn judged(mut self, folder: &Path, judgement: &Judgement) -> Result<Self, Diagnostic> {
        let (encoder, network) = self.load(folder)?;
        let content = serde_json::to_vec_pretty(judgement).map_err(unstorable)?;
        folder::keep(folder, JUDGEMENT, &content, &mut self.files)?;
        self.write_list(folder)?;
        write(&folder.join(CARD), card::text(&self, &network.summary(), encoder.domain(), Some(judgement)).as_bytes())?;
        Ok(self)
    }

    /// Puts the network into the folder as ONNX, with a description of what goes in and what comes out.
    ///
    /// Errors: of class [`Class::Data`] when the model is damaged, of class [`Class::Stage`] when the network has a layer without a form in
    /// ONNX, of class [`Class::Output`] when a file cannot be written.
    fn exported(mut self, folder: &Path) -> Result<(), Diagnostic> {
        let (encoder, network) = self.load(folder)?;
        let judgement = self.judgement(folder)?;
        let content = network.to_onnx().map_err(|error| Diagnostic::error(Class::Stage, error.to_string()))?;
        folder::keep(folder, ONNX, &content, &mut self.files)?;
        let described = onnx::description(&self, &encoder, &network, judgement.as_ref()).map_err(unstorable)?;
        let content = serde_json::to_vec_pretty(&described).map_err(unstorable)?;
        folder::keep(folder, ONNX_DESCRIPTION, &content, &mut self.files)?;
        self.write_list(folder)
    }

    /// The model card, made anew from the folder, all of which is read and checked.
    ///
    /// Errors: of class [`Class::Data`] when the model is damaged.
    pub(super) fn card(&self, folder: &Path) -> Result<String, Diagnostic> {
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
    pub(super) fn judgement(&self, folder: &Path) -> Result<Option<Judgement>, Diagnostic> {
        if !self.files.contains_key(JUDGEMENT) {
            return Ok(None);
        }
        let content = folder::read(folder, JUDGEMENT, &self.files)?;
        serde_json::from_slice(&content).map(Some).map_err(|error| damaged(folder, &error.to_string()))
    }

    /// Reads `bundle.json`; the other files are read when they are used.
    ///
    /// Errors: of class [`Class::Data`] when there is no model in the folder, or a damaged or newer one.
    pub(super) fn read(folder: &Path) -> Result<Self, Diagnostic> {
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
        if format != FORMAT {
            let message =
                format!("the model in `{}` has format {format}, this gristmill reads {FORMAT}", folder.display());
            return Err(Diagnostic::error(Class::Data, message).help("train it again with this gristmill"));
        }
        serde_json::from_slice(&text).map_err(damaged)
    }

    /// A short name for the whole content, for fingerprints: the checksums of all files are in it.
    pub(super) fn fingerprint(&self) -> String {
        folder::checksum(&serde_json::to_vec(self).unwrap_or_default())
    }

    /// The columns that rows must have.
    pub(super) fn input_schema(&self) -> Schema {
        Schema::new(self.inputs.clone()).unwrap_or_default()
    }

    /// The relation from a raw row to the features, with the tables of the folder.
    ///
    /// Errors: of class [`Class::Data`] when it is damaged, a table is gone or changed, or rows cannot be replayed at
    /// all.
    pub(super) fn replay(&self, folder: &Path) -> Result<Replay, Diagnostic> {
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
    pub(super) fn load(&self, folder: &Path) -> Result<(Encoder, Network), Diagnostic> {
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

/// The head of a network that foretells this target.
pub(super) fn head(target: &Target) -> Head {
    match target {
        Target::Binary(_) => Head::Binary,
        Target::Category(classes) => Head::Multiclass { classes: classes.names.len() },
        Target::MultiLabel(labels) => Head::Multilabel { labels: labels.names.len() },
        Target::Number(_) => Head::Regression { outputs: 1 },
        Target::Count(_) => Head::Counts { outputs: 1 },
    }
}

/// Why a model cannot be applied to new rows.
pub(super) fn impossible(name: &str, reason: &str) -> Diagnostic {
    Diagnostic::definition(format!("the model of `{name}` cannot be applied to new rows: {reason}"))
        .help("compute such columns in a stage of their own before `predict`, and train on what that stage gives")
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

fn damaged(folder: &Path, reason: &str) -> Diagnostic {
    Diagnostic::error(Class::Data, format!("the model in `{}` is damaged: {reason}", folder.display()))
}

fn unstorable(error: serde_json::Error) -> Diagnostic {
    Diagnostic::error(Class::Stage, format!("cannot store the model: {error}"))
}
