//! Who asks, and what they may do.

use serde::{Deserialize, Serialize};

use super::error::{Result, ServiceError};

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    /// The name of a person, a token or a part of the program; it stands in the audit log.
    pub name: String,
    /// What they may do.
    pub role: Role,
}

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Look and change.
    Admin,
    /// Look.
    Reader,
}

impl Who {
    /// Somebody who may do all.
    pub fn admin(name: impl Into<String>) -> Self {
        Self { name: name.into(), role: Role::Admin }
    }

    /// Somebody who may look.
    pub fn reader(name: impl Into<String>) -> Self {
        Self { name: name.into(), role: Role::Reader }
    }

    /// Errors: who asks may only look.
    pub(super) fn may(&self, what: &'static str) -> Result<()> {
        match self.role {
            Role::Admin => Ok(()),
            Role::Reader => Err(ServiceError::Forbidden { who: self.name.clone(), what }),
        }
    }
}
