//! What is heard of a worker.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ended::Ended;
use super::timekeeper::Overdue;

/// Something that a worker said or that happened to it. Secrets are masked.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// An event of the run, as `gristmill run --json` prints it: an object with the name under `event`.
    Event(Value),
    /// A line that is no event.
    Line {
        /// Where it was written.
        stream: Stream,
        /// The line without its end; at most 64 KiB, and a remark when it was longer.
        text: String,
    },
    /// The worker says that it lives; nothing else happened.
    Alive,
    /// The run or a stage took too long. The worker is made to end; [`Heard::Ended`] follows.
    Overdue(Overdue),
    /// The process has ended, and all of its group. The last that is heard.
    Ended(Box<Ended>),
}

impl Heard {
    /// Whether it shows that the worker lives and works. A line alone does not: it may come from a process that it left behind.
    pub fn is_sign_of_life(&self) -> bool {
        matches!(self, Self::Event(_) | Self::Alive)
    }
}

/// Where a line of the log comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// The worker's standard output.
    Out,
    /// The worker's standard error.
    Err,
    /// The server itself.
    Server,
}
