//! The server of a folder: the loop that decides what starts, hears what workers tell, and ends what has to end.
//!
//! ```text
//! job files, time, changed files --tick--> occurrences --overlap--> queue (the store) --permits--> worker
//!                                                                       ^                             |
//!            runs of `after` jobs, retries, backfills ------------------'----- end, gates, messages <-'
//! ```
//!
//! One thread owns the decisions: it wakes when somebody rings, when something is due, and each second, because the command line
//! may have written into the database meanwhile. Everything that could hold it up is done beside it (`turn::Aside`): judging by
//! gates, looking at watched files, ending orphans, sweeping; messages are sent by threads of their own. What it knows beyond the
//! database is found again by the next server, so it may be killed at any moment.
//!
//! | file | what is in it |
//! |---|---|
//! | `turn.rs` | the loop, a turn, what it is told |
//! | `jobs.rs`, `tick.rs` | job files and watched files; time into occurrences |
//! | `admission.rs` | overlap, limits |
//! | `work.rs`, `launch.rs`, `launcher.rs` | runs at work: started, heard, made to end |
//! | `exit.rs`, `ending.rs`, `judge.rs` | how a worker ended; the end of a run and what follows from it; gates |
//! | `messages.rs` | what is told to whom; the threads that send |
//! | `recovery.rs`, `sweep.rs` | what an earlier server left; what is removed |
//! | `log.rs`, `options.rs` | what the server says; how it is to serve |

mod admission;
mod ending;
mod exit;
mod jobs;
mod judge;
mod launch;
mod launcher;
mod log;
mod messages;
mod options;
mod recovery;
mod sweep;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;
mod threads;
mod tick;
mod turn;
mod work;

pub use log::{Log, Silent};
pub use options::Options;
pub use threads::Server;
