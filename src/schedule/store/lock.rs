//! One server a folder.
//!
//! The system lets go of the lock however its process ends, so a lock that can be taken is free; what the file says is only
//! for the message. The lock is advisory and belongs to the open file: it holds between processes and within one.

use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::error::{Result, StoreError};

/// The name of the file in the folder.
pub const LOCK_FILE: &str = "gristmill.lock";

/// The right to serve a folder, as long as this lives.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    _file: File,
}

impl Lock {
    /// Takes the folder for this process.
    ///
    /// Errors: [`StoreError::Served`] with the other process's number; [`StoreError::ReadOnly`] or [`StoreError::Io`] where the
    /// file cannot be made or the file system has no locks.
    pub fn take(folder: &Path) -> Result<Self> {
        let path = folder.join(LOCK_FILE);
        let failed = |error: std::io::Error| match error.kind() {
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                StoreError::ReadOnly { path: path.clone(), detail: error.to_string() }
            }
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StoreError::Full { path: path.clone() },
            _ => StoreError::Io { path: path.clone(), detail: error.to_string() },
        };
        let mut file =
            File::options().create(true).truncate(false).read(true).write(true).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                let holder = file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok());
                return Err(StoreError::Served { folder: folder.to_path_buf(), holder });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        // The number is shorter than what may be there, but never absent for long: a reader in between names nobody.
        file.set_len(0).map_err(failed)?;
        file.seek(SeekFrom::Start(0)).map_err(failed)?;
        writeln!(file, "{}", std::process::id()).map_err(failed)?;
        Ok(Self { path, _file: file })
    }

    /// Whether somebody serves the folder now. Changes nothing.
    pub fn is_held(folder: &Path) -> bool {
        let file = File::options().read(true).open(folder.join(LOCK_FILE));
        // What was taken here is let go with the file, at once.
        file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// The file that is locked. It stays when the lock goes: removing it would let two servers lock two files.
    pub fn path(&self) -> &Path {
        &self.path
    }
}
