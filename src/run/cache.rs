//! Results of stages by fingerprint: what a stage left behind, so that an unchanged stage does no work.
//!
//! `cache/<fingerprint>/stage.json` says what was done and in which run; the folder with the name of that run beside it holds
//! tables and models that the stage made, and `table-<run>.parquet` its rows when they were dear to compute.
//!
//! Runs never touch what another one made: each writes under its own name, and the rename of `stage.json` decides which of
//! them counts from then on. What no `stage.json` names is removed by [`Cache::sweep`], when no run is there that may read it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::diagnostic::Diagnostic;
use crate::disk;
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
    /// The run that did the work, and the number of the stage in it: its artifacts are in the folder of that name.
    pub run: String,
    /// Whether its rows are accounted for. Until then its work need not be done again, but its ledger is open.
    pub accounted: bool,
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
    /// What a stage left behind, with the present state of the files that it wrote for the user. Without counts its ledger is
    /// open.
    pub fn new(kind: &str, run: &str, outcome: Outcome, counts: Option<StageCounts>, seconds: f64) -> Self {
        let files = outcome.outputs.iter().flat_map(|written| &written.files);
        let stamps = files.filter_map(|(path, _)| Some((path.clone(), Stamp::of(path)?))).collect();
        let accounted = counts.is_some();
        Self { kind: kind.to_owned(), outcome, counts, seconds, stamps, run: run.to_owned(), accounted }
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

    /// Where the artifacts of a stage are that worked in that run.
    pub fn artifacts(&self, fingerprint: &str, run: &str) -> PathBuf {
        self.entry(fingerprint).join(run)
    }

    /// Where that run keeps the rows of a stage, if it does.
    pub fn new_table(&self, fingerprint: &str, run: &str) -> PathBuf {
        self.entry(fingerprint).join(format!("table-{run}.parquet"))
    }

    /// Where the rows of a stage are, if they are kept.
    pub fn table(&self, fingerprint: &str) -> Option<PathBuf> {
        tables(&self.entry(fingerprint)).pop()
    }

    /// What is kept of a stage; nothing when it never worked, or when a file that it wrote for the user is gone or changed.
    pub fn load(&self, fingerprint: &str) -> Option<CachedStage> {
        self.entry_of(fingerprint).filter(|cached| cached.changed_output().is_none())
    }

    /// What is kept of a stage, whatever became of the files that it wrote for the user.
    pub fn entry_of(&self, fingerprint: &str) -> Option<CachedStage> {
        let text = fs::read(self.entry(fingerprint).join(STAGE)).ok()?;
        let cached: CachedStage = serde_json::from_slice(&text).ok()?;
        let bindings = &cached.outcome.bindings;
        let folder = self.artifacts(fingerprint, &cached.run);
        let mut artifacts = bindings.artifacts.values().chain(bindings.files.values().flat_map(|files| &files.paths));
        let complete = artifacts.all(|path| folder.join(path).exists())
            && cached.outcome.model.as_ref().is_none_or(|path| folder.join(path).exists());
        complete.then_some(cached)
    }

    /// Notes that what is kept of a stage was used, so that it is not among the first to go.
    pub fn touch(&self, fingerprint: &str) {
        let file = fs::File::options().append(true).open(self.entry(fingerprint).join(STAGE));
        // A cache that cannot be written to is still read.
        let _ = file.and_then(|file| file.set_modified(std::time::SystemTime::now()));
    }

    /// Keeps the artifacts that a stage made in `staged`, under the name of the run.
    pub fn keep_artifacts(&self, fingerprint: &str, run: &str, staged: &Path) -> Result<(), Diagnostic> {
        let target = self.artifacts(fingerprint, run);
        let failed = |error: std::io::Error| failure("cannot keep results in", &target, &error);
        fs::create_dir_all(self.entry(fingerprint)).map_err(failed)?;
        if target.exists() {
            // A stage of the same run that means the same made them.
            fs::remove_dir_all(&target).map_err(failed)?;
        }
        fs::rename(staged, &target).map_err(failed)
    }

    /// Keeps a table that stands in a file of the run anyway, without copying it.
    ///
    /// Errors: the file system cannot give a file a second name, or has no room.
    pub fn keep_table(&self, fingerprint: &str, run: &str, file: &Path) -> std::io::Result<()> {
        let target = self.new_table(fingerprint, run);
        fs::create_dir_all(self.entry(fingerprint))?;
        fs::File::open(file)?.sync_all()?;
        fs::hard_link(file, target)
    }

    /// Keeps what a stage left behind before its rows are accounted for.
    pub fn keep_work(&self, fingerprint: &str, cached: &CachedStage) -> Result<(), Diagnostic> {
        let entry = self.entry(fingerprint);
        let path = entry.join(STAGE);
        let failed = |error: std::io::Error| failure("cannot keep results in", &path, &error);
        let text = serde_json::to_vec(cached).unwrap_or_default();
        fs::create_dir_all(&entry).map_err(failed)?;
        // Not synced: it outlives the process, and after a power cut the stage works again.
        let mut file = tempfile::Builder::new()
            .prefix(&crate::staging::temporary_prefix(&path))
            .suffix(crate::staging::SUFFIX)
            .tempfile_in(&entry)
            .map_err(failed)?;
        std::io::Write::write_all(&mut file, &text).map_err(failed)?;
        file.persist(&path).map_err(|error| failed(error.error)).map(drop)
    }

    /// Keeps what a stage left behind; from now on the stage counts as done.
    pub fn keep(&self, fingerprint: &str, cached: &CachedStage) -> Result<(), Diagnostic> {
        let path = self.entry(fingerprint).join(STAGE);
        let text = serde_json::to_vec(cached).unwrap_or_default();
        write_atomically(&path, &text).map_err(|error| failure("cannot keep results in", &path, &error))
    }

    /// Removes what is kept of a stage. What cannot be removed costs space, not correctness.
    pub fn remove(&self, fingerprint: &str) {
        let _ = fs::remove_dir_all(self.entry(fingerprint));
    }

    /// Bytes that the cache takes.
    pub fn bytes(&self) -> u64 {
        disk::taken(&self.folder)
    }

    /// Removes what no `stage.json` names, and the results that were used least recently while all take more than `limit`
    /// bytes. Only for a moment at which no other run reads or writes here.
    pub fn sweep(&self, limit: u64) {
        let mut entries = Vec::new();
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let stage =
                fs::read(path.join(STAGE)).ok().and_then(|text| serde_json::from_slice::<CachedStage>(&text).ok());
            let Some(stage) = stage else {
                // A run that was killed, or an older version, left it.
                let _ = fs::remove_dir_all(&path);
                continue;
            };
            remove_superseded(&path, &stage.run);
            let used = fs::metadata(path.join(STAGE)).and_then(|found| found.modified()).ok();
            entries.push((used, disk::taken(&path), path));
        }
        let mut total: u64 = entries.iter().map(|(_, bytes, _)| bytes).sum();
        entries.sort();
        for (_, bytes, path) in entries {
            if total <= limit {
                break;
            }
            if fs::remove_dir_all(&path).is_ok() {
                total -= bytes.min(total);
            }
        }
    }
}

