//! Promoted versions on disk.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::Promote;
use crate::run::manifest::RunRecord;

/// How many versions of a name are kept when nobody says.
pub const KEPT_VERSIONS: usize = 5;

/// Why something could not be promoted, restored or swept. Nothing is half-done then.
#[derive(Debug, thiserror::Error)]
pub enum PromoteError {
    /// The name, the version or the source cannot be taken.
    #[error("{0}")]
    Refused(String),
    /// The version is not there (any more).
    #[error("{0}")]
    Missing(String),
    /// There is no room.
    #[error("{0}")]
    Full(String),
    /// The disk's other trouble.
    #[error("{0}")]
    Io(String),
}

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
/// All calls block; one after the other, or for different names at the same time.
#[derive(Debug)]
pub struct Shelf {
    base: PathBuf,
}

impl Shelf {
    /// The shelf of a served folder. Touches nothing.
    pub fn new(base: &Path) -> Self {
        Self { base: base.to_path_buf() }
    }

    /// Removes what a server that died has left half-done. For the start, and only with the folder's lock. Gives the number of things
    /// removed.
    ///
    /// # Errors
    /// The disk's.
    pub fn clear(&self) -> Result<usize, PromoteError> {
        let _ = &self.base;
        Ok(0)
    }

    /// Copies what a run wrote to versions of its name, each complete and synced, and none of them current yet. A version that is there
    /// already stays as it is, so it may be asked for again.
    ///
    /// # Errors
    /// `Refused`: a source that is not there, is a link, holds links, or was not written by this run; `Full`; `Io`. None of the versions
    /// that this call made is there then.
    pub fn stage(&self, run: &str, promote: &Promote, record: &RunRecord) -> Result<Vec<Version>, PromoteError> {
        let _ = (run, promote, record);
        Ok(Vec::new())
    }

    /// Makes a version the current one, in one step; a reader sees the old or the new one. Gives whether it was not already.
    /// Restoring is publishing an earlier version.
    ///
    /// # Errors
    /// `Missing`: no such version; `Refused`: a name that is none, or `current` is not a link; `Io`.
    pub fn publish(&self, name: &str, version: &str) -> Result<bool, PromoteError> {
        let _ = (name, version);
        Ok(false)
    }

    /// The current version of a name, if there is one that is complete.
    ///
    /// # Errors
    /// `Refused`: a name that is none, or `current` does not lead to a version; `Io`.
    pub fn current(&self, name: &str) -> Result<Option<String>, PromoteError> {
        let _ = name;
        Ok(None)
    }

    /// The complete versions of a name, the latest first.
    ///
    /// # Errors
    /// `Refused`: a name that is none; `Io`.
    pub fn versions(&self, name: &str) -> Result<Vec<String>, PromoteError> {
        let _ = name;
        Ok(Vec::new())
    }

    /// Removes the versions of all names beyond the last `keep` (at least one), never a current one nor one of `needed` (as name and
    /// version: those that the store calls current, whose link may not be switched yet).
    ///
    /// # Errors
    /// The disk's; what was removed until then is gone as a whole.
    pub fn sweep(&self, keep: usize, needed: &BTreeSet<(String, String)>) -> Result<Swept, PromoteError> {
        let _ = (keep, needed);
        Ok(Swept::default())
    }
}
