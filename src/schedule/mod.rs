//! The rules of time of `gristmill serve`: when a job is due, what becomes of what was missed, who starts next.
//!
//! Everything here but [`store`] is a function of what it is given: no input or output, no database, no thread, and no clock but the one
//! that is passed in ([`Clock`]). So a year of schedules is tested in seconds.
//!
//! ```text
//! Schedule --check--> Trigger --due(since, now)--> occurrences that fire, occurrences that are dropped and why
//!                                                        |
//!                     overlap: start, wait, skip, replace --> Permits: who starts next --> Ending --> retry, or the end
//! ```
//!
//! - [`trigger`]: cron patterns and intervals in a time zone; the next occurrences.
//! - [`catchup`]: what is due now, and which missed occurrences still run.
//! - [`overlap`]: an occurrence whose job is still at work.
//! - [`queue`]: priorities, fairness between jobs, limits of runs, memory and cores.
//! - [`ending`] and [`termination`]: what a run's exit means, and how a run is made to end.
//! - [`retry`]: whether and when a failed run is tried again.
//! - [`retention`]: which runs of the history may go.
//!
//! [`client`] asks a folder or a server for what the command line shows and changes.
//!
//! [`store`] keeps what happened, in a database; it knows the rules of this folder by their words only.

pub mod catchup;
pub(crate) mod client;
pub mod clock;
pub mod ending;
pub mod gate;
pub mod job;
pub mod notify;
pub mod occurrence;
pub mod overlap;
pub mod period;
pub mod queue;
pub mod retention;
pub mod retry;
pub mod server;
pub mod service;
pub mod store;
pub mod termination;
pub mod trigger;
pub mod web;
pub mod worker;
pub mod zone;

pub use catchup::{Catchup, Due, due};
pub use clock::{Clock, SimulatedClock, SystemClock};
pub use ending::Ending;
pub use occurrence::Occurrence;
pub use overlap::Overlap;
pub use period::Period;
pub use queue::Permits;
pub use trigger::{Schedule, Trigger};
