//! Promoted versions on disk.
//!
//! ```text
//! models/NAME/versions/RUN.partial/   being copied; removed at the next start
//! models/NAME/versions/RUN/           complete and synced: a rename made it so
//! models/NAME/current                 a link to versions/RUN: a rename of another link switches it
//! models/NAME/.trash/RUN.N/           being removed; removed at the next start
//! models/.lock                        held while a link is switched or a version leaves its place
//! ```
//!
//! Whatever stands under `versions` without an ending is complete, and whatever `current` leads to is one of these; a crash
//! between any two steps leaves it so. Each operation on the disk passes [`Disk`], which a test lets fail.

mod clear;
mod copy;
mod disk;
mod error;
mod publish;
mod source;
mod sweep;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

pub use error::PromoteError;

use super::Promote;
use super::promote::is_name;
use crate::run::manifest::RunRecord;
use disk::Disk;

/// How many versions of a name are kept when nobody says.
pub const KEPT_VERSIONS: usize = 5;

/// The folder of promoted versions in the served folder.
const MODELS: &str = "models";
const VERSIONS: &str = "versions";
const CURRENT: &str = "current";
const TRASH: &str = ".trash";
const LOCK: &str = ".lock";
/// The end of the name of a version that is being copied.
const PARTIAL: &str = ".partial";
/// How the name of a link begins that is about to become `current`.
const NEXT: &str = ".current.";
/// The longest name of a version.
const LONGEST: usize = 64;
/// A version that is younger is not swept: the run that made it may be about to make it current.
const RESTING: Duration = Duration::from_secs(3_600);

/// A version that is complete on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The name under `promote`.
    pub name: String,
    /// The version: the name of the run that made it.
    pub version: String,
    /// Its files.
    pub files: u64,
    /// What they take in bytes.
    pub bytes: u64,
}

/// What a sweep removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Swept {
    /// Versions as (name, version).
    pub versions: Vec<(String, String)>,
    /// What they took in bytes.
    pub bytes: u64,
}

/// The promoted versions of a served folder: `BASE/models/NAME/versions/RUN/` and the link `BASE/models/NAME/current`.
///
/// All calls block, and may come from any thread and any process: a lock in the folder lets one link be switched, or one version
/// leave its place, at a time. Only versions of the same run and name must not be staged twice at the same time.
#[derive(Debug)]
pub struct Shelf {
    base: PathBuf,
    disk: Disk,
    resting: Duration,
}

impl Shelf {
    /// The shelf of a served folder. Touches nothing.
    pub fn new(base: &Path) -> Self {
        Self { base: base.to_path_buf(), disk: Disk::default(), resting: RESTING }
    }

