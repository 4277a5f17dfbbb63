//! What a run wrote, looked through before it is copied.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use jiff::{SignedDuration, Timestamp};

use super::PromoteError;
use crate::run::manifest::{RunRecord, StageStatus};
use crate::schedule::gate::promote::misplaced;

/// Files and folders in a source at most.
const MOST: usize = 100_000;
/// Folders within folders at most.
const DEEPEST: usize = 32;
/// By how much times of files and the run's own may differ: file systems and records round.
const SLACK: Duration = Duration::from_secs(2);

/// A file of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SourceFile {
    /// Its path within the version.
    pub(super) within: PathBuf,
    pub(super) bytes: u64,
    changed: Option<SystemTime>,
}

impl SourceFile {
    /// Whether it still has the size and time that it had.
    pub(super) fn is_unchanged(&self, path: &Path) -> bool {
        path.symlink_metadata().is_ok_and(|now| now.len() == self.bytes && now.modified().ok() == self.changed)
    }
}

/// A file or folder that becomes a version.
#[derive(Debug)]
pub(super) struct Source {
    root: PathBuf,
    is_file: bool,
    /// Folders in it, each behind those above it.
    pub(super) folders: Vec<PathBuf>,
    /// Its files.
    pub(super) files: Vec<SourceFile>,
}

impl Source {
    /// Where a file of it is.
    pub(super) fn path(&self, file: &SourceFile) -> PathBuf {
        if self.is_file { self.root.clone() } else { self.root.join(&file.within) }
    }

    /// What its files take.
    pub(super) fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

fn refused<T>(message: String) -> Result<T, PromoteError> {
    Err(PromoteError::Refused(message))
}

/// Looks through what a run wrote at a path below the served folder. Follows no link.
///
/// Errors: it is not there, leads out of the folder, is or holds a link or something that is no file, is empty, or was not written by
/// this run.
pub(super) fn survey(base: &Path, path: &str, record: &RunRecord) -> Result<Source, PromoteError> {
    if let Some(why) = misplaced(path) {
        return refused(format!("`{path}` cannot be promoted: it {why}"));
    }
    let root = base.join(path);
    // Each folder on the way: a link there could lead anywhere.
    let mut at = base.to_path_buf();
    for part in Path::new(path).components() {
        at.push(part);
        match at.symlink_metadata() {
            Ok(found) if found.is_symlink() => {
                return refused(format!("`{path}` cannot be promoted: `{}` is a link", at.display()));
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return refused(format!("`{path}` cannot be promoted: it is not there; does the pipeline write it?"));
            }
            Err(error) => return Err(PromoteError::of("cannot look at", &at, &error)),
        }
    }
    let found = root.symlink_metadata().map_err(|error| PromoteError::of("cannot look at", &root, &error))?;
    let mut source = Source { root: root.clone(), is_file: found.is_file(), folders: Vec::new(), files: Vec::new() };
    if found.is_file() {
        let name = root.file_name().map(PathBuf::from).unwrap_or_default();
        source.files.push(file(name, &found));
    } else if found.is_dir() {
        walk(&mut source, Path::new(""), 0)?;
    } else {
        return refused(format!("`{path}` cannot be promoted: it is neither a file nor a folder"));
    }
    if source.files.is_empty() {
        return refused(format!("`{path}` cannot be promoted: there are no files in it"));
    }
    Written::of(record, base).check(&source, path)?;
    Ok(source)
}

fn file(within: PathBuf, found: &Metadata) -> SourceFile {
    SourceFile { within, bytes: found.len(), changed: found.modified().ok() }
}

fn walk(source: &mut Source, within: &Path, depth: usize) -> Result<(), PromoteError> {
    let folder = source.root.join(within);
    let failed = |error: io::Error| PromoteError::of("cannot read the folder", &folder, &error);
    if depth > DEEPEST {
        return refused(format!("`{}` is too deep: more than {DEEPEST} folders within each other", folder.display()));
    }
    let mut entries = fs::read_dir(&folder).map_err(failed)?.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        if source.files.len() + source.folders.len() >= MOST {
            return refused(format!("`{}` holds more than {MOST} files", source.root.display()));
        }
        // Of the entry itself, not of what a link leads to.
        let found = entry.metadata().map_err(failed)?;
        let within = within.join(entry.file_name());
        if found.is_dir() {
            source.folders.push(within.clone());
            walk(source, &within, depth + 1)?;
        } else if found.is_file() {
            source.files.push(file(within, &found));
        } else {
            let what = if found.is_symlink() { "a link" } else { "no file" };
            return refused(format!("`{}` cannot be promoted: it is {what}", entry.path().display()));
        }
    }
    Ok(())
}

