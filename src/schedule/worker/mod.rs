//! Processes that run pipelines: started, listened to, kept in time, ended.
//!
//! A run of a job is `gristmill run PIPELINE --json ..` in a process group of its own. That program is itself two processes, one that
//! works and one that waits for it (`cli/worker.rs`), so an exit code means here what it means on the command line.
//!
//! ```text
//! Launch --Working::start--> Working      stop, kill, note, identity
//!                               |
//!   standard output, error --> lines --> masked --> RUN/log.jsonl
//!                                                '--> Heard: Event, Line, Alive, Overdue, .., Ended (the last)
//! ```
//!
//! - [`Launch`]: what is started, and with which environment.
//! - [`Working`]: the handle of a process at work. When it is dropped, the process is killed.
//! - [`Heard`]: what comes of it, in order; [`Ended`] is always the last.
//! - [`Timekeeper`]: when a run or a stage has taken too long; a function of events and a time that never steps.
//! - [`Identity`], [`orphans`] and [`kill_orphan`]: workers of a server that died, told from others that got their number.
//! - [`log`]: the log of a run, bounded, one JSON object a line.
//! - [`metrics`]: the numbers of a run that are compared from run to run.
//!
//! Nothing here knows the store: the server writes down what it hears.

mod ended;
mod heard;
mod identity;
mod launch;
mod lines;
pub mod log;
mod memory;
mod metrics;
mod orphan;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;
mod timekeeper;
mod working;

pub use ended::{Ended, FailedStage};
pub use heard::{Heard, Stream};
pub use identity::Identity;
pub use launch::{Launch, SERVE};
pub use metrics::metrics;
pub use orphan::{Orphan, kill_orphan, orphans};
pub use timekeeper::{Overdue, Timekeeper, Timeouts};
pub use working::Working;
