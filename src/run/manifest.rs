//! The record of a run: everything that the report, `--json`, `runs` and `why` tell about it. One JSON file a run.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::ledger::Entry;
use crate::diagnostic::{Class, Diagnostic};
use crate::exhibit::Exhibit;
use crate::expression::Schema;
use crate::relation::Lineage;
use crate::stages::Family;

/// A run, finished or not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// The version of this layout.
    pub format: u32,
    /// The run's name: time of its start and a few random letters; sorts by time.
    pub id: String,
    /// The pipeline's name.
    pub pipeline: String,
    /// The pipeline's description.
    pub description: Option<String>,
    /// Title of the report.
    pub title: String,
    /// Path of the pipeline file as it was given.
    pub file: String,
    /// The pipeline's text, secrets masked.
    pub text: String,
    /// Parameters with the values that they had, secrets masked.
    pub params: BTreeMap<String, serde_json::Value>,
    /// When it began (RFC 3339, UTC).
    pub started: String,
    /// How long it took in seconds.
    pub seconds: f64,
    /// How it ended.
    pub status: RunStatus,
    /// Peak of resident memory in bytes.
    pub peak_memory: u64,
    /// Threads used.
    pub threads: usize,
    /// The program's version.
    pub version: String,
    /// The machine in a few words: system, cores, memory.
    pub machine: String,
    /// The stages in the order in which they ran.
    pub stages: Vec<StageRecord>,
    /// Warnings of the check, as plain text.
    pub warnings: Vec<String>,
    /// The exit code.
    pub exit_code: u8,
    /// The run's folder, where this record and the exhibits are.
    pub folder: PathBuf,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// It did not end (or was killed).
    Running,
    /// Everything was done.
    Done,
    /// A stage failed.
    Failed,
    /// Somebody stopped it.
    Interrupted,
}

/// A stage in a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageRecord {
    /// Its id.
    pub id: String,
    /// Its kind.
    pub kind: String,
    /// Its family.
    pub family: Family,
    /// What the author says about it.
    pub description: Option<String>,
    /// Its line in the pipeline file.
    pub line: usize,
    /// The ids of its inputs.
    pub inputs: Vec<String>,
    /// How it ended.
    pub status: StageStatus,
    /// Why it failed or was skipped.
    pub error: Option<StageError>,
    /// What it means, as 32 hexadecimal digits; none when it was not planned.
    pub fingerprint: String,
    /// Its options with every default filled in.
    pub options: serde_json::Value,
    /// Files that it reads, with the state that they had.
    pub files: BTreeMap<String, String>,
    /// When its work began, in seconds after the run began.
    pub began: f64,
    /// Seconds of its own work. Rows of relational stages flow through in the work of the stage that consumes them.
    pub seconds: f64,
    /// Peak of resident memory of the process by the end of its work, in bytes.
    pub peak_memory: u64,
    /// Columns of its product, when that is a table.
    pub schema: Option<Schema>,
    /// Rows in and out with reasons.
    pub ledger: Option<Entry>,
    /// What to look at.
    pub exhibits: Vec<Exhibit>,
    /// Files written for the user, with rows and bytes.
    pub outputs: Vec<Output>,
    /// What the same stage of a later run may compare its rows with.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub statistics: serde_json::Value,
    /// Where the columns come from (at most 200 columns).
    pub lineage: BTreeMap<String, Lineage>,
}

/// How a stage ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StageStatus {
    /// Its turn has not come.
    Waiting,
    /// It worked in this run.
    Done,
    /// Nothing changed since it last worked.
    Cached,
    /// It failed.
    Failed,
    /// Not started, because a stage above failed, or it was not asked for.
    Skipped,
}

/// Why a stage failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageError {
    /// What kind of trouble it is.
    pub class: Class,
    /// What went wrong.
    pub message: String,
    /// `file:line:column` of the definition.
    pub place: Option<String>,
    /// The bytes of that place in the file.
    #[serde(default)]
    pub bytes: Option<std::ops::Range<usize>>,
    /// What to do about it.
    pub help: Option<String>,
}

impl From<&Diagnostic> for StageError {
    fn from(diagnostic: &Diagnostic) -> Self {
        Self {
            class: diagnostic.class,
            message: diagnostic.message.clone(),
            place: diagnostic.place.as_ref().map(ToString::to_string),
            bytes: diagnostic.place.as_ref().map(crate::diagnostic::Place::range),
            help: diagnostic.help.clone().or_else(|| diagnostic.label.clone()),
        }
    }
}

/// A file written for the user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Output {
    /// Its path as it was written in the pipeline.
    pub path: PathBuf,
    /// Rows in it, when it holds rows.
    pub rows: Option<u64>,
    /// Its size.
    pub bytes: u64,
}

impl RunRecord {
    /// The stage of that id.
    pub fn stage(&self, id: &str) -> Option<&StageRecord> {
        self.stages.iter().find(|stage| stage.id == id)
    }
}
