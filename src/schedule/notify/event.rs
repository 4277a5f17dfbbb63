//! What a message can tell of.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a message tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A run failed, took longer than its `timeout`, or was lost, and no retry is to come.
    Failure,
    /// A run succeeded, and the one before had failed for good.
    Recovery,
    /// A run succeeded. Not sent by a channel that tells `recovery` or `gate_refused` of the same run.
    Success,
    /// A run succeeded, but a condition of `require` kept what it made from being promoted.
    GateRefused,
    /// A run started more than 60 s after its scheduled time.
    Late,
    /// Scheduled runs were dropped: the server was not there at their time, and `catchup` does not make up for them.
    Missed,
}

impl Event {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Failure, Self::Recovery, Self::Success, Self::GateRefused, Self::Late, Self::Missed];

    /// The events that a channel tells which does not say.
    pub const USUAL: [Self; 4] = [Self::Failure, Self::Recovery, Self::GateRefused, Self::Missed];

    /// The word in job files, payloads and the database.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Failure => "failure",
            Self::Recovery => "recovery",
            Self::Success => "success",
            Self::GateRefused => "gate_refused",
            Self::Late => "late",
            Self::Missed => "missed",
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