    /// The lock, held as long as the file is open; none without a folder, or where the file system has no locks.
    fn turn(&self) -> Result<Option<File>, PromoteError> {
        let path = self.base.join(MODELS).join(LOCK);
        let failed = |error: io::Error| PromoteError::of("cannot lock", &path, &error);
        let file = match File::options().create(true).truncate(false).write(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        match file.lock() {
            Ok(()) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    /// Removes what a server that died has left half-done. For the start, and only with the folder's lock. Gives the number of
    /// things removed.
    ///
    /// # Errors
    /// The disk's.
    pub fn clear(&self) -> Result<usize, PromoteError> {
        self.names()?.iter().map(|name| clear::clear(&self.disk, &self.folder(name))).sum()
    }

    /// Copies what a run wrote to versions of its name, each complete and synced, and none of them current yet. A version that
    /// is there already stays as it is, so it may be asked for again.
    ///
    /// # Errors
    /// `Refused`: a source that is not there, is a link, holds links, or was not written by this run; `Full`; `Io`. None of the
    /// versions that this call made is there then.
    pub fn stage(&self, run: &str, promote: &Promote, record: &RunRecord) -> Result<Vec<Version>, PromoteError> {
        check_version(run)?;
        let mut made: Vec<PathBuf> = Vec::new();
        let mut staged = Vec::new();
        for (name, path) in promote.iter() {
            match self.stage_one(run, name, path, record) {
                Ok((version, is_new)) => {
                    if is_new {
                        made.push(self.version(name, run));
                    }
                    staged.push(version);
                }
                Err(error) => {
                    for version in made {
                        // What cannot be removed is complete and never becomes current: a sweep takes it.
                        let _ = sweep::discard(&self.disk, &version);
                    }
                    return Err(error);
                }
            }
        }
        Ok(staged)
    }

    fn stage_one(
        &self,
        run: &str,
        name: &str,
        path: &str,
        record: &RunRecord,
    ) -> Result<(Version, bool), PromoteError> {
        self.check_name(name)?;
        let target = self.version(name, run);
        if let Some(error) = error::not_a_folder(&target) {
            return Err(error);
        }
        let version = |counts: (u64, u64)| Version {
            name: name.to_owned(),
            version: run.to_owned(),
            files: counts.0,
            bytes: counts.1,
        };
        if target.is_dir() {
            return Ok((version(source::counts(&target)), false));
        }
        let source = source::survey(&self.base, path, record)?;
        let counts = (source.files.len() as u64, source.bytes());
        copy::copy(&self.disk, &source, &target)?;
        Ok((version(counts), true))
    }

    /// Makes a version the current one, in one step; a reader sees the old or the new one. Gives whether it was not already.
    /// Restoring is publishing an earlier version.
    ///
    /// # Errors
    /// `Missing`: no such version; `Refused`: a name that is none, or `current` is not a link; `Full`; `Io`. When the last step,
    /// the sync, fails, the version is the current one already; asked for again, it is synced again.
    pub fn publish(&self, name: &str, version: &str) -> Result<bool, PromoteError> {
        self.check_name(name)?;
        check_version(version)?;
        let _turn = self.turn()?;
        if let Some(error) = error::not_a_folder(&self.version(name, version)) {
            return Err(error);
        }
        if !self.version(name, version).is_dir() {
            let there = self.listed(name)?;
            return Err(PromoteError::gone(name, version, &there));
        }
        publish::publish(&self.disk, &self.folder(name), version)
    }

    /// The current version of a name, if there is one.
    ///
    /// # Errors
    /// `Refused`: a name that is none, or `current` does not lead to a version; `Missing`: it leads to one that is gone; `Io`.
    pub fn current(&self, name: &str) -> Result<Option<String>, PromoteError> {
        self.check_name(name)?;
        let Some(version) = publish::current(&self.folder(name))? else { return Ok(None) };
        if !self.version(name, &version).is_dir() {
            return Err(PromoteError::gone(name, &version, &self.listed(name)?));
        }
        Ok(Some(version))
    }

    /// The complete versions of a name, the latest first: by name, which for runs is by time.
    ///
    /// # Errors
    /// `Refused`: a name that is none; `Io`.
    pub fn versions(&self, name: &str) -> Result<Vec<String>, PromoteError> {
        self.check_name(name)?;
        self.listed(name)
    }

    /// Where the current version of a name is, for people: `models/NAME/current`.
    pub fn place(name: &str) -> PathBuf {
        Path::new(MODELS).join(name).join(CURRENT)
    }

    /// Removes the versions of all names beyond the last `keep` (at least one), never a current one, one that is less than an hour old,
    /// nor one of `needed` (as name and version: those that the store calls current, whose link may not be switched yet). A name whose
    /// `current` cannot be read is left alone.
    ///
    /// # Errors
    /// The disk's; what was removed until then is gone as a whole.
    pub fn sweep(&self, keep: usize, needed: &BTreeSet<(String, String)>) -> Result<Swept, PromoteError> {
        let mut swept = Swept::default();
        for name in self.names()? {
            for version in self.listed(&name)?.into_iter().skip(keep.max(1)) {
                let path = self.version(&name, &version);
                if needed.contains(&(name.clone(), version.clone())) || !self.has_rested(&path) {
                    continue;
                }
                let (_, bytes) = source::counts(&path);
                let turn = self.turn()?;
                match publish::current(&self.folder(&name)) {
                    Ok(current) if current.as_ref() != Some(&version) => {}
                    _ => continue,
                }
                let gone = sweep::take_away(&self.disk, &path)?;
                drop(turn);
                // What may take long: nobody sees it any more.
                sweep::remove(&self.disk, &gone)?;
                swept.bytes += bytes;
                swept.versions.push((name.clone(), version));
            }
        }
        Ok(swept)
    }

    /// Whether a version was made long enough ago. One from the future was not: the clock was set.
    fn has_rested(&self, version: &Path) -> bool {
        let made = version.symlink_metadata().and_then(|found| found.modified());
        made.is_ok_and(|made| SystemTime::now().duration_since(made).is_ok_and(|age| age >= self.resting))
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.base.join(MODELS).join(name)
    }

    fn version(&self, name: &str, version: &str) -> PathBuf {
        self.folder(name).join(VERSIONS).join(version)
    }

    /// The names that have a folder of their own; a link is none.
    fn names(&self) -> Result<Vec<String>, PromoteError> {
        let mut names = listed(&self.base.join(MODELS))?;
        names.retain(|name| is_name(name));
        Ok(names)
    }

    fn listed(&self, name: &str) -> Result<Vec<String>, PromoteError> {
        let mut versions = listed(&self.folder(name).join(VERSIONS))?;
        versions.retain(|version| check_version(version).is_ok());
        versions.reverse();
        Ok(versions)
    }

    /// Refuses a name that is none, and one whose folder is a link or a file.
    fn check_name(&self, name: &str) -> Result<(), PromoteError> {
        if !is_name(name) {
            return Err(PromoteError::Refused(format!("`{name}` cannot be the name of something that is promoted")));
        }
        let folder = self.folder(name);
        [folder.join(VERSIONS), folder].iter().find_map(|path| error::not_a_folder(path)).map_or(Ok(()), Err)
    }
}

/// Refuses what cannot be the name of a version. Without a point, a version never looks like something half-done.
fn check_version(version: &str) -> Result<(), PromoteError> {
    let is_plain = |c: char| c.is_ascii_alphanumeric();
    let is_one = version.len() <= LONGEST
        && version.starts_with(is_plain)
        && version.chars().all(|c| is_plain(c) || c == '_' || c == '-');
    is_one.then_some(()).ok_or_else(|| PromoteError::Refused(format!("`{version}` cannot be the name of a version")))
}

/// The folders in a folder, sorted; links are none. No folder: nothing in it.
fn listed(folder: &Path) -> Result<Vec<String>, PromoteError> {
    let failed = |error: std::io::Error| PromoteError::of("cannot read the folder", folder, &error);
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let is_folder = entry.file_type().map_err(failed)?.is_dir();
        names.extend(entry.file_name().to_str().filter(|_| is_folder).map(str::to_owned));
    }
    names.sort_unstable();
    Ok(names)
}

/// A name with more at its end.
fn ending(path: &Path, end: &str) -> PathBuf {
    let mut name = path.file_name().map(OsStr::to_os_string).unwrap_or_default();
    name.push(end);
    path.with_file_name(name)
}
