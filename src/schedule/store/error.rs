//! What can go wrong with the store, by what a person has to do about it.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// The answer of everything in this room.
pub type Result<T> = std::result::Result<T, StoreError>;

/// An error of the store. Nothing has changed when one comes back, unless it says so.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file is damaged, or no database at all.
    #[error("the database `{}` is damaged: {detail}", path.display())]
    Corrupt {
        /// The database.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// A newer gristmill wrote the database.
    #[error("the database `{}` has version {found} of its layout, and this gristmill knows up to {known}", path.display())]
    Newer {
        /// The database.
        path: PathBuf,
        /// The version in the file.
        found: i64,
        /// The latest version known here.
        known: i64,
    },
    /// Another program's database stands under the name.
    #[error("`{}` is a database, but not one of gristmill", path.display())]
    Foreign {
        /// The database.
        path: PathBuf,
    },
    /// There is no room on the disk.
    #[error("the database `{}` cannot grow: there is no room on the disk", path.display())]
    Full {
        /// The database.
        path: PathBuf,
    },
    /// The file or its folder may not be written.
    #[error("the database `{}` cannot be written: {detail}", path.display())]
    ReadOnly {
        /// The database.
        path: PathBuf,
        /// Why.
        detail: String,
    },
    /// Another process holds the database longer than one waits for it.
    #[error("the database `{}` is held by another process", path.display())]
    Busy {
        /// The database.
        path: PathBuf,
    },
    /// The system refuses to read or write.
    #[error("the database `{}` cannot be read or written: {detail}", path.display())]
    Io {
        /// The database.
        path: PathBuf,
        /// What the system says.
        detail: String,
    },
    /// Another server serves the folder.
    #[error("the folder `{}` is served already{}", folder.display(), holder.map(|pid| format!(", by process {pid}")).unwrap_or_default())]
    Served {
        /// The folder.
        folder: PathBuf,
        /// The process that serves it, where it is known.
        holder: Option<u32>,
    },
    /// What is asked for is not there.
    #[error("there is no {what} `{name}`")]
    Missing {
        /// The kind of thing.
        what: &'static str,
        /// Its name as it was given.
        name: String,
    },
    /// The key of an earlier request came with another request.
    #[error("the key `{key}` was used for another request")]
    KeyReused {
        /// The idempotency key.
        key: String,
    },
    /// The run was given to another worker meanwhile.
    #[error("run `{run}` belongs to a later claim")]
    Stale {
        /// The run.
        run: String,
    },
    /// What is asked for does not go with what is there.
    #[error("{reason}")]
    Conflict {
        /// Why.
        reason: String,
    },
    /// The store contradicts itself: a bug here.
    #[error("the database refuses a change: {detail}")]
    Internal {
        /// What SQLite says.
        detail: String,
    },
}

/// What sort of error it is, for exit codes and HTTP states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// [`StoreError::Corrupt`].
    Corrupt,
    /// [`StoreError::Newer`].
    Newer,
    /// [`StoreError::Foreign`].
    Foreign,
    /// [`StoreError::Full`].
    Full,
    /// [`StoreError::ReadOnly`].
    ReadOnly,
    /// [`StoreError::Busy`].
    Busy,
    /// [`StoreError::Io`].
    Io,
    /// [`StoreError::Served`].
    Served,
    /// [`StoreError::Missing`].
    Missing,
    /// [`StoreError::KeyReused`], [`StoreError::Stale`] and [`StoreError::Conflict`].
    Conflict,
    /// [`StoreError::Internal`].
    Internal,
}

impl StoreError {
    /// What sort of error it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Corrupt { .. } => ErrorKind::Corrupt,
            Self::Newer { .. } => ErrorKind::Newer,
            Self::Foreign { .. } => ErrorKind::Foreign,
            Self::Full { .. } => ErrorKind::Full,
            Self::ReadOnly { .. } => ErrorKind::ReadOnly,
            Self::Busy { .. } => ErrorKind::Busy,
            Self::Io { .. } => ErrorKind::Io,
            Self::Served { .. } => ErrorKind::Served,
            Self::Missing { .. } => ErrorKind::Missing,
            Self::KeyReused { .. } | Self::Stale { .. } | Self::Conflict { .. } => ErrorKind::Conflict,
            Self::Internal { .. } => ErrorKind::Internal,
        }
    }

    /// What a person can do about it.
    pub fn help(&self) -> Option<&'static str> {
        Some(match self {
            Self::Corrupt { .. } => {
                "nothing was changed; stop the server, keep a copy of the file and of those beside it that end in `-wal` and \
                 `-shm`, then put a backup in its place, or save what can be read with \
                 `sqlite3 gristmill.db .recover | sqlite3 new.db`; without either, move the files away and start with an empty history"
            }
            Self::Newer { .. } => "use the newer gristmill, or put back the copy made before it was started",
            Self::Foreign { .. } => "serve another folder, or move that file away",
            Self::Full { .. } => "free some space; nothing was half written, and the server goes on when there is room",
            Self::ReadOnly { .. } => "let the user of the server write the folder and the files in it",
            Self::Busy { .. } => {
                "end the other program that has the file open (a backup, a shell of sqlite3), or try again"
            }
            Self::Io { .. } => "look at the disk and at the system's log",
            Self::Served { .. } => "one server serves a folder: stop the other one, or speak to it",
            Self::KeyReused { .. } => "give each request a key of its own; repeat a key only to repeat the request",
            Self::Missing { .. } | Self::Stale { .. } | Self::Conflict { .. } | Self::Internal { .. } => return None,
        })
    }

    /// Names the database, where the error came from SQLite, which does not.
    pub(super) fn at(mut self, database: &Path) -> Self {
        match &mut self {
            Self::Corrupt { path, .. }
            | Self::Newer { path, .. }
            | Self::Foreign { path }
            | Self::Full { path }
            | Self::ReadOnly { path, .. }
            | Self::Busy { path }
            | Self::Io { path, .. }
                if path.as_os_str().is_empty() =>
            {
                *path = database.to_path_buf();
            }
            _ => {}
        }
        self
    }

    pub(super) fn conflict(reason: impl Into<String>) -> Self {
        Self::Conflict { reason: reason.into() }
    }

    pub(super) fn missing(what: &'static str, name: impl ToString) -> Self {
        Self::Missing { what, name: name.to_string() }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::Error;
        let path = PathBuf::new();
        let detail = error.to_string();
        let code = error.sqlite_error_code();
        match (&error, code) {
            (_, Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)) => Self::Corrupt { path, detail },
            (_, Some(ErrorCode::DiskFull)) => Self::Full { path },
            (_, Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied)) => Self::ReadOnly { path, detail },
            (_, Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)) => Self::Busy { path },
            (_, Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen)) => Self::Io { path, detail },
            // What was written by a hand that is not ours.
            (
                Error::FromSqlConversionFailure(..) | Error::InvalidColumnType(..) | Error::IntegralValueOutOfRange(..),
                _,
            ) => Self::Corrupt { path, detail },
            _ => Self::Internal { detail },
        }
    }
}
