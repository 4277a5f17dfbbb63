//! How a server is to serve.

use std::path::PathBuf;
use std::time::Duration;

use crate::schedule::gate::KEPT_VERSIONS;
use crate::schedule::queue::Limits;

/// How a server is to serve.
#[derive(Debug, Clone)]
pub struct Options {
    /// What may be at work at the same time, all jobs together.
    pub limits: Limits,
    /// What the folders of runs and the cache may take together, in bytes; without it nothing limits them but `keep`.
    pub disk: Option<u64>,
    /// How long workers may take to end when the server stops, before they are killed.
    pub grace: Duration,
    /// The program that is started as a worker: this one.
    pub program: PathBuf,
    /// Where people find the server's page, for the links in messages.
    pub url: Option<String>,
    /// How many versions of a promoted model or output are kept.
    pub versions: usize,
}

impl Options {
    /// The usual: as many runs as the machine has processors, 10 s for workers to end.
    pub fn new(program: PathBuf) -> Self {
        let runs = std::thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(1));
        Self {
            limits: Limits { runs: Some(runs), ..Limits::default() },
            disk: None,
            grace: Duration::from_secs(10),
            program,
            url: None,
            versions: KEPT_VERSIONS,
        }
    }
}
