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
mod read;
mod replay;
mod save;
mod survey;
mod write;

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::diagnostic::{Class, Diagnostic};
use crate::expression::Field;
use crate::nn::training::{EpochRecord, Validation};
use crate::nn::{Head, Network};
use crate::relation::Relation;
use crate::tensor::{Block, Encoder, Target, TargetKind};

use folder::Files;
pub(super) use judgement::{Baseline, Judgement, Score};
pub(super) use replay::Replay;
pub(super) use save::{Save, Saving, save};
pub(super) use survey::Survey;

/// The layout of the folder; raised when it changes. Of the layout before, 3, nothing but the survey and the thresholds was missing.
const FORMAT: u32 = 4;
const OLDEST: u32 = 3;
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
    /// What rows it was made of, in a model that its user saved.
    #[serde(default)]
    survey: Option<Survey>,
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

fn damaged(folder: &Path, reason: &str) -> Diagnostic {
    Diagnostic::error(Class::Data, format!("the model in `{}` is damaged: {reason}", folder.display()))
}
