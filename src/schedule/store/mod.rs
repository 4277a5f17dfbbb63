//! What `gristmill serve` keeps: one embedded database, `gristmill.db`, in the folder that is served.
//!
//! # What is in it
//!
//! | table | one row is | begin with |
//! |---|---|---|
//! | `jobs`, `definitions` | a job file by name: the last version that was good, what is wrong with the present one, paused since | `jobs.rs` |
//! | `occurrences` | a time at which a job was to run, once, and what became of it: due, started, skipped, dropped | `occurrences.rs` |
//! | `submissions` | a request by hand or by HTTP under a key: repeated, it is the same run | `submissions.rs` |
//! | `runs` | an attempt and its state | `run.rs`, `claim.rs`, `finish.rs`, `stop.rs` |
//! | `partitions` | a day, month or file of a job and its last run | `partitions.rs` |
//! | `backfills`, `backfill_items` | a range of partitions that is worked through, a stated number at a time | `backfills.rs` |
//! | `promotions` | a version of a model or output that became, or was refused as, the current one | `promotions.rs` |
//! | `notifications` | a message to send: recorded once, sent at least once | `notifications.rs` |
//! | `audit` | who did what | `audit.rs` |
//! | `totals`, `garbage` | runs that ended, ever; folders to remove | `finish.rs`, `retention.rs` |
//!
//! # The states of a run
//!
//! ```text
//! queued --claim--> starting --begin--> running --finish--> succeeded | failed | timed_out | lost | cancelled
//!    |  <--give_back--'  '------------finish-------------------^                                       ^
//!    '-------------------------------------stop------------------------------------------------------------'
//! ```
//!
//! # Rules
//!
//! - **A change is one transaction**, and each step of a run is a compare-and-set within it. What follows from a run's end (a
//!   retry, messages, a promotion, runs of other jobs) is written in the transaction that ends it. So a crash at any moment
//!   leaves the state before or after, and every change may be asked for again: what happened already is answered, not repeated.
//! - **Acknowledged is durable**: the log is synced at each commit (`synchronous=FULL`). An error can come back although the
//!   change was kept (the machine died before the answer); repeating the request with its key or claim finds out.
//! - **A claim is a fence.** A run that was given back and claimed again does not listen to the worker of the earlier claim. A
//!   run that ended never changes again: a late success overrides neither a cancellation nor a loss. Twice success among the
//!   attempts of one run is refused by the database itself.
//! - **No moment is measured here.** Callers give `now`; silence of workers is told by a clock that does not step
//!   ([`Silence`]). Moments are kept in microseconds, in UTC.
//! - **Secrets are never stored.** Definitions and parameters are kept as they were written, with references to secrets in
//!   them; messages and payloads come from callers, who give none.
//! - One process serves a folder ([`Lock`]); others (the command line) may read and write at the same time: SQLite lets one
//!   write after the other, and readers see the last commit.
//!
//! The tests let each operation fail in turn, kill processes and tear the log; [`Store::verify`] states what must always hold.

mod audit;
mod backfills;
mod claim;
mod connection;
mod error;
mod faults;
mod finish;
mod glimpses;
mod jobs;
mod lock;
mod migrations;
mod notifications;
mod occurrences;
mod partitions;
mod promotions;
mod retention;
mod run;
mod runs;
mod session;
mod silence;
mod stop;
mod submissions;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::print_stderr)]
mod tests;
mod value;
mod verify;
mod words;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, TransactionBehavior};

pub use audit::AuditEntry;
pub use backfills::{Backfill, BackfillItem, BackfillState, ItemState, NewBackfill};
pub use claim::{Begun, Candidate, Claim, Claimed, Worker};
pub use error::{ErrorKind, Result, StoreError};
pub use faults::Faults;
pub use finish::{Consequences, Ending, Finished, Retry};
pub use glimpses::Glimpse;
pub use jobs::{Change, Job, JobState, Overview};
pub use lock::{LOCK_FILE, Lock};
pub use notifications::{Delivery, NewNotification, Notification, NotificationState};
pub use occurrences::{Decision, Occurrence, Outcome, Planned, Recorded};
pub use partitions::Partition;
pub use promotions::{NewPromotion, Promotion, PromotionState, Verdict};
pub use retention::{Retention, Swept};
pub use run::{CutOff, NewRun, Origin, Run, RunState, StopReason};
pub use runs::{Page, RunFilter, Total};
pub use silence::{Alive, Silence};
pub use stop::Stopped;
pub use submissions::{Submission, Submitted};
pub use value::{Object, RunId};
pub use verify::Depth;

