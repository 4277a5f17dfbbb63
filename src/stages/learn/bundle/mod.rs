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
//!
//! Side tables of joins stay where they are; the relation names their files.

mod fragments;
mod replay;
mod save;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::diagnostic::{Class, Diagnostic};
use crate::expression::{DataType, Field, Schema};
use crate::nn::training::{EpochRecord, Validation};
use crate::nn::{Head, Network};
use crate::relation::{Relation, ScanSource};
use crate::staging::failure;
use crate::tensor::{Encoder, Target, TargetKind};

pub(super) use replay::Replay;
pub(super) use save::{check_target, save};

/// The layout of the folder; raised when it changes.
const FORMAT: u32 = 2;
const BUNDLE: &str = "bundle.json";
const ENCODER: &str = "encoder.json";
const NETWORK: &str = "network.json";
const WEIGHTS: &str = "weights.safetensors";
const TABLES: &str = "tables";

/// What `bundle.json` says.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Bundle {
    format: u32,
    /// The stage that trained it.
    pub(super) name: String,
    created_by: String,
    /// The target column with its type.
    pub(super) target: Field,
    /// What is asked about it.
    pub(super) kind: TargetKind,
    /// The classes in the order of the outputs; empty for numbers.
    pub(super) classes: Vec<String>,
    /// The columns that rows must have, with their types.
    pub(super) inputs: Vec<Field>,
    /// The columns that the encoder reads.
    pub(super) features: Vec<Field>,
    pub(super) training: Training,
    replay: StoredReplay,
    /// The other files with the first 32 digits of their BLAKE3.
    files: BTreeMap<String, String>,
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
    pub(super) schema: &'a Schema,
    pub(super) replay: Result<Replay, String>,
    pub(super) training: Training,
}

impl Bundle {
    /// Writes the folder.
    ///
    /// Errors: of class [`Class::Output`] when a file cannot be written.
    pub(super) fn write(folder: &Path, parts: Parts<'_>) -> Result<Self, Diagnostic> {
        let store = |error: crate::nn::Error| Diagnostic::error(Class::Stage, error.to_string());
        let json =
            |error: serde_json::Error| Diagnostic::error(Class::Stage, format!("cannot store the model: {error}"));
        let mut files = BTreeMap::new();
        let mut keep = |name: &str, content: &[u8]| {
            write(&folder.join(name), content)?;
            files.insert(name.to_owned(), checksum(content));
            Ok::<(), Diagnostic>(())
        };
        fs::create_dir_all(folder).map_err(|error| failure("cannot make", folder, &error))?;
        keep(WEIGHTS, &parts.network.weights().map_err(store)?)?;
        keep(NETWORK, parts.network.description().map_err(store)?.as_bytes())?;
        keep(ENCODER, &serde_json::to_vec_pretty(parts.encoder).map_err(json)?)?;
        let (replay, inputs) = match parts.replay {
            Ok(replay) => {
                let relation = own_tables(&replay.relation, folder, &mut keep)?;
                let relation = serde_json::to_value(&relation).map_err(json)?;
                (StoredReplay::Relation(fragments::split(relation)), replay.inputs.fields().to_vec())
            }
            Err(reason) => (StoredReplay::Impossible(reason), Vec::new()),
        };
        let field = |name: &str| {
            let data_type = parts.schema.data_type(name).cloned().unwrap_or(DataType::Null);
            Field::new(name, data_type)
        };
        let target = parts.encoder.target();
        let bundle = Self {
            format: FORMAT,
            name: parts.name.to_owned(),
            created_by: concat!("gristmill ", env!("CARGO_PKG_VERSION")).to_owned(),
            target: field(target.column()),
            kind: target.kind(),
            classes: target.names().to_vec(),
            inputs,
            features: parts.encoder.columns().iter().map(|name| field(name)).collect(),
            training: parts.training,
            replay,
            files,
        };
        write(&folder.join(BUNDLE), &serde_json::to_vec(&bundle).map_err(json)?)?;
        Ok(bundle)
    }

    /// Reads `bundle.json`; the other files are read when they are used.
    ///
    /// Errors: of class [`Class::Data`] when there is no model in the folder, or a damaged or newer one.
    pub(super) fn read(folder: &Path) -> Result<Self, Diagnostic> {
        let path = folder.join(BUNDLE);
        let text = fs::read(&path).map_err(|error| {
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
        checksum(&serde_json::to_vec(self).unwrap_or_default())
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
        let damaged = |reason: String| {
            Diagnostic::error(Class::Data, format!("the model in `{}` is damaged: {reason}", folder.display()))
        };
        let pieces = match &self.replay {
            StoredReplay::Relation(pieces) => pieces.clone(),
            StoredReplay::Impossible(reason) => return Err(impossible(&self.name, reason)),
        };
        let relation = fragments::join(pieces).map_err(damaged)?;
        let relation: Relation = serde_json::from_value(relation).map_err(|error| damaged(error.to_string()))?;
        for name in self.files.keys().filter(|name| name.starts_with(TABLES)) {
            self.file(folder, name)?;
        }
        let mut gone = None;
        let relation = relation.replace_scans(&mut |scan| {
            let mut scan = scan.clone();
            if let ScanSource::Files(files) = &mut scan.source {
                for path in &mut files.paths {
                    if path.is_relative() {
                        *path = folder.join(&*path);
                    }
                    if !path.exists() {
                        gone.get_or_insert_with(|| path.clone());
                    }
                }
            }
            Some(Relation::Scan(scan).into())
        });
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
        let damaged = |reason: String| {
            Diagnostic::error(Class::Data, format!("the model in `{}` is damaged: {reason}", folder.display()))
        };
        let encoder: Encoder =
            serde_json::from_slice(&self.file(folder, ENCODER)?).map_err(|error| damaged(error.to_string()))?;
        let description = String::from_utf8(self.file(folder, NETWORK)?).map_err(|error| damaged(error.to_string()))?;
        let network =
            Network::load(&description, &self.file(folder, WEIGHTS)?).map_err(|error| damaged(error.to_string()))?;
        let spec = network.spec();
        let fits = matches!(spec.inputs.as_slice(), [input] if input.shape.flat() == Some(encoder.width()))
            && matches!(spec.outputs.as_slice(), [output] if output.head == head(encoder.target()))
            && encoder.target().kind() == self.kind;
        if fits {
            Ok((encoder, network))
        } else {
            Err(damaged("its encoder and its network do not fit together".to_owned()))
        }
    }

    fn file(&self, folder: &Path, name: &str) -> Result<Vec<u8>, Diagnostic> {
        let path = folder.join(name);
        let content = fs::read(&path)
            .map_err(|error| Diagnostic::error(Class::Data, format!("cannot read `{}`: {error}", path.display())))?;
        if self.files.get(name).is_some_and(|known| *known == checksum(&content)) {
            return Ok(content);
        }
        Err(Diagnostic::error(Class::Data, format!("`{}` is not what was saved with the model", path.display()))
            .help("save the model again"))
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

/// Writes a file of the folder and remembers its checksum.
type KeepFile<'a> = dyn FnMut(&str, &[u8]) -> Result<(), Diagnostic> + 'a;

/// The relation with the tables that stages made copied into the folder, and other files by their absolute paths.
fn own_tables(relation: &Relation, folder: &Path, keep: &mut KeepFile<'_>) -> Result<Relation, Diagnostic> {
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
                        .and_then(|content| keep(&name, &content))
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

fn checksum(content: &[u8]) -> String {
    blake3::hash(content).to_hex().chars().take(32).collect()
}
