//! The link that says which version is the current one.

use std::ffi::OsStr;
use std::io;
use std::path::{Component, Path};
use std::sync::atomic::{AtomicU64, Ordering};

use super::disk::Disk;
use super::{CURRENT, NEXT, PromoteError, VERSIONS, check_version};
use crate::staging;

/// Switches `current` in a name's folder to a version that is there. Gives whether it was not that already.
pub(super) fn publish(disk: &Disk, folder: &Path, version: &str) -> Result<bool, PromoteError> {
    let link = folder.join(CURRENT);
    let failed = |error: io::Error| PromoteError::of("cannot switch", &link, &error);
    if current(folder).is_ok_and(|current| current.as_deref() == Some(version)) {
        // The switch may have been made right before a crash, and not be synced.
        disk.sync(folder).map_err(failed)?;
        return Ok(false);
    }
    if link.symlink_metadata().is_ok_and(|found| !found.is_symlink()) {
        return Err(PromoteError::Refused(format!(
            "`{}` is no link, so somebody else made it; move it away, then promote or restore again",
            link.display()
        )));
    }
    // Unique, so that two processes never rename each other's link; the place is always in the same folder, so the rename is
    // one step.
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let next = folder.join(format!("{NEXT}{}.{}", staging::mark(), COUNT.fetch_add(1, Ordering::Relaxed)));
    disk.link(&Path::new(VERSIONS).join(version), &next).map_err(failed)?;
    if let Err(error) = disk.rename(&next, &link) {
        // One that cannot be removed now is removed at the next start.
        let _ = disk.remove_file(&next);
        return Err(failed(error));
    }
    disk.sync(folder).map_err(failed)?;
    Ok(true)
}

/// The version to which `current` leads, whether it is there or not; none without a link.
///
/// Errors: it is no link, or leads somewhere else.
pub(super) fn current(folder: &Path) -> Result<Option<String>, PromoteError> {
    let link = folder.join(CURRENT);
    let stray = || PromoteError::Refused(format!("`{}` leads to no version of its own", link.display()));
    let target = match std::fs::read_link(&link) {
        Ok(target) => target,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
            return Err(PromoteError::Refused(format!("`{}` is no link", link.display())));
        }
        Err(error) => return Err(PromoteError::of("cannot read the link", &link, &error)),
    };
    let mut parts = target.components();
    match (parts.next(), parts.next(), parts.next()) {
        (Some(Component::Normal(first)), Some(Component::Normal(version)), None) if first == OsStr::new(VERSIONS) => {
            let version = version.to_str().filter(|version| check_version(version).is_ok()).ok_or_else(stray)?;
            Ok(Some(version.to_owned()))
        }
        _ => Err(stray()),
    }
}
