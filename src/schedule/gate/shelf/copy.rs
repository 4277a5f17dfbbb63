//! A version is made: copied beside its place, synced, renamed.

use std::io;
use std::path::Path;

use super::disk::Disk;
use super::source::Source;
use super::{PARTIAL, PromoteError, ending};
use crate::digits;
use crate::disk as room;
use crate::staging::{Unfinished, folder_of};

/// Room that is left free beside a copy, in bytes: databases and logs live on the same disk.
const SPARE: u64 = 16 << 20;

/// Copies a source to its place.
///
/// Errors: no room (before anything is copied, or while it is), a source that changes meanwhile, the disk's. Nothing is left
/// of it then, or, when even that fails, a half copy that the next start removes.
pub(super) fn copy(disk: &Disk, source: &Source, target: &Path) -> Result<(), PromoteError> {
    let partial = ending(target, PARTIAL);
    let versions = folder_of(target);
    let failed = |error: io::Error| PromoteError::of("cannot keep a version in", versions, &error);
    disk.make_folders(versions).map_err(failed)?;
    if partial.symlink_metadata().is_ok() {
        let gone = if partial.is_symlink() { disk.remove_file(&partial) } else { disk.remove_all(&partial) };
        gone.map_err(failed)?;
    }
    check_room(versions, source.bytes())?;
    let _unfinished = Unfinished::new(&partial);
    let made = fill(disk, source, &partial).and_then(|()| disk.rename(&partial, target).map_err(failed));
    if let Err(error) = made {
        let _ = disk.remove_all(&partial);
        return Err(error);
    }
    // The rename is only certain when the folder is synced; a version that may vanish in a crash must not be published.
    if let Err(error) = disk.sync(versions) {
        let _ = super::sweep::discard(disk, target);
        return Err(failed(error));
    }
    // So that `models/NAME` itself stays, when it was made just now.
    for folder in versions.ancestors().skip(1).take(3) {
        disk.sync(folder).map_err(failed)?;
    }
    Ok(())
}

fn check_room(folder: &Path, bytes: u64) -> Result<(), PromoteError> {
    match room::space(folder) {
        Some((_, free)) if free < bytes.saturating_add(SPARE) => Err(PromoteError::Full(format!(
            "there is no room in `{}` for a version of {}: {} are free; free some space, or keep fewer versions",
            folder.display(),
            digits::bytes(bytes),
            digits::bytes(free)
        ))),
        _ => Ok(()),
    }
}

fn fill(disk: &Disk, source: &Source, partial: &Path) -> Result<(), PromoteError> {
    let failed = |error: io::Error| PromoteError::of("cannot copy to", partial, &error);
    disk.make_folder(partial).map_err(failed)?;
    // In order, so those above come first.
    for folder in &source.folders {
        disk.make_folder(&partial.join(folder)).map_err(failed)?;
    }
    for file in &source.files {
        let path = source.path(file);
        let failed = |error: io::Error| PromoteError::of("cannot copy", &path, &error);
        let bytes = disk.copy(&path, &partial.join(&file.within)).map_err(failed)?;
        if bytes != file.bytes || !file.is_unchanged(&path) {
            return Err(PromoteError::Refused(format!(
                "`{}` was written to while it was copied; two runs must not write the same output",
                path.display()
            )));
        }
    }
    // From the inside out.
    for folder in source.folders.iter().rev() {
        disk.sync(&partial.join(folder)).map_err(failed)?;
    }
    disk.sync(partial).map_err(failed)
}