use session::Session;

/// The name of the database in the folder that is served.
pub const DATABASE: &str = "gristmill.db";

/// The most rows that one page of a list has.
pub const LONGEST_PAGE: usize = 1000;

/// A limit of rows as SQL takes it.
fn longest(limit: usize) -> i64 {
    i64::try_from(limit.clamp(1, LONGEST_PAGE)).unwrap_or(i64::MAX)
}

/// The database of a folder. All calls block; any thread may make them.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    writer: Mutex<Connection>,
    readers: connection::Readers,
    faults: Arc<Faults>,
}

impl Store {
    /// Opens the database of a folder, makes it where there is none, and brings an older one to the present layout.
    ///
    /// It is looked through for damage ([`Depth::Start`]).
    ///
    /// Errors: damaged, newer, another program's, no room, not writable; nothing is replaced or repaired.
    pub fn open(folder: &Path) -> Result<Self> {
        Self::open_with(folder, Arc::new(Faults::none()))
    }

    /// As [`Store::open`], with faults that a test orders.
    pub fn open_with(folder: &Path, faults: Arc<Faults>) -> Result<Self> {
        let path = folder.join(DATABASE);
        let open = || -> Result<Connection> {
            faults.step("open")?;
            let mut writer = connection::writer(&path)?;
            migrations::migrate(&mut writer, migrations::STEPS, &faults)?;
            let found = verify::damage(&Session::new(&writer, &faults), Depth::Start)?;
            if let Some(detail) = found.into_iter().next() {
                return Err(StoreError::Corrupt { path: path.clone(), detail });
            }
            Ok(writer)
        };
        let writer = open().map_err(|error| error.at(&path))?;
        Ok(Self { writer: Mutex::new(writer), readers: connection::Readers::new(&path), path, faults })
    }

    /// The database's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// One transaction: all that `work` does, or nothing.
    fn write<T>(&self, work: impl FnOnce(&Session<'_>) -> Result<T>) -> Result<T> {
        let mut connection = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let attempt = || -> Result<T> {
            self.faults.step("begin")?;
            // Immediate: a transaction that reads first and writes later could be refused in the middle.
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let answer = work(&Session::new(&transaction, &self.faults))?;
            self.faults.step("commit")?;
            transaction.commit()?;
            self.faults.step("answer")?;
            Ok(answer)
        };
        attempt().map_err(|error| error.at(&self.path))
    }

    /// One look at the last committed state.
    fn read<T>(&self, look: impl FnOnce(&Session<'_>) -> Result<T>) -> Result<T> {
        let answer = self.readers.with(|connection| {
            // All statements of one look see one state.
            let transaction = connection.unchecked_transaction()?;
            let answer = look(&Session::new(&transaction, &self.faults))?;
            transaction.finish()?;
            Ok(answer)
        });
        answer.map_err(|error| error.at(&self.path))
    }

    /// Whether a change can be written: writes one that changes nothing.
    ///
    /// Errors: it cannot, and why.
    pub fn probe(&self) -> Result<()> {
        self.write(|session| {
            session.execute("UPDATE jobs SET turn = turn WHERE name = (SELECT min(name) FROM jobs)", []).map(drop)
        })
    }

    /// Moves what is in the log into the database, so that a copy of the one file is complete. Best when nobody reads.
    ///
    /// Errors: the disk's.
    pub fn checkpoint(&self) -> Result<()> {
        let connection = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let done = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        done.map_err(|error| StoreError::from(error).at(&self.path))
    }
}
