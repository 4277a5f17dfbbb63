//! What can go wrong with asking.

use crate::schedule::service::{Kind, ServiceError};
use crate::schedule::web::Problem;

/// The answer of everything in this room.
pub(crate) type Result<T> = std::result::Result<T, ClientError>;

/// An error of asking.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// The folder's own scheduler.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The address of the server.
    #[error("`{url}` is no address of a server: {reason}")]
    Address {
        /// As it was given, without what could be a password.
        url: String,
        /// Why not.
        reason: &'static str,
    },
    /// The token would be read on the way.
    #[error("{url} is another machine and not encrypted (`http://`): everybody on the way could read the token")]
    Clear {
        /// The server.
        url: String,
    },
    /// Something of this machine that is needed to ask.
    #[error("{0}")]
    Here(String),
    /// There is no answer.
    #[error("no server answers at {url}: {why}")]
    Unreachable {
        /// The server.
        url: String,
        /// Why not.
        why: String,
    },
    /// It shows a certificate that is not trusted, or speaks no TLS.
    #[error("the server at {url} is not who it should be, or speaks no TLS: {why}")]
    Untrusted {
        /// The server.
        url: String,
        /// Why not.
        why: String,
    },
    /// Something answers that is no server of this program.
    #[error("what answers at {url} is no gristmill server: {why}")]
    Stranger {
        /// The server.
        url: String,
        /// What it answered.
        why: String,
    },
    /// Its version is another one.
    #[error("the server at {url} is gristmill {theirs}, and this is gristmill {ours}")]
    Version {
        /// The server.
        url: String,
        /// Its version.
        theirs: String,
        /// That of this program.
        ours: &'static str,
    },
    /// It does not know the token.
    #[error("the server at {url} refuses the token: {}", problem.message)]
    Token {
        /// The server.
        url: String,
        /// Its words.
        problem: Problem,
    },
    /// It answers with a problem of its own.
    #[error("{}", .0.message)]
    Problem(Problem),
}

/// Whose fault an error is: it decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// What was asked for, or how: exit 2.
    Asked,
    /// The state cannot be reached, read or written: exit 6.
    State,
}

impl ClientError {
    /// Whose fault it is. A server's problem is what the same problem of a folder would be.
    pub(crate) fn cause(&self) -> Cause {
        match self {
            Self::Service(error) => match error.kind() {
                Kind::NotFound | Kind::Refused | Kind::Forbidden | Kind::Conflict | Kind::Served => Cause::Asked,
                Kind::Unavailable | Kind::Broken => Cause::State,
            },
            Self::Problem(problem) => match problem.status {
                408 | 429 | 500.. => Cause::State,
                _ => Cause::Asked,
            },
            Self::Unreachable { .. } => Cause::State,
            _ => Cause::Asked,
        }
    }

    /// What a person can do about it, where the message does not say that.
    pub(crate) fn help(&self) -> Option<String> {
        let words = match self {
            Self::Service(error) => return error.help().map(str::to_owned),
            Self::Problem(problem) => return problem.help.clone(),
            Self::Address { .. } => "write it as `gristmill serve` prints it, such as https://jobs.example.org:7878",
            Self::Clear { .. } => {
                "use `https://`; or allow it with `--insecure-host`, where something else encrypts the way"
            }
            Self::Here(_) => return None,
            Self::Unreachable { .. } => {
                "start one with `gristmill serve`; without `--server` and GRISTMILL_SERVER the folder's database is asked"
            }
            Self::Untrusted { why, .. } if why.to_ascii_lowercase().contains("unknownissuer") => {
                "if its certificate is of an authority of your own, name that with `--ca FILE`"
            }
            Self::Untrusted { .. } => {
                "give the name for which its certificate is made out, and `https://` only with TLS"
            }
            Self::Stranger { .. } => "look at the address, and at what stands in front of the server",
            Self::Version { .. } => "use the program of the server's version",
            Self::Token { .. } => {
                "give the server's token, or its reader's, with `--token-file FILE` or in GRISTMILL_TOKEN"
            }
        };
        Some(words.to_owned())
    }
}
