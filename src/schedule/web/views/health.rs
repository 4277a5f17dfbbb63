//! How the server is.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::schedule::service;

/// How the server is, and which it is.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Health {
    /// Always `gristmill`: a program may have been led to another server.
    #[schema(example = "gristmill")]
    pub(crate) server: String,
    /// Its version.
    #[schema(example = "0.1.0")]
    pub(crate) version: String,
    /// Whether its loop turns.
    pub(crate) alive: bool,
    /// Whether it takes and starts work.
    pub(crate) ready: bool,
    /// What is not as it should be, each a sentence.
    pub(crate) reasons: Vec<String>,
    /// Runs that wait.
    pub(crate) waiting: u64,
    /// Runs at work.
    pub(crate) working: u64,
}

/// The name by which a server of this program says what it is.
pub(crate) const SERVER: &str = "gristmill";

impl From<service::Health> for Health {
    fn from(health: service::Health) -> Self {
        Self {
            server: SERVER.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            alive: health.alive,
            ready: health.ready,
            reasons: health.reasons,
            waiting: health.queue,
            working: health.working,
        }
    }
}
