//! What can go wrong with what is asked of the scheduler.

use std::path::PathBuf;

use crate::schedule::store::{ErrorKind, StoreError};

/// The answer of everything in this room.
pub type Result<T> = std::result::Result<T, ServiceError>;

/// An error of the service. Nothing has changed when one comes back, unless it says so.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// What is asked for is not there.
    #[error("there is no {what} `{name}`{}", nearest.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
    NotFound {
        /// The kind of thing.
        what: &'static str,
        /// Its name as it was given.
        name: String,
        /// The nearest name that there is.
        nearest: Option<String>,
    },
    /// The request is wrong and stays so however often it is made.
    #[error("{reason}")]
    Refused {
        /// Why, and what to do.
        reason: String,
    },
    /// Who asks may only look.
    #[error("`{who}` may look but not change anything: {what} needs the role `admin`")]
    Forbidden {
        /// Who asks.
        who: String,
        /// What was asked for.
        what: &'static str,
    },
    /// What is asked for does not go with what is there now.
    #[error("{reason}")]
    Conflict {
        /// Why.
        reason: String,
    },
    /// A file of the served folder cannot be read or written.
    #[error("`{}` cannot be read or written: {detail}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        detail: String,
    },
    /// The database.
    #[error(transparent)]
    Store(StoreError),
}

/// What sort of error it is, for exit codes and HTTP states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What was named is not there: 404, exit 2.
    NotFound,
    /// The request is wrong: 422, exit 2.
    Refused,
    /// Not allowed: 403, exit 2.
    Forbidden,
    /// It does not go with what is there now: 409, exit 2.
    Conflict,
    /// Another server serves the folder: exit 2.
    Served,
    /// No room on the disk, or another process holds the database: it may go well later. 503, exit 6.
    Unavailable,
    /// The state cannot be read or written, or is damaged: 500, exit 6.
    Broken,
}

impl ServiceError {
    /// What sort of error it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::NotFound { .. } => Kind::NotFound,
            Self::Refused { .. } => Kind::Refused,
            Self::Forbidden { .. } => Kind::Forbidden,
            Self::Conflict { .. } => Kind::Conflict,
            Self::Io { .. } => Kind::Broken,
            Self::Store(error) => match error.kind() {
                ErrorKind::Missing => Kind::NotFound,
                ErrorKind::Conflict => Kind::Conflict,
                ErrorKind::Served => Kind::Served,
                ErrorKind::Full | ErrorKind::Busy => Kind::Unavailable,
                ErrorKind::Corrupt
                | ErrorKind::Newer
                | ErrorKind::Foreign
                | ErrorKind::ReadOnly
                | ErrorKind::Io
                | ErrorKind::Internal => Kind::Broken,
            },
        }
    }

    /// What a person can do about it, where the message does not say that.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::Store(error) => error.help(),
            Self::Io { .. } => Some(
                "let the user of the server read and write it, and move away what stands in its place, if something does",
            ),
            _ => None,
        }
    }

    pub(in crate::schedule) fn refused(reason: impl Into<String>) -> Self {
        Self::Refused { reason: reason.into() }
    }
}

impl From<StoreError> for ServiceError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Missing { what, name } => Self::NotFound { what, name, nearest: None },
            StoreError::Conflict { reason } => Self::Conflict { reason },
            error => Self::Store(error),
        }
    }
}
