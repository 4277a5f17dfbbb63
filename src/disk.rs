//! Room on the disk for what lasts only as long as a run: what there is, what may be used, and how to say that there is none.

use std::io;
use std::path::Path;

use crate::diagnostic::{Class, Diagnostic};

/// Whether an error of writing means that there is no room: on the disk, in a quota, under a limit of the system or of the run.
pub fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

/// A finding about a temporary file: [`Class::Limit`] when there is no room, else [`Class::Output`].
pub fn failure(what: &str, path: &Path, error: &io::Error) -> Diagnostic {
    if !is_full(error) {
        return crate::staging::failure(what, path, error);
    }
    let reason = crate::staging::reason(error);
    Diagnostic::error(Class::Limit, format!("{what}: there is no room for temporary files in `{}`: {reason}", path.display()))
        .help("free some space, allow more with `--disk`, or give more memory with `--memory`, so that less has to be written")
}

/// What the file system of `folder` has, in bytes: (in all, free for this user). None where the system does not tell.
pub fn space(folder: &Path) -> Option<(u64, u64)> {
    let found = rustix::fs::statvfs(folder).ok()?;
    Some((found.f_blocks.saturating_mul(found.f_frsize), found.f_bavail.saturating_mul(found.f_frsize)))
}

/// Bytes that the files of a folder take, and those of the folders in it. What cannot be read counts as none.
pub fn taken(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(found) if found.is_dir() => taken(&entry.path()),
            Ok(found) => found.len(),
            Err(_) => 0,
        })
        .sum()
}

/// Bytes that temporary files may take when nobody says: what leaves a tenth of the file system free.
pub fn default_limit(folder: &Path) -> u64 {
    space(folder).map_or(u64::MAX, |(all, free)| free.saturating_sub(all / 10))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn no_room_is_a_limit_and_other_trouble_is_not() {
        let class = |kind: io::ErrorKind| failure("cannot spill", Path::new("x"), &kind.into()).class;
        assert_eq!(class(io::ErrorKind::StorageFull), Class::Limit);
        assert_eq!(class(io::ErrorKind::QuotaExceeded), Class::Limit);
        assert_eq!(class(io::ErrorKind::PermissionDenied), Class::Output);
    }

    #[test]
    fn the_default_leaves_a_tenth_of_the_file_system_free() {
        let (all, free) = space(Path::new("/")).unwrap();
        assert!(default_limit(Path::new("/")) <= free.max(all / 10) - all / 10 + (1 << 30));
    }
}
