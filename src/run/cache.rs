//! Results of stages by fingerprint: what a stage left behind, so that an unchanged stage does no work.
//!
//! `cache/<fingerprint>/stage.json` says what was done; `artifacts/` beside it holds tables and models that the stage made,
//! `table.parquet` its rows when they were dear to compute. A folder appears under its name when it is complete.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::diagnostic::Diagnostic;
use crate::stages::work::{Outcome, StageCounts};
use crate::staging::{failure, write_atomically};

/// What is kept of a stage that worked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CachedStage {
    /// The kind of stage.
    pub kind: String,
    /// What its work left behind; paths of artifacts are relative to the artifacts folder.
    pub outcome: Outcome,
    /// What was counted at it; none for stages without rows.
    pub counts: Option<StageCounts>,
    /// Seconds that its work took.
    pub seconds: f64,
    /// The state in which it left each file that it wrote for the user.
    pub stamps: BTreeMap<PathBuf, Stamp>,
}

/// The state of a file, by which a later change is noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Its size in bytes.
    bytes: u64,
    /// Seconds and nanoseconds of its last change since 1970.
    changed: (u64, u32),
}

impl Stamp {
    /// The state of a file now; none when it cannot be read.
    fn of(path: &Path) -> Option<Self> {
        let found = fs::metadata(path).ok()?;
        let changed = found.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
        Some(Self { bytes: found.len(), changed: (changed.as_secs(), changed.subsec_nanos()) })
    }
}

impl CachedStage {
    /// What a stage left behind, with the present state of the files that it wrote for the user.
    pub fn new(kind: &str, outcome: Outcome, counts: StageCounts, seconds: f64) -> Self {
        let files = outcome.outputs.iter().flat_map(|written| &written.files);
        let stamps = files.filter_map(|(path, _)| Some((path.clone(), Stamp::of(path)?))).collect();
        Self { kind: kind.to_owned(), outcome, counts: Some(counts), seconds, stamps }
    }

    /// The first file that the stage wrote for the user and that is gone or changed since.
    pub fn changed_output(&self) -> Option<&Path> {
        let mut files = self.outcome.outputs.iter().flat_map(|written| &written.files);
        let changed = |path: &PathBuf| Stamp::of(path).is_none_or(|now| self.stamps.get(path) != Some(&now));
        files.find(|(path, _)| changed(path)).map(|(path, _)| path.as_path())
    }
}

/// The cache of a state folder.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// The cache in this folder.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    fn entry(&self, fingerprint: &str) -> PathBuf {
        self.folder.join(fingerprint)
    }

    /// Where the artifacts of a stage are, once it is kept.
    pub fn artifacts(&self, fingerprint: &str) -> PathBuf {
        self.entry(fingerprint).join("artifacts")
    }

    /// Where the rows of a stage are, if they are kept.
    pub fn table(&self, fingerprint: &str) -> PathBuf {
        self.entry(fingerprint).join("table.parquet")
    }

    /// What is kept of a stage; nothing when it never worked, or when a file that it wrote for the user is gone or changed.
    pub fn load(&self, fingerprint: &str) -> Option<CachedStage> {
        self.entry_of(fingerprint).filter(|cached| cached.changed_output().is_none())
    }

    /// What is kept of a stage, whatever became of the files that it wrote for the user.
    pub fn entry_of(&self, fingerprint: &str) -> Option<CachedStage> {
        let text = fs::read(self.entry(fingerprint).join("stage.json")).ok()?;
        let cached: CachedStage = serde_json::from_slice(&text).ok()?;
        let bindings = &cached.outcome.bindings;
        let mut artifacts = bindings.artifacts.values().chain(bindings.files.values().flat_map(|files| &files.paths));
        let complete = artifacts.all(|path| self.artifacts(fingerprint).join(path).exists())
            && cached.outcome.model.as_ref().is_none_or(|path| self.artifacts(fingerprint).join(path).exists());
        complete.then_some(cached)
    }

    /// Keeps the artifacts that a stage made in `staged`.
    pub fn keep_artifacts(&self, fingerprint: &str, staged: &Path) -> Result<(), Diagnostic> {
        let target = self.artifacts(fingerprint);
        let failed = |error: std::io::Error| failure("cannot keep results in", &target, &error);
        fs::create_dir_all(self.entry(fingerprint)).map_err(failed)?;
        if target.exists() {
            fs::remove_dir_all(&target).map_err(failed)?;
        }
        fs::rename(staged, &target).map_err(failed)
    }

    /// Keeps what a stage left behind; from now on the stage counts as done.
    pub fn keep(&self, fingerprint: &str, cached: &CachedStage) -> Result<(), Diagnostic> {
        let path = self.entry(fingerprint).join("stage.json");
        let text = serde_json::to_vec(cached).unwrap_or_default();
        write_atomically(&path, &text).map_err(|error| failure("cannot keep results in", &path, &error))
    }
}