/// The description of what a stage left behind; a stage counts as done when it is there.
const STAGE: &str = "stage.json";

/// The kept tables of an entry, the latest last.
fn tables(entry: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(entry).into_iter().flatten().flatten();
    let is_table = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        name.starts_with("table-") && name.ends_with(".parquet")
    };
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_table).collect();
    found.sort();
    found
}

/// Removes artifacts of other runs than the one that counts, and all kept tables but the latest.
fn remove_superseded(entry: &Path, run: &str) {
    for found in fs::read_dir(entry).into_iter().flatten().flatten() {
        if found.file_name() != run && found.path().is_dir() {
            // What stays costs space, not correctness.
            let _ = fs::remove_dir_all(found.path());
        }
    }
    let mut tables = tables(entry);
    tables.pop();
    for table in tables {
        let _ = fs::remove_file(table);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn keep(cache: &Cache, fingerprint: &str, run: &str, bytes: usize) {
        let staged = cache.folder.join("staged");
        fs::create_dir_all(&staged).unwrap();
        fs::write(staged.join("a"), vec![0; bytes]).unwrap();
        cache.keep_artifacts(fingerprint, run, &staged).unwrap();
        let cached = CachedStage::new("describe", run, Outcome::default(), Some(StageCounts::default()), 1.0);
        cache.keep(fingerprint, &cached).unwrap();
    }

    #[test]
    fn a_later_run_counts_and_leaves_what_the_earlier_one_made() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().to_path_buf());
        keep(&cache, "f", "run-1", 10);
        keep(&cache, "f", "run-2", 10);
        assert_eq!(cache.load("f").unwrap().run, "run-2");
        assert!(cache.artifacts("f", "run-1").exists(), "somebody may read it");
        cache.sweep(u64::MAX);
        assert!(!cache.artifacts("f", "run-1").exists() && cache.artifacts("f", "run-2").exists());
    }

    #[test]
    fn what_was_used_least_recently_goes_first() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().to_path_buf());
        for name in ["a", "b", "c"] {
            keep(&cache, name, "run", 10_000);
            std::thread::sleep(std::time::Duration::from_millis(15));
        }
        cache.touch("a");
        fs::create_dir_all(folder.path().join("half")).unwrap();
        cache.sweep(25_000);
        let there = |name| cache.load(name).is_some();
        assert_eq!((there("a"), there("b"), there("c")), (true, false, true));
        assert!(!folder.path().join("half").exists());
    }

    #[test]
    fn work_is_kept_before_its_rows_are_accounted_for() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().to_path_buf());
        let work = CachedStage::new("impute", "run", Outcome::default(), None, 1.0);
        cache.keep_work("f", &work).unwrap();
        assert!(!cache.load("f").unwrap().accounted);
        keep(&cache, "f", "run", 1);
        assert!(cache.load("f").unwrap().accounted);
    }
}
