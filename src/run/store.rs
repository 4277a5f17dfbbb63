//! The state folder `.gristmill`: layout, lock, and writing that leaves either the old or the new content.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::diagnostic::{Class, Diagnostic};
use crate::staging::{failure, write_atomically};

/// The state folder of a working directory.
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
    /// Held while the store is open; many runs share it, `clean` takes it alone.
    _lock: Option<File>,
}

impl Store {
    /// Opens (and makes) `.gristmill` in `base`, shared with other runs.
    ///
    /// Errors: the folder cannot be made or written, or is being cleaned right now.
    pub fn open(base: &Path) -> Result<Self, Diagnostic> {
        Self::open_with(base, File::try_lock_shared, "it is being cleaned by another gristmill")
    }

    /// Opens `.gristmill` for this process alone.
    ///
    /// Errors: as [`Store::open`], or a run is using it.
    pub fn open_exclusive(base: &Path) -> Result<Self, Diagnostic> {
        Self::open_with(base, File::try_lock, "a run is using it")
    }

    fn open_with(
        base: &Path,
        lock: fn(&File) -> Result<(), fs::TryLockError>,
        taken: &str,
    ) -> Result<Self, Diagnostic> {
        let root = base.join(".gristmill");
        let failed = |error: io::Error| failure("cannot open the state folder", &root, &error);
        fs::create_dir_all(root.join("cache")).map_err(failed)?;
        fs::create_dir_all(root.join("runs")).map_err(failed)?;
        let ignore = root.join(".gitignore");
        if !ignore.exists() {
            write_atomically(&ignore, b"*\n").map_err(failed)?;
        }
        let file = File::options().create(true).truncate(false).write(true).open(root.join("lock")).map_err(failed)?;
        match lock(&file) {
            Ok(()) => Ok(Self { root, _lock: Some(file) }),
            Err(fs::TryLockError::WouldBlock) => {
                Err(Diagnostic::error(Class::Output, format!("cannot open `{}`: {taken}", root.display())))
            }
            // Some network file systems have no locks; runs work there, one at a time.
            Err(fs::TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                Ok(Self { root, _lock: None })
            }
            Err(fs::TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Results of stages by fingerprint.
    pub fn cache(&self) -> PathBuf {
        self.root.join("cache")
    }

    /// Records of runs.
    pub fn runs(&self) -> PathBuf {
        self.root.join("runs")
    }

    /// Makes the folder of a new run and gives its name: the time and a number that tells runs of one second apart.
    pub fn new_run(&self, now: &jiff::Timestamp) -> Result<(String, PathBuf), Diagnostic> {
        let time = now.strftime("%Y%m%d-%H%M%S").to_string();
        for number in 0..1000 {
            let id = if number == 0 { time.clone() } else { format!("{time}-{number}") };
            let folder = self.runs().join(&id);
            match fs::create_dir(&folder) {
                Ok(()) => return Ok((id, folder)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(failure("cannot make the run's folder", &folder, &error)),
            }
        }
        Err(Diagnostic::error(Class::Output, format!("a thousand runs began at {time}")))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn two_runs_share_the_folder_but_cleaning_needs_it_alone() {
        let folder = tempfile::tempdir().unwrap();
        let first = Store::open(folder.path()).unwrap();
        let second = Store::open(folder.path()).unwrap();
        let error = Store::open_exclusive(folder.path()).unwrap_err();
        assert!(error.message.ends_with("a run is using it"), "{error}");
        drop((first, second));
        assert!(Store::open_exclusive(folder.path()).is_ok());
    }

    #[test]
    fn runs_of_one_second_have_different_names() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let now = jiff::Timestamp::UNIX_EPOCH;
        let (first, _) = store.new_run(&now).unwrap();
        let (second, _) = store.new_run(&now).unwrap();
        assert_eq!((first.as_str(), second.as_str()), ("19700101-000000", "19700101-000000-1"));
    }
}
