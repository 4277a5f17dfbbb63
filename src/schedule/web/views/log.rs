//! Logs.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::schedule::service;

/// A part of a log.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct LogPart {
    /// Whole lines: `{time, stream, line}` or `{time, stream, event}`; a text, where a line is no JSON.
    pub(crate) lines: Vec<Value>,
    /// What to give as `from` for the next part.
    pub(crate) next: u64,
    /// Whether the run has ended and this is all of its log.
    pub(crate) ended: bool,
}

impl From<service::LogPart> for LogPart {
    fn from(part: service::LogPart) -> Self {
        let lines = part.lines.into_iter().map(|line| serde_json::from_str(&line).unwrap_or(Value::String(line)));
        Self { lines: lines.collect(), next: part.next, ended: part.ended }
    }
}
