//! Files whose change starts a job: which, how they look, and when they have settled.
//!
//! The rule is a function of snapshots and a clock that are given, so it is tested without waiting. [`snapshot()`] and [`holds()`] alone
//! touch the disk.

mod pattern;
mod poller;
mod snapshot;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;

pub use pattern::Pattern;
pub use poller::{Changed, Poller};
pub use snapshot::{MOST_FILES, Snapshot, Stamp, holds, snapshot};

use crate::schedule::Period;

/// What to watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watch {
    /// Which files.
    pub path: Pattern,
    /// So long they must not have changed.
    pub settled: Period,
}