/// What a run says that it wrote.
struct Written {
    /// Sizes of its outputs by their paths with all links resolved.
    outputs: BTreeMap<PathBuf, u64>,
    began: Option<SystemTime>,
    ended: Option<SystemTime>,
}

impl Written {
    fn of(record: &RunRecord, base: &Path) -> Self {
        let worked =
            record.stages.iter().filter(|stage| matches!(stage.status, StageStatus::Done | StageStatus::Cached));
        let outputs = worked.flat_map(|stage| &stage.outputs);
        let began = record.started.parse::<Timestamp>().ok();
        let ended =
            began.and_then(|began| began.checked_add(SignedDuration::try_from_secs_f64(record.seconds).ok()?).ok());
        Self {
            // Absolute, or relative to the served folder, in which a run works.
            outputs: outputs.map(|output| (resolved(&base.join(&output.path)), output.bytes)).collect(),
            began: began.map(SystemTime::from),
            // The beginning is noted in whole seconds.
            ended: ended.map(|ended| SystemTime::from(ended) + Duration::from_secs(1)),
        }
    }

    /// Every file is one that the run wrote, as it wrote it.
    fn check(&self, source: &Source, path: &str) -> Result<(), PromoteError> {
        for file in &source.files {
            let place = source.path(file);
            let recorded = self.outputs.get(&resolved(&place)).copied();
            let other = |why: &str| refused(format!("`{path}` cannot be promoted: `{}` {why}", place.display()));
            match recorded {
                Some(bytes) if bytes != file.bytes => {
                    return other(&format!(
                        "has {} bytes, and the run wrote {bytes}; something wrote to it since",
                        file.bytes
                    ));
                }
                Some(_) => {}
                None if self.is_younger(file) => {}
                None => return other("was not written by this run"),
            }
            if let (Some(ended), Some(changed)) = (self.ended, file.changed)
                && changed > ended + SLACK
            {
                return other("was written to after the run ended");
            }
        }
        // What the run wrote below the path must be there.
        let root = resolved(&source.root);
        let there: BTreeSet<PathBuf> = source.files.iter().map(|file| resolved(&source.path(file))).collect();
        match self.outputs.keys().find(|output| output.starts_with(&root) && !there.contains(*output)) {
            Some(output) => refused(format!("`{path}` cannot be promoted: `{}` is missing", output.display())),
            None => Ok(()),
        }
    }

    /// Whether a file was made after the run began.
    fn is_younger(&self, file: &SourceFile) -> bool {
        self.began.zip(file.changed).is_some_and(|(began, changed)| changed + SLACK >= began)
    }
}

/// The path without links, as far as it is there; its last part is taken as it is.
fn resolved(path: &Path) -> PathBuf {
    let Some((folder, name)) = path.parent().zip(path.file_name()) else { return path.to_path_buf() };
    let folder = folder.canonicalize().unwrap_or_else(|_| resolved(folder));
    folder.join(name)
}

/// Files of a complete version, and their bytes.
pub(super) fn counts(version: &Path) -> (u64, u64) {
    let mut counts = (0, 0);
    for entry in fs::read_dir(version).into_iter().flatten().flatten() {
        match entry.metadata() {
            Ok(found) if found.is_dir() => {
                let (files, bytes) = self::counts(&entry.path());
                counts = (counts.0 + files, counts.1 + bytes);
            }
            Ok(found) => counts = (counts.0 + 1, counts.1 + found.len()),
            Err(_) => {}
        }
    }
    counts
}
