//! Files and folders that stand beside their place until they are complete.

use std::fs::File;
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempDir};

use super::output_error;
use crate::engine::EngineError;
use crate::staging::{Unfinished, folder_of as folder};

/// A file that gets its name when it is complete; dropped before, it leaves nothing.
pub(super) struct StagedFile {
    file: NamedTempFile,
    unfinished: Unfinished,
    path: PathBuf,
    parents: Parents,
}

impl StagedFile {
    /// A temporary file in the folder of `path`, which is made when it is missing.
    pub(super) fn new(path: &Path) -> Result<Self, EngineError> {
        if path.is_dir() {
            return Err(output_error(path, &std::io::ErrorKind::IsADirectory.into()));
        }
        let (file, parents) = within(path, || builder(path, 0o666, |builder| builder.tempfile_in(folder(path))))?;
        Ok(Self { unfinished: Unfinished::new(file.path()), file, path: path.to_owned(), parents })
    }

    /// A handle to write with.
    pub(super) fn writer(&self) -> Result<File, EngineError> {
        self.file.as_file().try_clone().map_err(|error| output_error(&self.path, &error))
    }

    /// Syncs the file, gives it its name and answers with its size in bytes.
    pub(super) fn publish(self) -> Result<u64, EngineError> {
        let Self { file, unfinished, path, parents } = self;
        let failed = |error: &std::io::Error| output_error(&path, error);
        file.as_file().sync_all().map_err(|error| failed(&error))?;
        let bytes = file.as_file().metadata().map_err(|error| failed(&error))?.len();
        file.persist(&path).map_err(|error| failed(&error.error))?;
        drop(unfinished);
        parents.keep();
        sync_folder(folder(&path)).map_err(|error| failed(&error))?;
        Ok(bytes)
    }
}

/// A folder that gets its name when it is complete; dropped before, it leaves nothing.
pub(super) struct StagedFolder {
    folder: TempDir,
    unfinished: Unfinished,
    path: PathBuf,
    parents: Parents,
}

impl StagedFolder {
    /// A temporary folder beside `path`.
    pub(super) fn new(path: &Path) -> Result<Self, EngineError> {
        let (folder, parents) = within(path, || builder(path, 0o777, |builder| builder.tempdir_in(folder(path))))?;
        Ok(Self { unfinished: Unfinished::new(folder.path()), folder, path: path.to_owned(), parents })
    }

    /// Where to write.
    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Gives the folder its name; a folder that had the name before is removed once the new one stands.
    pub(super) fn publish(self) -> Result<(), EngineError> {
        let Self { folder: staged, unfinished, path, parents } = self;
        let failed = |error: std::io::Error| output_error(&path, &error);
        sync_folder(staged.path()).map_err(failed)?;
        if path.exists() && crate::staging::exchange(staged.path(), &path).is_ok() {
            // The old folder stands under the temporary name now, and goes with it.
            drop(staged);
            drop(unfinished);
            parents.keep();
            return sync_folder(folder(&path)).map_err(failed);
        }
        if path.exists() {
            // Without an exchange in one step there is a moment in which neither has the name.
            let before = builder(&path, 0o777, |builder| builder.tempdir_in(folder(&path))).map_err(failed)?;
            let aside = before.path().join("before");
            std::fs::rename(&path, &aside).map_err(failed)?;
            if let Err(error) = std::fs::rename(staged.path(), &path) {
                // The old folder comes back; should even that fail, the first error says why.
                drop(std::fs::rename(&aside, &path));
                return Err(failed(error));
            }
        } else {
            std::fs::rename(staged.path(), &path).map_err(failed)?;
        }
        drop(unfinished);
        drop(staged.keep());
        parents.keep();
        sync_folder(folder(&path)).map_err(failed)
    }
}

/// Makes the folders on the way to `path` and something in the last of them.
fn within<T>(path: &Path, make: impl Fn() -> std::io::Result<T>) -> Result<(T, Parents), EngineError> {
    let mut tries = 0;
    loop {
        let parents = Parents::make(path)?;
        match make() {
            Ok(made) => return Ok((made, parents)),
            // Another run that failed took the folder, which it had made, away again.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && tries < 3 => tries += 1,
            Err(error) => return Err(output_error(path, &error)),
        }
    }
}

/// Folders that were missing on the way to a path; those made are removed again unless they are kept.
struct Parents(Vec<PathBuf>);

impl Parents {
    fn make(path: &Path) -> Result<Self, EngineError> {
        let mut made = Self(Vec::new());
        let missing: Vec<&Path> =
            folder(path).ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists()).collect();
        for folder in missing.into_iter().rev() {
            match std::fs::create_dir(folder) {
                Ok(()) => {
                    crate::staging::note_made(folder);
                    made.0.push(folder.to_owned());
                }
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(output_error(path, &error)),
            }
        }
        Ok(made)
    }

    fn keep(mut self) {
        self.0.clear();
    }
}

impl Drop for Parents {
    fn drop(&mut self) {
        for folder in self.0.iter().rev() {
            // Only empty folders go; somebody may have put something there meanwhile.
            drop(std::fs::remove_dir(folder));
        }
    }
}

fn builder<T>(
    path: &Path,
    mode: u32,
    make: impl FnOnce(&tempfile::Builder<'_, '_>) -> std::io::Result<T>,
) -> std::io::Result<T> {
    let prefix = crate::staging::temporary_prefix(path);
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(crate::staging::SUFFIX);
    #[cfg(not(unix))]
    let _ = mode;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // What the process would give any new file, less what its mask takes away.
        builder.permissions(std::fs::Permissions::from_mode(mode));
    }
    make(&builder)
}

/// Makes the names in a folder survive a crash.
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
