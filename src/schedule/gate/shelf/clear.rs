//! What a server that died has left.

use std::io;
use std::path::Path;

use super::disk::Disk;
use super::{NEXT, PARTIAL, PromoteError, TRASH, VERSIONS};

/// Removes half copies, links that never became current, and versions that were being removed, in the folder of a name. Gives how
/// many.
pub(super) fn clear(disk: &Disk, folder: &Path) -> Result<usize, PromoteError> {
    let mut removed = 0;
    for (within, is_left) in [
        (folder.join(VERSIONS), (|name: &str| name.ends_with(PARTIAL)) as fn(&str) -> bool),
        (folder.to_path_buf(), |name: &str| name.starts_with(NEXT) || name == TRASH),
    ] {
        let failed = |error: io::Error| PromoteError::of("cannot clear", &within, &error);
        let entries = match std::fs::read_dir(&within) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(failed(error)),
        };
        for entry in entries {
            let entry = entry.map_err(failed)?;
            if !entry.file_name().to_str().is_some_and(is_left) {
                continue;
            }
            // A link is not followed.
            let is_folder = entry.file_type().map_err(failed)?.is_dir();
            let gone = if is_folder { disk.remove_all(&entry.path()) } else { disk.remove_file(&entry.path()) };
            gone.map_err(failed)?;
            removed += 1;
        }
    }
    Ok(removed)
}
