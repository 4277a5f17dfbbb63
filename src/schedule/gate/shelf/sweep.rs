//! Versions that go.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::disk::Disk;
use super::{PromoteError, TRASH};
use crate::staging;

/// Removes a complete version so that it is never there by half: first it leaves its place in one step.
pub(super) fn discard(disk: &Disk, version: &Path) -> Result<(), PromoteError> {
    remove(disk, &take_away(disk, version)?)
}

/// Takes a complete version from its place to where it can be removed, in one step.
pub(super) fn take_away(disk: &Disk, version: &Path) -> Result<PathBuf, PromoteError> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let failed = |error: io::Error| PromoteError::of("cannot remove", version, &error);
    let Some((versions, name)) = version.parent().zip(version.file_name()) else { return Ok(version.to_path_buf()) };
    let trash = versions.parent().unwrap_or(versions).join(TRASH);
    disk.make_folders(&trash).map_err(failed)?;
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let gone = trash.join(format!("{}.{}.{count}", name.to_string_lossy(), staging::mark()));
    disk.rename(version, &gone).map_err(failed)?;
    disk.sync(versions).map_err(failed)?;
    Ok(gone)
}

/// Removes what was taken away.
pub(super) fn remove(disk: &Disk, gone: &Path) -> Result<(), PromoteError> {
    disk.remove_all(gone).map_err(|error| PromoteError::of("cannot remove", gone, &error))
}
