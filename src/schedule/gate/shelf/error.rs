//! Why something could not be promoted.

use std::io;
use std::path::Path;

use crate::disk::is_full;
use crate::staging::reason;

/// Versions that a message lists.
const LISTED: usize = 5;

/// Why something could not be promoted, restored or swept. Nothing is half-done then. The texts are for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
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

impl PromoteError {
    /// An error of the system at a path.
    pub(super) fn of(what: &str, path: &Path, error: &io::Error) -> Self {
        let message = format!("{what} `{}`: {}", path.display(), reason(error));
        match error.kind() {
            _ if is_full(error) => Self::Full(format!("{message}; free some space, or keep fewer versions")),
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::Io(format!("{message}; check who may write there"))
            }
            _ => Self::Io(message),
        }
    }

    /// A version that is not there.
    pub(super) fn gone(name: &str, version: &str, there: &[String]) -> Self {
        let there = match there {
            [] => "there is none".to_owned(),
            some => format!("there are {}", some.iter().take(LISTED).cloned().collect::<Vec<_>>().join(", ")),
        };
        Self::Missing(format!("version `{version}` of `{name}` is not there, or was swept; {there}"))
    }
}

/// Refuses a link or a file where a folder has to be, or nothing.
pub(super) fn not_a_folder(path: &Path) -> Option<PromoteError> {
    match path.symlink_metadata() {
        Ok(found) if found.is_symlink() => {
            Some(PromoteError::Refused(format!("`{}` is a link, and has to be a folder", path.display())))
        }
        Ok(found) if !found.is_dir() => {
            Some(PromoteError::Refused(format!("`{}` is a file, and has to be a folder", path.display())))
        }
        Ok(_) => None,
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => Some(PromoteError::of("cannot look at", path, &error)),
    }
}
